/* Pins by means of the device handle, see pins.h. */
#include "pins.h"

#include "tern/device.h"
#include "tern/memobj.h"

static tern_handle device;

void pins_init(tern_handle handle)
{
	device = handle;
}

static void erase(struct pins *pins, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		pins->addresses[i] = 0;
}

int pins_release(void)
{
	return (int)tern_device_release(device);
}

int pins_prepare(struct pins *pins, tern_handle memobj, uint64_t id, uint64_t first, uint64_t count)
{
	return (int)tern_pager_prepare(memobj, device, id, first, count, pins->addresses);
}

void pins_commit(struct pins *pins, tern_handle memobj, uint64_t first, uint64_t count, int error)
{
	tern_pager_commit(memobj, device, first, count, pins->addresses, (uint64_t)error);
	erase(pins, count);
}

void pins_fail(tern_handle memobj, uint64_t id, uint64_t first, uint64_t count, int error)
{
	tern_pager_fail(memobj, id, first, count, (uint64_t)error);
}

void pins_abandon(struct pins *pins, tern_handle memobj, uint64_t first, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		if (pins->addresses[i])
			tern_memobj_punch(memobj, first + i, 1);
}

int pins_take(struct pins *pins, tern_handle memobj, uint64_t first, uint64_t count)
{
	return (int)tern_memobj_pin(memobj, device, first, count, pins->addresses);
}

void pins_drop(struct pins *pins, uint64_t count)
{
	tern_memobj_unpin(device, pins->addresses, count);
	erase(pins, count);
}
