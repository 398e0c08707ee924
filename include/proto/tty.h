/*
 * Terminals: what the console and pseudo-terminals speak beside include/proto/io.h. Settings and window
 * size go through io_control with Linux's numbers; signals that are typed arrive as notifications.
 *
 * A session port of the console is persistent: over a restart of the server the terminal keeps its settings, size
 * and typed input, and the port stays valid. What is lost is named at each call.
 */
#ifndef PROTO_TTY_H
#define PROTO_TTY_H

#include "proto/io.h"

/*
 * signals   with a handle: a client port (right NOTIFY) that is notified of 1 << number when SIGINT,
 *           SIGQUIT or SIGTSTP is typed and when the window size changes (SIGWINCH). It replaces the
 *           one before. Lost at a restart: the port's owner then gets its no-clients event, and
 *           registers again. Answer 0.
 * open      a port as if the terminal had been opened again, whatever its permissions say. -ENOSYS: this
 *           port is as good (the console). Answer: handle.
 * activate  this session gets the keyboard and the screen; what other sessions write is shown
 *           between the lines. Answer 0.
 */
#define TTY_OPS(X)                                                                                 \
	X(32, signals)                                                                             \
	X(33, activate)                                                                            \
	X(34, open)

enum tty_op {
#define TTY_OP_ENUM(number, name) TTY_OP_##name = (number),
	TTY_OPS(TTY_OP_ENUM)
#undef TTY_OP_ENUM
};

/*
 * The *control port* of a pseudo-terminal (FILE_TERMINAL in proto/file.h) answers `signals` and `open`
 * alone. It does not count as having the terminal open. A notification of TTY_HANG_UP hangs up: what is
 * open of the slave reads its end, cannot be written any more, and is of no use to those who open it
 * again. In the other direction TTY_HANG_UP in a signal port's bits says that the terminal is gone.
 */
#define TTY_HANG_UP (1ul << 1) /* 1 << SIGHUP */

/* Numbers for io_control, Linux's. */
#define TTY_GET 0x5401ul           /* struct tty_settings */
#define TTY_SET 0x5402ul           /* at once */
#define TTY_SET_DRAIN 0x5403ul     /* the same here: output is processed when it is written */
#define TTY_SET_FLUSH 0x5404ul     /* and unread input is dropped */
#define TTY_BREAK 0x5409ul         /* argument not 0: tcdrain, waits until all output is sent */
#define TTY_FLOW 0x540aul          /* argument 0: stop output, 1: start it */
#define TTY_FLUSH 0x540bul         /* argument 0 or 2: unread input is dropped */
#define TTY_EXCLUSIVE 0x540cul     /* pseudo-terminals: only user 0 may open it ... */
#define TTY_NOT_EXCLUSIVE 0x540dul /* ... anybody again */
#define TTY_OUTPUT_COUNT 0x5411ul
#define TTY_GET_SIZE 0x5413ul /* struct tty_size */
#define TTY_SET_SIZE 0x5414ul
#define TTY_INPUT_COUNT 0x541bul

/* Of a pseudo-terminal's master. */
#define TTY_NUMBER 0x80045430ul      /* uint32_t: the slave is /dev/pts/N */
#define TTY_SET_LOCK 0x40045431ul    /* int: not 0: the slave cannot be opened */
#define TTY_GET_LOCK 0x80045439ul    /* int */
#define TTY_SEND_SIGNAL 0x40045436ul /* argument: SIGINT, SIGQUIT or SIGTSTP, as if typed */

/* Linux's struct termios as the kernel knows it: the first bytes of the C library's. */
struct tty_settings {
	uint32_t input, output, control, local;
	uint8_t discipline;
	uint8_t characters[19];
};
_Static_assert(sizeof(struct tty_settings) == 36, "it travels in a message's words");

struct tty_size {
	uint16_t rows, columns, width, height;
};

#ifndef TERN_KERNEL
#define TTY_RETRIES 16

/* tty_get, tty_set: tcgetattr, tcsetattr (`how`: TTY_SET...). Return 0 or an error. */
static inline tern_result tty_get(tern_handle port, struct tty_settings *settings)
{
	__builtin_memset(settings, 0, sizeof(*settings));
	return io_control(port, TTY_GET, 0, settings, sizeof(*settings));
}

static inline tern_result tty_change(tern_handle port, uint64_t how,
				     const struct tty_settings *settings)
{
	struct tty_settings copy = *settings;

	return io_control(port, how, 0, &copy, sizeof(copy));
}

static inline tern_result tty_get_size(tern_handle port, struct tty_size *size)
{
	__builtin_memset(size, 0, sizeof(*size));
	return io_control(port, TTY_GET_SIZE, 0, size, sizeof(*size));
}

static inline tern_result tty_set_size(tern_handle port, const struct tty_size *size)
{
	struct tty_size copy = *size;

	return io_control(port, TTY_SET_SIZE, 0, &copy, sizeof(copy));
}

/* tty_drain: wait until all that was written is on the wire. */
static inline tern_result tty_drain(tern_handle port)
{
	return io_control(port, TTY_BREAK, 1, 0, 0);
}

/* tty_signals: `notify` (a copy of it goes to the server) hears of typed signals. */
static inline tern_result tty_signals(tern_handle port, tern_handle notify)
{
	struct tern_extended extended = {
		.handle_count = 1,
		.handles = { { notify, TERN_RIGHT_NOTIFY, TERN_SEND_COPY } },
	};
	struct tern_received message = { .words = { TTY_OP_signals } };
	tern_result result = tern_call_ext(port, &message, &extended);

	return result < 0 ? result : (tern_result)message.words[0];
}

static inline tern_result tty_activate(tern_handle port)
{
	struct tern_received message = { .words = { TTY_OP_activate } };

	return io_call(port, &message);
}

/*
 * io_read and io_write over restarts: a call that the dying server had received comes back -EPIPE and
 * is made again; it then waits at the listener for the next instance. A write that the server had
 * carried out just then may show twice. -EPIPE means that the server is gone for good.
 */
static inline tern_result tty_input(tern_handle port, void *buffer, size_t length, uint32_t flags)
{
	tern_result result = -EPIPE;

	for (int tries = 0; tries < TTY_RETRIES && result == -EPIPE; tries++)
		result = io_read(port, buffer, length, 0, flags);
	return result;
}

static inline tern_result tty_output(tern_handle port, const void *buffer, size_t length,
				     uint32_t flags)
{
	size_t done = 0;

	for (int tries = 0; tries < TTY_RETRIES && done < length; tries++) {
		tern_result result = io_write(port, (const char *)buffer + done, length - done, 0,
					      flags);

		if (result > 0) {
			done += (size_t)result;
			tries = -1;
		} else if (result != -EPIPE) {
			return done ? (tern_result)done : result;
		}
		if (flags & IO_NONBLOCK && done)
			break;
	}
	return done || !length ? (tern_result)done : -EPIPE;
}
#endif

#endif
