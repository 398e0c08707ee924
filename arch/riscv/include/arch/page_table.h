/*
 * Page tables of user spaces, and the direct map through which the kernel reaches all RAM.
 * Callers hold the address space's lock.
 */
#ifndef ARCH_PAGE_TABLE_H
#define ARCH_PAGE_TABLE_H

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

/* A root table that maps the kernel's half. 0: no memory. */
paddr page_table_create(void) MUST_USE;

/* Map one page; protection is TERN_MAP_* (| MAP_DEVICE). `tables` counts table pages that were
 * allocated. -ENOMEM. Replacing a present entry is allowed (the caller shoots it down). */
int page_table_map(paddr root, u64 address, paddr page, u32 protection, u64 *tables) MUST_USE;

/* The page and protection at an address; false when nothing is mapped there. */
bool page_table_lookup(paddr root, u64 address, paddr *page, u32 *protection) MUST_USE;

/* Clear (protection 0) or change entries of [start, end) that are present, skipping absent tables
 * quickly; stops after `limit` present pages. Returns the address it got to. */
u64 page_table_change(paddr root, u64 start, u64 end, u32 protection, u64 limit);

/* Free the user half's tables and the root, after a grace period. Returns table pages freed. */
u64 page_table_free(paddr root);

/* This hart forgets one page of the active space. */
void tlb_flush_page(u64 address);

/* Remote harts that ran the process forget [start, end); returns when done. */
void tlb_shootdown(struct process *process, u64 start, u64 end);

/* ASIDs: unique per live process. 0 = none left. */
u32 asid_allocate(void) MUST_USE;
void asid_release(u32 asid);

/* This hart's satp: the process's space (marks it active here) or the kernel's own. */
void space_activate(struct process *process);
void space_activate_kernel(void);

#endif
