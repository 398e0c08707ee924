/*
 * Calls that wait for something other than bytes: accept, connect to a full backlog, the other side
 * of a FIFO. All under names_lock.
 */
#ifndef PIPE_SLEEPER_H
#define PIPE_SLEEPER_H

#include "end.h"

/* Protects sockets, places, FIFOs and sleepers; taken before any channel's lock. */
extern struct lock names_lock;

struct sleeper {
	struct pooled pooled;
	struct sleeper *next;
	struct sleepers *list;
	int64_t reply;
	uint64_t end;  /* the description it was called through */
	uint64_t word; /* what it waits with: see who parks it */
};

struct sleepers {
	struct sleeper *first;
};

/* Cookies of CANCELLED events: a sleeper's have this bit, a waiter's do not. */
#define SLEEPER_COOKIE (1ul << PORT_KIND_SHIFT)

/* The call being served waits at the end of the list. 0 or an error. */
int64_t sleeper_park(struct sleepers *list, uint64_t end, uint64_t word);
/* Off its list and free; the reply is the caller's to answer. */
int64_t sleeper_take(struct sleeper *sleeper);
/* With a number as the answer; false: it did not reach the caller. */
bool sleeper_answer(struct sleeper *sleeper, int64_t result);
void sleeper_cancelled(uint64_t cookie);
/* All of them, or those through `end` (if not 0), get `result`. */
void sleepers_release(struct sleepers *list, uint64_t end, int64_t result);

#endif
