/*
 * FIFOs: channels that are found by the id of a file. Each open makes an end of its own. The record
 * lives as long as an end is open, and so do the bytes.
 */
#include "connect.h"
#include "make.h"
#include "place.h"

#define BUCKETS 64

struct fifo {
	struct pooled pooled;
	struct fifo *next;
	struct name key;
	struct channel *channel;
	uint32_t open_ends;
	uint32_t opens[2];           /* ever, by side: so that who waits for one does not miss it */
	struct sleepers sleepers[2]; /* by the side that they wait for */
};

static struct pool fifos = POOL_OF(struct fifo);
static struct fifo *buckets[BUCKETS];

static struct fifo **bucket_of(const struct name *key)
{
	uint32_t hash = 0;

	for (uint32_t i = 0; i < key->length; i++)
		hash = hash * 31 + key->bytes[i];
	return &buckets[hash % BUCKETS];
}

static struct fifo *fifo_find(const struct name *key)
{
	for (struct fifo *fifo = *bucket_of(key); fifo; fifo = fifo->next)
		if (!__builtin_memcmp(fifo->key.bytes, key->bytes, key->length))
			return fifo;
	return NULL;
}

static struct fifo *fifo_create(const struct name *key)
{
	struct fifo *fifo = pool_take(&fifos), **bucket = bucket_of(key);
	struct channel *channel = fifo ? channel_create(false, false) : NULL;

	if (!channel) {
		if (fifo) {
			pool_retire(&fifo->pooled, atomic_load(&fifo->pooled.generation));
			pool_give(&fifos, &fifo->pooled);
		}
		return NULL;
	}
	fifo->key = *key;
	fifo->channel = channel;
	fifo->open_ends = fifo->opens[SIDE_READ] = fifo->opens[SIDE_WRITE] = 0;
	fifo->sleepers[SIDE_READ].first = fifo->sleepers[SIDE_WRITE].first = NULL;
	fifo->next = *bucket;
	*bucket = fifo;
	return fifo;
}

/* Nobody has it open: its last end frees the channel, or there never was one. */
static void fifo_free(struct fifo *fifo)
{
	struct fifo **at = bucket_of(&fifo->key);

	while (*at != fifo)
		at = &(*at)->next;
	*at = fifo->next;
	pool_retire(&fifo->pooled, atomic_load(&fifo->pooled.generation));
	pool_give(&fifos, &fifo->pooled);
}

void fifo_close(struct end *end, uint64_t name)
{
	struct fifo *fifo;

	if (!end->fifo)
		return;
	lock_acquire(&names_lock);
	fifo = end->fifo;
	end->fifo = NULL;
	for (int side = SIDE_READ; side <= SIDE_WRITE; side++)
		sleepers_release(&fifo->sleepers[side], name, -EBADF);
	if (!--fifo->open_ends)
		fifo_free(fifo);
	lock_release(&names_lock);
}

/* Another end on that side: who waited for one has it. */
static void fifo_opened(struct fifo *fifo, struct end *end, uint64_t mode)
{
	end->fifo = fifo;
	fifo->open_ends++;
	for (int side = SIDE_READ; side <= SIDE_WRITE; side++) {
		if (!(mode & (side == SIDE_READ ? PIPE_OPEN_READ : PIPE_OPEN_WRITE)))
			continue;
		fifo->opens[side]++;
		sleepers_release(&fifo->sleepers[side], 0, 0);
	}
	end->peer_opens = fifo->opens[mode & PIPE_OPEN_READ ? SIDE_WRITE : SIDE_READ];
}

static bool has_open(struct fifo *fifo, enum channel_side side)
{
	bool result;

	lock_acquire(&fifo->channel->lock);
	result = fifo->channel->ends[side] != 0;
	lock_release(&fifo->channel->lock);
	return result;
}

/* names_lock is held. */
static int64_t fifo_open(uint64_t service, const struct name *key, uint64_t mode, uint32_t flags,
			 int64_t *handle)
{
	struct fifo *fifo = fifo_find(key);
	bool is_writer = mode == PIPE_OPEN_WRITE;
	struct end *end;
	int64_t result;

	if (is_writer && flags & IO_NONBLOCK && !(fifo && has_open(fifo, SIDE_READ)))
		return -ENXIO;
	if (!fifo)
		fifo = fifo_create(key);
	if (!fifo)
		return -ENOBUFS;
	result = end_create(service, IO_KIND_FIFO, mode & PIPE_OPEN_READ ? fifo->channel : NULL,
			    mode & PIPE_OPEN_WRITE ? fifo->channel : NULL, &end, handle);
	if (result < 0) {
		if (!fifo->open_ends) {
			channel_free(fifo->channel);
			fifo_free(fifo);
		}
		return result;
	}
	atomic_store(&end->flags, flags & IO_NONBLOCK);
	fifo_opened(fifo, end, mode);
	return 0;
}

enum outcome make_fifo(struct call *call, uint64_t service)
{
	uint64_t mode = call->message.words[3];
	uint32_t flags = (uint32_t)call->message.words[0];
	struct name key = { 0 };
	int64_t handle, result;

	if (service >> PORT_KIND_SHIFT != PORT_TRUSTED || !service_find(service))
		return answer_number(call, -EPERM);
	if (mode < PIPE_OPEN_READ || mode > (PIPE_OPEN_READ | PIPE_OPEN_WRITE))
		return answer_number(call, -EINVAL);
	key_of_file(&key, service, &call->message.words[1]);
	lock_acquire(&names_lock);
	result = fifo_open(service, &key, mode, flags, &handle);
	lock_release(&names_lock);
	if (!result)
		call_extend(call, handle);
	return answer_number(call, result);
}

enum outcome fifo_await_peer(struct call *call, uint64_t name)
{
	struct end *end = pool_find(&ends, name);
	enum channel_side other;
	struct fifo *fifo;
	int64_t result = -EINVAL;

	lock_acquire(&names_lock);
	fifo = end && pooled_is(&end->pooled, name) ? end->fifo : NULL;
	if (fifo) {
		other = end->channels[SIDE_READ] ? SIDE_WRITE : SIDE_READ;
		if (has_open(fifo, other) || fifo->opens[other] != end->peer_opens)
			result = 0;
		else
			result = sleeper_park(&fifo->sleepers[other], name, 0) ?: 1;
	}
	lock_release(&names_lock);
	if (result == 1)
		return PARKED;
	return answer_number(call, result);
}
