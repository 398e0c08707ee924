/*
 * The frame table: 32 bytes for each page of RAM, by frame number from `page_lowest`.
 *
 * Who owns the page uses its record: the buddy allocator while it is free; a paged memobj, under the
 * memobj's lock (links: under the lock of the list they are on); or, for anonymous pages (private
 * ones of page tables and those of anonymous memobjs), nobody: then `references` counts the entries
 * and memobjs that hold it.
 */
#ifndef KERNEL_PAGE_H
#define KERNEL_PAGE_H

#include <stdatomic.h>

#include "kernel/types.h"

struct memobj;

#define PAGE_NONE UINT32_MAX /* as a link: the end of a list */

/* States of a paged memobj's page. Absent pages have no frame; in a memobj that has no pager every
 * page is dirty for good. */
enum page_state {
	PAGE_CLEAN,
	PAGE_DIRTY,
	PAGE_WRITING, /* being written back; written to meanwhile it is PAGE_REDIRTIED */
	PAGE_REDIRTIED,
	PAGE_PREPARED, /* waits for a device to fill it: for all others still absent */
};

/* page->flags */
#define PAGE_FLAG_ACCESSED 1  /* used since second chance looked; mappings have their own bits */
#define PAGE_FLAG_HOLE 2      /* nothing is reserved behind it: the first write asks the pager */
#define PAGE_FLAG_RESERVING 4 /* it has been asked */
#define PAGE_FLAG_LISTED 8    /* on the list of pages in order of age */
#define PAGE_FLAG_FREE 16     /* a free block begins here */

struct page {
	struct memobj *owner;   /* of a paged memobj's page; NULL: anything else */
	_Atomic u32 references; /* of an anonymous page */
	union {
		u32 index;          /* in the owner */
		_Atomic u32 blocks; /* first one of a private block: see large_page.h */
	};
	u32 next, previous; /* a list's neighbours by frame number, PAGE_NONE: none */
	u32 request;        /* RESERVING: low bits of the request's id; PREPARED: see memobj.h;
			     * a page table: see page_table.c */
	u16 pins;           /* devices that may be working on it: it keeps its place */
	u8 state;           /* enum page_state; of a free block its order */
	u8 flags;
};

_Static_assert(sizeof(struct page) == 32, "the frame table costs 32 bytes a page");

extern struct page *page_frames; /* of the RAM page at page_lowest and those above */
extern u64 page_frame_count;
extern paddr page_lowest;

static inline struct page *page_of(paddr page)
{
	return &page_frames[(page - page_lowest) >> PAGE_SHIFT];
}

static inline paddr page_address(const struct page *page)
{
	return page_lowest + ((u64)(page - page_frames) << PAGE_SHIFT);
}

/* Of an address that a user has given; NULL: no page of RAM begins there. */
static inline struct page *page_frame(u64 address)
{
	u64 number = (address - page_lowest) >> PAGE_SHIFT;

	if (address < page_lowest || address & (PAGE_SIZE - 1) || number >= page_frame_count)
		return NULL;
	return &page_frames[number];
}

static inline u32 page_number(const struct page *page)
{
	return (u32)(page - page_frames);
}

#endif
