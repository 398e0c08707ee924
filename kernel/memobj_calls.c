/* System calls that make memobjs, ask about them, and change their extent. */
#include "kernel/memobj_calls.h"

#include "kernel/account.h"
#include "kernel/boot.h"
#include "kernel/device.h"
#include "kernel/hart.h"
#include "kernel/ipc.h"
#include "kernel/memobj_pages.h"
#include "kernel/page_alloc.h"
#include "kernel/pager.h"
#include "kernel/process.h"
#include "kernel/resource.h"
#include "kernel/restart.h"
#include "kernel/thread.h"
#include "kernel/user_copy.h"
#include "tern/memobj.h"

#define CONTIGUOUS_ORDER_MAX 10 /* zeroed at once: interrupts wait for it */

_Static_assert(MEMOBJ_LENGTH_MAX == TERN_MEMOBJ_LENGTH_MAX, "what user space is told");
_Static_assert(sizeof(struct memobj) <= 256, "a memobj of one page costs no more");

int memobj_resolve(u64 handle, u32 rights, struct memobj **memobj)
{
	struct object *object;
	int error = handle_resolve(arch_hart()->current->process, (s64)handle, TERN_TYPE_MEMOBJ,
				   rights, &object);

	if (!error)
		*memobj = memobj_of(object);
	return error;
}

int memobj_resolve_paged(u64 handle, struct memobj **memobj)
{
	int error = memobj_resolve(handle, TERN_RIGHT_OWNER, memobj);

	return !error && (*memobj)->kind != MEMOBJ_PAGED ? -EINVAL : error;
}

/* -------------------------------------------------------------------------------------- making */

s64 memobj_insert(struct memobj *memobj)
{
	return memobj ? handle_insert_new(&memobj->object, OBJECT_RIGHTS) : -ENOMEM;
}

s64 sys_memobj_create(u64 account_handle, u64 length)
{
	struct account *account;
	s64 result = account_resolve((s64)account_handle, &account);

	if (result)
		return result;
	if (length > MEMOBJ_LENGTH_MAX)
		return -EINVAL;
	return memobj_insert(memobj_create_anonymous(account, length));
}

s64 sys_memobj_create_paged(u64 account_handle, u64 port_handle, u64 length, u64 flags)
{
	struct account *account;
	struct memobj *memobj;
	struct object *port;
	s64 result = account_resolve((s64)account_handle, &account);

	if (!result)
		result = handle_resolve(arch_hart()->current->process, (s64)port_handle,
					TERN_TYPE_PORT, TERN_RIGHT_NOTIFY, &port);
	if (result)
		return result;
	if (length > MEMOBJ_LENGTH_MAX || flags)
		return -EINVAL;
	if (!object_get_live(port))
		return -EBADF;
	memobj = memobj_create(account, MEMOBJ_PAGED, length);
	if (!memobj)
		result = -ENOMEM;
	else if ((result = pager_attach(memobj, port_of(port))))
		object_put(&memobj->object);
	object_put(port);
	return result ? result : memobj_insert(memobj);
}

static s64 create_contiguous(struct account *account, u64 length)
{
	unsigned int order = 0;
	struct memobj *memobj;
	u64 bytes;

	while (order < CONTIGUOUS_ORDER_MAX && (PAGE_SIZE << order) < length)
		order++;
	bytes = PAGE_SIZE << order;
	if (bytes < length)
		return -EINVAL;
	if (!account_charge(account, bytes))
		return -ENOMEM;
	memobj = memobj_create(account, MEMOBJ_CONTIGUOUS, bytes);
	if (!memobj) {
		account_uncharge(account, bytes);
		return -ENOMEM;
	}
	memobj->order = (u8)order;
	memobj->resident = 1u << order;
	memobj->physical = page_alloc_zeroed(order);
	if (memobj->physical)
		return memobj_insert(memobj);
	memobj->kind = MEMOBJ_BOOT; /* nothing to free */
	object_put(&memobj->object);
	return -ENOMEM;
}

s64 sys_memobj_create_physical(u64 account_handle, u64 resource, u64 address, u64 length, u64 flags)
{
	struct account *account;
	struct memobj *memobj;
	s64 result = account_resolve((s64)account_handle, &account);

	if (!result)
		result = resource_check((s64)resource);
	if (result)
		return result;
	if (!length || length > MEMOBJ_LENGTH_MAX || (address | length) & (PAGE_SIZE - 1))
		return -EINVAL;
	if (flags == TERN_PHYSICAL_CONTIGUOUS)
		return address ? -EINVAL : create_contiguous(account, length);
	if (flags != TERN_PHYSICAL_DEVICE)
		return -EINVAL;
	if (!machine_is_device_range(address, length))
		return -ENODEV;
	memobj = memobj_create(account, MEMOBJ_DEVICE, length);
	if (memobj)
		memobj->physical = address;
	return memobj_insert(memobj);
}

s64 sys_memobj_physical_address(u64 device_handle, u64 handle)
{
	struct memobj *memobj;
	struct device *device;
	int error = device_resolve((s64)device_handle, &device);

	if (!error)
		error = memobj_resolve(handle, 0, &memobj);
	if (error)
		return error;
	return memobj->kind == MEMOBJ_CONTIGUOUS ? (s64)memobj->physical : -EINVAL;
}

/* ----------------------------------------------------------------------------- asking, setting */

/* The error of a failed write-back, for one who may forget it. */
static s64 take_error(struct memobj *memobj, u64 handle)
{
	s64 error;

	if (!(handle_rights((s64)handle) & TERN_RIGHT_OWNER))
		return -EPERM;
	memobj_lock(memobj);
	error = memobj->error;
	memobj->error = 0;
	memobj_unlock(memobj);
	return error;
}

s64 sys_memobj_info(u64 handle, u64 query)
{
	struct memobj *memobj;
	int error = memobj_resolve(handle, 0, &memobj);

	if (error)
		return error;
	switch (query) {
	case TERN_MEMOBJ_LENGTH:
		return (s64)memobj->length;
	case TERN_MEMOBJ_LIMIT:
		return (s64)memobj->limit;
	case TERN_MEMOBJ_RESIDENT:
		return memobj->resident;
	case TERN_MEMOBJ_DIRTY:
		return memobj->pager ? memobj->pager->dirty : 0;
	case TERN_MEMOBJ_MODIFIED:
		return (s64)arch_time_of(memobj->modified);
	case TERN_MEMOBJ_ERROR:
		return take_error(memobj, handle);
	default:
		return -EINVAL;
	}
}

/* One step. -EAGAIN: there is more to do, and *has_dropped tells whether trying again at once helps. */
static int set_length_step(struct memobj *memobj, u64 length, bool is_cut, bool *has_dropped)
{
	u32 before;
	int error = 0;

	memobj_lock(memobj);
	before = memobj->resident;
	/* Another call may have extended it since: what this one was to cut off has gone then. */
	if (!is_cut || memobj->length <= length)
		error = memobj_resize_locked(memobj, length);
	if (!error || error == -EAGAIN)
		memobj->limit = max_u64(memobj->limit, length);
	*has_dropped = memobj->resident < before;
	memobj_unlock(memobj);
	return error;
}

s64 sys_memobj_set_length(u64 handle, u64 length, u64 is_cut)
{
	struct memobj *memobj;
	bool has_dropped;
	int error = memobj_resolve(handle, TERN_RIGHT_OWNER, &memobj);

	if (error)
		return error;
	if (length > MEMOBJ_LENGTH_MAX || memobj->kind > MEMOBJ_PAGED || is_cut > 1)
		return -EINVAL;
	do {
		error = set_length_step(memobj, length, is_cut, &has_dropped);
		is_cut = true;
	} while (error == -EAGAIN && has_dropped && !syscall_is_late());
	if (error == -EAGAIN)
		return call_again((u64[]){ handle, length, 1, 0, 0, 0, 0 });
	return error;
}

s64 sys_memobj_set_limit(u64 handle, u64 limit)
{
	struct memobj *memobj;
	int error = memobj_resolve(handle, TERN_RIGHT_OWNER, &memobj);

	if (error)
		return error;
	memobj_lock(memobj);
	if (limit < memobj->length || limit > MEMOBJ_LENGTH_MAX || memobj->kind > MEMOBJ_PAGED)
		error = -EINVAL;
	else
		memobj->limit = limit;
	memobj_unlock(memobj);
	return error;
}

s64 sys_memobj_set_modified(u64 handle, u64 nanoseconds)
{
	struct memobj *memobj;
	int error = memobj_resolve(handle, TERN_RIGHT_OWNER, &memobj);

	if (!error)
		memobj->modified = arch_ticks_of(nanoseconds);
	return error;
}

/* What is at an index, in the bits that memobj_query tells. The memobj's lock is held. */
static u8 page_state(struct memobj *memobj, u64 index)
{
	static const u8 states[] = {
		[PAGE_CLEAN] = TERN_PAGE_RESIDENT,
		[PAGE_DIRTY] = TERN_PAGE_RESIDENT | TERN_PAGE_DIRTY,
		[PAGE_WRITING] = TERN_PAGE_RESIDENT | TERN_PAGE_WRITING,
		[PAGE_REDIRTIED] = TERN_PAGE_RESIDENT | TERN_PAGE_WRITING | TERN_PAGE_DIRTY,
		[PAGE_PREPARED] = TERN_PAGE_IN_FLIGHT,
	};
	u64 word = radix_get(&memobj->pages, index);
	const struct page *page;

	if (!word || word & MEMOBJ_IN_FLIGHT)
		return word ? TERN_PAGE_IN_FLIGHT : 0;
	if (memobj->kind == MEMOBJ_ANONYMOUS)
		return TERN_PAGE_RESIDENT | TERN_PAGE_DIRTY;
	page = page_of(word);
	return states[page->state] | (page->flags & PAGE_FLAG_HOLE ? TERN_PAGE_HOLE : 0) |
	       (page->flags & PAGE_FLAG_ACCESSED ? TERN_PAGE_ACCESSED : 0);
}

s64 sys_memobj_query(u64 handle, u64 first, u64 count, u64 states)
{
	u8 buffer[256];
	struct memobj *memobj;
	int error = memobj_resolve(handle, TERN_RIGHT_OWNER, &memobj);

	if (error)
		return error;
	if (count > TERN_QUERY_MAX || first > MEMOBJ_PAGES_MAX || memobj->kind > MEMOBJ_PAGED)
		return -EINVAL;
	while (count && !error) {
		u64 step = min_u64(count, sizeof(buffer));

		memobj_lock(memobj);
		for (u64 i = 0; i < step; i++)
			buffer[i] = page_state(memobj, first + i);
		memobj_unlock(memobj);
		error = copy_to_user(arch_hart()->current->process, UADDR(states), buffer, step);
		first += step;
		states += step;
		count -= step;
		if (count && !error && syscall_is_late())
			return call_again((u64[]){ handle, first, count, states, 0, 0, 0 });
	}
	return error;
}

/* ------------------------------------------------------------------------------ giving pages up */

static s64 drop_range(struct memobj *memobj, u64 handle, u64 first, u64 count, u64 dropped,
		      enum drop_kind kind)
{
	u64 last;

	if (!count || first >= MEMOBJ_PAGES_MAX)
		return count ? -EINVAL : 0;
	last = first + min_u64(count, MEMOBJ_PAGES_MAX - first) - 1;
	while (first != DROP_DONE) {
		struct page_list free = { 0 };
		u32 before;

		memobj_lock(memobj);
		before = memobj->resident;
		first = memobj_drop_pages(memobj, first, last, kind, &free);
		dropped += before - memobj->resident;
		memobj_unlock(memobj);
		reclaim_page_list(&free);
		if (first != DROP_DONE && syscall_is_late())
			return call_again(
				(u64[]){ handle, first, last - first + 1, dropped, 0, 0, 0 });
	}
	return (s64)dropped;
}

s64 sys_memobj_evict(u64 handle, u64 first, u64 count, u64 dropped)
{
	struct memobj *memobj;
	int error = memobj_resolve_paged(handle, &memobj);

	return error ? error : drop_range(memobj, handle, first, count, dropped, DROP_CLEAN);
}

s64 sys_memobj_punch(u64 handle, u64 first, u64 count, u64 dropped)
{
	struct memobj *memobj;
	int error = memobj_resolve(handle, TERN_RIGHT_OWNER, &memobj);

	if (error)
		return error;
	if (memobj->kind > MEMOBJ_PAGED)
		return -EINVAL;
	return drop_range(memobj, handle, first, count, dropped, DROP_ALL);
}
