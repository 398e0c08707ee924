/*
 * A disk as extfs sees it: bytes at positions, all multiples of 512. Any number of threads may call.
 * On Tern it is a client of the block protocol, in host tests a file.
 */
#ifndef EXTFS_DISK_H
#define EXTFS_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ext_disk {
	int (*read)(struct ext_disk *disk, uint64_t position, void *buffer, size_t length);
	int (*write)(struct ext_disk *disk, uint64_t position, const void *buffer, size_t length);
	int (*flush)(struct ext_disk *disk);
	uint64_t size;
	bool is_read_only;
};

#endif
