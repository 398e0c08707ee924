/*
 * A radix tree from page index to a word: the pages of a memobj. 64 slots a node, height grows
 * with the highest index. Word 0 means absent. The caller holds the memobj's lock.
 */
#ifndef KERNEL_RADIX_H
#define KERNEL_RADIX_H

#include "kernel/types.h"

#define RADIX_BITS 6
#define RADIX_SLOTS (1u << RADIX_BITS)

struct radix_node {
	u64 slots[RADIX_SLOTS];
	u32 used;
};

struct radix_tree {
	struct radix_node *root;
	u32 height; /* levels, 0 = empty */
	u32 nodes;
};

static inline void radix_init(struct radix_tree *tree)
{
	*tree = (struct radix_tree){ 0 };
}

u64 radix_get(const struct radix_tree *tree, u64 index);
/* -ENOMEM. Replaces what was there. value != 0 */
int radix_set(struct radix_tree *tree, u64 index, u64 value) MUST_USE;
/* Returns what was there. Frees empty nodes. */
u64 radix_remove(struct radix_tree *tree, u64 index);
/* The first present index >= *index; false when there is none. */
bool radix_next(const struct radix_tree *tree, u64 *index, u64 *value) MUST_USE;

#endif
