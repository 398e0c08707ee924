/*
 * From low to high addresses: count, arguments, 0, environment, 0, auxiliary pairs, handles, random
 * bytes, strings. The size is known first, so that each part is written once, at its place.
 */
#include "lib/launch/start_block.h"

#include <elf.h>
#include <string.h>

#include "tern/types.h"

#define PAIRS 10
#define CAPABILITIES 0x112d /* a bit for each letter of IMAFDC */

struct writer {
	uint64_t *word; /* next */
	char *text;     /* next */
	uint64_t delta; /* from a place in the buffer to its address */
};

static size_t count_of(const char *const *strings)
{
	size_t count = 0;

	while (strings[count])
		count++;
	return count;
}

static size_t size_of(const char *const *strings)
{
	size_t size = 0;

	for (; *strings; strings++)
		size += strlen(*strings) + 1;
	return size;
}

static size_t word_count(const struct start_block *block)
{
	return 1 + count_of(block->arguments) + 1 + count_of(block->environment) + 1 + 2 * PAIRS;
}

static size_t handles_size(const struct start_block *block)
{
	return (block->handle_count + 1) * sizeof(struct tern_start_handle);
}

size_t start_block_size(const struct start_block *block)
{
	size_t size = word_count(block) * sizeof(uint64_t) + handles_size(block) +
		      sizeof(block->random) + size_of(block->arguments) +
		      size_of(block->environment);

	return (size + 15) & ~15ul;
}

static void put_strings(struct writer *writer, const char *const *strings)
{
	for (; *strings; strings++) {
		size_t size = strlen(*strings) + 1;

		*writer->word++ = (uint64_t)writer->text + writer->delta;
		memcpy(writer->text, *strings, size);
		writer->text += size;
	}
	*writer->word++ = 0;
}

static void put_pair(struct writer *writer, uint64_t type, uint64_t value)
{
	*writer->word++ = type;
	*writer->word++ = value;
}

static void put_auxiliary(struct writer *writer, const struct elf_image *image, uint64_t handles,
			  uint64_t name)
{
	put_pair(writer, AT_PHDR, image->headers);
	put_pair(writer, AT_PHENT, ELF_PROGRAM_HEADER_SIZE);
	put_pair(writer, AT_PHNUM, image->header_count);
	put_pair(writer, AT_PAGESZ, TERN_PAGE_SIZE);
	put_pair(writer, AT_ENTRY, image->entry);
	put_pair(writer, AT_HWCAP, CAPABILITIES);
	put_pair(writer, AT_RANDOM, name - sizeof(((struct start_block *)0)->random));
	put_pair(writer, AT_EXECFN, name);
	put_pair(writer, AT_TERN_HANDLES, handles);
	put_pair(writer, AT_NULL, 0);
}

uint64_t start_block_build(const struct start_block *block, void *buffer, size_t length,
			   uint64_t top)
{
	size_t size = start_block_size(block);
	char *start = (char *)buffer + length - size;
	struct tern_start_handle *handles;
	struct writer writer;
	char *random;

	if (size > length)
		return 0;
	memset(start, 0, size);
	writer.word = (uint64_t *)start;
	writer.delta = top - ((uint64_t)buffer + length);
	handles = (struct tern_start_handle *)(writer.word + word_count(block));
	random = (char *)handles + handles_size(block);
	writer.text = random + sizeof(block->random);

	memcpy(handles, block->handles, block->handle_count * sizeof(*handles));
	memcpy(random, block->random, sizeof(block->random));
	*writer.word++ = count_of(block->arguments);
	put_strings(&writer, block->arguments);
	put_strings(&writer, block->environment);
	put_auxiliary(&writer, block->image, (uint64_t)handles + writer.delta,
		      (uint64_t)random + sizeof(block->random) + writer.delta);
	return top - size;
}
