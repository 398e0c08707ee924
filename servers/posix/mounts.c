/*
 * The mount table, which is fixed at start, and what processes get through it: sessions of the file
 * servers with their identity, and a service port of the pipe server.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "posix.h"
#include "proc.h"
#include "proto/file.h"
#include "proto/pipe.h"
#include "tern/start.h"

static struct {
	struct posix_mount shown;
	tern_handle admin; /* 0: /proc, which is the server's own */
} mounts[MOUNTS_MAX];

static uint32_t mount_count;

/* One field of the word up to a colon; what does not fit is cut. */
static const char *field(const char *word, char *to, size_t size)
{
	size_t length = strcspn(word, ":");

	snprintf(to, size, "%.*s", (int)length, word);
	return word[length] ? word + length + 1 : word + length;
}

void mount_add(const char *word)
{
	struct posix_mount *mount = &mounts[mount_count].shown;
	char handle[TERN_START_NAME_MAX];

	if (mount_count == MOUNTS_MAX)
		return;
	word = field(word, mount->prefix, sizeof(mount->prefix));
	word = field(word, handle, sizeof(handle));
	word = field(word, mount->type, sizeof(mount->type));
	word = field(word, mount->source, sizeof(mount->source));
	mount->flags = strcmp(word, "ro") ? 0 : POSIX_MOUNT_READ_ONLY;
	if (!mount->source[0])
		strcpy(mount->source, "none");
	mounts[mount_count].admin = strcmp(mount->type, "proc") ? tern_start_handle(handle) : 0;
	if (mounts[mount_count].admin < 0)
		return; /* this machine has no such disk */
	mount->number = ++mount_count;
	table.board->mounts++;
}

/* ------------------------------------------------------------------------------------- sessions */

/* A session port, and its number in *number; or an error. */
static int64_t make_session(tern_handle admin, const struct file_identity *identity,
			    uint64_t *number)
{
	struct tern_received message = { .words = { 0, 0, sizeof(*identity) } };
	const struct file_long_call call = { .op = FILE_SESSION,
					     .payload = identity,
					     .payload_length = sizeof(*identity),
					     .accept = 1 };
	int64_t result;

	*number = 0;
	if (!admin)
		return proc_session(identity->pid);
	result = file_call_long(admin, &call, &message);
	if (result < 0)
		return result;
	if (message.handle_count != 1)
		return -EIO;
	*number = message.words[1];
	return message.handles[0];
}

static void get_identity(const struct process *process, struct file_identity *identity)
{
	const struct process_identity *of = &process->identity;

	identity->uid = of->effective_user;
	identity->gid = of->effective_group;
	identity->pid = process->pid;
	identity->group_count = of->count;
	memcpy(identity->groups, of->groups, of->count * sizeof(of->groups[0]));
}

_Static_assert(FILE_GROUPS_MAX >= POSIX_GROUPS_MAX, "all groups fit");

static void revoke(uint32_t index, uint64_t number)
{
	struct tern_received message = { .words = { 0, 0, number } };

	if (mounts[index].admin)
		file_call(mounts[index].admin, FILE_REVOKE, 0, "", 0, &message);
}

/*
 * The credentials may change while the file server makes the session: then it is of no use, and the
 * process, which asked for both, is told to ask again. Two of its threads may have asked at once: one session
 * of each mount is remembered, so that none is left when the credentials change; *old, number + 1, is not
 * any more.
 */
static int64_t remember(uint64_t userdata, uint32_t index, uint64_t number,
			const struct file_identity *made_for, uint64_t *old)
{
	struct file_identity now = { .root = made_for->root };
	struct process *process;
	int64_t result = -ESRCH;

	pthread_mutex_lock(&table_lock);
	process = process_of(userdata);
	if (process) {
		get_identity(process, &now);
		result = memcmp(&now, made_for, sizeof(now)) ? -EAGAIN : 0;
	}
	if (!result) {
		*old = process->sessions[index];
		process->sessions[index] = number + 1;
	}
	pthread_mutex_unlock(&table_lock);
	return result;
}

static bool identify(uint64_t userdata, struct file_identity *identity)
{
	struct process *process;

	pthread_mutex_lock(&table_lock);
	process = process_of(userdata);
	if (process)
		get_identity(process, identity);
	pthread_mutex_unlock(&table_lock);
	return process;
}

int64_t mount_session(struct server_call *call)
{
	uint64_t *words = call->message.words, number = 0, old = 0;
	uint32_t index = (uint32_t)words[1] - 1;
	struct file_identity identity = { .root = words[2] };
	int64_t session, result;

	if (words[1] < 1 || words[1] > mount_count)
		return -ENOENT;
	if (!identify(call->message.userdata, &identity))
		return -ESRCH;
	session = make_session(mounts[index].admin, &identity, &number);
	if (session < 0)
		return session;
	result = remember(call->message.userdata, index, number, &identity, &old);
	if (old)
		revoke(index, old - 1);
	if (result) {
		revoke(index, number);
		tern_handle_close(session);
		return result;
	}
	server_give(call, session, TERN_RIGHTS_ALL & ~TERN_RIGHT_NO_INHERIT);
	return 0;
}

void sessions_revoke(const uint64_t *old)
{
	for (uint32_t i = 0; i < mount_count; i++)
		if (old[i])
			revoke(i, old[i] - 1);
}

int64_t mount_list(struct server_call *call)
{
	uint64_t first = call->message.words[1], count = 0;
	struct posix_mount list[MOUNTS_MAX];
	int64_t error;

	for (uint64_t i = first; i < mount_count; i++)
		list[count++] = mounts[i].shown;
	for (;; count--) {
		error = server_write(call, 0, list, count * sizeof(list[0]));
		if (error != -EINVAL || !count)
			return error ? error : (int64_t)count;
	}
}

tern_handle mount_admin(uint32_t number)
{
	return number < 1 || number > mount_count ? -ENOENT : mounts[number - 1].admin;
}

tern_handle pipe_trusted(void)
{
	return tern_start_handle("pipe");
}

int64_t pipe_service(struct server_call *call)
{
	tern_handle pipe = pipe_trusted();
	struct file_identity identity = { 0 };
	struct tern_extended extended = { .accept_count = 1,
					  .in_address = (uint64_t)identity.groups };
	struct tern_received message;
	tern_result result;

	if (pipe < 0)
		return -ENXIO;
	if (!identify(call->message.userdata, &identity))
		return -ESRCH;
	message = (struct tern_received){
		.words = { PIPE_OP_service, identity.pid, identity.uid, identity.gid,
			   identity.group_count },
	};
	extended.in_length = identity.group_count * sizeof(identity.groups[0]);
	result = tern_call_ext(pipe, &message, &extended);
	if (result >= 0)
		result = (tern_result)message.words[0];
	if (result < 0)
		return result;
	if (message.handle_count != 1)
		return -EIO;
	server_give(call, message.handles[0], TERN_RIGHTS_ALL & ~TERN_RIGHT_NO_INHERIT);
	return 0;
}

void mounts_write(struct proc_text *text)
{
	for (uint32_t i = 0; i < mount_count; i++) {
		const struct posix_mount *mount = &mounts[i].shown;

		proc_put(text, "%s %s %s %s 0 0\n", mount->source, mount->prefix, mount->type,
			 mount->flags & POSIX_MOUNT_READ_ONLY ? "ro" : "rw");
	}
}

/* ------------------------------------------------------------------------------ start and end */

/* The mount that `prefix` lies in, among those before it; and what is left of the path there. */
static uint32_t mount_below(uint32_t index, const char **rest)
{
	const char *prefix = mounts[index].shown.prefix;
	uint32_t best = index;
	size_t longest = 0;

	for (uint32_t i = 0; i < index; i++) {
		const char *other = mounts[i].shown.prefix;
		size_t length = strcmp(other, "/") ? strlen(other) : 0;

		if (strncmp(prefix, other, length) || prefix[length] != '/')
			continue;
		if (best != index && length < longest)
			continue;
		best = i;
		longest = length;
		*rest = prefix + length + 1;
	}
	return best;
}

static void cover(uint32_t index)
{
	struct file_identity root = { .pid = POSIX_SERVER_PID };
	struct tern_received message = { .words = { 0, 0, 0755 } };
	const char *path = "";
	uint32_t below = mount_below(index, &path);
	uint64_t number;
	int64_t session;

	if (below == index || !*path)
		return;
	session = make_session(mounts[below].admin, &root, &number);
	if (session < 0)
		return;
	file_call(session, FILE_MKDIR, 0, path, strlen(path), &message);
	tern_handle_close(session);
	message = (struct tern_received){ .words = { 0, 0, mounts[index].shown.number } };
	if (file_call(mounts[below].admin, FILE_COVER, 0, path, strlen(path), &message) < 0)
		printf("there is no directory for %s\n", mounts[index].shown.prefix);
}

void mounts_cover(void)
{
	for (uint32_t i = 0; i < mount_count; i++)
		cover(i);
}

void mounts_sync(void)
{
	for (uint32_t i = mount_count; i-- > 0;) {
		struct tern_received message = { .words = { 0 } };

		if (!strncmp(mounts[i].shown.type, "ext", 3))
			file_call(mounts[i].admin, FILE_UNMOUNT, 0, "", 0, &message);
	}
}
