/*
 * The memory stress test: processes and threads work on the same memobjs while memory is short, and
 * every word that anybody sees is checked.
 *
 * A file is a memobj in cells of 512 bytes. A word in it says where it belongs and which version of
 * its cell it is of. Whoever writes a cell has it locked and counts its versions: `started` before the
 * first byte changes, `finished` after the last. So a reader who notes `finished` before it looks and
 * `started` afterwards knows the versions that it may find: older ones were lost, or are bytes that
 * came back from the dead; and zeroes may only be there if the cell was cut off in between.
 */
#ifndef MEMSTRESS_H
#define MEMSTRESS_H

#include <stdatomic.h>

#include "tern/memobj.h"
#include "test.h"

#define CELL 512
#define CELL_WORDS (CELL / sizeof(uint64_t))
#define CELLS_PER_PAGE (RT_PAGE / CELL)
#define FILE_PAGES 384ul
#define FILE_LENGTH (FILE_PAGES * RT_PAGE)
#define FILE_CELLS (FILE_PAGES * CELLS_PER_PAGE)
#define CUT_CELLS (16 * CELLS_PER_PAGE) /* at the end: they come and go */
#define KEPT_CELLS (FILE_CELLS - CUT_CELLS)
#define SPAN_MAX 24 /* cells in one access */

#define APPEND_SIZE (1ul << 20)
#define APPENDERS 3
#define LOG_LENGTH (APPENDERS * APPEND_SIZE)

enum { FILE_ONE, FILE_TWO, FILE_ANONYMOUS, FILES, LOG_PAGED = FILES, WASTE, PAGED_COUNT };

struct cell {
	_Atomic uint32_t is_locked, started, finished,
		zeroed; /* the last version that was zeroes */
};

struct file {
	tern_handle memobj;
	tern_handle port; /* 0: nobody pages it */
	uint8_t *disk;    /* what the pager knows of it; NULL: zeroes, kept nowhere */
	uint64_t disk_length;
	_Atomic uint32_t disk_lock;  /* the disk's bytes */
	_Atomic uint32_t clean_lock; /* who writes back */
	_Atomic uint32_t is_clean_due;
	_Atomic uint32_t cut_lock; /* who cuts it off and lets it grow again */
	_Atomic uint32_t cuts;     /* odd: it is being done */
	_Atomic uint32_t failures; /* of write-back, told to the kernel */
	_Atomic uint32_t errors;   /* ... and heard from it */
};

struct stress {
	_Atomic uint32_t stop;
	_Atomic uint32_t failures;
	_Atomic uint32_t running;  /* actors, by bit */
	_Atomic uint64_t done[16]; /* what each actor has done */
	uint64_t seed;
	struct file files[PAGED_COUNT];
	struct cell cells[FILES][FILE_CELLS];
};

extern struct stress *stress;

static inline bool is_over(void)
{
	return atomic_load(&stress->stop);
}

/* Notes a failure in any process. */
void stress_fail(const char *what, int64_t got, int64_t expected);
void stress_expect(const char *what, int64_t got, int64_t expected);

void lock_take(_Atomic uint32_t *lock);
bool lock_try(_Atomic uint32_t *lock);
void lock_give(_Atomic uint32_t *lock);

/* model.c */
struct sight {
	uint32_t cuts;
	uint32_t finished[SPAN_MAX];
};
bool cells_try_lock(uint32_t file, uint64_t first, uint64_t count);
void cells_lock(uint32_t file, uint64_t first, uint64_t count);
void cells_unlock(uint32_t file, uint64_t first, uint64_t count);
/* New versions of locked cells begin, and are put into words; or zeroes, which are not. */
void cells_begin(uint32_t file, uint64_t first, uint64_t count, uint64_t *words);
void cells_begin_zero(uint32_t file, uint64_t first, uint64_t count);
void cells_end(uint32_t file, uint64_t first, uint64_t count);
void cells_look(uint32_t file, uint64_t first, uint64_t count, struct sight *sight);
/* Bytes [from, to) of what was seen. */
void cells_check(uint32_t file, uint64_t first, const uint64_t *words, uint64_t from, uint64_t to,
		 const struct sight *sight, const char *what);
/* May fewer bytes than asked for be there? */
bool file_was_cut(uint32_t file, const struct sight *sight);

/* access.S: words through a mapping. Returns how many were not moved because of a fault. */
uint64_t words_move(volatile uint64_t *to, const volatile uint64_t *from, uint64_t count);
void access_guard(void);

/* The actors: what processes of the test do until it is over. */
void pager_actor(uint64_t number);
void worker_actor(uint64_t number);
void private_actor(uint64_t number);
void clone_actor(uint64_t number);
void append_actor(uint64_t number);
void victim_actor(uint64_t number);
void poor_actor(uint64_t number);
void unreliable_actor(uint64_t number);
void large_actor(uint64_t number);

/* All that there is of a file, when nobody writes any more. */
void file_check_whole(uint32_t file);
/* Write back all that is dirty, at the end. */
void file_clean_whole(struct file *file);

#endif
