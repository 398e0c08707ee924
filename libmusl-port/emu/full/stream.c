/*
 * Reading and writing what speaks io.h. As the stubs of proto/io.h, but the buffer may be a bad pointer:
 * bytes that came or go in registers are copied so that a fault is -EFAULT.
 *
 * O_NONBLOCK is with the description. Pipes and sockets keep it in their server, where all that share
 * the description see it. A terminal's port is the terminal: what one opener sets is not to
 * concern others, so there it is kept here and said with each call.
 *
 * Who answers may be anybody: a port can come from another process (rights.c). So counts are checked.
 */
#include "stream.h"

#include "emu_full.h"
#include "path.h"

#define RESTARTS 16 /* of a terminal's server, during one call */

long emu_guarded_copy(void *to, const void *from, size_t length);

struct emu_description *emu_stream_new(tern_handle port, enum io_kind kind, uint32_t flags)
{
	struct emu_description *description = emu_description_new(EMU_STREAM, flags);

	if (!description) {
		tern_handle_close(port);
		return NULL;
	}
	description->io = port;
	description->io_kind = (uint8_t)kind;
	return description;
}

long emu_stream_opened(struct emu_description *description)
{
	struct io_attributes attributes;
	tern_result result = io_attributes(description->io, &attributes);

	if (result < 0)
		return 0; /* some devices do not say; none of those is a terminal */
	description->io_kind = (uint8_t)attributes.kind;
	description->device = attributes.device;
	return 0;
}

/* ---------------------------------------------------------------------------------- reading */

static tern_result read_short(tern_handle port, void *buffer, size_t length, uint32_t flags)
{
	struct tern_received message = { .words = { IO_OP_read | flags, length } };
	tern_result result = io_call(port, &message);

	if (result <= 0)
		return result;
	if (result > (tern_result)length)
		return -EIO;
	return emu_guarded_copy(buffer, io_inline(&message), (size_t)result) ? -EFAULT : result;
}

static tern_result read_window(tern_handle port, void *buffer, size_t length, uint32_t flags)
{
	struct tern_extended windows = { .out_address = (uint64_t)buffer, .out_length = length };
	struct tern_received message = { .words = { IO_OP_read | flags, length } };
	tern_result result = tern_call_ext(port, &message, &windows);

	if (result < 0)
		return result == -EINVAL ? -EFAULT : result;
	result = (tern_result)message.words[0];
	if (result > (tern_result)length)
		return -EIO;
	if (result <= 0 || !(message.words[1] & IO_INLINE))
		return result;
	if (result > IO_INLINE_MAX)
		return -EIO;
	return emu_guarded_copy(buffer, io_inline(&message), (size_t)result) ? -EFAULT : result;
}

/* The window's pages are made present, and at last emu's own are used. */
static tern_result read_again(tern_handle port, void *buffer, size_t length, uint32_t flags)
{
	tern_result result;
	char *bounce;

	for (int tries = 0; tries < IO_FAULT_TRIES; tries++) {
		size_t part = length < TERN_TOUCH_MAX ? length : TERN_TOUCH_MAX;

		if (tern_touch(buffer, part, 1) < 0)
			break;
		result = read_window(port, buffer, part, flags);
		if (result != -EFAULT)
			return result;
	}
	if (tern_touch(buffer, 1, 1) < 0)
		return -EFAULT;
	bounce = emu_buffer_take();
	if (!bounce)
		return -ENOMEM;
	length = length < IO_BOUNCE ? length : IO_BOUNCE;
	__builtin_memset(bounce, 0, length);
	result = read_window(port, bounce, length, flags);
	if (result > 0 && emu_guarded_copy(buffer, bounce, (size_t)result))
		result = -EFAULT;
	emu_buffer_give(bounce);
	return result;
}

static tern_result read_once(tern_handle port, void *buffer, size_t length, uint32_t flags)
{
	tern_result result;

	if (length <= IO_INLINE_MAX)
		return read_short(port, buffer, length, flags);
	result = read_window(port, buffer, length, flags);
	return result == -EFAULT ? read_again(port, buffer, length, flags) : result;
}

/* ---------------------------------------------------------------------------------- writing */

static tern_result write_window(tern_handle port, const void *buffer, size_t length, uint32_t flags)
{
	struct tern_extended windows = { .in_address = (uint64_t)buffer, .in_length = length };
	struct tern_received message = { .words = { IO_OP_write | flags, length } };
	tern_result result = tern_call_ext(port, &message, &windows);

	if (result < 0)
		return result == -EINVAL ? -EFAULT : result;
	return (tern_result)message.words[0];
}

static tern_result write_again(tern_handle port, const void *buffer, size_t length, uint32_t flags)
{
	tern_result result;
	char *bounce;

	for (int tries = 0; tries < IO_FAULT_TRIES; tries++) {
		size_t part = length < TERN_TOUCH_MAX ? length : TERN_TOUCH_MAX;

		if (tern_touch(buffer, part, 0) < 0)
			break;
		result = write_window(port, buffer, part, flags);
		if (result != -EFAULT)
			return result;
	}
	bounce = emu_buffer_take();
	if (!bounce)
		return -ENOMEM;
	length = length < IO_BOUNCE ? length : IO_BOUNCE;
	result = emu_guarded_copy(bounce, buffer, length);
	if (!result)
		result = write_window(port, bounce, length, flags);
	emu_buffer_give(bounce);
	return result;
}

static tern_result write_once(tern_handle port, const void *buffer, size_t length, uint32_t flags)
{
	struct tern_received message = { .words = { IO_OP_write | flags, length } };
	tern_result result;

	if (length <= IO_INLINE_MAX) {
		if (emu_guarded_copy(io_inline(&message), buffer, length))
			return -EFAULT;
		return io_call(port, &message);
	}
	result = write_window(port, buffer, length, flags);
	return result == -EFAULT ? write_again(port, buffer, length, flags) : result;
}

/* ---------------------------------------------------------------------------------- both */

/* A terminal survives its server: what the dying one had received is made again. */
static bool is_worth_repeating(const struct emu_description *description, tern_result result,
			       int tries)
{
	return result == -EPIPE && description->io_kind == IO_KIND_TERMINAL && tries < RESTARTS;
}

static long read_in_time(struct emu_description *socket, void *buffer, size_t length,
			 uint32_t flags)
{
	uint64_t deadline = 0;
	long result;

	do
		result = read_once(socket->io, buffer, length, flags | IO_NONBLOCK);
	while (result == -EAGAIN && !(result = emu_socket_wait(socket, IO_IN, &deadline)));
	return result;
}

/* One that would wait, or did for too long, tells what went until then. */
static long write_in_time(struct emu_description *socket, const void *buffer, size_t length,
			  uint32_t flags)
{
	uint64_t deadline = 0;
	size_t done = 0;
	long result;

	do {
		result = write_once(socket->io, (const char *)buffer + done, length - done,
				    flags | IO_NONBLOCK);
		if (result > (long)(length - done))
			result = -EIO;
		if (result > 0)
			done += (size_t)result;
		else if (result == -EAGAIN)
			result = emu_socket_wait(socket, IO_OUT, &deadline);
	} while (result >= 0 && done < length);
	return done ? (long)done : result;
}

long emu_stream_read(struct emu_description *description, void *buffer, size_t length,
		     uint32_t flags)
{
	tern_result result;
	int tries = 0;

	description->activity++;
	if (__builtin_expect(emu_socket_has_time(description, flags, false), 0))
		return read_in_time(description, buffer, length, flags);
	if (emu_is_due())
		return -EINTR;
	do
		result = read_once(description->io, buffer, length, flags);
	while (is_worth_repeating(description, result, tries++));
	return result == -EPIPE ? -EIO : result;
}

/* What a signal interrupted before it was received. Who has room is written to: only a write that waits ends. */
static tern_result write_interrupted(const struct emu_description *description, const void *buffer,
				     size_t length, uint32_t flags)
{
	tern_result result;

	do
		result = write_once(description->io, buffer, length, flags | IO_NONBLOCK);
	while (result == -EINTR);
	return result == -EAGAIN && !(flags & IO_NONBLOCK) ? -EINTR : result;
}

/* A write that waits goes on until all is written; what went before an error or interrupt counts. */
long emu_stream_write(struct emu_description *description, const void *buffer, size_t length,
		      uint32_t flags)
{
	size_t done = 0;
	int tries = 0;

	description->activity++;
	if (__builtin_expect(emu_socket_has_time(description, flags, true), 0))
		return write_in_time(description, buffer, length, flags);
	do {
		tern_result result = emu_is_due() ? -EINTR
						  : write_once(description->io,
							       (const char *)buffer + done,
							       length - done, flags);

		if (result == -EINTR && !done)
			result = write_interrupted(description, buffer, length, flags);
		if (is_worth_repeating(description, result, tries++))
			continue;
		if (result <= 0)
			return done ? (long)done : result;
		if ((size_t)result > length - done)
			return -EIO;
		done += (size_t)result;
	} while (done < length && !(flags & IO_NONBLOCK));
	return (long)done;
}
