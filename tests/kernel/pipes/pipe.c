/* Pipes between processes and threads. */
#include "pipes.h"

#include "lib/pipe/server.h"

#define CHUNK 30000
#define ROUNDS 20
#define PATIENCE 1000

static char buffer[CHUNK];

/* A child: reads everything, exits with a checksum. */
static void sum_up(uint64_t port)
{
	uint32_t sum = 0;
	tern_result count;

	while ((count = io_read((tern_handle)port, buffer, 7000, 0, 0)) > 0)
		for (tern_result i = 0; i < count; i++)
			sum = sum * 31 + (unsigned char)buffer[i];
	rt_exit(count < 0 ? 1 : sum);
}

void bytes_cross_processes(void)
{
	struct server server;
	tern_handle ends[2];
	struct rt_child child = { .process = rt_process(0) };
	uint32_t sum = 0;

	server_start(&server);
	get_pipe(&server, ends);
	child.thread = rt_run(child.process, sum_up, (uint64_t)rt_give(child.process, ends[0]),
			      CLIENT_PRIORITY);
	tern_handle_close(ends[0]);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		uint32_t length = i % 3 == 0 ? 1 : i % 3 == 1 ? 4097 : CHUNK;

		for (uint32_t j = 0; j < length; j++) {
			buffer[j] = (char)(i + j);
			sum = sum * 31 + (unsigned char)buffer[j];
		}
		CHECK_EQ(io_write(ends[1], buffer, length, 0, 0), length);
	}
	tern_handle_close(ends[1]);
	CHECK_EQ(rt_child_join(&child), sum);
	server_stop(&server);
}

static void sleep_for_ever(uint64_t argument)
{
	uint32_t word = 0;

	(void)argument;
	for (;;)
		tern_futex_wait(&word, 0, TERN_DEADLINE_NONE);
}

/* The other end's holder is killed: no close call, and still the end is closed. */
void death_is_end_of_file(void)
{
	struct server server;
	tern_handle ends[2];

	server_start(&server);
	for (int side = 0; side < 2; side++) {
		struct rt_child child = { .process = rt_process(0) };

		get_pipe(&server, ends);
		rt_give(child.process, ends[side]);
		child.thread = rt_run(child.process, sleep_for_ever, 0, CLIENT_PRIORITY);
		tern_handle_close(ends[side]);
		CHECK_EQ(io_poll(ends[1 - side], IO_IN, 0, 0), side ? 0 : IO_OUT);
		tern_process_kill(child.process, 1);
		rt_child_join(&child);
		/* The process gives back what it held after it is dead. */
		for (int i = 0; i < PATIENCE && !(io_poll(ends[1 - side], 0, 0, 0) & IO_ALWAYS);
		     i++)
			test_settle();
		if (side == 1)
			CHECK_EQ(io_read(ends[0], buffer, 10, 0, 0), 0);
		else
			CHECK_EQ(io_write(ends[1], buffer, 10, 0, 0), -EPIPE);
		tern_handle_close(ends[1 - side]);
	}
	server_stop(&server);
}

struct blocked {
	tern_handle port;
	bool is_write;
	volatile uint32_t stage;
	volatile tern_result result;
};

static void block(uint64_t argument)
{
	struct blocked *blocked = (struct blocked *)argument;
	static char much[100000];

	blocked->stage = 1;
	blocked->result = blocked->is_write ? io_write(blocked->port, much, sizeof(much), 0, 0)
					    : io_read(blocked->port, much, sizeof(much), 0, 0);
	blocked->stage = 2;
}

/* A read has read nothing; a write tells how much went before. The pipe goes on as if nothing was. */
void interrupted_calls_report_what_happened(void)
{
	struct server server;
	tern_handle ends[2];

	server_start(&server);
	get_pipe(&server, ends);
	for (int is_write = 0; is_write < 2; is_write++) {
		struct blocked blocked = { .port = ends[is_write], .is_write = is_write };
		struct rt_thread thread;

		rt_thread(&thread, block, (uint64_t)&blocked, CLIENT_PRIORITY);
		test_await(&blocked.stage, 1);
		test_settle();
		CHECK_EQ(blocked.stage, 1);
		CHECK_EQ(tern_thread_interrupt(thread.handle, 0), 0);
		rt_join(&thread);
		CHECK_EQ(blocked.result, is_write ? (int64_t)PIPE_CAPACITY : -EINTR);
	}
	for (uint32_t left = PIPE_CAPACITY; left;) {
		tern_result count = io_read(ends[0], buffer, CHUNK, 0, 0);

		CHECK(count > 0);
		left -= (uint32_t)count;
	}
	CHECK_EQ(io_read(ends[0], buffer, CHUNK, 0, IO_NONBLOCK), -EAGAIN);
	close_both(ends);
	server_stop(&server);
}

/* Pointers to nothing: an error, no signal, and no byte lost. */
void bad_windows_are_refused(void)
{
	struct server server;
	tern_handle ends[2];
	void *nothing = rt_map(RT_PAGE);

	rt_unmap(nothing, RT_PAGE);
	server_start(&server);
	get_pipe(&server, ends);
	CHECK_EQ(io_write(ends[1], nothing, 100, 0, 0), -EFAULT);
	CHECK_EQ(io_read(ends[0], buffer, 100, 0, IO_NONBLOCK), -EAGAIN);
	CHECK_EQ(io_write(ends[1], buffer, 100, 0, 0), 100);
	CHECK_EQ(io_read(ends[0], nothing, 100, 0, 0), -EFAULT);
	CHECK_EQ(io_read(ends[0], buffer, 100, 0, 0), 100);
	close_both(ends);
	server_stop(&server);
}

void absent_windows_are_touched(void)
{
	struct server server;
	tern_handle ends[2];
	size_t length = 10 * RT_PAGE;
	char *fresh = rt_map(length), *written = rt_map(length);

	server_start(&server);
	get_pipe(&server, ends);
	memset(written, 5, length);
	CHECK_EQ(io_write(ends[1], written, length, 0, 0), (int64_t)length);
	CHECK_EQ(io_read(ends[0], fresh, length, 0, 0), (int64_t)length);
	CHECK_EQ(memcmp(fresh, written, length), 0);
	rt_unmap(fresh, length);
	rt_unmap(written, length);
	close_both(ends);
	server_stop(&server);
}

void watch_notifies(void)
{
	struct test_port port = test_port(7, 0);
	struct tern_received message = { 0 };
	struct server server;
	tern_handle ends[2];
	tern_result watch;

	server_start(&server);
	get_pipe(&server, ends);
	watch = io_watch(ends[0], port.client, 2);
	CHECK(watch > 0);
	CHECK_EQ(io_poll(ends[0], IO_IN, (uint64_t)watch, 0), 0);
	CHECK_EQ(io_write(ends[1], "x", 1, 0, 0), 1);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_NOTIFY);
	CHECK_EQ(message.words[0], 2);
	CHECK_EQ(io_poll(ends[0], IO_IN, (uint64_t)watch, 0), IO_IN);
	CHECK_EQ(io_unwatch(ends[0], (uint64_t)watch), 0);
	CHECK_EQ(io_poll(ends[0], IO_PRIORITY, (uint64_t)watch, 0), -ENOENT);
	test_port_close(&port);
	close_both(ends);
	server_stop(&server);
}

static void copy_from_nowhere(uint64_t result)
{
	static char stack[PIPE_WORKER_STACK];
	char *memory = rt_map(2 * RT_PAGE);
	bool good;

	guarded_start(stack);
	memory[RT_PAGE - 1] = 7;
	rt_unmap(memory + RT_PAGE, RT_PAGE);
	/* Twice: the upcall must have ended well. */
	good = guarded_copy(buffer, memory + RT_PAGE - 1, 1) && buffer[0] == 7;
	good &= !guarded_copy(buffer, memory + RT_PAGE - 1, 2);
	good &= !guarded_copy(memory + RT_PAGE, buffer, 1);
	good &= guarded_copy(buffer, memory, 40) && guarded_copy(NULL, NULL, 0);
	rt_unmap(memory, RT_PAGE);
	*(volatile uint32_t *)result = good;
}

void guarded_copy_survives_a_missing_page(void)
{
	volatile uint32_t result = 2;
	struct rt_thread thread;

	rt_thread(&thread, copy_from_nowhere, (uint64_t)&result, CLIENT_PRIORITY);
	rt_join(&thread);
	CHECK_EQ(result, 1);
}

/* A child that pays for a pipe's ring with an account of its own. */
static void fill_a_pipe(uint64_t port)
{
	rt_exit(io_write((tern_handle)port, buffer, CHUNK, 0, 0) == CHUNK ? 0 : 1);
}

void destroyed_payer_harms_its_pipe_alone(void)
{
	tern_handle account = tern_account_create(0, 4 << 20), other[2], ends[2];
	struct rt_child child = { .process = rt_process(account) };
	struct server server;
	tern_result result;

	server_start(&server);
	get_pipe(&server, ends);
	get_pipe(&server, other);
	CHECK_EQ(io_write(other[1], "fine", 4, 0, 0), 4);
	child.thread = rt_run(child.process, fill_a_pipe, (uint64_t)rt_give(child.process, ends[1]),
			      CLIENT_PRIORITY);
	CHECK_EQ(rt_child_join(&child), 0);
	CHECK_EQ(tern_account_destroy(account), 0);
	/* The ring stays as long as the server has it mapped, or is gone: then both sides hear of it. */
	result = io_read(ends[0], buffer, 10, 0, 0);
	CHECK(result == 10 || result == -EIO);
	CHECK_EQ(io_write(ends[1], "x", 1, 0, 0), result == 10 ? 1 : -EIO);
	CHECK_EQ(io_read(other[0], buffer, 10, 0, 0), 4);
	CHECK_EQ(tern_process_status(server.child.process), TERN_PROCESS_RUNNING);
	tern_handle_close(account);
	close_both(other);
	close_both(ends);
	server_stop(&server);
}
