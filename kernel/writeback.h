/*
 * Dirty pages: how they become so, how they are written back, and how many there may be. Limits are
 * kept in all and by account; whoever would go beyond waits until pagers have written some back.
 */
#ifndef KERNEL_WRITEBACK_H
#define KERNEL_WRITEBACK_H

#include "kernel/memobj.h"

/* The page is going to be written to; the memobj's lock is held. 0: it is dirty now; else as
 * memobj_page_locked. */
int writeback_dirty(struct memobj *memobj, struct page *page) MUST_USE;

/* Is there room for one more dirty page? 0, -EIO (nobody writes back), -EAGAIN (wait). */
int writeback_room(struct memobj *memobj) MUST_USE;
/* A clean page is dirty from now on. */
void writeback_enter(struct memobj *memobj, struct page *page);

/* The page leaves the memobj. */
void writeback_forget(struct memobj *memobj, struct page *page);

s64 sys_memobj_clean_begin(u64 memobj, u64 first, u64 count, u64 run);
s64 sys_memobj_clean_end(u64 memobj, u64 first, u64 count, u64 error);

#endif
