/* System calls on memobjs, and what they share. */
#ifndef KERNEL_MEMOBJ_CALLS_H
#define KERNEL_MEMOBJ_CALLS_H

#include "kernel/memobj.h"

/* Borrowed pointers; 0 or as handle_resolve. The second: OWNER, and -EINVAL unless it is paged. */
int memobj_resolve(u64 handle, u32 rights, struct memobj **memobj) MUST_USE;
int memobj_resolve_paged(u64 handle, struct memobj **memobj) MUST_USE;

/* A handle with all rights; takes over the reference. NULL: -ENOMEM. */
s64 memobj_insert(struct memobj *memobj) MUST_USE;

/*
 * A new length, with the lock held: what is beyond the old or the new end goes first. 0, -ENOMEM, or
 * -EAGAIN: it was cut off, but not all pages beyond the end have gone; call again.
 */
int memobj_resize_locked(struct memobj *memobj, u64 length) MUST_USE;

s64 sys_memobj_create(u64 account, u64 length);
s64 sys_memobj_create_physical(u64 account, u64 resource, u64 address, u64 length, u64 flags);
s64 sys_memobj_physical_address(u64 device, u64 memobj);
s64 sys_memobj_create_paged(u64 account, u64 port, u64 length, u64 flags);
s64 sys_memobj_info(u64 memobj, u64 query);
/* `is_cut`: the same call has cut off what is beyond the length before. */
s64 sys_memobj_set_length(u64 memobj, u64 length, u64 is_cut);
s64 sys_memobj_set_limit(u64 memobj, u64 limit);
s64 sys_memobj_set_modified(u64 memobj, u64 nanoseconds);
s64 sys_memobj_query(u64 memobj, u64 first, u64 count, u64 states);
/* `clone` and `index`: what the same call has made and reached before. */
s64 sys_memobj_clone(u64 account, u64 memobj, u64 clone, u64 index);
/* `dropped`: by the same call before. */
s64 sys_memobj_evict(u64 memobj, u64 first, u64 count, u64 dropped);
s64 sys_memobj_punch(u64 memobj, u64 first, u64 count, u64 dropped);

#endif
