/*
 * Memobjs and the states of their pages, see memobj.h. Here: birth and end, what a fault or a copy
 * finds at an index, how pages leave, and who waits for them.
 */
#include "kernel/memobj.h"

#include "arch/page_table.h"
#include "kernel/account.h"
#include "kernel/debug.h"
#include "kernel/device.h"
#include "kernel/hart.h"
#include "kernel/mapping.h"
#include "kernel/memobj_pages.h"
#include "kernel/memory.h"
#include "kernel/object_alloc.h"
#include "kernel/page_alloc.h"
#include "kernel/pager.h"
#include "kernel/pressure.h"
#include "kernel/region.h"
#include "kernel/sched.h"
#include "kernel/thread.h"
#include "kernel/writeback.h"

#define DROP_WINDOW 16

/* ------------------------------------------------------------------------------ birth and end */

struct memobj *memobj_create(struct account *account, enum memobj_kind kind, u64 length)
{
	struct object *object = object_create(account, TERN_TYPE_MEMOBJ);
	struct memobj *memobj;

	if (!object)
		return NULL;
	memobj = memobj_of(object);
	spin_init(&memobj->lock, LOCK_RANK_MEMOBJ);
	memobj->kind = (u8)kind;
	memobj->length = length;
	memobj->limit = kind == MEMOBJ_ANONYMOUS ? MEMOBJ_LENGTH_MAX : length;
	memobj->modified = arch_ticks();
	radix_init(&memobj->pages, kind == MEMOBJ_ANONYMOUS ? account : NULL);
	list_init(&memobj->regions);
	list_init(&memobj->waiters);
	return memobj;
}

struct memobj *memobj_create_anonymous(struct account *account, u64 length)
{
	return memobj_create(account, MEMOBJ_ANONYMOUS, length);
}

struct memobj *memobj_create_boot(struct account *account, paddr start, u64 length)
{
	struct memobj *memobj = memobj_create(account, MEMOBJ_BOOT, round_up(length, PAGE_SIZE));

	if (memobj)
		memobj->physical = start;
	return memobj;
}

/* Pages go in batches, one per grace period, so that no exit from the kernel takes long. */
static void memobj_release(struct reclaim_node *node)
{
	struct memobj *memobj = memobj_of(container_of(node, struct object, reclaim));
	struct page_list free = { 0 };
	bool has_more;

	memobj_lock(memobj);
	has_more = memobj_drop_pages(memobj, 0, MEMOBJ_PAGES_MAX - 1, DROP_ALL, &free) != DROP_DONE;
	memobj_unlock(memobj);
	reclaim_page_list(&free);
	if (has_more)
		reclaim_defer(node, memobj_release);
	if (has_more)
		return;
	if (memobj->pager)
		kernel_free(memobj->pager, sizeof(*memobj->pager));
	kernel_free(memobj, sizeof(*memobj));
}

/* What it cost goes back to the account at once; the pages follow. */
void memobj_destroy(struct object *object)
{
	struct memobj *memobj = memobj_of(object);

	memobj_lock(memobj);
	ASSERT(list_is_empty(&memobj->regions));
	if (memobj->kind != MEMOBJ_PAGED)
		account_uncharge(object->account,
				 (u64)memobj->resident * PAGE_SIZE +
					 memobj->pages.nodes * sizeof(struct radix_node));
	memobj->pages.account = NULL;
	memobj_unlock(memobj);
	if (memobj->kind == MEMOBJ_CONTIGUOUS)
		reclaim_pages(memobj->physical, memobj->order);
	if (memobj->pager)
		pager_detach(memobj);
	object_free_with(object, memobj_release);
}

void memobj_link(struct memobj *memobj, struct region *region)
{
	memobj_lock(memobj);
	list_append(&memobj->regions, &region->memobj_link);
	memobj_unlock(memobj);
}

void memobj_unlink(struct region *region)
{
	memobj_lock(region->memobj);
	list_remove(&region->memobj_link);
	memobj_unlock(region->memobj);
}

/* ------------------------------------------------------------------------------------ waiting */

void memobj_wait(struct memobj *memobj, u64 key)
{
	struct thread *thread = arch_hart()->current;

	ASSERT(spin_is_held(&memobj->lock));
	/* point of no return: from unlock on the thread may run elsewhere */
	thread->wait.memobj = memobj;
	thread->wait.key = key;
	thread->wait.error = 0;
	if (thread->wait.is_for_clean) {
		pressure_wait(thread);
	} else {
		thread->state = THREAD_PAGE;
		list_append(&memobj->waiters, &thread->queue_link);
		sched_block();
	}
	memobj_unlock(memobj);
}

void memobj_wake(struct memobj *memobj, u64 first, u64 last, int error)
{
	LIST_FOR_EACH_SAFE(node, &memobj->waiters) {
		struct thread *thread = container_of(node, struct thread, queue_link);

		if (thread->wait.key < first || thread->wait.key > last)
			continue;
		list_remove(node);
		thread->state = THREAD_ACTIVE;
		thread->wait.error = (u8)-error;
		sched_ready(thread);
	}
}

bool memobj_cancel(struct thread *thread)
{
	struct memobj *memobj = thread->wait.memobj;
	bool is_taken = false;

	if (thread->state != THREAD_PAGE)
		return pressure_cancel(thread);
	memobj_lock(memobj);
	if (thread->state == THREAD_PAGE && thread->wait.memobj == memobj) {
		list_remove(&thread->queue_link);
		thread->state = THREAD_ACTIVE;
		is_taken = true;
	}
	memobj_unlock(memobj);
	return is_taken;
}

/* The answer that the current thread was woken with, if it was this page that it waited for. */
int memobj_take_error(struct memobj *memobj, u64 index)
{
	struct thread *thread = arch_hart()->current;
	int error = -thread->wait.error;

	if (!error || thread->wait.memobj != memobj || thread->wait.key != index)
		return 0;
	thread->wait.error = 0;
	return error;
}

/* ---------------------------------------------------------------------------- finding a page */

/* A frame for an index that has none; `from`: its contents, NULL: zeroes. */
static int anonymous_fill(struct memobj *memobj, u64 index, const void *from, paddr *page)
{
	bool is_new = !from;
	int error = 0;

	if (is_new && (!memobj->pages.account || !account_charge(memobj->pages.account, PAGE_SIZE)))
		return -ENOMEM;
	*page = pressure_page_alloc(&error);
	if (*page)
		error = radix_set(&memobj->pages, index, *page);
	if (!error) {
		if (from)
			page_copy(phys_to_virt(*page), from);
		else
			page_clear(phys_to_virt(*page));
		atomic_store_explicit(&page_of(*page)->references, 1, memory_order_relaxed);
		memobj->resident += is_new;
		return 0;
	}
	if (*page) {
		page_free(*page, 0);
		/* Or was it the account that a node was too much for? */
		error = account_could_pay(memobj->object.account, sizeof(struct radix_node))
				? pressure_no_memory()
				: -ENOMEM;
	}
	if (is_new)
		account_uncharge(memobj->object.account, PAGE_SIZE);
	return error;
}

/* A page that a clone shares is copied for whoever writes to it. */
static int anonymous_copy(struct memobj *memobj, u64 index, paddr *page)
{
	struct page *old = page_of(*page);
	struct page_list free = { 0 };
	int error = anonymous_fill(memobj, index, phys_to_virt(*page), page);

	if (error)
		return error;
	mapping_unmap(memobj, index, index);
	page_put(old, &free);
	reclaim_page_list(&free);
	return 0;
}

static int anonymous_page(struct memobj *memobj, u64 index, u64 word, bool write, paddr *page)
{
	if (!word)
		return anonymous_fill(memobj, index, NULL, page);
	*page = word;
	if (write && atomic_load_explicit(&page_of(word)->references, memory_order_acquire) > 1)
		return anonymous_copy(memobj, index, page);
	return 0;
}

/* Why the page is not there. */
static int absent_page(struct memobj *memobj, u64 index, u64 word, struct memobj_hint *hint)
{
	int error = memobj_take_error(memobj, index);

	if (error)
		return error;
	if (memobj->pager->is_dead)
		return -EIO;
	arch_hart()->current->wait.is_for_clean = false;
	return word ? -EAGAIN : pager_request_fill(memobj, index, hint);
}

static int paged_page(struct memobj *memobj, u64 index, u64 word, bool write,
		      struct memobj_hint *hint, paddr *page)
{
	struct page *record;

	if (!word || word & MEMOBJ_IN_FLIGHT || page_of(word)->state == PAGE_PREPARED)
		return absent_page(memobj, index, word, hint);
	record = page_of(word);
	if (!(record->flags & PAGE_FLAG_ACCESSED))
		record->flags |= PAGE_FLAG_ACCESSED;
	*page = word;
	return write ? writeback_dirty(memobj, record) : 0;
}

int memobj_page_locked(struct memobj *memobj, u64 index, bool write, struct memobj_hint *hint,
		       paddr *page)
{
	u64 word;

	if (index << PAGE_SHIFT >= memobj->length)
		return -ERANGE;
	if (memobj->kind > MEMOBJ_PAGED) {
		*page = memobj->physical + (index << PAGE_SHIFT);
		return 0;
	}
	word = radix_get(&memobj->pages, index);
	if (memobj->kind == MEMOBJ_ANONYMOUS)
		return anonymous_page(memobj, index, word, write, page);
	return paged_page(memobj, index, word, write, hint, page);
}

int memobj_get_page(struct memobj *memobj, u64 offset, paddr *page)
{
	int error;

	memobj_lock(memobj);
	error = memobj_page_locked(memobj, offset >> PAGE_SHIFT, true, NULL, page);
	memobj_unlock(memobj);
	return error;
}

/* ------------------------------------------------------------------------------ pages come, go */

int memobj_enter_page(struct memobj *memobj, u64 index, paddr page, enum page_state state,
		      u32 flags)
{
	struct page *record = page_of(page);

	if (radix_set(&memobj->pages, index, page))
		return -ENOMEM;
	*record = (struct page){ .owner = memobj,
				 .index = (u32)index,
				 .pins = record->pins,
				 .state = (u8)state,
				 .flags = (u8)(flags | PAGE_FLAG_ACCESSED) };
	memobj->resident++;
	if (state != PAGE_PREPARED)
		pressure_page_added(record);
	return 0;
}

static void paged_leave(struct memobj *memobj, struct page *page, struct page_list *free)
{
	writeback_forget(memobj, page);
	pressure_page_removed(page);
	/* A device may still be working on it: whoever unpins it gives it back. */
	if (page_disown(page))
		page_list_add(free, page);
}

/* The page at an index leaves; it is mapped nowhere any more. */
void memobj_leave(struct memobj *memobj, u64 index, struct page_list *free)
{
	struct page *page = page_of(radix_remove(&memobj->pages, index));

	memobj->resident--;
	if (memobj->kind == MEMOBJ_PAGED) {
		paged_leave(memobj, page, free);
		return;
	}
	if (memobj->pages.account)
		account_uncharge(memobj->pages.account, PAGE_SIZE);
	page_put(page, free);
}

static bool may_drop(const struct memobj *memobj, u64 word, enum drop_kind kind)
{
	const struct page *page;

	if (kind == DROP_ALL)
		return true;
	if (word & MEMOBJ_IN_FLIGHT || memobj->kind != MEMOBJ_PAGED)
		return false;
	page = page_of(word);
	return page->state == PAGE_CLEAN && !page->pins;
}

u64 memobj_drop_pages(struct memobj *memobj, u64 first, u64 last, enum drop_kind kind,
		      struct page_list *free)
{
	u64 index = first, end, word;

	if (!radix_next(&memobj->pages, &index, &word) || index > last)
		return DROP_DONE;
	first = index;
	end = min_u64(last, index | (DROP_WINDOW - 1));
	/* All at once: what stays is mapped again at its next access. */
	mapping_unmap(memobj, first, end);
	for (; radix_next(&memobj->pages, &index, &word) && index <= end; index++) {
		if (!may_drop(memobj, word, kind))
			continue;
		if (word & MEMOBJ_IN_FLIGHT)
			radix_remove(&memobj->pages, index);
		else
			memobj_leave(memobj, index, free);
	}
	memobj_wake(memobj, first, end, 0);
	return end == last ? DROP_DONE : end + 1;
}
