/*
 * What stands behind nodes of file systems: FIFOs and the places of sockets, which the pipe server has. It
 * believes this server which file is meant, and this server believes the file server: a process shows the
 * token of the node that it has opened, which nobody can guess, and gets what it opened that for.
 */
#include <errno.h>
#include <sys/stat.h>

#include "posix.h"
#include "proto/file.h"
#include "proto/pipe.h"

struct opened {
	uint64_t id[2]; /* mount and inode */
	uint32_t mode, flags;
};

static int64_t look_up(struct server_call *call, struct opened *opened)
{
	uint32_t mount = (uint32_t)call->message.words[1];
	struct tern_received message = { .words = { 0, 0, call->message.words[2] } };
	tern_handle admin = mount_admin(mount);
	int64_t result;

	if (admin < 0)
		return admin;
	result = file_call(admin, FILE_OPENED, 0, "", 0, &message);
	if (result < 0)
		return result;
	opened->id[0] = mount;
	opened->id[1] = message.words[1];
	opened->mode = (uint32_t)result;
	opened->flags = (uint32_t)message.words[2];
	return 0;
}

static int64_t make(struct server_call *call, struct tern_received *message)
{
	tern_handle service = pipe_trusted(), handle;
	int64_t result;

	if (service < 0)
		return -ENXIO;
	result = pipe_call_for_handles(service, message, &handle, 1);
	if (result < 0)
		return result;
	server_give(call, handle, TERN_RIGHTS_ALL & ~TERN_RIGHT_NO_INHERIT);
	return 0;
}

int64_t node_place(struct server_call *call)
{
	struct tern_received message = { .words = { PIPE_OP_place } };
	struct opened opened;
	int64_t result = look_up(call, &opened);

	if (result < 0)
		return result;
	if (!S_ISSOCK(opened.mode))
		return -ECONNREFUSED;
	if (!(opened.flags & FILE_WRITE))
		return -EACCES;
	message.words[1] = opened.id[0];
	message.words[2] = opened.id[1];
	return make(call, &message);
}

int64_t node_fifo(struct server_call *call)
{
	uint64_t flags = call->message.words[3] & IO_NONBLOCK;
	struct tern_received message = { .words = { PIPE_OP_fifo | flags } };
	struct opened opened;
	int64_t result = look_up(call, &opened);

	if (result < 0)
		return result;
	if (!S_ISFIFO(opened.mode))
		return -ENXIO;
	message.words[1] = opened.id[0];
	message.words[2] = opened.id[1];
	message.words[3] = (opened.flags & FILE_READ ? PIPE_OPEN_READ : 0) |
			   (opened.flags & FILE_WRITE ? PIPE_OPEN_WRITE : 0);
	return make(call, &message);
}
