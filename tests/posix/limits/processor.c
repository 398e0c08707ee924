/* Processor time: its clocks, the timers that count it, its limit. */
#include "limits.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>

#include "tests/posix/family.h"

#define MILLISECOND 1000000ul
#define SECOND 1000000000ul
/* Much, since the machine may be stopped for a while with the processor counted as in use. */
#define FIRST (300 * MILLISECOND)

static uint64_t nanoseconds(const struct timespec *time)
{
	return (uint64_t)time->tv_sec * SECOND + (uint64_t)time->tv_nsec;
}

/* Unless the machine is stopped just before or after the sleep, so in one of many tries. */
static void check_sleep_is_no_use(void)
{
	uint64_t used = UINT64_MAX;

	for (int tries = 0; tries < 100 && used > 30 * MILLISECOND; tries++) {
		uint64_t before = used_by_process();

		nap(60);
		used = used_by_process() - before;
	}
	CHECK(used <= 30 * MILLISECOND);
}

static void check_interval_timer(int which, int number)
{
	struct itimerval value = { { 0, 20000 }, { 0, FIRST / 1000 } }, old;
	uint64_t begin = used_by_process();

	count_signal(number);
	CHECK_EQ(setitimer(which, &value, NULL), 0);
	CHECK_EQ(getitimer(which, &old), 0);
	if (old.it_value.tv_sec || old.it_value.tv_usec > (long)FIRST / 1000)
		CHECK_EQ(old.it_value.tv_usec, (long)FIRST / 1000);
	CHECK(old.it_value.tv_usec > 0);
	CHECK_EQ(old.it_interval.tv_usec, 20000);
	check_sleep_is_no_use();
	CHECK(!signals || used_by_process() - begin >= FIRST);
	while (signals < 2)
		use_processor(MILLISECOND);
	CHECK(used_by_process() - begin >= FIRST + 20 * MILLISECOND);
	value.it_value.tv_usec = 0;
	CHECK_EQ(setitimer(which, &value, &old), 0);
	CHECK_EQ(old.it_interval.tv_usec, 20000);
	CHECK_EQ(getitimer(which, &old), 0);
	CHECK_EQ(old.it_value.tv_usec, 0);
}

void interval_timers_count_processor_time(void)
{
	struct itimerval value = { { 0, 0 }, { 0, 1000000 } };

	check_interval_timer(ITIMER_VIRTUAL, SIGVTALRM);
	check_interval_timer(ITIMER_PROF, SIGPROF);
	CHECK_ERROR(setitimer(ITIMER_PROF, &value, NULL), EINVAL);
	CHECK_ERROR(setitimer(3, &value, NULL), EINVAL);
	CHECK_ERROR(setitimer(-1, &value, NULL), EINVAL);
	CHECK_ERROR(getitimer(3, &value), EINVAL);
	CHECK_ERROR(getitimer(ITIMER_PROF, (struct itimerval *)8), EFAULT);
}

void timers_count_processor_time(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct itimerspec value = { .it_value = { 0, FIRST } }, now;
	uint64_t begin = used_by_process();
	clockid_t clock;
	timer_t timer;

	count_signal(SIGUSR1);
	CHECK_EQ(timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer), 0);
	CHECK_EQ(timer_settime(timer, 0, &value, NULL), 0);
	check_sleep_is_no_use();
	CHECK_EQ(timer_gettime(timer, &now), 0);
	CHECK(nanoseconds(&now.it_value) <= FIRST);
	CHECK((nanoseconds(&now.it_value) && !signals) || used_by_process() - begin >= FIRST);
	while (!signals)
		use_processor(MILLISECOND);
	CHECK(used_by_process() - begin >= FIRST);
	/* A time of the clock that has passed. */
	value.it_value.tv_nsec = 1;
	CHECK_EQ(timer_settime(timer, TIMER_ABSTIME, &value, NULL), 0);
	CHECK_SOON(signals == 2);
	CHECK_EQ(timer_delete(timer), 0);
	CHECK_EQ(pthread_getcpuclockid(pthread_self(), &clock), 0);
	CHECK_EQ(timer_create(clock, &event, &timer), 0);
	CHECK_EQ(timer_delete(timer), 0);
	CHECK_ERROR(timer_create(12345, &event, &timer), EINVAL);
}

static void *use_until_told(void *is_over)
{
	while (!*(volatile bool *)is_over)
		use_processor(MILLISECOND);
	return NULL;
}

void processor_clocks(void)
{
	struct timespec time = { 0, 20 * MILLISECOND }, before, after;
	volatile bool is_over = false;
	clockid_t clock;
	pthread_t thread;
	pid_t child = fork();

	if (!child) {
		use_processor(30 * MILLISECOND);
		pause();
		_exit(0);
	}
	CHECK_EQ(clock_getcpuclockid(child, &clock), 0);
	CHECK_EQ(clock_gettime(clock, &before), 0);
	CHECK_SOON(!clock_gettime(clock, &after) && nanoseconds(&after) >= 30 * MILLISECOND);
	kill(child, SIGKILL);
	reap(child);
	CHECK_ERROR(clock_gettime(clock, &after), EINVAL);
	CHECK(clock_getcpuclockid(child, &clock) != 0);
	CHECK_EQ(clock_getcpuclockid(0, &clock), 0);
	CHECK_EQ(clock_gettime(clock, &before), 0);
	/* Somebody else of this process uses what the sleeper waits for. */
	CHECK_EQ(pthread_create(&thread, NULL, use_until_told, (void *)&is_over), 0);
	CHECK_EQ(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, 0, &time, NULL), 0);
	CHECK_EQ(clock_gettime(clock, &after), 0);
	CHECK(nanoseconds(&after) - nanoseconds(&before) >= 20 * MILLISECOND);
	is_over = true;
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &time, NULL), EINVAL);
	time.tv_nsec = 1000000000;
	CHECK_EQ(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, 0, &time, NULL), EINVAL);
}

static void use_all(void)
{
	for (;;)
		use_processor(10 * MILLISECOND);
}

/*
 * Never asks how much it has used. What comes last before is an answer of a server that had to wait for the
 * disk, so it came in the server's time.
 */
static void use_until_the_limit(void)
{
	int file = open("/root/limit", O_RDWR | O_CREAT, 0600);

	set_limit(RLIMIT_CPU, 1, RLIM_INFINITY);
	CHECK_EQ(write(file, "", 1), 1);
	CHECK_EQ(unlink("/root/limit"), 0);
	CHECK_EQ(fsync(file), 0);
	for (volatile unsigned int count = 0;; count++)
		;
}

/* The limit is inherited; the handler lets the process go on until the hard limit. */
static void use_until_the_end(void)
{
	pid_t child;

	count_signal(SIGXCPU);
	set_limit(RLIMIT_CPU, 0, 1);
	child = fork();
	if (!child)
		use_all();
	CHECK_EQ(reap(child), SIGKILL);
	_exit(7);
}

void processor_limit(void)
{
	struct rlimit limit = { 5, 4 };

	CHECK_EQ(check_child(use_until_the_limit) & 127, SIGXCPU);
	CHECK_EQ(check_child(use_until_the_end), 7 << 8);
	CHECK_ERROR(setrlimit(RLIMIT_CPU, &limit), EINVAL);
	CHECK_EQ(getrlimit(RLIMIT_CPU, &limit), 0);
	CHECK(limit.rlim_cur == RLIM_INFINITY && limit.rlim_max == RLIM_INFINITY);
}

static void use_much(void)
{
	use_processor(100 * MILLISECOND);
	_exit(0);
}

/* getrusage, times, wait4 and the clock are about the same time. */
void use_is_told_alike(void)
{
	struct rusage self, thread, children, child;
	struct tms before, after;
	pid_t pid;
	int status;

	use_processor(50 * MILLISECOND);
	CHECK(times(&before) >= 0);
	CHECK_EQ(getrusage(RUSAGE_SELF, &self), 0);
	CHECK_EQ(getrusage(RUSAGE_THREAD, &thread), 0);
	CHECK(self.ru_utime.tv_usec + self.ru_utime.tv_sec * 1000000 >= 50000);
	CHECK(thread.ru_utime.tv_usec + thread.ru_utime.tv_sec * 1000000 >= 50000);
	CHECK(before.tms_utime >= 5);
	pid = fork();
	if (!pid)
		use_much();
	CHECK_EQ(wait4(pid, &status, 0, &child), pid);
	CHECK(child.ru_utime.tv_usec + child.ru_utime.tv_sec * 1000000 >= 100000);
	CHECK_EQ(getrusage(RUSAGE_CHILDREN, &children), 0);
	CHECK_EQ(children.ru_utime.tv_usec, child.ru_utime.tv_usec);
	CHECK(times(&after) >= 0);
	CHECK(after.tms_cutime - before.tms_cutime >= 10);
	CHECK_ERROR(getrusage(7, &self), EINVAL);
	CHECK_ERROR(getrusage(RUSAGE_SELF, (struct rusage *)8), EFAULT);
}
