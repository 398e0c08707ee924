/* What a child's memory is. */
#include "fork.h"

#define FORK_TRIES 1000
#define PAGES 16
#define SIZE (PAGES * RT_PAGE)
#define WORDS (RT_PAGE / sizeof(uint64_t))
#define DEPTH 1000
#define POOR_PAGES 200

uint64_t *fork_map(uint64_t length)
{
	tern_result address = tern_region_map(TERN_SELF_PROCESS, 0, 0, 0, length, PRIVATE);

	rt_require(address > 0, "private memory");
	return (uint64_t *)address;
}

void fork_unmap(void *address, uint64_t length)
{
	CHECK_EQ(tern_region_unmap(TERN_SELF_PROCESS, (uint64_t)address, length), 0);
}

uint32_t fork_run(fork_function *function, uint64_t argument)
{
	tern_handle child = tern_process_fork(0, 0);
	uint32_t status;

	/* What children of before have cost may still be on its way back. */
	for (int i = 0; child == -ENOMEM && i < FORK_TRIES; i++) {
		test_settle();
		child = tern_process_fork(0, 0);
	}
	if (child == 0)
		rt_exit(function(argument));
	CHECK(child > 0);
	if (child < 0)
		return UINT32_MAX;
	status = rt_wait_process(child);
	CHECK_EQ(tern_handle_close(child), 0);
	return status;
}

static uint32_t return_argument(uint64_t argument)
{
	return (uint32_t)argument;
}

void child_gets_zero_and_parent_a_handle(void)
{
	tern_handle child = tern_process_fork(0, 0);

	if (child == 0)
		rt_exit(42);
	CHECK_EQ(tern_handle_info(child) >> 16, TERN_TYPE_PROCESS);
	CHECK_EQ(rt_wait_process(child), 42);
	CHECK_EQ(tern_handle_close(child), 0);
	CHECK_EQ(fork_run(return_argument, 43), 43);
	CHECK_EQ(tern_process_fork(0, 1), -EINVAL);
}

/* The child sees what was there, and its writes and the parent's do not meet. */
static uint32_t check_and_write(uint64_t argument)
{
	uint64_t *words = (uint64_t *)argument;
	uint32_t wrong = 0;

	for (uint64_t i = 0; i < PAGES; i++) {
		uint64_t expected = i % 4 == 3 ? 0 : i + 1;

		wrong += words[i * WORDS + 5] != expected;
		words[i * WORDS + 5] = 1000 + i;
		wrong += words[i * WORDS + 5] != 1000 + i;
	}
	return wrong;
}

void private_memory_is_copied(void)
{
	uint64_t *words = fork_map(SIZE);

	/* Every fourth page is not there yet, every fourth was only read. */
	for (uint64_t i = 0; i < PAGES; i++)
		if (i % 4 != 3)
			words[i * WORDS + 5] = i + 1;
	for (int round = 0; round < 3; round++) {
		CHECK_EQ(fork_run(check_and_write, (uint64_t)words), 0);
		for (uint64_t i = 0; i < PAGES; i++) {
			CHECK_EQ(words[i * WORDS + 5], i % 4 == 3 ? 0 : i + 1);
			if (i % 4 != 3)
				words[i * WORDS + 5] = i + 1;
		}
	}
	fork_unmap(words, SIZE);
}

static uint32_t write_both(uint64_t argument)
{
	uint64_t *words = (uint64_t *)argument;

	words[0] = 7;
	words[WORDS] = 8;
	return 0;
}

void shared_memory_is_shared(void)
{
	struct rt_shared shared = rt_share(2 * RT_PAGE);
	uint64_t *words = shared.address;

	words[0] = 1;
	CHECK_EQ(fork_run(write_both, (uint64_t)words), 0);
	CHECK_EQ(words[0], 7);
	CHECK_EQ(words[WORDS], 8);
	rt_unshare(&shared);
}

static uint32_t unpark(uint64_t argument)
{
	uint64_t *words = (uint64_t *)argument;

	if (tern_touch(words, 1, 0) != -EFAULT)
		return 1;
	if (tern_region_protect(TERN_SELF_PROCESS, argument, SIZE, TERN_MAP_READ | TERN_MAP_WRITE))
		return 2;
	for (uint64_t i = 0; i < PAGES; i++) {
		if (words[i * WORDS] != i)
			return 3;
		words[i * WORDS] = 0;
	}
	return 0;
}

void parked_pages_are_copied(void)
{
	uint64_t *words = fork_map(SIZE);

	for (uint64_t i = 0; i < PAGES; i++)
		words[i * WORDS] = i;
	CHECK_EQ(tern_region_protect(TERN_SELF_PROCESS, (uint64_t)words, SIZE, 0), 0);
	CHECK_EQ(fork_run(unpark, (uint64_t)words), 0);
	CHECK_EQ(fork_run(unpark, (uint64_t)words), 0);
	CHECK_EQ(unpark((uint64_t)words), 0);
	fork_unmap(words, SIZE);
}

/* The child keeps them, the parent unmaps; then the other way round. */
static uint32_t wait_and_check(uint64_t argument)
{
	uint64_t *words = (uint64_t *)argument;

	test_sleep(300000);
	for (uint64_t i = 0; i < PAGES; i++)
		if (words[i * WORDS] != i)
			return 1;
	return 0;
}

static uint32_t unmap_at_once(uint64_t argument)
{
	return tern_region_unmap(TERN_SELF_PROCESS, argument, SIZE) != 0;
}

void pages_go_with_their_last_holder(void)
{
	uint64_t *words = fork_map(SIZE);
	tern_handle child;

	for (uint64_t i = 0; i < PAGES; i++)
		words[i * WORDS] = i;
	CHECK_EQ(fork_run(unmap_at_once, (uint64_t)words), 0);
	for (uint64_t i = 0; i < PAGES; i++)
		CHECK_EQ(words[i * WORDS], i);
	child = tern_process_fork(0, 0);
	if (child == 0)
		rt_exit(wait_and_check((uint64_t)words));
	fork_unmap(words, SIZE);
	words = fork_map(SIZE);
	for (uint64_t i = 0; i < PAGES; i++)
		words[i * WORDS] = 99;
	CHECK_EQ(rt_wait_process(child), 0);
	CHECK_EQ(tern_handle_close(child), 0);
	fork_unmap(words, SIZE);
}

struct descent {
	uint64_t costs[DEPTH];
	uint32_t ends[DEPTH]; /* of the child that was forked at this depth */
};

static void end_generation(struct descent *descent, uint64_t depth, uint32_t status)
{
	descent->ends[depth] = 1;
	tern_futex_wake(&descent->ends[depth], 1);
	rt_exit(status);
}

/* Each generation forks the next and sleeps until it ends: a thousand that looked again and again would
 * leave no time for the last one. The cost of each fork goes to shared memory. */
static uint32_t descend(struct descent *descent, uint64_t depth)
{
	uint64_t before = rt_instructions();
	tern_handle child;
	uint32_t status;

	if (depth == DEPTH)
		return 0;
	descent->ends[depth] = 0;
	child = tern_process_fork(0, 0);
	if (child < 0)
		return 1;
	if (child == 0)
		end_generation(descent, depth, descend(descent, depth + 1));
	descent->costs[depth] = rt_instructions() - before;
	while (!*(volatile uint32_t *)&descent->ends[depth])
		tern_futex_wait(&descent->ends[depth], 0, TERN_DEADLINE_NONE);
	status = rt_wait_process(child);
	tern_handle_close(child);
	return status;
}

void forks_of_forks_cost_the_same(void)
{
	struct rt_shared shared = rt_share(sizeof(struct descent));
	struct descent *descent = shared.address;
	const uint64_t *costs = descent->costs;
	uint64_t early = UINT64_MAX, late = UINT64_MAX;

	/* Once before, so that the host has given the machine the memory that it takes. */
	CHECK_EQ(descend(descent, 0), 0);
	CHECK_EQ(descend(descent, 0), 0);
	/* The least of a few: an interrupt may have come between, and without icount this is time. */
	for (uint64_t i = 1; i < 50; i++) {
		early = costs[i] < early ? costs[i] : early;
		late = costs[DEPTH - i] < late ? costs[DEPTH - i] : late;
	}
	CHECK(early > 0);
	if (late > 10 * early) /* a chain of shadows would be 1,000 long */
		test_fail(__FILE__, __LINE__, "late fork", (int64_t)late, (int64_t)early);
	rt_unshare(&shared);
}

void fork_over_quota_leaves_nothing(void)
{
	uint64_t *words = fork_map(POOR_PAGES * RT_PAGE);
	tern_handle poor = tern_account_create(0, POOR_PAGES * RT_PAGE);

	for (uint64_t i = 0; i < POOR_PAGES; i++)
		words[i * WORDS] = i;
	CHECK_EQ(tern_process_fork(poor, 0), -ENOMEM);
	test_settle();
	CHECK_EQ(tern_account_info(poor, TERN_ACCOUNT_USED), 0);
	for (uint64_t i = 0; i < POOR_PAGES; i++) {
		CHECK_EQ(words[i * WORDS], i);
		words[i * WORDS] = 0;
	}
	CHECK_EQ(tern_handle_close(poor), 0);
	fork_unmap(words, POOR_PAGES * RT_PAGE);
}
