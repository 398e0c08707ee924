/*
 * Clones of anonymous memobjs: both hold the same frames, counted, until one of them is written to.
 * The handle exists from the start and the pages follow, so that an interrupted call can be made again:
 * what it has reached so far is in its registers.
 */
#include "kernel/account.h"
#include "kernel/hart.h"
#include "kernel/mapping.h"
#include "kernel/memobj_calls.h"
#include "kernel/memobj_pages.h"
#include "kernel/process.h"
#include "kernel/restart.h"
#include "kernel/thread.h"
#include "kernel/user_copy.h"

#define CLONE_WINDOW 32

/* Both are locked. */
static int share_page(struct memobj *clone, u64 index, paddr page)
{
	int error;

	if (radix_get(&clone->pages, index))
		return 0;
	if (!clone->pages.account || !account_charge(clone->pages.account, PAGE_SIZE))
		return -ENOMEM;
	error = radix_set(&clone->pages, index, page);
	if (error) {
		account_uncharge(clone->pages.account, PAGE_SIZE);
		return error;
	}
	atomic_fetch_add_explicit(&page_of(page)->references, 1, memory_order_relaxed);
	clone->resident++;
	return 0;
}

/* Pages of one window from *index on, which moves behind it, or to DROP_DONE. */
static int share_window(struct memobj *clone, struct memobj *memobj, u64 *index)
{
	u64 first = *index, at = *index, end, word;
	int error = 0;

	memobj_lock_both(clone, memobj);
	*index = DROP_DONE;
	if (radix_next(&memobj->pages, &first, &word)) {
		at = first;
		end = first | (CLONE_WINDOW - 1);
		mapping_write_protect(memobj, first, end);
		for (; !error && radix_next(&memobj->pages, &at, &word) && at <= end; at++)
			error = share_page(clone, at, word);
		*index = end + 1;
	}
	memobj_unlock(memobj);
	memobj_unlock(clone);
	return error;
}

static s64 clone_create(u64 account_handle, struct memobj *memobj)
{
	struct account *account;
	struct memobj *clone;
	s64 result = account_resolve((s64)account_handle, &account);

	if (result)
		return result;
	clone = memobj_create_anonymous(account, memobj->length);
	if (!clone)
		return -ENOMEM;
	clone->limit = memobj->limit;
	return memobj_insert(clone);
}

s64 sys_memobj_clone(u64 account, u64 handle, u64 clone_handle, u64 index)
{
	struct memobj *memobj, *clone;
	s64 result = memobj_resolve(handle, TERN_RIGHT_READ, &memobj);

	if (result)
		return result;
	if (memobj->kind != MEMOBJ_ANONYMOUS)
		return -EINVAL;
	if (!clone_handle) {
		result = clone_create(account, memobj);
		if (result < 0)
			return result;
		clone_handle = (u64)result;
	}
	result = memobj_resolve(clone_handle, TERN_RIGHT_OWNER | TERN_RIGHT_WRITE, &clone);
	if (result)
		return result;
	if (clone->kind != MEMOBJ_ANONYMOUS || clone == memobj)
		return -EINVAL;
	while (!result && index < MEMOBJ_PAGES_MAX) {
		result = share_window(clone, memobj, &index);
		if (!result && index < MEMOBJ_PAGES_MAX && syscall_is_late())
			return call_again((u64[]){ account, handle, clone_handle, index, 0, 0, 0 });
	}
	if (!result)
		return (s64)clone_handle;
	if (handle_remove(arch_hart()->current->process, (s64)clone_handle))
		object_put(&clone->object);
	return result;
}
