/* Memory in pieces of 2 MiB: who gets them, and when they are split. */
#include "cmocka_all.h"
#include "kernel/account.h"
#include "kernel/pressure.h"
#include "memory_model/large.h"

#define ARENA 12288 /* pages */
#define SEQUENCES 40
#define LENGTH 100
#define PLACE 0x40000000ul
#define LARGE 512ul
#define READ_WRITE (TERN_MAP_READ | TERN_MAP_WRITE)

static void random_sequences_agree_with_bytes(void **state)
{
	u32 seen = 0;

	(void)state;
	srand(2);
	for (u32 i = 0; i < SEQUENCES; i++) {
		large_begin();
		for (u32 j = 0; j < LENGTH; j++) {
			u32 bits = (u32)rand() ^ (u32)rand() << 16;

			large_do(&(struct operation){ (u8)bits, (u8)(bits >> 8), (u8)(bits >> 16),
						      (u8)(bits >> 24) });
			seen += large_count();
		}
		large_end();
	}
	/* Not by being none of them. */
	assert_true(seen > SEQUENCES * LENGTH / 2);
}

/* --------------------------------------------------------------------------------- one by one */

static struct process *process;

static int begin(void **state)
{
	static u64 free_before;

	free_before = world_free_pages();
	*state = &free_before;
	process = world_process();
	return 0;
}

static int end(void **state)
{
	host_interrupt_pending = false;
	world_kill(process);
	assert_int_equal(world_free_pages(), *(u64 *)*state);
	return 0;
}

static void map(u64 handle, u64 pages, u64 flags)
{
	assert_int_equal(CALL(sys_region_map, TERN_SELF_PROCESS, handle, 0, PLACE,
			      pages * PAGE_SIZE, flags | READ_WRITE | TERN_MAP_FIXED),
			 PLACE);
}

static void unmap(u64 page, u64 count)
{
	assert_int_equal(CALL(sys_region_unmap, TERN_SELF_PROCESS, PLACE + page * PAGE_SIZE,
			      count * PAGE_SIZE),
			 0);
}

static void touch(u64 first, u64 count)
{
	for (u64 i = first; i < first + count; i++)
		assert_int_equal(world_store(PLACE + i * PAGE_SIZE, (u8)i), 0);
}

static bool is_large(u64 page)
{
	return page_table_find_large(process->space.root, PLACE + page * PAGE_SIZE);
}

static void assert_kept(u64 first, u64 end)
{
	u8 byte;

	for (u64 i = first; i < end; i++) {
		assert_int_equal(world_load(PLACE + i * PAGE_SIZE, &byte), 0);
		assert_int_equal(byte, (u8)i);
	}
}

/* Two blocks that are touched from the beginning: small pages and a large one. */
static void have_one(void)
{
	map(0, 2 * LARGE, TERN_MAP_PRIVATE);
	touch(0, LARGE + 1);
	assert_false(is_large(0));
	assert_true(is_large(LARGE));
	touch(LARGE + 1, LARGE - 1);
	assert_true(is_large(LARGE));
}

static void what_is_touched_in_order_is_large(void **state)
{
	(void)state;
	have_one();
	assert_int_equal(process->space.anonymous_pages, 2 * LARGE);
	assert_kept(0, 2 * LARGE);
}

static void what_is_touched_here_and_there_is_small(void **state)
{
	(void)state;
	map(0, 4 * LARGE, TERN_MAP_PRIVATE);
	touch(LARGE, 1);
	touch(2 * LARGE, LARGE - 1); /* all but one */
	touch(3 * LARGE, 1);
	assert_false(is_large(LARGE) || is_large(2 * LARGE) || is_large(3 * LARGE));
	assert_int_equal(process->space.anonymous_pages, LARGE + 1);
}

static void what_a_region_does_not_fill_is_small(void **state)
{
	(void)state;
	map(0, 2 * LARGE - 1, TERN_MAP_PRIVATE);
	touch(0, 2 * LARGE - 1);
	assert_false(is_large(LARGE));
}

static void system_calls_do_not_wait_for_large_pages(void **state)
{
	(void)state;
	map(0, 2 * LARGE, TERN_MAP_PRIVATE);
	assert_int_equal(CALL(sys_touch, PLACE, 2 * LARGE * PAGE_SIZE, 1), 0);
	assert_false(is_large(LARGE));
}

/* Not the quota's last memory for what may never be touched. */
static void poor_accounts_have_small_pages(void **state)
{
	struct account *account = account_create(root_account, 3 * LARGE_PAGE_SIZE);
	struct account *rich = process->object.account;

	(void)state;
	process->object.account = account;
	map(0, 2 * LARGE, TERN_MAP_PRIVATE);
	touch(0, LARGE + 1);
	assert_false(is_large(LARGE));
	unmap(0, 2 * LARGE);
	assert_true(account_charge(rich, process->space.table_pages * PAGE_SIZE));
	account_uncharge(account, process->space.table_pages * PAGE_SIZE);
	process->object.account = rich;
	assert_int_equal(atomic_load(&account->used), 0);
	object_put(&account->object);
}

/* Clearing goes on where an interrupt has stopped it, and what is never fetched is not lost. */
static void clearing_is_interrupted(void **state)
{
	u64 free = world_free_pages();
	bool is_late = true;
	u32 tries = 0;
	paddr block = 0;

	(void)state;
	host_interrupt_pending = true;
	while (!block && is_late) {
		block = page_alloc_clear(&is_late);
		tries++;
	}
	host_interrupt_pending = false;
	assert_non_null(block);
	assert_in_range(tries, 32, 128);
	page_free_clear(block);
	assert_int_equal(world_free_pages(), free);
	assert_int_equal(page_alloc_clear(&is_late), block);
	page_free(block, LARGE_PAGE_ORDER);
	assert_int_equal(world_free_pages(), free);
}

static void interrupted_faults_are_made_again(void **state)
{
	(void)state;
	map(0, 2 * LARGE, TERN_MAP_PRIVATE);
	touch(0, LARGE);
	host_interrupt_pending = true;
	assert_int_equal(
		address_space_fault(process, UADDR(PLACE + LARGE * PAGE_SIZE), ACCESS_WRITE, true),
		0);
	assert_false(is_large(LARGE));
	assert_null(page_table_find(process->space.root, PLACE + LARGE * PAGE_SIZE));
	touch(LARGE, 1);
	assert_true(is_large(LARGE));
}

/* Nothing is free but what has been begun for a large page: then it becomes small ones. */
static void what_is_left_for_a_large_page_is_memory(void **state)
{
	static paddr hoard[ARENA];
	u32 hoarded = 0;
	bool is_late;

	(void)state;
	map(0, 1, TERN_MAP_PRIVATE);
	host_interrupt_pending = true;
	assert_null(page_alloc_clear(&is_late));
	host_interrupt_pending = false;
	while (page_count_unused() > pressure_reserve())
		hoard[hoarded++] = page_alloc(0);
	touch(0, 1);
	while (hoarded)
		page_free(hoard[--hoarded], 0);
}

static void unmapping_a_part_splits(void **state)
{
	(void)state;
	have_one();
	unmap(LARGE + 7, 3);
	assert_false(is_large(LARGE));
	assert_int_equal(process->space.anonymous_pages, 2 * LARGE - 3);
	assert_int_equal(process->space.spare_tables, 0);
	assert_kept(0, LARGE + 7);
	assert_kept(LARGE + 10, 2 * LARGE);
}

static void unmapping_all_of_it_does_not(void **state)
{
	(void)state;
	have_one();
	unmap(LARGE, LARGE);
	assert_int_equal(process->space.anonymous_pages, LARGE);
	assert_int_equal(process->space.spare_tables, 0);
}

static void protecting_splits_where_it_must(void **state)
{
	(void)state;
	have_one();
	assert_int_equal(CALL(sys_region_protect, TERN_SELF_PROCESS, PLACE, 2 * LARGE_PAGE_SIZE,
			      TERN_MAP_READ),
			 0);
	assert_true(is_large(LARGE));
	assert_int_equal(world_store(PLACE + LARGE * PAGE_SIZE, 1), -EFAULT);
	assert_int_equal(
		CALL(sys_region_protect, TERN_SELF_PROCESS, PLACE, 2 * LARGE_PAGE_SIZE, READ_WRITE),
		0);
	touch(LARGE, 1);
	assert_true(is_large(LARGE));
	assert_int_equal(CALL(sys_region_protect, TERN_SELF_PROCESS, PLACE, 2 * LARGE_PAGE_SIZE, 0),
			 0);
	assert_false(is_large(LARGE));
	assert_int_equal(
		CALL(sys_region_protect, TERN_SELF_PROCESS, PLACE, 2 * LARGE_PAGE_SIZE, READ_WRITE),
		0);
	assert_kept(0, 2 * LARGE);
}

static void forks_share_it_as_a_whole(void **state)
{
	struct process *child;
	u64 free;

	(void)state;
	have_one();
	free = world_free_pages();
	child = world_fork();
	assert_true(page_table_find_large(child->space.root, PLACE + LARGE_PAGE_SIZE));
	assert_int_equal(child->space.anonymous_pages, 2 * LARGE);
	world_kill(child);
	assert_int_equal(world_free_pages(), free);
	/* Nobody else holds it: a write does not split it. */
	world_enter(process);
	touch(LARGE + 3, 1);
	assert_true(is_large(LARGE));
	assert_int_equal(world_free_pages(), free);
}

#define BORDER 0x80000000ul /* of two tables of large entries */

static u8 disk[PAGE_SIZE];
static s64 pagers_handle;

static void serve(void)
{
	world_answer(pagers_handle, disk);
}

/* So that memory seems to be only a matter of time. */
static void cache_a_page(void)
{
	s64 handle = world_create_paged(PAGE_SIZE, &pagers_handle);

	world_serve = serve;
	assert_int_equal(CALL(sys_memobj_read, (u64)handle, 0, BORDER, 1, 0), 1);
}

/* ... wherever it ends: for the block, or for the table of its entry. */
static void forks_fail_when_the_quota_ends(void **state)
{
	struct account *rich = process->object.account;
	struct process *child = NULL;
	u32 failed = 0;

	(void)state;
	assert_int_equal(CALL(sys_region_map, TERN_SELF_PROCESS, 0, 0, BORDER - LARGE_PAGE_SIZE,
			      2 * LARGE_PAGE_SIZE, READ_WRITE | TERN_MAP_PRIVATE | TERN_MAP_FIXED),
			 BORDER - LARGE_PAGE_SIZE);
	for (u64 i = 0; i <= LARGE; i++)
		assert_int_equal(world_store(BORDER - LARGE_PAGE_SIZE + i * PAGE_SIZE, 1), 0);
	assert_non_null(page_table_find_large(process->space.root, BORDER));
	cache_a_page();
	for (u64 pages = 2 * LARGE; !child; pages++, failed++) {
		process->object.account = account_create(root_account, pages * PAGE_SIZE);
		child = world_fork();
		if (child)
			world_kill(child);
		world_settle();
		object_put(&process->object.account->object);
		process->object.account = rich;
	}
	assert_in_range(failed, 8, 32);
	world_as_pager();
	CALL(sys_handle_close, (u64)pagers_handle);
	world_enter(process);
}

static void writing_after_a_fork_copies_a_page(void **state)
{
	struct process *child;
	u64 free;
	u8 byte;

	(void)state;
	have_one();
	child = world_fork();
	free = world_free_pages();
	assert_int_equal(world_store(PLACE + (LARGE + 9) * PAGE_SIZE, 99), 0);
	assert_false(is_large(LARGE));
	/* The table was put by. */
	assert_int_equal(world_free_pages(), free - 1);
	world_enter(child);
	assert_true(page_table_find_large(child->space.root, PLACE + LARGE_PAGE_SIZE));
	assert_kept(0, 2 * LARGE);
	assert_int_equal(world_store(PLACE + (LARGE + 10) * PAGE_SIZE, 98), 0);
	world_enter(process);
	assert_kept(LARGE + 10, 2 * LARGE);
	assert_int_equal(world_load(PLACE + (LARGE + 9) * PAGE_SIZE, &byte), 0);
	assert_int_equal(byte, 99);
	/* The child holds the frames that the parent gives up, one by one. */
	unmap(LARGE, LARGE);
	world_enter(child);
	assert_kept(LARGE, LARGE + 10);
	assert_kept(LARGE + 11, 2 * LARGE);
	world_kill(child);
	world_enter(process);
}

static void cloning_a_memobj_keeps_it_until_a_write(void **state)
{
	s64 handle = CALL(sys_memobj_create, TERN_SELF_ACCOUNT, 2 * LARGE_PAGE_SIZE), clone;
	struct memobj *memobj;

	(void)state;
	assert_int_equal(memobj_resolve((u64)handle, 0, &memobj), 0);
	map((u64)handle, 2 * LARGE, 0);
	touch(0, LARGE + 1);
	assert_true(is_large(LARGE));
	assert_int_equal(memobj->resident, 2 * LARGE);
	touch(LARGE + 1, LARGE - 1);
	clone = CALL(sys_memobj_clone, TERN_SELF_ACCOUNT, (u64)handle, 0, 0);
	assert_true(clone > 0 && is_large(LARGE));
	assert_kept(0, 2 * LARGE);
	assert_int_equal(world_store(PLACE + LARGE_PAGE_SIZE, 77), 0);
	assert_false(is_large(LARGE));
	assert_kept(LARGE + 1, 2 * LARGE);
	CALL(sys_handle_close, (u64)clone);
	unmap(0, 2 * LARGE);
	/* Where its pages still are one block it is large again. */
	map((u64)handle, 2 * LARGE, 0);
	assert_kept(LARGE + 1, 2 * LARGE);
	assert_false(is_large(LARGE));
	CALL(sys_handle_close, (u64)handle);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_sequences_agree_with_bytes),
		TEST(what_is_touched_in_order_is_large),
		TEST(what_is_touched_here_and_there_is_small),
		TEST(what_a_region_does_not_fill_is_small),
		TEST(system_calls_do_not_wait_for_large_pages),
		TEST(poor_accounts_have_small_pages),
		TEST(clearing_is_interrupted),
		TEST(interrupted_faults_are_made_again),
		TEST(what_is_left_for_a_large_page_is_memory),
		TEST(unmapping_a_part_splits),
		TEST(unmapping_all_of_it_does_not),
		TEST(protecting_splits_where_it_must),
		TEST(forks_share_it_as_a_whole),
		TEST(forks_fail_when_the_quota_ends),
		TEST(writing_after_a_fork_copies_a_page),
		TEST(cloning_a_memobj_keeps_it_until_a_write),
	};

	world_init(ARENA);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
