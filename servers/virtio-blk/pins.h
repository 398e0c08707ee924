/*
 * Pages of memobjs that a disk works on: their physical addresses, and the pins that keep their frames in
 * place. The kernel keeps the pins with the *device* object, which outlives the driver: when a driver dies,
 * its disks may still be at work, so the pins stay until the successor has reset the disks.
 */
#ifndef SERVERS_VIRTIO_BLK_PINS_H
#define SERVERS_VIRTIO_BLK_PINS_H

#include <stdint.h>

#include "disk.h"
#include "tern/types.h"

/* The pages of one operation; 0: none, or one that nobody wants. */
struct pins {
	uint64_t addresses[DISK_SEGMENTS];
};

/* To be called first: the handle that gives the right to physical addresses. */
void pins_init(tern_handle device);

/* All disks have been reset: what a dead driver had pinned is released. 0, or an error. */
int pins_release(void) __attribute__((warn_unused_result));

/*
 * Frames for absent pages of request `id`, to be filled. How many; pages that the request does not ask
 * for have address 0. -ESRCH: that is all of them; -ENOMEM.
 */
int pins_prepare(struct pins *pins, tern_handle memobj, uint64_t id, uint64_t first,
		 uint64_t count);
/* They have their contents, or failed (a positive error). */
void pins_commit(struct pins *pins, tern_handle memobj, uint64_t first, uint64_t count, int error);
/* Pages of request `id` that still have no frames will not get any. */
void pins_fail(tern_handle memobj, uint64_t id, uint64_t first, uint64_t count, int error);

/*
 * The device cannot be stopped: the pages leave their memobj, so that nobody sees what it does to them,
 * and stay pinned for good.
 */
void pins_abandon(struct pins *pins, tern_handle memobj, uint64_t first, uint64_t count);

/* Resident pages. -EAGAIN: not all of them are; -EBUSY, -EINVAL. */
int pins_take(struct pins *pins, tern_handle memobj, uint64_t first, uint64_t count);
void pins_drop(struct pins *pins, uint64_t count);

#endif
