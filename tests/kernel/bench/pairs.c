/* Throughput of independent pairs, for plain emulation on several harts. */
#include "bench.h"

#define PAIRS_MAX 8
#define PAIR_ROUNDS 200000

static void pair_server(uint64_t listener)
{
	loop_serve((tern_handle)listener);
}

static void pair_client(uint64_t port)
{
	loop_call((tern_handle)port, PAIR_ROUNDS);
	rt_exit(0);
}

void bench_pairs(uint64_t pairs)
{
	static tern_handle servers[PAIRS_MAX], clients[PAIRS_MAX];
	uint64_t before, elapsed;

	rt_require(pairs <= PAIRS_MAX, "pairs=1..8");
	for (uint64_t i = 0; i < pairs; i++) {
		struct pair pair = pair_create();

		servers[i] = rt_process(0);
		clients[i] = rt_process(0);
		rt_run(servers[i], pair_server, (uint64_t)rt_give(servers[i], pair.listener),
		       PRIORITY);
		rt_run(clients[i], pair_client, (uint64_t)rt_give(clients[i], pair.port), PRIORITY);
	}
	before = tern_time();
	for (uint64_t i = 0; i < pairs; i++)
		rt_wait_process(clients[i]);
	elapsed = tern_time() - before;
	rt_printf("BENCH pairs_%lu %lu\n", pairs, pairs * PAIR_ROUNDS * 1000000 / (elapsed / 1000));
}
