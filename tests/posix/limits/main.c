/* What limits a process, and what counts what it uses. */
#include "limits.h"

#include <time.h>

#include "tests/posix/check.h"

volatile sig_atomic_t signals;

static void on_signal(int number)
{
	(void)number;
	signals++;
}

void count_signal(int number)
{
	struct sigaction action = { .sa_handler = on_signal };

	signals = 0;
	CHECK_EQ(sigaction(number, &action, NULL), 0);
}

uint64_t used_by_process(void)
{
	struct timespec time;

	CHECK_EQ(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time), 0);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

void use_processor(uint64_t nanoseconds)
{
	uint64_t end = used_by_process() + nanoseconds;

	while (used_by_process() < end)
		;
}

void set_limit(int resource, uint64_t soft, uint64_t hard)
{
	const struct rlimit limit = { soft, hard };

	CHECK_EQ(setrlimit(resource, &limit), 0);
}

static const struct test tests[] = {
	{ "interval_timers_count_processor_time", interval_timers_count_processor_time },
	{ "timers_count_processor_time", timers_count_processor_time },
	{ "processor_clocks", processor_clocks },
	{ "processor_limit", processor_limit },
	{ "use_is_told_alike", use_is_told_alike },
	{ "file_size_limit", file_size_limit },
	{ "memory_limits", memory_limits },
	{ "process_limit", process_limit },
	{ NULL, NULL },
};

int main(void)
{
	return check_run(tests);
}
