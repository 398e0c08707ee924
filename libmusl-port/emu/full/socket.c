/* UNIX-domain sockets: making, connecting, options. The pipe server has them; see proto/pipe.h. */
#include "socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "emu_full.h"
#include "files_internal.h"
#include "mqueue.h"
#include "path.h"
#include "stream.h"

#define TYPE_MASK 0xf
#define THOUSAND 1000
#define TIME_MAX 4000000 /* seconds; longer is for ever */

struct emu_description *emu_socket_of(int number, long *error)
{
	struct emu_description *description = emu_descriptor(number);

	*error = -EBADF;
	if (!description || description->kind == EMU_PATH)
		return NULL;
	*error = description->kind == EMU_WAKE ? -EOPNOTSUPP : -ENOTSOCK;
	if (description->kind != EMU_STREAM || description->io_kind != IO_KIND_SOCKET)
		return NULL;
	*error = 0;
	return description;
}

/* The server's name of a type; or why there is none. */
static long type_of(int domain, int type, int protocol)
{
	if (domain != AF_UNIX)
		return -EAFNOSUPPORT;
	if (protocol && protocol != AF_UNIX)
		return -EPROTONOSUPPORT;
	if (type & ~(TYPE_MASK | SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	type &= TYPE_MASK;
	if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET)
		return type == SOCK_RAW ? PIPE_DATAGRAM : -ESOCKTNOSUPPORT;
	return type;
}

static uint32_t slot_flags(int type)
{
	return type & SOCK_CLOEXEC ? FD_CLOEXEC : 0;
}

static long install(tern_handle port, int type)
{
	struct emu_description *description = emu_stream_new(port, IO_KIND_SOCKET, O_RDWR);

	if (!description)
		return -ENFILE;
	if (type & SOCK_NONBLOCK)
		io_set_flags(port, IO_NONBLOCK, IO_NONBLOCK);
	return emu_descriptor_install(description, 0, slot_flags(type));
}

long emu_socket(int domain, int type, int protocol)
{
	long kind = type_of(domain, type, protocol);
	struct tern_received message = { .words = { PIPE_OP_socket, (uint64_t)kind } };
	tern_handle port;
	long result;

	if (domain == AF_NETLINK)
		return emu_wake_socket(type, protocol);
	if (kind < 0)
		return kind;
	emu_arrival_begin();
	result = emu_pipe_call(&message, &port, 1);
	if (result >= 0)
		result = install(port, type);
	emu_arrival_end();
	return result;
}

long emu_socketpair(int domain, int type, int protocol, int *user)
{
	static const uint32_t flags[2] = { O_RDWR, O_RDWR };
	long kind = type_of(domain, type, protocol);
	struct tern_received message = { .words = { PIPE_OP_pair, (uint64_t)kind } };
	tern_handle pair[2];
	long result;

	if (kind < 0)
		return kind;
	emu_arrival_begin();
	result = emu_pipe_call(&message, pair, 2);
	for (int i = 0; result >= 0 && i < 2 && type & SOCK_NONBLOCK; i++)
		io_set_flags(pair[i], IO_NONBLOCK, IO_NONBLOCK);
	if (result >= 0)
		result = emu_stream_pair(pair, IO_KIND_SOCKET, flags, slot_flags(type), user);
	emu_arrival_end();
	return result;
}

long emu_bind(int number, const void *user, uint32_t length)
{
	struct emu_address address;
	long result;
	const struct emu_description *socket = emu_socket_of(number, &result);

	if (socket)
		result = emu_address_get(&address, user, length);
	return result ? result : emu_address_bind(socket, &address);
}

long emu_listen(int number, int backlog)
{
	struct tern_received message = { .words = { PIPE_OP_listen } };
	long result;
	const struct emu_description *socket = emu_socket_of(number, &result);

	if (!socket)
		return result;
	message.words[1] = backlog < 1                       ? 1
			   : backlog > (int)PIPE_BACKLOG_MAX ? PIPE_BACKLOG_MAX
							     : (uint64_t)backlog;
	return io_ask(socket->io, &message);
}

long emu_connect(int number, const void *user, uint32_t length)
{
	struct tern_received message = { .words = { PIPE_OP_connect } };
	struct emu_address address;
	uint16_t family;
	long result;
	const struct emu_description *socket = emu_socket_of(number, &result);

	if (!socket)
		return result;
	if (length < sizeof(family))
		return -EINVAL;
	if (emu_copy_in(&family, user, sizeof(family)))
		return -EFAULT;
	if (family != AF_UNSPEC) {
		result = emu_address_get(&address, user, length);
		if (!result)
			result = emu_address_find(&address, &message.words[1]);
	}
	if (result >= 0 && emu_is_due())
		result = -EINTR;
	return result < 0 ? result : io_call(socket->io, &message);
}

long emu_accept4(int number, void *user, uint32_t *user_length, int flags)
{
	struct tern_received message = { .words = { PIPE_OP_accept } };
	tern_handle port;
	long result;
	const struct emu_description *socket = emu_socket_of(number, &result);

	if (!socket)
		return result;
	if (flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	result = emu_is_due() ? -EINTR : pipe_call_for_handles(socket->io, &message, &port, 1);
	if (result >= 0)
		result = install(port, flags);
	if (result >= 0 && user) {
		long told = emu_address_tell(emu_descriptor(result), 1, user, user_length);

		if (told < 0) {
			emu_close((int)result);
			return told;
		}
	}
	return result;
}

long emu_accept(int number, void *user, uint32_t *user_length)
{
	return emu_accept4(number, user, user_length, 0);
}

long emu_getsockname(int number, void *user, uint32_t *length)
{
	long result;
	const struct emu_description *socket = emu_socket_of(number, &result);

	return socket ? emu_address_tell(socket, 0, user, length) : result;
}

long emu_getpeername(int number, void *user, uint32_t *length)
{
	struct tern_received message = { .words = { PIPE_OP_peer } };
	long result;
	const struct emu_description *socket = emu_socket_of(number, &result);

	if (socket)
		result = io_ask(socket->io, &message);
	return result < 0 ? result : emu_address_tell(socket, 1, user, length);
}

long emu_shutdown(int number, int how)
{
	struct tern_received message = { .words = { PIPE_OP_shutdown, (uint64_t)how } };
	long result;
	const struct emu_description *socket = emu_socket_of(number, &result);

	if (!socket)
		return result;
	return how < SHUT_RD || how > SHUT_RDWR ? -EINVAL : io_ask(socket->io, &message);
}

/* ------------------------------------------------------------------------------------- options */

struct peer {
	int32_t pid;
	uint32_t uid, gid;
};

static long tell_option(void *user, uint32_t *user_length, const void *value, uint32_t size)
{
	uint32_t room;

	if (emu_copy_in(&room, user_length, sizeof(room)))
		return -EFAULT;
	if ((int32_t)room < 0)
		return -EINVAL;
	if (size > room)
		size = room;
	if (emu_copy_out(user, value, size))
		return -EFAULT;
	return emu_copy_out(user_length, &size, sizeof(size));
}

static long tell_peer(const struct emu_description *socket, void *user, uint32_t *length)
{
	struct tern_received message = { .words = { PIPE_OP_peer } };
	long result = io_ask(socket->io, &message);
	struct peer peer = { -1, UINT32_MAX, UINT32_MAX };

	if (result >= 0)
		peer = (struct peer){ (int32_t)message.words[1], (uint32_t)message.words[2],
				      (uint32_t)message.words[3] };
	return tell_option(user, length, &peer, sizeof(peer));
}

/* A socket's type is not kept here; what it can do tells. */
static int type_told(const struct emu_description *socket)
{
	struct tern_received message = { .words = { PIPE_OP_type } };
	long result = io_ask(socket->io, &message);

	return result > 0 ? (int)result : SOCK_STREAM;
}

static long tell_time(uint32_t milliseconds, void *user, uint32_t *length)
{
	struct timeval time = { .tv_sec = milliseconds / THOUSAND,
				.tv_usec = milliseconds % THOUSAND * THOUSAND };

	return tell_option(user, length, &time, sizeof(time));
}

/* Rounded up: 0 is for ever. */
static long take_time(uint32_t *milliseconds, const void *user, uint32_t length)
{
	struct timeval time;

	if (length < sizeof(time))
		return -EINVAL;
	if (emu_copy_in(&time, user, sizeof(time)))
		return -EFAULT;
	if ((unsigned long)time.tv_usec >= THOUSAND * THOUSAND)
		return -EDOM;
	if (time.tv_sec < 0 || time.tv_sec > TIME_MAX)
		*milliseconds = time.tv_sec < 0 ? 1 : 0;
	else
		*milliseconds = (uint32_t)(time.tv_sec * THOUSAND +
					   (time.tv_usec + THOUSAND - 1) / THOUSAND);
	return 0;
}

long emu_getsockopt(int number, int level, int option, void *user, uint32_t *length)
{
	int value = 0;
	long result;
	const struct emu_description *socket = emu_socket_of(number, &result);

	if (!socket)
		return result;
	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	switch (option) {
	case SO_TYPE:
		value = type_told(socket);
		break;
	case SO_DOMAIN:
		value = AF_UNIX;
		break;
	case SO_SNDBUF:
	case SO_RCVBUF:
		value = PIPE_CAPACITY;
		break;
	case SO_PEERCRED:
		return tell_peer(socket, user, length);
	case SO_RCVTIMEO:
		return tell_time(socket->receive_time, user, length);
	case SO_SNDTIMEO:
		return tell_time(socket->send_time, user, length);
	case SO_ERROR:
	case SO_PROTOCOL:
	case SO_REUSEADDR:
	case SO_KEEPALIVE:
	case SO_BROADCAST:
	case SO_PASSCRED:
	case SO_LINGER:
		break;
	default:
		return -ENOPROTOOPT;
	}
	return tell_option(user, length, &value, sizeof(value));
}

/* Most of what may be set has no effect on sockets within one machine. */
long emu_setsockopt(int number, int level, int option, const void *user, uint32_t length)
{
	int value;
	long result;
	struct emu_description *socket = emu_socket_of(number, &result);

	if (!socket)
		return result;
	if (level != SOL_SOCKET)
		return -ENOPROTOOPT;
	if (option == SO_RCVTIMEO || option == SO_SNDTIMEO)
		return take_time(option == SO_RCVTIMEO ? &socket->receive_time : &socket->send_time,
				 user, length);
	if (length < sizeof(value))
		return -EINVAL;
	if (emu_copy_in(&value, user, sizeof(value)))
		return -EFAULT;
	switch (option) {
	case SO_SNDBUF:
	case SO_RCVBUF:
	case SO_REUSEADDR:
	case SO_KEEPALIVE:
	case SO_BROADCAST:
	case SO_LINGER:
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}
