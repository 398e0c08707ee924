/*
 * Regions of an address space: what is mapped where. A balanced tree of non-overlapping ranges,
 * ordered by address; policy-free and hardware-free (page tables are kernel/address_space.h's).
 */
#ifndef KERNEL_REGION_H
#define KERNEL_REGION_H

#include "kernel/types.h"

struct memobj;

struct region {
	struct region *left, *right;
	u32 priority;          /* treap heap order, from a PRNG in the tree */
	u16 flags;             /* TERN_MAP_READ | WRITE | EXECUTE | GUARD */
	u16 allowed;           /* protection bits that the memobj handle's rights allowed */
	u64 start, end;        /* user addresses, page multiples */
	struct memobj *memobj; /* a reference; NULL for guards */
	u64 offset;            /* in the memobj, of start */
};

struct region_tree {
	struct region *root;
	u32 count;
	u32 random;
};

void region_tree_init(struct region_tree *tree);
/* The region that contains the address, or NULL. */
struct region *region_find(const struct region_tree *tree, u64 address);
/* The first region that ends above the address, or NULL: for walking ranges. */
struct region *region_find_from(const struct region_tree *tree, u64 address);
/* Lowest free range of `length` bytes in [low, high), at or above hint; 0 = none. */
u64 region_find_free(const struct region_tree *tree, u64 hint, u64 length, u64 low, u64 high);
bool region_range_is_free(const struct region_tree *tree, u64 start, u64 end);
/* The range must be free. */
void region_insert(struct region_tree *tree, struct region *region);
void region_remove(struct region_tree *tree, struct region *region);
/* Cut `region` at `address` (strictly inside): `upper` becomes the upper part and is inserted;
 * the caller takes the memobj reference for it. */
void region_split(struct region_tree *tree, struct region *region, u64 address,
		  struct region *upper);
/* Debug: order, heap property, no overlap, count. */
bool region_tree_is_consistent(const struct region_tree *tree);

#endif
