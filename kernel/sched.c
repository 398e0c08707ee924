/*
 * The scheduler. A thread is in exactly one of these places: current of a hart, on a run queue
 * (is_queued), on a wait queue, or nowhere while somebody who took it off one is about to call
 * sched_ready. Remote harts add to a run queue under its lock; only the hart itself takes off it
 * to run, so `current` needs no lock.
 *
 * What the IPC fast path must notice is folded into hart->fast (best ready priority, or NEVER
 * while there is attention) and thread->fast_priority; both are recomputed here.
 */
#include "kernel/sched.h"

#include "arch/page_table.h"
#include "kernel/bits.h"
#include "kernel/debug.h"

struct hart harts[MAX_HARTS];
u32 hart_count;

static void slice_expire(struct deadline *deadline)
{
	(void)deadline;
	if (arch_hart()->current)
		sched_requeue(false);
}

void sched_init(struct hart *hart)
{
	spin_init(&hart->run_queue.lock, LOCK_RANK_RUN_QUEUE);
	for (u32 i = 0; i < TERN_PRIORITIES; i++)
		list_init(&hart->run_queue.queues[i]);
	timer_queue_init(&hart->timers);
	hart->slice.expire = slice_expire;
	hart->satp_offset = offsetof(struct process, satp) + hart->index * sizeof(u64);
	atomic_store(&hart->fast, 1);
}

/* Priority + 1 of the best ready thread, 0: none. */
static u32 best_ready(const struct hart *hart)
{
	return hart->run_queue.best;
}

void hart_update_fast(struct hart *hart)
{
	u32 best = best_ready(hart);

	if (atomic_load_explicit(&hart->attention, memory_order_relaxed))
		best = FAST_NEVER;
	atomic_store_explicit(&hart->fast, best ? best : 1, memory_order_relaxed);
}

/* Queues have become empty. The run queue's lock is held. */
static void update_best(struct hart *hart)
{
	hart->run_queue.best = hart->run_queue.ready ? bit_highest(hart->run_queue.ready) + 1 : 0;
}

/* Attention may be set from any hart: recomputed under the queue's lock, no update is lost. */
void hart_set_attention(struct hart *hart, u32 bits)
{
	spin_lock(&hart->run_queue.lock);
	atomic_fetch_or(&hart->attention, bits);
	hart_update_fast(hart);
	spin_unlock(&hart->run_queue.lock);
}

void hart_clear_attention_of(struct hart *hart, u32 bits)
{
	spin_lock(&hart->run_queue.lock);
	atomic_fetch_and(&hart->attention, ~bits);
	hart_update_fast(hart);
	spin_unlock(&hart->run_queue.lock);
}

void hart_clear_attention(u32 bits)
{
	hart_clear_attention_of(arch_hart(), bits);
}

/* The run queue's lock is held. */
static void queue_insert(struct hart *hart, struct thread *thread, bool at_head)
{
	/* Read once: a kill or an inheritance on another hart may raise it meanwhile. */
	u8 priority = *(volatile u8 *)&thread->priority;
	struct list *queue = &hart->run_queue.queues[priority];

	ASSERT(!thread->is_queued);
	if (at_head)
		list_prepend(queue, &thread->queue_link);
	else
		list_append(queue, &thread->queue_link);
	thread->is_queued = true;
	thread->hart = (u8)hart->index;
	hart->run_queue.ready |= 1ul << priority;
	if (priority + 1u > hart->run_queue.best)
		hart->run_queue.best = priority + 1u;
	hart_update_fast(hart);
}

static void queue_remove(struct hart *hart, struct thread *thread, u8 priority)
{
	list_remove(&thread->queue_link);
	thread->is_queued = false;
	if (list_is_empty(&hart->run_queue.queues[priority])) {
		hart->run_queue.ready &= ~(1ul << priority);
		update_best(hart);
	}
	hart_update_fast(hart);
}

/* How much a hart would lose by running something else: an idle one nothing. */
static u32 hart_load(const struct hart *hart)
{
	const struct thread *current = hart->current;
	u32 running = current ? current->priority + 1u : 0;

	return (u32)max_u64(running, best_ready(hart));
}

static struct hart *choose_hart(const struct thread *thread)
{
	struct hart *last = &harts[thread->hart];

	if (hart_load(last) <= thread->priority)
		return last;
	for (u32 i = 0; i < hart_count; i++)
		if (atomic_load_explicit(&harts[i].is_idle, memory_order_relaxed) &&
		    !best_ready(&harts[i]))
			return &harts[i];
	return last;
}

void sched_ready(struct thread *thread)
{
	struct hart *hart = choose_hart(thread);

	spin_lock(&hart->run_queue.lock);
	queue_insert(hart, thread, false);
	spin_unlock(&hart->run_queue.lock);
	if (hart != arch_hart())
		arch_send_ipi((u32)hart->index);
	else if (!hart->slice.queue)
		deadline_arm(&hart->slice, arch_time() + TIME_SLICE_NS);
}

/* Floating-point registers leave with the thread that dirtied them. (System calls that may block
 * have stored them at entry, before anybody else could wake the thread: trap.S.) */
static void leave_current(struct hart *hart)
{
	struct thread *thread = hart->current;

	if (arch_fp_is_dirty()) {
		arch_fp_save(&thread->fp);
		arch_fp_off();
	}
	hart->current = NULL;
}

void sched_switch(struct thread *to)
{
	arch_hart()->current = to;
	space_activate(to->process);
}

void sched_requeue(bool at_head)
{
	struct hart *hart = arch_hart();
	struct thread *thread = hart->current;

	leave_current(hart);
	spin_lock(&hart->run_queue.lock);
	queue_insert(hart, thread, at_head);
	spin_unlock(&hart->run_queue.lock);
}

void sched_block(void)
{
	arch_hart()->current = NULL;
}

void sched_priority_changed(struct thread *thread)
{
	struct hart *hart = &harts[thread->hart];
	bool is_moved = false;

	thread_update_fast_priority(thread);
	spin_lock(&hart->run_queue.lock);
	if (thread->is_queued && thread->hart == hart->index) {
		is_moved = true;
		/* Which queue it is on is not known from its priority any more: look at all bits. */
		list_remove(&thread->queue_link);
		thread->is_queued = false;
		for (u64 bits = hart->run_queue.ready; bits; bits &= bits - 1) {
			u32 priority = bit_lowest(bits);

			if (list_is_empty(&hart->run_queue.queues[priority]))
				hart->run_queue.ready &= ~(1ul << priority);
		}
		update_best(hart);
		queue_insert(hart, thread, false);
	}
	spin_unlock(&hart->run_queue.lock);
	/* It may be better now than what the other hart runs. */
	if (is_moved && hart != arch_hart())
		arch_send_ipi((u32)hart->index);
	sched_poke(thread);
}

static struct thread *pick_next(struct hart *hart)
{
	struct thread *thread = NULL;

	if (!hart->run_queue.ready)
		return NULL;
	spin_lock(&hart->run_queue.lock);
	if (hart->run_queue.ready) {
		u32 priority = best_ready(hart) - 1;
		struct list *first = list_first(&hart->run_queue.queues[priority]);

		thread = container_of(first, struct thread, queue_link);
		queue_remove(hart, thread, (u8)priority);
	}
	spin_unlock(&hart->run_queue.lock);
	return thread;
}

/* Nothing to run. is_idle is visible before the queue is looked at again, and whoever adds to the
 * queue looks at is_idle or sends an IPI afterwards: so no wake-up is lost. */
static void idle(struct hart *hart)
{
	space_activate_kernel();
	if (hart->slice.queue)
		deadline_cancel(&hart->slice);
	atomic_store(&hart->is_idle, true);
	/* Deferred work is soon ripe: the other harts have been asked to pass the kernel. */
	if (!best_ready(hart) && !(atomic_load(&hart->attention) & ATTENTION_RECLAIM))
		arch_wait_for_interrupt();
	atomic_store(&hart->is_idle, false);
	arch_handle_interrupts();
}

/* Does the current thread go on? If not, current is NULL afterwards. */
static bool current_goes_on(struct hart *hart)
{
	struct thread *thread = hart->current;

	if (best_ready(hart) > thread->priority + 1u) {
		sched_requeue(true);
		return false;
	}
	return !atomic_load_explicit(&thread->pending, memory_order_relaxed) ||
	       thread_run_pending(thread);
}

void sched_exit(void)
{
	struct hart *hart = arch_hart();

	ASSERT(hart->held_count == 0);
	atomic_fetch_add(&hart->quiescent, 1);
	for (;;) {
		if (atomic_load(&hart->attention) & ATTENTION_RECLAIM)
			reclaim_poll();
		if (!hart->current)
			hart->current = pick_next(hart);
		if (!hart->current)
			idle(hart);
		else if (current_goes_on(hart))
			break;
		atomic_fetch_add(&hart->quiescent, 1);
	}
	if (hart->run_queue.ready && !hart->slice.queue)
		deadline_arm(&hart->slice, arch_time() + TIME_SLICE_NS);
	hart->current->hart = (u8)hart->index;
	space_activate(hart->current->process);
}

/*
 * Whoever runs the thread must leave user mode and look at it. The fast path changes `current`
 * without a lock, so this may miss it, or hit a hart that has just left it: callers who must not
 * miss look again after a grace period.
 */
void sched_poke(struct thread *thread)
{
	for (u32 i = 0; i < hart_count; i++)
		if (&harts[i] != arch_hart() && harts[i].current == thread)
			arch_send_ipi(i);
}

/* The interrupt alone does it: the exit from it looks at everything. */
void hart_ipi(void)
{
}

void hart_main(void)
{
	struct hart *hart = arch_hart();

	atomic_store(&hart->is_online, true);
	trap_return();
}

s64 sys_thread_yield(void)
{
	arch_hart()->current->frame.result = 0;
	sched_requeue(false);
	return 0;
}
