/* Operations on attributes: what STAT shows, and what changes it. */
#include <string.h>

#include "lib/fs/fs.h"

int64_t fs_stat(struct fs_call *call)
{
	uint64_t *words = call->words;
	struct fs_node *node;
	int error = fs_find(call, &node);

	if (error)
		return error;
	fs_node_refresh(call->fs, node);
	words[1] = node->inode;
	words[2] = S_ISCHR(node->mode) || S_ISBLK(node->mode) ? node->device : node->size;
	words[3] = node->blocks << 16 | (node->mode & 0xffff);
	words[4] = (uint64_t)node->gid << 32 | node->uid;
	words[5] = (uint64_t)node->accessed;
	words[6] = (uint64_t)node->modified;
	words[7] = (uint64_t)node->changed;
	return node->links;
}

int64_t fs_access(struct fs_call *call)
{
	struct fs_node *node;
	int error = fs_find(call, &node);

	if (!error && call->argument & ~7UL)
		error = -EINVAL;
	if (!error && call->argument & 2 && call->fs->is_read_only && !S_ISCHR(node->mode))
		error = -EROFS;
	return error ? error : fs_may(call->identity, node, (uint32_t)call->argument);
}

int64_t fs_statfs(struct fs_call *call)
{
	struct fs_node *node;
	int error = fs_find(call, &node);

	if (error)
		return error;
	call->fs->operations->statfs(call->fs, call->words);
	return 0;
}

/* Storage is about to be told new attributes: not when it cannot keep them. */
static int find_to_change(struct fs_call *call, struct fs_node **node)
{
	int error = fs_find(call, node);

	if (!error && call->fs->is_read_only)
		error = -EROFS;
	return error;
}

int64_t fs_chmod(struct fs_call *call)
{
	struct fs_node *node;
	uint32_t mode = call->argument & 07777;
	int error = find_to_change(call, &node);

	if (error)
		return error;
	if (!fs_is_owner(call->identity, node))
		return -EPERM;
	if (S_ISLNK(node->mode))
		return -EOPNOTSUPP;
	if (call->identity->is.uid && !fs_is_member(call->identity, node->gid))
		mode &= ~(uint32_t)S_ISGID;
	/* What was written before takes the old bits away, not the new ones. */
	fs_node_refresh(call->fs, node);
	node->mode = (node->mode & S_IFMT) | mode;
	fs_node_changed(call->fs, node);
	return 0;
}

int64_t fs_chown(struct fs_call *call)
{
	uint32_t uid = (uint32_t)call->argument, gid = (uint32_t)(call->argument >> 32);
	const struct fs_identity *identity = call->identity;
	struct fs_node *node;
	int error = find_to_change(call, &node);

	if (error)
		return error;
	if (call->argument == UINT64_MAX && !fs_is_owner(identity, node))
		return 0;
	uid = uid == UINT32_MAX ? node->uid : uid;
	gid = gid == UINT32_MAX ? node->gid : gid;
	if (identity->is.uid && (uid != node->uid || identity->is.uid != node->uid ||
				 (gid != node->gid && !fs_is_member(identity, gid))))
		return -EPERM;
	node->uid = uid;
	node->gid = gid;
	fs_node_drop_ids(node);
	fs_node_changed(call->fs, node);
	return 0;
}

static int64_t new_time(int64_t wanted, int64_t old, int64_t now)
{
	return wanted == FILE_TIME_OMIT ? old : wanted == FILE_TIME_NOW ? now : wanted;
}

int64_t fs_utimes(struct fs_call *call)
{
	int64_t times[2], now = call->fs->transport->now();
	bool is_now;
	struct fs_node *node;
	int error = find_to_change(call, &node);

	if (error)
		return error;
	memcpy(times, call->data, sizeof(times));
	is_now = times[0] == FILE_TIME_NOW && times[1] == FILE_TIME_NOW;
	if (!fs_is_owner(call->identity, node)) {
		if (!is_now)
			return -EPERM;
		if (fs_may(call->identity, node, 2))
			return -EACCES;
	}
	fs_node_refresh(call->fs, node);
	node->accessed = new_time(times[0], node->accessed, now);
	node->modified = new_time(times[1], node->modified, now);
	fs_node_changed(call->fs, node);
	return 0;
}

/* Exclusive, locked. */
int fs_truncate_node(struct fs_call *call, struct fs_node *node, uint64_t length)
{
	struct fs *fs = call->fs;
	int error;

	if (length > INT64_MAX)
		return -EINVAL;
	fs_node_refresh(fs, node);
	fs_unlock(fs);
	error = fs->operations->truncate(fs, node, length);
	fs_relock(fs);
	if (error)
		return error;
	node->size = length;
	node->modified = fs->transport->now();
	if (call->identity->is.uid)
		fs_node_drop_ids(node);
	fs_node_changed(fs, node);
	return 0;
}

int64_t fs_truncate(struct fs_call *call)
{
	struct fs_node *node;
	int error = fs_find(call, &node);

	if (error)
		return error;
	if (S_ISDIR(node->mode))
		return -EISDIR;
	if (!S_ISREG(node->mode))
		return -EINVAL;
	if (!call->path_length && call->open)
		error = call->open->flags & FILE_WRITE ? 0 : -EINVAL;
	else
		error = fs_may(call->identity, node, 2);
	return error ? error : fs_truncate_node(call, node, call->argument);
}

/* Names of extended attributes begin with who may use them. */
static int may_use(struct fs_call *call, const struct fs_node *node, bool to_change)
{
	const char *name = call->second;
	bool is_root = call->identity->is.uid == 0;

	if (call->second_length == 0 || call->second_length > FILE_NAME_MAX ||
	    strlen(name) != call->second_length)
		return -ERANGE;
	if (!strncmp(name, "user.", 5)) {
		if (!S_ISREG(node->mode) && !S_ISDIR(node->mode))
			return to_change ? -EPERM : -ENODATA;
		if (to_change && S_ISDIR(node->mode) && node->mode & S_ISVTX &&
		    !fs_is_owner(call->identity, node))
			return -EPERM;
		return fs_may(call->identity, node, to_change ? 2 : 4);
	}
	if (!strncmp(name, "trusted.", 8))
		return is_root ? 0 : to_change ? -EPERM : -ENODATA;
	if (!strncmp(name, "security.", 9))
		return is_root || !to_change ? 0 : -EPERM;
	return -EOPNOTSUPP;
}

/* `result` bytes are in the out buffer, or it is an error; a caller with no room asks for the size. */
static int64_t answer_bytes(struct fs_call *call, int64_t result)
{
	if (result < 0 || call->argument == 0)
		return result;
	if ((uint64_t)result > call->argument)
		return -ERANGE;
	call->out_length = (size_t)result;
	return result;
}

int64_t fs_getxattr(struct fs_call *call)
{
	struct fs *fs = call->fs;
	struct fs_node *node;
	int64_t result = fs_find(call, &node);

	if (!result)
		result = may_use(call, node, false);
	if (!result && !fs->operations->get_attribute)
		result = -EOPNOTSUPP;
	if (result)
		return result;
	fs_unlock(fs);
	result = fs->operations->get_attribute(fs, node, call->second, call->out, FS_OUT_MAX);
	fs_relock(fs);
	return answer_bytes(call, result);
}

/* Others than user 0 do not see what only it may use. Returns how many bytes of names are left. */
static int64_t hide_trusted(char *names, int64_t length)
{
	int64_t kept = 0;
	size_t size;

	for (int64_t at = 0; at < length; at += (int64_t)size) {
		size = strlen(names + at) + 1;
		if (!strncmp(names + at, "trusted.", 8))
			continue;
		memmove(names + kept, names + at, size);
		kept += (int64_t)size;
	}
	return kept;
}

int64_t fs_listxattr(struct fs_call *call)
{
	struct fs *fs = call->fs;
	struct fs_node *node;
	int64_t result = fs_find(call, &node);

	if (!result && !fs->operations->list_attributes)
		result = -EOPNOTSUPP;
	if (result)
		return result;
	fs_unlock(fs);
	result = fs->operations->list_attributes(fs, node, call->out, FS_OUT_MAX);
	fs_relock(fs);
	if (result > 0 && call->identity->is.uid)
		result = hide_trusted(call->out, result);
	return answer_bytes(call, result);
}

static int set_attribute(struct fs_call *call, struct fs_node *node)
{
	struct fs *fs = call->fs;

	if (!fs->operations->set_attribute)
		return -EOPNOTSUPP;
	return fs->operations->set_attribute(fs, node, call->second, call->data, call->data_length,
					     call->flags);
}

static int remove_attribute(struct fs_call *call, struct fs_node *node)
{
	struct fs *fs = call->fs;

	if (!fs->operations->remove_attribute)
		return -EOPNOTSUPP;
	return fs->operations->remove_attribute(fs, node, call->second);
}

static int64_t change_attribute(struct fs_call *call,
				int (*change)(struct fs_call *, struct fs_node *))
{
	struct fs *fs = call->fs;
	struct fs_node *node;
	int result = find_to_change(call, &node);

	if (!result)
		result = may_use(call, node, true);
	if (result)
		return result;
	fs_unlock(fs);
	result = change(call, node);
	fs_relock(fs);
	if (!result)
		fs_node_changed(fs, node);
	return result;
}

int64_t fs_setxattr(struct fs_call *call)
{
	return change_attribute(call, set_attribute);
}

int64_t fs_delxattr(struct fs_call *call)
{
	return change_attribute(call, remove_attribute);
}
