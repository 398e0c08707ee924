/* pthread_cancel at each kind of point, and threads with signals. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>

#include "tests/posix/family.h"

static int ends[2];
static volatile int has_cleaned;
static sem_t semaphore;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

static void clean(void *unused)
{
	(void)unused;
	has_cleaned++;
}

static void do_read(void)
{
	char byte;

	read(ends[0], &byte, 1);
}

static void do_poll(void)
{
	struct pollfd descriptor = { .fd = ends[0], .events = POLLIN };

	poll(&descriptor, 1, -1);
}

static void do_sleep(void)
{
	sleep(100);
}

static void do_pause(void)
{
	pause();
}

static void do_semaphore(void)
{
	sem_wait(&semaphore);
}

static void do_condition(void)
{
	pthread_mutex_lock(&mutex);
	pthread_cond_wait(&condition, &mutex);
}

static void do_wait(void)
{
	waitpid(-1, NULL, 0);
}

static void do_sigwait(void)
{
	sigset_t set;
	int number;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigwait(&set, &number);
}

static void do_test(void)
{
	for (;;)
		pthread_testcancel();
}

static void *run(void *function)
{
	pthread_cleanup_push(clean, NULL);
	((void (*)(void))function)();
	pthread_cleanup_pop(0);
	return NULL;
}

static void *run_disabled(void *function)
{
	struct timespec time = { 0, 50000000 };

	(void)function;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	nanosleep(&time, NULL);
	return (void *)5;
}

static void *run_asynchronous(void *unused)
{
	(void)unused;
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	for (;;)
		;
	return NULL;
}

static void threads_are_cancelled_where_they_block(void)
{
	static void (*const points[])(void) = { do_read,  do_poll,      do_sleep,
						do_pause, do_semaphore, do_condition,
						do_wait,  do_sigwait,   do_test };
	pid_t child = fork(); /* for wait */

	if (!child)
		for (;;)
			pause();
	CHECK_EQ(pipe(ends), 0);
	sem_init(&semaphore, 0, 0);
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		for (int round = 0; round < 3; round++) {
			void *result = NULL;
			pthread_t thread;

			has_cleaned = 0;
			CHECK_EQ(pthread_create(&thread, NULL, run, (void *)points[i]), 0);
			if (round)
				nap(5 * round);
			CHECK_EQ(pthread_cancel(thread), 0);
			CHECK_EQ(pthread_join(thread, &result), 0);
			if (result != PTHREAD_CANCELED || has_cleaned != 1) {
				check_failed(__FILE__, __LINE__, "point", (long)i, has_cleaned);
			}
			if (points[i] == do_condition)
				pthread_mutex_unlock(&mutex);
		}
	}
	kill(child, SIGKILL);
	reap(child);
}

static void disabled_threads_go_on(void)
{
	pthread_t thread;
	void *result;

	pthread_create(&thread, NULL, run_disabled, NULL);
	nap(10);
	pthread_cancel(thread);
	pthread_join(thread, &result);
	CHECK_EQ((long)result, 5);
}

static void asynchronous_threads_end_anywhere(void)
{
	pthread_t thread;
	void *result;

	pthread_create(&thread, NULL, run_asynchronous, NULL);
	nap(20);
	pthread_cancel(thread);
	pthread_join(thread, &result);
	CHECK(result == PTHREAD_CANCELED);
}

/* -------------------------------------------------------------------------- threads and signals */

static volatile sig_atomic_t count;
static pthread_t taker;

static void on_signal(int number)
{
	(void)number;
	taker = pthread_self();
	count++;
}

static void *spin(void *flag)
{
	while (!*(volatile int *)flag)
		;
	return NULL;
}

static void *sleeper(void *unused)
{
	(void)unused;
	while (!count)
		pause();
	return NULL;
}

static void signal_goes_to_the_thread_that_is_named(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	volatile int stop = 0;
	pthread_t thread;

	sigaction(SIGUSR1, &action, NULL);
	pthread_create(&thread, NULL, spin, (void *)&stop);
	CHECK_EQ(pthread_kill(thread, SIGUSR1), 0);
	while (!count)
		nap(1);
	CHECK(pthread_equal(taker, thread));
	stop = 1;
	pthread_join(thread, NULL);
}

static void signal_goes_to_a_thread_that_does_not_block_it(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	pthread_t thread;
	sigset_t set;

	sigaction(SIGUSR1, &action, NULL);
	pthread_create(&thread, NULL, sleeper, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	check_settle();
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	pthread_join(thread, NULL);
	CHECK_EQ(count, 1);
	CHECK(pthread_equal(taker, thread));
}

static void *wait_for_signal(void *argument)
{
	int number = 0;

	sigwait(argument, &number);
	return (void *)(long)number;
}

static void a_thread_waits_for_signals_of_others(void)
{
	sigset_t set;
	pthread_t thread;
	void *result;
	pid_t pid, parent = getpid();

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	pthread_create(&thread, NULL, wait_for_signal, &set);
	check_settle();
	pid = fork();
	if (!pid) {
		kill(parent, SIGUSR2);
		_exit(0);
	}
	pthread_join(thread, &result);
	CHECK_EQ((long)result, SIGUSR2);
	CHECK_EQ(reap(pid), 0);
}

static void *churn(void *unused)
{
	for (int i = 0; i < 8; i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(7);
		CHECK_EQ(reap(pid), 7 << 8);
	}
	return unused;
}

/* Forks of several threads while signals come. */
static void threads_fork_under_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	pthread_t threads[3];
	pid_t parent = getpid(), pid;

	sigaction(SIGUSR1, &action, NULL);
	pid = fork();
	if (!pid) {
		for (int i = 0; i < 60; i++) {
			kill(parent, SIGUSR1);
			nap(1);
		}
		_exit(0);
	}
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, churn, NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	CHECK_EQ(reap(pid), 0);
	CHECK(count > 0);
}

static double churn_seconds(int count)
{
	struct timespec start, end;
	pthread_t threads[3];

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (int i = 0; i < count; i++)
		pthread_create(&threads[i], NULL, churn, NULL);
	for (int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	clock_gettime(CLOCK_MONOTONIC, &end);
	return (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
}

/* The harts are not kept busy waiting for each other. On a loaded machine one try says little. */
static void threads_fork_at_once(void)
{
	bool is_good = false;

	for (int i = 0; i < 10 && !is_good; i++)
		is_good = churn_seconds(3) < 1 + 20 * churn_seconds(1);
	CHECK(is_good);
}

static void *spin_uncancelled(void *release)
{
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	while (!*(volatile int *)release)
		;
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	pthread_testcancel();
	return NULL;
}

/* More often than signals can be queued. */
static void cancelling_never_fails(void)
{
	int release = 0, errors = 0;
	pthread_t thread;
	void *result;

	CHECK_EQ(pthread_create(&thread, NULL, spin_uncancelled, &release), 0);
	for (int i = 0; i < 5000; i++)
		errors += pthread_cancel(thread) != 0;
	CHECK_EQ(errors, 0);
	release = 1;
	CHECK_EQ(pthread_join(thread, &result), 0);
	CHECK(result == PTHREAD_CANCELED);
}

static const struct test tests[] = {
	{ "threads_are_cancelled_where_they_block", threads_are_cancelled_where_they_block },
	{ "disabled_threads_go_on", disabled_threads_go_on },
	{ "asynchronous_threads_end_anywhere", asynchronous_threads_end_anywhere },
	{ "signal_goes_to_the_thread_that_is_named", signal_goes_to_the_thread_that_is_named },
	{ "signal_goes_to_a_thread_that_does_not_block_it",
	  signal_goes_to_a_thread_that_does_not_block_it },
	{ "a_thread_waits_for_signals_of_others", a_thread_waits_for_signals_of_others },
	{ "threads_fork_under_signals", threads_fork_under_signals },
	{ "threads_fork_at_once", threads_fork_at_once },
	{ "cancelling_never_fails", cancelling_never_fails },
	{ NULL, NULL },
};

int main(void)
{
	return check_run(tests);
}
