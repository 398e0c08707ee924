#include "files.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT 64

static int make(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT, 0644);

	CHECK(fd >= 0);
	return fd;
}

void the_lowest_descriptor_is_used(void)
{
	int a = make("f"), b = make("f"), c = make("f");

	CHECK_EQ(b, a + 1);
	CHECK_EQ(c, a + 2);
	CHECK_EQ(close(a), 0);
	CHECK_EQ(close(b), 0);
	CHECK_EQ(dup(c), a);
	CHECK_EQ(fcntl(c, F_DUPFD, 40), 40);
	CHECK_EQ(fcntl(c, F_DUPFD, 40), 41);
	CHECK_EQ(make("f"), b);
	CHECK_EQ(dup2(c, 50), 50);
	CHECK_EQ(dup2(c, c), c);
	CHECK_EQ(dup3(c, c, 0), -1);
	CHECK_EQ(errno, EINVAL);
	CHECK_EQ(dup2(50, a), a);
}

void own_descriptors_have_names(void)
{
	char name[32], bytes[4] = "";
	struct stat stat_;
	int ends[2], fd;

	CHECK_EQ(pipe(ends), 0);
	snprintf(name, sizeof(name), "/dev/fd/%d", ends[1]);
	CHECK_EQ(stat(name, &stat_), 0);
	CHECK(S_ISFIFO(stat_.st_mode));
	CHECK_EQ(access(name, F_OK), 0);
	fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CHECK(fd > ends[1]);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(write(fd, "abc", 3), 3);
	CHECK_EQ(dup2(ends[0], 0), 0);
	fd = open("/dev/stdin", O_RDONLY);
	CHECK_EQ(read(fd, bytes, 3), 3);
	CHECK_EQ(memcmp(bytes, "abc", 3), 0);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	CHECK_EQ(access(name, F_OK), 0);
	close(fd);
	CHECK_ERROR(access(name, F_OK), ENOENT);
	CHECK_ERROR(open("/dev/fd/x", O_RDONLY), ENOENT);
	CHECK_ERROR(open("/dev/stdin2", O_RDONLY), ENOENT);
}

void close_on_exec_is_per_descriptor(void)
{
	int a = open("/dev/null", O_RDONLY | O_CLOEXEC), b = dup(a);

	CHECK_EQ(fcntl(a, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(b, F_GETFD), 0);
	CHECK_EQ(fcntl(b, F_SETFD, FD_CLOEXEC), 0);
	CHECK_EQ(fcntl(b, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(a, F_SETFD, 0), 0);
	CHECK_EQ(fcntl(fcntl(a, F_DUPFD_CLOEXEC, 0), F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(dup3(a, 60, O_CLOEXEC), F_GETFD), FD_CLOEXEC);
}

void the_limit_of_descriptors_holds(void)
{
	struct rlimit limit = { LIMIT, LIMIT };
	int fd = -1, last = -1;

	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	while ((fd = open("/dev/null", O_RDONLY)) >= 0)
		last = fd;
	CHECK_EQ(errno, EMFILE);
	CHECK_EQ(last, LIMIT - 1);
	CHECK_ERROR(dup(0), EMFILE);
	CHECK_ERROR(pipe((int[2]){ 0, 0 }), EMFILE);
	CHECK_ERROR(dup2(0, LIMIT), EBADF);
	CHECK_ERROR(fcntl(0, F_DUPFD, LIMIT), EINVAL);
	CHECK_EQ(close(last), 0);
	CHECK_EQ(dup(0), last);
}

void status_flags_are_the_descriptions(void)
{
	int fd = make("f"), copy = dup(fd), ends[2];

	CHECK_EQ(fcntl(fd, F_GETFL), O_RDWR);
	CHECK_EQ(fcntl(fd, F_SETFL, O_APPEND), 0);
	CHECK_EQ(fcntl(copy, F_GETFL), O_RDWR | O_APPEND);
	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(fcntl(ends[0], F_GETFL), O_RDONLY);
	CHECK_EQ(fcntl(ends[1], F_GETFL), O_WRONLY);
	if (!fork())
		_exit(fcntl(ends[0], F_SETFL, O_NONBLOCK));
	CHECK(wait(NULL) > 0);
	/* A child's change is the description's. */
	CHECK_EQ(fcntl(ends[0], F_GETFL), O_NONBLOCK);
	CHECK_ERROR(read(ends[0], &fd, 1), EAGAIN);
	CHECK_EQ(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
	CHECK_ERROR(read(ends[0], &fd, 1), EAGAIN);
	CHECK_EQ(fcntl(ends[0], F_GETFD), FD_CLOEXEC);
}

static int lock(int fd, int command, short type, off_t start, off_t length)
{
	struct flock lock = {
		.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length
	};

	return fcntl(fd, command, &lock);
}

static int shared_fd;

static void locks_are_in_the_way(void)
{
	struct flock found = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	CHECK_ERROR(lock(shared_fd, F_SETLK, F_WRLCK, 0, 5), EAGAIN);
	CHECK_ERROR(lock(shared_fd, F_SETLK, F_RDLCK, 9, 1), EAGAIN);
	CHECK_EQ(lock(shared_fd, F_SETLK, F_RDLCK, 20, 5), 0);
	CHECK_ERROR(lock(shared_fd, F_SETLK, F_WRLCK, 20, 5), EAGAIN);
	CHECK_EQ(lock(shared_fd, F_SETLK, F_WRLCK, 30, 0), 0);
	CHECK_EQ(fcntl(shared_fd, F_GETLK, &found), 0);
	CHECK_EQ(found.l_type, F_WRLCK);
	CHECK_EQ(found.l_start, 0);
	CHECK_EQ(found.l_len, 10);
	CHECK_EQ(found.l_pid, getppid());
}

void record_locks_exclude(void)
{
	shared_fd = make("f");
	CHECK_EQ(lock(shared_fd, F_SETLK, F_WRLCK, 0, 10), 0);
	CHECK_EQ(lock(shared_fd, F_SETLK, F_RDLCK, 20, 10), 0);
	CHECK_EQ(check_child(locks_are_in_the_way), 0);
	/* The child's went with it. */
	CHECK_EQ(lock(shared_fd, F_SETLK, F_WRLCK, 0, 0), 0);
	CHECK_ERROR(lock(shared_fd, F_SETLK, 77, 0, 0), EINVAL);
	CHECK_ERROR(lock(open("f", O_RDONLY), F_SETLK, F_WRLCK, 0, 0), EBADF);
}

static void has_no_locks(void)
{
	CHECK_EQ(lock(open("f", O_RDWR), F_SETLK, F_WRLCK, 0, 0), 0);
}

void closing_any_descriptor_drops_record_locks(void)
{
	int a = make("f"), b = open("f", O_RDONLY);

	CHECK_EQ(lock(a, F_SETLK, F_WRLCK, 0, 0), 0);
	CHECK_EQ(close(b), 0);
	CHECK_EQ(check_child(has_no_locks), 0);
}

/* By another process. */
static bool is_locked(off_t at)
{
	struct flock found = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1 };

	CHECK_EQ(fcntl(shared_fd, F_GETLK, &found), 0);
	return found.l_type != F_UNLCK;
}

static void lock_the_other_way(void)
{
	CHECK_EQ(lock(shared_fd, F_SETLK, F_WRLCK, 1, 1), 0);
	CHECK_EQ(lock(shared_fd, F_SETLKW, F_WRLCK, 0, 1), 0);
}

void record_locks_wait_and_deadlocks_are_found(void)
{
	pid_t child;
	int status;

	shared_fd = make("f");
	CHECK_EQ(lock(shared_fd, F_SETLK, F_WRLCK, 0, 1), 0);
	child = fork();
	if (!child) {
		lock_the_other_way();
		_exit(0);
	}
	/* Until the child has byte 1, which nobody is to hold when it asks, and waits for byte 0. */
	CHECK_SOON(is_locked(1));
	check_settle();
	CHECK_ERROR(lock(shared_fd, F_SETLKW, F_WRLCK, 1, 1), EDEADLK);
	CHECK_EQ(lock(shared_fd, F_SETLK, F_UNLCK, 0, 1), 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}

static void flock_is_shared(void)
{
	/* The inherited description has it, another does not. */
	CHECK_EQ(flock(shared_fd, LOCK_EX | LOCK_NB), 0);
	CHECK_ERROR(flock(open("f", O_RDWR), LOCK_SH | LOCK_NB), EWOULDBLOCK);
}

void flocks_are_the_descriptions(void)
{
	int other;

	shared_fd = make("f");
	CHECK_EQ(flock(shared_fd, LOCK_EX), 0);
	CHECK_EQ(check_child(flock_is_shared), 0);
	other = open("f", O_RDWR);
	CHECK_ERROR(flock(other, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	CHECK_EQ(flock(shared_fd, LOCK_SH), 0);
	CHECK_EQ(flock(other, LOCK_SH), 0);
	CHECK_EQ(close(shared_fd), 0);
	CHECK_SOON(flock(other, LOCK_EX | LOCK_NB) == 0);
	CHECK_ERROR(flock(other, 77), EINVAL);
}
