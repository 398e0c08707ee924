/* emu's own memory: pages beside the image, where nothing of the program is mapped. */
#include "emu_full.h"

void *emu_pages(uint64_t length)
{
	long result = tern_region_map(TERN_SELF_PROCESS, 0, 0, EMU_AREA, emu_page_round(length),
				      TERN_MAP_READ | TERN_MAP_WRITE | TERN_MAP_PRIVATE);

	return result > 0 ? (void *)result : NULL;
}

void emu_pages_free(void *pages, uint64_t length)
{
	tern_region_unmap(TERN_SELF_PROCESS, (uint64_t)pages, emu_page_round(length));
}
