/* The terminal line discipline, typed at. */
#include <string.h>

#include "cmocka_all.h"

#include "../../lib/tty/line_discipline.c"

static char shown[1 << 16];
static size_t shown_length;
static int signalled;
static struct tty tty;

static void output(void *context, const char *bytes, size_t length)
{
	assert_ptr_equal(context, &tty);
	assert_true(shown_length + length < sizeof(shown));
	memcpy(shown + shown_length, bytes, length);
	shown_length += length;
	shown[shown_length] = 0;
}

static void note_signal(void *context, int signal)
{
	(void)context;
	signalled = signal;
}

static int set_up(void **state)
{
	static const struct tty_callbacks callbacks = { output, note_signal };

	(void)state;
	shown_length = 0;
	shown[0] = 0;
	signalled = 0;
	tty_init(&tty, &callbacks, &tty);
	return 0;
}

static void type(const char *text)
{
	while (*text)
		tty_receive(&tty, (uint8_t)*text++);
}

static void set_local(tcflag_t set, tcflag_t clear)
{
	struct termios settings = tty.settings;

	settings.c_lflag = (settings.c_lflag | set) & ~clear;
	tty_set(&tty, &settings);
}

static void set_raw(cc_t least, cc_t time)
{
	struct termios settings = tty.settings;

	settings.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
	settings.c_iflag = 0;
	settings.c_oflag = 0;
	settings.c_cc[VMIN] = least;
	settings.c_cc[VTIME] = time;
	tty_set(&tty, &settings);
}

static void assert_read(size_t length, const char *expected)
{
	char text[256] = { 0 };

	assert_int_equal(tty_read(&tty, text, length), strlen(expected));
	assert_string_equal(text, expected);
}

static void lines_are_read_one_by_one(void **state)
{
	(void)state;
	type("first");
	assert_int_equal(tty_ready(&tty, 10, false), TTY_WAIT_INPUT);
	type("\rsecond\n");
	assert_int_equal(tty_ready(&tty, 10, false), TTY_READ);
	assert_int_equal(tty_input_length(&tty), 6);
	assert_read(100, "first\n");
	assert_read(3, "sec");
	assert_read(100, "ond\n");
	assert_false(tty_has_input(&tty));
	assert_string_equal(shown, "first\r\nsecond\r\n");
}

static void erasing_is_shown(void **state)
{
	(void)state;
	type("ab\177c\177\177\177x\n");
	assert_read(100, "x\n");
	assert_string_equal(shown, "ab\b \bc\b \b\b \bx\r\n");
}

static void erasing_takes_whole_characters(void **state)
{
	(void)state;
	type("a\xc3\xa9\xe2\x82\xac\177\177b\n");
	assert_read(100, "ab\n");
	assert_string_equal(shown, "a\xc3\xa9\xe2\x82\xac\b \b\b \bb\r\n");
}

static void tabs_and_control_characters_are_erased_by_their_width(void **state)
{
	(void)state;
	type("ab\t\177");
	assert_string_equal(shown, "ab\t\b \b\b \b\b \b\b \b\b \b\b \b");
	shown_length = 0;
	type("\x01\177\n");
	assert_read(100, "ab\n");
	assert_string_equal(shown, "^A\b \b\b \b\r\n");
}

static void words_and_lines_are_erased(void **state)
{
	(void)state;
	type("one two  \x17three\x15"
	     "four\n");
	assert_read(100, "four\n");
	type("one two\x17three\n");
	assert_read(100, "one three\n");
}

static void nothing_is_erased_beyond_the_line(void **state)
{
	(void)state;
	type("x\n\177\x17\x15y\n");
	assert_read(100, "x\n");
	assert_read(100, "y\n");
}

static void end_of_file_ends_a_read(void **state)
{
	(void)state;
	type("abc\x04");
	assert_int_equal(tty_input_length(&tty), 3);
	assert_read(100, "abc");
	type("\x04");
	assert_true(tty_has_input(&tty));
	assert_int_equal(tty_input_length(&tty), 0);
	assert_int_equal(tty_ready(&tty, 1, false), TTY_READ);
	assert_read(100, "");
	assert_int_equal(tty_ready(&tty, 1, false), TTY_WAIT_INPUT);
	assert_string_equal(shown, "abc");
}

/* It has done its work when the read that it pushed has all bytes, even if that was full. */
static void end_of_file_behind_a_full_read_is_taken_along(void **state)
{
	(void)state;
	type("abc\x04"
	     "d\n");
	assert_read(3, "abc");
	assert_read(100, "d\n");
}

static void signals_flush_and_are_echoed(void **state)
{
	(void)state;
	type("half\x03");
	assert_int_equal(signalled, SIGINT);
	assert_string_equal(shown, "half^C");
	type("\x1a");
	assert_int_equal(signalled, SIGTSTP);
	type("\x1c");
	assert_int_equal(signalled, SIGQUIT);
	type("x\n");
	assert_read(100, "x\n");
	set_local(NOFLSH, 0);
	type("kept\x03\n");
	assert_read(100, "kept\n");
	set_local(0, ISIG);
	signalled = 0;
	type("\x03\n");
	assert_int_equal(signalled, 0);
	assert_read(100, "\x03\n");
}

static void literal_next_takes_anything(void **state)
{
	(void)state;
	type("\x16\x03\x16\x04\x16\n\n");
	assert_int_equal(signalled, 0);
	assert_read(100, "\x03\x04\n\n");
}

static void reprint_shows_the_line_again(void **state)
{
	(void)state;
	type("abc\x12\177\n");
	assert_read(100, "ab\n");
	assert_string_equal(shown, "abc^R\r\nabc\b \b\r\n");
}

static void nothing_is_echoed_without_echo(void **state)
{
	(void)state;
	set_local(0, ECHO);
	type("secret\177\x15pass\n");
	assert_read(100, "pass\n");
	assert_string_equal(shown, "");
	set_local(ECHONL, ECHO);
	type("x\n");
	assert_string_equal(shown, "\r\n");
}

static void raw_bytes_pass_unchanged(void **state)
{
	(void)state;
	set_raw(1, 0);
	type("\x03\r\x04\177\x11\x13\xff");
	assert_read(100, "\x03\r\x04\177\x11\x13\xff");
	assert_int_equal(signalled, 0);
	assert_string_equal(shown, "");
}

static void least_and_time_decide_in_raw_mode(void **state)
{
	(void)state;
	set_raw(3, 0);
	type("ab");
	assert_int_equal(tty_ready(&tty, 10, false), TTY_WAIT_INPUT);
	assert_int_equal(tty_ready(&tty, 2, false), TTY_READ);
	type("c");
	assert_int_equal(tty_ready(&tty, 10, false), TTY_READ);
	tty_flush_input(&tty);
	set_raw(0, 0);
	assert_int_equal(tty_ready(&tty, 10, false), TTY_READ);
	assert_read(100, "");
	set_raw(0, 5);
	assert_int_equal(tty_ready(&tty, 10, false), TTY_WAIT_TIMER);
	assert_int_equal(tty_ready(&tty, 10, true), TTY_READ);
	set_raw(3, 5);
	assert_int_equal(tty_ready(&tty, 10, true), TTY_WAIT_INPUT);
	type("a");
	assert_int_equal(tty_ready(&tty, 10, false), TTY_WAIT_BETWEEN);
	assert_int_equal(tty_ready(&tty, 10, true), TTY_READ);
}

static void an_unfinished_line_can_be_read_after_the_switch_to_raw(void **state)
{
	(void)state;
	type("abc");
	set_raw(1, 0);
	assert_read(100, "abc");
}

static void a_full_queue_rings_and_keeps_room_for_the_end(void **state)
{
	(void)state;
	set_local(0, ECHO);
	for (int i = 0; i < TTY_INPUT_MAX + 10; i++)
		type("x");
	assert_string_equal(shown, "\a\a\a\a\a\a\a\a\a\a\a");
	type("\n");
	assert_int_equal(tty_input_length(&tty), TTY_INPUT_MAX);
	type("\n");
	assert_int_equal(tty_input_length(&tty), TTY_INPUT_MAX);
}

static void output_is_processed(void **state)
{
	struct termios settings = tty.settings;

	(void)state;
	tty_write(&tty, "a\nb\tc\r", 6);
	assert_string_equal(shown, "a\r\nb\tc\r");
	settings.c_oflag = OPOST | OCRNL | ONOCR;
	tty_set(&tty, &settings);
	shown_length = 0;
	tty_write(&tty, "\rx\r", 3);
	assert_string_equal(shown, "x\n");
}

static void output_stops_and_starts(void **state)
{
	(void)state;
	type("\x13");
	assert_true(tty.is_stopped);
	type("\x11");
	assert_false(tty.is_stopped);
	type("\x13\x03");
	assert_false(tty.is_stopped);
	assert_false(tty_has_input(&tty));
}

static void set_mode(tcflag_t flags, cc_t least, cc_t time)
{
	struct termios settings = tty.settings;

	settings.c_lflag = flags;
	settings.c_cc[VMIN] = least;
	settings.c_cc[VTIME] = time;
	tty_set(&tty, &settings);
}

static void readers_wait_as_long_as_they_said(void **state)
{
	struct tty_patience patience = { .last_arrival = 50 };
	uint64_t deadline;
	char text[8];

	(void)state;
	set_mode(0, 0, 3);
	assert_true(tty_waits(&tty, &patience, 8, 1000, &deadline));
	assert_int_equal(deadline, 300001000);
	assert_true(tty_waits(&tty, &patience, 8, 2000, &deadline));
	assert_int_equal(deadline, 300001000);
	assert_false(tty_waits(&tty, &patience, 8, 300001000, &deadline));
	assert_int_equal(deadline, 0);
	set_mode(0, 8, 3);
	assert_true(tty_waits(&tty, &patience, 8, 0, &deadline));
	assert_int_equal(deadline, 0);
	type("ab");
	assert_true(tty_waits(&tty, &patience, 8, 60, &deadline));
	assert_int_equal(deadline, 300000050);
	assert_false(tty_waits(&tty, &patience, 8, 300000050, &deadline));
	assert_int_equal(tty_read(&tty, text, 8), 2);
}

static void there_is_room_for_what_would_not_be_lost(void **state)
{
	char text[TTY_INPUT_MAX];

	(void)state;
	assert_true(tty_room(&tty) == SIZE_MAX); /* a line that nobody can read must end somehow */
	type("line\n");
	assert_int_equal(tty_room(&tty), TTY_INPUT_MAX - 1 - 5);
	while (tty_room(&tty))
		tty_receive(&tty, 'x');
	assert_int_equal(tty.tail - tty.head, TTY_INPUT_MAX - 1);
	tty_receive(&tty, '\n'); /* takes the last place */
	assert_int_equal(tty_room(&tty), 0);
	tty_flush_input(&tty);
	set_mode(0, 1, 0);
	assert_int_equal(tty_room(&tty), TTY_INPUT_MAX);
	while (tty_room(&tty))
		tty_receive(&tty, 'x');
	assert_int_equal(tty_read(&tty, text, sizeof(text)), TTY_INPUT_MAX);
}

/* Any bytes, any settings: nothing leaves its bounds (the sanitizers look), reads end. */
static void random_typing_is_survived(void **state)
{
	uint32_t random = 1;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		char text[64];

		random = random * 1664525 + 1013904223;
		tty_receive(&tty, (uint8_t)(random >> 24));
		if (random >> 8 & 1 && tty_ready(&tty, 64, true) == TTY_READ)
			assert_true(tty_read(&tty, text, random >> 16 & 63) <= 63);
		if ((random >> 9 & 1023) == 0) {
			struct termios settings = tty.settings;

			settings.c_lflag ^= random >> 4 & 0xffff;
			settings.c_iflag ^= random >> 12 & 0x3fff;
			tty_set(&tty, &settings);
		}
		assert_true(tty.tail - tty.head <= TTY_INPUT_MAX);
		shown_length = 0;
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(lines_are_read_one_by_one, set_up),
		cmocka_unit_test_setup(erasing_is_shown, set_up),
		cmocka_unit_test_setup(erasing_takes_whole_characters, set_up),
		cmocka_unit_test_setup(tabs_and_control_characters_are_erased_by_their_width,
				       set_up),
		cmocka_unit_test_setup(words_and_lines_are_erased, set_up),
		cmocka_unit_test_setup(nothing_is_erased_beyond_the_line, set_up),
		cmocka_unit_test_setup(end_of_file_ends_a_read, set_up),
		cmocka_unit_test_setup(end_of_file_behind_a_full_read_is_taken_along, set_up),
		cmocka_unit_test_setup(signals_flush_and_are_echoed, set_up),
		cmocka_unit_test_setup(literal_next_takes_anything, set_up),
		cmocka_unit_test_setup(reprint_shows_the_line_again, set_up),
		cmocka_unit_test_setup(nothing_is_echoed_without_echo, set_up),
		cmocka_unit_test_setup(raw_bytes_pass_unchanged, set_up),
		cmocka_unit_test_setup(least_and_time_decide_in_raw_mode, set_up),
		cmocka_unit_test_setup(an_unfinished_line_can_be_read_after_the_switch_to_raw,
				       set_up),
		cmocka_unit_test_setup(a_full_queue_rings_and_keeps_room_for_the_end, set_up),
		cmocka_unit_test_setup(output_is_processed, set_up),
		cmocka_unit_test_setup(output_stops_and_starts, set_up),
		cmocka_unit_test_setup(readers_wait_as_long_as_they_said, set_up),
		cmocka_unit_test_setup(there_is_room_for_what_would_not_be_lost, set_up),
		cmocka_unit_test_setup(random_typing_is_survived, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
