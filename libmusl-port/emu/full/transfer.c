/*
 * From one descriptor to another without the program's memory: sendfile, copy_file_range, splice,
 * vmsplice. Bytes go through a buffer of emu's own, piece by piece.
 *
 * What was read from a pipe and could not be written would be lost, so before a pipe is read the other
 * side is asked for room if it is not to be waited for.
 */
#include "path.h"
#include "stream.h"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "emu_full.h"
#include "files_internal.h"
#include "poll.h"

#define SPLICE_FLAGS (SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT)

/* One side: an offset, which moves, or -1: the description's position. */
struct side {
	struct emu_description *description;
	int64_t offset;
	int64_t *user_offset;
};

static bool is_file(const struct emu_description *description)
{
	return description->kind == EMU_FILE || description->kind == EMU_MEMORY;
}

static bool is_pipe(const struct emu_description *description)
{
	return description->kind == EMU_STREAM && description->io_kind == IO_KIND_PIPE;
}

static long get_side(struct side *side, int number, int64_t *user_offset)
{
	side->description = emu_descriptor(number);
	side->offset = -1;
	side->user_offset = user_offset;
	if (!side->description || side->description->kind == EMU_PATH)
		return -EBADF;
	if (!user_offset)
		return 0;
	if (emu_copy_in(&side->offset, user_offset, sizeof(side->offset)))
		return -EFAULT;
	return side->offset < 0 ? -EINVAL : 0;
}

static long put_side(const struct side *side)
{
	return side->user_offset
		       ? emu_copy_out(side->user_offset, &side->offset, sizeof(side->offset))
		       : 0;
}

static long read_side(struct side *from, char *buffer, size_t length)
{
	long result = from->offset < 0 ? emu_read_from(from->description, buffer, length)
				       : emu_file_read_at(from->description, buffer, length,
							  (uint64_t)from->offset);

	if (result > 0 && from->offset >= 0)
		from->offset += result;
	return result;
}

/* So much of what was read was not written: it is read again by the next call. */
static void go_back(struct side *from, int64_t length)
{
	if (from->offset >= 0)
		from->offset -= length;
	else if (is_file(from->description))
		emu_file_seek(from->description, -length, SEEK_CUR);
}

static long write_side(struct side *to, const char *buffer, size_t length)
{
	long result = to->offset < 0 ? emu_write_to(to->description, buffer, length)
				     : emu_file_write_anywhere(to->description, buffer, length,
							       (uint64_t)to->offset);

	if (result > 0 && to->offset >= 0)
		to->offset += result;
	return result;
}

static long move_piece(struct side *to, struct side *from, char *buffer, size_t length)
{
	long result = read_side(from, buffer, length), written;

	if (result <= 0)
		return result;
	written = write_side(to, buffer, (size_t)result);
	if (written < result)
		go_back(from, result - (written < 0 ? 0 : written));
	return written;
}

/* Until the source ends or the target takes no more; `is_once`: one piece. */
static long move(struct side *to, struct side *from, size_t count, bool is_once)
{
	char *buffer = emu_buffer_take();
	size_t done = 0;
	long result = 0;

	if (!buffer)
		return -ENOMEM;
	while (done < count) {
		size_t length = count - done < EMU_BUFFER_SIZE ? count - done : EMU_BUFFER_SIZE;

		result = move_piece(to, from, buffer, length);
		if (result <= 0)
			break;
		done += (size_t)result;
		if (is_once)
			break;
	}
	emu_buffer_give(buffer);
	if (!done && result < 0)
		return result;
	return put_side(from) || put_side(to) ? -EFAULT : (long)done;
}

long emu_sendfile(int to, int from, int64_t *user_offset, size_t count)
{
	struct side source, target;
	long result = get_side(&target, to, NULL);

	if (!result)
		result = get_side(&source, from, user_offset);
	if (!result && !is_file(source.description))
		result = -EINVAL;
	return result ? result : move(&target, &source, count, false);
}

/* ----------------------------------------------------------------------------- copy_file_range */

static int64_t begin_of(const struct side *side)
{
	return side->offset < 0 ? emu_file_seek(side->description, 0, SEEK_CUR) : side->offset;
}

/* Of one file to itself? */
static bool do_overlap(const struct side *to, const struct side *from, size_t count)
{
	int64_t a = begin_of(to), b = begin_of(from);
	uint64_t apart = (uint64_t)(a < b ? b - a : a - b);

	if (to->description != from->description &&
	    (to->description->token != from->description->token || !to->description->token ||
	     to->description->mount != from->description->mount))
		return false;
	return apart < count;
}

static long check_copy(const struct side *to, const struct side *from)
{
	uint32_t target = to->description->flags;

	if (from->description->kind == EMU_DIRECTORY || to->description->kind == EMU_DIRECTORY)
		return -EISDIR;
	if (!is_file(from->description) || !is_file(to->description))
		return -EINVAL;
	if ((from->description->flags & O_ACCMODE) == O_WRONLY ||
	    (target & O_ACCMODE) == O_RDONLY || target & O_APPEND)
		return -EBADF;
	return 0;
}

long emu_copy_file_range(int from, int64_t *from_offset, int to, int64_t *to_offset, size_t count,
			 unsigned int flags)
{
	struct side source, target;
	long result = flags ? -EINVAL : get_side(&source, from, from_offset);

	if (!result)
		result = get_side(&target, to, to_offset);
	if (!result)
		result = check_copy(&target, &source);
	if (!result && count && do_overlap(&target, &source, count))
		result = -EINVAL;
	return result ? result : move(&target, &source, count, false);
}

/* ------------------------------------------------------------------------------------- splice */

static long check_splice(const struct side *to, const struct side *from)
{
	if (!is_pipe(to->description) && !is_pipe(from->description))
		return -EINVAL;
	if ((is_pipe(to->description) && to->user_offset) ||
	    (is_pipe(from->description) && from->user_offset))
		return -ESPIPE;
	if ((to->user_offset && !is_file(to->description)) ||
	    (from->user_offset && !is_file(from->description)))
		return -EINVAL;
	return is_file(to->description) && to->description->flags & O_APPEND ? -EINVAL : 0;
}

/* 0, or -EAGAIN: there is nothing to read, or nowhere to put it. */
static long check_ready(const struct side *to, const struct side *from)
{
	if (is_pipe(from->description) && !emu_description_events(from->description, IO_IN))
		return -EAGAIN;
	if (!is_file(to->description) &&
	    !(emu_description_events(to->description, IO_OUT) & (IO_OUT | IO_ERROR)))
		return -EAGAIN;
	return 0;
}

long emu_splice(int from, int64_t *from_offset, int to, int64_t *to_offset, size_t count,
		unsigned int flags)
{
	struct side source, target;
	long result = flags & ~SPLICE_FLAGS ? -EINVAL : get_side(&source, from, from_offset);

	if (!result)
		result = get_side(&target, to, to_offset);
	if (!result)
		result = check_splice(&target, &source);
	if (result || !count)
		return result;
	if (flags & SPLICE_F_NONBLOCK) {
		result = check_ready(&target, &source);
		if (count > PIPE_BUF)
			count = PIPE_BUF;
	}
	return result ? result : move(&target, &source, count, true);
}

long emu_vmsplice(int number, const struct iovec *parts, size_t count, unsigned int flags)
{
	struct emu_description *description = emu_descriptor(number);

	if (flags & ~SPLICE_FLAGS)
		return -EINVAL;
	if (!description || !is_pipe(description))
		return -EBADF;
	if (count > INT_MAX)
		return -EINVAL;
	return (description->flags & O_ACCMODE) == O_RDONLY ? emu_readv(number, parts, (int)count)
							    : emu_writev(number, parts, (int)count);
}
