/* extfs as storage for lib/fs: its table of operations, and who commits when. */
#include <stdlib.h>

#include "extfs.h"

/* Few blocks are left that are not waiting for the transaction that freed them. */
static bool is_short(struct ext *ext)
{
	return ext->freed.count && ext_free_blocks(ext) < 4096;
}

static int begin(struct fs *fs)
{
	struct ext *ext = ext_of(fs);
	int error = ext->is_failed ? -EIO : ext->disk->is_read_only ? -EROFS : 0;

	if (error || !(ext_commit_is_due(ext) || is_short(ext)))
		return error;
	/* Somebody who is committing now may wait for us. */
	if (pthread_mutex_trylock(&ext->committer))
		return 0;
	error = ext_commit(ext);
	pthread_mutex_unlock(&ext->committer);
	return error;
}

static void end(struct fs *fs)
{
	(void)fs;
}

int ext_sync(struct ext *ext)
{
	struct fs *fs = ext->fs;
	struct ext_snapshot snapshot;
	int error;

	if (ext->disk->is_read_only)
		return 0;
	pthread_mutex_lock(&ext->committer);
	pthread_mutex_lock(&fs->change);
	error = ext_commit_prepare(ext, &snapshot);
	pthread_mutex_unlock(&fs->change);
	if (!error) {
		error = ext_commit_write(ext, &snapshot);
		pthread_mutex_lock(&fs->change);
		ext_commit_finish(ext, &snapshot, error);
		pthread_mutex_unlock(&fs->change);
	}
	pthread_mutex_unlock(&ext->committer);
	ext_snapshot_free(&snapshot);
	return error;
}

static int read_node(struct fs *fs, struct fs_node *node)
{
	return ext_inode_read(ext_of(fs), ext_node_of(node));
}

static void release_node(struct fs *fs, struct fs_node *node)
{
	ext_file_free(fs, ext_node_of(node));
	free(ext_node_of(node)->gaps);
}

static int delete_node(struct fs *fs, struct fs_node *node)
{
	struct ext *ext = ext_of(fs);

	ext_file_resize(fs, ext_node_of(node), 0);
	ext_content_settle(ext, ext_node_of(node));
	return ext_inode_delete(ext, ext_node_of(node));
}

static int read_names(struct fs *fs, struct fs_node *directory)
{
	return ext_directory_names(ext_of(fs), ext_node_of(directory));
}

static int find_name(struct fs *fs, struct fs_node *directory, const char *name, size_t length,
		     uint64_t *inode)
{
	return ext_directory_find(ext_of(fs), ext_node_of(directory), name, length, inode);
}

static int read_target(struct fs *fs, struct fs_node *node, char *target)
{
	return ext_inode_target(ext_of(fs), ext_node_of(node), target);
}

static int create(struct fs *fs, struct fs_node *directory, const char *name, size_t length,
		  struct fs_node *node, uint64_t *cookie)
{
	struct ext *ext = ext_of(fs);
	int error = ext_inode_create(ext, directory, ext_node_of(node));

	if (error)
		return error;
	error = ext_directory_add(ext, ext_node_of(directory), name, length, (uint32_t)node->inode,
				  node->mode, cookie);
	if (error) {
		node->links = 0;
		ext_inode_delete(ext, ext_node_of(node));
	}
	return error;
}

static int link_name(struct fs *fs, struct fs_node *directory, const char *name, size_t length,
		     struct fs_node *node, uint64_t *cookie)
{
	return ext_directory_add(ext_of(fs), ext_node_of(directory), name, length,
				 (uint32_t)node->inode, node->mode, cookie);
}

static int unlink_name(struct fs *fs, struct fs_node *directory, const char *name, size_t length)
{
	return ext_directory_remove(ext_of(fs), ext_node_of(directory), name, length);
}

static int relink(struct fs *fs, struct fs_node *directory, const char *name, size_t length,
		  struct fs_node *node)
{
	return ext_directory_set(ext_of(fs), ext_node_of(directory), name, length,
				 (uint32_t)node->inode, node->mode);
}

static int orphan(struct fs *fs, struct fs_node *node)
{
	return ext_orphan_add(ext_of(fs), ext_node_of(node));
}

static int set_parent(struct fs *fs, struct fs_node *directory, uint64_t parent)
{
	return ext_directory_set(ext_of(fs), ext_node_of(directory), "..", 2, (uint32_t)parent,
				 S_IFDIR);
}

static int read_directory(struct fs *fs, struct fs_node *directory, uint64_t cookie,
			  struct fs_call *call)
{
	return ext_directory_read(ext_of(fs), ext_node_of(directory), cookie, call);
}

static int fsync(struct fs *fs, struct fs_node *node)
{
	int error = ext_file_sync(fs, node), other = ext_sync(ext_of(fs));

	return error ? error : other;
}

static int sync_all(struct fs *fs)
{
	int error = ext_files_sync(fs), other = ext_sync(ext_of(fs));

	return error ? error : other;
}

static void statfs(struct fs *fs, uint64_t *words)
{
	struct ext *ext = ext_of(fs);
	struct ext2_super_block *super = ext->ext2->super;
	uint64_t kept = ext2fs_r_blocks_count(super);

	words[1] = ext2fs_blocks_count(super);
	words[2] = ext_free_blocks(ext);
	words[3] = words[2] > kept ? words[2] - kept : 0;
	words[4] = super->s_inodes_count;
	words[5] = super->s_free_inodes_count;
	words[6] = (uint64_t)FILE_NAME_MAX << 32 | ext->ext2->blocksize;
	words[7] = EXT2_SUPER_MAGIC;
}

const struct fs_operations ext_operations = {
	.node_size = sizeof(struct ext_node),
	.begin = begin,
	.end = end,
	.read_node = read_node,
	.release_node = release_node,
	.delete_node = delete_node,
	.read_names = read_names,
	.find_name = find_name,
	.read_target = read_target,
	.create = create,
	.link = link_name,
	.unlink = unlink_name,
	.relink = relink,
	.orphan = orphan,
	.set_parent = set_parent,
	.read_directory = read_directory,
	.refresh = ext_file_refresh,
	.truncate = ext_content_truncate,
	.grow = ext_content_grow,
	.handle = ext_file_handle,
	.fsync = fsync,
	.sync = sync_all,
	.statfs = statfs,
	.get_attribute = ext_get_attribute,
	.set_attribute = ext_set_attribute,
	.list_attributes = ext_list_attributes,
	.remove_attribute = ext_remove_attribute,
};
