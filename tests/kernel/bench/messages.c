/* Benchmarks of messages that are more than eight words to another space. */
#include "bench.h"

#define WINDOW_MAX 65536
#define WINDOW_ROUNDS 200

static char window[WINDOW_MAX], target[WINDOW_MAX];

/* -------------------------------------------------------------------------- same space */

static uint64_t same_space_figure;

static void same_space_server(uint64_t listener)
{
	loop_serve((tern_handle)listener);
}

static void same_space_client(uint64_t port)
{
	uint64_t before;

	loop_call((tern_handle)port, WARM_UP);
	before = rt_instructions();
	loop_call((tern_handle)port, ROUNDS);
	same_space_figure = (rt_instructions() - before) / ROUNDS;
}

static void bench_same_space(void)
{
	struct pair pair = pair_create();
	struct rt_thread server, client;

	rt_thread(&server, same_space_server, (uint64_t)pair.listener, PRIORITY);
	rt_thread(&client, same_space_client, (uint64_t)pair.port, PRIORITY);
	rt_join(&client);
	tern_listener_destroy(pair.listener);
	rt_join(&server);
	pair_close(&pair);
	report("roundtrip_same_space", same_space_figure);
}

/* ------------------------------------------------------------------------------ handles */

static struct tern_extended move_one(tern_handle handle)
{
	struct tern_extended extended = { .handle_count = 1 };

	extended.handles[0].handle = handle;
	extended.handles[0].rights = TERN_RIGHTS_ALL;
	extended.handles[0].mode = TERN_SEND_MOVE;
	return extended;
}

/* Gives back in the next answer what it got with the last call. */
static void handle_server(uint64_t listener)
{
	struct tern_received message = { 0 };

	tern_thread_accept_handles(1);
	tern_wait((tern_handle)listener, &message);
	for (;;) {
		struct tern_extended extended;

		tern_handle got = message.handles[0];

		if (tern_reply_wait((tern_handle)listener, &message) < 0)
			return;
		extended = move_one(got);
		if (tern_reply_wait_ext((tern_handle)listener, &message, &extended) < 0)
			return;
	}
}

/* Each round trip moves one handle: there, then back. */
static void move_handles(tern_handle port, tern_handle handle, unsigned int rounds)
{
	static struct tern_extended takes = { .accept_count = 1 };
	struct tern_extended gives = move_one(handle);
	struct tern_received message = { 0 };

	for (unsigned int i = 0; i < rounds; i += 2) {
		if (tern_call_ext(port, &message, &gives) < 0 ||
		    tern_call_ext(port, &message, &takes) != TERN_EVENT_HANDLES)
			rt_exit(0);
		gives.handles[0].handle = message.handles[0];
	}
}

static void handle_client(uint64_t port)
{
	uint64_t before;
	tern_handle handle = tern_memobj_create(0, RT_PAGE);
	tern_handle other = tern_memobj_create(0, RT_PAGE);

	move_handles((tern_handle)port, other, WARM_UP);
	before = rt_instructions();
	move_handles((tern_handle)port, handle, ROUNDS);
	rt_exit((uint32_t)((rt_instructions() - before) / ROUNDS));
}

/* ------------------------------------------------------------------------------ windows */

/* Reads the whole in window of each call. Its length is in word 0. */
static void window_server(uint64_t listener)
{
	struct tern_received message = { 0 };
	tern_result event = tern_wait((tern_handle)listener, &message);

	while (event >= 0) {
		if (tern_reply_read(TERN_REPLY, 0, target, message.words[0]) !=
		    (tern_result)message.words[0])
			rt_exit(1);
		event = tern_reply_wait((tern_handle)listener, &message);
	}
}

static void window_client(uint64_t port, uint64_t length)
{
	struct tern_extended extended = { .in_address = (uint64_t)window, .in_length = length };
	struct tern_received message = { .words = { length } };
	uint64_t before = 0;

	for (size_t i = 0; i < WINDOW_MAX; i += RT_PAGE)
		window[i] = 1;
	for (unsigned int i = 0; i < WINDOW_ROUNDS + WARM_UP; i++) {
		if (i == WARM_UP)
			before = rt_instructions();
		if (tern_call_ext((tern_handle)port, &message, &extended) < 0)
			rt_exit(0);
	}
	rt_exit((uint32_t)((rt_instructions() - before) / WINDOW_ROUNDS));
}

static void window_64(uint64_t port)
{
	window_client(port, 64);
}

static void window_4096(uint64_t port)
{
	window_client(port, 4096);
}

static void window_65536(uint64_t port)
{
	window_client(port, 65536);
}

/* ------------------------------------------------------------------------- notifications */

/* The server's own port and the client's come in a shared order: see bench_notify. */
struct notify_handles {
	tern_handle listener, peer;
};

static struct notify_handles ends[2];
static uint64_t notify_figure;

static void notify_rounds(const struct notify_handles *end, bool is_first, unsigned int rounds)
{
	struct tern_received message = { 0 };

	for (unsigned int i = 0; i < rounds; i++) {
		if (is_first)
			tern_notify(end->peer, 1);
		if (tern_wait(end->listener, &message) < 0)
			return;
		if (!is_first)
			tern_notify(end->peer, 1);
	}
}

static void notify_first(uint64_t unused)
{
	uint64_t before;

	(void)unused;
	notify_rounds(&ends[0], true, WARM_UP);
	before = rt_instructions();
	notify_rounds(&ends[0], true, ROUNDS);
	notify_figure = (rt_instructions() - before) / ROUNDS;
}

static void notify_second(uint64_t unused)
{
	(void)unused;
	notify_rounds(&ends[1], false, WARM_UP + ROUNDS);
}

static void bench_notify(void)
{
	struct pair first = pair_create(), second = pair_create();
	struct rt_thread threads[2];

	ends[0] = (struct notify_handles){ first.listener, second.port };
	ends[1] = (struct notify_handles){ second.listener, first.port };
	rt_thread(&threads[1], notify_second, 0, PRIORITY);
	rt_thread(&threads[0], notify_first, 0, PRIORITY);
	rt_join(&threads[0]);
	rt_join(&threads[1]);
	pair_close(&first);
	pair_close(&second);
	report("notify_wait", notify_figure);
}

void bench_messages(void)
{
	bench_same_space();
	report("roundtrip_handle", measure(handle_server, handle_client));
	report("roundtrip_window_64", measure(window_server, window_64));
	report("roundtrip_window_4096", measure(window_server, window_4096));
	report("roundtrip_window_65536", measure(window_server, window_65536));
	bench_notify();
}
