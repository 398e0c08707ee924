/* Programs that give their users another identity. This program is copied, and marked so. */
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/posix/processes/processes.h"

#define SELF "/tests/processes"
#define USER 1234
#define OWNER 55
#define GROUP 66
#define FOLDER "/root/privilege"

/* ------------------------------------------------------------------------------- as the target */

static int check_ids(const char *expected)
{
	uid_t user[3];
	gid_t group[3];
	char text[200];

	getresuid(&user[0], &user[1], &user[2]);
	getresgid(&group[0], &group[1], &group[2]);
	snprintf(text, sizeof(text), "%u %u %u %u %u %u %lu", user[0], user[1], user[2], group[0],
		 group[1], group[2], getauxval(AT_SECURE));
	if (strcmp(text, expected)) {
		printf("  ids are %s, not %s\n", text, expected);
		return 1;
	}
	return 17;
}

/* What a program finds as its caller left it. */
static int check_surroundings(int argc, char **argv)
{
	char where[100] = "", text[8] = "";
	sigset_t mask;
	int file;

	sigprocmask(SIG_BLOCK, NULL, &mask);
	if (argc != 5 || strcmp(argv[2], "two words") || *argv[3] || atoi(argv[4]) != getpid() ||
	    !getenv("COLOUR") || getenv("HOME"))
		return 1;
	if (geteuid() != OWNER || strcmp(getcwd(where, sizeof(where)) ? where : "", FOLDER))
		return 2;
	if (read(20, text, 3) != 3 || strcmp(text, "345") || fcntl(21, F_GETFD) != -1)
		return 3;
	if (write(22, "x", 1) != 1 || umask(0) != 027)
		return 4;
	if (!sigismember(&mask, SIGUSR2) || signal(SIGUSR1, SIG_DFL) != SIG_IGN)
		return 5;
	/* What the owner alone may read. */
	file = open("secret", O_RDONLY);
	return file == 21 ? 17 : 6;
}

int privilege_target(int argc, char **argv)
{
	if (!strcmp(argv[1], "ids"))
		return check_ids(argv[2]);
	return check_surroundings(argc, argv);
}

/* -------------------------------------------------------------------------------------- tests */

static void copy_self(const char *path, uid_t owner, gid_t group, mode_t mode)
{
	static char bytes[65536];
	int from = open(SELF, O_RDONLY), to = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0700);
	ssize_t count;

	while ((count = read(from, bytes, sizeof(bytes))) > 0)
		CHECK_EQ(write(to, bytes, (size_t)count), count);
	CHECK_EQ(fchown(to, owner, group), 0);
	CHECK_EQ(fchmod(to, mode), 0);
	close(from);
	close(to);
}

static int status_of(pid_t child)
{
	int status;

	CHECK(waitpid(child, &status, 0) > 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

static void become_user(void)
{
	const gid_t groups[] = { 7, GROUP + 1 };

	CHECK_EQ(setgroups(2, groups), 0);
	CHECK_EQ(setresgid(USER, USER, USER), 0);
	CHECK_EQ(setresuid(USER, USER, USER), 0);
}

/* The status of the program, which a user starts. */
static int run_ids(const char *path, const char *expected)
{
	pid_t child = fork();

	if (!child) {
		become_user();
		execl(path, "program", "ids", expected, NULL);
		_exit(100 + errno);
	}
	return status_of(child);
}

void set_user_id_programs(void)
{
	const char *const nothing = "1234 1234 1234 1234 1234 1234 0";

	CHECK_EQ(mkdir(FOLDER, 0777) && errno != EEXIST, 0);
	CHECK_EQ(chdir(FOLDER), 0);
	copy_self("both", OWNER, GROUP, 06755);
	CHECK_EQ(run_ids("./both", "1234 55 55 1234 66 66 1"), 17);
	CHECK_EQ(run_ids(FOLDER "/both", "1234 55 55 1234 66 66 1"), 17);
	copy_self("user", OWNER, GROUP, 04755);
	CHECK_EQ(run_ids("user", "1234 55 55 1234 1234 1234 1"), 17);
	copy_self("group", OWNER, GROUP, 02755);
	CHECK_EQ(run_ids("group", "1234 1234 1234 1234 66 66 1"), 17);
	/* A mark of locks, not of programs. */
	copy_self("lock", OWNER, GROUP, 02745);
	CHECK_EQ(run_ids("lock", nothing), 17);
	copy_self("neither", OWNER, GROUP, 0755);
	CHECK_EQ(run_ids("neither", nothing), 17);
	copy_self("mine", USER, USER, 06755);
	CHECK_EQ(run_ids("mine", nothing), 17);
	/* Whoever may not execute it gains nothing. */
	copy_self("forbidden", OWNER, GROUP, 04754);
	CHECK_EQ(run_ids("forbidden", nothing), 100 + EACCES);
	symlink("both", "link");
	CHECK_EQ(run_ids("./link", "1234 55 55 1234 66 66 1"), 17);
	/* From root down. */
	if (!fork()) {
		execl("./both", "program", "ids", "0 55 55 0 66 66 1", NULL);
		_exit(1);
	}
	CHECK_EQ(status_of(-1), 17);
}

static void look_around(void)
{
	char self[16], *arguments[] = { "program", "surroundings", "two words", "", self, NULL };
	char *environment[] = { "COLOUR=green", NULL };
	int file = open(FOLDER "/numbers", O_RDONLY), ends[2];
	sigset_t mask;

	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(lseek(file, 3, SEEK_SET), 3);
	CHECK_EQ(dup2(file, 20), 20);
	CHECK_EQ(dup2(ends[1], 22), 22);
	CHECK_EQ(dup2(ends[0], 23), 23);
	CHECK_EQ(dup3(file, 21, O_CLOEXEC), 21);
	for (int i = 3; i < 20; i++)
		close(i);
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR2);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	signal(SIGUSR1, SIG_IGN);
	umask(027);
	snprintf(self, sizeof(self), "%d", getpid());
	become_user();
	/* So that the lowest one that is free is the one that exec has closed. */
	for (int i = 3; i < 20; i++)
		CHECK_EQ(open("/dev/null", O_RDONLY), i);
	execve("program", arguments, environment);
	_exit(100 + errno);
}

void set_user_id_programs_go_on(void)
{
	pid_t child;
	int file;

	CHECK_EQ(mkdir(FOLDER, 0777) && errno != EEXIST, 0);
	CHECK_EQ(chdir(FOLDER), 0);
	copy_self("program", OWNER, GROUP, 04711 | S_IROTH);
	file = open("numbers", O_CREAT | O_RDWR, 0600);
	CHECK_EQ(write(file, "0123456789", 10), 10);
	close(file);
	file = open("secret", O_CREAT | O_RDWR, 0400);
	CHECK_EQ(fchown(file, OWNER, OWNER), 0);
	close(file);
	child = fork();
	if (!child)
		look_around();
	CHECK_EQ(status_of(child), 17);
}

static void refuse(void)
{
	CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
	CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
	CHECK_ERROR(prctl(PR_SET_NO_NEW_PRIVS, 2, 0, 0, 0), EINVAL);
	become_user();
	execl(FOLDER "/both", "program", "ids", "1234 1234 1234 1234 1234 1234 0", NULL);
	_exit(1);
}

/* What has been given up comes back by such a program, or not at all. */
void privileges_can_be_given_up(void)
{
	CHECK_EQ(mkdir(FOLDER, 0777) && errno != EEXIST, 0);
	copy_self(FOLDER "/both", OWNER, GROUP, 06755);
	CHECK_EQ(check_child(refuse), 17 << 8);
	/* exec forgets the saved ids. */
	CHECK_EQ(setresuid(USER, USER, 0), 0);
	if (!fork()) {
		execl(SELF, "program", "ids", "1234 1234 1234 0 0 0 0", NULL);
		_exit(1);
	}
	CHECK_EQ(status_of(-1), 17);
	CHECK_EQ(setresuid(-1, 0, -1), 0);
}
