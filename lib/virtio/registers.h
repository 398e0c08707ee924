/* The registers of a virtio device over MMIO, and how to reach them. */
#ifndef LIB_VIRTIO_REGISTERS_H
#define LIB_VIRTIO_REGISTERS_H

#include "virtio.h"

#define VIRTIO_MAGIC 0x000
#define VIRTIO_VERSION 0x004
#define VIRTIO_DEVICE_ID 0x008
#define VIRTIO_DEVICE_FEATURES 0x010
#define VIRTIO_DEVICE_FEATURES_SELECT 0x014
#define VIRTIO_DRIVER_FEATURES 0x020
#define VIRTIO_DRIVER_FEATURES_SELECT 0x024
#define VIRTIO_QUEUE_SELECT 0x030
#define VIRTIO_QUEUE_SIZE_LIMIT 0x034
#define VIRTIO_QUEUE_SIZE 0x038
#define VIRTIO_QUEUE_READY 0x044
#define VIRTIO_QUEUE_NOTIFY 0x050
#define VIRTIO_INTERRUPT_STATUS 0x060
#define VIRTIO_INTERRUPT_ACK 0x064
#define VIRTIO_STATUS 0x070
#define VIRTIO_QUEUE_DESCRIPTORS 0x080 /* addresses: low word, high word */
#define VIRTIO_QUEUE_AVAILABLE 0x090
#define VIRTIO_QUEUE_USED 0x0a0
#define VIRTIO_CONFIG_GENERATION 0x0fc
#define VIRTIO_CONFIG 0x100

#define VIRTIO_MAGIC_VALUE 0x74726976u

#define VIRTIO_STATUS_ACKNOWLEDGE 1u
#define VIRTIO_STATUS_DRIVER 2u
#define VIRTIO_STATUS_DRIVER_OK 4u
#define VIRTIO_STATUS_FEATURES_OK 8u
#define VIRTIO_STATUS_NEEDS_RESET 64u
#define VIRTIO_STATUS_FAILED 128u

/* Memory and device accesses before it come before those after it. */
static inline void virtio_barrier(void)
{
#ifdef __riscv
	__asm__ volatile("fence iorw, iorw" : : : "memory");
#else
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

static inline uint32_t virtio_read(const struct virtio_device *device, size_t offset)
{
	return *(volatile uint32_t *)(device->registers + offset);
}

/* What was written to memory before is there when the device sees this. */
static inline void virtio_write(struct virtio_device *device, size_t offset, uint32_t value)
{
	virtio_barrier();
	*(volatile uint32_t *)(device->registers + offset) = value;
}

static inline void virtio_write_address(struct virtio_device *device, size_t offset,
					uint64_t address)
{
	virtio_write(device, offset, (uint32_t)address);
	virtio_write(device, offset + 4, (uint32_t)(address >> 32));
}

#endif
