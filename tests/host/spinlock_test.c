/* Spinlocks, with the checks of debug builds. */
#ifndef TERN_DEBUG
#define TERN_DEBUG 1
#endif
#include <pthread.h>
#include <sched.h>

#include "cmocka_all.h"
#include "host.h"
#include "panics.h"

#include "../../kernel/spinlock.c"

static struct spinlock space = SPINLOCK_INIT(LOCK_RANK_SPACE);
static struct spinlock memobj = SPINLOCK_INIT(LOCK_RANK_MEMOBJ);
static struct spinlock pages = SPINLOCK_INIT(LOCK_RANK_PAGES);

static int set_up(void **state)
{
	(void)state;
	host_harts(3);
	spin_init(&space, LOCK_RANK_SPACE);
	spin_init(&memobj, LOCK_RANK_MEMOBJ);
	spin_init(&pages, LOCK_RANK_PAGES);
	return 0;
}

static void locks_are_taken_in_rising_rank_and_given_back_in_any_order(void **state)
{
	(void)state;
	spin_lock(&space);
	spin_lock(&memobj);
	spin_lock(&pages);
	spin_unlock(&memobj);
	assert_false(spin_is_held(&memobj));
	assert_true(spin_is_held(&space) && spin_is_held(&pages));
	spin_unlock(&space);
	spin_unlock(&pages);
	assert_int_equal(harts[0].held_count, 0);
	spin_lock(&space);
	spin_unlock(&space);
}

static void take_lower_rank(void)
{
	spin_lock(&pages);
	spin_lock(&space);
}

static void take_the_same_lock_twice(void)
{
	spin_lock(&pages);
	spin_lock(&pages);
}

static void take_a_lower_rank_behind_a_tried_lock(void)
{
	spin_lock(&pages);
	if (spin_try_lock(&space))
		spin_lock(&memobj);
}

static void give_back_a_free_lock(void)
{
	spin_unlock(&space);
}

static void misuse_panics(void **state)
{
	(void)state;
	assert_true(panics(take_lower_rank, "lock order"));
	assert_true(panics(take_a_lower_rank_behind_a_tried_lock, "lock order"));
	assert_true(panics(take_the_same_lock_twice, "assertion"));
	assert_true(panics(give_back_a_free_lock, "assertion"));
}

static void trying_takes_a_free_lock_only(void **state)
{
	(void)state;
	assert_true(spin_try_lock(&space));
	assert_true(spin_is_held(&space));
	host_hart = &harts[1];
	assert_false(spin_try_lock(&space));
	assert_false(spin_is_held(&space));
	host_hart = &harts[0];
	spin_unlock(&space);
	host_hart = &harts[1];
	assert_true(spin_try_lock(&space));
	spin_unlock(&space);
}

/* ------------------------------------------------------------------ two threads, one counter */

#define ROUNDS 50000

static u64 counter; /* under `space` */

static void *count(void *hart)
{
	host_hart = hart;
	for (u32 i = 0; i < ROUNDS; i++) {
		u64 seen;

		spin_lock(&space);
		seen = counter;
		if (i % 64 == 0)
			sched_yield(); /* whoever ignores the lock counts now */
		counter = seen + 1;
		spin_unlock(&space);
	}
	return NULL;
}

static void the_lock_excludes_other_harts(void **state)
{
	pthread_t threads[2];

	(void)state;
	counter = 0;
	for (u32 i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, count, &harts[i + 1]);
	for (u32 i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(counter, 2 * ROUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(locks_are_taken_in_rising_rank_and_given_back_in_any_order,
				       set_up),
		cmocka_unit_test_setup(misuse_panics, set_up),
		cmocka_unit_test_setup(trying_takes_a_free_lock_only, set_up),
		cmocka_unit_test_setup(the_lock_excludes_other_harts, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
