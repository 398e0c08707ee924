/*
 * The test framework of programs that run in QEMU: named tests, checks that say what was wrong,
 * and a count of kernel objects and pages around each test, so that a leak fails it.
 */
#ifndef RT_TEST_H
#define RT_TEST_H

#include "rt.h"

struct test {
	const char *name;
	void (*run)(void);
};

/* Runs them all, prints PASS or FAIL for each; what main returns. */
int test_run(const struct test *tests, size_t count);
#define TEST_MAIN(tests)                                                                           \
	int main(void)                                                                             \
	{                                                                                          \
		return test_run(tests, RT_COUNT(tests));                                           \
	}

/* Notes a failure of the running test. Also callable from its threads. */
void test_fail(const char *file, int line, const char *what, int64_t got, int64_t expected);

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			test_fail(__FILE__, __LINE__, #condition, 0, 1);                           \
	} while (0)

#define CHECK_EQ(got, expected)                                                                    \
	do {                                                                                       \
		int64_t check_got = (int64_t)(got), check_expected = (int64_t)(expected);          \
		if (check_got != check_expected)                                                   \
			test_fail(__FILE__, __LINE__, #got, check_got, check_expected);            \
	} while (0)

/* A port whose handle counts as a client: minted, without OWNER. */
struct test_port {
	tern_handle listener, owner, client;
};
struct test_port test_port(uint64_t userdata, uint64_t flags);
void test_port_close(struct test_port *port);

/* Wait until `*word` is at least `value`, yielding. What was written before a release that came before the
 * word is there then. */
void test_await(volatile uint32_t *word, uint32_t value);

/* Sleep for nanoseconds. */
void test_sleep(uint64_t nanoseconds);

/* Until all other threads have blocked where they are going to. One that runs on for ever is a failure. */
void test_settle(void);

/* A pseudo-random sequence; never 0. */
uint64_t test_random(uint64_t *state);

#endif
