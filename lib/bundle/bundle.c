/* The boot bundle; see the header. */
#include "lib/bundle/bundle.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define BLOCK 512

struct ustar_header {
	char name[100];
	char mode[8], uid[8], gid[8];
	char size[12];
	char mtime[12], checksum[8];
	char type;
	char link[100];
	char magic[6], version[2];
	char user[32], group[32], major[8], minor[8];
	char prefix[155];
	char unused[12];
};
_Static_assert(sizeof(struct ustar_header) == BLOCK, "ustar header");

/* An octal number with leading blanks, ended by a blank, zero or the field's end. */
static bool parse_octal(const char *text, size_t length, uint64_t *value)
{
	size_t i = 0, first;

	while (i < length && text[i] == ' ')
		i++;
	*value = 0;
	for (first = i; i < length && text[i] >= '0' && text[i] <= '7'; i++)
		*value = *value << 3 | (uint64_t)(text[i] - '0');
	return i > first && (i == length || text[i] == ' ' || text[i] == '\0');
}

/* The sum of the header's bytes with blanks for the checksum itself. */
static bool is_checksum_right(const struct ustar_header *header)
{
	const unsigned char *bytes = (const unsigned char *)header;
	uint64_t sum = sizeof(header->checksum) * ' ', expected;

	for (size_t i = 0; i < BLOCK; i++)
		sum += bytes[i];
	for (size_t i = 0; i < sizeof(header->checksum); i++)
		sum -= (unsigned char)header->checksum[i];
	return parse_octal(header->checksum, sizeof(header->checksum), &expected) &&
	       sum == expected;
}

static bool is_file(const struct ustar_header *header)
{
	return header->type == '0' || header->type == '\0';
}

static bool is_empty_block(const char *block)
{
	for (size_t i = 0; i < BLOCK; i++)
		if (block[i])
			return false;
	return true;
}

static size_t append(char *to, size_t at, const char *field, size_t size)
{
	size_t length = strnlen(field, size);

	memcpy(to + at, field, length);
	return at + length;
}

/* prefix/name, without a leading "./". */
static void copy_name(const struct ustar_header *header, char *name)
{
	char whole[BUNDLE_NAME_MAX];
	size_t length = append(whole, 0, header->prefix, sizeof(header->prefix)), skip;

	if (length)
		whole[length++] = '/';
	length = append(whole, length, header->name, sizeof(header->name));
	skip = length > 2 && whole[0] == '.' && whole[1] == '/' ? 2 : 0;
	memcpy(name, whole + skip, length - skip);
	name[length - skip] = '\0';
}

int bundle_next(const void *bundle, size_t length, size_t *at, struct bundle_file *file)
{
	while (*at < length && length - *at >= BLOCK) {
		const char *block = (const char *)bundle + *at;
		const struct ustar_header *header = (const struct ustar_header *)block;
		uint64_t size, room = length - *at - BLOCK;

		if (is_empty_block(block))
			return 0;
		if (memcmp(header->magic, "ustar", 5) || !is_checksum_right(header) ||
		    !parse_octal(header->size, sizeof(header->size), &size) || size > room)
			return -1;
		/* The last file's padding may be cut off. */
		*at += BLOCK + (size + BLOCK - 1) / BLOCK * BLOCK;
		if (is_file(header)) {
			copy_name(header, file->name);
			file->data = block + BLOCK;
			file->length = size;
			return 1;
		}
	}
	return 0;
}

int bundle_find(const void *bundle, size_t length, const char *name, struct bundle_file *file)
{
	size_t at = 0;
	int found;

	do
		found = bundle_next(bundle, length, &at, file);
	while (found == 1 && strcmp(file->name, name));
	return found;
}
