/*
 * The terminal line discipline: what stands between a terminal's bytes and the programs that read
 * and write it. Pure computation: no system calls, no allocation, no clock.
 *
 * Bytes from the device go in by tty_receive; what is to be shown goes to `output`; signals go to
 * `signal`. A reader asks tty_ready whether it may read now, and how to wait if not. Settings are
 * a struct termios, as tcgetattr and tcsetattr pass it.
 */
#ifndef LIB_TTY_LINE_DISCIPLINE_H
#define LIB_TTY_LINE_DISCIPLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <termios.h>

#define TTY_INPUT_MAX 4096 /* bytes that wait to be read; also the longest line, with its end */

struct tty_callbacks {
	/* Show these bytes; must take them all. */
	void (*output)(void *context, const char *bytes, size_t length);
	/* SIGINT, SIGQUIT or SIGTSTP was typed: for the foreground process group. */
	void (*signal)(void *context, int signal);
};

struct tty {
	struct termios settings;
	const struct tty_callbacks *callbacks;
	void *context;
	/*
	 * A ring: [head, line) can be read, [line, tail) is the line being edited (canonical mode).
	 * `is_end` marks bytes that end a line; the end-of-file character is one that is not read.
	 */
	uint8_t input[TTY_INPUT_MAX];
	uint8_t is_end[TTY_INPUT_MAX / 8];
	uint32_t head, line, tail; /* counted without wrapping */
	uint32_t column;           /* of the cursor, for tabs and erasing */
	uint32_t line_column;      /* where the line being edited began */
	bool is_literal;           /* VLNEXT was typed: the next byte is itself */
	bool is_stopped;           /* VSTOP was typed: output waits */
};

/* What a reader is to do. */
enum tty_wait {
	TTY_READ,         /* read now: tty_read will not return -1 */
	TTY_WAIT_INPUT,   /* wait until a byte arrives */
	TTY_WAIT_TIMER,   /* the same, but at most VTIME tenths of a second from now */
	TTY_WAIT_BETWEEN, /* the same, from the last byte's arrival */
};

/* How long a reader who waits for bytes has waited (VTIME). */
struct tty_patience {
	uint64_t last_arrival; /* of a byte: the device's side says so */
	uint64_t deadline;     /* 0: none */
};

void tty_init(struct tty *tty, const struct tty_callbacks *callbacks, void *context);

/* A byte from the device. A full queue drops it and rings the bell when IMAXBEL is set. */
void tty_receive(struct tty *tty, uint8_t byte);

/*
 * May a reader who wants `wanted` bytes (at least 1) read now? `has_timed_out`: the time that an
 * earlier answer named has passed.
 */
enum tty_wait tty_ready(const struct tty *tty, size_t wanted, bool has_timed_out);

/*
 * The same for who has a clock: true: it has to wait, until *deadline at the latest if that is not 0. Times
 * are in nanoseconds.
 */
bool tty_waits(const struct tty *tty, struct tty_patience *patience, size_t wanted, uint64_t now,
	       uint64_t *deadline);
/* How many bytes from the device will be kept or do something; SIZE_MAX: any. */
size_t tty_room(const struct tty *tty);

/*
 * At most `length` bytes, at most one line in canonical mode. 0: end of file, or nothing came in
 * time. Call it after tty_ready said TTY_READ.
 */
size_t tty_read(struct tty *tty, void *to, size_t length);

/* Bytes that a read would return (FIONREAD); end of file counts as none. */
size_t tty_input_length(const struct tty *tty);
/* Is there something for a read: data, or an end of file? */
bool tty_has_input(const struct tty *tty);

/* What a program writes, on its way to the device. Ask tty->is_stopped first. */
void tty_write(struct tty *tty, const void *bytes, size_t length);

/* tcsetattr. Leaving canonical mode makes an unfinished line readable. */
void tty_set(struct tty *tty, const struct termios *settings);
/* tcflush(TCIFLUSH). */
void tty_flush_input(struct tty *tty);

#endif
