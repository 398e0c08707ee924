/* The pipe server's logic, scenario by scenario: pipes. pipe_socket_test.c has the sockets. */
#include "pipe_calls.h"

static void bytes_come_out_in_order(void **state)
{
	int64_t reader, writer;

	(void)state;
	make_pipe_ends(&reader, &writer);
	assert_int_equal(write_bytes(0, writer, "hello ", 6, 0), 6);
	assert_int_equal(write_bytes(0, writer, "world", 5, 0), 5);
	assert_int_equal(read_bytes(1, reader, 8, 0), 8);
	assert_memory_equal(got(1), "hello wo", 8);
	assert_int_equal(read_bytes(1, reader, 100, 0), 3);
	assert_memory_equal(got(1), "rld", 3);
	world_close(reader);
	world_close(writer);
}

static void waiting_reader_gets_bytes_without_a_ring(void **state)
{
	static unsigned char bytes[8192];
	int64_t reader, writer;
	unsigned int before;

	(void)state;
	make_pipe_ends(&reader, &writer);
	before = object_count();
	memset(bytes, 7, sizeof(bytes));
	assert_int_equal(read_bytes(1, reader, 8192, 0), WAITS);
	assert_int_equal(write_bytes(2, writer, bytes, 8192, 0), 8192);
	assert_int_equal(result_of(1), 8192);
	assert_memory_equal(got(1), bytes, 8192);
	assert_int_equal(object_count(), before);
	world_close(reader);
	world_close(writer);
}

static void full_pipe_refuses_or_waits(void **state)
{
	static unsigned char bytes[PIPE_CAPACITY];
	int64_t reader, writer;

	(void)state;
	make_pipe_ends(&reader, &writer);
	assert_int_equal(write_bytes(1, writer, bytes, PIPE_CAPACITY - 100, 0),
			 PIPE_CAPACITY - 100);
	/* Atomic: all or nothing, though 100 bytes would fit. */
	assert_int_equal(write_bytes(1, writer, bytes, 101, IO_NONBLOCK), -EAGAIN);
	assert_int_equal(write_bytes(1, writer, bytes, 5000, IO_NONBLOCK), 100);
	assert_int_equal(write_bytes(1, writer, bytes, 1, IO_NONBLOCK), -EAGAIN);
	assert_int_equal(read_bytes(4, reader, 5, 0), 5);
	assert_int_equal(write_bytes(2, writer, bytes, 10, 0), WAITS);
	/* First come, first served: one that would fit does not overtake. */
	assert_int_equal(write_bytes(3, writer, bytes, 1, 0), WAITS);
	assert_int_equal(read_bytes(4, reader, 4, 0), 4);
	assert_int_equal(result_of(2), WAITS);
	assert_int_equal(result_of(3), WAITS);
	assert_int_equal(read_bytes(4, reader, 1, 0), 1);
	assert_int_equal(result_of(2), 10);
	assert_int_equal(read_bytes(4, reader, 1, 0), 1);
	assert_int_equal(result_of(3), 1);
	world_close(reader);
	world_close(writer);
}

static void last_close_ends_the_other_side(void **state)
{
	int64_t reader, writer;

	(void)state;
	make_pipe_ends(&reader, &writer);
	write_bytes(0, writer, "x", 1, 0);
	world_close(writer);
	assert_int_equal(read_bytes(1, reader, 10, 0), 1);
	assert_int_equal(read_bytes(1, reader, 10, 0), 0);
	world_close(reader);

	make_pipe_ends(&reader, &writer);
	assert_int_equal(read_bytes(1, reader, 10, 0), WAITS);
	world_close(writer);
	assert_int_equal(result_of(1), 0);
	world_close(reader);

	make_pipe_ends(&reader, &writer);
	for (int i = 0; i < 16; i++)
		write_bytes(0, writer, in_bytes[5], 4096, 0);
	assert_int_equal(write_bytes(2, writer, "y", 1, 0), WAITS);
	world_close(reader);
	assert_int_equal(result_of(2), -EPIPE);
	assert_int_equal(write_bytes(2, writer, "y", 1, 0), -EPIPE);
	world_close(writer);
}

static void wrong_side_is_refused(void **state)
{
	int64_t reader, writer;

	(void)state;
	make_pipe_ends(&reader, &writer);
	assert_int_equal(write_bytes(0, reader, "x", 1, 0), -EBADF);
	assert_int_equal(read_bytes(0, writer, 1, 0), -EBADF);
	assert_int_equal(simple(0, reader, PIPE_OP_accept, 0, 0, 0), -EOPNOTSUPP);
	assert_int_equal(simple(0, reader, 63, 0, 0, 0), -ENOSYS);
	assert_int_equal(simple(0, reader, IO_OP_control, 1, 2, 3), -ENOTTY);
	world_close(reader);
	world_close(writer);
}

static void interrupted_reader_takes_no_bytes(void **state)
{
	int64_t reader, writer;

	(void)state;
	make_pipe_ends(&reader, &writer);
	assert_int_equal(read_bytes(1, reader, 10, 0), WAITS);
	assert_int_equal(read_bytes(2, reader, 10, 0), WAITS);
	/* Interrupted, and the server has not been told yet. */
	calls[1].is_gone = true;
	assert_int_equal(write_bytes(3, writer, "abc", 3, 0), 3);
	assert_int_equal(result_of(2), 3);
	assert_memory_equal(got(2), "abc", 3);
	dispatch_cancelled(calls[1].cookie); /* late: it means nothing now */
	assert_int_equal(read_bytes(4, reader, 10, 0), WAITS);
	world_interrupt(4);
	assert_int_equal(write_bytes(3, writer, "d", 1, 0), 1);
	assert_int_equal(read_bytes(1, reader, 10, 0), 1);
	world_close(reader);
	world_close(writer);
}

/* Just between the copy and the answer: the bytes of the interrupted writer are not there. */
static void interrupted_writer_has_written_nothing(void **state)
{
	static unsigned char bytes[PIPE_CAPACITY];
	int64_t reader, writer;

	(void)state;
	make_pipe_ends(&reader, &writer);
	assert_int_equal(write_bytes(1, writer, bytes, PIPE_CAPACITY, 0), PIPE_CAPACITY);
	memset(bytes, 1, 5000);
	assert_int_equal(write_bytes(2, writer, bytes, 5000, 0), WAITS);
	memset(bytes, 2, 5000);
	assert_int_equal(write_bytes(3, writer, bytes, 5000, 0), WAITS);
	calls[2].copies = 1;
	assert_int_equal(read_bytes(4, reader, WORLD_WINDOW, 0), PIPE_CAPACITY + 5000);
	assert_int_equal(out_bytes[4][PIPE_CAPACITY], 2);
	assert_int_equal(result_of(3), 5000);
	assert_int_equal(read_bytes(4, reader, 1, IO_NONBLOCK), -EAGAIN);
	world_close(reader);
	world_close(writer);
}

static void absent_pages_cost_no_bytes(void **state)
{
	static unsigned char bytes[200];
	int64_t reader, writer;

	(void)state;
	memset(bytes, 9, sizeof(bytes));
	make_pipe_ends(&reader, &writer);
	assert_int_equal(write_bytes(1, writer, bytes, 200, 0), 200);
	calls[2] = (struct world_call){ .out = out_bytes[2], .out_length = 200, .faults = 1 };
	world_call(2, userdata_of(reader), (uint64_t[8]){ IO_OP_read, 200 }, NONE);
	assert_int_equal(result_of(2), 100);
	assert_int_equal(read_bytes(2, reader, 200, 0), 100);
	/* A writer's page: nothing of an atomic write has happened. */
	calls[2] = (struct world_call){ .in = bytes, .in_length = 200, .faults = 1 };
	world_call(2, userdata_of(writer), (uint64_t[8]){ IO_OP_write, 200 }, NONE);
	assert_int_equal(result_of(2), -EFAULT);
	assert_int_equal(read_bytes(2, reader, 200, IO_NONBLOCK), -EAGAIN);
	world_close(reader);
	world_close(writer);
}

static void vanished_memory_is_an_error_for_both(void **state)
{
	int64_t reader, writer;

	(void)state;
	make_pipe_ends(&reader, &writer);
	write_bytes(0, writer, "lost", 4, 0);
	for (int i = 0; i < WORLD_OBJECTS; i++)
		objects[i].is_dead |= objects[i].type == OBJECT_RING;
	assert_int_equal(read_bytes(1, reader, 10, 0), -EIO);
	assert_int_equal(read_bytes(1, reader, 10, 0), -EIO);
	assert_int_equal(write_bytes(1, writer, "x", 1, 0), -EIO);
	world_close(reader);
	world_close(writer);
}

static void watch_notifies_once(void **state)
{
	int64_t reader, writer, port = object_new(OBJECT_FOREIGN), watch;

	(void)state;
	make_pipe_ends(&reader, &writer);
	calls[0] = (struct world_call){ .accepts = 0 };
	world_call(0, userdata_of(reader), (uint64_t[8]){ IO_OP_watch, 4 }, port);
	watch = result_of(0);
	assert_true(watch > 0);
	write_bytes(0, writer, "a", 1, 0);
	assert_int_equal(object_of(port)->notified, 0); /* not armed */
	assert_int_equal(simple(0, reader, IO_OP_poll, IO_IN, (uint64_t)watch, 0), IO_IN);
	read_bytes(0, reader, 10, 0);
	assert_int_equal(simple(0, reader, IO_OP_poll, IO_IN, (uint64_t)watch, 0), 0);
	write_bytes(0, writer, "a", 1, 0);
	assert_int_equal(object_of(port)->notified, 4);
	object_of(port)->notified = 0;
	write_bytes(0, writer, "a", 1, 0);
	assert_int_equal(object_of(port)->notified, 0); /* once */
	simple(0, reader, IO_OP_poll | IO_POLL_EDGE | IO_POLL_KEEP, IO_IN, (uint64_t)watch, 0);
	write_bytes(0, writer, "a", 1, 0);
	assert_int_equal(object_of(port)->notified, 4);
	object_of(port)->notified = 0;
	world_close(writer);
	assert_int_equal(object_of(port)->notified, 4);
	assert_int_equal(simple(0, reader, IO_OP_poll, IO_IN, 0, 0), IO_IN | IO_HANGUP);
	assert_int_equal(simple(0, reader, IO_OP_unwatch, (uint64_t)watch, 0, 0), 0);
	assert_int_equal(simple(0, reader, IO_OP_unwatch, (uint64_t)watch, 0, 0), -ENOENT);
	assert_int_equal(simple(0, reader, IO_OP_poll, IO_PRIORITY, (uint64_t)watch, 0),
			 IO_IN | IO_HANGUP);
	world_close(reader);
}

static void closing_drops_watches(void **state)
{
	int64_t reader, writer, port = object_new(OBJECT_FOREIGN);

	(void)state;
	make_pipe_ends(&reader, &writer);
	calls[0] = (struct world_call){ .accepts = 0 };
	world_call(0, userdata_of(writer), (uint64_t[8]){ IO_OP_watch, 1 }, port);
	assert_true(result_of(0) > 0);
	world_close(writer);
	world_close(reader);
	assert_int_equal(object_count(), 0);
}

static void attributes_and_flags(void **state)
{
	struct io_attributes attributes;
	int64_t reader, writer;

	(void)state;
	make_pipe_ends(&reader, &writer);
	write_bytes(0, writer, "abc", 3, 0);
	assert_int_equal(simple(0, reader, IO_OP_attributes, 0, 0, 0), 0);
	memcpy(&attributes, &calls[0].answer.words[1], sizeof(attributes));
	assert_int_equal(attributes.readable, 3);
	assert_int_equal(attributes.kind, IO_KIND_PIPE);
	assert_int_equal(simple(0, reader, IO_OP_set_flags, IO_NONBLOCK, IO_NONBLOCK, 0),
			 IO_NONBLOCK);
	read_bytes(0, reader, 10, 0);
	assert_int_equal(read_bytes(0, reader, 10, 0), -EAGAIN);
	world_close(reader);
	world_close(writer);
}

static void short_of_memory_is_an_error(void **state)
{
	int64_t reader, writer;
	unsigned int before = object_count();

	(void)state;
	make_pipe_ends(&reader, &writer);
	memory_is_short = true;
	assert_int_equal(write_bytes(0, writer, "x", 1, 0), -ENOMEM);
	assert_true(read_bytes(0, reader, 1, 0) < 0);
	assert_true(simple(0, NONE, PIPE_OP_pipe, 0, 0, 0) < 0);
	assert_true(simple(0, NONE, PIPE_OP_pair, PIPE_STREAM, 0, 0) < 0);
	assert_true(simple(0, NONE, PIPE_OP_socket, PIPE_STREAM, 0, 0) < 0);
	memory_is_short = false;
	world_close(reader);
	world_close(writer);
	assert_int_equal(object_count(), before);
}

/* What a read of eight bytes got, or its error. */
static int64_t count_of(unsigned int index, int64_t port, uint32_t flags)
{
	int64_t result = read_bytes(index, port, 8, flags);

	return result == 8 ? *(const int64_t *)got(index) : result;
}

static void events_count_and_wait(void **state)
{
	const uint64_t five = 5, most = UINT64_MAX - 1;
	int64_t event, semaphore;

	(void)state;
	assert_int_equal(simple(0, NONE, PIPE_OP_event, 3, 0, 0), 0);
	event = calls[0].handles[0];
	assert_int_equal(count_of(0, event, 0), 3);
	assert_int_equal(count_of(0, event, IO_NONBLOCK), -EAGAIN);
	assert_int_equal(read_bytes(0, event, 7, 0), -EINVAL);
	assert_int_equal(simple(0, event, IO_OP_poll, IO_IN | IO_OUT, 0, 0), IO_OUT);
	assert_int_equal(read_bytes(1, event, 8, 0), WAITS);
	assert_int_equal(read_bytes(2, event, 8, 0), WAITS);
	assert_int_equal(write_bytes(0, event, &five, 8, 0), 8);
	assert_int_equal(result_of(1), 8);
	assert_int_equal(*(const int64_t *)got(1), 5);
	assert_int_equal(result_of(2), WAITS);
	world_interrupt(2);
	assert_int_equal(write_bytes(0, event, &most, 8, 0), 8);
	assert_int_equal(write_bytes(0, event, &five, 8, IO_NONBLOCK), -EAGAIN);
	assert_int_equal(write_bytes(1, event, &five, 8, 0), WAITS);
	assert_int_equal(simple(0, event, IO_OP_poll, IO_IN | IO_OUT, 0, 0), IO_IN);
	assert_int_equal(count_of(0, event, 0), (int64_t)most);
	assert_int_equal(result_of(1), 8);
	assert_int_equal(count_of(0, event, 0), 5);
	assert_int_equal(simple(0, NONE, PIPE_OP_event, 2, 1, 0), 0);
	semaphore = calls[0].handles[0];
	assert_int_equal(count_of(0, semaphore, 0), 1);
	assert_int_equal(count_of(0, semaphore, 0), 1);
	assert_int_equal(count_of(0, semaphore, IO_NONBLOCK), -EAGAIN);
	world_close(event);
	world_close(semaphore);
}

static void timers_count_expiries(void **state)
{
	int64_t timer;

	(void)state;
	assert_int_equal(simple(0, NONE, PIPE_OP_timer, 0, 0, 0), 0);
	timer = calls[0].handles[0];
	assert_int_equal(simple(0, timer, PIPE_OP_timer_set, world_now + 100, 10, 0), 0);
	assert_int_equal(count_of(0, timer, IO_NONBLOCK), -EAGAIN);
	assert_int_equal(simple(0, timer, PIPE_OP_timer_get, 0, 0, 0), 0);
	assert_int_equal(calls[0].answer.words[1], 100);
	assert_int_equal(calls[0].answer.words[2], 10);
	world_now += 125;
	assert_int_equal(count_of(0, timer, 0), 3);
	assert_int_equal(simple(0, timer, PIPE_OP_timer_get, 0, 0, 0), 0);
	assert_int_equal(calls[0].answer.words[1], 5);
	/* Asking for the time leaves what has expired for the readers, and shows it. */
	world_now += 5;
	assert_int_equal(simple(0, timer, PIPE_OP_timer_get, 0, 0, 0), 0);
	assert_int_equal(simple(0, timer, IO_OP_poll, IO_IN, 0, 0), IO_IN);
	assert_int_equal(count_of(0, timer, 0), 1);
	assert_int_equal(simple(0, timer, PIPE_OP_timer_set, 0, 0, 0), 0);
	world_now += 1000;
	assert_int_equal(count_of(0, timer, IO_NONBLOCK), -EAGAIN);
	assert_int_equal(write_bytes(0, timer, "12345678", 8, 0), -EINVAL);
	world_close(timer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bytes_come_out_in_order),
		TEST(waiting_reader_gets_bytes_without_a_ring),
		TEST(full_pipe_refuses_or_waits),
		TEST(last_close_ends_the_other_side),
		TEST(wrong_side_is_refused),
		TEST(interrupted_reader_takes_no_bytes),
		TEST(interrupted_writer_has_written_nothing),
		TEST(absent_pages_cost_no_bytes),
		TEST(vanished_memory_is_an_error_for_both),
		TEST(watch_notifies_once),
		TEST(closing_drops_watches),
		TEST(attributes_and_flags),
		TEST(short_of_memory_is_an_error),
		TEST(events_count_and_wait),
		TEST(timers_count_expiries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
