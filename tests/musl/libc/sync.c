/* Mutexes, conditions, barriers, read-write locks, semaphores. */
#include "libc.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>

#define THREADS 8
#define ROUNDS 2000
#define TURNS 300
#define BARRIER_ROUNDS 50

static void in_threads(void *(*function)(void *), uintptr_t count)
{
	pthread_t threads[THREADS];

	for (uintptr_t i = 0; i < count; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, function, (void *)i), 0);
	for (uintptr_t i = 0; i < count; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long counter;

static void *increment(void *argument)
{
	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&mutex);
		counter++;
		if (i % 100 == 0)
			sched_yield();
		pthread_mutex_unlock(&mutex);
	}
	return argument;
}

static void mutexes_exclude(void)
{
	counter = 0;
	in_threads(increment, THREADS);
	CHECK_EQ(counter, THREADS * ROUNDS);
}

static void mutex_types(void)
{
	pthread_mutexattr_t attributes;
	pthread_mutex_t typed;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&typed, &attributes);
	CHECK_EQ(pthread_mutex_lock(&typed), 0);
	CHECK_EQ(pthread_mutex_trylock(&typed), 0);
	CHECK_EQ(pthread_mutex_unlock(&typed), 0);
	CHECK_EQ(pthread_mutex_unlock(&typed), 0);
	CHECK_EQ(pthread_mutex_unlock(&typed), EPERM);
	pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(&typed, &attributes);
	CHECK_EQ(pthread_mutex_lock(&typed), 0);
	CHECK_EQ(pthread_mutex_lock(&typed), EDEADLK);
	CHECK_EQ(pthread_mutex_unlock(&typed), 0);
}

static pthread_cond_t turn_changed = PTHREAD_COND_INITIALIZER;
static uintptr_t turn;

static void *take_turns(void *me)
{
	for (int i = 0; i < TURNS; i++) {
		pthread_mutex_lock(&mutex);
		while (turn % 4 != (uintptr_t)me)
			pthread_cond_wait(&turn_changed, &mutex);
		turn++;
		pthread_cond_broadcast(&turn_changed);
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static void conditions_wake(void)
{
	turn = 0;
	in_threads(take_turns, 4);
	CHECK_EQ(turn, 4 * TURNS);
}

static void *signal_turn(void *argument)
{
	pthread_mutex_lock(&mutex);
	turn = 1;
	pthread_cond_signal(&turn_changed);
	pthread_mutex_unlock(&mutex);
	return argument;
}

static void timed_waits_end(void)
{
	uint64_t before = check_now();
	struct timespec until;
	pthread_t thread;
	int result = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += 20000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	turn = 0;
	pthread_mutex_lock(&mutex);
	while (!result)
		result = pthread_cond_timedwait(&turn_changed, &mutex, &until);
	CHECK_EQ(result, ETIMEDOUT);
	CHECK(check_now() - before >= 20000000);
	CHECK_EQ(pthread_create(&thread, NULL, signal_turn, NULL), 0);
	until.tv_sec += 1000;
	while (!turn)
		CHECK_EQ(pthread_cond_timedwait(&turn_changed, &mutex, &until), 0);
	pthread_mutex_unlock(&mutex);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK(check_now() - before < 500000000000u);
}

static sem_t may_unlock;

/* And, when it may be given back, a little longer: the others shall wait for it by then. */
static void *lock_for_a_while(void *argument)
{
	const struct timespec moment = { .tv_nsec = 10000000 };

	pthread_mutex_lock(&mutex);
	sem_post(argument);
	sem_wait(&may_unlock);
	nanosleep(&moment, NULL);
	pthread_mutex_unlock(&mutex);
	return NULL;
}

static void locks_time_out(void)
{
	struct timespec until;
	pthread_t thread;
	sem_t locked;

	sem_init(&locked, 0, 0);
	sem_init(&may_unlock, 0, 0);
	CHECK_EQ(pthread_create(&thread, NULL, lock_for_a_while, &locked), 0);
	CHECK_EQ(sem_wait(&locked), 0);
	clock_gettime(CLOCK_REALTIME, &until);
	CHECK_EQ(pthread_mutex_timedlock(&mutex, &until), ETIMEDOUT);
	CHECK_EQ(sem_timedwait(&locked, &until), -1);
	CHECK_EQ(errno, ETIMEDOUT);
	until.tv_sec += 1000;
	sem_post(&may_unlock);
	CHECK_EQ(pthread_mutex_timedlock(&mutex, &until), 0);
	CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	sem_destroy(&locked);
	sem_destroy(&may_unlock);
}

static pthread_barrier_t barrier;
static atomic_int serial, arrived;

static void *meet(void *argument)
{
	for (int i = 1; i <= BARRIER_ROUNDS; i++) {
		atomic_fetch_add(&arrived, 1);
		if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
			atomic_fetch_add(&serial, 1);
		CHECK(arrived >= 4 * i);
		pthread_barrier_wait(&barrier);
	}
	return argument;
}

static void barriers_gather(void)
{
	serial = arrived = 0;
	CHECK_EQ(pthread_barrier_init(&barrier, NULL, 4), 0);
	in_threads(meet, 4);
	CHECK_EQ(serial, BARRIER_ROUNDS);
	CHECK_EQ(pthread_barrier_destroy(&barrier), 0);
}

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static int pair[2];

static void *read_or_write(void *me)
{
	for (int i = 0; i < 500; i++) {
		if ((uintptr_t)me % 4 == 0) {
			pthread_rwlock_wrlock(&rwlock);
			pair[0]++;
			if (i % 50 == 0)
				sched_yield();
			pair[1]++;
		} else {
			pthread_rwlock_rdlock(&rwlock);
			CHECK_EQ(pair[0], pair[1]);
		}
		pthread_rwlock_unlock(&rwlock);
	}
	return NULL;
}

static void readers_and_writers(void)
{
	pair[0] = pair[1] = 0;
	in_threads(read_or_write, THREADS);
	CHECK_EQ(pair[0], 1000);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_int initialised;

static void initialise(void)
{
	sched_yield();
	atomic_fetch_add(&initialised, 1);
}

static void *call_once(void *argument)
{
	CHECK_EQ(pthread_once(&once, initialise), 0);
	CHECK_EQ(initialised, 1);
	return argument;
}

static void once_is_once(void)
{
	in_threads(call_once, THREADS);
	CHECK_EQ(initialised, 1);
}

const struct test sync_tests[] = {
	{ "mutexes_exclude", mutexes_exclude },
	{ "mutex_types", mutex_types },
	{ "conditions_wake", conditions_wake },
	{ "timed_waits_end", timed_waits_end },
	{ "locks_time_out", locks_time_out },
	{ "barriers_gather", barriers_gather },
	{ "readers_and_writers", readers_and_writers },
	{ "once_is_once", once_is_once },
	{ NULL, NULL },
};
