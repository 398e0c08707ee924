/* Interrupt lines between the controller and their drivers, with a model of the controller. */
#include "cmocka_all.h"

#include "objects.h"
#define interrupt_destroy tested_interrupt_destroy
#define interrupt_kill_object tested_interrupt_kill_object
#include "../../kernel/interrupt.c"

#define LINES 8

static bool is_enabled[LINES], is_claimed[LINES], is_raised[LINES];
static u32 notifications;
static struct interrupt line_driver;
static struct object driver_port = { .references = 1000 };

u32 arch_irq_claim(void)
{
	for (u32 i = 1; i < LINES; i++)
		if (is_enabled[i] && is_raised[i] && !is_claimed[i]) {
			is_claimed[i] = true;
			is_raised[i] = false;
			return i;
		}
	return 0;
}

void arch_irq_complete(u32 number)
{
	is_claimed[number] = false;
}

void arch_irq_enable(u32 number)
{
	is_enabled[number] = true;
}

void arch_irq_disable(u32 number)
{
	is_enabled[number] = false;
}

void port_notify(struct object *port, u64 bits)
{
	assert_ptr_equal(port, &driver_port);
	assert_int_equal(bits, 4);
	notifications++;
}

int resource_check(s64 handle)
{
	(void)handle;
	return 0;
}

int event_port_resolve(s64 handle, struct object **port)
{
	(void)handle;
	(void)port;
	return -EBADF;
}

static int set_up(void **state)
{
	(void)state;
	host_objects_init(1, 1ul << 30);
	memset(is_enabled, 0, sizeof(is_enabled));
	memset(is_claimed, 0, sizeof(is_claimed));
	memset(is_raised, 0, sizeof(is_raised));
	notifications = 0;
	interrupt_init(LINES);
	line_driver = (struct interrupt){ .number = 3, .port = &driver_port, .bits = 4 };
	return 0;
}

static void a_bound_line_reaches_its_driver_once(void **state)
{
	(void)state;
	assert_true(bind(&line_driver));
	assert_false(bind(&line_driver));
	is_raised[3] = true;
	interrupt_external();
	assert_int_equal(notifications, 1);
	assert_true(is_claimed[3]);
	is_raised[3] = true;
	interrupt_external();
	assert_int_equal(notifications, 1);
}

static void an_unwanted_line_is_switched_off(void **state)
{
	(void)state;
	is_enabled[2] = is_raised[2] = true;
	interrupt_external();
	assert_false(is_enabled[2]);
	assert_false(is_claimed[2]);
}

/* A driver comes between the claim and the decision that nobody wants the line. */
static void a_line_that_is_bound_meanwhile_stays_alive(void **state)
{
	(void)state;
	is_enabled[3] = true;
	is_claimed[3] = true; /* and found unbound */
	assert_true(bind(&line_driver));
	decline(3);
	assert_true(is_enabled[3]);
	assert_false(is_claimed[3]);
	is_raised[3] = true;
	interrupt_external();
	assert_int_equal(notifications, 1);
}

/* Raised by hand first: the device's own claim is completed by the driver's acknowledgement. */
static void a_claim_behind_a_pending_one_waits_for_the_driver(void **state)
{
	(void)state;
	assert_true(bind(&line_driver));
	assert_int_equal(interrupt_raise(3), 0);
	is_raised[3] = true;
	interrupt_external();
	assert_int_equal(notifications, 1);
	assert_true(is_enabled[3]);
	assert_true(is_claimed[3]);
	unbind(&line_driver);
	assert_false(is_enabled[3]);
	assert_false(is_claimed[3]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_bound_line_reaches_its_driver_once, set_up),
		cmocka_unit_test_setup(an_unwanted_line_is_switched_off, set_up),
		cmocka_unit_test_setup(a_line_that_is_bound_meanwhile_stays_alive, set_up),
		cmocka_unit_test_setup(a_claim_behind_a_pending_one_waits_for_the_driver, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
