/*
 * Streams of bytes: what pipes, sockets, terminals and character devices have in common.
 *
 * The client port is the *open file description*: duplicating its handle is dup(), passing a copy
 * to a child is fork(), and when the last handle has gone the server's no-clients event is the last
 * close. Flags that POSIX keeps with the description (O_NONBLOCK) are therefore the server's.
 *
 * Message words of a call: w0 operation (8 bits) and flags above, w1 length or argument, w2 position
 * or argument, w3..w7 up to 40 bytes of data. Of an answer: w0 result (0 or positive, or -Exxx), w1
 * flags about the answer, w3..w7 data. Bytes lie in the words as they lie in memory.
 *
 * Up to 40 bytes travel in the registers, so they take the kernel's fast path; more goes through a
 * window. The answer to a READ with a window may still come in the registers, marked IO_INLINE.
 *
 * Blocking: a call that has to wait is parked CANCELLABLE before anything of it has happened, so
 * -EINTR means that nothing has. As soon as one byte has gone through, the call is answered with the
 * count; the stub of a blocking write calls again for the rest, and if that is interrupted reports
 * what went before, as POSIX wants it.
 *
 * -EFAULT: a page of the window was not there. Nothing has happened; the stub touches the window and
 * calls again, the last time through a buffer of its own.
 */
#ifndef PROTO_IO_H
#define PROTO_IO_H

#include "proto/error.h"
#include "tern/handle.h"
#include "tern/ipc.h"

#define IO_INLINE_MAX 40
#define IO_INLINE_WORD 3 /* data begin in this message word */

/*
 * The operations. Numbers below 32 belong to this header; protocols that a server speaks beside
 * it use 32 and up.
 *
 * read       w1 length, w2 position (devices that have one; else ignored), out window if the length is
 *            above 40. Answer: count, 0 at the end; IO_INLINE: bytes are in the words.
 * write      w1 length, w2 position, data in the words or in the in window. Answer: count.
 * poll       w1 events of interest, w2 watch (0: none). Answer: the events that hold now; IO_ERROR
 *            and IO_HANGUP are always of interest. If none of interest holds (or with
 *            IO_POLL_EDGE, in any case) the watch is armed: when one comes true its port is
 *            notified once, and the watch waits to be armed again (IO_POLL_KEEP: it stays armed,
 *            and each further change notifies). Spurious notifications are allowed.
 * watch      with a handle: a client port (right NOTIFY); w1 the bits to notify. Answer: the watch,
 *            above 0, unarmed. It lives until unwatch or the last close, and is shared by all
 *            holders of the description. -ENOMEM: too many. A port that is dead is forgotten.
 * unwatch    w1 watch. 0 or -ENOENT.
 * attributes w1..w7 of the answer: struct io_attributes.
 * set_flags  w1 mask, w2 values (IO_NONBLOCK). Answer: the flags now.
 * control    w1 a Linux ioctl number, w2 its argument if that is a number, else up to 40 bytes in the
 *            words, both ways (termios and winsize fit). -ENOTTY if the number means nothing here.
 *            FIONREAD is attributes' `readable`.
 */
#define IO_OPS(X)                                                                                  \
	X(1, read)                                                                                 \
	X(2, write)                                                                                \
	X(3, poll)                                                                                 \
	X(4, watch)                                                                                \
	X(5, unwatch)                                                                              \
	X(6, attributes)                                                                           \
	X(7, set_flags)                                                                            \
	X(8, control)

enum io_op {
#define IO_OP_ENUM(number, name) IO_OP_##name = (number),
	IO_OPS(IO_OP_ENUM)
#undef IO_OP_ENUM
};

#define IO_OP_MASK 0xffu
#define IO_OP_OTHERS 32 /* first number of other protocols */

/* Flags beside the operation in w0. */
#define IO_NONBLOCK                                                                                \
	(1u << 8) /* read, write: -EAGAIN where it would wait; a flag of set_flags too */
#define IO_POLL_EDGE (1u << 9)  /* poll: arm the watch whatever holds now */
#define IO_POLL_KEEP (1u << 10) /* poll: the watch stays armed when it notifies */

/* Flags about an answer, in w1. */
#define IO_INLINE 1u /* the bytes are in w3..w7 */

/* Events, with Linux's values. */
#define IO_IN 1u
#define IO_PRIORITY 2u
#define IO_OUT 4u
#define IO_ERROR 8u
#define IO_HANGUP 16u
#define IO_READ_HANGUP 0x2000u
#define IO_ALWAYS (IO_ERROR | IO_HANGUP)

enum io_kind {
	IO_KIND_DEVICE = 1, /* a character device; `device` says which */
	IO_KIND_TERMINAL,
	IO_KIND_PIPE,
	IO_KIND_FIFO,
	IO_KIND_SOCKET,
	IO_KIND_EVENT, /* a counter: reading takes it, writing adds to it (eventfd) */
	IO_KIND_TIMER, /* reading tells how often it has expired (timerfd) */
	IO_KIND_QUEUE, /* of messages (mq_open) */
};

/* The answer to attributes, w1..w7. */
struct io_attributes {
	uint64_t kind;     /* enum io_kind */
	uint64_t flags;    /* IO_NONBLOCK */
	uint64_t readable; /* bytes that a read would get now */
	uint64_t writable; /* bytes that a write could put now */
	uint64_t capacity; /* of its buffer, in bytes */
	uint64_t id;       /* unique in its server, as an inode number */
	uint64_t device;   /* of a device or terminal: major << 32 | minor */
};

#ifndef TERN_KERNEL
#define IO_BOUNCE 512    /* bytes that go through the stub's own buffer, where nothing else helps */
#define IO_FAULT_TRIES 3 /* touch and call again so often, before that */

static inline void *io_inline(struct tern_received *message)
{
	return &message->words[IO_INLINE_WORD];
}

/* A call of which the words are all; the answer's w0, or the call's own error. */
static inline tern_result io_call(tern_handle port, struct tern_received *message)
{
	tern_result result = tern_call(port, message);

	return result < 0 ? result : (tern_result)message->words[0];
}

/*
 * The same for an operation that never waits: an interrupt that comes at its beginning, before anything has
 * happened, only makes it begin again. Who waits elsewhere afterwards looks for signals first, since the
 * interrupt is used up.
 */
static inline tern_result io_ask(tern_handle port, struct tern_received *message)
{
	const struct tern_received request = *message;
	tern_result result;

	while ((result = io_call(port, message)) == -EINTR)
		*message = request;
	return result;
}

/* One read call with a window. */
static inline tern_result io_read_window(tern_handle port, void *buffer, size_t length,
					 uint64_t position, uint32_t flags)
{
	struct tern_extended windows = { .out_address = (uint64_t)buffer, .out_length = length };
	struct tern_received message = { .words = { IO_OP_read | flags, length, position } };
	tern_result result = tern_call_ext(port, &message, &windows);

	if (result < 0)
		return result;
	result = (tern_result)message.words[0];
	if (result > 0 && message.words[1] & IO_INLINE)
		__builtin_memcpy(buffer, io_inline(&message),
				 result < IO_INLINE_MAX ? (size_t)result : IO_INLINE_MAX);
	return result;
}

/* The window's pages are not there: make them so and call again. */
static inline tern_result io_read_again(tern_handle port, void *buffer, size_t length,
					uint64_t position, uint32_t flags)
{
	char bounce[IO_BOUNCE];
	tern_result result;

	for (int tries = 0; tries < IO_FAULT_TRIES; tries++) {
		size_t part = length < TERN_TOUCH_MAX ? length : TERN_TOUCH_MAX;

		result = tern_touch(buffer, part, 1);
		if (result < 0)
			return result;
		result = io_read_window(port, buffer, part, position, flags);
		if (result != -EFAULT)
			return result;
	}
	length = length < IO_BOUNCE ? length : IO_BOUNCE;
	__builtin_memset(bounce, 0, sizeof(bounce));
	result = io_read_window(port, bounce, length, position, flags);
	if (result > 0)
		__builtin_memcpy(buffer, bounce, (size_t)result);
	return result;
}

/*
 * io_read: at most `length` bytes into `buffer`. `flags`: IO_NONBLOCK or 0. Blocks until there is
 * something. Returns the count, 0 at the end; -EAGAIN, -EINTR (nothing was read), -EPIPE (the server
 * or the description is gone), -EBADF (not open for reading), -EFAULT, -EIO, and tern_call's errors.
 */
static inline tern_result io_read(tern_handle port, void *buffer, size_t length, uint64_t position,
				  uint32_t flags)
{
	struct tern_received message = { .words = { IO_OP_read | flags, length, position } };
	tern_result result;

	if (length > IO_INLINE_MAX) {
		result = io_read_window(port, buffer, length, position, flags);
		return result == -EFAULT ? io_read_again(port, buffer, length, position, flags)
					 : result;
	}
	result = io_call(port, &message);
	if (result > (tern_result)length)
		return -EIO;
	if (result == 1)
		*(unsigned char *)buffer = (unsigned char)message.words[IO_INLINE_WORD];
	else if (result > 0)
		__builtin_memcpy(buffer, io_inline(&message), (size_t)result);
	return result;
}

/* One write call. */
static inline tern_result io_write_once(tern_handle port, const void *buffer, size_t length,
					uint64_t position, uint32_t flags)
{
	struct tern_received message = { .words = { IO_OP_write | flags, length, position } };
	struct tern_extended windows = { .in_address = (uint64_t)buffer, .in_length = length };
	tern_result result;

	if (length == 1) {
		message.words[IO_INLINE_WORD] = *(const unsigned char *)buffer;
		return io_call(port, &message);
	}
	if (length <= IO_INLINE_MAX) {
		__builtin_memcpy(io_inline(&message), buffer, length);
		return io_call(port, &message);
	}
	result = tern_call_ext(port, &message, &windows);
	return result < 0 ? result : (tern_result)message.words[0];
}

static inline tern_result io_write_again(tern_handle port, const void *buffer, size_t length,
					 uint64_t position, uint32_t flags)
{
	char bounce[IO_BOUNCE];
	tern_result result;

	for (int tries = 0; tries < IO_FAULT_TRIES; tries++) {
		size_t part = length < TERN_TOUCH_MAX ? length : TERN_TOUCH_MAX;

		result = tern_touch(buffer, part, 0);
		if (result < 0)
			return result;
		result = io_write_once(port, buffer, part, position, flags);
		if (result != -EFAULT)
			return result;
	}
	length = length < IO_BOUNCE ? length : IO_BOUNCE;
	__builtin_memcpy(bounce, buffer, length);
	return io_write_once(port, bounce, length, position, flags);
}

/*
 * io_write: `length` bytes. Blocks until all are written, unless IO_NONBLOCK is in `flags` or is the
 * description's. Returns the count: less than `length` if it does not block, or was interrupted or
 * failed after the first byte; else -EAGAIN, -EINTR, -EPIPE (nobody can read it any more, or the
 * server is gone), -EBADF, -EFAULT, -ENOSPC ...
 */
static inline tern_result io_write(tern_handle port, const void *buffer, size_t length,
				   uint64_t position, uint32_t flags)
{
	size_t done = 0;

	do {
		const char *from = (const char *)buffer + done;
		tern_result result = io_write_once(port, from, length - done, position + done,
						   flags);

		if (result == -EFAULT)
			result = io_write_again(port, from, length - done, position + done, flags);
		if (result <= 0)
			return done ? (tern_result)done : result;
		done += (size_t)result;
	} while (done < length && !(flags & IO_NONBLOCK));
	return (tern_result)done;
}

/* io_poll: see `poll` above. Returns events (an answer is never negative but for an error). */
static inline tern_result io_poll(tern_handle port, uint64_t events, uint64_t watch, uint32_t flags)
{
	struct tern_received message = { .words = { IO_OP_poll | flags, events, watch } };

	return io_ask(port, &message);
}

/* io_watch: `notify` (a copy of it goes to the server) shall be notified of `bits`. The watch. */
static inline tern_result io_watch(tern_handle port, tern_handle notify, uint64_t bits)
{
	struct tern_extended extended = {
		.handle_count = 1,
		.handles = { { notify, TERN_RIGHT_NOTIFY, TERN_SEND_COPY } },
	};
	struct tern_received message;
	tern_result result;

	do {
		message = (struct tern_received){ .words = { IO_OP_watch, bits } };
		result = tern_call_ext(port, &message, &extended);
	} while (result == -EINTR);
	return result < 0 ? result : (tern_result)message.words[0];
}

static inline tern_result io_unwatch(tern_handle port, uint64_t watch)
{
	struct tern_received message = { .words = { IO_OP_unwatch, watch } };

	return io_ask(port, &message);
}

/* io_attributes: what it is and how full. Returns 0 or an error. */
static inline tern_result io_attributes(tern_handle port, struct io_attributes *attributes)
{
	struct tern_received message = { .words = { IO_OP_attributes } };
	tern_result result = io_ask(port, &message);

	if (result >= 0)
		__builtin_memcpy(attributes, &message.words[1], sizeof(*attributes));
	return result;
}

/* io_set_flags: change the description's flags in `mask` to those in `values`. All flags now. */
static inline tern_result io_set_flags(tern_handle port, uint64_t mask, uint64_t values)
{
	struct tern_received message = { .words = { IO_OP_set_flags, mask, values } };

	return io_ask(port, &message);
}

/*
 * io_control: a Linux ioctl number with a number as argument, or `length` bytes of `data` (at most
 * 40) that are sent and overwritten by the answer.
 */
static inline tern_result io_control(tern_handle port, uint64_t request, uint64_t argument,
				     void *data, size_t length)
{
	struct tern_received message = { .words = { IO_OP_control, request, argument } };
	tern_result result;

	if (length > IO_INLINE_MAX)
		return -EINVAL;
	if (length)
		__builtin_memcpy(io_inline(&message), data, length);
	result = io_call(port, &message);
	if (result >= 0 && length)
		__builtin_memcpy(data, io_inline(&message), length);
	return result;
}
#endif

_Static_assert(sizeof(struct io_attributes) == 7 * sizeof(uint64_t), "it fills w1..w7");

#endif
