/* Futexes by hand, and the locks that depend on more than waiting and waking. */
#include "threads.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/posix/check.h"

#define WAITERS 6
#define LOCKERS 4
#define ROUNDS 500

static uint32_t words[2];
static int woken, is_waiting;

static long futex(uint32_t *word, int operation, uint32_t value, uint64_t timeout, uint32_t *second,
		  uint32_t third)
{
	return syscall(SYS_futex, word, operation, value, timeout, second, third);
}

/* ------------------------------------------------------------------------------ robust locks */

static pthread_mutex_t *shared_lock(int robust, int protocol)
{
	pthread_mutex_t *lock = mmap(NULL, sizeof(*lock), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	CHECK_EQ(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED), 0);
	CHECK_EQ(pthread_mutexattr_setprotocol(&attributes, protocol), 0);
	if (robust)
		CHECK_EQ(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST), 0);
	CHECK_EQ(pthread_mutex_init(lock, &attributes), 0);
	return lock;
}

static void die_by_signal(void)
{
	raise(SIGTERM);
}

static void die_by_fault(void)
{
	__builtin_trap();
}

static void become_another(void)
{
	execl("/tests/threads", "threads", "exit", NULL);
}

static void *lock_it(void *lock)
{
	pthread_mutex_lock(lock);
	pause();
	return NULL;
}

static void lock_in_thread(pthread_mutex_t *lock)
{
	pthread_t thread;

	pthread_create(&thread, NULL, lock_it, lock);
	while (!pthread_mutex_trylock(lock)) {
		pthread_mutex_unlock(lock);
		usleep(1000);
	}
}

/* A process ends, whose first or second thread holds the lock. */
void robust_locks_survive_killed_owners(void)
{
	void (*const ends[])(void) = { die_by_signal, die_by_fault, become_another };

	for (int i = 0; i < 6; i++) {
		pthread_mutex_t *lock = shared_lock(1, PTHREAD_PRIO_NONE);
		pid_t child = fork();

		if (!child) {
			if (i < 3)
				pthread_mutex_lock(lock);
			else
				lock_in_thread(lock);
			ends[i % 3]();
			_exit(1);
		}
		CHECK_EQ(waitpid(child, NULL, 0), child);
		CHECK_EQ(pthread_mutex_trylock(lock), EOWNERDEAD);
		CHECK_EQ(pthread_mutex_consistent(lock), 0);
		CHECK_EQ(pthread_mutex_unlock(lock), 0);
	}
}

static void sleep_on(void)
{
	for (;;)
		pause();
}

static void spin(void)
{
	for (volatile unsigned int count = 0;; count++)
		;
}

/* Again if it comes while its parent is in fork still: such a process goes on until that has ended. */
static void stand_still(void)
{
	for (;;)
		raise(SIGSTOP);
}

/* Whatever the process was doing: asleep, busy, stopped. */
void robust_locks_survive_sigkill(void)
{
	void (*const states[])(void) = { sleep_on, spin, stand_still };

	for (int i = 0; i < 6; i++) {
		pthread_mutex_t *lock = shared_lock(1, PTHREAD_PRIO_NONE);
		volatile int *is_held = (volatile int *)(lock + 1);
		pid_t child = fork();
		int status = 0;

		if (!child) {
			if (i < 3)
				pthread_mutex_lock(lock);
			else
				lock_in_thread(lock);
			*is_held = 1;
			states[i % 3]();
			_exit(1);
		}
		CHECK_SOON(*is_held);
		if (states[i % 3] == stand_still)
			CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
		CHECK_EQ(kill(child, SIGKILL), 0);
		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK_EQ(status, SIGKILL);
		CHECK_EQ(pthread_mutex_trylock(lock), EOWNERDEAD);
		CHECK_EQ(pthread_mutex_consistent(lock), 0);
		CHECK_EQ(pthread_mutex_unlock(lock), 0);
	}
}

/* ------------------------------------------------------------------------ inherited priorities */

static int counter;

static void *count(void *lock)
{
	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(lock);
		counter++;
		pthread_mutex_unlock(lock);
	}
	return NULL;
}

void locks_that_inherit_priority(void)
{
	pthread_mutex_t *lock = shared_lock(0, PTHREAD_PRIO_INHERIT);
	struct timespec end;
	pthread_t threads[LOCKERS];
	pid_t child;

	for (int i = 0; i < LOCKERS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, count, lock), 0);
	for (int i = 0; i < LOCKERS; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK_EQ(counter, LOCKERS * ROUNDS);
	pthread_mutex_lock(lock);
	child = fork();
	if (!child) {
		clock_gettime(CLOCK_REALTIME, &end);
		end.tv_nsec = end.tv_nsec < 900000000 ? end.tv_nsec + 50000000 : 999999999;
		_exit(pthread_mutex_timedlock(lock, &end) != ETIMEDOUT ||
		      pthread_mutex_trylock(lock) != EBUSY);
	}
	int status;
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	CHECK_EQ(pthread_mutex_unlock(lock), 0);
	CHECK_EQ(pthread_mutex_trylock(lock), 0);

	lock = shared_lock(1, PTHREAD_PRIO_INHERIT);
	child = fork();
	if (!child) {
		pthread_mutex_lock(lock);
		_exit(0);
	}
	CHECK_EQ(waitpid(child, NULL, 0), child);
	CHECK_EQ(pthread_mutex_lock(lock), EOWNERDEAD);
	CHECK_EQ(pthread_mutex_consistent(lock), 0);
	CHECK_EQ(pthread_mutex_unlock(lock), 0);
	CHECK_EQ(pthread_mutex_lock(lock), 0);
}

static void *lock_once(void *lock)
{
	CHECK_EQ(pthread_mutex_lock(lock), 0);
	CHECK_EQ(pthread_mutex_unlock(lock), 0);
	return NULL;
}

/* Who is seen to have it has unlocked it and is gone before the next one looks again: it is free. */
void locks_of_threads_that_end(void)
{
	pthread_mutex_t *lock = shared_lock(0, PTHREAD_PRIO_INHERIT);
	pthread_t threads[LOCKERS];

	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < LOCKERS; i++)
			CHECK_EQ(pthread_create(&threads[i], NULL, lock_once, lock), 0);
		for (int i = 0; i < LOCKERS; i++)
			CHECK_EQ(pthread_join(threads[i], NULL), 0);
	}
}

void raw_locks_that_inherit_priority(void)
{
	struct timespec soon;
	uint32_t *word = words;

	CHECK_EQ(futex(word, FUTEX_LOCK_PI, 0, 0, NULL, 0), 0);
	CHECK_EQ(*word, gettid());
	CHECK_ERROR(futex(word, FUTEX_LOCK_PI, 0, 0, NULL, 0), EDEADLK);
	CHECK_ERROR(futex(word, FUTEX_TRYLOCK_PI, 0, 0, NULL, 0), EDEADLK);
	CHECK_EQ(futex(word, FUTEX_UNLOCK_PI, 0, 0, NULL, 0), 0);
	CHECK_EQ(*word, 0);
	CHECK_ERROR(futex(word, FUTEX_UNLOCK_PI, 0, 0, NULL, 0), EPERM);
	/* Somebody else's: process 1 does not answer. */
	*word = 1;
	CHECK_ERROR(futex(word, FUTEX_UNLOCK_PI, 0, 0, NULL, 0), EPERM);
	CHECK_ERROR(futex(word, FUTEX_TRYLOCK_PI, 0, 0, NULL, 0), EAGAIN);
	clock_gettime(CLOCK_REALTIME, &soon);
	CHECK_ERROR(futex(word, FUTEX_LOCK_PI, 0, (uint64_t)&soon, NULL, 0), ETIMEDOUT);
	CHECK_EQ(*word, 1 | FUTEX_WAITERS);
	clock_gettime(CLOCK_MONOTONIC, &soon);
	CHECK_ERROR(futex(word, 13, 0, (uint64_t)&soon, NULL, 0), ETIMEDOUT);
	/* A thread of this process that does not exist. */
	*word = (uint32_t)getpid() | 0x0fff0000;
	CHECK_ERROR(futex(word, FUTEX_LOCK_PI, 0, 0, NULL, 0), ESRCH);
	CHECK_ERROR(futex((uint32_t *)8, FUTEX_LOCK_PI, 0, 0, NULL, 0), EFAULT);
	CHECK_ERROR(futex((uint32_t *)8, FUTEX_UNLOCK_PI, 0, 0, NULL, 0), EFAULT);
	CHECK_ERROR(futex((uint32_t *)8, FUTEX_TRYLOCK_PI, 0, 0, NULL, 0), EFAULT);
}

/* ------------------------------------------------------------------------------- by hand */

/* Waits until the value changes, as all must who are moved or woken for others. */
static void *wait_for_change(void *unused)
{
	uint32_t before = words[0];

	__atomic_add_fetch(&is_waiting, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&words[0], __ATOMIC_SEQ_CST) == before)
		futex(words, FUTEX_WAIT_BITSET_PRIVATE, before, 0, NULL, 4);
	__atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
	return unused;
}

static void start_waiters(pthread_t *threads)
{
	words[0] = 1;
	is_waiting = woken = 0;
	for (int i = 0; i < WAITERS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, wait_for_change, NULL), 0);
	CHECK_SOON(__atomic_load_n(&is_waiting, __ATOMIC_SEQ_CST) == WAITERS);
	check_settle();
}

static void end_waiters(pthread_t *threads)
{
	CHECK_SOON(__atomic_load_n(&woken, __ATOMIC_SEQ_CST) == WAITERS);
	for (int i = 0; i < WAITERS; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
}

/* Who is moved must go on when the second word is woken; here the first word has changed before. */
void futex_requeues(void)
{
	pthread_t threads[WAITERS];
	int count;

	start_waiters(threads);
	CHECK_ERROR(futex(words, FUTEX_CMP_REQUEUE, 1, INT_MAX, &words[1], 2), EAGAIN);
	words[0] = 2;
	CHECK_EQ(futex(words, FUTEX_CMP_REQUEUE, 1, 2, &words[1], 2), 3);
	CHECK_EQ(futex(words, FUTEX_REQUEUE, 1, INT_MAX, &words[1], 0), WAITERS - 3);
	for (count = 0; count < WAITERS && futex(&words[1], FUTEX_WAKE, 1, 0, NULL, 0) == 1;)
		count++;
	end_waiters(threads);
	CHECK_ERROR(futex(words, FUTEX_REQUEUE, (uint32_t)-1, 1, &words[1], 0), EINVAL);
	CHECK_ERROR(futex(words, FUTEX_REQUEUE, 1, (uint64_t)-1, &words[1], 0), EINVAL);
	CHECK_ERROR(futex(words, FUTEX_REQUEUE, 1, 1, (uint32_t *)((char *)words + 2), 0), EINVAL);
	CHECK_ERROR(futex(words, FUTEX_REQUEUE, 1, 1, (uint32_t *)8, 0), EFAULT);
	CHECK_ERROR(futex((uint32_t *)8, FUTEX_CMP_REQUEUE, 1, 1, words, 0), EFAULT);
}

void futex_looks_at_bit_sets(void)
{
	pthread_t threads[WAITERS];

	start_waiters(threads);
	words[0] = 2;
	CHECK_EQ(futex(words, FUTEX_WAKE_BITSET, 1, 0, NULL, 4), 1);
	CHECK(futex(words, FUTEX_WAKE_BITSET, INT_MAX, 0, NULL, 6) <= WAITERS - 1);
	end_waiters(threads);
	CHECK_ERROR(futex(words, FUTEX_WAKE_BITSET, 1, 0, NULL, 0), EINVAL);
	CHECK_ERROR(futex(words, FUTEX_WAIT_BITSET, 2, 0, NULL, 0), EINVAL);
	CHECK_ERROR(futex(words, FUTEX_WAIT_BITSET, 1, 0, NULL, 1), EAGAIN);
}

void futex_wakes_with_an_operation(void)
{
	pthread_t threads[WAITERS];

	start_waiters(threads);
	words[0] = 2;
	words[1] = 7;
	/* The second word becomes 5; it was above 6, so who waits there is woken as well: nobody. */
	CHECK_EQ(futex(words, FUTEX_WAKE_OP, INT_MAX, 1, &words[1],
		       FUTEX_OP(FUTEX_OP_SET, 5, FUTEX_OP_CMP_GT, 6)),
		 WAITERS);
	CHECK_EQ(words[1], 5);
	end_waiters(threads);
	CHECK_EQ(futex(words, FUTEX_WAKE_OP, 1, 1, &words[1],
		       FUTEX_OP(FUTEX_OP_ANDN, 4, FUTEX_OP_CMP_EQ, 6)),
		 0);
	CHECK_EQ(words[1], 1);
	CHECK_ERROR(futex(words, FUTEX_WAKE_OP, 1, 1, (uint32_t *)8, 0), EFAULT);
	CHECK_ERROR(futex(words, FUTEX_WAKE_OP, 1, 1, &words[1], 7u << 28), ENOSYS);
}

void futex_refuses_nonsense(void)
{
	uint32_t word = 0;

	CHECK_ERROR(syscall(SYS_futex, (char *)&word + 1, 0, 0, NULL), EINVAL);
	CHECK_ERROR(syscall(SYS_futex, &word, 0, 1, NULL), EAGAIN);
	CHECK_ERROR(syscall(SYS_futex, 8, 0, 0, NULL), EFAULT);
	CHECK_ERROR(syscall(SYS_futex, &word, 77, 0, NULL), ENOSYS);
	CHECK_EQ(syscall(SYS_futex, &word, 1, 1), 0);
}
