/* Large entries of private memory and the blocks that they hold, see large_page.h. */
#include "kernel/large_page.h"

#include "kernel/account.h"
#include "kernel/address_space.h"
#include "kernel/page_alloc.h"
#include "kernel/pressure.h"
#include "kernel/process.h"

/* What removing an entry costs, in small ones, and the last one of a block, with a look at all frames. */
#define ENTRY_COST 8
#define BLOCK_COST 64

/* ----------------------------------------------------------------------------------- blocks */

void large_page_begin(paddr block)
{
	struct page *first = page_of(block);

#pragma GCC unroll 8
	for (u32 i = 0; i < LARGE_PAGES; i++)
		atomic_store_explicit(&first[i].references, 1, memory_order_relaxed);
	atomic_store_explicit(&first->blocks, 1, memory_order_relaxed);
}

bool large_page_is_whole(paddr block)
{
	const struct page *first = page_of(block);
	u32 references = 0;

#pragma GCC unroll 8
	for (u32 i = 0; i < LARGE_PAGES; i++)
		references += atomic_load_explicit(&first[i].references, memory_order_relaxed);
	/* With who gave up the others: what he did to the frames is done. */
	atomic_thread_fence(memory_order_acquire);
	return references == LARGE_PAGES;
}

/* True: it was the last entry that held the block, and the reference to each frame is the caller's. */
static bool block_put(struct page *first)
{
	return atomic_fetch_sub_explicit(&first->blocks, 1, memory_order_acq_rel) == 1;
}

static void add_references(struct page *first, u32 number)
{
	for (u32 i = 0; i < LARGE_PAGES; i++)
		atomic_fetch_add_explicit(&first[i].references, number, memory_order_acq_rel);
}

bool large_page_is_own(pte entry)
{
	paddr block = pte_page(entry);

	return atomic_load_explicit(&page_of(block)->blocks, memory_order_acquire) == 1 &&
	       large_page_is_whole(block);
}

/* ---------------------------------------------------------------------------------- entries */

int large_page_enter(struct process *process, u64 address, pte entry)
{
	struct address_space *space = &process->space;
	u64 charge = LARGE_PAGE_SIZE + PAGE_SIZE;
	paddr table;
	pte *place;
	int error;

	if (!account_charge(process->object.account, charge))
		return -ENOMEM;
	table = page_alloc(0);
	error = table ? address_space_place(process, address, true, &place) : pressure_no_memory();
	if (table && !error) {
		*(paddr *)phys_to_virt(table) = space->spare_tables;
		space->spare_tables = table;
		space->table_pages++;
		space->anonymous_pages += LARGE_PAGES;
		pte_write(place, entry);
		return 0;
	}
	if (table)
		page_free(table, 0);
	account_uncharge(process->object.account, charge);
	return error;
}

static paddr take_table(struct address_space *space)
{
	paddr table = space->spare_tables;

	space->spare_tables = *(paddr *)phys_to_virt(table);
	return table;
}

NOINLINE int large_page_share(struct process *child, u64 address, pte *place)
{
	pte entry = pte_without_write(pte_read(place));
	int error = pte_is_anonymous(entry) ? large_page_enter(child, address, entry) : 0;

	if (error || !pte_is_anonymous(entry))
		return error;
	atomic_fetch_add_explicit(&page_of(pte_page(entry))->blocks, 1, memory_order_relaxed);
	pte_write(place, entry);
	return 0;
}

NOINLINE bool large_page_split(struct process *process, u64 address)
{
	pte *place = page_table_find_large(process->space.root, address);
	struct page *first;

	if (!place || !pte_is_anonymous(pte_read(place)))
		return false;
	first = page_of(pte_page(pte_read(place)));
	/* If others hold the block, each frame has a holder more. They may be gone already. */
	if (atomic_load_explicit(&first->blocks, memory_order_acquire) > 1) {
		add_references(first, 1);
		if (block_put(first))
			add_references(first, UINT32_MAX);
	}
	page_table_split(place, take_table(&process->space));
	return true;
}

/* A block on its way back to the allocator: this stands in the table that was put by for it. */
struct block_node {
	struct reclaim_node node;
	paddr block;
};

static void block_free(struct reclaim_node *node)
{
	struct block_node *free = container_of(node, struct block_node, node);

	page_free(free->block, LARGE_PAGE_ORDER);
	page_free(virt_to_phys(free), 0);
}

/* The last entry that held the block is gone: the reference to each frame goes. */
static void block_end(struct page *first, paddr table, struct page_list *free)
{
	struct block_node *node = phys_to_virt(table);

	if (large_page_is_whole(page_address(first))) {
		node->block = page_address(first);
		reclaim_defer(&node->node, block_free);
		return;
	}
	page_free(table, 0);
	for (u32 i = 0; i < LARGE_PAGES; i++)
		page_put(&first[i], free);
}

NOINLINE u64 large_page_remove(struct process *process, pte *place, struct removed *removed)
{
	struct page *first = page_of(pte_page(pte_read(place)));
	paddr table;

	removed->has_entries = true;
	if (!pte_is_anonymous(pte_read(place))) {
		pte_take(place);
		return 0;
	}
	pte_write(place, 0);
	table = take_table(&process->space);
	process->space.table_pages--;
	removed->tables++;
	removed->anonymous_pages += LARGE_PAGES;
	if (block_put(first)) {
		block_end(first, table, &removed->pages);
		return BLOCK_COST;
	}
	page_free(table, 0);
	return ENTRY_COST;
}
