/*
 * What the files that make up memobjs share: how pages come and go, and who waits for them. The
 * memobj's lock is held in all of these.
 */
#ifndef KERNEL_MEMOBJ_PAGES_H
#define KERNEL_MEMOBJ_PAGES_H

#include "kernel/memobj.h"

/* Waiting for something other than a page: keys beyond all page indices. A stream's key is its
 * address. */
#define WAIT_APPEND MEMOBJ_PAGES_MAX

struct memobj *memobj_create(struct account *account, enum memobj_kind kind, u64 length) MUST_USE;

/* Waiters with keys in [first, last] try again; with an error, to fail with it. */
void memobj_wake(struct memobj *memobj, u64 first, u64 last, int error);

/* The error that the current thread was woken with, if it waited for this page; once. Else 0. */
int memobj_take_error(struct memobj *memobj, u64 index) MUST_USE;

/* A paged memobj's page comes into being at an index without one. -ENOMEM: the frame is unused. */
int memobj_enter_page(struct memobj *memobj, u64 index, paddr page, enum page_state state,
		      u32 flags) MUST_USE;

/* The page at an index leaves; it is mapped nowhere any more. To *free unless others hold it. */
void memobj_leave(struct memobj *memobj, u64 index, struct page_list *free);

enum drop_kind {
	DROP_ALL,   /* whatever there is, and what is in flight */
	DROP_CLEAN, /* clean pages that no device works on */
};

/*
 * Pages of [first, last] become absent: one window of a bounded number of pages. Returns where to go
 * on, or DROP_DONE. The frames are for reclaim_page_list.
 */
#define DROP_DONE UINT64_MAX
u64 memobj_drop_pages(struct memobj *memobj, u64 first, u64 last, enum drop_kind kind,
		      struct page_list *free) MUST_USE;

/* Does the word say that request `id` asks for the page? */
static inline bool is_asked_by(u64 word, u64 id)
{
	return word & MEMOBJ_IN_FLIGHT && word >> MEMOBJ_FLIGHT_ID_SHIFT == id;
}

/* Of the answer: how many bytes count, 0: all. */
static inline u32 bytes_in_flight(u64 word)
{
	return (u32)(word >> 1) & (PAGE_SIZE - 1);
}

/* A page that comes to the memobj: what of it lies behind the end, or behind `bytes` (0: no limit),
 * where the end has been since it was asked for, may never be seen. */
void memobj_clear_beyond(struct memobj *memobj, u64 index, paddr page, u32 bytes);

/* Takes both locks: the second can only be tried, since their rank is the same. */
void memobj_lock_both(struct memobj *memobj, struct memobj *other);

/* The first index beyond a length. */
static inline u64 pages_of(u64 length)
{
	return (length + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

#endif
