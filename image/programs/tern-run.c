/*
 * tern-run MARK COMMAND: runs a command for scripts/qemu-run.sh --run.
 *
 * The host sees one UART, on which the firmware, the kernel and the servers write as well. So what
 * the command writes is sent in lines that can be told from theirs and decoded without loss:
 *
 *   0x1e MARK KIND BYTES \n      KIND: b began, o standard output, e standard error,
 *                                x ended (BYTES: the status in decimal)
 *
 * MARK is a random word of the host's. Among BYTES a newline, a return and 0x10 are sent as 0x10 and
 * the byte with bit 6 changed. The terminal is raw, so that nothing else is changed on the way; the
 * console puts lines of others in only between two such lines. scripts/run-command.py is the other end.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define CHUNK 2048
#define ESCAPE 0x10

static const char *mark;
static struct termios cooked;
static bool is_terminal;

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "tern-run: %s: %s\n", what, strerror(errno));
	exit(125);
}

static void write_all(const char *bytes, size_t length)
{
	while (length) {
		ssize_t written = write(STDOUT_FILENO, bytes, length);

		if (written < 0 && errno != EINTR)
			exit(125);
		if (written > 0) {
			bytes += written;
			length -= (size_t)written;
		}
	}
}

static void send_line(char kind, const char *bytes, size_t length)
{
	static char line[2 * CHUNK + 128];
	size_t end = (size_t)snprintf(line, 100, "\x1e%s%c", mark, kind);

	for (size_t i = 0; i < length; i++) {
		char byte = bytes[i];

		if (byte == '\n' || byte == '\r' || byte == ESCAPE) {
			line[end++] = ESCAPE;
			byte ^= 0x40;
		}
		line[end++] = byte;
	}
	line[end++] = '\n';
	write_all(line, end);
}

/* One chunk from a pipe. False: there is nothing more, or nothing now. */
static bool forward(int fd, char kind)
{
	char chunk[CHUNK];
	ssize_t length = read(fd, chunk, sizeof(chunk));

	if (length > 0)
		send_line(kind, chunk, (size_t)length);
	return length > 0 || (length < 0 && errno == EINTR);
}

static void on_child(int signal)
{
	(void)signal;
}

/* What the command writes until it has ended, or closed both. Who holds the pipes then is not waited for. */
static void forward_until_end(pid_t child, int out, int err, const sigset_t *mask)
{
	struct pollfd pipes[2] = { { out, POLLIN, 0 }, { err, POLLIN, 0 } };
	siginfo_t info = { 0 };

	while (pipes[0].fd >= 0 || pipes[1].fd >= 0) {
		if (waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT | WNOHANG) || info.si_pid)
			break;
		if (ppoll(pipes, 2, NULL, mask) <= 0)
			continue;
		for (int i = 0; i < 2; i++)
			if (pipes[i].revents && !forward(pipes[i].fd, i ? 'e' : 'o'))
				pipes[i].fd = -1;
	}
	fcntl(out, F_SETFL, O_NONBLOCK);
	fcntl(err, F_SETFL, O_NONBLOCK);
	while (forward(out, 'o'))
		;
	while (forward(err, 'e'))
		;
}

static _Noreturn void run_child(const char *command, int out, int err, const sigset_t *mask)
{
	int null = open("/dev/null", O_RDONLY);

	sigprocmask(SIG_SETMASK, mask, NULL);
	dup2(null, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	close(null);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	fail("/bin/sh");
}

static void make_raw(void)
{
	struct termios raw;

	is_terminal = !tcgetattr(STDOUT_FILENO, &cooked);
	if (!is_terminal)
		return;
	raw = cooked;
	cfmakeraw(&raw);
	tcsetattr(STDOUT_FILENO, TCSADRAIN, &raw);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_child };
	sigset_t blocked, before;
	int out[2], err[2], status, result;
	char text[16];
	pid_t child;

	if (argc != 3 || strlen(argv[1]) > 64) {
		fprintf(stderr, "usage: tern-run MARK COMMAND\n");
		return 125;
	}
	mark = argv[1];
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	sigaction(SIGCHLD, &action, NULL);
	if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		fail("pipe");
	make_raw();
	send_line('b', "", 0);
	child = fork();
	if (child < 0)
		fail("fork");
	if (!child)
		run_child(argv[2], out[1], err[1], &before);
	close(out[1]);
	close(err[1]);
	forward_until_end(child, out[0], err[0], &before);
	waitpid(child, &status, 0);
	result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	send_line('x', text, (size_t)snprintf(text, sizeof(text), "%d", result));
	if (is_terminal)
		tcsetattr(STDOUT_FILENO, TCSADRAIN, &cooked);
	return result;
}
