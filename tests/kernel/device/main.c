/*
 * Interrupts of a real device, through the interrupt controller: the alarm of the clock chip. Its
 * line stays up until the device is told to be quiet. (QEMU's controller notices changes of a line
 * alone, so a line that is still up at the acknowledgement does not interrupt again there.)
 */
#include "test.h"

#define CLOCK 0x101000ul
#define CLOCK_LINE 11
#define BITS 4
#define LONG_ENOUGH 3000000ul

/* The chip's registers, as indices of words. */
enum { TIME_LOW, TIME_HIGH, ALARM_LOW, ALARM_HIGH, IRQ_ENABLED, CLEAR_ALARM, STATUS, CLEAR };

static volatile uint32_t *chip;

static void chip_map(void)
{
	tern_handle memobj = tern_memobj_create_physical(0, rt_boot->resource, CLOCK, RT_PAGE,
							 TERN_PHYSICAL_DEVICE);

	chip = (volatile uint32_t *)tern_region_map(TERN_SELF_PROCESS, memobj, 0, 0, RT_PAGE,
						    TERN_MAP_READ | TERN_MAP_WRITE);
	CHECK((int64_t)chip > 0);
	CHECK_EQ(tern_handle_close(memobj), 0);
}

static void chip_unmap(void)
{
	CHECK_EQ(tern_region_unmap(TERN_SELF_PROCESS, (uint64_t)chip, RT_PAGE), 0);
}

/* An alarm in the past: the line goes up now. */
static void chip_raise(void)
{
	chip[IRQ_ENABLED] = 1;
	chip[ALARM_HIGH] = 0;
	chip[ALARM_LOW] = 1;
}

static void chip_quiet(void)
{
	chip[CLEAR] = 1;
}

static tern_handle bind(struct test_port *port)
{
	tern_handle line = tern_interrupt_create(0, rt_boot->resource, CLOCK_LINE, port->client,
						 BITS);

	CHECK(line > 0);
	return line;
}

/* Waits for so many of the device's interrupts; how many arrive in all before a timer does then. */
static int count_interrupts(struct test_port *port, int expected)
{
	tern_handle marker = tern_port_create(0, port->listener, 99, 0);
	tern_handle timer = tern_timer_create(0, marker, 1);
	struct tern_received message = { 0 };
	int count = 0;

	for (;;) {
		if (count == expected)
			CHECK_EQ(tern_timer_set(timer, tern_time() + LONG_ENOUGH, 0), 0);
		CHECK_EQ(tern_wait(port->listener, &message), TERN_EVENT_NOTIFY);
		if (message.userdata == 99)
			break;
		CHECK_EQ(message.words[0], BITS);
		count++;
	}
	tern_handle_close(timer);
	tern_handle_close(marker);
	return count;
}

static void device_interrupt_arrives_once(void)
{
	struct test_port port = test_port(7, 0);
	tern_handle line = bind(&port);

	chip_map();
	CHECK_EQ(count_interrupts(&port, 0), 0);
	chip_raise();
	CHECK_EQ(count_interrupts(&port, 1), 1);
	CHECK_EQ(count_interrupts(&port, 0), 0);
	chip_quiet();
	CHECK_EQ(tern_interrupt_ack(line), 0);
	CHECK_EQ(count_interrupts(&port, 0), 0);
	chip_raise();
	CHECK_EQ(count_interrupts(&port, 1), 1);
	chip_quiet();
	CHECK_EQ(tern_interrupt_ack(line), 0);
	tern_handle_close(line);
	chip_unmap();
	test_port_close(&port);
}

/* What the device has to say while its driver is still busy comes after the acknowledgement. */
static void interrupt_before_the_acknowledgement_is_not_lost(void)
{
	struct test_port port = test_port(7, 0);
	tern_handle line = bind(&port);

	chip_map();
	chip_raise();
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(count_interrupts(&port, 1), 1);
		chip_quiet();
		chip_raise();
		CHECK_EQ(count_interrupts(&port, 0), 0);
		CHECK_EQ(tern_interrupt_ack(line), 0);
	}
	CHECK_EQ(count_interrupts(&port, 1), 1);
	chip_quiet();
	CHECK_EQ(tern_interrupt_ack(line), 0);
	CHECK_EQ(count_interrupts(&port, 0), 0);
	tern_handle_close(line);
	chip_unmap();
	test_port_close(&port);
}

/* A driver dies without having acknowledged: its successor gets the device's next interrupts. */
static void next_driver_gets_the_line(void)
{
	struct test_port port = test_port(7, 0);

	chip_map();
	for (int i = 0; i < 3; i++) {
		tern_handle line = bind(&port);

		chip_raise();
		CHECK_EQ(count_interrupts(&port, 1), 1);
		tern_handle_close(line);
		chip_quiet();
	}
	chip_unmap();
	test_port_close(&port);
}

static void raised_line_interrupts_when_it_is_bound(void)
{
	struct test_port port = test_port(7, 0);
	tern_handle line;

	chip_map();
	chip_raise();
	test_sleep(LONG_ENOUGH);
	line = bind(&port);
	CHECK_EQ(count_interrupts(&port, 1), 1);
	chip_quiet();
	CHECK_EQ(tern_interrupt_ack(line), 0);
	CHECK_EQ(count_interrupts(&port, 0), 0);
	tern_handle_close(line);
	chip_unmap();
	test_port_close(&port);
}

static const struct test tests[] = {
	{ "device_interrupt_arrives_once", device_interrupt_arrives_once },
	{ "interrupt_before_the_acknowledgement_is_not_lost",
	  interrupt_before_the_acknowledgement_is_not_lost },
	{ "next_driver_gets_the_line", next_driver_gets_the_line },
	{ "raised_line_interrupts_when_it_is_bound", raised_line_interrupts_when_it_is_bound },
};

TEST_MAIN(tests)
