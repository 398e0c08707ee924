/*
 * Address spaces: regions and the page tables below them. Embedded in struct process.
 *
 * For a memobj's pages the page table is a cache of what regions and memobjs say: filled at faults,
 * cleared at will. Private pages are in the page table only (arch/page_table.h).
 */
#ifndef KERNEL_ADDRESS_SPACE_H
#define KERNEL_ADDRESS_SPACE_H

#include "arch/page_table.h"
#include "kernel/debug.h"
#include "kernel/pin.h"
#include "kernel/reclaim.h"
#include "kernel/region.h"
#include "kernel/spinlock.h"

struct account;

struct address_space {
	struct spinlock lock; /* LOCK_RANK_SPACE: regions, page tables, is_dead */
	struct region_tree regions;
	paddr root; /* the page table's root */
	u32 asid;
	_Atomic u32 shared_harts; /* it shares its ASID: bits of the harts that it ran on ... */
	u64 shared_number;        /* ... and its name among those that do */
	struct list faults;       /* thread->queue_link: they wait for pagers of regions */
	bool is_dead;             /* no new mappings, no faults resolved */
	u64 table_pages;          /* charged, without the root */
	u64 anonymous_pages;      /* that entries hold; each is charged, shared or not */
	paddr spare_tables;       /* one for each private large entry, see large_page.h */
};

enum access { ACCESS_READ, ACCESS_WRITE, ACCESS_EXECUTE };

struct process;

int address_space_init(struct process *process) MUST_USE;
/* The place of an entry, or of a large one, with tables that are charged as they come into being. -ENOMEM;
 * -EAGAIN: there will be memory. */
int address_space_place(struct process *process, u64 address, bool is_large, pte **place) MUST_USE;
/* Everything is unmapped in bounded steps; true when done. */
bool address_space_clear(struct process *process);
void address_space_free(struct process *process);

/*
 * Entries and regions of [*at, end) go away: about `limit` entries and regions. *at moves on; the
 * space's lock is held. Regions and pages are collected for discard_removed. A region that reaches
 * below *at must have been cut there, one that reaches beyond `end` as well if it begins below *at.
 */
struct removed {
	struct region *regions; /* through region->left */
	struct page_list pages;
	u64 anonymous_pages;
	u64 tables;
	bool has_entries; /* any: TLBs may hold them */
};
void address_space_remove(struct process *process, u64 *at, u64 end, u64 limit,
			  struct removed *removed);
/* After the shootdown and without the lock: what was removed is given back. */
void discard_removed(struct process *process, struct removed *removed);

/* An entry gives up its reference: the page goes with the last one. */
static inline void page_put(struct page *page, struct page_list *free)
{
	if (UNLIKELY(page->pins))
		page_put_pinned(page, free);
	else if (atomic_fetch_sub_explicit(&page->references, 1, memory_order_acq_rel) == 1)
		page_list_add(free, page);
}

/*
 * A page fault of the current thread: make the page at the address present for that access. 0: it
 * is, or the thread blocks until it may be; either way the instruction is to be executed again.
 * `is_instruction`: it may wait for the region's pager too, since no system call is under way.
 * -EFAULT (no region, or its protection), -ERANGE (past the memobj's end), -EIO, -ENOMEM, -ENOSPC.
 */
int address_space_fault(struct process *process, uaddr address, enum access access,
			bool is_instruction) MUST_USE;

/*
 * Resolve a user address for access: the kernel (direct map) pointer to that byte, valid to the
 * end of its page and until this hart leaves the kernel. Faults in. NULL: *error is -EFAULT, -ENOMEM,
 * or -EAGAIN if the page must be waited for.
 */
const void *address_space_resolve(struct process *process, uaddr address, enum access access,
				  int *error) MUST_USE;

/*
 * The same, to write there. Afterwards: is the page still the one that the program writes to? If not,
 * it has been copied, or written back and dropped, meanwhile, perhaps without what was written: it
 * must be written again.
 */
void *address_space_resolve_target(struct process *process, uaddr address,
				   struct translation *found, int *error) MUST_USE;

static inline MUST_USE bool address_space_has_kept(const struct translation *found)
{
	/* With the one in tlb_shootdown: who took the page away sees what was written, or is seen here. */
	atomic_thread_fence(memory_order_seq_cst);
	return translation_is_kept(found);
}

/*
 * A name for a place in memory that lasts: a shared one's is (memobj, offset), a private one's
 * (process, address), while its page may be copied, dropped and fetched again. False: no region
 * that may be read is there.
 */
struct memory_name {
	const void *object;
	u64 offset;
};
bool address_space_name(struct process *process, uaddr address, struct memory_name *name) MUST_USE;
/* The kernel pointer to what is mapped at the address for reading just now; NULL: nothing. */
const void *address_space_peek(struct process *process, uaddr address) MUST_USE;

/*
 * The kernel's own mappings (program segments, boot pages) at a fixed place; takes its own reference
 * to the memobj. -EEXIST, -ENOMEM, -ESRCH.
 */
int address_space_map(struct process *process, struct memobj *memobj, u64 offset, u64 address,
		      u64 length, u32 flags) MUST_USE;

/* A region structure, charged to the process; and the end of one, with its references. */
struct region *region_create(struct process *process) MUST_USE;
void region_discard(struct process *process, struct region *region);
/* With the space's lock held: it is in the tree and on its memobj's list now. */
void region_enter(struct process *process, struct region *region);
/* Make `address` a boundary between regions. The space's lock is held. -ENOMEM. */
int region_cut(struct process *process, u64 address) MUST_USE;
/* Page multiples, not empty, in user space. */
bool region_is_page_range(u64 address, u64 length);
/* Off both, but not discarded. */
void region_leave(struct process *process, struct region *region);

s64 sys_region_map(u64 process, u64 memobj, u64 offset, u64 address, u64 length, u64 flags);
s64 sys_region_unmap(u64 process, u64 address, u64 length);
s64 sys_region_info(u64 process, u64 address, u64 region);
s64 sys_region_protect(u64 process, u64 address, u64 length, u64 flags);
s64 sys_touch(u64 address, u64 length, u64 write);

#endif
