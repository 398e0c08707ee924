/* The mmap family, with and without files. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/posix/check.h"

#define PAGE 4096ul
#define FILE_NAME "/tmp/mapped"
#define DISK_NAME "/mapped" /* on the root disk */

static sigjmp_buf jump;
static siginfo_t caught;

static void on_fault(int number, siginfo_t *info, void *context)
{
	(void)number, (void)context;
	caught = *info;
	siglongjmp(jump, 1);
}

static void catch_faults(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

/* The signal that a read (or a write) of a byte there brings, or 0. */
static int touch(volatile char *at, int is_write)
{
	caught.si_signo = 0;
	if (!sigsetjmp(jump, 1)) {
		if (is_write)
			*at = *at;
		else
			(void)*at;
	}
	return caught.si_signo;
}

static char *map(size_t length, int protection, int flags, int file, off_t offset)
{
	return mmap(NULL, length, protection, flags, file, offset);
}

static char *anonymous(size_t pages)
{
	return map(pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* A file whose pages hold 'a', 'b' ...; the last one is cut in the middle. */
static int make_file(const char *name, size_t pages)
{
	int file = open(name, O_CREAT | O_TRUNC | O_RDWR, 0600);
	char page[PAGE];

	for (size_t i = 0; i < pages; i++) {
		memset(page, 'a' + (int)i, PAGE);
		CHECK_EQ(write(file, page, i + 1 < pages ? PAGE : PAGE / 2),
			 i + 1 < pages ? PAGE : PAGE / 2);
	}
	return file;
}

static void anonymous_memory(void)
{
	char *at = anonymous(3);

	CHECK(at != MAP_FAILED);
	CHECK_EQ(at[0] | at[3 * PAGE - 1], 0);
	at[PAGE] = 7;
	CHECK_EQ(munmap(at + PAGE, PAGE), 0);
	catch_faults();
	CHECK_EQ(touch(at + PAGE, 0), SIGSEGV);
	CHECK_EQ(caught.si_code, SEGV_MAPERR);
	CHECK_EQ((uint64_t)caught.si_addr, (uint64_t)at + PAGE);
	CHECK_EQ(touch(at, 1) | touch(at + 2 * PAGE, 1), 0);
	CHECK(mmap(at + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
		   -1, 0) == at + PAGE);
	CHECK_EQ(mmap(at + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
		      -1, 0) == MAP_FAILED &&
			 errno == EEXIST,
		 1);
	CHECK_EQ(at[PAGE], 0);
	CHECK_EQ(munmap(at, 3 * PAGE), 0);
	CHECK_EQ(munmap(at, 3 * PAGE), 0); /* nothing there is no error */
}

/* From address 0 on, where nothing can be, to the first page of the program. */
static void the_program_itself_can_be_unmapped(void)
{
	volatile char *first = (volatile char *)0x10000;
	pid_t child = fork();
	int status = 0;

	if (!child) {
		signal(SIGSEGV, SIG_DFL);
		munmap(NULL, (uint64_t)first + PAGE);
		_exit(*first & 0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static void bad_arguments(void)
{
	int file = make_file(FILE_NAME, 1);
	int reader = open(FILE_NAME, O_RDONLY);
	int writer = open(FILE_NAME, O_WRONLY);
	char *at = anonymous(2);

	CHECK_EQ(munmap(at + PAGE, PAGE), 0);
	CHECK(map(0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	CHECK_EQ(errno, EINVAL);
	CHECK(map(PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	CHECK_EQ(errno, EINVAL);
	CHECK(map(PAGE, PROT_READ, MAP_PRIVATE, 99, 0) == MAP_FAILED);
	CHECK_EQ(errno, EBADF);
	CHECK(map(PAGE, PROT_READ, MAP_PRIVATE, file, 1) == MAP_FAILED);
	CHECK_EQ(errno, EINVAL);
	CHECK(map(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, reader, 0) == MAP_FAILED);
	CHECK_EQ(errno, EACCES);
	CHECK(map(PAGE, PROT_READ, MAP_PRIVATE, writer, 0) == MAP_FAILED);
	CHECK_EQ(errno, EACCES);
	CHECK(map(1ul << 60, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	CHECK_EQ(errno, ENOMEM);
	CHECK_ERROR(munmap((void *)1, PAGE), EINVAL);
	CHECK_ERROR(munmap((void *)PAGE, 0), EINVAL);
	CHECK_ERROR(mprotect((void *)0x7000000, PAGE, PROT_READ), ENOMEM);
	CHECK_ERROR(msync((void *)0x7000000, PAGE, MS_SYNC), ENOMEM);
	CHECK_EQ(mlock(at + PAGE - 1, 1), 0);
	CHECK_ERROR(mlock(at + PAGE - 1, 2), ENOMEM);
	CHECK_EQ(munmap(at, PAGE), 0);
	CHECK_ERROR(mlock((void *)0x7ffffffffffff000, 8), ENOMEM);
	CHECK_ERROR(mlock((void *)PAGE, SIZE_MAX - PAGE), EINVAL);
	CHECK_EQ(unlink(FILE_NAME), 0);
}

static void protection_holds(void)
{
	char *at = anonymous(2);

	catch_faults();
	at[0] = 5;
	CHECK_EQ(mprotect(at, PAGE, PROT_READ), 0);
	CHECK_EQ(touch(at, 0), 0);
	CHECK_EQ(touch(at, 1), SIGSEGV);
	CHECK_EQ(caught.si_code, SEGV_ACCERR);
	CHECK_EQ(touch(at + PAGE, 1), 0);
	CHECK_EQ(mprotect(at, PAGE, PROT_NONE), 0);
	CHECK_EQ(touch(at, 0), SIGSEGV);
	CHECK_EQ(mprotect(at, 2 * PAGE, PROT_READ | PROT_WRITE), 0);
	CHECK_EQ(at[0], 5);
	CHECK_ERROR(mprotect(at, PAGE, PROT_WRITE | PROT_EXEC), EACCES);
}

static void file_mappings(void)
{
	int file = make_file(FILE_NAME, 3);
	char *private, *shared, byte;

	catch_faults();
	private = map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
	shared = map(3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	CHECK(private != MAP_FAILED && shared != MAP_FAILED);
	CHECK_EQ(private[PAGE], 'b');
	CHECK_EQ(private[2 * PAGE + PAGE / 2], 0); /* behind the end, in the last page */
	CHECK_EQ(touch(private + 3 * PAGE, 0), SIGBUS);
	private[0] = 'x';
	CHECK_EQ(shared[0], 'a');
	shared[1] = 'y';
	CHECK_EQ(pread(file, &byte, 1, 1), 1);
	CHECK_EQ(byte, 'y');
	CHECK_EQ(pwrite(file, "z", 1, PAGE), 1);
	CHECK_EQ(shared[PAGE], 'z');
	CHECK_EQ(private[PAGE], 'z');
	CHECK_EQ(close(file), 0);
	shared[2 * PAGE] = 'w'; /* the mapping keeps the file */
	CHECK_EQ(msync(shared, 3 * PAGE, MS_SYNC), 0);
	CHECK_EQ(msync(shared, 3 * PAGE, MS_ASYNC), 0);
	CHECK_ERROR(msync(shared, PAGE, MS_ASYNC | MS_SYNC), EINVAL);
	CHECK_EQ(unlink(FILE_NAME), 0);
	CHECK_EQ(shared[2 * PAGE], 'w');
	CHECK_EQ(munmap(shared, 3 * PAGE) | munmap(private, 4 * PAGE), 0);
}

static void part_of_a_file(void)
{
	int file = make_file(FILE_NAME, 4);
	char *at = map(2 * PAGE, PROT_READ, MAP_SHARED, file, PAGE);

	CHECK_EQ(at[0], 'b');
	CHECK_EQ(at[PAGE], 'c');
	CHECK(mmap(at, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, file, 2 * PAGE) == at);
	CHECK_EQ(at[0], 'c');
	CHECK_EQ(at[PAGE], 'c');
	catch_faults();
	CHECK_EQ(ftruncate(file, 2 * PAGE), 0);
	CHECK_EQ(touch(at, 0), SIGBUS);
	CHECK_EQ(ftruncate(file, 4 * PAGE), 0);
	CHECK_EQ(at[0], 0);
	CHECK_EQ(unlink(FILE_NAME), 0);
}

static void what_is_mapped_reaches_the_disk(void)
{
	int file = make_file(DISK_NAME, 2);
	char *at = map(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0), text[6];

	memcpy(at, "hello", 5);
	CHECK_EQ(msync(at, PAGE, MS_SYNC), 0);
	CHECK_EQ(munmap(at, PAGE), 0);
	close(file);
	file = open(DISK_NAME, O_RDONLY);
	CHECK_EQ(read(file, text, 5), 5);
	CHECK_EQ(memcmp(text, "hello", 5), 0);
	CHECK_EQ(unlink(DISK_NAME), 0);
}

static void forks_share_what_is_shared(void)
{
	char *shared = map(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char *private = anonymous(1);
	pid_t child;

	private[0] = shared[0] = 1;
	child = fork();
	if (!child) {
		private[0] = shared[0] = 2;
		_exit(0);
	}
	CHECK_EQ(waitpid(child, NULL, 0), child);
	CHECK_EQ(shared[0], 2);
	CHECK_EQ(private[0], 1);
}

static void names_of_shared_memory(void)
{
	int file = shm_open("/numbers", O_RDWR | O_CREAT | O_EXCL, 0600);
	struct stat status;
	char *shared;
	pid_t child;

	CHECK(file >= 0);
	CHECK_EQ(ftruncate(file, PAGE), 0);
	shared = map(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	child = fork();
	if (!child) {
		file = shm_open("/numbers", O_RDWR, 0);
		_exit(file < 0 || pwrite(file, "x", 1, 7) != 1);
	}
	CHECK_EQ(waitpid(child, NULL, 0), child);
	CHECK_EQ(shared[7], 'x');
	CHECK_ERROR(stat("/tmp/numbers", &status), ENOENT);
	CHECK_EQ(shm_unlink("/numbers"), 0);
	CHECK_ERROR(shm_open("/numbers", O_RDWR, 0), ENOENT);
}

static void mappings_grow_and_move(void)
{
	char *at = anonymous(4), *moved;

	at[0] = 1;
	at[PAGE] = 2;
	CHECK(mremap(at, 4 * PAGE, 2 * PAGE, 0) == at);
	catch_faults();
	CHECK_EQ(touch(at + 2 * PAGE, 0), SIGSEGV);
	CHECK(mremap(at, 2 * PAGE, 3 * PAGE, 0) == at);
	CHECK_EQ(at[PAGE], 2);
	CHECK_EQ(at[2 * PAGE], 0);
	CHECK(mmap(at + 3 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		   0) == at + 3 * PAGE);
	CHECK(mremap(at, 3 * PAGE, 4 * PAGE, 0) == MAP_FAILED);
	CHECK_EQ(errno, ENOMEM);
	moved = mremap(at, 3 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
	CHECK(moved != MAP_FAILED && moved != at);
	CHECK_EQ(moved[0], 1);
	CHECK_EQ(moved[PAGE], 2);
	CHECK_EQ(touch(at, 0), SIGSEGV);
	CHECK_EQ(touch(moved + 7 * PAGE, 1), 0);
	at = mremap(moved, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, moved + 100 * PAGE);
	CHECK(at == moved + 100 * PAGE);
	CHECK_EQ(at[0], 1);
	CHECK(mremap((void *)0x7000000, PAGE, 2 * PAGE, 0) == MAP_FAILED);
	CHECK_EQ(errno, EFAULT);
	CHECK(mremap(at, PAGE, 0, 0) == MAP_FAILED);
	CHECK_EQ(errno, EINVAL);
}

static void advice_is_followed(void)
{
	int file = make_file(FILE_NAME, 1);
	char *at = anonymous(2), *mapped;

	at[0] = at[PAGE] = 3;
	CHECK_EQ(madvise(at, PAGE, MADV_DONTNEED), 0);
	CHECK_EQ(at[0], 0);
	CHECK_EQ(at[PAGE], 3);
	CHECK_EQ(madvise(at, 2 * PAGE, MADV_WILLNEED), 0);
	CHECK_ERROR(madvise(at + 1, PAGE, MADV_NORMAL), EINVAL);
	CHECK_ERROR(madvise(at, PAGE, 99), EINVAL);
	CHECK_ERROR(madvise((void *)0x7000000, PAGE, MADV_DONTNEED), ENOMEM);
	mapped = map(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
	mapped[0] = 'x';
	CHECK_EQ(madvise(mapped, PAGE, MADV_DONTNEED), 0);
	CHECK_EQ(mapped[0], 'a');
	CHECK_EQ(unlink(FILE_NAME), 0);
}

static void the_break_moves(void)
{
	char *start = sbrk(0), *at;

	CHECK(start != (char *)-1);
	at = (char *)syscall(214, start + 3 * PAGE);
	CHECK(at == start + 3 * PAGE);
	start[0] = start[3 * PAGE - 1] = 1;
	CHECK((char *)syscall(214, start) == start);
	CHECK((char *)syscall(214, start + PAGE) == start + PAGE);
	CHECK_EQ(start[PAGE / 2], 0);
	CHECK((char *)syscall(214, 16) == start + PAGE);
}

static void address_space_is_limited(void)
{
	struct rlimit limit = { 64 << 20, 64 << 20 };
	uint64_t mapped = 0;
	char *last = NULL, *at, *start = sbrk(0);

	CHECK_EQ(setrlimit(RLIMIT_AS, &limit), 0);
	while ((at = map(1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) !=
	       MAP_FAILED) {
		mapped += 1 << 20;
		last = at;
	}
	CHECK_EQ(errno, ENOMEM);
	CHECK(mapped > 32 << 20 && mapped < 64 << 20);
	CHECK((char *)syscall(214, start + (1 << 20)) == start);
	CHECK_EQ(munmap(last, 1 << 20), 0);
	CHECK((char *)syscall(214, start + (1 << 20)) == start + (1 << 20));
	CHECK(mremap(start, PAGE, 4 << 20, MREMAP_MAYMOVE) == MAP_FAILED);
	CHECK_EQ(errno, ENOMEM);
}

/* Calls that are given memory which is not there. */
static void calls_do_not_fault(void)
{
	int ends[2];

	CHECK_EQ(pipe(ends), 0);
	CHECK_ERROR(pipe((int *)8), EFAULT);
	CHECK_ERROR(write(ends[1], (void *)8, 10), EFAULT);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_ERROR(read(ends[0], (void *)8, 10), EFAULT);
	CHECK_ERROR(open((char *)8, O_RDONLY), EFAULT);
	CHECK_ERROR(getcwd((char *)8, 100) ? 0 : -1, EFAULT);
	CHECK_ERROR(uname((void *)8), EFAULT);
}

static const struct test tests[] = {
	{ "anonymous_memory", anonymous_memory },
	{ "the_program_itself_can_be_unmapped", the_program_itself_can_be_unmapped },
	{ "bad_arguments", bad_arguments },
	{ "protection_holds", protection_holds },
	{ "file_mappings", file_mappings },
	{ "part_of_a_file", part_of_a_file },
	{ "what_is_mapped_reaches_the_disk", what_is_mapped_reaches_the_disk },
	{ "forks_share_what_is_shared", forks_share_what_is_shared },
	{ "names_of_shared_memory", names_of_shared_memory },
	{ "mappings_grow_and_move", mappings_grow_and_move },
	{ "advice_is_followed", advice_is_followed },
	{ "the_break_moves", the_break_moves },
	{ "address_space_is_limited", address_space_is_limited },
	{ "calls_do_not_fault", calls_do_not_fault },
	{ NULL, NULL },
};

int main(void)
{
	return check_run(tests);
}
