/* Clocks and sleeping, for programs: user memory is touched with care. The work is in ../time.c. */
#include "emu_full.h"

#include <sys/time.h>

#include "calls.h"

#define CPU_CLOCK_MASK 7 /* of a clock id that names a process's or thread's CPU time */

#define KIND_PROCESS 2
#define KIND_THREAD 6
#define CPU_LOOK 1000000u /* nanoseconds between looks at what has been used */

long emu_get_deadline(const struct timespec *user, uint64_t (*from)(uint64_t), uint64_t *deadline)
{
	struct timespec time;
	int64_t nanoseconds;

	*deadline = TERN_DEADLINE_NONE;
	if (!user)
		return 0;
	if (emu_copy_in(&time, user, sizeof(time)))
		return -EFAULT;
	nanoseconds = emu_nanoseconds(&time);
	if (nanoseconds < 0)
		return -EINVAL;
	*deadline = from((uint64_t)nanoseconds);
	return 0;
}

uint64_t emu_cpu_time(void)
{
	long result = tern_process_info(TERN_SELF_PROCESS, TERN_PROCESS_CPU_TIME);

	return result < 0 ? 0 : (uint64_t)result;
}

/*
 * Whose time the clock shows: a pid, or -1: it is no clock of processor time. Clock ids of
 * clock_getcpuclockid and pthread_getcpuclockid are ~process << 3 | kind, or with the thread's.
 */
static int owner_of(int clock)
{
	int id = ~(clock >> 3), kind = clock & CPU_CLOCK_MASK;

	if (clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID)
		return emu_process.pid;
	if (clock >= 0 || id < 0 || (kind != KIND_PROCESS && kind != KIND_THREAD))
		return -1;
	if (!id)
		return emu_process.pid;
	if (kind == KIND_PROCESS)
		return id;
	return (int)((uint32_t)id & POSIX_PID_MASK) == emu_process.pid ? emu_process.pid : -1;
}

bool emu_is_cpu_clock(int clock)
{
	return owner_of(clock) == emu_process.pid;
}

/* 0, or -EINVAL: there is nobody of that pid. */
static long used_by(int pid, uint64_t *used)
{
	struct tern_received message = { .words = { POSIX_OP_processor, (uint64_t)pid } };

	if (pid == emu_process.pid) {
		*used = emu_cpu_time();
		return 0;
	}
	if (posix_call(emu_posix, &message) < 0)
		return -EINVAL;
	*used = message.words[1];
	return 0;
}

long emu_full_clock_gettime(int clock, struct timespec *user)
{
	int owner = (unsigned int)clock <= CLOCK_MONOTONIC ? -1 : owner_of(clock);
	struct timespec time;
	uint64_t used;
	long result;

	if (__builtin_expect(owner >= 0, 0)) {
		result = used_by(owner, &used);
		time = emu_timespec(used);
	} else {
		result = emu_clock_gettime(clock, &time);
	}
	return result ? result : emu_copy_out(user, &time, sizeof(time));
}

long emu_full_clock_getres(int clock, struct timespec *user)
{
	int owner = owner_of(clock);
	struct timespec time;
	uint64_t used;
	long result = owner >= 0 ? used_by(owner, &used) : 0;

	if (!result)
		result = emu_clock_getres(owner >= 0 ? CLOCK_MONOTONIC : clock, &time);
	return result || !user ? result : emu_copy_out(user, &time, sizeof(time));
}

/* Until others of the process have used so much; `left` is what is missing when a handler runs. */
static long wait_for_use(int owner, uint64_t target, uint64_t *left)
{
	uint64_t used;
	long result;

	while (!(result = used_by(owner, &used)) && used < target) {
		*left = target - used;
		result = emu_sleep_until(
			emu_deadline(*left > CPU_LOOK ? CPU_LOOK + *left / 8 : CPU_LOOK));
		if (result)
			return result;
	}
	return result;
}

static long sleep_on_cpu_clock(int clock, int flags, int64_t nanoseconds, uint64_t *left)
{
	int owner = owner_of(clock);
	uint64_t used;
	long result = used_by(owner, &used);

	if (result || nanoseconds < 0)
		return -EINVAL;
	if (clock == CLOCK_THREAD_CPUTIME_ID)
		return -EOPNOTSUPP;
	if (clock < 0 && (clock & CPU_CLOCK_MASK) == KIND_THREAD)
		return -EINVAL;
	return wait_for_use(owner, (uint64_t)nanoseconds + (flags & TIMER_ABSTIME ? 0 : used),
			    left);
}

long emu_full_clock_nanosleep(int clock, int flags, const struct timespec *user,
			      struct timespec *user_remaining)
{
	bool is_cpu = owner_of(clock) >= 0;
	struct timespec time;
	uint64_t deadline, left = 0;
	long result;

	if (emu_copy_in(&time, user, sizeof(time)))
		return -EFAULT;
	if (is_cpu) {
		result = sleep_on_cpu_clock(clock, flags, emu_nanoseconds(&time), &left);
	} else {
		result = emu_sleep_deadline(clock, flags, &time, &deadline);
		if (!result)
			result = emu_sleep_until(deadline);
	}
	if (result != -EINTR || !user_remaining || flags & TIMER_ABSTIME)
		return result;
	time = is_cpu ? emu_timespec(left) : emu_time_left(deadline);
	return emu_copy_out(user_remaining, &time, sizeof(time)) ? -EFAULT : result;
}

long emu_full_nanosleep(const struct timespec *time, struct timespec *remaining)
{
	return emu_full_clock_nanosleep(CLOCK_MONOTONIC, 0, time, remaining);
}

long emu_gettimeofday(struct timeval *user, void *zone)
{
	struct timespec time;
	struct timeval value;

	(void)zone;
	emu_clock_gettime(CLOCK_REALTIME, &time);
	value.tv_sec = time.tv_sec;
	value.tv_usec = time.tv_nsec / 1000;
	return user ? emu_copy_out(user, &value, sizeof(value)) : 0;
}

/* The wall clock is the machine's, and nobody's to set. */
long emu_clock_settime(int clock, const struct timespec *user)
{
	struct timespec time;

	if (clock != CLOCK_REALTIME)
		return -EINVAL;
	if (emu_copy_in(&time, user, sizeof(time)))
		return -EFAULT;
	return emu_nanoseconds(&time) < 0 ? -EINVAL : -EPERM;
}
