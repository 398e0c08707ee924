/* Streams: a memobj and a position in it, see stream.h. */
#include "kernel/stream.h"

#include "kernel/account.h"
#include "kernel/hart.h"
#include "kernel/memobj_calls.h"
#include "kernel/memobj_pages.h"
#include "kernel/process.h"
#include "kernel/thread.h"
#include "kernel/user_copy.h"
#include "tern/memobj.h"

/* Whoever reads or writes it next may: if somebody waits, under the lock that they wait under. */
void stream_release(struct stream *stream, struct thread *thread)
{
	if (atomic_load_explicit(&stream->owner, memory_order_relaxed) != thread)
		return;
	atomic_store(&stream->owner, NULL);
	if (!atomic_load(&stream->has_waiters))
		return;
	memobj_lock(stream->memobj);
	atomic_store(&stream->has_waiters, false);
	memobj_wake(stream->memobj, (u64)stream, (u64)stream, 0);
	memobj_unlock(stream->memobj);
}

static bool try_claim(struct stream *stream, struct thread *thread)
{
	struct thread *owner = NULL;

	return atomic_compare_exchange_strong(&stream->owner, &owner, thread) || owner == thread;
}

/* False: another thread works on it. Then, if the call may block, the memobj stays locked. */
static bool stream_claim(struct stream *stream, bool no_wait)
{
	struct thread *thread = arch_hart()->current;

	if (try_claim(stream, thread))
		return true;
	if (no_wait || !arch_hart()->may_block)
		return false;
	memobj_lock(stream->memobj);
	thread->wait.is_for_clean = false;
	atomic_store(&stream->has_waiters, true);
	/* Released in between: then nobody looked at has_waiters. */
	if (!try_claim(stream, thread))
		return false;
	memobj_unlock(stream->memobj);
	return true;
}

void stream_destroy(struct object *object)
{
	object_put(&stream_of(object)->memobj->object);
	object_free(object);
}

static int stream_resolve(u64 handle, u32 right, struct stream **stream)
{
	struct object *object;
	int error = handle_resolve(arch_hart()->current->process, (s64)handle, TERN_TYPE_STREAM,
				   right, &object);

	if (!error)
		*stream = stream_of(object);
	return error;
}

s64 sys_stream_create(u64 account_handle, u64 memobj_handle, u64 flags)
{
	u32 rights = handle_rights((s64)memobj_handle) & (TERN_RIGHT_READ | TERN_RIGHT_WRITE);
	struct account *account;
	struct memobj *memobj;
	struct object *object;
	s64 result = account_resolve((s64)account_handle, &account);

	if (!result)
		result = memobj_resolve(memobj_handle, 0, &memobj);
	if (result)
		return result;
	if (flags & ~(u64)TERN_STREAM_APPEND || memobj->kind == MEMOBJ_DEVICE)
		return -EINVAL;
	object = object_create(account, TERN_TYPE_STREAM);
	if (!object)
		return -ENOMEM;
	if (!object_get_live(&memobj->object)) {
		object_discard(object);
		return -EBADF;
	}
	stream_of(object)->memobj = memobj;
	stream_of(object)->is_append = flags & TERN_STREAM_APPEND;
	return handle_insert_new(object,
				 rights | TERN_RIGHT_COPY | TERN_RIGHT_MOVE | TERN_RIGHT_OWNER);
}

static s64 transfer(u64 handle, u64 buffer, u64 length, u64 flags, bool is_write)
{
	u32 right = is_write ? TERN_RIGHT_WRITE : TERN_RIGHT_READ;
	enum io_missing missing = MISSING_STREAM;
	struct stream *stream;
	int result = stream_resolve(handle, right, &stream);
	struct io io;

	if (!result &&
	    (flags & ~(u64)TERN_IO_NOWAIT || (is_write && stream->memobj->kind > MEMOBJ_PAGED)))
		result = -EINVAL;
	if (!result && !user_range_is_valid(buffer, length))
		result = -EFAULT;
	if (result)
		return io_refuse(result);
	io = (struct io){ .memobj = stream->memobj,
			  .buffer = buffer,
			  .left = length,
			  .is_write = is_write,
			  .is_append = is_write && stream->is_append,
			  .no_wait = flags & TERN_IO_NOWAIT,
			  .hint = &stream->hint };
	result = -EAGAIN;
	if (stream_claim(stream, io.no_wait)) {
		io.offset = stream->position;
		result = io_run(&io, &missing);
		stream->position = io.offset;
		stream->hint.next = pages_of(io.offset);
	}
	return io_end(&io, stream, result, missing,
		      (u64[]){ handle, io.buffer, io.left, flags, 0, 0, 0 });
}

s64 sys_stream_read(u64 handle, u64 buffer, u64 length, u64 flags)
{
	return transfer(handle, buffer, length, flags, false);
}

s64 sys_stream_write(u64 handle, u64 buffer, u64 length, u64 flags)
{
	return transfer(handle, buffer, length, flags, true);
}

static s64 seek(struct stream *stream, s64 offset, u64 whence)
{
	u64 base = 0;

	if (whence == TERN_SEEK_CURRENT)
		base = stream->position;
	else if (whence == TERN_SEEK_END)
		base = stream->memobj->length;
	if (whence > TERN_SEEK_END || (offset < 0 && (u64)-offset > base) ||
	    (offset > 0 && base + (u64)offset > INT64_MAX))
		return -EINVAL;
	stream->position = base + (u64)offset;
	return (s64)stream->position;
}

s64 sys_stream_seek(u64 handle, u64 offset, u64 whence)
{
	struct thread *thread = arch_hart()->current;
	struct stream *stream;
	struct io io = { 0 };
	s64 result = stream_resolve(handle, 0, &stream);

	if (result)
		return io_refuse(result);
	if (!stream_claim(stream, false)) {
		io.memobj = stream->memobj;
		return io_end(&io, stream, -EAGAIN, MISSING_STREAM,
			      (u64[]){ handle, offset, whence, 0, 0, 0, 0 });
	}
	result = seek(stream, (s64)offset, whence);
	stream_release(stream, thread);
	io_release(thread);
	return result;
}
