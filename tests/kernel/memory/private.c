/* Private memory: zero-filled and copied on write, within a process. */
#include "memory.h"

#define PAGES 8
#define SIZE (PAGES * RT_PAGE)
#define PRIVATE (READ_WRITE | TERN_MAP_PRIVATE)

static uint64_t map(tern_handle memobj, uint64_t flags)
{
	tern_result address = tern_region_map(TERN_SELF_PROCESS, memobj, 0, ELSEWHERE, SIZE, flags);

	CHECK_EQ(address, ELSEWHERE);
	return (uint64_t)address;
}

static void unmap(void)
{
	CHECK_EQ(tern_region_unmap(TERN_SELF_PROCESS, ELSEWHERE, SIZE), 0);
}

static tern_result protect(uint64_t page, uint64_t count, uint64_t flags)
{
	return tern_region_protect(TERN_SELF_PROCESS, ELSEWHERE + page * RT_PAGE, count * RT_PAGE,
				   flags);
}

static volatile uint64_t *word(uint64_t page)
{
	return (volatile uint64_t *)(ELSEWHERE + page * RT_PAGE);
}

void private_memory_is_zeroed_and_charged(void)
{
	uint64_t used;

	map(0, PRIVATE);
	*word(0) = 1; /* tables are there now */
	used = (uint64_t)tern_account_info(0, TERN_ACCOUNT_USED);
	for (uint64_t i = 1; i < PAGES; i++) {
		CHECK_EQ(*word(i), 0);
		*word(i) = i;
	}
	CHECK_EQ(tern_account_info(0, TERN_ACCOUNT_USED) - used, (PAGES - 1) * RT_PAGE);
	CHECK_EQ(tern_region_unmap(TERN_SELF_PROCESS, ELSEWHERE + 4 * RT_PAGE, 4 * RT_PAGE), 0);
	CHECK(tern_account_info(0, TERN_ACCOUNT_USED) < (int64_t)used + 4 * (int64_t)RT_PAGE);
	CHECK_EQ(*word(3), 3);
	unmap();
}

void private_copy_leaves_the_memobj_alone(void)
{
	tern_handle memobj = tern_memobj_create(0, SIZE);
	volatile uint64_t *shared = (volatile uint64_t *)tern_region_map(TERN_SELF_PROCESS, memobj,
									 0, 0, SIZE, READ_WRITE);

	for (uint64_t i = 0; i < PAGES; i++)
		shared[i * RT_PAGE / 8] = 100 + i;
	map(memobj, PRIVATE);
	for (uint64_t i = 0; i < PAGES; i++)
		CHECK_EQ(*word(i), 100 + i);
	*word(2) = 7;
	*word(5) = 8;
	shared[3 * RT_PAGE / 8] = 33;
	shared[2 * RT_PAGE / 8] = 22;
	CHECK_EQ(*word(2), 7);
	CHECK_EQ(*word(3), 33);
	CHECK_EQ(*word(5), 8);
	CHECK_EQ(shared[5 * RT_PAGE / 8], 105);
	unmap();
	CHECK_EQ(tern_region_unmap(TERN_SELF_PROCESS, (uint64_t)shared, SIZE), 0);
	CHECK_EQ(tern_handle_close(memobj), 0);
}

void readable_memobj_can_be_written_privately(void)
{
	tern_handle memobj = tern_memobj_create(0, SIZE);
	tern_handle reader = tern_handle_duplicate(memobj, TERN_RIGHT_READ);
	tern_handle blind = tern_handle_duplicate(memobj, TERN_RIGHT_WRITE);

	map(reader, PRIVATE);
	*word(1) = 5;
	CHECK_EQ(*word(1), 5);
	CHECK_EQ(protect(0, PAGES, TERN_MAP_READ | TERN_MAP_EXECUTE), -EPERM);
	unmap();
	CHECK_EQ(tern_region_map(TERN_SELF_PROCESS, blind, 0, 0, SIZE, PRIVATE), -EPERM);
	CHECK_EQ(tern_region_map(TERN_SELF_PROCESS, 0, 0, 0, SIZE, READ_WRITE), -EBADF);
	CHECK_EQ(tern_region_map(TERN_SELF_PROCESS, 0, 0, 0, SIZE,
				 TERN_MAP_PRIVATE | TERN_MAP_GUARD),
		 -EINVAL);
	CHECK_EQ(tern_handle_close(memobj), 0);
	CHECK_EQ(tern_handle_close(reader), 0);
	CHECK_EQ(tern_handle_close(blind), 0);
}

void protection_keeps_private_pages(void)
{
	map(0, PRIVATE);
	for (uint64_t i = 0; i < PAGES; i++)
		*word(i) = i + 1;
	CHECK_EQ(protect(2, 3, 0), 0);
	CHECK_EQ(tern_touch((void *)word(3), 1, 0), -EFAULT);
	CHECK_EQ(protect(1, 2, TERN_MAP_READ), 0);
	CHECK_EQ(*word(2), 3);
	CHECK_EQ(tern_touch((void *)word(2), 1, 1), -EFAULT);
	CHECK_EQ(protect(0, PAGES, READ_WRITE), 0);
	for (uint64_t i = 0; i < PAGES; i++) {
		CHECK_EQ(*word(i), i + 1);
		*word(i) = 0;
	}
	/* Parked pages are given back as well. */
	CHECK_EQ(protect(0, PAGES, 0), 0);
	unmap();
}

/* Each batch of an unmap or protect call goes on where the last one ended. */
void long_ranges_are_done_to_the_end(void)
{
	uint64_t length = 3000 * RT_PAGE, pages = length / RT_PAGE;
	volatile uint64_t *words = (volatile uint64_t *)tern_region_map(TERN_SELF_PROCESS, 0, 0, 0,
									length, PRIVATE);
	uint64_t wrong = 0;

	for (uint64_t i = 0; i < pages; i++)
		words[i * RT_PAGE / 8] = i;
	CHECK_EQ(tern_region_protect(TERN_SELF_PROCESS, (uint64_t)words, length, TERN_MAP_READ), 0);
	CHECK_EQ(tern_touch((void *)(words + (pages - 1) * RT_PAGE / 8), 1, 1), -EFAULT);
	CHECK_EQ(tern_region_unmap(TERN_SELF_PROCESS, (uint64_t)words + RT_PAGE,
				   length - 2 * RT_PAGE),
		 0);
	for (uint64_t i = 1; i < pages - 1; i++)
		wrong += tern_touch((void *)(words + i * RT_PAGE / 8), 1, 0) != -EFAULT;
	CHECK_EQ(wrong, 0);
	CHECK_EQ(words[0], 0);
	CHECK_EQ(words[(pages - 1) * RT_PAGE / 8], pages - 1);
	CHECK_EQ(tern_region_unmap(TERN_SELF_PROCESS, (uint64_t)words, length), 0);
}
