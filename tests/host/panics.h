/* Panics that a test wants to see: the kernel's do not return, so they happen in a child process. */
#ifndef HOST_PANICS_H
#define HOST_PANICS_H

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/types.h"

/* Does the function panic, with `text` in the message? */
static inline bool panics(void (*function)(void), const char *text)
{
	char message[256] = { 0 };
	int ends[2], status = 0;
	pid_t child;

	if (pipe(ends))
		return false;
	child = fork();
	if (child == 0) {
		dup2(ends[1], STDERR_FILENO);
		function();
		_exit(0);
	}
	close(ends[1]);
	for (size_t at = 0; at + 1 < sizeof(message);) {
		ssize_t got = read(ends[0], message + at, sizeof(message) - 1 - at);

		if (got <= 0)
			break;
		at += (size_t)got;
	}
	close(ends[0]);
	waitpid(child, &status, 0);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && strstr(message, text);
}

#endif
