/*
 * The driver of virtio disks: one process, one thread, all disks. It receives clients' calls and the
 * devices' interrupts at one listener, parks the calls, and answers them when the device is done.
 */
#ifndef SERVERS_VIRTIO_BLK_DRIVER_H
#define SERVERS_VIRTIO_BLK_DRIVER_H

#include <stddef.h>
#include <stdint.h>

#include "disk.h"
#include "pins.h"
#include "tern/types.h"

#define DRIVER_DISKS 8

/*
 * DMA memory: a contiguous memobj that whoever starts the driver keeps over its death, because a device
 * may still be at work on it. It holds the queues.
 */
#define DRIVER_DISK_BYTES ((DISK_MEMORY + TERN_PAGE_SIZE - 1) / TERN_PAGE_SIZE * TERN_PAGE_SIZE)
#define DRIVER_DMA_BYTES (1ul << 20)

/* At worst, and some more: what the device object must be able to hold. */
#define DRIVER_PINS (DRIVER_DISKS * DISK_SLOTS * DISK_SEGMENTS)

_Static_assert(DRIVER_DISKS *DRIVER_DISK_BYTES <= DRIVER_DMA_BYTES, "all disks fit");

/*
 * Userdata of clients' ports: the disk's number (by rising address of its registers) in the low byte;
 * above it whatever tells clients apart, below INIT_SESSION_END.
 */
#define DRIVER_DISK_MASK 0xff

struct driver_start {
	tern_handle listener;
	tern_handle device; /* holds DRIVER_PINS pins; kept over the driver's death */
	tern_handle dma;    /* DRIVER_DMA_BYTES */
	/*
	 * Of each virtio device that is a disk, by rising address: a page with its registers, and its
	 * interrupt, which notifies the listener with INIT_KIND_INTERRUPT and its number. 0: none.
	 */
	tern_handle registers[DRIVER_DISKS];
	tern_handle interrupts[DRIVER_DISKS];
};

/* Serves until the listener is destroyed. Returns 0, or an error if it cannot begin. */
int driver_run(const struct driver_start *start);

#endif
