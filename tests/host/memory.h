/* The allocators, for tests of what is built on them. */
#ifndef HOST_MEMORY_H
#define HOST_MEMORY_H

#include "host.h"

#include "../../kernel/object_alloc.c"
#include "../../kernel/page_alloc.c"
#include "../../kernel/spinlock.c"

static inline void host_memory_init(u32 hart_total)
{
	host_harts(hart_total);
	for (u32 i = 0; i < ARRAY_SIZE(classes); i++)
		classes[i].capacity = 0;
	page_frames = NULL;
	free_pages = total_pages = 0;
	page_alloc_init(HOST_MEMORY_START, HOST_MEMORY_START + HOST_MEMORY_SIZE);
	page_alloc_add(HOST_MEMORY_START, HOST_MEMORY_START + HOST_MEMORY_SIZE);
}

#endif
