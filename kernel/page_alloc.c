/*
 * The buddy allocator. A free block is described by its first page's entry in the frame table, which
 * stands at the start of the first RAM range that is given. Free blocks are on doubly linked lists by
 * frame number, so that a buddy can be taken off in constant time.
 *
 * Single pages, the common case, go through a cache per hart without any lock.
 *
 * A block for a large page takes 300,000 instructions to clear. Who is interrupted leaves it for whoever
 * wants one next, so nobody has to be asked what became of it.
 */
#include "kernel/page_alloc.h"

#include "arch/page_table.h"
#include "kernel/debug.h"
#include "kernel/hart.h"
#include "kernel/memory.h"
#include "kernel/page.h"
#include "kernel/spinlock.h"

#define CACHE_BATCH 16
#define CLEAR_BATCH 8

static struct spinlock page_lock = SPINLOCK_INIT(LOCK_RANK_PAGES);
struct page *page_frames;
u64 page_frame_count;
paddr page_lowest;
static u32 free_lists[PAGE_ORDER_MAX + 1];
static u64 free_pages, total_pages;

/* A block that somebody has begun to clear: its address plus the number of pages that are clear. */
static _Atomic u64 spare_block;

static void list_push(u32 number, unsigned int order)
{
	struct page *page = &page_frames[number];

	*page = (struct page){ .next = free_lists[order],
			       .previous = PAGE_NONE,
			       .state = (u8)order,
			       .flags = PAGE_FLAG_FREE };
	if (page->next != PAGE_NONE)
		page_frames[page->next].previous = number;
	free_lists[order] = number;
}

static void list_take(u32 number)
{
	struct page *page = &page_frames[number];

	if (page->previous != PAGE_NONE)
		page_frames[page->previous].next = page->next;
	else
		free_lists[page->state] = page->next;
	if (page->next != PAGE_NONE)
		page_frames[page->next].previous = page->previous;
	page->flags = 0;
}

static bool is_free_block(u32 number, unsigned int order)
{
	return page_frames[number].flags & PAGE_FLAG_FREE && page_frames[number].state == order;
}

void page_alloc_init(paddr low, paddr high)
{
	page_lowest = low & ~((PAGE_SIZE << PAGE_ORDER_MAX) - 1);
	page_frame_count = (high - page_lowest) >> PAGE_SHIFT;
	for (u32 i = 0; i <= PAGE_ORDER_MAX; i++)
		free_lists[i] = PAGE_NONE;
}

/* Coalesce with free buddies as far as possible. */
static void block_free(u32 number, unsigned int order)
{
	ASSERT(number < page_frame_count && !(page_frames[number].flags & PAGE_FLAG_FREE));
	free_pages += 1ul << order;
	for (; order < PAGE_ORDER_MAX; order++) {
		u32 buddy = number ^ (1u << order);

		if (buddy >= page_frame_count || !is_free_block(buddy, order))
			break;
		list_take(buddy);
		number &= ~(1u << order);
	}
	list_push(number, order);
}

/* The largest aligned block at `start` that does not reach beyond `end`. */
static unsigned int block_order(paddr start, paddr end)
{
	unsigned int order = 0;

	while (order < PAGE_ORDER_MAX && !((start - page_lowest) & (PAGE_SIZE << order)) &&
	       start + (PAGE_SIZE << (order + 1)) <= end)
		order++;
	return order;
}

void page_alloc_add(paddr start, paddr end)
{
	start = round_up(start, PAGE_SIZE);
	end &= ~(PAGE_SIZE - 1);
	if (!page_frames && end > start) {
		u64 size = round_up(page_frame_count * sizeof(struct page), PAGE_SIZE);

		if (end - start <= size)
			return;
		page_frames = phys_to_virt(start);
		memset(page_frames, 0, size);
		start += size;
	}
	spin_lock(&page_lock);
	while (start < end) {
		unsigned int order = block_order(start, end);

		block_free(page_number(page_of(start)), order);
		total_pages += 1ul << order;
		start += PAGE_SIZE << order;
	}
	spin_unlock(&page_lock);
}

/* 0 = none. The lock is held. */
static paddr block_alloc(unsigned int order)
{
	unsigned int found = order;
	u32 number;

	while (found <= PAGE_ORDER_MAX && free_lists[found] == PAGE_NONE)
		found++;
	if (found > PAGE_ORDER_MAX)
		return 0;
	number = free_lists[found];
	list_take(number);
	while (found > order) {
		found--;
		list_push(number + (1u << found), found);
	}
	free_pages -= 1ul << order;
	return page_address(&page_frames[number]);
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
		block_free(page_number(page_of(cache->pages[--cache->count])), 0);
	spin_unlock(&page_lock);
}

/* The block that was to become a large page is free; another one may be. */
bool page_replace_spare(u64 block)
{
	u64 old = atomic_exchange(&spare_block, block);

	/* Of two the one that is further stays: so somebody always gets on. */
	if (block && (old & (LARGE_PAGE_SIZE - 1)) > (block & (LARGE_PAGE_SIZE - 1)))
		old = atomic_exchange(&spare_block, old);
	if (old)
		page_free(old & ~(LARGE_PAGE_SIZE - 1), LARGE_PAGE_ORDER);
	return old;
}

static NOINLINE paddr alloc_slowly(unsigned int order)
{
	struct page_cache *cache = &arch_hart()->page_cache;
	paddr page = 0;

	if (order == 0) {
		cache_fill(cache);
		page = cache->count ? cache->pages[--cache->count] : 0;
	} else if (order <= PAGE_ORDER_MAX) {
		spin_lock(&page_lock);
		page = block_alloc(order);
		spin_unlock(&page_lock);
	}
	return !page && page_replace_spare(0) ? alloc_slowly(order) : page;
}

paddr page_alloc(unsigned int order)
{
	struct page_cache *cache = &arch_hart()->page_cache;

	if (LIKELY(order == 0 && cache->count))
		return cache->pages[--cache->count];
	return alloc_slowly(order);
}

paddr page_alloc_zeroed(unsigned int order)
{
	paddr page = page_alloc(order);

	for (u64 i = 0; page && i < 1ul << order; i++)
		page_clear((char *)phys_to_virt(page) + i * PAGE_SIZE);
	return page;
}

void page_free(paddr page, unsigned int order)
{
	struct page_cache *cache = &arch_hart()->page_cache;

	ASSERT(page >= page_lowest && !(page & ((PAGE_SIZE << order) - 1)));
	if (order == 0) {
		if (cache->count == ARRAY_SIZE(cache->pages))
			cache_shrink(cache, CACHE_BATCH);
		cache->pages[cache->count++] = page;
		return;
	}
	spin_lock(&page_lock);
	block_free(page_number(page_of(page)), order);
	spin_unlock(&page_lock);
}

void page_free_clear(paddr block)
{
	page_replace_spare(block + LARGE_PAGES);
}

paddr page_alloc_clear(bool *is_late)
{
	u64 spare = atomic_exchange(&spare_block, 0), clear = spare & (LARGE_PAGE_SIZE - 1);
	paddr block = spare ? spare - clear : page_alloc(LARGE_PAGE_ORDER);

	*is_late = false;
	while (block && clear < LARGE_PAGES && !*is_late) {
		page_clear((char *)phys_to_virt(block) + clear * PAGE_SIZE);
		*is_late = ++clear % CLEAR_BATCH == 0 && arch_interrupt_pending();
	}
	if (!*is_late)
		return block;
	page_replace_spare(block + clear);
	return 0;
}

void page_cache_drain(void)
{
	cache_shrink(&arch_hart()->page_cache, 0);
}

u64 page_count_free(void)
{
	u64 cached = atomic_load(&spare_block) ? LARGE_PAGES : 0;

	for (u32 i = 0; i < hart_count; i++)
		cached += harts[i].page_cache.count;
	return free_pages + cached;
}

u64 page_count_unused(void)
{
	return *(volatile u64 *)&free_pages;
}

u64 page_count_total(void)
{
	return total_pages;
}

static bool list_is_consistent(unsigned int order, u64 *pages)
{
	u32 previous = PAGE_NONE;

	for (u32 i = free_lists[order]; i != PAGE_NONE; i = page_frames[i].next) {
		if (!is_free_block(i, order) || page_frames[i].previous != previous ||
		    i & ((1u << order) - 1))
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
