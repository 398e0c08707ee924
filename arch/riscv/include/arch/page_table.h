/*
 * Page tables of user spaces, and the direct map through which the kernel reaches all RAM.
 * Callers hold the address space's lock.
 */
#ifndef ARCH_PAGE_TABLE_H
#define ARCH_PAGE_TABLE_H

#include "arch/csr.h"
#include "kernel/types.h"

#define DIRECT_MAP_BASE 0xffffc00000000000UL

static inline void *phys_to_virt(paddr address)
{
	return (void *)(DIRECT_MAP_BASE + address);
}

static inline paddr virt_to_phys(const void *pointer)
{
	return (paddr)pointer - DIRECT_MAP_BASE;
}

struct process;

#define MAP_DEVICE 0x100 /* with TERN_MAP_READ ...: not cached memory but device registers */
/* The entry holds a private page (kernel/page_alloc.h). Without TERN_MAP_READ ... the page is kept
 * though nobody may touch it. */
#define MAP_PRIVATE 0x200

/* A root table that maps the kernel's half. 0: no memory. */
paddr page_table_create(void) MUST_USE;

/* Map one page; protection is TERN_MAP_* (| MAP_DEVICE). `tables` counts table pages that were
 * allocated. -ENOMEM. Replacing a present entry is allowed (the caller shoots it down). */
int page_table_map(paddr root, u64 address, paddr page, u32 protection, u64 *tables) MUST_USE;

/* The page and protection at an address; false when there is nothing, or a page kept untouchable. */
bool page_table_lookup(paddr root, u64 address, paddr *page, u32 *protection) MUST_USE;

/* A visitor may change either; page 0 empties the entry. */
struct page_entry {
	paddr page;
	u32 protection;
};

typedef void page_visitor(void *context, u64 address, struct page_entry *entry);

/*
 * Visit the entries of [start, end) that hold something, untouchable private pages included;
 * skips absent tables quickly, stops after `limit` of them. Returns the address it got to.
 */
u64 page_table_visit(paddr root, u64 start, u64 end, u64 limit, page_visitor *visit, void *context);

/*
 * A pointer to what a user may read at an address, for reads that are worth a short cut: NULL when
 * anything is out of the ordinary (absent, a large page, device registers).
 */
static inline const void *user_page_peek(paddr root, u64 address)
{
	const u64 plain = PTE_VALID | PTE_READ | PTE_WRITE | PTE_EXECUTE,
		  in_table = 511 * sizeof(u64);
	u64 place = root, entry;

#pragma GCC unroll 3
	for (u32 shift = 39; shift > PAGE_SHIFT; shift -= 9) {
		place += address >> (shift - 3) & in_table;
		entry = *(const volatile u64 *)phys_to_virt(place);
		if ((entry & plain) != PTE_VALID)
			return NULL;
		place = (entry & PTE_FRAME) << (PAGE_SHIFT - PTE_FRAME_SHIFT);
	}
	place += address >> (PAGE_SHIFT - 3) & in_table;
	entry = *(const volatile u64 *)phys_to_virt(place);
	if ((entry & (PTE_VALID | PTE_READ | PTE_USER | PTE_DEVICE_MARK)) !=
	    (PTE_VALID | PTE_READ | PTE_USER))
		return NULL;
	place = (entry & PTE_FRAME) << (PAGE_SHIFT - PTE_FRAME_SHIFT);
	return (const char *)phys_to_virt(place) + (address & (PAGE_SIZE - 1));
}

/* Free the user half's tables and the root, after a grace period. Returns table pages freed. */
u64 page_table_free(paddr root);

/* This hart forgets one page of the active space. */
void tlb_flush_page(u64 address);

/* Remote harts that ran the process forget [start, end); returns when done. */
void tlb_shootdown(struct process *process, u64 start, u64 end);

/* ASIDs: unique per live process. 0 = none left. */
u32 asid_allocate(void) MUST_USE;
void asid_release(u32 asid);

/* The process runs on this hart for the first time: what space_activate wants for it. */
u64 space_mark_active(struct process *process);
void space_activate_kernel(void);

/* Writing satp costs an emulator its translations: not when nothing changes. */
static inline void space_activate(u64 satp)
{
	u64 old;

	__asm__ volatile("csrr %0, satp" : "=r"(old));
	if (old != satp)
		__asm__ volatile("csrw satp, %0" : : "r"(satp) : "memory");
}

#endif
