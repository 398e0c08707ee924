/* See check.h. Pages are looked at by the tests that need them given back: malloc keeps some. */
#include "tests/musl/check.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/bundle/bundle.h"
#include "lib/launch/launch.h"
#include "tern/memory.h"
#include "tern/system.h"

#define SETTLE_ROUNDS 50000 /* ten seconds: the machine may be emulated on a busy one */
#define SETTLE_NS 200000
#define BUNDLE_ADDRESS 0x5000000000

static atomic_int failures;

void check_failed(const char *file, int line, const char *what, int64_t got, int64_t expected)
{
	atomic_fetch_add(&failures, 1);
	printf("  %s:%d: %s: got %ld, expected %ld\n", file, line, what, got, expected);
}

uint64_t check_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

uint64_t check_now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* Threads that were joined may still be on their last instructions. */
static int64_t objects_after(int64_t expected)
{
	const struct timespec moment = { .tv_nsec = SETTLE_NS };
	int64_t objects = tern_system_info(TERN_INFO_OBJECTS);

	for (int i = 0; i < SETTLE_ROUNDS && objects > expected; i++) {
		nanosleep(&moment, NULL);
		objects = tern_system_info(TERN_INFO_OBJECTS);
	}
	return objects;
}

static int run(const struct test *test)
{
	int64_t before = tern_system_info(TERN_INFO_OBJECTS);
	int failed = atomic_load(&failures);

	test->run();
	CHECK(objects_after(before) <= before);
	failed = atomic_load(&failures) != failed;
	printf("%s %s\n", failed ? "FAIL" : "PASS", test->name);
	return failed;
}

int check_run(const struct test *tests)
{
	int failed = 0;

	for (; tests->name; tests++)
		failed += run(tests);
	return failed;
}

/* The bundle is mapped once, where nothing else is put. */
struct launch_image check_image(const char *name)
{
	const struct tern_boot_info *boot = (const struct tern_boot_info *)TERN_BOOT_PAGE;
	uint64_t length = (boot->bundle_length + TERN_PAGE_SIZE - 1) & ~(TERN_PAGE_SIZE - 1);
	struct bundle_file found;

	tern_region_map(TERN_SELF_PROCESS, boot->bundle, 0, BUNDLE_ADDRESS, length,
			TERN_MAP_READ | TERN_MAP_FIXED);
	if (bundle_find((void *)BUNDLE_ADDRESS, boot->bundle_length, name, &found) != 1) {
		printf("FAIL %s is not in the bundle\n", name);
		exit(1);
	}
	return (struct launch_image){ .memobj = boot->bundle,
				      .offset = (uint64_t)found.data - BUNDLE_ADDRESS,
				      .length = found.length };
}
