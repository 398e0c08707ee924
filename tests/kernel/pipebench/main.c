/*
 * Benchmarks of the pipe server, in instructions. The server is one process, the two sides of a pipe
 * are two others. Run with -icount shift=0, one hart. Prints lines "BENCH name figure". study=1 on
 * the command line: the round trip alone, for a tracer that stops at its label.
 */
#include "lib/pipe/server.h"
#include "proto/pipe.h"
#include "rt.h"

#define WORKERS 4
#define TRUSTED_SERVICE 1
#define ROUNDS 2000
#define TOTAL (8ul << 20) /* bytes through a pipe, for the figures of throughput */
#define CHUNK_MAX 65536
#define SETTLE 1000000 /* nanoseconds */

static struct rt_shared shared;

/* What the processes find in the shared memory. */
struct meeting {
	volatile uint64_t handles[4];
	volatile uint64_t chunk;
	volatile uint64_t figure;
};

static struct meeting *meeting(void)
{
	return (struct meeting *)0x4000000000ul;
}

static char fault_stacks[WORKERS][PIPE_WORKER_STACK];

static tern_handle served;

static void work(uint64_t argument)
{
	pipe_server_work(served, fault_stacks[argument]);
}

static void serve(uint64_t listener)
{
	static struct rt_thread threads[WORKERS];
	unsigned char seed[32] = { 1 };

	served = (tern_handle)listener;
	pipe_server_start((tern_handle)listener, seed);
	for (uint64_t i = 1; i < WORKERS; i++)
		rt_thread(&threads[i], work, i, TERN_PRIORITY_DEFAULT);
	work(0);
	rt_exit(0);
}

static void report(const char *name, uint64_t figure)
{
	rt_printf("BENCH %s %lu\n", name, figure);
}

/* Sends each byte back. */
static void echo(uint64_t unused)
{
	tern_handle from = (tern_handle)meeting()->handles[0];
	tern_handle to = (tern_handle)meeting()->handles[1];
	char byte;

	(void)unused;
	while (io_read(from, &byte, 1, 0, 0) == 1)
		if (io_write(to, &byte, 1, 0, 0) != 1)
			rt_exit(1);
	rt_exit(0);
}

/* Sleeps, so that the other side waits for sure: a write that finds it reading costs less than one
   that does not, and which of them a turn is stays so for long. Returns the time. */
static uint64_t settle(void)
{
	static uint32_t word;

	tern_futex_wait(&word, 0, tern_time() + SETTLE);
	return rt_instructions();
}

static void ping(uint64_t unused)
{
	tern_handle to = (tern_handle)meeting()->handles[2];
	tern_handle from = (tern_handle)meeting()->handles[3];
	uint64_t before = 0;
	char byte = 'x';

	(void)unused;
	for (int i = -100; i < ROUNDS; i++) {
		if (i == 0)
			before = settle();
		STUDY_LABEL(study_pipe);
		if (io_write(to, &byte, 1, 0, 0) != 1 || io_read(from, &byte, 1, 0, 0) != 1)
			rt_exit(1);
	}
	meeting()->figure = (rt_instructions() - before) / ROUNDS;
	rt_exit(0);
}

static char buffer[CHUNK_MAX];

static void produce(uint64_t unused)
{
	uint64_t chunk = meeting()->chunk;

	(void)unused;
	for (uint64_t done = 0; done < 2 * TOTAL; done += chunk)
		if (io_write((tern_handle)meeting()->handles[0], buffer, chunk, 0, 0) !=
		    (tern_result)chunk)
			rt_exit(1);
	rt_exit(0);
}

static void consume(uint64_t unused)
{
	uint64_t chunk = meeting()->chunk, before = 0, done = 0;

	(void)unused;
	while (done < TOTAL * 2) {
		tern_result count = io_read((tern_handle)meeting()->handles[2], buffer, chunk, 0,
					    0);

		if (count <= 0)
			rt_exit(1);
		if (done < TOTAL && done + (uint64_t)count >= TOTAL)
			before = rt_instructions();
		done += (uint64_t)count;
	}
	meeting()->figure = (rt_instructions() - before) / (TOTAL / 1024);
	rt_exit(0);
}

static tern_handle service;

static void get_pipe(tern_handle ends[2])
{
	tern_result result = pipe_create(service, ends, 0);

	if (result < 0)
		rt_printf("pipe: %ld\n", result);
	rt_require(result == 0, "a pipe");
}

/* Two processes with two handles each; when both have ended, their figure. */
static uint64_t run_both(rt_function *first, const tern_handle *firsts, rt_function *second,
			 const tern_handle *seconds)
{
	tern_handle processes[2] = { rt_process(0), rt_process(0) };

	for (int i = 0; i < 2; i++) {
		rt_share_with(&shared, processes[i]);
		meeting()->handles[i] = (uint64_t)rt_give(processes[0], firsts[i]);
		meeting()->handles[2 + i] = (uint64_t)rt_give(processes[1], seconds[i]);
		tern_handle_close(firsts[i]);
		tern_handle_close(seconds[i]);
	}
	rt_run(processes[0], first, 0, TERN_PRIORITY_DEFAULT);
	rt_run(processes[1], second, 0, TERN_PRIORITY_DEFAULT);
	rt_require(rt_wait_process(processes[1]) == 0 && rt_wait_process(processes[0]) == 0,
		   "both sides of a pipe");
	return meeting()->figure;
}

static void bench_round_trip(void)
{
	tern_handle there[2], back[2];

	get_pipe(there);
	get_pipe(back);
	report("pipe_rt", run_both(echo, (tern_handle[]){ there[0], back[1] }, ping,
				   (tern_handle[]){ there[1], back[0] }));
}

static void bench_throughput(const char *name, uint64_t chunk)
{
	tern_handle ends[2], unused[2];

	get_pipe(ends);
	get_pipe(unused);
	meeting()->chunk = chunk;
	report(name, run_both(produce, (tern_handle[]){ ends[1], unused[1] }, consume,
			      (tern_handle[]){ ends[0], unused[0] }));
}

int main(void)
{
	tern_handle listener = tern_listener_create(0, 1024);
	tern_handle owner = tern_port_create(0, listener, TRUSTED_SERVICE, TERN_PORT_PERSISTENT);
	struct rt_child server;

	shared = rt_share(RT_PAGE);
	service = tern_port_mint(owner, TERN_RIGHTS_ALL);
	rt_require(service > 0, "a service port");
	server.process = rt_process(0);
	rt_share_with(&shared, server.process);
	meeting()->handles[0] = (uint64_t)rt_give(server.process, listener);
	rt_run(server.process, serve, meeting()->handles[0], TERN_PRIORITY_DEFAULT);
	bench_round_trip();
	if (rt_option("study", 0))
		return 0;
	bench_throughput("pipe_4k", 4096);
	bench_throughput("pipe_64k", 65536);
	return 0;
}
