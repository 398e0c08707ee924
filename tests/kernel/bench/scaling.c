/* Does a round trip cost the same with 1, 100 and 10,000 others of a kind in existence? */
#include "bench.h"

#define MOST 10000

static tern_handle others[MOST];
static struct pair crowd;
static tern_handle code;

struct kind {
	const char *names[3];
	tern_handle (*make)(void);
	tern_result (*end)(tern_handle handle);
};

static tern_handle make_port(void)
{
	return tern_port_create(0, crowd.listener, 7, 0);
}

/* All of them wait at one listener. */
static tern_handle make_thread(void)
{
	return tern_thread_create(TERN_SELF_PROCESS, (uint64_t)thread_waits, TERN_USER_TOP,
				  (uint64_t)crowd.listener, 0, PRIORITY);
}

/* Each with a thread that sleeps. */
static tern_handle make_process(void)
{
	return process_with_thread(code, thread_sleeps, 0);
}

static tern_result end_process(tern_handle process)
{
	return tern_process_kill(process, 0);
}

static const struct kind kinds[] = {
	{ { "roundtrip_ports_1", "roundtrip_ports_100", "roundtrip_ports_10000" },
	  make_port,
	  tern_port_revoke },
	{ { "roundtrip_threads_1", "roundtrip_threads_100", "roundtrip_threads_10000" },
	  make_thread,
	  tern_thread_kill },
	{ { "roundtrip_processes_1", "roundtrip_processes_100", "roundtrip_processes_10000" },
	  make_process,
	  end_process },
};

/* A sleeper that had failed to sleep would be gone. */
static void require_alive(const struct kind *kind, unsigned int count, const char *name)
{
	if (kind->make != make_process)
		return;
	for (unsigned int i = 0; i < count; i++)
		rt_require(tern_process_status(others[i]) == TERN_PROCESS_RUNNING, name);
}

static void bench_kind(const struct kind *kind)
{
	static const unsigned int amounts[] = { 1, 100, MOST };
	unsigned int made = 0;

	for (unsigned int i = 0; i < RT_COUNT(amounts); i++) {
		for (; made < amounts[i]; made++) {
			others[made] = kind->make();
			rt_require(others[made] > 0, kind->names[i]);
		}
		wait_until_all_block();
		report(kind->names[i], measure_roundtrip(kind->names[i]));
		require_alive(kind, made, kind->names[i]);
	}
	while (made) {
		rt_require(kind->end(others[--made]) == 0, "ending it");
		tern_handle_close(others[made]);
	}
}

void bench_scaling(void)
{
	crowd = pair_create();
	code = code_create();
	for (unsigned int i = 0; i < RT_COUNT(kinds); i++)
		bench_kind(&kinds[i]);
	tern_handle_close(code);
	pair_close(&crowd);
}
