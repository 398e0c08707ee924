/*
 * extfs and power cuts, on disks that lose at random what was not flushed. Without a journal: transactions
 * that need every step of the order in which ordered.c writes; e2fsck -p must mend what is left. With one:
 * power cuts, and reads that fail, while it is replayed.
 */
#include "cmocka_all.h"

#include <unistd.h>

#include "extfs_image.h"

/* Free blocks get what an old file would have left: numbers of no block, and no directory's entries. */
static void fill_free_blocks(void)
{
	uint32_t size = ext.ext2->blocksize;

	for (uint64_t block = 1; block < ext2fs_blocks_count(ext.ext2->super); block++)
		if (!ext2fs_test_block_bitmap2(ext.ext2->block_map, block))
			memset(disk.bytes + block * size, 0xee, size);
}

/* A piece in one of four files, which get indirect blocks of one level and of two; or they lose some. */
static void grow_or_cut_file(void)
{
	static char bytes[60000];
	char path[16];
	struct opened opened;

	snprintf(path, sizeof(path), "f%u", next_random(4));
	if (next_random(5) == 0) {
		REQUEST(.op = FILE_TRUNCATE, .path = path, .argument = next_random(400000));
		return;
	}
	opened = open_path(path, FILE_CREATE | FILE_WRITE, 0600);
	if (opened.result < 0)
		return;
	host_file_write(&file_system, opened.token, next_random(400000), bytes,
			1 + next_random(sizeof(bytes) - 1));
	if (next_random(3) == 0)
		REQUEST(.op = FILE_FSYNC, .token = opened.token);
	close_opened(&opened);
}

/* What needs blocks of its own at once: directories, long targets, attributes, and long names. */
static void grow_tree(unsigned kind)
{
	char path[256], target[200], value[900];
	int directory = (int)next_random(3);

	memset(target, 't', sizeof(target));
	target[60 + next_random(130)] = 0;
	memset(value, 'v', sizeof(value));
	snprintf(path, sizeof(path), "d%d", directory);
	if (kind == 0)
		make_directory(path);
	snprintf(path, sizeof(path), "d%d/%0*u", directory, 20 + (int)next_random(200),
		 next_random(500));
	if (kind == 1)
		make_directory(path);
	else if (kind == 2)
		REQUEST(.op = FILE_SYMLINK, .path = path, .second = target);
	else if (kind == 3)
		remove_file(path);
	else
		make_file(path);
	if (kind == 4)
		REQUEST(.op = FILE_SETXATTR, .path = path, .second = "user.long", .data = value,
			.data_size = sizeof(value), .argument = sizeof(value));
}

/* Files with extents stay away: their trees are more than an order of whole blocks can keep sound. */
static void grow_until_the_power_goes(bool has_extents)
{
	while (!disk.is_off) {
		unsigned kind = next_random(40);

		if (kind == 0)
			REQUEST(.op = FILE_SYNCFS);
		else if (kind < 4 && !has_extents)
			grow_or_cut_file();
		else
			grow_tree(kind % 12);
	}
}

/* The power goes; what is left must be mended by e2fsck alone. */
static void end_and_mend(void)
{
	cut_power();
	mend_image();
	assert_true(host_load(&disk, image));
	mount_it();
	assert_int_equal(unmount_it(), 0);
	check_image();
	host_unload(&disk);
}

static void new_blocks_are_there_before_what_leads_to_them(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 30; round++) {
		bool has_extents = round % 4 == 0;

		seed = round * 37 + 11;
		srand(round);
		make_image(has_extents ? "-t ext4 -b 4096 -O ^has_journal,^metadata_csum -I 128"
				       : "-t ext2 -b 1024",
			   "8M");
		mount_it();
		fill_free_blocks();
		disk.is_volatile = true;
		disk.writes_left = 20 + next_random(1500);
		grow_until_the_power_goes(has_extents);
		end_and_mend();
	}
}

/* In each transaction from one directory to another, or to a new one in that. */
static void move_until_the_power_goes(void)
{
	while (!disk.is_off) {
		unsigned from = next_random(3), to = (from + 1 + next_random(2)) % 3;

		for (unsigned i = next_random(8); i < 8; i++) {
			char path[32], second[32], new[16];

			snprintf(path, sizeof(path), "d%u/f%u", from, next_random(40));
			snprintf(new, sizeof(new), "d%u/n%u", to, next_random(20));
			if (next_random(2))
				new[2] = 0;
			else
				make_directory(new);
			snprintf(second, sizeof(second), "%s/f%u", new, next_random(40));
			rename_path(path, second, 0);
		}
		REQUEST(.op = FILE_SYNCFS);
	}
}

static void files_that_move_keep_a_name(void **state)
{
	char path[32];

	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		seed = round * 41 + 13;
		srand(round);
		make_image("-t ext2 -b 1024", "4M");
		mount_it();
		for (unsigned i = 0; i < 60; i++) {
			snprintf(path, sizeof(path), "d%u", i % 3);
			make_directory(path);
			snprintf(path, sizeof(path), "d%u/f%u", i % 3, i / 3);
			write_path(path, path, sizeof(path));
		}
		disk.is_volatile = true;
		disk.writes_left = 20 + next_random(300);
		move_until_the_power_goes();
		end_and_mend();
	}
}

/* What a power cut has left, with a journal to replay; *size is the disk's. */
static uint8_t *leave_a_journal(size_t *size)
{
	uint8_t *left;

	make_image("-t ext4 -b 4096", "16M");
	mount_it();
	disk.is_volatile = true;
	make_directory("d");
	write_path("d/f", "kept", 4);
	disk.writes_left = 0;
	cut_power();
	assert_true(host_load(&disk, image));
	*size = disk.disk.size;
	left = malloc(*size);
	memcpy(left, disk.bytes, *size);
	return left;
}

static void mount_and_unmount(void)
{
	if (try_to_mount() == 0)
		ext_unmount(&ext);
	fs_destroy(&file_system);
}

static void check_next_mount(void)
{
	char bytes[8] = "";
	struct opened opened;

	disk.errors_after = disk.writes_left = -1;
	disk.is_off = disk.is_volatile = false;
	mount_it();
	opened = open_path("d/f", FILE_READ, 0);
	assert_true(opened.result >= 0);
	assert_int_equal(host_file_read(&file_system, opened.token, 0, bytes, sizeof(bytes)), 4);
	assert_string_equal(bytes, "kept");
	close_opened(&opened);
	assert_int_equal(unmount_it(), 0);
	check_image();
}

/* Whichever read fails while the journal is replayed: the next mount finds all that it needs. */
static void failed_reads_do_no_harm_while_mounting(void **state)
{
	bool has_failed = true;
	size_t size;
	uint8_t *left = leave_a_journal(&size);

	(void)state;
	for (long reads = 0; has_failed; reads++) {
		memcpy(disk.bytes, left, size);
		disk.errors_after = reads;
		mount_and_unmount();
		has_failed = disk.errors_after < 0;
		check_next_mount();
	}
	free(left);
	host_unload(&disk);
}

static void power_cuts_do_no_harm_while_mounting(void **state)
{
	bool has_failed = true;
	size_t size;
	uint8_t *left = leave_a_journal(&size);

	(void)state;
	for (long writes = 0; has_failed; writes++) {
		memcpy(disk.bytes, left, size);
		disk.is_volatile = true;
		disk.writes_left = writes;
		srand((unsigned)writes);
		mount_and_unmount();
		has_failed = disk.is_off;
		host_settle(&disk, has_failed);
		check_next_mount();
	}
	free(left);
	host_unload(&disk);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(new_blocks_are_there_before_what_leads_to_them),
		TEST(files_that_move_keep_a_name),
		TEST(failed_reads_do_no_harm_while_mounting),
		TEST(power_cuts_do_no_harm_while_mounting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
