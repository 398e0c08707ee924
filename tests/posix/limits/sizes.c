/* Limits of files, memory and the number of processes. */
#include "limits.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "tests/posix/family.h"

#define KIB 1024ul
#define MIB (KIB * KIB)

static off_t size_of(int file)
{
	struct stat status;

	CHECK_EQ(fstat(file, &status), 0);
	return status.st_size;
}

static void write_too_much(void)
{
	int file = open("sizes", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char bytes[600] = { 0 };

	set_limit(RLIMIT_FSIZE, 1000, 1000);
	write(file, bytes, sizeof(bytes));
	write(file, bytes, sizeof(bytes));
	write(file, bytes, 1);
	_exit(1);
}

static void check_size_limit(const char *path)
{
	char bytes[600] = { 0 };
	struct iovec parts[2] = { { bytes, 600 }, { bytes, 600 } };
	int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600), end;

	CHECK(file >= 0);
	CHECK_EQ(write(file, bytes, 600), 600);
	CHECK_EQ(write(file, bytes, 600), 400);
	CHECK_EQ(signals, 0);
	CHECK_ERROR(write(file, bytes, 1), EFBIG);
	CHECK_EQ(signals, 1);
	CHECK_EQ(write(file, bytes, 0), 0);
	CHECK_ERROR(pwrite(file, bytes, 1, 5000), EFBIG);
	CHECK_EQ(pwrite(file, bytes, 10, 995), 5);
	CHECK_ERROR(ftruncate(file, 1001), EFBIG);
	CHECK_ERROR(truncate(path, 1001), EFBIG);
	CHECK_EQ(signals, 4);
	CHECK_EQ(ftruncate(file, 1000), 0);
	CHECK_EQ(posix_fallocate(file, 0, 2000), EFBIG);
	end = open(path, O_WRONLY | O_APPEND);
	CHECK_ERROR(write(end, bytes, 1), EFBIG);
	CHECK_EQ(ftruncate(file, 990), 0);
	CHECK_EQ(write(end, bytes, 20), 10);
	CHECK_EQ(lseek(file, 0, SEEK_SET), 0);
	CHECK_EQ(writev(file, parts, 2), 1000);
	CHECK_EQ(size_of(file), 1000);
	close(end);
	close(file);
	file = open(path, O_RDONLY);
	CHECK_ERROR(write(file, bytes, 1), EBADF);
	close(file);
	unlink(path);
}

void file_size_limit(void)
{
	int ends[2];
	char bytes[2000] = { 0 };

	CHECK_EQ(check_child(write_too_much) & 127, SIGXFSZ);
	count_signal(SIGXFSZ);
	set_limit(RLIMIT_FSIZE, 1000, RLIM_INFINITY);
	check_size_limit("sizes");
	signals = 0;
	check_size_limit("/root/sizes");
	/* It is about files. */
	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(write(ends[1], bytes, sizeof(bytes)), sizeof(bytes));
}

static void *map(size_t length, int flags)
{
	return mmap(NULL, length, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
}

static void check_data_limit(void)
{
	char *end;
	void *at;

	set_limit(RLIMIT_DATA, 64 * MIB, RLIM_INFINITY);
	at = map(32 * MIB, MAP_PRIVATE);
	CHECK(at != MAP_FAILED);
	CHECK_ERROR((long)map(40 * MIB, MAP_PRIVATE), ENOMEM);
	CHECK(map(40 * MIB, MAP_SHARED) != MAP_FAILED);
	CHECK(mmap(NULL, 64 * MIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
	end = sbrk(0);
	CHECK_EQ((long)sbrk(4096) == -1 || sbrk(0) != end, 1);
	CHECK_EQ(munmap(at, 32 * MIB), 0);
	CHECK(map(40 * MIB, MAP_PRIVATE) != MAP_FAILED);
	set_limit(RLIMIT_DATA, 0, RLIM_INFINITY);
	CHECK_ERROR((long)map(4096, MAP_PRIVATE), ENOMEM);
}

void memory_limits(void)
{
	void *at;

	CHECK_EQ(check_child(check_data_limit), 0);
	set_limit(RLIMIT_AS, 64 * MIB, RLIM_INFINITY);
	CHECK_ERROR((long)map(65 * MIB, MAP_SHARED), ENOMEM);
	at = map(40 * MIB, MAP_PRIVATE);
	CHECK(at != MAP_FAILED);
	CHECK_ERROR((long)map(24 * MIB, MAP_PRIVATE), ENOMEM);
	CHECK_ERROR((long)mremap(at, 40 * MIB, 65 * MIB, MREMAP_MAYMOVE), ENOMEM);
	CHECK_EQ(munmap(at, 40 * MIB), 0);
	CHECK(map(24 * MIB, MAP_PRIVATE) != MAP_FAILED);
	CHECK(!malloc(64 * MIB));
	set_limit(RLIMIT_AS, RLIM_INFINITY, RLIM_INFINITY);
	CHECK(map(128 * MIB, MAP_SHARED) != MAP_FAILED);
}

static void fork_as_user(void)
{
	pid_t child;

	CHECK_EQ(setresuid(4321, 4321, 4321), 0);
	set_limit(RLIMIT_NPROC, 2, 2);
	child = fork();
	if (!child) {
		CHECK_ERROR(fork(), EAGAIN);
		_exit(3);
	}
	CHECK_EQ(reap(child), 3 << 8);
	child = fork();
	if (!child)
		_exit(4);
	CHECK_EQ(reap(child), 4 << 8);
	_exit(5);
}

void process_limit(void)
{
	struct rlimit limit;
	pid_t child;

	CHECK_EQ(check_child(fork_as_user), 5 << 8);
	/* Not for root. */
	set_limit(RLIMIT_NPROC, 1, RLIM_INFINITY);
	child = fork();
	if (!child)
		_exit(0);
	CHECK_EQ(reap(child), 0);
	CHECK_EQ(prlimit(getpid(), RLIMIT_NPROC, NULL, &limit), 0);
	CHECK_EQ(limit.rlim_cur, 1);
	CHECK_ERROR(prlimit(getppid(), RLIMIT_NPROC, NULL, &limit), EPERM);
	CHECK_ERROR(prlimit(65000, RLIMIT_NPROC, NULL, &limit), ESRCH);
	CHECK_ERROR(prlimit(0, 99, NULL, &limit), EINVAL);
	CHECK_ERROR(prlimit(0, RLIMIT_NPROC, NULL, (struct rlimit *)8), EFAULT);
	CHECK_ERROR(prlimit(0, RLIMIT_NPROC, (struct rlimit *)8, NULL), EFAULT);
}
