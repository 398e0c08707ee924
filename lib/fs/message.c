/*
 * Messages: decoding with every length checked, who is asking, and the table of operations. The only
 * place that looks at a client's lengths.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/fs/fs.h"

enum operation_flags {
	CHANGES = 1,     /* begins exclusive, with storage's bracket */
	MAY_CHANGE = 2,  /* the bracket is opened if it becomes exclusive */
	EXCLUSIVELY = 4, /* exclusive without the bracket */
	ADMIN = 8,       /* through an admin port only */
	OF_OPEN = 16,    /* on an open file, without a path */
	DATA_SIZED = 32  /* word 2 is the size of the data */
};

struct operation {
	int64_t (*serve)(struct fs_call *call);
	uint16_t data_size;
	uint16_t flags;
};

static const struct operation operations[FILE_OPERATION_COUNT] = {
	[FILE_STAT] = { fs_stat, 0, 0 },
	[FILE_ACCESS] = { fs_access, 0, 0 },
	[FILE_OPEN] = { fs_open, 0, MAY_CHANGE },
	[FILE_MEMOBJ] = { fs_memobj, 0, OF_OPEN },
	[FILE_MKDIR] = { fs_mkdir, 0, CHANGES },
	[FILE_MKNOD] = { fs_mknod, 0, CHANGES },
	[FILE_SYMLINK] = { fs_symlink, 0, CHANGES },
	[FILE_LINK] = { fs_link, 0, CHANGES },
	[FILE_RENAME] = { fs_rename, 0, CHANGES },
	[FILE_UNLINK] = { fs_unlink, 0, CHANGES },
	[FILE_READLINK] = { fs_readlink, 0, 0 },
	[FILE_READDIR] = { fs_readdir, 8, OF_OPEN },
	[FILE_TRUNCATE] = { fs_truncate, 0, CHANGES },
	[FILE_CHMOD] = { fs_chmod, 0, MAY_CHANGE },
	[FILE_CHOWN] = { fs_chown, 0, MAY_CHANGE },
	[FILE_UTIMES] = { fs_utimes, 16, MAY_CHANGE },
	[FILE_STATFS] = { fs_statfs, 0, 0 },
	[FILE_GETXATTR] = { fs_getxattr, 0, EXCLUSIVELY },
	[FILE_SETXATTR] = { fs_setxattr, 0, CHANGES | DATA_SIZED },
	[FILE_LISTXATTR] = { fs_listxattr, 0, EXCLUSIVELY },
	[FILE_DELXATTR] = { fs_delxattr, 0, CHANGES },
	[FILE_LOCK] = { fs_lock, 16, OF_OPEN },
	[FILE_GETLOCK] = { fs_getlock, 16, OF_OPEN },
	[FILE_GROW] = { fs_grow, 0, OF_OPEN | CHANGES },
	[FILE_FSYNC] = { fs_fsync, 0, OF_OPEN },
	[FILE_SYNCFS] = { fs_syncfs, 0, 0 },
	[FILE_SESSION] = { fs_session, 0, ADMIN | DATA_SIZED },
	[FILE_REVOKE] = { fs_revoke, 0, ADMIN },
	[FILE_COVER] = { fs_cover, 0, ADMIN },
	[FILE_UNMOUNT] = { fs_unmount, 0, ADMIN },
	[FILE_PATH] = { fs_path, 0, 0 },
	[FILE_OPENED] = { fs_opened, 0, ADMIN },
	[FILE_CLOSE] = { fs_close, 0, OF_OPEN },
	[FILE_PORT] = { fs_port, 0, OF_OPEN },
};

static int read_window(struct fs_call *call, size_t length)
{
	int64_t count;

	if (!call->has_windows)
		return -EINVAL;
	count = call->fs->transport->read(call, 0, call->payload, length);
	if (count < 0)
		return count == -ERANGE ? -EINVAL : (int)count;
	return (size_t)count == length ? 0 : -EFAULT;
}

/* Path, second string and data stand apart, each string with a zero behind it. */
static void spread(struct fs_call *call)
{
	char *second = call->payload + call->path_length, *data = second + call->second_length;

	if (call->data_length)
		memmove(data + 2, data, call->data_length);
	if (call->second_length)
		memmove(second + 1, second, call->second_length);
	second[0] = 0;
	data[1] = 0;
	call->path = call->payload;
	call->second = second + 1;
	call->data = data + 2;
}

static int decode(struct fs_call *call)
{
	uint64_t word = call->words[0];
	const struct operation *operation;
	size_t length;

	call->operation = FILE_WORD_OPERATION(word);
	call->flags = FILE_WORD_FLAGS(word);
	call->path_length = FILE_WORD_LENGTH(word);
	call->second_length = FILE_WORD_SECOND(word);
	call->token = call->words[1];
	call->argument = call->words[2];
	call->data_length = 0;
	if (call->operation >= FILE_OPERATION_COUNT || !operations[call->operation].serve)
		return -ENOSYS;
	operation = &operations[call->operation];
	if (call->path_length >= FILE_PATH_MAX || call->second_length >= FILE_PATH_MAX)
		return -ENAMETOOLONG;
	if (operation->flags & OF_OPEN && call->path_length)
		return -EINVAL;
	if (operation->flags & DATA_SIZED && call->argument > FILE_DATA_MAX)
		return -E2BIG;
	call->data_length = operation->flags & DATA_SIZED ? call->argument : operation->data_size;
	length = call->path_length + call->second_length + call->data_length;
	if (length <= FILE_INLINE) {
		memcpy(call->payload, &call->words[FILE_INLINE_WORD], length);
	} else {
		int error = read_window(call, length);

		if (error)
			return error;
	}
	spread(call);
	return 0;
}

static struct fs_identity administrator = { .references = 1 };

/* The port's identity, root and base; locked. */
static int find_port(struct fs_call *call)
{
	struct fs *fs = call->fs;
	struct fs_session *session;
	struct fs_open *open;
	uint32_t index = (uint32_t)call->userdata;

	call->session = UINT32_MAX;
	call->open = NULL;
	call->is_admin = call->is_file_port = false;
	switch (call->userdata >> 56) {
	case FS_PORT_ADMIN:
		call->is_admin = true;
		call->identity = &administrator;
		call->port_base = call->root = fs_node_find(fs, fs->root_inode);
		return call->root ? 0 : -EIO;
	case FS_PORT_SESSION:
		session = fs_session_at(fs, call->userdata);
		if (!session)
			return -EPIPE;
		call->session = index;
		call->session_generation = session->generation;
		call->identity = session->identity;
		call->port_base = call->root = session->root;
		return 0;
	case FS_PORT_OPEN:
		open = index < fs->open_count ? fs->opens[index] : NULL;
		if (!open || fs_open_userdata(open) != call->userdata)
			return -EPIPE;
		call->is_file_port = true;
		call->open = open;
		call->session = open->session;
		if (open->session != UINT32_MAX)
			call->session_generation = fs->sessions[open->session].generation;
		call->identity = open->identity;
		call->port_base = open->node;
		call->root = open->root;
		return 0;
	default:
		return -EPIPE;
	}
}

static int find_base(struct fs_call *call)
{
	int error = find_port(call);

	if (error)
		return error;
	call->base = call->port_base;
	if (call->token) {
		call->open = fs_open_at(call->fs, call->token);
		if (!call->open)
			return -EBADF;
		call->base = call->open->node;
	}
	if (operations[call->operation].flags & OF_OPEN && !call->open)
		return -EBADF;
	if (operations[call->operation].flags & ADMIN && !call->is_admin)
		return -EPERM;
	return 0;
}

static int64_t serve_locked(struct fs_call *call)
{
	int64_t result = find_base(call);

	call->out_length = 0;
	call->out_limit = FS_OUT_MAX;
	call->handle_count = 0;
	if (result)
		return result;
	if (!call->is_exclusive)
		return operations[call->operation].serve(call);
	/* The lock is released in between: the identity might go. */
	struct fs_identity *identity = call->identity;

	identity->references++;
	result = operations[call->operation].serve(call);
	fs_identity_put(identity);
	return result;
}

static int64_t serve_shared(struct fs_call *call)
{
	int64_t result;

	call->is_exclusive = false;
	fs_relock(call->fs);
	result = serve_locked(call);
	fs_unlock(call->fs);
	return result;
}

static int64_t serve_exclusively(struct fs_call *call, bool changes)
{
	struct fs *fs = call->fs;
	int64_t result = 0;

	call->is_exclusive = true;
	pthread_mutex_lock(&fs->change);
	if (changes)
		result = fs->operations->begin(fs);
	fs_relock(fs);
	if (!result) {
		result = serve_locked(call);
		if (changes) {
			fs_unlock(fs);
			fs->operations->end(fs);
			fs_relock(fs);
		}
		fs_reap(fs);
	}
	fs_end_exclusive(fs);
	return result;
}

/* Closing is cheap, deleting is not: it is done when somebody has left something to delete. Locked;
 * gives the lock back. */
static void unlock_and_reap(struct fs *fs)
{
	bool has_doomed = fs->doomed != NULL;

	fs_unlock(fs);
	if (!has_doomed)
		return;
	fs_begin_exclusive(fs);
	fs_reap(fs);
	fs_end_exclusive(fs);
}

static void answer_bytes(struct fs_call *call)
{
	int64_t count;

	if (call->out_length <= FILE_INLINE && call->operation != FILE_READDIR) {
		memcpy(&call->words[FILE_INLINE_WORD], call->out, call->out_length);
		return;
	}
	if (!call->has_windows) {
		call->words[0] = (uint64_t)-EINVAL;
		return;
	}
	count = call->fs->transport->write(call, 0, call->out, call->out_length);
	if (count == -ERANGE && (int64_t)call->words[0] == -EREMOTE)
		return;
	if (count < 0)
		call->words[0] = (uint64_t)(count == -ERANGE ? -EINVAL : count);
	else if ((size_t)count != call->out_length)
		call->words[0] = (uint64_t)-EFAULT;
}

bool fs_serve(struct fs_call *call)
{
	int64_t result = decode(call);
	uint16_t flags;

	call->handle_count = 0;
	call->out_length = 0;
	if (!result) {
		flags = operations[call->operation].flags;
		result = flags & (CHANGES | EXCLUSIVELY) ? FS_EXCLUSIVE : serve_shared(call);
		if (result == FS_EXCLUSIVE)
			result = serve_exclusively(call, flags & (CHANGES | MAY_CHANGE));
	}
	if (result == FS_PARKED)
		return false;
	if (call->operation == FILE_CLOSE) {
		fs_relock(call->fs);
		unlock_and_reap(call->fs);
	}
	call->words[0] = (uint64_t)result;
	if (call->out_length && (result >= 0 || result == -EREMOTE))
		answer_bytes(call);
	return true;
}

void fs_no_clients(struct fs *fs, uint64_t userdata)
{
	uint32_t index = (uint32_t)userdata;

	fs_relock(fs);
	if (userdata >> 56 == FS_PORT_SESSION) {
		if (fs_session_at(fs, userdata))
			fs_session_end(fs, index);
	} else if (userdata >> 56 == FS_PORT_OPEN) {
		struct fs_open *open = index < fs->open_count ? fs->opens[index] : NULL;

		if (open && fs_open_userdata(open) == userdata)
			fs_open_close(fs, open);
	}
	unlock_and_reap(fs);
}

void fs_unsent(struct fs_call *call)
{
	struct fs *fs = call->fs;

	fs_relock(fs);
	if (call->operation == FILE_OPEN) {
		struct fs_open *open = fs_open_at(fs, call->words[1]);

		if (open)
			fs_open_close(fs, open);
	} else if (call->operation == FILE_PORT) {
		struct fs_open *open = fs_open_at(fs, call->token);

		/* Nobody ever had the port, so nobody hears of its end. */
		if (open && open->session == UINT32_MAX)
			fs_open_close(fs, open);
		else if (open)
			open->is_bare = true;
	} else if (call->operation == FILE_SESSION && fs_session_at(fs, call->words[1])) {
		fs_session_end(fs, (uint32_t)call->words[1]);
	}
	unlock_and_reap(fs);
}
