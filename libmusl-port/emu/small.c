/*
 * The small profile, for servers: memory, threads, time and the log. What is not in the table is
 * -ENOSYS; with EMU_DEBUG=1 in the environment a line says which call it was.
 */
#include "emu.h"

#include <sys/syscall.h>

#define CALL(number, function) [SYS_##number] = (emu_call *)(void (*)(void))(function)
#define COUNT (sizeof(calls) / sizeof(calls[0]))

static emu_call *const calls[] = {
	CALL(brk, emu_brk),
	CALL(mmap, emu_mmap),
	CALL(munmap, emu_munmap),
	CALL(mprotect, emu_mprotect),
	CALL(mremap, emu_mremap),
	CALL(madvise, emu_madvise),

	CALL(clone, emu_clone),
	CALL(exit, emu_exit),
	CALL(gettid, emu_gettid),
	CALL(set_tid_address, emu_set_tid_address),
	CALL(futex, emu_futex),
	CALL(sched_yield, emu_sched_yield),
	CALL(sched_getaffinity, emu_sched_getaffinity),

	CALL(clock_gettime, emu_clock_gettime),
	CALL(clock_getres, emu_clock_getres),
	CALL(clock_nanosleep, emu_clock_nanosleep),
	CALL(nanosleep, emu_nanosleep),

	CALL(read, emu_log_read),
	CALL(readv, emu_log_read),
	CALL(write, emu_log_write),
	CALL(writev, emu_log_writev),
	CALL(ioctl, emu_log_ioctl),

	CALL(getrandom, emu_getrandom),
	CALL(getpid, emu_getpid),
	CALL(exit_group, emu_exit_group),
	CALL(kill, emu_kill),
	CALL(tkill, emu_tkill),
	CALL(tgkill, emu_tgkill),
	CALL(rt_sigprocmask, emu_sigprocmask),
};

static void report_missing(long number)
{
	static const char text[] = "emu: no system call ";
	char line[sizeof(text) + 24], *at = line + sizeof(line);

	if (!emu_is_debugging)
		return;
	*--at = '\n';
	do
		*--at = (char)('0' + (unsigned long)number % 10);
	while ((number = (long)((unsigned long)number / 10)));
	for (size_t i = sizeof(text) - 1; i > 0; i--)
		*--at = text[i - 1];
	emu_log_write(2, at, (uint64_t)(line + sizeof(line) - at));
}

static long call(long number, long a, long b, long c, long d, long e, long f)
{
	if (number >= 0 && (size_t)number < COUNT && calls[number])
		return calls[number](a, b, c, d, e, f);
	if (number == EMU_UNMAP_EXIT)
		return emu_unmap_exit((uint64_t)a, (uint64_t)b);
	report_missing(number);
	return -ENOSYS;
}

extern long (*__emu_syscall)(long, ...), (*__emu_syscall_cp)(long, ...);

/* What musl knows of emu. A cancellation point is interrupted with -EINTR, and looks by itself. */
long (*__emu_syscall)(long, ...) = (long (*)(long, ...))(void (*)(void))call;
long (*__emu_syscall_cp)(long, ...) = (long (*)(long, ...))(void (*)(void))call;
