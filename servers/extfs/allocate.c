/*
 * Which blocks and inodes are free, and for what.
 *
 * libext2fs's bitmaps say what is in use as the running transaction has it. On top of that, blocks and
 * inodes can be *held*: free, but not to be given to anybody.
 *   - What a transaction frees stays held until it is on disk: before that, the old owner would be
 *     back after a crash, and find other data in its blocks.
 *   - Blocks into which data is being written become the file's only after that (ext_use_held), so
 *     that a crash shows neither somebody's old data nor blocks that nobody owns.
 * Promises (ext_reserve) are only counted: so many blocks are kept free for data to come.
 */
#include <stdlib.h>
#include <string.h>

#include "extfs.h"

#define BUSY_MAX (sizeof(((struct ext *)0)->busy) / sizeof(struct ext_range *))

static bool is_held(const uint8_t *bits, uint64_t number)
{
	return bits[number / 8] & 1u << number % 8;
}

static void hold(uint8_t *bits, uint64_t first, uint64_t count)
{
	for (; count; count--, first++)
		bits[first / 8] |= (uint8_t)(1u << first % 8);
}

static void unhold(uint8_t *bits, uint64_t first, uint64_t count)
{
	for (; count; count--, first++)
		bits[first / 8] &= (uint8_t) ~(1u << first % 8);
}

int ext_ranges_add(struct ext_ranges *ranges, uint64_t first, uint64_t count, bool is_inodes)
{
	struct ext_range *items = ranges->items;

	if (ranges->count) {
		struct ext_range *last = &items[ranges->count - 1];

		if (last->is_inodes == is_inodes && last->first + last->count == first) {
			last->count += count;
			return 0;
		}
	}
	if (ranges->count == ranges->room) {
		size_t room = ranges->room ? ranges->room * 2 : 64;

		items = realloc(items, room * sizeof(*items));
		if (!items)
			return -ENOMEM;
		ranges->items = items;
		ranges->room = room;
	}
	items[ranges->count++] = (struct ext_range){ first, count, is_inodes };
	return 0;
}

/* ----------------------------------------------------------- what libext2fs tells us it did */

static struct ext *ext_from(ext2_filsys ext2)
{
	return ext2->priv_data;
}

static void note_groups(struct ext *ext, uint64_t first, uint64_t count)
{
	dgrp_t group = ext2fs_group_of_blk2(ext->ext2, first);
	dgrp_t last = ext2fs_group_of_blk2(ext->ext2, first + count - 1);

	for (; group <= last; group++)
		ext->dirty_groups[group] = 1;
	ext->is_dirty = true;
}

/* Freed blocks stay held; without memory for the list they do so until the next mount. */
static void note_freed(struct ext *ext, uint64_t first, uint64_t count)
{
	hold(ext->held_blocks, first, count);
	ext_ranges_add(&ext->freed, first, count, false);
	for (uint64_t i = 0; i < count; i++)
		ext_block_forget(ext, first + i);
}

static void on_block(ext2_filsys ext2, blk64_t block, int in_use)
{
	note_groups(ext_from(ext2), block, 1);
	if (in_use < 0)
		note_freed(ext_from(ext2), block, 1);
	else
		ext_block_allocated(ext_from(ext2), block);
}

/* For a block of a file's map; libext2fs marks it as used itself. */
static errcode_t on_allocate(ext2_filsys ext2, blk64_t goal, blk64_t *block)
{
	struct ext_range range;

	if (ext_hold_blocks(ext_from(ext2), goal, 1, &range))
		return EXT2_ET_BLOCK_ALLOC_FAIL;
	ext_drop_held(ext_from(ext2), &range);
	*block = range.first;
	return 0;
}

int ext_allocate_start(struct ext *ext)
{
	struct ext2_super_block *super = ext->ext2->super;

	ext->held_blocks = calloc(1, ext2fs_blocks_count(super) / 8 + 1);
	ext->held_inodes = calloc(1, super->s_inodes_count / 8 + 1);
	ext->new_inodes = calloc(1, super->s_inodes_count / 8 + 1);
	ext->dirty_groups = calloc(1, ext->ext2->group_desc_count);
	ext->next_inodes = calloc(ext->ext2->group_desc_count, sizeof(*ext->next_inodes));
	if (!ext->held_blocks || !ext->held_inodes || !ext->new_inodes || !ext->dirty_groups ||
	    !ext->next_inodes)
		return -ENOMEM;
	for (dgrp_t group = 0; group < ext->ext2->group_desc_count; group++)
		ext->next_inodes[group] = group * super->s_inodes_per_group + 1;
	if (ext->next_inodes[0] < EXT2_FIRST_INODE(super))
		ext->next_inodes[0] = EXT2_FIRST_INODE(super);
	ext->ext2->priv_data = ext;
	ext2fs_set_alloc_block_callback(ext->ext2, on_allocate, NULL);
	ext2fs_set_block_alloc_stats_callback(ext->ext2, on_block, NULL);
	return 0;
}

void ext_allocate_stop(struct ext *ext)
{
	free(ext->held_blocks);
	free(ext->held_inodes);
	free(ext->new_inodes);
	free(ext->dirty_groups);
	free(ext->next_inodes);
	free(ext->freed.items);
	free(ext->created.items);
	free(ext->committing.items);
}

/* -------------------------------------------------------------------------------- allocation */

static bool is_free(struct ext *ext, uint64_t block)
{
	return !is_held(ext->held_blocks, block) &&
	       !ext2fs_fast_test_block_bitmap2(ext->ext2->block_map, block);
}

/* The first free block of [first, end). */
static uint64_t find_free(struct ext *ext, uint64_t first, uint64_t end)
{
	blk64_t found;

	while (first < end) {
		if (ext2fs_find_first_zero_block_bitmap2(ext->ext2->block_map, first, end - 1,
							 &found))
			return 0;
		if (!is_held(ext->held_blocks, found))
			return found;
		first = found + 1;
	}
	return 0;
}

int ext_hold_blocks(struct ext *ext, uint64_t goal, uint64_t wanted, struct ext_range *range)
{
	struct ext2_super_block *super = ext->ext2->super;
	uint64_t first = super->s_first_data_block, end = ext2fs_blocks_count(super), block, count;

	if (goal < first || goal >= end)
		goal = ext->next_goal >= first && ext->next_goal < end ? ext->next_goal : first;
	block = find_free(ext, goal, end);
	if (!block)
		block = find_free(ext, first, goal);
	if (!block)
		return -ENOSPC;
	for (count = 1; count < wanted && block + count < end; count++)
		if (!is_free(ext, block + count))
			break;
	hold(ext->held_blocks, block, count);
	*range = (struct ext_range){ block, count, false };
	ext->next_goal = block + count;
	return 0;
}

void ext_use_held(struct ext *ext, const struct ext_range *range)
{
	unhold(ext->held_blocks, range->first, range->count);
	/* libext2fs would tell of it with the range's end, and a count of 0. */
	note_groups(ext, range->first, range->count);
	ext2fs_block_alloc_stats_range(ext->ext2, range->first, (blk_t)range->count, 1);
}

void ext_unuse(struct ext *ext, uint64_t first, uint64_t count)
{
	note_groups(ext, first, count);
	ext2fs_block_alloc_stats_range(ext->ext2, first, (blk_t)count, -1);
}

void ext_drop_held(struct ext *ext, const struct ext_range *range)
{
	unhold(ext->held_blocks, range->first, range->count);
}

/* The first inode of the group that may be given to somebody; 0: there is none. */
static uint32_t find_inode(struct ext *ext, dgrp_t group)
{
	uint32_t last = (group + 1) * ext->ext2->super->s_inodes_per_group;
	uint32_t *next = &ext->next_inodes[group];
	ext2_ino_t found;

	while (*next <= last) {
		if (ext2fs_find_first_zero_inode_bitmap2(ext->ext2->inode_map, *next, last, &found))
			found = last + 1;
		*next = found;
		if (found <= last && !is_held(ext->held_inodes, found))
			return found;
		*next = found + 1;
	}
	return 0;
}

static dgrp_t group_of_inode(const struct ext *ext, uint64_t inode)
{
	return (dgrp_t)((inode - 1) / ext->ext2->super->s_inodes_per_group);
}

/* It may be given to somebody. */
static void offer_inode(struct ext *ext, uint64_t inode)
{
	uint32_t *next = &ext->next_inodes[group_of_inode(ext, inode)];

	unhold(ext->held_inodes, inode, 1);
	if (inode < *next)
		*next = (uint32_t)inode;
}

/* Directories go to a group with much room, all else to its directory's group. */
static dgrp_t group_for(struct ext *ext, uint32_t parent, bool is_directory)
{
	ext2_filsys ext2 = ext->ext2;
	dgrp_t group = (parent - 1) / ext2->super->s_inodes_per_group, best = group, i;

	if (!is_directory || parent != EXT2_ROOT_INO)
		return group;
	for (i = 0; i < ext2->group_desc_count; i++)
		if (ext2fs_bg_free_inodes_count(ext2, i) >
			    ext2fs_bg_free_inodes_count(ext2, best) &&
		    ext2fs_bg_free_blocks_count(ext2, i) >=
			    ext2fs_bg_free_blocks_count(ext2, best) / 2)
			best = i;
	return best;
}

int ext_allocate_inode(struct ext *ext, uint32_t parent, bool is_directory, uint32_t *inode)
{
	ext2_filsys ext2 = ext->ext2;
	dgrp_t count = ext2->group_desc_count, group = group_for(ext, parent, is_directory);

	*inode = 0;
	for (dgrp_t i = 0; i < count && !*inode; i++)
		*inode = find_inode(ext, (group + i) % count);
	if (!*inode)
		return -ENOSPC;
	ext2fs_inode_alloc_stats2(ext2, *inode, 1, is_directory);
	ext->dirty_groups[group_of_inode(ext, *inode)] = 1;
	ext->is_dirty = true;
	return 0;
}

int ext_created_add(struct ext *ext, uint32_t inode)
{
	int error = is_held(ext->new_inodes, inode) ? 0
						    : ext_ranges_add(&ext->created, inode, 1, true);

	if (!error)
		hold(ext->new_inodes, inode, 1);
	return error;
}

void ext_created_take(struct ext *ext, struct ext_snapshot *snapshot)
{
	snapshot->created = ext->created;
	ext->created = (struct ext_ranges){ 0 };
	for (size_t i = 0; i < snapshot->created.count; i++)
		unhold(ext->new_inodes, snapshot->created.items[i].first,
		       snapshot->created.items[i].count);
}

/*
 * One that the running transaction made has never been anybody's on disk: a new file may have it at
 * once. All else waits for the transaction.
 */
void ext_free_inode(struct ext *ext, uint32_t inode, bool is_directory)
{
	ext2fs_inode_alloc_stats2(ext->ext2, inode, -1, is_directory);
	ext->dirty_groups[group_of_inode(ext, inode)] = 1;
	ext->is_dirty = true;
	if (is_held(ext->new_inodes, inode)) {
		offer_inode(ext, inode);
		return;
	}
	hold(ext->held_inodes, inode, 1);
	ext_ranges_add(&ext->freed, inode, 1, true);
}

uint64_t ext_free_blocks(struct ext *ext)
{
	uint64_t count = ext2fs_free_blocks_count(ext->ext2->super);

	return count > ext->reserved ? count - ext->reserved : 0;
}

/* What the superblock reserves is left for metadata. */
int ext_reserve(struct ext *ext, uint64_t blocks)
{
	uint64_t count = ext_free_blocks(ext), kept = ext2fs_r_blocks_count(ext->ext2->super);

	if (count < kept + 8 || count - kept - 8 < blocks)
		return -ENOSPC;
	ext->reserved += blocks;
	return 0;
}

void ext_unreserve(struct ext *ext, uint64_t blocks)
{
	ext->reserved -= blocks < ext->reserved ? blocks : ext->reserved;
}

/* ------------------------------------------------------------------------------- transfers */

int ext_busy_begin(struct ext *ext, struct ext_range *range)
{
	for (size_t i = 0; i < BUSY_MAX; i++) {
		if (!ext->busy[i]) {
			ext->busy[i] = range;
			return 0;
		}
	}
	return -EAGAIN;
}

void ext_busy_end(struct ext *ext, struct ext_range *range)
{
	for (size_t i = 0; i < BUSY_MAX; i++)
		if (ext->busy[i] == range)
			ext->busy[i] = NULL;
}

static bool is_busy(const struct ext *ext, const struct ext_range *range)
{
	for (size_t i = 0; i < BUSY_MAX; i++) {
		const struct ext_range *busy = ext->busy[i];

		if (busy && busy->first < range->first + range->count &&
		    range->first < busy->first + busy->count)
			return true;
	}
	return false;
}

/* The transaction that freed them is on disk. What is being written to still waits for the next. */
void ext_release_freed(struct ext *ext)
{
	struct ext_ranges *ranges = &ext->committing;

	for (size_t i = 0; i < ranges->count; i++) {
		struct ext_range *range = &ranges->items[i];

		if (range->is_inodes)
			for (uint64_t n = 0; n < range->count; n++)
				offer_inode(ext, range->first + n);
		else if (is_busy(ext, range))
			ext_ranges_add(&ext->freed, range->first, range->count, false);
		else
			unhold(ext->held_blocks, range->first, range->count);
	}
	ranges->count = 0;
}

/* ---------------------------------------------------------------------- bitmaps on disk */

static int write_block_bitmap(struct ext *ext, dgrp_t group, char *buffer)
{
	ext2_filsys ext2 = ext->ext2;
	uint64_t first = ext2fs_group_first_block2(ext2, group);
	uint32_t bits = EXT2_CLUSTERS_PER_GROUP(ext2->super);
	uint64_t count = ext2fs_blocks_count(ext2->super) - first;

	if (ext2fs_bg_flags_test(ext2, group, EXT2_BG_BLOCK_UNINIT))
		return 0;
	memset(buffer, 0xff, ext2->blocksize);
	count = count < bits ? count : bits;
	if (ext2fs_get_block_bitmap_range2(ext2->block_map, first, count, buffer))
		return -EIO;
	for (uint64_t i = count; i % 8; i++)
		buffer[i / 8] |= (char)(1 << i % 8);
	ext2fs_block_bitmap_csum_set(ext2, group, buffer, (int)bits / 8);
	return ext_error(
		io_channel_write_blk64(ext2->io, ext2fs_block_bitmap_loc(ext2, group), 1, buffer));
}

static int write_inode_bitmap(struct ext *ext, dgrp_t group, char *buffer)
{
	ext2_filsys ext2 = ext->ext2;
	uint32_t count = ext2->super->s_inodes_per_group;

	if (ext2fs_bg_flags_test(ext2, group, EXT2_BG_INODE_UNINIT))
		return 0;
	memset(buffer, 0xff, ext2->blocksize);
	if (ext2fs_get_inode_bitmap_range2(ext2->inode_map, (uint64_t)group * count + 1, count,
					   buffer))
		return -EIO;
	ext2fs_inode_bitmap_csum_set(ext2, group, buffer, (int)count / 8);
	return ext_error(
		io_channel_write_blk64(ext2->io, ext2fs_inode_bitmap_loc(ext2, group), 1, buffer));
}

static int write_descriptors(struct ext *ext, uint64_t index)
{
	ext2_filsys ext2 = ext->ext2;
	const char *bytes = (const char *)ext2->group_desc + index * ext2->blocksize;
	blk64_t block = ext2fs_descriptor_block_loc2(ext2, ext2->super->s_first_data_block,
						     (dgrp_t)index);

	return ext_error(io_channel_write_blk64(ext2->io, block, 1, bytes));
}

static int write_super(struct ext *ext)
{
	struct ext2_super_block *super = ext->ext2->super;
	struct ext_block *block;
	uint32_t size = ext->ext2->blocksize;
	int error;

	super->s_wtime = (uint32_t)(ext->fs->transport->now() / 1000000000);
	ext2fs_superblock_csum_set(ext->ext2, super);
	error = ext_block_get(ext, SUPERBLOCK_OFFSET / size, &block);
	if (error)
		return error;
	memcpy(block->data + SUPERBLOCK_OFFSET % size, super, SUPERBLOCK_SIZE);
	ext_block_dirty(ext, block);
	return 0;
}

int ext_write_groups(struct ext *ext)
{
	ext2_filsys ext2 = ext->ext2;
	uint64_t per_block = EXT2_DESC_PER_BLOCK(ext2->super), written = UINT64_MAX;
	char *buffer = malloc(ext2->blocksize);
	int error = buffer ? 0 : -ENOMEM;

	for (dgrp_t group = 0; group < ext2->group_desc_count && !error; group++) {
		if (!ext->dirty_groups[group])
			continue;
		error = write_block_bitmap(ext, group, buffer);
		if (!error)
			error = write_inode_bitmap(ext, group, buffer);
		ext2fs_group_desc_csum_set(ext2, group);
	}
	for (dgrp_t group = 0; group < ext2->group_desc_count && !error; group++) {
		if (!ext->dirty_groups[group] || group / per_block == written)
			continue;
		written = group / per_block;
		error = write_descriptors(ext, written);
	}
	free(buffer);
	if (!error) {
		memset(ext->dirty_groups, 0, ext2->group_desc_count);
		error = write_super(ext);
	}
	return error;
}
