/*
 * The boot bundle: a ustar archive in memory. Nothing in it is trusted: checksum, size and type of
 * every header are checked against the archive's bounds before they are used. Files are found where
 * they lie; nothing is copied.
 */
#ifndef LIB_BUNDLE_BUNDLE_H
#define LIB_BUNDLE_BUNDLE_H

#include <stddef.h>

#define BUNDLE_NAME_MAX 257 /* with the zero; names in ustar have at most 100 + 1 + 155 bytes */

struct bundle_file {
	char name[BUNDLE_NAME_MAX];
	const void *data;
	size_t length;
};

/*
 * Steps through the regular files: *at is 0 at first and belongs to this function. Returns 1 and
 * fills *file, 0 at the end, -1 if the archive is damaged from here on.
 */
int bundle_next(const void *bundle, size_t length, size_t *at, struct bundle_file *file);

/* The first file of that name. Returns 1, 0 (there is none), -1 (damaged before it was found). */
int bundle_find(const void *bundle, size_t length, const char *name, struct bundle_file *file);

#endif
