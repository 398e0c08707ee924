/* The pipe server's logic, scenario by scenario: sockets, FIFOs, places and services. */
#include "pipe_calls.h"

static void make_pair_ends(uint64_t type, int64_t *a, int64_t *b)
{
	assert_int_equal(simple(0, NONE, PIPE_OP_pair, type, 0, 0), 0);
	*a = calls[0].handles[0];
	*b = calls[0].handles[1];
}

static int64_t make_socket_end(uint64_t type)
{
	assert_int_equal(simple(0, NONE, PIPE_OP_socket, type, 0, 0), 0);
	return calls[0].handles[0];
}

static void stream_pair_goes_both_ways(void **state)
{
	int64_t a, b;

	(void)state;
	make_pair_ends(PIPE_STREAM, &a, &b);
	write_bytes(0, a, "to b", 4, 0);
	write_bytes(0, b, "to a", 4, 0);
	assert_int_equal(read_bytes(1, a, 10, 0), 4);
	assert_memory_equal(got(1), "to a", 4);
	assert_int_equal(read_bytes(1, b, 10, 0), 4);
	assert_int_equal(simple(0, a, PIPE_OP_shutdown, 1, 0, 0), 0);
	assert_int_equal(write_bytes(0, a, "x", 1, 0), -EPIPE);
	assert_int_equal(read_bytes(1, b, 10, 0), 0);
	write_bytes(0, b, "still", 5, 0);
	assert_int_equal(read_bytes(1, a, 10, 0), 5);
	world_close(a);
	assert_int_equal(write_bytes(0, b, "x", 1, 0), -EPIPE);
	world_close(b);
}

static void packets_keep_their_bounds(void **state)
{
	int64_t a, b;

	(void)state;
	make_pair_ends(PIPE_PACKETS, &a, &b);
	write_bytes(0, a, "first", 5, 0);
	write_bytes(0, a, "second", 6, 0);
	assert_int_equal(read_bytes(1, b, 3, 0), 3);
	assert_memory_equal(got(1), "fir", 3);
	assert_true(calls[1].answer.words[1] & PIPE_TRUNCATED);
	assert_int_equal(read_bytes(1, b, 40, 0), 6);
	world_close(a);
	assert_int_equal(read_bytes(1, b, 40, 0), 0);
	world_close(b);
}

/* Send with a handle. */
static int64_t send_handle(unsigned int index, int64_t port, const char *text, int64_t handle)
{
	uint64_t words[8] = { PIPE_OP_send, strlen(text) };

	calls[index] = (struct world_call){ .accepts = 4 };
	memcpy(&words[IO_INLINE_WORD], text, strlen(text));
	world_call(index, userdata_of(port), words, handle);
	return result_of(index);
}

static void handles_travel_with_their_bytes(void **state)
{
	int64_t a, b, handle = object_new(OBJECT_FOREIGN);

	(void)state;
	make_pair_ends(PIPE_STREAM, &a, &b);
	write_bytes(0, a, "before", 6, 0);
	assert_int_equal(send_handle(0, a, "with", handle), 4);
	write_bytes(0, a, "after", 5, 0);
	assert_int_equal(simple(1, b, PIPE_OP_receive, 40, 0, 0), 6);
	assert_int_equal(calls[1].handle_count, 0);
	assert_int_equal(simple(1, b, PIPE_OP_receive, 40, 0, 0), 4);
	assert_int_equal(calls[1].handle_count, 1);
	assert_int_equal(calls[1].handles[0], handle);
	assert_int_equal(simple(1, b, PIPE_OP_receive, 40, 0, 0), 5);
	/* To one that waits. */
	assert_int_equal(simple(1, b, PIPE_OP_receive, 40, 0, 0), WAITS);
	assert_int_equal(send_handle(0, a, "x", handle), 1);
	assert_int_equal(result_of(1), 1);
	assert_int_equal(calls[1].handle_count, 1);
	/* A plain read drops it. */
	assert_int_equal(send_handle(0, a, "y", handle), 1);
	assert_int_equal(read_bytes(1, b, 10, 0), 1);
	world_close(a);
	world_close(b);
	assert_int_equal(object_count(), 0);
}

static void peeking_takes_nothing(void **state)
{
	int64_t a, b;

	(void)state;
	make_pair_ends(PIPE_STREAM, &a, &b);
	assert_int_equal(simple(1, b, PIPE_OP_receive | PIPE_PEEK, 40, 0, 0), WAITS);
	assert_int_equal(write_bytes(0, a, "abc", 3, 0), 3);
	assert_int_equal(result_of(1), 3);
	assert_int_equal(simple(1, b, PIPE_OP_receive | PIPE_PEEK, 2, 0, 0), 2);
	assert_int_equal(read_bytes(1, b, 10, 0), 3);
	assert_int_equal(read_bytes(1, b, 10, IO_NONBLOCK), -EAGAIN);
	world_close(a);
	world_close(b);
}

static void unread_handles_die_with_the_socket(void **state)
{
	int64_t a, b, handle = object_new(OBJECT_FOREIGN);

	(void)state;
	make_pair_ends(PIPE_DATAGRAM, &a, &b);
	assert_int_equal(send_handle(0, a, "x", handle), 1);
	world_close(b);
	world_close(a);
	assert_int_equal(object_count(), 0);
}

static void bind_name(int64_t socket, const char *name)
{
	uint64_t words[8] = { PIPE_OP_bind, strlen(name) };

	memcpy(&words[IO_INLINE_WORD], name, strlen(name));
	calls[0] = (struct world_call){ .accepts = 0 };
	world_call(0, userdata_of(socket), words, NONE);
	assert_int_equal(result_of(0), 0);
}

static int64_t find_name(const char *name, uint64_t address[2])
{
	uint64_t words[8] = { PIPE_OP_find, strlen(name) };

	memcpy(&words[IO_INLINE_WORD], name, strlen(name));
	calls[0] = (struct world_call){ .accepts = 0 };
	world_call(0, SERVICE, words, NONE);
	address[0] = calls[0].answer.words[1];
	address[1] = calls[0].answer.words[2];
	return result_of(0);
}

static void connection_is_made_and_used(void **state)
{
	int64_t listening = make_socket_end(PIPE_STREAM), client = make_socket_end(PIPE_STREAM);
	int64_t server;
	uint64_t address[2];

	(void)state;
	assert_int_equal(read_bytes(1, client, 1, 0), -ENOTCONN);
	assert_int_equal(find_name("there", address), -ECONNREFUSED);
	bind_name(listening, "there");
	assert_int_equal(find_name("there", address), 0);
	assert_int_equal(simple(0, client, PIPE_OP_connect, address[0], address[1], 0),
			 -ECONNREFUSED);
	assert_int_equal(simple(0, listening, PIPE_OP_listen, 1, 0, 0), 0);
	assert_int_equal(simple(0, listening, PIPE_OP_accept | IO_NONBLOCK, 0, 0, 0), -EAGAIN);
	assert_int_equal(simple(0, client, PIPE_OP_connect, address[0], address[1] + 1, 0),
			 -ECONNREFUSED);
	assert_int_equal(simple(0, client, PIPE_OP_connect, address[0], address[1], 0), 0);
	assert_int_equal(simple(0, client, PIPE_OP_connect, address[0], address[1], 0), -EISCONN);
	assert_int_equal(write_bytes(0, client, "early", 5, 0), 5);
	assert_int_equal(simple(0, listening, IO_OP_poll, IO_IN, 0, 0) & IO_IN, IO_IN);
	assert_int_equal(simple(0, listening, PIPE_OP_accept, 0, 0, 0), 0);
	server = calls[0].handles[0];
	assert_int_equal(read_bytes(1, server, 10, 0), 5);
	assert_int_equal(write_bytes(0, server, "hi", 2, 0), 2);
	assert_int_equal(read_bytes(1, client, 10, 0), 2);
	world_close(client);
	assert_int_equal(read_bytes(1, server, 10, 0), 0);
	world_close(server);
	world_close(listening);
	assert_int_equal(find_name("there", address), -ECONNREFUSED);
}

static void accept_and_connect_wait_for_each_other(void **state)
{
	int64_t listening = make_socket_end(PIPE_PACKETS), clients[3];
	uint64_t address[2];

	(void)state;
	bind_name(listening, "there");
	assert_int_equal(find_name("there", address), 0);
	assert_int_equal(simple(0, listening, PIPE_OP_listen, 1, 0, 0), 0);
	for (int i = 0; i < 3; i++)
		clients[i] = make_socket_end(PIPE_PACKETS);
	assert_int_equal(simple(5, listening, PIPE_OP_accept, 0, 0, 0), WAITS);
	assert_int_equal(simple(6, clients[0], PIPE_OP_connect, address[0], address[1], 0), 0);
	assert_int_equal(result_of(5), 0);
	assert_int_equal(simple(6, clients[1], PIPE_OP_connect, address[0], address[1], 0), 0);
	assert_int_equal(simple(6, clients[2], PIPE_OP_connect, address[0], address[1], 0), WAITS);
	assert_int_equal(simple(7, listening, PIPE_OP_accept, 0, 0, 0), 0);
	assert_int_equal(result_of(6), 0);
	world_close(calls[5].handles[0]);
	world_close(calls[7].handles[0]);
	assert_int_equal(simple(7, listening, PIPE_OP_accept, 0, 0, 0), 0);
	world_close(calls[7].handles[0]);
	assert_int_equal(simple(7, listening, PIPE_OP_accept, 0, 0, 0), WAITS);
	world_close(listening);
	assert_int_equal(result_of(7), -EBADF);
	for (int i = 0; i < 3; i++)
		world_close(clients[i]);
}

static void closing_a_listener_refuses_who_waits(void **state)
{
	int64_t listening = make_socket_end(PIPE_STREAM), a = make_socket_end(PIPE_STREAM);
	int64_t b = make_socket_end(PIPE_STREAM);
	uint64_t address[2];

	(void)state;
	bind_name(listening, "there");
	find_name("there", address);
	simple(0, listening, PIPE_OP_listen, 1, 0, 0);
	assert_int_equal(simple(0, a, PIPE_OP_connect, address[0], address[1], 0), 0);
	assert_int_equal(simple(6, b, PIPE_OP_connect, address[0], address[1], 0), WAITS);
	world_close(listening);
	assert_int_equal(result_of(6), -ECONNREFUSED);
	assert_int_equal(read_bytes(1, a, 10, 0), 0);
	world_close(a);
	world_close(b);
}

static void datagrams_find_their_address(void **state)
{
	int64_t a = make_socket_end(PIPE_DATAGRAM), b = make_socket_end(PIPE_DATAGRAM);
	uint64_t address[2], words[8] = { PIPE_OP_send, 100 };

	(void)state;
	bind_name(a, "a");
	bind_name(b, "b");
	assert_int_equal(find_name("b", address), 0);
	assert_int_equal(write_bytes(0, a, "x", 1, 0), -ENOTCONN);
	words[2] = address[0];
	words[3] = address[1];
	calls[0] = (struct world_call){ .in = in_bytes[0], .in_length = 100 };
	world_call(0, userdata_of(a), words, NONE);
	assert_int_equal(result_of(0), 100);
	assert_int_equal(simple(1, b, PIPE_OP_receive, 4, 0, 0), 4);
	assert_int_equal(calls[1].answer.words[1] >> 32, 100);
	assert_int_equal(simple(2, b, PIPE_OP_name, calls[1].answer.words[2], 0, 0), 1);
	assert_memory_equal(&calls[2].answer.words[IO_INLINE_WORD], "a", 1);
	assert_int_equal(simple(0, a, PIPE_OP_connect, address[0], address[1], 0), 0);
	assert_int_equal(write_bytes(0, a, "y", 1, 0), 1);
	assert_int_equal(read_bytes(1, b, 10, 0), 1);
	assert_int_equal(read_bytes(1, b, 10, 0), WAITS); /* no end of file */
	world_interrupt(1);
	assert_int_equal(simple(0, a, PIPE_OP_connect, 0, 0, 0), 0);
	assert_int_equal(write_bytes(0, a, "y", 1, 0), -ENOTCONN);
	world_close(a);
	world_close(b);
}

static void fifo_is_found_by_its_id(void **state)
{
	uint64_t read_it[8] = { PIPE_OP_fifo, 5, 6, PIPE_OPEN_READ };
	int64_t reader, writer;

	(void)state;
	assert_int_equal(simple(0, NONE, PIPE_OP_fifo | IO_NONBLOCK, 5, 6, PIPE_OPEN_WRITE),
			 -ENXIO);
	calls[0] = (struct world_call){ .accepts = 1 };
	world_call(0, SERVICE, read_it, NONE);
	reader = calls[0].handles[0];
	assert_int_equal(simple(1, reader, PIPE_OP_await_peer, 0, 0, 0), WAITS);
	assert_int_equal(simple(0, NONE, PIPE_OP_fifo, 5, 7, PIPE_OPEN_WRITE), 0);
	world_close(calls[0].handles[0]);
	assert_int_equal(result_of(1), WAITS);
	assert_int_equal(simple(0, NONE, PIPE_OP_fifo | IO_NONBLOCK, 5, 6, PIPE_OPEN_WRITE), 0);
	writer = calls[0].handles[0];
	assert_int_equal(result_of(1), 0);
	assert_int_equal(simple(1, writer, PIPE_OP_await_peer, 0, 0, 0), 0);
	write_bytes(0, writer, "z", 1, 0);
	world_close(writer);
	assert_int_equal(read_bytes(1, reader, 10, 0), 1);
	assert_int_equal(read_bytes(1, reader, 10, 0), 0);
	world_close(reader);
}

static void places_are_bound_with_a_secret(void **state)
{
	int64_t socket = make_socket_end(PIPE_STREAM), place;
	uint64_t secret[2];

	(void)state;
	assert_int_equal(simple(0, NONE, PIPE_OP_place, 1, 2, 0), 0);
	place = calls[0].handles[0];
	assert_int_equal(simple(0, place, PIPE_OP_find_place, 0, 0, 0), -ECONNREFUSED);
	assert_int_equal(simple(0, socket, PIPE_OP_secret, 0, 0, 0), 0);
	memcpy(secret, &calls[0].answer.words[1], sizeof(secret));
	assert_int_equal(simple(0, place, PIPE_OP_bind_place, secret[0], secret[1] ^ 1, 0),
			 -EACCES);
	assert_int_equal(simple(0, place, PIPE_OP_bind_place, secret[0], secret[1], 0), 0);
	assert_int_equal(simple(0, place, PIPE_OP_find_place, 0, 0, 0), 0);
	world_close(place);
	assert_int_equal(simple(0, NONE, PIPE_OP_place, 1, 2, 0), 0);
	assert_int_equal(simple(1, calls[0].handles[0], PIPE_OP_find_place, 0, 0, 0), 0);
	world_close(calls[0].handles[0]);
	world_close(socket);
}

static void services_have_identities_and_limits(void **state)
{
	int64_t service, a;
	uint64_t words[8] = { PIPE_OP_service, 42, 1000, 100 };

	(void)state;
	calls[0] = (struct world_call){ .accepts = 4 };
	world_call(0, SERVICE, words, NONE);
	assert_int_equal(result_of(0), 0);
	service = calls[0].handles[0];
	assert_int_equal(simple(0, service, PIPE_OP_service, 1, 0, 0), -EPERM);
	assert_int_equal(simple(0, service, PIPE_OP_fifo, 1, 2, PIPE_OPEN_READ), -EPERM);
	assert_int_equal(simple(0, service, PIPE_OP_pair, PIPE_STREAM, 0, 0), 0);
	a = calls[0].handles[0];
	world_close(service);
	assert_int_equal(simple(1, a, PIPE_OP_peer, 0, 0, 0), 0);
	assert_int_equal(calls[1].answer.words[1], 42);
	assert_int_equal(calls[1].answer.words[2], 1000);
	world_close(calls[0].handles[1]);
	world_close(a);
}

#define MANY 200

/* There are more ends than sockets then, so a pair fails when it has ends already. */
static void a_pair_that_fails_half_way_leaves_nothing(void **state)
{
	int64_t pipes[MANY][2], pairs[MANY][2];
	unsigned int count = 0;

	(void)state;
	for (unsigned int i = 0; i < MANY; i++) {
		assert_int_equal(simple(0, NONE, PIPE_OP_pipe, 0, 0, 0), 0);
		memcpy(pipes[i], calls[0].handles, sizeof(pipes[i]));
	}
	for (unsigned int i = 0; i < MANY; i++) {
		world_close(pipes[i][0]);
		world_close(pipes[i][1]);
	}
	pages_are_short = true;
	for (; simple(0, NONE, PIPE_OP_pair, PIPE_STREAM, 0, 0) == 0; count++)
		memcpy(pairs[count], calls[0].handles, sizeof(pairs[count]));
	assert_int_equal(simple(0, NONE, PIPE_OP_pair, PIPE_STREAM, 0, 0), -ENOBUFS);
	pages_are_short = false;
	while (count--) {
		world_close(pairs[count][0]);
		world_close(pairs[count][1]);
	}
	/* No two have one channel now. */
	for (unsigned int i = 0; i < MANY; i++) {
		assert_int_equal(simple(0, NONE, PIPE_OP_pipe, 0, 0, 0), 0);
		memcpy(pipes[i], calls[0].handles, sizeof(pipes[i]));
		assert_int_equal(write_bytes(0, pipes[i][1], &i, sizeof(i), 0), sizeof(i));
	}
	for (unsigned int i = 0; i < MANY; i++) {
		assert_int_equal(read_bytes(1, pipes[i][0], sizeof(i), 0), sizeof(i));
		assert_memory_equal(got(1), &i, sizeof(i));
		world_close(pipes[i][0]);
		world_close(pipes[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(stream_pair_goes_both_ways),
		TEST(packets_keep_their_bounds),
		TEST(handles_travel_with_their_bytes),
		TEST(peeking_takes_nothing),
		TEST(unread_handles_die_with_the_socket),
		TEST(connection_is_made_and_used),
		TEST(accept_and_connect_wait_for_each_other),
		TEST(closing_a_listener_refuses_who_waits),
		TEST(datagrams_find_their_address),
		TEST(fifo_is_found_by_its_id),
		TEST(places_are_bound_with_a_secret),
		TEST(services_have_identities_and_limits),
		TEST(a_pair_that_fails_half_way_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
