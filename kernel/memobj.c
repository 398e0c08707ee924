/* Memobjs: anonymous memory and physical ranges. */
#include "kernel/memobj.h"

#include "arch/page_table.h"
#include "kernel/account.h"
#include "kernel/boot.h"
#include "kernel/debug.h"
#include "kernel/hart.h"
#include "kernel/object_alloc.h"
#include "kernel/page_alloc.h"
#include "kernel/process.h"
#include "kernel/reclaim.h"
#include "kernel/resource.h"
#include "kernel/thread.h"
#include "tern/memory.h"

#define LENGTH_MAX (1ul << 46)
#define CONTIGUOUS_ORDER_MAX 10 /* zeroed at once: interrupts wait for it */
#define FREE_BATCH 256
#define MEMOBJ_RIGHTS (TERN_RIGHTS_ALL & ~(TERN_RIGHT_CALL | TERN_RIGHT_NO_INHERIT))

static struct memobj *memobj_of(struct object *object)
{
	return container_of(object, struct memobj, object);
}

static struct memobj *memobj_create(struct account *account, enum memobj_kind kind, u64 length)
{
	struct object *object = object_create(account, TERN_TYPE_MEMOBJ);
	struct memobj *memobj;

	if (!object)
		return NULL;
	memobj = memobj_of(object);
	spin_init(&memobj->lock, LOCK_RANK_MEMOBJ);
	memobj->kind = kind;
	memobj->length = length;
	radix_init(&memobj->pages);
	return memobj;
}

struct memobj *memobj_create_anonymous(struct account *account, u64 length)
{
	return memobj_create(account, MEMOBJ_ANONYMOUS, round_up(length, PAGE_SIZE));
}

struct memobj *memobj_create_boot(struct account *account, paddr start, u64 length)
{
	struct memobj *memobj = memobj_create(account, MEMOBJ_BOOT, round_up(length, PAGE_SIZE));

	if (memobj)
		memobj->physical = start;
	return memobj;
}

static bool charge_page(struct memobj *memobj)
{
	if (!account_charge(memobj->object.account, PAGE_SIZE))
		return false;
	memobj->pages_charged++;
	return true;
}

static void uncharge_page(struct memobj *memobj)
{
	account_uncharge(memobj->object.account, PAGE_SIZE);
	memobj->pages_charged--;
}

/* The memobj's lock is held. */
static int fill_page(struct memobj *memobj, u64 index, paddr *page)
{
	if (!charge_page(memobj))
		return -ENOMEM;
	*page = page_alloc_zeroed(0);
	if (*page && !radix_set(&memobj->pages, index, *page))
		return 0;
	if (*page)
		page_free(*page, 0);
	uncharge_page(memobj);
	return -ENOMEM;
}

paddr memobj_find_page(struct memobj *memobj, u64 offset)
{
	paddr page;

	if (memobj->kind != MEMOBJ_ANONYMOUS)
		return memobj->physical + (offset & ~(PAGE_SIZE - 1));
	spin_lock(&memobj->lock);
	page = radix_get(&memobj->pages, offset >> PAGE_SHIFT);
	spin_unlock(&memobj->lock);
	return page;
}

int memobj_get_page(struct memobj *memobj, u64 offset, paddr *page)
{
	int error = 0;

	if (offset >= memobj->length)
		return -ERANGE;
	if (memobj->kind != MEMOBJ_ANONYMOUS) {
		*page = memobj->physical + (offset & ~(PAGE_SIZE - 1));
		return 0;
	}
	spin_lock(&memobj->lock);
	*page = radix_get(&memobj->pages, offset >> PAGE_SHIFT);
	if (!*page)
		error = fill_page(memobj, offset >> PAGE_SHIFT, page);
	spin_unlock(&memobj->lock);
	return error;
}

/* Pages go in batches, one per grace period, so that no exit from the kernel takes long. */
static void memobj_release_pages(struct reclaim_node *node)
{
	struct object *object = container_of(node, struct object, reclaim);
	struct memobj *memobj = memobj_of(object);
	u64 index = 0, page;

	for (u32 i = 0; i < FREE_BATCH && radix_next(&memobj->pages, &index, &page); i++) {
		radix_remove(&memobj->pages, index);
		page_free(page, 0);
	}
	index = 0;
	if (radix_next(&memobj->pages, &index, &page)) {
		reclaim_defer(node, memobj_release_pages);
		return;
	}
	kernel_free(memobj, sizeof(*memobj));
}

/*
 * Other harts may be copying from its pages through the direct map: they are freed after a grace
 * period, in batches. The account has its money back at once.
 */
void memobj_destroy(struct object *object)
{
	struct memobj *memobj = memobj_of(object);

	account_uncharge(object->account, memobj->pages_charged * PAGE_SIZE);
	if (memobj->kind == MEMOBJ_CONTIGUOUS)
		reclaim_pages(memobj->physical, memobj->order);
	if (memobj->kind == MEMOBJ_ANONYMOUS)
		object_free_with(object, memobj_release_pages);
	else
		object_free(object);
}

/* ---------------------------------------------------------------------------- system calls */

static s64 memobj_insert(struct memobj *memobj)
{
	s64 result;

	if (!memobj)
		return -ENOMEM;
	result = handle_insert(arch_hart()->current->process, &memobj->object, MEMOBJ_RIGHTS);
	if (result < 0)
		object_put(&memobj->object);
	return result;
}

s64 sys_memobj_create(u64 account_handle, u64 length)
{
	struct account *account;
	s64 result = account_resolve((s64)account_handle, &account);

	if (result)
		return result;
	if (!length || length > LENGTH_MAX)
		return -EINVAL;
	return memobj_insert(memobj_create_anonymous(account, length));
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
	if (memobj) {
		memobj->order = order;
		memobj->pages_charged = 1ul << order;
		memobj->physical = page_alloc_zeroed(order);
	} else {
		account_uncharge(account, bytes);
	}
	if (memobj && !memobj->physical) {
		memobj->kind = MEMOBJ_BOOT; /* nothing to free */
		object_put(&memobj->object);
		memobj = NULL;
	}
	return memobj_insert(memobj);
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
	if (!length || length > LENGTH_MAX || (address | length) & (PAGE_SIZE - 1))
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

s64 sys_memobj_physical_address(u64 resource, u64 handle)
{
	struct object *object;
	struct memobj *memobj;
	int error = resource_check((s64)resource);

	if (!error)
		error = handle_resolve(arch_hart()->current->process, (s64)handle, TERN_TYPE_MEMOBJ,
				       0, &object);
	if (error)
		return error;
	memobj = memobj_of(object);
	return memobj->kind == MEMOBJ_ANONYMOUS ? -EINVAL : (s64)memobj->physical;
}
