/* See places.h. A place is looked at through a page that is mapped for the moment. */
#include "lib/virtio/places.h"

#include "lib/virtio/registers.h"
#include "proto/init.h"
#include "tern/event.h"
#include "tern/handle.h"
#include "tern/memory.h"
#include "tern/process.h"
#include "tern/system.h"

static tern_handle page_of(tern_handle resource, uint64_t address)
{
	return tern_memobj_create_physical(0, resource, address & ~(TERN_PAGE_SIZE - 1),
					   TERN_PAGE_SIZE, TERN_PHYSICAL_DEVICE);
}

/* What kind of device it is; 0: none. */
static uint32_t type_at(tern_handle resource, uint64_t address)
{
	tern_handle memobj = page_of(resource, address);
	tern_result page = tern_region_map(TERN_SELF_PROCESS, memobj, 0, 0, TERN_PAGE_SIZE,
					   TERN_MAP_READ);
	const volatile uint32_t *registers;
	uint32_t type = 0;

	if (memobj > 0)
		tern_handle_close(memobj);
	if (page < 0)
		return 0;
	registers = (const volatile uint32_t *)((uint64_t)page + (address & (TERN_PAGE_SIZE - 1)));
	if (registers[VIRTIO_MAGIC / 4] == VIRTIO_MAGIC_VALUE)
		type = registers[VIRTIO_DEVICE_ID / 4];
	tern_region_unmap(TERN_SELF_PROCESS, (uint64_t)page, TERN_PAGE_SIZE);
	return type;
}

unsigned int virtio_places(tern_handle resource, const void *tree, size_t size,
			   struct virtio_place places[VIRTIO_PLACES_MAX])
{
	struct device devices[VIRTIO_PLACES_MAX];
	int found = device_tree_list(tree, size, "virtio,mmio", devices, VIRTIO_PLACES_MAX);
	unsigned int count = 0;

	for (int i = 0; i < found; i++) {
		places[count] = (struct virtio_place){ devices[i],
						       type_at(resource, devices[i].address) };
		count += places[count].type != 0;
	}
	return count;
}

struct virtio_grant virtio_place_grant(tern_handle resource, tern_handle listener,
				       const struct virtio_place *place, unsigned int number)
{
	tern_handle port = tern_port_create(
		0, listener, (uint64_t)INIT_KIND_INTERRUPT << 32 | number, TERN_PORT_PERSISTENT);
	struct virtio_grant grant = { page_of(resource, place->device.address), port };

	if (port < 0)
		return grant;
	grant.interrupt = tern_interrupt_create(0, resource, place->device.interrupt, port, 1);
	tern_handle_close(port);
	return grant;
}
