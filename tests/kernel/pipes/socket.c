/* Sockets and FIFOs between processes. */
#include "pipes.h"

static tern_result op(tern_handle port, uint64_t operation, uint64_t a, uint64_t b)
{
	struct tern_received message = { .words = { operation, a, b } };

	return io_call(port, &message);
}

static tern_handle one_handle(tern_handle port, const uint64_t words[4])
{
	struct tern_received message = { .words = { words[0], words[1], words[2], words[3] } };
	tern_handle handle = 0;
	tern_result result = pipe_call_for_handles(port, &message, &handle, 1);

	return result < 0 ? result : handle;
}

static tern_handle make_socket(tern_handle service)
{
	return one_handle(service, (uint64_t[4]){ PIPE_OP_socket, PIPE_STREAM });
}

/* The name "tern", abstract: bind it or find it. */
static tern_result with_name(tern_handle port, uint64_t operation, uint64_t address[2])
{
	struct tern_received message = { .words = { operation, 4 } };
	tern_result result;

	memcpy(&message.words[IO_INLINE_WORD], "tern", 4);
	result = io_call(port, &message);
	address[0] = message.words[1];
	address[1] = message.words[2];
	return result;
}

/* The client, in a process of its own: connects, sends a pipe's write end, and goes. */
static void be_client(uint64_t service)
{
	tern_handle socket = make_socket((tern_handle)service), ends[2];
	struct tern_extended extended = { .handle_count = 1 };
	struct tern_received message = { .words = { PIPE_OP_send, 3 } };
	uint64_t address[2];

	if (socket < 0 || with_name((tern_handle)service, PIPE_OP_find, address) ||
	    op(socket, PIPE_OP_connect, address[0], address[1]) ||
	    pipe_create((tern_handle)service, ends, 0))
		rt_exit(1);
	extended.handles[0].handle = ends[1];
	extended.handles[0].rights = TERN_RIGHTS_ALL;
	extended.handles[0].mode = TERN_SEND_MOVE;
	memcpy(&message.words[IO_INLINE_WORD], "abc", 3);
	if (tern_call_ext(socket, &message, &extended) < 0 || message.words[0] != 3)
		rt_exit(2);
	if (io_read(ends[0], address, 8, 0, 0) != 6)
		rt_exit(3);
	rt_exit(0);
}

void sockets_connect_and_pass_handles(void)
{
	struct tern_received message = { .words = { PIPE_OP_receive, 40 } };
	struct rt_child child = { .process = rt_process(0) };
	tern_handle listening, connected, received = 0;
	struct server server;
	uint64_t address[2];

	server_start(&server);
	listening = make_socket(server.service);
	CHECK_EQ(with_name(listening, PIPE_OP_bind, address), 0);
	CHECK_EQ(op(listening, PIPE_OP_listen, 5, 0), 0);
	child.thread = rt_run(child.process, be_client,
			      (uint64_t)rt_give(child.process, server.service), CLIENT_PRIORITY);
	connected = one_handle(listening, (uint64_t[4]){ PIPE_OP_accept });
	CHECK(connected > 0);
	CHECK_EQ(pipe_call_for_handles(connected, &message, &received, 1), 3);
	CHECK_EQ(memcmp(&message.words[IO_INLINE_WORD], "abc", 3), 0);
	CHECK_EQ(io_write(received, "thanks", 6, 0, 0), 6);
	CHECK_EQ(rt_child_join(&child), 0);
	CHECK_EQ(io_read(connected, address, 8, 0, 0), 0);
	tern_handle_close(received);
	tern_handle_close(connected);
	tern_handle_close(listening);
	server_stop(&server);
}

static tern_handle open_fifo(tern_handle service, uint64_t mode)
{
	return one_handle(service, (uint64_t[4]){ PIPE_OP_fifo, 10, 20, mode });
}

static void be_writer(uint64_t service)
{
	tern_handle fifo = open_fifo((tern_handle)service, PIPE_OPEN_WRITE);

	if (fifo < 0 || op(fifo, PIPE_OP_await_peer, 0, 0))
		rt_exit(1);
	rt_exit(io_write(fifo, "through", 7, 0, 0) == 7 ? 0 : 2);
}

void fifo_connects_processes(void)
{
	struct rt_child child = { .process = rt_process(0) };
	struct server server;
	tern_handle fifo;
	char text[40];

	server_start(&server);
	fifo = open_fifo(server.service, PIPE_OPEN_READ);
	CHECK(fifo > 0);
	child.thread = rt_run(child.process, be_writer,
			      (uint64_t)rt_give(child.process, server.service), CLIENT_PRIORITY);
	CHECK_EQ(op(fifo, PIPE_OP_await_peer, 0, 0), 0);
	CHECK_EQ(io_read(fifo, text, sizeof(text), 0, 0), 7);
	CHECK_EQ(io_read(fifo, text, sizeof(text), 0, 0), 0);
	CHECK_EQ(rt_child_join(&child), 0);
	tern_handle_close(fifo);
	server_stop(&server);
}
