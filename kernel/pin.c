/*
 * What drivers need of memobjs: frames for absent pages into which a device puts their contents, and
 * resident pages that keep their frames. Physical addresses are told to holders of a device only.
 */
#include "kernel/pin.h"

#include "arch/page_table.h"
#include "kernel/device.h"
#include "kernel/hart.h"
#include "kernel/memobj_calls.h"
#include "kernel/memobj_pages.h"
#include "kernel/memory.h"
#include "kernel/page_alloc.h"
#include "kernel/pager.h"
#include "kernel/pressure.h"
#include "kernel/process.h"
#include "kernel/thread.h"
#include "kernel/user_copy.h"
#include "tern/memobj.h"

/* The memobj, for a driver; and the range's sanity. */
static int resolve(u64 handle, u64 device_handle, u64 first, u64 count, struct device **device,
		   struct memobj **memobj)
{
	int error = device_resolve((s64)device_handle, device);

	if (!error)
		error = memobj_resolve(handle, TERN_RIGHT_OWNER, memobj);
	if (!error && (*memobj)->kind > MEMOBJ_PAGED)
		error = -EINVAL;
	if (!error && (!count || count > TERN_SUPPLY_MAX || first >= MEMOBJ_PAGES_MAX))
		error = -EINVAL;
	return error;
}

/* Only what a pager fills can be prepared: in other memobjs' frames page->state means nothing. */
static int resolve_paged(u64 handle, u64 device_handle, u64 first, u64 count,
			 struct device **device, struct memobj **memobj)
{
	int error = resolve(handle, device_handle, first, count, device, memobj);

	return !error && (*memobj)->kind != MEMOBJ_PAGED ? -EINVAL : error;
}

static int tell(uaddr to, const u64 *addresses, u64 count)
{
	return copy_to_user(arch_hart()->current->process, to, addresses, count * sizeof(u64));
}

static int ask(u64 *addresses, uaddr from, u64 count)
{
	return copy_from_user(arch_hart()->current->process, addresses, from, count * sizeof(u64));
}

/* ----------------------------------------------------------------------------- absent pages */

/*
 * The address of the frame that the page has now, 0: it is not asked for. Nobody sees it before its
 * driver says that the device has filled it; only the last page of a run may be filled in part.
 */
static int prepare_one(struct device *device, struct memobj *memobj, u64 id, u64 index,
		       bool is_last, u64 *address)
{
	int error = 0;
	paddr page = pressure_page_alloc(&error);
	u64 word;

	*address = 0;
	if (!page)
		return -ENOMEM;
	/* It may have been in a block. */
	atomic_store_explicit(&page_of(page)->references, 0, memory_order_relaxed);
	if (is_last)
		page_clear(phys_to_virt(page));
	memobj_lock(memobj);
	word = radix_get(&memobj->pages, index);
	if (is_asked_by(word, id)) {
		error = device_pin(device, page_of(page)) ? 0 : -EBUSY;
		if (!error)
			error = memobj_enter_page(memobj, index, page, PAGE_PREPARED, 0);
		if (!error) {
			page_of(page)->request = bytes_in_flight(word);
			*address = page;
		}
	}
	memobj_unlock(memobj);
	/* Its last pin frees it, too. */
	if (!*address && !device_unpin(device, page_of(page)))
		page_free(page, 0);
	return error;
}

/*
 * A device is done with a prepared page. `error` 0: it has its contents now; or it fails for those who
 * wait; -EAGAIN: they are to ask for it again. False: the page has been cut off meanwhile.
 */
static bool end_prepared(struct memobj *memobj, u64 index, struct page *page, int error)
{
	struct page_list free = { 0 };
	bool is_there;

	memobj_lock(memobj);
	is_there = radix_get(&memobj->pages, index) == page_address(page) &&
		   page->state == PAGE_PREPARED;
	if (is_there && error) {
		memobj_leave(memobj, index, &free);
	} else if (is_there) {
		memobj_clear_beyond(memobj, index, page_address(page), page->request);
		page->state = PAGE_CLEAN;
		pressure_page_added(page);
	}
	if (is_there)
		memobj_wake(memobj, index, index, error == -EAGAIN ? 0 : error);
	memobj_unlock(memobj);
	reclaim_page_list(&free);
	return is_there;
}

void memobj_unprepare(struct memobj *memobj, struct page *page)
{
	(void)end_prepared(memobj, page->index, page, -EAGAIN);
}

static bool commit_one(struct device *device, struct memobj *memobj, u64 index, u64 address,
		       u64 error)
{
	struct page *page = page_frame(address);
	bool is_there;

	if (!page || !device_has(device, page))
		return false;
	is_there = end_prepared(memobj, index, page, -(int)error);
	/* Also when it has been cut off meanwhile: then it is nobody's. */
	device_unpin(device, page);
	return is_there;
}

s64 sys_pager_prepare(u64 handle, u64 device_handle, u64 id, u64 first, u64 count, u64 to)
{
	u64 addresses[TERN_SUPPLY_MAX] = { 0 };
	struct memobj *memobj;
	struct device *device;
	s64 prepared = 0;
	int error = resolve_paged(handle, device_handle, first, count, &device, &memobj);

	if (!error)
		error = tell(UADDR(to), addresses, count);
	if (error)
		return error;
	for (u64 i = 0; i < count && !error; i++) {
		error = prepare_one(device, memobj, id, first + i, i + 1 == count, &addresses[i]);
		prepared += addresses[i] != 0;
	}
	if (prepared && (error = tell(UADDR(to), addresses, count)))
		for (u64 i = 0; i < count; i++)
			commit_one(device, memobj, first + i, addresses[i], EIO);
	if (error && !prepared)
		return error;
	return prepared ? (error ? error : prepared) : -ESRCH;
}

s64 sys_pager_commit(u64 handle, u64 device_handle, u64 first, u64 count, u64 from, u64 error)
{
	u64 addresses[TERN_SUPPLY_MAX];
	struct memobj *memobj;
	struct device *device;
	s64 committed = 0;
	int result = resolve_paged(handle, device_handle, first, count, &device, &memobj);

	if (!result && error && error != EIO && error != ENOSPC && error != ENOMEM)
		result = -EINVAL;
	if (!result)
		result = ask(addresses, UADDR(from), count);
	if (result)
		return result;
	for (u64 i = 0; i < count; i++)
		committed += commit_one(device, memobj, first + i, addresses[i], error);
	pressure_wake();
	return committed;
}

/* --------------------------------------------------------------------------- resident pages */

/* A paged memobj's page must be there; an anonymous one's is made, and nobody else's from now on. */
static int pinnable_page(struct memobj *memobj, u64 index, u64 *address)
{
	u64 word = radix_get(&memobj->pages, index);

	if (memobj->kind == MEMOBJ_ANONYMOUS)
		return memobj_page_locked(memobj, index, true, NULL, address);
	if (!word || word & MEMOBJ_IN_FLIGHT || page_of(word)->state == PAGE_PREPARED)
		return -EAGAIN;
	*address = word;
	return 0;
}

static int pin_one(struct device *device, struct memobj *memobj, u64 index, u64 *address)
{
	int error;

	memobj_lock(memobj);
	error = pinnable_page(memobj, index, address);
	if (!error && !device_pin(device, page_of(*address)))
		error = -EBUSY;
	memobj_unlock(memobj);
	if (error)
		*address = 0;
	return error == -ERANGE ? -EINVAL : error;
}

s64 sys_memobj_pin(u64 handle, u64 device_handle, u64 first, u64 count, u64 to)
{
	u64 addresses[TERN_SUPPLY_MAX] = { 0 };
	struct memobj *memobj;
	struct device *device;
	int error = resolve(handle, device_handle, first, count, &device, &memobj);
	u64 pinned;

	if (error)
		return error;
	for (pinned = 0; pinned < count && !error; pinned++)
		error = pin_one(device, memobj, first + pinned, &addresses[pinned]);
	if (!error)
		error = tell(UADDR(to), addresses, count);
	for (u64 i = 0; error && i < pinned; i++)
		if (addresses[i])
			device_unpin(device, page_of(addresses[i]));
	return error;
}

s64 sys_memobj_unpin(u64 device_handle, u64 from, u64 count)
{
	u64 addresses[TERN_SUPPLY_MAX];
	struct device *device;
	int error = device_resolve((s64)device_handle, &device);

	if (!error && count > TERN_SUPPLY_MAX)
		error = -EINVAL;
	if (!error)
		error = ask(addresses, UADDR(from), count);
	for (u64 i = 0; i < count && !error; i++) {
		struct page *page = page_frame(addresses[i]);

		if (!page || !device_unpin(device, page))
			error = -EINVAL;
	}
	/* They may be dropped now. */
	pressure_wake();
	return error;
}
