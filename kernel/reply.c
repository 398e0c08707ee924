/*
 * Reply ports: the right to end one call of one caller.
 *
 * Who wins is decided by one compare-and-swap of the caller's token, from the odd value that was
 * received to the next even one: reply (here and on the fast path), drop, interrupt of a parked
 * cancellable call, kill. The token counts up for ever, so a late reply meets another value.
 *
 * The built-in reply port is thread->caller; a parked one is an object with one handle. A parked
 * caller's client_lock is held around a claim and around window copies, so that nobody writes
 * into the memory of a caller that has been let go.
 */
#include "kernel/debug.h"
#include "kernel/ipc.h"
#include "kernel/sched.h"
#include "kernel/syscall.h"
#include "kernel/user_copy.h"
#include "tern/syscall.h"

#define REPLY_RIGHTS (TERN_RIGHT_MOVE | TERN_RIGHT_OWNER | TERN_RIGHT_READ | TERN_RIGHT_WRITE)

/* Claim a caller whose reply may be parked. */
static bool caller_claim_parked(struct thread *caller, u64 token)
{
	bool won;

	spin_lock(&caller->client_lock);
	won = caller_claim(caller, token);
	if (won)
		caller->parked = NULL;
	spin_unlock(&caller->client_lock);
	return won;
}

void reply_drop_builtin(struct thread *server)
{
	struct thread *caller = atomic_load_explicit(&server->caller, memory_order_relaxed);

	if (LIKELY(!caller))
		return;
	caller = atomic_exchange(&server->caller, NULL);
	thread_disinherit(server);
	if (caller_claim(caller, server->caller_token))
		thread_wake(caller, -EPIPE);
}

bool reply_cancel(struct thread *caller)
{
	struct reply *reply = caller->parked;
	struct listener *listener = reply->listener;
	struct thread *receiver;

	if (!listener || !caller_claim(caller, reply->token))
		return false;
	caller->parked = NULL;
	reply->is_cancelled = true;
	spin_lock(&listener->lock);
	receiver = listener->object.is_dead ? NULL : listener_pop_receiver(listener);
	if (receiver)
		reply_deliver_cancelled(reply, receiver);
	else if (!listener->object.is_dead)
		listener_enqueue(listener, &reply->sender, TERN_PRIORITIES - 1);
	spin_unlock(&listener->lock);
	if (receiver)
		sched_ready(receiver);
	return true;
}

void reply_deliver_cancelled(struct reply *reply, struct thread *receiver)
{
	frame_set_result(&receiver->frame, TERN_EVENT_CANCELLED, reply->cookie);
}

void reply_destroy(struct object *object)
{
	struct reply *reply = reply_of(object);
	struct thread *caller = reply->caller;

	if (caller_claim_parked(caller, reply->token))
		thread_wake(caller, -EPIPE);
	if (reply->listener) {
		spin_lock(&reply->listener->lock);
		if (reply->sender.is_queued)
			listener_dequeue(reply->listener, &reply->sender);
		spin_unlock(&reply->listener->lock);
		object_put(&reply->listener->object);
	}
	object_put(&caller->object);
	object_free(object);
}

void reply_kill_object(struct object *object)
{
	struct reply *reply = reply_of(object);

	if (caller_claim_parked(reply->caller, reply->token))
		thread_wake(reply->caller, -EPIPE);
}

int reply_resolve(s64 handle, struct thread **caller, u64 *token)
{
	struct thread *thread = arch_hart()->current;
	struct object *object;
	int error;

	if (handle == TERN_REPLY) {
		*caller = atomic_load(&thread->caller);
		*token = thread->caller_token;
	} else {
		error = handle_resolve(thread->process, handle, TERN_TYPE_REPLY, 0, &object);
		if (error)
			return error;
		*caller = reply_of(object)->caller;
		*token = reply_of(object)->token;
	}
	return *caller && atomic_load(&(*caller)->token) == *token ? 0 : -ESRCH;
}

/* ------------------------------------------------------------------------------ answering */

/* The answer is in the server's frame; `caller` has been claimed and is ours. */
static ALWAYS_INLINE void answer(struct thread *caller, struct thread *server,
				 struct transfer *transfer)
{
	frame_set_message(&caller->frame, &server->frame, 0, 0);
	if (!transfer)
		return;
	caller->frame.result = transfer_commit(transfer, &caller->frame);
	transfer_forget(transfer);
}

/* The handles that an answer carries, prepared for this caller. 0 also when there are none. */
static int answer_prepare(struct transfer *transfer, struct tern_extended *extended,
			  struct thread *caller, u64 token)
{
	struct thread *server = arch_hart()->current;
	u32 accept = caller->extended_token == token ? caller->extended.accept_count : 0;
	int error = message_read(UADDR(server->frame.extra[0]), extended);

	if (error || !extended->handle_count)
		return error;
	return transfer_prepare(transfer, server->process, caller->process, extended, accept);
}

/*
 * Answer the built-in reply port's caller. 0, with *answered set to a caller for whom somebody
 * must call sched_ready; or an error.
 */
static ALWAYS_INLINE int answer_builtin(struct thread *server, bool is_extended,
					struct thread **answered)
{
	struct thread *caller = atomic_load_explicit(&server->caller, memory_order_relaxed);
	struct tern_extended extended;
	struct transfer transfer;
	int error = 0;

	*answered = NULL;
	extended.handle_count = 0;
	if (!caller)
		return 0;
	if (is_extended && caller != &dead_caller)
		error = answer_prepare(&transfer, &extended, caller, server->caller_token);
	if (error)
		return error;
	/* point of no return: the reply port is used up, also by a caller that is gone */
	atomic_store_explicit(&server->caller, NULL, memory_order_relaxed);
	thread_disinherit(server);
	if (UNLIKELY(!caller_claim(caller, server->caller_token))) {
		if (extended.handle_count)
			transfer_abort(&transfer);
		return -ESRCH;
	}
	answer(caller, server, extended.handle_count ? &transfer : NULL);
	*answered = caller;
	return 0;
}

static ALWAYS_INLINE s64 reply_and_wait(struct thread *server, struct listener *listener,
					s64 handle, bool is_extended)
{
	struct thread *answered;
	int error = answer_builtin(server, is_extended, &answered);

	if (UNLIKELY(error))
		return message_copy_failed(error, TERN_OP_reply_wait_ext);
	if (UNLIKELY(!listener_is_cached(server, handle)))
		thread_cache_listener(server, handle, listener);
	return listener_receive(listener, server, answered);
}

/* Not the listener that the thread received from before. */
static NOINLINE s64 reply_and_wait_elsewhere(struct thread *server, s64 handle, bool is_extended)
{
	struct object *object;
	int error = handle_resolve(server->process, handle, TERN_TYPE_LISTENER, TERN_RIGHT_RECEIVE,
				   &object);

	return error ? error : reply_and_wait(server, listener_of(object), handle, is_extended);
}

FRAMELESS s64 sys_reply_wait(u64 handle)
{
	struct thread *server = arch_hart()->current;

	if (LIKELY(listener_is_cached(server, (s64)handle)))
		return reply_and_wait(server, server->listener, (s64)handle, false);
	return reply_and_wait_elsewhere(server, (s64)handle, false);
}

FRAMELESS s64 sys_reply_wait_ext(u64 handle)
{
	struct thread *server = arch_hart()->current;

	if (LIKELY(listener_is_cached(server, (s64)handle)))
		return reply_and_wait(server, server->listener, (s64)handle, true);
	return reply_and_wait_elsewhere(server, (s64)handle, true);
}

/* Through a handle. Taking it out of the table decides between threads that use it at once. */
static s64 answer_parked(struct thread *server, s64 handle, bool is_extended)
{
	struct tern_extended extended;
	struct transfer transfer;
	struct object *object;
	struct reply *reply;
	struct thread *caller;
	int error = handle_resolve(server->process, handle, TERN_TYPE_REPLY, 0, &object);

	if (error)
		return error;
	caller = reply_of(object)->caller;
	extended.handle_count = 0;
	if (is_extended)
		error = answer_prepare(&transfer, &extended, caller, reply_of(object)->token);
	if (error)
		return user_copy_failed(error);
	object = handle_remove(server->process, handle);
	if (!object) {
		if (extended.handle_count)
			transfer_abort(&transfer);
		return -EBADF;
	}
	/* point of no return */
	reply = reply_of(object);
	if (caller_claim_parked(caller, reply->token)) {
		answer(caller, server, extended.handle_count ? &transfer : NULL);
		sched_ready(caller);
	} else {
		error = -ESRCH;
		if (extended.handle_count)
			transfer_abort(&transfer);
	}
	object_put(object);
	return error;
}

static s64 reply_once(s64 handle, bool is_extended)
{
	struct thread *server = arch_hart()->current;
	struct thread *answered;
	int error;

	if (handle != TERN_REPLY)
		return answer_parked(server, handle, is_extended);
	if (!atomic_load(&server->caller))
		return -ESRCH;
	error = answer_builtin(server, is_extended, &answered);
	if (answered)
		sched_ready(answered);
	return user_copy_failed(error);
}

s64 sys_reply(u64 reply)
{
	return reply_once((s64)reply, false);
}

s64 sys_reply_ext(u64 reply)
{
	return reply_once((s64)reply, true);
}

s64 sys_reply_status(u64 reply)
{
	struct thread *caller;
	u64 token;
	int error = reply_resolve((s64)reply, &caller, &token);

	return error ? error : caller->cancel_token == token;
}

/* -------------------------------------------------------------------------------- parking */

/* Takes over a reference to the caller. */
static struct reply *reply_create(struct thread *server, struct thread *caller, u64 cookie,
				  u64 flags)
{
	struct object *object = object_create(server->process->object.account, TERN_TYPE_REPLY);
	struct reply *reply;

	if (!object) {
		object_put(&caller->object);
		return NULL;
	}
	reply = reply_of(object);
	reply->caller = caller;
	reply->token = server->caller_token;
	reply->cookie = cookie;
	reply->sender.kind = SENDER_CANCELLED;
	list_init(&reply->sender.link);
	if (flags & TERN_PARK_CANCELLABLE) {
		reply->listener = server->listener;
		object_get(&reply->listener->object);
	}
	return reply;
}

/* From now on the reply object is what ends the call, unless the caller is gone or cancelled. */
static int caller_park(struct thread *caller, struct reply *reply)
{
	int error = 0;

	spin_lock(&caller->client_lock);
	if (atomic_load(&caller->token) != reply->token)
		error = -ESRCH;
	else if (reply->listener && caller->cancel_token == reply->token)
		error = -ECANCELED;
	else
		caller->parked = reply;
	if (!error)
		caller->server = NULL;
	spin_unlock(&caller->client_lock);
	return error;
}

/* Undo reply_create for a reply that was never parked: the caller is not answered by it. */
static void reply_abandon(struct reply *reply)
{
	reply->token = 0; /* even: no call has it */
	object_put(&reply->object);
}

s64 sys_reply_park(u64 cookie, u64 flags)
{
	struct thread *server = arch_hart()->current;
	struct thread *caller;
	struct reply *reply;
	u64 token;
	int error = reply_resolve(TERN_REPLY, &caller, &token);

	if (error)
		return error;
	if (flags & ~(u64)TERN_PARK_CANCELLABLE)
		return -EINVAL;
	error = handle_reserve(server->process, 1);
	if (error)
		return error;
	reply = object_get_live(&caller->object) ? reply_create(server, caller, cookie, flags)
						 : NULL;
	if (!reply) {
		handle_unreserve(server->process, 1);
		return -ENOMEM;
	}
	error = caller_park(caller, reply);
	if (error) {
		handle_unreserve(server->process, 1);
		reply_abandon(reply);
		return error;
	}
	/* point of no return */
	atomic_store(&server->caller, NULL);
	thread_disinherit(server);
	return handle_insert_reserved(server->process, &reply->object, REPLY_RIGHTS);
}
