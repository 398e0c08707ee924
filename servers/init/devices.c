/* Where devices are: looked up in the device tree, virtio devices also by what they say they are. */
#include "init.h"

#include "lib/virtio/places.h"
#include "tern/memory.h"

static const void *tree;
static struct virtio_place places[VIRTIO_PLACES_MAX];
static unsigned int place_count;

void devices_init(void)
{
	uint64_t length = (boot->device_tree_length + TERN_PAGE_SIZE - 1) & ~(TERN_PAGE_SIZE - 1);

	tree = (const void *)require(
		tern_region_map(TERN_SELF_PROCESS, boot->device_tree, 0, 0, length, TERN_MAP_READ),
		"device tree");
	place_count = virtio_places(boot->resource, tree, boot->device_tree_length, places);
}

static bool find_virtio(uint64_t type, unsigned int index, struct device *device)
{
	for (unsigned int i = 0; i < place_count; i++) {
		if (places[i].type != type || index--)
			continue;
		*device = places[i].device;
		return true;
	}
	return false;
}

bool device_find(const struct place *place, uint64_t *address, uint64_t *length,
		 uint32_t *interrupt)
{
	struct device device = { place->address, place->length, (uint32_t)place->address };

	if (place->kind == PLACE_DEVICE &&
	    device_tree_find(tree, boot->device_tree_length, place->compatible, place->index,
			     &device))
		return false;
	if (place->kind == PLACE_VIRTIO && !find_virtio(place->address, place->index, &device))
		return false;
	*address = device.address;
	*length = device.length;
	*interrupt = device.interrupt;
	return true;
}
