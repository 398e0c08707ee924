/* Bytes between callers and a channel's ring. Counts, possibly short, or errors. */
#ifndef PIPE_COPY_H
#define PIPE_COPY_H

#include "channel.h"

/* `length` bytes of the writer, from `offset` on, to the ring behind what is used; not counted yet. */
int64_t copy_to_ring(struct channel *channel, const struct request *from, uint64_t offset,
		     size_t length);

/* The ring's first `length` bytes to `offset` of what the reader gets; they stay in the ring. */
int64_t copy_from_ring(struct channel *channel, const struct request *to, uint64_t offset,
		       size_t length, struct tern_received *answer);

/* From a writer straight to a reader. */
int64_t copy_direct(const struct request *from, uint64_t from_offset, const struct request *to,
		    uint64_t to_offset, size_t length, struct tern_received *answer);

/* The ring exists, or now does: `payer` pays. -ENOMEM ... */
int64_t ring_require(struct channel *channel, int64_t payer);

#endif
