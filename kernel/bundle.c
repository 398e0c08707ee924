/*
 * The boot bundle: a ustar archive. Nothing in it is trusted: every header and size is checked
 * against the archive's bounds before it is used.
 */
#include "kernel/boot.h"
#include "kernel/memory.h"

#define BLOCK 512

struct ustar_header {
	char name[100];
	char mode[8], uid[8], gid[8];
	char size[12];
	char mtime[12], checksum[8];
	char type;
	char link[100];
	char magic[6];
};

/* An octal number that ends with a space or zero; false when it is anything else. */
static bool parse_octal(const char *text, size_t length, u64 *value)
{
	*value = 0;
	for (size_t i = 0; i < length; i++) {
		if (text[i] == ' ' || text[i] == '\0')
			return i > 0;
		if (text[i] < '0' || text[i] > '7')
			return false;
		*value = *value << 3 | (u64)(text[i] - '0');
	}
	return true;
}

static bool is_named(const struct ustar_header *header, const char *name)
{
	return strncmp(header->name, name, sizeof(header->name)) == 0;
}

static bool is_file(const struct ustar_header *header)
{
	return header->type == '0' || header->type == '\0';
}

bool bundle_find(const void *bundle, u64 length, const char *name, const void **file,
		 u64 *file_length)
{
	u64 at = 0;

	while (at + BLOCK <= length) {
		const struct ustar_header *header =
			(const struct ustar_header *)((const char *)bundle + at);
		u64 size;

		if (memcmp(header->magic, "ustar", 5) ||
		    !parse_octal(header->size, sizeof(header->size), &size) ||
		    size > length - at - BLOCK)
			return false;
		if (is_file(header) && is_named(header, name)) {
			*file = (const char *)bundle + at + BLOCK;
			*file_length = size;
			return true;
		}
		at += BLOCK + round_up(size, BLOCK);
	}
	return false;
}
