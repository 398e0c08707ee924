/*
 * Devices: which page frames a piece of hardware may be working on.
 *
 * A driver gets physical addresses of pages that it pins through its device. The pins belong to the
 * device and not to the driver's process: when the driver dies the frames stay where they are, until its
 * successor has reset the hardware and releases them all. Until then a frame that leaves its memobj
 * belongs to nobody.
 */
#ifndef KERNEL_DEVICE_H
#define KERNEL_DEVICE_H

#include "kernel/object.h"
#include "kernel/page.h"

struct device {
	struct object object;
	u32 *slots;        /* a hash table of frame numbers + 1, 0: free */
	u32 mask, order;   /* of the table */
	u32 count, limit;  /* pins */
	u32 next_released; /* slots before this one are empty: how far a release has come */
};

/* 0 or as handle_resolve; needs OWNER. A borrowed pointer. */
int device_resolve(s64 handle, struct device **device) MUST_USE;

/* One pin more; false: the device has its limit of pins, or the page has. */
bool device_pin(struct device *device, struct page *page) MUST_USE;

/* One pin of this device less; false: it had none. */
bool device_unpin(struct device *device, struct page *page);

bool device_has(struct device *device, const struct page *page) MUST_USE;

/* The page leaves its paged memobj, whose lock is held. True: it is free; false: with its last pin. */
bool page_disown(struct page *page) MUST_USE;

void device_destroy(struct object *object);
s64 sys_device_create(u64 account, u64 resource, u64 limit);
s64 sys_device_release(u64 device);

#endif
