/*
 * Scheduling: per-hart run queues, 64 priorities, round robin within one.
 *
 * A hart's `current` runs until it blocks, its slice ends, or a higher priority becomes ready.
 * System calls that block set hart->current to NULL; the slow exit (sched_exit) picks the next.
 */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H

#include "arch/page_table.h"
#include "kernel/hart.h"
#include "kernel/thread.h"

#define TIME_SLICE_NS 10000000UL

void sched_init(struct hart *hart);

/* Make a thread that is on no queue ready: on the hart where it last ran unless that is busy with
 * something at least as important and another hart is idle. */
void sched_ready(struct thread *thread);

/*
 * The current thread stops running here: it is on some wait queue now, or dead. Nothing may touch
 * it afterwards: another hart may run it already.
 */
void sched_block(void);

/* Before a thread blocks in an exception: then its floating-point registers are not stored yet. */
void sched_save_fp(void);

/* The current thread goes to the end (or, preempted, the head) of its priority's queue. */
void sched_requeue(bool at_head);

/* Its effective priority has changed: requeue if ready, update hart->fast if running. */
void sched_priority_changed(struct thread *thread);

/*
 * Every slow exit to user mode: deferred work, pending kills and upcalls, then choose who runs.
 * Returns with hart->current set, its space active, FP off: the assembly restores its frame.
 */
void sched_exit(void);

/* Switch the current thread directly (IPC donation): no queue is touched. The old one is blocked
 * already; its floating-point registers were stored at entry. */
static ALWAYS_INLINE void sched_switch(struct thread *to)
{
	struct hart *hart = arch_hart();
	u64 satp = atomic_load_explicit(&to->process->satp[hart->index], memory_order_relaxed);

	hart->current = to;
	space_activate(LIKELY(satp) ? satp : space_mark_active(to->process));
}

/* On how many harts does a thread other than the current one run, or is one ready? */
u64 sched_busy_harts(void);

/* Recompute hart->fast; the hart's run queue lock is held or the hart is this one. */
void hart_update_fast(struct hart *hart);
void hart_set_attention(struct hart *hart, u32 bits);
void hart_clear_attention(u32 bits);

/* Look at a thread's pending bits wherever it runs: an IPI to the hart that runs it. */
void sched_poke(struct thread *thread);

/* Entry of each hart after boot. */
void hart_main(void) NORETURN;

#endif
