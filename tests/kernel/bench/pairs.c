/*
 * Throughput of independent pairs, each of a server and a client in processes of their own: how
 * many round trips per second all of them make together. For plain emulation, without icount; the
 * time is the machine's, so the figure varies with the host.
 */
#include "bench.h"

#define PAIRS_MAX 8
#define BATCH 1000
#define SECOND 1000000000ul
#define SETTLE (SECOND / 5)
#define SPAN (2 * SECOND)

static void pair_server(uint64_t argument)
{
	loop_serve(((const struct part *)argument)->handles[0]);
}

/* Until it is killed. The figure is its own cache line's: pairs share nothing. */
static void pair_client(uint64_t argument)
{
	struct part *part = (struct part *)argument;

	while (loop_call(part->handles[0], BATCH) == 0)
		part->figure += BATCH;
}

static void sleep_for(uint64_t nanoseconds)
{
	uint32_t word = 0;

	rt_require(tern_futex_wait(&word, 0, tern_time() + nanoseconds) == -ETIMEDOUT, "sleeping");
}

static uint64_t rounds_of(const struct party *clients, uint64_t pairs)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < pairs; i++) {
		rt_require(tern_process_status(clients[i].process) == TERN_PROCESS_RUNNING,
			   "a client goes on");
		sum += clients[i].part->figure;
	}
	return sum;
}

static uint64_t rounds_per_second(const struct party *clients, uint64_t pairs)
{
	uint64_t rounds, begin;

	sleep_for(SETTLE);
	rounds = rounds_of(clients, pairs);
	begin = tern_time();
	sleep_for(SPAN);
	rounds = rounds_of(clients, pairs) - rounds;
	rt_require(rounds > 0, "pairs: round trips");
	return rounds * 1000000 / ((tern_time() - begin) / 1000);
}

void bench_pairs(uint64_t pairs, const char *prefix)
{
	static struct party clients[PAIRS_MAX];
	uint64_t harts = (uint64_t)tern_system_info(TERN_INFO_HARTS), figure;

	rt_require(pairs <= PAIRS_MAX, "pairs=1..8");
	for (uint64_t i = 0; i < pairs; i++) {
		struct pair pair = pair_create();
		const tern_handle listener[3] = { pair.listener }, port[3] = { pair.port };

		party_start(pair_server, PRIORITY, listener, 0);
		clients[i] = party_start(pair_client, PRIORITY, port, 0);
	}
	figure = rounds_per_second(clients, pairs);
	if (*prefix)
		rt_printf("BENCH %spairs_%lu %lu\n", prefix, harts, figure);
	else
		rt_printf("BENCH pairs_%lu_hart%s %lu\n", harts, harts == 1 ? "" : "s", figure);
}
