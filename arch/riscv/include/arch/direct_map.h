/* The direct map, through which the kernel reaches all RAM. */
#ifndef ARCH_DIRECT_MAP_H
#define ARCH_DIRECT_MAP_H

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

#endif
