/* The radix tree against an array. */
#include "cmocka_all.h"
#include "memory.h"

#include "../../kernel/radix.c"

static struct radix_tree tree;

static int set_up(void **state)
{
	(void)state;
	host_memory_init(1);
	radix_init(&tree);
	return 0;
}

static void any_index_can_be_stored(void **state)
{
	static const u64 indexes[] = { 0, 1, 63, 64, 4095, 4096, 1ul << 40, UINT64_MAX };

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(indexes); i++)
		assert_int_equal(radix_set(&tree, indexes[i], i + 1), 0);
	for (u32 i = 0; i < ARRAY_SIZE(indexes); i++)
		assert_int_equal(radix_get(&tree, indexes[i]), i + 1);
	assert_int_equal(radix_get(&tree, 2), 0);
	for (u32 i = 0; i < ARRAY_SIZE(indexes); i++)
		assert_int_equal(radix_remove(&tree, indexes[i]), i + 1);
	assert_int_equal(tree.nodes, 0);
	assert_null(tree.root);
}

static void next_finds_what_is_there_in_order(void **state)
{
	u64 index = 0, value;

	(void)state;
	assert_false(radix_next(&tree, &index, &value));
	for (u64 i = 5; i < 100000; i = i * 3 + 1)
		assert_int_equal(radix_set(&tree, i, i + 7), 0);
	for (u64 i = 5; i < 100000; i = i * 3 + 1) {
		assert_true(radix_next(&tree, &index, &value));
		assert_int_equal(index, i);
		assert_int_equal(value, i + 7);
		index++;
	}
	assert_false(radix_next(&tree, &index, &value));
}

static void random_operations_agree_with_an_array(void **state)
{
	static u64 model[1 << 14];

	(void)state;
	memset(model, 0, sizeof(model));
	srand(1);
	for (int i = 0; i < 200000; i++) {
		u64 index = (u64)rand() % ARRAY_SIZE(model), value = (u64)rand() + 1;

		if (rand() % 3) {
			assert_int_equal(radix_set(&tree, index, value), 0);
			model[index] = value;
		} else {
			assert_int_equal(radix_remove(&tree, index), model[index]);
			model[index] = 0;
		}
		index = (u64)rand() % ARRAY_SIZE(model);
		assert_int_equal(radix_get(&tree, index), model[index]);
	}
}

static void failed_insertion_leaves_no_nodes(void **state)
{
	(void)state;
	assert_int_equal(radix_set(&tree, 3, 9), 0);
	host_memory_exhaust(0);
	for (int i = 0; i < 100; i++)
		if (radix_set(&tree, 1ul << 50, 1))
			break;
	assert_int_equal(radix_get(&tree, 3), 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(any_index_can_be_stored, set_up),
		cmocka_unit_test_setup(next_finds_what_is_there_in_order, set_up),
		cmocka_unit_test_setup(random_operations_agree_with_an_array, set_up),
		cmocka_unit_test_setup(failed_insertion_leaves_no_nodes, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
