/* Does a round trip cost the same with 1, 100 and 10,000 others of a kind in existence? */
#include "bench.h"

#define MOST 10000

static tern_handle others[MOST];

struct kind {
	const char *names[3];
	tern_handle (*make)(void);
	void (*unmake)(tern_handle handle);
};

static struct pair crowd;

static tern_handle make_port(void)
{
	return tern_port_create(0, crowd.listener, 7, 0);
}

static tern_handle make_thread(void)
{
	return tern_thread_create(TERN_SELF_PROCESS, (uint64_t)thread_waits, TERN_USER_TOP,
				  (uint64_t)crowd.listener, 0, 24);
}

static tern_handle make_process(void)
{
	return tern_process_create(0);
}

static void unmake_port(tern_handle handle)
{
	tern_handle_close(handle);
}

static void unmake_thread(tern_handle handle)
{
	tern_thread_kill(handle);
	tern_handle_close(handle);
}

static void unmake_process(tern_handle handle)
{
	tern_process_kill(handle, 0);
	tern_handle_close(handle);
}

static const struct kind kinds[] = {
	{ { "roundtrip_ports_1", "roundtrip_ports_100", "roundtrip_ports_10000" },
	  make_port,
	  unmake_port },
	{ { "roundtrip_threads_1", "roundtrip_threads_100", "roundtrip_threads_10000" },
	  make_thread,
	  unmake_thread },
	{ { "roundtrip_processes_1", "roundtrip_processes_100", "roundtrip_processes_10000" },
	  make_process,
	  unmake_process },
};

static void bench_kind(const struct kind *kind)
{
	static const unsigned int amounts[] = { 1, 100, MOST };
	unsigned int made = 0;

	crowd = pair_create();
	for (unsigned int i = 0; i < RT_COUNT(amounts); i++) {
		for (; made < amounts[i]; made++) {
			others[made] = kind->make();
			rt_require(others[made] > 0, kind->names[i]);
		}
		report(kind->names[i], measure_roundtrip());
	}
	while (made)
		kind->unmake(others[--made]);
	pair_close(&crowd);
}

void bench_scaling(void)
{
	for (unsigned int i = 0; i < RT_COUNT(kinds); i++)
		bench_kind(&kinds[i]);
}
