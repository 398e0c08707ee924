/* Private mappings with forks of forks, and clones: what is one's own changes for nobody else. */
#include "memstress.h"

#define WINDOW 32ul /* pages of a file, mapped privately */
#define WINDOW_CELLS (WINDOW * CELLS_PER_PAGE)
#define DEPTH 3
#define PAGE_WORDS (RT_PAGE / sizeof(uint64_t))

struct window {
	uint64_t random;
	uint32_t file;
	uint64_t first; /* cell */
	volatile uint64_t *words;
	uint64_t tags[WINDOW]; /* of pages that are its own; 0: still the file's */
	uint64_t seen[SPAN_MAX * CELL_WORDS];
	struct sight sight;
};

static void write_own(struct window *window, uint64_t page)
{
	uint64_t tag = test_random(&window->random);

	for (uint64_t i = 0; i < PAGE_WORDS; i++)
		window->words[page * PAGE_WORDS + i] = tag + i;
	window->tags[page] = tag;
}

static void check_page(struct window *window, uint64_t page)
{
	volatile uint64_t *words = window->words + page * PAGE_WORDS;
	uint64_t first = window->first + page * CELLS_PER_PAGE;

	if (!window->tags[page]) {
		cells_look(window->file, first, CELLS_PER_PAGE, &window->sight);
		stress_expect("a private page",
			      (int64_t)words_move(window->seen, words, PAGE_WORDS), 0);
		cells_check(window->file, first, window->seen, 0, RT_PAGE, &window->sight,
			    "a page that is shown privately");
		return;
	}
	for (uint64_t i = 0; i < PAGE_WORDS; i++)
		if (words[i] != window->tags[page] + i) {
			stress_fail("a page of one's own", (int64_t)words[i],
				    (int64_t)(window->tags[page] + i));
			return;
		}
}

static void change_window(struct window *window, unsigned int changes)
{
	while (changes--)
		write_own(window, test_random(&window->random) % WINDOW);
	for (uint64_t page = 0; page < WINDOW; page++)
		check_page(window, page);
}

static void use_window(struct window *window, unsigned int depth)
{
	tern_handle child;

	change_window(window, 4);
	if (depth == DEPTH)
		return;
	child = tern_process_fork(0, 0);
	if (child == 0) {
		window->random ^= 0x5555 + depth;
		use_window(window, depth + 1);
		rt_exit(0);
	}
	if (child < 0) {
		stress_fail("forking", child, 0);
		return;
	}
	change_window(window, 4);
	stress_expect("a forked child", rt_wait_process(child), 0);
	tern_handle_close(child);
	change_window(window, 0);
}

void private_actor(uint64_t number)
{
	struct window *window = rt_map(sizeof(*window));

	window->random = stress->seed * 31 + number + 1;
	access_guard();
	while (!is_over()) {
		memset(window->tags, 0, sizeof(window->tags));
		window->file = (uint32_t)(test_random(&window->random) % FILES);
		window->first = test_random(&window->random) % (KEPT_CELLS - WINDOW_CELLS) /
				CELLS_PER_PAGE * CELLS_PER_PAGE;
		window->words = (volatile uint64_t *)tern_region_map(
			TERN_SELF_PROCESS, stress->files[window->file].memobj, window->first * CELL,
			0, WINDOW * RT_PAGE, TERN_MAP_READ | TERN_MAP_WRITE | TERN_MAP_PRIVATE);
		rt_require((int64_t)window->words > 0, "a private mapping");
		use_window(window, 0);
		rt_unmap((void *)window->words, WINDOW * RT_PAGE);
		atomic_fetch_add(&stress->done[2], 1);
	}
}

/* ------------------------------------------------------------------------------------ clones */

static void write_into_clone(tern_handle clone, uint64_t *random)
{
	static uint64_t words[CELL_WORDS];

	for (int i = 0; i < 8; i++)
		stress_expect("writing a clone",
			      tern_memobj_write(clone, test_random(random) % FILE_CELLS * CELL,
						words, CELL, 0),
			      CELL);
}

/* The versions that were there between the call's begin and its end. */
static void check_clone(tern_handle clone, const struct sight *sights)
{
	static uint64_t words[SPAN_MAX * CELL_WORDS];

	for (uint64_t i = 0; i < FILE_CELLS / SPAN_MAX; i++) {
		tern_result result = tern_memobj_read(clone, i * SPAN_MAX * CELL, words,
						      sizeof(words), 0);

		if (result < 0)
			stress_fail("reading a clone", result, sizeof(words));
		else
			cells_check(FILE_ANONYMOUS, i * SPAN_MAX, words, 0, (uint64_t)result,
				    &sights[i], "a clone");
	}
}

void clone_actor(uint64_t number)
{
	static struct sight sights[FILE_CELLS / SPAN_MAX];
	uint64_t random = stress->seed * 13 + number + 1;

	access_guard();
	while (!is_over()) {
		tern_handle clone;

		for (uint64_t i = 0; i < FILE_CELLS / SPAN_MAX; i++)
			cells_look(FILE_ANONYMOUS, i * SPAN_MAX, SPAN_MAX, &sights[i]);
		clone = tern_memobj_clone(0, stress->files[FILE_ANONYMOUS].memobj);
		if (clone < 0) {
			stress_fail("cloning", clone, 0);
			return;
		}
		check_clone(clone, sights);
		write_into_clone(clone, &random);
		tern_handle_close(clone);
		atomic_fetch_add(&stress->done[3], 1);
	}
}
