/*
 * The only ways to touch user memory. Each page is resolved through the owner's regions and page
 * tables and copied through the direct map, so a bad address is an error code, never a kernel
 * fault. `process` must not be freed meanwhile (borrowed pointers will do).
 */
#ifndef KERNEL_USER_COPY_H
#define KERNEL_USER_COPY_H

#include "kernel/types.h"

struct process;

/* 0, or what address_space_resolve says: then an unspecified part has been copied. */
int copy_from_user(struct process *process, void *to, uaddr from, size_t length) MUST_USE;
int copy_to_user(struct process *process, uaddr to, const void *from, size_t length) MUST_USE;

/* All of a small range is there for writing. The same results. */
int user_prepare_write(struct process *process, uaddr address, size_t length) MUST_USE;

/*
 * What a full system call returns when a copy from or to its own process has failed: the error, or,
 * when a page must be waited for, nothing, because the thread blocks and makes the call again.
 */
s64 user_copy_failed(int error) MUST_USE;

/* A full system call stops for now and is made again, from the registers in its frame. */
s64 syscall_again(void) MUST_USE;
/* Must a long system call leave the kernel: is there an interrupt, or a reason to stop it? */
bool syscall_is_late(void);

/*
 * Between two spaces, straight. Returns the number of bytes copied (short at a page that cannot
 * be made present without waiting), or -EFAULT when that is the first byte. At most TERN_COPY_MAX
 * bytes a call, so that interrupts are not held off.
 */
s64 copy_between(struct process *to_process, uaddr to, struct process *from_process, uaddr from,
		 size_t length) MUST_USE;

/* Is [address, address + length) inside user space, without wrapping? */
bool user_range_is_valid(u64 address, u64 length);

#endif
