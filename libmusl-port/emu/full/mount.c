/*
 * The table of mounts, as the posix server tells it, and this process's sessions with their servers. A
 * session is this process's identity, so a child forgets its parent's.
 */
#include "path.h"

#include "emu_full.h"
#include "proto/posix.h"
#include "stream.h"

#define MOUNTS_MAX 16

struct mount {
	uint32_t number;
	uint32_t prefix_length; /* of "/": 0 */
	tern_handle session;    /* 0: none yet */
	bool gives_handles;
	char prefix[64], type[16];
};

struct emu_lock emu_path_lock;
static struct mount mounts[MOUNTS_MAX]; /* the root first, then as the server tells them */
static int mount_count;

static void keep(struct mount *mount, const struct posix_mount *told)
{
	mount->number = told->number;
	__builtin_memcpy(mount->prefix, told->prefix, sizeof(mount->prefix));
	__builtin_memcpy(mount->type, told->type, sizeof(mount->type));
	mount->prefix[sizeof(mount->prefix) - 1] = 0;
	mount->type[sizeof(mount->type) - 1] = 0;
	mount->prefix_length = (uint32_t)__builtin_strlen(mount->prefix);
	if (mount->prefix_length == 1)
		mount->prefix_length = 0;
}

long emu_mounts_start(void)
{
	struct posix_mount told;
	long result;

	while (mount_count < MOUNTS_MAX) {
		__builtin_memset(&told, 0, sizeof(told));
		result = posix_mounts(emu_posix, (uint32_t)mount_count, &told, 1);
		if (result <= 0)
			return result;
		keep(&mounts[mount_count++], &told);
	}
	return 0;
}

static struct mount *mount_find(uint32_t number)
{
	for (int i = 0; i < mount_count; i++)
		if (mounts[i].number == number)
			return &mounts[i];
	return NULL;
}

const char *emu_mount_prefix(uint32_t number, size_t *length)
{
	struct mount *mount = mount_find(number);

	*length = mount ? mount->prefix_length : 0;
	return mount ? mount->prefix : NULL;
}

bool emu_mount_gives_handles(uint32_t number, bool is_so)
{
	struct mount *mount = mount_find(number);

	if (mount && is_so)
		mount->gives_handles = true;
	return mount && mount->gives_handles;
}

uint32_t emu_mount_at(int index)
{
	return index < mount_count ? mounts[index].number : 0;
}

uint32_t emu_mount_of_type(const char *type)
{
	for (int i = 0; i < mount_count; i++)
		if (!__builtin_strcmp(mounts[i].type, type))
			return mounts[i].number;
	return 0;
}

/* The mount with the longest prefix of the absolute path; *skip: so much of the path is that. */
uint32_t emu_mount_of_path(const char *text, size_t length, size_t *skip)
{
	uint32_t best = mount_count ? mounts[0].number : 0;

	*skip = 0;
	for (int i = 0; i < mount_count; i++) {
		const struct mount *mount = &mounts[i];
		uint32_t prefix = mount->prefix_length;

		if (!prefix) {
			if (!*skip)
				best = mount->number;
			continue;
		}
		if (prefix <= *skip || prefix > length || text[1] != mount->prefix[1])
			continue;
		if ((prefix == length || text[prefix] == '/') &&
		    !__builtin_memcmp(text, mount->prefix, prefix)) {
			best = mount->number;
			*skip = prefix;
		}
	}
	return best;
}

/* The handle is this process's alone. */
static tern_handle alone(tern_handle handle)
{
	tern_result own = tern_handle_duplicate(handle, TERN_RIGHT_CALL | TERN_RIGHT_COPY |
								TERN_RIGHT_MOVE |
								TERN_RIGHT_NO_INHERIT);

	tern_handle_close(handle);
	return own;
}

tern_handle emu_session(uint32_t number)
{
	struct mount *mount = mount_find(number);
	uint64_t root = 0;
	tern_handle session;

	if (!mount)
		return -ENXIO;
	session = mount->session;
	if (session)
		return session;
	emu_lock(&emu_path_lock);
	session = mount->session;
	if (!session) {
		long result;

		if (emu_root_directory && emu_root_directory->mount == number)
			root = emu_root_directory->token;
		do
			result = posix_session(emu_posix, number, root, &session);
		while (result == -EINTR || result == -EAGAIN);
		if (result >= 0)
			session = alone(session);
		else
			session = result;
		if (session > 0)
			mount->session = session;
	}
	emu_unlock(&emu_path_lock);
	return session;
}

void emu_session_drop(uint32_t number, tern_handle session)
{
	struct mount *mount = mount_find(number);
	bool is_current;

	if (!mount)
		return;
	emu_lock(&emu_path_lock);
	is_current = mount->session == session;
	if (is_current)
		mount->session = 0;
	emu_unlock(&emu_path_lock);
	if (is_current)
		tern_handle_close(session);
}

/* A child was not given its parent's; after a change of identity they are closed. */
void emu_sessions_forget(bool is_child)
{
	for (int i = 0; i < mount_count; i++) {
		tern_handle session = mounts[i].session;

		mounts[i].session = 0;
		if (session > 0 && !is_child)
			tern_handle_close(session);
	}
}

void emu_files_new_identity(void)
{
	emu_lock(&emu_path_lock);
	emu_sessions_forget(false);
	emu_pipe_service_forget(false);
	emu_unlock(&emu_path_lock);
}
