/*
 * The kill test: virtio-blk, pipe and console die KILLS times at random moments, while clients of all of
 * them work. Argument: the seed. A client that makes no round for HANG_NS hangs. In the end extfs dies
 * too, and what it had acknowledged must be there; and as much memory must be free as in the beginning.
 *
 * Handles: files (admin port of extfs), pipe (a service port), console, init.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "proto/init.h"
#include "survivor.h"
#include "tern/event.h"
#include "tern/start.h"
#include "tern/system.h"

#define KILLS 200
#define WARM_UP_KILLS 10 /* caches grow to their size */
#define SETTLED 5        /* looks, 200 ms apart, that find the same */
#define PAUSE_MAX_US 50000
#define HANG_NS 300000000000ul
#define PAGES_TOLERANCE                                                                            \
	700 /* caches of extfs and the allocators; a leak for each kill would be more */

static const char *const victims[] = { "virtio-blk", "pipe", "console" };
#define VICTIMS (sizeof(victims) / sizeof(victims[0]))

static struct client clients[] = {
	{ .name = "file", .work = file_work, .number = 0 },
	{ .name = "file", .work = file_work, .number = 1 },
	{ .name = "file", .work = file_work, .number = 2 },
	{ .name = "cold", .work = cold_work },
	{ .name = "pipe", .work = pipe_work, .number = 0 },
	{ .name = "pipe", .work = pipe_work, .number = 1 },
	{ .name = "pipe", .work = pipe_work, .number = 2 },
	{ .name = "line", .work = line_work },
	{ .name = "key", .work = key_work },
};
#define CLIENTS (sizeof(clients) / sizeof(clients[0]))

atomic_bool is_over;
static tern_handle init;

uint64_t random_number(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

_Noreturn void fail(const char *who, const char *what, int64_t value)
{
	printf("survivor: %s: %s: %ld\n", who, what, (long)value);
	_exit(1);
}

void require(bool good, const struct client *client, const char *what, int64_t value)
{
	char who[32];

	if (good)
		return;
	snprintf(who, sizeof(who), "%s %u", client->name, client->number);
	fail(who, what, value);
}

static void *be_client(void *argument)
{
	struct client *client = argument;

	while (!is_over) {
		client->work(client);
		client->rounds++;
		if (client->work == line_work || client->work == cold_work)
			usleep(random_number(&client->random) % 20000);
	}
	return NULL;
}

/* Everybody has made a round since `before`. */
static void await_rounds(const uint64_t *before)
{
	uint64_t start = tern_time();

	for (unsigned i = 0; i < CLIENTS; i++) {
		while (clients[i].rounds == before[i]) {
			if (tern_time() - start > HANG_NS)
				require(false, &clients[i], "hangs after rounds",
					(int64_t)before[i]);
			usleep(1000);
		}
	}
}

static void note_rounds(uint64_t *rounds)
{
	for (unsigned i = 0; i < CLIENTS; i++)
		rounds[i] = clients[i].rounds;
}

static void kill_server(const char *name)
{
	tern_result index = init_find(init, name);

	if (index < 0 || init_kill(init, (uint64_t)index, 9))
		fail(name, "init_kill", index);
}

static void kill_servers(unsigned kills, uint64_t *random)
{
	uint64_t rounds[CLIENTS];

	for (unsigned i = 0; i < kills; i++) {
		if (i % 20 == 0)
			note_rounds(rounds);
		usleep(random_number(random) % PAUSE_MAX_US);
		kill_server(victims[random_number(random) % VICTIMS]);
		if (i % 20 == 19 || i == kills - 1)
			await_rounds(rounds);
	}
	note_rounds(rounds);
	await_rounds(rounds);
}

/* The clients work while that many servers die. */
static void run(unsigned kills, uint64_t *random)
{
	pthread_t threads[CLIENTS];

	files_begin();
	is_over = false;
	for (unsigned i = 0; i < CLIENTS; i++) {
		clients[i].random = random_number(random);
		if (pthread_create(&threads[i], NULL, be_client, &clients[i]))
			fail(clients[i].name, "a thread", -1);
	}
	kill_servers(kills, random);
	is_over = true;
	for (unsigned i = 0; i < CLIENTS; i++)
		pthread_join(threads[i], NULL);
	kill_server("extfs");
	files_check();
	files_end();
	kill_server("extfs");
}

struct figures {
	int64_t objects, pages;
};

/* When nothing changes any more: not because the host let a hart stand still for a moment. */
static struct figures settle(void)
{
	struct figures now = { 0 }, last;

	for (int same = 0; same < SETTLED; same++) {
		last = now;
		usleep(200000);
		now = (struct figures){ tern_system_info(TERN_INFO_OBJECTS),
					tern_system_info(TERN_INFO_FREE_PAGES) };
		if (tern_system_info(TERN_INFO_RECLAIM_PENDING) || now.objects != last.objects ||
		    now.pages != last.pages)
			same = -1;
	}
	return now;
}

int main(int argc, char **argv)
{
	uint64_t random = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
	struct figures before, after;

	init = tern_start_handle("init");
	terminal_begin();
	run(WARM_UP_KILLS, &random);
	before = settle();
	run(KILLS, &random);
	after = settle();
	printf("survivor: lines %lu typed %lu pipes %lu whole %lu broken\n", lines_written,
	       bytes_typed, pipes_whole, pipes_broken);
	if (after.objects != before.objects)
		fail("kernel objects", "left", after.objects - before.objects);
	if (after.pages < before.pages - PAGES_TOLERANCE)
		fail("pages", "left", before.pages - after.pages);
	printf("survivor: all is well\n");
	return 0;
}
