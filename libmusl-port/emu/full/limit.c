/*
 * Resource limits. They are inherited, and kept over exec, as all of emu's state. Enforced: NOFILE and FSIZE
 * (files), CPU and NPROC (the posix server), AS and DATA (memory), STACK (the size of a new program's), MSGQUEUE
 * (the pipe server). The others are remembered. emu is in the process: who wants to deceive it has no limits
 * but the account's.
 */
#include "emu_full.h"

#include <signal.h>
#include <sys/resource.h>

#include "calls.h"

#define STACK_DEFAULT (8UL << 20)
#define PROCESSES 1000
#define SECOND 1000000000ul
#define SECONDS_MAX (INT64_MAX / SECOND)

static struct rlimit limits[RLIMIT_NLIMITS] = {
	[RLIMIT_CPU] = { RLIM_INFINITY, RLIM_INFINITY },
	[RLIMIT_FSIZE] = { RLIM_INFINITY, RLIM_INFINITY },
	[RLIMIT_DATA] = { RLIM_INFINITY, RLIM_INFINITY },
	[RLIMIT_STACK] = { STACK_DEFAULT, RLIM_INFINITY },
	[RLIMIT_CORE] = { 0, RLIM_INFINITY },
	[RLIMIT_RSS] = { RLIM_INFINITY, RLIM_INFINITY },
	[RLIMIT_NPROC] = { PROCESSES, PROCESSES },
	[RLIMIT_NOFILE] = { EMU_DESCRIPTORS_SOFT, EMU_DESCRIPTORS_MAX },
	[RLIMIT_MEMLOCK] = { RLIM_INFINITY, RLIM_INFINITY },
	[RLIMIT_AS] = { RLIM_INFINITY, RLIM_INFINITY },
	[RLIMIT_LOCKS] = { RLIM_INFINITY, RLIM_INFINITY },
	[RLIMIT_SIGPENDING] = { PROCESSES, PROCESSES },
	[RLIMIT_MSGQUEUE] = { 819200, 819200 },
	[RLIMIT_NICE] = { 0, 0 },
	[RLIMIT_RTPRIO] = { 0, 0 },
	[RLIMIT_RTTIME] = { RLIM_INFINITY, RLIM_INFINITY },
};

uint64_t emu_size_limit = UINT64_MAX;

uint64_t emu_limit(int resource)
{
	return limits[resource].rlim_cur;
}

/* The posix server looks at the time that is used. */
static tern_result tell_processor_limit(void)
{
	const struct rlimit *limit = &limits[RLIMIT_CPU];
	uint64_t soft = limit->rlim_cur < SECONDS_MAX ? limit->rlim_cur * SECOND : 0;
	uint64_t hard = limit->rlim_max < SECONDS_MAX ? limit->rlim_max * SECOND : 0;
	tern_result result;

	/* None at all means as soon as anything is used. */
	if (!limit->rlim_cur)
		soft = 1;
	if (!limit->rlim_max)
		hard = 1;
	result = posix_timer_set(emu_posix, POSIX_TIMER_LIMIT, soft, SECOND, NULL);
	if (result >= 0)
		result = posix_timer_set(emu_posix, POSIX_TIMER_HARD_LIMIT, hard, 0, NULL);
	return result < 0 ? result : 0;
}

void emu_limits_child(void)
{
	if (limits[RLIMIT_CPU].rlim_cur != RLIM_INFINITY ||
	    limits[RLIMIT_CPU].rlim_max != RLIM_INFINITY)
		tell_processor_limit();
}

uint64_t emu_limit_of_processes(void)
{
	uint64_t limit = limits[RLIMIT_NPROC].rlim_cur;

	if (limit >= PROCESSES || !emu_process.uid || !emu_process.euid)
		return 0;
	return limit ? limit : 1;
}

long emu_size_allowed(uint64_t offset, size_t *length)
{
	if (!*length || offset + *length <= emu_size_limit)
		return 0;
	if (offset < emu_size_limit) {
		*length = emu_size_limit - offset;
		return 0;
	}
	emu_signal_self(SIGXFSZ);
	return -EFBIG;
}

bool emu_size_is_allowed(uint64_t length)
{
	if (__builtin_expect(length <= emu_size_limit, 1))
		return true;
	emu_signal_self(SIGXFSZ);
	return false;
}

/* The program's regions but its stack, which has its room from the start. */
static void count_mapped(uint64_t *all, uint64_t *data)
{
	const uint64_t own = TERN_MAP_PRIVATE | TERN_MAP_WRITE;
	uint64_t address = 0;
	struct tern_region region;

	*all = *data = 0;
	while (!tern_region_info(TERN_SELF_PROCESS, address, &region) &&
	       region.start + region.length < EMU_STACK_TOP) {
		*all += region.length;
		if ((region.flags & own) == own)
			*data += region.length;
		address = region.start + region.length;
	}
}

static bool fits(int resource, uint64_t used, uint64_t length)
{
	uint64_t limit = limits[resource].rlim_cur;

	return used <= limit && length <= limit - used;
}

bool emu_memory_is_limited;

bool emu_is_within_limits(uint64_t length, bool is_data)
{
	uint64_t all, data;

	count_mapped(&all, &data);
	return fits(RLIMIT_AS, all, length) && (!is_data || fits(RLIMIT_DATA, data, length));
}

static long change(int resource, const struct rlimit *user)
{
	struct rlimit new, *limit = &limits[resource];

	if (emu_copy_in(&new, user, sizeof(new)))
		return -EFAULT;
	if (new.rlim_cur > new.rlim_max)
		return -EINVAL;
	if (new.rlim_max > limit->rlim_max && emu_process.euid)
		return -EPERM;
	if (resource == RLIMIT_NOFILE) {
		if (new.rlim_max > EMU_DESCRIPTORS_MAX)
			return -EPERM;
		emu_descriptor_limit = (uint32_t) new.rlim_cur;
	}
	*limit = new;
	emu_memory_is_limited = (limits[RLIMIT_AS].rlim_cur & limits[RLIMIT_DATA].rlim_cur) !=
				RLIM_INFINITY;
	if (resource == RLIMIT_FSIZE)
		emu_size_limit = new.rlim_cur;
	return resource == RLIMIT_CPU ? tell_processor_limit() : 0;
}

long emu_prlimit(int pid, int resource, const struct rlimit *new, struct rlimit *old)
{
	struct rlimit before;

	if ((unsigned int)resource >= RLIMIT_NLIMITS)
		return -EINVAL;
	if (pid && pid != emu_process.pid)
		return pid < 0 || emu_getpgid(pid) < 0 ? -ESRCH : -EPERM;
	before = limits[resource];
	if (new) {
		long result = change(resource, new);

		if (result)
			return result;
	}
	return old ? emu_copy_out(old, &before, sizeof(before)) : 0;
}

long emu_getrlimit(int resource, struct rlimit *limit)
{
	if ((unsigned int)resource >= RLIMIT_NLIMITS)
		return -EINVAL;
	return emu_copy_out(limit, &limits[resource], sizeof(*limit));
}

long emu_setrlimit(int resource, const struct rlimit *limit)
{
	return emu_prlimit(0, resource, limit, NULL);
}
