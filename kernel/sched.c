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
#include "kernel/pressure.h"
#include "kernel/process_info.h"

#define RECLAIM_LOOK_NS 100000 /* from one look to the next */

struct hart harts[MAX_HARTS];
u32 hart_count;
_Atomic u64 idle_harts;

/*
 * While a thread runs there is a slice that will end, even without a rival: a message may have brought
 * the thread into another's. A server goes on, on the time of its caller.
 */
static void slice_expire(struct deadline *deadline)
{
	struct hart *hart = arch_hart();

	reclaim_begin();
	if (!hart->current)
		return;
	deadline_arm(deadline, arch_time() + TIME_SLICE_NS);
	spin_lock(&hart->run_queue.lock);
	cpu_time_settle(hart);
	spin_unlock(&hart->run_queue.lock);
	if (hart->run_queue.best > hart->current->priority)
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

void hart_update_fast(struct hart *hart)
{
	u64 best = hart->run_queue.best;

	if (UNLIKELY(atomic_load_explicit(&hart->attention, memory_order_relaxed)))
		best = FAST_NEVER;
	atomic_store_explicit(&hart->fast, best ? best : 1, memory_order_relaxed);
}

/* Attention may be set from any hart: recomputed under the queue's lock, no update is lost. */
void hart_set_attention(struct hart *hart, u32 bits)
{
	spin_lock(&hart->run_queue.lock);
	atomic_fetch_or(&hart->attention, bits);
	hart_update_fast(hart);
	spin_unlock(&hart->run_queue.lock);
}

void hart_clear_attention(u32 bits)
{
	struct hart *hart = arch_hart();

	spin_lock(&hart->run_queue.lock);
	atomic_fetch_and(&hart->attention, ~bits);
	hart_update_fast(hart);
	spin_unlock(&hart->run_queue.lock);
}

/*
 * The run queue; its lock is held. The thread that will run next is not on a list, so that the
 * common case, one thread wakes another and blocks, touches none.
 */
static NOINLINE void queue_push(struct hart *hart, struct thread *thread, u64 priority,
				bool at_head)
{
	struct list *queue = &hart->run_queue.queues[priority];

	if (at_head)
		list_prepend(queue, &thread->queue_link);
	else
		list_append(queue, &thread->queue_link);
	hart->run_queue.ready |= 1ul << priority;
}

/* The next thread was taken: the first of the best queue follows it. */
static NOINLINE void queue_advance(struct hart *hart)
{
	u32 priority = bit_highest(hart->run_queue.ready);
	struct list *queue = &hart->run_queue.queues[priority];
	struct list *first = queue->next;

	list_remove(first);
	hart->run_queue.next = container_of(first, struct thread, queue_link);
	hart->run_queue.best = priority + 1ul;
	if (list_is_empty(queue))
		hart->run_queue.ready ^= 1ul << priority;
}

static ALWAYS_INLINE void queue_take_next(struct hart *hart, bool has_list)
{
	hart->run_queue.next->is_queued = false;
	hart->run_queue.next = NULL;
	hart->run_queue.best = 0;
	if (has_list)
		queue_advance(hart);
	hart_update_fast(hart);
}

static ALWAYS_INLINE void queue_set_next(struct hart *hart, struct thread *thread, u64 priority)
{
	ASSERT(!thread->is_queued);
	thread->is_queued = true;
	thread->hart = hart;
	hart->run_queue.next = thread;
	hart->run_queue.best = priority + 1;
	hart_update_fast(hart);
}

static void queue_insert(struct hart *hart, struct thread *thread, bool at_head)
{
	/* Read once: a kill or an inheritance on another hart may raise it meanwhile. */
	u64 priority = *(volatile u8 *)&thread->priority;
	u64 best = hart->run_queue.best;

	if (best > priority + at_head) {
		ASSERT(!thread->is_queued);
		thread->is_queued = true;
		thread->hart = hart;
		queue_push(hart, thread, priority, at_head);
		return;
	}
	if (best)
		queue_push(hart, hart->run_queue.next, best - 1, true);
	queue_set_next(hart, thread, priority);
}

static void queue_remove(struct hart *hart, struct thread *thread)
{
	if (hart->run_queue.next == thread) {
		queue_take_next(hart, hart->run_queue.ready);
		return;
	}
	/* Which queue it is on is not known from its priority any more: look at all bits. */
	list_remove(&thread->queue_link);
	thread->is_queued = false;
	for (u64 bits = hart->run_queue.ready; bits; bits &= bits - 1) {
		u32 priority = bit_lowest(bits);

		if (list_is_empty(&hart->run_queue.queues[priority]))
			hart->run_queue.ready &= ~(1ul << priority);
	}
}

/* Would the thread have to wait on this hart? */
static bool is_busy_for(const struct hart *hart, const struct thread *thread)
{
	const struct thread *current = hart->current;

	return hart->run_queue.best > thread->priority ||
	       (current && current->priority >= thread->priority);
}

/* A hart takes its idle bit back before it takes a thread: looked at after the queue, it hides none. */
u64 sched_busy_harts(void)
{
	u64 count = 0;

	for (u32 i = 0; i < hart_count; i++)
		count += harts[i].run_queue.best ||
			 (&harts[i] != arch_hart() && !(atomic_load(&idle_harts) & 1ul << i));
	return count;
}

static struct hart *choose_hart(const struct thread *thread)
{
	struct hart *last = thread->hart;
	u64 idle = atomic_load_explicit(&idle_harts, memory_order_relaxed);

	if (LIKELY(!idle) || !is_busy_for(last, thread))
		return last;
	for (; idle; idle &= idle - 1)
		if (!harts[bit_lowest(idle)].run_queue.best)
			return &harts[bit_lowest(idle)];
	return last;
}

/* On any hart, behind any other thread. */
static NOINLINE void ready_anywhere(struct thread *thread)
{
	struct hart *hart = choose_hart(thread);

	spin_lock(&hart->run_queue.lock);
	queue_insert(hart, thread, false);
	spin_unlock(&hart->run_queue.lock);
	if (hart != arch_hart())
		arch_send_ipi((u32)hart->index);
}

/* The common case without a call, which would cost it more than it does: nobody else is ready
 * here, where it ran last. */
FRAMELESS void sched_ready(struct thread *thread)
{
	struct hart *hart = arch_hart();

	if (UNLIKELY(thread->hart != hart ||
		     atomic_load_explicit(&idle_harts, memory_order_relaxed))) {
		ready_anywhere(thread);
		return;
	}
	spin_lock(&hart->run_queue.lock);
	if (UNLIKELY(hart->run_queue.best)) {
		spin_unlock(&hart->run_queue.lock);
		ready_anywhere(thread);
		return;
	}
	queue_set_next(hart, thread, *(volatile u8 *)&thread->priority);
	spin_unlock(&hart->run_queue.lock);
}

/* Floating-point registers leave with the thread that dirtied them. (System calls that may block
 * have stored them at entry, before anybody else could wake the thread: trap.S.) */
void sched_save_fp(void)
{
	if (!arch_fp_is_dirty())
		return;
	arch_fp_save(&arch_hart()->current->fp);
	arch_fp_off();
}

static void leave_current(struct hart *hart)
{
	sched_save_fp();
	hart->current = NULL;
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
	struct hart *hart = thread->hart;
	bool is_moved = false;

	thread_update_fast_priority(thread);
	spin_lock(&hart->run_queue.lock);
	if (thread->is_queued && thread->hart == hart) {
		is_moved = true;
		queue_remove(hart, thread);
		queue_insert(hart, thread, false);
	}
	spin_unlock(&hart->run_queue.lock);
	/* It may be better now than what the other hart runs. */
	if (is_moved && hart != arch_hart())
		arch_send_ipi((u32)hart->index);
	sched_poke(thread);
}

/* The run queue's lock is held. */
static ALWAYS_INLINE void begin_slice(struct hart *hart, const struct thread *thread)
{
	if (hart->run_queue.owner != thread->process)
		cpu_time_charge(hart, thread->process);
}

/* NULL: none is ready, or there is a list to be looked at for `only`. */
static ALWAYS_INLINE struct thread *pick_next(struct hart *hart, bool only)
{
	struct thread *next;

	spin_lock(&hart->run_queue.lock);
	next = only && hart->run_queue.ready ? NULL : hart->run_queue.next;
	if (LIKELY(next)) {
		queue_take_next(hart, !only && hart->run_queue.ready);
		begin_slice(hart, next);
	}
	spin_unlock(&hart->run_queue.lock);
	return next;
}

/*
 * Deferred work waits for the other harts, who have been asked to pass the kernel and soon will have.
 * One that does not come (with fewer processors below than harts it waits for one of them) is not
 * helped by a hart that turns in circles.
 */
static bool may_sleep(struct hart *hart)
{
	u32 attention = atomic_load(&hart->attention);

	if (attention != ATTENTION_RECLAIM || !reclaim_is_stuck())
		return !attention;
	deadline_arm(&hart->slice, arch_time() + RECLAIM_LOOK_NS);
	return true;
}

/* Nothing to run. The bit is visible before the queue is looked at again, and whoever adds to the
 * queue looks at the bit or sends an IPI afterwards: so no wake-up is lost. */
static NOINLINE void idle(struct hart *hart)
{
	space_activate_kernel();
	spin_lock(&hart->run_queue.lock);
	cpu_time_charge(hart, NULL);
	spin_unlock(&hart->run_queue.lock);
	deadline_cancel(&hart->slice);
	reclaim_begin();
	atomic_fetch_or(&idle_harts, 1ul << hart->index);
	if (!hart->run_queue.best && may_sleep(hart))
		arch_wait_for_interrupt();
	atomic_fetch_and(&idle_harts, ~(1ul << hart->index));
	if (atomic_exchange(&hart->must_flush, 0))
		tlb_flush_all();
	if (hart->slice.queue)
		deadline_cancel(&hart->slice);
	arch_handle_interrupts();
}

/* Must there be more looked at before the thread goes on? Is somebody ready? */
static ALWAYS_INLINE bool must_look(const struct hart *hart, const struct thread *thread)
{
	return hart->run_queue.best || atomic_load_explicit(&thread->pending, memory_order_relaxed);
}

/* Somebody better is ready. As a rule nobody on a list is: then the two just change places. */
static void preempt(struct hart *hart, struct thread *thread)
{
	struct thread *better;
	u64 priority;

	leave_current(hart);
	spin_lock(&hart->run_queue.lock);
	better = hart->run_queue.next;
	priority = *(volatile u8 *)&thread->priority;
	if (LIKELY(hart->run_queue.best > priority + 1 &&
		   !(hart->run_queue.ready >> priority >> 1))) {
		better->is_queued = false;
		queue_set_next(hart, thread, priority);
		begin_slice(hart, better);
		hart->current = better;
	} else {
		queue_insert(hart, thread, true);
	}
	spin_unlock(&hart->run_queue.lock);
}

/* Does the current thread go on? If not, current is NULL afterwards, or another one. */
static bool current_goes_on(struct hart *hart)
{
	struct thread *thread = hart->current;

	if (hart->run_queue.best > thread->priority + 1ul) {
		preempt(hart, thread);
		return false;
	}
	return !atomic_load_explicit(&thread->pending, memory_order_relaxed) ||
	       thread_run_pending(thread);
}

/* Many may die in a row: meanwhile interrupts come in, and the first one's address space goes. */
static NOINLINE void search_on(const struct hart *hart)
{
	if (!hart->current)
		space_activate_kernel();
	if (arch_interrupt_pending())
		arch_handle_interrupts();
}

/* Until there is a thread that may go on. A quiescent state has just been counted. */
static NOINLINE void exit_search(struct hart *hart)
{
	for (;;) {
		if (atomic_load(&hart->attention) & ATTENTION_RECLAIM)
			reclaim_poll();
		if (atomic_load(&hart->attention) & ATTENTION_PRESSURE)
			pressure_poll();
		if (!hart->current)
			hart->current = pick_next(hart, false);
		if (!hart->current)
			idle(hart);
		else if (current_goes_on(hart))
			break;
		else
			search_on(hart);
		atomic_fetch_add(&hart->quiescent, 1);
	}
	if (!hart->slice.queue)
		deadline_arm(&hart->slice, arch_time() + TIME_SLICE_NS);
	hart->current->hart = hart;
	sched_switch(hart->current);
}

/* Of the process, for this hart; 0: it must be marked as running here first. */
static ALWAYS_INLINE u64 satp_of(const struct hart *hart, const struct thread *thread)
{
	return atomic_load_explicit((_Atomic u64 *)((char *)thread->process + hart->satp_offset),
				    memory_order_relaxed);
}

/* What would need a frame is called last: most exits, with nobody on a list, do without. */
FRAMELESS void sched_exit(void)
{
	struct hart *hart = arch_hart();
	struct thread *thread = hart->current;
	u64 satp;

	ASSERT(hart->held_count == 0);
	atomic_fetch_add(&hart->quiescent, 1);
	if (!thread && LIKELY(hart->run_queue.best) && LIKELY(!hart->run_queue.ready))
		thread = hart->current = pick_next(hart, true);
	if (UNLIKELY(atomic_load_explicit(&hart->attention, memory_order_relaxed)) ||
	    UNLIKELY(!thread) || UNLIKELY(must_look(hart, thread)) ||
	    UNLIKELY(!(satp = satp_of(hart, thread)))) {
		exit_search(hart);
		return;
	}
	thread->hart = hart;
	space_activate(satp);
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
