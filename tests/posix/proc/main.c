/* /proc as far as ps, top, free, mount and kill read it. */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "tests/posix/family.h"

static char text[16384];

/* The file's bytes, with a zero behind them. */
static long slurp(const char *path)
{
	int descriptor = open(path, O_RDONLY);
	long length = 0, count;

	CHECK(descriptor >= 0);
	while ((count = read(descriptor, text + length, sizeof(text) - 1 - (size_t)length)) > 0)
		length += count;
	close(descriptor);
	text[length] = 0;
	return length;
}

static void processes_are_listed(void)
{
	DIR *directory = opendir("/proc");
	struct dirent *entry;
	int processes = 0, own = 0, files = 0;

	CHECK(directory);
	while (directory && (entry = readdir(directory))) {
		if (isdigit((unsigned char)entry->d_name[0])) {
			processes++;
			CHECK_EQ(entry->d_type, DT_DIR);
			own += atoi(entry->d_name) == getpid();
		} else {
			files++;
		}
	}
	closedir(directory);
	CHECK(processes >= 3);
	CHECK_EQ(own, 1);
	CHECK(files >= 10);
}

static void own_stat_is_right(void)
{
	char name[32], state;
	int pid, parent, group, session;

	CHECK(slurp("/proc/self/stat") > 50);
	CHECK_EQ(sscanf(text, "%d (%31[^)]) %c %d %d %d", &pid, name, &state, &parent, &group,
			&session),
		 6);
	CHECK_EQ(pid, getpid());
	CHECK_EQ(parent, getppid());
	CHECK_EQ(group, getpgrp());
	CHECK_EQ(session, getsid(0));
	CHECK_EQ(strcmp(name, "proc"), 0);
	slurp("/proc/self/cmdline");
	CHECK_EQ(strcmp(text, "proc"), 0);
	CHECK(slurp("/proc/self/status") > 50);
	CHECK(strstr(text, "Uid:\t0\t0\t0\t0"));
}

/* The program that runs, however it was called; and what it has mapped. */
static void own_program_is_told(void)
{
	char target[32] = "", *arguments[] = { "proc", "exit", NULL };
	struct stat status, program;
	int status_of_child;
	pid_t child;

	CHECK_EQ(readlink("/proc/self/exe", target, sizeof(target)), 11);
	CHECK_EQ(strcmp(target, "/tests/proc"), 0);
	CHECK_EQ(stat("/proc/self/exe", &status), 0);
	CHECK_EQ(stat("/tests/proc", &program), 0);
	CHECK(status.st_ino == program.st_ino && status.st_dev == program.st_dev);
	child = fork();
	if (!child) {
		CHECK_EQ(chdir("/tests"), 0);
		execv("./proc", arguments);
		_exit(1);
	}
	CHECK_EQ(waitpid(child, &status_of_child, 0), child);
	CHECK_EQ(status_of_child, 17 << 8);
	CHECK(slurp("/proc/self/maps") > 100);
	CHECK(strstr(text, " r-xp ") && strstr(text, "[stack]") && strstr(text, "[emu]"));
	CHECK_ERROR(open("/proc/self/none", O_RDONLY), ENOENT);
}

static void self_is_a_link(void)
{
	char target[16] = "", expected[16];
	struct stat status;

	snprintf(expected, sizeof(expected), "%d", getpid());
	CHECK_EQ(readlink("/proc/self", target, sizeof(target)), strlen(expected));
	CHECK_EQ(strcmp(target, expected), 0);
	CHECK_EQ(lstat("/proc/self", &status), 0);
	CHECK(S_ISLNK(status.st_mode));
	CHECK_EQ(stat("/proc/self", &status), 0);
	CHECK(S_ISDIR(status.st_mode));
}

/* A child that computes, or one that waits, is shown so before long. */
static void shown_as(bool computes, const char *state)
{
	bool is_shown = false;
	char path[40];
	pid_t pid = fork();

	if (!pid)
		for (;;)
			if (!computes)
				pause();
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	for (int i = 0; i < 500 && !is_shown; i++) {
		nap(20);
		slurp(path);
		is_shown = strstr(text, state);
	}
	CHECK(is_shown);
	kill(pid, SIGKILL);
	reap(pid);
}

static void who_computes_runs_and_who_waits_sleeps(void)
{
	shown_as(true, ") R ");
	shown_as(false, ") S ");
}

static void states_are_shown(void)
{
	char path[40];
	pid_t pid = fork();

	if (!pid)
		for (;;)
			pause();
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	kill(pid, SIGSTOP);
	waitpid(pid, NULL, WUNTRACED);
	slurp(path);
	CHECK(strstr(text, ") T "));
	kill(pid, SIGKILL);
	waitid(P_PID, (id_t)pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT);
	slurp(path);
	CHECK(strstr(text, ") Z "));
	reap(pid);
	CHECK_ERROR(open(path, O_RDONLY), ENOENT);
}

static void figures_of_the_system(void)
{
	double up, idle;
	long total = 0;

	slurp("/proc/uptime");
	CHECK_EQ(sscanf(text, "%lf %lf", &up, &idle), 2);
	CHECK(up > 0.01 && up < 100000);
	slurp("/proc/meminfo");
	CHECK_EQ(sscanf(text, "MemTotal: %ld kB", &total), 1);
	CHECK(total > 60000);
	CHECK(slurp("/proc/mounts") > 10);
	CHECK(strstr(text, " / ext4 rw"));
	CHECK(strstr(text, " /proc proc rw"));
	CHECK(slurp("/proc/stat") > 10);
	CHECK(!strncmp(text, "cpu  ", 5));
	CHECK(slurp("/proc/loadavg") > 5);
	CHECK(slurp("/proc/cpuinfo") > 5);
	CHECK(slurp("/proc/version") > 5);
}

/* What the link of a descriptor says. */
static const char *link_of(int descriptor)
{
	static char target[128];
	char path[40];
	long length;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", descriptor);
	length = readlink(path, target, sizeof(target) - 1);
	target[length < 0 ? 0 : length] = 0;
	return target;
}

/* The names in a directory, as a set of bits; `.` and `..` left out. */
static unsigned long numbers_in(const char *path, int *own)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	unsigned long numbers = 0;

	CHECK(directory);
	if (!directory)
		return 0;
	*own = dirfd(directory);
	while ((entry = readdir(directory))) {
		CHECK_EQ(entry->d_type, isdigit((unsigned char)entry->d_name[0]) ? DT_LNK : DT_DIR);
		if (entry->d_name[0] != '.')
			numbers |= 1ul << atoi(entry->d_name);
	}
	closedir(directory);
	return numbers;
}

static void own_descriptors_are_listed(void)
{
	int file = open("/tests/proc", O_RDONLY), ends[2], own;
	unsigned long numbers, expected = 0;
	char path[40];

	CHECK_EQ(pipe(ends), 0);
	for (int i = 0; i < 60; i++)
		expected |= fcntl(i, F_GETFD) >= 0 ? 1ul << i : 0;
	numbers = numbers_in("/proc/self/fd", &own);
	CHECK_EQ(numbers, expected | 1ul << own);
	CHECK(numbers & 1ul << file && numbers & 1ul << ends[0] && numbers & 1ul << ends[1]);
	snprintf(path, sizeof(path), "/proc/%d/fd/", getpid());
	close(ends[0]);
	CHECK_EQ(numbers_in(path, &own), (expected & ~(1ul << ends[0])) | 1ul << own);
	close(ends[1]);
	close(file);
}

static void links_of_descriptors_tell_what_they_are(void)
{
	int file = open("/tmp/procfd", O_RDWR | O_CREAT, 0600), null = open("/dev/null", O_WRONLY);
	int directory = open("/proc/self/fd", O_RDONLY | O_DIRECTORY), ends[2], pair[2];
	struct stat status;
	char expected[64];

	CHECK_EQ(strcmp(link_of(file), "/tmp/procfd"), 0);
	CHECK_EQ(rename("/tmp/procfd", "/tmp/moved"), 0);
	CHECK_EQ(strcmp(link_of(file), "/tmp/moved"), 0);
	CHECK_EQ(unlink("/tmp/moved"), 0);
	CHECK(strstr(link_of(file), " (deleted)"));
	CHECK_EQ(strcmp(link_of(null), "/dev/null"), 0);
	snprintf(expected, sizeof(expected), "/proc/%d/fd", getpid());
	CHECK_EQ(strcmp(link_of(directory), expected), 0);
	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(fstat(ends[0], &status), 0);
	snprintf(expected, sizeof(expected), "pipe:[%lu]", (unsigned long)status.st_ino);
	CHECK_EQ(strcmp(link_of(ends[0]), expected), 0);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	CHECK_EQ(strncmp(link_of(pair[0]), "socket:[", 8), 0);
	CHECK_EQ(strcmp(link_of(eventfd(0, 0)), "anon_inode:[eventfd]"), 0);
	for (int i = 3; i < 60; i++)
		close(i);
}

static void paths_go_through_links_of_descriptors(void)
{
	int file = open("/tmp/procfd", O_RDWR | O_CREAT, 0600), null = open("/dev/null", O_WRONLY);
	int directory = open("/proc/self/fd", O_RDONLY | O_DIRECTORY);
	struct stat status, same;
	char path[64];

	snprintf(path, sizeof(path), "%d", null);
	CHECK_EQ(readlinkat(directory, path, path + 32, 32), 9);
	CHECK_EQ(fstatat(directory, path, &status, AT_SYMLINK_NOFOLLOW), 0);
	CHECK(S_ISLNK(status.st_mode));
	CHECK_EQ(status.st_mode & 0777, 0300);
	CHECK_EQ(fstatat(directory, path, &status, 0), 0);
	CHECK(S_ISCHR(status.st_mode));
	CHECK_EQ(fchdir(directory), 0);
	CHECK_EQ(lstat(path, &status), 0);
	CHECK(S_ISLNK(status.st_mode));
	CHECK_EQ(stat("../stat", &status), 0);
	CHECK_EQ(chdir("/"), 0);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	CHECK_EQ(chmod(path, 0640), 0);
	CHECK_EQ(fstat(file, &status), 0);
	CHECK_EQ(status.st_mode & 07777, 0640);
	CHECK_ERROR(open(path, O_RDONLY | O_NOFOLLOW), ELOOP);
	CHECK_ERROR(open(path, O_RDONLY | O_DIRECTORY), ENOTDIR);
	CHECK_ERROR(lstat("/proc/self/fd/59", &status), ENOENT);
	CHECK_ERROR(readlink("/proc/self/fd/x", path, sizeof(path)), ENOENT);

	CHECK_EQ(dup2(open("/tests", O_RDONLY | O_DIRECTORY), 50), 50);
	CHECK_EQ(stat("/proc/self/fd/50/proc", &status), 0);
	CHECK_EQ(stat("/tests/proc", &same), 0);
	CHECK_EQ(status.st_ino, same.st_ino);
	for (int i = 0; i < 2; i++) {
		file = i ? open("/dev/fd/50", O_RDONLY | O_DIRECTORY)
			 : openat(directory, "50", O_RDONLY | O_DIRECTORY);
		CHECK_EQ(fstatat(file, "proc", &status, 0), 0);
		CHECK_EQ(status.st_ino, same.st_ino);
	}
	CHECK_EQ(chdir("/proc/self/fd/50"), 0);
	CHECK_EQ(stat("proc", &status), 0);
	CHECK_EQ(chdir("/"), 0);
	for (int i = 3; i < 60; i++)
		close(i);
}

static void own_directories_are_links(void)
{
	char target[32] = "", path[40];
	struct stat status, same;

	CHECK_EQ(mkdir("/tmp/procwd", 0700), 0);
	CHECK_EQ(chdir("/tmp/procwd"), 0);
	CHECK_EQ(readlink("/proc/self/cwd", target, sizeof(target)), 11);
	CHECK_EQ(strcmp(target, "/tmp/procwd"), 0);
	snprintf(path, sizeof(path), "/proc/%d/cwd", getpid());
	CHECK_EQ(lstat(path, &status), 0);
	CHECK(S_ISLNK(status.st_mode));
	CHECK_EQ(stat(path, &status), 0);
	CHECK_EQ(stat(".", &same), 0);
	CHECK(status.st_ino == same.st_ino && status.st_dev == same.st_dev);
	CHECK_EQ(close(open("/proc/self/cwd/new", O_WRONLY | O_CREAT, 0600)), 0);
	CHECK_EQ(unlink("new"), 0);
	CHECK_ERROR(open("/proc/self/cwd", O_RDONLY | O_NOFOLLOW), ELOOP);
	CHECK_EQ(readlink("/proc/self/root", target, sizeof(target)), 1);
	CHECK_EQ(target[0], '/');
	CHECK_EQ(stat("/proc/self/root/", &status), 0);
	CHECK_EQ(stat("/", &same), 0);
	CHECK(status.st_ino == same.st_ino && status.st_dev == same.st_dev);
	CHECK_EQ(stat("/proc/self/root/tests/proc", &status), 0);
	CHECK_EQ(chdir("/"), 0);
	CHECK_EQ(stat("/proc/self/cwd", &status), 0);
	CHECK_EQ(status.st_ino, same.st_ino);
	CHECK_EQ(rmdir("/tmp/procwd"), 0);
	snprintf(path, sizeof(path), "/proc/%d/cwd", getppid());
	CHECK_EQ(lstat(path, &status), 0);
	CHECK_ERROR(stat(path, &status), EACCES);
	CHECK_ERROR(readlink(path, target, sizeof(target)), EACCES);
	CHECK_ERROR(open("/proc/self/cwdx", O_RDONLY), ENOENT);
}

/* Only the process itself knows its descriptors. */
static void descriptors_of_others_are_closed(void)
{
	struct stat status;
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/fd", getppid());
	CHECK_EQ(stat(path, &status), 0);
	CHECK(S_ISDIR(status.st_mode));
	CHECK_ERROR(open(path, O_RDONLY | O_DIRECTORY), EACCES);
	CHECK_ERROR(chdir(path), EACCES);
	snprintf(path, sizeof(path), "/proc/%d/fd/0", getppid());
	CHECK_ERROR(open(path, O_RDONLY), ENOENT);
}

static void nothing_can_be_changed(void)
{
	struct statfs info;
	struct stat status;

	CHECK_ERROR(open("/proc/new", O_RDWR | O_CREAT, 0600), EROFS);
	CHECK_ERROR(open("/proc/uptime", O_WRONLY), EACCES);
	CHECK_ERROR(mkdir("/proc/directory", 0700), EROFS);
	CHECK_ERROR(unlink("/proc/uptime"), EROFS);
	CHECK_ERROR(open("/proc/uptime/x", O_RDONLY), ENOTDIR);
	CHECK_ERROR(open("/proc/999999/stat", O_RDONLY), ENOENT);
	CHECK_ERROR(stat("/proc/0", &status), ENOENT);
	CHECK_EQ(statfs("/proc", &info), 0);
	CHECK_EQ(info.f_type, 0x9fa0);
	CHECK_EQ(stat("/proc/../tmp", &status), 0);
	CHECK_EQ(chdir("/proc/self"), 0);
	CHECK_EQ(stat("stat", &status), 0);
	CHECK_EQ(stat("../../tmp", &status), 0);
}

static const struct test tests[] = {
	{ "processes_are_listed", processes_are_listed },
	{ "own_stat_is_right", own_stat_is_right },
	{ "own_program_is_told", own_program_is_told },
	{ "self_is_a_link", self_is_a_link },
	{ "states_are_shown", states_are_shown },
	{ "who_computes_runs_and_who_waits_sleeps", who_computes_runs_and_who_waits_sleeps },
	{ "own_descriptors_are_listed", own_descriptors_are_listed },
	{ "links_of_descriptors_tell_what_they_are", links_of_descriptors_tell_what_they_are },
	{ "paths_go_through_links_of_descriptors", paths_go_through_links_of_descriptors },
	{ "own_directories_are_links", own_directories_are_links },
	{ "descriptors_of_others_are_closed", descriptors_of_others_are_closed },
	{ "figures_of_the_system", figures_of_the_system },
	{ "nothing_can_be_changed", nothing_can_be_changed },
	{ NULL, NULL },
};

/* As the target of own_program_is_told. */
static int look_at_self(void)
{
	char target[32] = "";

	return chdir("/") || readlink("/proc/self/exe", target, sizeof(target)) != 11 ||
			       strcmp(target, "/tests/proc")
		       ? 1
		       : 17;
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		return look_at_self();
	return check_run(tests);
}
