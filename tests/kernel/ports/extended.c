/* Messages with handles and windows. */
#include "ports.h"

#define WINDOW_SIZE (3 * RT_PAGE)

/* A server that accepts handles and remembers what came. */
struct taker {
	struct rt_thread thread;
	struct test_port port;
	uint64_t accept;
	bool answers_with_first;
	struct tern_received got;
	tern_result event;
};

static void taker_body(uint64_t argument)
{
	struct taker *taker = (struct taker *)argument;
	struct tern_extended answer = { 0 };
	struct tern_received message = { 0 };

	tern_thread_accept_handles(taker->accept);
	taker->event = tern_wait(taker->port.listener, &message);
	taker->got = message;
	if (taker->answers_with_first) {
		answer.handle_count = 1;
		answer.handles[0].handle = message.handle_count ? message.handles[0]
								: tern_memobj_create(0, RT_PAGE);
		answer.handles[0].rights = TERN_RIGHTS_ALL;
		answer.handles[0].mode = TERN_SEND_MOVE;
		CHECK_EQ(tern_reply_ext(TERN_REPLY, &message, &answer), 0);
	} else {
		CHECK_EQ(tern_reply(TERN_REPLY, &message), 0);
	}
}

static void taker_start(struct taker *taker, uint64_t accept, bool answers)
{
	*taker = (struct taker){ .accept = accept, .answers_with_first = answers };
	taker->port = test_port(5, 0);
	rt_thread(&taker->thread, taker_body, (uint64_t)taker, PRIORITY);
}

static void taker_end(struct taker *taker)
{
	rt_join(&taker->thread);
	test_port_close(&taker->port);
}

void handles_are_copied_and_moved(void)
{
	tern_handle copied = tern_memobj_create(0, RT_PAGE);
	tern_handle moved = tern_memobj_create(0, RT_PAGE);
	struct tern_extended extended = { .handle_count = 2, .accept_count = 1 };
	struct tern_received message = { 0 };
	struct taker taker;
	tern_result result;

	extended.handles[0].handle = copied;
	extended.handles[0].rights = TERN_RIGHT_READ | TERN_RIGHT_MOVE;
	extended.handles[0].mode = TERN_SEND_COPY;
	extended.handles[1].handle = moved;
	extended.handles[1].rights = TERN_RIGHTS_ALL;
	extended.handles[1].mode = TERN_SEND_MOVE;
	taker_start(&taker, 2, true);
	result = tern_call_ext(taker.port.client, &message, &extended);
	CHECK_EQ(result, TERN_EVENT_HANDLES);
	CHECK_EQ(message.handle_count, 1);
	CHECK_EQ(tern_handle_info(message.handles[0]) & 0xffff, TERN_RIGHT_READ | TERN_RIGHT_MOVE);
	taker_end(&taker);
	CHECK_EQ(taker.event, TERN_EVENT_CALL | TERN_EVENT_HANDLES);
	CHECK_EQ(taker.got.handle_count, 2);
	CHECK_EQ(tern_handle_info(moved), -EBADF);
	CHECK(tern_handle_info(copied) > 0);
	CHECK_EQ(tern_handle_info(taker.got.handles[0]), -EBADF);
	tern_handle_close(taker.got.handles[1]);
	tern_handle_close(message.handles[0]);
	tern_handle_close(copied);
}

/* How many handles may come back is said in the descriptor's place. */
void answers_bring_handles_without_a_descriptor(void)
{
	struct tern_received message = { 0 };
	struct taker taker;

	taker_start(&taker, 0, true);
	test_settle();
	CHECK_EQ(tern_call_accept(taker.port.client, &message, TERN_MESSAGE_HANDLES + 1), -EFAULT);
	CHECK_EQ(tern_call_accept(taker.port.client, &message, 0), -EFAULT);
	message.words[0] = 77;
	CHECK_EQ(tern_call_accept(taker.port.client, &message, 1), TERN_EVENT_HANDLES);
	CHECK_EQ(message.words[0], 77);
	CHECK_EQ(message.handle_count, 1);
	CHECK_EQ(tern_handle_close(message.handles[0]), 0);
	taker_end(&taker);
	CHECK_EQ(taker.event, TERN_EVENT_CALL);
}

void too_many_handles_move_nothing(void)
{
	tern_handle moved = tern_memobj_create(0, RT_PAGE);
	struct tern_extended extended = { .handle_count = 1 };
	struct tern_received message = { 0 };
	struct taker taker;

	extended.handles[0].handle = moved;
	extended.handles[0].rights = TERN_RIGHTS_ALL;
	extended.handles[0].mode = TERN_SEND_MOVE;
	taker_start(&taker, 0, false);
	CHECK_EQ(tern_call_ext(taker.port.client, &message, &extended), -E2BIG);
	test_settle();
	CHECK_EQ(tern_call_ext(taker.port.client, &message, &extended), -E2BIG);
	CHECK(tern_handle_info(moved) > 0);
	CHECK_EQ(tern_call(taker.port.client, &message), 0);
	taker_end(&taker);
	tern_handle_close(moved);
}

void handle_arguments_are_checked(void)
{
	tern_handle memobj = tern_memobj_create(0, RT_PAGE);
	tern_handle bare = tern_handle_duplicate(memobj, TERN_RIGHT_READ);
	struct tern_extended extended = { .handle_count = 5 };
	struct tern_received message = { 0 };
	struct taker taker;

	taker_start(&taker, 4, false);
	test_settle();
	CHECK_EQ(tern_call_ext(taker.port.client, &message, &extended), -EINVAL);
	extended.handle_count = 1;
	extended.handles[0].mode = 2;
	CHECK_EQ(tern_call_ext(taker.port.client, &message, &extended), -EINVAL);
	extended.handles[0].mode = TERN_SEND_COPY;
	CHECK_EQ(tern_call_ext(taker.port.client, &message, &extended), -EBADF);
	extended.handles[0].handle = bare;
	CHECK_EQ(tern_call_ext(taker.port.client, &message, &extended), -EPERM);
	extended.handles[0].mode = TERN_SEND_MOVE;
	CHECK_EQ(tern_call_ext(taker.port.client, &message, &extended), -EPERM);
	extended.handle_count = 2;
	extended.handles[0].handle = extended.handles[1].handle = memobj;
	extended.handles[1].mode = TERN_SEND_COPY;
	CHECK_EQ(tern_call_ext(taker.port.client, &message, &extended), -EINVAL);
	CHECK_EQ(tern_call_ext(taker.port.client, &message, NULL), -EFAULT);
	extended.handle_count = 0;
	extended.in_address = UINT64_MAX;
	extended.in_length = 2;
	CHECK_EQ(tern_call_ext(taker.port.client, &message, &extended), -EINVAL);
	CHECK_EQ(tern_call(taker.port.client, &message), 0);
	taker_end(&taker);
	tern_handle_close(bare);
	tern_handle_close(memobj);
}

/* ------------------------------------------------------------------------------- windows */

static char in_window[WINDOW_SIZE], out_window[WINDOW_SIZE], buffer[WINDOW_SIZE];

static struct tern_extended windows(void)
{
	return (struct tern_extended){ .in_address = (uint64_t)in_window + 1,
				       .in_length = WINDOW_SIZE - 2,
				       .out_address = (uint64_t)out_window + 3,
				       .out_length = WINDOW_SIZE - 5 };
}

static void client_of_windows(struct client *client, struct test_port *port,
			      struct tern_extended *extended)
{
	*extended = windows();
	for (unsigned int i = 0; i < WINDOW_SIZE; i++) {
		in_window[i] = (char)(i * 7);
		out_window[i] = 0;
	}
	client_start_extended(client, port->client, 0, extended);
}

void window_reads_and_writes(void)
{
	struct test_port port = test_port(1, 0);
	struct tern_received message = { 0 };
	struct tern_extended extended;
	struct client client;

	client_of_windows(&client, &port, &extended);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_CALL | TERN_EVENT_WINDOWS);
	CHECK_EQ(tern_reply_read(TERN_REPLY, 4, buffer, WINDOW_SIZE - 10), WINDOW_SIZE - 10);
	CHECK(!memcmp(buffer, in_window + 5, WINDOW_SIZE - 10));
	CHECK_EQ(tern_reply_write(TERN_REPLY, 2, buffer, 5000), 5000);
	CHECK_EQ(tern_reply(TERN_REPLY, &message), 0);
	client_join(&client);
	CHECK_EQ(client.result, 0);
	CHECK(!memcmp(out_window + 5, in_window + 5, 5000));
	CHECK_EQ(out_window[4], 0);
	CHECK_EQ(out_window[5005], 0);
	test_port_close(&port);
}

void window_bounds_are_checked(void)
{
	struct test_port port = test_port(1, 0);
	struct tern_received message = { 0 };
	struct tern_extended extended;
	struct client client;

	CHECK_EQ(tern_reply_read(TERN_REPLY, 0, buffer, 1), -ESRCH);
	CHECK_EQ(tern_reply_read(port.client, 0, buffer, 1), -EPROTOTYPE);
	client_of_windows(&client, &port, &extended);
	tern_wait(port.listener, &message);
	CHECK_EQ(tern_reply_read(TERN_REPLY, WINDOW_SIZE - 2, buffer, 1), -ERANGE);
	CHECK_EQ(tern_reply_read(TERN_REPLY, 0, buffer, WINDOW_SIZE - 1), -ERANGE);
	CHECK_EQ(tern_reply_read(TERN_REPLY, UINT64_MAX, buffer, 2), -ERANGE);
	CHECK_EQ(tern_reply_write(TERN_REPLY, 0, buffer, WINDOW_SIZE), -ERANGE);
	CHECK_EQ(tern_reply_read(TERN_REPLY, 0, (void *)64, 8), -EFAULT);
	CHECK_EQ(tern_reply_read(TERN_REPLY, 0, (void *)0xffffffff80200000, 8), -EFAULT);
	CHECK_EQ(tern_reply_write(TERN_REPLY, 0, (void *)64, 8), -EFAULT);
	CHECK_EQ(tern_reply_read(TERN_REPLY, WINDOW_SIZE - 2, buffer, 0), 0);
	CHECK_EQ(tern_reply(TERN_REPLY, &message), 0);
	client_join(&client);
	/* The next, plain call of anybody offers no windows. */
	client_start(&client, port.client, 0, PRIORITY);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_CALL);
	CHECK_EQ(tern_reply_read(TERN_REPLY, 0, buffer, 1), -ERANGE);
	CHECK_EQ(tern_reply(TERN_REPLY, &message), 0);
	client_join(&client);
	test_port_close(&port);
}

void reply_copy_moves_between_clients(void)
{
	static char reader_window[RT_PAGE];
	struct test_port port = test_port(1, 0);
	struct tern_received message = { 0 };
	struct tern_extended writes,
		reads = { .out_address = (uint64_t)reader_window, .out_length = RT_PAGE };
	struct client writer, reader;
	tern_handle parked;

	client_of_windows(&writer, &port, &writes);
	tern_wait(port.listener, &message);
	parked = tern_reply_park(0, 0);
	CHECK(parked > 0);
	client_start_extended(&reader, port.client, 0, &reads);
	tern_wait(port.listener, &message);
	CHECK_EQ(tern_reply_copy(parked, 9, TERN_REPLY, 10, 2000), 2000);
	CHECK_EQ(tern_reply_copy(parked, 0, parked, 0, 1), -EINVAL);
	CHECK_EQ(tern_reply_copy(parked, 0, TERN_REPLY, RT_PAGE - 5, 6), -ERANGE);
	CHECK_EQ(tern_reply(parked, &message), 0);
	CHECK_EQ(tern_reply_copy(parked, 0, TERN_REPLY, 0, 1), -EBADF);
	CHECK_EQ(tern_reply(TERN_REPLY, &message), 0);
	client_join(&writer);
	client_join(&reader);
	CHECK(!memcmp(reader_window + 10, in_window + 10, 2000));
	test_port_close(&port);
}

/* ------------------------------------------------------------------------------ forwarding */

static void forwarder(uint64_t port)
{
	struct tern_received message = { 0 };

	tern_thread_accept_handles(1);
	tern_wait((tern_handle)port, &message);
	CHECK_EQ(message.handle_count, 1);
	CHECK_EQ(tern_reply(message.handles[0], &(struct tern_received){ .words = { 99 } }), 0);
	CHECK_EQ(tern_reply(TERN_REPLY, &message), 0);
}

void parked_reply_is_forwarded(void)
{
	struct test_port front = test_port(1, 0), back = test_port(2, 0);
	struct tern_received message = { 0 };
	struct tern_extended extended = { .handle_count = 1 };
	struct rt_thread thread;
	struct client client;

	client_start(&client, front.client, 0, PRIORITY);
	tern_wait(front.listener, &message);
	rt_thread(&thread, forwarder, (uint64_t)back.listener, PRIORITY);
	extended.handles[0].handle = tern_reply_park(0, 0);
	extended.handles[0].rights = TERN_RIGHTS_ALL;
	extended.handles[0].mode = TERN_SEND_COPY;
	CHECK_EQ(tern_call_ext(back.client, &message, &extended), -EPERM);
	extended.handles[0].mode = TERN_SEND_MOVE;
	CHECK_EQ(tern_call_ext(back.client, &message, &extended), 0);
	client_join(&client);
	CHECK_EQ(client.result, 0);
	CHECK_EQ(client.message.words[0], 99);
	rt_join(&thread);
	test_port_close(&front);
	test_port_close(&back);
}
