/* The pipe server's logic, scenario by scenario: message queues. */
#include "pipe_calls.h"

#include "lib/pipe/end.h"

#define BOTH (PIPE_OPEN_READ | PIPE_OPEN_WRITE)
#define NEW (BOTH | PIPE_OPEN_CREATE | PIPE_OPEN_EXCLUSIVE)
#define NEVER UINT64_MAX
#define KEY 99

/* A call with a name. */
static int64_t by_name(unsigned int index, uint64_t operation, const char *name, uint64_t how,
		       uint64_t capacity, uint64_t size)
{
	uint64_t words[8] = {
		operation, strlen(name) | 0600ul << 32, how, capacity, size, 1ul << 30
	};

	memcpy(in_bytes[index], name, strlen(name));
	calls[index] = (struct world_call){ .accepts = 1, .in = in_bytes[index] };
	calls[index].in_length = strlen(name);
	world_call(index, SERVICE, words, NONE);
	return result_of(index);
}

static int64_t open_queue(const char *name, uint64_t how, uint64_t capacity, uint64_t size)
{
	assert_int_equal(by_name(0, PIPE_OP_queue_open, name, how, capacity, size), 0);
	assert_int_equal(calls[0].handle_count, 1);
	return calls[0].handles[0];
}

/* One without a name. */
static int64_t make_queue(uint64_t capacity, uint64_t size)
{
	int64_t queue = open_queue("q", NEW, capacity, size);

	assert_int_equal(by_name(0, PIPE_OP_queue_unlink, "q", 0, 0, 0), 0);
	return queue;
}

static int64_t send_text(unsigned int index, int64_t queue, const char *text, uint64_t priority,
			 uint64_t deadline)
{
	uint64_t words[8] = { PIPE_OP_queue_send, strlen(text) | priority << 32, deadline };

	calls[index] = (struct world_call){ .accepts = 0 };
	memcpy(&words[IO_INLINE_WORD], text, strlen(text));
	world_call(index, userdata_of(queue), words, NONE);
	return result_of(index);
}

static int64_t receive(unsigned int index, int64_t queue, uint64_t deadline)
{
	return simple(index, queue, PIPE_OP_queue_receive, IO_INLINE_MAX, deadline, 0);
}

static void expect(int64_t queue, const char *text, uint64_t priority)
{
	assert_int_equal(receive(9, queue, NEVER), strlen(text));
	assert_memory_equal(got(9), text, strlen(text));
	assert_int_equal(calls[9].answer.words[1] >> 32, priority);
}

static void messages_come_by_priority_and_age(void **state)
{
	int64_t queue = make_queue(5, 8);

	(void)state;
	send_text(1, queue, "low", 1, NEVER);
	send_text(1, queue, "high", 9, NEVER);
	send_text(1, queue, "low too", 1, NEVER);
	send_text(1, queue, "high too", 9, NEVER);
	expect(queue, "high", 9);
	send_text(1, queue, "middle", 5, NEVER);
	expect(queue, "high too", 9);
	expect(queue, "middle", 5);
	expect(queue, "low", 1);
	expect(queue, "low too", 1);
	world_close(queue);
}

static void names_hold_queues(void **state)
{
	int64_t queue = open_queue("n", NEW, 2, 8);

	(void)state;
	assert_int_equal(by_name(0, PIPE_OP_queue_open, "n", NEW, 2, 8), -EEXIST);
	assert_int_equal(by_name(0, PIPE_OP_queue_open, "m", BOTH, 2, 8), -ENOENT);
	send_text(1, queue, "kept", 0, NEVER);
	world_close(queue);
	queue = open_queue("n", BOTH, 0, 0);
	expect(queue, "kept", 0);
	assert_int_equal(by_name(0, PIPE_OP_queue_unlink, "n", 0, 0, 0), 0);
	assert_int_equal(by_name(0, PIPE_OP_queue_unlink, "n", 0, 0, 0), -ENOENT);
	world_close(queue);
}

/* What cannot be finished leaves no queue behind. */
static void short_memory_leaves_nothing(void **state)
{
	(void)state;
	memory_is_short = true;
	assert_true(by_name(0, PIPE_OP_queue_open, "s", NEW, 2, 8) < 0);
	memory_is_short = false;
	assert_int_equal(by_name(0, PIPE_OP_queue_unlink, "s", 0, 0, 0), -ENOENT);
}

static void receivers_and_senders_wait_in_order(void **state)
{
	int64_t queue = make_queue(1, 8);

	(void)state;
	assert_int_equal(receive(1, queue, NEVER), WAITS);
	assert_int_equal(receive(2, queue, NEVER), WAITS);
	assert_int_equal(send_text(3, queue, "a", 0, NEVER), 0);
	assert_int_equal(result_of(1), 1);
	assert_int_equal(result_of(2), WAITS);
	assert_int_equal(send_text(3, queue, "b", 0, NEVER), 0);
	assert_int_equal(result_of(2), 1);
	assert_int_equal(send_text(3, queue, "c", 0, NEVER), 0);
	assert_int_equal(send_text(4, queue, "d", 0, NEVER), WAITS);
	assert_int_equal(send_text(5, queue, "e", 0, NEVER), WAITS);
	expect(queue, "c", 0);
	assert_int_equal(result_of(4), 0);
	expect(queue, "d", 0);
	expect(queue, "e", 0);
	assert_int_equal(result_of(5), 0);
	world_close(queue);
}

static void what_does_not_arrive_stays(void **state)
{
	int64_t queue = make_queue(1, 8);

	(void)state;
	assert_int_equal(receive(1, queue, NEVER), WAITS);
	calls[1].is_gone = true;
	assert_int_equal(send_text(2, queue, "a", 0, NEVER), 0);
	/* And of a sender that has gone nothing is sent. */
	assert_int_equal(send_text(3, queue, "b", 0, NEVER), WAITS);
	calls[3].is_gone = true;
	expect(queue, "a", 0);
	assert_int_equal(simple(2, queue, PIPE_OP_queue_receive | IO_NONBLOCK, 40, NEVER, 0),
			 -EAGAIN);
	world_close(queue);
}

static void deadlines_end_waits(void **state)
{
	int64_t queue = make_queue(1, 8);
	const uint64_t now = world_now;

	(void)state;
	assert_int_equal(receive(1, queue, now), -ETIMEDOUT);
	assert_int_equal(receive(1, queue, now + 20), WAITS);
	assert_int_equal(receive(2, queue, now + 10), WAITS);
	assert_int_equal(receive(3, queue, NEVER), WAITS);
	world_now += 10;
	dispatch_notified((uint64_t)PORT_QUEUES << PORT_KIND_SHIFT);
	assert_int_equal(result_of(2), -ETIMEDOUT);
	assert_int_equal(result_of(1), WAITS);
	assert_int_equal(send_text(2, queue, "a", 0, NEVER), 0);
	assert_int_equal(result_of(1), 1);
	world_now += 10;
	dispatch_notified((uint64_t)PORT_QUEUES << PORT_KIND_SHIFT);
	assert_int_equal(result_of(3), WAITS);
	world_interrupt(3);
	world_close(queue);
}

static int64_t notify(unsigned int index, int64_t queue, uint64_t key, int64_t port)
{
	uint64_t words[8] = { PIPE_OP_queue_notify, key, 7, 3 };

	calls[index] = (struct world_call){ .accepts = 0 };
	world_call(index, userdata_of(queue), words, port);
	return result_of(index);
}

static void ports_are_told_once(void **state)
{
	int64_t queue = make_queue(2, 8);
	int64_t port = object_new(OBJECT_FOREIGN);

	(void)state;
	assert_int_equal(notify(1, queue, KEY, port), 0);
	assert_int_equal(notify(1, queue, KEY + 1, object_new(OBJECT_FOREIGN)), -EBUSY);
	assert_int_equal(notify(1, queue, KEY + 1, NONE), 0);
	object_of(port)->notified = 0;
	object_of(port)->is_dead = true;
	port = object_new(OBJECT_FOREIGN);
	assert_int_equal(notify(1, queue, KEY, port), 0);
	object_of(port)->notified = 0;
	assert_int_equal(notify(1, queue, KEY, NONE), 0);
	port = object_new(OBJECT_FOREIGN);
	assert_int_equal(notify(1, queue, KEY, port), 0);
	send_text(1, queue, "a", 0, NEVER);
	expect(queue, "a", 0);
	assert_int_equal(notify(1, queue, KEY, object_new(OBJECT_FOREIGN)), 0);
	world_close(queue);
	assert_int_equal(object_count(), 0);
}

static void vanished_memory_is_an_error(void **state)
{
	int64_t queue = make_queue(2, 8);

	(void)state;
	send_text(1, queue, "a", 0, NEVER);
	for (int i = 0; i < WORLD_OBJECTS; i++)
		if (objects[i].type == OBJECT_RING)
			objects[i].is_dead = true;
	assert_int_equal(send_text(1, queue, "b", 0, NEVER), -EIO);
	assert_int_equal(receive(1, queue, NEVER), -EIO);
	world_close(queue);
}

static void limits_are_kept(void **state)
{
	(void)state;
	assert_int_equal(by_name(0, PIPE_OP_queue_open, "l", NEW, 0, 8), -EINVAL);
	assert_int_equal(by_name(0, PIPE_OP_queue_open, "l", NEW, 65537, 8), -EINVAL);
	assert_int_equal(by_name(0, PIPE_OP_queue_open, "l", NEW, 65536, 16 << 20), -EMFILE);
	assert_int_equal(by_name(0, PIPE_OP_queue_open, "l/", NEW, 1, 8), -EACCES);
	assert_int_equal(by_name(0, PIPE_OP_queue_open, "..", NEW, 1, 8), -EACCES);
	assert_int_equal(simple(0, NONE, PIPE_OP_queue_open, 3, NEW, 1), -EINVAL);
	assert_int_equal(simple(0, NONE, PIPE_OP_queue_open, 0, NEW, 1), -ENOENT);
	assert_int_equal(simple(0, NONE, PIPE_OP_queue_open, 256, NEW, 1), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(messages_come_by_priority_and_age),
		TEST(names_hold_queues),
		TEST(short_memory_leaves_nothing),
		TEST(receivers_and_senders_wait_in_order),
		TEST(what_does_not_arrive_stays),
		TEST(deadlines_end_waits),
		TEST(ports_are_told_once),
		TEST(vanished_memory_is_an_error),
		TEST(limits_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
