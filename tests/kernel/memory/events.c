/* Registers across switches, futexes, timers, interrupts, deaths. */
#include "memory.h"

#define IRQ_LINE 6
#define SERVER_PATTERN 0x5e5e5e5e5e5e
#define CLIENT_PATTERN 0xc1c1c1c1c1c1

static void leak_server(uint64_t listener)
{
	leak_serve((tern_handle)listener, SERVER_PATTERN);
}

static void leak_rounds(void)
{
	struct test_port port = test_port(1, 0);
	struct rt_thread server;

	rt_thread(&server, leak_server, (uint64_t)port.listener, 32);
	test_settle();
	CHECK_EQ(leak_call(port.client, CLIENT_PATTERN, SERVER_PATTERN), 0);
	tern_listener_destroy(port.listener);
	rt_join(&server);
	test_port_close(&port);
}

void registers_do_not_leak(void)
{
	leak_rounds();
	tern_system_control(rt_boot->resource, TERN_CONTROL_FORCE_SLOW, 1);
	leak_rounds();
	tern_system_control(rt_boot->resource, TERN_CONTROL_FORCE_SLOW, 0);
}

/* ------------------------------------------------------------------------ floating point */

static volatile uint32_t fp_errors;

static void fp_worker(uint64_t seed)
{
	for (unsigned int i = 0; i < 300; i++) {
		fp_fill(seed + i);
		tern_thread_yield();
		__atomic_fetch_add(&fp_errors, fp_differs(seed + i), __ATOMIC_RELAXED);
	}
}

static void fp_server(uint64_t listener)
{
	struct tern_received message = { 0 };
	tern_result event = tern_wait((tern_handle)listener, &message);

	while (event >= 0) {
		fp_fill(message.words[0] * 3);
		event = tern_reply_wait((tern_handle)listener, &message);
	}
}

void fp_registers_survive_switches(void)
{
	struct test_port port = test_port(1, 0);
	struct tern_received message = { 0 };
	struct rt_thread workers[4], server;

	fp_errors = 0;
	for (unsigned int i = 0; i < RT_COUNT(workers); i++)
		rt_thread(&workers[i], fp_worker, 1000 * (i + 1), 20);
	rt_thread(&server, fp_server, (uint64_t)port.listener, 32);
	for (unsigned int i = 0; i < 200; i++) {
		fp_fill(i * 7);
		message.words[0] = i;
		CHECK_EQ(tern_call(port.client, &message), 0);
		CHECK_EQ(fp_differs(i * 7), 0);
	}
	for (unsigned int i = 0; i < RT_COUNT(workers); i++)
		rt_join(&workers[i]);
	CHECK_EQ(fp_errors, 0);
	tern_listener_destroy(port.listener);
	rt_join(&server);
	test_port_close(&port);
}

/* -------------------------------------------------------------------------------- futexes */

static volatile uint32_t futex_word;
static volatile tern_result futex_result;

static void futex_waiter(uint64_t unused)
{
	(void)unused;
	futex_result = tern_futex_wait(&futex_word, 0, TERN_DEADLINE_NONE);
}

void futex_wakes_and_times_out(void)
{
	struct rt_thread waiters[2];
	uint64_t before = tern_time();

	futex_word = 0;
	CHECK_EQ(tern_futex_wait(&futex_word, 1, TERN_DEADLINE_NONE), -EAGAIN);
	CHECK_EQ(tern_futex_wait(&futex_word, 0, before + 1000000), -ETIMEDOUT);
	CHECK(tern_time() - before >= 1000000);
	CHECK_EQ(tern_futex_wait(&futex_word, 0, 0), -ETIMEDOUT);
	CHECK_EQ(tern_futex_wake(&futex_word, 1), 0);
	rt_thread(&waiters[0], futex_waiter, 0, 20);
	rt_thread(&waiters[1], futex_waiter, 0, 20);
	test_settle();
	CHECK_EQ(tern_futex_wake(&futex_word, 1), 1);
	CHECK_EQ(tern_futex_wake(&futex_word, 5), 1);
	CHECK_EQ(tern_futex_wake(&futex_word, 5), 0);
	rt_join(&waiters[0]);
	rt_join(&waiters[1]);
	CHECK_EQ(futex_result, 0);
}

void futex_is_interrupted(void)
{
	struct rt_thread waiter;

	futex_word = 0;
	rt_thread(&waiter, futex_waiter, 0, 20);
	test_settle();
	CHECK_EQ(tern_thread_interrupt(waiter.handle, 0), 0);
	rt_join(&waiter);
	CHECK_EQ(futex_result, -EINTR);
	rt_thread(&waiter, futex_waiter, 0, 20);
	test_settle();
	CHECK_EQ(tern_thread_kill(waiter.handle), 0);
	test_settle();
	CHECK_EQ(tern_thread_interrupt(waiter.handle, 0), -ESRCH);
	CHECK_EQ(tern_futex_wake(&futex_word, 5), 0);
	rt_discard(&waiter);
}

/* --------------------------------------------------------------------- timers, interrupts */

void timers_notify(void)
{
	struct test_port port = test_port(3, 0);
	tern_handle timer = tern_timer_create(0, port.client, 16);
	struct tern_received message = { 0 };
	uint64_t start = tern_time();

	CHECK_EQ(tern_timer_set(timer, start + 2000000, 0), 0);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_NOTIFY);
	CHECK_EQ(message.words[0], 16);
	CHECK(tern_time() >= start + 2000000);
	CHECK_EQ(tern_timer_set(timer, tern_time() + 1000000, 500000), 0);
	for (unsigned int i = 0; i < 3; i++)
		CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_NOTIFY);
	CHECK_EQ(tern_timer_set(timer, 0, 0), 0);
	CHECK_EQ(tern_timer_set(timer, 1, 5), -EINVAL);
	CHECK_EQ(tern_timer_set(timer, tern_time() + (1ul << 40), 0), 0);
	tern_handle_close(timer);
	test_port_close(&port);
}

void interrupts_notify_until_acknowledged(void)
{
	struct test_port port = test_port(3, 0);
	tern_handle irq = tern_interrupt_create(0, rt_boot->resource, IRQ_LINE, port.client, 4);
	struct tern_received message = { 0 };

	CHECK(irq > 0);
	CHECK_EQ(tern_interrupt_create(0, rt_boot->resource, IRQ_LINE, port.client, 4), -EBUSY);
	CHECK_EQ(tern_interrupt_create(0, rt_boot->resource, 100000, port.client, 4), -ENODEV);
	CHECK_EQ(tern_interrupt_ack(irq), -EAGAIN);
	CHECK_EQ(tern_system_control(rt_boot->resource, TERN_CONTROL_IRQ_RAISE, IRQ_LINE + 1),
		 -ENODEV);
	for (unsigned int i = 0; i < 2; i++) {
		CHECK_EQ(tern_system_control(rt_boot->resource, TERN_CONTROL_IRQ_RAISE, IRQ_LINE),
			 0);
		CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_NOTIFY);
		CHECK_EQ(message.words[0], 4);
		CHECK_EQ(tern_interrupt_ack(irq), 0);
	}
	tern_handle_close(irq);
	irq = tern_interrupt_create(0, rt_boot->resource, IRQ_LINE, port.client, 4);
	CHECK(irq > 0);
	tern_handle_close(irq);
	test_port_close(&port);
}

/* ---------------------------------------------------------------------------------- deaths */

static void child_exits(uint64_t status)
{
	rt_exit((uint32_t)status);
}

void deaths_are_notified(void)
{
	struct test_port port = test_port(3, 0);
	struct tern_received message = { 0 };
	tern_handle process = rt_process(0);
	tern_handle thread;

	CHECK_EQ(tern_process_watch(process, port.client), 0);
	CHECK_EQ(tern_process_status(process), TERN_PROCESS_RUNNING);
	thread = rt_run(process, child_exits, 7, 20);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_NOTIFY);
	CHECK_EQ(message.words[0], (int64_t)TERN_NOTIFY_DEATH);
	CHECK_EQ(tern_process_status(process), 7);
	CHECK_EQ(tern_thread_watch(thread, port.client), 0);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_NOTIFY);
	CHECK_EQ(tern_thread_create(process, 0x10000, 0, 0, 0, 1), -ESRCH);
	CHECK_EQ(tern_process_kill(process, 9), 0);
	CHECK_EQ(tern_process_status(process), 7);
	CHECK_EQ(tern_handle_give(process, port.client, 1), -ESRCH);
	tern_handle_close(thread);
	tern_handle_close(process);
	test_port_close(&port);
}

void time_goes_on_without_a_call(void)
{
	uint64_t before = tern_time();

	while (tern_time() == before)
		;
	CHECK(tern_time() > before);
}
