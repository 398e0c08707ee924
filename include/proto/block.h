/*
 * The protocol of block devices: what virtio-blk speaks.
 *
 * A client port names a disk. All calls carry their words in registers, and the answer comes when the
 * device is done, so the number of requests in flight is the number of the client's threads that call.
 * Data is never part of a message: the client hands over a paged memobj once (ATTACH) and gets a cookie
 * for it, and the device reads and writes the memobj's pages.
 *
 * When the driver dies, calls in flight and the first thing asked of a dead cookie fail (-EPIPE,
 * -ENOENT); the client attaches again and repeats the call. Every operation may be repeated, also when
 * it had been done already. lib/block does all of that.
 *
 * Offsets, lengths and positions on the disk are in bytes, and multiples of the disk's block size.
 */
#ifndef PROTO_BLOCK_H
#define PROTO_BLOCK_H

#include "tern/ipc.h"

/*
 * Number, constant and name of each operation, and what it takes (see struct block_request).
 *
 * OPEN: a client begins: cookies that an earlier holder of this port left behind are gone. Answers as
 *   INFO does. There is one client per port.
 * INFO: struct block_info.
 * ATTACH (one handle with OWNER, by tern_call_ext): the cookie comes in words[1]. -ENOSPC: too many.
 * DETACH (cookie): requests in flight are still carried out.
 * FILL (cookie, id, offset, length, position): the pages of a request that tern_pager_fetch brought,
 *   or some of them, get the disk's bytes from `position` on; offset and length are whole pages, and
 *   the last one may reach past the disk's end (it has zeroes there). 0: all pages that the request
 *   asked for are there; -EIO, -ENOMEM: some were failed, see tern_pager_fail; -ESRCH: none is
 *   asked for any more. With any other error nothing has been answered.
 * READ, WRITE (cookie, offset, length, position): between the disk and resident pages. -EAGAIN: not
 *   all are resident. Who writes brackets the call with tern_memobj_clean_begin and _end.
 * FLUSH: what has been written survives a loss of power.
 * DISCARD (position, length): the contents may be forgotten.
 * WRITE_ZEROES (position, length, flags): they are zero.
 *
 * All: -EIO (the device failed), -ENODEV (no such disk), -EBUSY (too many requests: try again), -EINVAL
 * (alignment), -ERANGE (past the end), -EROFS, -ENOENT (no such cookie), -EOPNOTSUPP, -ENOSYS.
 */
#define BLOCK_OPS(X)                                                                               \
	X(0, OPEN, open)                                                                           \
	X(1, INFO, info)                                                                           \
	X(2, ATTACH, attach)                                                                       \
	X(3, DETACH, detach)                                                                       \
	X(4, FILL, fill)                                                                           \
	X(5, READ, read)                                                                           \
	X(6, WRITE, write)                                                                         \
	X(7, FLUSH, flush)                                                                         \
	X(8, DISCARD, discard)                                                                     \
	X(9, WRITE_ZEROES, write_zeroes)

enum block_op {
#define BLOCK_OP_ENUM(number, constant, name) BLOCK_##constant = (number),
	BLOCK_OPS(BLOCK_OP_ENUM)
#undef BLOCK_OP_ENUM
		BLOCK_OP_COUNT
};

/* The words of a call. Fields that an operation does not take are 0. */
struct block_request {
	uint64_t op; /* enum block_op */
	uint64_t cookie;
	uint64_t offset; /* in the memobj */
	uint64_t length;
	uint64_t position; /* on the disk */
	uint64_t id;       /* FILL: the request's */
	uint64_t flags;    /* WRITE_ZEROES: BLOCK_MAY_UNMAP */
	uint64_t unused;
};

#define BLOCK_MAY_UNMAP 1 /* zeroes need not be backed by anything */

/* The words of the answer to OPEN and INFO. */
struct block_info {
	int64_t result;
	uint64_t size; /* of the disk, in bytes */
	uint64_t block_size;
	uint64_t flags;         /* BLOCK_IS_* and BLOCK_CAN_* */
	uint64_t operations;    /* that the device was given since the driver has started */
	uint64_t in_flight_sum; /* how many were in flight then, itself included, summed up */
	uint64_t in_flight_most;
	uint64_t unused;
};

#define BLOCK_IS_READ_ONLY 1
#define BLOCK_CAN_FLUSH 2 /* else FLUSH has nothing to do: writes are durable at once */
#define BLOCK_CAN_DISCARD 4
#define BLOCK_CAN_WRITE_ZEROES 8

/* All other answers. */
struct block_answer {
	int64_t result;  /* 0 or an error */
	uint64_t cookie; /* ATTACH */
	uint64_t unused[6];
};

_Static_assert(sizeof(struct block_request) == TERN_MESSAGE_WORDS * sizeof(uint64_t), "the words");
_Static_assert(sizeof(struct block_info) == TERN_MESSAGE_WORDS * sizeof(uint64_t), "the words");
_Static_assert(sizeof(struct block_answer) == TERN_MESSAGE_WORDS * sizeof(uint64_t), "the words");

#endif
