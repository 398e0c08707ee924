/* Sessions on pseudo-terminals: the controlling terminal, its signals, its end. */
#include "ptys.h"

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <utmp.h>

/* A session with a terminal in a child; the parent gets the master. The child says "ready" first. */
static pid_t begin(int *master, void (*run)(void))
{
	pid_t pid = forkpty(master, NULL, NULL, NULL);

	if (!pid) {
		alarm(CHECK_SECONDS / 2);
		run();
		_exit(0);
	}
	CHECK(pid > 0);
	return pid;
}

static void say(const char *text)
{
	write(1, text, strlen(text));
}

static void tell_session(void)
{
	char text[128], name[32] = "";
	FILE *stat = fopen("/proc/self/stat", "r");
	int terminal = 0;

	fscanf(stat, "%*d %*s %*c %*d %*d %*d %d", &terminal);
	ttyname_r(0, name, sizeof(name));
	snprintf(text, sizeof(text), "%d %d %d %d %s;", getsid(0) == getpid(),
		 tcgetpgrp(0) == getpid(), tcgetsid(0) == getpid(), terminal, name);
	say(text);
	read(0, text, 1);
}

void forkpty_makes_a_session(void)
{
	char name[32], wanted[64];
	unsigned int number = 99;
	int master;
	pid_t pid = begin(&master, tell_session), group = 0;

	CHECK_EQ(ptsname_r(master, name, sizeof(name)), 0);
	ioctl(master, TIOCGPTN, &number);
	snprintf(wanted, sizeof(wanted), "1 1 1 %d %s;", 136 << 8 | number, name);
	expect(master, wanted);
	CHECK_EQ(ioctl(master, TIOCGPGRP, &group), 0);
	CHECK_EQ(group, pid);
	CHECK_EQ(tcgetsid(master), pid);
	CHECK_EQ(write(master, "\n", 1), 1);
	CHECK_EQ(reap(pid), 0);
}

/* ------------------------------------------------------------------------------------- signals */

static void wait_for_signals(void)
{
	say("ready;");
	for (;;)
		pause();
}

static void run_job(void)
{
	pid_t job = fork();
	int status;

	if (!job) {
		setpgid(0, 0);
		signal(SIGTTOU, SIG_IGN);
		tcsetpgrp(0, getpid());
		wait_for_signals();
	}
	waitpid(job, &status, WUNTRACED);
	say(WIFSTOPPED(status) ? "stopped;" : "ended;");
	kill(job, SIGCONT);
	waitpid(job, &status, 0);
	say(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT ? "interrupted;" : "ended;");
	say("leader lives;");
}

void typed_signals_go_to_the_foreground(void)
{
	int master;
	pid_t pid = begin(&master, run_job);

	expect(master, "ready;");
	CHECK_EQ(write(master, "\x1a", 1), 1);
	expect(master, "^Zstopped;");
	CHECK_EQ(write(master, "\x03", 1), 1);
	expect(master, "^Cinterrupted;leader lives;");
	CHECK_EQ(reap(pid), 0);
}

static void read_in_the_background(void)
{
	pid_t job = fork();
	char text[8];
	int status;

	if (!job) {
		setpgid(0, 0);
		_exit(read(0, text, sizeof(text)) == 2 ? 0 : 1);
	}
	waitpid(job, &status, WUNTRACED);
	say(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTIN ? "stopped;" : "wrong;");
	setpgid(job, job);
	tcsetpgrp(0, job);
	kill(job, SIGCONT);
	waitpid(job, &status, 0);
	signal(SIGTTOU, SIG_IGN);
	tcsetpgrp(0, getpid());
	say(status ? "wrong;" : "has read;");
}

void who_is_in_the_background_must_not_read(void)
{
	int master;
	pid_t pid = begin(&master, read_in_the_background);

	expect(master, "stopped;");
	CHECK_EQ(write(master, "x\n", 2), 2);
	expect(master, "x\r\nhas read;");
	CHECK_EQ(reap(pid), 0);
}

static void tell_size(int number)
{
	struct winsize size;
	char text[32];

	(void)number;
	ioctl(0, TIOCGWINSZ, &size);
	snprintf(text, sizeof(text), "%d %d;", size.ws_row, size.ws_col);
	say(text);
}

static void wait_for_sizes(void)
{
	signal(SIGWINCH, tell_size);
	wait_for_signals();
}

void a_new_size_is_told(void)
{
	struct winsize size = { .ws_row = 50, .ws_col = 132 };
	int master;
	pid_t pid = begin(&master, wait_for_sizes);

	expect(master, "ready;");
	CHECK_EQ(ioctl(master, TIOCSWINSZ, &size), 0);
	expect(master, "50 132;");
	size.ws_col = 20;
	CHECK_EQ(ioctl(master, TIOCSWINSZ, &size), 0);
	expect(master, "50 20;");
	kill(pid, SIGKILL);
	reap(pid);
}

/* ------------------------------------------------------------------------------------ /dev/tty */

static void use_dev_tty(void)
{
	int fd = open("/dev/tty", O_RDWR);
	char name[32];

	for (int i = 0; i < 3; i++)
		close(i);
	write(fd, "by name;", 8);
	dup2(fd, 1);
	ttyname_r(fd, name, sizeof(name));
	say(name);
	setsid();
	say(fork()                                                           ? ""
	    : setsid() > 0 && open("/dev/tty", O_RDWR) < 0 && errno == ENXIO ? ";none;"
									     : ";wrong;");
	wait(NULL);
}

void dev_tty_is_the_own_terminal(void)
{
	int master;
	pid_t pid = begin(&master, use_dev_tty);

	expect(master, "by name;/dev/tty;none;");
	reap(pid);
}

/* ------------------------------------------------------------------------------------ hang-ups */

static int notes; /* of a pipe: what processes without a terminal say */

static void note(const char *text)
{
	write(notes, text, strlen(text));
}

static volatile sig_atomic_t has_hung_up;

static void note_hang_up(int number)
{
	has_hung_up = 1;
	note(number == SIGHUP ? "hup;" : "wrong;");
}

/* The signal may come at any time: pause might begin after it. */
static void await_hang_up(void)
{
	while (!has_hung_up)
		nap(2);
}

/* As begin; the parent reads what the child notes from *told. */
static pid_t begin_noted(int *master, int *told, void (*run)(void))
{
	int ends[2];

	CHECK_EQ(pipe(ends), 0);
	notes = ends[1];
	*told = ends[0];
	return begin(master, run);
}

static void note_end(void)
{
	char text[8];

	signal(SIGHUP, note_hang_up);
	say("ready;");
	await_hang_up();
	note(read(0, text, sizeof(text)) == 0 ? "eof;" : "wrong;");
	note(write(1, "x", 1) < 0 && errno == EIO ? "eio;" : "wrong;");
	note(open("/dev/tty", O_RDWR) < 0 && errno == ENXIO ? "none;" : "wrong;");
}

void closing_the_master_hangs_up(void)
{
	int master, told;
	pid_t pid = begin_noted(&master, &told, note_end);

	expect(master, "ready;");
	close(master);
	expect(told, "hup;eof;eio;none;");
	CHECK_EQ(reap(pid), 0);
}

/* The leader ends while another of its session still has the terminal open. */
static void leave_somebody(void)
{
	int ready[2];
	char text[8];

	pipe(ready);
	if (!fork()) {
		signal(SIGHUP, note_hang_up);
		write(ready[1], "x", 1);
		await_hang_up();
		note(read(0, text, sizeof(text)) == 0 ? "eof;" : "wrong;");
		_exit(0);
	}
	read(ready[0], text, 1);
	say("leaving;");
}

void the_leaders_end_hangs_up(void)
{
	int master, told;
	char text[8];
	pid_t pid = begin_noted(&master, &told, leave_somebody);

	expect(master, "leaving;");
	CHECK_EQ(reap(pid), 0);
	expect(told, "hup;eof;");
	CHECK_ERROR(read(master, text, sizeof(text)), EIO);
}

static void hang_up_all(void)
{
	char text[8];

	signal(SIGHUP, note_hang_up);
	say("ready;");
	note(vhangup() == 0 ? "done;" : "wrong;");
	note(read(0, text, sizeof(text)) == 0 ? "eof;" : "wrong;");
	if (setuid(1000) < 0 || vhangup() == 0 || errno != EPERM)
		note("wrong;");
}

void vhangup_hangs_up(void)
{
	int master, told;
	char text[8];
	pid_t pid = begin_noted(&master, &told, hang_up_all);

	expect(master, "ready;");
	expect(told, "hup;done;eof;");
	CHECK_ERROR(read(master, text, sizeof(text)), EIO);
	CHECK_EQ(reap(pid), 0);
}

static void give_up(void)
{
	signal(SIGHUP, SIG_IGN);
	say(ioctl(0, TIOCNOTTY) == 0 ? "given;" : "wrong;");
	say(open("/dev/tty", O_RDWR) < 0 && errno == ENXIO ? "none;" : "wrong;");
	say(tcgetpgrp(0) < 0 && errno == ENOTTY ? "nobody's;" : "wrong;");
	say(ioctl(0, TIOCSCTTY, 0) == 0 && tcgetpgrp(0) == getpid() ? "again;" : "wrong;");
}

void the_terminal_can_be_given_up(void)
{
	int master;
	pid_t pid = begin(&master, give_up);

	expect(master, "given;none;nobody's;again;");
	CHECK_EQ(reap(pid), 0);
}

/* -------------------------------------------------------------------------------------- claims */

static void claim_it_too(void)
{
	say(fork()                                                         ? ""
	    : setsid() > 0 && ioctl(0, TIOCSCTTY, 0) < 0 && errno == EPERM ? "refused;"
									   : "wrong;");
	wait(NULL);
}

/* Opened by a leader without one it becomes the terminal, unless that does not want it. */
static void open_one(void)
{
	int master, slave;

	CHECK(setsid() > 0);
	master = open_master();
	slave = open_slave(master);
	CHECK_ERROR(tcgetpgrp(slave), ENOTTY);
	CHECK_EQ(tcgetpgrp(master), 0);
	CHECK(open(ptsname(master), O_RDWR) >= 0);
	CHECK_EQ(tcgetpgrp(slave), getpid());
	CHECK_ERROR(ioctl(open_slave(open_master()), TIOCSCTTY, 0), EPERM);
}

void a_terminal_has_one_session(void)
{
	int master;
	pid_t pid = begin(&master, claim_it_too);

	expect(master, "refused;");
	CHECK_EQ(reap(pid), 0);
	CHECK_EQ(check_child(open_one), 0);
}
