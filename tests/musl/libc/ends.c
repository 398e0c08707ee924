/* Threads that end other than by returning. */
#include "libc.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

static atomic_int cleaned_up;
static sem_t started, never;

static void clean_up(void *argument)
{
	atomic_fetch_add(&cleaned_up, (int)(intptr_t)argument);
}

static void *leave_early(void *argument)
{
	pthread_cleanup_push(clean_up, (void *)1);
	pthread_exit(argument);
	pthread_cleanup_pop(0);
	return NULL;
}

static void pthread_exit_cleans_up(void)
{
	pthread_t thread;
	void *result;

	cleaned_up = 0;
	CHECK_EQ(pthread_create(&thread, NULL, leave_early, (void *)17), 0);
	CHECK_EQ(pthread_join(thread, &result), 0);
	CHECK_EQ((intptr_t)result, 17);
	CHECK_EQ(cleaned_up, 1);
}

static void *block(void *how)
{
	const struct timespec long_time = { .tv_sec = 1000 };

	pthread_cleanup_push(clean_up, (void *)1);
	sem_post(&started);
	if (how)
		nanosleep(&long_time, NULL);
	else
		sem_wait(&never);
	pthread_cleanup_pop(0);
	return NULL;
}

/* Whether the thread blocks already or is on its way there. */
static void blocked_threads_can_be_cancelled(void)
{
	sem_init(&started, 0, 0);
	sem_init(&never, 0, 0);
	cleaned_up = 0;
	for (uintptr_t i = 0; i < 20; i++) {
		pthread_t thread;
		void *result;

		CHECK_EQ(pthread_create(&thread, NULL, block, (void *)(i & 1)), 0);
		sem_wait(&started);
		if (i & 2)
			usleep(300);
		CHECK_EQ(pthread_cancel(thread), 0);
		CHECK_EQ(pthread_join(thread, &result), 0);
		CHECK(result == PTHREAD_CANCELED);
	}
	CHECK_EQ(cleaned_up, 20);
	sem_destroy(&started);
	sem_destroy(&never);
}

static void *resist(void *argument)
{
	int old;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
	sem_post(&started);
	usleep(2000);
	pthread_setcancelstate(old, NULL);
	atomic_fetch_add(&cleaned_up, 100);
	pthread_testcancel();
	return argument;
}

static void cancellation_waits_until_it_is_enabled(void)
{
	pthread_t thread;
	void *result;

	sem_init(&started, 0, 0);
	cleaned_up = 0;
	CHECK_EQ(pthread_create(&thread, NULL, resist, NULL), 0);
	sem_wait(&started);
	CHECK_EQ(pthread_cancel(thread), 0);
	CHECK_EQ(pthread_join(thread, &result), 0);
	CHECK(result == PTHREAD_CANCELED);
	CHECK_EQ(cleaned_up, 100);
	sem_destroy(&started);
}

const struct test end_tests[] = {
	{ "pthread_exit_cleans_up", pthread_exit_cleans_up },
	{ "blocked_threads_can_be_cancelled", blocked_threads_can_be_cancelled },
	{ "cancellation_waits_until_it_is_enabled", cancellation_waits_until_it_is_enabled },
	{ NULL, NULL },
};
