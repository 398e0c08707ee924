/* Pseudo-terminals: both ends, names and permissions, job control, hang-ups. */
#include "ptys.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

int open_master(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY);

	CHECK(master >= 0);
	CHECK_EQ(grantpt(master), 0);
	CHECK_EQ(unlockpt(master), 0);
	return master;
}

int open_slave(int master)
{
	char name[32];
	int slave;

	CHECK_EQ(ptsname_r(master, name, sizeof(name)), 0);
	slave = open(name, O_RDWR | O_NOCTTY);
	CHECK(slave >= 0);
	return slave;
}

void make_raw(int fd)
{
	struct termios settings;

	CHECK_EQ(tcgetattr(fd, &settings), 0);
	cfmakeraw(&settings);
	CHECK_EQ(tcsetattr(fd, TCSANOW, &settings), 0);
}

void expect(int fd, const char *wanted)
{
	size_t length = strlen(wanted), got = 0;
	char text[256];

	memset(text, 0, sizeof(text));
	while (got < length) {
		ssize_t part = read(fd, text + got, length - got);

		CHECK(part > 0);
		if (part <= 0)
			return;
		got += (size_t)part;
	}
	CHECK_EQ(memcmp(text, wanted, length), 0);
}

/* -------------------------------------------------------------------------------------- ends */

static void both_ends_are_connected(void)
{
	int master = open_master(), slave = open_slave(master);
	char text[64];

	CHECK_EQ(isatty(master), 1);
	CHECK_EQ(isatty(slave), 1);
	CHECK_EQ(write(slave, "one\n", 4), 4);
	expect(master, "one\r\n");
	CHECK_EQ(write(master, "twoo\x7f\r", 6), 6);
	expect(master, "twoo\b \b\r\n");
	CHECK_EQ(read(slave, text, sizeof(text)), 4);
	CHECK_EQ(memcmp(text, "two\n", 4), 0);
	CHECK_EQ(write(master, "\x04", 1), 1);
	CHECK_EQ(read(slave, text, sizeof(text)), 0);
}

static void a_locked_slave_cannot_be_opened(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), on = 1, is_locked = 0;
	char name[32];

	CHECK_EQ(ptsname_r(master, name, sizeof(name)), 0);
	CHECK_ERROR(open(name, O_RDWR | O_NOCTTY), EIO);
	CHECK_ERROR(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY), EIO);
	CHECK_EQ(ioctl(master, TIOCGPTLCK, &is_locked), 0);
	CHECK_EQ(is_locked, 1);
	CHECK_EQ(unlockpt(master), 0);
	CHECK(open(name, O_RDWR | O_NOCTTY) >= 0);
	CHECK_EQ(ioctl(master, TIOCSPTLCK, &on), 0);
	CHECK_ERROR(open(name, O_RDWR | O_NOCTTY), EIO);
}

static void names_agree(void)
{
	int master = open_master(), slave = open_slave(master), peer;
	char name[32], told[32];
	struct stat stat_of;
	unsigned int number;

	CHECK_EQ(ptsname_r(master, name, sizeof(name)), 0);
	CHECK_EQ(ioctl(master, TIOCGPTN, &number), 0);
	CHECK_EQ(strtoul(name + strlen("/dev/pts/"), NULL, 10), number);
	CHECK_EQ(ttyname_r(slave, told, sizeof(told)), 0);
	CHECK_EQ(strcmp(told, name), 0);
	CHECK_EQ(fstat(slave, &stat_of), 0);
	CHECK_EQ(stat_of.st_rdev, 136 << 8 | number);
	CHECK_EQ(fstat(master, &stat_of), 0);
	CHECK_EQ(stat_of.st_rdev, 5 << 8 | 2);
	peer = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	CHECK_EQ(ttyname_r(peer, told, sizeof(told)), 0);
	CHECK_EQ(strcmp(told, name), 0);
	CHECK_ERROR(ioctl(slave, TIOCGPTN, &number), ENOTTY);
	CHECK_ERROR(ioctl(slave, TIOCGPTPEER, O_RDWR), ENOTTY);
}

static bool is_listed(unsigned int number)
{
	DIR *directory = opendir("/dev/pts");
	struct dirent *entry;
	bool is_there = false;
	char name[16];

	snprintf(name, sizeof(name), "%u", number);
	while ((entry = readdir(directory)))
		is_there |= !strcmp(entry->d_name, name);
	closedir(directory);
	return is_there;
}

static void the_directory_lists_them(void)
{
	int masters[10];
	unsigned int numbers[10];
	struct statfs statfs_of;
	struct stat stat_of;

	for (int i = 0; i < 10; i++) {
		masters[i] = open_master();
		CHECK_EQ(ioctl(masters[i], TIOCGPTN, &numbers[i]), 0);
	}
	for (int i = 0; i < 10; i++)
		CHECK(is_listed(numbers[i]));
	close(masters[4]);
	CHECK_SOON(!is_listed(numbers[4]));
	CHECK_EQ(statfs("/dev/pts", &statfs_of), 0);
	CHECK_EQ(statfs_of.f_type, 0x1cd1);
	CHECK_EQ(chdir("/dev"), 0);
	CHECK_EQ(stat("pts/../null", &stat_of), 0);
	CHECK_ERROR(stat("pts/99", &stat_of), ENOENT);
	CHECK_ERROR(mkdir("/dev/pts/x", 0700), EROFS);
}

static void be(uid_t user)
{
	CHECK_EQ(setgroups(0, NULL), 0);
	CHECK_EQ(setresgid(user, user, user), 0);
	CHECK_EQ(setresuid(user, user, user), 0);
}

static char shared_name[32];

static void another_user_is_kept_out(void)
{
	be(1001);
	CHECK_ERROR(open(shared_name, O_RDWR | O_NOCTTY), EACCES);
	CHECK_ERROR(chmod(shared_name, 0666), EPERM);
}

static void its_user_opens_one(void)
{
	struct stat stat_of;
	int master;

	be(1000);
	master = open_master();
	CHECK_EQ(ptsname_r(master, shared_name, sizeof(shared_name)), 0);
	CHECK_EQ(stat(shared_name, &stat_of), 0);
	CHECK_EQ(stat_of.st_uid, 1000);
	CHECK_EQ(stat_of.st_mode, S_IFCHR | 0620);
	CHECK_ERROR(chown(shared_name, 1002, -1), EPERM);
	CHECK_EQ(chmod(shared_name, 0600), 0);
	CHECK_EQ(stat(shared_name, &stat_of), 0);
	CHECK_EQ(stat_of.st_mode, S_IFCHR | 0600);
	close(open_slave(master));
}

static void they_belong_to_who_opened_them(void)
{
	struct stat stat_of;
	int master;

	CHECK_EQ(check_child(its_user_opens_one), 0);
	master = open_master();
	CHECK_EQ(ptsname_r(master, shared_name, sizeof(shared_name)), 0);
	CHECK_EQ(check_child(another_user_is_kept_out), 0);
	CHECK_EQ(chown(shared_name, 1001, 1001), 0);
	CHECK_EQ(stat(shared_name, &stat_of), 0);
	CHECK_EQ(stat_of.st_gid, 1001);
}

static void take_all(void)
{
	int count = 0;

	be(1000);
	while (posix_openpt(O_RDWR | O_NOCTTY) >= 0)
		count++;
	CHECK_EQ(errno, EAGAIN); /* which posix_openpt makes of ENOSPC */
	CHECK(count >= 32);
}

/* Nobody can use up what root needs; and what a dead process had is free again. */
static void they_are_limited(void)
{
	for (int i = 0; i < 3; i++)
		CHECK_EQ(check_child(take_all), 0);
	CHECK_SOON(!is_listed(40));
	close(open_master());
}

static int exclusive;

static void another_user_opens_it(void)
{
	be(1001);
	CHECK_ERROR(open(shared_name, O_RDWR | O_NOCTTY), EBUSY);
	CHECK_EQ(ioctl(exclusive, TIOCNXCL), 0);
	CHECK(open(shared_name, O_RDWR | O_NOCTTY) >= 0);
}

static void an_exclusive_one_is_not_opened_twice(void)
{
	int master = open_master();

	CHECK_EQ(ptsname_r(master, shared_name, sizeof(shared_name)), 0);
	CHECK_EQ(chmod(shared_name, 0666), 0);
	exclusive = open_slave(master);
	CHECK_EQ(ioctl(exclusive, TIOCEXCL), 0);
	CHECK_EQ(check_child(another_user_opens_it), 0);
}

/* ---------------------------------------------------------------------------- reading, writing */

static void a_raw_one_passes_all_bytes(void)
{
	int master = open_master(), slave = open_slave(master);
	unsigned char text[256], got[256];

	make_raw(slave);
	for (int i = 0; i < 256; i++)
		text[i] = (unsigned char)i;
	CHECK_EQ(write(master, text, 256), 256);
	CHECK_EQ(read(slave, got, 256), 256);
	CHECK_EQ(memcmp(text, got, 256), 0);
	CHECK_EQ(write(slave, text, 256), 256);
	CHECK_EQ(read(master, got, 256), 256);
	CHECK_EQ(memcmp(text, got, 256), 0);
}

#define MANY 200000

static void pump(int from)
{
	static char text[5000];
	size_t sum = 0;

	while (sum < MANY) {
		ssize_t got = read(from, text, sizeof(text));

		if (got <= 0)
			_exit(1);
		for (ssize_t i = 0; i < got; i++)
			if (text[i] != (char)((sum + (size_t)i) * 7))
				_exit(2);
		sum += (size_t)got;
	}
	_exit(0);
}

static void much_goes_through_in_both_directions(void)
{
	int master = open_master(), slave = open_slave(master);
	static char text[MANY];

	make_raw(slave);
	for (size_t i = 0; i < MANY; i++)
		text[i] = (char)(i * 7);
	if (!fork())
		pump(slave);
	CHECK_EQ(write(master, text, MANY), MANY);
	CHECK_EQ(reap(-1), 0);
	if (!fork())
		pump(master);
	CHECK_EQ(write(slave, text, MANY), MANY);
	CHECK_EQ(reap(-1), 0);
}

static void nobody_waits_who_does_not_want_to(void)
{
	int master = open_master(), slave = open_slave(master), written = 0;
	char text[1000] = { 0 };
	ssize_t got;

	make_raw(slave);
	CHECK_EQ(fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK), 0);
	CHECK_EQ(fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK), 0);
	CHECK_ERROR(read(master, text, 1), EAGAIN);
	CHECK_ERROR(read(slave, text, 1), EAGAIN);
	while ((got = write(master, text, sizeof(text))) > 0)
		written += (int)got;
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(written, 4096);
	CHECK_EQ(ioctl(slave, FIONREAD, &written), 0);
	CHECK_EQ(written, 4096);
	CHECK_EQ(tcflush(slave, TCIFLUSH), 0);
	CHECK_ERROR(read(slave, text, 1), EAGAIN);
	while ((got = write(slave, text, sizeof(text))) > 0)
		;
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(tcflush(master, TCIFLUSH), 0);
	CHECK_ERROR(read(master, text, 1), EAGAIN);
}

static void flow_control_stops_output(void)
{
	int master = open_master(), slave = open_slave(master);
	struct pollfd poll_for = { .fd = slave, .events = POLLOUT };

	CHECK_EQ(write(master, "\x13", 1), 1);
	CHECK_EQ(poll(&poll_for, 1, 0), 0);
	CHECK_EQ(write(master, "\x11", 1), 1);
	CHECK_EQ(poll(&poll_for, 1, 0), 1);
	CHECK_EQ(tcflow(slave, TCOOFF), 0);
	CHECK_EQ(poll(&poll_for, 1, 0), 0);
	CHECK_EQ(tcflow(slave, TCOON), 0);
	CHECK_EQ(poll(&poll_for, 1, 0), 1);
	CHECK_EQ(tcflow(slave, TCIOFF), 0);
	expect(master, "\x13");
	CHECK_EQ(tcdrain(slave), 0);
}

static void a_read_with_vtime_ends(void)
{
	int master = open_master(), slave = open_slave(master);
	struct termios settings;
	uint64_t begin;
	char text[8];

	make_raw(slave);
	CHECK_EQ(tcgetattr(slave, &settings), 0);
	settings.c_cc[VMIN] = 0;
	settings.c_cc[VTIME] = 2;
	CHECK_EQ(tcsetattr(slave, TCSANOW, &settings), 0);
	begin = now_ms();
	CHECK_EQ(read(slave, text, sizeof(text)), 0);
	CHECK(now_ms() - begin >= 190);
	settings.c_cc[VMIN] = 8;
	CHECK_EQ(tcsetattr(slave, TCSANOW, &settings), 0);
	CHECK_EQ(write(master, "abc", 3), 3);
	CHECK_EQ(read(slave, text, sizeof(text)), 3);
}

/* ---------------------------------------------------------------------------------------- poll */

static void poll_tells_of_both_ends(void)
{
	int master = open_master(), slave = open_slave(master), epoll = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN, .data.fd = slave };
	struct pollfd both[2] = { { master, POLLIN, 0 }, { slave, POLLIN, 0 } };

	make_raw(slave);
	CHECK_EQ(poll(both, 2, 0), 0);
	CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, slave, &event), 0);
	if (!fork()) {
		nap(50);
		write(master, "x", 1);
		nap(50);
		write(slave, "y", 1);
		_exit(0);
	}
	CHECK_EQ(epoll_wait(epoll, &event, 1, 100000), 1);
	CHECK_EQ(event.events, EPOLLIN);
	expect(slave, "x");
	CHECK_EQ(poll(both, 2, 100000), 1);
	CHECK_EQ(both[0].revents, POLLIN);
	reap(-1);
}

static void dead_watchers_make_room(void)
{
	int master = open_master(), slave = open_slave(master);

	make_raw(slave);
	for (int i = 0; i < 40; i++) {
		struct pollfd poll_for = { .fd = slave, .events = POLLIN };

		if (!fork()) {
			poll(&poll_for, 1, 1);
			_exit(poll_for.revents);
		}
		CHECK_EQ(reap(-1), 0);
	}
	close(master);
}

/* ------------------------------------------------------------------------------------ hang-ups */

static void without_slaves_the_master_reads_an_error(void)
{
	int master = open_master(), slave;
	struct pollfd poll_for = { .fd = master, .events = POLLIN };
	char text[8];

	CHECK_EQ(poll(&poll_for, 1, 0), 0);
	slave = open_slave(master);
	CHECK_EQ(write(slave, "last", 4), 4);
	close(slave);
	CHECK_SOON(poll(&poll_for, 1, 0) == 1 && poll_for.revents & POLLHUP);
	CHECK_EQ(read(master, text, sizeof(text)), 4);
	CHECK_ERROR(read(master, text, sizeof(text)), EIO);
	slave = open_slave(master);
	CHECK_EQ(poll(&poll_for, 1, 0), 0);
	if (!fork()) {
		nap(30);
		_exit(0);
	}
	close(slave);
	CHECK_ERROR(read(master, text, sizeof(text)), EIO); /* waits for the child's end */
	CHECK_EQ(reap(-1), 0);
}

static void without_its_master_a_slave_is_dead(void)
{
	int master = open_master(), slave = open_slave(master);
	struct pollfd poll_for = { .fd = slave, .events = POLLIN };
	struct termios settings;
	char text[8];

	CHECK_EQ(fcntl(master, F_SETFD, FD_CLOEXEC), 0);
	if (!fork()) {
		close(slave);
		nap(50);
		_exit(0);
	}
	close(master);
	CHECK_EQ(read(slave, text, sizeof(text)), 0); /* waits for it */
	CHECK_EQ(reap(-1), 0);
	CHECK_EQ(poll(&poll_for, 1, -1), 1);
	CHECK_EQ(poll_for.revents, POLLIN | POLLERR | POLLHUP);
	CHECK_EQ(read(slave, text, sizeof(text)), 0);
	CHECK_ERROR(write(slave, "x", 1), EIO);
	CHECK_ERROR(tcgetattr(slave, &settings), EIO);
	/* Who gets its number next is out of reach. */
	master = open_master();
	CHECK_ERROR(write(slave, "x", 1), EIO);
	setsid();
	CHECK_ERROR(ioctl(slave, TIOCSCTTY, 0), EIO);
}

static void a_waiting_poll_hears_of_the_end(void)
{
	int master = open_master(), slave = open_slave(master);
	struct pollfd poll_for = { .fd = slave, .events = POLLIN };

	if (!fork()) {
		nap(50);
		_exit(0);
	}
	close(master);
	CHECK_EQ(poll(&poll_for, 1, 100000), 1);
	CHECK(poll_for.revents & POLLHUP);
	reap(-1);
}

int main(void)
{
	static const struct test tests[] = {
		{ "both_ends_are_connected", both_ends_are_connected },
		{ "a_locked_slave_cannot_be_opened", a_locked_slave_cannot_be_opened },
		{ "names_agree", names_agree },
		{ "the_directory_lists_them", the_directory_lists_them },
		{ "they_belong_to_who_opened_them", they_belong_to_who_opened_them },
		{ "they_are_limited", they_are_limited },
		{ "an_exclusive_one_is_not_opened_twice", an_exclusive_one_is_not_opened_twice },
		{ "a_raw_one_passes_all_bytes", a_raw_one_passes_all_bytes },
		{ "much_goes_through_in_both_directions", much_goes_through_in_both_directions },
		{ "nobody_waits_who_does_not_want_to", nobody_waits_who_does_not_want_to },
		{ "flow_control_stops_output", flow_control_stops_output },
		{ "a_read_with_vtime_ends", a_read_with_vtime_ends },
		{ "poll_tells_of_both_ends", poll_tells_of_both_ends },
		{ "dead_watchers_make_room", dead_watchers_make_room },
		{ "without_slaves_the_master_reads_an_error",
		  without_slaves_the_master_reads_an_error },
		{ "without_its_master_a_slave_is_dead", without_its_master_a_slave_is_dead },
		{ "a_waiting_poll_hears_of_the_end", a_waiting_poll_hears_of_the_end },
		{ "forkpty_makes_a_session", forkpty_makes_a_session },
		{ "typed_signals_go_to_the_foreground", typed_signals_go_to_the_foreground },
		{ "who_is_in_the_background_must_not_read",
		  who_is_in_the_background_must_not_read },
		{ "a_new_size_is_told", a_new_size_is_told },
		{ "dev_tty_is_the_own_terminal", dev_tty_is_the_own_terminal },
		{ "closing_the_master_hangs_up", closing_the_master_hangs_up },
		{ "the_leaders_end_hangs_up", the_leaders_end_hangs_up },
		{ "vhangup_hangs_up", vhangup_hangs_up },
		{ "the_terminal_can_be_given_up", the_terminal_can_be_given_up },
		{ "a_terminal_has_one_session", a_terminal_has_one_session },
		{ NULL, NULL },
	};

	return check_run(tests);
}
