/* Text, numbers, errno and what else a thread of its own must have. */
#include "libc.h"

#include <errno.h>
#include <fcntl.h>
#include <fenv.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tern/start.h"
#include "tern/system.h"

#define THREADS 6
#define NUMBERS 500

static void printf_formats(void)
{
	volatile size_t room = 4;
	char text[80];

	CHECK_EQ(snprintf(text, sizeof(text), "%5.2f|%-6s|%#x|%lld|%c|%e", 3.14159, "ab", 255,
			  -1234567890123ll, 'x', 1e-7),
		 47);
	CHECK(!strcmp(text, " 3.14|ab    |0xff|-1234567890123|x|1.000000e-07"));
	CHECK_EQ(snprintf(text, room, "%d", 654321), 6);
	CHECK(!strcmp(text, "654"));
}

static void output_is_counted(void)
{
	CHECK_EQ(printf("  a line%c", '\n'), 9);
	CHECK_EQ(fprintf(stderr, "  and one of %s\n", "stderr"), 20);
	CHECK_EQ(getchar(), EOF);
	CHECK_EQ(write(5, "x", 1), -1);
	CHECK_EQ(errno, EBADF);
}

static void what_is_missing_is_enosys(void)
{
	errno = 0;
	CHECK_EQ(open("/etc/motd", O_RDONLY), -1);
	CHECK_EQ(errno, ENOSYS);
	CHECK_EQ(fork(), -1);
	CHECK_EQ(errno, ENOSYS);
	CHECK_EQ(syscall(100000), -1);
	CHECK_EQ(errno, ENOSYS);
}

static void start_handles_have_names(void)
{
	const struct tern_boot_info *boot = (const struct tern_boot_info *)TERN_BOOT_PAGE;

	CHECK_EQ(tern_start_handle("bundle"), boot->bundle);
	CHECK_EQ(tern_start_handle("device-tree"), boot->device_tree);
	CHECK_EQ(tern_start_handle("bundl"), -ENOENT);
	CHECK_EQ(tern_start_handle(""), -ENOENT);
}

static void harts_are_counted(void)
{
	CHECK_EQ(sysconf(_SC_NPROCESSORS_ONLN), tern_system_info(TERN_INFO_HARTS));
	CHECK_EQ(sysconf(_SC_PAGESIZE), 4096);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Each thread rounds its own way: the kernel must keep their floating-point states apart. */
static void *calculate(void *argument)
{
	static const int roundings[] = { FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO };
	uint64_t seed = (uint64_t)argument + 1;
	int rounding = roundings[seed % 4];
	double numbers[NUMBERS];
	char text[40];

	fesetround(rounding);
	for (int i = 0; i < NUMBERS; i++) {
		snprintf(text, sizeof(text), "%.17g",
			 ldexp((double)(check_random(&seed) >> 11), -40));
		numbers[i] = strtod(text, NULL);
		if (i % 50 == 0)
			sched_yield();
		CHECK_EQ(fegetround(), rounding);
	}
	qsort(numbers, NUMBERS, sizeof(numbers[0]), compare);
	for (int i = 1; i < NUMBERS; i++)
		CHECK(numbers[i - 1] <= numbers[i]);
	CHECK(fabs(sin(1.0) * sin(1.0) + cos(1.0) * cos(1.0) - 1.0) < 1e-15);
	return NULL;
}

static void *set_errno(void *argument)
{
	errno = (int)(intptr_t)argument;
	for (int i = 0; i < 20; i++) {
		sched_yield();
		CHECK_EQ(errno, (intptr_t)argument);
	}
	return NULL;
}

static void in_threads(void *(*function)(void *))
{
	pthread_t threads[THREADS];

	for (intptr_t i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, function, (void *)i), 0);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
}

static void floating_point_is_per_thread(void)
{
	in_threads(calculate);
	CHECK_EQ(fegetround(), FE_TONEAREST);
}

static void errno_is_per_thread(void)
{
	errno = 77;
	in_threads(set_errno);
	CHECK_EQ(errno, 77);
}

const struct test text_tests[] = {
	{ "printf_formats", printf_formats },
	{ "output_is_counted", output_is_counted },
	{ "what_is_missing_is_enosys", what_is_missing_is_enosys },
	{ "start_handles_have_names", start_handles_have_names },
	{ "harts_are_counted", harts_are_counted },
	{ "floating_point_is_per_thread", floating_point_is_per_thread },
	{ "errno_is_per_thread", errno_is_per_thread },
	{ NULL, NULL },
};
