/*
 * A lock that sleeps: 0 free, 1 held, 2 held and somebody may sleep. Lock order: the sockets' lock
 * or the queues', then one channel's lock, then a pool's.
 */
#ifndef PIPE_LOCK_H
#define PIPE_LOCK_H

#include "environment.h"

struct lock {
	_Atomic uint32_t word;
};

void lock_wait(struct lock *lock);

static inline void lock_acquire(struct lock *lock)
{
	uint32_t expected = 0;

	if (!atomic_compare_exchange_strong_explicit(&lock->word, &expected, 1,
						     memory_order_acquire, memory_order_relaxed))
		lock_wait(lock);
}

static inline void lock_release(struct lock *lock)
{
	if (atomic_exchange_explicit(&lock->word, 0, memory_order_release) == 2)
		env_wake(&lock->word);
}

static inline bool lock_is_held(const struct lock *lock)
{
	return atomic_load_explicit(&lock->word, memory_order_relaxed) != 0;
}

#endif
