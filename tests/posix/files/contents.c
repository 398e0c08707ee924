#include "files.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define WRITERS 4
#define RECORDS 100
#define RECORD 16

static int make(const char *name, const char *text)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

void reads_and_writes_move_one_position(void)
{
	char text[16] = { 0 };
	int fd = make("f", "0123456789");

	CHECK_EQ(read(fd, text, 4), 4);
	CHECK(!memcmp(text, "0123", 4));
	CHECK_EQ(write(fd, "xy", 2), 2);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 6);
	CHECK_EQ(read(fd, text, 16), 4);
	CHECK_EQ(read(fd, text, 16), 0);
	CHECK_EQ(lseek(fd, -3, SEEK_END), 7);
	CHECK_EQ(read(fd, text, 16), 3);
	CHECK_ERROR(lseek(fd, -1, SEEK_SET), EINVAL);
	CHECK_ERROR(lseek(fd, 0, 99), EINVAL);
	CHECK_EQ(lseek(fd, 100, SEEK_SET), 100);
	CHECK_EQ(read(fd, text, 1), 0);
	CHECK_EQ(pread(fd, text, 10, 0), 10);
	CHECK(!memcmp(text, "0123xy6789", 10));
}

void duplicates_and_children_share_the_position(void)
{
	int fd = make("f", "0123456789"), copy = dup(fd), status;
	char text[4];
	pid_t child;

	CHECK_EQ(read(copy, text, 2), 2);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 2);
	child = fork();
	if (!child)
		_exit(read(fd, text, 3) == 3 && text[0] == '2' ? 0 : 1);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 5);
	CHECK_EQ(read(copy, text, 1), 1);
	CHECK_EQ(text[0], '5');
}

void appends_go_to_the_end(void)
{
	int fd, other = make("f", "start");
	char text[16] = { 0 };

	fd = open("f", O_RDWR | O_APPEND);
	CHECK_EQ(write(fd, "+1", 2), 2);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 7);
	CHECK_EQ(write(other, "S", 1), 1);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK_EQ(write(fd, "+2", 2), 2);
	CHECK_EQ(pread(fd, text, 16, 0), 9);
	CHECK(!strcmp(text, "Start+1+2"));
	CHECK_EQ(fcntl(fd, F_SETFL, 0), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK_EQ(write(fd, "s", 1), 1);
	CHECK_EQ(pread(fd, text, 1, 0), 1);
	CHECK_EQ(text[0], 's');
}

static void append_records(char name)
{
	int fd = open("f", O_WRONLY | O_APPEND);
	char record[RECORD];

	memset(record, name, sizeof(record));
	for (int i = 0; i < RECORDS; i++)
		if (write(fd, record, sizeof(record)) != sizeof(record))
			_exit(1);
	_exit(0);
}

void appends_of_many_processes_do_not_overwrite(void)
{
	char all[WRITERS * RECORDS * RECORD + 1];
	int fd = make("f", ""), counts[WRITERS] = { 0 }, status;

	for (int i = 0; i < WRITERS; i++)
		if (!fork())
			append_records((char)('a' + i));
	for (int i = 0; i < WRITERS; i++) {
		CHECK(wait(&status) > 0);
		CHECK_EQ(status, 0);
	}
	CHECK_EQ(read(fd, all, sizeof(all)), sizeof(all) - 1);
	for (int at = 0; at < WRITERS * RECORDS * RECORD; at += RECORD) {
		for (int i = 1; i < RECORD; i++)
			CHECK_EQ(all[at + i], all[at]);
		counts[all[at] - 'a']++;
	}
	for (int i = 0; i < WRITERS; i++)
		CHECK_EQ(counts[i], RECORDS);
}

void vectors_are_one_transfer(void)
{
	char a[3], b[5];
	struct iovec out[3] = { { "abc", 3 }, { "", 0 }, { "defgh", 5 } };
	struct iovec in[2] = { { a, 3 }, { b, 5 } };
	int fd = make("f", ""), ends[2];

	CHECK_EQ(writev(fd, out, 3), 8);
	CHECK_EQ(preadv(fd, in, 2, 0), 8);
	CHECK(!memcmp(a, "abc", 3) && !memcmp(b, "defgh", 5));
	CHECK_EQ(pwritev(fd, out, 1, 5), 3);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 8);
	CHECK_ERROR(writev(fd, out, -1), EINVAL);
	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(writev(ends[1], out, 3), 8);
	CHECK_EQ(readv(ends[0], in, 2), 8);
	CHECK(!memcmp(b, "defgh", 5));
	/* What there is, without waiting for the second part. */
	CHECK_EQ(write(ends[1], "xyz", 3), 3);
	CHECK_EQ(readv(ends[0], in, 2), 3);
}

void positions_can_be_given(void)
{
	int fd = make("f", "0123456789"), ends[2];
	char text[4];

	CHECK_EQ(pread(fd, text, 4, 3), 4);
	CHECK(!memcmp(text, "3456", 4));
	CHECK_EQ(pwrite(fd, "ab", 2, 20), 2);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_END), 22);
	CHECK_ERROR(pread(fd, text, 1, -1), EINVAL);
	CHECK_EQ(pipe(ends), 0);
	CHECK_ERROR(pread(ends[0], text, 1, 0), ESPIPE);
	CHECK_ERROR(lseek(ends[0], 0, SEEK_CUR), ESPIPE);
}

void lengths_can_be_set(void)
{
	int fd = make("f", "0123456789"), reader = open("f", O_RDONLY);
	struct stat stat;
	char text[8];

	CHECK_EQ(ftruncate(fd, 4), 0);
	CHECK_EQ(fstat(fd, &stat), 0);
	CHECK_EQ(stat.st_size, 4);
	CHECK_EQ(ftruncate(fd, 8), 0);
	CHECK_EQ(pread(reader, text, 8, 0), 8);
	CHECK(!memcmp(text, "0123\0\0\0", 8));
	CHECK_EQ(truncate("f", 1), 0);
	CHECK_EQ(pread(reader, text, 8, 0), 1);
	CHECK_ERROR(ftruncate(reader, 0), EINVAL);
	CHECK_ERROR(ftruncate(fd, -1), EINVAL);
	CHECK_ERROR(truncate("none", 1), ENOENT);
	CHECK_EQ(posix_fallocate(fd, 0, 10000), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_END), 10000);
}

void holes_read_as_zeroes(void)
{
	char text[8] = "xxxxxxx";
	int fd = make("f", "");

	CHECK_EQ(lseek(fd, 1 << 20, SEEK_SET), 1 << 20);
	CHECK_EQ(write(fd, "end", 3), 3);
	CHECK_EQ(pread(fd, text, 8, 5000), 8);
	CHECK(!memcmp(text, "\0\0\0\0\0\0\0", 8));
	CHECK_EQ(lseek(fd, 100, SEEK_DATA), 100);
	CHECK_EQ(lseek(fd, 100, SEEK_HOLE), (1 << 20) + 3);
	CHECK_ERROR(lseek(fd, 1 << 21, SEEK_DATA), ENXIO);
}

void sendfile_copies(void)
{
	int from = make("f", "0123456789"), to = make("g", ""), ends[2];
	off_t offset = 4;
	char text[16];

	CHECK_EQ(sendfile(to, from, &offset, 3), 3);
	CHECK_EQ(offset, 7);
	CHECK_EQ(lseek(from, 0, SEEK_CUR), 0);
	CHECK_EQ(sendfile(to, from, NULL, 100), 10);
	CHECK_EQ(sendfile(to, from, NULL, 100), 0);
	CHECK_EQ(pread(to, text, 16, 0), 13);
	CHECK(!memcmp(text, "4560123456789", 13));
	CHECK_EQ(pipe(ends), 0);
	offset = 0;
	CHECK_EQ(sendfile(ends[1], from, &offset, 5), 5);
	CHECK_EQ(read(ends[0], text, 16), 5);
	CHECK_ERROR(sendfile(to, ends[0], NULL, 1), EINVAL);
}

void bad_pointers_are_efault(void)
{
	void *bad = (void *)8, *unmapped = (void *)0x1234567000;
	int fd = make("f", "0123456789"), ends[2];
	struct stat stat;

	CHECK_ERROR(read(fd, bad, 4), EFAULT);
	CHECK_ERROR(write(fd, unmapped, 4), EFAULT);
	CHECK_ERROR(syscall(SYS_fstat, fd, bad), EFAULT); /* the C library copies by itself */
	CHECK_ERROR(lstat(unmapped, &stat), EFAULT);
	CHECK_ERROR(open(bad, O_RDONLY), EFAULT);
	CHECK_ERROR(rename("f", bad), EFAULT);
	CHECK_ERROR(pipe(bad), EFAULT);
	CHECK_ERROR(readv(fd, bad, 1), EFAULT);
	CHECK_EQ(pipe(ends), 0);
	CHECK_ERROR(write(ends[1], unmapped, 4), EFAULT);
	CHECK_ERROR(write(ends[1], unmapped, 4000), EFAULT);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_ERROR(read(ends[0], unmapped, 4000), EFAULT);
	CHECK(getcwd(unmapped, 100) == NULL);
	CHECK_EQ(errno, EFAULT);
}

void mappings_show_the_file(void)
{
	int fd = make("f", "0123456789"), reader = open("f", O_RDONLY);
	char *shared, *private, text[4];

	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	private = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, reader, 0);
	CHECK(shared != MAP_FAILED && private != MAP_FAILED);
	shared[0] = 'X';
	CHECK_EQ(private[0], 'X');
	private[1] = 'Y';
	CHECK_EQ(pwrite(fd, "Z", 1, 2), 1);
	CHECK_EQ(shared[2], 'Z');
	CHECK_EQ(pread(fd, text, 3, 0), 3);
	CHECK(!memcmp(text, "X1Z", 3));
	CHECK_EQ(msync(shared, 4096, MS_SYNC), 0);
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, reader, 0) == MAP_FAILED);
	CHECK_EQ(errno, EACCES);
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, 999, 0) == MAP_FAILED);
	CHECK_EQ(errno, EBADF);
}

void mappings_outlive_descriptors(void)
{
	int fd = make("f", "0123456789");
	char *shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	CHECK(shared != MAP_FAILED);
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(unlink("f"), 0);
	CHECK_EQ(shared[5], '5');
	shared[5] = 'x';
	if (!fork()) {
		shared[6] = 'y';
		_exit(0);
	}
	CHECK(wait(NULL) > 0);
	CHECK_EQ(shared[6], 'y');
	CHECK_EQ(munmap(shared, 8192), 0);
}

void memory_files_obey_their_seals(void)
{
	int fd = memfd_create("name", MFD_ALLOW_SEALING);
	struct stat stat;
	char text[4];

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, "0123", 4), 4);
	CHECK_EQ(fstat(fd, &stat), 0);
	CHECK(S_ISREG(stat.st_mode) && stat.st_size == 4);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
	CHECK_ERROR(ftruncate(fd, 3), EPERM);
	CHECK_ERROR(ftruncate(fd, 5), EPERM);
	CHECK_ERROR(write(fd, "5", 1), EPERM);
	CHECK_EQ(pwrite(fd, "x", 1, 0), 1);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL), 0);
	CHECK_ERROR(pwrite(fd, "y", 1, 0), EPERM);
	CHECK_ERROR(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL), EPERM);
	CHECK_EQ(fcntl(fd, F_GET_SEALS, -1l),
		 F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
	CHECK_EQ(pread(fd, text, 4, 0), 4);
	CHECK(!memcmp(text, "x123", 4));
}
