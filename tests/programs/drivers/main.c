/*
 * A client of the drivers as they run in the whole system: it reads a disk that scripts have filled, and
 * random bytes, while init kills the drivers under it. Says what was wrong, and exits with 0 or 1.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "lib/block/block.h"
#include "proto/init.h"
#include "proto/random.h"
#include "tern/memobj.h"
#include "tern/start.h"

#define FILLERS 4
#define READERS 4
#define KILLS 25
#define CHUNK 64 /* words */

static struct block_disk disk;
static struct block_memory memory;
static tern_handle listener;
static atomic_bool is_over;
static atomic_uint reads;

static void require(int good, const char *what, long value)
{
	if (good)
		return;
	printf("drivers: %s: %ld\n", what, value);
	_exit(1);
}

static uint64_t disk_word(uint64_t offset)
{
	return (offset / 8 + 1) * 0x9e3779b97f4a7c15ul;
}

static void *fill_pages(void *nothing)
{
	struct tern_received message = { 0 };
	struct tern_request request;

	while (tern_wait(listener, &message) != -EPIPE) {
		while (tern_pager_fetch(memory.memobj, &request, 1) > 0) {
			int error = block_fill(&memory, request.id, request.first, request.count,
					       request.first * TERN_PAGE_SIZE);

			require(!error || error == -ESRCH, "fill", error);
		}
	}
	return nothing;
}

static void *read_words(void *argument)
{
	unsigned int random = (unsigned int)(uintptr_t)argument;
	uint64_t words[CHUNK];

	while (!is_over) {
		uint64_t offset = (uint64_t)rand_r(&random) % (disk.info.size / sizeof(words)) *
				  sizeof(words);
		int64_t length = tern_memobj_read(memory.memobj, offset, words, sizeof(words), 0);

		require(length == sizeof(words), "read", (long)length);
		for (unsigned int i = 0; i < CHUNK; i++)
			require(words[i] == disk_word(offset + i * 8), "word at",
				(long)(offset + i * 8));
		tern_memobj_evict(memory.memobj, offset / TERN_PAGE_SIZE, 1);
		reads++;
	}
	return NULL;
}

/* Bytes from the driver, whose death a client may see. */
static void read_random(unsigned char *bytes, size_t length)
{
	size_t done = 0;

	while (done < length) {
		long count = getrandom(bytes + done, length - done, 0);

		require(count > 0 || errno == EPIPE, "getrandom", errno);
		done += count > 0 ? (size_t)count : 0;
	}
}

static void check_random(void)
{
	unsigned char bytes[4096];
	unsigned int bits = 0;

	read_random(bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		bits += (unsigned int)__builtin_popcount(bytes[i]);
	/* Half of 32768, give or take seven standard deviations. */
	require(bits > 16384 - 640 && bits < 16384 + 640, "bits set of 32768", bits);
}

static void kill_drivers(void)
{
	tern_handle init = tern_start_handle("init");
	tern_result blk = init_find(init, "virtio-blk"), rng = init_find(init, "virtio-rng");
	struct init_server server = { 0 };

	require(blk >= 0 && rng >= 0, "init_find", (long)blk);
	for (int i = 0; i < KILLS; i++) {
		unsigned int before = reads;

		init_kill(init, (uint64_t)blk, 9);
		init_kill(init, (uint64_t)rng, 9);
		check_random();
		while (reads < before + 20)
			usleep(1000);
	}
	init_list(init, (uint64_t)blk, &server);
	require(server.state == INIT_RUNNING && server.restarts == KILLS, "restarts",
		(long)server.restarts);
	printf("drivers: virtio-blk was restarted in %lu us\n", server.restart_ns / 1000);
}

int main(void)
{
	pthread_t fillers[FILLERS], readers[READERS];
	tern_handle port, memobj;
	int error = block_open(&disk, tern_start_handle("disk"));

	require(!error && disk.info.size, "open", error);
	listener = tern_listener_create(0, 16);
	port = tern_port_create(0, listener, 0, 0);
	memobj = tern_memobj_create_paged(0, port, disk.info.size, 0);
	error = block_attach(&disk, &memory, memobj);
	require(!error, "attach", error);
	for (uintptr_t i = 0; i < FILLERS; i++)
		pthread_create(&fillers[i], NULL, fill_pages, NULL);
	for (uintptr_t i = 0; i < READERS; i++)
		pthread_create(&readers[i], NULL, read_words, (void *)(i + 1));
	kill_drivers();
	is_over = true;
	for (int i = 0; i < READERS; i++)
		pthread_join(readers[i], NULL);
	block_detach(&memory);
	printf("drivers: all is well\n");
	return 0;
}
