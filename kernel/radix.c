/* The radix tree of a memobj's pages, see radix.h. */
#include "kernel/radix.h"

#include "kernel/account.h"
#include "kernel/object_alloc.h"

#define SLOT_MASK (RADIX_SLOTS - 1)
#define HEIGHT_MAX ((64 + RADIX_BITS - 1) / RADIX_BITS)

static u64 height_limit(u32 height)
{
	return height * RADIX_BITS >= 64 ? UINT64_MAX : (1ul << (height * RADIX_BITS)) - 1;
}

static u32 slot_at(u64 index, u32 level)
{
	return (u32)(index >> (level * RADIX_BITS)) & SLOT_MASK;
}

u64 radix_get(const struct radix_tree *tree, u64 index)
{
	u64 word = tree->root;

	if (index > height_limit(tree->height))
		return 0;
	for (u32 level = tree->height; level > 0 && word; level--)
		word = ((struct radix_node *)word)->slots[slot_at(index, level - 1)];
	return word;
}

struct radix_node *radix_row(const struct radix_tree *tree, u64 index)
{
	u64 word = tree->root;

	if (!tree->height || index > height_limit(tree->height))
		return NULL;
	for (u32 level = tree->height; level > 1 && word; level--)
		word = ((struct radix_node *)word)->slots[slot_at(index, level - 1)];
	return (struct radix_node *)word;
}

static struct radix_node *node_create(struct radix_tree *tree)
{
	struct radix_node *node = kernel_alloc(sizeof(*node));

	if (node && tree->account && !account_charge(tree->account, sizeof(*node))) {
		kernel_free(node, sizeof(*node));
		return NULL;
	}
	tree->nodes += node != NULL;
	return node;
}

static void node_free(struct radix_tree *tree, struct radix_node *node)
{
	kernel_free(node, sizeof(*node));
	tree->nodes--;
	if (tree->account)
		account_uncharge(tree->account, sizeof(*node));
}

/* Put roots above the root until the index fits; above nothing, no node either. */
static int tree_grow(struct radix_tree *tree, u64 index)
{
	while (index > height_limit(tree->height)) {
		if (tree->root) {
			struct radix_node *node = node_create(tree);

			if (!node)
				return -ENOMEM;
			node->slots[0] = tree->root;
			node->used = 1;
			tree->root = (u64)node;
		}
		tree->height++;
	}
	return 0;
}

/* Empty nodes on the way to an index, which a removal or a failed insertion has left, are freed. */
static NOINLINE void tree_prune(struct radix_tree *tree, u64 index)
{
	u64 *path[HEIGHT_MAX + 1] = { &tree->root };
	u32 depth = 0;

	for (; depth < tree->height && *path[depth]; depth++)
		path[depth + 1] = &((struct radix_node *)*path[depth])
					   ->slots[slot_at(index, tree->height - 1 - depth)];
	/* The last one that is a node: what it holds is a word, or nothing. */
	while (depth-- > 0) {
		struct radix_node *node = (struct radix_node *)*path[depth];

		if (node->used)
			return;
		node_free(tree, node);
		*path[depth] = 0;
		if (depth > 0)
			((struct radix_node *)*path[depth - 1])->used--;
	}
	radix_init(tree, tree->account);
}

/* The place of the index's word, with the node that it is in (NULL: the tree's root). NULL: no memory. */
static u64 *make_place(struct radix_tree *tree, u64 index, struct radix_node **node)
{
	u64 *place = &tree->root;

	*node = NULL;
	for (u32 level = tree->height; level > 0; level--) {
		if (!*place) {
			*place = (u64)node_create(tree);
			if (!*place)
				return NULL;
			if (*node)
				(*node)->used++;
		}
		*node = (struct radix_node *)*place;
		place = &(*node)->slots[slot_at(index, level - 1)];
	}
	return place;
}

int radix_set(struct radix_tree *tree, u64 index, u64 value)
{
	struct radix_node *node;
	u64 *place;

	if (tree_grow(tree, index))
		return -ENOMEM;
	place = make_place(tree, index, &node);
	if (!place) {
		tree_prune(tree, index);
		return -ENOMEM;
	}
	if (node)
		node->used += !*place;
	*place = value;
	return 0;
}

int radix_set_row(struct radix_tree *tree, u64 index, u64 value, u64 step)
{
	int error = radix_set(tree, index + RADIX_SLOTS - 1, value);
	struct radix_node *row = error ? NULL : radix_row(tree, index);

	for (u32 i = 0; row && i < RADIX_SLOTS; i++, value += step)
		row->slots[i] = value;
	if (row)
		row->used = RADIX_SLOTS;
	return error;
}

u64 radix_remove(struct radix_tree *tree, u64 index)
{
	struct radix_node *node = NULL;
	u64 *place = &tree->root;
	u64 value;

	if (index > height_limit(tree->height))
		return 0;
	for (u32 level = tree->height; level > 0; level--) {
		node = (struct radix_node *)*place;
		if (!node)
			return 0;
		place = &node->slots[slot_at(index, level - 1)];
	}
	value = *place;
	if (!value)
		return 0;
	*place = 0;
	if (!node)
		radix_init(tree, tree->account);
	else if (--node->used == 0)
		tree_prune(tree, index);
	return value;
}

/* The first value at or after *index under `node`; true sets both. */
static bool next_under(const struct radix_node *node, u32 level, u64 *index, u64 *value)
{
	u32 shift = level * RADIX_BITS;

	for (u32 slot = slot_at(*index, level);; slot++) {
		u32 start = slot;

		/* Mostly there are only empty slots behind the last page of a memobj. */
		while (slot < RADIX_SLOTS && !node->slots[slot])
			slot++;
		if (slot == RADIX_SLOTS)
			return false;
		if (slot != start)
			*index = ((*index >> shift) + (slot - start)) << shift;
		*value = node->slots[slot];
		if (level == 0 || next_under((struct radix_node *)*value, level - 1, index, value))
			return true;
		if (slot + 1 < RADIX_SLOTS)
			*index = ((*index >> shift) + 1) << shift;
		else
			return false;
	}
}

bool radix_next(const struct radix_tree *tree, u64 *index, u64 *value)
{
	u64 at = *index;

	*value = tree->root;
	if (!tree->root || at > height_limit(tree->height))
		return false;
	if (tree->height &&
	    !next_under((struct radix_node *)tree->root, tree->height - 1, &at, value))
		return false;
	*index = at;
	return true;
}
