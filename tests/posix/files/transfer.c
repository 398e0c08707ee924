/* From descriptor to descriptor, files without a name, and writes that are on disk when they end. */
#include "files.h"

#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define LENGTH 50000
#define HIPRI 1
#define DSYNC 2

/* The C library has no functions for these. */
static ssize_t pwritev2(int file, const struct iovec *parts, int count, off_t offset, int flags)
{
	return syscall(SYS_pwritev2, file, parts, count, offset, 0, flags);
}

static ssize_t preadv2(int file, const struct iovec *parts, int count, off_t offset, int flags)
{
	return syscall(SYS_preadv2, file, parts, count, offset, 0, flags);
}

static int make(const char *name, size_t length)
{
	int file = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);

	for (size_t i = 0; i < length; i += 10)
		CHECK_EQ(write(file, "0123456789", 10), 10);
	CHECK_EQ(lseek(file, 0, SEEK_SET), 0);
	return file;
}

void ranges_are_copied(void)
{
	int from = make("from", LENGTH), to = make("to", 0), ends[2], end;
	off_t in = 3, out = 100;
	char bytes[8] = { 0 };

	CHECK_EQ(copy_file_range(from, NULL, to, NULL, 4, 0), 4);
	CHECK_EQ(copy_file_range(from, NULL, to, NULL, 100000, 0), LENGTH - 4);
	CHECK_EQ(copy_file_range(from, NULL, to, NULL, 1, 0), 0);
	CHECK_EQ(lseek(to, 0, SEEK_CUR), LENGTH);
	CHECK_EQ(copy_file_range(from, &in, to, &out, 5, 0), 5);
	CHECK(in == 8 && out == 105);
	CHECK_EQ(pread(to, bytes, 7, 99), 7);
	CHECK(!memcmp(bytes, "9345675", 7));
	in = 0, out = 20;
	CHECK_EQ(copy_file_range(from, &in, from, &out, 20, 0), 20);
	in = 0, out = 19;
	CHECK_ERROR(copy_file_range(from, &in, from, &out, 20, 0), EINVAL);
	in = -1;
	CHECK_ERROR(copy_file_range(from, &in, to, NULL, 1, 0), EINVAL);
	CHECK_ERROR(copy_file_range(from, NULL, to, NULL, 1, 1), EINVAL);
	CHECK_ERROR(copy_file_range(from, (off_t *)8, to, NULL, 1, 0), EFAULT);
	CHECK_ERROR(copy_file_range(77, NULL, to, NULL, 1, 0), EBADF);
	end = open("to", O_WRONLY | O_APPEND);
	CHECK_ERROR(copy_file_range(from, NULL, end, NULL, 1, 0), EBADF);
	CHECK_ERROR(copy_file_range(end, NULL, to, NULL, 1, 0), EBADF);
	CHECK_EQ(pipe(ends), 0);
	CHECK_ERROR(copy_file_range(ends[0], NULL, to, NULL, 1, 0), EINVAL);
	CHECK_ERROR(copy_file_range(open(".", O_RDONLY), NULL, to, NULL, 1, 0), EISDIR);
}

void splices_move_bytes(void)
{
	int file = make("file", 100), copy = make("copy", 0), ends[2], others[2];
	struct iovec parts[2] = { { (char *)"ab", 2 }, { (char *)"cd", 2 } };
	loff_t offset = 5;
	char bytes[16] = { 0 };

	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(pipe(others), 0);
	CHECK_EQ(splice(file, &offset, ends[1], NULL, 10, 0), 10);
	CHECK_EQ(offset, 15);
	CHECK_EQ(splice(ends[0], NULL, others[1], NULL, 4, SPLICE_F_MOVE), 4);
	CHECK_EQ(splice(ends[0], NULL, copy, NULL, 100, 0), 6);
	CHECK_EQ(pread(copy, bytes, 10, 0), 6);
	CHECK(!memcmp(bytes, "901234", 6));
	CHECK_EQ(read(others[0], bytes, 16), 4);
	CHECK(!memcmp(bytes, "5678", 4));
	CHECK_EQ(vmsplice(ends[1], parts, 2, 0), 4);
	parts[0] = (struct iovec){ bytes, 3 };
	CHECK_EQ(vmsplice(ends[0], parts, 1, 0), 3);
	CHECK(!memcmp(bytes, "abc", 3));
	CHECK_EQ(read(ends[0], bytes, 16), 1);
	CHECK_ERROR(splice(ends[0], NULL, copy, NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
	while (write(ends[1], bytes, 1) == 1 && fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0)
		;
	CHECK_ERROR(splice(file, NULL, ends[1], NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK_EQ(lseek(file, 0, SEEK_CUR), 0);
	CHECK_ERROR(splice(file, NULL, copy, NULL, 1, 0), EINVAL);
	CHECK_ERROR(splice(ends[0], &offset, copy, NULL, 1, 0), ESPIPE);
	CHECK_ERROR(splice(ends[0], NULL, copy, NULL, 1, 64), EINVAL);
	CHECK_ERROR(splice(77, NULL, copy, NULL, 1, 0), EBADF);
	CHECK_ERROR(vmsplice(file, parts, 1, 0), EBADF);
	close(others[1]);
	CHECK_EQ(splice(others[0], NULL, copy, NULL, 1, 0), 0);
}

static int count_names(void)
{
	struct stat status;

	CHECK_EQ(stat("folder", &status), 0);
	return rmdir("folder") ? -1 : 0;
}

void temporary_files_have_no_name(void)
{
	struct stat status;
	char byte;
	int file;

	CHECK_EQ(mkdir("folder", 0755), 0);
	file = open("folder", O_TMPFILE | O_RDWR | O_CLOEXEC, 0640);
	CHECK(file >= 0);
	CHECK_EQ(fcntl(file, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(write(file, "x", 1), 1);
	CHECK_EQ(pread(file, &byte, 1, 0), 1);
	CHECK_EQ(fstat(file, &status), 0);
	CHECK(S_ISREG(status.st_mode) && (status.st_mode & 0777) == 0640);
	CHECK_EQ(status.st_nlink, 0);
	CHECK_EQ(count_names(), 0);
	CHECK_ERROR(open(".", O_TMPFILE | O_RDONLY, 0600), EINVAL);
	CHECK_ERROR(open("none", O_TMPFILE | O_RDWR, 0600), ENOENT);
	close(open("f", O_CREAT | O_WRONLY, 0600));
	CHECK_ERROR(open("f", O_TMPFILE | O_RDWR, 0600), ENOTDIR);
}

void synchronous_writes_are_writes(void)
{
	struct iovec part = { (char *)"abc", 3 };
	int file = open("f", O_RDWR | O_CREAT | O_SYNC, 0600);
	char bytes[4] = { 0 };

	CHECK_EQ(fcntl(file, F_GETFL) & O_SYNC, O_SYNC);
	CHECK_EQ(write(file, "abcd", 4), 4);
	CHECK_EQ(pwrite(file, "x", 1, 1), 1);
	CHECK_EQ(pwritev2(file, &part, 1, 1, DSYNC), 3);
	CHECK_EQ(pwritev2(file, &part, 1, -1, 0), 3);
	CHECK_EQ(lseek(file, 0, SEEK_CUR), 7);
	CHECK_ERROR(pwritev2(file, &part, 1, 0, 0x4000), EOPNOTSUPP);
	part = (struct iovec){ bytes, 4 };
	CHECK_EQ(preadv2(file, &part, 1, 0, HIPRI), 4);
	CHECK(!memcmp(bytes, "aabc", 4));
	CHECK_ERROR(preadv2(file, &part, 1, 0, 0x4000), EOPNOTSUPP);
}

void pipes_have_one_size(void)
{
	int ends[2], size;

	CHECK_EQ(pipe(ends), 0);
	size = fcntl(ends[0], F_GETPIPE_SZ);
	CHECK(size >= 4096);
	CHECK_EQ(fcntl(ends[1], F_SETPIPE_SZ, 4096), size);
	CHECK_ERROR(fcntl(ends[1], F_SETPIPE_SZ, size + 1), EPERM);
	CHECK_ERROR(fcntl(ends[1], F_SETPIPE_SZ, -1), EINVAL);
	CHECK_ERROR(fcntl(open(".", O_RDONLY), F_GETPIPE_SZ), EBADF);
}
