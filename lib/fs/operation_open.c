/* Opening, and operations on what is open; sessions. */
#include <string.h>

#include "lib/fs/fs.h"

#define DAY 86400000000000

/* May an existing node be opened so? */
static int check_open(struct fs_call *call, const struct fs_place *place)
{
	const struct fs_node *node = place->node;
	uint32_t flags = call->flags, wanted = 0;

	if ((flags & (FILE_CREATE | FILE_EXCLUSIVE)) == (FILE_CREATE | FILE_EXCLUSIVE))
		return -EEXIST;
	if ((flags & FILE_DIRECTORY || place->wants_directory) && !S_ISDIR(node->mode))
		return -ENOTDIR;
	if (flags & FILE_PATH_ONLY)
		return 0;
	if (S_ISLNK(node->mode))
		return -ELOOP;
	if (S_ISDIR(node->mode) && flags & (FILE_WRITE | FILE_TRUNCATED | FILE_CREATE))
		return -EISDIR;
	if (flags & (FILE_WRITE | FILE_TRUNCATED) && S_ISREG(node->mode) && call->fs->is_read_only)
		return -EROFS;
	wanted |= flags & FILE_READ ? 4 : 0;
	wanted |= flags & (FILE_WRITE | FILE_TRUNCATED) ? 2 : 0;
	/* An open file that is opened once more was checked when it was opened. */
	return wanted ? fs_may(call->identity, node, wanted) : 0;
}

static int create(struct fs_call *call, const struct fs_place *place, struct fs_node **node)
{
	if (!(call->flags & FILE_CREATE))
		return -ENOENT;
	if (place->wants_directory || call->flags & FILE_DIRECTORY)
		return -EISDIR;
	if (!call->is_exclusive)
		return FS_EXCLUSIVE;
	return fs_make(call, place, S_IFREG | (call->argument & 07777), 0, NULL, 0, node);
}

static int truncate_opened(struct fs_call *call, struct fs_node *node)
{
	if (!(call->flags & FILE_TRUNCATED) || !S_ISREG(node->mode))
		return 0;
	fs_node_refresh(call->fs, node);
	if (node->size == 0) {
		node->modified = call->fs->transport->now();
		fs_node_changed(call->fs, node);
		return 0;
	}
	return call->is_exclusive ? fs_truncate_node(call, node, 0) : FS_EXCLUSIVE;
}

/* As Linux does with relatime: often enough to see whether a file was read since it was written. */
static void note_access(struct fs *fs, struct fs_node *node)
{
	int64_t now;

	if (fs->is_read_only)
		return;
	now = fs->transport->now();
	if (node->accessed > node->modified && node->accessed > node->changed &&
	    node->accessed > now - DAY)
		return;
	node->accessed = now;
	fs_node_mark_dirty(fs, node);
}

static uint32_t rights_for(uint32_t flags)
{
	uint32_t rights = TERN_RIGHT_COPY | TERN_RIGHT_MOVE;

	rights |= flags & FILE_READ ? TERN_RIGHT_READ | TERN_RIGHT_EXECUTE : 0;
	return rights | (flags & FILE_WRITE ? TERN_RIGHT_WRITE : 0);
}

/* The open file's handles. */
static int64_t give(struct fs_call *call, struct fs_node *node, bool is_created)
{
	struct fs *fs = call->fs;
	uint32_t flags = call->flags & FILE_PATH_ONLY ? FILE_PATH_ONLY | (call->flags & FILE_BARE)
						      : call->flags;
	bool is_bare = flags & FILE_BARE && call->session != UINT32_MAX;
	struct fs_open *open = fs_open_new(call, node, is_bare ? flags : flags & ~FILE_BARE);
	int64_t handle = 0;

	if (!open)
		return (int64_t)call->words[0];
	if (!is_bare && S_ISREG(node->mode) && flags & (FILE_READ | FILE_WRITE))
		handle = fs->operations->handle(fs, node, flags);
	if (handle < 0) {
		fs->transport->close(fs, call->handles[0]);
		call->handle_count = 0;
		fs_open_close(fs, open);
		return handle;
	}
	if (handle > 0)
		fs_give(call, handle, rights_for(flags), flags & FILE_WITH_MEMOBJ);
	if (flags & FILE_READ)
		note_access(fs, node);
	fs_node_refresh(fs, node);
	call->words[1] = open->token;
	call->words[2] = S_ISCHR(node->mode) || S_ISBLK(node->mode) ? node->device : node->size;
	call->words[3] = node->inode;
	call->words[4] = is_created ? FILE_OPENED_CREATED : 0;
	return node->mode;
}

int64_t fs_open(struct fs_call *call)
{
	uint32_t flags = call->flags, once = FILE_CREATE | FILE_EXCLUSIVE;
	bool is_created = false;
	struct fs_place place;
	int error = fs_walk(call, call->base, call->path, call->path_length,
			    !(flags & FILE_NOFOLLOW) && (flags & once) != once, &place);

	if (error)
		return error;
	if (place.node) {
		if (place.name && !S_ISDIR(place.node->mode))
			place.node->parent = place.directory->inode;
		error = check_open(call, &place);
		if (!error)
			error = truncate_opened(call, place.node);
	} else {
		error = create(call, &place, &place.node);
		is_created = true;
	}
	return error ? error : give(call, place.node, is_created);
}

int64_t fs_close(struct fs_call *call)
{
	if (!call->open->is_bare)
		return -EINVAL;
	fs_open_close(call->fs, call->open);
	return 0;
}

int64_t fs_port(struct fs_call *call)
{
	return call->open->is_bare ? fs_open_port(call, call->open) : -EINVAL;
}

int64_t fs_memobj(struct fs_call *call)
{
	struct fs_node *node = call->base;
	int64_t handle;

	if (!S_ISREG(node->mode))
		return -ENODEV;
	if (!(call->open->flags & (FILE_READ | FILE_WRITE)))
		return -EBADF;
	handle = call->fs->operations->handle(call->fs, node, call->open->flags | FILE_WITH_MEMOBJ);
	if (handle < 0)
		return handle;
	fs_give(call, handle, rights_for(call->open->flags), true);
	return 0;
}

/* What somebody else has open, told to those who serve what stands behind a node: a FIFO, a socket. */
int64_t fs_opened(struct fs_call *call)
{
	const struct fs_open *open = fs_open_at(call->fs, call->argument);

	if (!open)
		return -EBADF;
	fs_node_refresh(call->fs, open->node);
	call->words[1] = open->node->inode;
	call->words[2] = open->flags;
	call->words[3] = (uint64_t)open->node->gid << 32 | open->node->uid;
	return open->node->mode;
}

int64_t fs_readdir(struct fs_call *call)
{
	uint64_t size;
	int error;

	if (!S_ISDIR(call->base->mode))
		return -ENOTDIR;
	if (call->fs->operations->read_directory && !call->is_exclusive)
		return FS_EXCLUSIVE;
	if (!(call->open->flags & FILE_READ))
		return -EBADF;
	memcpy(&size, call->data, sizeof(size));
	if (size < call->out_limit)
		call->out_limit = size;
	if (call->base->links == 0)
		return -ENOENT;
	call->is_out_full = false;
	error = fs_read_directory(call);
	if (error)
		return error;
	call->words[1] = call->out_next;
	return call->out_length || !call->is_out_full ? (int64_t)call->out_length : -EINVAL;
}

int64_t fs_grow(struct fs_call *call)
{
	struct fs *fs = call->fs;
	struct fs_node *node = call->base;
	uint64_t limit = 0;
	int error;

	if (!S_ISREG(node->mode))
		return -ENODEV;
	if (!(call->open->flags & FILE_WRITE))
		return -EBADF;
	if (call->argument > FS_FILE_MAX)
		return -EFBIG;
	fs_unlock(fs);
	error = fs->operations->grow(fs, node, call->argument, call->flags & FILE_ALLOCATE, &limit);
	fs_relock(fs);
	call->words[1] = limit;
	return error;
}

int64_t fs_fsync(struct fs_call *call)
{
	struct fs *fs = call->fs;
	struct fs_node *node = call->base;
	int error;

	fs_node_refer(fs, node);
	fs_unlock(fs);
	error = fs->operations->fsync(fs, node);
	fs_relock(fs);
	fs_node_release(fs, node);
	return error;
}

int64_t fs_syncfs(struct fs_call *call)
{
	struct fs *fs = call->fs;
	int error;

	fs_unlock(fs);
	error = fs->operations->sync(fs);
	fs_relock(fs);
	return error;
}

int64_t fs_lock(struct fs_call *call)
{
	int64_t range[2];

	memcpy(range, call->data, sizeof(range));
	return fs_lock_set(call, range);
}

int64_t fs_getlock(struct fs_call *call)
{
	int64_t range[2];

	memcpy(range, call->data, sizeof(range));
	return fs_lock_test(call, range);
}

int64_t fs_session(struct fs_call *call)
{
	struct file_identity identity;
	int64_t result;

	if (call->data_length != sizeof(identity))
		return -EINVAL;
	memcpy(&identity, call->data, sizeof(identity));
	result = fs_session_new(call, &identity);
	if (result < 0)
		return result;
	call->words[1] = (uint64_t)result;
	return 0;
}

int64_t fs_revoke(struct fs_call *call)
{
	if (!fs_session_at(call->fs, call->argument))
		return -ESRCH;
	fs_session_end(call->fs, (uint32_t)call->argument);
	return 0;
}

int64_t fs_cover(struct fs_call *call)
{
	struct fs_node *node;
	int error = fs_find(call, &node);

	if (error)
		return error;
	if (!S_ISDIR(node->mode))
		return -ENOTDIR;
	node->covered = (uint32_t)call->argument;
	return 0;
}

int64_t fs_unmount(struct fs_call *call)
{
	int64_t error = fs_syncfs(call);

	if (!error && call->fs->stop)
		call->fs->stop();
	return error;
}
