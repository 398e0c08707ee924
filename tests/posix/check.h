/*
 * Conformance tests: named functions, checks that say what was wrong. Each program of tests/posix has a
 * main that calls check_run; the runner runs them all, on one system.
 */
#ifndef POSIX_CHECK_H
#define POSIX_CHECK_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>

struct test {
	const char *name;
	void (*run)(void);
};

/*
 * Runs the tests up to the one without a name, each in a process of its own, with a PASS or FAIL line
 * each; a test that takes longer than CHECK_SECONDS is killed. Returns the status for exit.
 */
int check_run(const struct test *tests);

/* If set: called in each test's process before the test. */
extern void (*check_before)(void);

#define CHECK_SECONDS 300

/* Notes a failure of the running test. */
void check_failed(const char *file, int line, const char *what, int64_t got, int64_t expected);

#define CHECK_EQ(got, expected)                                                                    \
	do {                                                                                       \
		int64_t check_got = (int64_t)(got), check_expected = (int64_t)(expected);          \
		if (check_got != check_expected)                                                   \
			check_failed(__FILE__, __LINE__, #got, check_got, check_expected);         \
	} while (0)
#define CHECK(condition) CHECK_EQ(!!(condition), 1)

/* The call fails with -1 and this error. */
#define CHECK_ERROR(call, error)                                                                   \
	do {                                                                                       \
		errno = 0;                                                                         \
		CHECK_EQ(call, -1);                                                                \
		CHECK_EQ(errno, error);                                                            \
	} while (0)

/* True within a minute: what a server does when a descriptor is closed comes a moment later. */
#define CHECK_SOON(condition)                                                                      \
	do {                                                                                       \
		int check_tries = 0;                                                               \
		while (!(condition) && check_tries++ < 60000)                                      \
			usleep(1000);                                                              \
		CHECK(check_tries < 60000);                                                        \
	} while (0)

/*
 * Until all others, servers too, have blocked where they are going to: before a signal or a byte is sent
 * to somebody who is to wait for it. How long that takes says no clock. With one who runs on for ever
 * it goes on after two seconds.
 */
void check_settle(void);

/* The status for a child to end with: 1 if a check has failed. */
int check_result(void);

/* Runs the function in a child, and says how it ended: its status as wait tells it. */
int check_child(void (*function)(void));

#endif
