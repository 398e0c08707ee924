/*
 * A radix tree from page index to a word: the pages of a memobj. 64 slots a node, height grows
 * with the highest index. Word 0 means absent. With height 0 the root is the word of index 0, so that
 * one page needs no node. The caller holds the memobj's lock.
 */
#ifndef KERNEL_RADIX_H
#define KERNEL_RADIX_H

#include "kernel/types.h"

struct account;

#define RADIX_BITS 6
#define RADIX_SLOTS (1u << RADIX_BITS)

struct radix_node {
	u64 slots[RADIX_SLOTS];
	u32 used;
};

struct radix_tree {
	u64 root;   /* the topmost node; height 0: a word */
	u32 height; /* levels of nodes */
	u32 nodes;
	struct account *account; /* pays for the nodes; NULL: nobody does */
};

static inline void radix_init(struct radix_tree *tree, struct account *account)
{
	*tree = (struct radix_tree){ .account = account };
}

u64 radix_get(const struct radix_tree *tree, u64 index);
/* -ENOMEM, of memory or of the account. Replaces what was there. value != 0 */
int radix_set(struct radix_tree *tree, u64 index, u64 value) MUST_USE;
/* Returns what was there. Frees empty nodes. */
u64 radix_remove(struct radix_tree *tree, u64 index);
/* The lowest node on the way to an index, which holds the words of RADIX_SLOTS indices; NULL: none. */
struct radix_node *radix_row(const struct radix_tree *tree, u64 index) MUST_USE;
/* Fill a row, from its first index on, in which nothing is: `value`, then each `step` more. -ENOMEM */
int radix_set_row(struct radix_tree *tree, u64 index, u64 value, u64 step) MUST_USE;
/* The first present index >= *index; false when there is none. */
bool radix_next(const struct radix_tree *tree, u64 *index, u64 *value) MUST_USE;

#endif
