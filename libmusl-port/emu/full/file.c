/*
 * Regular files: reading and writing are between this process and the kernel, in the file's memobj.
 *
 * The position is kept here while the description is this process's alone, so that moving it costs no
 * system call. When the process forks (or sends the description) it is *shared*: a kernel stream is
 * made, which has the position from then on.
 *
 * A file server sets how far writes may extend the memobj; beyond that it is asked to make room (GROW).
 */
#include "path.h"
#include "stream.h"

#include <fcntl.h>
#include <unistd.h>

#include "emu_full.h"
#include "files_internal.h"

#define AT_END UINT64_MAX /* as an offset: append */
#define AT_POSITION (UINT64_MAX - 1)

static long file_error(long error)
{
	return error == -ENOMEM ? -ENOSPC : error;
}

static bool may_read(const struct emu_description *description)
{
	return (description->flags & O_ACCMODE) != O_WRONLY;
}

static bool may_write(const struct emu_description *description)
{
	return (description->flags & O_ACCMODE) != O_RDONLY;
}

/* ------------------------------------------------------------------------------------ the memobj */

static tern_handle memobj_locked(struct emu_description *description)
{
	struct emu_request request = { .operation = FILE_MEMOBJ, .accept = 1 };
	struct tern_received answer;
	long result;

	if (description->memobj)
		return description->memobj;
	result = emu_file_call(description, &request, &answer);
	if (result < 0)
		return result == -EPIPE ? -EIO : result;
	if (answer.handle_count != 1)
		return -EIO;
	return description->memobj = answer.handles[0];
}

tern_handle emu_file_memobj(struct emu_description *description)
{
	tern_handle memobj = description->memobj;

	if (memobj)
		return memobj;
	emu_lock(&description->lock);
	memobj = memobj_locked(description);
	emu_unlock(&description->lock);
	return memobj;
}

static long length_locked(struct emu_description *description)
{
	tern_handle memobj = memobj_locked(description);

	return memobj < 0 ? memobj : tern_memobj_info(memobj, TERN_MEMOBJ_LENGTH);
}

long emu_file_length(struct emu_description *description)
{
	tern_handle memobj = emu_file_memobj(description);

	return memobj < 0 ? memobj : tern_memobj_info(memobj, TERN_MEMOBJ_LENGTH);
}

/* ------------------------------------------------------------------------------------- reading */

static long read_memobj(tern_handle memobj, void *buffer, size_t length, uint64_t offset)
{
	long result;

	do
		result = tern_memobj_read(memobj, offset, buffer, length, 0);
	while (result == -EINTR);
	return result;
}

long emu_file_read_at(struct emu_description *description, void *buffer, size_t length,
		      uint64_t offset)
{
	tern_handle memobj;

	if (!may_read(description))
		return -EBADF;
	memobj = emu_file_memobj(description);
	return memobj < 0 ? memobj : read_memobj(memobj, buffer, length, offset);
}

static long read_shared(struct emu_description *description, void *buffer, size_t length)
{
	long result;

	if (!may_read(description))
		return -EBADF;
	do
		result = tern_stream_read(description->io, buffer, length, 0);
	while (result == -EINTR);
	return result;
}

/* The position; its lock is held. */
static uint64_t position_locked(struct emu_description *description)
{
	if (description->is_at_end) {
		description->position = (uint64_t)length_locked(description);
		description->is_at_end = false;
	}
	return description->position;
}

long emu_file_read(struct emu_description *description, void *buffer, size_t length)
{
	long result;

	if (description->is_shared)
		return read_shared(description, buffer, length);
	if (!may_read(description))
		return -EBADF;
	emu_lock(&description->lock);
	result = memobj_locked(description);
	if (result > 0)
		result = read_memobj(result, buffer, length, position_locked(description));
	if (result > 0)
		description->position += (uint64_t)result;
	emu_unlock(&description->lock);
	return result;
}

/* ------------------------------------------------------------------------------------- writing */

/* Room for bytes up to `end`. */
static long grow(const struct emu_description *description, uint64_t end)
{
	struct emu_request request = { .operation = FILE_GROW, .argument = end };
	struct tern_received answer;

	return emu_file_call(description, &request, &answer);
}

static long write_piece(tern_handle memobj, const void *buffer, size_t length, uint64_t offset)
{
	long result;

	do
		result = offset == AT_END
				 ? tern_memobj_write(memobj, 0, buffer, length, TERN_IO_APPEND)
				 : tern_memobj_write(memobj, offset, buffer, length, 0);
	while (result == -EINTR);
	return result;
}

/* The memobj is there. */
static long write_memobj(struct emu_description *description, const void *buffer, size_t length,
			 uint64_t offset)
{
	tern_handle memobj = description->memobj;
	size_t done = 0;
	long result;

	for (;;) {
		uint64_t at = offset == AT_END ? AT_END : offset + done;

		result = write_piece(memobj, (const char *)buffer + done, length - done, at);
		if (result > 0)
			done += (size_t)result;
		if (done == length || (result < 0 && result != -ENOSPC))
			break;
		if (at == AT_END)
			at = (uint64_t)tern_memobj_info(memobj, TERN_MEMOBJ_LENGTH);
		result = grow(description, at + length - done);
		if (result < 0)
			break;
	}
	return done ? (long)done : file_error(result);
}

static long check_write(struct emu_description *description, size_t length, uint64_t offset)
{
	if (!may_write(description))
		return -EBADF;
	if (description->kind == EMU_MEMORY && description->seals)
		return emu_memory_may_write(description,
					    offset == AT_END ? length : offset + length);
	return 0;
}

long emu_file_write_at(struct emu_description *description, const void *buffer, size_t length,
		       uint64_t offset)
{
	long result = check_write(description, length, offset);

	if (!result)
		result = emu_file_memobj(description);
	return result < 0 ? result : write_memobj(description, buffer, length, offset);
}

/* The stream's write moves its position; the memobj's limit is raised on the way. */
static long write_shared(struct emu_description *description, const void *buffer, size_t length)
{
	size_t done = 0;
	long result;

	if (!may_write(description))
		return -EBADF;
	for (;;) {
		result = tern_stream_write(description->io, (const char *)buffer + done,
					   length - done, 0);
		if (result == -EINTR)
			continue;
		if (result > 0)
			done += (size_t)result;
		if (done == length || (result < 0 && result != -ENOSPC))
			break;
		result = tern_stream_seek(description->io, 0, TERN_SEEK_CURRENT);
		if (result >= 0)
			result = grow(description, (uint64_t)result + length - done);
		if (result < 0)
			break;
	}
	return done ? (long)done : file_error(result);
}

static long append_shared(struct emu_description *description, const void *buffer, size_t length)
{
	long result = emu_file_write_at(description, buffer, length, AT_END);

	if (result > 0)
		tern_stream_seek(description->io, 0, TERN_SEEK_END);
	return result;
}

/* After an append the position is found out only when somebody asks for it. */
static long write_locked(struct emu_description *description, const void *buffer, size_t length)
{
	bool appends = description->flags & O_APPEND;
	uint64_t offset = appends ? AT_END : position_locked(description);
	long result = check_write(description, length, offset);

	if (!result)
		result = memobj_locked(description);
	if (result < 0)
		return result;
	result = write_memobj(description, buffer, length, offset);
	if (result > 0 && appends)
		description->is_at_end = true;
	else if (result > 0)
		description->position += (uint64_t)result;
	return result;
}

static long write_here(struct emu_description *description, const void *buffer, size_t length)
{
	long result;

	if (description->is_shared)
		return description->flags & O_APPEND ? append_shared(description, buffer, length)
						     : write_shared(description, buffer, length);
	emu_lock(&description->lock);
	result = write_locked(description, buffer, length);
	emu_unlock(&description->lock);
	return result;
}

/* Where a write at `offset` goes to, or an error. */
static int64_t place_of(struct emu_description *description, uint64_t offset)
{
	if (description->flags & O_APPEND)
		return emu_file_length(description);
	return offset == AT_POSITION ? emu_file_seek(description, 0, SEEK_CUR) : (int64_t)offset;
}

static long make_durable(struct emu_description *description)
{
	struct emu_request request = { .operation = FILE_FSYNC };
	struct tern_received answer;

	return description->kind == EMU_FILE ? emu_file_call(description, &request, &answer) : 0;
}

/* For few: RLIMIT_FSIZE is set, or all that is written is to be on disk (O_SYNC, O_DSYNC). */
static long write_with_care(struct emu_description *description, const void *buffer, size_t length,
			    uint64_t offset)
{
	long result, error;

	if (!may_write(description))
		return -EBADF;
	if (emu_size_limit != UINT64_MAX) {
		result = place_of(description, offset);
		if (result >= 0)
			result = emu_size_allowed((uint64_t)result, &length);
		if (result < 0)
			return result;
	}
	if (offset == AT_POSITION)
		result = write_here(description, buffer, length);
	else
		result = emu_file_write_at(description, buffer, length,
					   description->flags & O_APPEND ? AT_END : offset);
	if (result <= 0 || !(description->flags & O_DSYNC))
		return result;
	error = make_durable(description);
	return error ? error : result;
}

static inline bool needs_care(const struct emu_description *description)
{
	return emu_size_limit != UINT64_MAX || description->flags & O_DSYNC;
}

long emu_file_write(struct emu_description *description, const void *buffer, size_t length)
{
	if (__builtin_expect(needs_care(description), 0))
		return write_with_care(description, buffer, length, AT_POSITION);
	return write_here(description, buffer, length);
}

long emu_file_write_anywhere(struct emu_description *description, const void *buffer, size_t length,
			     uint64_t offset)
{
	if (__builtin_expect(needs_care(description), 0))
		return write_with_care(description, buffer, length, offset);
	return emu_file_write_at(description, buffer, length,
				 description->flags & O_APPEND ? AT_END : offset);
}

/* ------------------------------------------------------------------------------------ position */

/* Data is everywhere, and one hole behind it. */
static int64_t seek_hole(long length, int64_t offset, int whence)
{
	if (length < 0)
		return length;
	if (offset < 0 || offset >= length)
		return -ENXIO;
	return whence == SEEK_DATA ? offset : length;
}

static int64_t target_locked(struct emu_description *description, int64_t offset, int whence)
{
	int64_t base = 0;

	if (whence == SEEK_DATA || whence == SEEK_HOLE)
		return seek_hole(length_locked(description), offset, whence);
	if (whence == SEEK_CUR)
		base = (int64_t)position_locked(description);
	else if (whence == SEEK_END)
		base = length_locked(description);
	if (base < 0)
		return base;
	if (__builtin_add_overflow(base, offset, &base))
		return -EOVERFLOW;
	return base < 0 ? -EINVAL : base;
}

static long seek_shared(struct emu_description *description, int64_t offset, int whence)
{
	static const uint8_t kinds[] = { TERN_SEEK_SET, TERN_SEEK_CURRENT, TERN_SEEK_END };
	long result;

	if (whence == SEEK_DATA || whence == SEEK_HOLE) {
		offset = seek_hole(emu_file_length(description), offset, whence);
		if (offset < 0)
			return offset;
		whence = SEEK_SET;
	}
	do
		result = tern_stream_seek(description->io, offset, kinds[whence]);
	while (result == -EINTR);
	return result;
}

long emu_file_seek(struct emu_description *description, int64_t offset, int whence)
{
	int64_t target;

	if (description->is_shared)
		return seek_shared(description, offset, whence);
	emu_lock(&description->lock);
	target = target_locked(description, offset, whence);
	if (target >= 0) {
		description->position = (uint64_t)target;
		description->is_at_end = false;
	}
	emu_unlock(&description->lock);
	return target;
}

void emu_file_share(struct emu_description *description)
{
	tern_handle memobj, stream;

	if (description->is_shared)
		return;
	memobj = memobj_locked(description);
	if (memobj < 0)
		return;
	stream = tern_stream_create(TERN_SELF_ACCOUNT, memobj, 0);
	if (stream < 0)
		return; /* without memory each goes its own way */
	tern_stream_seek(stream, (int64_t)position_locked(description), TERN_SEEK_SET);
	description->io = stream;
	description->is_shared = true;
}
