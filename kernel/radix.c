/* The radix tree of a memobj's pages, see radix.h. */
#include "kernel/radix.h"

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

static struct radix_node *child(const struct radix_node *node, u32 slot)
{
	return (struct radix_node *)node->slots[slot];
}

u64 radix_get(const struct radix_tree *tree, u64 index)
{
	const struct radix_node *node = tree->root;

	if (!node || index > height_limit(tree->height))
		return 0;
	for (u32 level = tree->height - 1; level > 0; level--) {
		node = child(node, slot_at(index, level));
		if (!node)
			return 0;
	}
	return node->slots[slot_at(index, 0)];
}

static struct radix_node *node_create(struct radix_tree *tree)
{
	struct radix_node *node = kernel_alloc(sizeof(*node));

	if (node)
		tree->nodes++;
	return node;
}

static void node_free(struct radix_tree *tree, struct radix_node *node)
{
	kernel_free(node, sizeof(*node));
	tree->nodes--;
}

/* The first node stands at the height that its first index needs: nothing empty hangs below it. */
static int tree_plant(struct radix_tree *tree, u64 index)
{
	tree->root = node_create(tree);
	if (!tree->root)
		return -ENOMEM;
	while (index > height_limit(tree->height))
		tree->height++;
	tree->height += !tree->height;
	return 0;
}

/* Put roots above the root until the index fits. */
static int tree_grow(struct radix_tree *tree, u64 index)
{
	if (!tree->root)
		return tree_plant(tree, index);
	while (index > height_limit(tree->height)) {
		struct radix_node *node = node_create(tree);

		if (!node)
			return -ENOMEM;
		node->slots[0] = (u64)tree->root;
		node->used = 1;
		tree->root = node;
		tree->height++;
	}
	return 0;
}

/* An empty chain of nodes that a failed insertion or a removal left behind is freed. */
static void tree_prune(struct radix_tree *tree, u64 index)
{
	struct radix_node *path[HEIGHT_MAX] = { tree->root };
	u32 depth = 0;

	if (!tree->root)
		return;
	for (u32 level = tree->height - 1; level > 0 && path[depth]; level--, depth++)
		path[depth + 1] = child(path[depth], slot_at(index, level));
	for (u32 level = 0; level < tree->height; level++) {
		struct radix_node *node = path[tree->height - 1 - level];

		if (!node)
			continue;
		if (node->used)
			return;
		node_free(tree, node);
		if (level == tree->height - 1) {
			radix_init(tree);
		} else {
			struct radix_node *parent = path[tree->height - 2 - level];

			parent->slots[slot_at(index, level + 1)] = 0;
			parent->used--;
		}
	}
}

int radix_set(struct radix_tree *tree, u64 index, u64 value)
{
	struct radix_node *node;

	if (tree_grow(tree, index))
		return -ENOMEM;
	node = tree->root;
	for (u32 level = tree->height - 1; level > 0; level--) {
		u32 slot = slot_at(index, level);

		if (!node->slots[slot]) {
			struct radix_node *new = node_create(tree);

			if (!new) {
				tree_prune(tree, index);
				return -ENOMEM;
			}
			node->slots[slot] = (u64) new;
			node->used++;
		}
		node = child(node, slot);
	}
	node->used += !node->slots[slot_at(index, 0)];
	node->slots[slot_at(index, 0)] = value;
	return 0;
}

u64 radix_remove(struct radix_tree *tree, u64 index)
{
	u64 value = radix_get(tree, index);
	struct radix_node *node = tree->root;

	if (!value)
		return 0;
	for (u32 level = tree->height - 1; level > 0; level--)
		node = child(node, slot_at(index, level));
	node->slots[slot_at(index, 0)] = 0;
	node->used--;
	tree_prune(tree, index);
	return value;
}

/* The first value at or after *index under `node`; true sets both. */
static bool next_under(const struct radix_node *node, u32 level, u64 *index, u64 *value)
{
	u32 shift = level * RADIX_BITS;

	for (u32 slot = slot_at(*index, level); slot < RADIX_SLOTS; slot++) {
		if (node->slots[slot]) {
			if (level == 0) {
				*value = node->slots[slot];
				return true;
			}
			if (next_under(child(node, slot), level - 1, index, value))
				return true;
		}
		if (slot + 1 < RADIX_SLOTS)
			*index = ((*index >> shift) + 1) << shift;
	}
	return false;
}

bool radix_next(const struct radix_tree *tree, u64 *index, u64 *value)
{
	u64 at = *index;

	if (!tree->root || at > height_limit(tree->height))
		return false;
	if (!next_under(tree->root, tree->height - 1, &at, value))
		return false;
	*index = at;
	return true;
}
