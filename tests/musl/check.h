/*
 * Tests of programs that use the C library: named tests, checks that say what was wrong, and a count
 * of kernel objects around each test: what a test created must be gone when it ends.
 */
#ifndef MUSL_CHECK_H
#define MUSL_CHECK_H

#include <stddef.h>
#include <stdint.h>

struct test {
	const char *name;
	void (*run)(void);
};

/* Runs the tests up to the one without a name, with a PASS or FAIL line each. How many failed. */
int check_run(const struct test *tests);

/* Notes a failure of the running test; also from its threads. */
void check_failed(const char *file, int line, const char *what, int64_t got, int64_t expected);

#define CHECK_EQ(got, expected)                                                                    \
	do {                                                                                       \
		int64_t check_got = (int64_t)(got), check_expected = (int64_t)(expected);          \
		if (check_got != check_expected)                                                   \
			check_failed(__FILE__, __LINE__, #got, check_got, check_expected);         \
	} while (0)
#define CHECK(condition) CHECK_EQ(!!(condition), 1)

/* A pseudo-random sequence; *state is never 0. */
uint64_t check_random(uint64_t *state);

/* Nanoseconds of the monotonic clock. */
uint64_t check_now(void);

/* A file of the boot bundle, as lib/launch takes it. Ends the program if it is not there. */
struct launch_image;
struct launch_image check_image(const char *name);

#endif
