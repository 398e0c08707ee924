/* What the files of the benchmark share. All figures are instructions under -icount shift=0. */
#ifndef BENCH_H
#define BENCH_H

#include "rt.h"

#define ROUNDS 10000
#define WARM_UP 100
#define PRIORITY 16

void loop_call(tern_handle port, uint64_t rounds);
void loop_serve(tern_handle listener);
void loop_null(uint64_t rounds);
void loop_yield(uint64_t rounds);
void thread_ends(void);
void thread_waits(void);

void report(const char *name, uint64_t figure);

/* A listener with a client port. */
struct pair {
	tern_handle listener, port;
};
struct pair pair_create(void);
void pair_close(struct pair *pair);

/*
 * A server and a client function, each in a process of its own, run to the end; the client's exit
 * status is the figure.
 */
uint64_t measure(rt_function *server, rt_function *client);

/* The plain round trip between two spaces. */
uint64_t measure_roundtrip(void);

void bench_messages(void);
void bench_objects(void);
void bench_scaling(void);
void bench_pairs(uint64_t pairs);

#endif
