/* System calls that change what an address space maps. */
#include "arch/page_table.h"
#include "kernel/address_space.h"
#include "kernel/hart.h"
#include "kernel/memobj.h"
#include "kernel/object_alloc.h"
#include "kernel/private.h"
#include "kernel/process.h"
#include "kernel/thread.h"
#include "kernel/user_copy.h"
#include "tern/memory.h"

#define PROTECTION (TERN_MAP_READ | TERN_MAP_WRITE | TERN_MAP_EXECUTE)

static bool is_page_range(u64 address, u64 length)
{
	return length && !((address | length) & (PAGE_SIZE - 1)) &&
	       user_range_is_valid(address, length);
}

/* Write and execute together are refused; so is writing without reading, which Sv48 lacks. */
static bool is_protection_valid(u64 flags)
{
	u64 protection = flags & PROTECTION;

	return (protection & (TERN_MAP_WRITE | TERN_MAP_EXECUTE)) !=
		       (TERN_MAP_WRITE | TERN_MAP_EXECUTE) &&
	       (!(protection & TERN_MAP_WRITE) || protection & TERN_MAP_READ);
}

static u32 allowed_protection(s64 handle)
{
	u32 rights = handle_rights(handle);

	return (rights & TERN_RIGHT_READ ? TERN_MAP_READ : 0) |
	       (rights & TERN_RIGHT_WRITE ? TERN_MAP_WRITE : 0) |
	       (rights & TERN_RIGHT_EXECUTE ? TERN_MAP_EXECUTE : 0);
}

/* The memobj to map, with a reference; guards have none. */
static int resolve_memobj(u64 handle, u64 flags, struct memobj **memobj, u32 *allowed)
{
	struct object *object;
	int error;

	*memobj = NULL;
	*allowed = 0;
	if (flags & TERN_MAP_GUARD)
		return handle || flags & (PROTECTION | TERN_MAP_PRIVATE) ? -EINVAL : 0;
	if (flags & TERN_MAP_PRIVATE && !handle) {
		*allowed = PROTECTION;
		return 0;
	}
	error = handle_resolve(arch_hart()->current->process, (s64)handle, TERN_TYPE_MEMOBJ, 0,
			       &object);
	if (error)
		return error;
	*allowed = allowed_protection((s64)handle);
	if (flags & TERN_MAP_PRIVATE) {
		if (container_of(object, struct memobj, object)->kind == MEMOBJ_DEVICE)
			return -EINVAL;
		/* What is written is the copy. */
		*allowed |= *allowed & TERN_MAP_READ ? TERN_MAP_WRITE : 0;
	}
	if (flags & PROTECTION & ~*allowed)
		return -EPERM;
	if (!object_get_live(object))
		return -EBADF;
	*memobj = container_of(object, struct memobj, object);
	return 0;
}

/* Where to put it; 0 = no room. The space's lock is held. */
static u64 choose_address(struct address_space *space, u64 address, u64 length, u64 flags)
{
	if (flags & TERN_MAP_FIXED)
		return address;
	return region_find_free(&space->regions, address, length, TERN_USER_BASE, TERN_USER_TOP);
}

static s64 insert_region(struct process *process, struct region *region, u64 address, u64 flags)
{
	struct address_space *space = &process->space;
	u64 length = region->end;
	s64 result;

	spin_lock(&space->lock);
	address = choose_address(space, address, length, flags);
	if (space->is_dead)
		result = -ESRCH;
	else if (!address)
		result = -ENOMEM;
	else if (!region_range_is_free(&space->regions, address, address + length))
		result = -EEXIST;
	else
		result = (s64)address;
	if (result > 0) {
		region->start = address;
		region->end = address + length;
		region_insert(&space->regions, region);
	}
	spin_unlock(&space->lock);
	return result;
}

s64 sys_region_map(u64 process_handle, u64 memobj_handle, u64 offset, u64 address, u64 length,
		   u64 flags)
{
	struct process *process;
	struct memobj *memobj;
	struct region *region;
	u32 allowed;
	s64 result = process_resolve((s64)process_handle, TERN_RIGHT_OWNER, &process);

	if (result)
		return result;
	if (flags & ~(u64)(PROTECTION | TERN_MAP_FIXED | TERN_MAP_GUARD | TERN_MAP_PRIVATE) ||
	    !is_protection_valid(flags) || offset & (PAGE_SIZE - 1) || offset + length < offset ||
	    address & (PAGE_SIZE - 1) ||
	    !is_page_range(address || flags & TERN_MAP_FIXED ? address : TERN_USER_BASE, length))
		return -EINVAL;
	result = resolve_memobj(memobj_handle, flags, &memobj, &allowed);
	if (result)
		return result;
	region = region_create(process);
	if (!region) {
		if (memobj)
			object_put(&memobj->object);
		return -ENOMEM;
	}
	region->memobj = memobj;
	region->offset = offset;
	region->end = length;
	region->flags = (u16)(flags & (PROTECTION | TERN_MAP_GUARD | TERN_MAP_PRIVATE));
	region->allowed = (u16)allowed;
	result = insert_region(process, region, address, flags);
	if (result < 0)
		region_discard(process, region);
	return result;
}

/* ------------------------------------------------------------------------ changing a range */

/* Two spare regions are enough to cut one range out of whatever there is. */
struct spares {
	struct region *regions[2];
	u32 count;
};

static int spares_create(struct process *process, struct spares *spares)
{
	for (spares->count = 0; spares->count < 2; spares->count++) {
		spares->regions[spares->count] = region_create(process);
		if (!spares->regions[spares->count])
			return -ENOMEM;
	}
	return 0;
}

static void spares_discard(struct process *process, struct spares *spares)
{
	while (spares->count)
		region_discard(process, spares->regions[--spares->count]);
}

/* Make `address` a boundary between regions. */
static void cut_at(struct address_space *space, u64 address, struct spares *spares)
{
	struct region *region = region_find(&space->regions, address);

	if (!region || region->start == address)
		return;
	if (region->memobj)
		object_get(&region->memobj->object);
	region_split(&space->regions, region, address, spares->regions[--spares->count]);
}

/* Is `address` strictly inside a region? */
static bool needs_cut(const struct address_space *space, u64 address)
{
	const struct region *region = region_find(&space->regions, address);

	return region && region->start != address;
}

/*
 * Empty [*address, end), whose ends are no longer inside regions; the space's lock is held. Regions
 * that are gone are chained to *removed. Stops early, with *address where it got to, when an
 * interrupt is pending.
 */
static void unmap_locked(struct process *process, u64 *address, u64 end, struct region **removed)
{
	struct region_tree *regions = &process->space.regions;
	struct region *region;

	while ((region = region_find_from(regions, *address)) && region->start < end) {
		u64 reached = private_drop(process, region->start, region->end);

		*address = reached;
		if (reached < region->end) {
			region->offset += reached - region->start;
			region->start = reached;
		} else {
			region_remove(regions, region);
			region->left = *removed;
			*removed = region;
		}
		if (arch_interrupt_pending())
			return;
	}
	*address = end;
}

/* A long range takes several turns: the call returns to itself with what is left of it. */
s64 sys_region_unmap(u64 process_handle, u64 address, u64 length)
{
	struct frame *frame = &arch_hart()->current->frame;
	struct process *process;
	struct spares spares = { .count = 0 };
	struct region *region, *removed = NULL;
	u64 end = address + length;
	s64 result = process_resolve((s64)process_handle, TERN_RIGHT_OWNER, &process);

	if (result)
		return result;
	if (!is_page_range(address, length))
		return -EINVAL;
	spin_lock(&process->space.lock);
	/* Later turns find the ends cut: they need nothing, and cannot fail. */
	if (needs_cut(&process->space, address) || needs_cut(&process->space, end))
		result = spares_create(process, &spares);
	if (!result) {
		/* point of no return */
		cut_at(&process->space, address, &spares);
		cut_at(&process->space, end, &spares);
		unmap_locked(process, &address, end, &removed);
	}
	spin_unlock(&process->space.lock);
	while ((region = removed)) {
		removed = region->left;
		region_discard(process, region);
	}
	spares_discard(process, &spares);
	if (result || address == end)
		return result;
	frame->words[0] = address;
	frame->words[1] = end - address;
	frame->pc -= 4;
	return (s64)process_handle;
}

/* 0 if all of the range is mapped and may be protected so. The space's lock is held. */
static int check_protect(const struct address_space *space, u64 start, u64 end, u64 protection)
{
	for (u64 at = start; at < end;) {
		const struct region *region = region_find(&space->regions, at);

		if (!region || region->flags & TERN_MAP_GUARD)
			return -EFAULT;
		if (protection & ~(u64)region->allowed)
			return -EPERM;
		at = region->end;
	}
	return 0;
}

static int protect_locked(struct process *process, u64 start, u64 end, u64 protection,
			  struct spares *spares)
{
	struct address_space *space = &process->space;
	int error = check_protect(space, start, end, protection);

	if (error)
		return error;
	/* point of no return */
	cut_at(space, start, spares);
	cut_at(space, end, spares);
	for (u64 at = start; at < end;) {
		struct region *region = region_find(&space->regions, at);

		region->flags = (u16)(protection | (region->flags & TERN_MAP_PRIVATE));
		at = region->end;
	}
	/* A memobj's pages are forgotten, not changed: the next access maps them with the new one. */
	private_protect(process, start, end, (u32)protection);
	return 0;
}

s64 sys_region_protect(u64 process_handle, u64 address, u64 length, u64 flags)
{
	struct process *process;
	struct spares spares;
	s64 result = process_resolve((s64)process_handle, TERN_RIGHT_OWNER, &process);

	if (result)
		return result;
	if (!is_page_range(address, length) || flags & ~(u64)PROTECTION ||
	    !is_protection_valid(flags))
		return -EINVAL;
	result = spares_create(process, &spares);
	if (!result) {
		spin_lock(&process->space.lock);
		result = protect_locked(process, address, address + length, flags, &spares);
		spin_unlock(&process->space.lock);
	}
	spares_discard(process, &spares);
	return result;
}

s64 sys_touch(u64 address, u64 length, u64 write)
{
	struct process *process = arch_hart()->current->process;
	int error = 0;

	if (!user_range_is_valid(address, length) || write > 1 || length > TOUCH_MAX)
		return -EINVAL;
	for (u64 at = address & ~(PAGE_SIZE - 1); at < address + length; at += PAGE_SIZE)
		if (!address_space_resolve(process, UADDR(at), write ? ACCESS_WRITE : ACCESS_READ,
					   &error))
			break;
	return error;
}
