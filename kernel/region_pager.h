/* User-level pagers of regions. */
#ifndef KERNEL_REGION_PAGER_H
#define KERNEL_REGION_PAGER_H

#include "kernel/address_space.h"

struct region;
struct thread;

/*
 * The current thread's fault could not be resolved, with `error`; the space's lock is held. True: the
 * region's pager has been told and the thread blocks; then it executes its instruction again. False,
 * with *error: there is no pager, or it has given its answer.
 */
bool region_pager_wait(struct region *region, uaddr address, enum access access,
		       int *error) MUST_USE;

/* The thread stops waiting for a pager, because it is to die or take an upcall. */
bool region_pager_cancel(struct thread *thread) MUST_USE;

s64 sys_region_set_pager(u64 process, u64 address, u64 length, u64 port);
s64 sys_region_fetch_fault(u64 process, u64 fault);
s64 sys_region_end_fault(u64 process, u64 address, u64 error);

#endif
