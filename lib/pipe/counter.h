/*
 * Counters: what eventfd and timerfd are. A description that is not a channel of bytes: reading takes the
 * count as eight bytes and waits while it is 0; writing adds to it.
 *
 * A timer's count is how often it has expired. The kernel's timer is set for the next expiry only while the
 * count is 0: whatever else expires until somebody reads is reckoned from the clock.
 *
 * Beside the end it has a channel without bytes, for what waits for readiness (watch.h). All of it is under
 * names_lock.
 */
#ifndef PIPE_COUNTER_H
#define PIPE_COUNTER_H

#include "sleeper.h"

struct counter {
	struct pooled pooled;
	struct end *end;
	struct channel *channel;
	uint64_t value;
	bool is_semaphore;
	bool is_timer;
	struct sleepers reading, writing;
	/* Of a timer, in nanoseconds of the kernel's clock. */
	int64_t timer, port;
	uint64_t deadline; /* 0: stopped */
	uint64_t interval;
};

enum outcome make_event(struct call *call, uint64_t service);
enum outcome make_timer(struct call *call, uint64_t service);

enum outcome counter_read(struct call *call, struct end *end, uint64_t name);
enum outcome counter_write(struct call *call, struct end *end, uint64_t name);
enum outcome counter_set(struct call *call, uint64_t name);
enum outcome counter_get(struct call *call, uint64_t name);
/* The kernel's timer has fired, for the counter of this name. */
void counter_expired(uint64_t name);
/* The end is stale. */
void counter_close(struct end *end, uint64_t name);

#endif
