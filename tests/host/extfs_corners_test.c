/*
 * extfs where it is seldom seen: directories that have become large, images with strange counts, limits of
 * the format, and what two threads do to each other, step by step.
 */
#define _GNU_SOURCE
#include "cmocka_all.h"

#include "extfs_image.h"

static void remount(void)
{
	assert_int_equal(unmount_it(), 0);
	host_save(&disk, image);
	host_unload(&disk);
	assert_true(host_load(&disk, image));
	mount_it();
}

/* debugfs's commands, on the image while nobody has it mounted. */
static void change_image(const char *commands)
{
	FILE *script = fopen(scratch, "w");

	assert_non_null(script);
	fputs(commands, script);
	fclose(script);
	host_save(&disk, image);
	host_unload(&disk);
	assert_int_equal(run("debugfs -w -f %s %s > %s.log 2>&1", scratch, image, image), 0);
	assert_true(host_load(&disk, image));
}

/* Its blocks stay when its names go, so its names are never all in memory. */
static void large_directories_can_be_removed(void **state)
{
	static char commands[1100 * 16];

	(void)state;
	make_image("-t ext4 -b 4096", "16M");
	strcpy(commands, "mkdir d\n");
	for (int i = 0; i < 1030; i++)
		strcat(commands, "expand d\n");
	change_image(commands);
	mount_it();
	assert_int_equal(stat_path("d"), 2);
	assert_true(the_call.words[2] > (4 << 20));
	assert_int_equal(make_file("d/f"), 0);
	assert_int_equal(remove_directory("d"), -ENOTEMPTY);
	assert_int_equal(remove_file("d/f"), 0);
	assert_int_equal(remove_directory("d"), 0);
	assert_int_equal(stat_path("d"), -ENOENT);
	assert_int_equal(unmount_it(), 0);
	check_image();
}

/* Linux says 1 when there are more than 65,000 subdirectories. */
static void uncounted_subdirectories_stay_uncounted(void **state)
{
	(void)state;
	make_image("-t ext4 -b 4096 -O dir_nlink", "16M");
	change_image("mkdir d\nmkdir d/a\nmkdir d/b\nset_inode_field d links_count 1\n");
	mount_it();
	assert_int_equal(remove_directory("d/a"), 0);
	assert_int_equal(stat_path("d"), 1);
	assert_int_equal(make_directory("d/c"), 0);
	assert_int_equal(stat_path("d"), 1);
	assert_int_equal(remove_directory("d/c"), 0);
	assert_int_equal(rename_path("d/b", "b", 0), 0);
	remount();
	assert_int_equal(stat_path("d"), 1);
	assert_int_equal(remove_directory("d"), 0);
	assert_int_equal(unmount_it(), 0);
	check_image();
}

static void limits_of_the_map_are_limits_of_files(void **state)
{
	static const struct {
		const char *kind;
		uint64_t most;
	} kinds[] = {
		{ "-t ext4 -b 1024", (uint64_t)UINT32_MAX * 1024 },
		{ "-t ext4 -b 4096", (uint64_t)UINT32_MAX * 4096 },
		{ "-t ext2 -b 1024", (12 + 256 + 256 * 256 + 256 * 256 * 256) * 1024UL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct opened opened;
		struct fs_node *node;
		uint64_t limit;

		make_image(kinds[i].kind, "8M");
		mount_it();
		opened = open_path("f", FILE_CREATE | FILE_WRITE, 0600);
		assert_int_equal(opened.result, S_IFREG | 0600);
		node = fs_open_at(&file_system, opened.token)->node;
		assert_int_equal(REQUEST(.op = FILE_GROW, .token = opened.token,
					 .argument = kinds[i].most + 1),
				 -EFBIG);
		/* All but the last block is a hole. The test's files have no room for so much. */
		node->size = kinds[i].most - 5000;
		assert_int_equal(
			ext_content_grow(&file_system, node, kinds[i].most - 1, false, &limit), 0);
		assert_true(limit <= kinds[i].most);
		node->size = 0;
		assert_int_equal(REQUEST(.op = FILE_TRUNCATE, .token = opened.token,
					 .argument = kinds[i].most + 1),
				 -EFBIG);
		close_opened(&opened);
		assert_int_equal(unmount_it(), 0);
		check_image();
		host_unload(&disk);
	}
}

/* Pages are on their way to the disk while the file is made short and long again. */
static void what_is_cut_off_does_not_come_back(void **state)
{
	static const uint64_t cuts[] = { 0, 4096, 10000 };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(cuts) / sizeof(cuts[0]); i++) {
		uint64_t cut = cuts[i / 2];
		struct ext_transfer transfer;
		struct opened opened;
		struct ext_node *node;
		static char bytes[5 * 4096];
		static uint8_t copy[sizeof(bytes)];

		make_image("-t ext4 -b 4096", "16M");
		/* Blocks that are the file's already, or ones that are held for it. */
		change_image("write /dev/null f\nset_inode_field f size 20480\n");
		if (i % 2)
			change_image("fallocate f 0 4\n");
		mount_it();
		opened = open_path("f", FILE_READ | FILE_WRITE, 0);
		node = ext_node_of(fs_open_at(&file_system, opened.token)->node);
		memset(bytes, 'x', sizeof(bytes));
		assert_int_equal(
			host_file_write(&file_system, opened.token, 0, bytes, sizeof(bytes)),
			sizeof(bytes));
		assert_int_equal(ext_content_place(&ext, node, 0, 5, &transfer), 0);
		assert_int_equal(transfer.is_held, !(i % 2));
		disk.disk.write(&disk.disk, transfer.run.physical * 4096, bytes, sizeof(bytes));
		for (int j = 0; j < 2; j++)
			assert_int_equal(REQUEST(.op = FILE_TRUNCATE, .token = opened.token,
						 .argument = j ? sizeof(bytes) : cut),
					 0);
		assert_int_equal(ext_content_written(&ext, node, &transfer, sizeof(bytes), 0), 0);
		close_opened(&opened);
		remount();
		opened = open_path("f", FILE_READ, 0);
		assert_int_equal(host_file_read(&file_system, opened.token, 0, copy, sizeof(copy)),
				 sizeof(copy));
		for (size_t at = 0; at < sizeof(copy); at++)
			assert_int_equal(copy[at], at < cut ? 'x' : 0);
		close_opened(&opened);
		assert_int_equal(unmount_it(), 0);
		check_image();
		host_unload(&disk);
	}
}

/* Between the log and their places blocks are only in the journal: nobody may read old ones from the disk. */
static void blocks_in_flight_stay_in_memory(void **state)
{
	struct ext_snapshot snapshot;
	struct ext_block *block;

	(void)state;
	make_image("-t ext4 -b 1024 -N 4000", "40M");
	mount_it();
	assert_int_equal(make_directory("d"), 0);
	assert_int_equal(ext_commit_prepare(&ext, &snapshot), 0);
	assert_true(snapshot.count > 3);
	for (uint64_t number = 1; number < 40000; number++)
		assert_int_equal(ext_block_get(&ext, number, &block), 0);
	for (size_t i = 0; i < snapshot.count; i++) {
		assert_int_equal(ext_block_get(&ext, snapshot.numbers[i], &block), 0);
		assert_memory_equal(block->data, snapshot.data + i * 1024, 1024);
	}
	assert_int_equal(ext_commit_write(&ext, &snapshot), 0);
	ext_commit_finish(&ext, &snapshot, 0);
	ext_snapshot_free(&snapshot);
	assert_int_equal(stat_path("d"), 2);
	assert_int_equal(unmount_it(), 0);
	check_image();
}

/* Without a journal only e2fsck knows whether an image is sound that was not unmounted. */
static void unchecked_images_stay_unchecked(void **state)
{
	const char *clean = "dumpe2fs -h %s 2>/dev/null | grep -q '^Filesystem state: *clean'";

	(void)state;
	make_image("-t ext2 -b 1024", "8M");
	mount_it();
	remount();
	host_save(&disk, image);
	assert_int_equal(run(clean, image), 1);
	assert_int_equal(unmount_it(), 0);
	host_save(&disk, image);
	assert_int_equal(run(clean, image), 0);
	mount_it();
	disk.is_off = true;
	ext_unmount(&ext);
	fs_destroy(&file_system);
	disk.is_off = false;
	mount_it();
	assert_int_equal(unmount_it(), 0);
	host_save(&disk, image);
	assert_int_equal(run(clean, image), 1);
}

/* A program that joins a directory and a name must not be led elsewhere. */
static void names_with_slashes_are_damage(void **state)
{
	uint8_t *name;

	(void)state;
	make_image("-t ext2 -b 1024", "8M");
	mount_it();
	assert_int_equal(make_directory("d"), 0);
	assert_int_equal(make_file("d/..-passwd"), 0);
	assert_int_equal(unmount_it(), 0);
	name = memmem(disk.bytes, disk.disk.size, "..-passwd", 9);
	assert_non_null(name);
	name[2] = '/';
	mount_it();
	assert_int_equal(count_entries("d", 4096), -EIO);
	assert_int_equal(stat_path("d/x"), -EIO);
	assert_int_equal(unmount_it(), 0);
}

static void set_times(int64_t time)
{
	int64_t times[2] = { time, time };

	assert_int_equal(
		REQUEST(.op = FILE_UTIMES, .path = "f", .data = times, .data_size = sizeof(times)),
		0);
	remount();
	assert_true(stat_path("f") > 0);
}

static void times_are_kept_as_far_as_they_go(void **state)
{
	const int64_t second = 1000000000, y2038 = INT32_MAX;

	(void)state;
	make_image("-t ext4 -b 1024", "8M");
	mount_it();
	assert_int_equal(make_file("f"), 0);
	set_times((y2038 + 86400) * second + 7);
	assert_int_equal(the_call.words[6], (y2038 + 86400) * second + 7);
	set_times(-5);
	assert_int_equal(the_call.words[6], -5);
	set_times(-4000000000 * second);
	assert_int_equal(the_call.words[6], INT32_MIN * second);
	set_times(9000000000 * second + 1);
	assert_int_equal(the_call.words[6], 9000000000 * second + 1);
	/* What Linux may write there: the year 2446, more nanoseconds than a second has. */
	assert_int_equal(unmount_it(), 0);
	change_image("set_inode_field f mtime_extra 0xffffffff\n");
	mount_it();
	assert_true(stat_path("f") > 0);
	assert_true((int64_t)the_call.words[6] > 9000000000 * second);
	assert_int_equal(unmount_it(), 0);
	host_unload(&disk);
	make_image("-t ext4 -b 1024 -I 128", "8M");
	mount_it();
	assert_int_equal(make_file("f"), 0);
	set_times((y2038 + 86400) * second);
	assert_int_equal(the_call.words[6], y2038 * second);
	assert_int_equal(unmount_it(), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(large_directories_can_be_removed),
		TEST(uncounted_subdirectories_stay_uncounted),
		TEST(limits_of_the_map_are_limits_of_files),
		TEST(what_is_cut_off_does_not_come_back),
		TEST(blocks_in_flight_stay_in_memory),
		TEST(unchecked_images_stay_unchecked),
		TEST(names_with_slashes_are_damage),
		TEST(times_are_kept_as_far_as_they_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
