/* The region tree. */
#include "cmocka_all.h"
#include "host.h"
#include "region_model.h"

static struct region_model model;

static int set_up(void **state)
{
	(void)state;
	model = (struct region_model){ 0 };
	region_tree_init(&model.tree);
	return 0;
}

static void an_empty_tree_is_all_free(void **state)
{
	(void)state;
	assert_null(region_find(&model.tree, 0));
	assert_null(region_find_from(&model.tree, 0));
	assert_true(region_range_is_free(&model.tree, 0, UINT64_MAX));
	assert_int_equal(region_find_free(&model.tree, 0, PAGE_SIZE, 4096, 1ul << 47), 4096);
	assert_int_equal(region_find_free(&model.tree, 0, 1ul << 47, 4096, 1ul << 47), 0);
}

static void gaps_are_found_at_the_hint_or_below(void **state)
{
	(void)state;
	assert_true(model_insert(&model, 1 * PAGE_SIZE, 4 * PAGE_SIZE));
	assert_true(model_insert(&model, 6 * PAGE_SIZE, 8 * PAGE_SIZE));
	assert_int_equal(region_find_free(&model.tree, 0, 2 * PAGE_SIZE, PAGE_SIZE, 1ul << 40),
			 4 * PAGE_SIZE);
	assert_int_equal(region_find_free(&model.tree, 0, 3 * PAGE_SIZE, PAGE_SIZE, 1ul << 40),
			 8 * PAGE_SIZE);
	assert_int_equal(
		region_find_free(&model.tree, 7 * PAGE_SIZE, PAGE_SIZE, PAGE_SIZE, 8 * PAGE_SIZE),
		4 * PAGE_SIZE);
}

static void splitting_keeps_offsets(void **state)
{
	struct region lower = { .start = 0x1000, .end = 0x5000, .offset = 0x8000 }, upper;

	(void)state;
	region_insert(&model.tree, &lower);
	region_split(&model.tree, &lower, 0x3000, &upper);
	assert_int_equal(lower.end, 0x3000);
	assert_int_equal(upper.start, 0x3000);
	assert_int_equal(upper.offset, 0xa000);
	assert_ptr_equal(region_find(&model.tree, 0x3000), &upper);
	assert_ptr_equal(region_find(&model.tree, 0x2fff), &lower);
}

static void random_operations_agree_with_a_map(void **state)
{
	(void)state;
	srand(2);
	for (int i = 0; i < 50000; i++) {
		u64 start = (u64)rand() % MODEL_PAGES, pages = 1 + (u64)rand() % 16;
		u64 end = min_u64(start + pages, MODEL_PAGES);

		switch (rand() % 8) {
		case 0:
			model_remove(&model, start * PAGE_SIZE);
			break;
		case 1:
			model_split(&model, start * PAGE_SIZE);
			break;
		case 2:
			model_trim(&model, start * PAGE_SIZE);
			break;
		case 3:
			model_remove(&model, start * PAGE_SIZE);
			model_extend(&model, start * PAGE_SIZE);
			break;
		default:
			assert_true(model_insert(&model, start * PAGE_SIZE, end * PAGE_SIZE));
		}
		assert_true(model_agrees(&model));
		assert_true(model_gap_is_right(&model, start * PAGE_SIZE, pages * PAGE_SIZE));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_empty_tree_is_all_free, set_up),
		cmocka_unit_test_setup(gaps_are_found_at_the_hint_or_below, set_up),
		cmocka_unit_test_setup(splitting_keeps_offsets, set_up),
		cmocka_unit_test_setup(random_operations_agree_with_a_map, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
