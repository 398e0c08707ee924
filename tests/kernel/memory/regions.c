/* Regions and memobjs. */
#include "memory.h"

#define PAGES 8
#define UART 0x10000000ul
#define UART_LINE_STATUS 5
#define UART_IS_EMPTY 0x60
#define MANY 400

static tern_result map(tern_handle memobj, uint64_t offset, uint64_t address, uint64_t length,
		       uint64_t flags)
{
	return tern_region_map(TERN_SELF_PROCESS, memobj, offset, address, length, flags);
}

static tern_result unmap(uint64_t address, uint64_t length)
{
	return tern_region_unmap(TERN_SELF_PROCESS, address, length);
}

static tern_result protect(uint64_t address, uint64_t length, uint64_t flags)
{
	return tern_region_protect(TERN_SELF_PROCESS, address, length, flags);
}

/* Eight pages at ELSEWHERE; each begins with its number. */
static tern_handle map_numbered(void)
{
	tern_handle memobj = tern_memobj_create(0, PAGES * RT_PAGE);

	CHECK_EQ(map(memobj, 0, ELSEWHERE, PAGES * RT_PAGE, READ_WRITE | TERN_MAP_FIXED),
		 ELSEWHERE);
	for (uint64_t i = 0; i < PAGES; i++)
		*(volatile uint64_t *)(ELSEWHERE + i * RT_PAGE) = i;
	return memobj;
}

static bool is_readable(uint64_t address)
{
	return tern_touch((void *)address, 1, 0) == 0;
}

static bool is_writable(uint64_t address)
{
	return tern_touch((void *)address, 1, 1) == 0;
}

void pages_start_zeroed(void)
{
	for (int round = 0; round < 3; round++) {
		uint64_t *words = rt_map(16 * RT_PAGE);
		uint64_t sum = 0;

		for (size_t i = 0; i < 16 * RT_PAGE / sizeof(*words); i++)
			sum |= words[i];
		CHECK_EQ(sum, 0);
		memset(words, 0xaa, 16 * RT_PAGE);
		rt_unmap(words, 16 * RT_PAGE);
	}
}

void fixed_mapping_does_not_replace(void)
{
	tern_handle memobj = map_numbered();
	uint64_t fixed = READ_WRITE | TERN_MAP_FIXED;

	CHECK_EQ(map(memobj, 0, ELSEWHERE, RT_PAGE, fixed), -EEXIST);
	CHECK_EQ(map(memobj, 0, ELSEWHERE + 7 * RT_PAGE, 2 * RT_PAGE, fixed), -EEXIST);
	CHECK_EQ(map(memobj, 0, ELSEWHERE - RT_PAGE, 2 * RT_PAGE, fixed), -EEXIST);
	CHECK_EQ(map(memobj, 0, ELSEWHERE - RT_PAGE, 10 * RT_PAGE, fixed), -EEXIST);
	CHECK_EQ(map(memobj, 0, TERN_TIME_PAGE, RT_PAGE, fixed), -EEXIST);
	CHECK_EQ(map(memobj, 0, ELSEWHERE - RT_PAGE, RT_PAGE, fixed), ELSEWHERE - RT_PAGE);
	CHECK_EQ(unmap(ELSEWHERE - RT_PAGE, 9 * RT_PAGE), 0);
	CHECK_EQ(tern_handle_close(memobj), 0);
}

void hint_is_taken_when_free(void)
{
	tern_handle memobj = map_numbered();
	tern_result other;

	CHECK_EQ(map(memobj, 0, ELSEWHERE + PAGES * RT_PAGE, RT_PAGE, READ_WRITE),
		 ELSEWHERE + PAGES * RT_PAGE);
	other = map(memobj, 0, ELSEWHERE, RT_PAGE, READ_WRITE);
	CHECK(other > 0 && other != ELSEWHERE);
	CHECK_EQ(unmap((uint64_t)other, RT_PAGE), 0);
	CHECK_EQ(unmap(ELSEWHERE, (PAGES + 1) * RT_PAGE), 0);
	CHECK_EQ(map(memobj, 0, 0, TERN_USER_TOP - TERN_USER_BASE, READ_WRITE), -ENOMEM);
	CHECK_EQ(tern_handle_close(memobj), 0);
}

void unmap_splits_regions(void)
{
	tern_handle memobj = map_numbered();

	CHECK_EQ(unmap(ELSEWHERE + 2 * RT_PAGE, 2 * RT_PAGE), 0);
	CHECK_EQ(unmap(ELSEWHERE + 6 * RT_PAGE, RT_PAGE), 0);
	for (uint64_t i = 0; i < PAGES; i++) {
		uint64_t address = ELSEWHERE + i * RT_PAGE;

		CHECK_EQ(is_readable(address), i != 2 && i != 3 && i != 6);
		if (is_readable(address))
			CHECK_EQ(*(uint64_t *)address, i);
	}
	CHECK_EQ(map(memobj, 3 * RT_PAGE, ELSEWHERE + 2 * RT_PAGE, RT_PAGE,
		     TERN_MAP_READ | TERN_MAP_FIXED),
		 ELSEWHERE + 2 * RT_PAGE);
	CHECK_EQ(*(uint64_t *)(ELSEWHERE + 2 * RT_PAGE), 3);
	CHECK_EQ(unmap(ELSEWHERE - RT_PAGE, (PAGES + 2) * RT_PAGE), 0);
	CHECK_EQ(unmap(ELSEWHERE, PAGES * RT_PAGE), 0);
	CHECK(!is_readable(ELSEWHERE) && !is_readable(ELSEWHERE + 7 * RT_PAGE));
	CHECK_EQ(tern_handle_close(memobj), 0);
}

void protect_splits_regions(void)
{
	tern_handle memobj = map_numbered();

	CHECK_EQ(protect(ELSEWHERE + RT_PAGE, 2 * RT_PAGE, TERN_MAP_READ), 0);
	CHECK_EQ(protect(ELSEWHERE + 5 * RT_PAGE, RT_PAGE, 0), 0);
	for (uint64_t i = 0; i < PAGES; i++) {
		CHECK_EQ(is_writable(ELSEWHERE + i * RT_PAGE), i != 1 && i != 2 && i != 5);
		CHECK_EQ(is_readable(ELSEWHERE + i * RT_PAGE), i != 5);
	}
	CHECK_EQ(protect(ELSEWHERE, PAGES * RT_PAGE, READ_WRITE), 0);
	CHECK_EQ(*(volatile uint64_t *)(ELSEWHERE + 5 * RT_PAGE), 5);
	CHECK_EQ(unmap(ELSEWHERE + 4 * RT_PAGE, RT_PAGE), 0);
	CHECK_EQ(protect(ELSEWHERE, PAGES * RT_PAGE, TERN_MAP_READ), -EFAULT);
	CHECK(is_writable(ELSEWHERE));
	CHECK_EQ(unmap(ELSEWHERE, PAGES * RT_PAGE), 0);
	CHECK_EQ(tern_handle_close(memobj), 0);
}

void protection_is_bounded_by_rights(void)
{
	tern_handle memobj = tern_memobj_create(0, RT_PAGE);
	tern_handle reader = tern_handle_duplicate(memobj, TERN_RIGHT_READ);
	tern_handle code = tern_handle_duplicate(memobj, TERN_RIGHT_READ | TERN_RIGHT_EXECUTE);
	tern_result address = map(reader, 0, 0, RT_PAGE, TERN_MAP_READ);

	CHECK_EQ(map(reader, 0, 0, RT_PAGE, READ_WRITE), -EPERM);
	CHECK_EQ(map(reader, 0, 0, RT_PAGE, TERN_MAP_READ | TERN_MAP_EXECUTE), -EPERM);
	CHECK_EQ(map(code, 0, 0, RT_PAGE, READ_WRITE), -EPERM);
	CHECK_EQ(protect((uint64_t)address, RT_PAGE, READ_WRITE), -EPERM);
	CHECK_EQ(protect((uint64_t)address, RT_PAGE, TERN_MAP_READ | TERN_MAP_EXECUTE), -EPERM);
	CHECK_EQ(protect((uint64_t)address, RT_PAGE, 0), 0);
	CHECK_EQ(protect((uint64_t)address, RT_PAGE, TERN_MAP_READ), 0);
	CHECK_EQ(tern_touch((void *)address, 1, 0), 0);
	CHECK_EQ(tern_touch((void *)address, 1, 1), -EFAULT);
	CHECK_EQ(unmap((uint64_t)address, RT_PAGE), 0);
	CHECK_EQ(tern_handle_close(memobj), 0);
	CHECK_EQ(tern_handle_close(reader), 0);
	CHECK_EQ(tern_handle_close(code), 0);
}

void write_and_execute_together_are_refused(void)
{
	tern_handle memobj = map_numbered();
	uint64_t both = READ_WRITE | TERN_MAP_EXECUTE;

	CHECK_EQ(map(memobj, 0, 0, RT_PAGE, both), -EINVAL);
	CHECK_EQ(protect(ELSEWHERE, RT_PAGE, both), -EINVAL);
	CHECK_EQ(protect(ELSEWHERE, RT_PAGE, TERN_MAP_WRITE | TERN_MAP_EXECUTE), -EINVAL);
	CHECK(is_writable(ELSEWHERE));
	CHECK_EQ(unmap(ELSEWHERE, PAGES * RT_PAGE), 0);
	CHECK_EQ(tern_handle_close(memobj), 0);
}

void guard_faults(void)
{
	CHECK_EQ(map(0, 0, ELSEWHERE, 4 * RT_PAGE, TERN_MAP_GUARD | TERN_MAP_FIXED), ELSEWHERE);
	CHECK_EQ(map(0, 0, ELSEWHERE, RT_PAGE, TERN_MAP_GUARD | TERN_MAP_FIXED), -EEXIST);
	CHECK_EQ(map(0, 0, 0, RT_PAGE, TERN_MAP_GUARD | TERN_MAP_READ), -EINVAL);
	CHECK(!is_readable(ELSEWHERE));
	CHECK_EQ(protect(ELSEWHERE, RT_PAGE, TERN_MAP_READ), -EFAULT);
	CHECK_EQ(unmap(ELSEWHERE, 4 * RT_PAGE), 0);
}

void two_mappings_show_the_same_memory(void)
{
	tern_handle memobj = map_numbered();
	volatile uint64_t *first = (volatile uint64_t *)(ELSEWHERE + 3 * RT_PAGE);
	volatile uint64_t *second = (volatile uint64_t *)map(memobj, 3 * RT_PAGE, 0, RT_PAGE,
							     READ_WRITE);

	CHECK_EQ(*second, 3);
	*second = 77;
	CHECK_EQ(*first, 77);
	CHECK_EQ(tern_handle_close(memobj), 0);
	*first = 78;
	CHECK_EQ(*second, 78);
	CHECK_EQ(unmap(ELSEWHERE, PAGES * RT_PAGE), 0);
	CHECK_EQ(*second, 78);
	CHECK_EQ(unmap((uint64_t)second, RT_PAGE), 0);
}

void memory_ends_at_the_length(void)
{
	tern_handle memobj = tern_memobj_create(0, RT_PAGE + 1);

	CHECK_EQ(map(memobj, 0, ELSEWHERE, 4 * RT_PAGE, READ_WRITE), ELSEWHERE);
	CHECK(is_writable(ELSEWHERE + 2 * RT_PAGE - 1));
	CHECK(!is_readable(ELSEWHERE + 2 * RT_PAGE));
	CHECK_EQ(tern_touch((void *)ELSEWHERE, 4 * RT_PAGE, 1), -EFAULT);
	CHECK_EQ(unmap(ELSEWHERE, 4 * RT_PAGE), 0);
	CHECK_EQ(tern_handle_close(memobj), 0);
}

void written_code_runs(void)
{
	static const uint32_t program[] = { 0x02a00513 /* li a0, 42 */, 0x00008067 /* ret */ };
	tern_handle memobj = tern_memobj_create(0, RT_PAGE);
	tern_result writable = map(memobj, 0, 0, RT_PAGE, READ_WRITE);
	tern_result code = map(memobj, 0, 0, RT_PAGE, TERN_MAP_READ | TERN_MAP_EXECUTE);

	memcpy((void *)writable, program, sizeof(program));
	__asm__ volatile("fence.i" ::: "memory");
	CHECK_EQ(((int (*)(void))code)(), 42);
	CHECK_EQ(unmap((uint64_t)writable, RT_PAGE), 0);
	CHECK_EQ(unmap((uint64_t)code, RT_PAGE), 0);
	CHECK_EQ(tern_handle_close(memobj), 0);
}

void physical_memory_is_contiguous(void)
{
	tern_handle memobj = tern_memobj_create_physical(0, rt_boot->resource, 0, 5 * RT_PAGE,
							 TERN_PHYSICAL_CONTIGUOUS);
	tern_handle device = tern_device_create(0, rt_boot->resource, 1);
	tern_result physical = tern_memobj_physical_address(device, memobj);
	tern_handle anonymous = tern_memobj_create(0, RT_PAGE);
	uint64_t *words = (uint64_t *)map(memobj, 0, ELSEWHERE, 8 * RT_PAGE, READ_WRITE);
	uint64_t sum = 0;

	CHECK(physical > 0);
	CHECK_EQ(physical % (8 * RT_PAGE), 0);
	for (size_t i = 0; i < 5 * RT_PAGE / sizeof(*words); i++)
		sum |= words[i];
	CHECK_EQ(sum, 0);
	memset(words, 0xff, 5 * RT_PAGE);
	CHECK_EQ(tern_memobj_physical_address(device, anonymous), -EINVAL);
	CHECK_EQ(tern_handle_close(device), 0);
	CHECK_EQ(unmap(ELSEWHERE, 8 * RT_PAGE), 0);
	CHECK_EQ(tern_handle_close(memobj), 0);
	CHECK_EQ(tern_handle_close(anonymous), 0);
}

/* 4 MiB of it can be mapped with two entries; what is cut out of one of them leaves the rest alone. */
void large_pages_can_be_cut(void)
{
	uint64_t length = 4ul << 20, pages = length / RT_PAGE;
	tern_handle memobj = tern_memobj_create_physical(0, rt_boot->resource, 0, length,
							 TERN_PHYSICAL_CONTIGUOUS);
	volatile uint64_t *words = (volatile uint64_t *)map(memobj, 0, ELSEWHERE, length,
							    READ_WRITE);

	for (uint64_t i = 0; i < pages; i++)
		words[i * RT_PAGE / 8] = i;
	CHECK_EQ(unmap(ELSEWHERE + 100 * RT_PAGE, RT_PAGE), 0);
	CHECK_EQ(protect(ELSEWHERE + 600 * RT_PAGE, RT_PAGE, TERN_MAP_READ), 0);
	for (uint64_t i = 0; i < pages; i++) {
		CHECK_EQ(is_readable((uint64_t)words + i * RT_PAGE), i != 100);
		CHECK_EQ(is_writable((uint64_t)words + i * RT_PAGE), i != 100 && i != 600);
		if (i != 100)
			CHECK_EQ(words[i * RT_PAGE / 8], i);
	}
	CHECK_EQ(unmap(ELSEWHERE, length), 0);
	CHECK_EQ(tern_handle_close(memobj), 0);
}

void device_registers_can_be_mapped(void)
{
	tern_handle memobj = tern_memobj_create_physical(0, rt_boot->resource, UART, RT_PAGE,
							 TERN_PHYSICAL_DEVICE);
	volatile uint8_t *uart = (volatile uint8_t *)map(memobj, 0, 0, RT_PAGE, READ_WRITE);

	/* Once whoever reads the console has taken what was written. */
	for (int i = 0; i < 10000 && (uart[UART_LINE_STATUS] & UART_IS_EMPTY) != UART_IS_EMPTY; i++)
		test_sleep(1000000);
	CHECK_EQ(uart[UART_LINE_STATUS] & UART_IS_EMPTY, UART_IS_EMPTY);
	CHECK_EQ(unmap((uint64_t)uart, RT_PAGE), 0);
	CHECK_EQ(tern_handle_close(memobj), 0);
}

void many_regions_are_found(void)
{
	tern_handle memobj = tern_memobj_create(0, RT_PAGE);
	uint64_t state = 42;

	*(volatile uint64_t *)map(memobj, 0, ELSEWHERE, RT_PAGE, READ_WRITE) = 4711;
	for (uint64_t i = 1; i < MANY; i++)
		CHECK_EQ(map(memobj, 0, ELSEWHERE + 2 * i * RT_PAGE, RT_PAGE, TERN_MAP_READ),
			 ELSEWHERE + 2 * i * RT_PAGE);
	for (uint64_t round = 0; round < MANY; round++) {
		uint64_t i = test_random(&state) % MANY;

		CHECK_EQ(*(volatile uint64_t *)(ELSEWHERE + 2 * i * RT_PAGE), 4711);
		CHECK(!is_readable(ELSEWHERE + (2 * i + 1) * RT_PAGE));
	}
	for (uint64_t i = 0; i < MANY; i += 2)
		CHECK_EQ(unmap(ELSEWHERE + 2 * i * RT_PAGE, RT_PAGE), 0);
	for (uint64_t i = 0; i < MANY; i++)
		CHECK_EQ(is_readable(ELSEWHERE + 2 * i * RT_PAGE), i % 2);
	CHECK_EQ(unmap(ELSEWHERE, 2 * MANY * RT_PAGE), 0);
	CHECK_EQ(tern_handle_close(memobj), 0);
}
