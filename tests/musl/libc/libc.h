/* The suites of this program, each in the file of its name. */
#ifndef LIBC_LIBC_H
#define LIBC_LIBC_H

#include "tests/musl/check.h"

extern const struct test memory_tests[], thread_tests[], sync_tests[], end_tests[], time_tests[],
	text_tests[];

#endif
