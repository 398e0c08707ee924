/* Groups, sessions, credentials, limits, names. */
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/posix/processes/processes.h"

/* Whom the other side of a new connection sees. */
static uid_t shown_user(void)
{
	struct ucred peer = { .uid = 77 };
	socklen_t length = sizeof(peer);
	int pair[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	CHECK_EQ(getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &peer, &length), 0);
	close(pair[0]);
	close(pair[1]);
	return peer.uid;
}

static void become_leader(void)
{
	CHECK_EQ(setsid(), getpid());
	CHECK_EQ(getsid(0), getpid());
	CHECK_EQ(getpgrp(), getpid());
	CHECK_ERROR(setsid(), EPERM);
	CHECK_ERROR(setpgid(0, 0), EPERM);
}

void groups_and_sessions(void)
{
	pid_t child;

	CHECK_EQ(setpgid(0, 0), 0);
	CHECK_EQ(getpgid(0), getpid());
	CHECK_ERROR(setsid(), EPERM); /* a group's leader */
	child = fork();
	while (!child)
		pause();
	CHECK_EQ(getpgid(child), getpid());
	CHECK_EQ(getsid(child), getsid(0));
	CHECK_EQ(setpgid(child, child), 0);
	CHECK_EQ(getpgid(child), child);
	CHECK_EQ(setpgid(child, getpgrp()), 0);
	CHECK_ERROR(setpgid(child, 1), EPERM);
	CHECK_ERROR(setpgid(child, -1), EINVAL);
	CHECK_ERROR(setpgid(30000, 0), ESRCH);
	CHECK_ERROR(getpgid(30000), ESRCH);
	CHECK_EQ(kill(child, 9), 0);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	child = fork();
	if (!child) {
		become_leader();
		_exit(0);
	}
	CHECK_EQ(waitpid(child, NULL, 0), child);
}

static void give_up_root(void)
{
	const gid_t groups[] = { 7, 9 };
	gid_t found[4];
	uid_t ids[3];
	int file = open("/tmp/of-root", O_CREAT | O_RDWR, 0600);

	CHECK(file >= 0);
	CHECK_EQ(shown_user(), 0);
	CHECK_EQ(setgroups(2, groups), 0);
	CHECK_EQ(getgroups(0, NULL), 2);
	CHECK_EQ(getgroups(4, found), 2);
	CHECK_EQ(found[1], 9);
	CHECK_EQ(setresgid(100, 100, 100), 0);
	CHECK_EQ(setresuid(1000, 1001, 1002), 0);
	CHECK_EQ(getresuid(&ids[0], &ids[1], &ids[2]), 0);
	CHECK_EQ(ids[0], 1000);
	CHECK_EQ(ids[1], 1001);
	CHECK_EQ(ids[2], 1002);
	CHECK_EQ(shown_user(), 1001);
	CHECK_ERROR(open("/tmp/of-root", O_RDONLY), EACCES);
	CHECK_EQ(write(file, "x", 1), 1); /* what is open stays open */
	CHECK_ERROR(setuid(0), EPERM);
	CHECK_ERROR(setgroups(2, groups), EPERM);
	CHECK_EQ(seteuid(1002), 0);
	CHECK_EQ(geteuid(), 1002);
	CHECK_EQ(setreuid(1002, 1000), 0);
	CHECK_ERROR(setresuid(1001, -1, -1), EPERM);
	file = open("/tmp/of-user", O_CREAT | O_RDWR, 0600);
	CHECK(file >= 0);
	CHECK_EQ(unlink("/tmp/of-user"), 0);
}

void credentials_are_given_up(void)
{
	CHECK_EQ(getuid() | geteuid() | getgid() | getegid(), 0);
	CHECK_EQ(check_child(give_up_root), 0);
	CHECK_EQ(unlink("/tmp/of-root"), 0);
	CHECK_EQ(geteuid(), 0);
}

void limits_are_kept(void)
{
	struct rlimit limit = { 0 }, old;
	int descriptors[64], count = 0;

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
	CHECK_EQ(old.rlim_cur, 1024);
	limit.rlim_cur = 20;
	limit.rlim_max = old.rlim_max;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	while (count < 64 && (descriptors[count] = dup(1)) >= 0)
		count++;
	CHECK_EQ(errno, EMFILE);
	CHECK(count > 5 && count < 20);
	while (count)
		close(descriptors[--count]);
	limit.rlim_cur = limit.rlim_max + 1;
	CHECK_ERROR(setrlimit(RLIMIT_NOFILE, &limit), EINVAL);
	CHECK_ERROR(getrlimit(99, &limit), EINVAL);
	CHECK_EQ(getrlimit(RLIMIT_STACK, &limit), 0);
	CHECK_EQ(limit.rlim_cur, 8 << 20);
}

void names_and_figures(void)
{
	struct utsname name;
	struct sysinfo info;
	struct rusage usage;
	struct tms times_now;
	char text[17] = "";

	CHECK_EQ(uname(&name), 0);
	CHECK_EQ(strcmp(name.machine, "riscv64"), 0);
	CHECK_EQ(strcmp(name.sysname, "Tern"), 0);
	CHECK_EQ(sysinfo(&info), 0);
	CHECK(info.totalram > 16 << 20 && info.freeram < info.totalram);
	CHECK(info.procs >= 3);
	CHECK_EQ(getrusage(RUSAGE_SELF, &usage), 0);
	CHECK(usage.ru_maxrss > 0);
	CHECK(times(&times_now) > 0);
	CHECK_EQ(prctl(PR_SET_NAME, "a name that is too long"), 0);
	CHECK_EQ(prctl(PR_GET_NAME, text), 0);
	CHECK_EQ(strcmp(text, "a name that is "), 0);
	CHECK_EQ(umask(027), 022);
	CHECK_EQ(umask(022), 027);
	CHECK_ERROR(uname((struct utsname *)8), EFAULT);
}

void random_bytes_come(void)
{
	unsigned char bytes[2][1000] = { { 0 } };

	CHECK_EQ(getrandom(bytes[0], 100, 0), 100);
	CHECK_EQ(getrandom(bytes[1], 100, GRND_NONBLOCK), 100);
	CHECK(memcmp(bytes[0], bytes[1], 100));
	CHECK_EQ(getrandom(bytes[0], 1000, 0), 1000);
	CHECK(memcmp(bytes[0], bytes[0] + 500, 500));
	CHECK_EQ(getrandom(bytes[0], 0, 0), 0);
	CHECK_ERROR(getrandom(bytes[0], 1, 64), EINVAL);
}
