/*
 * The region tree: a treap ordered by address, with random priorities in heap order. Expected
 * depth is logarithmic without rebalancing code; operations are split and merge. Each node knows the
 * extent of its subtree and the largest gap in it, so that free ranges are found in logarithmic time.
 */
#include "kernel/region.h"

#include "kernel/memory.h"

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

struct region *region_find_before(const struct region_tree *tree, u64 address)
{
	struct region *best = NULL;

	for (struct region *at = tree->root; at;) {
		if (at->start < address) {
			best = at;
			at = at->right;
		} else {
			at = at->left;
		}
	}
	return best;
}

bool region_range_is_free(const struct region_tree *tree, u64 start, u64 end)
{
	struct region *region = region_find_from(tree, start);

	return !region || region->start >= end;
}

/*
 * The lowest place for `length` bytes at or above *from among the regions of a subtree; 0 = none,
 * then *from is where the subtree ends. Subtrees below *from and those without a large enough gap
 * are not entered.
 */
static u64 find_gap(const struct region *at, u64 *from, u64 length)
{
	u64 found;

	if (!at || at->high <= *from)
		return 0;
	if (at->low >= *from) {
		if (at->low - *from >= length)
			return *from;
		if (at->gap < length) {
			*from = at->high;
			return 0;
		}
	}
	found = find_gap(at->left, from, length);
	if (found)
		return found;
	if (at->start >= *from && at->start - *from >= length)
		return *from;
	*from = max_u64(*from, at->end);
	return find_gap(at->right, from, length);
}

static u64 find_free(const struct region_tree *tree, u64 from, u64 length, u64 high)
{
	u64 found = find_gap(tree->root, &from, length);

	if (!found)
		found = from;
	return found <= high && length <= high - found ? found : 0;
}

u64 region_find_free(const struct region_tree *tree, u64 hint, u64 length, u64 low, u64 high)
{
	u64 found = hint > low ? find_free(tree, hint, length, high) : 0;

	return found ? found : find_free(tree, low, length, high);
}

/* Its children have changed. */
static void update(struct region *at)
{
	const struct region *left = at->left, *right = at->right;

	at->low = left ? left->low : at->start;
	at->high = right ? right->high : at->end;
	at->gap = 0;
	if (left)
		at->gap = max_u64(left->gap, at->start - left->high);
	if (right)
		at->gap = max_u64(at->gap, max_u64(right->gap, right->low - at->end));
}

/* Regions below `address` to *left, the others to *right. */
static void split(struct region *at, u64 address, struct region **left, struct region **right)
{
	if (!at) {
		*left = *right = NULL;
		return;
	}
	if (at->start < address) {
		split(at->right, address, &at->right, right);
		*left = at;
	} else {
		split(at->left, address, left, &at->left);
		*right = at;
	}
	update(at);
}

/* All of `left` lies below all of `right`. */
static struct region *merge(struct region *left, struct region *right)
{
	if (!left || !right)
		return left ? left : right;
	if (left->priority >= right->priority) {
		left->right = merge(left->right, right);
		update(left);
		return left;
	}
	right->left = merge(left, right->left);
	update(right);
	return right;
}

static void tree_insert(struct region **place, struct region *region)
{
	struct region *at = *place;

	if (at && at->priority >= region->priority) {
		tree_insert(region->start < at->start ? &at->left : &at->right, region);
		update(at);
		return;
	}
	split(at, region->start, &region->left, &region->right);
	*place = region;
	update(region);
}

static void tree_remove(struct region **place, struct region *region)
{
	struct region *at = *place;

	if (at == region) {
		*place = merge(at->left, at->right);
		return;
	}
	tree_remove(region->start < at->start ? &at->left : &at->right, region);
	update(at);
}

/* The region's extent has changed, not its order. */
static void update_path(struct region *at, const struct region *region)
{
	if (at != region)
		update_path(region->start < at->start ? at->left : at->right, region);
	update(at);
}

void region_insert(struct region_tree *tree, struct region *region)
{
	region->priority = next_random(tree);
	tree_insert(&tree->root, region);
	tree->count++;
	tree->length += region->end - region->start;
}

void region_remove(struct region_tree *tree, struct region *region)
{
	tree_remove(&tree->root, region);
	region->left = region->right = NULL;
	tree->count--;
	tree->length -= region->end - region->start;
}

void region_prepare_split(const struct region *region, u64 address, struct region *upper)
{
	memcpy(upper, region, offsetof(struct region, memobj_link));
	upper->start = address;
	upper->offset = region->offset + (address - region->start);
}

void region_split(struct region_tree *tree, struct region *region, u64 address,
		  struct region *upper)
{
	region_prepare_split(region, address, upper);
	region_extend(tree, region, address);
	region_insert(tree, upper);
}

void region_trim(struct region_tree *tree, struct region *region, u64 start)
{
	tree->length -= start - region->start;
	region->offset += start - region->start;
	region->start = start;
	update_path(tree->root, region);
}

void region_extend(struct region_tree *tree, struct region *region, u64 end)
{
	tree->length += end - region->end;
	region->end = end;
	update_path(tree->root, region);
}

bool region_continues(const struct region *region, const struct region *upper)
{
	return region->end == upper->start && region->memobj == upper->memobj &&
	       region->flags == upper->flags && region->allowed == upper->allowed &&
	       region->pager == upper->pager &&
	       (!region->memobj || region->offset + (region->end - region->start) == upper->offset);
}

/* Checks a subtree within [low, high] below a parent of `priority`; UINT32_MAX = bad, else count. */
static u32 check(const struct region *at, u64 low, u64 high, u32 priority)
{
	struct region sums;
	u32 left, right;

	if (!at)
		return 0;
	if (at->start < low || at->end > high || at->start >= at->end || at->priority > priority)
		return UINT32_MAX;
	sums = *at;
	update(&sums);
	if (sums.low != at->low || sums.high != at->high || sums.gap != at->gap)
		return UINT32_MAX;
	left = check(at->left, low, at->start, at->priority);
	right = check(at->right, at->end, high, at->priority);
	return left == UINT32_MAX || right == UINT32_MAX ? UINT32_MAX : left + right + 1;
}

bool region_tree_is_consistent(const struct region_tree *tree)
{
	return check(tree->root, 0, UINT64_MAX, UINT32_MAX) == tree->count;
}
