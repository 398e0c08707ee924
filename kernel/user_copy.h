/*
 * The only ways to touch user memory. Each page is resolved through the owner's regions and page
 * tables and copied through the direct map, so a bad address is an error code, never a kernel
 * fault. `process` must not be freed meanwhile (borrowed pointers will do).
 */
#ifndef KERNEL_USER_COPY_H
#define KERNEL_USER_COPY_H

#include "kernel/types.h"

struct process;

/* 0, or -EFAULT / -ENOMEM: then an unspecified part has been copied. */
int copy_from_user(struct process *process, void *to, uaddr from, size_t length) MUST_USE;
int copy_to_user(struct process *process, uaddr to, const void *from, size_t length) MUST_USE;

/*
 * Between two spaces, straight. Returns the number of bytes copied (short at a page that cannot
 * be made present without waiting), or -EFAULT when that is the first byte. At most
 * COPY_CHUNK bytes are copied per call so that interrupts are not held off.
 */
#define COPY_CHUNK (128u << 10)
s64 copy_between(struct process *to_process, uaddr to, struct process *from_process, uaddr from,
		 size_t length) MUST_USE;

/* Is [address, address + length) inside user space, without wrapping? */
bool user_range_is_valid(u64 address, u64 length);

#endif
