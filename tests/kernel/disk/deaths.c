/*
 * The driver is killed again and again while clients work. Writers own some pages each and put growing
 * numbers there; what has been acknowledged must be on the disk whenever they look.
 */
#include "disk.h"

#define KILLS 60
#define WRITERS 4
#define READERS 4
#define WRITER_PAGES 16
#define READER_BASE (7 * 1024 * 1024ul) /* where nobody writes */
#define WRITER_BASE (5 * 1024 * 1024ul + 65536)

static struct mirror mirror;
static volatile bool is_over;
static _Atomic uint32_t rounds, bad_bytes, errors;

static uint64_t page_word(uint64_t writer, uint64_t page, uint64_t round, uint64_t word)
{
	return disk_word(writer << 40 | page << 32 | round << 12 | word * 8);
}

static bool is_round(const uint64_t *words, uint64_t writer, uint64_t page, uint64_t round)
{
	for (uint64_t i = 0; i < RT_PAGE / 8; i++)
		if (words[i] != page_word(writer, page, round, i))
			return false;
	return true;
}

static void write_round(uint64_t writer, uint64_t page, uint64_t round, uint64_t *words)
{
	uint64_t offset = WRITER_BASE + (writer * WRITER_PAGES + page) * RT_PAGE;

	for (uint64_t i = 0; i < RT_PAGE / 8; i++)
		words[i] = page_word(writer, page, round, i);
	if (tern_memobj_write(mirror.memory.memobj, offset, words, RT_PAGE, 0) != (int64_t)RT_PAGE)
		errors++;
}

static void check_round(uint64_t writer, uint64_t page, uint64_t round, uint64_t *words)
{
	uint64_t offset = WRITER_BASE + (writer * WRITER_PAGES + page) * RT_PAGE;

	if (tern_memobj_read(mirror.memory.memobj, offset, words, RT_PAGE, 0) != (int64_t)RT_PAGE)
		errors++;
	else if (!is_round(words, writer, page, round))
		bad_bytes++;
}

static void writer_body(uint64_t writer)
{
	static uint64_t places[WRITERS][RT_PAGE / 8];
	uint64_t first = WRITER_BASE / RT_PAGE + writer * WRITER_PAGES;

	for (uint64_t round = 1; !is_over; round++) {
		for (uint64_t page = 0; page < WRITER_PAGES; page++)
			write_round(writer, page, round, places[writer]);
		if (mirror_clean(&mirror, first, WRITER_PAGES))
			errors++;
		if (block_flush(&mirror.disk))
			errors++;
		mirror_forget(&mirror, first, WRITER_PAGES);
		for (uint64_t page = 0; page < WRITER_PAGES; page++)
			check_round(writer, page, round, places[writer]);
		rounds++;
	}
}

static void reader_body(uint64_t reader)
{
	static uint64_t places[READERS][8];
	uint64_t random = reader + 1, span = mirror.size - READER_BASE;

	while (!is_over) {
		uint64_t offset = READER_BASE + test_random(&random) % (span / 64) * 64;

		if (tern_memobj_read(mirror.memory.memobj, offset, places[reader], 64, 0) != 64)
			errors++;
		for (uint64_t i = 0; i < 8; i++)
			bad_bytes += places[reader][i] != disk_word(offset + i * 8);
		mirror_forget(&mirror, offset / RT_PAGE, 4);
	}
}

void dead_drivers_lose_nothing(void)
{
	static struct rt_thread threads[WRITERS + READERS];
	uint64_t random = 4711;
	uint32_t starts = driver.starts;

	is_over = false;
	rounds = bad_bytes = errors = 0;
	mirror_open(&mirror, driver_port(DISK_BIG, 1), 8);
	for (uint64_t i = 0; i < WRITERS + READERS; i++)
		rt_thread(&threads[i], i < WRITERS ? writer_body : reader_body,
			  i < WRITERS ? i : i - WRITERS, 30);
	for (int i = 0; i < KILLS; i++) {
		/* At work, or still at its start. */
		if (i % 4)
			driver_await();
		test_sleep(test_random(&random) % 10000000);
		driver_kill();
		driver_start();
	}
	is_over = true;
	for (uint64_t i = 0; i < WRITERS + READERS; i++)
		rt_join(&threads[i]);
	CHECK_EQ(bad_bytes, 0);
	CHECK_EQ(errors, 0);
	CHECK_EQ(mirror.failed, 0);
	CHECK(rounds >= WRITERS);
	CHECK_EQ(driver.starts - starts, KILLS);
	driver_await();
	check_disk(&mirror, READER_BASE, mirror.size);
	mirror_close(&mirror);
}

void client_learns_that_there_is_no_driver(void)
{
	tern_handle listener = tern_listener_create(0, 4);
	struct block_disk disk;
	tern_handle port = tern_port_create(0, listener, 0, 0);

	CHECK_EQ(tern_listener_destroy(listener), 0);
	CHECK_EQ(block_open(&disk, port), -EPIPE);
	tern_handle_close(port);
	tern_handle_close(listener);
}
