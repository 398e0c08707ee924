/* What pipe_fuzz.c does, with random input: for machines without the time to search for a good one. */
#include "pipe_fuzz.c"

#include "cmocka_all.h"

#define ROUNDS 20000
#define INPUT_MAX 600

static void random_calls_keep_bytes_and_leave_nothing(void **state)
{
	uint8_t input[INPUT_MAX];

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		size_t length = 50 + env_random() % (INPUT_MAX - 50);

		for (size_t i = 0; i < length; i++)
			input[i] = (uint8_t)env_random();
		LLVMFuzzerTestOneInput(input, length);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_calls_keep_bytes_and_leave_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
