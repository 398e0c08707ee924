/* Parents and children, groups and sessions, stops. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "tests/posix/family.h"

static volatile sig_atomic_t count;
static volatile int *shared;

static void on_signal(int number)
{
	(void)number;
	count++;
}

static void share(void)
{
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static void await(int index, int value)
{
	for (int i = 0; i < 60000 && shared[index] != value; i++)
		nap(1);
	CHECK_EQ(shared[index], value);
}

static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (!pid)
		for (;;)
			pause();
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	reap(pid);
}

/* ------------------------------------------------------------------------------------------ wait */

static void statuses_are_told(void)
{
	pid_t pid = fork();
	siginfo_t info;
	int status;

	if (!pid)
		_exit(300);
	CHECK_EQ(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	CHECK_EQ(info.si_code, CLD_EXITED);
	CHECK_EQ(info.si_status, 300 & 255);
	CHECK_EQ(info.si_pid, pid);
	status = reap(pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == (300 & 255));
	pid = sleeper();
	CHECK_EQ(waitpid(pid, &status, WNOHANG), 0);
	kill(pid, SIGTERM);
	status = reap(pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	CHECK_ERROR(waitpid(pid, &status, 0), ECHILD);
	CHECK_ERROR(waitpid(-1, &status, 0), ECHILD);
	CHECK_ERROR(waitpid(pid, &status, 0x40), EINVAL);
}

static void *wait_for_any(void *unused)
{
	(void)unused;
	return (void *)(long)waitpid(-1, NULL, 0);
}

/* Each child is told to one of those who wait. */
static void waiters_race(void)
{
	enum { THREADS = 6 };
	pthread_t threads[THREADS];
	pid_t pids[THREADS];
	long sum = 0;

	for (int i = 0; i < THREADS; i++)
		pids[i] = sleeper();
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, wait_for_any, NULL);
	check_settle();
	for (int i = 0; i < THREADS; i++) {
		sum += pids[i];
		kill(pids[i], SIGKILL);
	}
	for (int i = 0; i < THREADS; i++) {
		void *result;

		pthread_join(threads[i], &result);
		sum -= (long)result;
	}
	CHECK_EQ(sum, 0);
	CHECK_ERROR(waitpid(-1, NULL, 0), ECHILD);
}

static void ignored_children_leave_nothing(void)
{
	pid_t pid;

	handle(SIGCHLD, SIG_IGN, 0);
	pid = fork();
	if (!pid)
		_exit(1);
	CHECK_ERROR(waitpid(pid, NULL, 0), ECHILD);
	handle(SIGCHLD, on_signal, SA_NOCLDWAIT);
	pid = fork();
	if (!pid)
		_exit(1);
	CHECK_ERROR(waitpid(pid, NULL, 0), ECHILD);
}

static void orphans_go_to_the_first_process(void)
{
	pid_t pid;

	share();
	pid = fork();
	if (!pid) {
		if (!fork()) {
			while (getppid() != 1)
				nap(1);
			shared[0] = 1;
			_exit(0);
		}
		_exit(0);
	}
	CHECK_EQ(reap(pid), 0);
	await(0, 1);
}

static void child_signals_come(void)
{
	pid_t pid;

	handle(SIGCHLD, on_signal, 0);
	pid = fork();
	if (!pid)
		_exit(0);
	while (!count) /* pause might begin after the signal */
		nap(1);
	CHECK_EQ(reap(pid), 0);
	handle(SIGCHLD, on_signal, SA_NOCLDSTOP);
	count = 0;
	pid = sleeper();
	kill(pid, SIGSTOP);
	CHECK_EQ(waitpid(pid, NULL, WUNTRACED), pid);
	nap(5);
	CHECK_EQ(count, 0);
	end(pid);
	CHECK_SOON(count);
	CHECK_EQ(count, 1);
}

static void usage_is_counted(void)
{
	struct rusage usage;
	pid_t pid = fork();

	if (!pid) {
		uint64_t begin = now_ms();

		while (now_ms() < begin + 50)
			;
		_exit(0);
	}
	CHECK_EQ(reap(pid), 0);
	CHECK_EQ(getrusage(RUSAGE_CHILDREN, &usage), 0);
	CHECK(usage.ru_utime.tv_sec || usage.ru_utime.tv_usec + usage.ru_stime.tv_usec >= 1000);
}

/* --------------------------------------------------------------------------- groups and sessions */

static void groups(void)
{
	pid_t first = sleeper(), second = sleeper();

	CHECK_EQ(setpgid(first, 0), 0);
	CHECK_EQ(getpgid(first), first);
	CHECK_EQ(setpgid(second, first), 0);
	CHECK_EQ(getpgid(second), first);
	CHECK_EQ(waitpid(-first, NULL, WNOHANG), 0);
	CHECK_ERROR(waitpid(0, NULL, 0), ECHILD);
	CHECK_EQ(killpg(first, SIGTERM), 0);
	CHECK_EQ(reap(first), SIGTERM);
	CHECK_EQ(reap(second), SIGTERM);
	CHECK_ERROR(killpg(first, 0), ESRCH);
	CHECK_ERROR(setpgid(first, 0), ESRCH);
	CHECK_ERROR(setpgid(0, 999999), EPERM);
	CHECK_ERROR(setpgid(0, -1), EINVAL);
}

static void sessions(void)
{
	pid_t pid;

	share();
	pid = fork();
	if (!pid) {
		bool is_right = setsid() == getpid() && getsid(0) == getpid() &&
				getpgrp() == getpid();

		shared[0] = is_right && setsid() < 0 && errno == EPERM && setpgid(0, 0) < 0;
		shared[1] = 1;
		for (;;)
			pause();
	}
	await(1, 1);
	CHECK_EQ(shared[0], 1);
	CHECK_EQ(getsid(pid), pid);
	CHECK_ERROR(setpgid(pid, 0), EPERM);
	end(pid);
}

static void group_of_a_program_is_fixed(void)
{
	pid_t pid = fork();
	int ends[2];

	if (!pid) {
		execl("/tests/jobs", "jobs", "sleep", (char *)NULL);
		_exit(1);
	}
	(void)ends;
	for (int i = 0; i < 60000 && !setpgid(pid, pid); i++)
		nap(1);
	CHECK_ERROR(setpgid(pid, pid), EACCES);
	end(pid);
}

/* Children and their children, as fast as it goes. */
static void breed(void)
{
	setsid();
	shared[0] = 1;
	for (int i = 0; i < 12; i++)
		if (!fork()) {
			fork();
			for (;;)
				pause();
		}
	for (;;)
		pause();
}

/* Whoever is being made while the group is killed dies as well. */
static void a_killed_group_leaves_nobody(void)
{
	share();
	for (int round = 0; round < 60; round++) {
		pid_t pid;

		shared[0] = 0;
		pid = fork();
		if (!pid)
			breed();
		await(0, 1);
		usleep((useconds_t)(round % 20) * 400);
		CHECK_EQ(kill(-pid, SIGKILL), 0);
		CHECK_EQ(reap(pid), SIGKILL);
		CHECK_SOON(kill(-pid, 0) < 0 && errno == ESRCH);
	}
}

/* ---------------------------------------------------------------------------------------- stops */

static void stop_and_continue(void)
{
	pid_t pid = sleeper();
	int status;

	setpgid(pid, pid);
	CHECK_EQ(kill(pid, SIGTSTP), 0);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED | WNOHANG), 0);
	CHECK_EQ(kill(pid, SIGCONT), 0);
	CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid);
	CHECK(WIFCONTINUED(status));
	CHECK_EQ(kill(pid, SIGSTOP), 0);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK_EQ(kill(pid, SIGTERM), 0);
	nap(10);
	CHECK_EQ(waitpid(pid, &status, WNOHANG), 0);
	CHECK_EQ(kill(pid, SIGCONT), 0);
	CHECK_EQ(reap(pid), SIGTERM);
}

/* A stopped process whose group is orphaned is told, and goes on. */
static void orphaned_groups_are_hung_up(void)
{
	pid_t pid;

	share();
	pid = fork();
	if (!pid) {
		pid_t child = fork();

		if (!child) {
			handle(SIGHUP, on_signal, 0);
			setpgid(0, 0);
			shared[0] = getpid();
			while (!count)
				nap(1);
			shared[1] = 1;
			_exit(0);
		}
		while (!shared[0])
			nap(1);
		kill(child, SIGSTOP);
		waitpid(child, NULL, WUNTRACED);
		_exit(0);
	}
	CHECK_EQ(reap(pid), 0);
	await(1, 1);
}

/* The default action of SIGTSTP does nothing to a group that nobody could continue. */
static void orphaned_groups_do_not_stop(void)
{
	pid_t pid;

	share();
	pid = fork();
	if (!pid) {
		setsid();
		raise(SIGTSTP);
		shared[0] = 1;
		_exit(0);
	}
	CHECK_EQ(reap(pid), 0);
	CHECK_EQ(shared[0], 1);
}

/* -------------------------------------------------------------------------------- fork and exec */

static void pending_signals_are_not_inherited(void)
{
	sigset_t set, pending;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	pid = fork();
	if (!pid) {
		sigpending(&pending);
		_exit(sigismember(&pending, SIGUSR1));
	}
	CHECK_EQ(reap(pid), 0);
	sigpending(&pending);
	CHECK_EQ(sigismember(&pending, SIGUSR1), 1);
	execl("/tests/jobs", "jobs", "pending", (char *)NULL);
	CHECK(false);
}

/* What a program that was executed finds: see pending_signals_are_not_inherited. */
static int look_at_signals(void)
{
	sigset_t pending, mask;
	struct sigaction action;

	sigpending(&pending);
	sigprocmask(SIG_SETMASK, NULL, &mask);
	sigaction(SIGUSR1, NULL, &action);
	return sigismember(&pending, SIGUSR1) && sigismember(&mask, SIGUSR1) &&
			       action.sa_handler == SIG_DFL
		       ? 0
		       : 1;
}

static void signals_come_during_fork_and_exec(void)
{
	pid_t parent = getpid(), disturber;

	handle(SIGUSR1, on_signal, SA_RESTART);
	disturber = fork();
	if (!disturber) {
		for (int i = 0; i < 300; i++) {
			kill(parent, SIGUSR1);
			nap(1);
		}
		_exit(0);
	}
	for (int i = 0; i < 30; i++) {
		pid_t pid = fork();

		if (!pid) {
			execl("/tests/jobs", "jobs", "nothing", (char *)NULL);
			_exit(1);
		}
		CHECK_EQ(reap(pid), 0);
	}
	CHECK_EQ(reap(disturber), 0);
	CHECK(count > 0);
}

static void *exec_in_a_thread(void *unused)
{
	execl("/tests/jobs", "jobs", "nothing", (char *)NULL);
	return unused;
}

static void exec_ends_the_other_threads(void)
{
	pid_t pid = fork();

	if (!pid) {
		pthread_t thread;

		pthread_create(&thread, NULL, wait_for_any, NULL);
		pthread_create(&thread, NULL, exec_in_a_thread, NULL);
		for (;;)
			pause();
	}
	CHECK_EQ(reap(pid), 0);
}

static const struct test tests[] = {
	{ "statuses_are_told", statuses_are_told },
	{ "waiters_race", waiters_race },
	{ "ignored_children_leave_nothing", ignored_children_leave_nothing },
	{ "orphans_go_to_the_first_process", orphans_go_to_the_first_process },
	{ "child_signals_come", child_signals_come },
	{ "usage_is_counted", usage_is_counted },
	{ "groups", groups },
	{ "sessions", sessions },
	{ "group_of_a_program_is_fixed", group_of_a_program_is_fixed },
	{ "stop_and_continue", stop_and_continue },
	{ "a_killed_group_leaves_nobody", a_killed_group_leaves_nobody },
	{ "orphaned_groups_are_hung_up", orphaned_groups_are_hung_up },
	{ "orphaned_groups_do_not_stop", orphaned_groups_do_not_stop },
	{ "pending_signals_are_not_inherited", pending_signals_are_not_inherited },
	{ "signals_come_during_fork_and_exec", signals_come_during_fork_and_exec },
	{ "exec_ends_the_other_threads", exec_ends_the_other_threads },
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "pending"))
		return look_at_signals();
	if (argc > 1 && !strcmp(argv[1], "sleep"))
		for (;;)
			pause();
	return argc > 1 ? 0 : check_run(tests);
}
