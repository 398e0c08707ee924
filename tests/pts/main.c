/*
 * Runs posixtestsuite's tests inside Tern.
 *
 *   pts NAME                       runs one test, in this process
 *   pts all JOBS SECONDS [PART]    runs all tests that take at most SECONDS, or those of them with
 *                                  PART in their names, JOBS at a time, the longest first; each in a
 *                                  session and a folder of its own
 *
 * /tests/expected says what comes of a test and why (plan.c). A line for each test: PASS if that
 * happened, be it a failure, else FAIL. A test that judges by time, or shares a name with another,
 * may fail because others run beside it: what is not as expected is tried again at the end, with
 * few others, then alone.
 *
 * As /bin/ls and /bin/sleep it is what tests want to execute.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "plan.h"

#define JOBS_MAX 64
#define TICK 20000000 /* nanoseconds between two looks */
#define TAIL 512      /* bytes of a test's output in which its last line is looked for */
#define LINE 128      /* how much of that line is shown */

struct job {
	pid_t pid; /* 0: none */
	struct test *test;
	struct timespec begin;
	int timed_out;
};

static struct job jobs[JOBS_MAX];
static struct test *again[TESTS_MAX]; /* what is to be tried again */
static size_t again_count;
static int is_last_try;
static int failed;
static char program[4096];

/* Since the job began, in milliseconds. */
static long age(const struct job *job)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (time.tv_sec - job->begin.tv_sec) * 1000 +
	       (time.tv_nsec - job->begin.tv_nsec) / 1000000;
}

static void folder_of(char *folder, size_t size, int job)
{
	snprintf(folder, size, "/tmp/pts.%d", job);
}

/* In the child. */
static void execute(const struct test *test, int job)
{
	char folder[64];
	int output;

	setsid();
	folder_of(folder, sizeof(folder), job);
	mkdir(folder, 0777);
	output = chdir(folder) ? -1 : open("output", O_RDWR | O_CREAT | O_TRUNC, 0666);
	if (output < 0)
		_exit(126);
	dup2(output, 1);
	dup2(output, 2);
	close(output);
	execl(program, program, test->name, (char *)0);
	_exit(127);
}

/* The last line of what the test wrote, without control characters. */
static void find_tail(int job, char line[LINE])
{
	char folder[64], text[TAIL + 1], *last;
	ssize_t length = 0;
	int file;

	folder_of(folder, sizeof(folder) - 8, job);
	strcat(folder, "/output");
	file = open(folder, O_RDONLY);
	if (file >= 0) {
		off_t end = lseek(file, 0, SEEK_END);

		length = pread(file, text, TAIL, end > TAIL ? end - TAIL : 0);
		close(file);
	}
	while (length > 0 && (unsigned char)text[length - 1] <= ' ')
		length--;
	text[length > 0 ? length : 0] = 0;
	last = strrchr(text, '\n');
	last = last ? last + 1 : text;
	for (char *at = last; *at; at++)
		if ((unsigned char)*at < ' ')
			*at = '?';
	snprintf(line, LINE, "%.*s", LINE - 1, last);
}

static void result_of(const struct job *job, int status, char result[RESULT])
{
	static const char *const names[] = { "PASS",     "FAIL",        "UNRESOLVED",
					     "STATUS-3", "UNSUPPORTED", "UNTESTED" };

	if (job->timed_out)
		snprintf(result, RESULT, "TIMEOUT");
	else if (WIFSIGNALED(status))
		snprintf(result, RESULT, "SIGNAL-%d", WTERMSIG(status));
	else if (WEXITSTATUS(status) < 6)
		snprintf(result, RESULT, "%s", names[WEXITSTATUS(status)]);
	else
		snprintf(result, RESULT, "STATUS-%d", WEXITSTATUS(status));
}

static void report(int job, int status)
{
	struct test *test = jobs[job].test;
	char result[RESULT], line[LINE];
	int is_good;

	result_of(&jobs[job], status, result);
	find_tail(job, line);
	is_good = plan_allows(test, result);
	if (!is_good && !is_last_try) {
		printf("again %s: %s, %ld ms: %s\n", test->name, result, age(&jobs[job]), line);
		again[again_count++] = test;
	} else if (is_good) {
		printf("PASS %s: %s, %ld ms: %s\n", test->name, result, age(&jobs[job]), line);
	} else {
		printf("FAIL %s: %s, expected %s: %s\n", test->name, result, test->expected, line);
		failed = 1;
	}
	fflush(stdout);
}

static void finish(pid_t pid, int status)
{
	for (int i = 0; i < JOBS_MAX; i++) {
		if (jobs[i].pid != pid)
			continue;
		report(i, status);
		kill(-pid, SIGKILL);
		jobs[i].pid = 0;
	}
}

/* Takes in what has ended and ends what takes too long. */
static void look(void)
{
	struct timespec tick = { 0, TICK };
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		finish(pid, status);
	for (int i = 0; i < JOBS_MAX; i++) {
		if (!jobs[i].pid || age(&jobs[i]) < plan_limit(jobs[i].test) * 1000L)
			continue;
		jobs[i].timed_out = 1;
		kill(-jobs[i].pid, SIGKILL);
		kill(jobs[i].pid, SIGKILL);
	}
	nanosleep(&tick, NULL);
}

static int free_job(int count)
{
	for (;;) {
		for (int i = 0; i < count; i++)
			if (!jobs[i].pid)
				return i;
		look();
	}
}

static int are_running(void)
{
	for (int i = 0; i < JOBS_MAX; i++)
		if (jobs[i].pid)
			return 1;
	return 0;
}

/* There may be tests running that make as many processes as they can: then it waits for their end. */
static void begin(struct test *test, int job)
{
	pid_t pid;

	while ((pid = fork()) < 0 && errno == EAGAIN && are_running())
		look();
	if (!pid)
		execute(test, job);
	if (pid < 0) {
		printf("FAIL %s: fork: %s\n", test->name, strerror(errno));
		failed = 1;
		return;
	}
	jobs[job] = (struct job){ .pid = pid, .test = test };
	clock_gettime(CLOCK_MONOTONIC, &jobs[job].begin);
}

static void run(struct test *const *list, size_t list_length, int count)
{
	for (size_t i = 0; i < list_length; i++)
		begin(list[i], free_job(count));
	while (are_running())
		look();
}

static int run_all(int count, int seconds, const char *part)
{
	static const int tries[] = { 4, 1, 1 }; /* at a time */
	const struct rlimit queues = { RLIM_INFINITY, RLIM_INFINITY };
	static struct test *list[TESTS_MAX];
	size_t selected, length;

	if (plan_read())
		return 1;
	/* So many tests at a time make more queues than a user may. */
	setrlimit(RLIMIT_MSGQUEUE, &queues);
	selected = length = plan_select(list, seconds, part);
	run(list, length, count);
	for (int i = 0; i < 3 && again_count; i++) {
		printf("%zu again\n", again_count);
		length = again_count;
		memcpy(list, again, length * sizeof(*list));
		again_count = 0;
		is_last_try = i == 2;
		run(list, length, tries[i]);
	}
	printf("%zu tests\n", selected);
	return failed;
}

/* Tests execute these two, and look at nothing but how they end. */
static int is_called(const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');

	return !strcmp(slash ? slash + 1 : path, name);
}

int main(int argc, char **argv)
{
	int count = argc > 2 ? atoi(argv[2]) : 0;
	struct test *test;

	if (is_called(argv[0], "ls"))
		return 0;
	if (is_called(argv[0], "sleep"))
		return argc > 1 && sleep(atoi(argv[1]));
	if (argc > 3 && !strcmp(argv[1], "all") && count > 0 && count <= JOBS_MAX) {
		snprintf(program, sizeof(program), "%s", argv[0]);
		return run_all(count, atoi(argv[3]), argc > 4 ? argv[4] : "");
	}
	test = argc == 2 ? plan_find(argv[1]) : NULL;
	if (test)
		return test->main(1, argv);
	fprintf(stderr, "usage: pts NAME | pts all JOBS SECONDS [PART]\n");
	return 126;
}
