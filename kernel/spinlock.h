/*
 * Spinlocks with a rank. The kernel runs with interrupts off, so a lock needs no interrupt
 * handling. A debug build checks that locks are taken in rising rank (docs/locking.md).
 *
 * The IPC fast path takes a listener's lock with one amoswap of a non-zero word and gives it back
 * with one releasing store, so `holder` must come first and 0 must mean free.
 */
#ifndef KERNEL_SPINLOCK_H
#define KERNEL_SPINLOCK_H

#include <stdatomic.h>

#include "arch/cpu.h"
#include "kernel/debug.h"

/* The global lock order: a hart that holds a lock may take only locks of a higher rank. */
enum lock_rank {
	LOCK_RANK_PROCESS = 1, /* process->lock: threads list, life and death */
	LOCK_RANK_CLIENT,      /* thread->client_lock: a waiting caller's windows and server link */
	LOCK_RANK_SPACE,       /* address_space->lock: regions, page tables */
	LOCK_RANK_MEMOBJ,      /* memobj->lock: pages */
	LOCK_RANK_LISTENER,    /* listener->lock: senders, receivers, ports */
	LOCK_RANK_LISTENER_2,  /* a second listener (event of one while another is held) */
	LOCK_RANK_FUTEX,       /* futex bucket */
	LOCK_RANK_PRESSURE,    /* who waits for memory or write-back */
	LOCK_RANK_HANDLES,     /* process->handles.lock */
	LOCK_RANK_TIMER,       /* a hart's timer queue */
	LOCK_RANK_INTERRUPT,   /* the interrupt table */
	LOCK_RANK_RUN_QUEUE,   /* a hart's run queue */
	LOCK_RANK_ACCOUNT,     /* account tree */
	LOCK_RANK_OBJECT_CACHE, /* object allocator's slabs */
	LOCK_RANK_PAGE_AGE,     /* pages in order of age; pins */
	LOCK_RANK_PAGES,        /* page allocator */
	LOCK_RANK_RECLAIM,
	LOCK_RANK_LOG,
	LOCK_RANK_COUNT
};

struct spinlock {
	_Atomic u32 holder; /* low word of the address of the hart that tried last, 0 = free */
	u32 rank;
};

#define SPINLOCK_INIT(lock_rank)                                                                   \
	{                                                                                          \
		0, (lock_rank)                                                                     \
	}

static inline void spin_init(struct spinlock *lock, enum lock_rank rank)
{
	atomic_store_explicit(&lock->holder, 0, memory_order_relaxed);
	lock->rank = rank;
}

/* What debug builds do. */
void spin_lock_checked(struct spinlock *lock);
void spin_unlock_checked(struct spinlock *lock);

/* True: the lock was free and is ours. False: whoever holds it goes on holding it. */
static inline bool spin_swap(struct spinlock *lock)
{
	return arch_swap_acquire(&lock->holder, arch_hart()) == 0;
}

/* Waits on its own copy of the line. Inline, or every caller would have to save its registers. */
static inline void spin_wait(struct spinlock *lock)
{
	while (atomic_load_explicit(&lock->holder, memory_order_relaxed))
		arch_cpu_relax();
}

static inline void spin_lock(struct spinlock *lock)
{
	if (DEBUG_BUILD)
		spin_lock_checked(lock);
	else
		while (UNLIKELY(!spin_swap(lock)))
			spin_wait(lock);
}

static inline void spin_unlock(struct spinlock *lock)
{
	if (DEBUG_BUILD)
		spin_unlock_checked(lock);
	else
		arch_store_zero_release(&lock->holder);
}

bool spin_try_lock_checked(struct spinlock *lock) MUST_USE;

static ALWAYS_INLINE MUST_USE bool spin_try_lock(struct spinlock *lock)
{
	return DEBUG_BUILD ? spin_try_lock_checked(lock) : spin_swap(lock);
}

/* For assertions in debug builds: does this hart hold the lock? */
bool spin_is_held(struct spinlock *lock);

#endif
