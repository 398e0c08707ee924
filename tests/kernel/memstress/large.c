/*
 * Pages of 2 MiB: memory that comes in them is forked, written to, protected, unmapped and mapped again
 * in parts, while pages that nobody needs fill the rest of the memory, so that each copy must be taken
 * from somewhere. Every word of it is looked at.
 */
#include "memstress.h"

#define BLOCK 512ul /* pages */
#define BLOCKS 3ul
#define PAGES (BLOCKS * BLOCK)
#define LENGTH (PAGES * RT_PAGE)
#define PAGE_WORDS (RT_PAGE / sizeof(uint64_t))
#define DEPTH 2
#define CHANGES 12
#define ROUNDS_AFTER 4
#define FLOOD_PAGES 6144ul
#define FLOOD_BATCH 64
#define LET_GO_NS 100000000 /* for what was evicted to be free */
#define READ_WRITE (TERN_MAP_READ | TERN_MAP_WRITE)

enum { WRITABLE, READABLE, ABSENT };

struct large {
	uint64_t random;
	uint64_t *words;
	tern_handle listener, port, flood;
	uint64_t tags[PAGES]; /* 0: zeroes */
	uint8_t states[PAGES];
};

/* -------------------------------------------------------------------------- what all of it is */

static void write_page(struct large *large, uint64_t page)
{
	uint64_t tag = test_random(&large->random);
	volatile uint64_t *words = large->words + page * PAGE_WORDS;

	for (uint64_t i = 0; i < PAGE_WORDS; i++)
		words[i] = tag + i;
	large->tags[page] = tag;
}

static void check_page(const struct large *large, uint64_t page, const char *what)
{
	const volatile uint64_t *words = large->words + page * PAGE_WORDS;
	uint64_t tag = large->tags[page], step = tag ? 1 : 0;

	for (uint64_t i = 0; i < PAGE_WORDS; i++)
		if (words[i] != tag + i * step) {
			stress_fail(what, (int64_t)words[i], (int64_t)(tag + i * step));
			return;
		}
}

static void check_all(struct large *large, const char *what)
{
	uint64_t word = 0;

	for (uint64_t page = 0; page < PAGES; page++) {
		uint64_t *words = large->words + page * PAGE_WORDS;

		if (large->states[page] != ABSENT)
			check_page(large, page, what);
		else
			stress_expect("reading what is not mapped",
				      (int64_t)words_move(&word, words, 1), 1);
		if (large->states[page] == READABLE)
			stress_expect("writing what is protected",
				      (int64_t)words_move(words, &word, 1), 1);
	}
}

/* From the beginning on, so that it comes in large pages where there is memory; how many are large. */
static uint64_t fill(struct large *large)
{
	uint64_t blocks = 0;

	for (uint64_t page = 0; page < PAGES; page++) {
		int64_t before = tern_process_info(TERN_SELF_PROCESS, TERN_PROCESS_PRIVATE);

		large->states[page] = WRITABLE;
		write_page(large, page);
		if (page % BLOCK == 0)
			blocks += tern_process_info(TERN_SELF_PROCESS, TERN_PROCESS_PRIVATE) >=
				  before + (int64_t)(BLOCK * RT_PAGE);
	}
	return blocks;
}

/* ------------------------------------------------------------------------------------- changes */

/* Pages of one state, from `first` on. */
static uint64_t run_of(const struct large *large, uint64_t first, uint64_t most, bool is_absent)
{
	uint64_t count = 0;

	while (count < most && first + count < PAGES &&
	       (large->states[first + count] == ABSENT) == is_absent)
		count++;
	return count;
}

static void set_states(struct large *large, uint64_t first, uint64_t count, uint8_t state)
{
	memset(&large->states[first], state, count);
}

static void protect(struct large *large, uint64_t first, uint64_t count, bool is_writable)
{
	stress_expect("protecting",
		      tern_region_protect(
			      TERN_SELF_PROCESS, (uint64_t)(large->words + first * PAGE_WORDS),
			      count * RT_PAGE, is_writable ? READ_WRITE : TERN_MAP_READ),
		      0);
	set_states(large, first, count, is_writable ? WRITABLE : READABLE);
}

static void map_again(struct large *large, uint64_t first, uint64_t count)
{
	uint64_t address = (uint64_t)(large->words + first * PAGE_WORDS);

	stress_expect("mapping again",
		      tern_region_map(TERN_SELF_PROCESS, 0, 0, address, count * RT_PAGE,
				      READ_WRITE | TERN_MAP_PRIVATE | TERN_MAP_FIXED),
		      (int64_t)address);
	set_states(large, first, count, WRITABLE);
	memset(&large->tags[first], 0, count * sizeof(large->tags[0]));
}

static void change(struct large *large)
{
	uint64_t choice = test_random(&large->random);
	uint64_t first = choice % PAGES, most = 1 + (choice >> 32) % (choice >> 62 ? 40 : 700);
	bool is_absent = large->states[first] == ABSENT;
	uint64_t count = run_of(large, first, most, is_absent);

	if (is_absent) {
		map_again(large, first, count);
	} else if (choice >> 20 & 1) {
		protect(large, first, count, choice >> 21 & 1);
	} else if (choice >> 21 & 1) {
		rt_unmap(large->words + first * PAGE_WORDS, count * RT_PAGE);
		set_states(large, first, count, ABSENT);
	}
	for (uint64_t page = first; page < first + count; page += 3)
		if (large->states[page] == WRITABLE)
			write_page(large, page);
}

/* --------------------------------------------------------------------------------- the rest */

/* Pages that may be dropped at any time, until there is no more room for any. */
static void flood(struct large *large)
{
	for (uint64_t i = 0; i < FLOOD_PAGES; i += FLOOD_BATCH)
		if (tern_pager_supply(large->flood, 0, i, FLOOD_BATCH, NULL, TERN_SUPPLY_ZERO) < 0)
			break;
}

/* The first fork finds them whole: each change makes small pages of some. */
static void use_in(struct large *large, unsigned int depth)
{
	tern_handle child = 0;

	flood(large);
	for (uint64_t i = depth * (test_random(&large->random) % 4); i; i--)
		change(large);
	if (depth < DEPTH) {
		child = tern_process_fork(0, 0);
		if (child == 0) {
			large->random ^= 0x1234567 + depth;
			check_all(large, "an inherited large page");
			use_in(large, depth + 1);
			rt_exit(0);
		}
		stress_expect("forking large pages", child < 0 ? child : 0, 0);
		for (int i = 0; i < CHANGES; i++)
			change(large);
	}
	if (child > 0) {
		stress_expect("a child with large pages", rt_wait_process(child), 0);
		tern_handle_close(child);
	}
	check_all(large, "a large page");
}

/* A clone of it, and holes in it, do not change each other. */
static void use_memobj(struct large *large)
{
	tern_handle memobj = tern_memobj_create(0, LENGTH), clone;
	uint64_t first = test_random(&large->random) % (PAGES - BLOCK), word;

	large->words = (uint64_t *)tern_region_map(TERN_SELF_PROCESS, memobj, 0, 0, LENGTH,
						   READ_WRITE);
	rt_require((int64_t)large->words > 0, "a mapping of large pages");
	fill(large);
	flood(large);
	clone = tern_memobj_clone(0, memobj);
	stress_expect("cloning large pages", clone < 0 ? clone : 0, 0);
	stress_expect("a hole", tern_memobj_punch(memobj, first, BLOCK), BLOCK);
	for (uint64_t page = first; page < first + BLOCK; page++) {
		tern_memobj_read(clone, page * RT_PAGE + 8, &word, sizeof(word), 0);
		stress_expect("a clone's word", (int64_t)word, (int64_t)large->tags[page] + 1);
		large->tags[page] = 0;
	}
	write_page(large, first + BLOCK / 2);
	check_all(large, "a memobj's large page");
	tern_handle_close(clone);
	rt_unmap(large->words, LENGTH);
	tern_handle_close(memobj);
}

void large_actor(uint64_t number)
{
	struct large *large = rt_map(sizeof(*large));
	uint64_t rounds_left = ROUNDS_AFTER;

	access_guard();
	large->random = stress->seed * 11 + number + 1;
	large->listener = tern_listener_create(0, 4);
	large->port = tern_port_create(0, large->listener, 0, 0);
	large->flood = tern_memobj_create_paged(0, large->port, FLOOD_PAGES * RT_PAGE, 0);
	rt_require(large->flood > 0, "a memobj to fill memory with");
	do {
		tern_memobj_evict(large->flood, 0, FLOOD_PAGES);
		test_sleep(LET_GO_NS);
		large->words = rt_map(LENGTH);
		atomic_fetch_add(&stress->done[9], fill(large));
		use_in(large, 0);
		rt_unmap(large->words, LENGTH);
		tern_memobj_evict(large->flood, 0, FLOOD_PAGES);
		use_memobj(large);
		atomic_fetch_add(&stress->done[8], 1);
		/* Others may have left no room for a large page: when they have ended there is. */
	} while (!is_over() || (!atomic_load(&stress->done[9]) && rounds_left--));
	tern_handle_close(large->flood);
	tern_handle_close(large->port);
	tern_handle_close(large->listener);
}
