/* Grace periods. Harts are moved by hand: each test says who leaves the kernel, and when. */
#include "cmocka_all.h"
#include "memory.h"

#include "../../kernel/reclaim.c"

#define HARTS 3

struct item {
	struct reclaim_node node;
	u32 runs;
	u32 again; /* how often it defers itself */
};

static u32 run_count, wakes;

void pressure_pages_freed(void)
{
	wakes++;
}

static void run(struct reclaim_node *node)
{
	struct item *item = container_of(node, struct item, node);

	item->runs++;
	run_count++;
	if (item->again) {
		item->again--;
		reclaim_defer(node, run);
	}
}

static int set_up(void **state)
{
	(void)state;
	host_memory_init(HARTS);
	atomic_store(&pending_count, 0);
	host_ipis = 0;
	run_count = wakes = 0;
	return 0;
}

static void leave_kernel(u32 hart)
{
	atomic_fetch_add(&harts[hart].quiescent, 1);
}

static void everybody_leaves(void)
{
	for (u32 i = 0; i < HARTS; i++)
		leave_kernel(i);
}

static void work_waits_until_every_other_hart_has_left_the_kernel(void **state)
{
	struct item item = { 0 };

	(void)state;
	reclaim_defer(&item.node, run);
	assert_int_equal(reclaim_pending(), 1);
	leave_kernel(1); /* before the snapshot: does not count */
	leave_kernel(2);
	assert_true(reclaim_poll());
	assert_true(reclaim_poll());
	assert_int_equal(item.runs, 0);
	leave_kernel(1);
	assert_true(reclaim_poll());
	assert_int_equal(item.runs, 0);
	leave_kernel(2);
	assert_false(reclaim_poll());
	assert_int_equal(item.runs, 1);
	assert_int_equal(reclaim_pending(), 0);
}

static void idle_and_absent_harts_are_not_waited_for(void **state)
{
	struct item item = { 0 };

	(void)state;
	atomic_fetch_or(&idle_harts, 1ul << 1);
	atomic_store(&harts[2].is_online, false);
	reclaim_defer(&item.node, run);
	reclaim_poll();
	reclaim_poll();
	assert_int_equal(item.runs, 1);
	assert_int_equal(host_ipis, 0);
}

static void a_hart_that_is_idle_no_more_is_waited_for(void **state)
{
	struct item item = { 0 };

	(void)state;
	leave_kernel(2);
	atomic_fetch_or(&idle_harts, 1ul << 1);
	reclaim_defer(&item.node, run);
	reclaim_poll(); /* snapshot */
	atomic_fetch_and(&idle_harts, ~(1ul << 1));
	leave_kernel(2);
	reclaim_poll();
	assert_int_equal(item.runs, 0);
	leave_kernel(1);
	reclaim_poll();
	assert_int_equal(item.runs, 1);
}

static void busy_harts_are_asked_once_to_pass_the_kernel(void **state)
{
	struct item item = { 0 };

	(void)state;
	atomic_fetch_or(&idle_harts, 1ul << 2);
	reclaim_defer(&item.node, run);
	assert_int_equal(host_ipis, 0);
	for (u32 i = 0; i < 10; i++)
		reclaim_poll();
	assert_int_equal(host_ipis, 1);
}

static void work_that_comes_after_the_snapshot_waits_for_the_next(void **state)
{
	struct item first = { 0 }, second = { 0 };

	(void)state;
	reclaim_defer(&first.node, run);
	reclaim_poll();
	reclaim_defer(&second.node, run);
	everybody_leaves();
	assert_true(reclaim_poll());
	assert_int_equal(first.runs, 1);
	assert_int_equal(second.runs, 0);
	everybody_leaves();
	assert_false(reclaim_poll());
	assert_int_equal(second.runs, 1);
}

static void attention_is_set_exactly_while_there_is_work(void **state)
{
	struct item item = { 0 };

	(void)state;
	assert_int_equal(atomic_load(&harts[0].attention), 0);
	atomic_store(&harts[0].attention, 1);
	reclaim_defer(&item.node, run);
	assert_int_equal(atomic_load(&harts[0].attention), 1 | ATTENTION_RECLAIM);
	reclaim_poll();
	assert_true(atomic_load(&harts[0].attention) & ATTENTION_RECLAIM);
	everybody_leaves();
	reclaim_poll();
	assert_int_equal(atomic_load(&harts[0].attention), 1);
}

static void one_poll_does_a_bounded_amount_of_work(void **state)
{
	static struct item items[100];
	u32 polls = 1;

	(void)state;
	memset(items, 0, sizeof(items));
	for (u32 i = 0; i < ARRAY_SIZE(items); i++)
		reclaim_defer(&items[i].node, run);
	reclaim_poll();
	everybody_leaves();
	while (reclaim_poll())
		assert_true(run_count <= polls++ * RIPE_BATCH);
	assert_int_equal(polls, (ARRAY_SIZE(items) + RIPE_BATCH - 1) / RIPE_BATCH);
	for (u32 i = 0; i < ARRAY_SIZE(items); i++)
		assert_int_equal(items[i].runs, 1);
}

static void work_may_defer_itself_and_is_never_counted_as_done(void **state)
{
	struct item item = { .again = 3 };

	(void)state;
	reclaim_defer(&item.node, run);
	for (u32 i = 0; i < 4; i++) {
		assert_int_equal(reclaim_pending(), 1);
		reclaim_poll();
		assert_int_equal(item.runs, i);
		everybody_leaves();
		reclaim_poll();
		assert_int_equal(item.runs, i + 1);
	}
	assert_int_equal(reclaim_pending(), 0);
}

static void pages_come_back_after_the_grace_period(void **state)
{
	u64 before = page_count_free();
	paddr block = page_alloc(3);

	(void)state;
	reclaim_pages(block, 3);
	reclaim_poll();
	assert_int_equal(page_count_free(), before - 8);
	everybody_leaves();
	reclaim_poll();
	assert_int_equal(page_count_free(), before);
}

/* Objects and tables are memory too: who waits for some looks again when they have gone. */
static void whoever_waits_for_memory_is_woken_after_any_work(void **state)
{
	struct item item = { 0 };

	(void)state;
	reclaim_defer(&item.node, run);
	reclaim_poll();
	assert_int_equal(wakes, 0);
	everybody_leaves();
	reclaim_poll();
	assert_int_equal(wakes, 1);
	reclaim_poll();
	assert_int_equal(wakes, 1);
}

/* --------------------------------------------- random harts that borrow what others take away */

#define CELLS 16

struct cell {
	struct reclaim_node node;
	u32 borrowers; /* harts that found it and are still in the kernel */
	bool is_freed;
};

static struct cell cells[CELLS], *published[CELLS];
static struct cell *borrowed[HARTS];

static void cell_free(struct reclaim_node *node)
{
	struct cell *cell = container_of(node, struct cell, node);

	assert_int_equal(cell->borrowers, 0);
	cell->is_freed = true;
}

static void hart_leaves(u32 hart)
{
	if (borrowed[hart])
		borrowed[hart]->borrowers--;
	borrowed[hart] = NULL;
	leave_kernel(hart);
	host_hart = &harts[hart];
	reclaim_poll();
}

static void hart_works(u32 hart)
{
	u32 place = (u32)rand() % CELLS;
	struct cell *cell = published[place];

	host_hart = &harts[hart];
	if (!cell && cells[place].is_freed) {
		cells[place] = (struct cell){ 0 };
		published[place] = &cells[place];
	} else if (cell && rand() % 2 && !borrowed[hart]) {
		borrowed[hart] = cell;
		cell->borrowers++;
	} else if (cell) {
		published[place] = NULL;
		reclaim_defer(&cell->node, cell_free);
	}
}

static void nothing_is_freed_while_a_hart_may_still_look_at_it(void **state)
{
	u32 freed = 0;

	(void)state;
	srand(3);
	memset(borrowed, 0, sizeof(borrowed));
	for (u32 i = 0; i < CELLS; i++)
		cells[i] = (struct cell){ .is_freed = true };
	memset(published, 0, sizeof(published));
	for (u32 i = 0; i < 300000; i++) {
		u32 hart = (u32)rand() % HARTS;

		if (rand() % 3)
			hart_works(hart);
		else
			hart_leaves(hart);
		freed += cells[i % CELLS].is_freed;
	}
	assert_true(freed > 1000);
	for (u32 i = 0; reclaim_pending(); i = (i + 1) % HARTS)
		hart_leaves(i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(work_waits_until_every_other_hart_has_left_the_kernel,
				       set_up),
		cmocka_unit_test_setup(idle_and_absent_harts_are_not_waited_for, set_up),
		cmocka_unit_test_setup(a_hart_that_is_idle_no_more_is_waited_for, set_up),
		cmocka_unit_test_setup(busy_harts_are_asked_once_to_pass_the_kernel, set_up),
		cmocka_unit_test_setup(work_that_comes_after_the_snapshot_waits_for_the_next,
				       set_up),
		cmocka_unit_test_setup(attention_is_set_exactly_while_there_is_work, set_up),
		cmocka_unit_test_setup(one_poll_does_a_bounded_amount_of_work, set_up),
		cmocka_unit_test_setup(work_may_defer_itself_and_is_never_counted_as_done, set_up),
		cmocka_unit_test_setup(pages_come_back_after_the_grace_period, set_up),
		cmocka_unit_test_setup(whoever_waits_for_memory_is_woken_after_any_work, set_up),
		cmocka_unit_test_setup(nothing_is_freed_while_a_hart_may_still_look_at_it, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
