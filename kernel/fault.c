/*
 * Page faults: what makes a page present.
 *
 * A memobj's page is entered for writing only when it is dirty already, so a first write comes here
 * and no hardware dirty bit is needed. A private region shows the memobj's pages read-only until
 * one is written, or has zeroed pages of its own from the start; from then on the page table entry
 * alone holds the private page. It is copied at a write while other entries hold it too.
 *
 * Quota is charged by entry, so a copy never fails for it.
 */
#include "kernel/account.h"
#include "kernel/address_space.h"
#include "kernel/debug.h"
#include "kernel/hart.h"
#include "kernel/large_page.h"
#include "kernel/memobj.h"
#include "kernel/page_alloc.h"
#include "kernel/pressure.h"
#include "kernel/process.h"
#include "kernel/region_pager.h"
#include "kernel/sched.h"
#include "kernel/thread.h"
#include "tern/memory.h"

static const u32 access_protection[] = {
	[ACCESS_READ] = TERN_MAP_READ,
	[ACCESS_WRITE] = TERN_MAP_WRITE,
	[ACCESS_EXECUTE] = TERN_MAP_EXECUTE,
};

/* One fault on its way; the space's lock is held. */
struct fault {
	struct process *process;
	struct region *region;
	u64 address; /* of the page */
	u32 needed;  /* protection bit */
	pte *place;
	struct memobj *missing; /* -EAGAIN: locked still, so that no wake-up is lost ... */
	u64 missing_index;      /* ... of this page; NULL: what is missing is memory */
	bool wants_large;       /* there is time to clear a block */
	paddr block;            /* which is clear, and nobody's yet; 0: none */
};

#define AROUND 16ul /* pages: a row of them, by their index in the memobj */

/* No error: 2 MiB at once will not do; or they would, with a block: again, without locks in between. */
#define FAULT_SMALL (-514)
#define FAULT_NEEDS_BLOCK (-515)

static u64 page_index(const struct fault *fault)
{
	const struct region *region = fault->region;

	return (region->offset + (fault->address - region->start)) >> PAGE_SHIFT;
}

static u32 protection_of(const struct fault *fault)
{
	return fault->region->flags & MAP_PROTECTION;
}

/* Others of the process may have the old entry in their TLBs: before they are shot down nobody goes
 * on, and the old page is not given up. */
static void replace_entry(struct fault *fault, pte entry)
{
	pte old = pte_read(fault->place);

	pte_write(fault->place, entry);
	if (pte_is_valid(old))
		tlb_shootdown(fault->process, fault->address, fault->address + PAGE_SIZE);
}

/* A new private page in the entry. `from` NULL: zeroed. */
static int enter_private(struct fault *fault, const void *from)
{
	struct account *account = fault->process->object.account;
	bool is_new = !pte_is_anonymous(pte_read(fault->place));
	int error;
	paddr page;

	if (is_new && !account_charge(account, PAGE_SIZE))
		return -ENOMEM;
	page = pressure_page_alloc(&error);
	if (!page) {
		if (is_new)
			account_uncharge(account, PAGE_SIZE);
		return error;
	}
	if (from)
		page_copy(phys_to_virt(page), from);
	else
		page_clear(phys_to_virt(page));
	atomic_store_explicit(&page_of(page)->references, 1, memory_order_relaxed);
	fault->process->space.anonymous_pages += is_new;
	replace_entry(fault, pte_make(page, protection_of(fault) | MAP_ANONYMOUS));
	return 0;
}

/* The entry holds a private page, which the access may need a copy of. */
static int fault_private(struct fault *fault, pte entry)
{
	paddr old = pte_page(entry);
	struct page *page = page_of(old);
	bool is_shared = atomic_load_explicit(&page->references, memory_order_acquire) > 1;
	struct page_list free = { 0 };
	int error;

	if (!is_shared || fault->needed != TERN_MAP_WRITE) {
		u32 protection = protection_of(fault) & ~(is_shared ? TERN_MAP_WRITE : 0u);

		pte_write(fault->place, pte_make(old, protection | MAP_ANONYMOUS));
		return 0;
	}
	error = enter_private(fault, phys_to_virt(old));
	if (!error)
		page_put(page, &free);
	reclaim_page_list(&free);
	return error;
}

/*
 * Pages beside the one that was asked for are entered with it if they are there: what reads or runs one
 * of them is mostly there for the others too, and an entry costs a twentieth of a fault. They do not
 * count as used before they are. Only where nothing can be written: to replace an entry later other
 * harts have to be told, to make a new one they have not.
 */
static NOINLINE void enter_around(struct fault *fault)
{
	const struct region *region = fault->region;
	const struct memobj *memobj = region->memobj;
	const struct radix_node *row;
	u64 index = page_index(fault), slot = fault->address >> PAGE_SHIFT & (LARGE_PAGES - 1);
	u64 low = max_u64(index & ~(AROUND - 1), region->offset >> PAGE_SHIFT);
	u64 high = min_u64(index | (AROUND - 1), (memobj->length - 1) >> PAGE_SHIFT);

	row = memobj->kind <= MEMOBJ_PAGED ? radix_row(&memobj->pages, index) : NULL;
	/* In the region, and in one table. */
	low = max_u64(low, index - min_u64(index, slot));
	high = min_u64(high, index + LARGE_PAGES - 1 - slot);
	high = min_u64(high, index + ((region->end - 1 - fault->address) >> PAGE_SHIFT));
	for (u64 at = low; row && at <= high; at++) {
		u64 word = row->slots[at % RADIX_SLOTS];
		pte *place = fault->place + (s64)(at - index);

		if (word && !(word & MEMOBJ_IN_FLIGHT) && !pte_read(place) &&
		    (memobj->kind != MEMOBJ_PAGED || page_of(word)->state != PAGE_PREPARED))
			pte_write(place, pte_without_access(pte_make(word, protection_of(fault))));
	}
}

/* The memobj's lock is held. */
static int enter_memobj_page(struct fault *fault, paddr page)
{
	const struct region *region = fault->region;
	bool is_write = fault->needed == TERN_MAP_WRITE;
	u32 protection = protection_of(fault);

	if (region->flags & TERN_MAP_PRIVATE && is_write)
		return enter_private(fault, phys_to_virt(page));
	if (region->memobj->kind == MEMOBJ_DEVICE)
		protection |= MAP_DEVICE;
	else if (!is_write)
		protection &= ~(u32)TERN_MAP_WRITE;
	replace_entry(fault, pte_make(page, protection));
	if (!(fault->region->flags & TERN_MAP_WRITE))
		enter_around(fault);
	return 0;
}

static int fault_memobj(struct fault *fault)
{
	struct region *region = fault->region;
	bool is_write = fault->needed == TERN_MAP_WRITE && !(region->flags & TERN_MAP_PRIVATE);
	paddr page;
	int error;

	memobj_lock(region->memobj);
	error = memobj_page_locked(region->memobj, page_index(fault), is_write, NULL, &page);
	if (!error)
		error = enter_memobj_page(fault, page);
	if (error == -EAGAIN) {
		fault->missing = region->memobj;
		fault->missing_index = page_index(fault);
	} else {
		memobj_unlock(region->memobj);
	}
	return error;
}

/* ----------------------------------------------------------------------------- large pages */

/*
 * Where there is no table for small entries 2 MiB may be mapped at once:
 *   a physical memobj       where region and memobj are aligned alike: its pages never change
 *   private zeroed memory   a block of its own, see large_page.h
 *   an anonymous memobj     shared, a block that it has or is to have; counted page by page, so that
 *                           the entry is a cache like others, and goes when any page of it changes
 *
 * A new block costs 2 MiB where one page was asked for. It is given to who has touched all of the 2 MiB
 * before it: then memory that is used from its beginning on gets at most twice what it needs, and
 * what is touched here and there, like stacks and heaps of many small pieces, gets no more than
 * that. And only while memory is plentiful, the quota's as well as the machine's.
 */

static u64 large_start(const struct fault *fault)
{
	return fault->address & ~(LARGE_PAGE_SIZE - 1);
}

static int enter_block(struct fault *fault, paddr first, u32 protection)
{
	int error = address_space_place(fault->process, fault->address, true, &fault->place);

	if (!error)
		pte_write(fault->place, pte_make(first, protection));
	return error;
}

/* Are there pages everywhere in the 2 MiB before it? */
static bool is_row(const struct fault *fault)
{
	u64 end = large_start(fault), start = end - LARGE_PAGE_SIZE;
	struct page_run run;

	if (start < fault->region->start ||
	    !page_table_run(fault->process->space.root, start, end, &run) ||
	    run.address + run.count * run.span != end)
		return false;
	for (u64 i = 0; i < run.count; i++)
		if (!pte_is_leaf(pte_read(&run.entries[i])))
			return false;
	return run.address == start;
}

/* 0: the fault has a block. */
static int need_block(const struct fault *fault)
{
	if (!fault->wants_large || !is_row(fault))
		return FAULT_SMALL;
	if (fault->block)
		return 0;
	/* As much again must be left for other things. */
	if (page_count_unused() < 2 * pressure_unpromised() ||
	    !account_could_pay(fault->process->object.account, 2 * LARGE_PAGE_SIZE))
		return FAULT_SMALL;
	return FAULT_NEEDS_BLOCK;
}

static int enter_private_block(struct fault *fault)
{
	pte entry = pte_make(fault->block, protection_of(fault) | MAP_ANONYMOUS);
	int error = need_block(fault);

	if (error)
		return error;
	if (large_page_enter(fault->process, large_start(fault), entry))
		return FAULT_SMALL;
	large_page_begin(fault->block);
	fault->block = 0;
	return 0;
}

/* The access needs more than the entry allows: somebody holds the block too, or did. */
static int fault_private_block(struct fault *fault, pte *place)
{
	pte entry = pte_read(place);

	if (!large_page_is_own(entry)) {
		large_page_split(fault->process, fault->address);
		return FAULT_SMALL;
	}
	pte_write(place, pte_make(pte_page(entry), protection_of(fault) | MAP_ANONYMOUS));
	return 0;
}

/* The memobj's lock is held. */
static int enter_anonymous(struct fault *fault, u64 first, u32 protection)
{
	struct memobj *memobj = fault->region->memobj;
	bool is_own = true;
	paddr block = memobj_block(memobj, first, &is_own);
	int error;

	if (!block) {
		error = memobj_may_have_block(memobj, first) ? need_block(fault) : FAULT_SMALL;
		if (error)
			return error;
		block = fault->block;
		if (memobj_enter_block(memobj, first, block))
			return FAULT_SMALL;
		fault->block = 0;
	}
	if (!is_own)
		protection &= ~(u32)TERN_MAP_WRITE;
	return protection & fault->needed ? enter_block(fault, block, protection) : FAULT_SMALL;
}

static int enter_memobj_block(struct fault *fault)
{
	const struct region *region = fault->region;
	struct memobj *memobj = region->memobj;
	u64 offset = region->offset + (large_start(fault) - region->start);
	u64 first = memobj->physical + offset;
	int error;

	if (first & (LARGE_PAGE_SIZE - 1) || memobj->kind == MEMOBJ_PAGED)
		return FAULT_SMALL;
	memobj_lock(memobj);
	if (offset + LARGE_PAGE_SIZE > memobj->length)
		error = FAULT_SMALL;
	else if (memobj->physical)
		error = enter_block(fault, first,
				    protection_of(fault) |
					    (memobj->kind == MEMOBJ_DEVICE ? MAP_DEVICE : 0));
	else
		error = enter_anonymous(fault, first >> PAGE_SHIFT, protection_of(fault));
	memobj_unlock(memobj);
	return error;
}

static NOINLINE int fault_large(struct fault *fault)
{
	struct process *process = fault->process;
	const struct region *region = fault->region;
	u64 start = large_start(fault);
	pte *place = page_table_find_large(process->space.root, fault->address);

	if (place && pte_protection(pte_read(place)) & fault->needed) {
		pte_set_accessed(place, pte_read(place));
		return 0;
	}
	if (place && pte_is_anonymous(pte_read(place)))
		return fault_private_block(fault, place);
	if (place && pte_take(place))
		tlb_shootdown(process, start, start + LARGE_PAGE_SIZE);
	if (start < region->start || region->end - start < LARGE_PAGE_SIZE)
		return FAULT_SMALL;
	if (!region->memobj)
		return enter_private_block(fault);
	return region->flags & TERN_MAP_PRIVATE ? FAULT_SMALL : enter_memobj_block(fault);
}

/* ------------------------------------------------------------------------------- all of it */

static int fault_locked(struct fault *fault)
{
	struct address_space *space = &fault->process->space;
	pte entry;
	int error;

	fault->region = region_find(&space->regions, fault->address);
	if (space->is_dead || !fault->region || !(fault->region->flags & fault->needed))
		return -EFAULT;
	fault->place = page_table_find(space->root, fault->address);
	if (!fault->place) {
		error = fault_large(fault);
		if (error != FAULT_SMALL)
			return error;
		error = address_space_place(fault->process, fault->address, false, &fault->place);
		if (error)
			return error;
	}
	entry = pte_read(fault->place);
	/* Another hart may have been first; then only this hart's TLB is out of date. */
	if (pte_is_valid(entry) && pte_protection(entry) & fault->needed) {
		pte_set_accessed(fault->place, entry);
		return 0;
	}
	if (pte_is_anonymous(entry))
		return fault_private(fault, entry);
	return fault->region->memobj ? fault_memobj(fault) : enter_private(fault, NULL);
}

static struct fault fault_begin(struct process *process, u64 address, enum access access)
{
	return (struct fault){ .process = process,
			       .address = address & ~(PAGE_SIZE - 1),
			       .needed = access_protection[access] };
}

static bool is_user_address(u64 address)
{
	return address >= TERN_USER_BASE && address < TERN_USER_TOP;
}

/* Again, with a block, which is cleared without the lock: others may have been here meanwhile. */
static NOINLINE int fault_with_block(struct fault *fault)
{
	struct spinlock *lock = &fault->process->space.lock;
	bool is_late;
	int error;

	spin_unlock(lock);
	fault->block = page_alloc_clear(&is_late);
	fault->wants_large = fault->block;
	spin_lock(lock);
	/* The interrupt comes first, and then the instruction again. */
	error = is_late ? 0 : fault_locked(fault);
	if (fault->block)
		page_free_clear(fault->block);
	/* Who waits for memory, perhaps this thread, can have the block if it is left. */
	pressure_pages_freed();
	return error;
}

int address_space_fault(struct process *process, uaddr address, enum access access,
			bool is_instruction)
{
	struct fault fault = fault_begin(process, address.value, access);
	int error;

	if (!is_user_address(address.value))
		return -EFAULT;
	fault.wants_large = is_instruction;
	spin_lock(&process->space.lock);
	error = fault_locked(&fault);
	if (UNLIKELY(error == FAULT_NEEDS_BLOCK))
		error = fault_with_block(&fault);
	tlb_flush_page(address.value);
	/* The kernel's own accesses come here too, to wait; they do not for a region's pager. */
	if (error && error != -EAGAIN && fault.region && is_instruction &&
	    region_pager_wait(fault.region, address, access, &error))
		error = 0;
	spin_unlock(&process->space.lock);
	if (error != -EAGAIN)
		return error;
	if (is_instruction)
		sched_save_fp();
	if (fault.missing)
		memobj_wait(fault.missing, fault.missing_index);
	else
		pressure_wait(arch_hart()->current);
	return 0;
}

/* For user_copy_failed. */
static void note_missing(struct process *process, uaddr address, enum access access)
{
	struct thread *thread = arch_hart()->current;

	if (thread->process != process)
		return;
	thread->wait.missing = address;
	thread->wait.missing_access = (u8)access;
}

static bool is_mapped_for(struct process *process, u64 address, u32 needed,
			  struct translation *found)
{
	return page_table_lookup(process->space.root, address, found) &&
	       (pte_protection(found->entry) & needed) && !(found->entry & MAP_DEVICE);
}

/* What is not there, or not for the access, is faulted in. */
static NOINLINE int resolve_absent(struct process *process, uaddr address, enum access access,
				   struct translation *found)
{
	struct fault fault = fault_begin(process, address.value, access);
	int error;

	spin_lock(&process->space.lock);
	error = fault_locked(&fault);
	/* Device memory has no direct mapping: the kernel does not touch it. */
	if (!error && !is_mapped_for(process, address.value, fault.needed, found))
		error = -EFAULT;
	spin_unlock(&process->space.lock);
	if (fault.missing)
		memobj_unlock(fault.missing);
	if (error == -EAGAIN)
		note_missing(process, address, access);
	return error && error != -EAGAIN && error != -ENOMEM ? -EFAULT : error;
}

static inline void *resolve(struct process *process, uaddr address, enum access access,
			    struct translation *found, int *error)
{
	if (UNLIKELY(!is_user_address(address.value)))
		*error = -EFAULT;
	else if (LIKELY(is_mapped_for(process, address.value, access_protection[access], found)))
		*error = 0;
	else
		*error = resolve_absent(process, address, access, found);
	if (UNLIKELY(*error))
		return NULL;
	return (char *)phys_to_virt(found->page) + (address.value & (PAGE_SIZE - 1));
}

const void *address_space_resolve(struct process *process, uaddr address, enum access access,
				  int *error)
{
	struct translation found;

	return resolve(process, address, access, &found, error);
}

void *address_space_resolve_target(struct process *process, uaddr address,
				   struct translation *found, int *error)
{
	return resolve(process, address, ACCESS_WRITE, found, error);
}

const void *address_space_peek(struct process *process, uaddr address)
{
	struct translation found;

	if (!is_user_address(address.value) ||
	    !is_mapped_for(process, address.value, TERN_MAP_READ, &found))
		return NULL;
	return (const char *)phys_to_virt(found.page) + (address.value & (PAGE_SIZE - 1));
}

bool address_space_name(struct process *process, uaddr address, struct memory_name *name)
{
	const struct region *region;
	bool is_found;

	spin_lock(&process->space.lock);
	region = region_find(&process->space.regions, address.value);
	is_found = region && region->flags & TERN_MAP_READ;
	if (is_found && !(region->flags & TERN_MAP_PRIVATE))
		*name = (struct memory_name){ region->memobj,
					      region->offset + address.value - region->start };
	else
		*name = (struct memory_name){ process, address.value };
	spin_unlock(&process->space.lock);
	return is_found;
}
