/*
 * Memobjs: sparse arrays of pages. Here: anonymous ones (zero-filled on first touch, pages charged
 * to the account) and physical ones (device registers, contiguous memory, boot images).
 *
 * Lifetime: handles and regions hold references. A mapped page stays the memobj's; page table
 * entries hold no references, so pages leave a memobj only with its last reference.
 */
#ifndef KERNEL_MEMOBJ_H
#define KERNEL_MEMOBJ_H

#include "kernel/object.h"
#include "kernel/radix.h"
#include "kernel/spinlock.h"

enum memobj_kind { MEMOBJ_ANONYMOUS, MEMOBJ_DEVICE, MEMOBJ_CONTIGUOUS, MEMOBJ_BOOT };

struct memobj {
	struct object object;
	struct spinlock lock; /* LOCK_RANK_MEMOBJ: pages */
	enum memobj_kind kind;
	u32 order;               /* contiguous: of the block */
	u64 length;              /* bytes, a page multiple */
	paddr physical;          /* device, contiguous, boot: the first byte */
	struct radix_tree pages; /* anonymous: page index -> physical address */
	u64 pages_charged;
};

struct memobj *memobj_create_anonymous(struct account *account, u64 length) MUST_USE;
struct memobj *memobj_create_boot(struct account *account, paddr start, u64 length) MUST_USE;

/*
 * The physical page behind `offset`, allocated and zeroed if absent. 0 and *page; -ERANGE (past
 * the end), -ENOMEM (quota or memory). *is_device: map it uncached.
 */
int memobj_get_page(struct memobj *memobj, u64 offset, paddr *page) MUST_USE;

/* The same, but 0 when it is absent. `offset` is below the length. */
paddr memobj_find_page(struct memobj *memobj, u64 offset);

void memobj_destroy(struct object *object);

s64 sys_memobj_create(u64 account, u64 length);
s64 sys_memobj_create_physical(u64 account, u64 resource, u64 address, u64 length, u64 flags);
s64 sys_memobj_read(u64 memobj, u64 offset, u64 buffer, u64 length);
s64 sys_memobj_write(u64 memobj, u64 offset, u64 buffer, u64 length);
s64 sys_memobj_length(u64 memobj);
s64 sys_memobj_physical_address(u64 resource, u64 memobj);

#endif
