/*
 * What the C library's calls cost, in instructions (rdinstret under icount): lines `BENCH name
 * number` for study/bench.py. The first rounds of each warm up and are not counted.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "lib/server/server.h"
#include "tern/handle.h"

#define PAGE 4096ul

static uint64_t instructions(void)
{
	uint64_t count;

	__asm__ volatile("rdinstret %0" : "=r"(count));
	return count;
}

static void read_clock(uint64_t rounds)
{
	struct timespec time;

	while (rounds--)
		clock_gettime(CLOCK_MONOTONIC, &time);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void lock_mutex(uint64_t rounds)
{
	while (rounds--) {
		pthread_mutex_lock(&mutex);
		pthread_mutex_unlock(&mutex);
	}
}

static void *nothing(void *argument)
{
	return argument;
}

static void create_and_join(uint64_t rounds)
{
	pthread_t thread;

	while (rounds--)
		if (!pthread_create(&thread, NULL, nothing, NULL))
			pthread_join(thread, NULL);
}

static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int turn;

static void take_turns(int mine, int other, uint64_t rounds)
{
	pthread_mutex_lock(&mutex);
	while (rounds--) {
		while (turn != mine)
			pthread_cond_wait(&changed, &mutex);
		turn = other;
		pthread_cond_signal(&changed);
	}
	pthread_mutex_unlock(&mutex);
}

static void *be_partner(void *rounds)
{
	take_turns(1, 0, (uint64_t)rounds);
	return NULL;
}

static void condition_round_trip(uint64_t rounds)
{
	pthread_t partner;

	if (pthread_create(&partner, NULL, be_partner, (void *)rounds))
		return;
	take_turns(0, 1, rounds);
	pthread_join(partner, NULL);
}

static void map_and_touch(uint64_t rounds, size_t pages)
{
	while (rounds--) {
		char *at = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		for (size_t i = 0; i < pages; i++)
			((volatile char *)at)[i * PAGE] = 1;
		munmap(at, pages * PAGE);
	}
}

static void map_1(uint64_t rounds)
{
	map_and_touch(rounds, 1);
}

static void map_256(uint64_t rounds)
{
	map_and_touch(rounds, 256);
}

static void allocate(uint64_t rounds)
{
	while (rounds--)
		free(*(void *volatile[]){ malloc(100) });
}

static tern_handle port;
static struct server server;

static int64_t answer(struct server_call *call)
{
	return (int64_t)call->message.words[1];
}

static void *serve(void *argument)
{
	server_run(&server);
	return argument;
}

static void call_server(uint64_t rounds)
{
	struct tern_received message = { .words = { 1, 2, 3 } };

	while (rounds--)
		tern_call(port, &message);
}

static void measure(const char *name, void (*run)(uint64_t), uint64_t rounds, uint64_t divisor)
{
	uint64_t before, after;

	run(rounds / 8 + 1);
	before = instructions();
	run(rounds);
	after = instructions();
	printf("BENCH %s %ld\n", name, (after - before) / (rounds * divisor));
}

static void measure_server(void)
{
	tern_handle owner;
	pthread_t thread;

	server = (struct server){ .listener = tern_listener_create(0, 16), .call = answer };
	owner = tern_port_create(0, server.listener, 7, 0);
	port = tern_port_mint(owner, TERN_RIGHT_CALL);
	if (pthread_create(&thread, NULL, serve, NULL))
		return;
	measure("server_call", call_server, 1000, 1);
	server_stop(&server);
	pthread_join(thread, NULL);
}

int main(void)
{
	measure("clock_gettime", read_clock, 1000, 1);
	measure("mutex", lock_mutex, 1000, 1);
	measure("malloc_free", allocate, 1000, 1);
	measure("mmap_1", map_1, 200, 1);
	measure("mmap_256", map_256, 20, 256);
	measure("thread_create_join", create_and_join, 200, 1);
	measure("cond_rt", condition_round_trip, 500, 1);
	measure_server();
	return 0;
}
