/* Stands in for the architecture: "physical" memory is an arena of the test. */
#ifndef ARCH_DIRECT_MAP_H
#define ARCH_DIRECT_MAP_H

#include "kernel/types.h"

#define HOST_MEMORY_START 0x80000000ul
#define HOST_MEMORY_SIZE (64ul << 20)

extern char host_memory[];

static inline void *phys_to_virt(paddr address)
{
	return host_memory + (address - HOST_MEMORY_START);
}

static inline paddr virt_to_phys(const void *pointer)
{
	return (paddr)((const char *)pointer - host_memory) + HOST_MEMORY_START;
}

#endif
