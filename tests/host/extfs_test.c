/*
 * extfs on the host: images of mke2fs, a disk in memory, and e2fsck as the judge. The model test does
 * the same random operations in a directory of this machine and compares answers and trees; the crash
 * test takes the power away in the middle.
 */
#define _GNU_SOURCE
#include "cmocka_all.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "extfs_image.h"

static const char *const kinds[] = {
	"-t ext4 -b 4096",
	"-t ext4 -b 1024",
	"-t ext3 -b 1024",
	"-t ext2 -b 1024",
	"-t ext4 -b 4096 -O ^has_journal,^metadata_csum -I 128",
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void files_are_read_back_by_debugfs(void **state)
{
	static char bytes[300000];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 7 + i / 1000);
	for (size_t kind = 0; kind < KINDS; kind++) {
		make_image(kinds[kind], "16M");
		mount_it();
		assert_int_equal(make_directory("dir"), 0);
		write_path("dir/file", bytes, sizeof(bytes));
		assert_int_equal(REQUEST(.op = FILE_SYMLINK, .path = "short", .second = "dir/file"),
				 0);
		assert_int_equal(unmount_it(), 0);
		check_image();
		assert_int_equal(
			run("debugfs -R 'dump dir/file %s' %s 2>/dev/null", scratch, image), 0);
		FILE *file = fopen(scratch, "rb");
		static char copy[sizeof(bytes) + 1];

		assert_int_equal(fread(copy, 1, sizeof(copy), file), sizeof(bytes));
		fclose(file);
		assert_memory_equal(copy, bytes, sizeof(bytes));
		assert_int_equal(
			run("debugfs -R 'stat short' %s 2>/dev/null | grep -q 'dir/file'", image),
			0);
		host_unload(&disk);
	}
}

static void files_of_debugfs_are_read(void **state)
{
	(void)state;
	for (size_t kind = 0; kind < KINDS; kind++) {
		char bytes[64] = "";

		make_image(kinds[kind], "16M");
		assert_int_equal(run("echo content > %s; debugfs -w -R 'write %s there' %s "
				     "> /dev/null 2>&1; debugfs -w -R 'mkdir sub' %s "
				     ">/dev/null 2>&1",
				     scratch, scratch, image, image),
				 0);
		host_unload(&disk);
		assert_true(host_load(&disk, image));
		mount_it();
		struct opened opened = open_path("there", FILE_READ, 0);

		assert_true(opened.result >= 0);
		assert_int_equal(host_file_read(&file_system, opened.token, 0, bytes, 64), 8);
		assert_string_equal(bytes, "content\n");
		close_opened(&opened);
		assert_int_equal(stat_path("sub"), 2);
		assert_int_equal(stat_path("lost+found"), 2);
		assert_int_equal(unmount_it(), 0);
		check_image();
		host_unload(&disk);
	}
}

static void ten_thousand_names(void **state)
{
	char name[64], path[300];

	(void)state;
	make_image("-t ext4 -b 4096 -N 20000", "64M");
	mount_it();
	assert_int_equal(make_directory("d"), 0);
	for (int i = 0; i < 10000; i++) {
		snprintf(name, sizeof(name), "d/a-file-with-number-%d", i);
		assert_int_equal(make_file(name), 0);
	}
	memset(path, 'x', sizeof(path));
	memcpy(path, "d/", 2);
	path[257] = 0;
	assert_int_equal(make_file(path), 0);
	assert_int_equal(count_entries("d", FS_OUT_MAX), 10001);
	for (int i = 0; i < 10000; i += 2) {
		snprintf(name, sizeof(name), "d/a-file-with-number-%d", i);
		assert_int_equal(remove_file(name), 0);
	}
	assert_int_equal(unmount_it(), 0);
	check_image();
	mount_it();
	assert_int_equal(count_entries("d", 1000), 5001);
	assert_int_equal(stat_path("d/a-file-with-number-4711"), 1);
	assert_int_equal(stat_path("d/a-file-with-number-4712"), -ENOENT);
	assert_int_equal(unmount_it(), 0);
}

/* A directory that Linux would index: e2fsck -D makes the tree. */
static void hash_trees_become_linear(void **state)
{
	char name[64];

	(void)state;
	make_image("-t ext4 -b 1024", "16M");
	mount_it();
	assert_int_equal(make_directory("d"), 0);
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "d/some-longer-name-%d", i);
		assert_int_equal(make_file(name), 0);
	}
	assert_int_equal(unmount_it(), 0);
	host_save(&disk, image);
	assert_true(run("e2fsck -fyD %s > %s.log 2>&1", image, image) <= 1);
	assert_int_equal(run("debugfs -R 'htree d' %s 2>&1 | grep -q 'Root node dump'", image), 0);
	host_unload(&disk);
	assert_true(host_load(&disk, image));
	mount_it();
	assert_int_equal(stat_path("d/some-longer-name-321"), 1);
	assert_int_equal(remove_file("d/some-longer-name-321"), 0);
	for (int i = 1000; i < 1100; i++) {
		snprintf(name, sizeof(name), "d/some-longer-name-%d", i);
		assert_int_equal(make_file(name), 0);
	}
	assert_int_equal(count_entries("d", 4000), 599);
	assert_int_equal(unmount_it(), 0);
	check_image();
}

static void unlinked_open_file_lives_on(void **state)
{
	(void)state;
	for (size_t kind = 0; kind < KINDS; kind++) {
		struct opened a, b;
		char bytes[5000], copy[5000];

		make_image(kinds[kind], "16M");
		memset(bytes, 'u', sizeof(bytes));
		mount_it();
		a = open_path("a", FILE_CREATE | FILE_WRITE | FILE_READ, 0600);
		b = open_path("b", FILE_CREATE | FILE_WRITE | FILE_READ, 0600);
		assert_int_equal(remove_file("a"), 0);
		assert_int_equal(remove_file("b"), 0);
		host_file_write(&file_system, a.token, 0, bytes, sizeof(bytes));
		assert_int_equal(REQUEST(.op = FILE_FSYNC, .token = a.token), 0);
		host_file_read(&file_system, a.token, 0, copy, sizeof(copy));
		assert_memory_equal(copy, bytes, sizeof(bytes));
		close_opened(&a);
		assert_int_equal(REQUEST(.op = FILE_SYNCFS), 0);
		/* As if the power went: b is an orphan, which the next mount deletes. */
		host_save(&disk, image);
		assert_int_equal(run("cp %s %s", image, scratch), 0);
		assert_true(run("e2fsck -p %s > %s.log 2>&1", scratch, image) <= 1);
		assert_int_equal(run("e2fsck -fn %s > %s.log 2>&1", scratch, image), 0);
		close_opened(&b);
		assert_int_equal(unmount_it(), 0);
		check_image();
		host_unload(&disk);
		assert_true(host_load(&disk, image));
		mount_it();
		assert_int_equal(unmount_it(), 0);
		check_image();
		host_unload(&disk);
	}
}

static void full_disk_is_an_error(void **state)
{
	struct opened opened;
	static char bytes[1 << 16];
	char name[32];
	int64_t result = 0, at = 0;
	int i;

	(void)state;
	make_image("-t ext4 -b 1024", "8M");
	mount_it();
	opened = open_path("big", FILE_CREATE | FILE_WRITE, 0600);
	memset(bytes, 'f', sizeof(bytes));
	while (at < (64 << 20)) {
		result = REQUEST(.op = FILE_GROW, .token = opened.token,
				 .argument = (uint64_t)at + sizeof(bytes));
		if (result)
			break;
		host_file_write(&file_system, opened.token, (uint64_t)at, bytes, sizeof(bytes));
		at += sizeof(bytes);
	}
	assert_int_equal(result, -ENOSPC);
	assert_true(at > (2 << 20));
	/* What was promised can be kept. */
	assert_int_equal(REQUEST(.op = FILE_FSYNC, .token = opened.token), 0);
	for (i = 0; i < 10000 && !result; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		result = make_file(name);
	}
	assert_true(result == 0 || result == -ENOSPC);
	close_opened(&opened);
	assert_int_equal(remove_file("big"), 0);
	assert_int_equal(REQUEST(.op = FILE_SYNCFS), 0);
	assert_int_equal(make_file("again"), 0);
	assert_int_equal(unmount_it(), 0);
	check_image();
}

/* A file's blocks reach just to the end of a group, whose bitmap nothing else changes. */
static void bitmaps_of_filled_groups_are_written(void **state)
{
	static char bytes[13 << 20];

	(void)state;
	for (size_t kind = 0; kind < KINDS; kind++) {
		make_image(kinds[kind], "32M");
		mount_it();
		write_path("one", bytes, sizeof(bytes));
		write_path("two", bytes, sizeof(bytes) / 2);
		assert_int_equal(unmount_it(), 0);
		check_image();
		host_unload(&disk);
	}
}

static void sparse_files_and_attributes(void **state)
{
	static char value[8000];

	(void)state;
	for (size_t kind = 0; kind < 3; kind++) {
		struct opened opened;

		make_image(kinds[kind], "32M");
		mount_it();
		opened = open_path("sparse", FILE_CREATE | FILE_WRITE | FILE_READ, 0600);
		host_file_write(&file_system, opened.token, 10 << 20, "end", 3);
		host_file_write(&file_system, opened.token, 0, "begin", 5);
		assert_int_equal(REQUEST(.op = FILE_FSYNC, .token = opened.token), 0);
		host_file_write(&file_system, opened.token, 5 << 20, "middle", 6);
		assert_int_equal(REQUEST(.op = FILE_FSYNC, .token = opened.token), 0);
		close_opened(&opened);
		assert_int_equal(stat_path("sparse"), 1);
		assert_true(the_call.words[3] >> 16 < 100);
		memset(value, 'v', sizeof(value));
		assert_int_equal(REQUEST(.op = FILE_SETXATTR, .path = "sparse",
					 .second = "user.name", .data = value, .data_size = 5,
					 .argument = 5),
				 0);
		assert_int_equal(REQUEST(.op = FILE_SETXATTR, .path = "sparse",
					 .second = "user.long", .data = value, .data_size = 900,
					 .argument = 900),
				 0);
		assert_int_equal(REQUEST(.op = FILE_SETXATTR, .path = "sparse",
					 .second = "user.long", .data = value, .data_size = 8000,
					 .argument = 8000),
				 -ENOSPC);
		assert_int_equal(REQUEST(.op = FILE_CHMOD, .path = "sparse", .argument = 0640), 0);
		assert_int_equal(unmount_it(), 0);
		check_image();
		mount_it();
		assert_int_equal(REQUEST(.op = FILE_GETXATTR, .path = "sparse",
					 .second = "user.name", .argument = 40),
				 5);
		assert_memory_equal(answered_bytes(), "vvvvv", 5);
		assert_int_equal(
			REQUEST(.op = FILE_GETXATTR, .path = "sparse", .second = "user.long"), 900);
		assert_int_equal(
			REQUEST(.op = FILE_DELXATTR, .path = "sparse", .second = "user.long"), 0);
		assert_int_equal(stat_path("sparse"), 1);
		assert_int_equal(the_call.words[2], (10 << 20) + 3);
		assert_int_equal(the_call.words[3] & 07777, 0640);
		assert_int_equal(remove_file("sparse"), 0);
		assert_int_equal(unmount_it(), 0);
		check_image();
		host_unload(&disk);
	}
}

/* -------------------------------------------------------------------------------- the model */

static char *random_path(char *path)
{
	static const char *const names[] = { "a", "b", "c", "longer-name", "d", "e" };
	unsigned depth = 1 + next_random(3);

	path[0] = 0;
	while (depth--) {
		strcat(path, names[next_random(6)]);
		if (depth)
			strcat(path, "/");
	}
	return path;
}

static int64_t model(int64_t result)
{
	return result < 0 ? -errno : 0;
}

static int64_t clip(int64_t result)
{
	return result < 0 ? result : 0;
}

static void compare_write(const char *path)
{
	static char bytes[20000];
	uint64_t offset = next_random(60000), length = next_random(sizeof(bytes));
	struct opened opened = open_path(path, FILE_CREATE | FILE_WRITE, 0644);
	int file = open(path, O_CREAT | O_WRONLY, 0644);

	assert_int_equal(clip(opened.result), model(file));
	if (file < 0)
		return;
	memset(bytes, (int)(1 + next_random(250)), length);
	assert_int_equal(host_file_write(&file_system, opened.token, offset, bytes, length),
			 length);
	assert_int_equal(pwrite(file, bytes, length, (off_t)offset), length);
	if (next_random(4) == 0)
		assert_int_equal(REQUEST(.op = FILE_FSYNC, .token = opened.token), 0);
	close(file);
	close_opened(&opened);
}

static void one_operation(void)
{
	char path[128], second[128];
	unsigned kind = next_random(16);

	random_path(path);
	random_path(second);
	switch (kind) {
	case 0:
	case 1:
	case 2:
		compare_write(path);
		break;
	case 3:
	case 4:
		assert_int_equal(make_directory(path), model(mkdir(path, 0755)));
		break;
	case 5:
	case 6:
		assert_int_equal(remove_file(path), model(unlink(path)));
		break;
	case 7:
		assert_int_equal(remove_directory(path), model(rmdir(path)));
		break;
	case 8:
	case 9:
		assert_int_equal(rename_path(path, second, 0), model(rename(path, second)));
		break;
	case 10:
		assert_int_equal(
			rename_path(path, second, FILE_EXCHANGE),
			model(renameat2(AT_FDCWD, path, AT_FDCWD, second, RENAME_EXCHANGE)));
		break;
	case 11:
		assert_int_equal(REQUEST(.op = FILE_LINK, .path = path, .second = second),
				 model(link(path, second)));
		break;
	case 12:
		assert_int_equal(REQUEST(.op = FILE_SYMLINK, .path = path, .second = second),
				 model(symlink(second, path)));
		break;
	case 13: {
		uint64_t length = next_random(50000);

		assert_int_equal(REQUEST(.op = FILE_TRUNCATE, .path = path, .argument = length),
				 model(truncate(path, (off_t)length)));
		break;
	}
	case 14:
		assert_int_equal(REQUEST(.op = FILE_CHMOD, .path = path, .argument = 0700),
				 model(chmod(path, 0700)));
		break;
	default:
		if (next_random(8) == 0)
			assert_int_equal(REQUEST(.op = FILE_SYNCFS), 0);
	}
}

static void compare_content(const char *path)
{
	static char ours[100000], theirs[100000];
	struct opened opened = open_path(path, FILE_READ, 0);
	int file = open(path, O_RDONLY);
	int64_t length = read(file, theirs, sizeof(theirs));

	assert_true(opened.result >= 0 && file >= 0);
	assert_int_equal(host_file_read(&file_system, opened.token, 0, ours, sizeof(ours)), length);
	assert_memory_equal(ours, theirs, (size_t)length);
	close(file);
	close_opened(&opened);
}

static void compare_tree(const char *path)
{
	char child[512];
	struct dirent *entry;
	struct stat status;
	int64_t count = 0;
	DIR *directory = opendir(*path ? path : ".");

	while ((entry = readdir(directory))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		count++;
		snprintf(child, sizeof(child), "%s%s%s", path, *path ? "/" : "", entry->d_name);
		assert_int_equal(lstat(child, &status), 0);
		assert_int_equal(stat_path(child) > 0, 1);
		assert_int_equal(the_call.words[3] & 0xffff, status.st_mode);
		if (S_ISDIR(status.st_mode)) {
			compare_tree(child);
			continue;
		}
		assert_int_equal(the_call.words[0], status.st_nlink);
		assert_int_equal(the_call.words[2], status.st_size);
		if (S_ISREG(status.st_mode))
			compare_content(child);
	}
	closedir(directory);
	assert_int_equal(count_entries(path, 512) - (*path ? 0 : 1), count);
}

static void random_operations_match_the_host(void **state)
{
	char here[256];

	(void)state;
	assert_non_null(getcwd(here, sizeof(here)));
	umask(0);
	for (unsigned round = 0; round < 3 * KINDS; round++) {
		seed = round * 977 + 1;
		make_image(kinds[round % KINDS], "24M");
		assert_int_equal(run("rm -rf %s; mkdir %s", scratch, scratch), 0);
		mount_it();
		assert_int_equal(chdir(scratch), 0);
		for (int i = 0; i < 1500; i++)
			one_operation();
		compare_tree("");
		assert_int_equal(unmount_it(), 0);
		check_image();
		mount_it();
		compare_tree("");
		assert_int_equal(unmount_it(), 0);
		assert_int_equal(chdir(here), 0);
		host_unload(&disk);
	}
}

/* -------------------------------------------------------------------------------- crashes */

/* What was synced, and not touched since: name and the byte it is full of. */
static struct {
	int byte;
	size_t length;
} kept[16];

static void work_until_the_power_goes(void)
{
	char path[128], second[128];
	static char bytes[20000];

	while (!disk.is_off) {
		unsigned kind = next_random(10), slot = next_random(16);
		struct opened opened;

		random_path(path);
		random_path(second);
		if (kind < 3) {
			make_directory(path);
		} else if (kind < 5) {
			make_file(path);
		} else if (kind < 6) {
			rename_path(path, second, 0);
		} else if (kind < 8) {
			remove_file(path);
			remove_directory(second);
		} else {
			size_t length = next_random(sizeof(bytes));

			snprintf(path, sizeof(path), "kept-%u", slot);
			opened = open_path(path, FILE_CREATE | FILE_WRITE | FILE_TRUNCATED, 0600);
			kept[slot].byte = 0;
			if (opened.result < 0)
				continue;
			memset(bytes, (int)(1 + next_random(250)), length);
			host_file_write(&file_system, opened.token, 0, bytes, length);
			if (REQUEST(.op = FILE_FSYNC, .token = opened.token) == 0) {
				kept[slot].byte = (unsigned char)bytes[0];
				kept[slot].length = length;
			}
			close_opened(&opened);
		}
	}
}

static void check_kept(void)
{
	char path[64];
	static char bytes[20000];

	for (unsigned slot = 0; slot < 16; slot++) {
		struct opened opened;

		if (!kept[slot].byte)
			continue;
		snprintf(path, sizeof(path), "kept-%u", slot);
		opened = open_path(path, FILE_READ, 0);
		assert_true(opened.result >= 0);
		assert_int_equal(
			host_file_read(&file_system, opened.token, 0, bytes, sizeof(bytes)),
			kept[slot].length);
		for (size_t i = 0; i < kept[slot].length; i++)
			assert_int_equal((unsigned char)bytes[i], kept[slot].byte);
		close_opened(&opened);
	}
}

static void one_crash(unsigned round, bool by_mount)
{
	memset(kept, 0, sizeof(kept));
	seed = round * 31 + 7;
	srand(round);
	make_image(kinds[round % KINDS], "16M");
	disk.is_volatile = true;
	mount_it();
	/* Some go on until the journal's ring has been round. */
	disk.writes_left = 20 + next_random(round % 8 == 7 ? 6000 : 400);
	work_until_the_power_goes();
	cut_power();
	if (!by_mount) {
		mend_image();
		assert_int_equal(run("e2fsck -fn %s > %s.log 2>&1", image, image), 0);
	}
	assert_true(host_load(&disk, image));
	mount_it();
	check_kept();
	assert_int_equal(unmount_it(), 0);
	check_image();
	host_unload(&disk);
}

static void power_cuts_lose_nothing_synced(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 60; round++) {
		bool has_journal = round % KINDS < 3;

		one_crash(round, has_journal && round % 2);
	}
}

static void damaged_images_are_errors(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		seed = round + 12345;
		if (round % 20 == 0) {
			if (round)
				host_unload(&disk);
			make_image(kinds[round / 20 % KINDS], "4M");
			mount_it();
			for (int i = 0; i < 200; i++) {
				char path[128];

				make_directory(random_path(path));
				make_file(random_path(path));
			}
			assert_int_equal(unmount_it(), 0);
			host_save(&disk, image);
		}
		host_unload(&disk);
		assert_true(host_load(&disk, image));
		for (unsigned i = 0; i < 1 + round % 50; i++)
			disk.bytes[next_random(600000)] = (uint8_t)next_random(256);
		if (round % 3 == 0)
			disk.errors_after = (long)next_random(100);
		if (try_to_mount() == 0) {
			for (int i = 0; i < 100; i++) {
				char path[128], second[128];

				stat_path(random_path(path));
				make_file(path);
				count_entries(path, 4096);
				remove_file(random_path(path));
				rename_path(path, random_path(second), 0);
				make_directory(second);
			}
			ext_unmount(&ext);
		}
		fs_destroy(&file_system);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(files_are_read_back_by_debugfs),
		TEST(files_of_debugfs_are_read),
		TEST(ten_thousand_names),
		TEST(hash_trees_become_linear),
		TEST(unlinked_open_file_lives_on),
		TEST(full_disk_is_an_error),
		TEST(bitmaps_of_filled_groups_are_written),
		TEST(sparse_files_and_attributes),
		TEST(random_operations_match_the_host),
		TEST(power_cuts_lose_nothing_synced),
		TEST(damaged_images_are_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
