/* Slabs. */
#include "cmocka_all.h"
#include "memory.h"

static int set_up(void **state)
{
	(void)state;
	host_memory_init(1);
	return 0;
}

static void blocks_are_zeroed_aligned_and_disjoint(void **state)
{
	static char *blocks[3000];
	static const size_t sizes[] = { 1, 16, 17, 64, 65, 112, 500, 960, 1024, 1500, 2048, 5000 };
	u64 before;

	(void)state;
	for (u32 s = 0; s < ARRAY_SIZE(sizes); s++) {
		size_t size = sizes[s];

		before = page_count_free();
		for (u32 i = 0; i < ARRAY_SIZE(blocks); i++) {
			blocks[i] = kernel_alloc(size);
			assert_non_null(blocks[i]);
			if (size >= 64)
				assert_int_equal((u64)blocks[i] & 63, 0);
			for (size_t b = 0; b < size; b++)
				assert_int_equal(blocks[i][b], 0);
			memset(blocks[i], (int)i | 1, size);
		}
		for (u32 i = 0; i < ARRAY_SIZE(blocks); i++) {
			for (size_t b = 0; b < size; b++)
				assert_int_equal((u8)blocks[i][b], (u8)(i | 1));
			kernel_free(blocks[i], size);
		}
		assert_int_equal(page_count_free(), before);
	}
}

static void exhaustion_is_reported_and_survived(void **state)
{
	u64 before = page_count_free();
	void *first = NULL, **last = &first, *block;

	(void)state;
	while ((block = kernel_alloc(1024))) {
		*last = block;
		last = block;
	}
	*last = NULL;
	assert_null(kernel_alloc(1024));
	while (first) {
		void *next = *(void **)first;

		kernel_free(first, 1024);
		first = next;
	}
	assert_int_equal(page_count_free(), before);
	assert_non_null(kernel_alloc(1024));
}

static void sizes_are_rounded_as_charged(void **state)
{
	(void)state;
	assert_int_equal(kernel_alloc_size(1), 16);
	assert_int_equal(kernel_alloc_size(112), 128);
	assert_int_equal(kernel_alloc_size(2049), PAGE_SIZE);
	assert_int_equal(kernel_alloc_size(5000), 2 * PAGE_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(blocks_are_zeroed_aligned_and_disjoint, set_up),
		cmocka_unit_test_setup(exhaustion_is_reported_and_survived, set_up),
		cmocka_unit_test_setup(sizes_are_rounded_as_charged, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
