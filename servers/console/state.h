/*
 * All of the console that outlives it: memory from init in which sessions keep their settings and
 * typed input, and the wire what has been accepted and is not sent yet. The next instance continues
 * where this one was killed, at any instruction; so nothing here is trusted to be consistent, only
 * to be memory: indices are reduced before use, and what makes no sense is begun anew.
 */
#ifndef CONSOLE_STATE_H
#define CONSOLE_STATE_H

#include "lib/tty/line_discipline.h"
#include "proto/tty.h"

#define SESSIONS 8
#define WIRE_SIZE 32768 /* a power of two */
#define HELD_MAX 512
#define STATE_MAGIC 0x7465726e74747901ul

struct wire_state {
	uint32_t head, tail;  /* counted without wrapping */
	uint32_t is_mid_line; /* the screen's last line is not ended */
	char ring[WIRE_SIZE];
};

struct session_state {
	struct tty tty;
	struct tty_size size;
	uint32_t is_nonblocking;
	/* Of a session in the background: the line that waits to be shown. */
	uint32_t held_length;
	char held[HELD_MAX];
};

struct console_state {
	uint64_t magic;
	uint32_t active; /* the session with the keyboard */
	struct wire_state wire;
	struct session_state sessions[SESSIONS];
};

#endif
