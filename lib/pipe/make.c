/*
 * Making pipes, sockets, service ports and places. When a step fails, what is there already is closed
 * by closing its client handle: the no-clients event does the rest, as it does for a client.
 */
#include "make.h"

#include "connect.h"
#include "socket.h"

enum outcome make_pipe(struct call *call, uint64_t service)
{
	uint32_t flags = (uint32_t)call->message.words[1] & IO_NONBLOCK;
	struct channel *channel = channel_create(false, false);
	struct end *reader, *writer;
	int64_t read_handle, write_handle, result;

	if (!channel)
		return answer_number(call, -ENOBUFS);
	result = end_create(service, IO_KIND_PIPE, channel, NULL, &reader, &read_handle);
	if (result < 0) {
		channel_free(channel);
		return answer_number(call, result);
	}
	result = end_create(service, IO_KIND_PIPE, NULL, channel, &writer, &write_handle);
	if (result < 0) {
		env_close(read_handle);
		return answer_number(call, result);
	}
	atomic_store(&reader->flags, flags);
	atomic_store(&writer->flags, flags);
	call_extend(call, read_handle);
	call_extend(call, write_handle);
	return answer_number(call, 0);
}

static bool is_type(uint64_t type)
{
	return type == PIPE_STREAM || type == PIPE_DATAGRAM || type == PIPE_PACKETS;
}

/* An end with a socket; `writes` may be NULL. On failure `reads` is as it was, or being given back. */
static int64_t make_socket_end(uint64_t service, uint64_t type, struct channel *reads,
			       struct channel *writes, struct socket **socket, int64_t *handle)
{
	struct end *end;
	int64_t result = end_create(service, IO_KIND_SOCKET, reads, writes, &end, handle);

	if (result < 0)
		return result;
	lock_acquire(&names_lock);
	*socket = socket_create(end, (uint32_t)type);
	lock_release(&names_lock);
	if (*socket)
		return 0;
	env_close(*handle);
	return -ENOBUFS;
}

/* A channel that has a writer, until channel_forget_writer: ends that fail do not take it along. */
static struct channel *channel_create_held(uint64_t type)
{
	struct channel *channel = channel_create(type != PIPE_STREAM, true);

	if (channel)
		channel->ends[SIDE_WRITE] = 1;
	return channel;
}

/* Until it is connected (and always, for datagrams) its own channel counts it as a writer. */
static int64_t make_lone_socket(uint64_t service, uint64_t type, int64_t *handle)
{
	struct channel *reads = channel_create_held(type);
	struct socket *socket;
	int64_t result;

	if (!reads)
		return -ENOBUFS;
	result = make_socket_end(service, type, reads, NULL, &socket, handle);
	if (result < 0) {
		channel_forget_writer(reads);
		return result;
	}
	socket->is_own_writer = true;
	if (type != PIPE_DATAGRAM)
		atomic_fetch_or(&socket->end->flags, END_UNCONNECTED);
	return 0;
}

enum outcome make_socket(struct call *call, uint64_t service)
{
	uint64_t type = call->message.words[1];
	int64_t handle, result = is_type(type) ? make_lone_socket(service, type, &handle) : -EINVAL;

	if (!result)
		call_extend(call, handle);
	return answer_number(call, result);
}

static int64_t make_ends(uint64_t service, uint64_t type, struct channel *there,
			 struct channel *back, int64_t handles[2])
{
	struct socket *a, *b;
	int64_t result = make_socket_end(service, type, back, there, &a, &handles[0]);

	if (result < 0)
		return result;
	result = make_socket_end(service, type, there, back, &b, &handles[1]);
	if (result < 0) {
		env_close(handles[0]);
		return result;
	}
	lock_acquire(&names_lock);
	socket_introduce(a, b);
	lock_release(&names_lock);
	return 0;
}

static int64_t make_both(uint64_t service, uint64_t type, int64_t handles[2])
{
	struct channel *there = channel_create_held(type);
	struct channel *back = there ? channel_create_held(type) : NULL;
	int64_t result = back ? make_ends(service, type, there, back, handles) : -ENOBUFS;

	if (there)
		channel_forget_writer(there);
	if (back)
		channel_forget_writer(back);
	return result;
}

enum outcome make_pair(struct call *call, uint64_t service)
{
	uint64_t type = call->message.words[1];
	int64_t handles[2], result = is_type(type) ? make_both(service, type, handles) : -EINVAL;

	if (!result) {
		call_extend(call, handles[0]);
		call_extend(call, handles[1]);
	}
	return answer_number(call, result);
}

static bool is_trusted(uint64_t service)
{
	return service >> PORT_KIND_SHIFT == PORT_TRUSTED && service_find(service);
}

/* The identity that the call tells: 0 or an error. */
static int64_t receive_identity(const struct call *call, struct service *identity)
{
	uint64_t count = call->message.words[4], length = count * sizeof(identity->groups[0]);
	int64_t result = 0;

	if (count > PIPE_GROUPS_MAX)
		return -EINVAL;
	__builtin_memcpy(identity->credentials, &call->message.words[1],
			 sizeof(identity->credentials));
	identity->group_count = (uint32_t)count;
	if (count)
		result = call->has_windows
				 ? env_window_read(TERN_REPLY, 0, identity->groups, length)
				 : -EINVAL;
	return result < 0 ? result : result == (int64_t)length ? 0 : -EFAULT;
}

enum outcome make_service(struct call *call, uint64_t service)
{
	struct service identity = { .group_count = 0 };
	uint64_t name;
	int64_t handle, result;

	if (!is_trusted(service))
		return answer_number(call, -EPERM);
	result = receive_identity(call, &identity);
	if (!result)
		result = service_create(&identity, &name, &handle);
	if (!result)
		call_extend(call, handle);
	return answer_number(call, result);
}

enum outcome make_place(struct call *call, uint64_t service)
{
	struct name key;
	int64_t handle, result;

	if (!is_trusted(service))
		return answer_number(call, -EPERM);
	key_of_file(&key, service, &call->message.words[1]);
	lock_acquire(&names_lock);
	result = place_port(&key, &handle);
	lock_release(&names_lock);
	if (!result)
		call_extend(call, handle);
	return answer_number(call, result);
}
