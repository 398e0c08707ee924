#include "lock.h"

/* Taken by somebody: mark it as waited for, and sleep until the mark makes its holder wake us. */
void lock_wait(struct lock *lock)
{
	while (atomic_exchange_explicit(&lock->word, 2, memory_order_acquire) != 0)
		env_sleep(&lock->word, 2);
}
