/* Pages of anonymous memobjs that come, or are mapped, 2 MiB at once, see memobj.h. */
#include "arch/page_table.h"
#include "kernel/account.h"
#include "kernel/large_page.h"
#include "kernel/memobj_pages.h"

bool memobj_may_have_block(const struct memobj *memobj, u64 first)
{
	u64 index = first, word;

	return memobj->pages.account &&
	       (!radix_next(&memobj->pages, &index, &word) || index >= first + LARGE_PAGES);
}

paddr memobj_block(const struct memobj *memobj, u64 first, bool *is_own)
{
	paddr block = radix_get(&memobj->pages, first), wrong = block & (LARGE_PAGE_SIZE - 1);

	for (u32 i = 0; i < LARGE_PAGES && block && !wrong; i += RADIX_SLOTS) {
		const struct radix_node *row = radix_row(&memobj->pages, first + i);

		for (u32 j = 0; j < RADIX_SLOTS; j++)
			wrong |= row ? row->slots[j] ^ (block + (i + j) * PAGE_SIZE) : 1;
	}
	if (!block || wrong)
		return 0;
	*is_own = large_page_is_whole(block);
	return block;
}

int memobj_enter_block(struct memobj *memobj, u64 first, paddr block)
{
	u32 entered = 0;

	if (!account_charge(memobj->object.account, LARGE_PAGE_SIZE))
		return -ENOMEM;
	while (entered < LARGE_PAGES && !radix_set_row(&memobj->pages, first + entered,
						       block + entered * PAGE_SIZE, PAGE_SIZE))
		entered += RADIX_SLOTS;
	if (entered < LARGE_PAGES) {
		while (entered--)
			radix_remove(&memobj->pages, first + entered);
		account_uncharge(memobj->object.account, LARGE_PAGE_SIZE);
		return -ENOMEM;
	}
	large_page_begin(block);
	memobj->resident += LARGE_PAGES;
	return 0;
}
