/*
 * Memobjs (sparse arrays of pages), streams over them, and the pager's side of a memobj.
 *
 * Rights of a memobj handle: READ, WRITE and EXECUTE are the holder's; OWNER is for whoever answers
 * its requests (and, of any memobj, changes length and limit). A handle without WRITE is a sealed
 * memory file.
 *
 * Pages of a paged memobj: absent -> in flight -> clean -> dirty -> writing -> clean, or dirty again
 * if it is written to while it is being written back. A call that needs an absent page blocks until
 * the pager has answered. Those say "May block"; they can be interrupted (a count of what was done
 * so far comes back, or -EINTR), and fail with -EIO when the pager fails or is gone. Owners' calls
 * never wait for a pager: a buffer in absent memory is -EAGAIN.
 *
 * All calls return -EBADF, -EPROTOTYPE and -EPERM for a bad handle and -EFAULT for a bad buffer.
 */
#ifndef TERN_MEMOBJ_H
#define TERN_MEMOBJ_H

#include "tern/handle.h"

#define TERN_MEMOBJ_LENGTH_MAX (1UL << 44)

/* Flags of tern_memobj_create_physical. */
#define TERN_PHYSICAL_DEVICE 1     /* `address` is a device range that the resource covers */
#define TERN_PHYSICAL_CONTIGUOUS 2 /* allocate contiguous zeroed RAM; `address` 0 */

/* Flags of reads and writes. */
#define TERN_IO_NOWAIT 1 /* where the call would block: what was done so far, or -EAGAIN */
#define TERN_IO_APPEND 2 /* memobj_write: at the end, whatever the offset is; in one piece */

/* Flags of a stream. */
#define TERN_STREAM_APPEND 1 /* each write goes to the end, in one piece */

enum tern_seek { TERN_SEEK_SET, TERN_SEEK_CURRENT, TERN_SEEK_END };

/* What tern_memobj_info tells. */
enum tern_memobj_query {
	TERN_MEMOBJ_LENGTH,   /* bytes */
	TERN_MEMOBJ_LIMIT,    /* how far a write may extend it; UINT64_MAX >> 1: no limit */
	TERN_MEMOBJ_RESIDENT, /* pages */
	TERN_MEMOBJ_DIRTY,    /* pages that are not written back */
	TERN_MEMOBJ_MODIFIED, /* time of the last change, nanoseconds of the time page */
	TERN_MEMOBJ_ERROR,    /* of a failed write-back since this was asked last, or 0 */
};

/* What a pager is notified of, at the port that its memobj was created with. */
#define TERN_PAGER_REQUEST 1 /* there is something to fetch */
#define TERN_PAGER_CLEAN 2   /* memory is short, or too much is dirty: write pages back */

enum tern_request_kind {
	TERN_REQUEST_FILL = 1, /* pages to be supplied, prepared or failed */
	TERN_REQUEST_RESERVE,  /* pages to be supplied as TERN_SUPPLY_RESERVED, or failed */
};

struct tern_request {
	uint64_t id;
	uint64_t first;  /* page index */
	uint32_t count;  /* pages; a pager may answer them one by one */
	uint32_t kind;   /* enum tern_request_kind */
	uint64_t needed; /* the page that somebody waits for; the others are read ahead */
};

/* Flags of tern_pager_supply. */
#define TERN_SUPPLY_ZERO 1     /* zeroed pages; no source */
#define TERN_SUPPLY_HOLE 2     /* the same, and the first write to each is to ask for backing */
#define TERN_SUPPLY_RESERVED 4 /* the answer to TERN_REQUEST_RESERVE; no source */

#define TERN_SUPPLY_MAX 64 /* pages in one call */

/* One byte a page from tern_memobj_query. */
#define TERN_PAGE_RESIDENT 1
#define TERN_PAGE_DIRTY 2 /* not written back ... */
#define TERN_PAGE_WRITING                                                                          \
	4 /* ... but that is under way (and if DIRTY as well, must be done again) */
#define TERN_PAGE_ACCESSED 8 /* lately */
#define TERN_PAGE_HOLE 16
#define TERN_PAGE_IN_FLIGHT 32 /* absent; the pager has been asked, or a device fills it */

#define TERN_QUERY_MAX 4096 /* pages in one call */

struct tern_page_run {
	uint64_t first; /* page index */
	uint64_t count;
};

#ifndef TERN_KERNEL
/*
 * tern_memobj_create: anonymous memory of `length` bytes (at most TERN_MEMOBJ_LENGTH_MAX), zero-filled
 * on first touch and charged to `account` page by page; with the second page begins an index of some 500
 * bytes for every 64 neighbours, which is charged too. Writes can extend it. Never blocks. Returns a
 * handle with all rights; -EINVAL, -ENOMEM, -EMFILE.
 */
static inline tern_result tern_memobj_create(tern_handle account, uint64_t length)
{
	return tern_syscall2(TERN_OP_memobj_create, (uint64_t)account, length);
}

/*
 * tern_memobj_create_physical: a memobj over device registers, or contiguous memory for DMA
 * (one 2^n block of at most 4 MiB). Needs a resource handle. Never blocks. Returns a handle;
 * -EINVAL, -ENODEV (the range is RAM or not covered), -ENOMEM, -EMFILE.
 */
static inline tern_result tern_memobj_create_physical(tern_handle account, tern_handle resource,
						      uint64_t address, uint64_t length,
						      uint64_t flags)
{
	return tern_syscall5(TERN_OP_memobj_create_physical, (uint64_t)account, (uint64_t)resource,
			     address, length, flags);
}

/*
 * tern_memobj_physical_address: where contiguous memory starts. Needs a device handle (tern/device.h).
 * Never blocks. Returns the address; -EINVAL (not contiguous memory).
 */
static inline tern_result tern_memobj_physical_address(tern_handle device, tern_handle memobj)
{
	return tern_syscall2(TERN_OP_memobj_physical_address, (uint64_t)device, (uint64_t)memobj);
}

/*
 * tern_memobj_create_paged: a memobj whose pages a pager fills: `port` (needs NOTIFY) is notified
 * when there is something to do. Its limit is its length. Its pages cost nobody's quota: clean ones
 * are dropped when memory is short. Never blocks. `flags` 0. Returns a handle with all rights;
 * -EINVAL, -ENOMEM, -EMFILE.
 */
static inline tern_result tern_memobj_create_paged(tern_handle account, tern_handle port,
						   uint64_t length, uint64_t flags)
{
	return tern_syscall4(TERN_OP_memobj_create_paged, (uint64_t)account, (uint64_t)port, length,
			     flags);
}

/*
 * tern_memobj_info: one figure about a memobj. TERN_MEMOBJ_ERROR needs OWNER and forgets the error;
 * it comes as a positive error number. Never blocks. Returns the figure; -EINVAL.
 */
static inline tern_result tern_memobj_info(tern_handle memobj, uint64_t query)
{
	return tern_syscall2(TERN_OP_memobj_info, (uint64_t)memobj, query);
}

/*
 * tern_memobj_set_length: truncate, or extend with zeroes (what a pager has for the new pages is
 * asked of it). Needs OWNER. Pages beyond the end go away, dirty or not, requests for them are void;
 * a longer length raises the limit as well. Works in steps, and lets interrupts in between.
 * Returns 0; -EINVAL (not anonymous or paged, or too long), -ENOMEM (the end is in a page that a
 * clone shares: the length is the new one, the copy is made when it grows again).
 */
static inline tern_result tern_memobj_set_length(tern_handle memobj, uint64_t length)
{
	return tern_syscall2(TERN_OP_memobj_set_length, (uint64_t)memobj, length);
}

/*
 * tern_memobj_set_limit: how far writes may extend the memobj: for so much the owner has reserved
 * backing. Needs OWNER. Never blocks. Returns 0; -EINVAL (below the length, or too long).
 */
static inline tern_result tern_memobj_set_limit(tern_handle memobj, uint64_t limit)
{
	return tern_syscall2(TERN_OP_memobj_set_limit, (uint64_t)memobj, limit);
}

/*
 * tern_memobj_set_modified: the modification time. Needs OWNER. Never blocks. Returns 0.
 */
static inline tern_result tern_memobj_set_modified(tern_handle memobj, uint64_t nanoseconds)
{
	return tern_syscall2(TERN_OP_memobj_set_modified, (uint64_t)memobj, nanoseconds);
}

/*
 * tern_memobj_read: up to `length` bytes from `offset` on. Needs READ. May block. Returns how many,
 * fewer only at the memobj's end (0: at or past it), after an interrupt or an error that more bytes
 * than none preceded; -EINTR, -EIO, -EAGAIN (NOWAIT), -ENOMEM, -EINVAL.
 */
static inline tern_result tern_memobj_read(tern_handle memobj, uint64_t offset, void *buffer,
					   uint64_t length, uint64_t flags)
{
	return tern_syscall5(TERN_OP_memobj_read, (uint64_t)memobj, offset, (uint64_t)buffer,
			     length, flags);
}

/*
 * tern_memobj_write: `length` bytes at `offset`, or with TERN_IO_APPEND at the end: bytes of other
 * appends do not come between them. Extends the memobj up to its limit. Needs WRITE. May block.
 * Returns how many bytes, as tern_memobj_read; -ENOSPC (nothing fits below the limit, or the pager
 * has no room), -EINTR, -EIO, -EAGAIN (NOWAIT), -ENOMEM, -EINVAL (or a physical memobj).
 */
static inline tern_result tern_memobj_write(tern_handle memobj, uint64_t offset, const void *buffer,
					    uint64_t length, uint64_t flags)
{
	return tern_syscall5(TERN_OP_memobj_write, (uint64_t)memobj, offset, (uint64_t)buffer,
			     length, flags);
}

/*
 * tern_memobj_clone: a snapshot of an anonymous memobj, whose pages both share until one of them is
 * written to; each pays for its own. Needs READ. What is written to the memobj meanwhile may be in
 * it or not. Lets interrupts in. Returns a handle with all rights; -EINVAL, -ENOMEM, -EMFILE, -EINTR.
 */
static inline tern_result tern_memobj_clone(tern_handle account, tern_handle memobj)
{
	return tern_syscall2(TERN_OP_memobj_clone, (uint64_t)account, (uint64_t)memobj);
}

/*
 * tern_stream_create: a position in a memobj, at first 0; all handles of the stream share it. The
 * stream's handle has those of READ and WRITE that the memobj's has. `flags`: TERN_STREAM_APPEND.
 * Never blocks. Returns the handle; -EINVAL, -ENOMEM, -EMFILE.
 */
static inline tern_result tern_stream_create(tern_handle account, tern_handle memobj,
					     uint64_t flags)
{
	return tern_syscall3(TERN_OP_stream_create, (uint64_t)account, (uint64_t)memobj, flags);
}

/*
 * tern_stream_read, tern_stream_write: as with the memobj, at the position, which moves on by what
 * was done. One at a time works on a stream; others wait for it, or with NOWAIT get -EAGAIN. May block.
 * Return what tern_memobj_read and tern_memobj_write do.
 */
static inline tern_result tern_stream_read(tern_handle stream, void *buffer, uint64_t length,
					   uint64_t flags)
{
	return tern_syscall4(TERN_OP_stream_read, (uint64_t)stream, (uint64_t)buffer, length,
			     flags);
}

static inline tern_result tern_stream_write(tern_handle stream, const void *buffer, uint64_t length,
					    uint64_t flags)
{
	return tern_syscall4(TERN_OP_stream_write, (uint64_t)stream, (uint64_t)buffer, length,
			     flags);
}

/*
 * tern_stream_seek: set the position, relative to the start, itself or the memobj's end (enum
 * tern_seek). May wait for a read or write in progress. Returns the new position; -EINVAL (negative,
 * beyond INT64_MAX), -EINTR.
 */
static inline tern_result tern_stream_seek(tern_handle stream, int64_t offset, uint64_t whence)
{
	return tern_syscall3(TERN_OP_stream_seek, (uint64_t)stream, (uint64_t)offset, whence);
}

/*
 * tern_pager_fetch: take up to `count` (at most 64) requests off the memobj's queue. Each is handed
 * out once; any thread may answer it. Pages in its middle may have been punched or supplied already:
 * answers pass over them. Needs OWNER. Never blocks. Returns how many, 0 if there are
 * none; -EINVAL, -EAGAIN.
 */
static inline tern_result tern_pager_fetch(tern_handle memobj, struct tern_request *requests,
					   uint64_t count)
{
	return tern_syscall3(TERN_OP_pager_fetch, (uint64_t)memobj, (uint64_t)requests, count);
}

/*
 * tern_pager_supply: pages [first, first + count) (at most TERN_SUPPLY_MAX) have the contents of the
 * memory at `source`, or what the flags say; they are clean. `id` is the request's, and only pages
 * that it still asks for are taken: it may have been answered, or the memobj truncated. With id 0
 * all absent pages that no request asks for are. Needs OWNER. Never blocks. Returns how many pages
 * were taken; -ESRCH (none), -EAGAIN (source memory is absent), -EINVAL, -ENOMEM (try again).
 */
static inline tern_result tern_pager_supply(tern_handle memobj, uint64_t id, uint64_t first,
					    uint64_t count, const void *source, uint64_t flags)
{
	return tern_syscall6(TERN_OP_pager_supply, (uint64_t)memobj, id, first, count,
			     (uint64_t)source, flags);
}

/*
 * tern_pager_move: the same, but the contents are pages of an anonymous memobj (needs WRITE) from
 * `source_first` on, which move: they are absent there afterwards, without copying where they are
 * nobody else's too. Those not taken stay. Pages that are absent in the source are zeroes. Never
 * blocks. Returns what tern_pager_supply does.
 */
static inline tern_result tern_pager_move(tern_handle memobj, uint64_t id, uint64_t first,
					  uint64_t count, tern_handle source, uint64_t source_first)
{
	return tern_syscall6(TERN_OP_pager_move, (uint64_t)memobj, id, first, count,
			     (uint64_t)source, source_first);
}

/*
 * tern_pager_fail: the pages of a request that it still asks for cannot be had: whoever waits for
 * them gets -error (EIO, ENOSPC or ENOMEM). The next access asks again. Needs OWNER. Never
 * blocks. Returns how many pages; -ESRCH (none), -EINVAL.
 */
static inline tern_result tern_pager_fail(tern_handle memobj, uint64_t id, uint64_t first,
					  uint64_t count, uint64_t error)
{
	return tern_syscall5(TERN_OP_pager_fail, (uint64_t)memobj, id, first, count, error);
}

/*
 * tern_pager_prepare: give the pages of a request frames into which a device can put their contents,
 * pinned, and tell their physical addresses (0 for those that it does not ask for any more). Needs
 * OWNER and a device handle (tern/device.h). The pages stay absent for all others until
 * tern_pager_commit. The last page is zeroed; all others must be filled whole, or fail. Never blocks.
 * Returns how many pages; -ESRCH (none), -EAGAIN, -EINVAL (more than TERN_SUPPLY_MAX), -ENOMEM (try
 * again), -EBUSY (the device's limit).
 */
static inline tern_result tern_pager_prepare(tern_handle memobj, tern_handle device, uint64_t id,
					     uint64_t first, uint64_t count, uint64_t *addresses)
{
	return tern_syscall6(TERN_OP_pager_prepare, (uint64_t)memobj, (uint64_t)device, id, first,
			     count, (uint64_t)addresses);
}

/*
 * tern_pager_commit: the device is done with prepared pages: they are clean now (`error` 0) or
 * failed. `addresses` are those that prepare told (0: none), which may have left the memobj meanwhile.
 * Needs OWNER and a device handle (tern/device.h). Never blocks. Returns how many pages; -EINVAL, -EAGAIN.
 */
static inline tern_result tern_pager_commit(tern_handle memobj, tern_handle device, uint64_t first,
					    uint64_t count, const uint64_t *addresses,
					    uint64_t error)
{
	return tern_syscall6(TERN_OP_pager_commit, (uint64_t)memobj, (uint64_t)device, first, count,
			     (uint64_t)addresses, error);
}

/*
 * tern_memobj_pin, tern_memobj_unpin: pages keep their frames while a device works on them; their physical
 * addresses are told. Pages of a paged memobj must be resident; an anonymous one's are made, and taken
 * apart from clones. Needs OWNER and a device handle, to which the pins belong (tern/device.h). At most
 * TERN_SUPPLY_MAX pages, 65535 pins a page. Never block. Return 0; -EAGAIN (not all are resident, or the
 * addresses' memory is absent), -EINVAL (also: beyond the length), -ENOMEM, -EBUSY (the device's limit).
 */
static inline tern_result tern_memobj_pin(tern_handle memobj, tern_handle device, uint64_t first,
					  uint64_t count, uint64_t *addresses)
{
	return tern_syscall5(TERN_OP_memobj_pin, (uint64_t)memobj, (uint64_t)device, first, count,
			     (uint64_t)addresses);
}

static inline tern_result tern_memobj_unpin(tern_handle device, const uint64_t *addresses,
					    uint64_t count)
{
	return tern_syscall3(TERN_OP_memobj_unpin, (uint64_t)device, (uint64_t)addresses, count);
}

/*
 * tern_memobj_query: one byte (TERN_PAGE_*) for each page of [first, first + count) (at most
 * TERN_QUERY_MAX). Needs OWNER. Never blocks. Returns 0; -EINVAL, -EAGAIN.
 */
static inline tern_result tern_memobj_query(tern_handle memobj, uint64_t first, uint64_t count,
					    uint8_t *states)
{
	return tern_syscall4(TERN_OP_memobj_query, (uint64_t)memobj, first, count,
			     (uint64_t)states);
}

/*
 * tern_memobj_clean_begin: the first run of dirty pages in [first, first + count), at most
 * TERN_SUPPLY_MAX, is *writing* from now on: what the owner reads then is to be written back, and
 * whoever writes to one of them makes it dirty again. Needs OWNER. Never blocks, but lets interrupts
 * in. Returns the number of pages and fills *run, or 0: none is dirty; -EINVAL, -EAGAIN.
 */
static inline tern_result tern_memobj_clean_begin(tern_handle memobj, uint64_t first,
						  uint64_t count, struct tern_page_run *run)
{
	return tern_syscall4(TERN_OP_memobj_clean_begin, (uint64_t)memobj, first, count,
			     (uint64_t)run);
}

/*
 * tern_memobj_clean_end: the pages of [first, first + count) that are *writing* have been written
 * back (`error` 0) and are clean; or that failed: they are dirty as before, and the error is kept for
 * TERN_MEMOBJ_ERROR. Needs OWNER. Never blocks. Returns how many pages; -EINVAL.
 */
static inline tern_result tern_memobj_clean_end(tern_handle memobj, uint64_t first, uint64_t count,
						uint64_t error)
{
	return tern_syscall4(TERN_OP_memobj_clean_end, (uint64_t)memobj, first, count, error);
}

/*
 * tern_memobj_evict: clean, unpinned pages of [first, first + count) become absent. Needs OWNER. Works
 * in steps, and lets interrupts in between. Returns how many pages; -EINVAL (not paged).
 */
static inline tern_result tern_memobj_evict(tern_handle memobj, uint64_t first, uint64_t count)
{
	return tern_syscall4(TERN_OP_memobj_evict, (uint64_t)memobj, first, count, 0);
}

/*
 * tern_memobj_punch: pages of [first, first + count) become absent, dirty or not, and requests for
 * them are void. In an anonymous memobj they are zeroes then. Needs OWNER. Works in steps, and lets
 * interrupts in between. Returns how many pages; -EINVAL.
 */
static inline tern_result tern_memobj_punch(tern_handle memobj, uint64_t first, uint64_t count)
{
	return tern_syscall4(TERN_OP_memobj_punch, (uint64_t)memobj, first, count, 0);
}

/*
 * tern_account_set_pager: the account pays for programs that write pages back: they may use the
 * memory that is kept in reserve for that, and their writes do not wait for write-back. Needs a
 * resource handle. Never blocks. Returns 0.
 */
static inline tern_result tern_account_set_pager(tern_handle resource, tern_handle account)
{
	return tern_syscall2(TERN_OP_account_set_pager, (uint64_t)resource, (uint64_t)account);
}
#endif

#endif
