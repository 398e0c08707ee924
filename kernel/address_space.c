/*
 * Address spaces: regions say what is mapped where, page tables cache it and are filled at
 * faults. Everything changes under space->lock; reading a page table does not need it, because
 * tables are given back only after a grace period.
 */
#include "kernel/address_space.h"

#include "arch/page_table.h"
#include "kernel/account.h"
#include "kernel/debug.h"
#include "kernel/memobj.h"
#include "kernel/object_alloc.h"
#include "kernel/private.h"
#include "kernel/process.h"
#include "tern/event.h"
#include "tern/memory.h"

#define PROTECTION (TERN_MAP_READ | TERN_MAP_WRITE | TERN_MAP_EXECUTE)

static struct account *payer(struct process *process)
{
	return process->object.account;
}

int address_space_init(struct process *process)
{
	struct address_space *space = &process->space;

	spin_init(&space->lock, LOCK_RANK_SPACE);
	region_tree_init(&space->regions);
	if (!account_charge(payer(process), PAGE_SIZE))
		return -ENOMEM;
	space->asid = asid_allocate();
	space->root = space->asid ? page_table_create() : 0;
	if (space->root)
		return 0;
	if (space->asid)
		asid_release(space->asid);
	account_uncharge(payer(process), PAGE_SIZE);
	return -ENOMEM;
}

void address_space_free(struct process *process)
{
	struct address_space *space = &process->space;

	ASSERT(!space->regions.root);
	page_table_free(space->root);
	asid_release(space->asid);
	account_uncharge(payer(process), (space->table_pages + 1) * PAGE_SIZE);
}

/* --------------------------------------------------------------------------------- regions */

struct region *region_create(struct process *process)
{
	struct region *region;

	if (!account_charge(payer(process), sizeof(*region)))
		return NULL;
	region = kernel_alloc(sizeof(*region));
	if (!region)
		account_uncharge(payer(process), sizeof(*region));
	return region;
}

void region_discard(struct process *process, struct region *region)
{
	if (region->memobj)
		object_put(&region->memobj->object);
	kernel_free(region, sizeof(*region));
	account_uncharge(payer(process), sizeof(*region));
}

#define DROP_COST 32 /* of a batch of private pages, in regions */

bool address_space_clear(struct process *process, u64 limit)
{
	struct address_space *space = &process->space;
	struct region *region;

	spin_lock(&space->lock);
	space->is_dead = true;
	spin_unlock(&space->lock);
	while (limit && (region = region_find_from(&space->regions, 0))) {
		bool is_private = region->flags & TERN_MAP_PRIVATE;
		u64 reached = region->end;

		limit -= min_u64(limit, is_private ? DROP_COST : 1);
		if (is_private)
			reached = private_drop(process, region->start, region->end);
		if (reached < region->end) {
			region->start = reached;
			continue;
		}
		region_remove(&space->regions, region);
		region_discard(process, region);
	}
	/* The page tables go as a whole with the space: no hart has it active any more. */
	return !space->regions.root;
}

int address_space_map(struct process *process, struct memobj *memobj, u64 offset, u64 address,
		      u64 length, u32 flags)
{
	struct address_space *space = &process->space;
	struct region *region = region_create(process);
	int error = 0;

	if (!region)
		return -ENOMEM;
	region->start = address;
	region->end = address + length;
	region->offset = offset;
	region->flags = (u16)(flags & (PROTECTION | TERN_MAP_GUARD | TERN_MAP_PRIVATE));
	region->allowed = region->flags;
	spin_lock(&space->lock);
	if (space->is_dead)
		error = -ESRCH;
	else if (!region_range_is_free(&space->regions, address, address + length))
		error = -EEXIST;
	if (!error) {
		region->memobj = memobj;
		if (memobj)
			object_get(&memobj->object);
		region_insert(&space->regions, region);
	}
	spin_unlock(&space->lock);
	if (error)
		region_discard(process, region);
	return error;
}

/* ---------------------------------------------------------------------------------- faults */

static void empty_entry(void *context, u64 address, struct page_entry *entry)
{
	(void)context;
	(void)address;
	entry->page = 0;
}

static const u32 access_protection[] = {
	[ACCESS_READ] = TERN_MAP_READ,
	[ACCESS_WRITE] = TERN_MAP_WRITE,
	[ACCESS_EXECUTE] = TERN_MAP_EXECUTE,
};

/* Page tables are charged as they come into being. */
int address_space_map_page(struct process *process, u64 address, paddr page, u32 protection)
{
	struct address_space *space = &process->space;
	u64 before = space->table_pages;
	int error = page_table_map(space->root, address, page, protection, &space->table_pages);
	u64 added = (space->table_pages - before) * PAGE_SIZE;

	if (added && !account_charge(payer(process), added)) {
		/* Empty tables stay, and are paid with the next page. */
		space->table_pages = before;
		if (!error)
			page_table_visit(space->root, address, address + PAGE_SIZE, 1, empty_entry,
					 NULL);
		return -ENOMEM;
	}
	return error;
}

static int fault_locked(struct process *process, u64 address, u32 needed)
{
	struct address_space *space = &process->space;
	struct region *region = region_find(&space->regions, address);
	u64 page_start = address & ~(PAGE_SIZE - 1);
	u32 protection;
	paddr page;
	int error;

	if (space->is_dead || !region || !(region->flags & needed))
		return -EFAULT;
	if (region->flags & TERN_MAP_PRIVATE)
		return private_fault(process, region, page_start, needed);
	error = memobj_get_page(region->memobj, region->offset + (page_start - region->start),
				&page);
	if (error)
		return error == -ERANGE ? -EFAULT : error;
	protection = region->flags & PROTECTION;
	if (region->memobj->kind == MEMOBJ_DEVICE)
		protection |= MAP_DEVICE;
	return address_space_map_page(process, page_start, page, protection);
}

static bool is_mapped_for(struct process *process, u64 address, u32 needed, paddr *page)
{
	u32 protection;

	return page_table_lookup(process->space.root, address, page, &protection) &&
	       (protection & needed) && !(protection & MAP_DEVICE);
}

int address_space_fault(struct process *process, uaddr address, enum access access)
{
	u32 needed = access_protection[access];
	paddr page;
	int error = 0;

	if (address.value < TERN_USER_BASE || address.value >= TERN_USER_TOP)
		return -EFAULT;
	spin_lock(&process->space.lock);
	/* Another hart may have been first; then only this hart's TLB is out of date. */
	if (!is_mapped_for(process, address.value, needed, &page))
		error = fault_locked(process, address.value, needed);
	tlb_flush_page(address.value);
	spin_unlock(&process->space.lock);
	return error;
}

bool address_space_is_private(struct process *process, u64 address)
{
	const struct region *region;
	bool is_private;

	spin_lock(&process->space.lock);
	region = region_find(&process->space.regions, address);
	is_private = region && region->flags & TERN_MAP_PRIVATE;
	spin_unlock(&process->space.lock);
	return is_private;
}

void *address_space_resolve(struct process *process, uaddr address, enum access access, int *error)
{
	u32 needed = access_protection[access];
	paddr page;

	*error = 0;
	if (address.value >= TERN_USER_BASE && address.value < TERN_USER_TOP) {
		if (!is_mapped_for(process, address.value, needed, &page)) {
			*error = address_space_fault(process, address, access);
			/* Device memory has no direct mapping: the kernel does not touch it. */
			if (!*error && !is_mapped_for(process, address.value, needed, &page))
				*error = -EFAULT;
		}
	} else {
		*error = -EFAULT;
	}
	return *error ? NULL : (char *)phys_to_virt(page) + (address.value & (PAGE_SIZE - 1));
}
