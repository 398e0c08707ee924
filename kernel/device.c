/*
 * Devices and their pins, see device.h.
 *
 * The table is open-addressed with linear probing; a removal moves later entries back, so there are no
 * tombstones and probes end at the first free slot. It has twice as many slots as the device may have
 * pins. A page that is pinned twice is in it twice.
 */
#include "kernel/device.h"

#include "arch/page_table.h"
#include "kernel/account.h"
#include "kernel/debug.h"
#include "kernel/hart.h"
#include "kernel/memobj.h"
#include "kernel/page_alloc.h"
#include "kernel/pin.h"
#include "kernel/pressure.h"
#include "kernel/process.h"
#include "kernel/resource.h"
#include "kernel/spinlock.h"
#include "kernel/thread.h"
#include "kernel/user_copy.h"
#include "tern/device.h"

/* All devices' tables, the pins of pages, and paged pages losing their owner. */
static struct spinlock pin_lock = SPINLOCK_INIT(LOCK_RANK_PAGE_AGE);

static struct device *device_of(struct object *object)
{
	return container_of(object, struct device, object);
}

/* ------------------------------------------------------------------------------ the hash table */

static u32 home_of(const struct device *device, u32 entry)
{
	return (entry * 2654435761u >> 7) & device->mask;
}

/* The slot that holds the entry, or the free one where it would be. */
static u32 *slot_of(const struct device *device, u32 entry)
{
	u32 at = home_of(device, entry);

	while (device->slots[at] && device->slots[at] != entry)
		at = (at + 1) & device->mask;
	return &device->slots[at];
}

static void slot_clear(struct device *device, u32 hole)
{
	u32 at = hole;

	device->slots[hole] = 0;
	for (;;) {
		u32 entry, distance;

		at = (at + 1) & device->mask;
		entry = device->slots[at];
		if (!entry)
			return;
		/* It may move back to the hole unless that is before the place where its probes begin. */
		distance = (at - home_of(device, entry)) & device->mask;
		if (distance < ((at - hole) & device->mask))
			continue;
		device->slots[hole] = entry;
		device->slots[at] = 0;
		hole = at;
	}
}

/* -------------------------------------------------------------------------------------- pins */

static u32 entry_of(const struct page *page)
{
	return page_number(page) + 1;
}

bool device_pin(struct device *device, struct page *page)
{
	bool is_pinned;

	spin_lock(&pin_lock);
	is_pinned = device->count < device->limit && page->pins < UINT16_MAX;
	if (is_pinned) {
		u32 at = home_of(device, entry_of(page));

		while (device->slots[at])
			at = (at + 1) & device->mask;
		device->slots[at] = entry_of(page);
		device->next_released = 0;
		device->count++;
		page->pins++;
	}
	spin_unlock(&pin_lock);
	return is_pinned;
}

bool device_unpin(struct device *device, struct page *page)
{
	struct page_list free = { 0 };
	bool was_pinned;
	u32 *slot;

	spin_lock(&pin_lock);
	slot = slot_of(device, entry_of(page));
	was_pinned = *slot;
	if (was_pinned) {
		slot_clear(device, (u32)(slot - device->slots));
		device->count--;
		page->pins--;
		if (!page->pins && !page->owner && !atomic_load(&page->references))
			page_list_add(&free, page);
	}
	spin_unlock(&pin_lock);
	reclaim_page_list(&free);
	return was_pinned;
}

bool device_has(struct device *device, const struct page *page)
{
	bool has;

	spin_lock(&pin_lock);
	has = *slot_of(device, entry_of(page)) != 0;
	spin_unlock(&pin_lock);
	return has;
}

bool page_disown(struct page *page)
{
	bool is_free;

	spin_lock(&pin_lock);
	page->owner = NULL;
	is_free = !page->pins;
	spin_unlock(&pin_lock);
	return is_free;
}

void page_put_pinned(struct page *page, struct page_list *free)
{
	spin_lock(&pin_lock);
	if (atomic_fetch_sub(&page->references, 1) == 1 && !page->pins)
		page_list_add(free, page);
	spin_unlock(&pin_lock);
}

/* Any page that the device has pinned, and the memobj that it is in; NULL: none. */
static struct page *device_any(struct device *device, struct memobj **owner)
{
	struct page *page = NULL;

	spin_lock(&pin_lock);
	if (device->count) {
		while (!device->slots[device->next_released])
			device->next_released = (device->next_released + 1) & device->mask;
		page = &page_frames[device->slots[device->next_released] - 1];
		*owner = page->owner;
	}
	spin_unlock(&pin_lock);
	return page;
}

/* ----------------------------------------------------------------------------- system calls */

int device_resolve(s64 handle, struct device **device)
{
	struct object *object;
	int error = handle_resolve(arch_hart()->current->process, handle, TERN_TYPE_DEVICE,
				   TERN_RIGHT_OWNER, &object);

	if (!error)
		*device = device_of(object);
	return error;
}

static u64 table_bytes(const struct device *device)
{
	return PAGE_SIZE << device->order;
}

static struct device *device_create(struct account *account, u32 limit)
{
	struct object *object = object_create(account, TERN_TYPE_DEVICE);
	struct device *device;
	paddr table;

	if (!object)
		return NULL;
	device = device_of(object);
	while (table_bytes(device) / sizeof(u32) < limit * 2)
		device->order++;
	device->limit = limit;
	device->mask = (u32)(table_bytes(device) / sizeof(u32)) - 1;
	if (account_charge(account, table_bytes(device))) {
		table = page_alloc_zeroed(device->order);
		if (table) {
			device->slots = phys_to_virt(table);
			return device;
		}
		account_uncharge(account, table_bytes(device));
	}
	object_discard(object);
	return NULL;
}

/* Whatever it has pinned stays pinned for good: nobody can say any more that the hardware is done. */
void device_destroy(struct object *object)
{
	struct device *device = device_of(object);

	account_uncharge(object->account, table_bytes(device));
	reclaim_pages(virt_to_phys(device->slots), device->order);
	object_free(object);
}

s64 sys_device_create(u64 account_handle, u64 resource, u64 limit)
{
	struct account *account;
	struct device *device;
	s64 result = account_resolve((s64)account_handle, &account);

	if (!result)
		result = resource_check((s64)resource);
	if (result)
		return result;
	if (!limit || limit > TERN_DEVICE_PINS_MAX)
		return -EINVAL;
	device = device_create(account, (u32)limit);
	return device ? handle_insert_new(&device->object, OBJECT_RIGHTS) : -ENOMEM;
}

s64 sys_device_release(u64 handle)
{
	struct device *device;
	struct memobj *owner;
	struct page *page;
	int error = device_resolve((s64)handle, &device);

	if (error)
		return error;
	while ((page = device_any(device, &owner))) {
		if (owner)
			memobj_unprepare(owner, page);
		device_unpin(device, page);
		if (syscall_is_late())
			return syscall_again();
	}
	pressure_wake();
	return 0;
}
