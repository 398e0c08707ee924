/* Between channel.c and transfer.c: parked calls, and what a channel's state means. */
#ifndef PIPE_TRANSFER_H
#define PIPE_TRANSFER_H

#include "channel.h"

/* All of these with the channel's lock held. */

/* The call being served waits from now on. 0 or the error it gets instead. */
int64_t waiter_park(struct channel *channel, enum channel_side side, const struct request *request,
		    uint64_t end);
void waiter_unlink(struct waiter *waiter);

/* End a parked call. True if the answer has reached its caller; the waiter is gone either way. */
bool waiter_answer(struct waiter *waiter, int64_t result, struct tern_received *answer);
/* The same with what the parcel brought; its handles are moved, or stay in it. */
bool waiter_answer_parcel(struct waiter *waiter, int64_t result, struct tern_received *answer,
			  struct parcel *parcel);
void waiter_fail(struct waiter *waiter, int64_t result);

/* Give waiting readers what there is, take in what waiting writers bring. */
void channel_settle(struct channel *channel);

/* The ring's memory is gone, and with it what was in it. */
void channel_break(struct channel *channel);

/* What an answer says about a parcel: handles, full length, sender. */
void parcel_describe(const struct parcel *parcel, struct tern_received *answer,
		     struct tern_extended *extended);

static inline bool channel_no_readers(const struct channel *channel)
{
	return !channel->ends[SIDE_READ] || channel->is_read_shut;
}

static inline bool channel_no_writers(const struct channel *channel)
{
	return !channel->ends[SIDE_WRITE] || channel->is_write_shut || channel->is_read_shut;
}

static inline bool channel_is_readable(const struct channel *channel)
{
	return channel->is_messages ? channel->first_parcel != NULL : channel->used != 0;
}

#endif
