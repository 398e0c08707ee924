/*
 * Sv48 page tables of user spaces: four levels of 512 entries. The kernel's half of each root is a
 * copy of the kernel's root, whose tables all exist since boot.
 */
#include "arch/page_table.h"

#include "kernel/memory.h"
#include "kernel/page.h"
#include "kernel/page_alloc.h"
#include "kernel/reclaim.h"

#define LEVELS 4
#define ENTRIES 512
#define KERNEL_HALF 256
#define SKIP_MAX 1024 /* entries to look at in one search */

extern pte *kernel_root;

static u32 pte_index(u64 address, u32 level)
{
	return (u32)(address >> (PAGE_SHIFT + 9 * level)) & (ENTRIES - 1);
}

/* Bytes that an entry of the level maps. */
static u64 level_span(u32 level)
{
	return PAGE_SIZE << (9 * level);
}

static pte *pte_table(pte entry)
{
	return phys_to_virt(pte_page(entry));
}

/* Of a table of tables: behind all entries of the user half that it ever had. So nobody looks through
 * what is empty, which is nearly all of it. */
static u32 *table_end(const pte *table)
{
	return &page_of(virt_to_phys(table))->request;
}

static paddr table_create(void)
{
	paddr table = page_alloc_zeroed(0);

	if (table)
		page_of(table)->request = 0;
	return table;
}

paddr page_table_create(void)
{
	paddr root = table_create();

	if (root)
		memcpy((pte *)phys_to_virt(root) + KERNEL_HALF, kernel_root + KERNEL_HALF,
		       KERNEL_HALF * sizeof(pte));
	return root;
}

/* Down to the table of `level`; NULL, with *missing tables, where there is none. */
static pte *walk(paddr root, u64 address, u32 level, u32 *missing)
{
	pte *table = phys_to_virt(root);

	for (u32 at = LEVELS - 1; at > level; at--) {
		pte entry = pte_read(&table[pte_index(address, at)]);

		if (!pte_is_valid(entry) || pte_is_leaf(entry)) {
			*missing = at - level;
			return NULL;
		}
		table = pte_table(entry);
	}
	*missing = 0;
	return table;
}

pte *page_table_find(paddr root, u64 address)
{
	u32 missing;
	pte *table = walk(root, address, 0, &missing);

	return table ? &table[pte_index(address, 0)] : NULL;
}

u32 page_table_missing(paddr root, u64 address)
{
	u32 missing;

	return walk(root, address, 0, &missing) ? 0 : missing;
}

pte *page_table_make(paddr root, u64 address, bool is_large, u64 *made)
{
	pte *table = phys_to_virt(root), *place;
	u32 level = is_large ? 1 : 0;

	for (u32 at = LEVELS - 1;; at--) {
		u32 index = pte_index(address, at);
		bool is_missing = !pte_is_valid(table[index]);

		place = &table[index];
		if (at > 0 && is_missing && *table_end(table) <= index)
			*table_end(table) = index + 1;
		if (at == level)
			return !is_large || is_missing ? place : NULL;
		if (is_missing) {
			paddr new = table_create();

			if (!new)
				return NULL;
			pte_write(place, new >> PAGE_SHIFT << 10 | PTE_VALID);
			(*made)++;
		}
		table = pte_table(pte_read(place));
	}
}

pte *page_table_find_large(paddr root, u64 address)
{
	u32 missing;
	pte *table = walk(root, address, 1, &missing);
	pte *place = table ? &table[pte_index(address, 1)] : NULL;

	return place && pte_is_leaf(pte_read(place)) ? place : NULL;
}

void page_table_split(pte *place, paddr table)
{
	pte *entries = phys_to_virt(table), entry = *place;

	for (u32 i = 0; i < ENTRIES; i++, entry += 1 << 10)
		entries[i] = entry;
	pte_write(place, table >> PAGE_SHIFT << 10 | PTE_VALID);
}

bool page_table_lookup(paddr root, u64 address, struct translation *found)
{
	const pte *table = phys_to_virt(root);
	u32 level = LEVELS;
	pte entry;

	/* Unrolled the shifts are constants: each page that is read or written comes by here. */
#pragma GCC unroll 4
	do {
		level--;
		found->place = &table[pte_index(address, level)];
		entry = pte_read(found->place);
		if (!pte_is_valid(entry))
			return false;
		table = pte_table(entry);
	} while (level && !pte_is_leaf(entry));
	found->entry = entry;
	found->page = pte_page(entry) + (address & (level_span(level) - 1) & ~(PAGE_SIZE - 1));
	return true;
}

/* Entries from `index` on that are not valid, at the end of which something is or the table ends. */
static u32 count_invalid(const pte *table, u32 index)
{
	u32 start = index, end = *table_end(table);

	while (index < end && !pte_is_valid(table[index]))
		index += index % 8 || pte_is_valid(pte_any(&table[index])) ? 1 : 8;
	return (index < end ? index : ENTRIES) - start;
}

/* The run at `address`, or how many bytes from there on have no table. */
static u64 find_run(paddr root, u64 address, u64 end, struct page_run *run)
{
	pte *table = phys_to_virt(root);

	for (u32 level = LEVELS - 1; level > 0; level--) {
		u64 start = address & ~(level_span(level) - 1);
		u32 index = pte_index(address, level);
		pte entry = pte_read(&table[index]);

		if (!pte_is_valid(entry)) {
			u32 count = count_invalid(table, index);

			run->skipped += count;
			return start + count * level_span(level) - address;
		}
		if (pte_is_leaf(entry)) {
			run->address = start;
			run->count = 1;
			run->span = level_span(level);
			run->entries = &table[index];
			return 0;
		}
		table = pte_table(entry);
	}
	run->address = address;
	run->entries = &table[pte_index(address, 0)];
	run->count = min_u64(ENTRIES - pte_index(address, 0), (end - address) >> PAGE_SHIFT);
	return 0;
}

bool page_table_run(paddr root, u64 start, u64 end, struct page_run *run)
{
	*run = (struct page_run){ .span = PAGE_SIZE };
	while (start < end) {
		u64 empty = find_run(root, start, end, run);

		if (!empty)
			return true;
		start += empty;
		run->address = min_u64(start, end);
		if (run->skipped >= SKIP_MAX && start < end)
			return true;
	}
	return false;
}

/* What looking for the run and dealing with it costs, in entries. */
u64 page_run_cost(const struct page_run *run)
{
	return 1 + run->count + run->skipped / 8;
}

/* The table that `place` points to and all tables below it. */
static u64 free_table(pte *place, u32 level)
{
	pte *table = pte_table(*place);
	u64 freed = 1;

	for (u32 i = 0; level > 1 && (i += count_invalid(table, i)) < ENTRIES; i++)
		if (!pte_is_leaf(table[i]))
			freed += free_table(&table[i], level - 1);
	pte_write(place, 0);
	reclaim_pages(virt_to_phys(table), 0);
	return freed;
}

static u64 prune(pte *table, u32 level, u64 start, u64 end, u64 low, u64 high)
{
	u64 span = level_span(level), freed = 0;

	for (u64 at = start & ~(span - 1); at < end; at += span) {
		u32 empty = count_invalid(table, pte_index(at, level));
		pte *place;

		at += empty * span;
		if (at >= end)
			break;
		place = &table[pte_index(at, level)];
		if (pte_is_leaf(*place))
			continue;
		if (at >= low && high - at >= span)
			freed += free_table(place, level);
		else if (level > 1)
			freed += prune(pte_table(*place), level - 1, max_u64(start, at),
				       min_u64(end, at + span), low, high);
	}
	return freed;
}

u64 page_table_prune(paddr root, u64 start, u64 end, u64 low, u64 high)
{
	return prune(phys_to_virt(root), LEVELS - 1, start, end, low, high);
}

void page_table_free(paddr root)
{
	pte *table = phys_to_virt(root);

	for (u32 i = 0; (i += count_invalid(table, i)) < ENTRIES; i++)
		free_table(&table[i], LEVELS - 1);
	reclaim_pages(root, 0);
}
