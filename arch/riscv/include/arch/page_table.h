/*
 * Page tables of user spaces.
 *
 * Three kinds of entries of the lowest level are not zero:
 *   a memobj's page   valid; only a cache of what the memobj says
 *   anonymous         valid and marked: holds a counted reference to a private page, which no
 *                     other structure knows: page tables are the anonymous layer
 *   parked            marked but not valid: the same while the region allows no access at all
 * One level up a valid entry can map 2 MiB at once: a physical memobj's, a block of an anonymous one's
 * pages, or, if it is anonymous, a private block (kernel/large_page.h).
 *
 * Who changes what: anonymous and parked entries change under the space's lock only. A memobj's page
 * is entered under the space's and the memobj's lock; with either of them alone such an entry may
 * be taken out or lose its write bit, atomically. The place of a large one can get a table under
 * the space's lock: who has only the memobj's compares. Tables are given back after a grace period.
 */
#ifndef ARCH_PAGE_TABLE_H
#define ARCH_PAGE_TABLE_H

#include <stdatomic.h>

#include "arch/csr.h"
#include "arch/direct_map.h"
#include "kernel/types.h"

/* With TERN_MAP_READ ... in a protection; the same bits as in an entry. */
#define MAP_DEVICE PTE_DEVICE_MARK /* not memory but device registers: no direct mapping */
#define MAP_ANONYMOUS PTE_ANONYMOUS

#define MAP_PROTECTION 7u
#define LARGE_PAGE_ORDER 9
#define LARGE_PAGES (1u << LARGE_PAGE_ORDER)
#define LARGE_PAGE_SIZE (PAGE_SIZE << LARGE_PAGE_ORDER)

typedef u64 pte;

/* A, and D where writing is allowed, are set from the start: no hart needs to do it. */
static inline pte pte_make(paddr page, u32 protection)
{
	u32 access = protection & MAP_PROTECTION;

	return page >> PAGE_SHIFT << 10 | (protection & (MAP_DEVICE | MAP_ANONYMOUS)) |
	       access << 1 | (access ? PTE_VALID | PTE_USER | PTE_ACCESSED : 0) |
	       (access & 2 ? PTE_DIRTY : 0);
}

static inline paddr pte_page(pte entry)
{
	return (entry >> 10 & ((1ul << 44) - 1)) << PAGE_SHIFT;
}

static inline bool pte_is_valid(pte entry)
{
	return entry & PTE_VALID;
}

/* It maps something, and is not the way to a table. */
static inline bool pte_is_leaf(pte entry)
{
	return entry & (PTE_READ | PTE_EXECUTE);
}

static inline bool pte_is_anonymous(pte entry)
{
	return entry & PTE_ANONYMOUS;
}

/* Protection (TERN_MAP_*) with the two marks; what pte_make was given. */
static inline u32 pte_protection(pte entry)
{
	return (entry >> 1 & MAP_PROTECTION) | (entry & (MAP_DEVICE | MAP_ANONYMOUS));
}

/* Entries are read by hardware and by lockless walks: written whole, after what they point to. */
static inline void pte_write(pte *place, pte entry)
{
	atomic_store_explicit((_Atomic pte *)place, entry, memory_order_release);
}

/* What it points to is read through its value, which orders the two loads. */
static inline pte pte_read(const pte *place)
{
	return atomic_load_explicit((const _Atomic pte *)place, memory_order_relaxed);
}

static inline pte pte_without_write(pte entry)
{
	return entry & ~(pte)(PTE_WRITE | PTE_DIRTY);
}

/* Harts without hardware for it fault at an access then, and it is set there. */
static inline pte pte_without_access(pte entry)
{
	return entry & ~(pte)PTE_ACCESSED;
}

/* Eight entries side by side. */
static inline pte pte_any(const pte *entries)
{
	return entries[0] | entries[1] | entries[2] | entries[3] | entries[4] | entries[5] |
	       entries[6] | entries[7];
}

/* For entries that somebody with another lock may change as well. Return the old entry. */
static inline pte pte_take(pte *place)
{
	return atomic_exchange_explicit((_Atomic pte *)place, 0, memory_order_acq_rel);
}

/* False: it was not *entry, which it sets then. */
static inline bool pte_replace(pte *place, pte *entry, pte new)
{
	return atomic_compare_exchange_strong((_Atomic pte *)place, entry, new);
}

/* Nothing, if the entry has changed meanwhile. */
static inline void pte_set_accessed(pte *place, pte entry)
{
	if (!(entry & PTE_ACCESSED))
		(void)pte_replace(place, &entry, entry | PTE_ACCESSED);
}

/* A root table that maps the kernel's half. 0: no memory. */
paddr page_table_create(void) MUST_USE;

/* Where the entry of a page is; NULL when there is no table for it, or a large entry. */
pte *page_table_find(paddr root, u64 address) MUST_USE;
/* How many tables must be made before the page has an entry. */
u32 page_table_missing(paddr root, u64 address) MUST_USE;
/* As find, or the place of a large entry, making the missing tables (each counts in *made). NULL: no memory,
 * or small entries where there should be a large one. */
pte *page_table_make(paddr root, u64 address, bool is_large, u64 *made) MUST_USE;

/* Where the large entry that maps the address is; NULL: there is none. */
pte *page_table_find_large(paddr root, u64 address) MUST_USE;
/* A large entry becomes a table, which is to be the page `table`, of entries that map the same. */
void page_table_split(pte *place, paddr table);

/* What is mapped at an address, without locks; false when nothing is. */
struct translation {
	const pte *place;
	pte entry; /* that was there */
	paddr page;
};
bool page_table_lookup(paddr root, u64 address, struct translation *found) MUST_USE;

/* Is it still so? Accessed and dirty bits do not matter. */
static inline bool translation_is_kept(const struct translation *found)
{
	return !((pte_read(found->place) ^ found->entry) & ~(pte)(PTE_ACCESSED | PTE_DIRTY));
}

/* Entries side by side in one table: a piece of a range. */
struct page_run {
	u64 address; /* of the first */
	u64 count;
	u64 span; /* bytes that each maps: PAGE_SIZE, or LARGE_PAGE_SIZE and it is valid */
	pte *entries;
	u64 skipped; /* entries that were looked at to find it */
};

/*
 * The first run of [start, end) that has a table. False when there is none. After a long search it
 * stops, with count 0 and `address` where it is to go on.
 */
bool page_table_run(paddr root, u64 start, u64 end, struct page_run *run) MUST_USE;
u64 page_run_cost(const struct page_run *run);

/* The first of [place, end) that is not zero, `end` or what is behind it when there is none. */
static inline pte *pte_next(pte *place, const pte *end)
{
	while (place < end && !pte_read(place))
		place += (u64)place % (8 * sizeof(pte)) || pte_any(place) ? 1 : 8;
	return place;
}

/* For each entry of a run that is not zero. */
#define PAGE_RUN_FOR_EACH(run, place)                                                              \
	for (pte *place = (run)->entries, *const last_of_run = place + (run)->count;               \
	     (place = pte_next(place, last_of_run)) < last_of_run; place++)

/* Give back the tables for [start, end) that map nothing outside of [low, high), where there are no
 * entries. Returns how many. */
u64 page_table_prune(paddr root, u64 start, u64 end, u64 low, u64 high);

/* Give back all tables of the user half, and the root. */
void page_table_free(paddr root);

struct address_space;
struct process;

/* This hart forgets one page of the active space. */
void tlb_flush_page(u64 address);
/* ... and everything. */
void tlb_flush_all(void);

/* All harts that ran the process forget [start, end), idle ones when they wake; returns when done. */
void tlb_shootdown(struct process *process, u64 start, u64 end);

/* The space's ASID: one of its own, or when there are none left one that it shares. */
void asid_allocate(struct address_space *space);
void asid_release(u32 asid);

/* A whole page, fast. */
void page_clear(void *page);
void page_copy(void *restrict to, const void *restrict from);
/* One unit or more, until `to` is `end`; both are aligned to words. */
#define COPY_UNIT 32
void units_copy(void *restrict to, const void *restrict from, const void *end);

#endif
