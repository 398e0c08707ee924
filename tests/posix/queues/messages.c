#include "queues.h"

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>

#define MANY 2000
#define LEVELS 7
#define LARGE 300000

static char receive_one(mqd_t queue)
{
	char byte = 0;

	CHECK_EQ(mq_receive(queue, &byte, 1, NULL), 1);
	return byte;
}

static struct timespec in_ms(long milliseconds)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	time.tv_nsec += milliseconds % 1000 * 1000000;
	time.tv_sec += milliseconds / 1000 + time.tv_nsec / 1000000000;
	time.tv_nsec %= 1000000000;
	return time;
}

void priorities_go_first(void)
{
	static const unsigned int priorities[] = { 3, 0, 32767, 3, 0, 1 };
	static const char order[] = "cadfbe";
	mqd_t queue = make_queue(6, 1);
	unsigned int priority;
	char byte;

	for (int i = 0; i < 6; i++)
		CHECK_EQ(mq_send(queue, &"abcdef"[i], 1, priorities[i]), 0);
	CHECK_EQ(count_of(queue), 6);
	for (int i = 0; i < 6; i++) {
		CHECK_EQ(mq_receive(queue, &byte, 1, &priority), 1);
		CHECK_EQ(byte, order[i]);
		CHECK_EQ(priority, priorities[order[i] - 'a']);
	}
	CHECK_EQ(count_of(queue), 0);
}

/* A queue of many: for each priority what was sent first comes first. */
void many_messages_keep_their_order(void)
{
	int next[LEVELS] = { 0 }, sent[LEVELS] = { 0 }, number;
	mqd_t queue = make_queue(MANY, sizeof(number));
	unsigned int priority, last = LEVELS;
	uint32_t random = 1;

	for (int i = 0; i < MANY; i++) {
		random = random * 1103515245 + 12345;
		priority = random >> 16 & 0x7fff;
		priority %= LEVELS;
		number = sent[priority]++;
		CHECK_EQ(mq_send(queue, (char *)&number, sizeof(number), priority), 0);
	}
	for (int i = 0; i < MANY; i++) {
		CHECK_EQ(mq_receive(queue, (char *)&number, sizeof(number), &priority),
			 sizeof(number));
		CHECK(priority <= last);
		CHECK_EQ(number, next[priority]++);
		last = priority;
	}
}

void messages_of_all_lengths(void)
{
	static const size_t lengths[] = { 0, 1, 39, 40, 41, 4096, 8191, 8192, 200000, LARGE };
	mqd_t queue = make_queue(2, LARGE);
	char *sent = malloc(LARGE), *got = malloc(LARGE);

	for (size_t i = 0; i < LARGE; i++)
		sent[i] = (char)(i * 7 + i / 256);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		memset(got, 0, LARGE);
		CHECK_EQ(mq_send(queue, sent, lengths[i], 0), 0);
		CHECK_EQ(mq_receive(queue, got, LARGE, NULL), lengths[i]);
		CHECK(!memcmp(sent, got, lengths[i]));
	}
	CHECK_ERROR(mq_send(queue, sent, LARGE + 1, 0), EMSGSIZE);
	CHECK_ERROR(mq_receive(queue, got, LARGE - 1, NULL), EMSGSIZE);
}

void wrong_arguments(void)
{
	const struct timespec wrong = { 0, 1000000000 }, negative = { -1, 0 };
	mqd_t queue = make_queue(1, 10);
	char bytes[100] = { 0 };
	int file = open("/tmp", O_RDONLY);

	CHECK_ERROR(mq_send(queue, bytes, 11, 0), EMSGSIZE);
	CHECK_ERROR(mq_send(queue, bytes, SIZE_MAX, 0), EMSGSIZE);
	CHECK_ERROR(mq_receive(queue, bytes, 9, NULL), EMSGSIZE);
	CHECK_ERROR(mq_send(queue, bytes, 1, 32768), EINVAL);
	CHECK_ERROR(mq_send(queue, (char *)16, 1, 0), EFAULT);
	CHECK_ERROR(mq_send(file, bytes, 1, 0), EBADF);
	CHECK_ERROR(mq_send(-1, bytes, 1, 0), EBADF);
	CHECK_ERROR(mq_receive(file, bytes, 100, NULL), EBADF);
	CHECK_ERROR(mq_receive(99, bytes, 100, NULL), EBADF);
	/* Times are looked at whether they are needed or not, as Linux does. */
	CHECK_ERROR(mq_timedsend(queue, bytes, 1, 0, &wrong), EINVAL);
	CHECK_ERROR(mq_timedsend(queue, bytes, 1, 0, &negative), EINVAL);
	CHECK_ERROR(mq_timedreceive(queue, bytes, 100, NULL, &wrong), EINVAL);
	CHECK_ERROR(mq_timedsend(queue, bytes, 1, 0, (struct timespec *)16), EFAULT);
	CHECK_EQ(count_of(queue), 0);
	CHECK_EQ(mq_send(queue, bytes, 10, 0), 0);
	CHECK_ERROR(mq_receive(queue, (char *)16, 100, NULL), EFAULT);
}

void access_modes(void)
{
	mqd_t reader = mq_open(NAME, O_CREAT | O_RDONLY, 0600, NULL);
	mqd_t writer = mq_open(NAME, O_WRONLY);
	char bytes[8192];

	CHECK_EQ(mq_unlink(NAME), 0);
	CHECK_ERROR(mq_send(reader, bytes, 1, 0), EBADF);
	CHECK_ERROR(mq_receive(writer, bytes, sizeof(bytes), NULL), EBADF);
	CHECK_EQ(mq_send(writer, "x", 1, 0), 0);
	CHECK_EQ(mq_receive(reader, bytes, sizeof(bytes), NULL), 1);
}

void queues_that_do_not_wait(void)
{
	struct mq_attr attributes = { .mq_flags = O_NONBLOCK, .mq_maxmsg = 99 }, old;
	const struct timespec later = in_ms(60000);
	mqd_t queue = make_queue(1, 1), twin = dup(queue);
	char byte;

	CHECK_EQ(mq_setattr(queue, &attributes, &old), 0);
	CHECK_EQ(old.mq_flags, 0);
	CHECK_EQ(mq_getattr(twin, &old), 0);
	CHECK_EQ(old.mq_flags, O_NONBLOCK);
	CHECK_EQ(old.mq_maxmsg, 1);
	CHECK_EQ(fcntl(twin, F_GETFL), O_RDWR | O_NONBLOCK);
	CHECK_ERROR(mq_receive(queue, &byte, 1, NULL), EAGAIN);
	CHECK_ERROR(mq_timedreceive(queue, &byte, 1, NULL, &later), EAGAIN);
	CHECK_EQ(mq_send(twin, "a", 1, 0), 0);
	CHECK_ERROR(mq_send(queue, "b", 1, 0), EAGAIN);
	CHECK_ERROR(mq_timedsend(queue, "b", 1, 0, &later), EAGAIN);
	CHECK_EQ(receive_one(queue), 'a');
	CHECK_EQ(fcntl(twin, F_SETFL, 0), 0);
	CHECK_EQ(mq_getattr(queue, &old), 0);
	CHECK_EQ(old.mq_flags, 0);
}

void deadlines_end_waits(void)
{
	const struct timespec past = { 1, 0 };
	mqd_t queue = make_queue(1, 1);
	uint64_t start_ms = now_ms();
	struct timespec soon = in_ms(40);
	char byte;

	CHECK_ERROR(mq_timedreceive(queue, &byte, 1, NULL, &past), ETIMEDOUT);
	CHECK_ERROR(mq_timedreceive(queue, &byte, 1, NULL, &soon), ETIMEDOUT);
	CHECK(now_ms() - start_ms >= 39);
	CHECK_EQ(mq_timedsend(queue, "a", 1, 0, &past), 0);
	CHECK_ERROR(mq_timedsend(queue, "b", 1, 0, &past), ETIMEDOUT);
	start_ms = now_ms();
	soon = in_ms(20);
	CHECK_ERROR(mq_timedsend(queue, "b", 1, 0, &soon), ETIMEDOUT);
	CHECK(now_ms() - start_ms >= 19);
	CHECK_EQ(mq_timedreceive(queue, &byte, 1, NULL, &past), 1);
	CHECK_EQ(byte, 'a');
	CHECK_EQ(count_of(queue), 0);
}

static void send_later(mqd_t queue)
{
	check_settle();
	CHECK_EQ(mq_send(queue, "later", 5, 3), 0);
}

void receivers_wait(void)
{
	const struct timespec later = in_ms(60000);
	mqd_t queue = make_queue(1, 5000);
	unsigned int priority;
	char bytes[5000];
	pid_t child = start(send_later, queue);

	CHECK_EQ(mq_receive(queue, bytes, sizeof(bytes), &priority), 5);
	CHECK(!memcmp(bytes, "later", 5));
	CHECK_EQ(priority, 3);
	CHECK_EQ(reap(child), 0);
	child = start(send_later, queue);
	CHECK_EQ(mq_timedreceive(queue, bytes, sizeof(bytes), NULL, &later), 5);
	CHECK_EQ(reap(child), 0);
}

static void receive_later(mqd_t queue)
{
	check_settle();
	CHECK_EQ(receive_one(queue), 'a');
}

void senders_wait(void)
{
	mqd_t queue = make_queue(1, 1);
	pid_t child;

	CHECK_EQ(mq_send(queue, "a", 1, 0), 0);
	child = start(receive_later, queue);
	CHECK_EQ(mq_send(queue, "b", 1, 0), 0);
	CHECK_EQ(reap(child), 0);
	CHECK_EQ(receive_one(queue), 'b');
}

static void note(int number)
{
	(void)number;
}

static void interrupt_later(mqd_t queue)
{
	(void)queue;
	check_settle();
	kill(getppid(), SIGUSR1);
}

void waits_are_interrupted(void)
{
	const struct timespec later = in_ms(60000);
	mqd_t queue = make_queue(1, 1);
	pid_t child;
	char byte;

	handle(SIGUSR1, note, 0);
	child = start(interrupt_later, queue);
	CHECK_ERROR(mq_receive(queue, &byte, 1, NULL), EINTR);
	reap(child);
	child = start(interrupt_later, queue);
	CHECK_ERROR(mq_timedreceive(queue, &byte, 1, NULL, &later), EINTR);
	reap(child);
	CHECK_EQ(mq_send(queue, "a", 1, 0), 0);
	child = start(interrupt_later, queue);
	CHECK_ERROR(mq_send(queue, "b", 1, 0), EINTR);
	reap(child);
	CHECK_EQ(receive_one(queue), 'a');
	CHECK_EQ(count_of(queue), 0);
}

static void interrupt_and_send(mqd_t queue)
{
	interrupt_later(queue);
	check_settle();
	CHECK_EQ(mq_send(queue, "r", 1, 0), 0);
}

void waits_are_restarted(void)
{
	mqd_t queue = make_queue(1, 1);
	pid_t child;

	handle(SIGUSR1, note, SA_RESTART);
	child = start(interrupt_and_send, queue);
	CHECK_EQ(receive_one(queue), 'r');
	CHECK_EQ(reap(child), 0);
}

static void *receive_for_ever(void *queue)
{
	char byte;

	mq_receive(*(mqd_t *)queue, &byte, 1, NULL);
	return NULL;
}

void waits_are_cancelled(void)
{
	mqd_t queue = make_queue(1, 1);
	pthread_t thread;
	void *result;

	CHECK_EQ(pthread_create(&thread, NULL, receive_for_ever, &queue), 0);
	check_settle();
	CHECK_EQ(pthread_cancel(thread), 0);
	CHECK_EQ(pthread_join(thread, &result), 0);
	CHECK(result == PTHREAD_CANCELED);
	CHECK_EQ(mq_send(queue, "a", 1, 0), 0);
	CHECK_EQ(receive_one(queue), 'a');
}

static void receive_into_status(mqd_t queue)
{
	_exit(receive_one(queue));
}

void first_come_first_served(void)
{
	mqd_t queue = make_queue(4, 1);
	pid_t children[3];

	for (int i = 0; i < 3; i++) {
		children[i] = start(receive_into_status, queue);
		check_settle();
	}
	CHECK_EQ(mq_send(queue, "a", 1, 0), 0);
	CHECK_EQ(mq_send(queue, "b", 1, 9), 0);
	CHECK_EQ(mq_send(queue, "c", 1, 0), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(WEXITSTATUS(reap(children[i])), 'a' + i);
}

static void send_second(mqd_t queue)
{
	CHECK_EQ(mq_send(queue, "b", 1, 0), 0);
}

void killed_waiters_take_nothing(void)
{
	mqd_t queue = make_queue(1, 1);
	pid_t child = start(receive_into_status, queue);

	check_settle();
	kill(child, SIGKILL);
	reap(child);
	CHECK_EQ(mq_send(queue, "a", 1, 0), 0);
	CHECK_EQ(count_of(queue), 1);
	child = start(send_second, queue);
	check_settle();
	kill(child, SIGKILL);
	reap(child);
	CHECK_EQ(receive_one(queue), 'a');
	CHECK_EQ(count_of(queue), 0);
}

static int poll_one(mqd_t queue, int timeout)
{
	struct pollfd entry = { .fd = queue, .events = POLLIN | POLLOUT };

	CHECK(poll(&entry, 1, timeout) >= 0);
	return entry.revents;
}

void poll_tells_of_queues(void)
{
	struct timeval none = { 0, 0 };
	mqd_t queue = make_queue(2, 5);
	struct pollfd entry = { .fd = queue, .events = POLLIN };
	pid_t child;
	fd_set set;

	CHECK_EQ(poll_one(queue, 0), POLLOUT);
	CHECK_EQ(mq_send(queue, "a", 1, 0), 0);
	CHECK_EQ(poll_one(queue, 0), POLLIN | POLLOUT);
	CHECK_EQ(mq_send(queue, "b", 1, 0), 0);
	CHECK_EQ(poll_one(queue, 0), POLLIN);
	FD_ZERO(&set);
	FD_SET(queue, &set);
	CHECK_EQ(select(queue + 1, &set, NULL, NULL, &none), 1);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(mq_receive(queue, (char[5]){ 0 }, 5, NULL), 1);
	CHECK_EQ(poll(&entry, 1, 0), 0);
	child = start(send_later, queue);
	CHECK_EQ(poll(&entry, 1, -1), 1);
	CHECK_EQ(entry.revents, POLLIN);
	CHECK_EQ(reap(child), 0);
}

void epoll_tells_of_queues(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.fd = 5 };
	int epoll = epoll_create1(0);
	mqd_t queue = make_queue(3, 5);
	pid_t child;

	CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, queue, &event), 0);
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 0);
	child = start(send_later, queue);
	CHECK_EQ(epoll_wait(epoll, &event, 1, -1), 1);
	CHECK_EQ(event.events, EPOLLIN);
	CHECK_EQ(event.data.fd, 5);
	CHECK_EQ(reap(child), 0);
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 0);
}

/* Pages that nobody has touched yet, on both sides, and one that is not there. */
void absent_pages(void)
{
	const int protection = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS;
	char *from = mmap(NULL, 4 * 4096, protection, flags, -1, 0);
	char *to = mmap(NULL, 4 * 4096, protection, flags, -1, 0);
	mqd_t queue = make_queue(1, 8192);
	pid_t child;

	CHECK_EQ(mq_send(queue, from + 2048, 8192, 0), 0);
	CHECK_EQ(mq_receive(queue, to + 2048, 8192, NULL), 8192);
	CHECK_EQ(munmap(from + 4096, 4096), 0);
	CHECK_ERROR(mq_send(queue, from + 2048, 8192, 0), EFAULT);
	CHECK_EQ(count_of(queue), 0);
	/* To a receiver that waits. */
	to = mmap(NULL, 4 * 4096, protection, flags, -1, 0);
	child = start(send_later, queue);
	CHECK_EQ(mq_receive(queue, to, 8192, NULL), 5);
	CHECK_EQ(reap(child), 0);
	CHECK(!memcmp(to, "later", 5));
}
