/*
 * Which blocks of the disk a file's blocks are. Runs that were looked up are remembered with the node,
 * sorted; libext2fs is asked for the others. Files with extents are extended a run at a time, files
 * with indirect blocks a block at a time.
 */
#include <string.h>

#include "extfs.h"

#define EXTENT_MAX 32768 /* blocks of one initialised extent */

void ext_map_forget(struct ext_node *node)
{
	node->run_count = 0;
}

/* The index of the last run that begins at or before `logical`, or -1. */
static int find_run(const struct ext_node *node, uint64_t logical)
{
	int low = 0, high = (int)node->run_count;

	while (low < high) {
		int middle = (low + high) / 2;

		if (node->runs[middle].logical <= logical)
			low = middle + 1;
		else
			high = middle;
	}
	return low - 1;
}

bool ext_map_cached(struct ext_node *node, uint64_t logical, uint64_t count, struct ext_run *run)
{
	int index = find_run(node, logical);
	uint64_t skip;

	if (index < 0)
		return false;
	*run = node->runs[index];
	skip = logical - run->logical;
	if (skip >= run->count)
		return false;
	run->logical = logical;
	run->physical += run->physical ? skip : 0;
	run->count -= skip;
	if (run->count > count)
		run->count = count;
	return true;
}

static void remember(struct ext_node *node, const struct ext_run *run)
{
	int index;

	if (!run->physical)
		return;
	if (node->run_count == EXT_MAP_MAX)
		node->run_count = 0;
	index = find_run(node, run->logical) + 1;
	if (index > 0) {
		struct ext_run *before = &node->runs[index - 1];

		if (before->logical == run->logical) {
			*before = *run;
			return;
		}
		if (before->logical + before->count == run->logical &&
		    before->physical + before->count == run->physical &&
		    before->is_unwritten == run->is_unwritten) {
			before->count += run->count;
			return;
		}
	}
	memmove(&node->runs[index + 1], &node->runs[index],
		(node->run_count - (unsigned)index) * sizeof(*run));
	node->runs[index] = *run;
	node->run_count++;
}

static uint32_t number_of(const struct ext_node *node)
{
	return (uint32_t)node->node.inode;
}

static bool has_extents(const struct ext_node *node)
{
	return node->inode.i_flags & EXT4_EXTENTS_FL;
}

uint64_t ext_map_limit(struct ext *ext, const struct ext_node *node)
{
	uint64_t size = ext->ext2->blocksize, per = size / sizeof(uint32_t), blocks = UINT32_MAX;

	/* Twelve in the inode; then blocks of blocks, of these, and of these again. */
	if (!has_extents(node) && 12 + per + per * per + per * per * per < blocks)
		blocks = 12 + per + per * per + per * per * per;
	return blocks * size < FS_FILE_MAX ? blocks * size : FS_FILE_MAX;
}

/* ------------------------------------------------------------------------------------ lookup */

/* Positions at the extent with `logical`. -ENOENT: none has it; libext2fs says that in two ways. */
static int go_to(ext2_extent_handle_t handle, uint64_t logical)
{
	errcode_t error = ext2fs_extent_goto2(handle, 0, logical);

	if (error == EXT2_ET_EXTENT_NOT_FOUND || error == EXT2_ET_EXTENT_NO_PREV)
		return -ENOENT;
	return ext_error(error);
}

static bool is_sane(struct ext *ext, const struct ext2fs_extent *extent)
{
	struct ext2_super_block *super = ext->ext2->super;

	return extent->e_len && extent->e_pblk >= super->s_first_data_block &&
	       extent->e_pblk + extent->e_len <= ext2fs_blocks_count(super);
}

static int look_up_extent(struct ext *ext, struct ext_node *node, uint64_t logical,
			  struct ext_run *run)
{
	ext2_extent_handle_t handle;
	struct ext2fs_extent extent;
	int error = ext_error(
		ext2fs_extent_open2(ext->ext2, number_of(node), ext_inode(node), &handle));

	if (error)
		return error;
	*run = (struct ext_run){ .logical = logical, .count = 1 };
	error = go_to(handle, logical);
	if (!error)
		error = ext_error(ext2fs_extent_get(handle, EXT2_EXTENT_CURRENT, &extent));
	ext2fs_extent_free(handle);
	if (error)
		return error == -ENOENT ? 0 : error;
	if (!is_sane(ext, &extent) || logical - extent.e_lblk >= extent.e_len)
		return -EIO;
	*run = (struct ext_run){ extent.e_lblk, extent.e_pblk, extent.e_len,
				 extent.e_flags & EXT2_EXTENT_FLAGS_UNINIT };
	return 0;
}

static int look_up_block(struct ext *ext, struct ext_node *node, uint64_t logical, uint64_t count,
			 struct ext_run *run)
{
	blk64_t block, next;

	*run = (struct ext_run){ .logical = logical, .count = 1 };
	if (ext2fs_bmap2(ext->ext2, number_of(node), ext_inode(node), NULL, 0, logical, NULL,
			 &block))
		return -EIO;
	run->physical = block;
	while (block && run->count < count) {
		if (ext2fs_bmap2(ext->ext2, number_of(node), ext_inode(node), NULL, 0,
				 logical + run->count, NULL, &next) ||
		    next != block + run->count)
			break;
		run->count++;
	}
	if (block + run->count > ext2fs_blocks_count(ext->ext2->super))
		return -EIO;
	return 0;
}

int ext_map(struct ext *ext, struct ext_node *node, uint64_t logical, uint64_t count,
	    struct ext_run *run)
{
	int error;

	if (ext_map_cached(node, logical, count, run))
		return 0;
	if (has_extents(node))
		error = look_up_extent(ext, node, logical, run);
	else
		error = look_up_block(ext, node, logical, count, run);
	if (error)
		return error;
	fs_relock(ext->fs);
	remember(node, run);
	fs_unlock(ext->fs);
	if (run->physical)
		ext_map_cached(node, logical, count, run);
	return 0;
}

/* ----------------------------------------------------------------------------------- changes */

/* Puts the extent where `logical` was not found; the handle stands beside the place. */
static errcode_t put_extent(ext2_extent_handle_t handle, struct ext2fs_extent *new)
{
	struct ext2fs_extent old;
	errcode_t error = ext2fs_extent_get(handle, EXT2_EXTENT_CURRENT, &old);

	/* Before the first extent of all libext2fs stays at the top. */
	while (!error && !(old.e_flags & EXT2_EXTENT_FLAGS_LEAF))
		error = ext2fs_extent_get(handle, EXT2_EXTENT_DOWN, &old);
	if (error == EXT2_ET_NO_CURRENT_NODE)
		return ext2fs_extent_insert(handle, 0, new);
	if (error)
		return error;
	if (old.e_lblk + old.e_len == new->e_lblk && old.e_pblk + old.e_len == new->e_pblk &&
	    !(old.e_flags & EXT2_EXTENT_FLAGS_UNINIT) && old.e_len + new->e_len <= EXTENT_MAX) {
		old.e_len += new->e_len;
		return ext2fs_extent_replace(handle, 0, &old);
	}
	error = ext2fs_extent_insert(handle,
				     old.e_lblk < new->e_lblk ? EXT2_EXTENT_INSERT_AFTER : 0, new);
	return error ? error : ext2fs_extent_fix_parents(handle);
}

static int insert_extent(struct ext *ext, struct ext_node *node, uint64_t logical,
			 const struct ext_range *range)
{
	struct ext2fs_extent extent = { .e_pblk = range->first,
					.e_lblk = logical,
					.e_len = (uint32_t)range->count };
	ext2_extent_handle_t handle;
	int error = ext_error(
		ext2fs_extent_open2(ext->ext2, number_of(node), ext_inode(node), &handle));

	if (error)
		return error;
	error = go_to(handle, logical);
	if (error == -ENOENT)
		error = ext_error(put_extent(handle, &extent));
	else if (!error)
		error = -EIO;
	ext2fs_extent_free(handle);
	return error;
}

/* *done: so many are the file's, also after an error. */
static int insert_blocks(struct ext *ext, struct ext_node *node, uint64_t logical,
			 const struct ext_range *range, uint64_t *done)
{
	for (*done = 0; *done < range->count; ++*done) {
		blk64_t block = range->first + *done;
		errcode_t error = ext2fs_bmap2(ext->ext2, number_of(node), ext_inode(node), NULL,
					       BMAP_SET | BMAP_ALLOC, logical + *done, NULL,
					       &block);

		if (error)
			return ext_error(error);
	}
	return 0;
}

int ext_map_insert(struct ext *ext, struct ext_node *node, uint64_t logical,
		   const struct ext_range *range)
{
	struct ext_run run = { logical, range->first, range->count, false };
	int error;

	ext_use_held(ext, range);
	if (has_extents(node)) {
		error = insert_extent(ext, node, logical, range);
		run.count = error ? 0 : range->count;
	} else {
		error = insert_blocks(ext, node, logical, range, &run.count);
	}
	if (error)
		ext_unuse(ext, range->first + run.count, range->count - run.count);
	if (!run.count)
		return error;
	ext2fs_iblk_add_blocks(ext->ext2, ext_inode(node), run.count);
	fs_relock(ext->fs);
	remember(node, &run);
	node->node.blocks = ext2fs_get_stat_i_blocks(ext->ext2, ext_inode(node));
	fs_node_mark_dirty(ext->fs, &node->node);
	fs_unlock(ext->fs);
	return error;
}

/* Block by block: each may split the extent. */
int ext_map_written(struct ext *ext, struct ext_node *node, const struct ext_run *run)
{
	ext2_extent_handle_t handle;
	int error = ext_error(
		ext2fs_extent_open2(ext->ext2, number_of(node), ext_inode(node), &handle));

	if (error)
		return error;
	for (uint64_t i = 0; i < run->count && !error; i++)
		error = ext_error(
			ext2fs_extent_set_bmap(handle, run->logical + i, run->physical + i, 0));
	ext2fs_extent_free(handle);
	fs_relock(ext->fs);
	ext_map_forget(node);
	fs_node_mark_dirty(ext->fs, &node->node);
	fs_unlock(ext->fs);
	return error;
}

int ext_map_punch(struct ext *ext, struct ext_node *node, uint64_t first)
{
	int error;

	fs_relock(ext->fs);
	ext_map_forget(node);
	fs_unlock(ext->fs);
	error = ext_error(ext2fs_punch(ext->ext2, number_of(node), ext_inode(node), NULL, first,
				       ~(blk64_t)0));
	fs_relock(ext->fs);
	node->node.blocks = ext2fs_get_stat_i_blocks(ext->ext2, ext_inode(node));
	fs_unlock(ext->fs);
	return error;
}

int ext_map_append(struct ext *ext, struct ext_node *node, uint64_t logical, uint64_t *physical)
{
	struct ext_range range;
	struct ext_run before;
	uint64_t goal;
	int error;

	goal = ext2fs_find_inode_goal(ext->ext2, number_of(node), ext_inode(node), logical);
	if (logical && !ext_map(ext, node, logical - 1, 1, &before) && before.physical)
		goal = before.physical + 1;
	error = ext_hold_blocks(ext, goal, 1, &range);
	if (error)
		return error;
	*physical = range.first;
	return ext_map_insert(ext, node, logical, &range);
}
