/* What several threads do at the same time: signals, descriptors, fork and exec among each other. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "tests/posix/family.h"

#define SELF "/tests/races"
#define POLLS 150
#define LINES 150
#define PROGRAMS 30
#define PATIENCE 20000 /* milliseconds: nobody waits so long for what was only put off */

static volatile sig_atomic_t count;

static void on_signal(int number)
{
	(void)number;
	count++;
}

static void block(int how, int number)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	pthread_sigmask(how, &set, NULL);
}

/* ------------------------------------------------------------------------------------ signals */

static atomic_bool is_over;

/* Signals for the thread, one after the other, until the test is over. */
static void *send_signals(void *thread)
{
	block(SIG_BLOCK, SIGUSR1);
	while (!is_over) {
		pthread_kill(*(pthread_t *)thread, SIGUSR1);
		for (volatile int i = 0; i < 300; i++)
			;
	}
	return NULL;
}

static struct sockaddr_un abstract(const char *name, socklen_t *length)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strcpy(address.sun_path + 1, name);
	*length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
	return address;
}

static int server_of(int type, const char *name)
{
	int fd = socket(AF_UNIX, type, 0);
	socklen_t length;
	struct sockaddr_un address = abstract(name, &length);

	CHECK_EQ(bind(fd, (void *)&address, length), 0);
	return fd;
}

/* Waiting calls may be interrupted before they have begun; they are made again then. */
#define AGAIN(result, call)                                                                        \
	do                                                                                         \
		result = (call);                                                                   \
	while (result < 0 && errno == EINTR)

static void ask_once(int pipe_end, int listening)
{
	struct stat stat;

	CHECK_EQ(fcntl(pipe_end, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	CHECK_EQ(fstat(pipe_end, &stat), 0);
	CHECK(S_ISFIFO(stat.st_mode));
	CHECK_EQ(listen(listening, 5), 0);
	CHECK_EQ(fcntl(pipe_end, F_GETPIPE_SZ), 65536);
}

static void connect_once(int listening)
{
	int client = socket(AF_UNIX, SOCK_STREAM, 0), server, result;
	socklen_t length, told = sizeof(struct sockaddr_un);
	struct sockaddr_un address = abstract("race-stream", &length), peer;

	AGAIN(result, connect(client, (void *)&address, length));
	CHECK_EQ(result, 0);
	AGAIN(server, accept4(listening, (void *)&peer, &told, SOCK_NONBLOCK));
	CHECK(server >= 0);
	CHECK_EQ(fcntl(server, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	CHECK_EQ(write(client, "x", 1), 1); /* does not wait: there is room */
	AGAIN(result, (int)read(server, &told, 1));
	CHECK_EQ(result, 1);
	close(client);
	close(server);
}

static void send_once(int socket)
{
	socklen_t length, told = sizeof(struct sockaddr_un);
	struct sockaddr_un address = abstract("race-datagram", &length), sender;
	char byte = 0;
	int result;

	AGAIN(result, (int)sendto(socket, "y", 1, 0, (void *)&address, length));
	CHECK_EQ(result, 1);
	AGAIN(result, (int)recvfrom(socket, &byte, 1, MSG_DONTWAIT, (void *)&sender, &told));
	CHECK_EQ(result, 1);
	CHECK_EQ(byte, 'y');
	CHECK_EQ(told, length);
}

static void questions_are_not_interrupted(void)
{
	int listening = server_of(SOCK_STREAM, "race-stream"), ends[2];
	int socket = server_of(SOCK_DGRAM, "race-datagram");
	pthread_t self = pthread_self(), thread;

	handle(SIGUSR1, on_signal, 0);
	CHECK_EQ(pipe2(ends, O_NONBLOCK), 0);
	CHECK_EQ(listen(listening, 5), 0);
	CHECK_EQ(pthread_create(&thread, NULL, send_signals, &self), 0);
	for (int i = 0; i < 400; i++) {
		ask_once(ends[0], listening);
		if (i % 4 == 0)
			connect_once(listening);
		send_once(socket);
	}
	is_over = true;
	pthread_join(thread, NULL);
}

/* The process's signal goes to whoever takes it, though the thread that was told of it blocks it by then. */

static void *take_signals(void *unused)
{
	int ends[2];
	char byte;

	CHECK_EQ(pipe(ends), 0);
	while (!is_over)
		read(ends[0], &byte, 1);
	return unused;
}

/* Two that look at each other's words need a hart each; on a single one every round takes a time slice. */
static int rounds(int many)
{
	return sysconf(_SC_NPROCESSORS_ONLN) > 1 ? many : 5;
}

static pid_t child_that_sends(_Atomic int *asked, int number)
{
	pid_t parent = getpid(), pid = fork();

	for (int sent = 0; !pid && sent >= 0;) {
		int now = *asked;

		if (now < 0)
			_exit(0);
		if (now > sent)
			kill(parent, number);
		sent = now;
	}
	return pid;
}

static void *shared_page(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static bool comes_to(int value)
{
	uint64_t end = now_ms() + PATIENCE;

	while (count < value && now_ms() < end)
		;
	return count >= value;
}

static void blocking_passes_signals_on(void)
{
	_Atomic int *asked = shared_page();
	pid_t pid = child_that_sends(asked, SIGUSR1);
	pthread_t thread;

	handle(SIGUSR1, on_signal, 0);
	CHECK_EQ(pthread_create(&thread, NULL, take_signals, NULL), 0);
	for (int i = 1; i <= rounds(500); i++) {
		block(SIG_UNBLOCK, SIGUSR1);
		*asked = i;
		for (volatile int j = 0; j < i % 400 * 4; j++)
			;
		block(SIG_BLOCK, SIGUSR1);
		if (!comes_to(i)) {
			CHECK_EQ(count, i);
			break;
		}
	}
	*asked = -1;
	reap(pid);
	is_over = true;
}

/* One that comes while a handler returns is not put off until the program makes a call. */
static void returns_of_handlers_lose_nothing(void)
{
	_Atomic int *asked = shared_page();
	pid_t pid;

	handle(SIGRTMIN, on_signal, 0);
	pid = child_that_sends(asked, SIGRTMIN);
	for (int i = 1; i <= rounds(300); i++) {
		uint64_t end;

		*asked = i;
		for (long turns = 0; count < i && turns < 2000000000; turns++)
			;
		if (count < i) {
			CHECK_EQ(count, i);
			break;
		}
		end = (uint64_t)i % 64;
		while (end--)
			__asm__ volatile("");
	}
	*asked = -1;
	reap(pid);
}

static void send_many(int number, int times)
{
	pid_t parent = getpid();

	if (fork())
		return;
	/* Where the other has no time to take them they are too many for a moment. */
	for (int i = 0; i < times; i++)
		while (sigqueue(parent, number, (union sigval){ .sival_int = i }))
			if (errno == EAGAIN)
				nap(1);
			else
				_exit(1);
	_exit(0);
}

/* More than emu keeps itself: what stays with the server is fetched in the end. */
static void queued_signals_are_all_delivered(void)
{
	const int times = 1500;
	int status;

	handle(SIGRTMIN, on_signal, 0);
	block(SIG_BLOCK, SIGRTMIN);
	send_many(SIGRTMIN, times);
	CHECK(wait(&status) > 0);
	CHECK_EQ(status, 0);
	block(SIG_UNBLOCK, SIGRTMIN);
	CHECK_SOON(count == times);
}

/* -------------------------------------------------------------------------------- descriptors */

static pthread_barrier_t barrier;

struct waiting {
	int fd;
	long result;
};

static void *poll_often(void *argument)
{
	struct waiting *waiting = argument;

	for (int i = 0; i < POLLS; i++) {
		struct pollfd fd = { .fd = waiting->fd, .events = POLLIN };

		pthread_barrier_wait(&barrier);
		waiting->result += poll(&fd, 1, PATIENCE);
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

/* Each has a poller of its own, which changes from round to round. */
static void polls_of_several_threads_all_end(void)
{
	pthread_t threads[3];
	struct waiting waiting[3];
	int ends[2];
	char byte;

	CHECK_EQ(pipe(ends), 0);
	pthread_barrier_init(&barrier, NULL, 4);
	for (int i = 0; i < 3; i++) {
		waiting[i] = (struct waiting){ ends[0], 0 };
		CHECK_EQ(pthread_create(&threads[i], NULL, poll_often, &waiting[i]), 0);
	}
	for (int i = 0; i < POLLS; i++) {
		pthread_barrier_wait(&barrier);
		for (volatile int j = 0; j < i % 100 * 100; j++)
			;
		CHECK_EQ(write(ends[1], "x", 1), 1);
		pthread_barrier_wait(&barrier);
		CHECK_EQ(read(ends[0], &byte, 1), 1);
	}
	for (int i = 0; i < 3; i++) {
		pthread_join(threads[i], NULL);
		CHECK_EQ(waiting[i].result, POLLS);
	}
}

static void *close_again(void *fd)
{
	pthread_barrier_wait(&barrier);
	close(*(int *)fd);
	return NULL;
}

static void epoll_keeps_nothing_that_is_closed(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT }, told[8];
	int instance = epoll_create1(0);

	pthread_barrier_init(&barrier, NULL, 2);
	for (int i = 0; i < 200; i++) {
		pthread_t thread;
		int ends[2];

		CHECK_EQ(pipe(ends), 0);
		CHECK_EQ(pthread_create(&thread, NULL, close_again, &ends[1]), 0);
		pthread_barrier_wait(&barrier);
		epoll_ctl(instance, EPOLL_CTL_ADD, ends[1], &event);
		pthread_join(thread, NULL);
		close(ends[0]);
		CHECK_EQ(epoll_wait(instance, told, 8, 0), 0);
	}
}

/* Both ways at once: one of the two would close a circle. */
static void *nest(void *pair)
{
	struct epoll_event event = { .events = EPOLLIN };
	int *instances = pair;

	pthread_barrier_wait(&barrier);
	return (void *)(intptr_t)epoll_ctl(instances[0], EPOLL_CTL_ADD, instances[1], &event);
}

static void epoll_instances_make_no_circle(void)
{
	struct epoll_event told;

	pthread_barrier_init(&barrier, NULL, 2);
	for (int i = 0; i < 200; i++) {
		int one[2] = { epoll_create1(0), epoll_create1(0) }, other[2] = { one[1], one[0] };
		pthread_t thread;
		void *result;
		intptr_t own;

		CHECK_EQ(pthread_create(&thread, NULL, nest, other), 0);
		own = (intptr_t)nest(one);
		pthread_join(thread, &result);
		CHECK_EQ(own + (intptr_t)result, -1);
		CHECK_EQ(epoll_wait(one[0], &told, 1, 0), 0);
		close(one[0]);
		close(one[1]);
	}
}

/* ------------------------------------------------------------------------------ fork and exec */

static void *write_on(void *fd)
{
	char bytes[512] = { 0 };

	for (;;)
		if (write(*(int *)fd, bytes, sizeof(bytes)) < 0 || lseek(*(int *)fd, 0, SEEK_SET))
			_exit(1);
	return NULL;
}

/* The thread dies in the middle of a write; the new program can write all the same. */
static void exec_while_a_file_is_written(void)
{
	for (int i = 0; i < 10; i++) {
		int fd = open("/tmp/race", O_CREAT | O_TRUNC | O_RDWR, 0600), status;
		char number[16];
		pid_t pid = fork();
		pthread_t thread;

		if (!pid) {
			int own = open("/tmp/race", O_RDWR);

			snprintf(number, sizeof(number), "%d", own);
			pthread_create(&thread, NULL, write_on, &own);
			usleep(1000 + i * 37);
			execl(SELF, SELF, "write", number, NULL);
			_exit(2);
		}
		for (int tries = 0; waitpid(pid, &status, WNOHANG) == 0; tries++) {
			if (tries < PATIENCE / 5) {
				nap(5);
				continue;
			}
			kill(pid, SIGKILL);
		}
		CHECK_EQ(status, 42 << 8);
		close(fd);
	}
	unlink("/tmp/race");
}

/* A pipe that this thread alone knows ends when it closes it. */
static void *end_pipes(void *failures)
{
	while (!is_over) {
		struct pollfd fd = { .events = 0 };
		int ends[2];

		pipe2(ends, O_CLOEXEC);
		close(ends[1]);
		fd.fd = ends[0];
		if (poll(&fd, 1, 2 * PATIENCE) != 1)
			++*(int *)failures;
		close(ends[0]);
	}
	return NULL;
}

static void programs_have_nothing_of_other_threads(void)
{
	pid_t pids[PROGRAMS];
	pthread_t thread;
	int failures = 0;

	CHECK_EQ(pthread_create(&thread, NULL, end_pipes, &failures), 0);
	for (int i = 0; i < PROGRAMS; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			execl(SELF, SELF, "sleep", NULL);
			_exit(1);
		}
	}
	nap(500);
	is_over = true;
	pthread_join(thread, NULL);
	CHECK_EQ(failures, 0);
	for (int i = 0; i < PROGRAMS; i++) {
		kill(pids[i], SIGKILL);
		reap(pids[i]);
	}
}

static void put_lines(int fd, char letter)
{
	char text[100];
	struct iovec parts[2] = { { text, sizeof(text) }, { "\n", 1 } };

	memset(text, letter, sizeof(text));
	for (int i = 0; i < LINES; i++)
		CHECK_EQ(writev(fd, parts, 2), sizeof(text) + 1);
}

/* A vector is written in one piece, where others write as well. */
static void lines_are_not_mixed(void)
{
	static const int flags[] = { O_APPEND, 0 };

	for (int round = 0; round < 2; round++) {
		int fd = open("/tmp/lines", O_CREAT | O_TRUNC | O_RDWR | flags[round], 0600);
		pid_t pid = fork();
		char line[101];

		put_lines(fd, pid ? 'a' : 'b');
		if (!pid)
			_exit(0);
		reap(pid);
		CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
		for (int i = 0; i < 2 * LINES; i++) {
			CHECK_EQ(read(fd, line, sizeof(line)), sizeof(line));
			CHECK(line[0] == line[99] && line[100] == '\n');
		}
		close(fd);
	}
	unlink("/tmp/lines");
}

static int target(char **argv)
{
	if (!strcmp(argv[1], "write"))
		return write(atoi(argv[2]), "x", 1) == 1 && pwrite(atoi(argv[2]), "y", 1, 0) == 1
			       ? 42
			       : 1;
	sleep(1000); /* whoever waits for its end has waited in vain */
	return 0;
}

static const struct test tests[] = {
	{ "questions_are_not_interrupted", questions_are_not_interrupted },
	{ "blocking_passes_signals_on", blocking_passes_signals_on },
	{ "returns_of_handlers_lose_nothing", returns_of_handlers_lose_nothing },
	{ "queued_signals_are_all_delivered", queued_signals_are_all_delivered },
	{ "polls_of_several_threads_all_end", polls_of_several_threads_all_end },
	{ "epoll_keeps_nothing_that_is_closed", epoll_keeps_nothing_that_is_closed },
	{ "epoll_instances_make_no_circle", epoll_instances_make_no_circle },
	{ "exec_while_a_file_is_written", exec_while_a_file_is_written },
	{ "programs_have_nothing_of_other_threads", programs_have_nothing_of_other_threads },
	{ "lines_are_not_mixed", lines_are_not_mixed },
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return argc > 1 ? target(argv) : check_run(tests);
}
