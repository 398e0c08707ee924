/* The log's formatter, against the C library's. */
#include <stdio.h>

#include "cmocka_all.h"

#include "../../kernel/log_format.c"

static void check(const char *expected, const char *format, ...)
{
	char text[64];
	va_list arguments;
	size_t length;

	va_start(arguments, format);
	length = log_format(text, sizeof(text), format, arguments);
	va_end(arguments);
	assert_string_equal(text, expected);
	assert_int_equal(length, strlen(expected));
}

static void formats_are_as_documented(void **state)
{
	(void)state;
	check("plain", "plain");
	check("a 5 -7 ff", "%c %u %d %x", 'a', 5, -7, 255);
	check("0000000a|   b", "%08x|%4x", 10, 11);
	check("18446744073709551615 -9223372036854775808", "%lu %ld", UINT64_MAX, INT64_MIN);
	check("12 x (null) %", "%zu %s %s %%", (size_t)12, "x", (char *)NULL);
	check("100% ", "100%% ");
	check("-0005|   -7|-12|-3", "%05d|%5d|%02d|%1d", -5, -7, -12, -3);
}

static void output_is_bounded_and_terminated(void **state)
{
	char text[8];

	(void)state;
	memset(text, 'x', sizeof(text));
	{
		va_list none;

		memset(&none, 0, sizeof(none));
		assert_int_equal(log_format(text, 4, "abcdefgh", none), 8);
		assert_string_equal(text, "abc");
		assert_int_equal(text[4], 'x');
		assert_int_equal(log_format(text, 0, "abc", none), 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_are_as_documented),
		cmocka_unit_test(output_is_bounded_and_terminated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
