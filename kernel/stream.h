/*
 * Reading and writing memobjs, directly and through streams (a memobj and a position in it).
 *
 * What must not interleave has one owner at a time: a stream while it is read or written, a memobj
 * while something is appended to it. The owner is a thread, and stays it while it waits for pages;
 * no page is locked meanwhile.
 */
#ifndef KERNEL_STREAM_H
#define KERNEL_STREAM_H

#include "kernel/memobj.h"

struct stream {
	struct object object;
	struct memobj *memobj; /* a reference */
	u64 position;          /* this and the hint: the owner's */
	struct memobj_hint hint;
	struct thread *_Atomic owner;
	_Atomic bool
		has_waiters; /* on the memobj's list, with this stream's address as their key */
	bool is_append;
};

static inline struct stream *stream_of(struct object *object)
{
	return container_of(object, struct stream, object);
}

/* One read or write on its way. */
struct io {
	struct memobj *memobj;
	u64 offset; /* in the memobj */
	u64 buffer; /* user address */
	u64 left;
	bool is_write, is_append, no_wait;
	struct memobj_hint *hint;
	u64 moved;  /* since the call was entered */
	u64 target; /* the user's page that was looked up last */
};

/*
 * Do as much as can be. 0: all that there is; -EAGAIN: to be made again later (io_again), `missing`
 * says what must be waited for; else an error.
 */
enum io_missing { MISSING_NOTHING, MISSING_BUFFER, MISSING_PAGE, MISSING_APPEND, MISSING_STREAM };
int io_run(struct io *io, enum io_missing *missing) MUST_USE;

/*
 * The end of a call (the stream, if the thread owns it, is free again), or of what could be done of it
 * now. `registers` are those with which it is made again. Returns what the call returns.
 */
s64 io_end(struct io *io, struct stream *stream, int error, enum io_missing missing,
	   const u64 registers[7]) MUST_USE;

/* A call that cannot even begin (again): how it ends. */
s64 io_refuse(s64 error) MUST_USE;

/* What the thread owns for a call that it was in the middle of is free again. */
void io_release(struct thread *thread);

void stream_destroy(struct object *object);
/* The thread is done with the stream, if it owned it. */
void stream_release(struct stream *stream, struct thread *thread);

s64 sys_memobj_read(u64 memobj, u64 offset, u64 buffer, u64 length, u64 flags);
s64 sys_memobj_write(u64 memobj, u64 offset, u64 buffer, u64 length, u64 flags);
s64 sys_stream_create(u64 account, u64 memobj, u64 flags);
s64 sys_stream_read(u64 stream, u64 buffer, u64 length, u64 flags);
s64 sys_stream_write(u64 stream, u64 buffer, u64 length, u64 flags);
s64 sys_stream_seek(u64 stream, u64 offset, u64 whence);

#endif
