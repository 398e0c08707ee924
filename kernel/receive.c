/*
 * Calling and receiving on the slow path: the complete semantics, of which the fast path does the
 * common case. docs/ipc.md has the state machine.
 */
#include "kernel/debug.h"
#include "kernel/ipc.h"
#include "kernel/sched.h"
#include "kernel/syscall.h"
#include "kernel/user_copy.h"
#include "tern/syscall.h"

/* What the call that the caller is about to make, or has queued, carries besides its words. */
static bool has_extension(const struct thread *caller)
{
	return caller->extended_token ==
	       atomic_load_explicit(&caller->token, memory_order_relaxed) + 1;
}

/* Hand the message to the server; the listener's lock is held. The transfer is prepared. */
static ALWAYS_INLINE void call_deliver(struct thread *caller, struct thread *server, u64 userdata,
				       bool is_extended, struct transfer *transfer)
{
	u64 token = atomic_load_explicit(&caller->token, memory_order_relaxed) + 1;
	bool has_windows = is_extended &&
			   (caller->extended.in_length || caller->extended.out_length);

	frame_set_message(&server->frame, &caller->frame,
			  TERN_EVENT_CALL | (has_windows ? TERN_EVENT_WINDOWS : 0), userdata);
	if (transfer)
		server->frame.result |= transfer_commit_last(transfer, &server->frame);
	server->caller_token = token;
	atomic_store_explicit(&server->caller, caller, memory_order_relaxed);
	caller->server = server;
	caller->state = THREAD_ACTIVE;
	/* The caller's frame was saved before; whoever wins the token may resume it. */
	atomic_store_explicit(&caller->token, token, memory_order_release);
	if (UNLIKELY(server->priority < caller->priority))
		thread_inherit(server, caller->priority);
}

/* The current thread has blocked; `to` may run at once on its time unless somebody is better. */
static ALWAYS_INLINE void donate(struct thread *to)
{
	struct hart *hart = arch_hart();
	u64 fast = atomic_load_explicit(&hart->fast, memory_order_relaxed);

	if (LIKELY(to->priority + 1u >= fast) || (fast == FAST_NEVER && !hart->run_queue.best)) {
		sched_switch(to);
	} else {
		sched_block();
		sched_ready(to);
	}
}

/* ------------------------------------------------------------------------------- calling */

static ALWAYS_INLINE s64 call_meet(struct thread *caller, struct client_port *port,
				   struct listener *listener, struct thread *server,
				   bool is_extended)
{
	bool has_handles = is_extended && caller->extended.handle_count;
	struct transfer transfer;
	int error = 0;

	if (has_handles)
		error = transfer_prepare_last(&transfer, caller->process, server->process,
					      &caller->extended, server->accept_handles);
	if (error) {
		server->next = listener->receivers;
		listener->receivers = server;
		spin_unlock(&listener->lock);
		return error;
	}
	/* point of no return */
	call_deliver(caller, server, port->userdata, is_extended, has_handles ? &transfer : NULL);
	spin_unlock(&listener->lock);
	if (has_handles && UNLIKELY(transfer.has_listener))
		transfer_forget(&transfer);
	donate(server);
	return 0;
}

static NOINLINE s64 call_queue(struct thread *caller, struct client_port *port)
{
	struct listener *listener = port->listener;

	if (listener->sender_count >= listener->sender_limit) {
		spin_unlock(&listener->lock);
		return -EAGAIN;
	}
	/* point of no return */
	atomic_fetch_add(&port->clients, 1);
	caller->port = port;
	caller->state = THREAD_SENDING;
	listener_enqueue(listener, &caller->sender, caller->priority);
	LIST_FOR_EACH(node, &listener->servers) {
		struct thread *server = container_of(node, struct thread, listener_link);

		if (atomic_load(&server->caller) && server->priority < caller->priority)
			thread_inherit(server, caller->priority);
	}
	sched_block();
	spin_unlock(&listener->lock);
	return 0;
}

static ALWAYS_INLINE s64 call_send(u64 handle, bool is_extended)
{
	struct thread *caller = arch_hart()->current;
	struct object *object;
	struct listener *listener;
	struct thread *server;
	int error = handle_resolve(caller->process, (s64)handle, TERN_TYPE_PORT, TERN_RIGHT_CALL,
				   &object);

	if (error)
		return error;
	if (thread_take_interrupt(caller))
		return -EINTR;
	listener = port_of(object)->listener;
	spin_lock(&listener->lock);
	if (UNLIKELY(!atomic_load_explicit(&object->callee, memory_order_relaxed))) {
		spin_unlock(&listener->lock);
		return -EPIPE;
	}
	server = listener_pop_receiver(listener);
	return LIKELY(server) ? call_meet(caller, port_of(object), listener, server, is_extended)
			      : call_queue(caller, port_of(object));
}

FRAMELESS s64 sys_call(u64 handle)
{
	return call_send(handle, false);
}

/* Instead of a descriptor's address how many handles the answer may bring, and nothing else. */
static ALWAYS_INLINE bool is_count(u64 descriptor)
{
	return descriptor - 1 < TERN_MESSAGE_HANDLES;
}

FRAMELESS s64 sys_call_ext(u64 handle)
{
	struct thread *caller = arch_hart()->current;
	u64 descriptor = caller->frame.extra[0];
	s64 result = (s64)handle < 0 ? -EBADF : 0;

	if (LIKELY(!result && is_count(descriptor))) {
		caller->extended.handle_count = 0;
		caller->extended.accept_count = (u32)descriptor;
		caller->extended.in_length = caller->extended.out_length = 0;
	} else if (!result) {
		result = message_read(UADDR(descriptor), &caller->extended);
	}
	if (result)
		return message_copy_failed((int)result, TERN_OP_call_ext);
	caller->extended_token = atomic_load_explicit(&caller->token, memory_order_relaxed) + 1;
	result = call_send(handle, true);
	if (UNLIKELY(result < 0))
		caller->extended_token = 0;
	return result;
}

/* ----------------------------------------------------------------------------- receiving */

/* What is left to do when the listener's lock has been given back. */
struct aftermath {
	struct client_port *port; /* a queued call has left it; or NULL */
	struct transfer transfer;
};

/* A queued call. False: its handles could not be transferred, it was answered with the error. */
static bool receive_call(struct listener *listener, struct thread *server, struct sender *sender,
			 struct aftermath *aftermath)
{
	struct thread *caller = container_of(sender, struct thread, sender);
	bool is_extended = has_extension(caller);
	bool has_handles = is_extended && caller->extended.handle_count;
	int error = 0;

	aftermath->port = caller->port;
	if (has_handles)
		error = transfer_prepare_last(&aftermath->transfer, caller->process,
					      server->process, &caller->extended,
					      server->accept_handles);
	if (error) {
		caller_refuse(listener, caller);
		thread_wake(caller, error);
		return false;
	}
	listener_dequeue(listener, sender);
	call_deliver(caller, server, caller->port->userdata, is_extended,
		     has_handles ? &aftermath->transfer : NULL);
	return true;
}

static void receive_port(struct listener *listener, struct thread *server, struct sender *sender)
{
	struct client_port *port = container_of(sender, struct client_port, sender);

	listener_dequeue(listener, sender);
	port_deliver(port, server);
	if (port->no_clients_due)
		listener_enqueue(listener, sender, sender->priority);
}

/* Take what is queued first. False: nothing was delivered. */
static bool receive_first(struct listener *listener, struct thread *server,
			  struct aftermath *aftermath)
{
	struct sender *sender = listener_first_sender(listener);

	switch (sender->kind) {
	case SENDER_CALL:
		return receive_call(listener, server, sender, aftermath);
	case SENDER_PORT:
		receive_port(listener, server, sender);
		return true;
	default:
		listener_dequeue(listener, sender);
		reply_deliver_cancelled(container_of(sender, struct reply, sender), server);
		return true;
	}
}

/* The listener's lock is held and given back: the thread is a receiver and must not be touched. */
static ALWAYS_INLINE void receive_block(struct listener *listener, struct thread *thread)
{
	thread->next = listener->receivers;
	listener->receivers = thread;
	sched_block();
	spin_unlock(&listener->lock);
}

/*
 * Somebody is queued, or the listener is destroyed; its lock is held and given back. 1: a message
 * is in the thread's frame. 0: it waits after all. Negative: an error.
 */
static NOINLINE int receive_queued(struct listener *listener, struct thread *thread)
{
	bool is_delivered = false;

	while (!listener->object.is_dead && listener->ready && !is_delivered) {
		struct aftermath aftermath = { 0 };

		is_delivered = receive_first(listener, thread, &aftermath);
		spin_unlock(&listener->lock);
		transfer_forget(&aftermath.transfer);
		if (aftermath.port)
			port_client_gone(aftermath.port);
		spin_lock(&listener->lock);
	}
	if (!is_delivered && !listener->object.is_dead) {
		receive_block(listener, thread);
		return 0;
	}
	spin_unlock(&listener->lock);
	return is_delivered ? 1 : -EPIPE;
}

static s64 receive_finish(int outcome, const struct thread *thread)
{
	return outcome == 1 ? (s64)thread->frame.result : outcome;
}

FRAMELESS s64 listener_receive(struct listener *listener, struct thread *thread,
			       struct thread *switch_to)
{
	int outcome = 0;

	if (thread_take_interrupt(thread)) {
		outcome = -EINTR;
	} else {
		spin_lock(&listener->lock);
		if (LIKELY(!listener->attention))
			receive_block(listener, thread);
		else
			outcome = receive_queued(listener, thread);
	}
	if (switch_to && !outcome)
		donate(switch_to);
	else if (switch_to)
		sched_ready(switch_to);
	return receive_finish(outcome, thread);
}

static NOINLINE s64 wait_queued(struct listener *listener, struct thread *thread)
{
	return receive_finish(receive_queued(listener, thread), thread);
}

/* Not from the same listener as before, or something else is to be done first. */
static NOINLINE s64 wait_slowly(struct thread *thread, s64 handle)
{
	struct object *object;
	int error = handle_resolve(thread->process, handle, TERN_TYPE_LISTENER, TERN_RIGHT_RECEIVE,
				   &object);

	if (error)
		return error;
	reply_drop_builtin(thread);
	thread_disinherit(thread);
	thread_cache_listener(thread, handle, listener_of(object));
	return listener_receive(listener_of(object), thread, NULL);
}

FRAMELESS s64 sys_wait(u64 handle)
{
	struct thread *thread = arch_hart()->current;
	struct listener *listener = thread->listener;

	if (UNLIKELY(!listener_is_cached(thread, (s64)handle)) ||
	    UNLIKELY(atomic_load_explicit(&thread->caller, memory_order_relaxed)) ||
	    UNLIKELY(atomic_load_explicit(&thread->pending, memory_order_relaxed)))
		return wait_slowly(thread, (s64)handle);
	spin_lock(&listener->lock);
	if (UNLIKELY(listener->attention))
		return wait_queued(listener, thread);
	receive_block(listener, thread);
	return 0;
}
