/*
 * /tests/expected has a line `NAME RESULT REASON` for each test that does not pass, /tests/seconds a
 * line `NAME SECONDS` for those that take two seconds or more. A name that is no test's, or stands
 * twice, is an error.
 */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEST(number, name) int pts_##number(int, char **);
#include "tests.h"
#undef TEST

static struct test tests[] = {
#define TEST(number, name) { name, pts_##number, "", 0 },
#include "tests.h"
#undef TEST
};

#define COUNT (sizeof(tests) / sizeof(tests[0]))

#define LIMIT 60 /* seconds for a test beside others, on a machine that has other work as well */
#define LIMIT_HANGS 10 /* for one that never ends */

_Static_assert(COUNT <= TESTS_MAX, "TESTS_MAX is too small");

struct test *plan_find(const char *name)
{
	for (size_t i = 0; i < COUNT; i++)
		if (!strcmp(name, tests[i].name))
			return &tests[i];
	return NULL;
}

/* Takes in one line with this name and word behind it; whether it was right. */
typedef int plan_line(struct test *test, const char *word);

static int take_expected(struct test *test, const char *word)
{
	if (test->expected[0] || strlen(word) >= RESULT)
		return 0;
	strcpy(test->expected, word);
	return 1;
}

static int take_seconds(struct test *test, const char *word)
{
	if (test->seconds)
		return 0;
	test->seconds = atoi(word);
	return test->seconds >= 2;
}

static int read_file(const char *path, plan_line *take)
{
	char line[512], name[128], word[32];
	FILE *file = fopen(path, "r");
	int result = 0;

	if (!file) {
		printf("FAIL plan: %s cannot be read\n", path);
		return -1;
	}
	while (fgets(line, sizeof(line), file)) {
		struct test *test;

		if (line[0] == '#' || line[0] == '\n')
			continue;
		test = sscanf(line, "%127s %31s", name, word) == 2 ? plan_find(name) : NULL;
		if (!test || !take(test, word)) {
			printf("FAIL plan: %s: %s", path, line);
			result = -1;
		}
	}
	fclose(file);
	return result;
}

int plan_read(void)
{
	int result = read_file("/tests/expected", take_expected);

	result |= read_file("/tests/seconds", take_seconds);
	for (size_t i = 0; i < COUNT; i++)
		if (!tests[i].expected[0])
			strcpy(tests[i].expected, "PASS");
	return result;
}

static int by_seconds(const void *a, const void *b)
{
	const struct test *one = *(struct test *const *)a, *other = *(struct test *const *)b;

	if (one->seconds != other->seconds)
		return one->seconds < other->seconds ? 1 : -1;
	return one < other ? -1 : 1;
}

size_t plan_select(struct test **list, int seconds, const char *part)
{
	size_t length = 0;

	for (size_t i = 0; i < COUNT; i++)
		if (tests[i].seconds <= seconds && strstr(tests[i].name, part))
			list[length++] = &tests[i];
	qsort(list, length, sizeof(*list), by_seconds);
	return length;
}

/* The result is one of those that stand in `expected` with | in between. */
int plan_allows(const struct test *test, const char *result)
{
	size_t length = strlen(result);
	const char *at = test->expected;

	while (strncmp(at, result, length) || (at[length] && at[length] != '|')) {
		at = strchr(at, '|');
		if (!at)
			return 0;
		at++;
	}
	return 1;
}

int plan_limit(const struct test *test)
{
	return strcmp(test->expected, "TIMEOUT") ? LIMIT + 4 * test->seconds : LIMIT_HANGS;
}
