/*
 * Watches: the ports that want to know when a description becomes ready, for poll, select and epoll.
 *
 * A description reads from one channel and may write to another, each with its own lock, so a watch
 * has a node at each. A node is armed by a poll that found nothing; the change that makes its events
 * true notifies the port and disarms it. Both nodes may notify: more often than needed is allowed.
 */
#ifndef PIPE_WATCH_H
#define PIPE_WATCH_H

#include "channel.h"

struct watch {
	struct pooled pooled;
	uint64_t end; /* the description's name */
	int64_t port;
	uint64_t bits;
	struct watch_node nodes[2]; /* by side */
};

/* A watch of the description `end`, called `name`, at its channels (NULL: none). Takes `port` over if
 * it succeeds. */
int64_t watch_create(const struct pooled *end, uint64_t name, struct channel *reads,
		     struct channel *writes, int64_t port, uint64_t bits);
int64_t watch_remove(uint64_t name, uint64_t end, struct channel *reads, struct channel *writes);

/* The description writes to `writes` from now on: its watches get their node there. Under names_lock,
 * the only place where two channels' locks are held. */
void watch_extend(uint64_t name, struct channel *reads, struct channel *writes);

/* With the lock of the channel on that side held: arm the node of watch `name`. False: there is none. */
bool watch_arm(struct channel *channel, enum channel_side side, uint64_t name, uint64_t end,
	       uint32_t events, bool stays);

/* With the channel's lock held: something has changed on that side. */
void watch_notify_nodes(struct channel *channel, enum channel_side side);

static inline void watch_notify(struct channel *channel, enum channel_side side)
{
	if (channel->watches[side])
		watch_notify_nodes(channel, side);
}

/* With the lock held: all watches of `end` leave that side. `is_last`: they are freed. */
void watch_leave(struct channel *channel, enum channel_side side, uint64_t end, bool is_last);

#endif
