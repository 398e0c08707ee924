/* Inodes: between libext2fs's structure and lib/fs's nodes. */
#include <stdlib.h>
#include <string.h>

#include "extfs.h"

#define SECOND 1000000000

/* Seconds in 32 bits; large inodes have two more, and nanoseconds. Nodes cannot tell of times after 2262. */
static int64_t time_of(uint32_t seconds, uint32_t extra)
{
	int64_t all = (int64_t)(int32_t)seconds + ((int64_t)(extra & 3) << 32);

	return all < INT64_MAX / SECOND ? all * SECOND + (extra >> 2) % SECOND : INT64_MAX;
}

/* Of a time that the inode has room for. */
static uint32_t seconds_of(int64_t time)
{
	return (uint32_t)(time / SECOND - (time % SECOND < 0));
}

static uint32_t extra_of(int64_t time)
{
	int64_t seconds = time / SECOND - (time % SECOND < 0);
	uint32_t nanoseconds = (uint32_t)(time - seconds * SECOND);

	return nanoseconds << 2 | ((uint32_t)((seconds - (int32_t)seconds) >> 32) & 3);
}

/* The nearest time that can be told: from 1901 on, in small inodes up to 2038. */
static int64_t clamp(int64_t time, bool extra)
{
	if (time < (int64_t)INT32_MIN * SECOND)
		return (int64_t)INT32_MIN * SECOND;
	if (!extra && time / SECOND > INT32_MAX)
		return (int64_t)INT32_MAX * SECOND;
	return time;
}

/* How much of the structure an inode has on this disk. */
static size_t inode_bytes(const struct ext *ext)
{
	size_t size = EXT2_INODE_SIZE(ext->ext2->super);

	return size < sizeof(struct ext2_inode_large) ? size : sizeof(struct ext2_inode_large);
}

static bool has_extra(const struct ext *ext, const struct ext_node *node)
{
	return EXT2_INODE_SIZE(ext->ext2->super) > EXT2_GOOD_OLD_INODE_SIZE &&
	       node->inode.i_extra_isize >= 24;
}

static void read_times(struct ext *ext, struct ext_node *node)
{
	const struct ext2_inode_large *inode = &node->inode;
	bool extra = has_extra(ext, node);

	node->node.accessed = time_of(inode->i_atime, extra ? inode->i_atime_extra : 0);
	node->node.modified = time_of(inode->i_mtime, extra ? inode->i_mtime_extra : 0);
	node->node.changed = time_of(inode->i_ctime, extra ? inode->i_ctime_extra : 0);
}

static void write_times(struct ext *ext, struct ext_node *node)
{
	struct ext2_inode_large *inode = &node->inode;
	bool extra = has_extra(ext, node);
	int64_t accessed = clamp(node->node.accessed, extra);
	int64_t modified = clamp(node->node.modified, extra);
	int64_t changed = clamp(node->node.changed, extra);

	inode->i_atime = seconds_of(accessed);
	inode->i_mtime = seconds_of(modified);
	inode->i_ctime = seconds_of(changed);
	if (!extra)
		return;
	inode->i_atime_extra = extra_of(accessed);
	inode->i_mtime_extra = extra_of(modified);
	inode->i_ctime_extra = extra_of(changed);
}

static int check(struct ext *ext, const struct ext_node *node)
{
	const struct ext2_inode_large *inode = &node->inode;
	uint32_t unsupported = EXT4_ENCRYPT_FL | EXT4_INLINE_DATA_FL | EXT4_EA_INODE_FL |
			       EXT4_VERITY_FL;
	uint64_t size = EXT2_I_SIZE(inode);

	(void)ext;
	if (inode->i_links_count == 0 || inode->i_flags & unsupported || size > FS_FILE_MAX)
		return -EIO;
	switch (inode->i_mode & S_IFMT) {
	case S_IFREG:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		return 0;
	case S_IFLNK:
		return size < FILE_PATH_MAX ? 0 : -EIO;
	case S_IFDIR:
		return size <= UINT32_MAX && size % ext->ext2->blocksize == 0 ? 0 : -EIO;
	default:
		return -EIO;
	}
}

int ext_inode_read(struct ext *ext, struct ext_node *self)
{
	struct fs_node *node = &self->node;
	struct ext2_inode_large *inode = &self->inode;
	uint32_t first = EXT2_FIRST_INODE(ext->ext2->super);
	int error;

	if (node->inode > ext->ext2->super->s_inodes_count ||
	    (node->inode < first && node->inode != EXT2_ROOT_INO))
		return -EIO;
	error = ext_error(ext2fs_read_inode_full(ext->ext2, (ext2_ino_t)node->inode,
						 ext_inode(self), (int)inode_bytes(ext)));
	if (!error)
		error = check(ext, self);
	if (error)
		return error;
	node->mode = inode->i_mode;
	node->links = inode->i_links_count;
	node->uid = inode_uid(*inode);
	node->gid = inode_gid(*inode);
	node->size = self->disk_size = EXT2_I_SIZE(inode);
	node->blocks = ext_inode_blocks(ext, self);
	node->device = inode->i_block[0] ? inode->i_block[0] : inode->i_block[1];
	read_times(ext, self);
	if (S_ISDIR(node->mode))
		return ext_directory_parent(ext, self, &node->parent);
	if (!S_ISLNK(node->mode) || !ext2fs_is_fast_symlink(ext_inode(self)))
		return 0;
	node->target = strndup((const char *)inode->i_block, sizeof(inode->i_block));
	return node->target ? 0 : -ENOMEM;
}

/* In units of 512 bytes: those it has, and those that it will have when all is written. */
uint64_t ext_inode_blocks(struct ext *ext, struct ext_node *self)
{
	uint64_t size = ext->ext2->blocksize, blocks = 0;

	if (S_ISREG(self->node.mode) && self->node.size > self->disk_size)
		blocks = (self->node.size + size - 1) / size - (self->disk_size + size - 1) / size;
	if (blocks > self->reserved)
		blocks = self->reserved;
	return ext2fs_get_stat_i_blocks(ext->ext2, ext_inode(self)) + blocks * (size / 512);
}

/* What the node knows goes into the structure. */
static void put_attributes(struct ext *ext, struct ext_node *self)
{
	struct fs_node *node = &self->node;
	struct ext2_inode_large *inode = &self->inode;

	inode->i_mode = (uint16_t)node->mode;
	inode->i_links_count = (uint16_t)node->links;
	inode->i_uid = (uint16_t)node->uid;
	inode->i_gid = (uint16_t)node->gid;
	ext2fs_set_i_uid_high(*inode, node->uid >> 16);
	ext2fs_set_i_gid_high(*inode, node->gid >> 16);
	write_times(ext, self);
	if (S_ISREG(node->mode)) {
		inode->i_size = (uint32_t)self->disk_size;
		inode->i_size_high = (uint32_t)(self->disk_size >> 32);
		if (self->disk_size > INT32_MAX)
			ext2fs_set_feature_large_file(ext->ext2->super);
	}
	node->blocks = ext_inode_blocks(ext, self);
	ext->is_dirty = true;
}

int ext_inode_write(struct ext *ext, struct ext_node *self)
{
	put_attributes(ext, self);
	return ext_error(ext2fs_write_inode_full(ext->ext2, (ext2_ino_t)self->node.inode,
						 ext_inode(self), (int)inode_bytes(ext)));
}

int ext_inodes_flush(struct ext *ext)
{
	struct fs *fs = ext->fs;
	struct fs_node *node;
	int error = 0;

	fs_relock(fs);
	while ((node = fs->dirty) && !error) {
		fs_node_unmark_dirty(fs, node);
		fs_unlock(fs);
		error = ext_inode_write(ext, ext_node_of(node));
		fs_relock(fs);
		if (error)
			fs_node_mark_dirty(fs, node);
	}
	fs_unlock(fs);
	return error;
}

/* ----------------------------------------------------------------------------- new inodes */

/* The whole slot is written: what a former inode had behind the structure is gone. */
static int write_new(struct ext *ext, struct ext_node *self)
{
	size_t size = EXT2_INODE_SIZE(ext->ext2->super);
	void *buffer = calloc(1, size);
	int error;

	if (!buffer)
		return -ENOMEM;
	memcpy(buffer, &self->inode, inode_bytes(ext));
	error = ext_error(ext2fs_write_inode_full(ext->ext2, (ext2_ino_t)self->node.inode, buffer,
						  (int)size));
	free(buffer);
	return error;
}

static int start_extents(struct ext *ext, struct ext_node *self)
{
	ext2_extent_handle_t handle;
	errcode_t error;

	if (!ext2fs_has_feature_extents(ext->ext2->super))
		return 0;
	self->inode.i_flags |= EXT4_EXTENTS_FL;
	error = ext2fs_extent_open2(ext->ext2, (ext2_ino_t)self->node.inode, ext_inode(self),
				    &handle);
	if (!error)
		ext2fs_extent_free(handle);
	return ext_error(error);
}

static int write_target(struct ext *ext, struct ext_node *self)
{
	size_t length = strlen(self->node.target);
	struct ext_block *block;
	uint64_t physical;
	int error;

	self->inode.i_size = (uint32_t)length;
	if (length < sizeof(self->inode.i_block)) {
		memcpy(self->inode.i_block, self->node.target, length);
		return 0;
	}
	if (length >= ext->ext2->blocksize)
		return -ENAMETOOLONG;
	error = start_extents(ext, self);
	if (!error)
		error = ext_map_append(ext, self, 0, &physical);
	if (!error)
		error = ext_block_new(ext, physical, &block);
	if (!error)
		memcpy(block->data, self->node.target, length);
	return error;
}

static int fill(struct ext *ext, const struct fs_node *parent, struct ext_node *self)
{
	struct fs_node *node = &self->node;

	switch (node->mode & S_IFMT) {
	case S_IFREG:
		return start_extents(ext, self);
	case S_IFDIR: {
		int error = start_extents(ext, self);

		return error ? error : ext_directory_make(ext, self, (uint32_t)parent->inode);
	}
	case S_IFLNK:
		return write_target(ext, self);
	case S_IFCHR:
	case S_IFBLK:
		self->inode.i_block[node->device > 0xffff] = (uint32_t)node->device;
		return 0;
	default:
		return 0;
	}
}

int ext_inode_create(struct ext *ext, const struct fs_node *parent, struct ext_node *self)
{
	struct fs_node *node = &self->node;
	uint32_t inode;
	int error = ext_allocate_inode(ext, (uint32_t)parent->inode, S_ISDIR(node->mode), &inode);

	if (error)
		return error;
	node->inode = inode;
	memset(&self->inode, 0, sizeof(self->inode));
	self->inode.i_generation = (uint32_t)ext->fs->transport->random();
	if (EXT2_INODE_SIZE(ext->ext2->super) > EXT2_GOOD_OLD_INODE_SIZE) {
		self->inode.i_extra_isize = 32;
		self->inode.i_crtime = seconds_of(node->changed);
		self->inode.i_crtime_extra = extra_of(node->changed);
	}
	self->inode.i_mode = (uint16_t)node->mode;
	self->inode.i_links_count = (uint16_t)node->links;
	error = ext_created_add(ext, inode);
	/* libext2fs reads and writes the inodes of those that have blocks. */
	if (!error && (S_ISDIR(node->mode) || S_ISLNK(node->mode)))
		error = write_new(ext, self);
	if (!error)
		error = fill(ext, parent, self);
	put_attributes(ext, self);
	if (!error)
		error = write_new(ext, self);
	if (error) {
		node->links = 0;
		ext_inode_delete(ext, self);
		return error;
	}
	node->size = EXT2_I_SIZE(&self->inode);
	node->blocks = ext_inode_blocks(ext, self);
	return 0;
}

static int free_attribute_block(struct ext *ext, struct ext_node *self)
{
	blk64_t block = ext2fs_file_acl_block(ext->ext2, ext_inode(self));

	if (!block)
		return 0;
	return ext_error(
		ext2fs_free_ext_attr(ext->ext2, (ext2_ino_t)self->node.inode, &self->inode));
}

int ext_inode_delete(struct ext *ext, struct ext_node *self)
{
	struct ext2_inode_large *inode = &self->inode;
	int error = 0, other;

	if (self->is_orphan)
		error = ext_orphan_remove(ext, self);
	if (inode->i_blocks && ext2fs_inode_has_valid_blocks2(ext->ext2, ext_inode(self)))
		error = ext_map_punch(ext, self, 0);
	other = free_attribute_block(ext, self);
	error = error ? error : other;
	/* What could not be freed is a leak; the inode itself must not be used again then. */
	if (error)
		return error;
	self->disk_size = 0;
	inode->i_size = inode->i_size_high = 0;
	inode->i_dtime = seconds_of(ext->fs->transport->now());
	error = ext_inode_write(ext, self);
	ext_free_inode(ext, (uint32_t)self->node.inode, S_ISDIR(self->node.mode));
	return error;
}

int ext_inode_target(struct ext *ext, struct ext_node *self, char *target)
{
	struct ext_block *block;
	struct ext_run run;
	uint64_t size = self->node.size;
	int error = ext_map(ext, self, 0, 1, &run);

	if (!error && (!run.physical || size >= ext->ext2->blocksize || size >= FILE_PATH_MAX))
		error = -EIO;
	if (!error)
		error = ext_block_get(ext, run.physical, &block);
	if (!error)
		memcpy(target, block->data, size);
	return error;
}
