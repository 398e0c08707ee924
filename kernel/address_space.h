/*
 * Address spaces: regions and the page tables that cache them. Embedded in struct process.
 * Page tables are filled at faults only; unmapping clears entries, shoots down remote TLBs of
 * harts that ran the space, and only then gives tables back (after a grace period).
 */
#ifndef KERNEL_ADDRESS_SPACE_H
#define KERNEL_ADDRESS_SPACE_H

#include "kernel/region.h"
#include "kernel/spinlock.h"

struct address_space {
	struct spinlock lock; /* LOCK_RANK_SPACE: regions, page tables, is_dead */
	struct region_tree regions;
	paddr root; /* the page table's root */
	u32 asid;
	bool is_dead;    /* no new mappings, no faults resolved */
	u64 table_pages; /* charged */
};

enum access { ACCESS_READ, ACCESS_WRITE, ACCESS_EXECUTE };

struct process;

int address_space_init(struct process *process) MUST_USE;
/* Everything is unmapped in bounded steps of about `limit` pages; true when done. */
bool address_space_clear(struct process *process, u64 limit);
void address_space_free(struct process *process);

/*
 * A user page fault, or a kernel access to user memory: make the page at the address present for
 * that access. 0, -EFAULT (no region or protection), -ENOMEM.
 */
int address_space_fault(struct process *process, uaddr address, enum access access) MUST_USE;

/*
 * Resolve a user address for access: the kernel (direct map) pointer to that byte, valid to the
 * end of its page and until this hart leaves the kernel. Faults in. NULL: *error is set.
 */
void *address_space_resolve(struct process *process, uaddr address, enum access access,
			    int *error) MUST_USE;

/* Does a private region lie there? */
bool address_space_is_private(struct process *process, u64 address);

/*
 * The kernel's own mappings (program segments, boot pages) at a fixed place; takes its own reference
 * to the memobj. -EEXIST, -ENOMEM, -ESRCH.
 */
int address_space_map(struct process *process, struct memobj *memobj, u64 offset, u64 address,
		      u64 length, u32 flags) MUST_USE;

/* Enter a page, with the space's lock held (or the space unknown to others). -ENOMEM. */
int address_space_map_page(struct process *process, u64 address, paddr page,
			   u32 protection) MUST_USE;

/* A region structure, charged to the process; and the end of one, with its memobj reference. */
struct region *region_create(struct process *process) MUST_USE;
void region_discard(struct process *process, struct region *region);

/* Longest range that one touch call takes: interrupts wait for it. */
#define TOUCH_MAX (4ul << 20)

s64 sys_region_map(u64 process, u64 memobj, u64 offset, u64 address, u64 length, u64 flags);
s64 sys_region_unmap(u64 process, u64 address, u64 length);
s64 sys_region_protect(u64 process, u64 address, u64 length, u64 flags);
s64 sys_touch(u64 address, u64 length, u64 write);

#endif
