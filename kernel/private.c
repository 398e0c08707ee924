/* Private pages: faults, copy-on-write, and the end of them. */
#include "kernel/private.h"

#include "arch/page_table.h"
#include "kernel/account.h"
#include "kernel/memobj.h"
#include "kernel/page_alloc.h"
#include "kernel/process.h"
#include "kernel/reclaim.h"
#include "tern/memory.h"

#define PROTECTION (TERN_MAP_READ | TERN_MAP_WRITE | TERN_MAP_EXECUTE)
#define BATCH 64

static struct account *payer(const struct process *process)
{
	return process->object.account;
}

/* A page that other spaces hold as well may not be written. */
static u32 usable(paddr page, u32 protection)
{
	if (page_is_shared(page))
		protection &= ~(u32)TERN_MAP_WRITE;
	return (protection & PROTECTION) | MAP_PRIVATE;
}

/* ---------------------------------------------------------------------------------- faults */

static void look(void *context, u64 address, struct page_entry *entry)
{
	(void)address;
	*(struct page_entry *)context = *entry;
}

/* The entry of one page held another one before: no TLB may go on with that. */
static void replaced(struct process *process, u64 address, paddr old)
{
	tlb_shootdown(process, address, address + PAGE_SIZE);
	if (old && page_unshare(old))
		reclaim_pages(old, 0);
}

/* The first write since a fork. The charge for the old page goes on for the new one. */
static int break_sharing(struct process *process, u64 address, paddr old, u32 protection)
{
	paddr page = page_alloc_private(phys_to_virt(old));
	int error;

	if (!page)
		return -ENOMEM;
	error = address_space_map_page(process, address, page, protection | MAP_PRIVATE);
	if (error)
		page_free(page, 0);
	else
		replaced(process, address, old);
	return error;
}

/* The first touch, or the first write where the memobj's page was shown. */
static int own_page(struct process *process, u64 address, const void *content, bool is_shown,
		    u32 protection)
{
	paddr page;
	int error = -ENOMEM;

	if (!account_charge(payer(process), PAGE_SIZE))
		return -ENOMEM;
	page = page_alloc_private(content);
	if (page)
		error = address_space_map_page(process, address, page, protection | MAP_PRIVATE);
	if (!error && is_shown)
		replaced(process, address, 0);
	if (!error)
		return 0;
	if (page)
		page_free(page, 0);
	account_uncharge(payer(process), PAGE_SIZE);
	return error;
}

int private_fault(struct process *process, struct region *region, u64 address, u32 needed)
{
	u32 protection = region->flags & PROTECTION;
	struct page_entry entry = { 0 };
	paddr shown = 0;
	int error;

	page_table_visit(process->space.root, address, address + PAGE_SIZE, 1, look, &entry);
	if (entry.protection & MAP_PRIVATE) {
		if (needed & TERN_MAP_WRITE && page_is_shared(entry.page))
			return break_sharing(process, address, entry.page, protection);
		return address_space_map_page(process, address, entry.page,
					      usable(entry.page, protection));
	}
	if (region->memobj) {
		error = memobj_get_page(region->memobj, region->offset + (address - region->start),
					&shown);
		if (error)
			return error == -ERANGE ? -EFAULT : error;
	}
	if (shown && !(needed & TERN_MAP_WRITE))
		return address_space_map_page(process, address, shown,
					      protection & ~(u32)TERN_MAP_WRITE);
	return own_page(process, address, shown ? phys_to_virt(shown) : NULL, entry.page,
			protection);
}

/* ---------------------------------------------------------------------------- whole ranges */

struct dropping {
	u32 entries, held, count;
	paddr last_held[BATCH]; /* by nobody else */
};

static void drop(void *context, u64 address, struct page_entry *entry)
{
	struct dropping *dropping = context;

	(void)address;
	dropping->entries++;
	if (entry->protection & MAP_PRIVATE) {
		dropping->held++;
		if (page_unshare(entry->page))
			dropping->last_held[dropping->count++] = entry->page;
	}
	entry->page = 0;
}

u64 private_drop(struct process *process, u64 start, u64 end)
{
	struct dropping dropping;
	u64 reached;

	dropping.entries = dropping.held = dropping.count = 0;
	reached = page_table_visit(process->space.root, start, end, BATCH, drop, &dropping);
	if (dropping.entries)
		tlb_shootdown(process, start, reached);
	for (u32 i = 0; i < dropping.count; i++)
		reclaim_pages(dropping.last_held[i], 0);
	account_uncharge(payer(process), dropping.held * PAGE_SIZE);
	return reached;
}

static void protect(void *context, u64 address, struct page_entry *entry)
{
	(void)address;
	if (entry->protection & MAP_PRIVATE)
		entry->protection = usable(entry->page, *(const u32 *)context);
	else
		entry->page = 0;
}

void private_protect(struct process *process, u64 start, u64 end, u32 protection)
{
	page_table_visit(process->space.root, start, end, UINT64_MAX, protect, &protection);
	tlb_shootdown(process, start, end);
}

struct sharing {
	struct process *child;
	int error;
};

static void share(void *context, u64 address, struct page_entry *entry)
{
	struct sharing *sharing = context;

	if (!(entry->protection & MAP_PRIVATE) || sharing->error)
		return;
	sharing->error = -ENOMEM;
	if (!account_charge(payer(sharing->child), PAGE_SIZE))
		return;
	page_share(entry->page);
	sharing->error = address_space_map_page(sharing->child, address, entry->page,
						usable(entry->page, entry->protection));
	if (!sharing->error) {
		entry->protection = usable(entry->page, entry->protection);
		return;
	}
	account_uncharge(payer(sharing->child), PAGE_SIZE);
	if (page_unshare(entry->page))
		entry->page = 0; /* cannot be: the parent holds it */
}

int private_share(struct process *parent, struct process *child, u64 *start, u64 end)
{
	struct sharing sharing = { .child = child };
	u64 reached = page_table_visit(parent->space.root, *start, end, BATCH, share, &sharing);

	if (reached != *start)
		tlb_shootdown(parent, *start, reached);
	*start = reached;
	return sharing.error;
}
