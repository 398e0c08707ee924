/*
 * A virtio entropy device: a source of random bytes. One request is with the device at a time; what it
 * brings is copied out of DMA memory at once, so that each byte is given once and no device can change it
 * afterwards. One thread; sleeps nowhere.
 */
#ifndef SERVERS_VIRTIO_RNG_SOURCE_H
#define SERVERS_VIRTIO_RNG_SOURCE_H

#include "lib/virtio/virtio.h"

#define SOURCE_POOL 1024     /* bytes that are asked for at a time */
#define SOURCE_DMA (8 << 10) /* the queue, and a page that the device fills */

struct virtio_request {
	unsigned int length;
};

struct source {
	struct virtio_device device;
	struct virtio_queue queue;
	struct virtio_request request;
	bool is_asked; /* the request is with the device */
	void *memory;  /* SOURCE_DMA bytes, at `physical` */
	uint64_t physical;
	unsigned int first, count; /* what is left of the pool */
	uint8_t pool[SOURCE_POOL];
};

/*
 * Resets the device at `registers`, whatever it is doing for a predecessor, and starts it. -ENODEV: no such
 * device; -ENOTSUP; -EIO: it cannot be reset.
 */
int source_start(struct source *source, volatile void *registers, void *memory, uint64_t physical);

/* After the device went wrong, the same again. */
int source_restart(struct source *source);

/* Up to `length` bytes: how many. 0: none are there, and the device has been asked. -EIO: restart it. */
int source_take(struct source *source, void *to, unsigned int length);

/* After an interrupt: takes over what the device has brought. */
void source_collect(struct source *source);

#endif
