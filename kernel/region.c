/*
 * The region tree: a treap ordered by address, with random priorities in heap order. Expected
 * depth is logarithmic without rebalancing code; operations are split and merge.
 */
#include "kernel/region.h"

void region_tree_init(struct region_tree *tree)
{
	*tree = (struct region_tree){ .random = 0x9e3779b9 };
}

static u32 next_random(struct region_tree *tree)
{
	tree->random ^= tree->random << 13;
	tree->random ^= tree->random >> 17;
	tree->random ^= tree->random << 5;
	return tree->random;
}

struct region *region_find_from(const struct region_tree *tree, u64 address)
{
	struct region *best = NULL;

	for (struct region *at = tree->root; at;) {
		if (at->end > address) {
			best = at;
			at = at->left;
		} else {
			at = at->right;
		}
	}
	return best;
}

struct region *region_find(const struct region_tree *tree, u64 address)
{
	struct region *region = region_find_from(tree, address);

	return region && region->start <= address ? region : NULL;
}

bool region_range_is_free(const struct region_tree *tree, u64 start, u64 end)
{
	struct region *region = region_find_from(tree, start);

	return !region || region->start >= end;
}

/* The lowest gap of `length` bytes in [at, high); 0 = none. */
static u64 find_gap(const struct region_tree *tree, u64 at, u64 length, u64 high)
{
	while (at <= high && length <= high - at) {
		struct region *region = region_find_from(tree, at);

		if (!region || (region->start > at && region->start - at >= length))
			return at;
		at = region->end;
	}
	return 0;
}

u64 region_find_free(const struct region_tree *tree, u64 hint, u64 length, u64 low, u64 high)
{
	u64 found = hint > low ? find_gap(tree, hint, length, high) : 0;

	return found ? found : find_gap(tree, low, length, high);
}

/* Regions below `address` to *left, the others to *right. */
static void split(struct region *at, u64 address, struct region **left, struct region **right)
{
	while (at) {
		if (at->start < address) {
			*left = at;
			left = &at->right;
			at = at->right;
		} else {
			*right = at;
			right = &at->left;
			at = at->left;
		}
	}
	*left = NULL;
	*right = NULL;
}

/* All of `left` lies below all of `right`. */
static struct region *merge(struct region *left, struct region *right)
{
	struct region *root = NULL;
	struct region **place = &root;

	while (left && right) {
		if (left->priority >= right->priority) {
			*place = left;
			place = &left->right;
			left = left->right;
		} else {
			*place = right;
			place = &right->left;
			right = right->left;
		}
	}
	*place = left ? left : right;
	return root;
}

void region_insert(struct region_tree *tree, struct region *region)
{
	struct region **place = &tree->root;

	region->priority = next_random(tree);
	while (*place && (*place)->priority >= region->priority)
		place = region->start < (*place)->start ? &(*place)->left : &(*place)->right;
	split(*place, region->start, &region->left, &region->right);
	*place = region;
	tree->count++;
}

void region_remove(struct region_tree *tree, struct region *region)
{
	struct region **place = &tree->root;

	while (*place != region)
		place = region->start < (*place)->start ? &(*place)->left : &(*place)->right;
	*place = merge(region->left, region->right);
	region->left = region->right = NULL;
	tree->count--;
}

void region_split(struct region_tree *tree, struct region *region, u64 address,
		  struct region *upper)
{
	*upper = *region;
	upper->start = address;
	upper->offset = region->offset + (address - region->start);
	region->end = address;
	region_insert(tree, upper);
}

/* Checks a subtree within [low, high] below a parent of `priority`; UINT32_MAX = bad, else count. */
static u32 check(const struct region *at, u64 low, u64 high, u32 priority)
{
	u32 left, right;

	if (!at)
		return 0;
	if (at->start < low || at->end > high || at->start >= at->end || at->priority > priority)
		return UINT32_MAX;
	left = check(at->left, low, at->start, at->priority);
	right = check(at->right, at->end, high, at->priority);
	return left == UINT32_MAX || right == UINT32_MAX ? UINT32_MAX : left + right + 1;
}

bool region_tree_is_consistent(const struct region_tree *tree)
{
	return check(tree->root, 0, UINT64_MAX, UINT32_MAX) == tree->count;
}
