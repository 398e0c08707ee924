/* Writing disks. What these leave behind is checked from outside as well: see test_disk.py. */
#include "disk.h"

#define MIB (1024 * 1024ul)

static struct mirror mirror;

/* The word that these tests leave at a byte offset. */
static uint64_t new_word(uint64_t offset)
{
	return ~disk_word(offset);
}

static void make_new(uint64_t offset, uint64_t length)
{
	for (uint64_t i = 0; i < length / 8; i++)
		((uint64_t *)buffer)[i] = new_word(offset + i * 8);
}

static bool is_new(uint64_t offset, uint64_t length)
{
	for (uint64_t i = 0; i < length / 8; i++)
		if (((uint64_t *)buffer)[i] != new_word(offset + i * 8))
			return false;
	return true;
}

static bool is_zero(uint64_t length)
{
	for (uint64_t i = 0; i < length; i++)
		if (buffer[i])
			return false;
	return true;
}

/* From the disk, not from pages that are there. */
static void read_again(uint64_t offset, uint64_t length)
{
	mirror_forget(&mirror, offset / RT_PAGE, length / RT_PAGE + 2);
	CHECK_EQ(tern_memobj_read(mirror.memory.memobj, offset, buffer, length, 0), length);
}

void what_was_written_is_there(void)
{
	mirror_open(&mirror, driver_port(DISK_BIG, 1), 8);
	for (uint64_t at = MIB; at < 2 * MIB; at += BUFFER) {
		make_new(at, BUFFER);
		CHECK_EQ(tern_memobj_write(mirror.memory.memobj, at, buffer, BUFFER, 0), BUFFER);
	}
	CHECK_EQ(mirror_clean(&mirror, 0, mirror.size / RT_PAGE), 0);
	CHECK_EQ(tern_memobj_info(mirror.memory.memobj, TERN_MEMOBJ_DIRTY), 0);
	CHECK_EQ(block_flush(&mirror.disk), 0);
	for (uint64_t at = MIB; at < 2 * MIB; at += BUFFER) {
		read_again(at, BUFFER);
		CHECK(is_new(at, BUFFER));
	}
	check_disk(&mirror, 0, MIB);
	mirror_close(&mirror);
}

/* 1536 bytes from the middle of one page, and a longer run to a place that is no page's start. */
void parts_of_pages_can_be_written(void)
{
	uint64_t at = 2 * MIB + 512;

	mirror_open(&mirror, driver_port(DISK_BIG, 1), 4);
	make_new(at, 80 * 512);
	CHECK_EQ(tern_memobj_write(mirror.memory.memobj, RT_PAGE + 1024, buffer, 80 * 512, 0),
		 80 * 512);
	CHECK_EQ(block_write(&mirror.memory, RT_PAGE + 1024, 1536, at), 0);
	CHECK_EQ(block_write(&mirror.memory, RT_PAGE + 1024 + 1536, 77 * 512, at + 1536), 0);
	read_again(at, 80 * 512);
	CHECK(is_new(at, 80 * 512));
	check_disk(&mirror, 2 * MIB, at);
	check_disk(&mirror, at + 80 * 512, 3 * MIB);
	CHECK_EQ(tern_memobj_punch(mirror.memory.memobj, 1, 11), 11);
	mirror_close(&mirror);
}

void zeroes_are_written(void)
{
	mirror_open(&mirror, driver_port(DISK_BIG, 1), 4);
	CHECK_EQ(block_write_zeroes(&mirror.disk, 3 * MIB + 512, 65536, 0), 0);
	CHECK_EQ(block_write_zeroes(&mirror.disk, 3 * MIB + 131072, 8192, BLOCK_MAY_UNMAP), 0);
	read_again(3 * MIB + 512, 65536);
	CHECK(is_zero(65536));
	read_again(3 * MIB + 131072, 8192);
	CHECK(is_zero(8192));
	check_disk(&mirror, 3 * MIB, 3 * MIB + 512);
	check_disk(&mirror, 3 * MIB + 512 + 65536, 3 * MIB + 131072);
	CHECK_EQ(block_write_zeroes(&mirror.disk, 3 * MIB, 512, 2), -EINVAL);
	mirror_close(&mirror);
}

void discard_and_flush_work(void)
{
	uint64_t before;

	mirror_open(&mirror, driver_port(DISK_BIG, 1), 4);
	before = mirror.disk.info.operations;
	CHECK_EQ(block_discard(&mirror.disk, 4 * MIB, MIB), 0);
	CHECK_EQ(block_flush(&mirror.disk), 0);
	CHECK_EQ(block_update(&mirror.disk), 0);
	CHECK_EQ(mirror.disk.info.operations, before + 2);
	check_disk(&mirror, 4 * MIB - BUFFER, 4 * MIB);
	check_disk(&mirror, 5 * MIB, 5 * MIB + BUFFER);
	mirror_close(&mirror);
}

void absent_pages_cannot_be_written(void)
{
	mirror_open(&mirror, driver_port(DISK_BIG, 1), 1);
	CHECK_EQ(tern_memobj_read(mirror.memory.memobj, 6 * MIB, buffer, 1, 0), 1);
	CHECK_EQ(block_write(&mirror.memory, 6 * MIB, 4096, 6 * MIB), 0);
	CHECK_EQ(block_write(&mirror.memory, 6 * MIB, 64 * RT_PAGE, 6 * MIB), -EAGAIN);
	CHECK_EQ(block_write(&mirror.memory, mirror.size, 4096, 6 * MIB), -EAGAIN);
	check_disk(&mirror, 6 * MIB, 7 * MIB);
	mirror_close(&mirror);
}
