/*
 * Addresses of UNIX-domain sockets. An abstract name is the pipe server's business alone, its zero byte
 * included. A path leads to a node of a file system; the socket that is bound there is found through
 * the node's *place*, which the posix server hands out to those who may write to the node.
 */
#include "path.h"
#include "socket.h"
#include "stream.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "emu_full.h"
#include "files_internal.h"
#include "proto/posix.h"

#define FAMILY_SIZE sizeof(sa_family_t)

long emu_address_get(struct emu_address *address, const void *user, uint32_t length)
{
	struct sockaddr_un copy;

	if (length < FAMILY_SIZE || length > sizeof(copy))
		return -EINVAL;
	__builtin_memset(&copy, 0, sizeof(copy));
	if (emu_copy_in(&copy, user, length))
		return -EFAULT;
	if (copy.sun_family != AF_UNIX)
		return -EINVAL;
	address->length = length - (uint32_t)FAMILY_SIZE;
	address->is_abstract = address->length && !copy.sun_path[0];
	__builtin_memcpy(address->name, copy.sun_path, address->length);
	address->name[address->length] = 0;
	if (!address->is_abstract)
		address->length = (uint32_t)__builtin_strlen(address->name);
	else if (address->length >= PIPE_NAME_MAX)
		return -EINVAL;
	return 0;
}

/* ------------------------------------------------------------------------------------- places */

/* A port of the place of the socket's node; the caller may write to it. */
static tern_handle place_of(const char *name, long *error)
{
	struct emu_description *node;
	struct tern_received message = { .words = { POSIX_OP_place } };
	struct emu_path path;
	tern_handle place = 0;
	long result = emu_path_kernel(&path, AT_FDCWD, name, false);

	if (result >= 0) {
		result = emu_open_path_of(&path, O_WRONLY, &node);
		emu_path_end(&path);
	}
	if (result >= 0) {
		message.words[1] = node->mount;
		message.words[2] = node->token;
		result = posix_call_for_handle(emu_posix, &message, &place);
		emu_description_put(node);
	}
	*error = result < 0 ? result : 0;
	return place;
}

/* A name on the service port, in one window or in registers. */
static long with_name(tern_handle port, struct tern_received *message,
		      const struct emu_address *address)
{
	struct tern_extended extended = { .in_address = (uint64_t)address->name,
					  .in_length = address->length };
	tern_result result;

	do {
		struct tern_received copy = *message;

		result = tern_call_ext(port, &copy, &extended);
		if (result >= 0)
			*message = copy;
	} while (result == -EINTR);
	return result < 0 ? result : (long)message->words[0];
}

static long find_file(const struct emu_address *address, struct tern_received *answer)
{
	long result;
	tern_handle place = place_of(address->name, &result);

	if (result < 0)
		return result == -ENXIO ? -ECONNREFUSED : result;
	*answer = (struct tern_received){ .words = { PIPE_OP_find_place } };
	result = io_ask(place, answer);
	tern_handle_close(place);
	return result;
}

long emu_address_find(const struct emu_address *address, uint64_t words[2])
{
	struct tern_received message = { .words = { PIPE_OP_find, address->length } };
	tern_handle service;
	long result;

	if (!address->length)
		return -ECONNREFUSED;
	if (address->is_abstract) {
		service = emu_pipe_service();
		result = service < 0 ? service : with_name(service, &message, address);
	} else {
		result = find_file(address, &message);
	}
	words[0] = message.words[1];
	words[1] = message.words[2];
	return result < 0 ? result : 0;
}

/* ------------------------------------------------------------------------------------- binding */

static long bind_file(const struct emu_description *socket, const struct emu_address *address)
{
	struct emu_request make = { .operation = FILE_MKNOD,
				    .argument = S_IFSOCK | (0777 & ~emu_umask) };
	struct emu_request remove = { .operation = FILE_UNLINK };
	struct tern_received secret = { .words = { PIPE_OP_secret } };
	struct tern_received message = { .words = { PIPE_OP_bind_place } };
	struct tern_received answer;
	struct emu_path path;
	tern_handle place;
	long result = emu_path_kernel(&path, AT_FDCWD, address->name, false);

	if (result < 0)
		return result;
	result = io_ask(socket->io, &secret);
	if (result >= 0)
		result = emu_path_call(&path, &make, &answer);
	if (result >= 0) {
		place = place_of(address->name, &result);
		if (result >= 0) {
			message.words[1] = secret.words[1];
			message.words[2] = secret.words[2];
			message.words[3] = address->length;
			result = with_name(place, &message, address);
			tern_handle_close(place);
		}
		if (result < 0)
			emu_path_call(&path, &remove, &answer);
	}
	emu_path_end(&path);
	return result == -EEXIST ? -EADDRINUSE : result;
}

/* Linux gives a socket that is bound to nothing an abstract name of five digits. */
static long bind_anywhere(const struct emu_description *socket)
{
	struct emu_address address = { .length = 6, .is_abstract = true };
	struct tern_received message;
	uint64_t random;
	long result;

	do {
		emu_random(&random, sizeof(random));
		for (int i = 1; i < 6; i++, random >>= 4)
			address.name[i] = "0123456789abcdef"[random & 15];
		message = (struct tern_received){ .words = { PIPE_OP_bind, address.length } };
		result = with_name(socket->io, &message, &address);
	} while (result == -EADDRINUSE);
	return result;
}

long emu_address_bind(const struct emu_description *socket, const struct emu_address *address)
{
	struct tern_received message = { .words = { PIPE_OP_bind, address->length } };

	if (!address->length)
		return bind_anywhere(socket);
	if (!address->is_abstract)
		return bind_file(socket, address);
	return with_name(socket->io, &message, address);
}

/* ------------------------------------------------------------------------------------- telling */

/* What it is called; the length, 0: it has no name. */
static long name_of(const struct emu_description *socket, uint64_t which, char *name)
{
	struct tern_extended extended = { .out_address = (uint64_t)name,
					  .out_length = PIPE_NAME_MAX };
	struct tern_received message;
	tern_result result;

	do {
		message = (struct tern_received){ .words = { PIPE_OP_name, which } };
		result = tern_call_ext(socket->io, &message, &extended);
	} while (result ==
		 -EINTR); /* a connection or message has been taken: it is not lost for that */
	if (result < 0)
		return result;
	result = (tern_result)message.words[0];
	if (result > 0 && result <= IO_INLINE_MAX && message.words[1] & IO_INLINE)
		__builtin_memcpy(name, io_inline(&message), (size_t)result);
	return result > (tern_result)PIPE_NAME_MAX ? -EIO : result;
}

long emu_address_tell(const struct emu_description *socket, uint64_t which, void *user,
		      uint32_t *user_length)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	uint32_t room, length;
	long result = name_of(socket, which, address.sun_path);

	if (result < 0)
		return result;
	length = (uint32_t)(FAMILY_SIZE + (size_t)result);
	/* A path is told with its zero byte. */
	if (result && address.sun_path[0] && length < sizeof(address))
		length++;
	if (emu_copy_in(&room, user_length, sizeof(room)))
		return -EFAULT;
	if ((int32_t)room < 0)
		return -EINVAL;
	if (emu_copy_out(user, &address, room < length ? room : length))
		return -EFAULT;
	return emu_copy_out(user_length, &length, sizeof(length));
}
