/* What each hart has for itself. In the kernel the thread pointer register points here. */
#ifndef KERNEL_HART_H
#define KERNEL_HART_H

#include "arch/cpu.h"
#include "kernel/list.h"
#include "kernel/reclaim.h"
#include "kernel/spinlock.h"
#include "kernel/timer.h"
#include "tern/thread.h"

struct thread;

/* Highest value of `fast`: no thread has such a priority, so every exit takes the slow path. */
#define FAST_NEVER 0xffff

/* Reasons in hart->attention that force `fast` to FAST_NEVER. */
#define ATTENTION_RECLAIM 2  /* ripe or waiting deferred work */
#define ATTENTION_PRESSURE 4 /* pages are to be dropped */

struct page_cache {
	u32 count;
	paddr pages[32];
};

struct hart {
	/* Line 0: the trap entry and the IPC fast path. */
	u64 scratch[2];
	struct thread *current;  /* NULL while idle or after the current thread blocked */
	_Atomic u64 fast;        /* best ready priority + 1 (1: none ready), or FAST_NEVER */
	u64 satp_offset;         /* of process->satp[index] in struct process */
	u64 stack_top;           /* kernel stack, grows down to a guard page */
	u64 emergency_stack_top; /* for faults in the kernel, which end in panic */
	u64 index;

	u64 hardware_id;
	u64 shared_number;     /* of the space whose translations the shared ASID stands for here */
	struct process *space; /* whose page table is active, NULL: the kernel's */
	_Atomic u32 attention; /* ATTENTION_* */
	_Atomic bool is_online;
	bool may_block;         /* a restartable call is made again: the thread's frame is whole */
	_Atomic u32 must_flush; /* forget all translations before the next thread runs */
	_Atomic u64 quiescent;  /* counts slow exits: reclaim's grace periods */

	struct {
		struct spinlock lock;  /* LOCK_RANK_RUN_QUEUE */
		struct thread *next;   /* the best, and first of its priority: on no queue; NULL */
		u64 best;              /* its priority + 1, 0: none */
		struct process *owner; /* of the running time slice, NULL: nobody */
		u64 owned_since;       /* ticks */
		u64 ready;             /* bit p: queues[p] is not empty */
		struct list queues[TERN_PRIORITIES];
	} run_queue;

	struct timer_queue timers;
	struct deadline slice; /* end of the running time slice */
	struct page_cache page_cache;

	struct {
		struct reclaim_node *pending; /* queued since the last snapshot */
		struct reclaim_node *waiting; /* behind the snapshot */
		struct reclaim_node *ripe;
		struct page_list pending_pages, waiting_pages, ripe_pages;
		u64 snapshot[MAX_HARTS];
		u64 since; /* when it was taken */
		u32 lazy;  /* of the pending ones: can wait for more */
	} reclaim;

	/* Debug: locks held, in order. */
	u32 held_count;
	struct spinlock *held[8];
} ALIGNED(CACHE_LINE);

extern struct hart harts[MAX_HARTS];
extern u32 hart_count;
extern _Atomic u64 idle_harts; /* bit n: hart n runs nothing and has left its last address space */

static inline bool hart_is_idle(const struct hart *hart)
{
	return atomic_load(&idle_harts) >> hart->index & 1;
}

/*
 * An idle hart uses no translation of a program's: it forgets them when it wakes, and need not be
 * woken for that. False: it is awake, and must be told now. (docs/locking.md)
 */
static inline bool hart_forgets_later(struct hart *hart)
{
	if (!hart_is_idle(hart))
		return false;
	atomic_store(&hart->must_flush, 1);
	/* With idle(): it sees the mark, or we see it awake. */
	atomic_thread_fence(memory_order_seq_cst);
	return hart_is_idle(hart);
}

#endif
