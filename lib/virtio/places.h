/*
 * Which virtio devices a machine has: for those who hold its resource handle and hand devices to drivers
 * (init, and tests that launch drivers themselves).
 */
#ifndef LIB_VIRTIO_PLACES_H
#define LIB_VIRTIO_PLACES_H

#include <stddef.h>
#include <stdint.h>

#include "lib/device_tree/device_tree.h"
#include "tern/types.h"

#define VIRTIO_PLACES_MAX 32

struct virtio_place {
	struct device device;
	uint32_t type; /* enum virtio_id, also of a legacy device */
};

/* All places of the device tree with a device in them, by rising address; how many. */
unsigned int virtio_places(tern_handle resource, const void *tree, size_t size,
			   struct virtio_place places[VIRTIO_PLACES_MAX]);

/* What a driver with this listener is given, as init does for `virtio-devices`; or errors. */
struct virtio_grant {
	tern_handle registers, interrupt;
};
struct virtio_grant virtio_place_grant(tern_handle resource, tern_handle listener,
				       const struct virtio_place *place, unsigned int number);

#endif
