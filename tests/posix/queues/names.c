#include "queues.h"

#include <grp.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define USER 1000
#define OTHER 1001
#define GROUP 50
#define BYTES 819200l /* of a user */
#define MESSAGE 96l   /* bytes that each costs beside its own */

static const struct mq_attr small = { .mq_maxmsg = 1, .mq_msgsize = 1 };

static mqd_t create(const char *name, int flags, mode_t mode)
{
	struct mq_attr attributes = small;

	return mq_open(name, O_CREAT | flags, mode, &attributes);
}

void queues_are_found_by_name(void)
{
	mqd_t queue, again;
	char byte = 0;

	CHECK_ERROR(mq_open(NAME, O_RDWR), ENOENT);
	queue = create(NAME, O_RDWR, 0600);
	CHECK(queue >= 0);
	CHECK_ERROR(create(NAME, O_EXCL | O_RDWR, 0600), EEXIST);
	again = mq_open("queue", O_RDONLY);
	CHECK(again >= 0 && again != queue);
	CHECK_EQ(mq_send(queue, "x", 1, 0), 0);
	CHECK_EQ(mq_receive(again, &byte, 1, NULL), 1);
	CHECK_EQ(byte, 'x');
	CHECK_EQ(mq_close(again), 0);
	CHECK_ERROR(mq_close(again), EBADF);
	CHECK_EQ(mq_close(queue), 0);
	CHECK_EQ(mq_unlink(NAME), 0);
	CHECK_ERROR(mq_unlink(NAME), ENOENT);
}

void wrong_names_and_flags(void)
{
	char name[260] = "/";

	memset(name + 1, 'n', 255);
	CHECK(create(name, O_RDWR, 0600) >= 0);
	CHECK_EQ(mq_unlink(name), 0);
	name[256] = 'n';
	CHECK_ERROR(create(name, O_RDWR, 0600), ENAMETOOLONG);
	CHECK_ERROR(mq_unlink(name), ENAMETOOLONG);
	CHECK_ERROR(create("/", O_RDWR, 0600), ENOENT);
	CHECK_ERROR(create("/a/b", O_RDWR, 0600), EACCES);
	CHECK_ERROR(create("//a", O_RDWR, 0600), EACCES);
	CHECK_ERROR(create("/.", O_RDWR, 0600), EACCES);
	CHECK_ERROR(create("/..", O_RDWR, 0600), EACCES);
	CHECK_ERROR(mq_unlink("/a/b"), EACCES);
	CHECK_ERROR(create("/a", O_ACCMODE, 0600), EINVAL);
	CHECK_ERROR(syscall(SYS_mq_open, 16, O_RDWR), EFAULT);
	CHECK_ERROR(syscall(SYS_mq_unlink, 16), EFAULT);
	CHECK_ERROR(mq_open("/a", O_CREAT | O_RDWR, 0600, (struct mq_attr *)16), EFAULT);
	CHECK_ERROR(mq_unlink("/a"), ENOENT);
}

static void check_attributes(long capacity, long size, int error)
{
	struct mq_attr attributes = { .mq_maxmsg = capacity, .mq_msgsize = size };
	mqd_t queue = mq_open(NAME, O_CREAT | O_RDWR | O_NONBLOCK, 0600, &attributes);

	if (error) {
		CHECK_EQ(queue, -1);
		CHECK_EQ(errno, error);
		return;
	}
	CHECK_EQ(mq_getattr(queue, &attributes), 0);
	CHECK_EQ(attributes.mq_flags, O_NONBLOCK);
	CHECK_EQ(attributes.mq_maxmsg, capacity);
	CHECK_EQ(attributes.mq_msgsize, size);
	CHECK_EQ(attributes.mq_curmsgs, 0);
	CHECK_EQ(mq_close(queue), 0);
	CHECK_EQ(mq_unlink(NAME), 0);
}

void attributes_and_their_limits(void)
{
	struct mq_attr attributes, wrong = { .mq_flags = O_NONBLOCK | O_APPEND };
	mqd_t queue = mq_open(NAME, O_CREAT | O_RDWR, 0600, NULL);

	CHECK_EQ(mq_getattr(queue, &attributes), 0);
	CHECK_EQ(attributes.mq_maxmsg, 10);
	CHECK_EQ(attributes.mq_msgsize, 8192);
	CHECK_EQ(attributes.mq_flags, 0);
	CHECK_ERROR(mq_setattr(queue, &wrong, NULL), EINVAL);
	CHECK_ERROR(mq_getattr(queue, (struct mq_attr *)16), EFAULT);
	CHECK_ERROR(mq_getattr(0, &attributes), EBADF);
	CHECK_EQ(mq_unlink(NAME), 0);
	CHECK_EQ(mq_close(queue), 0);
	check_attributes(0, 10, EINVAL);
	check_attributes(10, 0, EINVAL);
	check_attributes(-1, 10, EINVAL);
	check_attributes(10, -1, EINVAL);
	check_attributes(65537, 1, EINVAL);
	check_attributes(1, (16 << 20) + 1, EINVAL);
	check_attributes(4000, 100, 0);
	check_attributes(2, 300000, 0);
	CHECK_EQ(setuid(USER), 0);
	check_attributes(11, 1, EINVAL);
	check_attributes(1, 8193, EINVAL);
	check_attributes(10, 8192, 0);
}

void unlinked_queues_live_on(void)
{
	mqd_t old = create(NAME, O_RDWR, 0600), new;
	char byte = 0;

	CHECK_EQ(mq_unlink(NAME), 0);
	new = create(NAME, O_EXCL | O_RDWR | O_NONBLOCK, 0600);
	CHECK(new >= 0);
	CHECK_EQ(mq_send(old, "o", 1, 0), 0);
	CHECK_ERROR(mq_receive(new, &byte, 1, NULL), EAGAIN);
	CHECK_EQ(mq_receive(old, &byte, 1, NULL), 1);
	CHECK_EQ(byte, 'o');
	CHECK_EQ(mq_unlink(NAME), 0);
}

static void send_and_leave(void)
{
	mqd_t queue = create(NAME, O_WRONLY, 0600);

	CHECK_EQ(mq_send(queue, "k", 1, 7), 0);
}

void messages_outlive_processes(void)
{
	unsigned int priority = 0;
	char byte = 0;
	mqd_t queue;

	CHECK_EQ(check_child(send_and_leave), 0);
	queue = mq_open(NAME, O_RDONLY);
	CHECK_EQ(mq_receive(queue, &byte, 1, &priority), 1);
	CHECK_EQ(byte, 'k');
	CHECK_EQ(priority, 7);
	CHECK_EQ(mq_unlink(NAME), 0);
}

/* What a user may do, as bits: 1 read, 2 write, 4 both. */
static int may(uid_t user, gid_t group, gid_t second)
{
	static const int flags[] = { O_RDONLY, O_WRONLY, O_RDWR };
	pid_t child = fork();
	int may = 0;

	if (child)
		return WEXITSTATUS(reap(child));
	if (setgroups(second != 0, &second) || setgid(group) || setuid(user))
		_exit(99);
	for (int i = 0; i < 3; i++) {
		mqd_t queue = mq_open(NAME, flags[i]);

		may |= queue >= 0 ? 1 << i : 0;
		if (queue < 0 && errno != EACCES)
			_exit(98);
	}
	_exit(may);
}

static void make_as(uid_t user, gid_t group, mode_t mode)
{
	pid_t child = fork();

	if (child) {
		CHECK_EQ(reap(child), 0);
		return;
	}
	_exit(setgid(group) || setuid(user) || create(NAME, O_EXCL | O_RDWR, mode) < 0);
}

void modes_say_who_may(void)
{
	umask(0);
	make_as(USER, USER, 0642);
	CHECK_EQ(may(USER, USER, 0), 7);
	CHECK_EQ(may(OTHER, USER, 0), 1);
	CHECK_EQ(may(OTHER, OTHER, 0), 2);
	CHECK_EQ(may(0, 0, 0), 7);
	CHECK_EQ(mq_unlink(NAME), 0);
	/* The owner's bits count for the owner, even if others may more. */
	make_as(USER, USER, 0066);
	CHECK_EQ(may(USER, USER, 0), 0);
	CHECK_EQ(may(OTHER, OTHER, 0), 7);
	CHECK_EQ(mq_unlink(NAME), 0);
	umask(027);
	make_as(USER, USER, 0666);
	CHECK_EQ(may(OTHER, USER, 0), 1);
	CHECK_EQ(may(OTHER, OTHER, 0), 0);
	CHECK_EQ(mq_unlink(NAME), 0);
}

void groups_say_who_may(void)
{
	umask(0);
	make_as(USER, GROUP, 0060);
	CHECK_EQ(may(OTHER, GROUP, 0), 7);
	CHECK_EQ(may(OTHER, OTHER, GROUP), 7);
	CHECK_EQ(may(OTHER, OTHER, GROUP + 1), 0);
	CHECK_EQ(mq_unlink(NAME), 0);
}

void only_owners_unlink(void)
{
	make_as(USER, USER, 0666);
	if (!fork()) {
		/* The C library makes EACCES of Linux's EPERM. */
		_exit(setuid(OTHER) || mq_unlink(NAME) != -1 || errno != EACCES);
	}
	CHECK_EQ(reap(-1), 0);
	if (!fork())
		_exit(setuid(USER) || mq_unlink(NAME));
	CHECK_EQ(reap(-1), 0);
	CHECK_ERROR(mq_unlink(NAME), ENOENT);
}

static void fill_the_limit(void)
{
	const struct rlimit more = { 2 * BYTES, 2 * BYTES };
	struct mq_attr large = { .mq_maxmsg = 10, .mq_msgsize = 8192 }, rest = small;
	char name[16];
	long fit = BYTES / (10 * (8192 + MESSAGE)), left = BYTES - fit * 10 * (8192 + MESSAGE);

	CHECK_EQ(setrlimit(RLIMIT_MSGQUEUE, &more), 0);
	CHECK_EQ(setuid(USER), 0);
	for (long i = 0; i <= fit; i++) {
		mqd_t queue;

		snprintf(name, sizeof(name), "/fill%ld", i);
		queue = mq_open(name, O_CREAT | O_RDWR, 0600, &large);
		CHECK_EQ(queue >= 0, i < fit);
	}
	CHECK_EQ(errno, EMFILE);
	rest.mq_maxmsg = 9;
	rest.mq_msgsize = left / 9 - MESSAGE;
	CHECK(mq_open("/fill", O_CREAT | O_RDWR, 0600, &rest) >= 0);
	CHECK_ERROR(create("/more", O_RDWR, 0600), EMFILE);
	CHECK_EQ(mq_unlink("/fill"), 0);
	/* It is open, so it counts. */
	CHECK_ERROR(create("/more", O_RDWR, 0600), EMFILE);
	for (long i = 0; i < fit; i++) {
		snprintf(name, sizeof(name), "/fill%ld", i);
		CHECK_EQ(mq_unlink(name), 0);
	}
}

void users_have_so_many_bytes(void)
{
	const struct rlimit none = { 0, 0 };

	CHECK_EQ(check_child(fill_the_limit), 0);
	/* What the process's limit says counts, too. */
	CHECK_EQ(setrlimit(RLIMIT_MSGQUEUE, &none), 0);
	CHECK_ERROR(create(NAME, O_RDWR, 0600), EMFILE);
}

void stat_tells_of_queues(void)
{
	mqd_t queue, other;
	struct stat stat, again;

	umask(022);
	CHECK_EQ(setgid(GROUP), 0);
	queue = create(NAME, O_RDWR, 0666);
	other = mq_open(NAME, O_RDONLY);
	CHECK_EQ(fstat(queue, &stat), 0);
	CHECK_EQ(stat.st_mode, S_IFREG | 0644);
	CHECK_EQ(stat.st_uid, 0);
	CHECK_EQ(stat.st_gid, GROUP);
	CHECK_EQ(stat.st_size, 80);
	CHECK_EQ(fstat(other, &again), 0);
	CHECK_EQ(stat.st_ino, again.st_ino);
	CHECK_EQ(mq_unlink(NAME), 0);
	CHECK_EQ(fcntl(queue, F_GETFL), O_RDWR);
	CHECK_EQ(fcntl(other, F_GETFL), O_RDONLY);
	CHECK_EQ(fcntl(queue, F_GETFD), FD_CLOEXEC);
	CHECK_ERROR(read(queue, &stat, sizeof(stat)), EINVAL);
	CHECK_ERROR(write(queue, &stat, sizeof(stat)), EINVAL);
}

void exec_closes_queues(void)
{
	mqd_t queue = make_queue(1, 1);
	char number[16];

	snprintf(number, sizeof(number), "%d", queue);
	if (!fork()) {
		execl("/proc/self/exe", "queues", "open", number, NULL);
		_exit(99);
	}
	CHECK_EQ(reap(-1), 0);
}
