/*
 * Regions of an address space: what is mapped where. A balanced tree of non-overlapping ranges,
 * ordered by address; policy-free and hardware-free (page tables are kernel/address_space.h's).
 */
#ifndef KERNEL_REGION_H
#define KERNEL_REGION_H

#include "kernel/list.h"
#include "kernel/types.h"

struct memobj;
struct object;
struct process;

struct region {
	struct region *left, *right;
	u64 start, end;        /* user addresses, page multiples */
	u64 low, high;         /* of the subtree: lowest start, highest end ... */
	u64 gap;               /* ... and the largest gap between two regions of it */
	u32 priority;          /* treap heap order, from a PRNG in the tree */
	u16 flags;             /* TERN_MAP_READ | WRITE | EXECUTE | GUARD | PRIVATE */
	u16 allowed;           /* protection bits that the memobj handle's rights allowed */
	struct memobj *memobj; /* a reference; NULL for guards and private zero-filled memory */
	u64 offset;            /* in the memobj, of start */
	struct object *pager;  /* a reference to the client port that faults go to, or NULL */
	struct process *process;

	/* On the memobj's list of regions. While it is there start, end and offset change only under
	 * the memobj's lock (as well as the space's). */
	struct list memobj_link;
};

struct region_tree {
	struct region *root;
	u32 count;
	u64 length; /* of all of them together */
	u32 random;
};

void region_tree_init(struct region_tree *tree);
/* The region that contains the address, or NULL. */
struct region *region_find(const struct region_tree *tree, u64 address);
/* The first region that ends above the address, or NULL: for walking ranges. */
struct region *region_find_from(const struct region_tree *tree, u64 address);
/* The highest region that starts below the address, or NULL. */
struct region *region_find_before(const struct region_tree *tree, u64 address);
/* Lowest free range of `length` bytes in [low, high), at or above hint; 0 = none. */
u64 region_find_free(const struct region_tree *tree, u64 hint, u64 length, u64 low, u64 high);
bool region_range_is_free(const struct region_tree *tree, u64 start, u64 end);
/* The range must be free. */
void region_insert(struct region_tree *tree, struct region *region);
void region_remove(struct region_tree *tree, struct region *region);

/* Fill `upper` with what the part of `region` from `address` on will be; its memobj_link stays. */
void region_prepare_split(const struct region *region, u64 address, struct region *upper);
/* Cut `region` at `address` (strictly inside): `upper` becomes the upper part and is inserted;
 * the caller takes the references for it. */
void region_split(struct region_tree *tree, struct region *region, u64 address,
		  struct region *upper);
/* It begins at `start`, strictly inside, from now on; or ends at `end`, up to which all is free. */
void region_trim(struct region_tree *tree, struct region *region, u64 start);
void region_extend(struct region_tree *tree, struct region *region, u64 end);
/* Is `upper`, right behind it, more of the same? */
bool region_continues(const struct region *region, const struct region *upper);

/* Debug: order, heap property, no overlap, sums, count. */
bool region_tree_is_consistent(const struct region_tree *tree);

#endif
