/* Those to whom something happens: they are interrupted, killed, poor, or have a bad pager. */
#include "memstress.h"

#define WASTE_LENGTH (256 * RT_PAGE)
#define POOR_PAGES 96
#define BAD_PAGES 64

/* ----------------------------------------------------------------------------------- victims */

/* Appends to and reads from what nobody checks; it is killed or interrupted at any point. */
static void use_waste(uint64_t *random, volatile uint64_t *mapped)
{
	static uint64_t words[8 * RT_PAGE / sizeof(uint64_t)];
	tern_handle memobj = stress->files[WASTE].memobj;
	uint64_t offset = test_random(random) % WASTE_LENGTH;

	switch (test_random(random) % 5) {
	case 0:
		(void)tern_memobj_write(memobj, 0, words, sizeof(words), TERN_IO_APPEND);
		break;
	case 1:
		(void)tern_memobj_write(memobj, offset, words, sizeof(words), 0);
		break;
	case 2:
		(void)tern_memobj_read(memobj, offset, words, sizeof(words), 0);
		break;
	case 3:
		(void)words_move(mapped + offset / sizeof(uint64_t), words, 1);
		break;
	default:
		(void)words_move(words, mapped + offset / sizeof(uint64_t), 1);
	}
}

static void be_victim(uint64_t seed)
{
	uint64_t random = seed | 1;
	volatile uint64_t *mapped = (volatile uint64_t *)tern_region_map(
		TERN_SELF_PROCESS, stress->files[WASTE].memobj, 0, 0, WASTE_LENGTH,
		TERN_MAP_READ | TERN_MAP_WRITE);

	access_guard();
	for (;;)
		use_waste(&random, mapped);
}

/* Reads what is there while it is interrupted: a count, or that it was. */
static void be_interrupted(uint64_t seed)
{
	static uint64_t words[SPAN_MAX * CELL_WORDS];
	uint64_t random = seed | 1;
	struct sight sight;

	while (!is_over()) {
		uint64_t choice = test_random(&random);
		uint64_t first = choice % (KEPT_CELLS - SPAN_MAX);
		uint32_t file = (uint32_t)(choice >> 32) % FILES;
		tern_result result;

		cells_look(file, first, SPAN_MAX, &sight);
		result = tern_memobj_read(stress->files[file].memobj, first * CELL, words,
					  sizeof(words), 0);
		if (result > 0)
			cells_check(file, first, words, 0, (uint64_t)result, &sight,
				    "an interrupted read");
		else
			stress_expect("an interrupted read", result, -EINTR);
	}
}

/* In a process with two threads one is killed; then the whole process is, or ends by itself. */
static void torment(uint64_t seed)
{
	static struct rt_thread victim;
	uint64_t random = seed;

	rt_thread(&victim, be_victim, seed + 1, 16);
	test_sleep(test_random(&random) % 3000000);
	tern_thread_interrupt(victim.handle, 0);
	test_sleep(test_random(&random) % 3000000);
	tern_thread_kill(victim.handle);
	be_victim(seed + 2);
}

void victim_actor(uint64_t number)
{
	static struct rt_thread interrupted;
	uint64_t random = stress->seed * 7 + number + 1;

	rt_thread(&interrupted, be_interrupted, random + 1, 16);
	while (!is_over()) {
		tern_handle child = tern_process_fork(0, 0);

		if (child == 0)
			torment(test_random(&random));
		test_random(&random);
		if (child == -ENOMEM) {
			test_sleep(500000);
			continue;
		}
		rt_require(child > 0, "a victim");
		for (int i = 0; i < 8; i++) {
			test_sleep(test_random(&random) % 1000000);
			tern_thread_interrupt(interrupted.handle, 0);
		}
		tern_process_kill(child, 55);
		stress_expect("a victim", rt_wait_process(child), 55);
		tern_handle_close(child);
		tern_memobj_set_length(stress->files[WASTE].memobj, WASTE_LENGTH);
		atomic_fetch_add(&stress->done[5], 1);
	}
	rt_join(&interrupted);
}

/* -------------------------------------------------------------------------------------- poor */

/* Its quota ends somewhere in here, by a fault or by an error; and then nothing of it is left. */
static void be_poor(uint64_t choice)
{
	tern_handle memobj = tern_memobj_create(0, 0);
	static uint64_t words[RT_PAGE / sizeof(uint64_t)];
	volatile uint64_t *memory = rt_map(2 * POOR_PAGES * RT_PAGE);
	tern_result result = RT_PAGE;

	access_guard();
	for (uint64_t i = 0; i < 2 * POOR_PAGES && result == RT_PAGE; i++) {
		uint64_t *place = (uint64_t *)memory + i * RT_PAGE / sizeof(uint64_t);

		if (choice % 2)
			result = words_move(place, words, 1) ? -ENOMEM : (tern_result)RT_PAGE;
		else
			result = tern_memobj_write(memobj, i * RT_PAGE, words, RT_PAGE, 0);
	}
	stress_expect("over its quota", result, -ENOMEM);
	rt_exit(33);
}

void poor_actor(uint64_t number)
{
	uint64_t random = stress->seed * 5 + number + 1;
	tern_handle account = tern_account_create(0, POOR_PAGES * RT_PAGE);
	int64_t status;

	while (!is_over()) {
		tern_handle child = tern_process_fork(account, 0);

		if (child == 0)
			be_poor(test_random(&random) >> 7);
		test_random(&random);
		/* What the last one had comes back some time after its death. */
		if (child == -ENOMEM) {
			test_sleep(500000);
			continue;
		}
		rt_require(child > 0, "a poor process");
		/* The quota may have ended with its stack, before it could say where faults go. */
		status = rt_wait_process(child);
		if (status != TERN_STATUS_FAULT)
			stress_expect("the poor", status, 33);
		tern_handle_close(child);
		atomic_fetch_add(&stress->done[6], 1);
	}
}

/* -------------------------------------------------------------------------------- bad pagers */

enum { MANNER_FAIL, MANNER_LATE, MANNER_TWICE, MANNER_WRONG, MANNERS };

struct bad {
	tern_handle listener, port, memobj;
	uint64_t random;
	_Atomic uint32_t is_dead;
	struct rt_thread pager, reader;
};

static uint64_t bad_word(uint64_t index)
{
	return index * 0x9e3779b97f4a7c15 + 5;
}

static void misbehave(struct bad *bad, const struct tern_request *request)
{
	static uint64_t page[RT_PAGE / sizeof(uint64_t)] __attribute__((aligned(4096)));
	uint64_t manner = test_random(&bad->random) % MANNERS, first = request->first;

	for (uint64_t i = 0; i < RT_COUNT(page); i++)
		page[i] = bad_word(first);
	if (manner == MANNER_FAIL) {
		tern_pager_fail(bad->memobj, request->id, first, request->count, EIO);
		return;
	}
	if (manner == MANNER_LATE) {
		tern_memobj_punch(bad->memobj, first, 1);
		stress_expect("a late answer",
			      tern_pager_supply(bad->memobj, request->id, first, 1, page, 0),
			      -ESRCH);
	}
	if (manner == MANNER_WRONG)
		tern_pager_supply(bad->memobj, request->id, first ^ 1, 1, page, 0);
	tern_pager_supply(bad->memobj, request->id, first, 1, page, 0);
	if (manner == MANNER_TWICE)
		tern_pager_supply(bad->memobj, request->id, first, 1, page, 0);
	tern_pager_fail(bad->memobj, request->id, first, request->count, EIO);
}

/* After some requests it dies, in the middle of one. */
static void bad_pager(uint64_t argument)
{
	struct bad *bad = (struct bad *)argument;
	uint64_t left = 20 + test_random(&bad->random) % 40;
	struct tern_received message = { 0 };
	struct tern_request request;

	while (left) {
		tern_result event = tern_wait(bad->listener, &message);

		if (!(event & TERN_EVENT_NOTIFY))
			stress_fail("what a bad pager waits for", event, TERN_EVENT_NOTIFY);
		while (left && tern_pager_fetch(bad->memobj, &request, 1) > 0)
			if (--left)
				misbehave(bad, &request);
	}
	atomic_store(&bad->is_dead, 1);
	tern_handle_close(bad->listener);
}

/* What is read is right, or it fails. */
static void read_from_bad(uint64_t argument)
{
	struct bad *bad = (struct bad *)argument;
	uint64_t random = bad->random * 3 + 1, word, failed = 0;
	volatile uint64_t *mapped = (volatile uint64_t *)tern_region_map(
		TERN_SELF_PROCESS, bad->memobj, 0, 0, BAD_PAGES * RT_PAGE, TERN_MAP_READ);

	access_guard();
	while (!atomic_load(&bad->is_dead) || !failed) {
		bool was_dead = atomic_load(&bad->is_dead);
		uint64_t index = test_random(&random) % BAD_PAGES;
		bool is_read;

		if (test_random(&random) % 2)
			is_read = !words_move(&word, mapped + index * RT_PAGE / sizeof(word), 1);
		else
			is_read = tern_memobj_read(bad->memobj, index * RT_PAGE, &word,
						   sizeof(word), 0) == sizeof(word);
		if (is_read && word != bad_word(index))
			stress_fail("from a bad pager", (int64_t)word, (int64_t)bad_word(index));
		failed += was_dead && !is_read;
		tern_memobj_evict(bad->memobj, test_random(&random) % BAD_PAGES, 4);
	}
	rt_unmap((void *)mapped, BAD_PAGES * RT_PAGE);
}

void unreliable_actor(uint64_t number)
{
	static struct bad bad;
	uint64_t random = stress->seed * 3 + number + 1;

	access_guard();
	while (!is_over()) {
		bad = (struct bad){ .random = test_random(&random) };
		bad.listener = tern_listener_create(0, 4);
		bad.port = tern_port_create(0, bad.listener, 0, 0);
		bad.memobj = tern_memobj_create_paged(0, bad.port, BAD_PAGES * RT_PAGE, 0);
		rt_require(bad.memobj > 0, "a bad pager's memobj");
		rt_thread(&bad.pager, bad_pager, (uint64_t)&bad, 16);
		rt_thread(&bad.reader, read_from_bad, (uint64_t)&bad, 16);
		read_from_bad((uint64_t)&bad);
		rt_join(&bad.reader);
		rt_join(&bad.pager);
		tern_handle_close(bad.port);
		tern_handle_close(bad.memobj);
		atomic_fetch_add(&stress->done[7], 1);
	}
}
