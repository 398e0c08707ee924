/* Threads: their beginnings and ends, what each has of its own, and what they leave behind. */
#define _GNU_SOURCE
#include "libc.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tern/process.h"
#include "tern/start.h"

#define MANY 64
#define CHURN 100
#define DETACHED 25
#define HUGE_STACK (16ul << 40)
#define ROOM 64
#define PATIENCE 5000

static void *return_argument(void *argument)
{
	return argument;
}

static void many_threads_at_once(void)
{
	pthread_t threads[MANY];
	void *result;

	for (uintptr_t i = 0; i < MANY; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, return_argument, (void *)i), 0);
	for (uintptr_t i = 0; i < MANY; i++) {
		CHECK_EQ(pthread_join(threads[i], &result), 0);
		CHECK_EQ((uintptr_t)result, i);
	}
}

static void churn(void)
{
	pthread_t thread;

	for (int i = 0; i < CHURN; i++) {
		CHECK_EQ(pthread_create(&thread, NULL, return_argument, NULL), 0);
		CHECK_EQ(pthread_join(thread, NULL), 0);
	}
}

static int64_t memory_used(void)
{
	return tern_account_info(tern_start_handle("account"), TERN_ACCOUNT_USED);
}

/* The account pays for regions, handles' slots and stacks. */
static void joined_threads_leave_nothing(void)
{
	int64_t before, after;

	churn();
	before = memory_used();
	churn();
	after = memory_used();
	for (int i = 0; i < PATIENCE && after > before; i++) {
		usleep(200);
		after = memory_used();
	}
	CHECK(after <= before);
}

static sem_t arrived;

static void *arrive(void *argument)
{
	sem_post(&arrived);
	return argument;
}

static void run_detached(void)
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	for (int i = 0; i < DETACHED; i++)
		CHECK_EQ(pthread_create(&thread, &attributes, arrive, NULL), 0);
	for (int i = 0; i < DETACHED; i++)
		CHECK_EQ(sem_wait(&arrived), 0);
}

static void detached_threads_take_their_stacks_along(void)
{
	int64_t before, after;

	sem_init(&arrived, 0, 0);
	run_detached();
	usleep(50000);
	before = memory_used();
	run_detached();
	after = memory_used();
	for (int i = 0; i < PATIENCE && after > before; i++) {
		usleep(2000);
		after = memory_used();
	}
	CHECK(after <= before);
	sem_destroy(&arrived);
}

static sem_t go;

static void *wait_to_go(void *argument)
{
	sem_wait(&go);
	return argument;
}

/* Stacks this large fill the address space after a few. */
static void creation_fails_and_recovers(void)
{
	pthread_attr_t attributes;
	pthread_t threads[ROOM];
	int count = 0, error = 0;

	sem_init(&go, 0, 0);
	pthread_attr_init(&attributes);
	CHECK_EQ(pthread_attr_setstacksize(&attributes, HUGE_STACK), 0);
	while (count < ROOM && !error) {
		error = pthread_create(&threads[count], &attributes, wait_to_go, NULL);
		count += !error;
	}
	CHECK_EQ(error, EAGAIN);
	CHECK(count >= 1 && count < 8);
	for (int i = 0; i < count; i++)
		sem_post(&go);
	while (count--)
		CHECK_EQ(pthread_join(threads[count], NULL), 0);
	CHECK_EQ(pthread_create(&threads[0], NULL, return_argument, NULL), 0);
	CHECK_EQ(pthread_join(threads[0], NULL), 0);
	sem_destroy(&go);
}

static __thread int counter = 40;
static __thread _Alignas(64) char aligned[100];
static __thread int zero;

static void *use_tls(void *argument)
{
	CHECK_EQ((uintptr_t)aligned % 64, 0);
	for (int i = 0; i < 30; i++) {
		counter++;
		zero--;
		aligned[i] = (char)(uintptr_t)argument;
		sched_yield();
	}
	for (int i = 0; i < 30; i++)
		CHECK_EQ(aligned[i], (uintptr_t)argument);
	CHECK_EQ(counter, 70);
	CHECK_EQ(zero, -30);
	return NULL;
}

static void thread_local_variables(void)
{
	pthread_t threads[MANY];

	for (uintptr_t i = 0; i < MANY; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, use_tls, (void *)i), 0);
	for (uintptr_t i = 0; i < MANY; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK_EQ(counter, 40);
	CHECK_EQ(zero, 0);
}

static pthread_key_t key;
static atomic_int destroyed;

static void destroy_value(void *value)
{
	atomic_fetch_add(&destroyed, (int)(intptr_t)value);
}

static void *use_key(void *argument)
{
	CHECK(pthread_getspecific(key) == NULL);
	CHECK_EQ(pthread_setspecific(key, argument), 0);
	sched_yield();
	CHECK(pthread_getspecific(key) == argument);
	return NULL;
}

static void keys_and_their_destructors(void)
{
	pthread_t threads[10];

	destroyed = 0;
	CHECK_EQ(pthread_key_create(&key, destroy_value), 0);
	for (uintptr_t i = 0; i < 10; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, use_key, (void *)(i + 1)), 0);
	for (uintptr_t i = 0; i < 10; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK_EQ(destroyed, 55);
	CHECK_EQ(pthread_key_delete(key), 0);
}

static void *get_tid(void *tid)
{
	*(int *)tid = gettid();
	CHECK_EQ(syscall(SYS_gettid), gettid());
	return NULL;
}

static void thread_ids_differ(void)
{
	pthread_t threads[8];
	int tids[8];

	CHECK_EQ(gettid(), getpid());
	for (int i = 0; i < 8; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, get_tid, &tids[i]), 0);
	for (int i = 0; i < 8; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	for (int i = 0; i < 8; i++) {
		CHECK(tids[i] > getpid());
		for (int j = 0; j < i; j++)
			CHECK(tids[i] != tids[j]);
	}
	CHECK_EQ(syscall(SYS_tkill, tids[0], 0), -1);
	CHECK_EQ(errno, ESRCH);
	CHECK_EQ(syscall(SYS_tkill, getpid(), 0), 0);
}

const struct test thread_tests[] = {
	{ "many_threads_at_once", many_threads_at_once },
	{ "joined_threads_leave_nothing", joined_threads_leave_nothing },
	{ "detached_threads_take_their_stacks_along", detached_threads_take_their_stacks_along },
	{ "creation_fails_and_recovers", creation_fails_and_recovers },
	{ "thread_local_variables", thread_local_variables },
	{ "keys_and_their_destructors", keys_and_their_destructors },
	{ "thread_ids_differ", thread_ids_differ },
	{ NULL, NULL },
};
