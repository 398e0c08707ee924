/*
 * The calls of the full profile. What is not in the table is -ENOSYS; with EMU_DEBUG=1 in the
 * environment of a program a line on its descriptor 2 says which call it was. docs/posix.md says what
 * each of them does.
 */
#include "emu_full.h"

#include <string.h>
#include <sys/syscall.h>

#include "calls.h"

#define CALL(number, function) [SYS_##number] = (emu_call *)(void (*)(void))(function)
#define LIST_CALL(number, function) CALL(number, function),

EMU_FILE_CALLS(EMU_FILE_DECLARE)
EMU_SIGNAL_CALLS(EMU_SIGNAL_DECLARE)

/* image.S looks here. */
emu_call *const emu_calls[EMU_CALLS] = {
	EMU_FILE_CALLS(LIST_CALL) EMU_SIGNAL_CALLS(LIST_CALL)

	/* memory */
	CALL(brk, emu_full_brk),
	CALL(mmap, emu_full_mmap),
	CALL(munmap, emu_full_munmap),
	CALL(mprotect, emu_full_mprotect),
	CALL(mremap, emu_full_mremap),
	CALL(madvise, emu_full_madvise),
	CALL(msync, emu_msync),
	CALL(mincore, emu_mincore),
	CALL(mlock, emu_mlock),
	CALL(mlock2, emu_mlock),
	CALL(munlock, emu_mlock),
	CALL(mlockall, emu_mlockall),
	CALL(munlockall, emu_munlockall),

	/* threads */
	CALL(clone, emu_full_clone),
	CALL(exit, emu_thread_exit),
	CALL(gettid, emu_full_gettid),
	CALL(set_tid_address, emu_full_set_tid_address),
	CALL(set_robust_list, emu_set_robust_list),
	CALL(get_robust_list, emu_get_robust_list),
	CALL(futex, emu_full_futex),
	CALL(sched_yield, emu_full_sched_yield),
	CALL(membarrier, emu_membarrier),

	/* processes */
	CALL(execve, emu_execve),
	CALL(execveat, emu_execveat),
	CALL(exit_group, emu_full_exit_group),
	CALL(wait4, emu_wait4),
	CALL(waitid, emu_waitid),
	CALL(getpid, emu_full_getpid),
	CALL(getppid, emu_getppid),
	CALL(getpgid, emu_getpgid),
	CALL(setpgid, emu_setpgid),
	CALL(getsid, emu_getsid),
	CALL(setsid, emu_setsid),
	CALL(prctl, emu_prctl),
	CALL(getpriority, emu_getpriority),
	CALL(setpriority, emu_setpriority),
	CALL(sched_getaffinity, emu_full_getaffinity),
	CALL(sched_setaffinity, emu_setaffinity),
	CALL(sched_getscheduler, emu_getscheduler),
	CALL(sched_setscheduler, emu_setscheduler),
	CALL(sched_getparam, emu_getparam),
	CALL(sched_setparam, emu_setparam),
	CALL(sched_get_priority_max, emu_priority_max),
	CALL(sched_get_priority_min, emu_priority_min),
	CALL(sched_rr_get_interval, emu_rr_interval),
	CALL(getcpu, emu_getcpu),

	/* credentials */
	CALL(getuid, emu_getuid),
	CALL(geteuid, emu_geteuid),
	CALL(getgid, emu_getgid),
	CALL(getegid, emu_getegid),
	CALL(getresuid, emu_getresuid),
	CALL(getresgid, emu_getresgid),
	CALL(setuid, emu_setuid),
	CALL(setgid, emu_setgid),
	CALL(setreuid, emu_setreuid),
	CALL(setregid, emu_setregid),
	CALL(setresuid, emu_setresuid),
	CALL(setresgid, emu_setresgid),
	CALL(getgroups, emu_getgroups),
	CALL(setgroups, emu_setgroups),

	/* limits and figures */
	CALL(getrlimit, emu_getrlimit),
	CALL(setrlimit, emu_setrlimit),
	CALL(prlimit64, emu_prlimit),
	CALL(uname, emu_uname),
	CALL(sysinfo, emu_sysinfo),
	CALL(times, emu_times),
	CALL(getrusage, emu_getrusage),
	CALL(sethostname, emu_sethostname),
	CALL(setdomainname, emu_setdomainname),
	CALL(reboot, emu_reboot),
	CALL(vhangup, emu_vhangup),
	CALL(getrandom, emu_full_getrandom),

	/* clocks */
	CALL(clock_gettime, emu_full_clock_gettime),
	CALL(clock_getres, emu_full_clock_getres),
	CALL(clock_nanosleep, emu_full_clock_nanosleep),
	CALL(nanosleep, emu_full_nanosleep),
	CALL(gettimeofday, emu_gettimeofday),
	CALL(clock_settime, emu_clock_settime),
};

static void report_missing(unsigned long number)
{
	static const char text[] = "emu: no system call ";
	char line[sizeof(text) + 24], *at = line + sizeof(line);

	*--at = '\n';
	do
		*--at = (char)('0' + number % 10);
	while (number /= 10);
	at -= sizeof(text) - 1;
	memcpy(at, text, sizeof(text) - 1);
	emu_write_text(2, at, (uint64_t)(line + sizeof(line) - at));
}

long emu_missing_call(long number, uint64_t a, uint64_t b);

long emu_missing_call(long number, uint64_t a, uint64_t b)
{
	if (number == EMU_UNMAP_EXIT)
		emu_thread_unmap_exit(a, b);
	if (emu_is_debugging)
		report_missing((unsigned long)number);
	return -ENOSYS;
}
