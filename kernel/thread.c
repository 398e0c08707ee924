/*
 * Threads: birth, death, and being stopped from outside.
 *
 * Interrupting and killing. The requester sets bits in thread->pending (which makes both fast
 * priorities refuse) and then looks where the thread is: on a queue it is taken off under that
 * queue's lock; awaiting a reply, whoever wins its token decides; running or ready, it will look
 * at `pending` itself. The fast path of another hart may have read the old priorities just before
 * and block the thread just after the look:
 *
 *     requester                          fast path on another hart
 *                                        reads call_priority: fine
 *     pending |= KILL
 *     looks: not queued, token even
 *                                        token becomes odd, server runs
 *
 * so the requester has a second look (`settle`) after a grace period, when every fast path that
 * was under way has ended; the ones that begin later see the new priorities.
 */
#include "kernel/thread.h"

#include "kernel/account.h"
#include "kernel/debug.h"
#include "kernel/fork.h"
#include "kernel/futex.h"
#include "kernel/ipc.h"
#include "kernel/region_pager.h"
#include "kernel/restart.h"
#include "kernel/sched.h"
#include "kernel/stream.h"
#include "kernel/user_copy.h"
#include "tern/process.h"
#include "tern/syscall.h"

#define INHERIT_DEPTH 8

/* Its process is active on no hart, so the fast path leaves replies to it alone. */
static struct process no_process;
struct thread dead_caller = { .process = &no_process };

void thread_update_fast_priority(struct thread *thread)
{
	u32 pending;

	/* Again if another hart changed `pending` meanwhile: the last store must be the right one. */
	do {
		u16 priority = thread->priority + 1;

		pending = atomic_load(&thread->pending);
		atomic_store(&thread->fast_priority, pending ? 0 : priority);
		atomic_store(&thread->call_priority, pending ? 0xffff : priority);
	} while (pending != atomic_load(&thread->pending));
}

NOINLINE bool thread_clear_interrupt(struct thread *thread)
{
	atomic_fetch_and(&thread->pending, ~PENDING_INTERRUPT);
	thread_update_fast_priority(thread);
	return true;
}

struct thread *thread_create(struct process *process, u8 priority)
{
	struct object *object = object_create(process->object.account, TERN_TYPE_THREAD);
	struct thread *thread;

	if (!object)
		return NULL;
	thread = thread_of(object);
	thread->process = process;
	thread->priority = thread->base_priority = priority;
	atomic_store(&thread->fast_listener, &no_listener);
	thread->sender.kind = SENDER_CALL;
	spin_init(&thread->client_lock, LOCK_RANK_CLIENT);
	list_init(&thread->queue_link);
	list_init(&thread->process_link);
	list_init(&thread->listener_link);
	list_init(&thread->sender.link);
	thread->hart = arch_hart();
	thread_update_fast_priority(thread);
	object_get(&process->object);
	return thread;
}

/* Puts the thread into its process, from where a process_kill can reach it. */
static int thread_enter_process(struct thread *thread)
{
	struct process *process = thread->process;
	int error = 0;

	spin_lock(&process->lock);
	if (process->is_dead) {
		error = -ESRCH;
	} else {
		object_get(&thread->object);
		list_append(&process->threads, &thread->process_link);
		process->thread_count++;
		if (process->is_stopped) {
			atomic_store(&thread->pending, PENDING_STOP);
			thread_update_fast_priority(thread);
		}
	}
	spin_unlock(&process->lock);
	return error;
}

int thread_start(struct thread *thread)
{
	int error = thread_enter_process(thread);

	if (!error)
		sched_ready(thread);
	return error;
}

void thread_wake(struct thread *thread, s64 result)
{
	frame_set_result(&thread->frame, (u64)result, 0);
	sched_ready(thread);
}

/* ------------------------------------------------------------------------------ stopping */

static bool cancel_receive(struct thread *thread)
{
	struct listener *listener = thread->listener;
	bool removed;

	if (!listener)
		return false;
	spin_lock(&listener->lock);
	removed = thread->listener == listener && listener_remove_receiver(listener, thread);
	spin_unlock(&listener->lock);
	return removed;
}

static bool cancel_send(struct thread *thread)
{
	struct client_port *port = thread->port;
	bool removed = false;

	if (thread->state != THREAD_SENDING || !port)
		return false;
	spin_lock(&port->listener->lock);
	if (thread->state == THREAD_SENDING && thread->port == port && thread->sender.is_queued) {
		caller_refuse(port->listener, thread);
		removed = true;
	}
	spin_unlock(&port->listener->lock);
	if (removed)
		port_client_gone(port);
	return removed;
}

/* A caller whose message was received: killed, or interrupted if its reply is cancellable. */
static bool cancel_call(struct thread *thread, bool is_kill)
{
	u64 token = atomic_load(&thread->token);
	bool won = false;

	if (!(token & 1))
		return false;
	spin_lock(&thread->client_lock);
	if (is_kill)
		won = caller_claim(thread, token);
	else if (thread->parked)
		won = reply_cancel(thread);
	if (won && is_kill)
		thread->parked = NULL;
	if (won && is_kill && thread->server) {
		struct thread *expected = thread;

		atomic_compare_exchange_strong(&thread->server->caller, &expected, &dead_caller);
	}
	if (!won && !is_kill && atomic_load(&thread->token) == token) {
		thread->cancel_token = token;
		/* An upcall it is to take in any case, and a fast reply under way does not see it: look again. */
		if (!(atomic_load(&thread->pending) & PENDING_UPCALL))
			thread_clear_interrupt(thread);
	}
	spin_unlock(&thread->client_lock);
	return won;
}

/* It waits for a page: a system call ends; an instruction is tried again after what is pending. */
static bool cancel_page_wait(struct thread *thread, u32 pending)
{
	s64 operation = (s64)thread->frame.operation;
	/* Nobody comes back from these two: who waits for the end would wait for ever. */
	bool is_call = thread->wait.is_call && operation != TERN_OP_thread_exit &&
		       operation != TERN_OP_thread_resume;

	if (!is_call && !(pending & (PENDING_KILL | PENDING_UPCALL)))
		return true;
	if (!memobj_cancel(thread))
		return false;
	if (is_call) {
		atomic_fetch_and(&thread->pending, ~PENDING_INTERRUPT);
		call_cancelled(thread);
	}
	thread_update_fast_priority(thread);
	sched_ready(thread);
	return true;
}

/* Act on `pending` if the thread is blocked. False: it was not, as far as can be seen now. */
static bool thread_look(struct thread *thread)
{
	u32 pending = atomic_load(&thread->pending);
	bool is_kill = pending & PENDING_KILL;

	if (!(pending & (PENDING_KILL | PENDING_INTERRUPT)) || thread->state == THREAD_DEAD)
		return true;
	if ((is_kill && pending & PENDING_STOP && process_unhold_thread(thread)) ||
	    region_pager_cancel(thread))
		return true;
	if (thread->state == THREAD_PAGE || thread->state == THREAD_MEMORY)
		return cancel_page_wait(thread, pending);
	if (cancel_receive(thread) || cancel_send(thread) || futex_cancel(thread) ||
	    cancel_call(thread, is_kill)) {
		thread_clear_interrupt(thread);
		thread_wake(thread, -EINTR);
		return true;
	}
	return !(atomic_load(&thread->pending) & (PENDING_KILL | PENDING_INTERRUPT));
}

/*
 * The second look. A request that came after this grace period began needs one of its own: what it
 * may have missed began later than what this one has waited for.
 */
static void thread_settle(struct reclaim_node *node)
{
	struct thread *thread = container_of(node, struct thread, settle);
	u32 covered = thread->settle_covers;

	thread_look(thread);
	sched_poke(thread);
	if (atomic_compare_exchange_strong(&thread->settle_wanted, &covered, 0)) {
		object_put(&thread->object);
		return;
	}
	thread->settle_covers = covered;
	reclaim_defer(node, thread_settle);
}

static void thread_request(struct thread *thread, u32 pending)
{
	atomic_fetch_or(&thread->pending, pending);
	thread_update_fast_priority(thread);
	atomic_store(&thread->fast_listener, &no_listener);
	atomic_thread_fence(memory_order_seq_cst);
	if (thread_look(thread))
		return;
	sched_poke(thread);
	if (atomic_fetch_add(&thread->settle_wanted, 1) == 0) {
		thread->settle_covers = 1;
		object_get(&thread->object);
		reclaim_defer(&thread->settle, thread_settle);
	}
}

void thread_kill(struct thread *thread)
{
	const struct thread *killer = arch_hart()->current;

	if (thread->state == THREAD_DEAD)
		return;
	/* A ready thread dies when it is chosen: as soon as its killer would be, whatever it was worth;
	 * but thousands of them must not hold up what is more important than their killer. */
	if (killer && killer->priority > thread->priority)
		thread->base_priority = thread->priority = killer->priority;
	thread_request(thread, PENDING_KILL);
	if (thread->is_queued)
		sched_priority_changed(thread);
}

int thread_interrupt(struct thread *thread, u64 flags)
{
	if (flags & ~(u64)TERN_INTERRUPT_UPCALL)
		return -EINVAL;
	if (thread->state == THREAD_DEAD)
		return -ESRCH;
	if (flags && !thread->upcall_entry)
		return -EINVAL;
	thread_request(thread, PENDING_INTERRUPT | (flags ? PENDING_UPCALL : 0));
	return 0;
}

void thread_die(struct thread *thread)
{
	struct process *process = thread->process;

	arch_fp_off();
	thread->state = THREAD_DEAD;
	sched_block();
	reply_drop_builtin(thread);
	fork_abandon(thread);
	io_release(thread);
	thread_cache_listener(thread, 0, NULL);
	spin_lock(&process->lock);
	list_remove(&thread->process_link);
	watcher_tell(process, &thread->watcher);
	process_thread_gone(process);
	object_put(&thread->object);
}

bool thread_run_pending(struct thread *thread)
{
	u32 pending = atomic_load(&thread->pending);

	if (pending & PENDING_KILL) {
		thread_die(thread);
		return false;
	}
	if (pending & PENDING_STOP && process_hold_thread(thread))
		return false;
	if (pending & PENDING_UPCALL && !thread->in_upcall) {
		atomic_fetch_and(&thread->pending, ~(PENDING_UPCALL | PENDING_INTERRUPT));
		thread_update_fast_priority(thread);
		thread_upcall(thread, TERN_UPCALL_INTERRUPT, 0, 0);
		pending = atomic_load(&thread->pending);
		return arch_hart()->current == thread && !(pending & PENDING_KILL) &&
		       (thread->in_upcall || !(pending & PENDING_UPCALL));
	}
	return true;
}

void thread_destroy(struct object *object)
{
	struct thread *thread = thread_of(object);

	ASSERT(thread->state == THREAD_DEAD || list_is_empty(&thread->process_link));
	if (thread->watcher)
		object_put(thread->watcher);
	object_put(&thread->process->object);
	object_free(object);
}

void thread_kill_object(struct object *object)
{
	thread_kill(thread_of(object));
}

/* ------------------------------------------------------------------- cached listener, priority */

static void thread_leave_listener(struct thread *thread)
{
	struct listener *listener = thread->listener;

	spin_lock(&listener->lock);
	thread->listener = NULL;
	list_remove(&thread->listener_link);
	spin_unlock(&listener->lock);
	object_put(&listener->object);
}

static void thread_join_listener(struct thread *thread, struct listener *listener)
{
	object_get(&listener->object);
	spin_lock(&listener->lock);
	thread->listener = listener;
	list_append(&listener->servers, &thread->listener_link);
	spin_unlock(&listener->lock);
}

void thread_cache_listener(struct thread *thread, s64 handle, struct listener *listener)
{
	bool is_fast = listener && !thread->is_boosted && !atomic_load(&thread->pending);

	if (listener != thread->listener) {
		atomic_store(&thread->fast_listener, &no_listener);
		if (thread->listener)
			thread_leave_listener(thread);
		if (listener)
			thread_join_listener(thread, listener);
	}
	thread->listener_handle = handle;
	atomic_store(&thread->fast_listener, is_fast ? listener : &no_listener);
	/* Closed or moved since it was resolved? Whoever does it now sees listener_handle. */
	atomic_thread_fence(memory_order_seq_cst);
	if (is_fast && !handle_lookup(thread->process, handle))
		atomic_store(&thread->fast_listener, &no_listener);
}

void thread_forget_listener_handle(struct process *process, s64 handle)
{
	struct thread *self = arch_hart()->current;

	atomic_thread_fence(memory_order_seq_cst); /* with thread_cache_listener's */
	/* The reference that another thread's cache holds stays until it receives elsewhere. */
	if (self->process == process && self->listener_handle == handle && self->listener)
		thread_cache_listener(self, 0, NULL);
	spin_lock(&process->lock);
	LIST_FOR_EACH(node, &process->threads) {
		struct thread *thread = container_of(node, struct thread, process_link);

		if (thread->listener_handle == handle)
			atomic_store(&thread->fast_listener, &no_listener);
	}
	spin_unlock(&process->lock);
}

void thread_inherit(struct thread *thread, u8 priority)
{
	for (u32 depth = 0; thread && depth < INHERIT_DEPTH; depth++) {
		if (thread->priority >= priority)
			return;
		thread->priority = priority;
		thread->is_boosted = true;
		atomic_store(&thread->fast_listener, &no_listener);
		sched_priority_changed(thread);
		thread = atomic_load(&thread->token) & 1 ? thread->server : NULL;
	}
}

void thread_drop_boost(struct thread *thread)
{
	thread->is_boosted = false;
	thread->priority = thread->base_priority;
	thread_update_fast_priority(thread);
}
