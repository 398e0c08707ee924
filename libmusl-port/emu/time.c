/* Clocks, read from the time page without a system call, and sleeping. */
#include "emu.h"

#define SECOND 1000000000u
/* Half of what 63 bits hold: now and so long is still a time. */
#define SECONDS_MAX (INT64_MAX / SECOND / 2)

static uint64_t boot_realtime(void)
{
	return ((const struct tern_time_page *)TERN_TIME_PAGE)->boot_seconds * SECOND;
}

/* What the clock shows at time 0 of the time page, or -EINVAL for those we do not have. */
static int64_t clock_base(clockid_t clock)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
		return (int64_t)boot_realtime();
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
		return 0;
	default:
		return -EINVAL;
	}
}

struct timespec emu_timespec(uint64_t nanoseconds)
{
	return (struct timespec){ .tv_sec = (time_t)(nanoseconds / SECOND),
				  .tv_nsec = (long)(nanoseconds % SECOND) };
}

/* Times beyond the most are as good as the end of time. */
int64_t emu_nanoseconds(const struct timespec *time)
{
	if (time->tv_sec < 0 || (unsigned long)time->tv_nsec >= SECOND)
		return -EINVAL;
	if (time->tv_sec > SECONDS_MAX)
		return INT64_MAX / 2;
	return time->tv_sec * (int64_t)SECOND + time->tv_nsec;
}

uint64_t emu_deadline(uint64_t nanoseconds)
{
	return tern_time() + nanoseconds;
}

uint64_t emu_from_realtime(uint64_t nanoseconds)
{
	uint64_t boot = boot_realtime();

	return nanoseconds > boot ? nanoseconds - boot : 0;
}

long emu_clock_gettime(clockid_t clock, struct timespec *time)
{
	int64_t base = clock_base(clock);

	if (base < 0)
		return base;
	*time = emu_timespec((uint64_t)base + tern_time());
	return 0;
}

long emu_clock_getres(clockid_t clock, struct timespec *time)
{
	uint64_t frequency = ((const struct tern_time_page *)TERN_TIME_PAGE)->frequency;

	if (clock_base(clock) < 0)
		return -EINVAL;
	if (time)
		*time = emu_timespec(frequency < SECOND ? SECOND / frequency : 1);
	return 0;
}

long emu_sleep_deadline(clockid_t clock, int flags, const struct timespec *time, uint64_t *deadline)
{
	int64_t base = clock_base(clock), nanoseconds = emu_nanoseconds(time);

	if (base < 0 || nanoseconds < 0)
		return -EINVAL;
	if (!(flags & TIMER_ABSTIME))
		*deadline = emu_deadline((uint64_t)nanoseconds);
	else
		*deadline = nanoseconds > base ? (uint64_t)(nanoseconds - base) : 0;
	return 0;
}

struct timespec emu_time_left(uint64_t deadline)
{
	uint64_t now = tern_time();

	return emu_timespec(deadline > now ? deadline - now : 0);
}

long emu_clock_nanosleep(clockid_t clock, int flags, const struct timespec *time,
			 struct timespec *remaining)
{
	uint64_t deadline;
	uint32_t word = 0;
	long result = emu_sleep_deadline(clock, flags, time, &deadline);

	while (!result)
		result = tern_futex_wait(&word, 0, deadline);
	if (result == -EINTR && remaining && !(flags & TIMER_ABSTIME))
		*remaining = emu_time_left(deadline);
	return result == -ETIMEDOUT ? 0 : result;
}

long emu_nanosleep(const struct timespec *time, struct timespec *remaining)
{
	return emu_clock_nanosleep(CLOCK_MONOTONIC, 0, time, remaining);
}
