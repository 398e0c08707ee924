/*
 * killer SEED PAUSE_MS FROM TO SERVER...: kills one of these servers after the other, by chance, with a
 * random pause of up to twice PAUSE_MS between them. The last one is only killed from second FROM to
 * second TO after boot: one whose death programs notice.
 *
 * Handles: init.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "proto/init.h"
#include "tern/event.h"
#include "tern/start.h"

#define NANOSECONDS 1000000000ul
#define MILLISECOND 1000ul /* in microseconds */

static uint64_t random_number(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

/* It may not have come back yet from the last time. */
static void kill_server(tern_handle init, const char *name)
{
	tern_result index = init_find(init, name);

	if (index < 0)
		printf("there is no server %s\n", name);
	else
		init_kill(init, (uint64_t)index, 9);
}

int main(int argc, char **argv)
{
	tern_handle init = tern_start_handle("init");
	uint64_t random, pause, from, to;

	if (argc < 6)
		return 2;
	random = strtoul(argv[1], NULL, 10);
	pause = strtoul(argv[2], NULL, 10) * 2 * MILLISECOND;
	from = strtoul(argv[3], NULL, 10);
	to = strtoul(argv[4], NULL, 10);
	for (;;) {
		uint64_t seconds, servers;

		usleep(random_number(&random) % (pause + 1));
		seconds = tern_time() / NANOSECONDS;
		servers = (uint64_t)argc - 5 - (seconds < from || seconds >= to);
		if (servers)
			kill_server(init, argv[5 + random_number(&random) % servers]);
	}
}
