/* fork and wait. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/posix/processes/processes.h"

#define CHILDREN 40

static volatile int shared_by_nobody = 1;

static pid_t child_that_exits(int status)
{
	pid_t child = fork();

	if (!child)
		_exit(status);
	return child;
}

static pid_t child_that_waits(void)
{
	pid_t child = fork();

	while (!child)
		pause();
	return child;
}

static void check_copy(void)
{
	CHECK_EQ(shared_by_nobody, 1);
	shared_by_nobody = 2;
}

void a_child_is_a_copy(void)
{
	pid_t self = getpid(), parent = getppid();
	int ends[2], ids[3] = { 0 };
	pid_t child;

	CHECK_EQ(check_child(check_copy), 0);
	CHECK_EQ(shared_by_nobody, 1);
	CHECK_EQ(pipe(ends), 0);
	child = fork();
	if (!child) {
		int mine[3] = { getpid(), getppid(), gettid() };

		write(ends[1], mine, sizeof(mine));
		_exit(0);
	}
	CHECK_EQ(read(ends[0], ids, sizeof(ids)), sizeof(ids));
	CHECK_EQ(ids[0], child);
	CHECK_EQ(ids[1], self);
	CHECK_EQ(ids[2], child);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	CHECK_EQ(getpid(), self);
	CHECK_EQ(getppid(), parent);
}

void statuses_arrive(void)
{
	const int codes[] = { 0, 1, 42, 255 };
	int status;
	pid_t child;

	for (int i = 0; i < 4; i++) {
		child = child_that_exits(codes[i]);
		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK(WIFEXITED(status));
		CHECK_EQ(WEXITSTATUS(status), codes[i]);
	}
	child = child_that_exits(0x1234);
	CHECK_EQ(wait(&status), child);
	CHECK_EQ(WEXITSTATUS(status), 0x34);
	child = child_that_waits();
	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGKILL);
	CHECK_ERROR(wait(&status), ECHILD);
}

void wait_chooses(void)
{
	pid_t first = child_that_exits(1), second = child_that_exits(2), third = fork();
	int status;

	if (!third) {
		setpgid(0, 0);
		_exit(3);
	}
	setpgid(third, third);
	CHECK_EQ(waitpid(second, &status, 0), second);
	CHECK_EQ(WEXITSTATUS(status), 2);
	CHECK_EQ(waitpid(0, &status, 0), first);
	CHECK_ERROR(waitpid(0, &status, 0), ECHILD);
	CHECK_EQ(waitpid(-third, &status, 0), third);
	CHECK_ERROR(waitpid(first, &status, 0), ECHILD);
	CHECK_ERROR(waitpid(-1, &status, 0x40000), EINVAL);
}

void wait_does_not_wait_with_nohang(void)
{
	const struct timespec moment = { .tv_nsec = 1000000 };
	pid_t child = child_that_waits();
	struct rusage usage;
	int status = 7;

	CHECK_EQ(waitpid(child, &status, WNOHANG), 0);
	CHECK_EQ(status, 7);
	CHECK_EQ(kill(child, SIGKILL), 0);
	for (int i = 0; i < 60000 && wait4(child, &status, WNOHANG, &usage) == 0; i++)
		nanosleep(&moment, NULL);
	CHECK_EQ(WTERMSIG(status), SIGKILL);
	CHECK(usage.ru_utime.tv_usec >= 0 && usage.ru_utime.tv_usec < 1000000);
	CHECK_ERROR(waitpid(-1, &status, WNOHANG), ECHILD);
}

void waitid_tells_and_leaves(void)
{
	pid_t child = child_that_exits(9);
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	CHECK_EQ(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
	CHECK_EQ(info.si_pid, child);
	CHECK_EQ(info.si_code, CLD_EXITED);
	CHECK_EQ(info.si_status, 9);
	CHECK_EQ(info.si_signo, SIGCHLD);
	memset(&info, 0, sizeof(info));
	CHECK_EQ(waitid(P_ALL, 0, &info, WEXITED), 0);
	CHECK_EQ(info.si_pid, child);
	CHECK_ERROR(waitid(P_ALL, 0, &info, WEXITED), ECHILD);
	CHECK_ERROR(waitid(P_ALL, 0, &info, 0), EINVAL);
	child = child_that_waits();
	info.si_pid = 5;
	CHECK_EQ(waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG), 0);
	CHECK_EQ(info.si_pid, 0);
	kill(child, SIGKILL);
	CHECK_EQ(waitid(P_PID, (id_t)child, &info, WEXITED), 0);
	CHECK_EQ(info.si_code, CLD_KILLED);
	CHECK_EQ(info.si_status, SIGKILL);
}

/* The grandchild sees its parent change to process 1. */
void children_of_the_dead_are_adopted(void)
{
	int ends[2], told[2] = { 0 };
	pid_t child;

	CHECK_EQ(pipe(ends), 0);
	child = fork();
	if (!child) {
		int pair[2] = { getpid() };
		pid_t parent = getpid();

		if (fork())
			_exit(0);
		while (getppid() == parent)
			usleep(1000);
		pair[1] = getppid();
		write(ends[1], pair, sizeof(pair));
		_exit(0);
	}
	CHECK_EQ(waitpid(child, NULL, 0), child);
	CHECK_EQ(read(ends[0], told, sizeof(told)), sizeof(told));
	CHECK_EQ(told[0], child);
	CHECK_EQ(told[1], 1);
	CHECK_ERROR(wait(NULL), ECHILD);
}

void many_children_at_once(void)
{
	pid_t children[CHILDREN];
	int status, seen[CHILDREN] = { 0 };

	for (int i = 0; i < CHILDREN; i++) {
		children[i] = child_that_exits(i);
		CHECK(children[i] > 0);
	}
	for (int i = 0; i < CHILDREN; i++) {
		pid_t child = wait(&status);
		int code = WEXITSTATUS(status);

		CHECK(code < CHILDREN && children[code] == child);
		seen[code]++;
	}
	for (int i = 0; i < CHILDREN; i++)
		CHECK_EQ(seen[i], 1);
}
