/*
 * From a memobj's pages to the entries that map them. The regions are known by the memobj's list; in
 * their page tables every valid entry that is not anonymous is the memobj's page. Tables are not
 * given back while somebody is in here (grace periods), and no entry of the memobj is made
 * meanwhile, since that takes its lock; other changes by the space's owner are atomic, as these are.
 */
#include "kernel/mapping.h"

#include "arch/page_table.h"
#include "kernel/debug.h"
#include "kernel/memobj.h"
#include "kernel/process.h"
#include "kernel/region.h"

/* What is done to entries: the bits that they keep. */
#define TAKE_OUT 0ul
#define WRITE_PROTECT pte_without_write(~0ul)
#define UNUSE pte_without_access(~0ul)

/* Where in the region the pages [first, last] are; false: nowhere. */
static bool find_range(const struct region *region, u64 first, u64 last, u64 *start, u64 *end)
{
	u64 low = region->offset >> PAGE_SHIFT;
	u64 high = low + ((region->end - region->start) >> PAGE_SHIFT); /* first one behind it */

	if (last < low || first >= high)
		return false;
	*start = region->start + ((max_u64(first, low) - low) << PAGE_SHIFT);
	*end = region->start + ((min_u64(last, high - 1) + 1 - low) << PAGE_SHIFT);
	return true;
}

/* A large entry may be taken out and give its place to a table at any time. */
static bool change_one(pte *place, pte kept)
{
	pte entry = pte_read(place);

	while (pte_is_leaf(entry) && !pte_is_anonymous(entry) && entry & ~kept)
		if (pte_replace(place, &entry, entry & kept))
			return true;
	return false;
}

static bool change_run(const struct page_run *run, pte kept)
{
	bool has_changed = false;

	for (u64 i = 0; i < run->count; i++)
		has_changed |= change_one(&run->entries[i], kept);
	return has_changed;
}

static bool change_range(struct process *process, u64 start, u64 end, pte kept)
{
	bool has_changed = false;
	struct page_run run;

	for (u64 at = start; at < end && page_table_run(process->space.root, at, end, &run);
	     at = run.address + run.count * run.span)
		has_changed |= change_run(&run, kept);
	/* For the sake of these TLBs keep what they have: a page is called unused too often. */
	if (has_changed && kept != UNUSE)
		tlb_shootdown(process, start, end);
	return has_changed;
}

static bool change_mappings(struct memobj *memobj, u64 first, u64 last, pte kept)
{
	bool has_changed = false;

	ASSERT(!DEBUG_BUILD || spin_is_held(&memobj->lock));
	LIST_FOR_EACH(node, &memobj->regions) {
		const struct region *region = container_of(node, struct region, memobj_link);
		u64 start, end;

		if (find_range(region, first, last, &start, &end))
			has_changed |= change_range(region->process, start, end, kept);
	}
	return has_changed;
}

bool mapping_unmap(struct memobj *memobj, u64 first, u64 last)
{
	return change_mappings(memobj, first, last, TAKE_OUT);
}

void mapping_write_protect(struct memobj *memobj, u64 first, u64 last)
{
	(void)change_mappings(memobj, first, last, WRITE_PROTECT);
}

bool mapping_test_clear_accessed(struct memobj *memobj, u64 index)
{
	return change_mappings(memobj, index, index, UNUSE);
}
