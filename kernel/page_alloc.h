/*
 * Physical pages: a buddy allocator (orders 0..12) with a small cache of single pages per hart.
 * Pages that are returned to the allocator are *dirty*; whoever gives one to user space or builds
 * a page table in it asks for a zeroed one.
 */
#ifndef KERNEL_PAGE_ALLOC_H
#define KERNEL_PAGE_ALLOC_H

#include "kernel/types.h"

#define PAGE_ORDER_MAX 12 /* the largest handle table: 2^20 slots of 16 bytes */

/* Tell the allocator about RAM [start, end), before any allocation; may be called repeatedly. */
void page_alloc_init(paddr lowest, paddr highest);
void page_alloc_add(paddr start, paddr end);

/* 2^order contiguous pages, aligned to their size. 0 = none. */
paddr page_alloc(unsigned int order) MUST_USE;
paddr page_alloc_zeroed(unsigned int order) MUST_USE;
void page_free(paddr page, unsigned int order);

/*
 * A zeroed block for a large page; to be called without locks. 0: none is free, or *is_late: an interrupt
 * has come, and the next call goes on with what has been done.
 */
paddr page_alloc_clear(bool *is_late) MUST_USE;
/* It is still clear. */
void page_free_clear(paddr block);
/* What is left for the next large page: 0, when memory is short. True: a block has become free. */
bool page_replace_spare(u64 block);

/* Give this hart's cached pages back, so that page_count_free is exact. */
void page_cache_drain(void);
u64 page_count_free(void);
/* Without the harts' caches: cheap. */
u64 page_count_unused(void);
u64 page_count_total(void);

/* Debug builds: walks the free lists. */
bool page_alloc_is_consistent(void);

#endif
