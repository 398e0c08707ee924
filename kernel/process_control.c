/*
 * Controlling a process from outside: interrupt, stop, continue.
 *
 * A stopped process's threads have PENDING_STOP, which keeps the IPC fast path away from them as every
 * pending bit does. Whoever waits stays where it is and may be woken; a thread that is to run is *held*
 * when its hart looks at what is pending (thread_run_pending): it is on no queue until process_continue
 * or a kill makes it ready.
 *
 *     stop                               another hart
 *                                        fast path reads the priority of a thread: fine
 *     all threads: pending |= STOP
 *     IPI to harts that run one
 *                                        the thread runs
 *
 * so there is a second look after a grace period, as for a kill (kernel/thread.c), and the call is made
 * again until that has come and no hart runs a thread of the process.
 */
#include "kernel/process.h"

#include "kernel/sched.h"
#include "kernel/thread.h"
#include "kernel/user_copy.h"

/* The first that is not being killed, with a reference; NULL. */
static struct thread *first_thread(struct process *process)
{
	struct thread *first = NULL;

	spin_lock(&process->lock);
	LIST_FOR_EACH(node, &process->threads) {
		struct thread *thread = container_of(node, struct thread, process_link);

		if (atomic_load(&thread->pending) & PENDING_KILL)
			continue;
		object_get(&thread->object);
		first = thread;
		break;
	}
	spin_unlock(&process->lock);
	return first;
}

s64 sys_process_interrupt(u64 handle, u64 flags)
{
	struct process *process;
	struct thread *thread;
	int error = process_resolve((s64)handle, TERN_RIGHT_OWNER, &process);

	if (error)
		return error;
	if (flags & ~(u64)TERN_INTERRUPT_UPCALL)
		return -EINVAL;
	thread = first_thread(process);
	if (!thread)
		return -ESRCH;
	error = thread_interrupt(thread, flags);
	object_put(&thread->object);
	return error;
}

/* -------------------------------------------------------------------------------- stopping */

bool process_hold_thread(struct thread *thread)
{
	struct process *process = thread->process;
	bool is_held;

	sched_save_fp();
	spin_lock(&process->lock);
	is_held = process->is_stopped && !(atomic_load(&thread->pending) & PENDING_KILL);
	if (is_held) {
		thread->state = THREAD_HELD;
		sched_block();
	}
	spin_unlock(&process->lock);
	return is_held;
}

/* The process's lock is held. */
static bool unhold(struct thread *thread)
{
	if (thread->state != THREAD_HELD)
		return false;
	thread->state = THREAD_ACTIVE;
	sched_ready(thread);
	return true;
}

bool process_unhold_thread(struct thread *thread)
{
	bool was_held;

	spin_lock(&thread->process->lock);
	was_held = unhold(thread);
	spin_unlock(&thread->process->lock);
	return was_held;
}

/* Does another hart run a thread of it? With `do_poke` it is told to look at that. */
static bool runs_elsewhere(const struct process *process, bool do_poke)
{
	bool is_running = false;

	for (u32 i = 0; i < hart_count; i++) {
		const struct thread *thread = *(struct thread *volatile *)&harts[i].current;

		if (&harts[i] == arch_hart() || !thread || thread->process != process)
			continue;
		is_running = true;
		if (do_poke)
			arch_send_ipi(i);
	}
	return is_running;
}

static void process_settle(struct reclaim_node *node)
{
	struct process *process = container_of(node, struct process, settle);
	bool is_done;

	runs_elsewhere(process, true);
	spin_lock(&process->lock);
	is_done = process->settle_covers == process->stops;
	process->settle_covers = process->stops;
	process->is_settling = !is_done;
	spin_unlock(&process->lock);
	if (is_done)
		object_put(&process->object);
	else
		reclaim_defer(node, process_settle);
}

/* The process's lock is held. */
static void begin_stop(struct process *process)
{
	process->is_stopped = true;
	process->stops++;
	LIST_FOR_EACH(node, &process->threads) {
		struct thread *thread = container_of(node, struct thread, process_link);

		atomic_fetch_or(&thread->pending, PENDING_STOP);
		thread_update_fast_priority(thread);
	}
	if (process->is_settling)
		return;
	process->is_settling = true;
	process->settle_covers = process->stops;
	object_get(&process->object);
	reclaim_defer(&process->settle, process_settle);
}

s64 sys_process_stop(u64 handle)
{
	struct process *process;
	bool is_settling, is_first;
	int error = process_resolve((s64)handle, TERN_RIGHT_OWNER, &process);

	if (error)
		return error;
	spin_lock(&process->lock);
	error = process->is_dead ? -ESRCH : 0;
	is_first = !error && !process->is_stopped;
	if (is_first)
		begin_stop(process);
	is_settling = process->is_settling;
	spin_unlock(&process->lock);
	if (error)
		return error;
	atomic_thread_fence(memory_order_seq_cst);
	is_settling |= runs_elsewhere(process, is_first);
	/* The caller's own stop would begin anew when it has been continued. */
	return is_settling && process != arch_hart()->current->process ? syscall_again() : 0;
}

s64 sys_process_continue(u64 handle)
{
	struct process *process;
	int error = process_resolve((s64)handle, TERN_RIGHT_OWNER, &process);

	if (error)
		return error;
	spin_lock(&process->lock);
	error = process->is_dead ? -ESRCH : 0;
	process->is_stopped = false;
	LIST_FOR_EACH(node, &process->threads) {
		struct thread *thread = container_of(node, struct thread, process_link);

		atomic_fetch_and(&thread->pending, ~PENDING_STOP);
		thread_update_fast_priority(thread);
		unhold(thread);
	}
	spin_unlock(&process->lock);
	return error;
}
