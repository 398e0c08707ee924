/*
 * The process: its end, its processors, and signals as far as a process without handlers has
 * them. Nobody but the process itself is reachable.
 */
#include "emu.h"

#include <signal.h>

#define PID 1            /* the main thread's tid */
#define CANCEL_SIGNAL 33 /* the C library's, for pthread_cancel */
#define KILLED 128       /* exit status of a process that a signal ends: this + its number */

long emu_getpid(void)
{
	return PID;
}

/* The first process takes the machine with it: nobody else could end it. */
long emu_exit_group(int status)
{
	const struct tern_boot_info *boot = (const struct tern_boot_info *)TERN_BOOT_PAGE;

	emu_log_flush();
	if (emu_is_first_process)
		tern_system_control(boot->resource, TERN_CONTROL_POWER_OFF, (uint64_t)status & 127);
	for (;;)
		tern_process_kill(TERN_SELF_PROCESS, (uint32_t)status & 255);
}

static bool is_ignored_by_default(int signal)
{
	return signal == SIGCHLD || signal == SIGCONT || signal == SIGURG || signal == SIGWINCH;
}

/* Cancelling wakes the thread; any other signal has its default effect on the whole process. */
long emu_tkill(int tid, int signal)
{
	if (tid <= 0 || signal < 0 || signal > 64)
		return -EINVAL;
	if (!emu_is_thread(tid))
		return -ESRCH;
	if (signal == CANCEL_SIGNAL)
		return emu_interrupt(tid);
	if (signal && !is_ignored_by_default(signal))
		emu_exit_group(KILLED + signal);
	return 0;
}

long emu_tgkill(int pid, int tid, int signal)
{
	return pid == PID ? emu_tkill(tid, signal) : -ESRCH;
}

long emu_kill(int pid, int signal)
{
	if (signal < 0 || signal > 64)
		return -EINVAL;
	if (pid != PID && pid != 0)
		return -ESRCH;
	if (signal && !is_ignored_by_default(signal))
		emu_exit_group(KILLED + signal);
	return 0;
}

/* No handler can be installed, so there is nothing to block: an empty mask is the truth. */
long emu_sigprocmask(int how, const uint64_t *set, uint64_t *old, uint64_t size)
{
	if (size != sizeof(uint64_t) || (set && (how < SIG_BLOCK || how > SIG_SETMASK)))
		return -EINVAL;
	if (old)
		*old = 0;
	return 0;
}

long emu_sched_yield(void)
{
	return tern_thread_yield();
}

/* The harts; the kernel chooses among all of them. Linux returns the size that it wrote. */
long emu_sched_getaffinity(int tid, uint64_t size, uint64_t *mask)
{
	uint64_t harts = (uint64_t)tern_system_info(TERN_INFO_HARTS);

	if (size < sizeof(*mask) || size % sizeof(*mask))
		return -EINVAL;
	if (tid && !emu_is_thread(tid))
		return -ESRCH;
	*mask = harts < 64 ? (1ul << harts) - 1 : UINT64_MAX;
	return sizeof(*mask);
}
