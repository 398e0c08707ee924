#include "files.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define USER 1000

static int make(const char *name, mode_t mode)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, mode);

	CHECK(fd >= 0);
	return fd;
}

void modes_and_owners_are_kept(void)
{
	int fd = make("f", 0644);
	struct stat stat_;

	CHECK_EQ(chmod("f", 04711), 0);
	CHECK_EQ(stat("f", &stat_), 0);
	CHECK_EQ(stat_.st_mode, S_IFREG | 04711);
	CHECK_EQ(fchmod(fd, 0600), 0);
	CHECK_EQ(chown("f", USER, 2000), 0);
	CHECK_EQ(fstat(fd, &stat_), 0);
	CHECK_EQ(stat_.st_mode, S_IFREG | 0600);
	CHECK_EQ(stat_.st_uid, USER);
	CHECK_EQ(stat_.st_gid, 2000);
	CHECK_EQ(fchown(fd, (uid_t)-1, 3000), 0);
	CHECK_EQ(fstat(fd, &stat_), 0);
	CHECK_EQ(stat_.st_uid, USER);
	CHECK_EQ(stat_.st_gid, 3000);
	CHECK_EQ(symlink("f", "s"), 0);
	CHECK_EQ(lchown("s", 5, 6), 0);
	CHECK_EQ(lstat("s", &stat_), 0);
	CHECK_EQ(stat_.st_uid, 5);
	CHECK_ERROR(chmod("none", 0600), ENOENT);
}

void times_are_kept(void)
{
	const struct timespec times[2] = { { 1000, 123456789 }, { 2000, 0 } };
	const struct timespec half[2] = { { 0, UTIME_OMIT }, { 0, UTIME_NOW } };
	const struct timespec wrong[2] = { { 0, -5 }, { 0, 0 } };
	struct stat stat;
	int fd = make("f", 0644);

	CHECK_EQ(utimensat(AT_FDCWD, "f", times, 0), 0);
	CHECK_EQ(fstat(fd, &stat), 0);
	CHECK_EQ(stat.st_atim.tv_sec, 1000);
	CHECK_EQ(stat.st_atim.tv_nsec, 123456789);
	CHECK_EQ(stat.st_mtim.tv_sec, 2000);
	CHECK_EQ(futimens(fd, half), 0);
	CHECK_EQ(fstat(fd, &stat), 0);
	CHECK_EQ(stat.st_atim.tv_sec, 1000);
	CHECK(stat.st_mtim.tv_sec > 1000000000);
	CHECK_ERROR(futimens(fd, wrong), EINVAL);
	CHECK_EQ(futimens(fd, times), 0);
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_EQ(fstat(fd, &stat), 0);
	CHECK(stat.st_mtim.tv_sec > 1000000000);
}

static void as_somebody_else(void)
{
	int inherited = open("secret", O_RDONLY), base = open("closed", O_RDONLY | O_DIRECTORY);
	char byte;

	CHECK(inherited >= 0 && base >= 0);
	CHECK_EQ(setgid(USER), 0);
	CHECK_EQ(setuid(USER), 0);
	CHECK_ERROR(open("secret", O_RDONLY), EACCES);
	CHECK_ERROR(open("closed/f", O_RDONLY), EACCES);
	CHECK_ERROR(openat(base, "f", O_RDONLY), EACCES);
	CHECK_ERROR(open("readable", O_WRONLY), EACCES);
	CHECK(open("readable", O_RDONLY) >= 0);
	CHECK_ERROR(unlink("readable"), EACCES);
	CHECK_ERROR(chmod("readable", 0777), EPERM);
	CHECK_ERROR(mkdir("x", 0755), EACCES);
	CHECK_EQ(access("readable", R_OK), 0);
	CHECK_ERROR(access("readable", W_OK), EACCES);
	/* What was open stays open. */
	CHECK_EQ(read(inherited, &byte, 1), 1);
}

void permissions_are_checked(void)
{
	int fd = make("secret", 0600);

	CHECK_EQ(write(fd, "x", 1), 1);
	make("readable", 0644);
	CHECK_EQ(mkdir("closed", 0700), 0);
	make("closed/f", 0666);
	CHECK_EQ(chmod(".", 0755), 0);
	CHECK_EQ(check_child(as_somebody_else), 0);
	CHECK_ERROR(access("readable", X_OK), EACCES);
	CHECK_EQ(access("secret", R_OK | W_OK), 0);
}

static void write_to_a_program(void)
{
	struct stat stat_;
	int fd;

	CHECK_EQ(setgid(USER), 0);
	CHECK_EQ(setuid(USER), 0);
	fd = open("program", O_WRONLY);
	CHECK(fd >= 0);
	CHECK_EQ(stat("program", &stat_), 0);
	CHECK_EQ(stat_.st_mode & 07777, 06777);
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_EQ(stat("program", &stat_), 0);
	CHECK_EQ(stat_.st_mode & 07777, 0777);
}

/* Who may write to a program must not run as its owner by that. */
void writes_take_set_id_bits(void)
{
	struct stat stat_;
	int fd = make("program", 0);

	CHECK_EQ(fchmod(fd, 06777), 0);
	CHECK_EQ(write(fd, "y", 1), 1);
	CHECK_EQ(fstat(fd, &stat_), 0);
	CHECK_EQ(stat_.st_mode & 07777, 06777);
	CHECK_EQ(chmod(".", 0755), 0);
	CHECK_EQ(check_child(write_to_a_program), 0);
	/* A program that is installed: what was written before does not matter. */
	CHECK_EQ(pwrite(fd, "z", 1, 0), 1);
	CHECK_EQ(fchmod(fd, 04755), 0);
	close(fd);
	CHECK_EQ(stat("program", &stat_), 0);
	CHECK_EQ(stat_.st_mode & 07777, 04755);
}

static blkcnt_t blocks_of(int fd)
{
	struct stat stat_;

	CHECK_EQ(fstat(fd, &stat_), 0);
	return stat_.st_blocks;
}

/* du sees what was written, also before it is on disk; a file's map may take some more. */
void files_tell_their_blocks(void)
{
	static char bytes[65536];
	int fd = make("f", 0600);

	CHECK_EQ(blocks_of(fd), 0);
	CHECK_EQ(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
	CHECK(blocks_of(fd) >= 128 && blocks_of(fd) <= 140);
	CHECK_EQ(fsync(fd), 0);
	CHECK(blocks_of(fd) >= 128 && blocks_of(fd) <= 140);
	CHECK_EQ(ftruncate(fd, 8192), 0);
	CHECK(blocks_of(fd) >= 16 && blocks_of(fd) <= 28);
	CHECK_EQ(ftruncate(fd, 0), 0);
	CHECK_EQ(blocks_of(fd), 0);
}

void umask_applies(void)
{
	struct stat stat_;

	umask(027);
	CHECK_EQ(umask(027), 027);
	close(make("f", 0666));
	CHECK_EQ(stat("f", &stat_), 0);
	CHECK_EQ(stat_.st_mode & 0777, 0640);
	CHECK_EQ(mkdir("d", 0777), 0);
	CHECK_EQ(stat("d", &stat_), 0);
	CHECK_EQ(stat_.st_mode & 0777, 0750);
	CHECK_EQ(mkfifo("p", 0666), 0);
	CHECK_EQ(stat("p", &stat_), 0);
	CHECK_EQ(stat_.st_mode, S_IFIFO | 0640);
}

void file_systems_tell_their_size(void)
{
	struct statvfs told;
	int ends[2];

	CHECK_EQ(statvfs(".", &told), 0);
	CHECK(told.f_blocks > 0 && told.f_bfree <= told.f_blocks && told.f_namemax == 255);
	CHECK_EQ(fstatvfs(make("f", 0600), &told), 0);
	CHECK(told.f_blocks > 0);
	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(fstatvfs(ends[0], &told), 0);
	CHECK_ERROR(statvfs("none", &told), ENOENT);
}

void extended_attributes_are_kept(void)
{
	char text[64], names[128];
	int fd = make("f", 0644);

	CHECK_EQ(setxattr("f", "user.colour", "red", 3, 0), 0);
	CHECK_EQ(getxattr("f", "user.colour", text, sizeof(text)), 3);
	CHECK(!memcmp(text, "red", 3));
	CHECK_EQ(getxattr("f", "user.colour", NULL, 0), 3);
	CHECK_ERROR(getxattr("f", "user.colour", text, 2), ERANGE);
	CHECK_ERROR(getxattr("f", "user.none", text, 2), ENODATA);
	CHECK_ERROR(setxattr("f", "user.colour", "x", 1, XATTR_CREATE), EEXIST);
	CHECK_ERROR(setxattr("f", "user.none", "x", 1, XATTR_REPLACE), ENODATA);
	memset(text, 'v', sizeof(text));
	CHECK_EQ(fsetxattr(fd, "user.long", text, sizeof(text), 0), 0);
	CHECK_EQ(fgetxattr(fd, "user.long", text, sizeof(text)), sizeof(text));
	CHECK_EQ(listxattr("f", names, sizeof(names)), 22);
	CHECK(memmem(names, 22, "user.colour", 12) != NULL);
	CHECK_EQ(removexattr("f", "user.colour"), 0);
	CHECK_ERROR(removexattr("f", "user.colour"), ENODATA);
}
