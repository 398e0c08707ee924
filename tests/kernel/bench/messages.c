/* Benchmarks of calls: plain, forced onto the slow path, with a handle, with windows. */
#include "bench.h"

#define WINDOW_MAX 65536

_Static_assert(offsetof(struct tern_extended, handles[0].handle) == 8, "EXTENDED_HANDLE");

static char window[WINDOW_MAX];

/* Handles to be given away: fewer with each measurement. */
#define POOL (WARM_UP + ROUNDS)
static tern_handle pool[POOL];
static uint64_t pool_next;

/* ----------------------------------------------------------------------------------- plain */

static uint64_t call_rounds(const struct part *part, uint64_t rounds)
{
	return loop_call(part->handles[0], rounds);
}

/* The loops do not look at words: once before, all eight must come back. */
static bool is_echoed(tern_handle port)
{
	struct tern_received message = { .words = { 11, 12, 13, 14, 15, 16, 17, 18 } };

	if (tern_call(port, &message) != 0)
		return false;
	for (uint64_t i = 0; i < TERN_MESSAGE_WORDS; i++)
		if (message.words[i] != 11 + i)
			return false;
	return true;
}

static void roundtrip_server(uint64_t argument)
{
	loop_serve(((const struct part *)argument)->handles[0]);
}

static void roundtrip_client(uint64_t argument)
{
	struct part *part = (struct part *)argument;

	if (is_echoed(part->handles[0]))
		measure_loop(part, call_rounds);
	rt_exit(0);
}

uint64_t measure_roundtrip(const char *name)
{
	return measure(name, roundtrip_server, roundtrip_client, 0);
}

static void same_space_client(uint64_t argument)
{
	measure_loop((struct part *)argument, call_rounds);
}

void bench_plain(void)
{
	report("roundtrip", measure_roundtrip("roundtrip"));
}

/* Two threads of one process, this one. */
void bench_same_space(void)
{
	struct pair pair = pair_create();
	struct part ends[2] = { { .handles = { pair.listener } }, { .handles = { pair.port } } };
	struct rt_thread server, client;

	rt_thread(&server, roundtrip_server, (uint64_t)&ends[0], PRIORITY);
	rt_thread(&client, same_space_client, (uint64_t)&ends[1], PRIORITY);
	rt_join(&client);
	tern_listener_destroy(pair.listener);
	rt_join(&server);
	pair_close(&pair);
	rt_require(ends[1].is_good, "roundtrip_same_space");
	report("roundtrip_same_space", ends[1].figure);
}

static void force_slow(uint64_t value)
{
	rt_require(tern_system_control(rt_boot->resource, TERN_CONTROL_FORCE_SLOW, value) == 0,
		   "forcing the slow path");
}

void bench_slow(void)
{
	force_slow(1);
	report("roundtrip_slow", measure_roundtrip("roundtrip_slow"));
	force_slow(0);
}

/* --------------------------------------------------------------------------------- handles */

static struct tern_extended move_one(tern_handle handle)
{
	struct tern_extended extended = { .handle_count = 1 };

	extended.handles[0].handle = handle;
	extended.handles[0].rights = TERN_RIGHTS_ALL;
	extended.handles[0].mode = TERN_SEND_MOVE;
	return extended;
}

/* Room for all that will come, so that growing the table is not measured. */
static void take_server(uint64_t argument)
{
	const struct part *part = (const struct part *)argument;

	for (uint64_t i = 0; i < POOL; i++)
		pool[i] = tern_handle_duplicate(part->handles[0], TERN_RIGHTS_ALL);
	for (uint64_t i = 0; i < POOL; i++)
		tern_handle_close(pool[i]);
	tern_thread_accept_handles(1);
	serve_take(part->handles[0]);
}

static uint64_t give_rounds(const struct part *part, uint64_t rounds)
{
	struct tern_extended gives = move_one(0);

	pool_next -= rounds;
	return loop_give(part->handles[0], rounds, &gives, &pool[pool_next]);
}

static void give_client(uint64_t argument)
{
	tern_handle memobj = tern_memobj_create(0, RT_PAGE);

	for (uint64_t i = 0; i < POOL; i++)
		pool[i] = tern_handle_duplicate(memobj, TERN_RIGHTS_ALL);
	pool_next = POOL;
	measure_loop((struct part *)argument, give_rounds);
	rt_exit(0);
}

static void move_server(uint64_t argument)
{
	struct tern_extended gives = move_one(0);

	tern_thread_accept_handles(1);
	serve_move(((const struct part *)argument)->handles[0], &gives);
}

static uint64_t move_rounds(const struct part *part, uint64_t rounds)
{
	static const struct tern_extended takes = { .accept_count = 1 };
	struct tern_extended gives = move_one(tern_memobj_create(0, RT_PAGE));
	uint64_t left = loop_move(part->handles[0], rounds, &gives, &takes);

	tern_handle_close(gives.handles[0].handle);
	return left;
}

static void move_client(uint64_t argument)
{
	measure_loop((struct part *)argument, move_rounds);
	rt_exit(0);
}

void bench_handle(void)
{
	uint64_t given = measure("roundtrip_handle", take_server, give_client, 0);

	report("roundtrip_handle", given);
	/* There with one call, back with the answer to the next: twice the mean, less the former. */
	report("roundtrip_handle_answer",
	       2 * measure("roundtrip_handle_answer", move_server, move_client, 0) - given);
}

/* --------------------------------------------------------------------------------- windows */

/* Reads the whole in window of each call into its own memory; stubs in C on both sides. */
static void window_server(uint64_t argument)
{
	const struct part *part = (const struct part *)argument;
	struct tern_received message = { 0 };
	tern_result event;

	for (event = tern_wait(part->handles[0], &message);
	     event == (TERN_EVENT_CALL | TERN_EVENT_WINDOWS);
	     event = tern_reply_wait(part->handles[0], &message)) {
		message.words[0] = (uint64_t)tern_reply_read(TERN_REPLY, 0, window, part->argument);
		message.words[1] = (uint8_t)window[part->argument - 1];
	}
}

/* The answer says how many bytes were read, and which was the last: another in each round. */
static uint64_t window_rounds(const struct part *part, uint64_t rounds)
{
	struct tern_extended extended = { .in_address = (uint64_t)window,
					  .in_length = part->argument };
	struct tern_received message = { 0 };

	for (; rounds; rounds--) {
		STUDY_LABEL(study_window);
		window[part->argument - 1] = (char)rounds;
		if (tern_call_ext(part->handles[0], &message, &extended) != 0 ||
		    message.words[0] != part->argument || message.words[1] != (uint8_t)rounds)
			break;
	}
	return rounds;
}

static void window_client(uint64_t argument)
{
	struct part *part = (struct part *)argument;

	if (tern_touch(window, part->argument, 1) == 0)
		measure_loop(part, window_rounds);
	rt_exit(0);
}

static void bench_window(const char *name, uint64_t length)
{
	report(name, measure(name, window_server, window_client, length));
}

void bench_window_small(void)
{
	bench_window("roundtrip_window_64", 64);
}

void bench_messages(void)
{
	bench_plain();
	bench_same_space();
	bench_slow();
	bench_handle();
	bench_window_small();
	bench_window("roundtrip_window_4096", 4096);
	bench_window("roundtrip_window_65536", 65536);
}
