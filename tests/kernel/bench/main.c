/*
 * The benchmark: prints "BENCH name figure" lines. The boot command line chooses: nothing = all,
 * study=1 = round trips only (for the tracer), pairs=N = throughput of N pairs.
 */
#include "bench.h"

void report(const char *name, uint64_t figure)
{
	rt_printf("BENCH %s %lu\n", name, figure);
}

struct pair pair_create(void)
{
	struct pair pair;

	pair.listener = tern_listener_create(0, 64);
	pair.port = tern_port_create(0, pair.listener, 1, 0);
	rt_require(pair.port > 0, "a port");
	return pair;
}

void pair_close(struct pair *pair)
{
	tern_handle_close(pair->port);
	tern_handle_close(pair->listener);
}

uint64_t measure(rt_function *server, rt_function *client)
{
	struct pair pair = pair_create();
	tern_handle server_process = rt_process(0), client_process = rt_process(0);
	tern_handle server_thread, client_thread;
	uint64_t figure;

	rt_require(server_process > 0 && client_process > 0, "processes");
	server_thread = rt_run(server_process, server,
			       (uint64_t)rt_give(server_process, pair.listener), PRIORITY);
	client_thread = rt_run(client_process, client, (uint64_t)rt_give(client_process, pair.port),
			       PRIORITY);
	figure = rt_wait_process(client_process);
	tern_process_kill(server_process, 0);
	rt_wait_process(server_process);
	tern_handle_close(server_thread);
	tern_handle_close(client_thread);
	tern_handle_close(server_process);
	tern_handle_close(client_process);
	pair_close(&pair);
	return figure;
}

static void roundtrip_server(uint64_t listener)
{
	loop_serve((tern_handle)listener);
}

static void roundtrip_client(uint64_t port)
{
	uint64_t before;

	loop_call((tern_handle)port, WARM_UP);
	before = rt_instructions();
	loop_call((tern_handle)port, ROUNDS);
	rt_exit((uint32_t)((rt_instructions() - before) / ROUNDS));
}

uint64_t measure_roundtrip(void)
{
	return measure(roundtrip_server, roundtrip_client);
}

static void bench_null(void)
{
	uint64_t before;

	loop_null(WARM_UP);
	before = rt_instructions();
	loop_null(ROUNDS);
	/* Two instructions of the loop itself are not the call's. */
	report("null_syscall", (rt_instructions() - before) / ROUNDS - 2);
}

static void bench_roundtrips(void)
{
	report("roundtrip", measure_roundtrip());
	tern_system_control(rt_boot->resource, TERN_CONTROL_FORCE_SLOW, 1);
	report("roundtrip_slow", measure_roundtrip());
	tern_system_control(rt_boot->resource, TERN_CONTROL_FORCE_SLOW, 0);
}

int main(void)
{
	uint64_t pairs = rt_option("pairs", 0);

	if (pairs) {
		bench_pairs(pairs);
	} else if (rt_option("study", 0)) {
		measure_roundtrip();
	} else {
		report("boot_instructions",
		       (uint64_t)tern_system_info(TERN_INFO_BOOT_INSTRUCTIONS));
		bench_null();
		bench_roundtrips();
		bench_messages();
		bench_objects();
		bench_scaling();
	}
	rt_printf("PASS benchmark_ends\n");
	return 0;
}
