#include "streams.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FDS_MAX 16

void pairs_are_connected(void)
{
	char text[8];
	int pair[2], type;
	socklen_t length = sizeof(type);
	struct stat stat;

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	CHECK_EQ(fcntl(pair[0], F_GETFD), FD_CLOEXEC);
	CHECK_EQ(write(pair[0], "abc", 3), 3);
	CHECK_EQ(send(pair[1], "de", 2, 0), 2);
	CHECK_EQ(recv(pair[1], text, 8, MSG_PEEK), 3);
	CHECK_EQ(recv(pair[1], text, 2, 0), 2);
	CHECK_EQ(read(pair[1], text, 8), 1);
	CHECK_EQ(recv(pair[0], text, 8, MSG_DONTWAIT), 2);
	CHECK_ERROR(recv(pair[0], text, 8, MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(getsockopt(pair[0], SOL_SOCKET, SO_TYPE, &type, &length), 0);
	CHECK_EQ(type, SOCK_STREAM);
	CHECK_EQ(fstat(pair[0], &stat), 0);
	CHECK(S_ISSOCK(stat.st_mode));
	CHECK_ERROR(socket(AF_INET, SOCK_STREAM, 0), EAFNOSUPPORT);
	CHECK_ERROR(socket(AF_UNIX, 77, 0), EINVAL);
	CHECK_ERROR(send(0, "x", 1, 0), ENOTSOCK);
	CHECK_ERROR(write(socket(AF_UNIX, SOCK_STREAM, 0), "x", 1), ENOTCONN);
}

static uint64_t now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

static void check_time_options(int socket)
{
	struct timeval time = { 1, 500 };
	socklen_t length = sizeof(time);

	CHECK_EQ(setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &time, length), 0);
	time = (struct timeval){ 0, 0 };
	CHECK_EQ(getsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &time, &length), 0);
	CHECK(time.tv_sec == 1 && time.tv_usec == 1000);
	time.tv_usec = 1000000;
	CHECK_ERROR(setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, length), EDOM);
	CHECK_ERROR(setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, 4), EINVAL);
	CHECK_ERROR(setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, (void *)8, length), EFAULT);
}

void socket_times_end_waits(void)
{
	struct timeval time = { 0, 50000 };
	static char much[1 << 20];
	struct iovec part = { much, 10 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	uint64_t begin = now_ms();
	ssize_t written;
	int pair[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	check_time_options(pair[0]);
	CHECK_EQ(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)), 0);
	CHECK_EQ(setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time)), 0);
	CHECK_ERROR(read(pair[0], much, 1), EAGAIN);
	CHECK_ERROR(recv(pair[0], much, 1, 0), EAGAIN);
	CHECK_ERROR(recvmsg(pair[0], &message, 0), EAGAIN);
	CHECK(now_ms() - begin >= 150);
	CHECK_EQ(write(pair[1], "abc", 3), 3);
	CHECK_EQ(read(pair[0], much, 1), 1);
	CHECK_EQ(recv(pair[0], much, 2, MSG_WAITALL), 2);
	begin = now_ms();
	written = write(pair[0], much, sizeof(much));
	CHECK(written > 0 && written < (ssize_t)sizeof(much));
	CHECK_ERROR(send(pair[0], much, 10, 0), EAGAIN);
	CHECK_ERROR(sendmsg(pair[0], &message, 0), EAGAIN);
	CHECK(now_ms() - begin >= 150);
	/* O_NONBLOCK is stronger. */
	time.tv_sec = 100;
	CHECK_EQ(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)), 0);
	CHECK_EQ(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0);
	CHECK_ERROR(read(pair[0], much, 1), EAGAIN);
	CHECK_ERROR(recv(pair[0], much, 1, MSG_DONTWAIT), EAGAIN);
}

void shutdown_is_an_end(void)
{
	char text[8];
	int pair[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	CHECK_EQ(write(pair[0], "abc", 3), 3);
	CHECK_EQ(shutdown(pair[0], SHUT_WR), 0);
	CHECK_ERROR(send(pair[0], "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK_EQ(read(pair[1], text, 8), 3);
	CHECK_EQ(read(pair[1], text, 8), 0);
	CHECK_EQ(write(pair[1], "back", 4), 4);
	CHECK_EQ(read(pair[0], text, 8), 4);
	CHECK_EQ(close(pair[1]), 0);
	CHECK_EQ(read(pair[0], text, 8), 0);
}

void packets_stay_apart(void)
{
	char text[8];
	int pair[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	CHECK_EQ(send(pair[0], "one", 3, 0), 3);
	CHECK_EQ(send(pair[0], "three", 5, 0), 5);
	CHECK_EQ(recv(pair[1], text, 8, 0), 3);
	CHECK_EQ(recv(pair[1], text, 2, MSG_TRUNC), 5);
	CHECK_ERROR(recv(pair[1], text, 8, MSG_DONTWAIT), EAGAIN);
}

static socklen_t abstract(struct sockaddr_un *address, const char *name)
{
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	strcpy(address->sun_path + 1, name);
	return (socklen_t)(sizeof(address->sun_family) + 1 + strlen(name));
}

void datagrams_have_senders(void)
{
	struct sockaddr_un first, second, from;
	socklen_t first_length = abstract(&first, "first"), length = sizeof(from);
	socklen_t second_length = abstract(&second, "second");
	int a = socket(AF_UNIX, SOCK_DGRAM, 0), b = socket(AF_UNIX, SOCK_DGRAM, 0);
	char text[16];

	CHECK_ERROR(sendto(b, "x", 1, 0, (struct sockaddr *)&first, first_length), ECONNREFUSED);
	CHECK_EQ(bind(a, (struct sockaddr *)&first, first_length), 0);
	CHECK_ERROR(bind(b, (struct sockaddr *)&first, first_length), EADDRINUSE);
	CHECK_EQ(bind(b, (struct sockaddr *)&second, second_length), 0);
	CHECK_EQ(sendto(b, "hello", 5, 0, (struct sockaddr *)&first, first_length), 5);
	CHECK_EQ(recvfrom(a, text, 16, 0, (struct sockaddr *)&from, &length), 5);
	CHECK_EQ(length, second_length);
	CHECK(!memcmp(&from, &second, length));
	CHECK_EQ(connect(b, (struct sockaddr *)&first, first_length), 0);
	CHECK_EQ(send(b, "again", 5, 0), 5);
	CHECK_EQ(recv(a, text, 16, 0), 5);
}

static void be_a_client(const struct sockaddr_un *address, socklen_t length)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char byte;

	if (connect(fd, (const struct sockaddr *)address, length))
		_exit(1);
	if (write(fd, "hi", 2) != 2 || read(fd, &byte, 1) != 1)
		_exit(2);
	_exit(0);
}

static void serve_one(int listening)
{
	struct {
		pid_t pid;
		uid_t uid;
		gid_t gid;
	} peer = { 0, 5, 5 };
	socklen_t length = sizeof(peer);
	int fd = accept(listening, NULL, NULL), status;
	char text[8];

	CHECK(fd >= 0);
	CHECK_EQ(read(fd, text, 8), 2);
	CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length), 0);
	CHECK_EQ(peer.uid, 0);
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_EQ(wait(&status), peer.pid);
	CHECK_EQ(status, 0);
	CHECK_EQ(read(fd, text, 8), 0);
}

void connections_are_accepted(void)
{
	struct sockaddr_un address, told;
	socklen_t length = abstract(&address, "service"), told_length = sizeof(told);
	int listening = socket(AF_UNIX, SOCK_STREAM, 0);
	struct pollfd poll_fd = { listening, POLLIN, 0 };

	CHECK_EQ(bind(listening, (struct sockaddr *)&address, length), 0);
	CHECK_ERROR(accept(listening, NULL, NULL), EINVAL);
	CHECK_EQ(listen(listening, 4), 0);
	CHECK_EQ(getsockname(listening, (struct sockaddr *)&told, &told_length), 0);
	CHECK_EQ(told_length, length);
	CHECK_EQ(poll(&poll_fd, 1, 0), 0);
	if (!fork())
		be_a_client(&address, length);
	CHECK_EQ(poll(&poll_fd, 1, 100000), 1);
	serve_one(listening);
	CHECK_EQ(close(listening), 0);
	CHECK_SOON(connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, length) ==
		   -1);
	CHECK_EQ(errno, ECONNREFUSED);
}

static struct sockaddr_un file_address = { AF_UNIX, "/tmp/socket" };

static void connect_as_somebody_else(void)
{
	CHECK_EQ(setuid(1000), 0);
	CHECK_ERROR(connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&file_address,
			    sizeof(file_address)),
		    EACCES);
}

void sockets_of_files_are_found(void)
{
	int listening = socket(AF_UNIX, SOCK_STREAM, 0);
	struct stat stat_;

	CHECK_EQ(bind(listening, (struct sockaddr *)&file_address, sizeof(file_address)), 0);
	CHECK_EQ(stat("/tmp/socket", &stat_), 0);
	CHECK(S_ISSOCK(stat_.st_mode));
	CHECK_ERROR(bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&file_address,
			 sizeof(file_address)),
		    EADDRINUSE);
	CHECK_ERROR(open("/tmp/socket", O_RDWR), ENXIO);
	CHECK_EQ(listen(listening, 1), 0);
	if (!fork())
		be_a_client(&file_address, sizeof(file_address));
	serve_one(listening);
	CHECK_EQ(chmod("/tmp/socket", 0700), 0);
	CHECK_EQ(check_child(connect_as_somebody_else), 0);
	CHECK_EQ(close(listening), 0);
	CHECK_SOON(connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&file_address,
			   sizeof(file_address)) == -1);
	CHECK_EQ(errno, ECONNREFUSED);
	CHECK_EQ(unlink("/tmp/socket"), 0);
}

/* ---------------------------------------------------------------------------------- descriptors */

static ssize_t send_fds(int socket, const int *fds, int count)
{
	char control[CMSG_SPACE(FDS_MAX * sizeof(int))] = { 0 };
	struct iovec part = { "f", 1 };
	struct msghdr header = { .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = CMSG_SPACE((size_t)count * sizeof(int)) };
	struct cmsghdr *rights = CMSG_FIRSTHDR(&header);

	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
	memcpy(CMSG_DATA(rights), fds, (size_t)count * sizeof(int));
	return sendmsg(socket, &header, 0);
}

/* How many came, at most `room`. */
static int receive_fds(int socket, int *fds, int room, int *flags)
{
	char control[CMSG_SPACE(FDS_MAX * sizeof(int))] = { 0 }, byte;
	struct iovec part = { &byte, 1 };
	struct msghdr header = { .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = room ? CMSG_LEN((size_t)room * sizeof(int))
							: 0 };
	struct cmsghdr *rights;
	int count;

	CHECK_EQ(recvmsg(socket, &header, MSG_CMSG_CLOEXEC), 1);
	*flags = header.msg_flags;
	rights = CMSG_FIRSTHDR(&header);
	if (!rights)
		return 0;
	count = (int)((rights->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(fds, CMSG_DATA(rights), (size_t)count * sizeof(int));
	return count;
}

static int the_socket;

static void use_what_came(void)
{
	int fds[FDS_MAX], flags;
	struct stat stat;
	char text[8];

	CHECK_EQ(receive_fds(the_socket, fds, FDS_MAX, &flags), 5);
	CHECK_EQ(flags & MSG_CTRUNC, 0);
	CHECK_EQ(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
	CHECK_EQ(read(fds[0], text, 2), 2);
	CHECK(!memcmp(text, "45", 2));
	CHECK_EQ(fstat(fds[0], &stat), 0);
	CHECK_EQ(stat.st_size, 10);
	CHECK_EQ(write(fds[1], "from the child", 14), 14);
	CHECK(openat(fds[2], "passed", O_RDONLY) >= 0);
	CHECK_EQ(pread(fds[3], text, 4, 0), 4);
	CHECK(!memcmp(text, "mem", 4));
	CHECK_EQ(write(fds[4], "x", 1), 1);
}

void descriptors_travel(void)
{
	int pair[2], ends[2], fds[5], status;
	char text[32];
	pid_t child;

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	the_socket = pair[1];
	child = fork();
	if (!child)
		_exit(check_child(use_what_came) != 0);
	CHECK_EQ(pipe(ends), 0);
	fds[0] = open("/tmp/passed", O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK_EQ(write(fds[0], "0123456789", 10), 10);
	CHECK_EQ(lseek(fds[0], 4, SEEK_SET), 4);
	fds[1] = ends[1];
	fds[2] = open("/tmp", O_RDONLY | O_DIRECTORY);
	fds[3] = memfd_create("name", 0);
	CHECK_EQ(write(fds[3], "mem", 4), 4);
	fds[4] = open("/dev/null", O_RDWR);
	CHECK_EQ(send_fds(pair[0], fds, 5), 1);
	CHECK_EQ(read(ends[0], text, 32), 14);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	CHECK_EQ(lseek(fds[0], 0, SEEK_CUR), 6);
	CHECK_ERROR(send_fds(pair[0], (int[]){ 99 }, 1), EBADF);
}

void descriptors_that_nobody_takes_are_closed(void)
{
	int pair[2], ends[2], fds[FDS_MAX], flags;
	struct pollfd poll_fd = { .events = POLLIN };
	char byte;

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(pipe(ends), 0);
		poll_fd.fd = ends[0];
		CHECK_EQ(send_fds(pair[0], (int[]){ ends[1], ends[1] }, 2), 1);
		CHECK_EQ(close(ends[1]), 0);
		CHECK_EQ(poll(&poll_fd, 1, 5), 0);
		if (i == 0) {
			CHECK_EQ(read(pair[1], &byte, 1), 1);
		} else if (i == 1) {
			CHECK_EQ(receive_fds(pair[1], fds, 1, &flags), 1);
			CHECK(flags & MSG_CTRUNC);
			CHECK_EQ(close(fds[0]), 0);
		} else {
			CHECK_EQ(close(pair[1]), 0);
		}
		CHECK_EQ(poll(&poll_fd, 1, 100000), 1);
		CHECK_EQ(poll_fd.revents, POLLHUP);
	}
}
