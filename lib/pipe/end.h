/*
 * Ends: open file descriptions. An end reads from one channel and writes to another (a pipe's has one
 * of them). It is what a client port's userdata names, and it is closed by the port's no-clients
 * event.
 */
#ifndef PIPE_END_H
#define PIPE_END_H

#include "lib/pipe/channel.h"

/* What a port's userdata names: the kind in the top byte, the record's name below. Trusted service
 * ports are plain small numbers. */
enum port_kind { PORT_TRUSTED, PORT_SERVICE, PORT_END, PORT_PLACE, PORT_TIMER, PORT_QUEUES };
#define PORT_KIND_SHIFT 56
#define PORT_NAME_MASK ((1ul << PORT_KIND_SHIFT) - 1)

/* Who may make how much. Trusted ones are indexed by userdata, others are records. */
struct service {
	struct pooled pooled;
	_Atomic uint32_t ends; /* that exist and were made through it */
	bool is_trusted;
	bool is_closed; /* it goes with its last end */
	int64_t port;
	uint64_t credentials[3]; /* process, user, group */
	uint32_t group_count;
	uint32_t groups[PIPE_GROUPS_MAX];
};

struct socket;
struct counter;
struct queue;

struct end {
	struct pooled pooled;
	int64_t port; /* ours, with OWNER */
	_Atomic uint32_t flags;
	uint32_t kind; /* enum io_kind */
	uint64_t service;
	/* By enum channel_side. Set once, before which the end is in nobody's hands or is a socket that
	 * is not connected. */
	struct channel *_Atomic channels[2];
	struct socket *socket;
	struct counter *counter;
	struct queue *queue;
	uint32_t access; /* PIPE_OPEN_*, of a queue */
	struct fifo *fifo;
	uint32_t peer_opens; /* of a FIFO: how often its other side had been opened before */
};

/* The call being served: what came, and what the answer carries. */
struct call {
	struct tern_received message; /* the answer is put in its place */
	struct tern_extended extended;
	bool has_windows;
	bool is_extended;      /* `extended` has handles for the answer */
	bool lets_partner_run; /* the caller need not run first */
};

extern struct pool ends;

/* A flag of an end beside those of io.h: a socket that may be connected, and is not yet. */
#define END_UNCONNECTED (1u << 31)

#define ENDS_PER_SERVICE 16384

/*
 * An end at these channels, each of which it is counted at, with a port; *client is the handle for
 * the client. Negative on failure, and the channels are as before.
 */
int64_t end_create(uint64_t service, uint32_t kind, struct channel *reads, struct channel *writes,
		   struct end **end, int64_t *client);
/*
 * The end is at this channel no more: its waiting calls fail with `error`, and the channel goes with its
 * last end. `is_last`: it is at no other channel.
 */
void end_leave(struct channel *channel, enum channel_side side, uint64_t name, int64_t error,
	       bool is_last);
/* Closes it: the event, or because its handle could not be delivered. */
void end_close(uint64_t name);

/* The service that a port's userdata names, or NULL. */
struct service *service_find(uint64_t userdata);
/* A service port for a process, with the identity that *like says. */
int64_t service_create(const struct service *like, uint64_t *name, int64_t *client);
/* Its port's last client has gone. */
void service_close(uint64_t name);

/* Operations on any end. */
enum outcome end_read(struct call *call, uint64_t name);
enum outcome end_write(struct call *call, uint64_t name);
enum outcome end_poll(struct call *call, uint64_t name);
enum outcome end_watch(struct call *call, uint64_t name);
enum outcome end_unwatch(struct call *call, uint64_t name);
enum outcome end_attributes(struct call *call, uint64_t name);
enum outcome end_set_flags(struct call *call, uint64_t name);

/* The answer is a number. */
static inline enum outcome answer_number(struct call *call, int64_t result)
{
	call->message.words[0] = (uint64_t)result;
	return ANSWERED;
}

#endif
