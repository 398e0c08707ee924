/* Benchmarks of making and ending threads and processes, and of switching between them. */
#include "bench.h"

#define YIELD_BATCH 100
#define OWN_PRIORITY 32 /* what the first process starts with */

/* The yield lets the new thread, of the same priority, come and go. */
static void thread_rounds(uint64_t rounds)
{
	for (; rounds; rounds--) {
		tern_handle thread = tern_thread_create(TERN_SELF_PROCESS, (uint64_t)thread_ends,
							TERN_USER_TOP, 0, 0, OWN_PRIORITY);

		rt_require(thread > 0 && tern_thread_yield() == 0 && tern_handle_close(thread) == 0,
			   "thread_create_exit");
	}
}

static uint64_t threads_alive(void)
{
	return (uint64_t)tern_system_info(TERN_INFO_OBJECTS_OF_TYPE + TERN_TYPE_THREAD);
}

static void bench_threads(void)
{
	uint64_t before, after, alive = threads_alive();

	thread_rounds(WARM_UP);
	before = rt_instructions();
	thread_rounds(ROUNDS);
	after = rt_instructions();
	wait_until_all_block();
	/* A few may wait for their grace period, but they must have ended. */
	rt_require(threads_alive() < alive + WARM_UP, "thread_create_exit: they do not end");
	report("thread_create_exit", (after - before) / ROUNDS);
}

/* A process with one page of code and a thread that ends at once; until its death is notified. */
static void process_rounds(const struct pair *pair, tern_handle code, uint64_t rounds)
{
	struct tern_received message = { 0 };

	for (; rounds; rounds--) {
		tern_handle process = process_with_thread(code, thread_ends, pair->port);

		rt_require(process > 0 &&
				   tern_wait(pair->listener, &message) == TERN_EVENT_NOTIFY &&
				   tern_process_status(process) == 0 &&
				   tern_handle_close(process) == 0,
			   "process_create_exit");
	}
}

static void bench_processes(void)
{
	struct pair pair = pair_create();
	tern_handle code = code_create();
	uint64_t before;

	process_rounds(&pair, code, WARM_UP);
	before = rt_instructions();
	process_rounds(&pair, code, ROUNDS);
	report("process_create_exit", (rt_instructions() - before) / ROUNDS);
	tern_handle_close(code);
	pair_close(&pair);
}

/* Its figure: rounds that it has had, which proves that the other's yields switched to it. */
static void yield_other(uint64_t argument)
{
	struct part *part = (struct part *)argument;

	while (loop_yield(YIELD_BATCH) == 0)
		part->figure += YIELD_BATCH;
}

static uint64_t yield_rounds(const struct part *part, uint64_t rounds)
{
	(void)part;
	return loop_yield(rounds);
}

static void yield_measured(uint64_t argument)
{
	measure_loop((struct part *)argument, yield_rounds);
	rt_exit(0);
}

/* Each round is two switches between processes. */
static void bench_yield(void)
{
	static const tern_handle none[3];
	struct party other = party_start(yield_other, PRIORITY, none, 0);
	struct party measured = party_start(yield_measured, PRIORITY, none, 0);
	uint64_t figure = party_end(&measured, "yield_switch");

	rt_require(other.part->figure >= ROUNDS, "yield_switch: no switches");
	report("yield_switch", figure / 2);
	party_kill(&other);
}

void bench_objects(void)
{
	bench_threads();
	bench_processes();
	bench_yield();
}
