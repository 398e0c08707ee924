/*
 * The block that a new program finds on its stack: argument count, arguments, environment, auxiliary
 * vector, and what these point to. Pure computation: it is built in a buffer that will be mapped
 * so that it ends at address `top`.
 */
#ifndef LIB_LAUNCH_START_BLOCK_H
#define LIB_LAUNCH_START_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "lib/launch/elf.h"
#include "tern/start.h"

struct start_block {
	const char *const *arguments;   /* ends with NULL; the first one is the program's name */
	const char *const *environment; /* ends with NULL */
	const struct tern_start_handle *handles;
	unsigned int handle_count;
	const struct elf_image *image;
	uint8_t random[16];
};

/* How many bytes it takes. */
size_t start_block_size(const struct start_block *block);

/*
 * Fills the last bytes of `buffer`. Returns the address of the argument count, which becomes the
 * stack pointer and is a multiple of 16, or 0 if `length` bytes are too few.
 */
uint64_t start_block_build(const struct start_block *block, void *buffer, size_t length,
			   uint64_t top);

#endif
