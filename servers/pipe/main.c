/*
 * The pipe server as a program. Handles: "listener"; "random" (optional): who gives random bytes.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>

#include "lib/pipe/server.h"
#include "lib/random/random.h"
#include "tern/ipc.h"
#include "tern/start.h"

#define WORKERS 4

static tern_handle listener;
static char fault_stacks[WORKERS][PIPE_WORKER_STACK] __attribute__((aligned(16)));

static void *work(void *fault_stack)
{
	pipe_server_work(listener, fault_stack);
	return NULL;
}

/* Without a source of random bytes, what the launcher put on the stack has to do. */
static void make_seed(unsigned char seed[RANDOM_SEED])
{
	const void *given = (const void *)getauxval(AT_RANDOM);

	memset(seed, 0, RANDOM_SEED);
	if (getrandom(seed, RANDOM_SEED, 0) == RANDOM_SEED)
		return;
	fprintf(stderr, "no source of random bytes\n");
	if (given)
		memcpy(seed, given, RANDOM_SEED / 2);
}

int main(void)
{
	unsigned char seed[RANDOM_SEED];
	pthread_t thread;

	listener = tern_start_handle("listener");
	if (listener < 0 || tern_listener_takeover(listener) < 0) {
		fprintf(stderr, "no listener\n");
		return 1;
	}
	make_seed(seed);
	pipe_server_start(listener, seed);
	for (int i = 1; i < WORKERS; i++)
		if (pthread_create(&thread, NULL, work, fault_stacks[i]))
			fprintf(stderr, "only %d workers\n", i);
	work(fault_stacks[0]);
	return 1;
}
