/* Waiting for children: the posix server knows them. */
#include "emu_full.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "calls.h"
#include "proto/posix.h"

#define WAIT4_OPTIONS (WNOHANG | WUNTRACED | WCONTINUED | 0xe0000000) /* and __WALL and its kin */
#define WAITID_OPTIONS (WNOHANG | WSTOPPED | WEXITED | WCONTINUED | WNOWAIT | 0xe0000000)
#define SERVER_OPTIONS (WNOHANG | WSTOPPED | WEXITED | WCONTINUED | WNOWAIT)
#define SECOND 1000000000u

static struct timeval to_timeval(uint64_t nanoseconds)
{
	return (struct timeval){ .tv_sec = (time_t)(nanoseconds / SECOND),
				 .tv_usec = (suseconds_t)(nanoseconds % SECOND / 1000) };
}

long emu_put_usage(struct rusage *usage, const struct posix_waited *waited)
{
	struct rusage copy;

	memset(&copy, 0, sizeof(copy));
	copy.ru_utime = to_timeval(waited->user_ns);
	copy.ru_stime = to_timeval(waited->system_ns);
	copy.ru_maxrss = (long)(waited->largest / 1024);
	return emu_copy_out(usage, &copy, offsetof(struct rusage, __reserved));
}

static long ask(enum posix_select select, uint64_t id, int options, struct posix_waited *waited)
{
	if (!(options & WNOHANG) && emu_is_due())
		return -EINTR;
	return posix_wait(emu_posix, select, (uint32_t)id, (uint32_t)options & SERVER_OPTIONS,
			  waited);
}

long emu_wait4(int pid, int *status, int options, struct rusage *usage)
{
	enum posix_select select = pid > 0 ? POSIX_PID : pid == -1 ? POSIX_ALL : POSIX_GROUP;
	uint64_t id = pid > 0 ? (uint64_t)pid : pid < -1 ? (uint64_t) - (int64_t)pid : 0;
	struct posix_waited waited;
	long result;

	if ((unsigned int)options & ~WAIT4_OPTIONS)
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	if (!pid)
		id = (uint64_t)emu_getpgid(0);
	result = ask(select, id, options | WEXITED, &waited);
	if (result <= 0)
		return result;
	if (status && emu_copy_out(status, &waited.status, sizeof(*status)))
		return -EFAULT;
	return usage && emu_put_usage(usage, &waited) ? -EFAULT : result;
}

/* What waitid tells of a status. */
static void describe(siginfo_t *info, long pid, const struct posix_waited *waited)
{
	int status = (int)waited->status;

	info->si_signo = SIGCHLD;
	info->si_pid = (pid_t)pid;
	info->si_uid = (uid_t)waited->uid;
	if (WIFEXITED(status)) {
		info->si_code = CLD_EXITED;
		info->si_status = WEXITSTATUS(status);
	} else if (WIFSTOPPED(status)) {
		info->si_code = CLD_STOPPED;
		info->si_status = WSTOPSIG(status);
	} else if (WIFCONTINUED(status)) {
		info->si_code = CLD_CONTINUED;
		info->si_status = SIGCONT;
	} else {
		info->si_code = WCOREDUMP(status) ? CLD_DUMPED : CLD_KILLED;
		info->si_status = WTERMSIG(status);
	}
}

long emu_waitid(int type, int id, void *user_info, int options, struct rusage *usage)
{
	static const enum posix_select selects[] = { POSIX_ALL, POSIX_PID, POSIX_GROUP };
	struct posix_waited waited;
	siginfo_t info;
	long result;

	if ((unsigned int)options & ~(unsigned int)WAITID_OPTIONS ||
	    !(options & (WEXITED | WSTOPPED | WCONTINUED)) || type < P_ALL || type > P_PGID)
		return -EINVAL;
	if ((type == P_PID && id <= 0) || (type == P_PGID && id < 0))
		return -EINVAL;
	if (type == P_PGID && !id)
		id = (int)emu_getpgid(0);
	result = ask(selects[type], type == P_ALL ? 0 : (uint64_t)id, options, &waited);
	if (result < 0)
		return result;
	memset(&info, 0, sizeof(info));
	if (result > 0)
		describe(&info, result, &waited);
	if (user_info && emu_copy_out(user_info, &info, sizeof(info)))
		return -EFAULT;
	return result > 0 && usage && emu_put_usage(usage, &waited) ? -EFAULT : 0;
}
