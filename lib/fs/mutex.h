/*
 * A mutual exclusion lock for what is held briefly and seldom contended: taking and giving it back are
 * a few instructions each, inline. 0: free, 1: held, 2: held, and somebody may be asleep.
 */
#ifndef LIB_FS_MUTEX_H
#define LIB_FS_MUTEX_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

struct fs_mutex {
	_Atomic uint32_t word;
	pthread_mutex_t sleepers; /* for those who must wait: the word goes to 2 under it */
	pthread_cond_t is_free;
};

void fs_mutex_init(struct fs_mutex *mutex);
void fs_mutex_destroy(struct fs_mutex *mutex);
void fs_mutex_wait(struct fs_mutex *mutex);
void fs_mutex_wake(struct fs_mutex *mutex);

static inline void fs_mutex_lock(struct fs_mutex *mutex)
{
	uint32_t expected = 0;

	if (!atomic_compare_exchange_strong_explicit(&mutex->word, &expected, 1,
						     memory_order_acquire, memory_order_relaxed))
		fs_mutex_wait(mutex);
}

static inline void fs_mutex_unlock(struct fs_mutex *mutex)
{
	if (atomic_exchange_explicit(&mutex->word, 0, memory_order_release) == 2)
		fs_mutex_wake(mutex);
}

#endif
