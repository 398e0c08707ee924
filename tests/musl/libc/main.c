/* The C library on emu's small profile. */
#include "libc.h"

int main(void)
{
	static const struct test *const suites[] = { text_tests, memory_tests, thread_tests,
						     sync_tests, end_tests,    time_tests };
	int failed = 0;

	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
		failed += check_run(suites[i]);
	return failed ? 1 : 0;
}
