/*
 * What the files of the benchmark share. Figures are instructions under -icount shift=0 unless
 * their place says otherwise, and are between processes, each with an address space of its own.
 *
 * A figure is reported only if everything in its measurement succeeded; otherwise the program
 * prints a FAIL line and powers off with status 1.
 */
#ifndef BENCH_H
#define BENCH_H

#include "rt.h"

#define ROUNDS 10000
#define WARM_UP 100
#define PRIORITY TERN_PRIORITY_DEFAULT

/* loops.S: rounds in, rounds left out. */
uint64_t loop_empty(uint64_t rounds);
uint64_t loop_null(uint64_t rounds);
uint64_t loop_yield(uint64_t rounds);
uint64_t loop_foreign(uint64_t rounds);
uint64_t loop_call(tern_handle port, uint64_t rounds);
uint64_t loop_move(tern_handle port, uint64_t rounds, struct tern_extended *gives,
		   const struct tern_extended *takes);
uint64_t loop_give(tern_handle port, uint64_t rounds, struct tern_extended *gives,
		   const tern_handle *handles);
uint64_t loop_notify(tern_handle listener, tern_handle peer, uint64_t rounds);

/* loops.S: the other sides. */
void foreign_upcall(void);
void loop_serve(tern_handle listener);
void serve_take(tern_handle listener);
void serve_move(tern_handle listener, struct tern_extended *gives);
void serve_notify(tern_handle listener, tern_handle peer);
void drive(tern_handle listener, tern_handle interrupt, volatile uint64_t *arrived);
uint64_t raise(tern_handle resource, uint64_t command, uint64_t line);

/* loops.S: threads without a stack, see there. */
extern const char thread_code[], thread_ends[], thread_waits[], thread_sleeps[], thread_code_end[];

/* A listener with a client port: the server's own handle and a minted one, which clients get. */
struct pair {
	tern_handle listener, owner, port;
};
struct pair pair_create(void);
void pair_close(struct pair *pair);

/* What a child process works with. It lies in memory that is shared with the first process. */
struct part {
	tern_handle handles[3]; /* as the child knows them */
	uint64_t argument;      /* as the child's function wants it */
	volatile uint64_t figure;
	volatile uint32_t is_good; /* the figure is there and stands for rounds that succeeded */
} __attribute__((aligned(64)));

struct party {
	tern_handle process, thread;
	struct part *part;
};

/* A process that runs `function` on its part. `handles` (0 = none) are given to it. */
struct party party_start(rt_function *function, unsigned int priority, const tern_handle *handles,
			 uint64_t argument);
/* Waits for its end without polling, which would show in figures. Returns the figure. */
uint64_t party_end(struct party *party, const char *name);
void party_kill(struct party *party);

/* Measures a loop: warm-up, rounds, minus the empty loop. The result is in `part`. */
typedef uint64_t bench_loop(const struct part *part, uint64_t rounds);
void measure_loop(struct part *part, bench_loop *loop);

/* Server and client in a process each; the client's figure. handles[0]: listener or port. */
uint64_t measure(const char *name, rt_function *server, rt_function *client, uint64_t argument);

/* The plain round trip between two spaces. */
uint64_t measure_roundtrip(const char *name);

/* Returns when every other thread blocks. One hart. */
void wait_until_all_block(void);

/* A memobj with thread_code, to be mapped into processes by process_with_thread. */
tern_handle code_create(void);
/* A process with that page and one thread that begins at `start`; negative on failure. */
tern_handle process_with_thread(tern_handle code, const char *start, tern_handle death_port);

void report(const char *name, uint64_t figure);

void bench_plain(void);
void bench_same_space(void);
void bench_slow(void);
void bench_handle(void);
void bench_notify(void);
void bench_window_small(void);
void bench_messages(void);
void bench_events(void);
void bench_objects(void);
void bench_sizes(void);
void bench_scaling(void);
void bench_pairs(uint64_t pairs, const char *prefix);

#endif
