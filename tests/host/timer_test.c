/* Timer objects: what they notify, and when they are armed. */
#include "cmocka_all.h"

#include "objects.h"
#define timer_destroy tested_timer_destroy
#define timer_kill_object tested_timer_kill_object
#include "../../kernel/timer.c"

#define PERIOD 1000000ul
#define LATER 50000000ul

static struct object driver_port = { .references = 1000 };
static u32 notifications;
static s64 handle;
static struct timer *timer;

void port_notify(struct object *port, u64 bits)
{
	assert_ptr_equal(port, &driver_port);
	assert_int_equal(bits, 4);
	notifications++;
}

int event_port_resolve(s64 port_handle, struct object **port)
{
	(void)port_handle;
	object_get(&driver_port);
	*port = &driver_port;
	return 0;
}

static int set_up(void **state)
{
	struct object *object;

	(void)state;
	host_objects_init(2, 1ul << 30);
	for (u32 i = 0; i < hart_count; i++)
		timer_queue_init(&harts[i].timers);
	notifications = 0;
	host_now = PERIOD;
	handle = sys_timer_create(TERN_SELF_ACCOUNT, 1, 4);
	if (handle_resolve(host_thread.process, handle, TERN_TYPE_TIMER, TERN_RIGHT_OWNER, &object))
		return -1;
	timer = timer_of(object);
	return 0;
}

static void expect_armed(u64 when)
{
	assert_ptr_equal(timer->deadline.queue, &harts[0].timers);
	assert_int_equal(timer->deadline.when, when);
}

static void a_period_begins_at_the_deadline(void **state)
{
	(void)state;
	assert_int_equal(sys_timer_set((u64)handle, 2 * PERIOD, PERIOD), 0);
	expect_armed(2 * PERIOD);
	timer_interrupt();
	assert_int_equal(notifications, 0);
	host_now = 2 * PERIOD + 5;
	timer_interrupt();
	assert_int_equal(notifications, 1);
	expect_armed(3 * PERIOD);
	assert_int_equal(sys_timer_set((u64)handle, 0, PERIOD), 0);
	assert_null(timer->deadline.queue);
	host_now = LATER;
	timer_interrupt();
	assert_int_equal(notifications, 1);
}

/* Another hart has taken it from its queue, but comes to it only after this one has set it again. */
static void what_is_set_while_it_fires_is_kept(void **state)
{
	struct deadline *due = &timer->deadline;

	(void)state;
	assert_int_equal(sys_timer_set((u64)handle, PERIOD, PERIOD), 0);
	assert_true(deadline_cancel(due));
	assert_int_equal(sys_timer_set((u64)handle, LATER, PERIOD), 0);
	due->expire(due);
	expect_armed(LATER);
	host_now = LATER;
	timer_interrupt();
	expect_armed(LATER + PERIOD);
	assert_int_equal(notifications, 2);
}

/* And what is stopped stays so, though it notifies once more. */
static void what_is_stopped_while_it_fires_is_not_armed(void **state)
{
	struct deadline *due = &timer->deadline;

	(void)state;
	assert_int_equal(sys_timer_set((u64)handle, PERIOD, PERIOD), 0);
	assert_true(deadline_cancel(due));
	assert_int_equal(sys_timer_set((u64)handle, 0, 0), 0);
	due->expire(due);
	assert_null(due->queue);
	assert_int_equal(notifications, 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_period_begins_at_the_deadline, set_up),
		cmocka_unit_test_setup(what_is_set_while_it_fires_is_kept, set_up),
		cmocka_unit_test_setup(what_is_stopped_while_it_fires_is_not_armed, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
