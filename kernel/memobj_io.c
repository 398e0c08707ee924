/*
 * Copying between memobjs and the current process's memory, page by page.
 *
 * A page of the user's is resolved first, without any lock held, and stays what it is until this hart
 * leaves the kernel. Reads copy without the memobj's lock; writes hold it, so that no write-back
 * begins in the middle. The user's page may be written back or copied while a read writes to it: then
 * the read does it again.
 */
#include "arch/page_table.h"
#include "kernel/address_space.h"
#include "kernel/hart.h"
#include "kernel/memobj_calls.h"
#include "kernel/memobj_pages.h"
#include "kernel/memory.h"
#include "kernel/page_alloc.h"
#include "kernel/pager.h"
#include "kernel/pressure.h"
#include "kernel/process.h"
#include "kernel/restart.h"
#include "kernel/stream.h"
#include "kernel/thread.h"
#include "kernel/user_copy.h"
#include "kernel/writeback.h"
#include "tern/memobj.h"

#define STEP_AGAIN (-513) /* no error: nothing has been done */

static u64 page_offset(u64 address)
{
	return address & (PAGE_SIZE - 1);
}

/* One step goes to the end of the nearer page. */
static u64 step_length(const struct io *io)
{
	u64 offset = page_offset(io->offset), buffer = page_offset(io->buffer);

	return min_u64(io->left, PAGE_SIZE - (offset > buffer ? offset : buffer));
}

static void copy(void *to, const void *from, u64 length)
{
	if (length == PAGE_SIZE)
		page_copy(to, from);
	else
		memcpy(to, from, length);
}

/* A call that may wait for the page keeps the lock, so that it cannot miss its arrival. */
static s64 page_missing(struct io *io, int error, enum io_missing *missing, enum io_missing what)
{
	*missing = what;
	if (what != MISSING_PAGE)
		arch_hart()->current->wait.is_for_clean = false;
	if (error != -EAGAIN || io->no_wait || !arch_hart()->may_block)
		memobj_unlock(io->memobj);
	return error;
}

/*
 * Where to read to. A page of the user's is mostly the target of two steps: what was found for the
 * first is what a look would find now, as long as its entry is the same.
 */
static void *read_target(struct io *io, struct translation *found, int *error)
{
	u64 offset = page_offset(io->buffer);

	if (found->place && io->buffer - offset == io->target && translation_is_kept(found))
		return (char *)phys_to_virt(found->page) + offset;
	io->target = io->buffer - offset;
	return address_space_resolve_target(arch_hart()->current->process, UADDR(io->buffer), found,
					    error);
}

/* Also within one call: what it comes to next is read ahead. */
static void note_read(const struct io *io)
{
	struct memobj_hint *hint = io->hint;
	u64 index = io->offset >> PAGE_SHIFT;

	hint->next = index + 1;
	if (UNLIKELY(hint->mark == index && index))
		pager_read_ahead(io->memobj, index, hint);
}

/* Bytes moved; 0: at the end; STEP_AGAIN; or an error. */
static s64 read_step(struct io *io, struct translation *found, enum io_missing *missing)
{
	struct memobj *memobj = io->memobj;
	u64 length = step_length(io);
	int error = 0;
	void *target = read_target(io, found, &error);
	paddr page;

	if (!target) {
		*missing = MISSING_BUFFER;
		return error;
	}
	memobj_lock(memobj);
	if (io->offset >= memobj->length) {
		memobj_unlock(memobj);
		return 0;
	}
	length = min_u64(length, memobj->length - io->offset);
	error = memobj_page_locked(memobj, io->offset >> PAGE_SHIFT, false, io->hint, &page);
	if (error)
		return page_missing(io, error, missing, MISSING_PAGE);
	if (io->hint)
		note_read(io);
	memobj_unlock(memobj);
	copy(target, (char *)phys_to_virt(page) + page_offset(io->offset), length);
	return address_space_has_kept(found) ? (s64)length : STEP_AGAIN;
}

/* The last page is on its way: of what comes only the bytes before the end count, ever. */
static int cut_flight(struct memobj *memobj, u64 index, u64 word, u64 offset)
{
	u32 bytes = bytes_in_flight(word);

	if (bytes && bytes <= offset)
		return 0;
	word &= ~((PAGE_SIZE - 1) << 1);
	return radix_set(&memobj->pages, index, word | offset << 1);
}

static void cut_prepared(struct page *page, u64 offset)
{
	if (!page->request || page->request > offset)
		page->request = (u32)offset;
}

/* Bytes beyond the memobj's end in its last page become zeroes. */
static int clear_tail(struct memobj *memobj)
{
	u64 index = memobj->length >> PAGE_SHIFT, offset = page_offset(memobj->length);
	u64 word = offset ? radix_get(&memobj->pages, index) : 0;
	int error = 0;

	if (!word)
		return 0;
	if (word & MEMOBJ_IN_FLIGHT)
		return cut_flight(memobj, index, word, offset);
	if (memobj->kind == MEMOBJ_PAGED && page_of(word)->state == PAGE_PREPARED)
		cut_prepared(page_of(word), offset);
	/* A clone may see more of the page. */
	if (memobj->kind == MEMOBJ_ANONYMOUS)
		error = memobj_page_locked(memobj, index, true, NULL, &word);
	if (!error)
		memset((char *)phys_to_virt(word) + offset, 0, PAGE_SIZE - offset);
	return error;
}

int memobj_resize_locked(struct memobj *memobj, u64 length)
{
	u64 first = pages_of(min_u64(memobj->length, length));
	struct page_list free = { 0 };
	u64 next = memobj_drop_pages(memobj, first, MEMOBJ_PAGES_MAX - 1, DROP_ALL, &free);
	int error;

	reclaim_page_list(&free);
	/* Whatever is beyond the end goes before the end moves on: nobody may see it again. Once cut
	 * it stays so: who goes on with the call knows by the length how far it has come. */
	memobj->length = min_u64(memobj->length, length);
	error = clear_tail(memobj);
	if (!error && next != DROP_DONE)
		error = -EAGAIN;
	if (!error)
		memobj->length = length;
	return error;
}

/* A page of a paged memobj that begins at or behind its old end: the pager has nothing for it. */
static int fresh_page(struct memobj *memobj, u64 index, paddr *page)
{
	int error = writeback_room(memobj);

	if (error)
		return error;
	*page = pressure_page_alloc(&error);
	if (!*page)
		return error;
	page_clear(phys_to_virt(*page));
	error = memobj_enter_page(memobj, index, *page, PAGE_CLEAN, 0);
	if (error) {
		page_free(*page, 0);
		return pressure_no_memory();
	}
	writeback_enter(memobj, page_of(*page));
	return 0;
}

/* The page for a write up to `end`, which may be beyond the memobj's. */
static int page_for_write(struct memobj *memobj, u64 index, u64 end, paddr *page,
			  enum io_missing *missing)
{
	u64 old = memobj->length;
	int error = 0;

	*missing = MISSING_NOTHING;
	if (end > old)
		error = memobj_resize_locked(memobj, end);
	if (error)
		return error;
	*missing = MISSING_PAGE;
	error = end > old && index >= pages_of(old) && memobj->kind == MEMOBJ_PAGED
			? fresh_page(memobj, index, page)
			: memobj_page_locked(memobj, index, true, NULL, page);
	if (error)
		memobj->length = old;
	return error;
}

/* An append has the memobj's end for itself. False: another one is under way. */
static bool claim_end(struct io *io)
{
	struct thread *thread = arch_hart()->current;

	if (io->memobj->appender == thread)
		return true;
	if (io->memobj->appender)
		return false;
	io->memobj->appender = thread;
	io->offset = io->memobj->length;
	return true;
}

static s64 write_step(struct io *io, enum io_missing *missing)
{
	struct memobj *memobj = io->memobj;
	int error = 0;
	const void *source = address_space_resolve(arch_hart()->current->process, UADDR(io->buffer),
						   ACCESS_READ, &error);
	u64 length;
	paddr page;

	if (!source) {
		*missing = MISSING_BUFFER;
		return error;
	}
	memobj_lock(memobj);
	if (io->is_append && !claim_end(io))
		return page_missing(io, -EAGAIN, missing, MISSING_APPEND);
	if (io->offset >= memobj->limit) {
		memobj_unlock(memobj);
		return -ENOSPC;
	}
	length = min_u64(step_length(io), memobj->limit - io->offset);
	error = page_for_write(memobj, io->offset >> PAGE_SHIFT, io->offset + length, &page,
			       missing);
	if (error && *missing == MISSING_NOTHING)
		memobj_unlock(memobj);
	else if (error)
		return page_missing(io, error, missing, MISSING_PAGE);
	if (error)
		return error;
	copy((char *)phys_to_virt(page) + page_offset(io->offset), source, length);
	memobj->modified = arch_ticks();
	memobj_unlock(memobj);
	return (s64)length;
}

int io_run(struct io *io, enum io_missing *missing)
{
	struct translation found = { 0 };

	*missing = MISSING_NOTHING;
	while (io->left) {
		s64 step = io->is_write ? write_step(io, missing) : read_step(io, &found, missing);

		if (step == STEP_AGAIN)
			continue;
		if (step <= 0)
			return (int)step;
		io->offset += (u64)step;
		io->buffer += (u64)step;
		io->left -= (u64)step;
		io->moved += (u64)step;
		if (io->left && syscall_is_late()) {
			*missing = MISSING_NOTHING;
			return -EAGAIN;
		}
	}
	return 0;
}

/* ------------------------------------------------------------------------- the end of a call */

static void release_end(struct memobj *memobj)
{
	memobj_lock(memobj);
	memobj->appender = NULL;
	memobj_wake(memobj, WAIT_APPEND, WAIT_APPEND, 0);
	memobj_unlock(memobj);
}

void io_release(struct thread *thread)
{
	struct memobj *memobj = thread->io.memobj;

	if (!memobj)
		return;
	thread->io.memobj = NULL;
	thread->io.done = 0;
	/* If the page came from elsewhere in the end, its error is nobody's. */
	thread->wait.error = 0;
	if (memobj->appender == thread)
		release_end(memobj);
	if (thread->io.stream) {
		stream_release(thread->io.stream, thread);
		object_put(&thread->io.stream->object);
		thread->io.stream = NULL;
	}
	object_put(&memobj->object);
}

/* The thread keeps what it owns while the call stands still. */
static void io_keep(struct thread *thread, struct io *io, struct stream *stream)
{
	if (!thread->io.memobj) {
		thread->io.memobj = io->memobj;
		object_get(&io->memobj->object);
	}
	if (stream && !thread->io.stream) {
		thread->io.stream = stream;
		object_get(&stream->object);
	}
}

/* The thread's frame is whole. Returns an error if it must not wait after all. */
static s64 io_block(struct io *io, struct stream *stream, enum io_missing missing)
{
	struct thread *thread = arch_hart()->current;
	u64 pc = thread->frame.pc;
	s64 result;

	switch (missing) {
	case MISSING_NOTHING:
		return syscall_again();
	case MISSING_BUFFER:
		result = user_copy_failed(-EAGAIN);
		/* Not blocked and not rewound: there is no such memory any more. */
		if (arch_hart()->current == thread && thread->frame.pc == pc) {
			result = thread->io.done ? (s64)thread->io.done : result;
			io_release(thread);
		}
		return result;
	default:
		call_rewind(thread);
		result = (s64)thread->frame.result;
		memobj_wait(io->memobj, missing == MISSING_PAGE     ? io->offset >> PAGE_SHIFT
					: missing == MISSING_APPEND ? WAIT_APPEND
								    : (u64)stream);
		return result;
	}
}

s64 io_end(struct io *io, struct stream *stream, int error, enum io_missing missing,
	   const u64 registers[7])
{
	struct thread *thread = arch_hart()->current;
	struct frame *frame = &thread->frame;
	u64 done = thread->io.done + io->moved;

	/* Who lets an interrupt in does not wait. */
	if (error != -EAGAIN || (io->no_wait && missing != MISSING_NOTHING)) {
		if (stream)
			stream_release(stream, thread);
		if (io->is_append && io->memobj->appender == thread)
			release_end(io->memobj);
		if (thread->io.memobj)
			io_release(thread);
		return done ? (s64)done : error;
	}
	thread->io.done = done;
	io_keep(thread, io, missing == MISSING_STREAM ? NULL : stream);
	frame->result = registers[0];
	for (u32 i = 0; i < 6; i++)
		frame->words[i] = registers[i + 1];
	return arch_hart()->may_block ? io_block(io, stream, missing) : CALL_AGAIN;
}

/* ------------------------------------------------------------------------------- system calls */

s64 io_refuse(s64 error)
{
	struct thread *thread = arch_hart()->current;
	u64 done = thread->io.done;

	io_release(thread);
	return done ? (s64)done : error;
}

static s64 transfer(u64 handle, struct io *io, u32 right, u64 flags)
{
	enum io_missing missing;
	s64 result = memobj_resolve(handle, right, &io->memobj);

	if (!result && (io->memobj->kind == MEMOBJ_DEVICE ||
			(io->is_write && io->memobj->kind > MEMOBJ_PAGED)))
		result = -EINVAL;
	if (!result && !user_range_is_valid(io->buffer, io->left))
		result = -EFAULT;
	if (result)
		return io_refuse(result);
	io->is_append = flags & TERN_IO_APPEND;
	io->no_wait = flags & TERN_IO_NOWAIT;
	result = io_run(io, &missing);
	return io_end(io, NULL, (int)result, missing,
		      (u64[]){ handle, io->offset, io->buffer, io->left, flags, 0, 0 });
}

s64 sys_memobj_read(u64 handle, u64 offset, u64 buffer, u64 length, u64 flags)
{
	struct io io = { .offset = offset, .buffer = buffer, .left = length };

	if (flags & ~(u64)TERN_IO_NOWAIT)
		return -EINVAL;
	return transfer(handle, &io, TERN_RIGHT_READ, flags);
}

s64 sys_memobj_write(u64 handle, u64 offset, u64 buffer, u64 length, u64 flags)
{
	struct io io = { .offset = offset, .buffer = buffer, .left = length, .is_write = true };

	if (flags & ~(u64)(TERN_IO_NOWAIT | TERN_IO_APPEND))
		return -EINVAL;
	return transfer(handle, &io, TERN_RIGHT_WRITE, flags);
}
