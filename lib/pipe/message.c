/* Writing to and reading from sockets: messages, addresses, handles. */
#include "connect.h"
#include "socket.h"

static void request_of(struct call *call, const struct end *end, struct request *request)
{
	const struct tern_received *message = &call->message;

	request->reply = TERN_REPLY;
	request->length = message->words[1];
	request->parcel = NULL;
	request->has_window = call->has_windows;
	request->is_nonblocking = ((message->words[0] | atomic_load(&end->flags)) & IO_NONBLOCK) !=
				  0;
	request->wants_handles = request->is_peek = false;
	request->data = (const char *)&message->words[IO_INLINE_WORD];
}

/* With the channel's lock held. The parcel is freed unless it went or is parked with the call. */
static enum outcome write_parcel(struct channel *channel, struct call *call,
				 struct request *request, uint64_t name)
{
	enum outcome outcome = channel_write(channel, request, name, &call->message);

	lock_release(&channel->lock);
	if (outcome == ANSWERED && request->parcel)
		parcel_free(request->parcel);
	return outcome;
}

/* What goes with these bytes: the call's handles, which are the parcel's now. */
static struct parcel *wrap(struct call *call, struct end *end)
{
	struct parcel *parcel = parcel_create();

	if (!parcel)
		return NULL;
	parcel->handle_count = (uint32_t)call->message.handle_count;
	for (uint32_t i = 0; i < parcel->handle_count; i++)
		parcel->handles[i] = call->message.handles[i];
	call->message.handle_count = 0;
	parcel->sender = end->socket ? pool_name(&end->socket->pooled) : 0;
	return parcel;
}

/* The channel that is written to, locked: the address's if there is one, else the connection's. */
static int64_t lock_target(struct end *end, uint64_t name, const uint64_t *address,
			   struct channel **channel)
{
	struct socket *socket = socket_lock(name), *target;

	if (!socket)
		return -EPIPE;
	*channel = end->channels[SIDE_WRITE];
	if (address[0]) {
		target = socket_by_address(address);
		if (!target || target->type != PIPE_DATAGRAM || socket->type != PIPE_DATAGRAM) {
			lock_release(&names_lock);
			return target ? -EISCONN : -ECONNREFUSED;
		}
		*channel = target->end->channels[SIDE_READ];
	}
	if (*channel)
		lock_acquire(&(*channel)->lock);
	lock_release(&names_lock);
	return *channel ? 0 : -ENOTCONN;
}

static enum outcome write_with(struct call *call, struct end *end, uint64_t name,
			       const uint64_t *address)
{
	struct request request;
	struct channel *channel;
	bool needs_parcel = call->message.handle_count;
	int64_t result = lock_target(end, name, address, &channel);

	if (result < 0)
		return answer_number(call, result);
	request_of(call, end, &request);
	call->message.words[1] = 0;
	if (needs_parcel || channel->is_messages) {
		request.parcel = wrap(call, end);
		if (!request.parcel) {
			lock_release(&channel->lock);
			return answer_number(call, -ENOBUFS);
		}
	}
	return write_parcel(channel, call, &request, name);
}

enum outcome socket_write(struct call *call, struct end *end, uint64_t name)
{
	static const uint64_t nowhere[2];

	return write_with(call, end, name, nowhere);
}

enum outcome socket_send(struct call *call, uint64_t name)
{
	struct end *end = pool_find(&ends, name);
	const uint64_t address[2] = { call->message.words[2], call->message.words[3] };
	static const uint64_t nowhere[2];

	if (!end || !end->socket)
		return answer_number(call, end ? -EOPNOTSUPP : -EPIPE);
	if (address[0] && !call->has_windows && call->message.words[1])
		return answer_number(call, -EINVAL);
	if (call->message.handle_count && !call->message.words[1])
		return answer_number(call, -EINVAL);
	return write_with(call, end, name, address[0] ? address : nowhere);
}

/* The parcel's handles go with the answer, and what is known about it. */
static void unwrap(struct call *call, struct parcel *parcel)
{
	call->message.words[1] |= (uint64_t)parcel->length << 32;
	call->message.words[2] = parcel->sender;
	for (uint32_t i = 0; i < parcel->handle_count; i++)
		call_extend(call, parcel->handles[i]);
	parcel->handle_count = 0;
	parcel_free(parcel);
}

enum outcome socket_receive(struct call *call, uint64_t name)
{
	struct end *end = pool_find(&ends, name);
	struct channel *channel = end && end->socket ? end->channels[SIDE_READ] : NULL;
	struct request request;
	struct parcel *parcel = NULL;
	enum outcome outcome = ANSWERED;

	if (!channel)
		return answer_number(call, end ? -EOPNOTSUPP : -EPIPE);
	request_of(call, end, &request);
	request.wants_handles = true;
	request.is_peek = call->message.words[0] & PIPE_PEEK;
	call->message.words[1] = call->message.words[2] = 0;
	lock_acquire(&channel->lock);
	if (!pooled_is(&end->pooled, name))
		answer_number(call, -EPIPE);
	else
		outcome = channel_read(channel, &request, name, &call->message, &parcel);
	lock_release(&channel->lock);
	if (parcel)
		unwrap(call, parcel);
	return outcome;
}
