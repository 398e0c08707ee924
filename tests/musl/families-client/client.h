/* What the tests of the protocol have in common: forks by hand, waits, memory that children share. */
#ifndef FAMILIES_CLIENT_H
#define FAMILIES_CLIENT_H

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/file.h"
#include "proto/pipe.h"
#include "proto/posix.h"
#include "tern/event.h"
#include "tern/memobj.h"
#include "tern/memory.h"
#include "tern/process.h"
#include "tern/start.h"
#include "tern/system.h"
#include "tern/thread.h"
#include "tests/musl/check.h"

#define WEXITED_ 4u
#define WNOHANG_ 1u
#define WSTOPPED_ 2u
#define WCONTINUED_ 8u
#define WNOWAIT_ 0x1000000u
#define MANY 40
#define USER 1000
#define ROUNDS 3000

static tern_handle port;
static uint32_t slot;
static const struct posix_board *board;

static struct shared {
	_Atomic int64_t value[16];
} * shared;

static void nap(long milliseconds)
{
	const struct timespec time = { .tv_nsec = milliseconds * 1000000 };

	nanosleep(&time, NULL);
}

static _Noreturn void leave(uint32_t status)
{
	for (;;)
		tern_process_kill(TERN_SELF_PROCESS, POSIX_EXITED | (status & 0xff) << 8);
}

/* The pid; 0 in the child. */
static uint32_t do_fork(void)
{
	tern_handle child = 0, process;
	uint32_t child_slot;
	tern_result pid = posix_fork_begin(port, 0, &child, &child_slot);

	CHECK(pid > 0);
	process = tern_process_fork(0, 0);
	if (process == 0) {
		port = child;
		slot = child_slot;
		return 0;
	}
	CHECK_EQ(posix_fork_end(port, (uint32_t)pid, process), 0);
	tern_handle_close(child);
	tern_handle_close(process);
	return (uint32_t)pid;
}

static int64_t wait_for(uint32_t pid, uint32_t options, uint64_t *status)
{
	struct posix_waited waited = { 0 };
	int64_t result = posix_wait(port, pid ? POSIX_PID : POSIX_ALL, pid, options, &waited);

	*status = waited.status;
	return result;
}

static uint64_t reap(uint32_t pid)
{
	uint64_t status = 0;
	int64_t result;

	do
		result = wait_for(pid, WEXITED_, &status);
	while (result == -EINTR);
	CHECK_EQ(result, pid);
	return status;
}

static void await(int index, int64_t value)
{
	for (int i = 0; i < 20000 && shared->value[index] != value; i++)
		nap(1);
	CHECK_EQ(shared->value[index], value);
}

static int64_t call0(enum posix_op op)
{
	return posix_simple(port, op, 0, 0, 0);
}

/* The next signal of the mailbox; its number, or 0. */
static int fetch(struct posix_signal *first)
{
	struct posix_signal signals[2] = { 0 };
	uint32_t left = 0, continues = 0;

	if (posix_signals(port, signals, &left, &continues) < 1)
		return 0;
	*first = signals[0];
	return POSIX_SIGNAL_NUMBER(first);
}

static void drain(void)
{
	struct posix_signal signals[2] = { 0 };
	uint32_t left = 0, continues = 0;

	while (posix_signals(port, signals, &left, &continues) > 0)
		;
}

/* Waits until it is interrupted. */
static void sleep_long(void)
{
	volatile uint32_t word = 0;

	tern_futex_wait(&word, 0, tern_time() + 20000000000ul);
}

#endif
