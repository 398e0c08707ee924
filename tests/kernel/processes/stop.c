/* Stopping and continuing. */
#include "processes.h"

#define ROUNDS 200

static void count(uint64_t argument)
{
	volatile uint32_t *word = (volatile uint32_t *)argument;

	for (;;)
		(*word)++;
}

/* One thread for each count. */
static void count_with_all(uint64_t argument)
{
	struct family_shared *shared = (struct family_shared *)argument;
	static struct rt_thread threads[FAMILY_THREADS];

	for (uint32_t i = 1; i < FAMILY_THREADS; i++)
		rt_thread(&threads[i], count, (uint64_t)&shared->counts[i], PRIORITY);
	count((uint64_t)&shared->counts[0]);
}

static void await_counts(const struct family_shared *shared, const uint32_t *before)
{
	for (uint32_t i = 0; i < FAMILY_THREADS; i++)
		while (shared->counts[i] == before[i])
			test_sleep(50000);
}

static void take_counts(const struct family_shared *shared, uint32_t *counts)
{
	for (uint32_t i = 0; i < FAMILY_THREADS; i++)
		counts[i] = shared->counts[i];
}

static void check_stands_still(const struct family *family, uint64_t nanoseconds)
{
	uint32_t before[FAMILY_THREADS];

	take_counts(family->shared, before);
	test_sleep(nanoseconds);
	for (uint32_t i = 0; i < FAMILY_THREADS; i++)
		CHECK_EQ(family->shared->counts[i], before[i]);
}

/* As soon as the call returns, on however many harts the threads run. */
void stopped_process_stands_still(void)
{
	uint32_t counts[FAMILY_THREADS] = { 0 };
	struct family family;

	family_start(&family, count_with_all, NULL);
	await_counts(family.shared, counts);
	for (uint32_t i = 0; i < 10; i++) {
		CHECK_EQ(tern_process_stop(family.child.process), 0);
		check_stands_still(&family, i ? 200000 : 20000000);
		take_counts(family.shared, counts);
		CHECK_EQ(tern_process_continue(family.child.process), 0);
		await_counts(family.shared, counts);
	}
	family_kill(&family);
}

void stopping_twice_is_stopping(void)
{
	uint32_t counts[FAMILY_THREADS] = { 0 };
	struct family family;

	family_start(&family, count_with_all, NULL);
	await_counts(family.shared, counts);
	CHECK_EQ(tern_process_continue(family.child.process), 0);
	CHECK_EQ(tern_process_stop(family.child.process), 0);
	CHECK_EQ(tern_process_stop(family.child.process), 0);
	check_stands_still(&family, 1000000);
	take_counts(family.shared, counts);
	CHECK_EQ(tern_process_continue(family.child.process), 0);
	CHECK_EQ(tern_process_continue(family.child.process), 0);
	await_counts(family.shared, counts);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		CHECK_EQ(tern_process_stop(family.child.process), 0);
		CHECK_EQ(tern_process_continue(family.child.process), 0);
	}
	take_counts(family.shared, counts);
	await_counts(family.shared, counts);
	family_kill(&family);
}

static void block_everywhere(uint64_t argument)
{
	struct family_shared *shared = (struct family_shared *)argument;
	static struct rt_thread threads[FAMILY_THREADS];

	for (uint32_t i = 1; i < FAMILY_THREADS; i++)
		rt_thread(&threads[i], count, (uint64_t)&shared->counts[i], PRIORITY);
	shared->counts[0] = 1;
	tern_call(shared->port, &shared->message);
	rt_exit(1);
}

/* Held threads, one that awaits an answer, and one whose answer has come. */
void stopped_process_can_be_killed(void)
{
	struct test_port port = test_port(1, 0);
	struct tern_received message = { 0 };
	uint32_t counts[FAMILY_THREADS] = { 0 };
	struct family family;

	for (uint32_t i = 0; i < 4; i++) {
		family_start(&family, block_everywhere, &port);
		CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_CALL);
		await_counts(family.shared, counts);
		CHECK_EQ(tern_process_stop(family.child.process), 0);
		if (i & 1)
			CHECK_EQ(tern_reply(TERN_REPLY, &message), 0);
		if (i & 2)
			test_settle();
		family_kill(&family);
	}
	test_port_close(&port);
}

static void say_done(uint64_t argument)
{
	struct family_shared *shared = (struct family_shared *)argument;

	shared->is_done = 1;
	rt_exit(3);
}

void threads_made_in_a_stopped_process_wait(void)
{
	struct rt_shared memory = rt_share(sizeof(struct family_shared));
	struct family_shared *shared = memory.address;
	struct rt_child child = { .process = rt_process(0) };

	rt_share_with(&memory, child.process);
	CHECK_EQ(tern_process_stop(child.process), 0);
	child.thread = rt_run(child.process, say_done, (uint64_t)shared, PRIORITY);
	test_sleep(1000000);
	CHECK_EQ(shared->is_done, 0);
	CHECK_EQ(tern_process_continue(child.process), 0);
	CHECK_EQ(rt_child_join(&child), 3);
	CHECK_EQ(shared->is_done, 1);
	rt_unshare(&memory);
}

static void call_once(uint64_t argument)
{
	struct family_shared *shared = (struct family_shared *)argument;

	shared->result = tern_call(shared->port, &shared->message);
	shared->is_done = 1;
	rt_exit(4);
}

/* The answer by each way that a server has. */
static void answer_stopped_caller(bool with_wait)
{
	struct test_port port = test_port(1, 0);
	struct tern_received message = { 0 };
	struct family family;

	family_start(&family, call_once, &port);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_CALL);
	CHECK_EQ(tern_process_stop(family.child.process), 0);
	message.words[3] = 33;
	if (with_wait) {
		CHECK_EQ(tern_notify(port.owner, 1), 0);
		CHECK_EQ(tern_reply_wait(port.listener, &message), TERN_EVENT_NOTIFY);
	} else {
		CHECK_EQ(tern_reply(TERN_REPLY, &message), 0);
	}
	test_sleep(1000000);
	CHECK_EQ(family.shared->is_done, 0);
	CHECK_EQ(tern_process_continue(family.child.process), 0);
	test_await(&family.shared->is_done, 1);
	CHECK_EQ(family.shared->result, 0);
	CHECK_EQ(family.shared->message.words[3], 33);
	CHECK_EQ(family_join(&family), 4);
	test_port_close(&port);
}

void answer_waits_for_a_stopped_caller(void)
{
	answer_stopped_caller(false);
	answer_stopped_caller(true);
}

static void serve(uint64_t argument)
{
	struct family_shared *shared = (struct family_shared *)argument;
	tern_result event = tern_wait(shared->listener, &shared->message);

	while (event == TERN_EVENT_CALL) {
		shared->steps++;
		shared->message.words[1]++;
		event = tern_reply_wait(shared->listener, &shared->message);
	}
	rt_exit(5);
}

static volatile int64_t client_result;
static volatile uint32_t client_is_done;

static void client(uint64_t port)
{
	struct tern_received message = { .words = { 0, 41 } };

	client_result = tern_call((tern_handle)port, &message);
	client_result += (int64_t)message.words[1];
	client_is_done = 1;
}

/* The call is given to the server that waits, or queued, but not a step is done. */
void stopped_server_answers_later(void)
{
	struct test_port port = test_port(1, 0);
	struct rt_thread thread;
	struct family family;

	family_start(&family, serve, &port);
	for (uint32_t i = 0; i < 10; i++) {
		uint32_t steps = family.shared->steps;

		if (i % 2)
			test_settle();
		CHECK_EQ(tern_process_stop(family.child.process), 0);
		client_is_done = 0;
		rt_thread(&thread, client, (uint64_t)port.client, PRIORITY);
		test_sleep(1000000);
		CHECK_EQ(client_is_done, 0);
		CHECK_EQ(family.shared->steps, steps);
		CHECK_EQ(tern_process_continue(family.child.process), 0);
		rt_join(&thread);
		CHECK_EQ(client_result, 42);
		CHECK_EQ(family.shared->steps, steps + 1);
	}
	family_kill(&family);
	test_port_close(&port);
}

static void sleep_and_say(uint64_t argument)
{
	struct family_shared *shared = (struct family_shared *)argument;

	shared->steps = 1;
	shared->result = tern_futex_wait(&shared->word, 0, TERN_DEADLINE_NONE);
	shared->is_done = 1;
	rt_exit(6);
}

void stopped_sleeper_is_woken_but_waits(void)
{
	struct family family;

	family_start(&family, sleep_and_say, NULL);
	test_await(&family.shared->steps, 1);
	test_settle();
	CHECK_EQ(tern_process_stop(family.child.process), 0);
	CHECK_EQ(tern_futex_wake(&family.shared->word, 1), 1);
	test_sleep(1000000);
	CHECK_EQ(family.shared->is_done, 0);
	CHECK_EQ(tern_process_continue(family.child.process), 0);
	CHECK_EQ(rt_wait_process(family.child.process), 6);
	CHECK_EQ(family.shared->result, 0);
	CHECK_EQ(family_join(&family), 6);
}

static void count_upcalls(uint64_t argument)
{
	struct family_shared *shared = (struct family_shared *)argument;

	family_take_upcalls(shared);
	shared->is_done = 1;
	count((uint64_t)&shared->counts[0]);
}

void interrupt_waits_for_a_stopped_process(void)
{
	struct family family;

	family_start(&family, count_upcalls, NULL);
	test_await(&family.shared->is_done, 1);
	CHECK_EQ(tern_process_stop(family.child.process), 0);
	CHECK_EQ(tern_process_interrupt(family.child.process, TERN_INTERRUPT_UPCALL), 0);
	test_sleep(1000000);
	CHECK_EQ(family.shared->steps, 0);
	CHECK_EQ(tern_process_continue(family.child.process), 0);
	test_await(&family.shared->steps, 1);
	CHECK_EQ(family.shared->cause, TERN_UPCALL_INTERRUPT);
	family_kill(&family);
}

static void stop_oneself(uint64_t argument)
{
	struct family_shared *shared = (struct family_shared *)argument;

	for (uint32_t i = 0; i < 5; i++) {
		shared->steps++;
		shared->result |= tern_process_stop(TERN_SELF_PROCESS);
		shared->is_done++;
	}
	rt_exit(11);
}

void process_stops_itself(void)
{
	struct family family;

	family_start(&family, stop_oneself, NULL);
	for (uint32_t i = 1; i <= 5; i++) {
		test_await(&family.shared->steps, i);
		test_settle(); /* it has stopped: what continues it before is for nothing */
		CHECK_EQ(family.shared->is_done, i - 1);
		CHECK_EQ(tern_process_continue(family.child.process), 0);
	}
	CHECK_EQ(rt_wait_process(family.child.process), 11);
	CHECK_EQ(family.shared->result, 0);
	CHECK_EQ(family_join(&family), 11);
}

void dead_process_is_not_stopped(void)
{
	tern_handle process = tern_process_create(0);

	CHECK_EQ(tern_process_stop(process), 0);
	CHECK_EQ(tern_process_kill(process, 0), 0);
	CHECK_EQ(tern_process_stop(process), -ESRCH);
	CHECK_EQ(tern_process_continue(process), -ESRCH);
	CHECK_EQ(tern_handle_close(process), 0);
}
