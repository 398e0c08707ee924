/*
 * Scheduling: niceness is the posix server's to remember; every program runs with the ordinary policy,
 * on all harts.
 */
#include "emu_full.h"

#include <sched.h>
#include <string.h>
#include <sys/resource.h>

#include "calls.h"
#include "proto/posix.h"

#define NICE_BASE 20 /* getpriority answers 20 - nice: never negative */
#define SLICE_NS 10000000

long emu_full_sched_yield(void)
{
	return tern_thread_yield();
}

static enum posix_select select_of(int which)
{
	return which == PRIO_PROCESS ? POSIX_PID : which == PRIO_PGRP ? POSIX_GROUP : POSIX_ALL;
}

static long priority(int which, int who, bool is_set, int value)
{
	struct tern_received message = { .words = { POSIX_OP_priority, select_of(which),
						    (uint64_t)who, is_set, (uint64_t)value } };
	long result;

	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	if (which == PRIO_PROCESS && !who)
		message.words[2] = (uint64_t)emu_process.pid;
	if (which == PRIO_PGRP && !who)
		message.words[2] = (uint64_t)emu_getpgid(0);
	result = posix_call(emu_posix, &message);
	if (result < 0)
		return result;
	return is_set ? 0 : NICE_BASE - (int64_t)message.words[1];
}

long emu_getpriority(int which, int who)
{
	return priority(which, who, false, 0);
}

long emu_setpriority(int which, int who, int value)
{
	return priority(which, who, true, value < -20 ? -20 : value > 19 ? 19 : value);
}

/* A thread of this process, or another process? */
static bool exists(int pid)
{
	const struct emu_thread *thread;

	if (!pid || pid == emu_process.pid)
		return true;
	emu_lock(&emu_threads_lock);
	thread = emu_thread_find(pid);
	emu_unlock(&emu_threads_lock);
	return thread || (pid > 0 && emu_getpgid(pid) >= 0);
}

static uint64_t all_harts(void)
{
	uint64_t harts = (uint64_t)tern_system_info(TERN_INFO_HARTS);

	return harts < 64 ? (1ul << harts) - 1 : UINT64_MAX;
}

/* The harts; the kernel chooses among all of them. Linux answers the size that it wrote. */
long emu_full_getaffinity(int pid, uint64_t size, uint64_t *user)
{
	uint64_t mask = all_harts();

	if (size < sizeof(mask) || size % sizeof(mask))
		return -EINVAL;
	if (!exists(pid))
		return -ESRCH;
	return emu_copy_out(user, &mask, sizeof(mask)) ? -EFAULT : (long)sizeof(mask);
}

/* A wish that some hart can fulfil is granted: running elsewhere as well makes no difference. */
long emu_setaffinity(int pid, uint64_t size, const uint64_t *user)
{
	uint64_t mask = 0;

	if (emu_copy_in(&mask, user, size < sizeof(mask) ? size : sizeof(mask)))
		return -EFAULT;
	if (!exists(pid))
		return -ESRCH;
	return mask & all_harts() ? 0 : -EINVAL;
}

long emu_getscheduler(int pid)
{
	return pid < 0 ? -EINVAL : exists(pid) ? SCHED_OTHER : -ESRCH;
}

static long check_parameter(int pid, const struct sched_param *user)
{
	int wanted;

	if (pid < 0 || !user)
		return -EINVAL;
	if (emu_copy_in(&wanted, user, sizeof(wanted)))
		return -EFAULT;
	return exists(pid) ? wanted ? -EINVAL : 0 : -ESRCH;
}

long emu_setscheduler(int pid, int policy, const struct sched_param *parameter)
{
	int plain = policy & ~SCHED_RESET_ON_FORK;

	if (plain == SCHED_FIFO || plain == SCHED_RR)
		return exists(pid) ? -EPERM : -ESRCH;
	if (plain != SCHED_OTHER && plain != SCHED_BATCH && plain != SCHED_IDLE)
		return -EINVAL;
	return check_parameter(pid, parameter);
}

long emu_getparam(int pid, struct sched_param *user)
{
	const int none = 0;

	if (pid < 0 || !user)
		return -EINVAL;
	return exists(pid) ? emu_copy_out(user, &none, sizeof(none)) : -ESRCH;
}

long emu_setparam(int pid, const struct sched_param *parameter)
{
	return check_parameter(pid, parameter);
}

/* Nobody may have a priority of the realtime policies, so both bounds say what Linux's would. */
long emu_priority_max(int policy)
{
	if (policy == SCHED_FIFO || policy == SCHED_RR)
		return 99;
	return policy == SCHED_OTHER || policy == SCHED_BATCH || policy == SCHED_IDLE ? 0 : -EINVAL;
}

long emu_priority_min(int policy)
{
	if (policy == SCHED_FIFO || policy == SCHED_RR)
		return 1;
	return emu_priority_max(policy);
}

long emu_rr_interval(int pid, struct timespec *user)
{
	const struct timespec slice = { .tv_nsec = SLICE_NS };

	if (pid < 0)
		return -EINVAL;
	return exists(pid) ? emu_copy_out(user, &slice, sizeof(slice)) : -ESRCH;
}

/* Which hart it is is not told to programs: there might be one only. */
long emu_getcpu(unsigned int *cpu, unsigned int *node)
{
	const unsigned int first = 0;

	if ((cpu && emu_copy_out(cpu, &first, sizeof(first))) ||
	    (node && emu_copy_out(node, &first, sizeof(first))))
		return -EFAULT;
	return 0;
}
