/* libFuzzer: any sequence of allocations and frees keeps blocks disjoint and loses no page. */
#include <stdlib.h>

#include "memory.h"

#define BLOCKS 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct {
		paddr page;
		unsigned int order;
	} blocks[BLOCKS];
	static u8 owner[HOST_MEMORY_SIZE / PAGE_SIZE];
	u64 allocated = 0;

	host_memory_init(1);
	memset(owner, 0, sizeof(owner));
	memset(blocks, 0, sizeof(blocks));
	for (; size >= 2; size -= 2, data += 2) {
		unsigned int order = data[0] % (PAGE_ORDER_MAX + 1);
		u32 place = data[1];
		u64 first;

		if (!blocks[place].page) {
			blocks[place].page = page_alloc(order);
			blocks[place].order = order;
			if (!blocks[place].page)
				continue;
			first = (blocks[place].page - HOST_MEMORY_START) / PAGE_SIZE;
			for (u64 i = 0; i < 1ul << order; i++)
				check(!owner[first + i]++);
			allocated += 1ul << order;
		} else {
			order = blocks[place].order;
			first = (blocks[place].page - HOST_MEMORY_START) / PAGE_SIZE;
			page_free(blocks[place].page, order);
			memset(owner + first, 0, 1ul << order);
			blocks[place].page = 0;
			allocated -= 1ul << order;
		}
		check(page_count_free() + allocated == page_count_total());
		check(page_alloc_is_consistent());
	}
	return 0;
}
