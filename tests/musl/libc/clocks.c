/* Clocks and sleeping. */
#define _GNU_SOURCE
#include "libc.h"

#include <errno.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define INTERRUPT 33 /* the signal with which emu interrupts a thread */

#define MILLISECOND 1000000l
#define YEAR_2020 1577836800l

static void clocks_go_forward(void)
{
	struct timespec time, resolution;
	uint64_t last = check_now();
	struct timeval of_day;

	for (int i = 0; i < 100; i++) {
		uint64_t now = check_now();

		CHECK(now >= last);
		last = now;
	}
	CHECK_EQ(clock_gettime(CLOCK_REALTIME, &time), 0);
	CHECK(time.tv_sec > YEAR_2020);
	CHECK_EQ(gettimeofday(&of_day, NULL), 0);
	CHECK(of_day.tv_sec >= time.tv_sec);
	CHECK_EQ(clock_gettime(CLOCK_REALTIME, &time), 0);
	CHECK(of_day.tv_sec <= time.tv_sec);
	CHECK_EQ(clock_getres(CLOCK_MONOTONIC, &resolution), 0);
	CHECK(resolution.tv_sec == 0 && resolution.tv_nsec >= 1);
	CHECK_EQ(clock_gettime(12345, &time), -1);
	CHECK_EQ(errno, EINVAL);
}

static void sleep_is_not_too_short(void)
{
	struct timespec time = { .tv_nsec = 5 * MILLISECOND };
	uint64_t before = check_now(), after;

	CHECK_EQ(nanosleep(&time, NULL), 0);
	after = check_now();
	CHECK(after - before >= 5 * MILLISECOND);
	time.tv_nsec = -1;
	CHECK_EQ(nanosleep(&time, NULL), -1);
	CHECK_EQ(errno, EINVAL);
}

static void sleep_until_a_time(void)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	CHECK_EQ(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL), 0);
	until.tv_sec += 1;
	CHECK_EQ(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL), 0);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += 2 * MILLISECOND;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL), 0);
	CHECK(check_now() >= (uint64_t)until.tv_sec * 1000000000u + (uint64_t)until.tv_nsec);
}

static void *interrupt(void *tid)
{
	usleep(2000);
	CHECK_EQ(syscall(SYS_tkill, (int)(intptr_t)tid, INTERRUPT), 0);
	return NULL;
}

/* Also the main thread, which nobody of this process has created. */
static void sleep_can_be_interrupted(void)
{
	struct timespec time = { .tv_sec = 1000 }, remaining;
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, interrupt, (void *)(intptr_t)gettid()), 0);
	CHECK_EQ(nanosleep(&time, &remaining), -1);
	CHECK_EQ(errno, EINTR);
	CHECK(remaining.tv_sec >= 700 && remaining.tv_sec < 1000);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

const struct test time_tests[] = {
	{ "clocks_go_forward", clocks_go_forward },
	{ "sleep_is_not_too_short", sleep_is_not_too_short },
	{ "sleep_until_a_time", sleep_until_a_time },
	{ "sleep_can_be_interrupted", sleep_can_be_interrupted },
	{ NULL, NULL },
};
