/* Extended attributes: libext2fs knows where they are. */
#include <stdlib.h>
#include <string.h>

#include "extfs.h"

static int open_handle(struct fs *fs, struct fs_node *node, struct ext2_xattr_handle **handle)
{
	struct ext *ext = ext_of(fs);
	struct ext_node *self = ext_node_of(node);
	int error = 0;

	/* libext2fs reads and writes the inode on its own: what is newer here goes there before. */
	fs_relock(fs);
	if (node->is_dirty) {
		fs_node_unmark_dirty(fs, node);
		fs_unlock(fs);
		error = ext_inode_write(ext, self);
	} else {
		fs_unlock(fs);
	}
	if (!error)
		error = ext_error(ext2fs_xattrs_open(ext->ext2, (ext2_ino_t)node->inode, handle));
	if (error)
		return error;
	error = ext_error(ext2fs_xattrs_read(*handle));
	if (error)
		ext2fs_xattrs_close(handle);
	return error;
}

/* libext2fs has changed the inode on its own. */
static int read_back(struct ext *ext, struct ext_node *self)
{
	size_t size = EXT2_INODE_SIZE(ext->ext2->super);

	size = size < sizeof(self->inode) ? size : sizeof(self->inode);
	ext->is_dirty = true;
	return ext_error(ext2fs_read_inode_full(ext->ext2, (ext2_ino_t)self->node.inode,
						ext_inode(self), (int)size));
}

int64_t ext_get_attribute(struct fs *fs, struct fs_node *node, const char *name, void *value,
			  size_t size)
{
	struct ext2_xattr_handle *handle;
	void *found = NULL;
	size_t length = 0;
	int error = open_handle(fs, node, &handle);

	if (error)
		return error;
	error = ext_error(ext2fs_xattr_get(handle, name, &found, &length));
	ext2fs_xattrs_close(&handle);
	if (!error && length > size)
		error = -ERANGE;
	if (!error)
		memcpy(value, found, length);
	ext2fs_free_mem(&found);
	return error ? error : (int64_t)length;
}

struct listing {
	char *names;
	size_t used, size;
	const char *looked_for;
	bool is_found;
};

static int list_one(char *name, char *value, size_t length, void *context)
{
	struct listing *listing = context;
	size_t size = strlen(name) + 1;

	(void)value;
	(void)length;
	if (listing->looked_for) {
		listing->is_found |= !strcmp(name, listing->looked_for);
	} else if (listing->used + size <= listing->size) {
		memcpy(listing->names + listing->used, name, size);
		listing->used += size;
	}
	return 0;
}

int64_t ext_list_attributes(struct fs *fs, struct fs_node *node, char *names, size_t size)
{
	struct listing listing = { .names = names, .size = size };
	struct ext2_xattr_handle *handle;
	int error = open_handle(fs, node, &handle);

	if (error)
		return error;
	error = ext_error(ext2fs_xattrs_iterate(handle, list_one, &listing));
	ext2fs_xattrs_close(&handle);
	return error ? error : (int64_t)listing.used;
}

/* Is there one of that name? */
static bool has(struct ext2_xattr_handle *handle, const char *name)
{
	struct listing listing = { .looked_for = name };

	ext2fs_xattrs_iterate(handle, list_one, &listing);
	return listing.is_found;
}

/* Whether or not it went well, the inode may have changed. */
static int close_changed(struct fs *fs, struct fs_node *node, struct ext2_xattr_handle **handle,
			 int error)
{
	int other;

	ext2fs_xattrs_close(handle);
	other = read_back(ext_of(fs), ext_node_of(node));
	return error ? error : other;
}

int ext_set_attribute(struct fs *fs, struct fs_node *node, const char *name, const void *value,
		      size_t size, uint32_t flags)
{
	struct ext2_xattr_handle *handle;
	int error = open_handle(fs, node, &handle);
	bool is_there;

	if (error)
		return error;
	is_there = has(handle, name);
	if (is_there && flags & FILE_EXCLUSIVE)
		error = -EEXIST;
	else if (!is_there && flags & FILE_REPLACE)
		error = -ENODATA;
	else if (size > ext_of(fs)->ext2->blocksize)
		error = -ENOSPC;
	else
		error = ext_error(ext2fs_xattr_set(handle, name, value, size));
	return close_changed(fs, node, &handle, error);
}

int ext_remove_attribute(struct fs *fs, struct fs_node *node, const char *name)
{
	struct ext2_xattr_handle *handle;
	int error = open_handle(fs, node, &handle);

	if (error)
		return error;
	error = has(handle, name) ? ext_error(ext2fs_xattr_remove(handle, name)) : -ENODATA;
	return close_changed(fs, node, &handle, error);
}
