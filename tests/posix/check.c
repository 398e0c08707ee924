/* See check.h. */
#include "check.h"

#include <libgen.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tern/system.h"

#define TICK_NS 2000000
#define LOOK_NS 1000000
#define LOOKS 2000
#define QUIET_LOOKS 3 /* in a row: the kernel looks at one hart after the other */

void (*check_before)(void);

static int failures;

void check_failed(const char *file, int line, const char *what, int64_t got, int64_t expected)
{
	__atomic_fetch_add(&failures, 1, __ATOMIC_SEQ_CST);
	fprintf(stderr, "  %s:%d: %s: got %ld, expected %ld (errno %d)\n", file, line, what, got,
		expected, errno);
}

void check_settle(void)
{
	const struct timespec look = { .tv_nsec = LOOK_NS };

	for (int looks = 0, quiet = 0; looks < LOOKS && quiet < QUIET_LOOKS; looks++) {
		nanosleep(&look, NULL);
		quiet = tern_system_info(TERN_INFO_BUSY_HARTS) ? 0 : quiet + 1;
	}
}

int check_result(void)
{
	return failures ? 1 : 0;
}

int check_child(void (*function)(void))
{
	int status = -1;
	pid_t child = fork();

	if (!child) {
		function();
		_exit(check_result());
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		check_failed(__FILE__, __LINE__, "a child", child, 0);
	return status;
}

/* Waits with a limit, but without a signal that could disturb the test. */
static int wait_for(pid_t child)
{
	const struct timespec tick = { .tv_nsec = TICK_NS };
	time_t end = time(NULL) + CHECK_SECONDS;
	int status;

	while (waitpid(child, &status, WNOHANG) == 0) {
		if (time(NULL) > end) {
			fprintf(stderr, "  it takes too long\n");
			kill(-child, SIGKILL);
			waitpid(child, &status, 0);
			return status;
		}
		nanosleep(&tick, NULL);
	}
	return status;
}

static int run(const struct test *test)
{
	pid_t child = fork();
	int status;

	if (!child) {
		setpgid(0, 0);
		if (check_before)
			check_before();
		test->run();
		fflush(NULL);
		_exit(check_result());
	}
	status = wait_for(child);
	if (WIFSIGNALED(status))
		fprintf(stderr, "  killed by signal %d\n", WTERMSIG(status));
	printf("%s %s: %s\n", status ? "FAIL" : "PASS", program_invocation_short_name, test->name);
	fflush(stdout);
	return status != 0;
}

/*
 * Reads from each page of the program, so that it is in memory: who waits for the disk in a test would seem
 * to check_settle to be where it is going to.
 */
static int touch_segments(struct dl_phdr_info *program, size_t size, void *unused)
{
	(void)size;
	(void)unused;
	for (int i = 0; i < program->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &program->dlpi_phdr[i];
		const volatile char *at = (const char *)program->dlpi_addr + segment->p_vaddr;

		for (size_t done = 0; segment->p_type == PT_LOAD && done < segment->p_filesz;
		     done += TERN_PAGE_SIZE)
			(void)at[done];
	}
	return 0;
}

int check_run(const struct test *tests)
{
	int failed = 0;

	dl_iterate_phdr(touch_segments, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (; tests->name; tests++)
		failed |= run(tests);
	return failed;
}
