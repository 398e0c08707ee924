/* Writing back, evicting, devices, and memory running short. */
#include "pager.h"

static struct pager pager;

static uint8_t state_of(uint64_t index)
{
	uint8_t state = 0xff;

	CHECK_EQ(tern_memobj_query(pager.memobj, index, 1, &state), 0);
	return state & (uint8_t)~TERN_PAGE_ACCESSED;
}

void dirty_pages_are_found_and_cleaned(void)
{
	struct tern_page_run run;

	pager_start(&pager, 16, PAGER_GOOD);
	CHECK_EQ(tern_memobj_clean_begin(pager.memobj, 0, 16, &run), 0);
	CHECK_EQ(tern_memobj_write(pager.memobj, 2 * RT_PAGE, buffer, 3 * RT_PAGE, 0), 3 * RT_PAGE);
	CHECK_EQ(tern_memobj_write(pager.memobj, 8 * RT_PAGE, buffer, 1, 0), 1);
	CHECK_EQ(tern_memobj_info(pager.memobj, TERN_MEMOBJ_DIRTY), 4);
	CHECK_EQ(tern_memobj_clean_begin(pager.memobj, 0, 4, &run), 2);
	CHECK(run.first == 2 && run.count == 2);
	CHECK_EQ(state_of(2), TERN_PAGE_RESIDENT | TERN_PAGE_WRITING);
	CHECK_EQ(tern_memobj_clean_begin(pager.memobj, 0, 16, &run), 1);
	CHECK_EQ(run.first, 4);
	CHECK_EQ(tern_memobj_clean_end(pager.memobj, 0, 16, 0), 3);
	CHECK_EQ(state_of(2), TERN_PAGE_RESIDENT);
	CHECK_EQ(tern_memobj_info(pager.memobj, TERN_MEMOBJ_DIRTY), 1);
	CHECK_EQ(tern_memobj_clean_begin(pager.memobj, 0, UINT64_MAX, &run), 1);
	CHECK_EQ(run.first, 8);
	CHECK_EQ(tern_memobj_clean_end(pager.memobj, 8, 1, 0), 1);
	CHECK_EQ(tern_memobj_clean_end(pager.memobj, 8, 1, 0), 0);
	CHECK_EQ(tern_memobj_clean_begin(pager.memobj, 0, 16, NULL), -EFAULT);
	pager_stop(&pager);
}

void page_written_while_writing_stays_dirty(void)
{
	struct tern_page_run run;

	pager_start(&pager, 4, PAGER_GOOD);
	CHECK_EQ(tern_memobj_write(pager.memobj, 0, buffer, 2 * RT_PAGE, 0), 2 * RT_PAGE);
	CHECK_EQ(tern_memobj_clean_begin(pager.memobj, 0, 4, &run), 2);
	CHECK_EQ(tern_memobj_write(pager.memobj, 0, buffer, 1, 0), 1);
	CHECK_EQ(state_of(0), TERN_PAGE_RESIDENT | TERN_PAGE_WRITING | TERN_PAGE_DIRTY);
	CHECK_EQ(tern_memobj_clean_end(pager.memobj, 0, 2, 0), 2);
	CHECK_EQ(state_of(0), TERN_PAGE_RESIDENT | TERN_PAGE_DIRTY);
	CHECK_EQ(state_of(1), TERN_PAGE_RESIDENT);
	pager_stop(&pager);
}

void mapping_written_while_writing_stays_dirty(void)
{
	struct tern_page_run run;
	volatile uint8_t *mapped;
	tern_handle source = tern_memobj_create(0, RT_PAGE);

	pager_start(&pager, 4, PAGER_GOOD);
	mapped = (volatile uint8_t *)tern_region_map(TERN_SELF_PROCESS, pager.memobj, 0, 0,
						     4 * RT_PAGE, TERN_MAP_READ | TERN_MAP_WRITE);
	CHECK_EQ(mapped[0], pattern(0));
	CHECK_EQ(state_of(0), TERN_PAGE_RESIDENT);
	mapped[0] = 1;
	CHECK_EQ(state_of(0), TERN_PAGE_RESIDENT | TERN_PAGE_DIRTY);
	CHECK_EQ(tern_memobj_clean_begin(pager.memobj, 0, 4, &run), 1);
	CHECK_EQ(mapped[0], 1);
	CHECK_EQ(state_of(0), TERN_PAGE_RESIDENT | TERN_PAGE_WRITING);
	mapped[1] = 2;
	CHECK_EQ(state_of(0), TERN_PAGE_RESIDENT | TERN_PAGE_WRITING | TERN_PAGE_DIRTY);
	CHECK_EQ(tern_memobj_clean_end(pager.memobj, 0, 1, 0), 1);
	CHECK_EQ(state_of(0), TERN_PAGE_RESIDENT | TERN_PAGE_DIRTY);
	CHECK_EQ(tern_memobj_clean_begin(pager.memobj, 0, 4, &run), 1);
	CHECK_EQ(tern_memobj_clean_end(pager.memobj, 0, 1, 0), 1);
	CHECK_EQ(state_of(0), TERN_PAGE_RESIDENT);
	/* The kernel writes into it on behalf of a read. */
	CHECK_EQ(tern_memobj_read(source, 0, (void *)mapped, 10, 0), 10);
	CHECK_EQ(state_of(0), TERN_PAGE_RESIDENT | TERN_PAGE_DIRTY);
	/* From a mapping of the memobj into itself. */
	CHECK_EQ(tern_memobj_write(pager.memobj, RT_PAGE, (const void *)(mapped + 2 * RT_PAGE),
				   RT_PAGE, 0),
		 RT_PAGE);
	CHECK(is_pattern((const void *)(mapped + RT_PAGE), 2 * RT_PAGE, RT_PAGE));
	rt_unmap((void *)mapped, 4 * RT_PAGE);
	tern_handle_close(source);
	pager_stop(&pager);
}

void failed_write_back_is_kept(void)
{
	struct tern_page_run run;

	pager_start(&pager, 4, PAGER_GOOD);
	CHECK_EQ(tern_memobj_write(pager.memobj, 0, buffer, 1, 0), 1);
	CHECK_EQ(tern_memobj_info(pager.memobj, TERN_MEMOBJ_ERROR), 0);
	CHECK_EQ(tern_memobj_clean_begin(pager.memobj, 0, 4, &run), 1);
	CHECK_EQ(tern_memobj_clean_end(pager.memobj, 0, 1, EIO), 1);
	CHECK_EQ(state_of(0), TERN_PAGE_RESIDENT | TERN_PAGE_DIRTY);
	CHECK_EQ(tern_memobj_info(pager.memobj, TERN_MEMOBJ_ERROR), EIO);
	CHECK_EQ(tern_memobj_info(pager.memobj, TERN_MEMOBJ_ERROR), 0);
	CHECK_EQ(tern_memobj_clean_begin(pager.memobj, 0, 4, &run), 1);
	CHECK_EQ(tern_memobj_clean_end(pager.memobj, 0, 1, 0), 1);
	pager_stop(&pager);
}

void evicted_pages_are_asked_for_again(void)
{
	const volatile uint8_t *mapped;

	pager_start(&pager, 100, PAGER_GOOD);
	mapped = (const volatile uint8_t *)tern_region_map(TERN_SELF_PROCESS, pager.memobj, 0, 0,
							   100 * RT_PAGE, TERN_MAP_READ);
	for (uint64_t i = 0; i < 100; i++)
		CHECK_EQ(mapped[i * RT_PAGE], pattern(i * RT_PAGE));
	CHECK_EQ(tern_memobj_write(pager.memobj, 50 * RT_PAGE, buffer, 1, 0), 1);
	CHECK_EQ(tern_memobj_evict(pager.memobj, 10, 80), 79);
	CHECK_EQ(tern_memobj_info(pager.memobj, TERN_MEMOBJ_RESIDENT), 21);
	CHECK_EQ(mapped[20 * RT_PAGE], pattern(20 * RT_PAGE));
	CHECK_EQ(pager.pages, 101);
	CHECK_EQ(tern_memobj_punch(pager.memobj, 50, 1), 1);
	CHECK_EQ(mapped[50 * RT_PAGE], pattern(50 * RT_PAGE));
	rt_unmap((void *)mapped, 100 * RT_PAGE);
	pager_stop(&pager);
}

/* Pages 0 to 15, and 16 to 31, are entered together, as far as the region goes: from 8 to 28. */
void neighbours_are_mapped_and_go_with_their_pages(void)
{
	tern_handle target = tern_memobj_create(0, RT_PAGE);
	const uint8_t *mapped = rt_map(22 * RT_PAGE);

	/* With a free page on either side. */
	rt_unmap((void *)mapped, 22 * RT_PAGE);
	pager_start(&pager, 40, PAGER_GOOD);
	for (uint64_t i = 0; i < 40; i += 8)
		CHECK_EQ(tern_memobj_read(pager.memobj, i * RT_PAGE, other, 8 * RT_PAGE, 0),
			 8 * RT_PAGE);
	mapped += RT_PAGE;
	CHECK_EQ(tern_region_map(TERN_SELF_PROCESS, pager.memobj, 8 * RT_PAGE, (uint64_t)mapped,
				 20 * RT_PAGE, TERN_MAP_READ | TERN_MAP_FIXED),
		 (uint64_t)mapped);
	CHECK_EQ(((const volatile uint8_t *)mapped)[1 * RT_PAGE], pattern(9 * RT_PAGE));
	CHECK_EQ(((const volatile uint8_t *)mapped)[12 * RT_PAGE], pattern(20 * RT_PAGE));
	for (uint64_t i = 8; i < 20; i++)
		CHECK(is_pattern(mapped + i * RT_PAGE, (i + 8) * RT_PAGE, RT_PAGE));
	CHECK_EQ(tern_memobj_write(target, 0, mapped + 20 * RT_PAGE, 1, 0), -EFAULT);
	CHECK_EQ(tern_memobj_write(target, 0, mapped - RT_PAGE, 1, 0), -EFAULT);
	CHECK_EQ(pager.pages, 40);
	CHECK_EQ(tern_memobj_evict(pager.memobj, 18, 2), 2);
	CHECK(is_pattern(mapped + 10 * RT_PAGE, 18 * RT_PAGE, 2 * RT_PAGE));
	CHECK_EQ(pager.pages, 42);
	rt_unmap((void *)mapped, 20 * RT_PAGE);
	tern_handle_close(target);
	pager_stop(&pager);
}

/* ------------------------------------------------------------------------------------ devices */

static void read_body(uint64_t offset)
{
	CHECK_EQ(tern_memobj_read(pager.memobj, offset, other, RT_PAGE, 0), RT_PAGE);
}

void prepared_pages_are_filled_by_devices(void)
{
	tern_handle device = tern_device_create(0, rt_boot->resource, 4);
	uint64_t addresses[2];
	struct rt_thread thread;

	pager_start(&pager, 4, PAGER_DEAF);
	rt_thread(&thread, read_body, RT_PAGE, 30);
	test_await(&pager.requests, 1);
	CHECK_EQ(tern_pager_prepare(pager.memobj, pager.memobj, pager.last.id, 1, 1, addresses),
		 -EPROTOTYPE);
	CHECK_EQ(tern_pager_prepare(pager.memobj, device, pager.last.id + 1, 1, 1, addresses),
		 -ESRCH);
	CHECK_EQ(tern_pager_prepare(pager.memobj, device, pager.last.id, 0, 2, addresses), 1);
	CHECK(addresses[0] == 0 && addresses[1] != 0 && !(addresses[1] & (RT_PAGE - 1)));
	CHECK_EQ(state_of(1), TERN_PAGE_IN_FLIGHT);
	CHECK_EQ(tern_memobj_read(pager.memobj, RT_PAGE, buffer, 1, TERN_IO_NOWAIT), -EAGAIN);
	CHECK_EQ(tern_pager_commit(pager.memobj, device, 0, 2, addresses, 0), 1);
	rt_join(&thread);
	CHECK_EQ(state_of(1), TERN_PAGE_RESIDENT);
	CHECK_EQ(tern_pager_commit(pager.memobj, device, 0, 2, addresses, 0), 0);
	/* Cut off while the device is at work: the frame lives until it is done. */
	CHECK_EQ(tern_memobj_read(pager.memobj, 2 * RT_PAGE, buffer, 1, TERN_IO_NOWAIT), -EAGAIN);
	test_await(&pager.requests, 2);
	CHECK_EQ(tern_pager_prepare(pager.memobj, device, pager.last.id, 2, 1, addresses), 1);
	CHECK_EQ(tern_memobj_set_length(pager.memobj, 0), 0);
	CHECK_EQ(tern_pager_commit(pager.memobj, device, 2, 1, addresses, 0), 0);
	CHECK_EQ(tern_handle_close(device), 0);
	pager_stop(&pager);
}

void pinned_pages_stay(void)
{
	tern_handle device = tern_device_create(0, rt_boot->resource, 4);
	uint64_t addresses[2];

	pager_start(&pager, 4, PAGER_GOOD);
	CHECK_EQ(tern_memobj_read(pager.memobj, 0, buffer, RT_PAGE, 0), RT_PAGE);
	CHECK_EQ(tern_memobj_pin(pager.memobj, device, 0, 2, addresses), -EAGAIN);
	CHECK_EQ(tern_memobj_pin(pager.memobj, device, 0, 1, addresses), 0);
	CHECK_EQ(tern_memobj_evict(pager.memobj, 0, 4), 0);
	CHECK_EQ(tern_memobj_punch(pager.memobj, 0, 4), 1);
	CHECK_EQ(tern_memobj_unpin(device, addresses, 1), 0);
	CHECK_EQ(tern_memobj_unpin(device, addresses, 1), -EINVAL);
	addresses[0] = 1;
	CHECK_EQ(tern_memobj_unpin(device, addresses, 1), -EINVAL);
	CHECK_EQ(tern_handle_close(device), 0);
	pager_stop(&pager);
}

/* The device works on the frame that it was told of, which does not turn up elsewhere. */
void pinned_pages_are_moved_as_copies(void)
{
	tern_handle device = tern_device_create(0, rt_boot->resource, 2);
	tern_handle source = tern_memobj_create(0, RT_PAGE);
	uint64_t address, moved;

	pager_start(&pager, 1, PAGER_DEAF);
	CHECK_EQ(tern_memobj_write(source, 0, "pinned", 6, 0), 6);
	CHECK_EQ(tern_memobj_pin(source, device, 0, 1, &address), 0);
	CHECK_EQ(tern_pager_move(pager.memobj, 0, 0, 1, source, 0), 1);
	CHECK_EQ(tern_memobj_pin(pager.memobj, device, 0, 1, &moved), 0);
	CHECK(address != moved);
	CHECK_EQ(tern_memobj_read(pager.memobj, 0, buffer, 6, 0), 6);
	CHECK_EQ(buffer[0], 'p');
	CHECK_EQ(tern_memobj_unpin(device, &moved, 1), 0);
	CHECK_EQ(tern_memobj_unpin(device, &address, 1), 0);
	CHECK_EQ(tern_handle_close(device), 0);
	CHECK_EQ(tern_handle_close(source), 0);
	pager_stop(&pager);
}

void anonymous_pages_can_be_pinned(void)
{
	tern_handle device = tern_device_create(0, rt_boot->resource, 2);
	tern_handle other = tern_device_create(0, rt_boot->resource, 2);
	tern_handle memobj = tern_memobj_create(0, 4 * RT_PAGE), clone;
	uint64_t addresses[3], again[1];

	CHECK_EQ(tern_memobj_pin(memobj, device, 0, 3, addresses), -EBUSY);
	CHECK_EQ(tern_memobj_pin(memobj, device, 4, 1, addresses), -EINVAL);
	CHECK_EQ(tern_memobj_pin(memobj, device, 0, 2, addresses), 0);
	CHECK(addresses[0] && addresses[1] && addresses[0] != addresses[1]);
	/* But a device has nothing to fill there. */
	CHECK_EQ(tern_pager_prepare(memobj, device, 0, 0, 1, again), -EINVAL);
	CHECK_EQ(tern_pager_commit(memobj, device, 0, 1, addresses, EIO), -EINVAL);
	CHECK_EQ(tern_memobj_unpin(other, addresses, 1), -EINVAL);
	CHECK_EQ(tern_memobj_unpin(device, addresses, 1), 0);
	/* A page that a clone shares is taken apart before its address is told. */
	clone = tern_memobj_clone(0, memobj);
	CHECK_EQ(tern_memobj_pin(memobj, other, 0, 1, again), 0);
	CHECK(again[0] != addresses[0]);
	/* The pages outlive their memobjs until the pins are gone. */
	CHECK_EQ(tern_handle_close(clone), 0);
	CHECK_EQ(tern_handle_close(memobj), 0);
	test_settle();
	CHECK_EQ(tern_device_release(device), 0);
	CHECK_EQ(tern_memobj_unpin(device, addresses + 1, 1), -EINVAL);
	CHECK_EQ(tern_memobj_unpin(other, again, 1), 0);
	CHECK_EQ(tern_handle_close(device), 0);
	CHECK_EQ(tern_handle_close(other), 0);
}

/* A driver has died: its successor lets go of what it had, and whoever waits asks again. */
void released_pages_are_asked_for_again(void)
{
	tern_handle device = tern_device_create(0, rt_boot->resource, 4);
	uint64_t addresses[1];
	struct rt_thread thread;

	pager_start(&pager, 4, PAGER_DEAF);
	rt_thread(&thread, read_body, RT_PAGE, 30);
	test_await(&pager.requests, 1);
	CHECK_EQ(tern_pager_prepare(pager.memobj, device, pager.last.id, 1, 1, addresses), 1);
	CHECK_EQ(tern_device_release(device), 0);
	test_await(&pager.requests, 2);
	CHECK_EQ(pager.last.first, 1);
	CHECK_EQ(tern_pager_commit(pager.memobj, device, 1, 1, addresses, 0), 0);
	CHECK_EQ(tern_pager_prepare(pager.memobj, device, pager.last.id, 1, 1, addresses), 1);
	CHECK_EQ(tern_pager_commit(pager.memobj, device, 1, 1, addresses, 0), 1);
	rt_join(&thread);
	CHECK_EQ(tern_device_release(device), 0);
	CHECK_EQ(tern_handle_close(device), 0);
	pager_stop(&pager);
}

/* ----------------------------------------------------------------------------------- pressure */

static volatile uint32_t written;

static void write_body(uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++) {
		CHECK_EQ(tern_memobj_write(pager.memobj, i * RT_PAGE, buffer, RT_PAGE, 0), RT_PAGE);
		written++;
	}
}

static uint64_t clean_all(void)
{
	struct tern_page_run run = { 0, 0 };
	uint64_t cleaned = 0;

	while (tern_memobj_clean_begin(pager.memobj, run.first + run.count, UINT64_MAX, &run) > 0)
		cleaned += (uint64_t)tern_memobj_clean_end(pager.memobj, run.first, run.count, 0);
	return cleaned;
}

void writers_wait_for_write_back(void)
{
	uint64_t total = (uint64_t)tern_system_info(TERN_INFO_TOTAL_PAGES), pages = total / 4;
	struct rt_thread thread;
	uint32_t before;

	pager_start(&pager, 0, PAGER_GOOD);
	CHECK_EQ(tern_memobj_set_limit(pager.memobj, pages * RT_PAGE), 0);
	written = 0;
	rt_thread(&thread, write_body, pages, 30);
	do {
		before = written;
		test_settle();
	} while (written != before);
	CHECK(written < pages && pager.cleans > 0);
	CHECK_EQ(tern_memobj_write(pager.memobj, RT_PAGE * written, buffer, 1, TERN_IO_NOWAIT),
		 -EAGAIN);
	while (thread.running) {
		clean_all();
		test_settle();
	}
	rt_join(&thread);
	CHECK_EQ(written, pages);
	CHECK_EQ(tern_memobj_set_length(pager.memobj, 0), 0);
	pager_stop(&pager);
}

void memory_is_taken_back(void)
{
	uint64_t total = (uint64_t)tern_system_info(TERN_INFO_TOTAL_PAGES);
	tern_handle stream;

	pager_start(&pager, 2 * total, PAGER_GOOD);
	stream = tern_stream_create(0, pager.memobj, 0);
	for (uint64_t i = 0; i < total + total / 4; i++)
		CHECK_EQ(tern_stream_read(stream, buffer, RT_PAGE, 0), RT_PAGE);
	tern_handle_close(stream);
	CHECK(tern_memobj_info(pager.memobj, TERN_MEMOBJ_RESIDENT) < (int64_t)total);
	CHECK(tern_memobj_info(pager.memobj, TERN_MEMOBJ_RESIDENT) > (int64_t)total / 2);
	pager_stop(&pager);
}
