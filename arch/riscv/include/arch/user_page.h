/* A short cut to user memory. */
#ifndef ARCH_USER_PAGE_H
#define ARCH_USER_PAGE_H

#include "arch/page_table.h"

/*
 * A pointer to what a user may read at an address, for reads that are worth a short cut: NULL when
 * anything is out of the ordinary (absent, a large page, device registers).
 */
static inline const void *user_page_peek(paddr root, u64 address)
{
	const u64 plain = PTE_VALID | PTE_READ | PTE_WRITE | PTE_EXECUTE,
		  in_table = 511 * sizeof(pte);
	const char *table = phys_to_virt(root);
	pte entry;

#pragma GCC unroll 3
	for (u32 shift = 39; shift > PAGE_SHIFT; shift -= 9) {
		entry = pte_read((const pte *)(table + (address >> (shift - 3) & in_table)));
		if ((entry & plain) != PTE_VALID)
			return NULL;
		table = phys_to_virt(pte_page(entry));
	}
	entry = pte_read((const pte *)(table + (address >> (PAGE_SHIFT - 3) & in_table)));
	if ((entry & (PTE_VALID | PTE_READ | PTE_USER | PTE_DEVICE_MARK)) !=
	    (PTE_VALID | PTE_READ | PTE_USER))
		return NULL;
	return (const char *)phys_to_virt(pte_page(entry)) + (address & (PAGE_SIZE - 1));
}

#endif
