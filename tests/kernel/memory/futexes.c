/* Futexes. */
#include "memory.h"

#define WAITERS 5
#define SOON 300000

static volatile uint32_t word;
static volatile uint32_t waiting, woken, noted, order[WAITERS];
static volatile tern_result last_result;

static void wait_for_word(uint64_t number)
{
	__atomic_fetch_add(&waiting, 1, __ATOMIC_SEQ_CST);
	last_result = tern_futex_wait(&word, 0, TERN_DEADLINE_NONE);
	order[__atomic_fetch_add(&woken, 1, __ATOMIC_SEQ_CST)] = (uint32_t)number;
	__atomic_fetch_add(&noted, 1, __ATOMIC_SEQ_CST);
}

/* Start waiters one after the other, so that their order is known. */
static void start_waiters(struct rt_thread *threads, uint64_t count)
{
	word = 0;
	waiting = 0;
	woken = noted = 0;
	last_result = 1;
	for (uint64_t i = 0; i < count; i++) {
		rt_thread(&threads[i], wait_for_word, i, PRIORITY);
		test_await(&waiting, i + 1);
		test_settle();
	}
}

void futex_waits_for_its_value(void)
{
	struct rt_thread thread;

	word = 1;
	CHECK_EQ(tern_futex_wait(&word, 0, TERN_DEADLINE_NONE), -EAGAIN);
	CHECK_EQ(tern_futex_wake(&word, 1), 0);
	start_waiters(&thread, 1);
	CHECK_EQ(woken, 0);
	CHECK_EQ(tern_futex_wake(&word + 1, 1), 0);
	CHECK_EQ(tern_futex_wake(&word, 1), 1);
	rt_join(&thread);
	CHECK_EQ(last_result, 0);
}

void futex_times_out(void)
{
	uint64_t start = tern_time();

	word = 0;
	CHECK_EQ(tern_futex_wait(&word, 0, start + SOON), -ETIMEDOUT);
	CHECK(tern_time() >= start + SOON);
	CHECK_EQ(tern_futex_wait(&word, 0, start), -ETIMEDOUT);
	CHECK_EQ(tern_futex_wait(&word, 0, 0), -ETIMEDOUT);
	CHECK_EQ(tern_futex_wait(&word, 1, start), -EAGAIN);
	CHECK_EQ(tern_futex_wake(&word, 1), 0);
}

void futex_wakes_in_order(void)
{
	struct rt_thread threads[WAITERS];

	start_waiters(threads, WAITERS);
	for (uint32_t i = 0; i < WAITERS; i++) {
		CHECK_EQ(tern_futex_wake(&word, 1), 1);
		test_await(&noted, i + 1);
		CHECK_EQ(order[i], i);
	}
	for (uint32_t i = 0; i < WAITERS; i++)
		rt_join(&threads[i]);
}

void futex_wakes_as_many_as_asked(void)
{
	struct rt_thread threads[WAITERS];

	start_waiters(threads, WAITERS);
	CHECK_EQ(tern_futex_wake(&word, 0), 0);
	CHECK_EQ(tern_futex_wake(&word, 2), 2);
	test_await(&woken, 2);
	test_settle();
	CHECK_EQ(woken, 2);
	CHECK_EQ(tern_futex_wake(&word, UINT64_MAX), WAITERS - 2);
	for (uint32_t i = 0; i < WAITERS; i++)
		rt_join(&threads[i]);
}

static void wait_in_child(uint64_t address)
{
	volatile uint32_t *shared = (volatile uint32_t *)address;

	shared[1] = 1;
	rt_exit(tern_futex_wait(shared, 0, TERN_DEADLINE_NONE) == 0 ? 3 : 4);
}

void futex_is_shared_between_processes(void)
{
	struct rt_shared shared = rt_share(RT_PAGE);
	volatile uint32_t *words = shared.address;
	struct rt_child child = rt_child(wait_in_child, (uint64_t)shared.address, PRIORITY,
					 &shared);

	test_await(&words[1], 1);
	test_settle();
	while (tern_futex_wake(words, 1) != 1)
		test_settle();
	CHECK_EQ(rt_child_join(&child), 3);
	rt_unshare(&shared);
}

void futex_wait_is_interrupted(void)
{
	struct rt_thread thread;

	start_waiters(&thread, 1);
	CHECK_EQ(tern_thread_interrupt(thread.handle, 0), 0);
	rt_join(&thread);
	CHECK_EQ(last_result, -EINTR);
	CHECK_EQ(tern_thread_interrupt(TERN_SELF_THREAD, 0), 0);
	CHECK_EQ(tern_futex_wait(&word, 0, TERN_DEADLINE_NONE), -EINTR);
	CHECK_EQ(tern_futex_wait(&word, 0, tern_time() + SOON), -ETIMEDOUT);
}

void futex_waiter_can_be_killed(void)
{
	struct rt_thread thread;

	start_waiters(&thread, 1);
	CHECK_EQ(tern_thread_kill(thread.handle), 0);
	CHECK_EQ(tern_futex_wake(&word, 1), 0);
	test_settle();
	CHECK_EQ(woken, 0);
	rt_discard(&thread);
}
