/* Sockets: their lives, and what is said about them. Connections are made in connect.c. */
#include "socket.h"

#include "watch.h"

static struct pool sockets = POOL_OF(struct socket);

struct socket *socket_create(struct end *end, uint32_t type)
{
	struct socket *socket = pool_take(&sockets);
	const struct service *service = service_find(end->service);
	size_t kept = offsetof(struct socket, end);

	if (!socket)
		return NULL;
	__builtin_memset((char *)socket + kept, 0, sizeof(*socket) - kept);
	socket->end = end;
	socket->end_name = pool_name(&end->pooled);
	socket->type = type;
	socket->key = env_random();
	socket->secret = env_random();
	if (service)
		__builtin_memcpy(socket->credentials, service->credentials,
				 sizeof(socket->credentials));
	end->socket = socket;
	return socket;
}

struct socket *socket_find(uint64_t name)
{
	return pool_find(&sockets, name);
}

struct socket *socket_lock(uint64_t end_name)
{
	struct end *end = pool_find(&ends, end_name);

	lock_acquire(&names_lock);
	if (end && end->socket && pooled_is(&end->pooled, end_name))
		return end->socket;
	lock_release(&names_lock);
	return NULL;
}

struct socket *socket_by_address(const uint64_t *address)
{
	struct socket *socket = socket_find(address[0]);

	return socket && socket->key == address[1] ? socket : NULL;
}

void socket_set_writes(struct socket *socket, struct channel *channel)
{
	lock_acquire(&channel->lock);
	channel->ends[SIDE_WRITE]++;
	lock_release(&channel->lock);
	atomic_store(&socket->end->channels[SIDE_WRITE], channel);
	watch_extend(socket->end_name, socket->end->channels[SIDE_READ], channel);
}

static void leave_as_writer(struct channel *channel, uint64_t end_name)
{
	end_leave(channel, SIDE_WRITE, end_name, -EPIPE, false);
}

void socket_drop_own_writer(struct socket *socket)
{
	if (socket->is_own_writer)
		leave_as_writer(socket->end->channels[SIDE_READ], 0);
	socket->is_own_writer = false;
	atomic_fetch_and(&socket->end->flags, ~END_UNCONNECTED);
}

/* A datagram socket sends nowhere any more. */
void socket_disconnect(struct socket *socket)
{
	struct channel *channel = atomic_exchange(&socket->end->channels[SIDE_WRITE], NULL);

	if (channel)
		leave_as_writer(channel, socket->end_name);
	socket->is_connected = false;
}

void socket_introduce(struct socket *a, struct socket *b)
{
	a->is_connected = b->is_connected = true;
	__builtin_memcpy(a->peer_credentials, b->credentials, sizeof(b->credentials));
	__builtin_memcpy(b->peer_credentials, a->credentials, sizeof(a->credentials));
	a->peer_name = b->name;
	b->peer_name = a->name;
}

void socket_close(struct end *end)
{
	struct socket *socket = end->socket;

	if (!socket)
		return;
	lock_acquire(&names_lock);
	pool_retire(&socket->pooled, atomic_load(&socket->pooled.generation));
	socket_stop_listening(socket);
	place_unbind(socket);
	socket_drop_own_writer(socket);
	end->socket = NULL;
	lock_release(&names_lock);
	pool_give(&sockets, &socket->pooled);
}

/* ---------------------------------------------------------------------------------- operations */

enum outcome socket_secret(struct call *call, uint64_t name)
{
	struct socket *socket = socket_lock(name);

	if (!socket)
		return answer_number(call, -EOPNOTSUPP);
	call->message.words[1] = pool_name(&socket->pooled);
	call->message.words[2] = socket->secret;
	lock_release(&names_lock);
	return answer_number(call, 0);
}

static int64_t bind_to(struct socket *socket, const struct name *name)
{
	struct place *place;
	struct name key;

	key_of_abstract(&key, name);
	if (socket->place)
		return -EINVAL;
	if (place_lookup(&key))
		return -EADDRINUSE;
	place = place_create(&key);
	if (!place)
		return -ENOBUFS;
	place->socket = socket;
	socket->place = place;
	socket->name = *name;
	return 0;
}

enum outcome socket_bind(struct call *call, uint64_t end)
{
	struct name name;
	struct socket *socket;
	int64_t result = name_receive(call, call->message.words[1], &name);

	if (result < 0)
		return answer_number(call, result);
	socket = socket_lock(end);
	if (!socket)
		return answer_number(call, -EOPNOTSUPP);
	result = bind_to(socket, &name);
	lock_release(&names_lock);
	return answer_number(call, result);
}

enum outcome socket_shutdown(struct call *call, uint64_t name)
{
	uint64_t how = call->message.words[1];
	struct socket *socket = how <= 2 ? socket_lock(name) : NULL;
	int64_t result = how > 2 ? -EINVAL : !socket ? -EOPNOTSUPP : 0;

	if (result)
		return answer_number(call, result);
	if (!socket->is_connected)
		result = -ENOTCONN;
	for (int side = SIDE_READ; !result && side <= SIDE_WRITE; side++) {
		struct channel *channel = socket->end->channels[side];

		if (how != 2 && how != (uint64_t)side)
			continue;
		if (!channel)
			continue;
		lock_acquire(&channel->lock);
		channel_shut(channel, (enum channel_side)side);
		lock_release(&channel->lock);
	}
	lock_release(&names_lock);
	return answer_number(call, result);
}

enum outcome socket_peer(struct call *call, uint64_t name)
{
	struct socket *socket = socket_lock(name);
	int64_t result;

	if (!socket)
		return answer_number(call, -EOPNOTSUPP);
	result = socket->is_connected ? 0 : -ENOTCONN;
	__builtin_memcpy(&call->message.words[1], socket->peer_credentials,
			 sizeof(socket->peer_credentials));
	lock_release(&names_lock);
	return answer_number(call, result);
}

enum outcome socket_type(struct call *call, uint64_t end)
{
	struct socket *socket = socket_lock(end);
	int64_t result = socket ? (int64_t)socket->type : -EOPNOTSUPP;

	if (socket)
		lock_release(&names_lock);
	return answer_number(call, result);
}

enum outcome socket_name(struct call *call, uint64_t end)
{
	struct socket *socket = socket_lock(end);
	uint64_t which = call->message.words[1];
	struct name name = { 0 };
	int64_t result;

	if (!socket)
		return answer_number(call, -EOPNOTSUPP);
	if (which > 1)
		socket = socket_find(which);
	if (socket)
		name = which == 1 ? socket->peer_name : socket->name;
	lock_release(&names_lock);
	call->message.words[1] = 0;
	if (name.length <= IO_INLINE_MAX) {
		call->message.words[1] = IO_INLINE;
		__builtin_memcpy(&call->message.words[IO_INLINE_WORD], name.bytes, name.length);
		return answer_number(call, name.length);
	}
	result = env_window_write(TERN_REPLY, 0, name.bytes, name.length);
	return answer_number(call, result < 0 || result == name.length ? result : -EFAULT);
}
