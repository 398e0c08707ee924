/*
 * Address spaces: their life, and taking ranges out of them. Everything changes under space->lock;
 * reading a page table does not need it, because tables are given back only after a grace period.
 */
#include "kernel/address_space.h"

#include "kernel/account.h"
#include "kernel/debug.h"
#include "kernel/hart.h"
#include "kernel/large_page.h"
#include "kernel/log.h"
#include "kernel/memobj.h"
#include "kernel/object_alloc.h"
#include "kernel/pressure.h"
#include "kernel/process.h"
#include "tern/memory.h"

#define CLEAR_BATCH 128
#define CLEAR_INSTRUCTIONS 5000
#define REGION_COST 16 /* in entries */

static struct account *payer(struct process *process)
{
	return process->object.account;
}

int address_space_init(struct process *process)
{
	struct address_space *space = &process->space;

	spin_init(&space->lock, LOCK_RANK_SPACE);
	region_tree_init(&space->regions);
	list_init(&space->faults);
	if (!account_charge(payer(process), PAGE_SIZE))
		return -ENOMEM;
	space->root = page_table_create();
	if (space->root) {
		asid_allocate(space);
		return 0;
	}
	account_uncharge(payer(process), PAGE_SIZE);
	return -ENOMEM;
}

void address_space_free(struct process *process)
{
	struct address_space *space = &process->space;

	ASSERT(!space->regions.root && !space->anonymous_pages && !space->spare_tables);
	page_table_free(space->root);
	asid_release(space->asid);
	account_uncharge(payer(process), (space->table_pages + 1) * PAGE_SIZE);
}

int address_space_place(struct process *process, u64 address, bool is_large, pte **place)
{
	struct address_space *space = &process->space;
	u32 missing = page_table_missing(space->root, address) - is_large;
	u64 made = 0;

	if (!account_charge(payer(process), missing * PAGE_SIZE))
		return -ENOMEM;
	*place = page_table_make(space->root, address, is_large, &made);
	space->table_pages += made;
	account_uncharge(payer(process), (missing - made) * PAGE_SIZE);
	return *place ? 0 : pressure_no_memory();
}

/* --------------------------------------------------------------------------------- regions */

struct region *region_create(struct process *process)
{
	struct region *region;

	if (!account_charge(payer(process), sizeof(*region)))
		return NULL;
	region = kernel_alloc(sizeof(*region));
	if (!region) {
		account_uncharge(payer(process), sizeof(*region));
		return NULL;
	}
	region->process = process;
	list_init(&region->memobj_link);
	return region;
}

void region_discard(struct process *process, struct region *region)
{
	if (region->memobj)
		object_put(&region->memobj->object);
	if (region->pager)
		object_put(region->pager);
	kernel_free(region, sizeof(*region));
	account_uncharge(payer(process), sizeof(*region));
}

void region_enter(struct process *process, struct region *region)
{
	region_insert(&process->space.regions, region);
	if (region->memobj)
		memobj_link(region->memobj, region);
}

void region_leave(struct process *process, struct region *region)
{
	if (region->memobj)
		memobj_unlink(region);
	region_remove(&process->space.regions, region);
}

int region_cut(struct process *process, u64 address)
{
	struct region_tree *regions = &process->space.regions;
	struct region *region = region_find(regions, address), *upper;

	if (!region || region->start == address)
		return 0;
	large_page_split(process, address);
	upper = region_create(process);
	if (!upper)
		return -ENOMEM;
	if (region->pager)
		object_get(region->pager);
	if (!region->memobj) {
		region_split(regions, region, address, upper);
		return 0;
	}
	/* On the memobj's list before the region gives up what it takes over. */
	object_get(&region->memobj->object);
	region_prepare_split(region, address, upper);
	memobj_link(region->memobj, upper);
	memobj_lock(region->memobj);
	region_split(regions, region, address, upper);
	memobj_unlock(region->memobj);
	return 0;
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
	region->flags = (u16)flags;
	region->allowed = (u16)(flags & MAP_PROTECTION);
	region->memobj = memobj;
	if (memobj)
		object_get(&memobj->object);
	spin_lock(&space->lock);
	if (space->is_dead)
		error = -ESRCH;
	else if (!region_range_is_free(&space->regions, address, address + length))
		error = -EEXIST;
	else
		region_enter(process, region);
	spin_unlock(&space->lock);
	if (error)
		region_discard(process, region);
	return error;
}

/* -------------------------------------------------------------------------------- removing */

static void clear_run(const struct page_run *run, struct removed *removed)
{
	u64 count = 0;

	PAGE_RUN_FOR_EACH(run, place)
	{
		pte entry = pte_read(place);

		removed->has_entries = true;
		if (!pte_is_anonymous(entry)) {
			pte_take(place);
			continue;
		}
		pte_write(place, 0);
		page_put(page_of(pte_page(entry)), &removed->pages);
		count++;
	}
	removed->anonymous_pages += count;
}

/* Entries of [at, end), about *limit of them; returns where it got to. */
static u64 clear_entries(struct process *process, u64 at, u64 end, u64 *limit,
			 struct removed *removed)
{
	struct page_run run;

	while (at < end && *limit) {
		if (!page_table_run(process->space.root, at, end, &run))
			return end;
		run.count = min_u64(run.count, *limit);
		if (LIKELY(run.span == PAGE_SIZE))
			clear_run(&run, removed);
		else
			*limit -= min_u64(*limit, large_page_remove(process, run.entries, removed));
		*limit -= min_u64(*limit, page_run_cost(&run));
		at = run.address + run.count * run.span;
	}
	return min_u64(at, end);
}

/* What has been cleared of the region, from its start on, leaves the tree. */
static void remove_part(struct process *process, struct region *region, u64 reached,
			struct removed *removed)
{
	if (reached == region->end) {
		region_leave(process, region);
		region->left = removed->regions;
		removed->regions = region;
		return;
	}
	if (region->memobj)
		memobj_lock(region->memobj);
	region_trim(&process->space.regions, region, reached);
	if (region->memobj)
		memobj_unlock(region->memobj);
}

/*
 * Tables that [start, end) needed and no region needs any more, not even one beside it. For less
 * than half a table it is not worth while: the next mapping is often in the same place. But a step
 * that comes to the end of a table may be the last of several.
 */
static void remove_tables(struct process *process, u64 start, u64 end, struct removed *removed)
{
	struct address_space *space = &process->space;
	const struct region *before, *after;
	u64 freed;

	/* A dead space's tables go all at once. */
	if (space->is_dead ||
	    (end - start < LARGE_PAGE_SIZE / 2 && !((start ^ end) & ~(LARGE_PAGE_SIZE - 1))))
		return;
	before = region_find_before(&space->regions, end);
	after = region_find_from(&space->regions, end);
	freed = page_table_prune(space->root, start, end, before ? before->end : 0,
				 after ? after->start : UINT64_MAX);
	space->table_pages -= freed;
	removed->tables += freed;
}

void address_space_remove(struct process *process, u64 *at, u64 end, u64 limit,
			  struct removed *removed)
{
	struct address_space *space = &process->space;
	u64 start = *at, before = removed->anonymous_pages;
	struct region *region;

	while (limit) {
		u64 stop, reached;

		region = region_find_from(&space->regions, *at);
		if (!region || region->start >= end) {
			*at = end;
			break;
		}
		stop = min_u64(region->end, end);
		if (stop < region->end)
			large_page_split(process, stop);
		reached = clear_entries(process, region->start, stop, &limit, removed);
		if (reached > region->start)
			remove_part(process, region, reached, removed);
		*at = reached;
		limit -= min_u64(limit, REGION_COST);
	}
	space->anonymous_pages -= removed->anonymous_pages - before;
	remove_tables(process, start, *at, removed);
}

void discard_removed(struct process *process, struct removed *removed)
{
	struct region *region;

	reclaim_page_list(&removed->pages);
	while ((region = removed->regions)) {
		removed->regions = region->left;
		region_discard(process, region);
	}
	account_uncharge(payer(process), (removed->anonymous_pages + removed->tables) * PAGE_SIZE);
}

/* No hart has the space active any more: nothing is shot down. A few steps at a time. */
bool address_space_clear(struct process *process)
{
	struct address_space *space = &process->space;
	u64 start = arch_instructions();

	do {
		struct removed removed = { 0 };
		u64 at = 0;

		spin_lock(&space->lock);
		space->is_dead = true;
		address_space_remove(process, &at, TERN_USER_TOP, CLEAR_BATCH, &removed);
		spin_unlock(&space->lock);
		discard_removed(process, &removed);
	} while (space->regions.root && !arch_interrupt_pending() &&
		 arch_instructions() - start < CLEAR_INSTRUCTIONS);
	return !space->regions.root;
}
