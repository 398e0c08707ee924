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
 * Private pages: held by the page table entries of one or, after a fork, several spaces.
 * page_alloc_private: a page with one holder, a copy of `content` or zeroed (NULL). 0 = none.
 * page_unshare: one holder less; true when it was the last, who gives the page back.
 */
paddr page_alloc_private(const void *content) MUST_USE;
void page_share(paddr page);
bool page_is_shared(paddr page);
bool page_unshare(paddr page) MUST_USE;

/* Give this hart's cached pages back, so that page_count_free is exact. */
void page_cache_drain(void);
u64 page_count_free(void);
u64 page_count_total(void);

/* Debug builds: walks the free lists. */
bool page_alloc_is_consistent(void);

#endif
