/* What the console puts on the wire, and where it lets lines in. */
#include "cmocka_all.h"

#include "../../servers/console/wire.c"

static struct wire_state wire;

static int set_up(void **state)
{
	(void)state;
	memset(&wire, 0, sizeof(wire));
	return 0;
}

static void expect(const char *text)
{
	for (const char *at = text; *at; at++) {
		assert_true(wire_length(&wire) > 0);
		assert_int_equal(wire_take(&wire), *at);
	}
	assert_int_equal(wire_length(&wire), 0);
}

static void lines_end_with_carriage_return(void **state)
{
	(void)state;
	wire_put_line(&wire, "one\ntwo\r\nthree", 14);
	expect("one\r\ntwo\r\nthree\r\n");
	assert_int_equal(wire.is_mid_line, 0);
}

static void a_line_waits_for_the_start_of_one(void **state)
{
	uint64_t deadline = 0;

	(void)state;
	assert_true(wire_is_free(&wire, 1000, &deadline));
	wire_put(&wire, "prompt> ", 8);
	assert_false(wire_is_free(&wire, 1000, &deadline));
	assert_int_equal(deadline, 1000 + BREAK_NS);
	assert_false(wire_is_free(&wire, 999 + BREAK_NS, &deadline));
	assert_int_equal(deadline, 1000 + BREAK_NS);
	wire_put(&wire, "x\r\n", 3);
	assert_true(wire_is_free(&wire, 2000, &deadline));
	assert_int_equal(deadline, 0);
	expect("prompt> x\r\n");
}

static void a_line_that_stays_unfinished_is_broken(void **state)
{
	uint64_t deadline = 0;

	(void)state;
	wire_put(&wire, "prompt> ", 8);
	assert_false(wire_is_free(&wire, 1000, &deadline));
	assert_true(wire_is_free(&wire, 1000 + BREAK_NS, &deadline));
	wire_put_line(&wire, "log\n", 4);
	expect("prompt> \r\nlog\r\n");
}

static void what_does_not_fit_is_dropped(void **state)
{
	(void)state;
	for (int i = 0; i < WIRE_SIZE + 10; i++)
		wire_put(&wire, i < WIRE_SIZE ? "a" : "b", 1);
	assert_int_equal(wire_room(&wire), 0);
	for (int i = 0; i < WIRE_SIZE; i++)
		assert_int_equal(wire_take(&wire), 'a');
	assert_int_equal(wire_length(&wire), 0);
}

/* Left behind by an instance that was killed, or that went wrong. */
static void nonsense_is_an_empty_wire(void **state)
{
	(void)state;
	wire.head = 5;
	wire.tail = 4;
	wire_mend(&wire);
	assert_int_equal(wire_length(&wire), 0);
	assert_int_equal(wire_room(&wire), WIRE_SIZE);
	wire.head = UINT32_MAX;
	wire.tail = 1;
	wire_mend(&wire);
	assert_int_equal(wire_length(&wire), 2);
	wire_put(&wire, "a", 1);
	assert_int_equal(wire_length(&wire), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(lines_end_with_carriage_return, set_up),
		cmocka_unit_test_setup(a_line_waits_for_the_start_of_one, set_up),
		cmocka_unit_test_setup(a_line_that_stays_unfinished_is_broken, set_up),
		cmocka_unit_test_setup(what_does_not_fit_is_dropped, set_up),
		cmocka_unit_test_setup(nonsense_is_an_empty_wire, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
