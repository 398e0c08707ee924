/*
 * Dirty pages, see writeback.h.
 *
 * clean -> dirty -> writing -> clean, and writing -> redirtied -> dirty for pages that are written to
 * while their write-back is under way. Mappings let a page be written to only while it is dirty, so the
 * first write after clean_begin comes here.
 */
#include "kernel/writeback.h"

#include "kernel/account.h"
#include "kernel/hart.h"
#include "kernel/ipc.h"
#include "kernel/mapping.h"
#include "kernel/memobj_calls.h"
#include "kernel/memobj_pages.h"
#include "kernel/page_alloc.h"
#include "kernel/pager.h"
#include "kernel/pressure.h"
#include "kernel/process.h"
#include "kernel/restart.h"
#include "kernel/thread.h"
#include "kernel/user_copy.h"
#include "tern/memobj.h"

/* A pager is told to clean each time that so many more pages are dirty. */
#define TELL_INTERVAL 64
#define FIND_BATCH 32 /* pages to look at before interrupts are */

static _Atomic u64 dirty_total;

/* A quarter of the memory may be dirty, and half of that for one account. */
static u64 dirty_limit(void)
{
	return page_count_total() / 4;
}

static bool is_over(u64 total, u64 of_account, u64 limit)
{
	return total >= limit || of_account >= limit / 2;
}

int writeback_room(struct memobj *memobj)
{
	struct thread *thread = arch_hart()->current;
	struct account *account = memobj->object.account;

	if (memobj->pager->is_dead)
		return -EIO;
	if (thread->process->object.account->is_pager ||
	    !is_over(atomic_load_explicit(&dirty_total, memory_order_relaxed),
		     atomic_load_explicit(&account->dirty, memory_order_relaxed), dirty_limit()))
		return 0;
	port_notify(memobj->pager->port, TERN_PAGER_CLEAN);
	pressure_prepare_wait(thread);
	/* Once more, now that a wake-up would not be missed. */
	return is_over(atomic_load(&dirty_total), atomic_load(&account->dirty), dirty_limit())
		       ? -EAGAIN
		       : 0;
}

void writeback_enter(struct memobj *memobj, struct page *page)
{
	struct account *account = memobj->object.account;
	u64 total = atomic_fetch_add_explicit(&dirty_total, 1, memory_order_relaxed);
	u64 of_account = atomic_fetch_add_explicit(&account->dirty, 1, memory_order_relaxed);

	page->state = PAGE_DIRTY;
	memobj->pager->dirty++;
	memobj->modified = arch_ticks();
	if (!(memobj->pager->dirty % TELL_INTERVAL) &&
	    is_over(total, of_account, dirty_limit() / 2))
		port_notify(memobj->pager->port, TERN_PAGER_CLEAN);
}

static void leave(struct memobj *memobj)
{
	atomic_fetch_sub(&dirty_total, 1);
	atomic_fetch_sub(&memobj->object.account->dirty, 1);
	memobj->pager->dirty--;
}

static bool is_dirty(const struct page *page)
{
	return page->state == PAGE_DIRTY || page->state == PAGE_WRITING ||
	       page->state == PAGE_REDIRTIED;
}

int writeback_dirty(struct memobj *memobj, struct page *page)
{
	int error = page->flags & PAGE_FLAG_HOLE ? pager_request_reserve(memobj, page) : 0;

	if (!error && page->state == PAGE_CLEAN) {
		error = writeback_room(memobj);
		if (!error)
			writeback_enter(memobj, page);
	} else if (!error && page->state == PAGE_WRITING) {
		page->state = PAGE_REDIRTIED;
		memobj->modified = arch_ticks();
	}
	return error;
}

void writeback_forget(struct memobj *memobj, struct page *page)
{
	if (!is_dirty(page))
		return;
	leave(memobj);
	pressure_wake();
}

/* ------------------------------------------------------------------------------- writing back */

/* The dirty page at an index, or NULL. */
static struct page *dirty_page(struct memobj *memobj, u64 index)
{
	u64 word = radix_get(&memobj->pages, index);

	if (!word || word & MEMOBJ_IN_FLIGHT || page_of(word)->state != PAGE_DIRTY)
		return NULL;
	return page_of(word);
}

/* The first run of dirty pages in [*from, end), or none among the next pages: *from moves behind what
 * has been looked at. The memobj's lock is held. */
static struct tern_page_run find_run(struct memobj *memobj, u64 *from, u64 end)
{
	struct tern_page_run run = { end, 0 };
	u64 word;

	for (u32 i = 0; i < FIND_BATCH && *from < end; i++, ++*from) {
		if (!radix_next(&memobj->pages, from, &word)) {
			*from = end;
			break;
		}
		if (*from < end && dirty_page(memobj, *from)) {
			run.first = *from;
			break;
		}
	}
	while (run.count < TERN_SUPPLY_MAX && run.first + run.count < end &&
	       dirty_page(memobj, run.first + run.count))
		run.count++;
	return run;
}

static void begin_run(struct memobj *memobj, const struct tern_page_run *run)
{
	for (u64 i = 0; i < run->count; i++)
		dirty_page(memobj, run->first + i)->state = PAGE_WRITING;
	mapping_write_protect(memobj, run->first, run->first + run->count - 1);
}

/* As if the write-back had been begun and had failed, without an error. */
static void end_page(struct memobj *memobj, struct page *page, bool is_failed)
{
	if (is_failed || page->state == PAGE_REDIRTIED) {
		page->state = PAGE_DIRTY;
		return;
	}
	page->state = PAGE_CLEAN;
	leave(memobj);
}

s64 sys_memobj_clean_begin(u64 handle, u64 first, u64 count, u64 to)
{
	struct tern_page_run run;
	struct memobj *memobj;
	u64 end;
	int error = memobj_resolve_paged(handle, &memobj);

	if (!error)
		error = copy_to_user(arch_hart()->current->process, UADDR(to),
				     &(struct tern_page_run){ first, 0 }, sizeof(run));
	if (error)
		return error;
	if (first >= MEMOBJ_PAGES_MAX)
		return -EINVAL;
	end = first + min_u64(count, MEMOBJ_PAGES_MAX - first);
	do {
		memobj_lock(memobj);
		run = find_run(memobj, &first, end);
		if (run.count)
			begin_run(memobj, &run);
		memobj_unlock(memobj);
	} while (!run.count && first < end && !syscall_is_late());
	if (!run.count && first < end)
		return call_again((u64[]){ handle, first, end - first, to, 0, 0, 0 });
	error = copy_to_user(arch_hart()->current->process, UADDR(to), &run, sizeof(run));
	if (error)
		sys_memobj_clean_end(handle, run.first, run.count, EAGAIN);
	return error ? error : (s64)run.count;
}

s64 sys_memobj_clean_end(u64 handle, u64 first, u64 count, u64 error)
{
	struct memobj *memobj;
	s64 ended = 0;
	int result = memobj_resolve_paged(handle, &memobj);

	if (result)
		return result;
	if (count > TERN_SUPPLY_MAX || first >= MEMOBJ_PAGES_MAX || error > UINT8_MAX)
		return -EINVAL;
	memobj_lock(memobj);
	for (u64 i = 0; i < count; i++) {
		u64 word = radix_get(&memobj->pages, first + i);
		struct page *page = page_of(word);

		if (!word || word & MEMOBJ_IN_FLIGHT ||
		    (page->state != PAGE_WRITING && page->state != PAGE_REDIRTIED))
			continue;
		end_page(memobj, page, error);
		ended++;
	}
	if (error && error != EAGAIN)
		memobj->error = (u8)error;
	memobj_unlock(memobj);
	pressure_wake();
	return ended;
}
