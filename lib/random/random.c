#include "random.h"

#define BLOCK 64
#define DOUBLE_ROUNDS 10

static uint32_t rotate(uint32_t value, unsigned int bits)
{
	return value << bits | value >> (32 - bits);
}

static void quarter(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
	*a += *b;
	*d = rotate(*d ^ *a, 16);
	*c += *d;
	*b = rotate(*b ^ *c, 12);
	*a += *b;
	*d = rotate(*d ^ *a, 8);
	*c += *d;
	*b = rotate(*b ^ *c, 7);
}

void chacha20_block(const uint32_t state[16], uint32_t output[16])
{
	uint32_t x[16];

	__builtin_memcpy(x, state, sizeof(x));
	for (int round = 0; round < DOUBLE_ROUNDS; round++) {
		for (int i = 0; i < 4; i++)
			quarter(&x[i], &x[4 + i], &x[8 + i], &x[12 + i]);
		for (int i = 0; i < 4; i++)
			quarter(&x[i], &x[4 + (i + 1) % 4], &x[8 + (i + 2) % 4],
				&x[12 + (i + 3) % 4]);
	}
	for (int i = 0; i < 16; i++)
		output[i] = x[i] + state[i];
}

/* Block number `counter` under the present key. */
static void block(const struct random_generator *generator, uint64_t counter, uint32_t output[16])
{
	uint32_t state[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };

	__builtin_memcpy(&state[4], generator->key, sizeof(generator->key));
	state[12] = (uint32_t)counter;
	state[13] = (uint32_t)(counter >> 32);
	state[14] = state[15] = 0;
	chacha20_block(state, output);
}

static void rekey(struct random_generator *generator)
{
	uint32_t output[16];

	block(generator, 0, output);
	__builtin_memcpy(generator->key, output, sizeof(generator->key));
}

void random_seed(struct random_generator *generator, const unsigned char seed[RANDOM_SEED])
{
	__builtin_memcpy(generator->key, seed, sizeof(generator->key));
	rekey(generator);
}

void random_stir(struct random_generator *generator, const void *bytes, size_t length)
{
	const unsigned char *from = bytes;

	while (length) {
		size_t part = length < RANDOM_SEED ? length : RANDOM_SEED;
		unsigned char *key = (unsigned char *)generator->key;

		for (size_t i = 0; i < part; i++)
			key[i] ^= from[i];
		rekey(generator);
		from += part;
		length -= part;
	}
}

void random_bytes(struct random_generator *generator, void *to, size_t length)
{
	struct random_generator old = *generator;
	unsigned char *at = to;
	uint32_t output[16];

	/* Block 0 is the next key; what is given out comes from the blocks behind it. */
	rekey(generator);
	for (uint64_t counter = 1; length; counter++) {
		size_t part = length < BLOCK ? length : BLOCK;

		block(&old, counter, output);
		__builtin_memcpy(at, output, part);
		at += part;
		length -= part;
	}
	__builtin_memset(&old, 0, sizeof(old));
	__builtin_memset(output, 0, sizeof(output));
	__asm__ volatile("" : : "r"(&old), "r"(output) : "memory");
}
