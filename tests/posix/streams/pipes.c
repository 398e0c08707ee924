#include "streams.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define WRITERS 3
#define RECORDS 40
#define RECORD 1000 /* less than PIPE_BUF */
#define CAPACITY 65536

static volatile sig_atomic_t caught;

static void note(int number)
{
	caught = number;
}

static void note_signal(int number, int flags)
{
	struct sigaction action = { .sa_handler = note, .sa_flags = flags };

	caught = 0;
	CHECK_EQ(sigaction(number, &action, NULL), 0);
}

void alarm_when_waiting(void)
{
	if (fork())
		return;
	check_settle();
	_exit(kill(getppid(), SIGALRM));
}

void pipes_end(void)
{
	char text[8];
	int ends[2], count;

	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(write(ends[1], "abc", 3), 3);
	CHECK_EQ(ioctl(ends[0], FIONREAD, &count), 0);
	CHECK_EQ(count, 3);
	CHECK_EQ(read(ends[0], text, 0), 0);
	CHECK_EQ(read(ends[0], text, 2), 2);
	CHECK_EQ(close(ends[1]), 0);
	CHECK_EQ(read(ends[0], text, 8), 1);
	CHECK_EQ(read(ends[0], text, 8), 0);
	CHECK_EQ(read(ends[0], text, 8), 0);
	CHECK_ERROR(write(ends[0], "x", 1), EBADF);
}

static void write_records(int fd, char name)
{
	char record[RECORD];

	memset(record, name, sizeof(record));
	for (int i = 0; i < RECORDS; i++)
		if (write(fd, record, sizeof(record)) != sizeof(record))
			_exit(1);
	_exit(0);
}

void small_writes_are_never_mixed(void)
{
	static char all[WRITERS * RECORDS * RECORD];
	int ends[2], status;
	size_t done = 0;
	ssize_t got;

	CHECK_EQ(pipe(ends), 0);
	for (int i = 0; i < WRITERS; i++)
		if (!fork())
			write_records(ends[1], (char)('a' + i));
	close(ends[1]);
	while ((got = read(ends[0], all + done, 777)) > 0)
		done += (size_t)got;
	CHECK_EQ(done, sizeof(all));
	for (size_t at = 0; at < sizeof(all); at++)
		if (all[at] != all[at - at % RECORD])
			check_failed(__FILE__, __LINE__, "mixed", (int64_t)at, 0);
	for (int i = 0; i < WRITERS; i++) {
		CHECK(wait(&status) > 0);
		CHECK_EQ(status, 0);
	}
}

void full_pipes_make_writers_wait(void)
{
	static char data[3 * CAPACITY];
	size_t total = 0;
	ssize_t count;
	int ends[2];

	CHECK_EQ(pipe2(ends, O_NONBLOCK), 0);
	while ((count = write(ends[1], data, 5000)) > 0)
		total += (size_t)count;
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(total, CAPACITY);
	CHECK_EQ(fcntl(ends[0], F_SETFL, 0), 0);
	CHECK_EQ(fcntl(ends[1], F_SETFL, 0), 0);
	if (!fork())
		_exit(write(ends[1], data, sizeof(data)) != sizeof(data));
	close(ends[1]);
	while ((count = read(ends[0], data, sizeof(data))) > 0)
		total += (size_t)count;
	CHECK_EQ(total, 2 * CAPACITY + sizeof(data));
}

void writing_without_readers_is_sigpipe(void)
{
	int ends[2];

	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(close(ends[0]), 0);
	note_signal(SIGPIPE, 0);
	CHECK_SOON(write(ends[1], "x", 1) == -1);
	CHECK_EQ(errno, EPIPE);
	CHECK_EQ(caught, SIGPIPE);
	signal(SIGPIPE, SIG_IGN);
	CHECK_ERROR(write(ends[1], "x", 1), EPIPE);
}

void blocked_reads_are_interrupted(void)
{
	char byte;
	int ends[2];

	CHECK_EQ(pipe(ends), 0);
	note_signal(SIGALRM, 0);
	alarm_when_waiting();
	CHECK_ERROR(read(ends[0], &byte, 1), EINTR);
	CHECK_EQ(caught, SIGALRM);
}

static int the_pipe[2];

static void feed(int number)
{
	caught = number;
	if (write(the_pipe[1], "x", 1) != 1)
		_exit(9);
}

void interrupted_reads_are_restarted(void)
{
	struct sigaction action = { .sa_handler = feed, .sa_flags = SA_RESTART };
	char byte = 0;

	CHECK_EQ(pipe(the_pipe), 0);
	CHECK_EQ(sigaction(SIGALRM, &action, NULL), 0);
	alarm_when_waiting();
	CHECK_EQ(read(the_pipe[0], &byte, 1), 1);
	CHECK_EQ(byte, 'x');
	CHECK_EQ(caught, SIGALRM);
}

void interrupted_writes_tell_what_went(void)
{
	static char data[2 * CAPACITY];
	int ends[2];

	CHECK_EQ(pipe(ends), 0);
	note_signal(SIGALRM, SA_RESTART);
	alarm_when_waiting();
	CHECK_EQ(write(ends[1], data, sizeof(data)), CAPACITY);
	CHECK_EQ(caught, SIGALRM);
	note_signal(SIGALRM, 0);
	alarm_when_waiting();
	CHECK_ERROR(write(ends[1], data, 1), EINTR);
}

void fifos_meet_by_name(void)
{
	char text[8];
	int fd, status;
	struct stat stat;

	CHECK_EQ(mkfifo("/tmp/fifo", 0600), 0);
	CHECK_ERROR(mkfifo("/tmp/fifo", 0600), EEXIST);
	if (!fork()) {
		usleep(10000);
		fd = open("/tmp/fifo", O_WRONLY);
		_exit(write(fd, "hello", 5) != 5);
	}
	fd = open("/tmp/fifo", O_RDONLY);
	CHECK(fd >= 0);
	CHECK_EQ(fstat(fd, &stat), 0);
	CHECK(S_ISFIFO(stat.st_mode));
	CHECK_EQ(read(fd, text, 8), 5);
	CHECK_EQ(read(fd, text, 8), 0);
	CHECK(wait(&status) > 0);
	CHECK_EQ(status, 0);
	CHECK_EQ(unlink("/tmp/fifo"), 0);
}

void fifos_without_peers(void)
{
	char byte;
	int reader, both;

	CHECK_EQ(mkfifo("/tmp/fifo2", 0600), 0);
	CHECK_ERROR(open("/tmp/fifo2", O_WRONLY | O_NONBLOCK), ENXIO);
	reader = open("/tmp/fifo2", O_RDONLY | O_NONBLOCK);
	CHECK(reader >= 0);
	CHECK_EQ(read(reader, &byte, 1), 0);
	both = open("/tmp/fifo2", O_RDWR);
	CHECK(both >= 0);
	CHECK_ERROR(read(reader, &byte, 1), EAGAIN);
	CHECK_EQ(write(both, "x", 1), 1);
	CHECK_EQ(read(reader, &byte, 1), 1);
	/* Waiting for a peer can be interrupted. */
	close(both);
	close(reader);
	note_signal(SIGALRM, 0);
	alarm_when_waiting();
	CHECK_ERROR(open("/tmp/fifo2", O_RDONLY), EINTR);
	CHECK_EQ(unlink("/tmp/fifo2"), 0);
}
