/*
 * Reading and writing a channel. Each step copies first and moves the channel on when it is sure that
 * the bytes have arrived: copies can fail at absent pages, parked callers can have been interrupted.
 */
#include "transfer.h"

#include "copy.h"
#include "watch.h"

#define COPY_MAX (128u << 10) /* what the kernel copies in one call */
#define PARCELS_MAX 128       /* messages, or runs of bytes with handles, in one channel */

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* An error of a copy from or to the ring may mean that the ring is gone. */
static int64_t diagnose(struct channel *channel, int64_t error)
{
	if ((error != -EFAULT && error != -EIO) || env_ring_is_alive(channel->memobj))
		return error;
	channel_break(channel);
	return -EIO;
}

/* ------------------------------------------------------------------------------------- reading */

/* The parcel that a read now would take, or NULL. */
static struct parcel *parcel_here(const struct channel *channel)
{
	struct parcel *parcel = channel->first_parcel;

	return parcel && parcel->position == channel->position ? parcel : NULL;
}

/* How many bytes of the ring a read of `length` would get. */
static uint64_t readable_bytes(const struct channel *channel, uint64_t length)
{
	const struct parcel *parcel = channel->first_parcel;
	uint64_t count = smaller(length, channel->used);

	if (!parcel)
		return count;
	return smaller(count, parcel->position == channel->position
				      ? parcel->length
				      : parcel->position - channel->position);
}

uint64_t channel_next_read(const struct channel *channel)
{
	return channel->is_messages && !channel->first_parcel
		       ? 0
		       : readable_bytes(channel, channel->used);
}

/* `count` bytes have been read; with them the parcel that stood here, which is the caller's now. */
static void consume(struct channel *channel, uint64_t count, struct parcel *parcel)
{
	if (parcel) {
		channel->first_parcel = parcel->next;
		if (!parcel->next)
			channel->last_parcel = NULL;
		channel->parcel_count--;
		if (channel->is_messages)
			count = parcel->length;
	}
	channel->head = (uint32_t)((channel->head + count) % PIPE_CAPACITY);
	channel->used -= (uint32_t)count;
	channel->position += count;
}

/* Copies what a read gets now; the channel has not moved. A count or an error. */
static int64_t peek(struct channel *channel, const struct request *request,
		    struct tern_received *answer)
{
	uint64_t count = readable_bytes(channel, request->length);
	int64_t result = count ? copy_from_ring(channel, request, 0, count, answer) : 0;

	if (result < 0)
		return diagnose(channel, result);
	/* A message cannot be had in parts. */
	if (channel->is_messages && result != (int64_t)count)
		return -EFAULT;
	if (channel->is_messages && channel->first_parcel->length > count)
		answer->words[1] |= PIPE_TRUNCATED;
	return result;
}

/* Behind what came from the ring, which is empty now: straight from parked writers. */
static uint64_t read_direct(struct channel *channel, const struct request *request, uint64_t done,
			    struct tern_received *answer)
{
	struct waiter *writer;

	while (done < request->length && !channel->used &&
	       (writer = channel->waiting[SIDE_WRITE].first) && !writer->request.parcel) {
		struct tern_received written = { .words = { 0 } };
		uint64_t count = smaller(request->length - done, writer->request.length);

		count = smaller(count, COPY_MAX);
		if (count < writer->request.length && writer->request.length <= PIPE_ATOMIC)
			break;
		if (copy_direct(&writer->request, 0, request, done, count, answer) !=
		    (int64_t)count)
			break;
		if (waiter_answer(writer, (int64_t)count, &written))
			done += count;
	}
	return done;
}

/*
 * Writers wait for the space that this read has made. Its answer goes first, so that the reader runs
 * first and comes back for more: it empties the ring and waits, and from then on bytes go straight
 * from writer to reader. Otherwise the ring would stay full for ever, and each byte be copied twice.
 */
static bool answer_before_writers(struct channel *channel, const struct request *request,
				  int64_t result, struct tern_received *answer)
{
	if (!channel->waiting[SIDE_WRITE].first || request->reply != TERN_REPLY)
		return false;
	answer->words[0] = (uint64_t)result;
	env_answer(TERN_REPLY, answer);
	return true;
}

/* There is something to read. -EALREADY: and it has been answered. */
static int64_t read_now(struct channel *channel, const struct request *request,
			struct tern_received *answer, struct parcel **taken)
{
	struct parcel *parcel = parcel_here(channel);
	int64_t result = peek(channel, request, answer);

	if (result < 0 || request->is_peek)
		return result;
	consume(channel, (uint64_t)result, parcel);
	*taken = parcel;
	if (!channel->is_messages && !parcel && result > 0)
		result = (int64_t)read_direct(channel, request, (uint64_t)result, answer);
	if (!parcel && answer_before_writers(channel, request, result, answer))
		result = -EALREADY;
	channel_settle(channel);
	watch_notify(channel, SIDE_WRITE);
	return result;
}

/* Nothing to read: what that means. -EAGAIN: wait. */
static int64_t read_nothing(const struct channel *channel)
{
	if (channel->is_broken)
		return -EIO;
	return channel_no_writers(channel) ? 0 : -EAGAIN;
}

enum outcome channel_read(struct channel *channel, struct request *request, uint64_t end,
			  struct tern_received *answer, struct parcel **taken)
{
	int64_t result;

	*taken = NULL;
	if (!request->has_window)
		request->length = smaller(request->length, IO_INLINE_MAX);
	if (!request->length && !channel->is_messages)
		result = 0;
	else if (channel_is_readable(channel))
		result = read_now(channel, request, answer, taken);
	else
		result = read_nothing(channel);
	if (result == -EAGAIN && !request->is_nonblocking) {
		result = waiter_park(channel, SIDE_READ, request, end);
		if (!result)
			return PARKED;
	}
	if (result == -EALREADY)
		return PARKED;
	answer->words[0] = (uint64_t)result;
	return ANSWERED;
}

/* ------------------------------------------------------------------------------------- writing */

/* Straight to waiting readers, while the ring is empty. How many bytes went. */
static uint64_t write_direct(struct channel *channel, struct request *request)
{
	uint64_t done = 0;
	struct waiter *reader;

	while (done < request->length && (reader = channel->waiting[SIDE_READ].first)) {
		struct tern_received answer;
		uint64_t rest = request->length - done;
		uint64_t count = smaller(smaller(rest, reader->request.length), COPY_MAX);

		/* What is atomic goes to one reader or through the ring, what is peeked at stays. */
		if ((count < rest && rest <= PIPE_ATOMIC) || reader->request.is_peek)
			break;
		answer.words[1] = 0;
		if (copy_direct(request, done, &reader->request, 0, count, &answer) !=
		    (int64_t)count)
			break;
		if (waiter_answer(reader, (int64_t)count, &answer))
			done += count;
	}
	request->has_fed = done > 0;
	return done;
}

/* The bytes in the ring behind what is used are the channel's now, and so is the parcel. */
static void append(struct channel *channel, uint64_t count, struct parcel *parcel)
{
	if (parcel) {
		parcel->position = channel->position + channel->used;
		parcel->length = (uint32_t)count;
		parcel->next = NULL;
		if (channel->last_parcel)
			channel->last_parcel->next = parcel;
		else
			channel->first_parcel = parcel;
		channel->last_parcel = parcel;
		channel->parcel_count++;
	}
	channel->used += (uint32_t)count;
}

/* How many of `rest` bytes the ring takes now; 0: none, as they have to go together or it is full. */
static uint64_t ring_takes(const struct channel *channel, const struct request *request,
			   uint64_t rest)
{
	uint64_t space = channel_space(channel);

	if (rest <= space)
		return rest;
	return channel->is_messages || request->length <= PIPE_ATOMIC ? 0 : space;
}

/* From `done` on into the ring, not counted yet. A count, or an error; -EAGAIN: no space. */
static int64_t fill(struct channel *channel, const struct request *request, uint64_t done)
{
	uint64_t rest = request->length - done, count = ring_takes(channel, request, rest);
	int64_t result;

	if ((rest && !count) || (request->parcel && channel->parcel_count >= PARCELS_MAX))
		return -EAGAIN;
	if (!rest)
		return 0;
	result = ring_require(channel, request->reply);
	if (result < 0)
		return result;
	result = copy_to_ring(channel, request, done, count);
	if (result < 0)
		return diagnose(channel, result);
	if (result != (int64_t)count && (channel->is_messages || request->length <= PIPE_ATOMIC))
		return -EFAULT;
	return result;
}

/* Nobody waits to write before this one. Bytes written; or an error, and nothing was. */
static int64_t write_now(struct channel *channel, struct request *request)
{
	uint64_t done = 0;
	int64_t result;

	if (!request->parcel && !channel->used)
		done = write_direct(channel, request);
	if (done && done == request->length)
		return (int64_t)done;
	result = fill(channel, request, done);
	if (result < 0)
		return done ? (int64_t)done : result;
	append(channel, (uint64_t)result, request->parcel);
	request->parcel = NULL;
	if (channel->waiting[SIDE_READ].first)
		channel_settle(channel);
	watch_notify(channel, SIDE_READ);
	return (int64_t)done + result;
}

static int64_t write_refused(const struct channel *channel, const struct request *request)
{
	if (channel->is_broken)
		return -EIO;
	if (channel_no_readers(channel) || channel->is_write_shut)
		return -EPIPE;
	if (channel->is_messages && request->length > PIPE_CAPACITY)
		return -EMSGSIZE;
	return 0;
}

/*
 * Parked readers who were fed run before the writer goes on: it would fill the ring in front of readers
 * that do not wait yet. So it is answered by a call of its own, behind them.
 */
enum outcome channel_write(struct channel *channel, struct request *request, uint64_t end,
			   struct tern_received *answer)
{
	int64_t result = write_refused(channel, request);

	request->has_fed = false;
	if (!request->has_window && request->length > IO_INLINE_MAX)
		result = -EINVAL;
	if (!result && (request->length || channel->is_messages))
		result = channel->waiting[SIDE_WRITE].first ? -EAGAIN : write_now(channel, request);
	if (result == -EAGAIN && !request->is_nonblocking) {
		result = waiter_park(channel, SIDE_WRITE, request, end);
		if (!result)
			return PARKED;
	}
	answer->words[0] = (uint64_t)result;
	if (result > 0 && request->has_fed && request->reply == TERN_REPLY) {
		env_answer(TERN_REPLY, answer);
		return PARKED;
	}
	return ANSWERED;
}

/* -------------------------------------------------------------------------------- those who wait */

/* The first waiting reader gets what there is, or its error. */
static void feed_one(struct channel *channel)
{
	struct waiter *reader = channel->waiting[SIDE_READ].first;
	struct parcel *parcel = parcel_here(channel);
	struct tern_received answer = { .words = { 0 } };
	int64_t result = peek(channel, &reader->request, &answer);
	bool has_arrived, is_peek;

	if (channel->is_broken)
		return;
	if (result < 0) {
		waiter_fail(reader, result);
		return;
	}
	is_peek = reader->request.is_peek;
	has_arrived = parcel && reader->request.wants_handles && !is_peek
			      ? waiter_answer_parcel(reader, result, &answer, parcel)
			      : waiter_answer(reader, result, &answer);
	if (!has_arrived || is_peek)
		return;
	consume(channel, (uint64_t)result, parcel);
	if (parcel)
		parcel_free(parcel);
}

/* Whether the first waiting writer's turn has come: see channel.h. */
static bool may_pull(const struct channel *channel, const struct request *request)
{
	if (request->parcel && channel->parcel_count >= PARCELS_MAX)
		return false;
	return request->length <= channel_space(channel) ||
	       (!channel->is_messages && request->length > PIPE_ATOMIC &&
		channel->used <= PIPE_CAPACITY / 2);
}

static void pull_one(struct channel *channel)
{
	struct waiter *writer = channel->waiting[SIDE_WRITE].first;
	struct parcel *parcel = writer->request.parcel;
	struct tern_received answer = { .words = { 0 } };
	int64_t result = fill(channel, &writer->request, 0);

	if (channel->is_broken)
		return;
	if (result < 0) {
		waiter_fail(writer, result);
		return;
	}
	if (waiter_answer(writer, result, &answer)) {
		append(channel, (uint64_t)result, parcel);
		watch_notify(channel, SIDE_READ);
	} else if (parcel) {
		parcel_free(parcel);
	}
}

void channel_settle(struct channel *channel)
{
	for (;;) {
		const struct waiter *writer = channel->waiting[SIDE_WRITE].first;

		if (channel->waiting[SIDE_READ].first && channel_is_readable(channel))
			feed_one(channel);
		else if (writer && may_pull(channel, &writer->request))
			pull_one(channel);
		else
			break;
	}
}
