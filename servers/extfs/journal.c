/*
 * How a transaction gets onto the disk, in jbd2's format: its blocks into the journal, a commit block
 * behind them, then each to its place. After a crash whoever mounts the disk (this program, Linux,
 * e2fsck) replays the transactions whose commit blocks are there, from the one that the journal's
 * superblock names.
 *
 *     journal, a ring: | super | ... | descriptor | block | ... | commit | descriptor | ... | commit | ... |
 *                                      N - 1                              N
 *
 *     1 log blocks of N   2 flush   3 commit block, super: begin with N   4 flush: committed
 *     5 blocks in place, which the flush of the next one's step 2 makes durable
 *
 * So two flushes are enough. At most two transactions are replayed: until 4 the one before as well, whose
 * blocks 2 has made durable, and over which N is written. Nothing needs to be revoked: what N frees is in
 * use by nobody until 4, and from then on nothing older than N is replayed; N itself does not have the
 * blocks that it frees. While N is written the log of N - 1 is not: if the ring has no room for both, that
 * one is retired first, with two flushes more.
 *
 * Checksums (version 3) cover each block, so that what is left of an older transaction is never taken
 * for a part of this one. Without a journal (ext2), or if the transaction is larger than the journal,
 * see ordered.c.
 */
#include <stdlib.h>
#include <string.h>

#include "extfs.h"
#include "jbd2.h"

#define WRITE_MAX 64 /* blocks in one request */

static uint32_t crc(uint32_t seed, const void *data, size_t length)
{
	return ext2fs_crc32c_le(seed, data, length);
}

static struct jbd2_super *super_of(struct ext *ext)
{
	return (struct jbd2_super *)ext->journal_super;
}

static uint32_t journal_seed(struct ext *ext)
{
	return crc(UINT32_MAX, super_of(ext)->uuid, sizeof(super_of(ext)->uuid));
}

/* The journal's superblock: a replay begins with the transaction of the present number, if it is at `start`. */
static int write_super(struct ext *ext, uint32_t start)
{
	struct jbd2_super *super = super_of(ext);
	uint32_t size = ext->ext2->blocksize;

	super->start = htobe32(start);
	super->sequence = htobe32(ext->sequence);
	super->checksum = 0;
	super->checksum = htobe32(crc(UINT32_MAX, super, sizeof(*super)));
	return ext->disk->write(ext->disk, ext->journal_blocks[0] * size, super, size);
}

struct journal_map {
	struct ext *ext;
	uint32_t length;
	int error;
};

static int map_block(ext2_filsys ext2, blk64_t *block, e2_blkcnt_t index, blk64_t ref, int offset,
		     void *context)
{
	struct journal_map *map = context;

	(void)ext2;
	(void)ref;
	(void)offset;
	if (index < 0 || (uint64_t)index >= map->length)
		return 0;
	map->ext->journal_blocks[index] = *block;
	return 0;
}

static int map_journal(struct ext *ext, uint32_t length)
{
	struct journal_map map = { ext, length, 0 };
	errcode_t error;

	ext->journal_blocks = calloc(length, sizeof(*ext->journal_blocks));
	if (!ext->journal_blocks)
		return -ENOMEM;
	error = ext2fs_block_iterate3(ext->ext2, ext->ext2->super->s_journal_inum,
				      BLOCK_FLAG_READ_ONLY, NULL, map_block, &map);
	if (error)
		return ext_error(error);
	for (uint32_t i = 0; i < length; i++)
		if (!ext->journal_blocks[i])
			return -EIO;
	return 0;
}

/* The journal is empty (it has been replayed): its superblock says what ours will look like. */
int ext_journal_start(struct ext *ext)
{
	uint32_t size = ext->ext2->blocksize, length;
	struct jbd2_super *super;
	blk64_t first;
	int error;

	if (ext2fs_bmap2(ext->ext2, ext->ext2->super->s_journal_inum, NULL, NULL, 0, 0, NULL,
			 &first) ||
	    !first)
		return -EIO;
	ext->journal_super = malloc(size);
	if (!ext->journal_super)
		return -ENOMEM;
	error = ext->disk->read(ext->disk, first * size, ext->journal_super, size);
	if (error)
		return error;
	super = super_of(ext);
	length = be32toh(super->maxlen);
	if (be32toh(super->header.magic) != JBD2_MAGIC || be32toh(super->blocksize) != size ||
	    be32toh(super->header.type) != JBD2_SUPER_V2 || super->start || length < 16 ||
	    length > (1u << 20) || be32toh(super->first) < 1 || be32toh(super->first) > length - 8)
		return -EIO;
	error = map_journal(ext, length);
	if (error)
		return error;
	ext->journal_length = length;
	ext->journal_first = ext->journal_next = be32toh(super->first);
	ext->journal_kept = 0;
	ext->sequence = be32toh(super->sequence) + 1;
	super->feature_compat = 0;
	super->feature_incompat = htobe32(JBD2_INCOMPAT_64BIT | JBD2_INCOMPAT_CSUM_V3);
	super->checksum_type = JBD2_CRC32C;
	ext->has_journal = true;
	return write_super(ext, ext->journal_next);
}

int ext_journal_stop(struct ext *ext)
{
	int error = 0;

	if (ext->has_journal && !ext->is_failed) {
		error = ext->disk->flush(ext->disk);
		if (!error)
			error = write_super(ext, 0);
	}
	free(ext->journal_blocks);
	free(ext->journal_super);
	ext->journal_blocks = NULL;
	ext->journal_super = NULL;
	ext->has_journal = false;
	return error;
}

/* ------------------------------------------------------------------------------ the log */

static uint32_t ring_length(const struct ext *ext)
{
	return ext->journal_length - ext->journal_first;
}

/* So many blocks behind the next transaction's first one. */
static uint32_t ring_index(const struct ext *ext, size_t offset)
{
	size_t index = ext->journal_next + offset;

	return (uint32_t)(index < ext->journal_length ? index : index - ring_length(ext));
}

/* Blocks of the next transaction from `at` on; those that lie together on the disk in one request. */
static int write_log(struct ext *ext, size_t at, const uint8_t *data, size_t count)
{
	uint32_t size = ext->ext2->blocksize;
	size_t i, run;
	int error;

	for (i = 0; i < count; i += run) {
		uint64_t first = ext->journal_blocks[ring_index(ext, at + i)];

		for (run = 1; i + run < count && run < WRITE_MAX; run++)
			if (ext->journal_blocks[ring_index(ext, at + i + run)] != first + run)
				break;
		error = ext->disk->write(ext->disk, first * size, data + i * size, run * size);
		if (error)
			return error;
	}
	return 0;
}

static size_t tags_per_descriptor(const struct ext *ext)
{
	return (ext->ext2->blocksize - sizeof(struct jbd2_header) - 16 - sizeof(uint32_t)) /
	       sizeof(struct jbd2_tag);
}

static void fill_header(struct ext *ext, uint8_t *block, uint32_t type)
{
	struct jbd2_header *header = (struct jbd2_header *)block;

	memset(block, 0, ext->ext2->blocksize);
	header->magic = htobe32(JBD2_MAGIC);
	header->type = htobe32(type);
	header->sequence = htobe32(ext->sequence);
}

/* A copy of a block for the log: one that looks like a journal's block is marked and masked. */
static void fill_block(struct ext *ext, uint8_t *to, const uint8_t *from, uint64_t number,
		       struct jbd2_tag *tag, uint32_t flags)
{
	uint32_t size = ext->ext2->blocksize, magic = htobe32(JBD2_MAGIC);
	uint32_t sequence = htobe32(ext->sequence), checksum;

	memcpy(to, from, size);
	if (!memcmp(to, &magic, sizeof(magic))) {
		memset(to, 0, sizeof(magic));
		flags |= JBD2_TAG_ESCAPED;
	}
	checksum = crc(journal_seed(ext), &sequence, sizeof(sequence));
	tag->block = htobe32((uint32_t)number);
	tag->block_high = htobe32((uint32_t)(number >> 32));
	tag->flags = htobe32(flags);
	tag->checksum = htobe32(crc(checksum, to, size));
}

/* A descriptor block and what it describes; returns how many blocks of the snapshot. */
static size_t fill_descriptor(struct ext *ext, uint8_t *log, const struct ext_snapshot *snapshot,
			      size_t first)
{
	uint32_t size = ext->ext2->blocksize, checksum;
	size_t count = snapshot->count - first, most = tags_per_descriptor(ext), i;
	uint8_t *tag = log + sizeof(struct jbd2_header);

	count = count < most ? count : most;
	fill_header(ext, log, JBD2_DESCRIPTOR);
	for (i = 0; i < count; i++) {
		uint32_t flags = (i ? JBD2_TAG_SAME_UUID : 0) |
				 (i + 1 == count ? JBD2_TAG_LAST : 0);

		fill_block(ext, log + (i + 1) * size, snapshot->data + (first + i) * size,
			   snapshot->numbers[first + i], (struct jbd2_tag *)tag, flags);
		tag += sizeof(struct jbd2_tag);
		if (i == 0) {
			memcpy(tag, super_of(ext)->uuid, 16);
			tag += 16;
		}
	}
	checksum = htobe32(crc(journal_seed(ext), log, size));
	memcpy(log + size - sizeof(checksum), &checksum, sizeof(checksum));
	return count;
}

static int write_commit_block(struct ext *ext, size_t at)
{
	uint32_t size = ext->ext2->blocksize;
	uint8_t *block = malloc(size);
	struct jbd2_commit *commit = (struct jbd2_commit *)block;
	int64_t now = ext->fs->transport->now();
	int error;

	if (!block)
		return -ENOMEM;
	fill_header(ext, block, JBD2_COMMIT);
	commit->seconds = htobe64((uint64_t)(now / 1000000000));
	commit->nanoseconds = htobe32((uint32_t)(now % 1000000000));
	commit->checksum[0] = htobe32(crc(journal_seed(ext), block, size));
	error = write_log(ext, at, block, 1);
	free(block);
	return error;
}

static uint64_t log_blocks(const struct ext *ext, size_t count)
{
	size_t per = tags_per_descriptor(ext);

	return count + (count + per - 1) / per + 1;
}

static int log_transaction(struct ext *ext, const struct ext_snapshot *snapshot)
{
	uint32_t size = ext->ext2->blocksize;
	uint64_t blocks = log_blocks(ext, snapshot->count) - 1;
	uint8_t *log = malloc(blocks * size);
	size_t done = 0, at = 0, count;
	int error;

	if (!log)
		return -ENOMEM;
	for (; done < snapshot->count; done += count, at += count + 1)
		count = fill_descriptor(ext, log + at * size, snapshot, done);
	error = write_log(ext, 0, log, blocks);
	free(log);
	if (!error)
		error = ext->disk->flush(ext->disk);
	if (!error)
		error = write_commit_block(ext, blocks);
	if (!error)
		error = write_super(ext, ext->journal_next);
	return error ? error : ext->disk->flush(ext->disk);
}

/* The last transaction's log is not needed any more. */
static int retire(struct ext *ext)
{
	int error;

	if (!ext->journal_kept)
		return 0;
	error = ext->disk->flush(ext->disk);
	if (!error)
		error = write_super(ext, ext->journal_next);
	if (!error)
		error = ext->disk->flush(ext->disk);
	if (!error)
		ext->journal_kept = 0;
	return error;
}

int ext_write_in_place(struct ext *ext, const struct ext_snapshot *snapshot)
{
	uint32_t size = ext->ext2->blocksize;
	const uint64_t *numbers = snapshot->numbers;
	size_t i, run;
	int error;

	for (i = 0; i < snapshot->count; i += run) {
		for (run = 1; i + run < snapshot->count && run < WRITE_MAX; run++)
			if (numbers[i + run] != numbers[i] + run)
				break;
		error = ext->disk->write(ext->disk, numbers[i] * size, snapshot->data + i * size,
					 run * size);
		if (error)
			return error;
	}
	return 0;
}

int ext_commit_write(struct ext *ext, const struct ext_snapshot *snapshot)
{
	uint64_t blocks = log_blocks(ext, snapshot->count);
	int error = 0;

	if (!snapshot->count)
		return ext->disk->flush(ext->disk);
	if (ext->has_journal && ext->journal_kept + blocks > ring_length(ext))
		error = retire(ext);
	if (error)
		return error;
	if (!ext->has_journal || blocks > ring_length(ext))
		return ext_write_ordered(ext, snapshot);
	error = log_transaction(ext, snapshot);
	if (error)
		return error;
	ext->sequence++;
	ext->journal_next = ring_index(ext, blocks);
	ext->journal_kept = (uint32_t)blocks;
	return ext_write_in_place(ext, snapshot);
}

int ext_commit_prepare(struct ext *ext, struct ext_snapshot *snapshot)
{
	struct ext_ranges empty;
	int error = ext->is_failed ? -EIO : 0;

	*snapshot = (struct ext_snapshot){ 0 };
	if (!error)
		error = ext_inodes_flush(ext);
	if (!error && ext->is_dirty)
		error = ext_write_groups(ext);
	if (!error)
		error = ext_cache_snapshot(ext, snapshot);
	if (error)
		return error;
	ext_created_take(ext, snapshot);
	ext->is_dirty = false;
	/* What failed to be released the last time is at the front of `committing`: it is empty. */
	empty = ext->committing;
	ext->committing = ext->freed;
	ext->freed = empty;
	return 0;
}

void ext_commit_finish(struct ext *ext, const struct ext_snapshot *snapshot, int error)
{
	if (error) {
		ext->is_failed = true;
		return;
	}
	ext_cache_landed(ext, snapshot);
	ext_release_freed(ext);
}

int ext_commit(struct ext *ext)
{
	struct ext_snapshot snapshot;
	int error = ext_commit_prepare(ext, &snapshot);

	if (!error) {
		error = ext_commit_write(ext, &snapshot);
		ext_commit_finish(ext, &snapshot, error);
	}
	ext_snapshot_free(&snapshot);
	return error;
}

bool ext_commit_is_due(struct ext *ext)
{
	uint64_t most = ext->has_journal ? ring_length(ext) / 4 : 1024;

	return ext_cache_dirty_count(ext) > (most < 1024 ? most : 1024);
}
