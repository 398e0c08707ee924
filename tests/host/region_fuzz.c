/* libFuzzer: any sequence of operations on the region tree agrees with a map of pages. */
#include <stdlib.h>

#include "host.h"
#include "region_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct region_model model;

	model = (struct region_model){ 0 };
	region_tree_init(&model.tree);
	for (; size >= 3; size -= 3, data += 3) {
		u64 start = data[1] * PAGE_SIZE;
		u64 end = min_u64(data[1] + 1u + data[2] % 32, MODEL_PAGES) * PAGE_SIZE;

		if (data[0] % 8 == 0)
			model_remove(&model, start);
		else if (data[0] % 8 == 1)
			model_split(&model, start);
		else if (data[0] % 8 == 2)
			model_trim(&model, start);
		else if (data[0] % 8 == 3)
			model_extend(&model, start);
		else if (!model_insert(&model, start, end))
			abort();
		if (!model_agrees(&model) || !model_gap_is_right(&model, start, end - start))
			abort();
	}
	return 0;
}
