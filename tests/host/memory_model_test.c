/* The kernel's memory half against byte arrays, and what happens in the middle of a copy. */
#include "cmocka_all.h"
#include "kernel/pressure.h"
#include "memory_model/model.h"

#define SEQUENCES 200
#define LENGTH 400

static void random_sequences_agree_with_byte_arrays(void **state)
{
	(void)state;
	srand(1);
	for (u32 i = 0; i < SEQUENCES; i++) {
		model_begin();
		for (u32 j = 0; j < LENGTH; j++) {
			u32 bits = (u32)rand() ^ (u32)rand() << 16;

			model_do(&(struct operation){ (u8)bits, (u8)(bits >> 8), (u8)(bits >> 16),
						      (u8)(bits >> 24) });
		}
		model_end();
	}
}

/* ------------------------------------------------------------------- in the middle of things */

#define PLACE 0x10000000ul

static s64 paged_handle, pagers_handle;
static u8 disk[64 * PAGE_SIZE];
static struct process *process, *child;

static void serve_one(void)
{
	world_answer(pagers_handle, disk);
}

static void map_at_place(u64 handle, u64 flags)
{
	assert_int_equal(CALL(sys_region_map, TERN_SELF_PROCESS, handle, 0, PLACE, 2 * PAGE_SIZE,
			      flags | TERN_MAP_READ | TERN_MAP_WRITE | TERN_MAP_FIXED),
			 PLACE);
}

static void assert_bytes(u64 address, u64 length, u8 expected)
{
	u8 byte;

	for (u64 i = 0; i < length; i++) {
		assert_int_equal(world_load(address + i, &byte), 0);
		assert_int_equal(byte, expected);
	}
}

/* An anonymous memobj of one page of that byte. */
static u64 create_filled(u8 byte)
{
	s64 handle = CALL(sys_memobj_create, TERN_SELF_ACCOUNT, 0);

	map_at_place(0, TERN_MAP_PRIVATE);
	for (u64 i = 0; i < PAGE_SIZE; i++)
		assert_int_equal(world_store(PLACE + i, byte), 0);
	assert_int_equal(CALL(sys_memobj_write, (u64)handle, 0, PLACE, PAGE_SIZE, 0), PAGE_SIZE);
	assert_int_equal(CALL(sys_region_unmap, TERN_SELF_PROCESS, PLACE, 2 * PAGE_SIZE), 0);
	return (u64)handle;
}

static int begin(void **state)
{
	static u64 free_before;

	free_before = world_free_pages();
	*state = &free_before;
	process = world_process();
	world_serve = serve_one;
	memset(disk, 7, sizeof(disk));
	paged_handle = world_create_paged(sizeof(disk), &pagers_handle);
	return 0;
}

static int end(void **state)
{
	world_as_pager();
	CALL(sys_handle_close, (u64)pagers_handle);
	world_kill(process);
	assert_int_equal(world_free_pages(), *(u64 *)*state);
	return 0;
}

static void clean_and_evict(void)
{
	struct thread *thread = arch_hart()->current;

	world_as_pager();
	world_clean(pagers_handle, disk);
	assert_int_equal(CALL(sys_memobj_evict, (u64)pagers_handle, 0, 64, 0), 1);
	arch_hart()->current = thread;
}

static void read_into_a_page_that_is_written_back_and_dropped(void **state)
{
	u64 source = create_filled(0xaa);

	(void)state;
	map_at_place((u64)paged_handle, 0);
	assert_int_equal(world_store(PLACE, 1), 0);
	host_in_copy = clean_and_evict;
	assert_int_equal(CALL(sys_memobj_read, source, 0, PLACE, PAGE_SIZE, 0), PAGE_SIZE);
	assert_bytes(PLACE, PAGE_SIZE, 0xaa);
}

static void fork_and_write(void)
{
	struct thread *thread = arch_hart()->current;

	child = world_fork();
	assert_non_null(child);
	assert_int_equal(world_store(PLACE, 3), 0);
	arch_hart()->current = thread;
}

static void read_into_a_page_that_a_fork_shares(void **state)
{
	u64 source = create_filled(0xbb);

	(void)state;
	map_at_place(0, TERN_MAP_PRIVATE);
	assert_int_equal(world_store(PLACE, 1), 0);
	/* Another thread's doing: the reader's frame is not the fork's. */
	host_in_copy = fork_and_write;
	assert_int_equal(CALL(sys_memobj_read, source, 0, PLACE, PAGE_SIZE, 0), PAGE_SIZE);
	assert_bytes(PLACE, PAGE_SIZE, 0xbb);
	world_kill(child);
	world_enter(process);
}

/* ------------------------------------------------------------------------------ little memory */

static paddr hoard[4096];
static u32 hoarded;

static void exhaust_memory(u64 left)
{
	page_cache_drain();
	while (page_count_free() > left)
		hoard[hoarded++] = page_alloc(0);
}

static void give_back(void)
{
	while (hoarded)
		page_free(hoard[--hoarded], 0);
}

static void fill_paged(u64 pages)
{
	map_at_place(0, TERN_MAP_PRIVATE);
	for (u64 i = 0; i < pages; i++)
		assert_int_equal(
			CALL(sys_memobj_read, (u64)paged_handle, i * PAGE_SIZE, PLACE, 1, 0), 1);
}

static void truncation_without_memory_is_not_forgotten(void **state)
{
	u64 handle = create_filled(0xcc), clone;

	(void)state;
	clone = (u64)CALL(sys_memobj_clone, TERN_SELF_ACCOUNT, handle, 0, 0);
	fill_paged(64);
	exhaust_memory(0);
	/* Its last page must be copied: that takes a page of the paged memobj's. */
	assert_int_equal(CALL(sys_memobj_set_length, handle, 100, 0), 0);
	give_back();
	assert_int_equal(CALL(sys_memobj_info, handle, TERN_MEMOBJ_LENGTH), 100);
	assert_int_equal(CALL(sys_memobj_set_length, handle, PAGE_SIZE, 0), 0);
	assert_int_equal(CALL(sys_memobj_read, handle, 0, PLACE, PAGE_SIZE, 0), PAGE_SIZE);
	assert_bytes(PLACE, 100, 0xcc);
	assert_bytes(PLACE + 100, PAGE_SIZE - 100, 0);
	assert_int_equal(CALL(sys_memobj_read, clone, 0, PLACE, PAGE_SIZE, 0), PAGE_SIZE);
	assert_bytes(PLACE, PAGE_SIZE, 0xcc);
}

/* All are used again before second chance comes round to them. */
static void pages_in_use_go_when_there_is_nothing_else(void **state)
{
	struct memobj *memobj;
	u64 index, word;

	(void)state;
	fill_paged(64);
	assert_int_equal(memobj_resolve((u64)paged_handle, 0, &memobj), 0);
	exhaust_memory(64);
	hart_set_attention(arch_hart(), ATTENTION_PRESSURE);
	for (u32 i = 0; i < 100 && memobj->resident == 64; i++) {
		for (index = 0; radix_next(&memobj->pages, &index, &word); index++)
			page_of(word)->flags |= PAGE_FLAG_ACCESSED;
		pressure_poll();
	}
	give_back();
	assert_true(memobj->resident < 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_sequences_agree_with_byte_arrays),
		cmocka_unit_test_setup_teardown(read_into_a_page_that_is_written_back_and_dropped,
						begin, end),
		cmocka_unit_test_setup_teardown(read_into_a_page_that_a_fork_shares, begin, end),
		cmocka_unit_test_setup_teardown(truncation_without_memory_is_not_forgotten, begin,
						end),
		cmocka_unit_test_setup_teardown(pages_in_use_go_when_there_is_nothing_else, begin,
						end),
	};

	world_init(4096);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
