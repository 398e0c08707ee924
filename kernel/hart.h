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
#define ATTENTION_RECLAIM 2 /* ripe or waiting deferred work */

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
	struct process *space; /* whose page table is active, NULL: the kernel's */
	_Atomic u32 attention; /* ATTENTION_* */
	_Atomic bool is_online;
	bool in_slow_exit;
	_Atomic u64 quiescent; /* counts slow exits: reclaim's grace periods */
	_Atomic u64 poke;      /* bumped by remote harts that want hart_ipi to look again */

	struct {
		struct spinlock lock; /* LOCK_RANK_RUN_QUEUE */
		struct thread *next;  /* the best, and first of its priority: on no queue; NULL */
		u64 best;             /* its priority + 1, 0: none */
		u64 ready;            /* bit p: queues[p] is not empty */
		struct list queues[TERN_PRIORITIES];
	} run_queue;

	struct timer_queue timers;
	struct deadline slice; /* end of the running time slice */
	struct page_cache page_cache;

	struct {
		struct reclaim_node *pending; /* queued since the last snapshot */
		struct reclaim_node *waiting; /* behind the snapshot */
		struct reclaim_node *ripe;
		u64 snapshot[MAX_HARTS];
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

#endif
