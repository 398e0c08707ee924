/*
 * The client's side of a block device: the calls of proto/block.h, made to survive the driver.
 *
 * Each call blocks until the device is done; any number of threads may call. A call that the driver's
 * death broke off is repeated at the new instance, after the memobj has been attached again if need
 * be; -EPIPE comes only when there is no driver any more. -EBUSY is retried as well.
 */
#ifndef LIB_BLOCK_H
#define LIB_BLOCK_H

#include <stdint.h>

#include "proto/block.h"

struct block_disk {
	tern_handle port;
	struct block_info info; /* as it was at block_open */
};

/* A memobj that takes part in requests. Its handle must stay as long as this is attached. */
struct block_memory {
	struct block_disk *disk;
	tern_handle memobj;       /* with OWNER */
	_Atomic uint64_t cookie;  /* of the driver's present instance, or of a dead one */
	_Atomic uint32_t is_held; /* somebody is attaching it; a futex */
};

/* Begin with the disk behind a port: one client each. 0 or an error. */
int block_open(struct block_disk *disk, tern_handle port);

/* The disk's size may change. */
int block_update(struct block_disk *disk);

int block_attach(struct block_disk *disk, struct block_memory *memory, tern_handle memobj);
/* No call with it may be in progress. */
void block_detach(struct block_memory *memory);

/*
 * Fill pages [first, first + count) of request `id` from `position` on: see BLOCK_FILL. In addition 0
 * when a request had been filled before the driver died.
 */
int block_fill(struct block_memory *memory, uint64_t id, uint64_t first, uint64_t count,
	       uint64_t position);

/* Between resident pages and the disk; offset in the memobj, length and position in bytes. */
int block_read(struct block_memory *memory, uint64_t offset, uint64_t length, uint64_t position);
int block_write(struct block_memory *memory, uint64_t offset, uint64_t length, uint64_t position);

int block_flush(struct block_disk *disk);
int block_discard(struct block_disk *disk, uint64_t position, uint64_t length);
/* `flags`: BLOCK_MAY_UNMAP. */
int block_write_zeroes(struct block_disk *disk, uint64_t position, uint64_t length, uint64_t flags);

#endif
