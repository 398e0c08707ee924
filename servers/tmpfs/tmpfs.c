/* Storage in memory: see tmpfs.h. Most of it has nothing to do: the name cache is the truth. */
#include <stdlib.h>
#include <string.h>

#include "tern/process.h"
#include "tmpfs.h"

#define LOOK_EVERY 64 /* files that are made */

static struct tmpfs_node *node_of(struct fs_node *node)
{
	return (struct tmpfs_node *)node;
}

static int begin(struct fs *fs)
{
	(void)fs;
	return 0;
}

static void end(struct fs *fs)
{
	(void)fs;
}

static int read_node(struct fs *fs, struct fs_node *node)
{
	(void)fs;
	(void)node;
	return -EIO;
}

static void release_node(struct fs *fs, struct fs_node *node)
{
	struct tmpfs_node *self = node_of(node);

	if (self->memobj)
		fs->transport->close(fs, self->memobj);
	tmpfs_free_attributes(self);
}

static int delete_node(struct fs *fs, struct fs_node *node)
{
	struct tmpfs_node *self = node_of(node);

	/* Who still has the memobj mapped keeps it; its pages are not ours any more then. */
	if (self->memobj)
		fs->transport->close(fs, self->memobj);
	self->memobj = 0;
	return 0;
}

bool tmpfs_is_crowded(struct tmpfs *tmpfs)
{
	uint64_t limit = (uint64_t)tern_account_info(TERN_SELF_ACCOUNT, TERN_ACCOUNT_LIMIT);
	uint64_t used = (uint64_t)tern_account_info(TERN_SELF_ACCOUNT, TERN_ACCOUNT_USED);

	tmpfs->is_crowded = limit - used < limit / 16;
	return tmpfs->is_crowded;
}

static int create(struct fs *fs, struct fs_node *directory, const char *name, size_t length,
		  struct fs_node *node, uint64_t *cookie)
{
	struct tmpfs *tmpfs = fs->storage;

	(void)directory;
	(void)name;
	(void)length;
	if (fs->node_count >= TMPFS_NODES_MAX)
		return -ENOSPC;
	if (tmpfs->is_crowded || tmpfs->next_inode % LOOK_EVERY == 0)
		if (tmpfs_is_crowded(tmpfs))
			return -ENOSPC;
	node->inode = tmpfs->next_inode++;
	*cookie = tmpfs->next_cookie++;
	return 0;
}

static int link_name(struct fs *fs, struct fs_node *directory, const char *name, size_t length,
		     struct fs_node *node, uint64_t *cookie)
{
	struct tmpfs *tmpfs = fs->storage;

	(void)directory;
	(void)name;
	(void)length;
	(void)node;
	*cookie = tmpfs->next_cookie++;
	return 0;
}

static int unlink_name(struct fs *fs, struct fs_node *directory, const char *name, size_t length)
{
	(void)fs;
	(void)directory;
	(void)name;
	(void)length;
	return 0;
}

static int relink(struct fs *fs, struct fs_node *directory, const char *name, size_t length,
		  struct fs_node *node)
{
	(void)node;
	return unlink_name(fs, directory, name, length);
}

static int set_parent(struct fs *fs, struct fs_node *directory, uint64_t parent)
{
	(void)fs;
	(void)directory;
	(void)parent;
	return 0;
}

/* Locked: OPEN, which is not exclusive, makes it as well. */
static int make_memobj(struct fs *fs, struct tmpfs_node *self, uint64_t length)
{
	const struct tmpfs *tmpfs = fs->storage;
	tern_result memobj;

	if (self->memobj)
		return 0;
	memobj = tern_memobj_create(tmpfs->account, length);
	if (memobj < 0)
		return memobj == -EMFILE ? -ENFILE : memobj == -ENOMEM ? -ENOSPC : (int)memobj;
	self->memobj = memobj;
	self->seen_modified = (uint64_t)tern_memobj_info(memobj, TERN_MEMOBJ_MODIFIED);
	return 0;
}

static void refresh(struct fs *fs, struct fs_node *node)
{
	const struct tmpfs *tmpfs = fs->storage;
	struct tmpfs_node *self = node_of(node);
	uint64_t modified;

	if (!self->memobj)
		return;
	node->size = (uint64_t)tern_memobj_info(self->memobj, TERN_MEMOBJ_LENGTH);
	node->blocks = (uint64_t)tern_memobj_info(self->memobj, TERN_MEMOBJ_RESIDENT) * 8;
	modified = (uint64_t)tern_memobj_info(self->memobj, TERN_MEMOBJ_MODIFIED);
	if (modified == self->seen_modified)
		return;
	self->seen_modified = modified;
	fs_node_written(fs, node, (int64_t)modified + tmpfs->boot);
}

static int truncate(struct fs *fs, struct fs_node *node, uint64_t length)
{
	struct tmpfs_node *self = node_of(node);
	tern_result result = 0;

	if (length > FS_FILE_MAX)
		return -EFBIG;
	if (length) {
		fs_relock(fs);
		result = make_memobj(fs, self, 0);
		fs_unlock(fs);
	}
	if (result || !self->memobj)
		return (int)result;
	result = tern_memobj_set_length(self->memobj, length);
	self->seen_modified = (uint64_t)tern_memobj_info(self->memobj, TERN_MEMOBJ_MODIFIED);
	return (int)result;
}

static int grow(struct fs *fs, struct fs_node *node, uint64_t length, bool allocate,
		uint64_t *limit)
{
	struct tmpfs_node *self = node_of(node);
	int error;

	fs_relock(fs);
	error = make_memobj(fs, self, 0);
	fs_unlock(fs);
	*limit = FS_FILE_MAX;
	if (error || !allocate)
		return error;
	if (length > (uint64_t)tern_memobj_info(self->memobj, TERN_MEMOBJ_LENGTH))
		return (int)tern_memobj_set_length(self->memobj, length);
	return 0;
}

static int64_t handle(struct fs *fs, struct fs_node *node, uint32_t flags)
{
	struct tmpfs_node *self = node_of(node);
	int error = make_memobj(fs, self, node->size);

	if (error)
		return error;
	if (flags & FILE_WITH_MEMOBJ)
		return self->memobj;
	return tern_stream_create(TERN_SELF_ACCOUNT, self->memobj,
				  flags & FILE_APPEND ? TERN_STREAM_APPEND : 0);
}

static int fsync(struct fs *fs, struct fs_node *node)
{
	(void)fs;
	(void)node;
	return 0;
}

static int sync_all(struct fs *fs)
{
	return begin(fs);
}

static void statfs(struct fs *fs, uint64_t *words)
{
	const struct tmpfs *tmpfs = fs->storage;
	uint64_t limit = (uint64_t)tern_account_info(tmpfs->account, TERN_ACCOUNT_LIMIT);
	uint64_t used = (uint64_t)tern_account_info(tmpfs->account, TERN_ACCOUNT_USED);

	words[1] = limit / TERN_PAGE_SIZE;
	words[2] = words[3] = (limit - used) / TERN_PAGE_SIZE;
	words[4] = TMPFS_NODES_MAX;
	words[5] = TMPFS_NODES_MAX - fs->node_count;
	words[6] = (uint64_t)FILE_NAME_MAX << 32 | TERN_PAGE_SIZE;
	words[7] = 0x01021994;
}

const struct fs_operations tmpfs_operations = {
	.node_size = sizeof(struct tmpfs_node),
	.is_in_memory = true,
	.begin = begin,
	.end = end,
	.read_node = read_node,
	.release_node = release_node,
	.delete_node = delete_node,
	.create = create,
	.link = link_name,
	.unlink = unlink_name,
	.relink = relink,
	.set_parent = set_parent,
	.refresh = refresh,
	.truncate = truncate,
	.grow = grow,
	.handle = handle,
	.fsync = fsync,
	.sync = sync_all,
	.statfs = statfs,
	.get_attribute = tmpfs_get_attribute,
	.set_attribute = tmpfs_set_attribute,
	.list_attributes = tmpfs_list_attributes,
	.remove_attribute = tmpfs_remove_attribute,
};

int tmpfs_start(struct fs *fs, struct tmpfs *tmpfs, int64_t now)
{
	struct fs_node *root = fs_node_new(fs);

	if (!root)
		return -ENOMEM;
	tmpfs->next_inode = TMPFS_ROOT + 1;
	tmpfs->next_cookie = 16;
	root->inode = root->parent = TMPFS_ROOT;
	root->mode = S_IFDIR | S_ISVTX | 0777;
	root->links = 2;
	root->has_all_names = true;
	root->accessed = root->modified = root->changed = now;
	fs_node_insert(fs, root);
	fs_node_refer(fs, root);
	return 0;
}
