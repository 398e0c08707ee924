/*
 * Pagers: processes with two threads each, whose disks are in memory. They answer as they should, but
 * also twice, late, for pages that nobody asked for, and their write-back fails now and then.
 */
#include "memstress.h"

#define FETCH 8
#define THREADS 2

struct pager_thread {
	uint64_t random;
	tern_handle listener, source;
	uint8_t page[RT_PAGE] __attribute__((aligned(4096)));
};

static bool chance(uint64_t *random, uint64_t one_in)
{
	return test_random(random) % one_in == 0;
}

/* A part of the file onto the disk; what has been cut off meanwhile is nobody's. */
static void store(struct file *file, const struct tern_page_run *run)
{
	uint64_t offset = run->first * RT_PAGE, length = run->count * RT_PAGE;

	if (!file->disk)
		return;
	lock_take(&file->disk_lock);
	for (uint64_t at = offset; at < offset + length; at += RT_PAGE)
		(void)tern_memobj_read(file->memobj, at, file->disk + at, RT_PAGE, TERN_IO_NOWAIT);
	lock_give(&file->disk_lock);
}

static void clean_once(struct file *file, uint64_t *random)
{
	struct tern_page_run run = { 0, 0 };

	while (tern_memobj_clean_begin(file->memobj, run.first + run.count, UINT64_MAX / RT_PAGE,
				       &run) > 0) {
		bool is_failing = random && chance(random, 16);

		if (!is_failing)
			store(file, &run);
		else
			atomic_fetch_add(&file->failures, 1);
		tern_memobj_clean_end(file->memobj, run.first, run.count, is_failing ? EIO : 0);
	}
	if (tern_memobj_info(file->memobj, TERN_MEMOBJ_ERROR) == EIO)
		atomic_fetch_add(&file->errors, 1);
}

/* Whoever is at it already does it once more: what has become dirty behind him would be nobody's. */
static void file_clean(struct file *file, uint64_t *random)
{
	atomic_store(&file->is_clean_due, 1);
	while (atomic_load(&file->is_clean_due) && lock_try(&file->clean_lock)) {
		atomic_store(&file->is_clean_due, 0);
		clean_once(file, random);
		lock_give(&file->clean_lock);
	}
}

void file_clean_whole(struct file *file)
{
	lock_take(&file->clean_lock);
	clean_once(file, NULL);
	lock_give(&file->clean_lock);
}

static void load(struct file *file, uint64_t index, uint8_t *page)
{
	if (!file->disk) {
		memset(page, 0, RT_PAGE);
		return;
	}
	lock_take(&file->disk_lock);
	words_move((uint64_t *)page, (const uint64_t *)(file->disk + index * RT_PAGE),
		   RT_PAGE / sizeof(uint64_t));
	lock_give(&file->disk_lock);
}

static tern_result give(struct pager_thread *self, struct file *file, uint64_t id, uint64_t index)
{
	if (!chance(&self->random, 4))
		return tern_pager_supply(file->memobj, id, index, 1, self->page, 0);
	if (tern_memobj_write(self->source, 0, self->page, RT_PAGE, 0) != RT_PAGE)
		return -ENOMEM;
	return tern_pager_move(file->memobj, id, index, 1, self->source, 0);
}

static void supply(struct pager_thread *self, struct file *file, uint64_t id, uint64_t index)
{
	tern_result result;

	load(file, index, self->page);
	if (chance(&self->random, 16))
		test_sleep(100000);
	/* For the wrong page; there may well be another request, but not this one. */
	if (chance(&self->random, 8))
		stress_expect(
			"an answer for the wrong page",
			tern_pager_supply(file->memobj, id, index + FILE_PAGES, 1, self->page, 0),
			-ESRCH);
	while ((result = give(self, file, id, index)) == -ENOMEM)
		test_sleep(100000);
	if (result != 1 && result != -ESRCH)
		stress_fail("an answer", result, 1);
	if (chance(&self->random, 8))
		stress_expect("a second answer",
			      tern_pager_supply(file->memobj, id, index, 1, self->page, 0), -ESRCH);
}

static void answer(struct pager_thread *self, struct file *file)
{
	struct tern_request requests[FETCH];
	tern_result fetched;

	while ((fetched = tern_pager_fetch(file->memobj, requests, FETCH)) > 0)
		for (tern_result i = 0; i < fetched; i++)
			for (uint64_t j = 0; j < requests[i].count; j++)
				supply(self, file, requests[i].id, requests[i].first + j);
	if (fetched < 0)
		stress_fail("fetching", fetched, 0);
}

/* Ports have the number of their file as userdata; beyond: the end. */
static void serve(uint64_t argument)
{
	struct pager_thread *self = (struct pager_thread *)argument;
	struct tern_received message = { 0 };

	self->source = tern_memobj_create(0, RT_PAGE);
	for (;;) {
		tern_result event = tern_wait(self->listener, &message);
		struct file *file;

		if (!(event & TERN_EVENT_NOTIFY) || message.userdata >= PAGED_COUNT)
			return;
		file = &stress->files[message.userdata];
		answer(self, file);
		if (message.words[0] & TERN_PAGER_CLEAN || chance(&self->random, 16))
			file_clean(file, &self->random);
		atomic_fetch_add(&stress->done[0], 1);
	}
}

/* `number`: the listener. */
void pager_actor(uint64_t number)
{
	static struct pager_thread threads[THREADS];
	static struct rt_thread others[THREADS];

	for (uint64_t i = 0; i < THREADS; i++) {
		threads[i] =
			(struct pager_thread){ .random = stress->seed * 77 + number * 8 + i + 1,
					       .listener = (tern_handle)number };
		rt_thread(&others[i], serve, (uint64_t)&threads[i], 24);
	}
	for (uint64_t i = 0; i < THREADS; i++)
		rt_join(&others[i]);
}
