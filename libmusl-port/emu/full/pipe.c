/* Pipes and FIFOs: descriptions of the pipe server, which the process reaches through a service port. */
#include "path.h"
#include "stream.h"

#include <fcntl.h>

#include "emu_full.h"
#include "files_internal.h"
#include "proto/pipe.h"
#include "proto/posix.h"

static tern_handle service; /* this process's; 0: not asked for yet. Protected by emu_path_lock */

tern_handle emu_pipe_service(void)
{
	tern_handle result;

	emu_lock(&emu_path_lock);
	result = service;
	if (!result) {
		tern_handle told = 0;

		do
			result = posix_service(emu_posix, &told);
		while (result == -EINTR);
		if (result >= 0) {
			result = tern_handle_duplicate(told, TERN_RIGHT_CALL | TERN_RIGHT_COPY |
								     TERN_RIGHT_NO_INHERIT);
			tern_handle_close(told);
		}
		if (result > 0)
			service = result;
	}
	emu_unlock(&emu_path_lock);
	return result;
}

/* Its identity is not this process's any more, or this is a child, which was not given its parent's. */
void emu_pipe_service_forget(bool is_child)
{
	tern_handle old = service;

	service = 0;
	if (old && !is_child)
		tern_handle_close(old);
}

/* The server was restarted: the next one asks for a new port, unless somebody has done that already. */
static void drop_service(tern_handle dead)
{
	emu_lock(&emu_path_lock);
	if (service == dead)
		emu_pipe_service_forget(false);
	emu_unlock(&emu_path_lock);
}

/* A call on the service port that brings handles; once more with a new port if the server has died. */
long emu_pipe_call_ext(struct tern_received *message, const struct tern_extended *extended,
		       tern_handle *handles)
{
	struct tern_received copy = *message;
	long result = -EPIPE;

	/* -EBADF: another thread has taken a new identity meanwhile, and closed the port. */
	for (int tries = 0; tries < 3 && (result == -EPIPE || result == -EBADF); tries++) {
		tern_handle port = emu_pipe_service();

		if (port < 0)
			return port;
		do {
			*message = copy;
			result = pipe_call_ext(port, message, extended, handles);
		} while (result == -EINTR);
		if (result == -EPIPE)
			drop_service(port);
	}
	return result == -EPIPE ? -EIO : result;
}

long emu_pipe_call(struct tern_received *message, tern_handle *handles, uint32_t count)
{
	struct tern_extended extended = { .accept_count = count };

	return emu_pipe_call_ext(message, &extended, handles);
}

/*
 * A FIFO whose node is open: the posix server hands out the description that it stands for. Opening waits
 * until the other side is open as well, unless it is opened for both or does not wait.
 */
long emu_fifo_open(struct emu_description *description)
{
	uint32_t flags = emu_stream_flags(description);
	struct tern_received message = {
		.words = { POSIX_OP_fifo, description->mount, description->token, flags },
	};
	long result = posix_call_for_handle(emu_posix, &message, &description->io);

	description->flags &= ~(uint32_t)O_NONBLOCK; /* it is the server's */
	description->io_kind = IO_KIND_FIFO;
	if (result < 0 || flags & IO_NONBLOCK || (description->flags & O_ACCMODE) == O_RDWR)
		return result < 0 ? result : 0;
	message = (struct tern_received){ .words = { PIPE_OP_await_peer } };
	if (emu_interrupted())
		return -EINTR;
	return io_call(description->io, &message);
}

long emu_stream_pair(const tern_handle ports[2], enum io_kind kind, const uint32_t flags[2],
		     uint32_t slot_flags, int *user)
{
	struct emu_description *pair[2];
	int numbers[2];
	long result;

	pair[0] = emu_stream_new(ports[0], kind, flags[0]);
	pair[1] = emu_stream_new(ports[1], kind, flags[1]);
	if (!pair[0] || !pair[1]) {
		for (int i = 0; i < 2; i++)
			if (pair[i])
				emu_description_put(pair[i]);
		return -ENFILE;
	}
	result = emu_descriptor_install_pair(pair, slot_flags, numbers);
	if (result < 0)
		return result;
	result = emu_copy_out(user, numbers, sizeof(numbers));
	if (result < 0) {
		emu_close(numbers[0]);
		emu_close(numbers[1]);
	}
	return result;
}

long emu_pipe(int *user, int flags)
{
	static const uint32_t access[2] = { O_RDONLY, O_WRONLY };
	struct tern_received message = {
		.words = { PIPE_OP_pipe, flags & O_NONBLOCK ? IO_NONBLOCK : 0 },
	};
	tern_handle ends[2];
	long result;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	emu_arrival_begin();
	result = emu_pipe_call(&message, ends, 2);
	if (result >= 0)
		result = emu_stream_pair(ends, IO_KIND_PIPE, access,
					 flags & O_CLOEXEC ? FD_CLOEXEC : 0, user);
	emu_arrival_end();
	return result;
}
