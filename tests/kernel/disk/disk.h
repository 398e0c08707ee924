/* Tests of disks: the driver in a process of its own, and a client that has the disk in a memobj. */
#ifndef TESTS_DISK_H
#define TESTS_DISK_H

#include "test.h"

#include <errno.h>

#include "lib/block/block.h"
#include "servers/virtio-blk/driver.h"

/* What whoever starts drivers keeps over their deaths. */
struct supervisor {
	tern_handle device, listener, dma, account;
	tern_handle process;
	uint32_t starts;
};
extern struct supervisor driver;

void driver_prepare(void);
void driver_start(void);
/* Until it serves. */
void driver_await(void);
/* Kill it, and wait until it is gone. */
void driver_kill(void);
void driver_stop(void);
/* A client port for a disk, for client number `client`. */
tern_handle driver_port(unsigned int disk, unsigned int client);

#define FILLERS_MAX 48

/* A whole disk as a paged memobj, with threads that fill its pages. */
struct mirror {
	struct block_disk disk;
	struct block_memory memory;
	tern_handle listener, port, end;
	uint64_t size;
	unsigned int fillers;
	struct rt_thread threads[FILLERS_MAX];
	_Atomic uint32_t fills, failed;
	_Atomic uint32_t busy, most_busy; /* calls in progress, and the most there ever were */
};

void mirror_open(struct mirror *mirror, tern_handle port, unsigned int fillers);
void mirror_close(struct mirror *mirror);
/* Write back what is dirty in [first, first + count) pages. The first error. */
int mirror_clean(struct mirror *mirror, uint64_t first, uint64_t count);

/* Pages [first, first + count) are asked of the disk again at the next access. */
void mirror_forget(struct mirror *mirror, uint64_t first, uint64_t count);

/* The disks of the machine that these tests run on, see tests/system/test_disk.py. */
enum disk_number {
	DISK_BIG,       /* 8 MiB */
	DISK_ODD,       /* one sector more than 1 MiB */
	DISK_READ_ONLY, /* 1 MiB */
	DISK_BAD,       /* 1 MiB; see errors.c */
	DISK_SLOW,      /* 1 MiB; some dozens of operations in a second */
	DISK_NONE,
};

/* The word at a byte offset of a disk that scripts have filled for tests. */
static inline uint64_t disk_word(uint64_t offset)
{
	return (offset / 8 + 1) * 0x9e3779b97f4a7c15ul;
}

/* Room for a test's data. */
#define BUFFER (64 * RT_PAGE)
extern uint8_t *buffer;
/* Are the first `length` bytes of the buffer what was on the disk from `offset` on? */
bool is_as_made(uint64_t offset, uint64_t length);
/* Has the disk on it what scripts have put there, in bytes [from, to)? */
void check_disk(struct mirror *mirror, uint64_t from, uint64_t to);

void whole_disk_reads_back(void);
void odd_disk_ends_in_zeroes(void);
void many_requests_are_in_flight(void);
void resident_pages_can_be_read_into(void);
void what_was_written_is_there(void);
void parts_of_pages_can_be_written(void);
void zeroes_are_written(void);
void discard_and_flush_work(void);
void absent_pages_cannot_be_written(void);
void read_only_disk_stays_as_it_is(void);
void bad_requests_are_refused(void);
void cookies_belong_to_their_client(void);
void nonsense_does_no_harm(void);
void errors_are_reported(void);
void dead_drivers_lose_nothing(void);
int print_figures(void);
void client_learns_that_there_is_no_driver(void);

#endif
