/*
 * Ports and messages: listener, client and reply ports. docs/ipc.md has the state machine.
 *
 * Who may wait where:
 *   a receiver is on listener->receivers (LIFO),
 *   a sender (caller, notified or dormant port, cancelled reply) is on listener->senders,
 *   a caller whose message was received waits with an odd token for whoever holds its reply.
 *
 * Lifetime. A listener is kept by handles, client ports, and the threads that cache it. A client
 * port is kept by handles, queued callers, timers, interrupts and watchers. A reply is kept by
 * its one handle, or by the message that moves it.
 */
#ifndef KERNEL_IPC_H
#define KERNEL_IPC_H

#include "kernel/object.h"
#include "kernel/spinlock.h"
#include "kernel/thread.h"

struct listener {
	/* Line 0: the fast path's. The lock comes first: client_port->object.callee points at it. */
	struct spinlock lock;     /* LOCK_RANK_LISTENER: everything here, and ports' state */
	struct thread *receivers; /* LIFO through thread->next */
	u64 attention; /* non-zero: a replying server must look: senders queued, or destroyed */
	struct object object;

	u64 ready;            /* bit p: senders[p] is not empty */
	struct list *senders; /* TERN_PRIORITIES heads */
	u32 sender_count;
	u32 sender_limit;
	struct list ports;   /* client_port->listener_link */
	_Atomic u32 handles; /* with the last one nobody can receive any more: it is shut */
	struct list
		servers; /* threads that cache it: they inherit the priority of queued callers */
};

/* What threads that may not receive on the fast path have cached: attention is always set. */
extern struct listener no_listener;

struct client_port {
	struct object object; /* object.callee: the listener while the port is live */
	u64 userdata;
	struct listener *listener; /* a reference */
	struct list listener_link;
	struct pager *pagers; /* that hear through it */
	u64 bits;             /* notified, not yet delivered */
	struct sender sender;
	u32 mints;           /* handles minted so far */
	_Atomic u32 clients; /* handles without OWNER, and queued calls */
	bool is_persistent;
	bool is_revoked;
	bool has_had_clients; /* only then can there be a no-clients event */
	bool no_clients_due;  /* the event is queued */
};

/* A parked reply port. */
struct reply {
	struct object object;
	struct thread *caller; /* a reference */
	u64 token;             /* which call of it */
	u64 cookie;
	struct listener *listener; /* cancellable: where the event goes; a reference; else NULL */
	struct sender sender;
	bool is_cancelled;
};

static inline struct listener *listener_of(struct object *object)
{
	return container_of(object, struct listener, object);
}

static inline struct client_port *port_of(struct object *object)
{
	return container_of(object, struct client_port, object);
}

static inline struct reply *reply_of(struct object *object)
{
	return container_of(object, struct reply, object);
}

/* --- listener.c: the queues; all with the listener's lock held --- */

void listener_enqueue(struct listener *listener, struct sender *sender, u8 priority);
void listener_dequeue(struct listener *listener, struct sender *sender);
/* Dequeue a caller whose call will not be delivered: it can be woken with an error. */
void caller_refuse(struct listener *listener, struct thread *caller);
/* The next sender in order, still queued; NULL. */
struct sender *listener_first_sender(struct listener *listener);
/* A receiver that is to stay, if possible one that nothing is pending for, taken off; NULL. */
struct thread *listener_search_receiver(struct listener *listener);

/*
 * The same, where the first one will do as a rule. `pending` is set before its setter takes this
 * lock to look for the thread: we see it, or the setter finds the thread gone and looks again.
 */
static ALWAYS_INLINE struct thread *listener_pop_receiver(struct listener *listener)
{
	struct thread *first = listener->receivers;

	if (!first)
		return NULL;
	if (UNLIKELY(atomic_load_explicit(&first->pending, memory_order_relaxed)))
		return listener_search_receiver(listener);
	listener->receivers = first->next;
	return first;
}
bool listener_remove_receiver(struct listener *listener, struct thread *thread);
/* Revoke ports: all of them, or those that are not persistent. Returns how many. */
u32 listener_revoke_ports(struct listener *listener, bool all);

void listener_destroy(struct object *object);
void listener_kill_object(struct object *object);

/* --- port.c --- */

/* OR bits into the port and have them delivered. For the kernel's own events too. */
void port_notify(struct object *port, u64 bits);
/* With the listener's lock held: no more messages; queued callers get -EPIPE. */
void port_revoke_locked(struct client_port *port);
/* What a queued port has to say, to a receiver's frame. */
void port_deliver(struct client_port *port, struct thread *receiver);
void port_client_gone(struct client_port *port);

void port_destroy(struct object *object);
void port_kill_object(struct object *object);

/* --- reply.c --- */

/* Win the right to end `caller`'s call: nobody else will. */
static ALWAYS_INLINE MUST_USE bool caller_claim(struct thread *caller, u64 token)
{
	return atomic_compare_exchange_strong_explicit(&caller->token, &token, token + 1,
						       memory_order_acq_rel, memory_order_relaxed);
}

/* Answer -EPIPE if the thread's built-in reply port is in use. */
void reply_drop_builtin(struct thread *server);
/* A parked cancellable call of `caller` is being interrupted; its client_lock is held. */
bool reply_cancel(struct thread *caller) MUST_USE;
/* A cancelled reply's event, to a receiver's frame. */
void reply_deliver_cancelled(struct reply *reply, struct thread *receiver);
/* The caller behind TERN_REPLY or a handle, while it waits: 0, -EBADF, -EPROTOTYPE, -ESRCH. */
int reply_resolve(s64 handle, struct thread **caller, u64 *token) MUST_USE;

void reply_destroy(struct object *object);
void reply_kill_object(struct object *object);

/* --- message.c --- */

struct transfer {
	struct process *from, *to;
	const struct tern_extended *extended; /* which handles, and how */
	s64 given[TERN_MESSAGE_HANDLES];      /* the receiver's */
	bool is_done;                         /* taken from the sender already */
	bool has_listener;                    /* among what is taken from the sender */
};

/* Copy and check the descriptor at `address` of the current thread's process; of its handles those
 * that count. */
int message_read(uaddr address, struct tern_extended *extended) MUST_USE;

/*
 * What a message call returns when its descriptor could not be read: the error, or, when a page must be
 * waited for, what user_copy_failed says. The frame does not know yet which call it was.
 */
s64 message_copy_failed(int error, s64 operation) MUST_USE;
/* Give the handles to the receiver, who is not told yet; nothing has changed on failure. */
int transfer_prepare(struct transfer *transfer, struct process *from, struct process *to,
		     const struct tern_extended *extended, u32 accept) MUST_USE;
void transfer_abort(struct transfer *transfer);
/* Cannot fail. Puts the handles into the receiver's frame; returns TERN_EVENT_HANDLES. */
u64 transfer_commit(struct transfer *transfer, struct frame *frame);
/* Without locks, after the commit: threads that received from a listener that has gone. */
void transfer_forget(struct transfer *transfer);

/* The same when nothing that comes after the preparation can fail: one handle moves at once. */
static ALWAYS_INLINE MUST_USE int transfer_prepare_last(struct transfer *transfer,
							struct process *from, struct process *to,
							const struct tern_extended *extended,
							u32 accept)
{
	transfer->is_done = false;
	transfer->has_listener = false;
	if (LIKELY(extended->handle_count == 1 && accept &&
		   extended->handles[0].mode == TERN_SEND_MOVE)) {
		transfer->given[0] = handle_move(from, to, extended->handles[0].handle,
						 extended->handles[0].rights);
		transfer->is_done = transfer->given[0] > 0;
	}
	return LIKELY(transfer->is_done) ? 0
					 : transfer_prepare(transfer, from, to, extended, accept);
}

static ALWAYS_INLINE u64 transfer_commit_last(struct transfer *transfer, struct frame *frame)
{
	if (UNLIKELY(!transfer->is_done))
		return transfer_commit(transfer, frame);
	frame->extra[0] = (u64)transfer->given[0];
	frame->extra[TERN_MESSAGE_HANDLES] = 1;
	return TERN_EVENT_HANDLES;
}

/* --- receive.c --- */

/* The thread received with this handle last, and may do so again without a second look. */
static ALWAYS_INLINE bool listener_is_cached(const struct thread *thread, s64 handle)
{
	return thread->listener_handle == handle &&
	       atomic_load_explicit(&thread->fast_listener, memory_order_relaxed) != &no_listener;
}

/*
 * The current thread, whose frame is saved, receives from the listener: takes the next sender,
 * or waits. Returns the event, an error, or 0 with the thread blocked.
 */
s64 listener_receive(struct listener *listener, struct thread *thread, struct thread *switch_to);

#endif
