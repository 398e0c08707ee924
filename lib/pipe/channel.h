/*
 * A channel: bytes or messages in one direction, from writers to readers, in order.
 *
 * Bytes lie in a ring of 64 KiB, which is made when something has to wait there, and which the
 * caller at that moment pays for. When a reader waits, they go straight from the writer to it.
 *
 * What is parked: readers only while there is nothing to read, writers only while what they bring
 * does not fit. Nothing of a parked call has happened. Everything that happens to one ends with its
 * answer, and only if the answer reaches it (the caller was not interrupted meanwhile) is the ring
 * moved on: no byte is lost or doubled by an interrupt.
 *
 * A parked writer whose bytes do not fit as a whole is served again when half the ring is empty. It
 * would go on waiting in any case, so nobody can tell, and it is not woken for each little read.
 *
 * Life: the descriptions that read and those that write hold it; the last one gives it back.
 */
#ifndef PIPE_CHANNEL_H
#define PIPE_CHANNEL_H

#include "lib/pipe/environment.h"
#include "lib/pipe/pool.h"
#include "proto/io.h"
#include "proto/pipe.h"

enum channel_side { SIDE_READ, SIDE_WRITE };

/* What one caller brings or wants: the call being served (reply TERN_REPLY), or a parked one. */
struct request {
	int64_t reply;
	uint64_t length;
	struct parcel *parcel; /* a writer's handles; a message's description */
	bool has_window;
	bool is_nonblocking;
	bool has_fed;       /* readers that were parked, who are to run before this one */
	bool is_peek;       /* a reader that leaves everything where it is */
	bool wants_handles; /* a reader that takes what is in parcels, not just bytes */
	const char *data;   /* a writer's bytes, without a window: at most IO_INLINE_MAX */
};

/* A parked call. */
struct waiter {
	struct pooled pooled;
	struct waiter *next;
	struct channel *channel;
	uint64_t end; /* the description it was called through */
	enum channel_side side;
	struct request request;
	uint64_t data[IO_INLINE_MAX / 8];
};

struct waiters {
	struct waiter *first, *last;
};

/*
 * A parcel: a message of a channel of messages; in a channel of bytes, those bytes that handles
 * came with. A read of bytes stops before and behind one.
 */
struct parcel {
	struct pooled pooled;
	struct parcel *next;
	uint64_t position; /* of its first byte, counted from the channel's beginning */
	uint32_t length;
	uint32_t handle_count;
	int64_t handles[TERN_MESSAGE_HANDLES];
	uint64_t sender; /* the socket it came from */
	uint64_t credentials[3];
};

/* Interest of one description, in one side of one channel. See watch.h. */
struct watch_node {
	struct watch_node *next;
	struct watch *watch;
	uint32_t events; /* armed for these; 0: not armed */
	bool stays;
};

struct channel {
	struct pooled pooled;
	struct lock lock; /* protects everything below */
	bool is_messages;
	bool is_socket; /* hang-up is reported as sockets do */
	bool is_broken; /* the ring's memory vanished */
	bool is_read_shut, is_write_shut;
	uint32_t extra_events; /* that hold for reading, for reasons that are not its bytes */
	uint32_t ends[2];      /* open descriptions by side */
	uint32_t head, used;   /* of the ring, in bytes */
	uint64_t position;     /* of the ring's first byte, counted from the beginning */
	int64_t memobj;
	char *memory; /* NULL: there is no ring */
	struct waiters waiting[2];
	struct parcel *first_parcel, *last_parcel;
	uint32_t parcel_count;
	struct watch_node *watches[2];
};

/* What a call came to. PARKED: it waits, or it has been answered already. */
enum outcome { ANSWERED, PARKED };

/* A channel without ends; NULL: no memory. */
struct channel *channel_create(bool is_messages, bool is_socket);
/* With the lock held: one description fewer on that side. True: the last of all, channel_free it. */
bool channel_leave(struct channel *channel, enum channel_side side);
void channel_free(struct channel *channel);

/*
 * With the lock held. Read or write as `request` says; the answer goes to *answer and, if the answer
 * carries a parcel's handles, the parcel to *taken (for the caller to send and free). `end` is noted
 * in a parked call.
 */
enum outcome channel_read(struct channel *channel, struct request *request, uint64_t end,
			  struct tern_received *answer, struct parcel **taken);
enum outcome channel_write(struct channel *channel, struct request *request, uint64_t end,
			   struct tern_received *answer);

/* With the lock held: nobody reads (writes) any more; who waits learns it. */
void channel_shut(struct channel *channel, enum channel_side side);

/* With the lock held: calls parked through this description get `error`. */
void channel_drop_end(struct channel *channel, enum channel_side side, uint64_t end, int64_t error);

/* A parked call's caller was interrupted: the cookie of its CANCELLED event. */
void channel_cancelled(uint64_t cookie);

/* With the lock held: a listening socket's connections. */
void channel_set_extra(struct channel *channel, uint32_t events);
/* A writer that is no end leaves before there was an end. Takes the lock, may free the channel. */
void channel_forget_writer(struct channel *channel);

/* With the lock held: the events that hold on that side. */
uint32_t channel_events(const struct channel *channel, enum channel_side side);

/* With the lock held: how many bytes the next read can get. */
uint64_t channel_next_read(const struct channel *channel);

struct parcel *parcel_create(void);
/* Closes the handles in it. */
void parcel_free(struct parcel *parcel);

static inline uint32_t channel_space(const struct channel *channel)
{
	return PIPE_CAPACITY - channel->used;
}

#endif
