/*
 * System calls that change what an address space maps.
 *
 * Those on a range of any length work in batches and look for interrupts in between: to stop, they
 * leave what remains to be done in their argument registers and are executed again.
 */
#include "kernel/address_space.h"
#include "kernel/hart.h"
#include "kernel/large_page.h"
#include "kernel/memobj.h"
#include "kernel/object_alloc.h"
#include "kernel/process.h"
#include "kernel/thread.h"
#include "kernel/user_copy.h"
#include "tern/ipc.h"
#include "tern/memory.h"

#define PROTECTION (TERN_MAP_READ | TERN_MAP_WRITE | TERN_MAP_EXECUTE)
#define CHANGE_BATCH 128 /* entries */
#define TOUCH_BATCH 8
#define CHECK_AHEAD 256

bool region_is_page_range(u64 address, u64 length)
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

/* The memobj to map, with a reference; guards and private zero-filled memory have none. */
static int resolve_memobj(u64 handle, u64 flags, struct memobj **memobj, u32 *allowed)
{
	struct object *object;
	int error;

	*memobj = NULL;
	*allowed = 0;
	if (flags & TERN_MAP_GUARD)
		return handle || flags & (PROTECTION | TERN_MAP_PRIVATE) ? -EINVAL : 0;
	if (!handle && flags & TERN_MAP_PRIVATE) {
		*allowed = PROTECTION;
		return 0;
	}
	error = handle_resolve(arch_hart()->current->process, (s64)handle, TERN_TYPE_MEMOBJ, 0,
			       &object);
	if (error)
		return error;
	*allowed = allowed_protection((s64)handle);
	/* Who may read may write a copy. */
	if (flags & TERN_MAP_PRIVATE && *allowed & TERN_MAP_READ)
		*allowed |= TERN_MAP_WRITE;
	if (flags & PROTECTION & ~*allowed)
		return -EPERM;
	if (!object_get_live(object))
		return -EBADF;
	*memobj = container_of(object, struct memobj, object);
	return 0;
}

/* Where to put it, so that large pages are possible; 0 = no room. The space's lock is held. */
static u64 choose_address(struct address_space *space, u64 address, const struct region *region,
			  u64 flags)
{
	u64 length = region->end, found;
	u64 align = address || length < LARGE_PAGE_SIZE ? PAGE_SIZE : LARGE_PAGE_SIZE;

	if (flags & TERN_MAP_FIXED)
		return address;
	found = region_find_free(&space->regions, address, length + align - PAGE_SIZE,
				 TERN_USER_BASE, TERN_USER_TOP);
	return found ? found + ((region->offset - found) & (align - 1)) : 0;
}

static s64 insert_region(struct process *process, struct region *region, u64 address, u64 flags)
{
	struct address_space *space = &process->space;
	u64 length = region->end;
	s64 result;

	spin_lock(&space->lock);
	address = choose_address(space, address, region, flags);
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
		region_enter(process, region);
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
	    !region_is_page_range(address || flags & TERN_MAP_FIXED ? address : TERN_USER_BASE,
				  length))
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
	region->flags = (u16)(flags & ~(u64)TERN_MAP_FIXED);
	region->allowed = (u16)allowed;
	result = insert_region(process, region, address, flags);
	if (result < 0)
		region_discard(process, region);
	return result;
}

/* ------------------------------------------------------------------------ changing a range */

/* The call goes on with [at, end) when it is made again. */
static s64 range_again(u64 at, u64 end)
{
	struct frame *frame = &arch_hart()->current->frame;

	frame->words[0] = at;
	frame->words[1] = end - at;
	return syscall_again();
}

static int unmap_step(struct process *process, u64 *at, u64 end)
{
	struct removed removed = { 0 };
	u64 start = *at;
	int error;

	spin_lock(&process->space.lock);
	error = region_cut(process, start);
	if (!error) {
		/* point of no return */
		address_space_remove(process, at, end, CHANGE_BATCH, &removed);
		/* Single addresses do not make a hart forget the way to a table. */
		if (removed.tables)
			tlb_shootdown(process, 0, UINT64_MAX);
		else if (removed.has_entries)
			tlb_shootdown(process, start, *at);
	}
	spin_unlock(&process->space.lock);
	discard_removed(process, &removed);
	return error;
}

s64 sys_region_unmap(u64 process_handle, u64 address, u64 length)
{
	u64 at = address, end = address + length;
	struct process *process;
	s64 result = process_resolve((s64)process_handle, TERN_RIGHT_OWNER, &process);

	if (result)
		return result;
	if (!region_is_page_range(address, length))
		return -EINVAL;
	do
		result = unmap_step(process, &at, end);
	while (!result && at < end && !syscall_is_late());
	return result || at >= end ? result : range_again(at, end);
}

/* 0 if the range is mapped and may be protected so, as far as it is looked at. The space's lock is
 * held. */
static int check_protect(const struct address_space *space, u64 at, u64 end, u64 protection)
{
	for (u32 i = 0; at < end && i < CHECK_AHEAD; i++) {
		const struct region *region = region_find(&space->regions, at);

		if (!region || region->flags & TERN_MAP_GUARD)
			return -EFAULT;
		if (protection & ~(u64)region->allowed)
			return -EPERM;
		at = region->end;
	}
	return 0;
}

/* Private pages keep their entries and get the protection, memobjs' pages are found again. */
static void protect_run(const struct page_run *run, u32 protection)
{
	PAGE_RUN_FOR_EACH(run, place)
	{
		pte entry = pte_read(place);
		u32 allowed = protection;

		if (!pte_is_anonymous(entry)) {
			pte_take(place);
			continue;
		}
		/* Whether a block is shared is found out when it is written to. */
		if (run->span == LARGE_PAGE_SIZE ||
		    atomic_load(&page_of(pte_page(entry))->references) > 1)
			allowed &= ~(u32)TERN_MAP_WRITE;
		pte_write(place, pte_make(pte_page(entry), MAP_ANONYMOUS | allowed));
	}
}

/* The entries of [at, end), some of them, as their region says. Returns where it got to. */
static u64 protect_entries(struct process *process, const struct region *region, u64 at, u64 end)
{
	u64 start = at, limit = CHANGE_BATCH;
	struct page_run run;

	while (at < end && limit) {
		if (!page_table_run(process->space.root, at, end, &run)) {
			at = end;
			break;
		}
		/* Without access it is parked, page by page. */
		if (!(region->flags & PROTECTION) && run.span == LARGE_PAGE_SIZE &&
		    large_page_split(process, run.address))
			continue;
		run.count = min_u64(run.count, limit);
		protect_run(&run, region->flags & PROTECTION);
		limit -= min_u64(limit, page_run_cost(&run));
		at = min_u64(run.address + run.count * run.span, end);
	}
	tlb_shootdown(process, start, at);
	return at;
}

/* Regions that have become alike are one again. */
static void join_at(struct process *process, u64 address)
{
	struct region_tree *regions = &process->space.regions;
	struct region *lower = region_find_before(regions, address);
	struct region *upper = region_find(regions, address);

	if (!lower || !upper || !region_continues(lower, upper))
		return;
	/* The memobj's list knows its pages by one of the two at any time. */
	if (lower->memobj)
		memobj_lock(lower->memobj);
	lower->end = upper->end;
	if (lower->memobj)
		memobj_unlock(lower->memobj);
	region_leave(process, upper);
	region_extend(regions, lower, lower->end);
	region_discard(process, upper);
}

/* The first region of [*at, end), and about a batch of its entries. */
static int protect_step(struct process *process, u64 *at, u64 end, u64 protection)
{
	struct address_space *space = &process->space;
	struct region *region;
	int error = check_protect(space, *at, end, protection);

	if (error)
		return error;
	region = region_find(&space->regions, *at);
	if ((region->flags & PROTECTION) != protection) {
		error = region_cut(process, *at);
		if (!error)
			error = region_cut(process, end);
		if (error)
			return error;
		/* point of no return */
		region = region_find(&space->regions, *at);
		region->flags = (u16)((region->flags & ~PROTECTION) | protection);
	}
	end = min_u64(region->end, end);
	*at = protect_entries(process, region, *at, end);
	if (*at == end) {
		join_at(process, end);
		join_at(process, region->start);
	}
	return 0;
}

s64 sys_region_protect(u64 process_handle, u64 address, u64 length, u64 flags)
{
	u64 at = address, end = address + length;
	struct process *process;
	s64 result = process_resolve((s64)process_handle, TERN_RIGHT_OWNER, &process);

	if (result)
		return result;
	if (!region_is_page_range(address, length) || flags & ~(u64)PROTECTION ||
	    !is_protection_valid(flags))
		return -EINVAL;
	do {
		spin_lock(&process->space.lock);
		result = protect_step(process, &at, end, flags);
		spin_unlock(&process->space.lock);
	} while (!result && at < end && !syscall_is_late());
	return result || at >= end ? result : range_again(at, end);
}

s64 sys_touch(u64 address, u64 length, u64 write)
{
	struct thread *thread = arch_hart()->current;
	enum access access = write ? ACCESS_WRITE : ACCESS_READ;
	u64 at = address & ~(PAGE_SIZE - 1), end = address + length;
	int error = 0;

	if (!user_range_is_valid(address, length) || write > 1 || length > TERN_TOUCH_MAX)
		return -EINVAL;
	for (u32 i = 1; at < end; at += PAGE_SIZE, i++) {
		if (!address_space_resolve(thread->process, UADDR(at), access, &error))
			return user_copy_failed(error);
		if (i % TOUCH_BATCH == 0 && syscall_is_late())
			break;
	}
	if (at >= end)
		return 0;
	thread->frame.result = at;
	thread->frame.words[0] = end - at;
	return syscall_again();
}
