/*
 * What a launcher must know of a static ELF64 executable for RISC-V, position-independent or not. Pure
 * computation over the file's first bytes; nothing in the file is trusted: every number that comes out
 * of here has been checked against the file's length, the address space and the other segments.
 *
 * Segments come out in ascending order, on pages of their own, and never writable and executable.
 */
#ifndef LIB_LAUNCH_ELF_H
#define LIB_LAUNCH_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_SEGMENTS_MAX 16
#define ELF_HEADERS_MAX 4096 /* both kinds of headers lie in the file's first so many bytes */

/* Programs lie between these. Below, null pointers fault; above is room for stacks and mappings. */
#define ELF_ADDRESS_MIN 0x10000ul
#define ELF_ADDRESS_MAX 0x710000000000ul

struct elf_segment {
	uint64_t address; /* of its first byte */
	uint64_t length;  /* in memory; zeroes follow the file's bytes */
	uint64_t offset;  /* in the file */
	uint64_t file_length;
	uint32_t protection; /* TERN_MAP_READ, _WRITE, _EXECUTE */
};

struct elf_image {
	uint64_t entry;
	uint64_t headers;      /* where the program headers are in memory, 0: nowhere */
	uint64_t header_count; /* of them, 0 if they are nowhere */
	bool is_relocatable;   /* it may be put anywhere: addresses count from there */
	uint64_t stack_length; /* that the program asks for, or 0 */
	unsigned int segment_count;
	struct elf_segment segments[ELF_SEGMENTS_MAX];
};

#define ELF_PROGRAM_HEADER_SIZE 56

/*
 * `start`: the first `start_length` bytes of a file of `file_length` bytes: all, or ELF_HEADERS_MAX.
 * Returns NULL, or what is wrong with the file.
 */
const char *elf_parse(const void *start, size_t start_length, uint64_t file_length,
		      struct elf_image *image);

#endif
