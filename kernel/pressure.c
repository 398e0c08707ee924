/*
 * Memory pressure, see pressure.h.
 *
 * Second chance: one list of all resident pages of paged memobjs. The oldest is looked at: one that was
 * used since goes to the young end, a clean one is dropped, of a dirty one the pager is told. The
 * list's lock comes after the memobj's, so the page is looked up, and then its memobj is locked: it may
 * have changed hands meanwhile.
 *
 * Below the low mark every hart that allocates looks for pages to drop when it leaves the kernel, until
 * there is enough, or nothing that could go. Below the reserve only pagers still get pages.
 */
#include "kernel/pressure.h"

#include "kernel/account.h"
#include "kernel/debug.h"
#include "kernel/hart.h"
#include "kernel/ipc.h"
#include "kernel/mapping.h"
#include "kernel/memobj_pages.h"
#include "kernel/page_alloc.h"
#include "kernel/pager.h"
#include "kernel/process.h"
#include "kernel/reclaim.h"
#include "kernel/sched.h"
#include "kernel/thread.h"
#include "tern/memobj.h"

#define RELIEVE_BATCH 16

static struct spinlock age_lock = SPINLOCK_INIT(LOCK_RANK_PAGE_AGE);
static u32 oldest = PAGE_NONE, youngest = PAGE_NONE; /* page->next: the younger one */
_Atomic u64 pressure_cached_pages;
static _Atomic u64 in_vain; /* looked at since something could be dropped */

static struct spinlock wait_lock = SPINLOCK_INIT(LOCK_RANK_PRESSURE);
static struct list waiting = { &waiting, &waiting };
static _Atomic u32 wakes, waiter_count;

/* --------------------------------------------------------------------------------------- ages */

static void append(struct page *page)
{
	page->previous = youngest;
	page->next = PAGE_NONE;
	*(youngest == PAGE_NONE ? &oldest : &page_frames[youngest].next) = page_number(page);
	youngest = page_number(page);
}

static void take_off(struct page *page)
{
	*(page->previous == PAGE_NONE ? &oldest : &page_frames[page->previous].next) = page->next;
	*(page->next == PAGE_NONE ? &youngest : &page_frames[page->next].previous) = page->previous;
}

void pressure_page_added(struct page *page)
{
	u64 count;

	spin_lock(&age_lock);
	append(page);
	page->flags |= PAGE_FLAG_LISTED;
	count = atomic_fetch_add_explicit(&pressure_cached_pages, 1, memory_order_relaxed) + 1;
	spin_unlock(&age_lock);
	/* It may be the only one that can be dropped, and it is the last one to be looked at. */
	if (atomic_load_explicit(&in_vain, memory_order_relaxed) > count)
		atomic_store_explicit(&in_vain, count + 1, memory_order_relaxed);
}

void pressure_page_removed(struct page *page)
{
	if (!(page->flags & PAGE_FLAG_LISTED))
		return;
	spin_lock(&age_lock);
	take_off(page);
	page->flags &= (u8)~PAGE_FLAG_LISTED;
	atomic_fetch_sub_explicit(&pressure_cached_pages, 1, memory_order_relaxed);
	spin_unlock(&age_lock);
}

/* The oldest page, which goes to the young end; its owner with a reference, or NULL. */
static struct page *take_oldest(struct memobj **owner)
{
	struct page *page = NULL;

	*owner = NULL;
	spin_lock(&age_lock);
	if (oldest != PAGE_NONE) {
		page = &page_frames[oldest];
		take_off(page);
		append(page);
		if (object_get_live(&page->owner->object))
			*owner = page->owner;
	}
	spin_unlock(&age_lock);
	return page;
}

/* Of a dead pager nobody can write the dirty ones back: they are lost already. */
static bool may_leave(struct memobj *memobj, const struct page *page)
{
	if (page->state == PAGE_CLEAN)
		return true;
	if (memobj->pager->is_dead)
		memobj->error = EIO;
	else
		port_notify(memobj->pager->port, TERN_PAGER_CLEAN);
	return memobj->pager->is_dead;
}

/* All have had their second chance, in vain: in use or not, what is clean must go. */
static bool is_urgent(void)
{
	return atomic_load_explicit(&in_vain, memory_order_relaxed) >
	       atomic_load_explicit(&pressure_cached_pages, memory_order_relaxed);
}

/* The memobj's lock is held. True: the page is dropped. */
static bool look_at(struct memobj *memobj, struct page *page, struct page_list *free)
{
	bool was_used = page->flags & PAGE_FLAG_ACCESSED;

	page->flags &= (u8)~PAGE_FLAG_ACCESSED;
	was_used = mapping_test_clear_accessed(memobj, page->index) || was_used;
	if ((was_used && !is_urgent()) || page->pins || !may_leave(memobj, page))
		return false;
	mapping_unmap(memobj, page->index, page->index);
	memobj_leave(memobj, page->index, free);
	return true;
}

static void relieve(void)
{
	struct page_list free = { 0 };

	for (u32 i = 0; i < RELIEVE_BATCH && !arch_interrupt_pending(); i++) {
		struct memobj *memobj;
		struct page *page = take_oldest(&memobj);

		if (!page)
			break;
		atomic_fetch_add_explicit(&in_vain, 1, memory_order_relaxed);
		if (!memobj)
			continue;
		memobj_lock(memobj);
		if (page->owner == memobj && page->flags & PAGE_FLAG_LISTED &&
		    look_at(memobj, page, &free))
			atomic_store_explicit(&in_vain, 0, memory_order_relaxed);
		memobj_unlock(memobj);
		object_put(&memobj->object);
	}
	reclaim_page_list(&free);
}

/* ------------------------------------------------------------------------------------- marks */

u64 pressure_reserve(void)
{
	return page_count_total() / 128;
}

static u64 low_mark(void)
{
	return page_count_total() / 32;
}

static u64 high_mark(void)
{
	return page_count_total() / 16;
}

u64 pressure_unpromised(void)
{
	return high_mark();
}

/* Everything has been looked at, once for having been used: what is left must be written back. */
static bool may_find_more(void)
{
	u64 count = atomic_load_explicit(&pressure_cached_pages, memory_order_relaxed);

	return count && atomic_load_explicit(&in_vain, memory_order_relaxed) <= 2 * count;
}

NOINLINE void pressure_poll(void)
{
	if (page_count_unused() + reclaim_pending() >= high_mark() || !may_find_more())
		hart_clear_attention(ATTENTION_PRESSURE);
	else
		relieve();
}

/* Wake-ups count from here on. -EAGAIN if there will be memory. */
static int begin_shortage(struct thread *thread)
{
	if (may_find_more())
		hart_set_attention(arch_hart(), ATTENTION_PRESSURE);
	if (page_replace_spare(0))
		pressure_pages_freed();
	pressure_prepare_wait(thread);
	reclaim_begin();
	return atomic_load(&pressure_cached_pages) || reclaim_pending() ? -EAGAIN : -ENOMEM;
}

static NOINLINE paddr alloc_when_short(int *error)
{
	struct thread *thread = arch_hart()->current;
	paddr page = 0;

	*error = begin_shortage(thread);
	if (page_count_unused() > pressure_reserve() || thread->process->object.account->is_pager)
		page = page_alloc(0);
	if (page)
		*error = 0;
	return page;
}

NOINLINE int pressure_no_memory(void)
{
	struct thread *thread = arch_hart()->current;
	int error = begin_shortage(thread);

	/* What has been freed since the allocation failed woke nobody: so it does not block. */
	if (page_count_unused())
		thread->wait.wakes--;
	return error;
}

paddr pressure_page_alloc(int *error)
{
	paddr page;

	if (UNLIKELY(page_count_unused() < low_mark()))
		return alloc_when_short(error);
	page = page_alloc(0);
	*error = page ? 0 : -ENOMEM;
	return page;
}

/* ------------------------------------------------------------------------------------ waiting */

void pressure_prepare_wait(struct thread *thread)
{
	thread->wait.is_for_clean = true;
	thread->wait.wakes = atomic_load(&wakes);
	atomic_thread_fence(memory_order_seq_cst);
}

void pressure_wait(struct thread *thread)
{
	spin_lock(&wait_lock);
	/* It counts before it looks; who wakes counts the wake-up before it looks for waiters. */
	atomic_fetch_add(&waiter_count, 1);
	if (atomic_load(&wakes) == thread->wait.wakes) {
		thread->state = THREAD_MEMORY;
		list_append(&waiting, &thread->queue_link);
		sched_block();
	} else {
		atomic_fetch_sub(&waiter_count, 1);
	}
	spin_unlock(&wait_lock);
}

void pressure_pages_freed(void)
{
	struct list *node;

	atomic_fetch_add(&wakes, 1);
	if (!atomic_load(&waiter_count))
		return;
	spin_lock(&wait_lock);
	while ((node = list_first(&waiting))) {
		struct thread *thread = container_of(node, struct thread, queue_link);

		list_remove(node);
		atomic_fetch_sub(&waiter_count, 1);
		thread->state = THREAD_ACTIVE;
		sched_ready(thread);
	}
	spin_unlock(&wait_lock);
}

void pressure_wake(void)
{
	atomic_store_explicit(&in_vain, 0, memory_order_relaxed);
	pressure_pages_freed();
}

bool pressure_cancel(struct thread *thread)
{
	bool is_taken = false;

	if (thread->state != THREAD_MEMORY)
		return false;
	spin_lock(&wait_lock);
	if (thread->state == THREAD_MEMORY) {
		list_remove(&thread->queue_link);
		atomic_fetch_sub(&waiter_count, 1);
		thread->state = THREAD_ACTIVE;
		is_taken = true;
	}
	spin_unlock(&wait_lock);
	return is_taken;
}
