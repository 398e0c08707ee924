/*
 * Programs that give their users another identity (S_ISUID, S_ISGID). The process that asks for one could be
 * made to do anything afterwards, since its memory is its own; so it does not get the identity. It is
 * killed, and its record goes on with a new process, which only this server holds and which begins with
 * the image alone: emu there opens the program by its path, and ends if that is not the file that was
 * asked for. What the old process says about descriptors, arguments and the like, it says as anybody
 * who starts a program does.
 *
 * What the file is, and whose, is the file server's word.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/launch/launch.h"
#include "posix.h"
#include "proto/file.h"
#include "tern/process.h"

struct program {
	uint64_t inode;
	uint32_t mount, mode, user, group;
};

static int64_t look_up(const struct server_call *call, struct program *program)
{
	struct tern_received message = { .words = { 0, 0, call->message.words[2] } };
	tern_handle admin;
	int64_t result;

	program->mount = (uint32_t)call->message.words[1];
	admin = mount_admin(program->mount);
	if (admin <= 0)
		return admin < 0 ? admin : -EACCES;
	result = file_call(admin, FILE_OPENED, 0, "", 0, &message);
	if (result < 0)
		return result;
	program->mode = (uint32_t)result;
	program->inode = message.words[1];
	program->user = (uint32_t)message.words[3];
	program->group = (uint32_t)(message.words[3] >> 32);
	return 0;
}

/* Locked. Whoever has the old port speaks for nobody from here on. */
static int start_anew(struct process *process, const struct server_call *call,
		      const struct program *program, struct launched *launched)
{
	char mount[12], inode[24];
	const char *const arguments[] = { process->name, mount, inode, NULL };
	tern_handle port;
	int error;

	snprintf(mount, sizeof(mount), "%" PRIu32, program->mount);
	snprintf(inode, sizeof(inode), "%" PRIu64, program->inode);
	process_kernel.renew(process);
	port = identity_port(process);
	if (port < 0)
		return (int)port;
	error = image_start(port, call->message.handles, arguments, launched);
	tern_handle_close(port);
	return error;
}

/* Locked. Behind the point of no return: what fails now is the end. */
static void replace(struct process *process, const struct server_call *call,
		    const struct program *program, const struct process_identity *gained)
{
	struct launched launched = { 0 };

	tern_process_kill(process->handle, POSIX_EXITED | 9);
	if (start_anew(process, call, program, &launched)) {
		process_died(&table, process, POSIX_EXITED | 9);
		return;
	}
	tern_handle_close(launched.thread);
	notices_drop(process);
	process_replaced(&table, process, launched.process, gained);
	process_watch_death(process);
}

static int64_t become(struct server_call *call, const struct program *program, uint64_t *sessions)
{
	struct process *process = process_of(call->message.userdata);
	struct process_identity gained;
	int64_t result;

	/* One that has been killed is not to live on as another. */
	if (!process || process->is_to_die)
		return -ESRCH;
	if (process->state == PROCESS_EMBRYO)
		return -EAGAIN;
	result = process_gain(process, program->mode, program->user, program->group, &gained);
	if (result <= 0)
		return result;
	memcpy(sessions, process->sessions, sizeof(process->sessions));
	memset(process->sessions, 0, sizeof(process->sessions));
	replace(process, call, program, &gained);
	return 0;
}

int64_t process_become(struct server_call *call)
{
	uint64_t sessions[PROCESS_MOUNTS_MAX] = { 0 };
	struct program program;
	int64_t result;

	if (call->message.handle_count != 2)
		return -EINVAL;
	result = look_up(call, &program);
	if (result < 0)
		return result;
	pthread_mutex_lock(&table_lock);
	result = become(call, &program, sessions);
	pthread_mutex_unlock(&table_lock);
	sessions_revoke(sessions);
	return result;
}
