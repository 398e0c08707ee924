/*
 * Timers that send signals live in the posix server, since they go on while the process sleeps or is
 * stopped. Deadlines there are the time page's, so the wall clock's are converted here.
 */
#include "signal_internal.h"

#include <string.h>
#include <sys/time.h>

#define SECOND 1000000000u
#define MICROSECOND 1000u
#define TIMERS_MAX 64 /* numbers of the posix server's are below */
#define NOTIFY_SIGNAL 0
#define NOTIFY_NONE 1
#define NOTIFY_THREAD 4

/* struct sigevent as the C library's timer_create passes it. */
struct event {
	uint64_t value;
	int signal, notify, thread;
};

static struct {
	bool is_realtime, counts_cpu;
	uint32_t overruns; /* of the signal that was taken last */
} timers[TIMERS_MAX];

void emu_timer_taken(const struct posix_signal *signal)
{
	if (POSIX_SIGNAL_CODE(signal) == SI_TIMER && signal->pid < TIMERS_MAX)
		timers[signal->pid].overruns = signal->uid;
}

/* ---------------------------------------------------------------------------------- alarm's timer */

/* Or -EINVAL. */
static int64_t nanoseconds(const struct timeval *time)
{
	struct timespec exact = { .tv_sec = time->tv_sec };

	if (time->tv_usec < 0 || time->tv_usec >= 1000000)
		return -EINVAL;
	exact.tv_nsec = time->tv_usec * (long)MICROSECOND;
	return emu_nanoseconds(&exact);
}

static struct timeval to_timeval(uint64_t nanoseconds)
{
	uint64_t rounded = nanoseconds + MICROSECOND - 1;

	return (struct timeval){ .tv_sec = (time_t)(rounded / SECOND),
				 .tv_usec = (suseconds_t)(rounded % SECOND / MICROSECOND) };
}

/* The posix server tells what is waited for, of those that count processor time. */
static void make_relative(struct posix_timer *timer)
{
	uint64_t now = emu_cpu_time();

	if (timer->left)
		timer->left = timer->left > now ? timer->left - now : 1;
}

static long tell(struct itimerval *user, const struct posix_timer *timer)
{
	struct itimerval value = { .it_value = to_timeval(timer->left),
				   .it_interval = to_timeval(timer->interval) };

	return user ? emu_copy_out(user, &value, sizeof(value)) : 0;
}

static const uint32_t numbers[] = { [ITIMER_REAL] = POSIX_TIMER_REAL,
				    [ITIMER_VIRTUAL] = POSIX_TIMER_VIRTUAL,
				    [ITIMER_PROF] = POSIX_TIMER_PROFILE };

/* All time is the user's, so the two that count processor time count the same. */
long emu_setitimer(int which, const struct itimerval *user, struct itimerval *user_old)
{
	struct itimerval value = { { 0, 0 }, { 0, 0 } };
	struct posix_timer old;
	int64_t left, interval;
	uint64_t first = 0;
	tern_result result;

	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	if (user && emu_copy_in(&value, user, sizeof(value)))
		return -EFAULT;
	left = nanoseconds(&value.it_value);
	interval = nanoseconds(&value.it_interval);
	if (left < 0 || interval < 0)
		return -EINVAL;
	if (left)
		first = which == ITIMER_REAL ? emu_deadline((uint64_t)left)
					     : emu_cpu_time() + (uint64_t)left;
	result = posix_timer_set(emu_posix, numbers[which], first, (uint64_t)interval, &old);
	if (result >= 0 && which != ITIMER_REAL)
		make_relative(&old);
	return result < 0 ? result : tell(user_old, &old);
}

long emu_getitimer(int which, struct itimerval *user)
{
	struct posix_timer timer;
	tern_result result;

	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	result = posix_timer_get(emu_posix, numbers[which], &timer);
	if (result >= 0 && which != ITIMER_REAL)
		make_relative(&timer);
	return result < 0 ? result : tell(user, &timer);
}

/* -------------------------------------------------------------------------------- POSIX's timers */

static long check_event(const struct event *event)
{
	if (event->notify == NOTIFY_NONE)
		return 0;
	if (event->signal < 1 || event->signal > POSIX_SIGNALS)
		return -EINVAL;
	if (event->notify != NOTIFY_SIGNAL && event->notify != NOTIFY_THREAD)
		return -EINVAL;
	return 0;
}

long emu_timer_create(int clock, const struct event *user, int *user_timer)
{
	struct event event = { .signal = SIGALRM };
	bool counts_cpu = emu_is_cpu_clock(clock);
	int timer;
	long result;

	if (!counts_cpu && clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC &&
	    clock != CLOCK_BOOTTIME)
		return -EINVAL;
	if (user && emu_copy_in(&event, user, sizeof(event)))
		return -EFAULT;
	result = check_event(&event);
	if (result)
		return result;
	result = posix_simple(emu_posix, POSIX_OP_timer_create,
			      (event.notify == NOTIFY_NONE ? 0 : (uint64_t)event.signal) |
				      (counts_cpu ? POSIX_TIMER_COUNTS_CPU : 0),
			      event.value,
			      event.notify == NOTIFY_THREAD ? (uint64_t)event.thread : 0);
	if (result <= 0)
		return result ? result : -EAGAIN;
	timer = (int)result - 1; /* 0 is alarm's there */
	timers[result].is_realtime = clock == CLOCK_REALTIME;
	timers[result].counts_cpu = counts_cpu;
	timers[result].overruns = 0;
	if (!emu_copy_out(user_timer, &timer, sizeof(timer)))
		return 0;
	posix_simple(emu_posix, POSIX_OP_timer_delete, (uint64_t)result, 0, 0);
	return -EFAULT;
}

static bool is_timer(int timer)
{
	return timer >= 0 && timer < TIMERS_MAX - 1;
}

static long put(struct itimerspec *user, const struct posix_timer *timer)
{
	struct itimerspec value = { .it_value = emu_timespec(timer->left),
				    .it_interval = emu_timespec(timer->interval) };

	return user ? emu_copy_out(user, &value, sizeof(value)) : 0;
}

long emu_timer_settime(int timer, int flags, const struct itimerspec *user,
		       struct itimerspec *user_old)
{
	struct itimerspec value;
	struct posix_timer old;
	uint64_t deadline = 0;
	tern_result result;

	if (!user)
		return -EINVAL;
	if (emu_copy_in(&value, user, sizeof(value)))
		return -EFAULT;
	if (!is_timer(timer) || emu_nanoseconds(&value.it_value) < 0 ||
	    emu_nanoseconds(&value.it_interval) < 0)
		return -EINVAL;
	if (emu_nanoseconds(&value.it_value)) {
		deadline = (uint64_t)emu_nanoseconds(&value.it_value);
		if (timers[timer + 1].counts_cpu)
			deadline += flags & TIMER_ABSTIME ? 0 : emu_cpu_time();
		else if (!(flags & TIMER_ABSTIME))
			deadline = emu_deadline(deadline);
		else if (timers[timer + 1].is_realtime)
			deadline = emu_from_realtime(deadline);
		if (!deadline)
			deadline = 1;
	}
	result = posix_timer_set(emu_posix, (uint32_t)timer + 1, deadline,
				 (uint64_t)emu_nanoseconds(&value.it_interval), &old);
	if (result >= 0 && timers[timer + 1].counts_cpu)
		make_relative(&old);
	return result < 0 ? result : put(user_old, &old);
}

long emu_timer_gettime(int timer, struct itimerspec *user)
{
	struct posix_timer now;
	tern_result result;

	if (!is_timer(timer))
		return -EINVAL;
	result = posix_timer_get(emu_posix, (uint32_t)timer + 1, &now);
	if (result >= 0 && timers[timer + 1].counts_cpu)
		make_relative(&now);
	return result < 0 ? result : put(user, &now);
}

long emu_timer_getoverrun(int timer)
{
	struct posix_timer now;
	tern_result result;

	if (!is_timer(timer))
		return -EINVAL;
	result = posix_timer_get(emu_posix, (uint32_t)timer + 1, &now);
	return result < 0 ? result : (long)timers[timer + 1].overruns;
}

long emu_timer_delete(int timer)
{
	if (!is_timer(timer))
		return -EINVAL;
	return posix_simple(emu_posix, POSIX_OP_timer_delete, (uint64_t)timer + 1, 0, 0);
}
