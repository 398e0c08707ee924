#include "end.h"

#include "counter.h"
#include "make.h"
#include "queue.h"
#include "socket.h"
#include "watch.h"

struct pool ends = POOL_OF(struct end);
static struct pool services = POOL_OF(struct service);
static struct service trusted[PIPE_TRUSTED_MAX + 1];

/* ------------------------------------------------------------------------------------ services */

struct service *service_find(uint64_t userdata)
{
	if (userdata >> PORT_KIND_SHIFT == PORT_SERVICE)
		return pool_find(&services, userdata & PORT_NAME_MASK);
	if (userdata < 1 || userdata > PIPE_TRUSTED_MAX)
		return NULL;
	trusted[userdata].is_trusted = true;
	return &trusted[userdata];
}

static void service_free_if_unused(struct service *service, uint64_t name)
{
	if (service->is_closed && !atomic_load(&service->ends) &&
	    pool_retire(&service->pooled, name_generation(name)))
		pool_give(&services, &service->pooled);
}

int64_t service_create(const struct service *like, uint64_t *name, int64_t *client)
{
	struct service *service = pool_take(&services);
	int64_t result;

	if (!service)
		return -ENOBUFS;
	*name = pool_name(&service->pooled);
	atomic_store(&service->ends, 0);
	service->is_closed = false;
	__builtin_memcpy(service->credentials, like->credentials, sizeof(like->credentials));
	service->group_count = like->group_count;
	__builtin_memcpy(service->groups, like->groups, sizeof(like->groups));
	result = env_port_create((uint64_t)PORT_SERVICE << PORT_KIND_SHIFT | *name, &service->port,
				 client);
	if (result < 0) {
		pool_retire(&service->pooled, name_generation(*name));
		pool_give(&services, &service->pooled);
	}
	return result;
}

void service_close(uint64_t name)
{
	struct service *service = pool_find(&services, name);

	if (!service || service->is_closed)
		return;
	env_close(service->port);
	service->is_closed = true;
	service_free_if_unused(service, name);
}

static bool service_charge(uint64_t userdata)
{
	struct service *service = service_find(userdata);

	if (!service)
		return false;
	if (atomic_fetch_add(&service->ends, 1) < ENDS_PER_SERVICE)
		return true;
	atomic_fetch_sub(&service->ends, 1);
	return false;
}

static void service_uncharge(uint64_t userdata)
{
	struct service *service = service_find(userdata);

	if (!service)
		return;
	atomic_fetch_sub(&service->ends, 1);
	if (userdata >> PORT_KIND_SHIFT == PORT_SERVICE)
		service_free_if_unused(service, userdata & PORT_NAME_MASK);
}

/* -------------------------------------------------------------------------- opening and closing */

static void join(struct channel *channel, enum channel_side side)
{
	if (!channel)
		return;
	lock_acquire(&channel->lock);
	channel->ends[side]++;
	lock_release(&channel->lock);
}

void end_leave(struct channel *channel, enum channel_side side, uint64_t name, int64_t error,
	       bool is_last)
{
	bool is_over;

	lock_acquire(&channel->lock);
	channel_drop_end(channel, side, name, error);
	watch_leave(channel, side, name, is_last);
	is_over = channel_leave(channel, side);
	lock_release(&channel->lock);
	if (is_over)
		channel_free(channel);
}

static void end_release(struct end *end)
{
	service_uncharge(end->service);
	pool_give(&ends, &end->pooled);
}

int64_t end_create(uint64_t service, uint32_t kind, struct channel *reads, struct channel *writes,
		   struct end **created, int64_t *client)
{
	struct end *end;
	uint64_t name;
	int64_t result;

	if (!service_charge(service))
		return -ENOBUFS;
	end = pool_take(&ends);
	if (!end) {
		service_uncharge(service);
		return -ENFILE;
	}
	name = pool_name(&end->pooled);
	end->service = service;
	end->kind = kind;
	end->socket = NULL;
	end->counter = NULL;
	end->queue = NULL;
	end->fifo = NULL;
	atomic_store(&end->flags, 0);
	end->channels[SIDE_READ] = reads;
	end->channels[SIDE_WRITE] = writes;
	result = env_port_create((uint64_t)PORT_END << PORT_KIND_SHIFT | name, &end->port, client);
	if (result < 0) {
		pool_retire(&end->pooled, name_generation(name));
		end_release(end);
		return result;
	}
	join(reads, SIDE_READ);
	join(writes, SIDE_WRITE);
	*created = end;
	return 0;
}

void end_close(uint64_t name)
{
	struct end *end = pool_find(&ends, name);
	struct channel *reads, *writes;

	if (!end || !pool_retire(&end->pooled, name_generation(name)))
		return;
	/* Nobody who takes a channel's lock from now on uses it for this end. */
	socket_close(end);
	counter_close(end, name);
	queue_close(end, name);
	reads = end->channels[SIDE_READ];
	writes = end->channels[SIDE_WRITE];
	fifo_close(end, name);
	if (reads)
		end_leave(reads, SIDE_READ, name, -EBADF, !writes);
	if (writes)
		end_leave(writes, SIDE_WRITE, name, -EBADF, true);
	env_close(end->port);
	end_release(end);
}

/* ---------------------------------------------------------------------------------- operations */

/* The channel of a counter or queue says for both sides what holds, on the reading one. */
static struct channel *ready_channel(struct end *end, enum channel_side side)
{
	struct counter *counter = end->counter;
	struct queue *queue = end->queue;

	if (end->channels[side] || side == SIDE_WRITE)
		return end->channels[side];
	return counter ? counter->channel : queue ? queue->channel : NULL;
}

/* A channel of the end with its lock held, if the end is still what the name means; else NULL. */
static struct channel *lock_channel(const struct end *end, struct channel *channel, uint64_t name)
{
	if (!channel)
		return NULL;
	lock_acquire(&channel->lock);
	if (pooled_is(&end->pooled, name))
		return channel;
	lock_release(&channel->lock);
	return NULL;
}

static struct channel *end_lock(const struct end *end, enum channel_side side, uint64_t name)
{
	return lock_channel(end, end->channels[side], name);
}

/* Why end_lock had nothing. */
static int64_t no_channel(const struct end *end)
{
	if (end->kind == IO_KIND_QUEUE)
		return -EINVAL;
	return end->kind == IO_KIND_SOCKET ? -ENOTCONN : -EBADF;
}

static bool is_nonblocking(const struct call *call, const struct end *end)
{
	return (call->message.words[0] | atomic_load_explicit(&end->flags, memory_order_relaxed)) &
	       IO_NONBLOCK;
}

enum outcome end_read(struct call *call, uint64_t name)
{
	struct end *end = pool_find(&ends, name);
	struct channel *channel = end ? end_lock(end, SIDE_READ, name) : NULL;
	struct request request;
	struct parcel *parcel;
	enum outcome outcome;

	if (!channel)
		return end && end->counter ? counter_read(call, end, name)
					   : answer_number(call, end ? no_channel(end) : -EPIPE);
	if (end->flags & END_UNCONNECTED) {
		lock_release(&channel->lock);
		return answer_number(call, -ENOTCONN);
	}
	request.reply = TERN_REPLY;
	request.length = call->message.words[1];
	request.parcel = NULL;
	request.has_window = call->has_windows;
	request.is_nonblocking = is_nonblocking(call, end);
	request.wants_handles = request.is_peek = false;
	call->message.words[1] = 0;
	outcome = channel_read(channel, &request, name, &call->message, &parcel);
	lock_release(&channel->lock);
	if (parcel)
		parcel_free(parcel);
	return outcome;
}

enum outcome end_write(struct call *call, uint64_t name)
{
	struct end *end = pool_find(&ends, name);
	struct channel *channel;
	struct request request;
	enum outcome outcome;

	channel = end ? end_lock(end, SIDE_WRITE, name) : NULL;
	if (!channel)
		return end && end->counter ? counter_write(call, end, name)
					   : answer_number(call, end ? no_channel(end) : -EPIPE);
	if (channel->is_messages) {
		lock_release(&channel->lock);
		return socket_write(call, end, name);
	}
	request.reply = TERN_REPLY;
	request.length = call->message.words[1];
	request.parcel = NULL;
	request.has_window = call->has_windows;
	request.is_nonblocking = is_nonblocking(call, end);
	request.wants_handles = false;
	request.data = (const char *)&call->message.words[IO_INLINE_WORD];
	outcome = channel_write(channel, &request, name, &call->message);
	lock_release(&channel->lock);
	return outcome;
}

/* The events that hold on one side; if `wanted` do not (or always, with EDGE) the watch is armed. */
static int64_t poll_side(struct end *end, enum channel_side side, uint64_t name,
			 const struct tern_received *message)
{
	struct channel *channel = lock_channel(end, ready_channel(end, side), name);
	uint32_t wanted = (uint32_t)message->words[1] | IO_ALWAYS;
	uint64_t watch = message->words[2];
	int64_t events;

	if (!channel)
		return 0;
	events = channel_events(channel, side);
	if (watch && (!(events & wanted) || message->words[0] & IO_POLL_EDGE) &&
	    !watch_arm(channel, side, watch, name, wanted, message->words[0] & IO_POLL_KEEP))
		events = -ENOENT;
	lock_release(&channel->lock);
	return events;
}

/*
 * What holds at this moment, for those who will not wait: nothing depends on the channels' locks then. A
 * record that has been given back meanwhile says something about another channel, too late for the caller.
 */
static int64_t glance(const struct end *end)
{
	const struct channel *reads = end->channels[SIDE_READ], *writes = end->channels[SIDE_WRITE];
	int64_t events = reads ? channel_events(reads, SIDE_READ) : 0;

	return writes ? events | channel_events(writes, SIDE_WRITE) : events;
}

enum outcome end_poll(struct call *call, uint64_t name)
{
	struct end *end = pool_find(&ends, name);
	int64_t read, write;

	if (!end)
		return answer_number(call, -EPIPE);
	if (!call->message.words[2] && !end->counter && !end->queue)
		return answer_number(call, glance(end));
	read = poll_side(end, SIDE_READ, name, &call->message);
	if (read < 0)
		return answer_number(call, read);
	write = poll_side(end, SIDE_WRITE, name, &call->message);
	return answer_number(call, write < 0 ? write : read | write);
}

/* Under names_lock, since a connection that is made just now extends the watches that there are. */
enum outcome end_watch(struct call *call, uint64_t name)
{
	struct end *end = pool_find(&ends, name);
	int64_t result;

	if (!end)
		return answer_number(call, -EPIPE);
	if (call->message.handle_count != 1)
		return answer_number(call, -EINVAL);
	lock_acquire(&names_lock);
	result = watch_create(&end->pooled, name, ready_channel(end, SIDE_READ),
			      end->channels[SIDE_WRITE], call->message.handles[0],
			      call->message.words[1]);
	lock_release(&names_lock);
	if (result >= 0)
		call->message.handle_count = 0;
	return answer_number(call, result);
}

enum outcome end_unwatch(struct call *call, uint64_t name)
{
	struct end *end = pool_find(&ends, name);

	if (!end)
		return answer_number(call, -EPIPE);
	return answer_number(call, watch_remove(call->message.words[1], name,
						ready_channel(end, SIDE_READ),
						end->channels[SIDE_WRITE]));
}

enum outcome end_attributes(struct call *call, uint64_t name)
{
	struct io_attributes attributes = { .capacity = PIPE_CAPACITY, .id = name };
	struct end *end = pool_find(&ends, name);
	struct channel *channel;

	if (!end)
		return answer_number(call, -EPIPE);
	attributes.kind = end->kind;
	attributes.flags = atomic_load(&end->flags) & IO_NONBLOCK;
	channel = end_lock(end, SIDE_READ, name);
	if (channel) {
		attributes.readable = channel_next_read(channel);
		lock_release(&channel->lock);
	}
	channel = end_lock(end, SIDE_WRITE, name);
	if (channel) {
		attributes.writable = channel_space(channel);
		if (!end->channels[SIDE_READ])
			attributes.readable = channel->used;
		lock_release(&channel->lock);
	}
	if (end->kind == IO_KIND_QUEUE)
		queue_attributes(end, name, &attributes);
	__builtin_memcpy(&call->message.words[1], &attributes, sizeof(attributes));
	return answer_number(call, 0);
}

enum outcome end_set_flags(struct call *call, uint64_t name)
{
	struct end *end = pool_find(&ends, name);
	uint32_t mask = (uint32_t)call->message.words[1] & IO_NONBLOCK;
	uint32_t old, flags;

	if (!end)
		return answer_number(call, -EPIPE);
	old = atomic_load(&end->flags);
	do
		flags = (old & ~mask) | ((uint32_t)call->message.words[2] & mask);
	while (!atomic_compare_exchange_weak(&end->flags, &old, flags));
	return answer_number(call, flags & IO_NONBLOCK);
}
