/* Images for tests of extfs: made by mke2fs, mounted from memory, judged by e2fsck. */
#ifndef TESTS_EXTFS_IMAGE_H
#define TESTS_EXTFS_IMAGE_H

#include <unistd.h>

#include "file_client.h"

#include "host_disk.h"
#include "host_file.h"

/* With time, identity and the directories' hashes always the same, so that a failure can be repeated. */
#define SAME "E2FSPROGS_FAKE_TIME=1700000000"
#define UUID "8dff3e4a-5b0c-4f0e-9c1d-2a6b7c8d9e0f"

static struct ext ext;
static struct host_disk disk;
static char image[256], scratch[256];

static int run(const char *format, ...)
{
	char command[1024];
	va_list arguments;
	int status;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void make_image(const char *options, const char *size)
{
	assert_int_equal(run("rm -f %s; " SAME " mke2fs -q -F -U " UUID " -E hash_seed=" UUID
			     " %s %s %s >/dev/null 2>&1",
			     image, options, image, size),
			 0);
	assert_true(host_load(&disk, image));
}

/* Its result; `file_system` is to be destroyed in any case. */
static int try_to_mount(void)
{
	assert_int_equal(
		fs_init(&file_system, &ext_operations, &fake_transport, &ext, EXT2_ROOT_INO), 0);
	return ext_mount(&ext, &file_system, &disk.disk);
}

static void mount_it(void)
{
	int error = try_to_mount();

	if (error)
		print_error("mount: %d\n", error);
	assert_int_equal(error, 0);
}

static int unmount_it(void)
{
	int error = REQUEST(.op = FILE_SYNCFS);
	int other = ext_unmount(&ext);

	fs_destroy(&file_system);
	return error ? error : other;
}

/* The image is what e2fsck takes for a sound one. */
static void check_image(void)
{
	int status;

	host_save(&disk, image);
	status = run("e2fsck -fn %s > %s.log 2>&1", image, image);
	if (status)
		run("cat %s.log", image);
	assert_int_equal(status, 0);
}

/* The power goes: the image has what the disk had by then. */
static inline void cut_power(void)
{
	ext_unmount(&ext);
	fs_destroy(&file_system);
	host_settle(&disk, true);
	host_save(&disk, image);
	host_unload(&disk);
}

/* e2fsck mends it without questions, or the test fails. */
static inline void mend_image(void)
{
	int status = run("e2fsck -p %s > %s.log 2>&1", image, image);

	if (status > 1)
		run("cat %s.log", image);
	assert_true(status <= 1);
}

static unsigned long seed;

static inline unsigned next_random(unsigned bound)
{
	seed = seed * 6364136223846793005 + 1442695040888963407;
	return (unsigned)(seed >> 33) % bound;
}

static inline void write_path(const char *path, const void *bytes, size_t length)
{
	struct opened opened = open_path(path, FILE_CREATE | FILE_WRITE, 0644);

	assert_true(opened.result >= 0);
	assert_int_equal(host_file_write(&file_system, opened.token, 0, bytes, length), length);
	assert_int_equal(REQUEST(.op = FILE_FSYNC, .token = opened.token), 0);
	close_opened(&opened);
}

static int set_up(void **state)
{
	const char *folder = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";

	(void)state;
	snprintf(image, sizeof(image), "%s/extfs-test-%d.img", folder, getpid());
	snprintf(scratch, sizeof(scratch), "%s/extfs-test-%d", folder, getpid());
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (chdir("/"))
		return -1;
	host_unload(&disk);
	return run("rm -rf %s %s.log %s", image, image, scratch);
}

#endif
