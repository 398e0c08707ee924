/* The radix tree against an array. */
#include "cmocka_all.h"
#include "memory.h"

/* Allocations that still succeed: then one fails, and `failures` counts it. */
static u32 successes;
static u32 failures;

static void *limited_alloc(size_t size)
{
	failures += successes == 0;
	return successes ? (successes--, kernel_alloc(size)) : NULL;
}

/* What the tree's account has paid for, and may. */
static u64 charged, limit;

bool account_charge(struct account *account, u64 bytes)
{
	assert_ptr_equal(account, &charged);
	if (bytes > limit - charged)
		return false;
	charged += bytes;
	return true;
}

void account_uncharge(struct account *account, u64 bytes)
{
	assert_ptr_equal(account, &charged);
	assert_true(bytes <= charged);
	charged -= bytes;
}

#define kernel_alloc limited_alloc
#include "../../kernel/radix.c"
#undef kernel_alloc

static struct radix_tree tree;

static int set_up(void **state)
{
	(void)state;
	host_memory_init(1);
	radix_init(&tree, NULL);
	successes = UINT32_MAX;
	failures = 0;
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
	assert_int_equal(radix_get(&tree, (1ul << 40) + 64), 0);
	for (u32 i = 0; i < ARRAY_SIZE(indexes); i++)
		assert_int_equal(radix_remove(&tree, indexes[i]), i + 1);
	assert_int_equal(tree.nodes, 0);
	assert_int_equal(tree.root, 0);
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

/* Whichever allocation it is that fails. */
static void failed_insertion_into_an_empty_tree_leaves_no_nodes(void **state)
{
	u64 free = page_count_free();

	(void)state;
	for (u32 allowed = 0; allowed < 9; allowed++) {
		successes = allowed;
		assert_int_equal(radix_set(&tree, 1ul << 50, 1), -ENOMEM);
		assert_int_equal(tree.nodes, 0);
		assert_int_equal(tree.root, 0);
		assert_int_equal(page_count_free(), free);
	}
	assert_int_equal(failures, 9);
}

/* Roots that were put above may stay, as the way to what was there; nothing else does. */
static void failed_insertion_keeps_what_was_there(void **state)
{
	static const u64 indexes[] = { 64 * 64 * 64 * 5, 64 * 64 * 7, 200, 1ul << 50, UINT64_MAX };

	(void)state;
	assert_int_equal(radix_set(&tree, 3, 9), 0);
	for (u32 i = 0; i < ARRAY_SIZE(indexes); i++) {
		u32 allowed = 0;

		for (successes = 0; radix_set(&tree, indexes[i], 4); successes = ++allowed) {
			assert_int_equal(radix_get(&tree, indexes[i]), 0);
			assert_int_equal(radix_get(&tree, 3), 9);
			assert_int_equal(tree.nodes, tree.height); /* the way to 3 */
		}
		successes = UINT32_MAX;
		assert_int_equal(radix_remove(&tree, indexes[i]), 4);
		assert_int_equal(tree.nodes, tree.height);
	}
	assert_true(failures > 10);
	assert_int_equal(radix_remove(&tree, 3), 9);
	assert_int_equal(tree.nodes, 0);
}

static void indexes_beyond_the_height_are_absent(void **state)
{
	u64 index = 64, value;

	(void)state;
	assert_int_equal(radix_set(&tree, 5, 1), 0);
	assert_int_equal(radix_get(&tree, 5 + 64), 0);
	assert_int_equal(radix_remove(&tree, 5 + 64), 0);
	assert_false(radix_next(&tree, &index, &value));
	assert_int_equal(radix_get(&tree, 5), 1);
}

static void one_page_takes_no_node(void **state)
{
	u64 index = 0, value;

	(void)state;
	successes = 0;
	assert_int_equal(radix_set(&tree, 0, 8), 0);
	assert_int_equal(radix_set(&tree, 1, 8), -ENOMEM);
	assert_int_equal(radix_get(&tree, 0), 8);
	assert_int_equal(radix_get(&tree, 1), 0);
	assert_true(radix_next(&tree, &index, &value));
	assert_int_equal(value, 8);
	index = 1;
	assert_false(radix_next(&tree, &index, &value));
	assert_int_equal(radix_remove(&tree, 0), 8);
	assert_int_equal(tree.nodes, 0);
}

/* On the way to an index the account runs out at each node once. */
static void nodes_are_paid_for(void **state)
{
	static const u64 indexes[] = { 64, 64 * 64 * 5, 1ul << 50, UINT64_MAX };
	u64 free = page_count_free();

	(void)state;
	radix_init(&tree, (struct account *)&charged);
	for (u32 i = 0; i < ARRAY_SIZE(indexes); i++) {
		for (limit = 0; radix_set(&tree, indexes[i], 4);
		     limit += sizeof(struct radix_node)) {
			assert_int_equal(radix_get(&tree, indexes[i]), 0);
			assert_int_equal(charged, 0);
			assert_int_equal(page_count_free(), free);
		}
		assert_int_equal(charged, limit);
		assert_int_equal(charged, tree.height * sizeof(struct radix_node));
		assert_int_equal(radix_set(&tree, 0, 5), -ENOMEM);
		assert_int_equal(radix_remove(&tree, indexes[i]), 4);
		assert_int_equal(charged, 0);
	}
	successes = 0;
	limit = UINT64_MAX;
	assert_int_equal(radix_set(&tree, 64, 4), -ENOMEM);
	assert_int_equal(charged, 0);
}

static void replacing_takes_no_node(void **state)
{
	(void)state;
	assert_int_equal(radix_set(&tree, 70, 1), 0);
	successes = 0;
	assert_int_equal(radix_set(&tree, 70, 2), 0);
	assert_int_equal(radix_remove(&tree, 70), 2);
	assert_int_equal(tree.nodes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(any_index_can_be_stored, set_up),
		cmocka_unit_test_setup(next_finds_what_is_there_in_order, set_up),
		cmocka_unit_test_setup(random_operations_agree_with_an_array, set_up),
		cmocka_unit_test_setup(failed_insertion_into_an_empty_tree_leaves_no_nodes, set_up),
		cmocka_unit_test_setup(failed_insertion_keeps_what_was_there, set_up),
		cmocka_unit_test_setup(indexes_beyond_the_height_are_absent, set_up),
		cmocka_unit_test_setup(one_page_takes_no_node, set_up),
		cmocka_unit_test_setup(nodes_are_paid_for, set_up),
		cmocka_unit_test_setup(replacing_takes_no_node, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
