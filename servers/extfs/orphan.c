/*
 * Files without a name that are still open: a list on disk, from the superblock through the deletion
 * times of the inodes, so that a crash does not lose their space. `orphans` has it in memory; the
 * newest comes first on disk and last here.
 */
#include <stdlib.h>

#include "extfs.h"

int ext_orphan_add(struct ext *ext, struct ext_node *node)
{
	struct ext2_super_block *super = ext->ext2->super;

	if (node->is_orphan)
		return 0;
	if (ext->orphan_count == ext->orphan_room) {
		size_t room = ext->orphan_room ? ext->orphan_room * 2 : 16;
		uint32_t *orphans = realloc(ext->orphans, room * sizeof(*orphans));

		if (!orphans)
			return -ENOMEM;
		ext->orphans = orphans;
		ext->orphan_room = room;
	}
	ext->orphans[ext->orphan_count++] = (uint32_t)node->node.inode;
	node->inode.i_dtime = super->s_last_orphan;
	super->s_last_orphan = (uint32_t)node->node.inode;
	node->is_orphan = true;
	return ext_inode_write(ext, node);
}

int ext_orphan_remove(struct ext *ext, struct ext_node *node)
{
	uint32_t inode = (uint32_t)node->node.inode, next = node->inode.i_dtime;
	struct fs_node *newer;
	size_t i;

	for (i = 0; i < ext->orphan_count && ext->orphans[i] != inode; i++)
		;
	if (i == ext->orphan_count)
		return 0;
	node->is_orphan = false;
	node->inode.i_dtime = 0;
	ext->orphan_count--;
	if (i == ext->orphan_count) {
		ext->ext2->super->s_last_orphan = next;
		ext->is_dirty = true;
		return 0;
	}
	for (size_t j = i; j < ext->orphan_count; j++)
		ext->orphans[j] = ext->orphans[j + 1];
	/* What pointed here is newer, so it is in memory: it is open. */
	fs_relock(ext->fs);
	newer = fs_node_find(ext->fs, ext->orphans[i]);
	fs_unlock(ext->fs);
	if (!newer)
		return -EIO;
	ext_node_of(newer)->inode.i_dtime = next;
	return ext_inode_write(ext, ext_node_of(newer));
}

/* What a crash left: files without names are deleted; the others were being truncated. */
static int clean_one(struct ext *ext, uint32_t inode, uint32_t *next)
{
	struct ext_node *node = calloc(1, sizeof(*node));
	struct ext2_inode *self = node ? ext_inode(node) : NULL;
	uint64_t blocks;
	int error;

	if (!node)
		return -ENOMEM;
	node->node.inode = inode;
	error = ext_error(ext2fs_read_inode(ext->ext2, inode, self));
	*next = self->i_dtime;
	self->i_dtime = 0;
	node->node.mode = self->i_mode;
	node->node.links = self->i_links_count;
	node->node.uid = inode_uid(*self);
	node->node.gid = inode_gid(*self);
	node->disk_size = EXT2_I_SIZE(self);
	blocks = (node->disk_size + ext->ext2->blocksize - 1) / ext->ext2->blocksize;
	if (!error && !self->i_links_count)
		error = ext_inode_delete(ext, node);
	else if (!error && ext2fs_inode_has_valid_blocks2(ext->ext2, self))
		error = ext_map_punch(ext, node, blocks);
	free(node);
	return error;
}

int ext_orphans_clean(struct ext *ext)
{
	struct ext2_super_block *super = ext->ext2->super;
	uint32_t inode = super->s_last_orphan, next, count = 0;
	int error = 0;

	while (inode && !error) {
		if (inode > super->s_inodes_count || inode < EXT2_FIRST_INODE(super) ||
		    count++ > super->s_inodes_count ||
		    !ext2fs_test_inode_bitmap2(ext->ext2->inode_map, inode))
			return -EIO;
		error = clean_one(ext, inode, &next);
		inode = next;
	}
	if (!error && count) {
		super->s_last_orphan = 0;
		ext->is_dirty = true;
		error = ext_commit(ext);
	}
	return error;
}
