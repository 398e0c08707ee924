/*
 * Message queues, as mq_open has them: messages with priorities, found by a name, which outlive those who
 * have them open.
 *
 * A queue is a record, its messages' bytes in memory that who made it pays for (like a channel's ring, it can
 * vanish: then sending and receiving are -EIO), and as many records of messages as it holds, made with
 * it: so sending never fails for want of memory. The messages that are in it form a heap, by priority and age.
 *
 * What is parked: receivers only while it is empty, senders only while it is full, each first come, first
 * served. A message leaves the queue when it has reached its receiver. Those with a deadline are in one
 * list for all queues, whose first sets the kernel's timer.
 *
 * Beside that it has a channel without bytes, for what waits for readiness (watch.h). All is under
 * queues_lock.
 *
 * Life: its name holds it, and each open description.
 */
#ifndef PIPE_QUEUE_H
#define PIPE_QUEUE_H

#include "end.h"

/* Cookies of CANCELLED events of calls that are parked here: see SLEEPER_COOKIE. */
#define QUEUE_COOKIE (2ul << PORT_KIND_SHIFT)

struct queue_message {
	struct pooled pooled;
	struct queue_message *left, *right; /* of the heap; right: of those that are free */
	uint64_t age;                       /* the less, the earlier it came */
	uint32_t slot, priority, length;
};

/* What one caller brings or wants. */
struct queue_request {
	int64_t reply;
	uint64_t length;
	uint64_t deadline;
	const void *data; /* a sender's, without a window */
	uint32_t priority, process;
	bool has_window;
};

/* A parked call. */
struct queue_waiter {
	struct pooled pooled;
	struct queue_waiter *next;
	struct queue_waiter *later; /* of those with a deadline */
	struct queue *queue;
	uint64_t end; /* the description it was called through */
	enum channel_side side;
	struct queue_request request;
	uint64_t data[IO_INLINE_MAX / 8];
};

struct queue_name {
	uint32_t length;
	char bytes[QUEUE_NAME_MAX];
};

struct queue {
	struct pooled pooled;
	struct queue *next; /* of all */
	struct channel *channel;
	struct queue_name name;
	bool is_linked; /* can be found by its name */
	uint32_t opens;
	uint32_t user, group, mode;
	uint32_t capacity, message_size; /* messages; bytes of each */
	uint32_t count;
	uint64_t bytes; /* that its user is charged for */
	int64_t memobj;
	char *memory;
	uint64_t next_age;
	struct queue_message *first, *free;
	struct queue_waiter *waiting[2];
	/* Who is to be told of a message: port 0: nobody. */
	int64_t port;
	uint64_t port_key;     /* the process's number */
	uint64_t port_process; /* its id, as it says */
	uint64_t port_number;  /* the notice's, told if it sends to itself */
	uint64_t port_end;     /* the description through which it asked */
};

extern struct lock queues_lock;

/* queue.c: on a service port */
enum outcome queue_open(struct call *call, uint64_t service);
enum outcome queue_unlink(struct call *call, uint64_t service);
/* The description's queue, with queues_lock held, or NULL: it is closed, or none of a queue. */
struct queue *queue_of(uint64_t name, struct end **end);
enum outcome queue_info(struct call *call, uint64_t name);
struct io_attributes;
void queue_attributes(struct end *end, uint64_t name, struct io_attributes *attributes);
/* The end is stale. */
void queue_close(struct end *end, uint64_t name);
size_t queue_memory_size(const struct queue *queue);

/* exchange.c */
enum outcome queue_send(struct call *call, uint64_t name);
enum outcome queue_receive(struct call *call, uint64_t name);
void queue_cancelled(uint64_t cookie);
/* Some deadline has come. */
void queues_expired(void);
/* Locked: as many records of messages as it holds; false: no memory. All of them are free again. */
bool queue_make_messages(struct queue *queue);
void queue_free_messages(struct queue *queue);
/* Locked: calls parked through the description get -EBADF. */
void queue_drop_end(struct queue *queue, uint64_t end);
/* Locked: its channel says what holds. */
void queue_show(struct queue *queue);

/* tell.c */
enum outcome queue_notify(struct call *call, uint64_t name);
/*
 * Locked: a message of `process` has come to the empty queue; or nobody will be told any more. The number of
 * the notice, if it was the process's own, else 0.
 */
uint64_t queue_tell(struct queue *queue, uint32_t process);
void queue_tell_end(struct queue *queue);

#endif
