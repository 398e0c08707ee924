/*
 * Devices: the right to know physical addresses, and the pins that a piece of hardware holds.
 *
 * Pages whose addresses a driver was told stay where they are until it says that the hardware is done with
 * them. That is kept with the device, not with the driver's process: after the death of a driver its
 * successor resets the hardware, then calls tern_device_release. A device whose last handle is closed leaves
 * what it has pinned pinned for good, so whoever supervises drivers keeps a handle.
 *
 * There is no IOMMU: a driver that has a DMA device can make it write anywhere, and is trusted.
 */
#ifndef TERN_DEVICE_H
#define TERN_DEVICE_H

#include "tern/handle.h"

#define TERN_DEVICE_PINS_MAX 32768 /* 128 MiB: the table is cleared with interrupts off */

#ifndef TERN_KERNEL
/*
 * tern_device_create: a device that can hold `limit` pins (1..TERN_DEVICE_PINS_MAX) at a time. Needs a
 * resource handle. Never blocks. Returns a handle with all rights (tern_pager_prepare and the like need
 * OWNER); -EBADF, -EPROTOTYPE, -EPERM, -EINVAL, -ENOMEM, -EMFILE.
 */
static inline tern_result tern_device_create(tern_handle account, tern_handle resource,
					     uint64_t limit)
{
	return tern_syscall3(TERN_OP_device_create, (uint64_t)account, (uint64_t)resource, limit);
}

/*
 * tern_device_release: the hardware has been reset and works on nothing any more: all pins are taken
 * back. Pages that were prepared are absent again, and asked for again by whoever waits for them. Needs
 * OWNER. Lets interrupts in. Returns 0; -EBADF, -EPROTOTYPE, -EPERM.
 */
static inline tern_result tern_device_release(tern_handle device)
{
	return tern_syscall1(TERN_OP_device_release, (uint64_t)device);
}
#endif

#endif
