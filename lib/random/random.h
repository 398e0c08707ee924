/*
 * A generator of random bytes that nobody can guess, from a seed that nobody can guess: ChaCha20 in
 * counter mode, whose first output of each call replaces the key, so that who reads the generator's
 * memory later learns nothing about what it gave before.
 */
#ifndef LIB_RANDOM_RANDOM_H
#define LIB_RANDOM_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#define RANDOM_SEED 32 /* bytes */

struct random_generator {
	uint32_t key[8];
};

/* From now on everything depends on these bytes alone. */
void random_seed(struct random_generator *generator, const unsigned char seed[RANDOM_SEED]);

/* From now on it depends on these bytes as well; bad ones do no harm. */
void random_stir(struct random_generator *generator, const void *bytes, size_t length);

void random_bytes(struct random_generator *generator, void *to, size_t length);

/* The block function, for tests: 16 words of state to 16 words of output. */
void chacha20_block(const uint32_t state[16], uint32_t output[16]);

#endif
