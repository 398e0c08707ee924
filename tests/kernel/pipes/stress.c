/* Many at once, random messages, and the server's death. */
#include "pipes.h"

#define PAIRS 4
#define STRESS_BYTES (512u << 10)
#define FUZZ_CALLS 6000
#define KILLS 200 /* on one hart; emulating several takes longer */
#define KILLS_SEVERAL 40

struct job {
	tern_handle port;
	uint64_t seed;
	uint64_t bytes; /* how many, 0: until an error */
	volatile tern_result result;
	volatile uint64_t done;
};

/* Byte number `at` of a stream. */
static unsigned char pattern(uint64_t seed, uint64_t at)
{
	return (unsigned char)(seed + at * 7 + (at >> 8));
}

static void produce(uint64_t argument)
{
	struct job *job = (struct job *)argument;
	unsigned char *bytes = rt_map(20000);
	uint64_t random = job->seed;
	tern_result result = 0;

	while (job->done < job->bytes || !job->bytes) {
		uint64_t length = test_random(&random) % 4 ? test_random(&random) % 64 + 1
							   : test_random(&random) % 20000 + 1;

		if (job->bytes && length > job->bytes - job->done)
			length = job->bytes - job->done;
		for (uint64_t i = 0; i < length; i++)
			bytes[i] = pattern(job->seed, job->done + i);
		result = io_write(job->port, bytes, length, 0, 0);
		if (result <= 0)
			break;
		job->done += (uint64_t)result;
	}
	job->result = result;
	rt_unmap(bytes, 20000);
}

static void consume(uint64_t argument)
{
	struct job *job = (struct job *)argument;
	unsigned char *bytes = rt_map(20000);
	uint64_t random = job->seed + 1;
	tern_result result;

	for (;;) {
		uint64_t length = test_random(&random) % 4 ? test_random(&random) % 64 + 1
							   : test_random(&random) % 20000 + 1;

		result = io_read(job->port, bytes, length, 0, 0);
		if (result <= 0)
			break;
		for (tern_result i = 0; i < result; i++)
			if (bytes[i] != pattern(job->seed, job->done + (uint64_t)i))
				test_fail(__FILE__, __LINE__, "a byte", bytes[i],
					  pattern(job->seed, job->done + (uint64_t)i));
		job->done += (uint64_t)result;
	}
	job->result = result;
	rt_unmap(bytes, 20000);
}

void many_pipes_keep_their_bytes(void)
{
	struct job writers[PAIRS], readers[PAIRS];
	struct rt_thread threads[2 * PAIRS];
	struct server server;

	server_start(&server);
	for (int i = 0; i < PAIRS; i++) {
		tern_handle ends[2];

		get_pipe(&server, ends);
		readers[i] = (struct job){ .port = ends[0], .seed = (uint64_t)i + 5 };
		writers[i] = (struct job){ ends[1], (uint64_t)i + 5, STRESS_BYTES, 0, 0 };
		rt_thread(&threads[i], consume, (uint64_t)&readers[i], CLIENT_PRIORITY);
		rt_thread(&threads[PAIRS + i], produce, (uint64_t)&writers[i], CLIENT_PRIORITY);
	}
	for (int i = 0; i < PAIRS; i++) {
		rt_join(&threads[PAIRS + i]);
		tern_handle_close(writers[i].port);
		rt_join(&threads[i]);
		tern_handle_close(readers[i].port);
		CHECK_EQ(readers[i].done, STRESS_BYTES);
		CHECK_EQ(readers[i].result, 0);
	}
	server_stop(&server);
}

/* A random value with a preference for what means something. */
static uint64_t odd_value(uint64_t *random)
{
	static const uint64_t values[] = { 0,          1,         2,           40,
					   41,         4096,      65536,       1ul << 20,
					   UINT64_MAX, INT64_MAX, IO_NONBLOCK, 1ul << 52 };
	uint64_t choice = test_random(random);

	return choice % 3 ? values[choice / 3 % RT_COUNT(values)] : test_random(random);
}

/* One call of nonsense that never waits. Handles that come back are closed. */
static void call_nonsense(tern_handle port, tern_handle own, uint64_t *random)
{
	static char window[RT_PAGE];
	struct tern_received message = { .words = { test_random(random) % 56 | IO_NONBLOCK } };
	struct tern_extended extended = { .accept_count = test_random(random) % 5 };
	tern_result result;

	for (int i = 1; i < TERN_MESSAGE_WORDS; i++)
		message.words[i] = odd_value(random);
	if (test_random(random) % 2) {
		extended.in_address = (uint64_t)window;
		extended.in_length = test_random(random) % sizeof(window);
	}
	if (test_random(random) % 2) {
		extended.out_address = test_random(random) % 8 ? (uint64_t)window : 4096 * 77;
		extended.out_length = test_random(random) % sizeof(window);
	}
	extended.handle_count = test_random(random) % 4 ? 0 : test_random(random) % 5;
	for (uint32_t i = 0; i < extended.handle_count; i++) {
		extended.handles[i].handle = own;
		extended.handles[i].rights = (uint32_t)test_random(random) & TERN_RIGHTS_ALL;
	}
	/* The two that wait whatever the flag says. */
	if ((message.words[0] & IO_OP_MASK) == PIPE_OP_await_peer)
		message.words[0] = IO_OP_poll;
	result = tern_call_ext(port, &message, &extended);
	if (result >= 0)
		for (uint64_t i = 0; i < message.handle_count; i++)
			tern_handle_close(message.handles[i]);
}

void random_messages_do_no_harm(void)
{
	struct test_port own = test_port(1, 0);
	uint64_t random = 4711;
	struct server server;
	tern_handle ends[2], ports[5];
	struct tern_received message = { .words = { PIPE_OP_pair, PIPE_STREAM } };
	char byte = 0;

	server_start(&server);
	get_pipe(&server, &ports[0]);
	CHECK_EQ(pipe_call_for_handles(server.service, &message, &ports[2], 2), 0);
	ports[4] = server.service;
	for (int i = 0; i < FUZZ_CALLS; i++)
		call_nonsense(ports[test_random(&random) % RT_COUNT(ports)], own.client, &random);
	get_pipe(&server, ends);
	CHECK_EQ(io_write(ends[1], "x", 1, 0, 0), 1);
	CHECK_EQ(io_read(ends[0], &byte, 1, 0, 0), 1);
	CHECK_EQ(byte, 'x');
	CHECK_EQ(tern_process_status(server.child.process), TERN_PROCESS_RUNNING);
	close_both(ends);
	for (int i = 0; i < 4; i++)
		tern_handle_close(ports[i]);
	server_stop(&server);
	test_port_close(&own);
}

/* Both sides of a pipe are busy when the server is killed: both get an error, and the next server
 * makes pipes through the same service port. */
void killed_server_leaves_nobody_waiting(void)
{
	int kills = tern_system_info(TERN_INFO_HARTS) == 1 ? KILLS : KILLS_SEVERAL;
	uint64_t random = 815;
	struct server server;

	server_start(&server);
	for (int i = 0; i < kills; i++) {
		struct rt_thread threads[3];
		struct job jobs[3] = { { .seed = 1 }, { .seed = 1 }, { .seed = 2 } };
		tern_handle ends[2], idle[2];

		get_pipe(&server, ends);
		get_pipe(&server, idle);
		jobs[0].port = ends[0];
		jobs[1].port = ends[1];
		jobs[2].port = idle[0];
		rt_thread(&threads[0], consume, (uint64_t)&jobs[0], CLIENT_PRIORITY);
		rt_thread(&threads[1], produce, (uint64_t)&jobs[1], CLIENT_PRIORITY);
		rt_thread(&threads[2], consume, (uint64_t)&jobs[2], CLIENT_PRIORITY);
		test_sleep(test_random(&random) % 3000000);
		server_kill(&server);
		server_restart(&server);
		for (int t = 0; t < 3; t++) {
			rt_join(&threads[t]);
			CHECK_EQ(jobs[t].result, -EPIPE);
		}
		close_both(ends);
		close_both(idle);
	}
	server_stop(&server);
}
