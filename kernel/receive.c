/*
 * Calling and receiving on the slow path: the complete semantics, of which the fast path does the
 * common case. docs/ipc.md has the state machine.
 */
#include "kernel/debug.h"
#include "kernel/ipc.h"
#include "kernel/sched.h"
#include "kernel/syscall.h"

static const struct message_handles no_handles;

static const struct message_handles *call_handles(const struct thread *caller, u64 token)
{
	return caller->extended_token == token ? &caller->handles : &no_handles;
}

/* An interrupt that came while the thread ran ends its next blocking call: this one. */
static bool take_interrupt(struct thread *thread)
{
	if (!(atomic_load_explicit(&thread->pending, memory_order_relaxed) & PENDING_INTERRUPT))
		return false;
	atomic_fetch_and(&thread->pending, ~PENDING_INTERRUPT);
	thread_update_fast_priority(thread);
	return true;
}

void call_deliver(struct thread *caller, struct thread *server, u64 userdata,
		  struct transfer *transfer)
{
	u64 token = atomic_load_explicit(&caller->token, memory_order_relaxed) + 1;
	bool has_windows = caller->extended_token == token &&
			   (caller->windows[1] || caller->windows[3]);

	frame_set_message(&server->frame, &caller->frame,
			  TERN_EVENT_CALL | (has_windows ? TERN_EVENT_WINDOWS : 0), userdata);
	if (transfer)
		server->frame.result |= transfer_commit(transfer, &server->frame);
	server->caller_token = token;
	atomic_store_explicit(&server->caller, caller, memory_order_relaxed);
	caller->server = server;
	caller->state = THREAD_ACTIVE;
	/* The caller's frame was saved before; whoever wins the token may resume it. */
	atomic_store_explicit(&caller->token, token, memory_order_release);
	if (server->priority < caller->priority)
		thread_inherit(server, caller->priority);
}

/* The current thread has blocked; `to` may run at once on its time unless somebody is better. */
static void donate(struct thread *to)
{
	struct hart *hart = arch_hart();
	u64 fast = atomic_load_explicit(&hart->fast, memory_order_relaxed);

	if (to->priority + 1u >= fast || (fast == FAST_NEVER && !hart->run_queue.ready)) {
		sched_switch(to);
	} else {
		sched_block();
		sched_ready(to);
	}
}

/* ------------------------------------------------------------------------------- calling */

static s64 call_meet(struct thread *caller, struct client_port *port, struct thread *server)
{
	struct listener *listener = port->listener;
	const struct message_handles *handles = call_handles(caller, caller->token + 1);
	struct transfer transfer;
	int error = 0;

	if (handles->count)
		error = transfer_prepare(&transfer, caller->process, server->process, handles,
					 server->accept_handles);
	if (error) {
		server->next = listener->receivers;
		listener->receivers = server;
		spin_unlock(&listener->lock);
		return error;
	}
	/* point of no return */
	call_deliver(caller, server, port->userdata, handles->count ? &transfer : NULL);
	spin_unlock(&listener->lock);
	donate(server);
	return 0;
}

static s64 call_queue(struct thread *caller, struct client_port *port)
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

static s64 call_send(u64 handle)
{
	struct thread *caller = arch_hart()->current;
	struct object *object;
	struct client_port *port;
	struct listener *listener;
	struct thread *server;
	int error = handle_resolve(caller->process, (s64)handle, TERN_TYPE_PORT, TERN_RIGHT_CALL,
				   &object);

	if (error)
		return error;
	if (take_interrupt(caller))
		return -EINTR;
	port = port_of(object);
	listener = port->listener;
	spin_lock(&listener->lock);
	if (!atomic_load_explicit(&object->callee, memory_order_relaxed)) {
		spin_unlock(&listener->lock);
		return -EPIPE;
	}
	server = listener_pop_receiver(listener);
	return server ? call_meet(caller, port, server) : call_queue(caller, port);
}

s64 sys_call(u64 handle)
{
	return call_send(handle);
}

s64 sys_call_ext(u64 handle)
{
	struct thread *caller = arch_hart()->current;
	struct tern_extended extended;
	s64 result = message_read(UADDR(caller->frame.extra[0]), &extended);

	if (result)
		return result;
	message_keep_handles(&extended, &caller->handles);
	caller->answer_accept = (u8)extended.accept_count;
	caller->windows[0] = extended.in_address;
	caller->windows[1] = extended.in_length;
	caller->windows[2] = extended.out_address;
	caller->windows[3] = extended.out_length;
	caller->extended_token = caller->token + 1;
	result = call_send(handle);
	if (result < 0)
		caller->extended_token = 0;
	return result;
}

/* ----------------------------------------------------------------------------- receiving */

/* A queued call. False: its handles could not be transferred, it was answered with the error. */
static bool receive_call(struct listener *listener, struct thread *server, struct sender *sender)
{
	struct thread *caller = container_of(sender, struct thread, sender);
	const struct message_handles *handles = call_handles(caller, caller->token + 1);
	struct transfer transfer;
	int error = 0;

	if (handles->count)
		error = transfer_prepare(&transfer, caller->process, server->process, handles,
					 server->accept_handles);
	if (error) {
		caller_refuse(listener, caller);
		thread_wake(caller, error);
		return false;
	}
	listener_dequeue(listener, sender);
	call_deliver(caller, server, caller->port->userdata, handles->count ? &transfer : NULL);
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

/*
 * Take what is queued first. *port is set when a queued call has left it, which is for the
 * caller to report after unlocking. False: nothing was delivered.
 */
static bool receive_first(struct listener *listener, struct thread *server,
			  struct client_port **port)
{
	struct sender *sender = listener_first_sender(listener);

	switch (sender->kind) {
	case SENDER_CALL:
		*port = container_of(sender, struct thread, sender)->port;
		return receive_call(listener, server, sender);
	case SENDER_PORT:
		receive_port(listener, server, sender);
		return true;
	default:
		listener_dequeue(listener, sender);
		reply_deliver_cancelled(container_of(sender, struct reply, sender), server);
		return true;
	}
}

/* 1: a message is in the thread's frame. 0: it waits. Negative: an error. */
static int receive_or_wait(struct listener *listener, struct thread *thread)
{
	for (;;) {
		struct client_port *port = NULL;
		bool is_delivered = false;

		spin_lock(&listener->lock);
		if (listener->object.is_dead) {
			spin_unlock(&listener->lock);
			return -EPIPE;
		}
		if (!listener->ready) {
			thread->next = listener->receivers;
			listener->receivers = thread;
			arch_hart()->current = NULL;
			spin_unlock(&listener->lock);
			return 0;
		}
		is_delivered = receive_first(listener, thread, &port);
		spin_unlock(&listener->lock);
		if (port)
			port_client_gone(port);
		if (is_delivered)
			return 1;
	}
}

s64 listener_receive(struct listener *listener, struct thread *thread, struct thread *switch_to)
{
	int outcome = take_interrupt(thread) ? -EINTR : receive_or_wait(listener, thread);

	if (switch_to && outcome == 0)
		donate(switch_to);
	else if (switch_to)
		sched_ready(switch_to);
	return outcome == 1 ? (s64)thread->frame.result : outcome;
}

s64 sys_wait(u64 handle)
{
	struct thread *thread = arch_hart()->current;
	struct object *object;
	int error = handle_resolve(thread->process, (s64)handle, TERN_TYPE_LISTENER,
				   TERN_RIGHT_RECEIVE, &object);

	if (error)
		return error;
	reply_drop_builtin(thread);
	thread_disinherit(thread);
	thread_cache_listener(thread, (s64)handle, listener_of(object));
	return listener_receive(listener_of(object), thread, NULL);
}
