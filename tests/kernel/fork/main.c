/* Private memory, copy-on-write and fork. Children answer with their exit status. */
#include "test.h"

#define READ_WRITE (TERN_MAP_READ | TERN_MAP_WRITE)
#define PRIVATE (READ_WRITE | TERN_MAP_PRIVATE)
#define GOOD 77
#define MANY 4096 /* pages: 16 MiB */
#define THREADS 4
#define ROW 8 /* pages that each thread looks after */
#define ROUNDS 6

static volatile uint64_t *map(tern_handle memobj, uint64_t pages, uint64_t flags)
{
	tern_result address = tern_region_map(TERN_SELF_PROCESS, memobj, 0, 0, pages * RT_PAGE,
					      flags);

	rt_require(address > 0, "map");
	return (volatile uint64_t *)address;
}

static void unmap(volatile uint64_t *words, uint64_t pages)
{
	CHECK_EQ(tern_region_unmap(TERN_SELF_PROCESS, (uint64_t)words, pages * RT_PAGE), 0);
}

static volatile uint64_t *page(volatile uint64_t *words, uint64_t number)
{
	return words + number * RT_PAGE / sizeof(*words);
}

static uint64_t account_used(void)
{
	return (uint64_t)tern_account_info(0, TERN_ACCOUNT_USED);
}

/* What the child ended with. */
static uint32_t wait_for(tern_handle child)
{
	struct test_port port = test_port(1, 0);
	struct tern_received message = { 0 };
	tern_result status;

	CHECK_EQ(tern_process_watch(child, port.client), 0);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_NOTIFY);
	status = tern_process_status(child);
	CHECK_EQ(tern_handle_close(child), 0);
	test_port_close(&port);
	return (uint32_t)status;
}

static void expect_child(tern_handle child, uint32_t status)
{
	CHECK(child > 0);
	CHECK_EQ(wait_for(child), status);
}

/* ------------------------------------------------------------------------------ private memory */

static void private_memory_starts_zeroed_and_is_charged(void)
{
	uint64_t before = account_used();
	volatile uint64_t *words = map(0, 4, PRIVATE);

	for (uint64_t i = 0; i < 4 * RT_PAGE / sizeof(*words); i++)
		CHECK_EQ(words[i], 0);
	CHECK(account_used() >= before + 4ul * RT_PAGE);
	for (uint64_t i = 0; i < 4; i++)
		*page(words, i) = i + 1;
	for (uint64_t i = 0; i < 4; i++)
		CHECK_EQ(*page(words, i), i + 1);
	unmap(words, 4);
}

static void writes_do_not_reach_the_memobj(void)
{
	tern_handle memobj = tern_memobj_create(0, 2 * RT_PAGE);
	volatile uint64_t *shared = map(memobj, 2, READ_WRITE), *own = map(memobj, 2, PRIVATE);

	*page(shared, 0) = 1;
	CHECK_EQ(*page(own, 0), 1);
	*page(shared, 0) = 2; /* still shown: not written yet */
	CHECK_EQ(*page(own, 0), 2);
	page(own, 0)[1] = 3;
	*page(shared, 0) = 4;
	CHECK_EQ(*page(own, 0), 2);
	CHECK_EQ(page(shared, 0)[1], 0);
	*page(own, 1) = 5; /* written at once */
	CHECK_EQ(*page(shared, 1), 0);
	unmap(shared, 2);
	unmap(own, 2);
	tern_handle_close(memobj);
}

static void reading_allows_a_private_copy(void)
{
	tern_handle memobj = tern_memobj_create(0, RT_PAGE);
	tern_handle reader = tern_handle_duplicate(memobj, TERN_RIGHT_READ);
	volatile uint64_t *own = map(reader, 1, PRIVATE);

	*own = 1;
	CHECK_EQ(tern_region_map(TERN_SELF_PROCESS, reader, 0, 0, RT_PAGE, READ_WRITE), -EPERM);
	unmap(own, 1);
	tern_handle_close(reader);
	tern_handle_close(memobj);
}

static void untouchable_pages_keep_their_content(void)
{
	volatile uint64_t *words = map(0, 3, PRIVATE);
	uint64_t address = (uint64_t)words;

	*page(words, 0) = 10;
	*page(words, 1) = 11;
	CHECK_EQ(tern_region_protect(TERN_SELF_PROCESS, address, 3 * RT_PAGE, 0), 0);
	CHECK_EQ(tern_touch((void *)address, 1, 0), -EFAULT);
	CHECK_EQ(tern_region_protect(TERN_SELF_PROCESS, address, 3 * RT_PAGE, TERN_MAP_READ), 0);
	CHECK_EQ(*page(words, 0), 10);
	CHECK_EQ(*page(words, 1), 11);
	CHECK_EQ(*page(words, 2), 0);
	CHECK_EQ(tern_touch((void *)address, 1, 1), -EFAULT);
	CHECK_EQ(tern_region_protect(TERN_SELF_PROCESS, address + RT_PAGE, RT_PAGE, READ_WRITE), 0);
	*page(words, 1) = 12;
	CHECK_EQ(tern_region_protect(TERN_SELF_PROCESS, address, 3 * RT_PAGE, 0), 0);
	unmap(words, 3);
}

static void unmapped_parts_are_given_back(void)
{
	uint64_t before = account_used();
	volatile uint64_t *words = map(0, 300, PRIVATE);

	for (uint64_t i = 0; i < 300; i++)
		*page(words, i) = i;
	unmap(page(words, 10), 200);
	CHECK(account_used() < before + 110ul * RT_PAGE);
	CHECK_EQ(*page(words, 9), 9);
	CHECK_EQ(*page(words, 210), 210);
	unmap(words, 300);
}

/* ---------------------------------------------------------------------------------------- fork */

static void child_returns_zero(void)
{
	volatile double number = 2.5;
	volatile uint64_t local = 1234;
	tern_result child = tern_process_fork(0);

	if (child == 0)
		rt_exit(number == 2.5 && local == 1234 ? GOOD : 1);
	expect_child(child, GOOD);
}

static void memory_is_copied_on_write(void)
{
	volatile uint64_t *words = map(0, 3, PRIVATE);
	tern_result child;

	*page(words, 0) = 1;
	*page(words, 1) = 2;
	child = tern_process_fork(0);
	if (child == 0) {
		bool is_good = *page(words, 0) == 1 && *page(words, 1) == 2 && *page(words, 2) == 0;

		*page(words, 0) = 100;
		*page(words, 2) = 102;
		test_sleep(2000000);
		is_good &= *page(words, 0) == 100 && *page(words, 1) == 2 && *page(words, 2) == 102;
		rt_exit(is_good ? GOOD : 1);
	}
	*page(words, 1) = 51;
	test_sleep(1000000);
	CHECK_EQ(*page(words, 0), 1);
	CHECK_EQ(*page(words, 1), 51);
	CHECK_EQ(*page(words, 2), 0);
	expect_child(child, GOOD);
	*page(words, 0) = 7; /* nobody shares it any more */
	CHECK_EQ(*page(words, 0), 7);
	unmap(words, 3);
}

static void shared_memory_stays_shared(void)
{
	tern_handle memobj = tern_memobj_create(0, RT_PAGE);
	volatile uint64_t *words = map(memobj, 1, READ_WRITE);
	tern_result child;

	*words = 1;
	child = tern_process_fork(0);
	if (child == 0) {
		*words = 2;
		rt_exit(GOOD);
	}
	expect_child(child, GOOD);
	CHECK_EQ(*words, 2);
	unmap(words, 1);
	tern_handle_close(memobj);
}

static void the_memobj_behind_private_memory_is_shown_to_both(void)
{
	tern_handle memobj = tern_memobj_create(0, RT_PAGE);
	volatile uint64_t *shared = map(memobj, 1, READ_WRITE), *own = map(memobj, 1, PRIVATE);
	tern_result child;

	*shared = 1;
	child = tern_process_fork(0);
	if (child == 0) {
		bool is_good = *own == 1;

		*own = 5;
		rt_exit(is_good && *shared == 1 ? GOOD : 1);
	}
	expect_child(child, GOOD);
	CHECK_EQ(*own, 1);
	unmap(shared, 1);
	unmap(own, 1);
	tern_handle_close(memobj);
}

static void handles_keep_their_values(void)
{
	struct test_port port = test_port(5, 0);
	tern_handle secret = tern_handle_duplicate(port.client,
						   TERN_RIGHTS_ALL | TERN_RIGHT_NO_INHERIT);
	tern_result child = tern_process_fork(0);

	if (child == 0) {
		bool is_good = tern_notify(secret, 1) == -EBADF && tern_notify(port.client, 6) == 0;

		/* The free slot of the secret one is usable, under another value. */
		is_good &= tern_memobj_create(0, RT_PAGE) != secret;
		rt_exit(is_good ? GOOD : 1);
	}
	expect_child(child, GOOD);
	{
		struct tern_received message = { 0 };

		CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_NOTIFY);
		CHECK_EQ(message.words[0], 6);
	}
	tern_handle_close(secret);
	test_port_close(&port);
}

/* A child's handles count as clients: the event comes when the last one goes, wherever. */
static void clients_are_counted_over_a_fork(void)
{
	struct test_port port = test_port(5, 0);
	struct tern_received message = { 0 };
	tern_result child = tern_process_fork(0);

	if (child == 0) {
		test_sleep(1000000);
		rt_exit(tern_notify(port.client, 1) == 0 ? GOOD : 1);
	}
	CHECK_EQ(tern_handle_close(port.client), 0);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_NOTIFY);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_NO_CLIENTS);
	expect_child(child, GOOD);
	tern_handle_close(port.owner);
	tern_handle_close(port.listener);
}

static void forks_nest(void)
{
	volatile uint64_t *words = map(0, 1, PRIVATE);
	tern_result child = 0;
	uint32_t depth = 0;

	*words = 0;
	while (depth < 30 && (child = tern_process_fork(0)) == 0) {
		depth++;
		*words += depth;
	}
	if (child > 0)
		child = wait_for(child) == GOOD ? GOOD : 1;
	else
		child = GOOD;
	if (*words != depth * (depth + 1) / 2)
		child = 1;
	if (depth)
		rt_exit((uint32_t)child);
	CHECK_EQ(child, GOOD);
	unmap(words, 1);
}

static void quota_is_enomem_and_leaves_nothing(void)
{
	volatile uint64_t *words = map(0, 64, PRIVATE);

	for (uint64_t i = 0; i < 64; i++)
		*page(words, i) = i;
	for (uint64_t limit = 1; limit < 64; limit += 3) {
		tern_handle account = tern_account_create(0, limit * RT_PAGE);
		tern_result child = tern_process_fork(account);

		if (child == 0)
			rt_exit(GOOD);
		CHECK_EQ(child, -ENOMEM);
		CHECK_EQ(tern_account_destroy(account), 0);
		CHECK_EQ(tern_handle_close(account), 0);
	}
	unmap(words, 64);
}

static void large_memory_is_forked(void)
{
	volatile uint64_t *words = map(0, MANY, PRIVATE);
	tern_result child;
	bool is_good = true;

	for (uint64_t i = 0; i < MANY; i++)
		*page(words, i) = i * i;
	child = tern_process_fork(0);
	for (uint64_t i = 0; i < MANY; i += 3) {
		is_good &= *page(words, i) == i * i;
		*page(words, i) = i + (child == 0);
		is_good &= *page(words, i) == i + (child == 0);
	}
	for (uint64_t i = 1; i < MANY; i += 3)
		is_good &= *page(words, i) == i * i;
	if (child == 0)
		rt_exit(is_good ? GOOD : 1);
	CHECK(is_good);
	expect_child(child, GOOD);
	unmap(words, MANY);
}

static void unfinished_forks_are_nobody_elses(void)
{
	tern_handle process = tern_process_create(0);

	CHECK_EQ(tern_syscall2(TERN_OP_process_fork, 0, (uint64_t)process), -EINVAL);
	CHECK_EQ(tern_syscall2(TERN_OP_process_fork, 0, 1), -EBADF);
	tern_handle_close(process);
}

/* Several threads fork and write at once; each looks after pages of its own. */
static volatile uint64_t *field;

static bool check_row(uint64_t row, uint64_t value)
{
	bool is_good = true;

	for (uint64_t i = 0; i < ROW; i++)
		is_good &= *page(field, row * ROW + i) == value + i;
	return is_good;
}

static void write_row(uint64_t row, uint64_t value)
{
	for (uint64_t i = 0; i < ROW; i++)
		*page(field, row * ROW + i) = value + i;
}

static void fork_again_and_again(uint64_t row)
{
	for (uint64_t round = 1; round <= ROUNDS; round++) {
		tern_result child;

		write_row(row, round * 1000);
		child = tern_process_fork(0);
		if (child == 0) {
			bool is_good = check_row(row, round * 1000);

			write_row(row, round);
			rt_exit(is_good && check_row(row, round) ? GOOD : 1);
		}
		CHECK(check_row(row, round * 1000));
		write_row(row, round * 2000);
		expect_child(child, GOOD);
		CHECK(check_row(row, round * 2000));
	}
}

static void threads_fork_at_once(void)
{
	struct rt_thread threads[THREADS];

	field = map(0, THREADS * ROW, PRIVATE);
	for (uint64_t i = 0; i < THREADS; i++)
		rt_thread(&threads[i], fork_again_and_again, i, 20);
	for (uint64_t i = 0; i < THREADS; i++)
		rt_join(&threads[i]);
	unmap(field, THREADS * ROW);
}

static const struct test tests[] = {
	{ "private_memory_starts_zeroed_and_is_charged",
	  private_memory_starts_zeroed_and_is_charged },
	{ "writes_do_not_reach_the_memobj", writes_do_not_reach_the_memobj },
	{ "reading_allows_a_private_copy", reading_allows_a_private_copy },
	{ "untouchable_pages_keep_their_content", untouchable_pages_keep_their_content },
	{ "unmapped_parts_are_given_back", unmapped_parts_are_given_back },
	{ "child_returns_zero", child_returns_zero },
	{ "memory_is_copied_on_write", memory_is_copied_on_write },
	{ "shared_memory_stays_shared", shared_memory_stays_shared },
	{ "the_memobj_behind_private_memory_is_shown_to_both",
	  the_memobj_behind_private_memory_is_shown_to_both },
	{ "handles_keep_their_values", handles_keep_their_values },
	{ "clients_are_counted_over_a_fork", clients_are_counted_over_a_fork },
	{ "forks_nest", forks_nest },
	{ "quota_is_enomem_and_leaves_nothing", quota_is_enomem_and_leaves_nothing },
	{ "large_memory_is_forked", large_memory_is_forked },
	{ "unfinished_forks_are_nobody_elses", unfinished_forks_are_nobody_elses },
	{ "threads_fork_at_once", threads_fork_at_once },
};

TEST_MAIN(tests)
