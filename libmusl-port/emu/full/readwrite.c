/* read, write and their kin: to whatever the descriptor is. */
#include "path.h"
#include "stream.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/uio.h>
#include <unistd.h>

#include "emu_full.h"
#include "files_internal.h"
#include "poll.h"

/* Linux's. */
#define RWF_HIPRI 1
#define RWF_DSYNC 2
#define RWF_SYNC 4
#define LENGTH_MAX 0x7ffff000u /* Linux's, of one call */
#define PARTS_MAX 1024

static bool is_file(const struct emu_description *description)
{
	return description->kind == EMU_FILE || description->kind == EMU_MEMORY;
}

static long read_stream(struct emu_description *description, void *buffer, size_t length)
{
	long result = emu_terminal_access(description, SIGTTIN);

	if (result < 0)
		return result;
	return emu_stream_read(description, buffer, length, emu_stream_flags(description));
}

/* Output of the background is stopped only if the terminal says so (TOSTOP), which is rare. */
static long write_stream(struct emu_description *description, const void *buffer, size_t length)
{
	long result = emu_terminal_output(description);

	if (result >= 0)
		result = emu_stream_write(description, buffer, length,
					  emu_stream_flags(description));
	if (result == -EPIPE)
		emu_signal_self(SIGPIPE);
	return result;
}

long emu_read_from(struct emu_description *description, void *buffer, size_t length)
{
	switch (description->kind) {
	case EMU_FILE:
	case EMU_MEMORY:
		return emu_file_read(description, buffer, length);
	case EMU_STREAM:
		if ((description->flags & O_ACCMODE) == O_WRONLY)
			return -EBADF;
		return read_stream(description, buffer, length);
	case EMU_DIRECTORY:
		return -EISDIR;
	case EMU_SIGNALS:
		return emu_signalfd_read(description, buffer, length);
	case EMU_EPOLL:
		return -EINVAL;
	default:
		return -EBADF;
	}
}

long emu_write_to(struct emu_description *description, const void *buffer, size_t length)
{
	switch (description->kind) {
	case EMU_FILE:
	case EMU_MEMORY:
		return emu_file_write(description, buffer, length);
	case EMU_STREAM:
		if ((description->flags & O_ACCMODE) == O_RDONLY)
			return -EBADF;
		return write_stream(description, buffer, length);
	case EMU_EPOLL:
	case EMU_SIGNALS:
		return -EINVAL;
	default:
		return -EBADF;
	}
}

long emu_read(int number, void *buffer, size_t length)
{
	struct emu_description *description = emu_descriptor(number);

	if (!description)
		return -EBADF;
	if (length > LENGTH_MAX)
		length = LENGTH_MAX;
	return emu_read_from(description, buffer, length);
}

long emu_write(int number, const void *buffer, size_t length)
{
	struct emu_description *description = emu_descriptor(number);

	if (!description)
		return -EBADF;
	if (length > LENGTH_MAX)
		length = LENGTH_MAX;
	return emu_write_to(description, buffer, length);
}

long emu_write_text(int number, const char *text, uint64_t length)
{
	return emu_write(number, text, length);
}

/* ------------------------------------------------------------------------------ at an offset */

static long check_offset(struct emu_description *description, int64_t offset)
{
	if (!description)
		return -EBADF;
	if (offset < 0)
		return -EINVAL;
	if (is_file(description))
		return 0;
	if (description->kind == EMU_DIRECTORY)
		return -EISDIR;
	if (description->kind == EMU_STREAM && description->io_kind == IO_KIND_DEVICE)
		return 0;
	return description->kind == EMU_PATH ? -EBADF : -ESPIPE;
}

long emu_pread(int number, void *buffer, size_t length, int64_t offset)
{
	struct emu_description *description = emu_descriptor(number);
	long result = check_offset(description, offset);

	if (result < 0)
		return result;
	if (length > LENGTH_MAX)
		length = LENGTH_MAX;
	if (!is_file(description))
		return emu_read_from(description, buffer, length);
	return emu_file_read_at(description, buffer, length, (uint64_t)offset);
}

long emu_pwrite(int number, const void *buffer, size_t length, int64_t offset)
{
	struct emu_description *description = emu_descriptor(number);
	long result = check_offset(description, offset);

	if (result < 0)
		return result == -EISDIR ? -EBADF : result;
	if (length > LENGTH_MAX)
		length = LENGTH_MAX;
	if (!is_file(description))
		return emu_write_to(description, buffer, length);
	return emu_file_write_anywhere(description, buffer, length, (uint64_t)offset);
}

/* --------------------------------------------------------------------------- several buffers */

/* How a vector goes: one way or the other, at an offset or at the position. */
struct transfer {
	struct emu_description *description;
	bool is_write;
	int64_t offset; /* -1: the position */
};

static long move_part(const struct transfer *transfer, void *buffer, size_t length, size_t done)
{
	struct emu_description *description = transfer->description;
	uint64_t at = (uint64_t)transfer->offset + done;

	if (transfer->offset < 0 || !is_file(description))
		return transfer->is_write ? emu_write_to(description, buffer, length)
					  : emu_read_from(description, buffer, length);
	return transfer->is_write ? emu_file_write_anywhere(description, buffer, length, at)
				  : emu_file_read_at(description, buffer, length, at);
}

/* One part after the other; up to the first that is not done whole. */
static long move_parts(const struct transfer *transfer, const struct iovec *user, long count)
{
	size_t done = 0;

	for (long i = 0; i < count; i++) {
		struct iovec part;
		long result = emu_copy_in(&part, &user[i], sizeof(part));

		if (!result && part.iov_len)
			result = move_part(transfer, part.iov_base, part.iov_len, done);
		if (result < 0)
			return done ? (long)done : result;
		done += (size_t)result;
		if ((size_t)result < part.iov_len)
			break;
	}
	return (long)done;
}

/* What is one message, or one line, goes in one piece, through a buffer; at most that much. */
static long move_at_once(const struct transfer *transfer, const struct iovec *user, long count,
			 size_t total)
{
	char *buffer = emu_buffer_take();
	size_t at = 0, limit = total < EMU_BUFFER_SIZE ? total : EMU_BUFFER_SIZE;
	long result = 0, end = -1;

	if (!buffer)
		return -ENOMEM;
	if (!transfer->is_write) {
		end = result = move_part(transfer, buffer, limit, 0);
		limit = result > 0 ? (size_t)result : 0;
	}
	for (long i = 0; i < count && at < limit && result >= 0; i++) {
		struct iovec part;
		size_t length;

		result = emu_copy_in(&part, &user[i], sizeof(part));
		if (result)
			break;
		length = part.iov_len < limit - at ? part.iov_len : limit - at;
		result = transfer->is_write ? emu_copy_in(buffer + at, part.iov_base, length)
					    : emu_copy_out(part.iov_base, buffer + at, length);
		at += length;
	}
	if (transfer->is_write && result >= 0)
		end = move_part(transfer, buffer, limit, 0);
	emu_buffer_give(buffer);
	return result < 0 ? result : end;
}

/* Bytes in all, how many parts are not empty, and the last of those. */
static long measure(const struct iovec *user, long count, size_t *total, long *used,
		    struct iovec *last)
{
	*total = 0;
	*used = 0;
	for (long i = 0; i < count; i++) {
		struct iovec part;
		long result = emu_copy_in(&part, &user[i], sizeof(part));

		if (result)
			return result;
		if (part.iov_len > LENGTH_MAX)
			return -EINVAL;
		if (part.iov_len) {
			*last = part;
			++*used;
		}
		*total += part.iov_len;
	}
	return 0;
}

/* Others may write to the file at the same place: lines of a log are not to be mixed. */
static bool is_open_to_others(const struct transfer *transfer)
{
	const struct emu_description *description = transfer->description;

	return transfer->is_write && transfer->offset < 0 &&
	       (description->is_shared || description->flags & O_APPEND);
}

static long move_vector(const struct transfer *transfer, const struct iovec *user, long count)
{
	struct iovec last = { 0 };
	size_t total;
	long used, result;

	if (count < 0 || count > PARTS_MAX)
		return -EINVAL;
	result = measure(user, count, &total, &used, &last);
	if (result)
		return result;
	if (used <= 1)
		return move_part(transfer, last.iov_base, last.iov_len, 0);
	if (is_file(transfer->description) && !is_open_to_others(transfer))
		return move_parts(transfer, user, count);
	if (transfer->is_write && total > EMU_BUFFER_SIZE)
		return move_parts(transfer, user, count);
	return move_at_once(transfer, user, count, total);
}

long emu_readv(int number, const struct iovec *parts, int count)
{
	struct transfer transfer = { emu_descriptor(number), false, -1 };

	return transfer.description ? move_vector(&transfer, parts, count) : -EBADF;
}

long emu_writev(int number, const struct iovec *parts, int count)
{
	struct transfer transfer = { emu_descriptor(number), true, -1 };

	return transfer.description ? move_vector(&transfer, parts, count) : -EBADF;
}

long emu_preadv(int number, const struct iovec *parts, int count, int64_t offset)
{
	struct transfer transfer = { emu_descriptor(number), false, offset };
	long result = check_offset(transfer.description, offset);

	return result < 0 ? result : move_vector(&transfer, parts, count);
}

long emu_pwritev(int number, const struct iovec *parts, int count, int64_t offset)
{
	struct transfer transfer = { emu_descriptor(number), true, offset };
	long result = check_offset(transfer.description, offset);

	return result < 0 ? result : move_vector(&transfer, parts, count);
}

/* preadv2, pwritev2: offset -1 is the position. */
long emu_preadv2(int number, const struct iovec *parts, int count, int64_t offset, long high,
		 int flags)
{
	(void)high;
	if (flags & ~RWF_HIPRI)
		return -EOPNOTSUPP;
	return offset == -1 ? emu_readv(number, parts, count)
			    : emu_preadv(number, parts, count, offset);
}

long emu_pwritev2(int number, const struct iovec *parts, int count, int64_t offset, long high,
		  int flags)
{
	long result, error;

	(void)high;
	if (flags & ~(RWF_HIPRI | RWF_DSYNC | RWF_SYNC))
		return -EOPNOTSUPP;
	result = offset == -1 ? emu_writev(number, parts, count)
			      : emu_pwritev(number, parts, count, offset);
	error = result > 0 && flags & (RWF_DSYNC | RWF_SYNC) ? emu_fsync(number) : 0;
	return error ? error : result;
}

/* ---------------------------------------------------------------------------------- position */

static long seek_directory(struct emu_description *description, int64_t offset, int whence)
{
	if (whence == SEEK_CUR)
		offset += (int64_t)description->position;
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (offset < 0)
		return -EINVAL;
	description->position = (uint64_t)offset;
	return offset;
}

long emu_lseek(int number, int64_t offset, int whence)
{
	struct emu_description *description = emu_descriptor(number);

	if (!description)
		return -EBADF;
	if (whence < SEEK_SET || whence > SEEK_HOLE)
		return -EINVAL;
	switch (description->kind) {
	case EMU_FILE:
	case EMU_MEMORY:
		return emu_file_seek(description, offset, whence);
	case EMU_DIRECTORY:
		return seek_directory(description, offset, whence);
	case EMU_STREAM:
		return description->io_kind == IO_KIND_DEVICE ? 0 : -ESPIPE;
	case EMU_PATH:
		return -EBADF;
	default:
		return -ESPIPE;
	}
}
