/*
 * The life of a channel and of what is parked at it; reading and writing are in transfer.c.
 */
#include "transfer.h"
#include "watch.h"

static struct pool channels = POOL_OF(struct channel);
static struct pool waiter_pool = POOL_OF(struct waiter);
static struct pool parcels = POOL_OF(struct parcel);

/* Everything behind the record's head and its lock, which somebody with a stale name may hold. */
static void channel_clear(struct channel *channel)
{
	size_t kept = offsetof(struct channel, is_messages);

	__builtin_memset((char *)channel + kept, 0, sizeof(*channel) - kept);
}

struct channel *channel_create(bool is_messages, bool is_socket)
{
	struct channel *channel = pool_take(&channels);

	if (!channel)
		return NULL;
	lock_acquire(&channel->lock);
	channel_clear(channel);
	channel->is_messages = is_messages;
	channel->is_socket = is_socket;
	lock_release(&channel->lock);
	return channel;
}

static void drop_contents(struct channel *channel)
{
	struct parcel *parcel;

	while ((parcel = channel->first_parcel)) {
		channel->first_parcel = parcel->next;
		parcel_free(parcel);
	}
	channel->last_parcel = NULL;
	channel->parcel_count = 0;
	channel->used = 0;
}

void channel_free(struct channel *channel)
{
	lock_acquire(&channel->lock);
	drop_contents(channel);
	if (channel->memory)
		env_ring_destroy(channel->memobj, channel->memory, PIPE_CAPACITY);
	channel->memory = NULL;
	lock_release(&channel->lock);
	if (pool_retire(&channel->pooled, atomic_load(&channel->pooled.generation)))
		pool_give(&channels, &channel->pooled);
}

/* --------------------------------------------------------------------------------- parked calls */

void waiter_unlink(struct waiter *waiter)
{
	struct waiters *list = &waiter->channel->waiting[waiter->side];
	struct waiter *before = NULL;

	for (struct waiter *at = list->first; at != waiter; at = at->next)
		before = at;
	if (before)
		before->next = waiter->next;
	else
		list->first = waiter->next;
	if (list->last == waiter)
		list->last = before;
}

/* Off its list, its name stale. */
static void waiter_free(struct waiter *waiter)
{
	waiter_unlink(waiter);
	pool_retire(&waiter->pooled, atomic_load(&waiter->pooled.generation));
	pool_give(&waiter_pool, &waiter->pooled);
}

bool waiter_answer(struct waiter *waiter, int64_t result, struct tern_received *answer)
{
	int64_t reply = waiter->request.reply;

	answer->words[0] = (uint64_t)result;
	waiter_free(waiter);
	return env_answer(reply, answer) == 0;
}

bool waiter_answer_parcel(struct waiter *waiter, int64_t result, struct tern_received *answer,
			  struct parcel *parcel)
{
	int64_t reply = waiter->request.reply, sent;
	struct tern_extended extended = { 0 };

	answer->words[0] = (uint64_t)result;
	waiter_free(waiter);
	parcel_describe(parcel, answer, &extended);
	sent = env_answer_handles(reply, answer, &extended);
	if (sent == 0)
		parcel->handle_count = 0;
	else if (sent != -ESRCH)
		sent = env_answer(reply, answer);
	return sent == 0;
}

/* An answer that is a number and nothing else. A parcel that it brought is dropped. */
void waiter_fail(struct waiter *waiter, int64_t result)
{
	struct tern_received answer = { .words = { 0 } };
	struct parcel *parcel = waiter->request.parcel;

	waiter_answer(waiter, result, &answer);
	if (parcel)
		parcel_free(parcel);
}

int64_t waiter_park(struct channel *channel, enum channel_side side, const struct request *request,
		    uint64_t end)
{
	struct waiters *list = &channel->waiting[side];
	struct waiter *waiter = pool_take(&waiter_pool);
	int64_t reply;

	if (!waiter)
		return -ENOMEM;
	waiter->channel = channel;
	reply = env_park(pool_name(&waiter->pooled));
	if (reply < 0) {
		pool_retire(&waiter->pooled, atomic_load(&waiter->pooled.generation));
		pool_give(&waiter_pool, &waiter->pooled);
		return reply == -ECANCELED ? -EINTR : reply;
	}
	waiter->request = *request;
	waiter->request.reply = reply;
	if (side == SIDE_WRITE && !request->has_window) {
		__builtin_memcpy(waiter->data, request->data, request->length);
		waiter->request.data = (const char *)waiter->data;
	}
	waiter->end = end;
	waiter->side = side;
	waiter->next = NULL;
	if (list->last)
		list->last->next = waiter;
	else
		list->first = waiter;
	list->last = waiter;
	return 0;
}

void channel_cancelled(uint64_t cookie)
{
	struct waiter *waiter = pool_find(&waiter_pool, cookie);
	struct channel *channel = waiter ? waiter->channel : NULL;

	if (!channel)
		return;
	lock_acquire(&channel->lock);
	/* It may have been answered, and may even wait elsewhere by now. */
	if (pooled_is(&waiter->pooled, cookie)) {
		struct parcel *parcel = waiter->request.parcel;

		env_close(waiter->request.reply);
		waiter_free(waiter);
		if (parcel)
			parcel_free(parcel);
		channel_settle(channel);
	}
	lock_release(&channel->lock);
}

/* Every call parked on that side gets `result`. */
static void release_all(struct channel *channel, enum channel_side side, int64_t result)
{
	while (channel->waiting[side].first)
		waiter_fail(channel->waiting[side].first, result);
}

void channel_drop_end(struct channel *channel, enum channel_side side, uint64_t end, int64_t error)
{
	struct waiter *next;

	for (struct waiter *waiter = channel->waiting[side].first; waiter; waiter = next) {
		next = waiter->next;
		if (waiter->end == end)
			waiter_fail(waiter, error);
	}
	channel_settle(channel);
}

/* ------------------------------------------------------------------------------------ its ends */

static void side_is_gone(struct channel *channel, enum channel_side side)
{
	if (side == SIDE_READ)
		release_all(channel, SIDE_WRITE, -EPIPE);
	else
		release_all(channel, SIDE_READ, 0);
	watch_notify(channel, SIDE_READ);
	watch_notify(channel, SIDE_WRITE);
}

bool channel_leave(struct channel *channel, enum channel_side side)
{
	if (--channel->ends[side] == 0) {
		/* What nobody will read, handles above all, does not wait for the writer's end. A
		 * FIFO may get another reader. */
		if (side == SIDE_READ && channel->is_socket)
			drop_contents(channel);
		side_is_gone(channel, side);
	}
	return !channel->ends[SIDE_READ] && !channel->ends[SIDE_WRITE];
}

void channel_shut(struct channel *channel, enum channel_side side)
{
	if (side == SIDE_READ)
		channel->is_read_shut = true;
	else
		channel->is_write_shut = true;
	/* Those who wait on the side that was shut have nothing to wait for either. */
	release_all(channel, SIDE_READ, 0);
	release_all(channel, SIDE_WRITE, -EPIPE);
	side_is_gone(channel, side);
}

void channel_break(struct channel *channel)
{
	channel->is_broken = true;
	drop_contents(channel);
	release_all(channel, SIDE_READ, -EIO);
	release_all(channel, SIDE_WRITE, -EIO);
	watch_notify(channel, SIDE_READ);
	watch_notify(channel, SIDE_WRITE);
}

void channel_set_extra(struct channel *channel, uint32_t events)
{
	channel->extra_events = events;
	if (events)
		watch_notify(channel, SIDE_READ);
}

void channel_forget_writer(struct channel *channel)
{
	bool is_over;

	lock_acquire(&channel->lock);
	is_over = channel_leave(channel, SIDE_WRITE);
	lock_release(&channel->lock);
	if (is_over)
		channel_free(channel);
}

static uint32_t read_events(const struct channel *channel)
{
	bool is_over = channel_no_writers(channel);
	uint32_t events = channel_is_readable(channel) ? IO_IN : 0;

	if (is_over && channel->is_socket)
		events |= IO_IN | IO_READ_HANGUP;
	else if (is_over)
		events |= IO_HANGUP;
	return events;
}

uint32_t channel_events(const struct channel *channel, enum channel_side side)
{
	uint32_t events = channel->is_broken ? IO_ERROR : 0;

	if (side == SIDE_READ)
		return events | channel->extra_events | read_events(channel);
	if (channel_no_readers(channel))
		return events | IO_OUT | (channel->is_socket ? IO_HANGUP : IO_ERROR);
	return events | (channel_space(channel) >= PIPE_ATOMIC ? IO_OUT : 0);
}

/* ------------------------------------------------------------------------------------- parcels */

struct parcel *parcel_create(void)
{
	struct parcel *parcel = pool_take(&parcels);

	if (parcel) {
		parcel->next = NULL;
		parcel->handle_count = 0;
		parcel->length = 0;
		parcel->sender = 0;
	}
	return parcel;
}

void parcel_free(struct parcel *parcel)
{
	for (uint32_t i = 0; i < parcel->handle_count; i++)
		env_close(parcel->handles[i]);
	pool_retire(&parcel->pooled, atomic_load(&parcel->pooled.generation));
	pool_give(&parcels, &parcel->pooled);
}

void parcel_describe(const struct parcel *parcel, struct tern_received *answer,
		     struct tern_extended *extended)
{
	extended->handle_count = parcel->handle_count;
	for (uint32_t i = 0; i < parcel->handle_count; i++) {
		extended->handles[i].handle = parcel->handles[i];
		extended->handles[i].rights = TERN_RIGHTS_ALL;
		extended->handles[i].mode = TERN_SEND_MOVE;
	}
	answer->words[1] |= (uint64_t)parcel->length << 32;
	answer->words[2] = parcel->sender;
}
