/* The region tree beside a byte map of pages; used by a unit test and a fuzzer. */
#ifndef REGION_MODEL_H
#define REGION_MODEL_H

#include "../../kernel/region.c"

#define MODEL_PAGES 256

struct region_model {
	struct region_tree tree;
	struct region regions[MODEL_PAGES];
	bool used[MODEL_PAGES]; /* of regions[] */
	u16 owner[MODEL_PAGES]; /* by page: region index + 1, 0 = free */
};

static inline struct region *model_take(struct region_model *model)
{
	for (u32 i = 0; i < MODEL_PAGES; i++) {
		if (!model->used[i]) {
			model->used[i] = true;
			model->regions[i] = (struct region){ 0 };
			return &model->regions[i];
		}
	}
	return NULL;
}

static inline u16 model_name(const struct region_model *model, const struct region *region)
{
	return (u16)(region - model->regions + 1);
}

static inline void model_paint(struct region_model *model, const struct region *region, u16 name)
{
	for (u64 page = region->start; page < region->end; page += PAGE_SIZE)
		model->owner[page / PAGE_SIZE] = name;
}

static inline bool model_insert(struct region_model *model, u64 start, u64 end)
{
	bool is_free = true;
	struct region *region;

	for (u64 page = start; page < end; page += PAGE_SIZE)
		is_free = is_free && !model->owner[page / PAGE_SIZE];
	if (region_range_is_free(&model->tree, start, end) != is_free)
		return false;
	if (!is_free)
		return true;
	region = model_take(model);
	region->start = start;
	region->end = end;
	region_insert(&model->tree, region);
	model_paint(model, region, model_name(model, region));
	return true;
}

static inline void model_remove(struct region_model *model, u64 address)
{
	struct region *region = region_find(&model->tree, address);

	if (!region)
		return;
	region_remove(&model->tree, region);
	model_paint(model, region, 0);
	model->used[region - model->regions] = false;
}

static inline void model_split(struct region_model *model, u64 address)
{
	struct region *region = region_find(&model->tree, address);
	struct region *upper;

	if (!region || region->start == address)
		return;
	upper = model_take(model);
	region_split(&model->tree, region, address, upper);
	model_paint(model, upper, model_name(model, upper));
}

/* The region at the address loses what is below it. */
static inline void model_trim(struct region_model *model, u64 address)
{
	struct region *region = region_find(&model->tree, address);

	if (!region || region->start == address)
		return;
	model_paint(model, region, 0);
	region_trim(&model->tree, region, address);
	model_paint(model, region, model_name(model, region));
}

/* The region before a gap takes it over. */
static inline void model_extend(struct region_model *model, u64 address)
{
	struct region *region = region_find_before(&model->tree, address);
	struct region *next = region ? region_find_from(&model->tree, region->end) : NULL;

	if (!region)
		return;
	region_extend(&model->tree, region, next ? next->start : MODEL_PAGES * PAGE_SIZE);
	model_paint(model, region, model_name(model, region));
}

/* Does every question about the tree have the answer that the map gives? */
static inline bool model_agrees(const struct region_model *model)
{
	if (!region_tree_is_consistent(&model->tree))
		return false;
	for (u64 page = 0; page < MODEL_PAGES; page++) {
		const struct region *region = region_find(&model->tree, page * PAGE_SIZE + 17);

		if ((region ? model_name(model, region) : 0) != model->owner[page])
			return false;
	}
	return true;
}

/* The lowest gap of the length in [low, the end), page by page; 0 = none. */
static inline u64 model_find_gap(const struct region_model *model, u64 low, u64 length)
{
	u64 start = low;

	for (u64 at = low; at - start < length; at += PAGE_SIZE) {
		if (at >= MODEL_PAGES * PAGE_SIZE)
			return 0;
		if (model->owner[at / PAGE_SIZE])
			start = at + PAGE_SIZE;
	}
	return start;
}

/* A gap as region_find_free promises it: the lowest at or above the hint, else the lowest. */
static inline bool model_gap_is_right(const struct region_model *model, u64 hint, u64 length)
{
	u64 found = region_find_free(&model->tree, hint, length, PAGE_SIZE,
				     MODEL_PAGES * PAGE_SIZE);
	u64 expected = hint > PAGE_SIZE ? model_find_gap(model, hint, length) : 0;

	return found == (expected ? expected : model_find_gap(model, PAGE_SIZE, length));
}

#endif
