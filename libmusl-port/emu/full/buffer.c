/* Memory that calls need for a moment: programs' stacks may be too small for it. */
#include "path.h"

#include "emu_full.h"

#define STOCK 4

struct emu_lock emu_buffers_lock; /* protects stock */
static char *stock[STOCK];
static int stock_count;

char *emu_buffer_take(void)
{
	char *buffer = NULL;

	emu_lock(&emu_buffers_lock);
	if (stock_count)
		buffer = stock[--stock_count];
	emu_unlock(&emu_buffers_lock);
	return buffer ? buffer : emu_pages(EMU_BUFFER_SIZE);
}

void emu_buffer_give(char *buffer)
{
	bool is_kept;

	if (!buffer)
		return;
	emu_lock(&emu_buffers_lock);
	is_kept = stock_count < STOCK;
	if (is_kept)
		stock[stock_count++] = buffer;
	emu_unlock(&emu_buffers_lock);
	if (!is_kept)
		emu_pages_free(buffer, EMU_BUFFER_SIZE);
}
