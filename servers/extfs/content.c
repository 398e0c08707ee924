/*
 * A file's bytes, between disk and memory: where they are to be written, and what the inode says
 * afterwards. Blocks are chosen when data is written (so that what was written little by little lies
 * together), and become the file's when the data is there; until then they are promised.
 */
#include "extfs.h"

#define ADVANCE (1u << 20) /* bytes that a growing file gets beyond what it asks for, at most */

static uint64_t blocks_of(const struct ext *ext, uint64_t bytes)
{
	return (bytes + ext->ext2->blocksize - 1) / ext->ext2->blocksize;
}

/* With its data a file needs blocks for its map: one in about 200, more if it is scattered. */
static uint64_t with_map(uint64_t blocks)
{
	return blocks + blocks / 128 + 1;
}

/* The blocks that were promised for these are there, or are not needed. */
static void redeem(struct ext *ext, struct ext_node *node, uint64_t blocks)
{
	if (blocks > node->reserved)
		blocks = node->reserved;
	node->reserved -= blocks;
	ext_unreserve(ext, blocks);
}

/* What was promised beyond the end of a file that nobody writes to is given back. Locked. */
static void trim(struct fs *fs, struct ext_node *node)
{
	struct ext *ext = ext_of(fs);
	uint64_t end;

	ext_file_refresh(fs, &node->node);
	end = blocks_of(ext, node->node.size) * ext->ext2->blocksize;
	if (node->limit <= end || ext_file_set_limit(fs, node, end))
		return;
	redeem(ext, node, (node->limit - end) / ext->ext2->blocksize);
	node->limit = end;
}

static void trim_all(struct fs *fs)
{
	struct fs_node *node;

	fs_relock(fs);
	for (uint64_t bucket = 0; bucket < fs->node_buckets; bucket++)
		for (node = fs->nodes[bucket]; node; node = node->hash_next)
			if (!node->writers && ext_node_of(node)->limit)
				trim(fs, ext_node_of(node));
	fs_unlock(fs);
}

/* Room for so many more blocks of content. Unless space is short files get some in advance. */
static int reserve(struct fs *fs, uint64_t blocks)
{
	int error = ext_reserve(ext_of(fs), with_map(blocks));

	if (error != -ENOSPC)
		return error;
	trim_all(fs);
	return ext_reserve(ext_of(fs), with_map(blocks));
}

int ext_content_grow(struct fs *fs, struct fs_node *node, uint64_t length, bool allocate,
		     uint64_t *limit)
{
	struct ext *ext = ext_of(fs);
	struct ext_node *self = ext_node_of(node);
	uint64_t most = ext_map_limit(ext, self), more = length < ADVANCE ? length : ADVANCE;
	uint64_t old, blocks;
	int error;

	if (length > most)
		return -EFBIG;
	if (more > most - length)
		more = most - length;
	fs_relock(fs);
	ext_file_refresh(fs, node);
	fs_unlock(fs);
	old = self->limit > node->size ? self->limit : node->size;
	*limit = old;
	if (length > old) {
		/* Some more than was asked for, unless space is short. */
		blocks = blocks_of(ext, length + more) - blocks_of(ext, old);
		error = reserve(fs, blocks);
		if (error) {
			more = 0;
			blocks = blocks_of(ext, length) - blocks_of(ext, old);
			error = ext_reserve(ext, with_map(blocks));
		}
		if (error)
			return error;
		self->reserved += with_map(blocks);
		*limit = self->limit = blocks_of(ext, length + more) * ext->ext2->blocksize;
	}
	error = ext_file_set_limit(fs, self, *limit);
	if (!error && allocate && length > node->size)
		error = ext_file_resize(fs, self, length);
	return error;
}

int ext_content_place(struct ext *ext, struct ext_node *node, uint64_t logical, uint64_t count,
		      struct ext_transfer *transfer)
{
	struct ext_run before;
	uint64_t goal;
	int error = ext_map(ext, node, logical, count, &transfer->run);

	transfer->is_held = false;
	node->cut = UINT64_MAX;
	if (error)
		return error;
	if (!transfer->run.physical) {
		struct ext_run next;
		uint64_t hole = 1;

		while (hole < count && !ext_map(ext, node, logical + hole, 1, &next) &&
		       !next.physical)
			hole++;
		goal = ext2fs_find_inode_goal(ext->ext2, (ext2_ino_t)node->node.inode,
					      ext_inode(node), logical);
		if (logical && !ext_map(ext, node, logical - 1, 1, &before) && before.physical)
			goal = before.physical + 1;
		error = ext_hold_blocks(ext, goal, hole, &transfer->range);
		if (error)
			return error;
		transfer->is_held = true;
		transfer->run = (struct ext_run){ logical, transfer->range.first,
						  transfer->range.count, false };
		return 0;
	}
	transfer->range = (struct ext_range){ transfer->run.physical, transfer->run.count, false };
	return ext_busy_begin(ext, &transfer->range);
}

static void extend(struct ext *ext, struct ext_node *node, uint64_t end, uint64_t size)
{
	end = end < size ? end : size;
	fs_relock(ext->fs);
	if (end > node->disk_size)
		node->disk_size = end;
	fs_node_mark_dirty(ext->fs, &node->node);
	fs_unlock(ext->fs);
}

bool ext_content_is_cut(struct ext *ext, struct ext_node *node, const struct ext_transfer *transfer,
			uint64_t size)
{
	uint64_t end = transfer->run.logical + transfer->run.count;

	return blocks_of(ext, size < node->cut ? size : node->cut) < end;
}

/*
 * `size`: the file's now. What was cut off meanwhile does not become part of it again, also if the file
 * has grown since.
 */
int ext_content_written(struct ext *ext, struct ext_node *node, struct ext_transfer *transfer,
			uint64_t size, int error)
{
	struct ext_run *run = &transfer->run;
	uint64_t blocks, end;

	size = size < node->cut ? size : node->cut;
	blocks = blocks_of(ext, size);
	if (!transfer->is_held) {
		ext_busy_end(ext, &transfer->range);
		if (run->logical + run->count > blocks)
			run->count = run->logical < blocks ? blocks - run->logical : 0;
		if (!error && run->is_unwritten && run->count)
			error = ext_map_written(ext, node, run);
	} else if (error || run->logical >= blocks) {
		ext_drop_held(ext, &transfer->range);
	} else {
		if (run->logical + run->count > blocks) {
			struct ext_range rest = transfer->range;

			transfer->range.count = blocks - run->logical;
			rest.first += transfer->range.count;
			rest.count -= transfer->range.count;
			ext_drop_held(ext, &rest);
		}
		error = ext_map_insert(ext, node, run->logical, &transfer->range);
		redeem(ext, node, transfer->range.count);
	}
	end = (run->logical + run->count) * ext->ext2->blocksize;
	if (!error && run->logical < blocks)
		extend(ext, node, end, size);
	return error;
}

/* Nobody writes any more, and all is written: what is still promised is not needed. */
void ext_content_settle(struct ext *ext, struct ext_node *node)
{
	redeem(ext, node, node->reserved);
	node->limit = 0;
}

int ext_content_truncate(struct fs *fs, struct fs_node *node, uint64_t length)
{
	struct ext *ext = ext_of(fs);
	struct ext_node *self = ext_node_of(node);
	int error;

	if (length > ext_map_limit(ext, self))
		return -EFBIG;
	if (length < self->cut)
		self->cut = length;
	error = ext_file_resize(fs, self, length);
	if (error)
		return error;
	if (length < node->size || length < self->disk_size) {
		if (ext2fs_inode_has_valid_blocks2(ext->ext2, ext_inode(self)))
			error = ext_map_punch(ext, self, blocks_of(ext, length));
	}
	self->disk_size = length;
	node->blocks = ext2fs_get_stat_i_blocks(ext->ext2, ext_inode(self));
	return error;
}
