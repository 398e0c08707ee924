/* Those who read, write, cut off and evict the files, and check what they see. */
#include "memstress.h"

#define THREADS 2
#define UPCALL_STACK 4096

struct worker {
	uint64_t random;
	uint64_t words[SPAN_MAX * CELL_WORDS];
	struct sight sight;
	tern_handle streams[FILES];
	volatile uint64_t *mapped[FILES]; /* NULL: it only calls, which goes much faster */
};

struct span {
	uint32_t file;
	uint64_t first, count; /* cells */
};

extern char access_upcall[];
void access_unexpected(const struct tern_upcall *upcall);

void access_unexpected(const struct tern_upcall *upcall)
{
	rt_printf("  upcall %lu, value %lx, error %lu, pc %lx\n", upcall->cause, upcall->value,
		  upcall->error, upcall->registers.pc);
	atomic_fetch_add(&stress->failures, 1);
	rt_exit(98);
}

void access_guard(void)
{
	char *stack = rt_map(UPCALL_STACK);

	memset(stack, 0, UPCALL_STACK);
	tern_thread_set_upcall((uint64_t)access_upcall, (uint64_t)stack + UPCALL_STACK, 0);
}

static struct span random_span(struct worker *worker)
{
	uint64_t choice = test_random(&worker->random);
	struct span span = { .file = (uint32_t)(choice % FILES),
			     .count = 1 + (choice >> 8) % SPAN_MAX };

	/* Half of it in an eighth of the file. */
	span.first = (choice >> 16) % ((choice >> 50) & 1 ? FILE_CELLS : FILE_CELLS / 8);
	if (span.first + span.count > FILE_CELLS)
		span.first = FILE_CELLS - span.count;
	return span;
}

/* ----------------------------------------------------------------------------------- reading */

static void check_read(struct worker *worker, const struct span *span, uint64_t skip,
		       tern_result result, const char *what)
{
	tern_result expected = (tern_result)(span->count * CELL - skip);

	if (result != expected && (result < 0 || !file_was_cut(span->file, &worker->sight)))
		stress_fail(what, result, expected);
	if (result > 0)
		cells_check(span->file, span->first, worker->words, skip, skip + (uint64_t)result,
			    &worker->sight, what);
}

static void read_directly(struct worker *worker, const struct span *span)
{
	uint64_t skip = test_random(&worker->random) % CELL;
	tern_result result =
		tern_memobj_read(stress->files[span->file].memobj, span->first * CELL + skip,
				 (char *)worker->words + skip, span->count * CELL - skip, 0);

	check_read(worker, span, skip, result, "memobj_read");
}

static void read_stream(struct worker *worker, const struct span *span)
{
	tern_handle stream = worker->streams[span->file];
	tern_result result;

	stress_expect("seeking", tern_stream_seek(stream, (int64_t)(span->first * CELL), 0),
		      (int64_t)(span->first * CELL));
	result = tern_stream_read(stream, worker->words, span->count * CELL, 0);
	check_read(worker, span, 0, result, "stream_read");
}

static void read_mapped(struct worker *worker, const struct span *span)
{
	uint64_t length = span->count * CELL_WORDS;
	uint64_t left = words_move(worker->words,
				   worker->mapped[span->file] + span->first * CELL_WORDS, length);

	check_read(worker, span, 0, (tern_result)((length - left) * sizeof(uint64_t)),
		   "mapped read");
}

static void read_span(struct worker *worker, const struct span *span)
{
	cells_look(span->file, span->first, span->count, &worker->sight);
	switch (test_random(&worker->random) % (worker->mapped[0] ? 3 : 2)) {
	case 0:
		read_directly(worker, span);
		break;
	case 1:
		read_stream(worker, span);
		break;
	default:
		read_mapped(worker, span);
	}
}

/* ----------------------------------------------------------------------------------- writing */

static void write_span(struct worker *worker, const struct span *span)
{
	struct file *file = &stress->files[span->file];
	uint64_t offset = span->first * CELL, length = span->count * CELL;
	tern_handle stream = worker->streams[span->file];
	tern_result result;

	cells_begin(span->file, span->first, span->count, worker->words);
	switch (test_random(&worker->random) % (worker->mapped[0] ? 3 : 2)) {
	case 0:
		result = tern_memobj_write(file->memobj, offset, worker->words, length, 0);
		break;
	case 1:
		tern_stream_seek(stream, (int64_t)offset, 0);
		result = tern_stream_write(stream, worker->words, length, 0);
		break;
	default:
		result = (tern_result)(length - sizeof(uint64_t) *
							words_move(worker->mapped[span->file] +
									   span->first * CELL_WORDS,
								   worker->words,
								   span->count * CELL_WORDS));
	}
	stress_expect("a write", result, (tern_result)length);
	cells_end(span->file, span->first, span->count);
}

/* The file's own bytes from and to its own mapping: nothing changes, and nothing hangs. */
static void copy_onto_itself(struct worker *worker, const struct span *span)
{
	tern_handle memobj = stress->files[span->file].memobj;
	uint64_t offset = span->first * CELL, length = span->count * CELL;
	char *mapped = (char *)worker->mapped[span->file] + offset;
	tern_result result = test_random(&worker->random) % 2
				     ? tern_memobj_write(memobj, offset, mapped, length, 0)
				     : tern_memobj_read(memobj, offset, mapped, length, 0);

	stress_expect("a copy onto itself", result, (tern_result)length);
}

static void change_span(struct worker *worker, const struct span *span)
{
	if (!cells_try_lock(span->file, span->first, span->count))
		return;
	if (!worker->mapped[0] || test_random(&worker->random) % 8)
		write_span(worker, span);
	else
		copy_onto_itself(worker, span);
	cells_unlock(span->file, span->first, span->count);
}

/* ---------------------------------------------------------------------------------- cutting */

static void zero_disk(struct file *file, uint64_t from)
{
	if (!file->disk)
		return;
	lock_take(&file->disk_lock);
	memset(file->disk + from, 0, FILE_LENGTH - from);
	lock_give(&file->disk_lock);
}

/* The last cell is locked: a write there takes the file's length back to what it was. */
static void grow_by_writing(struct worker *worker, uint32_t file)
{
	uint64_t last = FILE_CELLS - 1;

	cells_begin(file, last, 1, worker->words);
	stress_expect(
		"growing",
		tern_memobj_write(stress->files[file].memobj, last * CELL, worker->words, CELL, 0),
		CELL);
}

static void cut_and_grow(struct worker *worker, uint32_t number)
{
	struct file *file = &stress->files[number];
	uint64_t first = KEPT_CELLS + test_random(&worker->random) % CUT_CELLS;

	if (!lock_try(&file->cut_lock))
		return;
	cells_lock(number, first, FILE_CELLS - first);
	cells_begin_zero(number, first, FILE_CELLS - first);
	atomic_fetch_add(&file->cuts, 1);
	stress_expect("cutting", tern_memobj_set_length(file->memobj, first * CELL), 0);
	zero_disk(file, first * CELL);
	if (test_random(&worker->random) % 2)
		grow_by_writing(worker, number);
	else
		stress_expect("growing", tern_memobj_set_length(file->memobj, FILE_LENGTH), 0);
	atomic_fetch_add(&file->cuts, 1);
	cells_end(number, first, FILE_CELLS - first);
	cells_unlock(number, first, FILE_CELLS - first);
	lock_give(&file->cut_lock);
}

/* Somewhere in the part that comes and goes. */
static void touch_the_end(struct worker *worker, struct span span)
{
	span.first = FILE_CELLS - span.count - test_random(&worker->random) % CUT_CELLS;
	if (test_random(&worker->random) % 2)
		read_span(worker, &span);
	else
		change_span(worker, &span);
}

static void evict(struct worker *worker, const struct span *span)
{
	uint64_t count = 1 + test_random(&worker->random) % (FILE_PAGES / 2);
	tern_result result = tern_memobj_evict(stress->files[span->file].memobj,
					       span->first / CELLS_PER_PAGE, count);

	if (result < 0 && span->file != FILE_ANONYMOUS)
		stress_fail("evicting", result, 0);
}

/* The mapping elsewhere, sometimes with a hole in it for a while. */
static void map_again(struct worker *worker, uint32_t file)
{
	uint64_t address = (uint64_t)worker->mapped[file];

	if (!address)
		return;
	tern_region_protect(TERN_SELF_PROCESS, address, FILE_LENGTH / 2, TERN_MAP_READ);
	stress_expect("unmapping", tern_region_unmap(TERN_SELF_PROCESS, address, FILE_LENGTH), 0);
	address = (uint64_t)tern_region_map(TERN_SELF_PROCESS, stress->files[file].memobj, 0, 0,
					    FILE_LENGTH, TERN_MAP_READ | TERN_MAP_WRITE);
	rt_require((int64_t)address > 0, "a mapping of a file");
	worker->mapped[file] = (volatile uint64_t *)address;
}

static void work_once(struct worker *worker)
{
	struct span span = random_span(worker);
	uint64_t choice = test_random(&worker->random) % 100;

	if (choice < 45)
		read_span(worker, &span);
	else if (choice < 82)
		change_span(worker, &span);
	else if (choice < 90)
		touch_the_end(worker, span);
	else if (choice < 93)
		cut_and_grow(worker, span.file);
	else if (choice < 97)
		evict(worker, &span);
	else
		map_again(worker, span.file);
}

static void work(uint64_t argument)
{
	struct worker *worker = rt_map(sizeof(struct worker));

	*worker = (struct worker){ .random = stress->seed * 1000003 + argument + 1 };
	access_guard();
	for (uint32_t i = 0; i < FILES; i++) {
		worker->streams[i] = tern_stream_create(0, stress->files[i].memobj, 0);
		rt_require(worker->streams[i] > 0, "a stream");
		if (argument >= THREADS)
			continue;
		worker->mapped[i] = (volatile uint64_t *)tern_region_map(
			TERN_SELF_PROCESS, stress->files[i].memobj, 0, 0, FILE_LENGTH,
			TERN_MAP_READ | TERN_MAP_WRITE);
		rt_require((int64_t)worker->mapped[i] > 0, "a mapping of a file");
	}
	while (!is_over()) {
		work_once(worker);
		atomic_fetch_add(&stress->done[1], 1);
	}
}

void worker_actor(uint64_t number)
{
	static struct rt_thread threads[THREADS];

	for (uint64_t i = 0; i < THREADS; i++)
		rt_thread(&threads[i], work, number * THREADS + i, 16);
	for (uint64_t i = 0; i < THREADS; i++)
		rt_join(&threads[i]);
}
