/* Which tests there are, how long they take, and what is expected of them. */
#ifndef TESTS_PTS_PLAN_H
#define TESTS_PTS_PLAN_H

#include <stddef.h>

#define TESTS_MAX 2048
#define RESULT 32 /* characters of what a test may come to */

struct test {
	const char *name;
	int (*main)(int, char **);
	char expected[RESULT];
	int seconds; /* that it takes if nothing else runs; 0: less than two */
};

/* Reads /tests/expected and /tests/seconds; 0, or -1 after it has said what is wrong. */
int plan_read(void);

/* Those that take at most `seconds` and have `part` in their names, the longest first. */
size_t plan_select(struct test **list, int seconds, const char *part);

struct test *plan_find(const char *name);

/* After how many seconds it is ended. */
int plan_limit(const struct test *test);
int plan_allows(const struct test *test, const char *result);

#endif
