/* Threads: creation and end, locks, conditions, robust and shared locks, fork among threads. */
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/posix/check.h"
#include "threads.h"

#define THREADS 30
#define ROUNDS 500

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int counter;

static void *count(void *unused)
{
	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&mutex);
		counter++;
		pthread_mutex_unlock(&mutex);
	}
	return unused;
}

static void threads_come_and_go(void)
{
	pthread_t threads[THREADS];
	void *result;

	for (long round = 0; round < 3; round++) {
		counter = 0;
		for (long i = 0; i < THREADS; i++)
			CHECK_EQ(pthread_create(&threads[i], NULL, count, (void *)i), 0);
		for (long i = 0; i < THREADS; i++) {
			CHECK_EQ(pthread_join(threads[i], &result), 0);
			CHECK_EQ(result, i);
		}
		CHECK_EQ(counter, THREADS * ROUNDS);
	}
}

static void *say_tid(void *place)
{
	*(int *)place = gettid();
	return NULL;
}

static void ids_differ(void)
{
	int tids[3] = { 0 };
	pthread_t threads[3];

	CHECK_EQ(gettid(), getpid());
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, say_tid, &tids[i]), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK(tids[0] != tids[1] && tids[1] != tids[2] && tids[0] != tids[2]);
	for (int i = 0; i < 3; i++)
		CHECK(tids[i] > 0 && tids[i] != getpid());
	CHECK_EQ(gettid(), getpid());
}

static void *detached(void *unused)
{
	__atomic_fetch_add(&counter, 1, __ATOMIC_SEQ_CST);
	return unused;
}

static void detached_threads_free_themselves(void)
{
	pthread_attr_t attributes;
	pthread_t thread;

	counter = 0;
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	for (int i = 0; i < 200; i++) {
		CHECK_EQ(pthread_create(&thread, &attributes, detached, NULL), 0);
		while (i - __atomic_load_n(&counter, __ATOMIC_SEQ_CST) > 20)
			sched_yield();
	}
	while (__atomic_load_n(&counter, __ATOMIC_SEQ_CST) < 200)
		usleep(1000);
}

static pthread_cond_t all_wait = PTHREAD_COND_INITIALIZER;

static void *waiter(void *unused)
{
	pthread_mutex_lock(&mutex);
	counter++;
	pthread_cond_signal(&all_wait);
	while (counter < 1000)
		pthread_cond_wait(&condition, &mutex);
	pthread_mutex_unlock(&mutex);
	return unused;
}

static void broadcasts_reach_all(void)
{
	pthread_t threads[THREADS];

	counter = 0;
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, waiter, NULL), 0);
	pthread_mutex_lock(&mutex);
	while (counter < THREADS)
		pthread_cond_wait(&all_wait, &mutex);
	counter = 1000;
	pthread_cond_broadcast(&condition);
	pthread_mutex_unlock(&mutex);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
}

static void waits_end_in_time(void)
{
	struct timespec now, end;
	sem_t semaphore;

	clock_gettime(CLOCK_REALTIME, &now);
	end = now;
	end.tv_nsec += 20000000;
	end.tv_sec += end.tv_nsec / 1000000000;
	end.tv_nsec %= 1000000000;
	pthread_mutex_lock(&mutex);
	CHECK_EQ(pthread_cond_timedwait(&condition, &mutex, &end), ETIMEDOUT);
	pthread_mutex_unlock(&mutex);
	clock_gettime(CLOCK_REALTIME, &now);
	CHECK(now.tv_sec > end.tv_sec || (now.tv_sec == end.tv_sec && now.tv_nsec >= end.tv_nsec));
	CHECK_EQ(sem_init(&semaphore, 0, 1), 0);
	CHECK_EQ(sem_timedwait(&semaphore, &end), 0);
	CHECK_ERROR(sem_timedwait(&semaphore, &end), ETIMEDOUT);
	CHECK_ERROR(sem_trywait(&semaphore), EAGAIN);
}

/* ------------------------------------------------------------------------- between processes */

struct shared {
	pthread_mutex_t mutex;
	sem_t semaphore;
	int value;
};

static struct shared *make_shared(int robust)
{
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	CHECK_EQ(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED), 0);
	if (robust)
		CHECK_EQ(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST), 0);
	CHECK_EQ(pthread_mutex_init(&shared->mutex, &attributes), 0);
	CHECK_EQ(sem_init(&shared->semaphore, 1, 0), 0);
	return shared;
}

static void locks_between_processes(void)
{
	struct shared *shared = make_shared(0);
	pid_t child = fork();

	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&shared->mutex);
		shared->value++;
		pthread_mutex_unlock(&shared->mutex);
	}
	if (!child) {
		sem_post(&shared->semaphore);
		_exit(0);
	}
	CHECK_EQ(sem_wait(&shared->semaphore), 0);
	CHECK_EQ(shared->value, 2 * ROUNDS);
	CHECK_EQ(waitpid(child, NULL, 0), child);
}

static void *lock_and_end(void *shared)
{
	pthread_mutex_lock(&((struct shared *)shared)->mutex);
	return NULL;
}

static void robust_locks_survive_their_owners(void)
{
	struct shared *shared = make_shared(1);
	pthread_t thread;
	pid_t child;

	CHECK_EQ(pthread_create(&thread, NULL, lock_and_end, shared), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(pthread_mutex_lock(&shared->mutex), EOWNERDEAD);
	CHECK_EQ(pthread_mutex_consistent(&shared->mutex), 0);
	CHECK_EQ(pthread_mutex_unlock(&shared->mutex), 0);
	child = fork();
	if (!child) {
		pthread_mutex_lock(&shared->mutex);
		_exit(0);
	}
	CHECK_EQ(waitpid(child, NULL, 0), child);
	CHECK_EQ(pthread_mutex_lock(&shared->mutex), EOWNERDEAD);
	CHECK_EQ(pthread_mutex_unlock(&shared->mutex), 0);
	CHECK_EQ(pthread_mutex_lock(&shared->mutex), ENOTRECOVERABLE);
}

/* -------------------------------------------------------------------------- fork among threads */

static volatile int is_over;

/* With pauses: on a slow machine those who fork would hardly ever get the locks that all need. */
static void *make_noise(void *unused)
{
	for (int i = 0; !is_over; i++) {
		int file = open("/tests/threads", O_RDONLY);
		void *memory = malloc(100000);

		close(file);
		free(memory);
		if (i % 8 == 0)
			usleep(1000);
	}
	return unused;
}

static void check_in_child(void)
{
	int file = open("/tests/threads", O_RDONLY);
	pthread_t thread;
	int tid = 0;

	CHECK(file >= 0);
	CHECK_EQ(close(file), 0);
	CHECK_EQ(gettid(), getpid());
	CHECK_EQ(pthread_create(&thread, NULL, say_tid, &tid), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK(tid != 0 && tid != getpid());
}

static void *fork_in_thread(void *unused)
{
	for (int i = 0; i < 5; i++)
		CHECK_EQ(check_child(check_in_child), 0);
	return unused;
}

static void forks_among_threads(void)
{
	pthread_t noise[3], forker;

	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&noise[i], NULL, make_noise, NULL), 0);
	CHECK_EQ(pthread_create(&forker, NULL, fork_in_thread, NULL), 0);
	fork_in_thread(NULL);
	CHECK_EQ(pthread_join(forker, NULL), 0);
	is_over = 1;
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_join(noise[i], NULL), 0);
}

/* ------------------------------------------------------------------------------------- the end */

static void *end_last(void *unused)
{
	usleep(20000);
	(void)unused;
	pthread_exit(NULL);
}

static void main_leaves_first(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, end_last, NULL);
	pthread_exit(NULL);
}

static void *end_process(void *unused)
{
	(void)unused;
	_exit(42);
}

static void thread_ends_process(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, end_process, NULL);
	for (;;)
		pause();
}

static void ends_of_processes(void)
{
	CHECK_EQ(check_child(main_leaves_first), 0);
	CHECK_EQ(check_child(thread_ends_process), 42 << 8);
}

static void small_stacks_suffice(void)
{
	pthread_attr_t attributes;
	pthread_t thread;
	int tid = 0;

	pthread_attr_init(&attributes);
	CHECK_EQ(pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN), 0);
	CHECK_EQ(pthread_create(&thread, &attributes, say_tid, &tid), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK(tid > 0);
}

static const struct test tests[] = {
	{ "threads_come_and_go", threads_come_and_go },
	{ "ids_differ", ids_differ },
	{ "detached_threads_free_themselves", detached_threads_free_themselves },
	{ "broadcasts_reach_all", broadcasts_reach_all },
	{ "waits_end_in_time", waits_end_in_time },
	{ "locks_between_processes", locks_between_processes },
	{ "robust_locks_survive_their_owners", robust_locks_survive_their_owners },
	{ "forks_among_threads", forks_among_threads },
	{ "ends_of_processes", ends_of_processes },
	{ "small_stacks_suffice", small_stacks_suffice },
	{ "robust_locks_survive_killed_owners", robust_locks_survive_killed_owners },
	{ "robust_locks_survive_sigkill", robust_locks_survive_sigkill },
	{ "locks_that_inherit_priority", locks_that_inherit_priority },
	{ "locks_of_threads_that_end", locks_of_threads_that_end },
	{ "raw_locks_that_inherit_priority", raw_locks_that_inherit_priority },
	{ "futex_requeues", futex_requeues },
	{ "futex_looks_at_bit_sets", futex_looks_at_bit_sets },
	{ "futex_wakes_with_an_operation", futex_wakes_with_an_operation },
	{ "futex_refuses_nonsense", futex_refuses_nonsense },
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "exit"))
		return 0;
	return check_run(tests);
}
