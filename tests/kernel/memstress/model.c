/* What may be found in the files' cells, see memstress.h. */
#include "memstress.h"

#define VERSION_SHIFT 44

struct stress *stress;

void stress_fail(const char *what, int64_t got, int64_t expected)
{
	if (atomic_fetch_add(&stress->failures, 1) < 20)
		rt_printf("  %s: got %ld, expected %ld\n", what, got, expected);
}

void stress_expect(const char *what, int64_t got, int64_t expected)
{
	if (got != expected)
		stress_fail(what, got, expected);
}

bool lock_try(_Atomic uint32_t *lock)
{
	return !atomic_exchange(lock, 1);
}

void lock_take(_Atomic uint32_t *lock)
{
	while (!lock_try(lock))
		test_sleep(20000);
}

void lock_give(_Atomic uint32_t *lock)
{
	atomic_store(lock, 0);
}

/* ------------------------------------------------------------------------------------- cells */

static struct cell *cell_at(uint32_t file, uint64_t index)
{
	return &stress->cells[file][index];
}

void cells_unlock(uint32_t file, uint64_t first, uint64_t count)
{
	while (count--)
		lock_give(&cell_at(file, first++)->is_locked);
}

bool cells_try_lock(uint32_t file, uint64_t first, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		if (lock_try(&cell_at(file, first + i)->is_locked))
			continue;
		cells_unlock(file, first, i);
		return false;
	}
	return true;
}

void cells_lock(uint32_t file, uint64_t first, uint64_t count)
{
	while (count--)
		lock_take(&cell_at(file, first++)->is_locked);
}

static uint64_t word_of(uint32_t file, uint64_t cell, uint64_t version, uint64_t word)
{
	uint64_t place = ((uint64_t)file << 32 | cell << 8 | word) + 1;

	return version << VERSION_SHIFT |
	       (place * 0x9e3779b97f4a7c15 + version * 0xd1342543de82ef95) >> (64 - VERSION_SHIFT);
}

void cells_begin(uint32_t file, uint64_t first, uint64_t count, uint64_t *words)
{
	for (; count; count--, first++, words += CELL_WORDS) {
		uint64_t version = atomic_fetch_add(&cell_at(file, first)->started, 1) + 1;

		for (uint64_t i = 0; i < CELL_WORDS; i++)
			words[i] = word_of(file, first, version, i);
	}
}

void cells_begin_zero(uint32_t file, uint64_t first, uint64_t count)
{
	for (; count; count--, first++) {
		struct cell *cell = cell_at(file, first);

		atomic_store(&cell->zeroed, atomic_load(&cell->started) + 1);
		atomic_fetch_add(&cell->started, 1);
	}
}

void cells_end(uint32_t file, uint64_t first, uint64_t count)
{
	for (; count; count--, first++)
		atomic_store(&cell_at(file, first)->finished,
			     atomic_load(&cell_at(file, first)->started));
}

void cells_look(uint32_t file, uint64_t first, uint64_t count, struct sight *sight)
{
	sight->cuts = atomic_load(&stress->files[file].cuts);
	for (uint64_t i = 0; i < count; i++)
		sight->finished[i] = atomic_load(&cell_at(file, first + i)->finished);
}

bool file_was_cut(uint32_t file, const struct sight *sight)
{
	return sight->cuts & 1 || atomic_load(&stress->files[file].cuts) != sight->cuts;
}

static bool word_is_good(uint32_t file, uint64_t index, uint64_t place, uint64_t word,
			 uint32_t finished)
{
	struct cell *cell = cell_at(file, index);
	uint64_t version = word >> VERSION_SHIFT;

	if (!word)
		return atomic_load(&cell->zeroed) >= finished;
	return version >= finished && version <= atomic_load(&cell->started) &&
	       word == word_of(file, index, version, place);
}

static void report(uint32_t file, uint64_t cell, uint64_t place, uint64_t word, uint32_t finished,
		   const char *what)
{
	if (atomic_fetch_add(&stress->failures, 1) >= 20)
		return;
	rt_printf("  %s: file %u, cell %lu (page %lu), word %lu: %lx, version %lu of %u..%u, "
		  "zeroed %u\n",
		  what, file, cell, cell / CELLS_PER_PAGE, place, word, word >> VERSION_SHIFT,
		  finished, atomic_load(&cell_at(file, cell)->started),
		  atomic_load(&cell_at(file, cell)->zeroed));
}

void cells_check(uint32_t file, uint64_t first, const uint64_t *words, uint64_t from, uint64_t to,
		 const struct sight *sight, const char *what)
{
	uint64_t end = to / sizeof(uint64_t);

	for (uint64_t i = (from + 7) / sizeof(uint64_t); i < end; i++) {
		uint64_t cell = i / CELL_WORDS;

		if (!word_is_good(file, first + cell, i % CELL_WORDS, words[i],
				  sight->finished[cell])) {
			report(file, first + cell, i % CELL_WORDS, words[i], sight->finished[cell],
			       what);
			return;
		}
	}
}

/* Through a stream, which reads ahead. */
void file_check_whole(uint32_t file)
{
	static uint64_t words[SPAN_MAX * CELL_WORDS];
	tern_handle stream = tern_stream_create(0, stress->files[file].memobj, 0);
	struct sight sight;

	for (uint64_t cell = 0; cell < FILE_CELLS; cell += SPAN_MAX) {
		cells_look(file, cell, SPAN_MAX, &sight);
		stress_expect("reading at the end",
			      tern_stream_read(stream, words, sizeof(words), 0), sizeof(words));
		cells_check(file, cell, words, 0, sizeof(words), &sight, "at the end");
	}
	tern_handle_close(stream);
}

_Static_assert(FILE_CELLS % SPAN_MAX == 0, "the last span is whole");
