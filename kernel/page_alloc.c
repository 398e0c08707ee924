/*
 * The buddy allocator. One small record per page holds the state of the block that begins there;
 * the records stand at the start of the first RAM range that is given. Free blocks are on doubly
 * linked lists by index, so that a buddy can be taken off in constant time.
 *
 * Single pages, the common case, go through a cache per hart without any lock.
 */
#include "kernel/page_alloc.h"

#include <stdatomic.h>

#include "arch/page_table.h"
#include "kernel/debug.h"
#include "kernel/hart.h"
#include "kernel/memory.h"
#include "kernel/spinlock.h"

#define NO_PAGE UINT32_MAX
#define CACHE_BATCH 16

struct page_record {
	union {
		u32 next;            /* of a free block's list, by page index from `lowest` */
		_Atomic u32 holders; /* of a private page: how many page table entries */
	};
	u32 previous;
	u8 is_free; /* a free block begins here ... */
	u8 order;   /* ... of this order */
};

static struct spinlock page_lock = SPINLOCK_INIT(LOCK_RANK_PAGES);
static struct page_record *records;
static paddr lowest;
static u64 record_count;
static u32 free_lists[PAGE_ORDER_MAX + 1];
static u64 free_pages, total_pages;

static u32 page_index(paddr page)
{
	return (u32)((page - lowest) >> PAGE_SHIFT);
}

static paddr page_address(u32 index)
{
	return lowest + ((u64)index << PAGE_SHIFT);
}

static void list_push(u32 index, unsigned int order)
{
	struct page_record *record = &records[index];

	*record = (struct page_record){
		.next = free_lists[order], .previous = NO_PAGE, .is_free = true, .order = (u8)order
	};
	if (record->next != NO_PAGE)
		records[record->next].previous = index;
	free_lists[order] = index;
}

static void list_take(u32 index)
{
	struct page_record *record = &records[index];

	if (record->previous != NO_PAGE)
		records[record->previous].next = record->next;
	else
		free_lists[record->order] = record->next;
	if (record->next != NO_PAGE)
		records[record->next].previous = record->previous;
	record->is_free = false;
}

void page_alloc_init(paddr low, paddr high)
{
	lowest = low & ~((PAGE_SIZE << PAGE_ORDER_MAX) - 1);
	record_count = (high - lowest) >> PAGE_SHIFT;
	for (u32 i = 0; i <= PAGE_ORDER_MAX; i++)
		free_lists[i] = NO_PAGE;
}

/* Coalesce with free buddies as far as possible. */
static void block_free(u32 index, unsigned int order)
{
	ASSERT(index < record_count && !records[index].is_free);
	free_pages += 1ul << order;
	for (; order < PAGE_ORDER_MAX; order++) {
		u32 buddy = index ^ (1u << order);

		if (buddy >= record_count || !records[buddy].is_free ||
		    records[buddy].order != order)
			break;
		list_take(buddy);
		index &= ~(1u << order);
	}
	list_push(index, order);
}

/* The largest aligned block at `start` that does not reach beyond `end`. */
static unsigned int block_order(paddr start, paddr end)
{
	unsigned int order = 0;

	while (order < PAGE_ORDER_MAX && !((start - lowest) & (PAGE_SIZE << order)) &&
	       start + (PAGE_SIZE << (order + 1)) <= end)
		order++;
	return order;
}

void page_alloc_add(paddr start, paddr end)
{
	start = round_up(start, PAGE_SIZE);
	end &= ~(PAGE_SIZE - 1);
	if (!records && end > start) {
		u64 size = round_up(record_count * sizeof(struct page_record), PAGE_SIZE);

		if (end - start <= size)
			return;
		records = phys_to_virt(start);
		memset(records, 0, size);
		start += size;
	}
	spin_lock(&page_lock);
	while (start < end) {
		unsigned int order = block_order(start, end);

		block_free(page_index(start), order);
		total_pages += 1ul << order;
		start += PAGE_SIZE << order;
	}
	spin_unlock(&page_lock);
}

/* 0 = none. The lock is held. */
static paddr block_alloc(unsigned int order)
{
	unsigned int found = order;
	u32 index;

	while (found <= PAGE_ORDER_MAX && free_lists[found] == NO_PAGE)
		found++;
	if (found > PAGE_ORDER_MAX)
		return 0;
	index = free_lists[found];
	list_take(index);
	while (found > order) {
		found--;
		list_push(index + (1u << found), found);
	}
	free_pages -= 1ul << order;
	return page_address(index);
}

static void cache_fill(struct page_cache *cache)
{
	spin_lock(&page_lock);
	while (cache->count < CACHE_BATCH) {
		paddr page = block_alloc(0);

		if (!page)
			break;
		cache->pages[cache->count++] = page;
	}
	spin_unlock(&page_lock);
}

static void cache_shrink(struct page_cache *cache, u32 keep)
{
	spin_lock(&page_lock);
	while (cache->count > keep)
		block_free(page_index(cache->pages[--cache->count]), 0);
	spin_unlock(&page_lock);
}

paddr page_alloc(unsigned int order)
{
	struct page_cache *cache = &arch_hart()->page_cache;
	paddr page;

	if (order == 0) {
		if (!cache->count)
			cache_fill(cache);
		return cache->count ? cache->pages[--cache->count] : 0;
	}
	if (order > PAGE_ORDER_MAX)
		return 0;
	spin_lock(&page_lock);
	page = block_alloc(order);
	spin_unlock(&page_lock);
	return page;
}

paddr page_alloc_zeroed(unsigned int order)
{
	paddr page = page_alloc(order);

	if (page)
		memset(phys_to_virt(page), 0, PAGE_SIZE << order);
	return page;
}

void page_free(paddr page, unsigned int order)
{
	struct page_cache *cache = &arch_hart()->page_cache;

	ASSERT(page >= lowest && !(page & ((PAGE_SIZE << order) - 1)));
	if (order == 0) {
		if (cache->count == ARRAY_SIZE(cache->pages))
			cache_shrink(cache, CACHE_BATCH);
		cache->pages[cache->count++] = page;
		return;
	}
	spin_lock(&page_lock);
	block_free(page_index(page), order);
	spin_unlock(&page_lock);
}

static _Atomic u32 *holders_of(paddr page)
{
	return &records[page_index(page)].holders;
}

paddr page_alloc_private(const void *content)
{
	paddr page = page_alloc(0);

	if (!page)
		return 0;
	if (content)
		memcpy(phys_to_virt(page), content, PAGE_SIZE);
	else
		memset(phys_to_virt(page), 0, PAGE_SIZE);
	atomic_store_explicit(holders_of(page), 1, memory_order_relaxed);
	return page;
}

void page_share(paddr page)
{
	atomic_fetch_add_explicit(holders_of(page), 1, memory_order_relaxed);
}

bool page_is_shared(paddr page)
{
	return atomic_load_explicit(holders_of(page), memory_order_acquire) > 1;
}

bool page_unshare(paddr page)
{
	return atomic_fetch_sub_explicit(holders_of(page), 1, memory_order_acq_rel) == 1;
}

void page_cache_drain(void)
{
	cache_shrink(&arch_hart()->page_cache, 0);
}

u64 page_count_free(void)
{
	u64 cached = 0;

	for (u32 i = 0; i < hart_count; i++)
		cached += harts[i].page_cache.count;
	return free_pages + cached;
}

u64 page_count_total(void)
{
	return total_pages;
}

static bool list_is_consistent(unsigned int order, u64 *pages)
{
	u32 previous = NO_PAGE;

	for (u32 i = free_lists[order]; i != NO_PAGE; i = records[i].next) {
		if (!records[i].is_free || records[i].order != order ||
		    records[i].previous != previous || i & ((1u << order) - 1))
			return false;
		previous = i;
		*pages += 1ul << order;
	}
	return true;
}

bool page_alloc_is_consistent(void)
{
	u64 pages = 0;
	bool is_consistent = true;

	spin_lock(&page_lock);
	for (unsigned int order = 0; order <= PAGE_ORDER_MAX; order++)
		is_consistent = is_consistent && list_is_consistent(order, &pages);
	is_consistent = is_consistent && pages == free_pages;
	spin_unlock(&page_lock);
	return is_consistent;
}
