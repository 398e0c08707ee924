/* The kernel's own events: timers and interrupts notify client ports. */
#include "memory.h"

#define SOON 300000ul
#define LONG 2000000ul
#define PERIOD 200000ul
#define TIMERS 16
#define TRIES_MAX 50
#define LINE 29 /* nothing is connected to it */

/* Has something been notified? Nothing more comes while we look. */
static uint64_t pending_bits(struct test_port *port)
{
	struct tern_received message = { 0 };
	tern_handle probe = tern_port_create(0, port->listener, 99, 0);
	uint64_t bits = 0;

	tern_notify(probe, 1);
	for (;;) {
		CHECK_EQ(tern_wait(port->listener, &message), TERN_EVENT_NOTIFY);
		if (message.userdata == 99)
			break;
		bits |= message.words[0];
	}
	tern_handle_close(probe);
	return bits;
}

static uint64_t wait_bits(struct test_port *port)
{
	struct tern_received message = { 0 };

	CHECK_EQ(tern_wait(port->listener, &message), TERN_EVENT_NOTIFY);
	CHECK_EQ(message.userdata, 7);
	return message.words[0];
}

void time_page_counts(void)
{
	const struct tern_time_page *page = (const struct tern_time_page *)TERN_TIME_PAGE;
	uint64_t before = tern_time(), after;

	CHECK(page->frequency > 0);
	CHECK_EQ((page->frequency * page->multiplier) >> page->shift, 1000000000);
	CHECK(page->boot_seconds > 1600000000);
	test_sleep(SOON);
	after = tern_time();
	CHECK(after >= before + SOON);
	CHECK_EQ(tern_touch((const void *)TERN_TIME_PAGE, 1, 1), -EFAULT);
}

void timer_fires_once(void)
{
	struct test_port port = test_port(7, 0);
	tern_handle timer = tern_timer_create(0, port.client, 4);
	uint64_t deadline = tern_time() + SOON;

	CHECK_EQ(tern_timer_set(timer, deadline, 0), 0);
	CHECK_EQ(wait_bits(&port), 4);
	CHECK(tern_time() >= deadline);
	test_sleep(SOON);
	CHECK_EQ(pending_bits(&port), 0);
	CHECK_EQ(tern_timer_set(timer, 1, 0), 0);
	CHECK_EQ(wait_bits(&port), 4);
	tern_handle_close(timer);
	test_port_close(&port);
}

void timer_fires_periodically(void)
{
	struct test_port port = test_port(7, 0);
	tern_handle timer = tern_timer_create(0, port.client, 4);
	uint64_t start = tern_time();

	CHECK_EQ(tern_timer_set(timer, start + PERIOD, PERIOD), 0);
	for (uint64_t i = 1; i <= 5; i++) {
		CHECK_EQ(wait_bits(&port), 4);
		CHECK(tern_time() >= start + i * PERIOD);
	}
	CHECK_EQ(tern_timer_set(timer, 0, PERIOD), 0);
	test_settle(); /* what was about to fire on another hart has */
	pending_bits(&port);
	test_sleep(3 * PERIOD);
	CHECK_EQ(pending_bits(&port), 0);
	tern_handle_close(timer);
	test_port_close(&port);
}

/* Sets it, and again before it fires: on a loaded machine that may take some tries. */
static void set_and_replace(struct test_port *port, tern_handle timer, uint64_t value)
{
	for (uint32_t tries = 0; tries < TRIES_MAX; tries++) {
		uint64_t deadline = tern_time() + LONG;

		CHECK_EQ(tern_timer_set(timer, deadline, 0), 0);
		CHECK_EQ(tern_timer_set(timer, value, 0), 0);
		if (tern_time() < deadline)
			return;
		pending_bits(port);
	}
	CHECK(false);
}

void stopped_timer_is_silent(void)
{
	struct test_port port = test_port(7, 0);
	tern_handle timer = tern_timer_create(0, port.client, 4);

	set_and_replace(&port, timer, 0);
	test_sleep(LONG + SOON);
	CHECK_EQ(pending_bits(&port), 0);
	tern_handle_close(timer);
	test_port_close(&port);
}

void timer_is_set_again(void)
{
	struct test_port port = test_port(7, 0);
	tern_handle timer = tern_timer_create(0, port.client, 4);
	uint64_t start = tern_time();

	CHECK_EQ(tern_timer_set(timer, start + 30000 * LONG, 0), 0);
	CHECK_EQ(tern_timer_set(timer, start + SOON, 0), 0);
	CHECK_EQ(wait_bits(&port), 4);
	CHECK(tern_time() < start + 30000 * LONG);
	set_and_replace(&port, timer, UINT64_MAX);
	test_sleep(LONG + SOON);
	CHECK_EQ(pending_bits(&port), 0);
	tern_handle_close(timer);
	test_port_close(&port);
}

void closed_timer_is_silent(void)
{
	struct test_port port = test_port(7, 0);
	uint64_t deadline;
	uint32_t tries = 0;

	do {
		tern_handle timer = tern_timer_create(0, port.client, 4);

		pending_bits(&port);
		deadline = tern_time() + LONG;
		CHECK_EQ(tern_timer_set(timer, deadline, PERIOD), 0);
		CHECK_EQ(tern_handle_close(timer), 0);
	} while (tern_time() >= deadline && ++tries < TRIES_MAX);
	CHECK(tries < TRIES_MAX);
	test_sleep(LONG + SOON);
	CHECK_EQ(pending_bits(&port), 0);
	test_port_close(&port);
}

void many_timers_fire_in_order(void)
{
	struct test_port port = test_port(7, 0);
	tern_handle timers[TIMERS];
	uint64_t start = tern_time() + SOON, all = 0;

	for (uint64_t i = 0; i < TIMERS; i++) {
		timers[i] = tern_timer_create(0, port.client, 1ul << i);
		CHECK_EQ(tern_timer_set(timers[i], start + i * 5 % TIMERS * PERIOD, 0), 0);
	}
	while (all != (1ul << TIMERS) - 1) {
		uint64_t bits = wait_bits(&port);

		CHECK_EQ(all & bits, 0);
		all |= bits;
		for (uint64_t i = 0; i < TIMERS; i++)
			if (bits & 1ul << i)
				CHECK(tern_time() >= start + i * 5 % TIMERS * PERIOD);
	}
	for (uint64_t i = 0; i < TIMERS; i++)
		tern_handle_close(timers[i]);
	test_port_close(&port);
}

static void raise(void)
{
	CHECK_EQ(tern_system_control(rt_boot->resource, TERN_CONTROL_IRQ_RAISE, LINE), 0);
}

void interrupt_waits_for_its_acknowledgement(void)
{
	struct test_port port = test_port(7, 0);
	tern_handle line = tern_interrupt_create(0, rt_boot->resource, LINE, port.client, 2);

	CHECK_EQ(tern_interrupt_ack(line), -EAGAIN);
	raise();
	CHECK_EQ(wait_bits(&port), 2);
	raise();
	CHECK_EQ(pending_bits(&port), 0);
	CHECK_EQ(tern_interrupt_ack(line), 0);
	CHECK_EQ(tern_interrupt_ack(line), -EAGAIN);
	raise();
	CHECK_EQ(wait_bits(&port), 2);
	tern_handle_close(line);
	test_port_close(&port);
}

void interrupt_line_has_one_owner(void)
{
	struct test_port port = test_port(7, 0);
	tern_handle line = tern_interrupt_create(0, rt_boot->resource, LINE, port.client, 2);

	CHECK(line > 0);
	CHECK_EQ(tern_interrupt_create(0, rt_boot->resource, LINE, port.client, 1), -EBUSY);
	CHECK_EQ(tern_handle_close(line), 0);
	line = tern_interrupt_create(0, rt_boot->resource, LINE, port.client, 8);
	CHECK(line > 0);
	raise();
	CHECK_EQ(wait_bits(&port), 8);
	CHECK_EQ(tern_handle_close(line), 0);
	test_port_close(&port);
}

void unbound_line_is_enodev(void)
{
	CHECK_EQ(tern_system_control(rt_boot->resource, TERN_CONTROL_IRQ_RAISE, LINE), -ENODEV);
}
