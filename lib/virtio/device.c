/* Finding, resetting and starting virtio devices over MMIO. */
#include <errno.h>

#include "registers.h"
#include "virtio.h"

#define RESET_TRIES 1000000
#define CONFIG_TRIES 100

int virtio_probe(struct virtio_device *device, volatile void *registers)
{
	*device = (struct virtio_device){ .registers = registers };
	if (virtio_read(device, VIRTIO_MAGIC) != VIRTIO_MAGIC_VALUE)
		return -ENODEV;
	if (virtio_read(device, VIRTIO_VERSION) != 2)
		return -ENOTSUP;
	return (int)(virtio_read(device, VIRTIO_DEVICE_ID) & 0xffff);
}

int virtio_reset(struct virtio_device *device)
{
	virtio_write(device, VIRTIO_STATUS, 0);
	for (int i = 0; i < RESET_TRIES; i++)
		if (virtio_read(device, VIRTIO_STATUS) == 0)
			return 0;
	return -EIO;
}

static void add_status(struct virtio_device *device, uint32_t bits)
{
	virtio_write(device, VIRTIO_STATUS, virtio_read(device, VIRTIO_STATUS) | bits);
}

static uint64_t device_features(struct virtio_device *device)
{
	uint64_t low, high;

	virtio_write(device, VIRTIO_DEVICE_FEATURES_SELECT, 0);
	low = virtio_read(device, VIRTIO_DEVICE_FEATURES);
	virtio_write(device, VIRTIO_DEVICE_FEATURES_SELECT, 1);
	high = virtio_read(device, VIRTIO_DEVICE_FEATURES);
	return high << 32 | low;
}

int virtio_negotiate(struct virtio_device *device, uint64_t wanted, uint64_t required)
{
	uint64_t offered;

	add_status(device, VIRTIO_STATUS_ACKNOWLEDGE);
	add_status(device, VIRTIO_STATUS_DRIVER);
	offered = device_features(device);
	required |= VIRTIO_F_VERSION_1;
	device->features = offered & (wanted | required);
	if (required & ~offered) {
		virtio_fail(device);
		return -ENOTSUP;
	}
	virtio_write(device, VIRTIO_DRIVER_FEATURES_SELECT, 0);
	virtio_write(device, VIRTIO_DRIVER_FEATURES, (uint32_t)device->features);
	virtio_write(device, VIRTIO_DRIVER_FEATURES_SELECT, 1);
	virtio_write(device, VIRTIO_DRIVER_FEATURES, (uint32_t)(device->features >> 32));
	add_status(device, VIRTIO_STATUS_FEATURES_OK);
	if (virtio_read(device, VIRTIO_STATUS) & VIRTIO_STATUS_FEATURES_OK)
		return 0;
	virtio_fail(device);
	return -ENOTSUP;
}

void virtio_start(struct virtio_device *device)
{
	add_status(device, VIRTIO_STATUS_DRIVER_OK);
}

void virtio_fail(struct virtio_device *device)
{
	add_status(device, VIRTIO_STATUS_FAILED);
}

bool virtio_needs_reset(const struct virtio_device *device)
{
	return virtio_read(device, VIRTIO_STATUS) & VIRTIO_STATUS_NEEDS_RESET;
}

uint32_t virtio_interrupt(struct virtio_device *device)
{
	uint32_t status = virtio_read(device, VIRTIO_INTERRUPT_STATUS) &
			  (VIRTIO_INTERRUPT_QUEUE | VIRTIO_INTERRUPT_CONFIG);

	if (status)
		virtio_write(device, VIRTIO_INTERRUPT_ACK, status);
	virtio_barrier(); /* acknowledged before the queues are looked at */
	return status;
}

void virtio_config_read(const struct virtio_device *device, size_t offset, void *to, size_t length)
{
	const volatile uint8_t *config = device->registers + VIRTIO_CONFIG + offset;
	uint32_t before;

	/* A device that never settles gets what it deserves: some mixture. */
	for (int i = 0; i < CONFIG_TRIES; i++) {
		before = virtio_read(device, VIRTIO_CONFIG_GENERATION);
		for (size_t at = 0; at < length; at++)
			((uint8_t *)to)[at] = config[at];
		if (virtio_read(device, VIRTIO_CONFIG_GENERATION) == before)
			return;
	}
}
