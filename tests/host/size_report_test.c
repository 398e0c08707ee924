/* Reports of a terminal's size among other bytes. */
#include "cmocka_all.h"

#include "../../lib/tty/size_report.c"

static enum size_report look(const char *bytes, size_t length, struct tty_size *size)
{
	return size_report_look((const uint8_t *)bytes, length, size);
}

#define LOOK(text, size) look(text, sizeof(text) - 1, size)

static void a_whole_report_is_a_size(void **state)
{
	struct tty_size size = { 0 };

	(void)state;
	assert_int_equal(LOOK("\xff\xfa\x1f\x01\x2c\x00\x32\xff\xf0", &size), SIZE_REPORT_WHOLE);
	assert_int_equal(size.columns, 300);
	assert_int_equal(size.rows, 50);
	assert_int_equal(LOOK("\xff\xfa\x1f\x00\xff\xff\x01\xff\xff\xff\xf0", &size),
			 SIZE_REPORT_WHOLE);
	assert_int_equal(size.columns, 255);
	assert_int_equal(size.rows, 511);
}

static void every_beginning_is_a_part(void **state)
{
	static const char text[] = "\xff\xfa\x1f\xff\xff\xff\xff\xff\xff\xff\xff\xff\xf0";
	struct tty_size size;

	(void)state;
	assert_int_equal(sizeof(text) - 1, SIZE_REPORT_MAX);
	for (size_t length = 1; length < SIZE_REPORT_MAX; length++)
		assert_int_equal(look(text, length, &size), SIZE_REPORT_PART);
	assert_int_equal(look(text, SIZE_REPORT_MAX, &size), SIZE_REPORT_WHOLE);
}

static void other_bytes_are_none(void **state)
{
	struct tty_size size;

	(void)state;
	assert_int_equal(LOOK("a", &size), SIZE_REPORT_NONE);
	assert_int_equal(LOOK("\xff\xff", &size), SIZE_REPORT_NONE);
	assert_int_equal(LOOK("\xff\xfa\x20", &size), SIZE_REPORT_NONE);
	assert_int_equal(LOOK("\xff\xfa\x1f\x00\xff\x01", &size), SIZE_REPORT_NONE);
	assert_int_equal(LOOK("\xff\xfa\x1f\x00\x50\x00\x18\xff\xf1", &size), SIZE_REPORT_NONE);
	assert_int_equal(LOOK("\xff\xfa\x1f\x00\x50\x00\x18x", &size), SIZE_REPORT_NONE);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_report_is_a_size),
		cmocka_unit_test(every_beginning_is_a_part),
		cmocka_unit_test(other_bytes_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
