/* Private and anonymous memory in pieces of 2 MiB, and what changes only a part of one. */
#include "fork.h"

#define WORDS (RT_PAGE / sizeof(uint64_t))
#define LARGE 512ul
#define PAGES (3 * LARGE)
#define SIZE (PAGES * RT_PAGE)
#define WORKERS 2
#define ROUNDS 12
#define READ_WRITE (TERN_MAP_READ | TERN_MAP_WRITE)

static uint64_t used(void)
{
	return (uint64_t)tern_account_info(0, TERN_ACCOUNT_USED);
}

/* From the beginning on: large pages from the second 2 MiB on. */
static void fill(volatile uint64_t *words, uint64_t tag)
{
	for (uint64_t i = 0; i < PAGES; i++)
		words[i * WORDS] = words[i * WORDS + WORDS - 1] = tag + i;
}

/* Now, and in this order. */
static void touch(volatile uint64_t *words, uint64_t first, uint64_t count)
{
	for (uint64_t i = first; i < first + count; i++)
		words[i * WORDS] = i;
}

static uint64_t count_wrong(const uint64_t *words, uint64_t first, uint64_t end, uint64_t tag)
{
	uint64_t wrong = 0;

	for (uint64_t i = first; i < end; i++)
		wrong += words[i * WORDS] != tag + i || words[i * WORDS + WORDS - 1] != tag + i;
	return wrong;
}

/* One touch, and as much is charged as 512 touches of small pages cost, their table included. */
void memory_in_order_comes_in_large_pages(void)
{
	uint64_t *words = fork_map(SIZE), before;

	CHECK_EQ((uint64_t)words % (LARGE * RT_PAGE), 0);
	before = used();
	touch(words, 2 * LARGE, 1); /* out of order */
	CHECK(used() - before <= 4 * RT_PAGE);
	touch(words, 0, LARGE);
	before = used();
	CHECK_EQ(*(volatile uint64_t *)(words + LARGE * WORDS), 0);
	CHECK_EQ(used() - before, (LARGE + 1) * RT_PAGE);
	for (uint64_t i = 0; i < LARGE * WORDS; i++)
		CHECK_EQ(words[LARGE * WORDS + i], 0);
	CHECK_EQ(used() - before, (LARGE + 1) * RT_PAGE);
	fork_unmap(words, SIZE);
}

static void change(uint64_t *words, uint64_t page, uint64_t count, uint64_t flags)
{
	CHECK_EQ(tern_region_protect(TERN_SELF_PROCESS, (uint64_t)(words + page * WORDS),
				     count * RT_PAGE, flags),
		 0);
}

void large_pages_change_in_parts(void)
{
	uint64_t *words = fork_map(SIZE), before = used();

	fill(words, 7);
	change(words, LARGE + 100, 1, 0);
	CHECK_EQ(tern_touch(words + (LARGE + 100) * WORDS, 1, 0), -EFAULT);
	change(words, LARGE + 200, LARGE, TERN_MAP_READ);
	CHECK_EQ(tern_touch(words + (LARGE + 200) * WORDS, 1, 1), -EFAULT);
	CHECK_EQ(tern_touch(words + (2 * LARGE + 199) * WORDS, 1, 1), -EFAULT);
	CHECK_EQ(tern_touch(words + (2 * LARGE + 200) * WORDS, 1, 1), 0);
	change(words, 0, PAGES, READ_WRITE);
	CHECK_EQ(count_wrong(words, 0, PAGES, 7), 0);
	fill(words, 8);
	fork_unmap(words + (2 * LARGE - 1) * WORDS, 2 * RT_PAGE);
	CHECK_EQ(tern_touch(words + 2 * LARGE * WORDS, 1, 0), -EFAULT);
	CHECK_EQ(count_wrong(words, 0, 2 * LARGE - 1, 8), 0);
	CHECK_EQ(count_wrong(words, 2 * LARGE + 1, PAGES, 8), 0);
	/* The whole of one: at most its pages remain, with their tables. */
	fork_unmap(words + LARGE * WORDS, LARGE * RT_PAGE);
	CHECK(used() - before <= (2 * LARGE + 6) * RT_PAGE);
	CHECK_EQ(count_wrong(words, 2 * LARGE + 1, PAGES, 8), 0);
	fork_unmap(words, SIZE);
}

/* Writes every third page, unmaps some, and has a child of its own look at it. */
static uint32_t grandchild(uint64_t argument)
{
	const uint64_t *words = (const uint64_t *)argument;
	uint32_t wrong = 0;

	for (uint64_t i = LARGE; i < 2 * LARGE; i++)
		wrong += words[i * WORDS] != (i % 3 ? 5 : 50) + i;
	return wrong != 0;
}

static uint32_t child(uint64_t argument)
{
	uint64_t *words = (uint64_t *)argument;
	uint32_t wrong = count_wrong(words, 0, PAGES, 5) != 0;

	for (uint64_t i = LARGE; i < 2 * LARGE; i += 3)
		words[i * WORDS] = 50 + i;
	for (uint64_t i = LARGE; i < 2 * LARGE; i++)
		if (i % 3 == 0)
			words[i * WORDS] = 50 + i;
		else
			words[i * WORDS] = 5 + i;
	wrong += fork_run(grandchild, argument);
	wrong += tern_region_unmap(TERN_SELF_PROCESS, argument + 2 * LARGE * RT_PAGE + RT_PAGE,
				   LARGE / 2 * RT_PAGE) != 0;
	return wrong + (count_wrong(words, 0, LARGE, 5) != 0);
}

void large_pages_are_copied_in_parts(void)
{
	uint64_t *words = fork_map(SIZE);
	tern_handle other;

	fill(words, 5);
	CHECK_EQ(fork_run(child, (uint64_t)words), 0);
	CHECK_EQ(count_wrong(words, 0, PAGES, 5), 0);
	/* Nobody else holds them any more. */
	fill(words, 5);
	other = tern_process_fork(0, 0);
	if (other == 0) {
		test_settle();
		rt_exit(count_wrong(words, 0, PAGES, 5) != 0);
	}
	CHECK(other > 0);
	for (uint64_t i = 0; i < PAGES; i += 100)
		words[i * WORDS] = 0;
	fork_unmap(words + (LARGE + 1) * WORDS, 99 * RT_PAGE);
	CHECK_EQ(rt_wait_process(other), 0);
	CHECK_EQ(tern_handle_close(other), 0);
	for (uint64_t i = LARGE + 100; i < PAGES; i++)
		CHECK_EQ(words[i * WORDS], i % 100 ? 5 + i : 0);
	fork_unmap(words, SIZE);
}

void memobjs_have_large_pages(void)
{
	tern_handle memobj = tern_memobj_create(0, SIZE), clone;
	uint64_t *words = (uint64_t *)tern_region_map(TERN_SELF_PROCESS, memobj, 0, 0, SIZE,
						      READ_WRITE);
	uint64_t *others, word = 0;

	touch(words, 0, LARGE);
	touch(words, LARGE, 1);
	CHECK_EQ(tern_memobj_info(memobj, TERN_MEMOBJ_RESIDENT), 2 * LARGE);
	fill(words, 9);
	CHECK_EQ(tern_memobj_info(memobj, TERN_MEMOBJ_RESIDENT), PAGES);
	others = (uint64_t *)tern_region_map(TERN_SELF_PROCESS, memobj, 0, 0, SIZE, READ_WRITE);
	CHECK_EQ(count_wrong(others, 0, PAGES, 9), 0);
	clone = tern_memobj_clone(0, memobj);
	others[(LARGE + 5) * WORDS] = 1;
	CHECK_EQ(words[(LARGE + 5) * WORDS], 1);
	CHECK_EQ(tern_memobj_read(clone, (LARGE + 5) * RT_PAGE, &word, sizeof(word), 0),
		 sizeof(word));
	CHECK_EQ(word, 9 + LARGE + 5);
	CHECK_EQ(tern_memobj_punch(memobj, 2 * LARGE + 1, 1), 1);
	CHECK_EQ(words[(2 * LARGE + 1) * WORDS], 0);
	CHECK_EQ(count_wrong(words, 2 * LARGE + 2, PAGES, 9), 0);
	CHECK_EQ(tern_memobj_set_length(memobj, (LARGE + 10) * RT_PAGE + 8), 0);
	CHECK_EQ(tern_touch(words + (LARGE + 11) * WORDS, 1, 0), -EFAULT);
	CHECK_EQ(tern_memobj_set_length(memobj, SIZE), 0);
	CHECK_EQ(words[(LARGE + 10) * WORDS], 9 + LARGE + 10);
	CHECK_EQ(words[(LARGE + 11) * WORDS - 1], 0);
	CHECK_EQ(words[2 * LARGE * WORDS], 0);
	fork_unmap(words, SIZE);
	fork_unmap(others, SIZE);
	CHECK_EQ(tern_handle_close(memobj), 0);
	CHECK_EQ(tern_handle_close(clone), 0);
}

/* ------------------------------------------------------------------------------ at random */

#define GONE UINT32_MAX

/* What is in a worker's pages. */
struct model {
	uint64_t *words;
	uint32_t pages[PAGES];
	uint64_t state;
};

static uint64_t count_different(const struct model *model)
{
	uint64_t wrong = 0;

	for (uint64_t i = 0; i < PAGES; i++)
		if (model->pages[i] != GONE)
			wrong += model->words[i * WORDS] != model->pages[i];
	return wrong;
}

static void write_some(struct model *model, uint64_t first, uint64_t end, uint64_t step)
{
	for (uint64_t i = first; i < end; i += step) {
		if (model->pages[i] == GONE)
			continue;
		model->pages[i] = (uint32_t)test_random(&model->state) / 2;
		model->words[i * WORDS] = model->pages[i];
	}
}

static void map_again(struct model *model, uint64_t first, uint64_t end)
{
	uint64_t address = (uint64_t)(model->words + first * WORDS);

	fork_unmap((void *)address, (end - first) * RT_PAGE);
	for (uint64_t i = first; i < end; i++)
		model->pages[i] = GONE;
	if (test_random(&model->state) % 4 == 0)
		return;
	CHECK_EQ(tern_region_map(TERN_SELF_PROCESS, 0, 0, address, (end - first) * RT_PAGE,
				 PRIVATE | TERN_MAP_FIXED),
		 address);
	for (uint64_t i = first; i < end; i++)
		model->pages[i] = 0;
	write_some(model, first, end, 1);
}

/* The child looks, changes what it has, and looks again, while the parent changes it too. */
static void fork_and_write(struct model *model, uint64_t first, uint64_t end)
{
	tern_handle other = tern_process_fork(0, 0);

	if (other == 0) {
		uint64_t wrong = count_different(model);

		write_some(model, first, end, 16 + model->state % 50);
		rt_exit(wrong + count_different(model) != 0);
	}
	CHECK(other > 0);
	write_some(model, first, end, 16 + model->state % 90);
	CHECK_EQ(rt_wait_process(other), 0);
	CHECK_EQ(tern_handle_close(other), 0);
}

static void work(uint64_t number)
{
	static struct model models[WORKERS];
	struct model *model = &models[number];

	*model = (struct model){ .words = fork_map(SIZE), .state = number + 1 };
	write_some(model, 0, PAGES, 1);
	for (uint64_t i = 0; i < ROUNDS; i++) {
		uint64_t first = test_random(&model->state) % PAGES;
		uint64_t end = first + 1 + test_random(&model->state) % (PAGES - first);

		if (i % 4 == 0)
			map_again(model, first, end);
		else if (i % 4 == 1)
			fork_and_write(model, first, end);
		else
			write_some(model, first, end, 1 + i % 7);
		if (i % 16 == 0)
			map_again(model, 0, PAGES);
		CHECK_EQ(count_different(model), 0);
	}
	fork_unmap(model->words, SIZE);
}

void harts_change_large_pages(void)
{
	static struct rt_thread threads[WORKERS];

	for (uint64_t i = 0; i < WORKERS; i++)
		rt_thread(&threads[i], work, i, 16);
	for (uint64_t i = 0; i < WORKERS; i++)
		rt_join(&threads[i]);
}
