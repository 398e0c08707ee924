/* How threads and processes end, and who hears of it. */
#include "memory.h"

#define THREADS 4

static void do_nothing(uint64_t argument)
{
	(void)argument;
}

static void wait_forever(uint64_t argument)
{
	uint32_t word = 0;

	(void)argument;
	for (;;)
		tern_futex_wait(&word, 0, TERN_DEADLINE_NONE);
}

static void exit_with(uint64_t status)
{
	rt_exit((uint32_t)status);
}

void last_thread_ends_its_process(void)
{
	struct rt_child child = rt_child(do_nothing, 0, PRIORITY, NULL);

	CHECK_EQ(rt_child_join(&child), 0);
	child = rt_child(exit_with, 0xabcdef01, PRIORITY, NULL);
	CHECK_EQ(rt_child_join(&child), 0xabcdef01);
}

void exit_clears_the_word(void)
{
	struct rt_thread thread;

	rt_thread(&thread, do_nothing, 0, PRIORITY);
	while (thread.running)
		CHECK(tern_futex_wait(&thread.running, 1, tern_time() + 60000000000) != -ETIMEDOUT);
	rt_discard(&thread);
}

static void expect_death(struct test_port *port, uint64_t userdata)
{
	struct tern_received message = { 0 };

	CHECK_EQ(tern_wait(port->listener, &message), TERN_EVENT_NOTIFY);
	CHECK_EQ(message.words[0], TERN_NOTIFY_DEATH);
	CHECK_EQ(message.userdata, userdata);
}

void process_death_is_notified(void)
{
	struct test_port port = test_port(3, 0);
	struct rt_child child = rt_child(exit_with, 9, PRIORITY, NULL);

	CHECK_EQ(tern_process_watch(child.process, port.client), 0);
	expect_death(&port, 3);
	CHECK_EQ(tern_process_status(child.process), 9);
	CHECK_EQ(tern_process_watch(child.process, port.client), 0);
	expect_death(&port, 3);
	CHECK_EQ(rt_child_join(&child), 9);
	child = rt_child(wait_forever, 0, PRIORITY, NULL);
	CHECK_EQ(tern_process_watch(child.process, port.client), 0);
	CHECK_EQ(tern_process_kill(child.process, 77), 0);
	expect_death(&port, 3);
	CHECK_EQ(rt_child_join(&child), 77);
	test_port_close(&port);
}

void thread_death_is_notified(void)
{
	struct test_port port = test_port(4, 0);
	struct rt_thread thread;

	rt_thread(&thread, wait_forever, 0, PRIORITY);
	CHECK_EQ(tern_thread_watch(thread.handle, port.client), 0);
	test_settle();
	CHECK_EQ(tern_thread_kill(thread.handle), 0);
	expect_death(&port, 4);
	CHECK_EQ(tern_thread_watch(thread.handle, port.client), 0);
	expect_death(&port, 4);
	rt_discard(&thread);
	rt_thread(&thread, do_nothing, 0, PRIORITY);
	CHECK_EQ(tern_thread_watch(thread.handle, port.client), 0);
	expect_death(&port, 4);
	rt_join(&thread);
	test_port_close(&port);
}

void watcher_can_be_replaced_and_removed(void)
{
	struct test_port first = test_port(1, 0), second = test_port(2, 0);
	struct rt_child child = rt_child(wait_forever, 0, PRIORITY, NULL);
	struct tern_received message = { 0 };

	CHECK_EQ(tern_process_watch(child.process, first.client), 0);
	CHECK_EQ(tern_process_watch(child.process, second.client), 0);
	CHECK_EQ(tern_thread_watch(child.thread, first.client), 0);
	CHECK_EQ(tern_thread_watch(child.thread, 0), 0);
	CHECK_EQ(tern_process_kill(child.process, 1), 0);
	expect_death(&second, 2);
	CHECK_EQ(tern_notify(first.client, 1), 0);
	CHECK_EQ(tern_wait(first.listener, &message), TERN_EVENT_NOTIFY);
	CHECK_EQ(message.words[0], 1);
	CHECK_EQ(rt_child_join(&child), 1);
	test_port_close(&first);
	test_port_close(&second);
}

static void set_word(uint64_t address)
{
	volatile uint32_t *words = (volatile uint32_t *)address;

	while (!words[0])
		tern_thread_yield();
	words[1] = 1;
	tern_futex_wake(&words[1], 1);
	rt_exit(0);
}

void closing_its_handle_does_not_end_a_process(void)
{
	struct rt_shared shared = rt_share(RT_PAGE);
	volatile uint32_t *words = shared.address;
	struct rt_child child = rt_child(set_word, (uint64_t)shared.address, PRIORITY, &shared);

	CHECK_EQ(tern_handle_close(child.thread), 0);
	CHECK_EQ(tern_handle_close(child.process), 0);
	test_sleep(1000000);
	words[0] = 1;
	test_await(&words[1], 1);
	rt_unshare(&shared);
}

static void start_siblings(uint64_t address)
{
	struct rt_thread threads[THREADS];
	volatile uint32_t *words = (volatile uint32_t *)address;
	static rt_function *const bodies[THREADS] = { wait_forever, set_word, wait_forever,
						      set_word };

	for (uint64_t i = 0; i < THREADS; i++)
		rt_thread(&threads[i], bodies[i], address, PRIORITY);
	words[2] = 1;
	for (;;)
		;
}

void kill_ends_all_threads(void)
{
	struct rt_shared shared = rt_share(RT_PAGE);
	volatile uint32_t *words = shared.address;
	struct test_port port = test_port(1, 0);
	struct rt_child child = rt_child(start_siblings, (uint64_t)shared.address, PRIORITY,
					 &shared);

	test_await(&words[2], 1);
	CHECK_EQ(tern_process_watch(child.process, port.client), 0);
	CHECK_EQ(tern_process_kill(child.process, 33), 0);
	expect_death(&port, 1);
	words[0] = 1;
	test_settle();
	CHECK_EQ(words[1], 0);
	CHECK_EQ(rt_child_join(&child), 33);
	test_port_close(&port);
	rt_unshare(&shared);
}

static volatile uint64_t counter;

static void count(uint64_t rounds)
{
	for (uint64_t i = 0; i < rounds; i++)
		__atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED);
}

void threads_of_one_process_share_memory(void)
{
	struct rt_thread threads[THREADS];

	counter = 0;
	for (uint64_t i = 0; i < THREADS; i++)
		rt_thread(&threads[i], count, 10000, PRIORITY);
	for (uint64_t i = 0; i < THREADS; i++)
		rt_join(&threads[i]);
	CHECK_EQ(counter, THREADS * 10000);
}
