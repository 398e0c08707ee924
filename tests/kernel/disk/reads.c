/* Reading disks, through absent pages and into resident ones. */
#include "disk.h"

static struct mirror mirror;

void whole_disk_reads_back(void)
{
	mirror_open(&mirror, driver_port(DISK_BIG, 1), 8);
	CHECK(mirror.size > 64 * RT_PAGE && mirror.size % RT_PAGE == 0);
	CHECK_EQ(mirror.disk.info.flags,
		 BLOCK_CAN_FLUSH | BLOCK_CAN_DISCARD | BLOCK_CAN_WRITE_ZEROES);
	check_disk(&mirror, 0, mirror.size);
	CHECK(mirror.fills > 0 && mirror.failed == 0);
	mirror_close(&mirror);
}

/* Its last page has one sector on the disk. */
void odd_disk_ends_in_zeroes(void)
{
	mirror_open(&mirror, driver_port(DISK_ODD, 1), 4);
	CHECK_EQ(mirror.size % RT_PAGE, 512);
	CHECK_EQ(tern_memobj_set_length(mirror.memory.memobj, mirror.size + RT_PAGE - 512), 0);
	check_disk(&mirror, 0, mirror.size);
	CHECK_EQ(tern_memobj_read(mirror.memory.memobj, mirror.size, buffer, RT_PAGE - 512, 0),
		 RT_PAGE - 512);
	for (uint64_t i = 0; i < RT_PAGE - 512; i++)
		CHECK_EQ(buffer[i], 0);
	mirror_close(&mirror);
}

/* ---------------------------------------------------------------------------------- many at once */

#define READERS 40

static volatile uint32_t may_read;
static uint64_t region; /* bytes from one reader's place to the next */

static void read_far_apart(uint64_t number)
{
	static uint64_t words[READERS][1];

	test_await(&may_read, 1);
	for (uint64_t at = number * region; at < (number + 1) * region; at += region / 2) {
		CHECK_EQ(tern_memobj_read(mirror.memory.memobj, at, words[number], 8, 0), 8);
		CHECK_EQ(words[number][0], disk_word(at));
	}
}

void many_requests_are_in_flight(void)
{
	static struct rt_thread readers[READERS];

	mirror_open(&mirror, driver_port(DISK_SLOW, 1), READERS);
	region = mirror.size / READERS / (2 * RT_PAGE) * (2 * RT_PAGE);
	may_read = 0;
	for (uint64_t i = 0; i < READERS; i++)
		rt_thread(&readers[i], read_far_apart, i, 30);
	/* All at once: the first ones might have what they want before the last ones are there. */
	may_read = 1;
	for (uint64_t i = 0; i < READERS; i++)
		rt_join(&readers[i]);
	CHECK_EQ(block_update(&mirror.disk), 0);
	CHECK(mirror.disk.info.in_flight_most >= 32);
	CHECK(mirror.disk.info.in_flight_sum >= mirror.disk.info.operations);
	mirror_close(&mirror);
}

/* Pages that are there already: part of one, and a run over several. */
void resident_pages_can_be_read_into(void)
{
	tern_handle memobj;

	mirror_open(&mirror, driver_port(DISK_BIG, 1), 4);
	memobj = mirror.memory.memobj;
	CHECK_EQ(tern_memobj_read(memobj, 0, buffer, 8 * RT_PAGE, 0), 8 * RT_PAGE);
	memset(buffer, 0, 8 * RT_PAGE);
	CHECK_EQ(tern_memobj_write(memobj, 0, buffer, 8 * RT_PAGE, 0), 8 * RT_PAGE);
	CHECK_EQ(block_read(&mirror.memory, 512, 1024, 512), 0);
	CHECK_EQ(block_read(&mirror.memory, 2 * RT_PAGE - 512, 3 * RT_PAGE + 1024, 70 * 512), 0);
	CHECK_EQ(tern_memobj_read(memobj, 512, buffer, 1024, 0), 1024);
	CHECK(is_as_made(512, 1024));
	CHECK_EQ(tern_memobj_read(memobj, 2 * RT_PAGE - 512, buffer, 3 * RT_PAGE + 1024, 0),
		 3 * RT_PAGE + 1024);
	CHECK(is_as_made(70 * 512, 3 * RT_PAGE + 1024));
	CHECK_EQ(tern_memobj_read(memobj, 5 * RT_PAGE + 512, buffer, 8, 0), 8);
	CHECK_EQ(*(uint64_t *)buffer, 0);
	mirror_close(&mirror);
}
