/* The generator of random bytes: ChaCha20's known answer, and what the generator promises. */
#include "lib/random/random.c"

#include "cmocka_all.h"

/* The test vector of RFC 8439, section 2.3.2. */
static void block_function_gives_the_known_answer(void **state)
{
	static const uint32_t input[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574,
					    0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c,
					    0x13121110, 0x17161514, 0x1b1a1918, 0x1f1e1d1c,
					    0x00000001, 0x09000000, 0x4a000000, 0x00000000 };
	static const uint32_t expected[16] = { 0xe4e7f110, 0x15593bd1, 0x1fdd0f50, 0xc47120a3,
					       0xc7f4d1c7, 0x0368c033, 0x9aaa2204, 0x4e6cd4c3,
					       0x466482d2, 0x09aa9f07, 0x05d7c214, 0xa2028bd9,
					       0xd19c12b5, 0xb94e16de, 0xe883d0cb, 0x4e3c50a2 };
	uint32_t output[16];

	(void)state;
	chacha20_block(input, output);
	assert_memory_equal(output, expected, sizeof(expected));
}

static void same_seed_gives_the_same_bytes(void **state)
{
	static const unsigned char seed[RANDOM_SEED] = { 1, 2, 3 };
	struct random_generator a, b;
	unsigned char x[200], y[200];

	(void)state;
	random_seed(&a, seed);
	random_seed(&b, seed);
	random_bytes(&a, x, sizeof(x));
	random_bytes(&b, y, sizeof(y));
	assert_memory_equal(x, y, sizeof(x));
	random_stir(&a, "more", 4);
	random_bytes(&a, x, sizeof(x));
	random_bytes(&b, y, sizeof(y));
	assert_memory_not_equal(x, y, sizeof(x));
}

/* The key that is left cannot be what made the bytes: they do not come again from it. */
static void key_changes_with_each_call(void **state)
{
	static const unsigned char seed[RANDOM_SEED] = { 9 };
	struct random_generator generator, copy;
	unsigned char before[64], again[64];

	(void)state;
	random_seed(&generator, seed);
	copy = generator;
	random_bytes(&generator, before, sizeof(before));
	assert_memory_not_equal(&generator, &copy, sizeof(copy));
	random_bytes(&generator, again, sizeof(again));
	assert_memory_not_equal(before, again, sizeof(before));
}

static void bytes_are_evenly_spread(void **state)
{
	static const unsigned char seed[RANDOM_SEED] = { 7 };
	static unsigned char bytes[65536];
	struct random_generator generator;
	unsigned int counts[256] = { 0 };

	(void)state;
	random_seed(&generator, seed);
	random_bytes(&generator, bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		counts[bytes[i]]++;
	for (int i = 0; i < 256; i++)
		assert_in_range(counts[i], 160, 360);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(block_function_gives_the_known_answer),
		cmocka_unit_test(same_seed_gives_the_same_bytes),
		cmocka_unit_test(key_changes_with_each_call),
		cmocka_unit_test(bytes_are_evenly_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
