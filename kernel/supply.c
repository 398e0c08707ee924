/*
 * Answers to requests: pages are supplied by copying, by moving or as zeroes, or are refused.
 *
 * A page is taken if its word still is the one that the request put there. The frame is filled before
 * the memobj is locked, so a page that is not wanted any more costs a copy, and nothing else.
 */
#include "arch/page_table.h"
#include "kernel/account.h"
#include "kernel/hart.h"
#include "kernel/mapping.h"
#include "kernel/memobj_calls.h"
#include "kernel/memobj_pages.h"
#include "kernel/memory.h"
#include "kernel/page_alloc.h"
#include "kernel/pager.h"
#include "kernel/pressure.h"
#include "kernel/process.h"
#include "kernel/restart.h"
#include "kernel/thread.h"
#include "kernel/user_copy.h"
#include "tern/memobj.h"

/* Is there something at the index that the answer is for? The memobj's lock is held. */
static bool is_wanted(struct memobj *memobj, u64 id, u64 index)
{
	u64 word = radix_get(&memobj->pages, index);

	return id ? is_asked_by(word, id) : !word && index < pages_of(memobj->length);
}

void memobj_clear_beyond(struct memobj *memobj, u64 index, paddr page, u32 bytes)
{
	u64 inside = min_u64(memobj->length - (index << PAGE_SHIFT), bytes ? bytes : PAGE_SIZE);

	if (inside < PAGE_SIZE)
		memset((char *)phys_to_virt(page) + inside, 0, PAGE_SIZE - inside);
}

/* 1: the memobj has it; 0: it did not want it; -ENOMEM. The memobj's lock is held. */
static int enter_supplied(struct memobj *memobj, u64 id, u64 index, paddr page, u32 flags)
{
	int error;

	if (!is_wanted(memobj, id, index))
		return 0;
	memobj_clear_beyond(memobj, index, page, bytes_in_flight(radix_get(&memobj->pages, index)));
	error = memobj_enter_page(memobj, index, page, PAGE_CLEAN, flags);
	if (!error)
		memobj_wake(memobj, index, index, 0);
	return error ? error : 1;
}

/* ----------------------------------------------------------------------------- copied or zeroed */

static int supply_copied(struct memobj *memobj, u64 id, u64 index, uaddr source, u64 flags)
{
	paddr page;
	int result = 0;

	memobj_lock(memobj);
	result = is_wanted(memobj, id, index);
	memobj_unlock(memobj);
	if (!result)
		return 0;
	page = pressure_page_alloc(&result);
	if (!page)
		return -ENOMEM;
	if (flags)
		page_clear(phys_to_virt(page));
	else
		result = copy_from_user(arch_hart()->current->process, phys_to_virt(page), source,
					PAGE_SIZE);
	if (result >= 0) {
		memobj_lock(memobj);
		result = enter_supplied(memobj, id, index, page,
					flags & TERN_SUPPLY_HOLE ? PAGE_FLAG_HOLE : 0);
		memobj_unlock(memobj);
	}
	if (result <= 0)
		page_free(page, 0);
	return result;
}

/* The page that is resident at the index if it waits for this answer: to have backing, or not. */
static struct page *reserving_page(struct memobj *memobj, u64 id, u64 index)
{
	u64 word = radix_get(&memobj->pages, index);
	struct page *page;

	if (!word || word & MEMOBJ_IN_FLIGHT)
		return NULL;
	page = page_of(word);
	if (!(page->flags & PAGE_FLAG_HOLE))
		return NULL;
	return !id || (page->flags & PAGE_FLAG_RESERVING && page->request == (u32)id) ? page : NULL;
}

static int supply_reserved(struct memobj *memobj, u64 id, u64 index)
{
	struct page *page;

	memobj_lock(memobj);
	page = reserving_page(memobj, id, index);
	if (page) {
		page->flags &= (u8) ~(PAGE_FLAG_HOLE | PAGE_FLAG_RESERVING);
		memobj_wake(memobj, index, index, 0);
	}
	memobj_unlock(memobj);
	return page != NULL;
}

/* The result of a call that answers page by page, `taken` of them so far. */
static s64 answered(u64 taken, int error)
{
	if (taken)
		return (s64)taken;
	return error ? error : -ESRCH;
}

static bool is_page_range(u64 first, u64 count)
{
	return count && count <= TERN_SUPPLY_MAX && first < MEMOBJ_PAGES_MAX;
}

s64 sys_pager_supply(u64 handle, u64 id, u64 first, u64 count, u64 source, u64 flags, u64 taken)
{
	struct memobj *memobj;
	int result = memobj_resolve_paged(handle, &memobj);

	if (result)
		return result;
	if (!is_page_range(first, count) || flags & (flags - 1) || flags > TERN_SUPPLY_RESERVED)
		return -EINVAL;
	for (; count; count--, first++, source += PAGE_SIZE) {
		result = flags == TERN_SUPPLY_RESERVED
				 ? supply_reserved(memobj, id, first)
				 : supply_copied(memobj, id, first, UADDR(source), flags);
		if (result < 0)
			break;
		taken += (u64)result;
		if (count > 1 && syscall_is_late())
			return call_again((u64[]){ handle, id, first + 1, count - 1,
						   source + PAGE_SIZE, flags, taken });
	}
	return answered(taken, result);
}

/* --------------------------------------------------------------------------------------- moved */

/*
 * The frame of a source's page, which leaves it; a copy of it if somebody else holds it, or a device may
 * be working on it; zeroes where there is none. 0: no memory. The source's lock is held.
 */
static paddr take_source(struct memobj *source, u64 index)
{
	u64 word = radix_get(&source->pages, index);
	struct page_list free = { 0 };
	paddr page;
	int error;

	if (word && atomic_load(&page_of(word)->references) == 1 && !page_of(word)->pins) {
		mapping_unmap(source, index, index);
		atomic_store(&page_of(word)->references, 2); /* the second is ours */
		memobj_leave(source, index, &free);
		return word;
	}
	page = pressure_page_alloc(&error);
	if (!page)
		return 0;
	if (!word) {
		page_clear(phys_to_virt(page));
		return page;
	}
	page_copy(phys_to_virt(page), phys_to_virt(word));
	mapping_unmap(source, index, index);
	memobj_leave(source, index, &free);
	reclaim_page_list(&free);
	return page;
}

void memobj_lock_both(struct memobj *memobj, struct memobj *other)
{
	for (;;) {
		memobj_lock(memobj);
		if (spin_try_lock(&other->lock))
			return;
		memobj_unlock(memobj);
		arch_cpu_relax();
	}
}

static int supply_moved(struct memobj *memobj, u64 id, u64 index, struct memobj *source,
			u64 source_index)
{
	struct page_list free = { 0 };
	int result = 0;
	paddr page;

	memobj_lock_both(memobj, source);
	if (is_wanted(memobj, id, index)) {
		page = take_source(source, source_index);
		result = page ? enter_supplied(memobj, id, index, page, 0) : -ENOMEM;
		/* It may have been the source's, and somebody may look at it still. */
		if (page && result < 0)
			page_list_add(&free, page_of(page));
	}
	memobj_unlock(source);
	memobj_unlock(memobj);
	reclaim_page_list(&free);
	return result;
}

s64 sys_pager_move(u64 handle, u64 id, u64 first, u64 count, u64 source_handle, u64 source_first,
		   u64 taken)
{
	struct memobj *memobj, *source;
	int result = memobj_resolve_paged(handle, &memobj);

	if (!result)
		result = memobj_resolve(source_handle, TERN_RIGHT_WRITE, &source);
	if (result)
		return result;
	if (!is_page_range(first, count) || source_first >= MEMOBJ_PAGES_MAX ||
	    source->kind != MEMOBJ_ANONYMOUS)
		return -EINVAL;
	for (; count; count--, first++, source_first++) {
		result = supply_moved(memobj, id, first, source, source_first);
		if (result < 0)
			break;
		taken += (u64)result;
		if (count > 1 && syscall_is_late())
			return call_again((u64[]){ handle, id, first + 1, count - 1, source_handle,
						   source_first + 1, taken });
	}
	return answered(taken, result);
}

/* ------------------------------------------------------------------------------------- refused */

static int fail_one(struct memobj *memobj, u64 id, u64 index, int error)
{
	u64 word = radix_get(&memobj->pages, index);
	struct page *page;

	if (word & MEMOBJ_IN_FLIGHT && (!id || is_asked_by(word, id))) {
		radix_remove(&memobj->pages, index);
	} else {
		page = reserving_page(memobj, id, index);
		if (!page || !(page->flags & PAGE_FLAG_RESERVING))
			return 0;
		page->flags &= (u8)~PAGE_FLAG_RESERVING;
	}
	memobj_wake(memobj, index, index, error);
	return 1;
}

s64 sys_pager_fail(u64 handle, u64 id, u64 first, u64 count, u64 error)
{
	struct memobj *memobj;
	u64 failed = 0;
	int result = memobj_resolve_paged(handle, &memobj);

	if (result)
		return result;
	if (!is_page_range(first, count) || (error != EIO && error != ENOSPC && error != ENOMEM))
		return -EINVAL;
	memobj_lock(memobj);
	for (u64 i = 0; i < count; i++)
		failed += (u64)fail_one(memobj, id, first + i, -(int)error);
	memobj_unlock(memobj);
	return answered(failed, 0);
}
