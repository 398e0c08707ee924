/*
 * One disk: a virtio block device, and the operations that are in flight at it. Knows nothing of
 * clients or of the kernel: it takes physical addresses, so it can be tested against a model device.
 *
 * A *slot* is an operation's place: its header, status byte and scatter list in DMA memory, which the
 * device may write at any time. Nothing that is read from there is trusted, the status byte apart, which
 * can say no more than whether the operation went well.
 */
#ifndef SERVERS_VIRTIO_BLK_DISK_H
#define SERVERS_VIRTIO_BLK_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/virtio/virtio.h"

#define DISK_SLOTS 64    /* operations in flight at a device */
#define DISK_SEGMENTS 64 /* data segments of one: a page each at worst */
#define DISK_SECTOR 512u
#define DISK_PAGE 4096u
#define DISK_QUEUE 256

/* What an operation is: the device's numbers. */
enum disk_type {
	DISK_READ = 0,
	DISK_WRITE = 1,
	DISK_FLUSH = 4,
	DISK_DISCARD = 11,
	DISK_WRITE_ZEROES = 13,
};

struct disk_slot_memory;

/* An operation; the queue's name for it. */
struct virtio_request {
	struct virtio_request *next; /* of a list of slots */
	struct disk_slot_memory *memory;
	uint64_t physical; /* of memory */
	uint64_t reads;    /* bytes that the device is to write */
	uint32_t number;
};

struct disk {
	struct virtio_device device;
	struct virtio_queue queue;
	struct virtio_request slots[DISK_SLOTS];
	struct virtio_request *free;
	unsigned int in_flight, in_flight_most;
	uint64_t operations, in_flight_sum; /* statistics */
	bool is_dead;     /* could not be reset: what it was given is never touched again */
	uint64_t sectors; /* the disk's size */
	uint32_t block_size;
	uint32_t segments_max;    /* data segments in one operation, at most DISK_SEGMENTS */
	uint32_t segment_size;    /* bytes in one segment, at least a page */
	uint32_t discard_sectors; /* in one operation; 0: cannot do it */
	uint32_t zeroes_sectors;  /* likewise */
	bool is_read_only, can_flush;
	void *memory; /* DISK_MEMORY bytes for DMA, at `physical` */
	uint64_t physical;
};

/* DMA memory of a disk: the queue, the slots, and a page for data that nobody wants. */
#define DISK_SLOT_BYTES 1152u
#define DISK_QUEUE_BYTES (2 * DISK_PAGE)
#define DISK_SINK_OFFSET (DISK_QUEUE_BYTES + DISK_SLOTS * DISK_SLOT_BYTES)
#define DISK_MEMORY (DISK_SINK_OFFSET + DISK_PAGE)

/*
 * Stop whatever the device at `registers` is doing for a predecessor. 0; -ENODEV: it is no disk, or an
 * old one; -EIO: it does not stop, the disk is dead.
 */
int disk_reset(struct disk *disk, volatile void *registers);

/* After a reset: agree with it and get going, in DISK_MEMORY bytes of DMA memory. -ENOTSUP, -EIO. */
int disk_start(struct disk *disk, void *memory, uint64_t physical);

/*
 * Size and limits from the device's configuration, which may change. -ENOTSUP: it makes no sense, and
 * nothing has changed.
 */
int disk_configure(struct disk *disk);

/* A free slot, and room for its operation in the queue; NULL: something must come back first. */
struct virtio_request *disk_slot_get(struct disk *disk);
void disk_slot_put(struct disk *disk, struct virtio_request *slot);

/*
 * Offer an operation to the device: data to or from `segments` (READ, WRITE), or none (FLUSH).
 * -EIO: the device is broken; -EINVAL: more segments than it takes.
 */
int disk_submit(struct disk *disk, struct virtio_request *slot, enum disk_type type,
		uint64_t sector, const struct virtio_segment *segments, unsigned int count);

/* DISCARD or WRITE_ZEROES of a range of sectors. */
int disk_submit_range(struct disk *disk, struct virtio_request *slot, enum disk_type type,
		      uint64_t sector, uint32_t sectors, bool may_unmap);

/* Tell the device about what was submitted. */
void disk_kick(struct disk *disk);

/* The next operation that is done, and how it went: 0, -EIO, -EOPNOTSUPP. NULL: none. */
struct virtio_request *disk_take(struct disk *disk, int *result);

/* Wants an interrupt for the next one. True: it is there already. */
bool disk_wait(struct disk *disk);

/* The device broke a rule or asks for it: disk_restart is due. */
bool disk_is_broken(const struct disk *disk);

/*
 * Reset and start again. *lost are the slots that were in flight, to be submitted again or put back.
 * -EIO: the disk is dead now, and may still work on what it was given.
 */
int disk_restart(struct disk *disk, struct virtio_request **lost);

static inline uint64_t disk_sink(const struct disk *disk)
{
	return disk->physical + DISK_SINK_OFFSET;
}

#endif
