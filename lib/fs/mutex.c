/* See mutex.h. Whoever was asleep takes the lock with the mark 2, since others may be. */
#include "lib/fs/mutex.h"

void fs_mutex_init(struct fs_mutex *mutex)
{
	atomic_init(&mutex->word, 0);
	pthread_mutex_init(&mutex->sleepers, NULL);
	pthread_cond_init(&mutex->is_free, NULL);
}

void fs_mutex_destroy(struct fs_mutex *mutex)
{
	pthread_mutex_destroy(&mutex->sleepers);
	pthread_cond_destroy(&mutex->is_free);
}

void fs_mutex_wait(struct fs_mutex *mutex)
{
	pthread_mutex_lock(&mutex->sleepers);
	while (atomic_exchange_explicit(&mutex->word, 2, memory_order_acquire) != 0)
		pthread_cond_wait(&mutex->is_free, &mutex->sleepers);
	pthread_mutex_unlock(&mutex->sleepers);
}

void fs_mutex_wake(struct fs_mutex *mutex)
{
	pthread_mutex_lock(&mutex->sleepers);
	pthread_cond_signal(&mutex->is_free);
	pthread_mutex_unlock(&mutex->sleepers);
}
