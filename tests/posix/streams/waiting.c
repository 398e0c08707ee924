#include "streams.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MANY 40

static void ignore(int number)
{
	(void)number;
}

static long milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A child that writes a byte when this process waits. */
static void write_later(int fd)
{
	if (fork())
		return;
	check_settle();
	_exit(write(fd, "x", 1) != 1);
}

void poll_tells_what_holds(void)
{
	int ends[2], file = open("/tmp/polled", O_CREAT | O_RDWR, 0600);
	struct pollfd fds[4];

	CHECK_EQ(pipe(ends), 0);
	fds[0] = (struct pollfd){ ends[0], POLLIN, -1 };
	fds[1] = (struct pollfd){ ends[1], POLLOUT, -1 };
	fds[2] = (struct pollfd){ -1, POLLIN, -1 };
	fds[3] = (struct pollfd){ file, POLLIN | POLLOUT, -1 };
	CHECK_EQ(poll(fds, 4, -1), 2);
	CHECK_EQ(fds[0].revents, 0);
	CHECK_EQ(fds[1].revents, POLLOUT);
	CHECK_EQ(fds[2].revents, 0);
	CHECK_EQ(fds[3].revents, POLLIN | POLLOUT);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_EQ(poll(fds, 1, 0), 1);
	CHECK_EQ(fds[0].revents, POLLIN);
	close(ends[1]);
	CHECK_SOON(poll(fds, 2, 0) == 2 && fds[0].revents == (POLLIN | POLLHUP));
	CHECK_EQ(fds[1].revents, POLLNVAL);
	CHECK_EQ(poll(NULL, 0, 1), 0);
	CHECK_EQ(pipe(ends), 0);
	close(ends[0]);
	fds[0] = (struct pollfd){ ends[1], 0, 0 };
	CHECK_EQ(poll(fds, 1, 100000), 1);
	CHECK_EQ(fds[0].revents, POLLERR);
}

void poll_waits(void)
{
	struct pollfd fds[MANY];
	int ends[MANY][2];
	long start;
	char byte;

	for (int i = 0; i < MANY; i++) {
		CHECK_EQ(pipe(ends[i]), 0);
		fds[i] = (struct pollfd){ ends[i][0], POLLIN, 0 };
	}
	start = milliseconds();
	CHECK_EQ(poll(fds, MANY, 30), 0);
	CHECK(milliseconds() - start >= 29);
	for (int i = 0; i < MANY; i += 13) {
		write_later(ends[i][1]);
		CHECK_EQ(poll(fds, MANY, 100000), 1);
		CHECK_EQ(fds[i].revents, POLLIN);
		CHECK_EQ(read(ends[i][0], &byte, 1), 1);
	}
}

/* What one call watched is closed: the next one hears of its own descriptor, and of the time. */
void poll_waits_again_after_a_close(void)
{
	for (int i = 0; i < 3; i++) {
		int ends[2];
		struct pollfd entry;

		CHECK_EQ(pipe(ends), 0);
		entry = (struct pollfd){ ends[0], POLLIN, 0 };
		CHECK_EQ(poll(&entry, 1, 1), 0);
		write_later(ends[1]);
		CHECK_EQ(poll(&entry, 1, -1), 1);
		CHECK_EQ(entry.revents, POLLIN);
		close(ends[0]);
		close(ends[1]);
		CHECK(wait(NULL) > 0);
		usleep(10000);
	}
}

void poll_and_signals(void)
{
	struct sigaction action = { .sa_handler = ignore, .sa_flags = SA_RESTART };
	struct pollfd fd = { .events = POLLIN };
	sigset_t blocked, empty;
	int ends[2];

	CHECK_EQ(pipe(ends), 0);
	fd.fd = ends[0];
	CHECK_EQ(sigaction(SIGALRM, &action, NULL), 0);
	alarm_when_waiting();
	CHECK_ERROR(poll(&fd, 1, 100000), EINTR);
	/* Blocked but for the time of ppoll, which is not too late for it. */
	sigemptyset(&empty);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGALRM);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &blocked, NULL), 0);
	CHECK_EQ(raise(SIGALRM), 0);
	CHECK_EQ(poll(&fd, 1, 20), 0);
	CHECK_ERROR(ppoll(&fd, 1, NULL, &empty), EINTR);
	CHECK_EQ(poll(&fd, 1, 1), 0);
}

void select_tells_what_holds(void)
{
	struct timeval time = { .tv_usec = 20000 };
	fd_set reads, writes;
	int ends[2];

	CHECK_EQ(pipe(ends), 0);
	FD_ZERO(&reads);
	FD_ZERO(&writes);
	FD_SET(ends[0], &reads);
	FD_SET(ends[1], &writes);
	CHECK_EQ(select(ends[1] + 1, &reads, &writes, NULL, NULL), 1);
	CHECK(!FD_ISSET(ends[0], &reads) && FD_ISSET(ends[1], &writes));
	FD_SET(ends[0], &reads);
	CHECK_EQ(select(ends[1] + 1, &reads, NULL, NULL, &time), 0);
	CHECK(!FD_ISSET(ends[0], &reads));
	FD_SET(ends[0], &reads);
	write_later(ends[1]);
	CHECK_EQ(select(ends[1] + 1, &reads, NULL, NULL, NULL), 1);
	close(ends[1]);
	FD_SET(ends[1], &reads);
	CHECK_ERROR(select(ends[1] + 1, &reads, NULL, NULL, NULL), EBADF);
}

static int epoll_over(int fd, uint32_t events)
{
	struct epoll_event event = { events, { .u64 = 77 } };
	int instance = epoll_create1(EPOLL_CLOEXEC);

	CHECK(instance >= 0);
	CHECK_EQ(epoll_ctl(instance, EPOLL_CTL_ADD, fd, &event), 0);
	CHECK_ERROR(epoll_ctl(instance, EPOLL_CTL_ADD, fd, &event), EEXIST);
	return instance;
}

void epoll_levels(void)
{
	struct epoll_event event = { EPOLLIN | EPOLLONESHOT, { .u64 = 5 } }, told[4];
	int ends[2], instance, outer;

	CHECK_EQ(pipe(ends), 0);
	instance = epoll_over(ends[0], EPOLLIN);
	outer = epoll_over(instance, EPOLLIN);
	CHECK_EQ(epoll_wait(instance, told, 4, 0), 0);
	CHECK_EQ(epoll_wait(outer, told, 4, 10), 0);
	write_later(ends[1]);
	CHECK_EQ(epoll_wait(outer, told, 4, 100000), 1);
	CHECK_EQ(epoll_wait(instance, told, 4, -1), 1);
	CHECK_EQ(told[0].events, EPOLLIN);
	CHECK_EQ(told[0].data.u64, 77);
	CHECK_EQ(epoll_wait(instance, told, 4, -1), 1);
	CHECK_EQ(epoll_ctl(instance, EPOLL_CTL_MOD, ends[0], &event), 0);
	CHECK_EQ(epoll_wait(instance, told, 4, -1), 1);
	CHECK_EQ(told[0].data.u64, 5);
	CHECK_EQ(epoll_wait(instance, told, 4, 10), 0);
	CHECK_EQ(epoll_ctl(instance, EPOLL_CTL_DEL, ends[0], NULL), 0);
	CHECK_ERROR(epoll_ctl(instance, EPOLL_CTL_DEL, ends[0], NULL), ENOENT);
	CHECK_ERROR(epoll_wait(ends[0], told, 4, 0), EINVAL);
	CHECK_ERROR(epoll_wait(instance, told, 0, 0), EINVAL);
	CHECK_ERROR(epoll_ctl(instance, EPOLL_CTL_ADD, instance, &event), EINVAL);
}

/* Who has room for one event hears of all in the end. */
void epoll_takes_turns(void)
{
	struct epoll_event event = { .events = EPOLLIN }, told;
	int instance = epoll_create1(0), ends[3][2], seen = 0;

	for (int i = 0; i < 3; i++) {
		CHECK_EQ(pipe(ends[i]), 0);
		CHECK_EQ(write(ends[i][1], "x", 1), 1);
		event.data.u32 = 1u << i;
		CHECK_EQ(epoll_ctl(instance, EPOLL_CTL_ADD, ends[i][0], &event), 0);
	}
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(epoll_wait(instance, &told, 1, -1), 1);
		seen |= (int)told.data.u32;
	}
	CHECK_EQ(seen, 7);
}

/* From the outside in, and from the inside out: an end, and no circle. */
void epoll_instances_do_not_nest_for_ever(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int chain[10], last = 0, first = 9;

	for (int i = 0; i < 10; i++)
		chain[i] = epoll_create1(0);
	while (last < 9 && !epoll_ctl(chain[last], EPOLL_CTL_ADD, chain[last + 1], &event))
		last++;
	CHECK_EQ(errno, ELOOP);
	CHECK(last >= 4 && last < 9);
	CHECK_ERROR(epoll_ctl(chain[last], EPOLL_CTL_ADD, chain[0], &event), ELOOP);
	for (int i = 0; i < 10; i++) {
		close(chain[i]);
		chain[i] = epoll_create1(0);
	}
	while (first && !epoll_ctl(chain[first - 1], EPOLL_CTL_ADD, chain[first], &event))
		first--;
	CHECK_EQ(errno, ELOOP);
	CHECK_EQ(9 - first, last);
}

void epoll_edges(void)
{
	struct epoll_event told[4];
	char text[8];
	int ends[2], instance;

	CHECK_EQ(pipe(ends), 0);
	instance = epoll_over(ends[0], EPOLLIN | EPOLLET);
	CHECK_EQ(write(ends[1], "a", 1), 1);
	CHECK_EQ(epoll_wait(instance, told, 4, -1), 1);
	CHECK_EQ(epoll_wait(instance, told, 4, 10), 0);
	CHECK_EQ(write(ends[1], "b", 1), 1);
	CHECK_EQ(epoll_wait(instance, told, 4, -1), 1);
	/* As many bytes as before, but others. */
	CHECK_EQ(read(ends[0], text, 8), 2);
	CHECK_EQ(write(ends[1], "cd", 2), 2);
	CHECK_EQ(epoll_wait(instance, told, 4, 100000), 1);
	CHECK_EQ(epoll_wait(instance, told, 4, 10), 0);
	write_later(ends[1]);
	CHECK_EQ(epoll_wait(instance, told, 4, 100000), 1);
}

void epoll_forgets_what_is_closed(void)
{
	struct epoll_event told[4];
	int ends[2], instance, copy;

	CHECK_EQ(pipe(ends), 0);
	instance = epoll_over(ends[0], EPOLLIN);
	copy = dup(ends[0]);
	CHECK_EQ(write(ends[1], "a", 1), 1);
	CHECK_EQ(close(ends[0]), 0);
	CHECK_EQ(epoll_wait(instance, told, 4, 0), 1);
	CHECK_EQ(close(copy), 0);
	CHECK_EQ(epoll_wait(instance, told, 4, 0), 0);
}

void eventfds_count(void)
{
	int fd = eventfd(3, EFD_NONBLOCK), semaphore = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
	struct pollfd poll_fd = { fd, POLLIN | POLLOUT, 0 };
	uint64_t value;

	CHECK_EQ(read(fd, &value, 8), 8);
	CHECK_EQ(value, 3);
	CHECK_ERROR(read(fd, &value, 8), EAGAIN);
	CHECK_ERROR(read(fd, &value, 4), EINVAL);
	CHECK_EQ(poll(&poll_fd, 1, 0), 1);
	CHECK_EQ(poll_fd.revents, POLLOUT);
	value = UINT64_MAX;
	CHECK_ERROR(write(fd, &value, 8), EINVAL);
	value = UINT64_MAX - 1;
	CHECK_EQ(write(fd, &value, 8), 8);
	value = 1;
	CHECK_ERROR(write(fd, &value, 8), EAGAIN);
	CHECK_EQ(poll(&poll_fd, 1, 0), 1);
	CHECK_EQ(poll_fd.revents, POLLIN);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(read(semaphore, &value, 8), 8);
		CHECK_EQ(value, 1);
	}
	CHECK_ERROR(read(semaphore, &value, 8), EAGAIN);
}

void eventfds_are_shared(void)
{
	int fd = eventfd(0, 0);
	struct pollfd poll_fd = { fd, POLLIN, 0 };
	uint64_t value = 7;

	for (int i = 0; i < 2; i++) {
		if (!fork()) {
			check_settle();
			_exit(write(fd, &value, 8) != 8);
		}
		if (i)
			CHECK_EQ(poll(&poll_fd, 1, 100000), 1);
		CHECK_EQ(read(fd, &value, 8), 8);
		CHECK_EQ(value, 7);
	}
}

void timerfds_expire(void)
{
	struct itimerspec times = { { 0, 2000000 }, { 0, 5000000 } }, now;
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	struct pollfd poll_fd = { fd, POLLIN, 0 };
	uint64_t count;

	CHECK_EQ(poll(&poll_fd, 1, 0), 0);
	CHECK_EQ(timerfd_settime(fd, 0, &times, NULL), 0);
	CHECK_EQ(read(fd, &count, 8), 8);
	CHECK(count >= 1);
	usleep(10000);
	CHECK_EQ(poll(&poll_fd, 1, 100000), 1);
	CHECK_EQ(read(fd, &count, 8), 8);
	CHECK(count >= 4);
	CHECK_EQ(timerfd_gettime(fd, &now), 0);
	CHECK_EQ(now.it_interval.tv_nsec, 2000000);
	memset(&times, 0, sizeof(times));
	CHECK_EQ(timerfd_settime(fd, 0, &times, &now), 0);
	CHECK_EQ(now.it_interval.tv_nsec, 2000000);
	CHECK_EQ(poll(&poll_fd, 1, 10), 0);
	clock_gettime(CLOCK_REALTIME, &times.it_value);
	fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
	CHECK_ERROR(read(fd, &count, 8), EAGAIN);
	CHECK_EQ(timerfd_settime(fd, TFD_TIMER_ABSTIME, &times, NULL), 0);
	poll_fd.fd = fd;
	CHECK_EQ(poll(&poll_fd, 1, 100000), 1);
	CHECK_ERROR(timerfd_create(77, 0), EINVAL);
}

void signalfds_take_signals(void)
{
	struct signalfd_siginfo info;
	struct pollfd poll_fd = { .events = POLLIN };
	sigset_t set;
	int fd, status;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	CHECK(fd >= 0);
	CHECK_ERROR(read(fd, &info, sizeof(info)), EAGAIN);
	CHECK_ERROR(read(fd, &info, 1), EINVAL);
	CHECK_EQ(raise(SIGUSR1), 0);
	poll_fd.fd = fd;
	CHECK_EQ(poll(&poll_fd, 1, 0), 1);
	CHECK_EQ(read(fd, &info, sizeof(info)), sizeof(info));
	CHECK_EQ(info.ssi_signo, SIGUSR1);
	CHECK_EQ(info.ssi_pid, getpid());
	CHECK_EQ(poll(&poll_fd, 1, 0), 0);
	if (!fork()) {
		check_settle();
		_exit(kill(getppid(), SIGUSR2));
	}
	CHECK_EQ(poll(&poll_fd, 1, 100000), 1);
	CHECK_EQ(fcntl(fd, F_SETFL, 0), 0);
	CHECK_EQ(read(fd, &info, sizeof(info)), sizeof(info));
	CHECK_EQ(info.ssi_signo, SIGUSR2);
	CHECK(wait(&status) > 0);
	CHECK_EQ(info.ssi_code, SI_USER);
}
