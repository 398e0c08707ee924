/*
 * Making connections. A parked connect or accept is ended by the other one of the two; what connect
 * makes is there before anybody hears of it, so that an accept that was interrupted loses nothing.
 */
#include "connect.h"

#include "socket.h"

static struct pool pendings = POOL_OF(struct pending);

/* The listening socket's reading channel says that a connection waits. */
static void show_pending(struct socket *socket)
{
	struct channel *channel = socket->end->channels[SIDE_READ];

	lock_acquire(&channel->lock);
	channel_set_extra(channel, socket->pending_count ? IO_IN : 0);
	lock_release(&channel->lock);
}

static int64_t pending_add(struct socket *listening, int64_t handle)
{
	struct pending *pending = pool_take(&pendings), **place = &listening->pending;

	if (!pending)
		return -ENOBUFS;
	pending->handle = handle;
	pending->next = NULL;
	while (*place)
		place = &(*place)->next;
	*place = pending;
	listening->pending_count++;
	show_pending(listening);
	return 0;
}

static int64_t pending_take(struct socket *listening)
{
	struct pending *pending = listening->pending;
	int64_t handle = pending->handle;

	listening->pending = pending->next;
	listening->pending_count--;
	pool_retire(&pending->pooled, atomic_load(&pending->pooled.generation));
	pool_give(&pendings, &pending->pooled);
	show_pending(listening);
	return handle;
}

static void extend_with(struct tern_extended *extended, int64_t handle)
{
	extended->handles[extended->handle_count].handle = handle;
	extended->handles[extended->handle_count].rights = TERN_RIGHTS_ALL;
	extended->handles[extended->handle_count++].mode = TERN_SEND_MOVE;
}

void call_extend(struct call *call, int64_t handle)
{
	if (!call->is_extended)
		__builtin_memset(&call->extended, 0, sizeof(call->extended));
	call->is_extended = true;
	extend_with(&call->extended, handle);
}

/* A waiting accept gets the connection. False: there is none (any more). */
static bool hand_over(struct socket *listening, int64_t handle)
{
	while (listening->accepting.first) {
		struct tern_extended extended = { 0 };
		struct tern_received answer = { .words = { 0 } };
		int64_t reply = sleeper_take(listening->accepting.first), result;

		extend_with(&extended, handle);
		result = env_answer_handles(reply, &answer, &extended);
		if (result == 0)
			return true;
		if (result != -ESRCH) {
			answer.words[0] = (uint64_t)result;
			env_answer(reply, &answer);
		}
	}
	return false;
}

/* The server's end of a connection: it reads what `client` writes and the other way round. */
static int64_t make_server_end(struct socket *listening, struct socket *client, int64_t *handle)
{
	bool is_messages = client->type == PIPE_PACKETS;
	struct channel *reads = channel_create(is_messages, true);
	struct socket *server;
	struct end *end;
	int64_t result;

	if (!reads)
		return -ENOBUFS;
	result = end_create(listening->end->service, IO_KIND_SOCKET, reads,
			    client->end->channels[SIDE_READ], &end, handle);
	if (result < 0) {
		channel_free(reads);
		return result;
	}
	server = socket_create(end, client->type);
	if (!server) {
		env_close(*handle); /* the event closes the end */
		return -ENOBUFS;
	}
	__builtin_memcpy(server->credentials, listening->credentials, sizeof(server->credentials));
	server->name = listening->name;
	socket_set_writes(client, reads);
	socket_drop_own_writer(client);
	socket_introduce(client, server);
	return 0;
}

/* There is room in the backlog. */
static int64_t connect_now(struct socket *client, struct socket *listening)
{
	int64_t handle, result = make_server_end(listening, client, &handle);

	if (result < 0 || hand_over(listening, handle))
		return result;
	result = pending_add(listening, handle);
	if (result < 0)
		env_close(handle);
	return result;
}

/* Connects that waited for room, as far as there is some now. */
static void let_in(struct socket *listening)
{
	while (listening->connecting.first && listening->pending_count < listening->backlog) {
		struct sleeper *sleeper = listening->connecting.first;
		struct end *end = pool_find(&ends, sleeper->end);
		int64_t result = -EBADF;

		if (end && end->socket)
			result = end->socket->is_connected ? -EISCONN
							   : connect_now(end->socket, listening);
		sleeper_answer(sleeper, result);
	}
}

void socket_stop_listening(struct socket *socket)
{
	sleepers_release(&socket->accepting, 0, -EBADF);
	sleepers_release(&socket->connecting, 0, -ECONNREFUSED);
	while (socket->pending)
		env_close(pending_take(socket));
	socket->is_listening = false;
}

/* ---------------------------------------------------------------------------------- operations */

enum outcome socket_listen(struct call *call, uint64_t name)
{
	uint64_t backlog = call->message.words[1];
	struct socket *socket = socket_lock(name);
	int64_t result = 0;

	if (!socket)
		return answer_number(call, -EOPNOTSUPP);
	if (socket->type == PIPE_DATAGRAM)
		result = -EOPNOTSUPP;
	else if (socket->is_connected || !socket->place)
		result = -EINVAL;
	if (!result) {
		socket->is_listening = true;
		socket->backlog = (uint32_t)(backlog < 1                  ? 1
					     : backlog > PIPE_BACKLOG_MAX ? PIPE_BACKLOG_MAX
									  : backlog);
		let_in(socket);
	}
	lock_release(&names_lock);
	return answer_number(call, result);
}

static bool is_nonblocking(const struct call *call, const struct socket *socket)
{
	return (call->message.words[0] | atomic_load(&socket->end->flags)) & IO_NONBLOCK;
}

/* The call waits, or must not. */
static enum outcome wait_or(struct call *call, const struct socket *socket, struct sleepers *list)
{
	int64_t result = is_nonblocking(call, socket) ? -EAGAIN
						      : sleeper_park(list, socket->end_name, 0);

	return result ? answer_number(call, result) : PARKED;
}

enum outcome socket_accept(struct call *call, uint64_t name)
{
	struct socket *socket = socket_lock(name);
	enum outcome outcome = ANSWERED;

	if (!socket)
		return answer_number(call, -EOPNOTSUPP);
	if (!socket->is_listening)
		answer_number(call, -EINVAL);
	else if (!socket->pending)
		outcome = wait_or(call, socket, &socket->accepting);
	else {
		call_extend(call, pending_take(socket));
		let_in(socket);
		answer_number(call, 0);
	}
	lock_release(&names_lock);
	return outcome;
}

/* Where a datagram socket sends to from now on. */
static int64_t connect_datagrams(struct socket *socket, const uint64_t *address)
{
	struct socket *target = socket_by_address(address);

	if (address[0] && !target)
		return -ECONNREFUSED;
	if (target && target->type != PIPE_DATAGRAM)
		return -EPROTOTYPE;
	socket_disconnect(socket);
	if (target) {
		socket_set_writes(socket, target->end->channels[SIDE_READ]);
		socket->is_connected = true;
		socket->peer_name = target->name;
		__builtin_memcpy(socket->peer_credentials, target->credentials,
				 sizeof(target->credentials));
	}
	return 0;
}

/* Why there can be no connection, or 0. */
static int64_t connect_refused(const struct socket *socket, const struct socket *target)
{
	if (socket->is_connected)
		return -EISCONN;
	if (socket->is_listening)
		return -EINVAL;
	if (!target || !target->is_listening)
		return -ECONNREFUSED;
	return target->type == socket->type ? 0 : -EPROTOTYPE;
}

enum outcome socket_connect(struct call *call, uint64_t name)
{
	const uint64_t *address = &call->message.words[1];
	struct socket *socket = socket_lock(name), *target;
	enum outcome outcome = ANSWERED;
	int64_t result;

	if (!socket)
		return answer_number(call, -EOPNOTSUPP);
	target = socket_by_address(address);
	if (socket->type == PIPE_DATAGRAM) {
		answer_number(call, connect_datagrams(socket, address));
	} else if ((result = connect_refused(socket, target))) {
		answer_number(call, result);
	} else if (target->pending_count >= target->backlog) {
		outcome = wait_or(call, socket, &target->connecting);
	} else {
		answer_number(call, connect_now(socket, target));
	}
	lock_release(&names_lock);
	return outcome;
}
