/* Forks that are disturbed. */
#include "fork.h"

#define BIG_PAGES 500
#define KILLS 10
#define WORKERS 4
#define ROUNDS 4
#define PAGES 24
#define WORDS (RT_PAGE / sizeof(uint64_t))

static uint64_t *big;

static void fork_for_ever(uint64_t argument)
{
	(void)argument;
	for (;;) {
		tern_handle child = tern_process_fork(0, 0);

		if (child == 0)
			rt_exit(0);
		tern_handle_close(child);
	}
}

/* In a process of its own: what the victim leaves in the handle table goes with it. */
static uint32_t kill_forking_thread(uint64_t delay)
{
	struct rt_thread thread;

	rt_thread(&thread, fork_for_ever, 0, 16);
	test_sleep(delay);
	return tern_thread_kill(thread.handle) ? 1 : 0;
}

/* Children that are half made go with the thread that was making them. */
void forking_thread_can_be_killed(void)
{
	uint64_t state = 17;

	big = fork_map(BIG_PAGES * RT_PAGE);
	for (uint64_t i = 0; i < BIG_PAGES; i++)
		big[i * WORDS] = i;
	for (int i = 0; i < KILLS; i++) {
		struct rt_child child = rt_child(fork_for_ever, 0, 16, NULL);

		test_sleep(100000 + test_random(&state) % 400000);
		CHECK_EQ(tern_process_kill(child.process, 3), 0);
		CHECK_EQ(rt_child_join(&child), 3);
		test_settle();
		CHECK_EQ(fork_run(kill_forking_thread, 100000 + test_random(&state) % 400000), 0);
		test_settle();
	}
	for (uint64_t i = 0; i < BIG_PAGES; i++)
		CHECK_EQ(big[i * WORDS], i);
	fork_unmap(big, BIG_PAGES * RT_PAGE);
}

/* All words of the pages hold `tag` and their place. */
static uint32_t count_wrong(const uint64_t *words, uint64_t tag)
{
	uint32_t wrong = 0;

	for (uint64_t i = 0; i < PAGES * WORDS; i++)
		wrong += words[i] != tag + i;
	return wrong;
}

static void fill(uint64_t *words, uint64_t tag)
{
	for (uint64_t i = 0; i < PAGES * WORDS; i++)
		words[i] = tag + i;
}

static uint32_t child_of_worker(uint64_t *words, uint64_t tag)
{
	uint32_t wrong = count_wrong(words, tag);

	/* Half of it in place, the other half unmapped: other holders must not notice. */
	for (uint64_t i = 0; i < PAGES / 2 * WORDS; i++)
		words[i] = ~i;
	wrong += tern_region_unmap(TERN_SELF_PROCESS, (uint64_t)words + PAGES / 2 * RT_PAGE,
				   PAGES / 2 * RT_PAGE) != 0;
	for (uint64_t i = 0; i < PAGES / 2 * WORDS; i++)
		wrong += words[i] != ~i;
	return wrong ? 1 : 0;
}

/* Writes, forks, writes again while the child checks the old contents; every byte each time. */
static void work(uint64_t number)
{
	uint64_t *words = fork_map(PAGES * RT_PAGE);

	for (uint64_t round = 0; round < ROUNDS; round++) {
		uint64_t tag = (number << 32) + (round << 20);
		tern_handle child;

		fill(words, tag);
		child = tern_process_fork(0, 0);
		if (child == 0)
			rt_exit(child_of_worker(words, tag));
		if (child < 0) {
			CHECK_EQ(child, 0);
			break;
		}
		if (round % 3 == 0) {
			fork_unmap(words, PAGES * RT_PAGE);
			words = fork_map(PAGES * RT_PAGE);
		}
		fill(words, ~tag);
		CHECK_EQ(count_wrong(words, ~tag), 0);
		CHECK_EQ(rt_wait_process(child), 0);
		CHECK_EQ(count_wrong(words, ~tag), 0);
		CHECK_EQ(tern_handle_close(child), 0);
	}
	fork_unmap(words, PAGES * RT_PAGE);
}

void harts_fork_write_and_unmap(void)
{
	static struct rt_thread threads[WORKERS];

	for (uint64_t i = 0; i < WORKERS; i++)
		rt_thread(&threads[i], work, i, 16);
	for (uint64_t i = 0; i < WORKERS; i++)
		rt_join(&threads[i]);
}
