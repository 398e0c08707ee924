/*
 * A disk in memory for tests of extfs, loaded from an image file and saved to it. It can lose its
 * power: then what was written since the last flush is there or not, at random.
 */
#ifndef TESTS_HOST_DISK_H
#define TESTS_HOST_DISK_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "servers/extfs/disk.h"

struct pending {
	struct pending *next;
	uint64_t position;
	size_t length;
	uint8_t bytes[];
};

struct host_disk {
	struct ext_disk disk;
	uint8_t *bytes;
	struct pending *pending, **end; /* written, not flushed: `bytes` does not have it yet */
	bool is_volatile;               /* keep what is not flushed apart */
	long writes_left;               /* until the power goes; negative: it does not */
	bool is_off;
	long errors_after; /* reads that work before one fails; negative: all */
};

static inline struct host_disk *host_disk_of(struct ext_disk *disk)
{
	return (struct host_disk *)disk;
}

static inline int host_read(struct ext_disk *self, uint64_t position, void *buffer, size_t length)
{
	struct host_disk *disk = host_disk_of(self);
	struct pending *pending;

	if (position + length > self->size)
		return -EIO;
	if (disk->errors_after >= 0 && disk->errors_after-- == 0)
		return -EIO;
	memcpy(buffer, disk->bytes + position, length);
	for (pending = disk->pending; pending; pending = pending->next) {
		uint64_t from = pending->position > position ? pending->position : position;
		uint64_t to = pending->position + pending->length;

		to = to < position + length ? to : position + length;
		if (from < to)
			memcpy((uint8_t *)buffer + (from - position),
			       pending->bytes + (from - pending->position), to - from);
	}
	return 0;
}

static inline int host_write(struct ext_disk *self, uint64_t position, const void *buffer,
			     size_t length)
{
	struct host_disk *disk = host_disk_of(self);
	struct pending *pending;

	if (position + length > self->size || self->is_read_only)
		return -EIO;
	if (disk->writes_left >= 0 && disk->writes_left-- == 0)
		disk->is_off = true;
	if (disk->is_off)
		return -EIO;
	if (!disk->is_volatile) {
		memcpy(disk->bytes + position, buffer, length);
		return 0;
	}
	pending = malloc(sizeof(*pending) + length);
	*pending = (struct pending){ NULL, position, length };
	memcpy(pending->bytes, buffer, length);
	*disk->end = pending;
	disk->end = &pending->next;
	return 0;
}

/* What is pending reaches the disk, or with `some` about half of it does, by blocks of 512 bytes. */
static inline void host_settle(struct host_disk *disk, bool some)
{
	struct pending *pending;

	while ((pending = disk->pending)) {
		for (size_t at = 0; at < pending->length; at += 4096) {
			size_t part = pending->length - at < 4096 ? pending->length - at : 4096;

			if (!some || rand() % 2)
				memcpy(disk->bytes + pending->position + at, pending->bytes + at,
				       part);
		}
		disk->pending = pending->next;
		free(pending);
	}
	disk->end = &disk->pending;
}

static inline int host_flush(struct ext_disk *self)
{
	struct host_disk *disk = host_disk_of(self);

	if (disk->is_off)
		return -EIO;
	host_settle(disk, false);
	return 0;
}

static inline bool host_load(struct host_disk *disk, const char *path)
{
	FILE *file = fopen(path, "rb");

	if (!file)
		return false;
	fseek(file, 0, SEEK_END);
	*disk = (struct host_disk){ .disk = { host_read, host_write, host_flush,
					      (uint64_t)ftell(file), false },
				    .writes_left = -1,
				    .errors_after = -1 };
	disk->end = &disk->pending;
	disk->bytes = malloc(disk->disk.size);
	rewind(file);
	if (fread(disk->bytes, 1, disk->disk.size, file) != disk->disk.size)
		abort();
	fclose(file);
	return true;
}

static inline void host_save(struct host_disk *disk, const char *path)
{
	FILE *file = fopen(path, "wb");

	if (!file || fwrite(disk->bytes, 1, disk->disk.size, file) != disk->disk.size)
		abort();
	fclose(file);
}

static inline void host_unload(struct host_disk *disk)
{
	host_settle(disk, false);
	free(disk->bytes);
	disk->bytes = NULL;
}

#endif
