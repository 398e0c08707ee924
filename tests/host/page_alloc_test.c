/* The page allocator. */
#include "cmocka_all.h"
#include "host.h"

#include "../../kernel/page_alloc.c"
#include "../../kernel/spinlock.c"

#define START HOST_MEMORY_START
#define END (HOST_MEMORY_START + HOST_MEMORY_SIZE)

static int set_up(void **state)
{
	(void)state;
	host_harts(2);
	page_frames = NULL;
	free_pages = total_pages = 0;
	page_alloc_init(START, END);
	page_alloc_add(START, END);
	return 0;
}

static void all_memory_but_the_records_is_free(void **state)
{
	u64 record_pages = HOST_MEMORY_SIZE / PAGE_SIZE * sizeof(struct page) / PAGE_SIZE;

	(void)state;
	assert_int_equal(page_count_free(), HOST_MEMORY_SIZE / PAGE_SIZE - record_pages);
	assert_int_equal(page_count_total(), page_count_free());
	assert_true(page_alloc_is_consistent());
}

static void blocks_are_aligned_and_disjoint(void **state)
{
	paddr blocks[PAGE_ORDER_MAX + 1];

	(void)state;
	for (unsigned int order = 0; order <= PAGE_ORDER_MAX; order++) {
		blocks[order] = page_alloc(order);
		assert_int_not_equal(blocks[order], 0);
		assert_int_equal(blocks[order] & ((PAGE_SIZE << order) - 1), 0);
		for (unsigned int i = 0; i < order; i++)
			assert_true(blocks[i] + (PAGE_SIZE << i) <= blocks[order] ||
				    blocks[order] + (PAGE_SIZE << order) <= blocks[i]);
	}
	assert_true(page_alloc_is_consistent());
	for (unsigned int order = 0; order <= PAGE_ORDER_MAX; order++)
		page_free(blocks[order], order);
	page_cache_drain();
	assert_int_equal(page_count_free(), page_count_total());
}

static void freed_pages_coalesce(void **state)
{
	static paddr pages[HOST_MEMORY_SIZE / PAGE_SIZE];
	u64 count = 0;

	(void)state;
	while ((pages[count] = page_alloc(0)))
		count++;
	assert_int_equal(count, page_count_total());
	assert_int_equal(page_alloc(PAGE_ORDER_MAX), 0);
	for (u64 i = 0; i < count; i += 2)
		page_free(pages[i], 0);
	for (u64 i = 1; i < count; i += 2)
		page_free(pages[i], 0);
	page_cache_drain();
	assert_true(page_alloc_is_consistent());
	assert_int_not_equal(page_alloc(PAGE_ORDER_MAX), 0);
}

static void ranges_with_gaps_never_merge_across(void **state)
{
	paddr block;

	(void)state;
	page_frames = NULL;
	free_pages = total_pages = 0;
	page_alloc_init(START, END);
	page_alloc_add(START, START + (1ul << 20));
	page_alloc_add(START + (2ul << 20) + 100, START + (3ul << 20) + 5);
	page_alloc_add(START + (3ul << 20) + 1, START + (3ul << 20) + 2);
	assert_true(page_alloc_is_consistent());
	while ((block = page_alloc(0))) {
		u64 offset = block - START;

		assert_true(offset < 1ul << 20 || (offset > 2ul << 20 && offset < 3ul << 20));
	}
}

static void zeroed_pages_are_zero(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++) {
		paddr page = page_alloc_zeroed(1);
		const char *bytes = phys_to_virt(page);

		for (u64 b = 0; b < 2 * PAGE_SIZE; b++)
			assert_int_equal(bytes[b], 0);
		memset(phys_to_virt(page), 0xff, 2 * PAGE_SIZE);
		page_free(page, 1);
	}
}

static void impossible_orders_fail(void **state)
{
	(void)state;
	assert_int_equal(page_alloc(PAGE_ORDER_MAX + 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(all_memory_but_the_records_is_free, set_up),
		cmocka_unit_test_setup(blocks_are_aligned_and_disjoint, set_up),
		cmocka_unit_test_setup(freed_pages_coalesce, set_up),
		cmocka_unit_test_setup(ranges_with_gaps_never_merge_across, set_up),
		cmocka_unit_test_setup(zeroed_pages_are_zero, set_up),
		cmocka_unit_test_setup(impossible_orders_fail, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
