/* Signals that come while a call waits: EINTR, SA_RESTART, and calls that neither may disturb. */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "tests/posix/family.h"

static volatile sig_atomic_t count;

static void on_signal(int number)
{
	(void)number;
	count++;
}

/* A child that sends `number` when this process waits, and then calls `then`. */
static pid_t disturb(int number, int times, void (*then)(int), int argument)
{
	pid_t parent = getpid(), pid = fork();

	if (pid)
		return pid;
	for (int i = 0; i < times; i++) {
		check_settle();
		kill(parent, number);
	}
	check_settle();
	if (then)
		then(argument);
	_exit(0);
}

static void write_byte(int descriptor)
{
	CHECK_EQ(write(descriptor, "x", 1), 1);
}

static void read_byte(int descriptor)
{
	static char bytes[65536];

	CHECK(read(descriptor, bytes, sizeof(bytes)) > 0);
}

/* ------------------------------------------------------------------- the calls, one at a time */

static int ends[2];

static long do_read(void)
{
	char byte;

	return read(ends[0], &byte, 1);
}

static long do_write(void)
{
	static char bytes[100];

	return write(ends[1], bytes, sizeof(bytes));
}

static long do_wait(void)
{
	return waitpid(-1, NULL, 0);
}

static long do_poll(void)
{
	struct pollfd poll_in = { .fd = ends[0], .events = POLLIN };

	return poll(&poll_in, 1, 100000);
}

static long do_select(void)
{
	struct timeval time = { 100, 0 };
	fd_set set;

	FD_ZERO(&set);
	FD_SET(ends[0], &set);
	return select(ends[0] + 1, &set, NULL, NULL, &time);
}

static long do_epoll(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int descriptor = epoll_create1(0);
	long result;

	CHECK_EQ(epoll_ctl(descriptor, EPOLL_CTL_ADD, ends[0], &event), 0);
	result = epoll_wait(descriptor, &event, 1, 100000);
	close(descriptor);
	return result;
}

static long do_nanosleep(void)
{
	struct timespec time = { 100, 0 };

	return nanosleep(&time, NULL);
}

static long do_pause(void)
{
	return pause();
}

static long do_sigsuspend(void)
{
	sigset_t set;

	sigemptyset(&set);
	return sigsuspend(&set);
}

static long do_semaphore(void)
{
	static sem_t semaphore;

	return sem_wait(&semaphore);
}

static void make_pipe(void)
{
	CHECK_EQ(pipe(ends), 0);
}

static void fill_pipe(void)
{
	char bytes[4096] = { 0 };

	make_pipe();
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	while (write(ends[1], bytes, sizeof(bytes)) > 0)
		;
	fcntl(ends[1], F_SETFL, 0);
}

static const struct blocking {
	const char *name;
	void (*prepare)(void);
	long (*call)(void);
	bool is_restarted;
} calls[] = {
	{ "read", make_pipe, do_read, true },
	{ "write", fill_pipe, do_write, true },
	{ "wait", make_pipe, do_wait, true },
	{ "poll", make_pipe, do_poll, false },
	{ "select", make_pipe, do_select, false },
	{ "epoll", make_pipe, do_epoll, false },
	{ "nanosleep", make_pipe, do_nanosleep, false },
	{ "pause", make_pipe, do_pause, false },
	{ "sigsuspend", make_pipe, do_sigsuspend, false },
	{ "sem_wait", make_pipe, do_semaphore, false },
};

#define CALLS (sizeof(calls) / sizeof(calls[0]))

static void handlers_end_every_blocking_call(void)
{
	handle(SIGUSR1, on_signal, 0);
	for (size_t i = 0; i < CALLS; i++) {
		pid_t pid;

		calls[i].prepare();
		count = 0;
		pid = disturb(SIGUSR1, 1, NULL, 0);
		errno = 0;
		if (calls[i].call() != -1 || errno != EINTR || count != 1) {
			check_failed(__FILE__, __LINE__, calls[i].name, errno, EINTR);
		}
		reap(pid);
		close(ends[0]);
		close(ends[1]);
	}
}

static void calls_that_time_out_end_in_spite_of_sa_restart(void)
{
	handle(SIGUSR1, on_signal, SA_RESTART);
	for (size_t i = 0; i < CALLS; i++) {
		pid_t pid;

		if (calls[i].is_restarted || calls[i].call == do_semaphore)
			continue;
		calls[i].prepare();
		pid = disturb(SIGUSR1, 1, NULL, 0);
		errno = 0;
		if (calls[i].call() != -1 || errno != EINTR) {
			check_failed(__FILE__, __LINE__, calls[i].name, errno, EINTR);
		}
		reap(pid);
	}
}

static void restarted_calls_come_to_their_end(void)
{
	pid_t pid;

	handle(SIGUSR1, on_signal, SA_RESTART);
	make_pipe();
	pid = disturb(SIGUSR1, 3, write_byte, ends[1]);
	CHECK_EQ(do_read(), 1);
	CHECK_EQ(count, 3);
	reap(pid);
	fill_pipe();
	pid = disturb(SIGUSR1, 3, read_byte, ends[0]);
	CHECK_EQ(do_write(), 100);
	CHECK_EQ(count, 6);
	reap(pid);
	pid = disturb(SIGUSR1, 3, NULL, 0);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	CHECK_EQ(count, 9);
}

/* Neither ignored signals nor a stop are seen by any call. */
static void ignored_signals_disturb_nothing(void)
{
	struct timespec time = { 0, 150000000 };
	uint64_t begin = now_ms();
	pid_t pid = disturb(SIGWINCH, 4, NULL, 0);

	CHECK_EQ(nanosleep(&time, NULL), 0);
	CHECK(now_ms() - begin >= 150);
	make_pipe();
	begin = now_ms();
	CHECK_EQ(poll(NULL, 0, 150), 0);
	CHECK(now_ms() - begin >= 149);
	reap(pid);
}

/* False: it was over before it could be stopped and continued. */
static bool stop_sleeper(long milliseconds)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		struct timespec time = { milliseconds / 1000, milliseconds % 1000 * 1000000 };

		_exit(nanosleep(&time, NULL) ? 1 : 0);
	}
	check_settle();
	CHECK_EQ(kill(pid, SIGSTOP), 0);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	if (WIFEXITED(status))
		return false;
	CHECK(WIFSTOPPED(status));
	CHECK_EQ(kill(pid, SIGCONT), 0);
	CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid);
	if (WIFEXITED(status))
		return false;
	CHECK(WIFCONTINUED(status));
	CHECK_EQ(reap(pid), 0);
	return true;
}

static void sleep_of_a_stopped_process_goes_on(void)
{
	long milliseconds = 200;

	while (!stop_sleeper(milliseconds) && milliseconds < 20000)
		milliseconds *= 3;
	CHECK(milliseconds < 20000);
}

static void nanosleep_tells_what_is_left(void)
{
	struct timespec time = { 1000, 0 }, left = { 0, 0 };
	pid_t pid;

	handle(SIGUSR1, on_signal, SA_RESTART);
	pid = disturb(SIGUSR1, 1, NULL, 0);
	CHECK_ERROR(nanosleep(&time, &left), EINTR);
	CHECK(left.tv_sec >= 700 && left.tv_sec < 1000);
	reap(pid);
}

/* What has gone through counts. */
static void partial_transfers_are_told(void)
{
	static char bytes[200000];
	ssize_t result;
	pid_t pid;

	handle(SIGUSR1, on_signal, 0);
	make_pipe();
	pid = disturb(SIGUSR1, 1, NULL, 0);
	result = write(ends[1], bytes, sizeof(bytes));
	CHECK(result >= 65536 && result < (ssize_t)sizeof(bytes));
	CHECK_EQ(count, 1);
	reap(pid);
}

static void broken_pipe(void)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		make_pipe();
		close(ends[0]);
		for (int i = 0; i < 60000; i++) {
			write(ends[1], "x", 1);
			nap(1);
		}
		_exit(0);
	}
	status = reap(pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
	handle(SIGPIPE, on_signal, 0);
	make_pipe();
	close(ends[0]);
	while (write(ends[1], "x", 1) == 1)
		nap(1);
	CHECK_EQ(errno, EPIPE);
	CHECK_EQ(count, 1);
	handle(SIGPIPE, SIG_IGN, 0);
	CHECK_ERROR(write(ends[1], "x", 1), EPIPE);
}

/* The mask is changed and the wait begins as one: no signal can come in between. */
static void masks_of_ppoll_and_pselect(void)
{
	struct timespec time = { 100, 0 }, none = { 0, 0 };
	sigset_t set, old, empty, now;

	handle(SIGUSR1, on_signal, 0);
	sigemptyset(&set);
	sigemptyset(&empty);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &old);
	raise(SIGUSR1);
	CHECK_ERROR(ppoll(NULL, 0, &time, &empty), EINTR);
	CHECK_EQ(count, 1);
	sigprocmask(SIG_SETMASK, NULL, &now);
	CHECK_EQ(sigismember(&now, SIGUSR1), 1);
	raise(SIGUSR1);
	CHECK_EQ(ppoll(NULL, 0, &none, &set), 0);
	CHECK_EQ(count, 1);
	CHECK_ERROR(pselect(0, NULL, NULL, NULL, &time, &empty), EINTR);
	CHECK_EQ(count, 2);
}

static void alarm_and_interval_timers(void)
{
	struct itimerval value = { { 0, 20000 }, { 0, 20000 } }, old;
	struct itimerval never = { { 1L << 55, 0 },
				   { 1L << 55, 0 } }; /* in nanoseconds no number of 64 bits */
	uint64_t begin = now_ms();
	unsigned int left;

	alarm(0);
	handle(SIGALRM, on_signal, 0);
	CHECK_EQ(setitimer(ITIMER_REAL, &value, NULL), 0);
	while (count < 5)
		pause();
	CHECK(now_ms() - begin >= 99);
	value.it_value.tv_usec = value.it_interval.tv_usec = 0;
	CHECK_EQ(setitimer(ITIMER_REAL, &value, &old), 0);
	CHECK_EQ(old.it_interval.tv_usec, 20000);
	CHECK_EQ(alarm(1000), 0);
	left = alarm(0);
	CHECK(left > 700 && left <= 1000);
	CHECK_EQ(setitimer(ITIMER_REAL, &never, NULL), 0);
	CHECK_EQ(getitimer(ITIMER_REAL, &old), 0);
	CHECK(old.it_value.tv_sec > 1000000 && old.it_interval.tv_sec > 1000000);
	never.it_value.tv_usec = LONG_MAX;
	CHECK_ERROR(setitimer(ITIMER_REAL, &never, NULL), EINVAL);
	alarm(0);
}

static void posix_timers(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	struct itimerspec value = { { 0, 10000000 }, { 0, 10000000 } }, old;
	struct timespec limit = { 100, 0 };
	sigset_t set;
	siginfo_t info;
	timer_t timer;
	int overruns = 0;

	event.sigev_value.sival_int = 42;
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	CHECK_EQ(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	CHECK_EQ(timer_settime(timer, 0, &value, NULL), 0);
	CHECK_EQ(sigtimedwait(&set, &info, &limit), SIGRTMIN);
	CHECK_EQ(info.si_code, SI_TIMER);
	CHECK_EQ(info.si_value.sival_int, 42);
	/* Who serves the timer may be late once, but not always. */
	for (int tries = 0; tries < 100 && overruns < 3; tries++) {
		nap(60);
		CHECK_EQ(sigtimedwait(&set, &info, &limit), SIGRTMIN);
		overruns = timer_getoverrun(timer);
	}
	CHECK(overruns >= 3);
	value.it_value.tv_nsec = 0;
	CHECK_EQ(timer_settime(timer, 0, &value, &old), 0);
	CHECK_EQ(old.it_interval.tv_nsec, 10000000);
	value.it_value.tv_sec = LONG_MAX;
	CHECK_EQ(timer_settime(timer, 0, &value, NULL), 0);
	CHECK_EQ(timer_gettime(timer, &old), 0);
	CHECK(old.it_value.tv_sec > 1000000);
	CHECK_EQ(timer_delete(timer), 0);
	CHECK(timer_delete(timer));
}

static void sigtimedwait_times_out_and_takes(void)
{
	struct timespec time = { 0, 30000000 };
	uint64_t begin = now_ms();
	sigset_t set;
	siginfo_t info;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	CHECK_ERROR(sigtimedwait(&set, NULL, &time), EAGAIN);
	CHECK(now_ms() - begin >= 29);
	pid = disturb(SIGUSR1, 1, NULL, 0);
	time.tv_sec = 100;
	CHECK_EQ(sigtimedwait(&set, &info, &time), SIGUSR1);
	CHECK_EQ(info.si_pid, pid);
	CHECK_EQ(sigtimedwait(&set, &info, &time), SIGCHLD);
	CHECK_EQ(info.si_pid, pid);
	CHECK_EQ(info.si_code, CLD_EXITED);
	reap(pid);
}

static const struct test tests[] = {
	{ "handlers_end_every_blocking_call", handlers_end_every_blocking_call },
	{ "calls_that_time_out_end_in_spite_of_sa_restart",
	  calls_that_time_out_end_in_spite_of_sa_restart },
	{ "restarted_calls_come_to_their_end", restarted_calls_come_to_their_end },
	{ "ignored_signals_disturb_nothing", ignored_signals_disturb_nothing },
	{ "sleep_of_a_stopped_process_goes_on", sleep_of_a_stopped_process_goes_on },
	{ "nanosleep_tells_what_is_left", nanosleep_tells_what_is_left },
	{ "partial_transfers_are_told", partial_transfers_are_told },
	{ "broken_pipe", broken_pipe },
	{ "masks_of_ppoll_and_pselect", masks_of_ppoll_and_pselect },
	{ "alarm_and_interval_timers", alarm_and_interval_timers },
	{ "posix_timers", posix_timers },
	{ "sigtimedwait_times_out_and_takes", sigtimedwait_times_out_and_takes },
	{ NULL, NULL },
};

int main(void)
{
	return check_run(tests);
}
