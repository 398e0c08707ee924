#include "files.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANY 300

static void touch(const char *name)
{
	int fd = open(name, O_CREAT | O_WRONLY, 0644);

	CHECK(fd >= 0);
	close(fd);
}

void names_come_and_go(void)
{
	struct stat stat;
	char deep[300];

	touch("f");
	CHECK_EQ(lstat("f", &stat), 0);
	CHECK(S_ISREG(stat.st_mode) && stat.st_nlink == 1);
	CHECK_EQ(link("f", "g"), 0);
	CHECK_EQ(lstat("g", &stat), 0);
	CHECK_EQ(stat.st_nlink, 2);
	CHECK_EQ(unlink("f"), 0);
	CHECK_ERROR(unlink("f"), ENOENT);
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_ERROR(mkdir("d", 0755), EEXIST);
	CHECK_ERROR(unlink("d"), EISDIR);
	touch("d/f");
	CHECK_ERROR(rmdir("d"), ENOTEMPTY);
	CHECK_ERROR(rmdir("d/f"), ENOTDIR);
	CHECK_EQ(unlink("d/f"), 0);
	CHECK_EQ(rmdir("d"), 0);
	CHECK_ERROR(lstat("", &stat), ENOENT);
	CHECK_ERROR(lstat("g/x", &stat), ENOTDIR);
	memset(deep, 'n', sizeof(deep));
	deep[299] = 0;
	CHECK_ERROR(lstat(deep, &stat), ENAMETOOLONG);
	deep[200] = 0;
	touch(deep);
	CHECK_EQ(lstat(deep, &stat), 0);
	CHECK_EQ(unlink(deep), 0);
}

void renames_replace(void)
{
	struct stat f, g;

	touch("f");
	touch("g");
	CHECK_EQ(lstat("f", &f), 0);
	CHECK_EQ(rename("f", "g"), 0);
	CHECK_EQ(lstat("g", &g), 0);
	CHECK_EQ(f.st_ino, g.st_ino);
	CHECK_ERROR(lstat("f", &f), ENOENT);
	CHECK_ERROR(rename("f", "h"), ENOENT);
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(mkdir("d/e", 0755), 0);
	CHECK_ERROR(rename("d", "d/e/x"), EINVAL);
	CHECK_ERROR(rename("g", "d"), EISDIR);
	CHECK_ERROR(rename("d", "g"), ENOTDIR);
	CHECK_EQ(rename("d/e", "e"), 0);
	CHECK_EQ(rename("e", "d"), 0);
	CHECK_ERROR(rename("g", "/dev/g"), EXDEV);
	CHECK_ERROR(link("g", "/dev/g"), EXDEV);
}

void symbolic_links_are_followed(void)
{
	char target[16];
	struct stat stat_, link_;

	touch("f");
	CHECK_EQ(symlink("f", "s"), 0);
	CHECK_EQ(readlink("s", target, sizeof(target)), 1);
	CHECK_EQ(readlink("s", target, 0), 0);
	CHECK_EQ(stat("s", &stat_), 0);
	CHECK_EQ(lstat("s", &link_), 0);
	CHECK(S_ISREG(stat_.st_mode) && S_ISLNK(link_.st_mode));
	CHECK_ERROR(open("s", O_RDONLY | O_NOFOLLOW), ELOOP);
	CHECK_ERROR(readlink("f", target, sizeof(target)), EINVAL);
	CHECK_EQ(symlink("loop", "loop"), 0);
	CHECK_ERROR(stat("loop", &stat_), ELOOP);
	CHECK_EQ(symlink("none", "dangling"), 0);
	CHECK_ERROR(stat("dangling", &stat_), ENOENT);
	CHECK_ERROR(open("dangling", O_CREAT | O_EXCL | O_WRONLY, 0644), EEXIST);
	CHECK(open("dangling", O_CREAT | O_WRONLY, 0644) >= 0);
	CHECK_EQ(stat("none", &stat_), 0);
	/* Out of the mount, by an absolute and by a relative target. */
	CHECK_EQ(symlink("/dev", "devices"), 0);
	CHECK_EQ(stat("devices/null", &stat_), 0);
	CHECK(S_ISCHR(stat_.st_mode));
	CHECK_EQ(symlink("../../../../../../dev/zero", "zero"), 0);
	CHECK_EQ(stat("zero", &stat_), 0);
	CHECK(S_ISCHR(stat_.st_mode));
}

void links_to_open_files_keep_them(void)
{
	int fd = open("f", O_CREAT | O_RDWR, 0644);
	struct stat stat;
	char text[4];

	CHECK_EQ(write(fd, "data", 4), 4);
	CHECK_EQ(unlink("f"), 0);
	CHECK_EQ(fstat(fd, &stat), 0);
	CHECK_EQ(stat.st_nlink, 0);
	CHECK_EQ(pread(fd, text, 4, 0), 4);
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(chdir("d"), 0);
	CHECK_EQ(rmdir("../d"), 0);
	CHECK_ERROR(open("x", O_CREAT | O_WRONLY, 0644), ENOENT);
	CHECK(getcwd((char[64]){ 0 }, 64) == NULL);
	CHECK_EQ(errno, ENOENT);
}

void directories_are_listed(void)
{
	char name[16];
	struct dirent *entry;
	int seen[MANY] = { 0 }, dots = 0, others = 0;
	DIR *directory;

	CHECK_EQ(mkdir("d", 0755), 0);
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "d/%d", i);
		touch(name);
	}
	directory = opendir("d");
	CHECK(directory != NULL);
	while ((entry = readdir(directory))) {
		if (entry->d_name[0] == '.')
			dots++;
		else if (atoi(entry->d_name) < MANY && entry->d_type == DT_REG)
			seen[atoi(entry->d_name)]++;
		else
			others++;
	}
	CHECK_EQ(dots, 2);
	CHECK_EQ(others, 0);
	for (int i = 0; i < MANY; i++)
		CHECK_EQ(seen[i], 1);
	rewinddir(directory);
	CHECK(readdir(directory) != NULL);
	closedir(directory);
	CHECK_ERROR(open("d", O_RDWR), EISDIR);
	CHECK_ERROR(read(open("d", O_RDONLY), name, 1), EISDIR);
}

void listings_survive_removal(void)
{
	struct dirent *entry;
	char name[32];
	int count = 0;
	DIR *directory;

	CHECK_EQ(mkdir("d", 0755), 0);
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "d/%d", i);
		touch(name);
	}
	directory = opendir("d");
	while ((entry = readdir(directory))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "d/%.20s", entry->d_name);
		CHECK_EQ(unlink(name), 0);
		count++;
	}
	closedir(directory);
	CHECK_EQ(count, MANY);
	CHECK_EQ(rmdir("d"), 0);
}

void removed_directories_have_parents(void)
{
	struct stat here, parent, above;
	char entry[512];
	int fd;

	CHECK_EQ(mkdir("a", 0755), 0);
	CHECK_EQ(mkdir("a/b", 0755), 0);
	fd = open("a/b", O_RDONLY | O_DIRECTORY);
	CHECK(fd >= 0);
	CHECK_EQ(fstatat(fd, "..", &parent, 0), 0);
	CHECK_EQ(rmdir("a/b"), 0);
	CHECK_EQ(rmdir("a"), 0);
	CHECK_EQ(mkdir("c", 0755), 0);
	CHECK_EQ(fstatat(fd, "..", &here, 0), 0);
	CHECK_EQ(here.st_ino, parent.st_ino);
	CHECK_EQ(fstatat(fd, "../..", &above, 0), 0);
	CHECK_EQ(stat(".", &here), 0);
	CHECK_EQ(here.st_ino, above.st_ino);
	CHECK_ERROR(mkdirat(fd, "../d", 0755), ENOENT);
	CHECK_ERROR(getdents(fd, (struct dirent *)entry, sizeof(entry)), ENOENT);
}

void the_working_directory_is_told(void)
{
	char before[256], path[256], expected[300];
	int fd;

	CHECK(getcwd(before, sizeof(before)) != NULL);
	CHECK_EQ(mkdir("a", 0755), 0);
	CHECK_EQ(mkdir("a/b", 0755), 0);
	CHECK_EQ(symlink("a/b", "s"), 0);
	CHECK_EQ(chdir("s"), 0);
	snprintf(expected, sizeof(expected), "%s/a/b", before);
	CHECK(getcwd(path, sizeof(path)) && !strcmp(path, expected));
	CHECK_EQ(rename("../../a", "../../c"), 0);
	snprintf(expected, sizeof(expected), "%s/c/b", before);
	CHECK(getcwd(path, sizeof(path)) && !strcmp(path, expected));
	CHECK(getcwd(path, 3) == NULL);
	CHECK_EQ(errno, ERANGE);
	fd = open("..", O_RDONLY | O_DIRECTORY);
	CHECK_EQ(chdir("/"), 0);
	CHECK(getcwd(path, sizeof(path)) && !strcmp(path, "/"));
	CHECK_EQ(fchdir(fd), 0);
	snprintf(expected, sizeof(expected), "%s/c", before);
	CHECK(getcwd(path, sizeof(path)) && !strcmp(path, expected));
	CHECK_ERROR(chdir("none"), ENOENT);
	CHECK_ERROR(fchdir(999), EBADF);
	touch("f");
	CHECK_ERROR(chdir("f"), ENOTDIR);
}

void directory_descriptors_are_bases(void)
{
	int base, fd;
	struct stat stat;

	CHECK_EQ(mkdir("d", 0755), 0);
	base = open("d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = openat(base, "f", O_CREAT | O_RDWR, 0644);
	CHECK(fd >= 0);
	CHECK_EQ(lstat("d/f", &stat), 0);
	CHECK_EQ(fstatat(base, "f", &stat, 0), 0);
	CHECK_ERROR(openat(fd, "x", O_RDONLY), ENOTDIR);
	CHECK_ERROR(openat(999, "x", O_RDONLY), EBADF);
	CHECK_EQ(renameat(base, "f", AT_FDCWD, "g"), 0);
	CHECK_EQ(mkdirat(base, "e", 0755), 0);
	CHECK_EQ(unlinkat(base, "e", AT_REMOVEDIR), 0);
	CHECK_EQ(fstatat(base, "", &stat, AT_EMPTY_PATH), 0);
	CHECK(S_ISDIR(stat.st_mode));
	/* The directory keeps its meaning in a child, and under another name. */
	CHECK_EQ(rename("d", "e"), 0);
	if (!fork())
		_exit(openat(base, "x", O_CREAT | O_WRONLY, 0644) < 0);
	fd = open("e", O_PATH);
	CHECK(fd >= 0);
	CHECK_ERROR(read(fd, &stat, 1), EBADF);
	CHECK_EQ(fstat(fd, &stat), 0);
}

void mounts_are_crossed(void)
{
	char path[64];
	struct stat stat_;

	CHECK_EQ(stat("/dev/../dev/./null", &stat_), 0);
	CHECK(S_ISCHR(stat_.st_mode));
	CHECK_EQ(stat("//dev//null", &stat_), 0);
	CHECK_EQ(chdir("/dev"), 0);
	CHECK_EQ(stat("null", &stat_), 0);
	CHECK(getcwd(path, sizeof(path)) && !strcmp(path, "/dev"));
	CHECK_EQ(chdir("../tmp"), 0);
	CHECK(getcwd(path, sizeof(path)) && !strcmp(path, "/tmp"));
	CHECK_EQ(chdir(".."), 0);
	CHECK(getcwd(path, sizeof(path)) && !strcmp(path, "/"));
	CHECK_EQ(stat("..", &stat_), 0);
	CHECK_EQ(stat("tmp/../dev/zero", &stat_), 0);
}

void open_flags_are_obeyed(void)
{
	struct stat stat;
	int fd;

	CHECK_ERROR(open("f", O_RDONLY), ENOENT);
	fd = open("f", O_CREAT | O_EXCL | O_WRONLY, 0600);
	CHECK(fd >= 0);
	CHECK_ERROR(open("f", O_CREAT | O_EXCL | O_WRONLY, 0600), EEXIST);
	CHECK_EQ(write(fd, "abc", 3), 3);
	CHECK_ERROR(read(fd, &stat, 1), EBADF);
	CHECK_ERROR(write(open("f", O_RDONLY), "x", 1), EBADF);
	CHECK(open("f", O_WRONLY | O_TRUNC) >= 0);
	CHECK_EQ(fstat(fd, &stat), 0);
	CHECK_EQ(stat.st_size, 0);
	CHECK_ERROR(open("f", O_RDONLY | O_DIRECTORY), ENOTDIR);
	CHECK_ERROR(open("f/", O_RDONLY), ENOTDIR);
	CHECK_ERROR(open(".", O_WRONLY), EISDIR);
	CHECK_ERROR(open("new/", O_CREAT | O_WRONLY, 0600), EISDIR);
	CHECK(open("/dev/null", O_RDWR) >= 0);
}

void wrong_descriptors_are_refused(void)
{
	char byte;

	CHECK_ERROR(read(-1, &byte, 1), EBADF);
	CHECK_ERROR(write(1000000, &byte, 1), EBADF);
	CHECK_ERROR(close(77), EBADF);
	CHECK_ERROR(fcntl(77, F_GETFD), EBADF);
	CHECK_ERROR(dup(77), EBADF);
	CHECK_ERROR(dup2(77, 3), EBADF);
	CHECK_ERROR(dup2(1, -1), EBADF);
	CHECK_ERROR(lseek(77, 0, SEEK_SET), EBADF);
	CHECK_ERROR(fsync(77), EBADF);
}
