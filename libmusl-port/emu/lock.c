/* A lock that sleeps on a futex; the unlocked and locked transitions need no system call. */
#include "emu.h"

#include <stdatomic.h>

void emu_lock(struct emu_lock *lock)
{
	uint32_t free = 0;

	if (atomic_compare_exchange_strong_explicit(&lock->state, &free, 1, memory_order_acquire,
						    memory_order_relaxed))
		return;
	while (atomic_exchange_explicit(&lock->state, 2, memory_order_acquire))
		tern_futex_wait((volatile uint32_t *)&lock->state, 2, TERN_DEADLINE_NONE);
}

void emu_unlock(struct emu_lock *lock)
{
	if (atomic_exchange_explicit(&lock->state, 0, memory_order_release) == 2)
		tern_futex_wake((volatile uint32_t *)&lock->state, 1);
}
