/* execve in its forms. This program is its own target: with arguments it says how it was started. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/posix/processes/processes.h"

#define SELF "/tests/processes"
#define KEPT 20   /* a descriptor that exec keeps */
#define CLOSED 21 /* and one that it closes */
#define LONG_COUNT 500
#define LONG_LENGTH 200

extern char **environ;

/* ------------------------------------------------------------------------------- as the target */

static int look_around(int argc, char **argv)
{
	const char *value = getenv("COLOUR");

	return argc == 4 && !strcmp(argv[2], "two words") && !*argv[3] && value &&
			       !strcmp(value, "green") && !getenv("HOME") &&
			       getauxval(AT_SECURE) == 0 && getauxval(AT_PAGESZ) == 4096 &&
			       !strcmp((char *)getauxval(AT_EXECFN), SELF)
		       ? 17
		       : 1;
}

static int count_long(int argc, char **argv)
{
	for (int i = 2; i < argc; i++)
		if (strlen(argv[i]) != LONG_LENGTH || argv[i][0] != 'a' + i % 26)
			return 1;
	return argc == LONG_COUNT + 2 ? 17 : 1;
}

int exec_target(int argc, char **argv)
{
	if (!strcmp(argv[1], "look"))
		return look_around(argc, argv);
	if (!strcmp(argv[1], "descriptors"))
		return fcntl(KEPT, F_GETFD) == 0 && fcntl(CLOSED, F_GETFD) == -1 ? 17 : 1;
	if (!strcmp(argv[1], "ids") || !strcmp(argv[1], "surroundings"))
		return privilege_target(argc, argv);
	if (!strcmp(argv[1], "long"))
		return count_long(argc, argv);
	if (!strcmp(argv[1], "signals"))
		return signal(SIGUSR1, SIG_DFL) == SIG_DFL && signal(SIGUSR2, SIG_DFL) == SIG_IGN
			       ? 17
			       : 1;
	if (!strcmp(argv[1], "script")) /* then comes the script's path, and what it was given */
		return argc == 4 && !strcmp(argv[2], "/tmp/script") && !strcmp(argv[3], "more") ? 17
												: 1;
	return atoi(argv[1]);
}

/* -------------------------------------------------------------------------------------- tests */

/* The status that the program exits with. */
static int run(const char *path, char *const *arguments, char *const *environment)
{
	pid_t child = fork();
	int status;

	if (!child) {
		execve(path, arguments, environment);
		_exit(100 + errno % 100);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void caught(int number)
{
	(void)number;
}

void exec_passes_arguments_and_environment(void)
{
	char *arguments[] = { "another name", "look", "two words", "", NULL };
	char *environment[] = { "COLOUR=green", "EMPTY=", NULL };
	char *signals[] = { "t", "signals", NULL };

	CHECK_EQ(run(SELF, arguments, environment), 17);
	signal(SIGUSR1, caught);
	signal(SIGUSR2, SIG_IGN);
	CHECK_EQ(run(SELF, signals, environment), 17);
}

void exec_closes_what_is_marked(void)
{
	char *arguments[] = { "t", "descriptors", NULL };

	CHECK_EQ(dup2(1, KEPT), KEPT);
	CHECK_EQ(dup3(1, CLOSED, O_CLOEXEC), CLOSED);
	CHECK_EQ(run(SELF, arguments, environ), 17);
	CHECK_EQ(fcntl(CLOSED, F_GETFD), FD_CLOEXEC);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	int file = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);

	CHECK_EQ(write(file, text, strlen(text)), strlen(text));
	CHECK_EQ(fchmod(file, mode), 0);
	close(file);
}

void exec_of_scripts(void)
{
	char *arguments[] = { "ignored", "more", NULL }, *plain[] = { "x", NULL };

	write_file("/tmp/script", "#! " SELF "  script \nnothing\n", 0700);
	CHECK_EQ(run("/tmp/script", arguments, environ), 17);
	write_file("/tmp/outer", "#!/tmp/script\n", 0700);
	CHECK_EQ(run("/tmp/outer", plain, environ), 1);
	write_file("/tmp/loop", "#!/tmp/loop\n", 0700);
	CHECK_EQ(run("/tmp/loop", plain, environ), 100 + ELOOP);
	write_file("/tmp/lost", "#!/no/such/program\n", 0700);
	CHECK_EQ(run("/tmp/lost", plain, environ), 100 + ENOENT);
	CHECK_EQ(unlink("/tmp/script") | unlink("/tmp/outer") | unlink("/tmp/loop") |
			 unlink("/tmp/lost"),
		 0);
}

void exec_fails_without_a_trace(void)
{
	char *arguments[] = { "x", NULL };

	CHECK_ERROR(execv("/no/such/program", arguments), ENOENT);
	CHECK_ERROR(execv("/tests/runner/x", arguments), ENOTDIR);
	CHECK_ERROR(execv("/tests", arguments), EACCES);
	write_file("/tmp/text", "just text", 0700);
	CHECK_ERROR(execv("/tmp/text", arguments), ENOEXEC);
	write_file("/tmp/text", "\177ELF but no more", 0700);
	CHECK_ERROR(execv("/tmp/text", arguments), ENOEXEC);
	CHECK_EQ(chmod("/tmp/text", 0600), 0);
	CHECK_ERROR(execv("/tmp/text", arguments), EACCES);
	CHECK_EQ(unlink("/tmp/text"), 0);
	CHECK_ERROR(execv("", arguments), ENOENT);
	CHECK_ERROR(execve((char *)8, arguments, environ), EFAULT);
	CHECK_ERROR(execve(SELF, (char **)8, environ), EFAULT);
	arguments[0] = (char *)8;
	CHECK_ERROR(execve(SELF, arguments, environ), EFAULT);
}

static void *exec_now(void *unused)
{
	char *arguments[] = { "t", "17", NULL };

	(void)unused;
	execve(SELF, arguments, environ);
	_exit(1);
}

static void *do_system_calls(void *unused)
{
	char buffer[16];
	int file;

	(void)unused;
	for (;;) {
		file = open("/tests/processes", O_RDONLY);
		read(file, buffer, sizeof(buffer));
		close(file);
	}
	return NULL;
}

static void exec_among_threads(void)
{
	pthread_t thread;

	for (int i = 0; i < 3; i++)
		pthread_create(&thread, NULL, do_system_calls, NULL);
	usleep(3000);
	pthread_create(&thread, NULL, exec_now, NULL);
	for (;;)
		pause();
}

void exec_with_threads(void)
{
	for (int i = 0; i < 5; i++)
		CHECK_EQ(check_child(exec_among_threads), 17 << 8);
}

void long_arguments(void)
{
	static char text[LONG_COUNT][LONG_LENGTH + 1], huge[200 << 10];
	char *arguments[LONG_COUNT + 3] = { "t", "long" };
	char *too_long[] = { "t", huge, NULL };

	for (int i = 0; i < LONG_COUNT; i++) {
		memset(text[i], 'a' + (i + 2) % 26, LONG_LENGTH);
		arguments[i + 2] = text[i];
	}
	CHECK_EQ(run(SELF, arguments, environ), 17);
	memset(huge, 'x', sizeof(huge) - 1);
	CHECK_ERROR(execve(SELF, too_long, environ), E2BIG);
}

void vfork_and_spawn(void)
{
	char *arguments[] = { "t", "23", NULL };
	pid_t child = vfork();
	int status;

	if (!child) {
		execv(SELF, arguments);
		_exit(1);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 23 << 8);
	CHECK_EQ(posix_spawn(&child, SELF, NULL, NULL, arguments, environ), 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 23 << 8);
	CHECK_EQ(posix_spawn(&child, "/no/such/program", NULL, NULL, arguments, environ), ENOENT);
	CHECK_ERROR(waitpid(-1, &status, 0), ECHILD);
}
