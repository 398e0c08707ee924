/*
 * The driver's side of virtio: modern devices (version 1) over MMIO, split queues, event index.
 * What every virtio driver shares; it sleeps nowhere and allocates nothing.
 *
 * The device is not trusted further than it must be: there is no IOMMU, so a device can write
 * wherever it likes, but nothing that it says (ring indices, identifiers, lengths) makes the driver
 * touch memory outside the requests that are in flight. A queue whose device breaks the rules is
 * marked broken and does no more work until a reset.
 *
 * One thread at a time may use a device or a queue; drivers with several have a lock.
 */
#ifndef LIB_VIRTIO_H
#define LIB_VIRTIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum virtio_id {
	VIRTIO_ID_NONE = 0,
	VIRTIO_ID_NET = 1,
	VIRTIO_ID_BLOCK = 2,
	VIRTIO_ID_CONSOLE = 3,
	VIRTIO_ID_RNG = 4,
	VIRTIO_ID_9P = 9,
	VIRTIO_ID_GPU = 16,
	VIRTIO_ID_INPUT = 18,
};

/* Features that belong to the transport; each device class has its own below bit 24. */
#define VIRTIO_F_INDIRECT_DESC (1ull << 28)
#define VIRTIO_F_EVENT_IDX (1ull << 29)
#define VIRTIO_F_VERSION_1 (1ull << 32)

#define VIRTIO_QUEUE_SIZE_MAX 1024 /* descriptors; a power of two */

/* What virtio_interrupt returns. */
#define VIRTIO_INTERRUPT_QUEUE 1
#define VIRTIO_INTERRUPT_CONFIG 2

struct virtio_device {
	volatile uint8_t *registers;
	uint64_t features; /* negotiated */
};

/* ------------------------------------------------------------------------------------ devices */

/*
 * Look at a device's registers. Its class, VIRTIO_ID_NONE for an empty slot; -ENODEV when there is
 * no virtio device there, -ENOTSUP for a legacy one. The device is not touched.
 */
int virtio_probe(struct virtio_device *device, volatile void *registers);

/*
 * Reset it, and wait until it has stopped: no DMA happens afterwards. Must come first in a driver
 * that may have had a predecessor. -EIO when it does not answer.
 */
int virtio_reset(struct virtio_device *device);

/*
 * After a reset: tell the device that there is a driver, and agree on features out of `wanted`, of
 * which `required` must be there (VERSION_1 always is). -ENOTSUP: they are not.
 */
int virtio_negotiate(struct virtio_device *device, uint64_t wanted, uint64_t required);

/* The queues are set up: go. */
void virtio_start(struct virtio_device *device);
/* The driver gives up. */
void virtio_fail(struct virtio_device *device);
/* True when the device asks for a reset. */
bool virtio_needs_reset(const struct virtio_device *device);

/* Why it interrupted, acknowledged: VIRTIO_INTERRUPT_* or 0. */
uint32_t virtio_interrupt(struct virtio_device *device);

/* Read `length` bytes of the class's configuration, all from one moment. */
void virtio_config_read(const struct virtio_device *device, size_t offset, void *to, size_t length);

/* ------------------------------------------------------------------------------------- queues */

/* Memory that the device reads or writes: physical address and length in bytes. */
struct virtio_segment {
	uint64_t address;
	uint32_t length;
};

struct virtio_request; /* the driver's; a queue keeps pointers only */

struct virtio_queue {
	struct virtio_device *device;
	uint16_t index, size;
	bool is_broken;
	uint16_t free_head, free_count; /* descriptors, chained through `next` */
	uint16_t next_avail;            /* the next slot of the available ring */
	uint16_t announced;             /* up to where the device has been told */
	uint16_t next_used;             /* the next entry of the used ring to look at */
	volatile struct virtio_descriptor *descriptors;
	volatile struct virtio_available *available;
	volatile struct virtio_used *used;
	/* The driver's own, which the device cannot reach: by descriptor. */
	struct virtio_slot {
		struct virtio_request
			*request;  /* of a chain's first descriptor; NULL: not in use */
		uint32_t writable; /* bytes that the device may write in the chain */
		uint16_t next;     /* within the chain, or among the free ones */
		uint16_t length;   /* descriptors of the chain */
	} slots[VIRTIO_QUEUE_SIZE_MAX];
};

/* Bytes of DMA memory that a queue of this size needs; it must be 16-byte aligned. */
size_t virtio_queue_memory(uint16_t size);

/*
 * The largest power of two that device and `wanted` allow, 0 when there is no such queue: to be
 * asked before memory is allocated.
 */
uint16_t virtio_queue_limit(struct virtio_device *device, uint16_t index, uint16_t wanted);

/* Set it up in zeroed memory at `memory`, which the device reaches at `physical`. */
void virtio_queue_init(struct virtio_queue *queue, struct virtio_device *device, uint16_t index,
		       uint16_t size, void *memory, uint64_t physical);

/*
 * Offer the device a request: first `out` segments that it reads, then `in` segments that it
 * writes. -EAGAIN: not enough free descriptors, try when something has come back; -EINVAL: none or
 * too many segments; -EIO: the queue is broken. The device is told by virtio_queue_kick.
 */
int virtio_queue_add(struct virtio_queue *queue, const struct virtio_segment *segments,
		     unsigned int out, unsigned int in, struct virtio_request *request);

/*
 * The same through a table of its own, so that the request takes one descriptor of the queue whatever
 * its length: `table` is DMA memory for VIRTIO_TABLE_SIZE(out + in) bytes at `physical`, the request's
 * until it comes back. Only when VIRTIO_F_INDIRECT_DESC was negotiated.
 */
#define VIRTIO_TABLE_SIZE(segments) (16u * (segments))
int virtio_queue_add_indirect(struct virtio_queue *queue, const struct virtio_segment *segments,
			      unsigned int out, unsigned int in, void *table, uint64_t physical,
			      struct virtio_request *request);

/* Tell the device about what was added, unless it said that it is looking anyway. */
void virtio_queue_kick(struct virtio_queue *queue);

/*
 * The next request that the device has finished, and how many bytes it says to have written (never
 * more than were offered). NULL: none; look at is_broken.
 */
struct virtio_request *virtio_queue_take(struct virtio_queue *queue, uint32_t *written);

/*
 * Ask for an interrupt when the next request finishes. True: one has finished meanwhile, so take it
 * instead of waiting.
 */
bool virtio_queue_wait(struct virtio_queue *queue);

/* After a reset: each call returns another request that was in flight, NULL at the end. */
struct virtio_request *virtio_queue_abandon(struct virtio_queue *queue);

#endif
