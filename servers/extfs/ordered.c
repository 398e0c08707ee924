/*
 * A transaction without a journal: its blocks go to their places in an order that e2fsck -p can mend
 * wherever it is cut off. What it cannot mend by itself is an inode that no name leads to, a map or a
 * directory that leads to a block with old garbage in it, and a directory with a hole; a name that
 * leads to an unused inode it removes. So
 *
 *     1 the blocks that the transaction allocated: indirect blocks, blocks of extents and attributes,
 *       directory blocks. Nothing on disk leads to them yet, so among them any order will do
 *     2 the others that are neither inodes nor directories: maps that lead to blocks that are there,
 *       and bitmaps; those that lead to new maps come after the rest, since what they add to a
 *       directory is behind what the others add
 *     3 directory blocks that only got names
 *     4 inodes, with those that the transaction creates blanked out, and the superblock:
 *       what is deleted is unused before its name goes
 *     5 old leaves of extent trees that reach further than before: e2fsck takes extents behind the
 *       length for damage, but not a length without extents
 *     6 directory blocks that got names and lost some, or a directory's name: that may not have two
 *     7 the blocks with created inodes, whose names are there already: those of directories in those
 *       that were there, then those in these, and so on; then the inodes of all else
 *     8 directory blocks that only lost names: a file that moves never has none, also if it moves to
 *       a directory that the transaction creates
 *
 * with a flush after each. Bitmaps and counts may be wrong in between; they are computed anew.
 *
 * A block counts as allocated by the transaction if its number was free before: what is freed is held
 * until the transaction that frees it is on disk (allocate.c), so no version of any file on disk has
 * such a block. What is cut off a file needs no order: a map that lost blocks, and an inode that still
 * has the old length, make a file with a hole.
 *
 * Some changes this order does not keep sound, and e2fsck may have to be told -y after a power cut in
 * between: files that move between blocks of step 6, a directory that moves to another one, a directory
 * that is removed in the same transaction as what was in it, or after its last file has moved out (no
 * name leads to that while the directory is unused already), old leaves of extent trees that are split
 * or begin elsewhere, and directories beyond 64 MiB (of 1 KiB blocks) that get a map of the third level
 * and one of the second in one transaction.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "extfs.h"

/* It needs types that the others have. */
#include <ext2fs/ext3_extents.h>

enum phase { NEW, MAPS, OUTER_MAPS, GAINED, INODES, LEAVES, MIXED, CREATED, LOST, PHASES };

/* A new directory, from the first block that it has. */
struct parent {
	uint64_t inode, parent;
};

struct plan {
	struct ext *ext;
	const struct ext_snapshot *snapshot;
	uint8_t *data;   /* as the disk is to have it now: inodes come one after the other */
	uint8_t *phases; /* of each block */
	bool *is_due;    /* has inodes that have come since it was written */
	struct parent *parents;
	size_t parent_count;
};

/* Compares numbers, and what begins with one. */
static int by_number(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

/* The index of the block in the snapshot, or -1. */
static ssize_t find_block(const struct ext_snapshot *snapshot, uint64_t number)
{
	const uint64_t *found = bsearch(&number, snapshot->numbers, snapshot->count, sizeof(number),
					by_number);

	return found ? found - snapshot->numbers : -1;
}

/* ------------------------------------------------------------------------- which block when */

/* Does the old map lead to one that the transaction allocated? What only looks like it does no harm. */
static bool leads_to_new_map(struct ext *ext, const struct ext_snapshot *snapshot, size_t index)
{
	uint32_t size = ext->ext2->blocksize;

	for (uint32_t at = 0; at < size; at += sizeof(uint32_t)) {
		uint32_t word;
		ssize_t found;

		memcpy(&word, snapshot->data + index * size + at, sizeof(word));
		found = word ? find_block(snapshot, le32toh(word)) : -1;
		if (found >= 0 && snapshot->is_new[found] && !snapshot->is_directory[found])
			return true;
	}
	return false;
}

/* The first of the snapshot's blocks that is not in front of `number`. */
static size_t lower_bound(const struct ext_snapshot *snapshot, uint64_t number)
{
	size_t low = 0, high = snapshot->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (snapshot->numbers[middle] < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static enum phase phase_of(const struct ext *ext, const struct ext_snapshot *snapshot, size_t index)
{
	uint8_t directory = snapshot->is_directory[index];

	if (snapshot->is_new[index])
		return NEW;
	if (directory & EXT_GAINED)
		return directory & EXT_LOST ? MIXED : GAINED;
	if (directory)
		return LOST;
	return snapshot->numbers[index] == SUPERBLOCK_OFFSET / ext->ext2->blocksize ? INODES : MAPS;
}

/* The logical block where a leaf of an extent tree ends; 0: it is something else. */
static uint64_t leaf_end(const uint8_t *data, uint32_t size)
{
	const struct ext3_extent_header *header = (const void *)data;
	const struct ext3_extent *last = (const void *)(data + sizeof(*header));
	uint32_t entries = le16toh(header->eh_entries), length;

	if (le16toh(header->eh_magic) != EXT3_EXT_MAGIC || header->eh_depth || !entries ||
	    sizeof(*header) + entries * sizeof(*last) > size)
		return 0;
	last += entries - 1;
	length = le16toh(last->ee_len);
	/* More than that: it has not been written to. */
	length -= length > EXT_INIT_MAX_LEN ? EXT_INIT_MAX_LEN : 0;
	return (uint64_t)le32toh(last->ee_block) + length;
}

/* Leaves that are longer than on the disk; `data` is not in use yet. */
static int choose_leaves(struct plan *plan)
{
	const struct ext_snapshot *snapshot = plan->snapshot;
	struct ext_disk *disk = plan->ext->disk;
	uint32_t size = plan->ext->ext2->blocksize;
	int error = 0;

	if (!ext2fs_has_feature_extents(plan->ext->ext2->super))
		return 0;
	for (size_t i = 0; i < snapshot->count && !error; i++) {
		uint64_t end = leaf_end(snapshot->data + i * size, size);

		if (!end || plan->phases[i] != MAPS)
			continue;
		error = disk->read(disk, snapshot->numbers[i] * size, plan->data, size);
		if (!error && end > leaf_end(plan->data, size))
			plan->phases[i] = LEAVES;
	}
	return error;
}

static void choose_phases(struct plan *plan)
{
	const struct ext_snapshot *snapshot = plan->snapshot;
	ext2_filsys ext2 = plan->ext->ext2;
	bool has_new_maps = false;

	for (size_t i = 0; i < snapshot->count; i++) {
		has_new_maps |= snapshot->is_new[i] && !snapshot->is_directory[i];
		plan->phases[i] = (uint8_t)phase_of(plan->ext, snapshot, i);
	}
	for (dgrp_t group = 0; group < ext2->group_desc_count; group++) {
		uint64_t first = ext2fs_inode_table_loc(ext2, group);
		uint64_t end = first + ext2->inode_blocks_per_group;
		size_t i = lower_bound(snapshot, first);

		for (; i < snapshot->count && snapshot->numbers[i] < end; i++)
			plan->phases[i] = INODES;
	}
	for (size_t i = 0; i < snapshot->count && has_new_maps; i++)
		if (plan->phases[i] == MAPS && leads_to_new_map(plan->ext, snapshot, i))
			plan->phases[i] = OUTER_MAPS;
}

/* --------------------------------------------------------------------------- created inodes */

/* New directories and their parents: a directory's first block begins with "." and "..". */
static void note_parents(struct plan *plan)
{
	const struct ext_snapshot *snapshot = plan->snapshot;
	uint32_t size = plan->ext->ext2->blocksize;

	for (size_t i = 0; i < snapshot->count; i++) {
		const uint8_t *data = snapshot->data + i * size;
		const struct ext2_dir_entry_2 *self = (const void *)data;
		const struct ext2_dir_entry_2 *parent = (const void *)(data + 12);

		if (!snapshot->is_new[i] || !snapshot->is_directory[i])
			continue;
		if (self->inode && self->name_len == 1 && self->name[0] == '.')
			plan->parents[plan->parent_count++] = (struct parent){ self->inode,
									       parent->inode };
	}
	qsort(plan->parents, plan->parent_count, sizeof(*plan->parents), by_number);
}

/* How many new directories are above a new one; -1: it is none. */
static int level_of(const struct plan *plan, uint64_t inode)
{
	const struct parent *found;
	int level = -1;

	do {
		found = bsearch(&inode, plan->parents, plan->parent_count, sizeof(*found),
				by_number);
		inode = found ? found->parent : 0;
		level += found != NULL;
	} while (found && level < (int)plan->parent_count);
	return level;
}

/* The created inodes of that level get what the snapshot has, or with `blank` all of them nothing. */
static void put_created(struct plan *plan, int level, bool blank)
{
	const struct ext_snapshot *snapshot = plan->snapshot;
	ext2_filsys ext2 = plan->ext->ext2;
	uint32_t bytes = EXT2_INODE_SIZE(ext2->super), per = ext2->super->s_inodes_per_group;

	for (size_t i = 0; i < snapshot->created.count; i++) {
		const struct ext_range *range = &snapshot->created.items[i];

		for (uint64_t inode = range->first; inode < range->first + range->count; inode++) {
			uint64_t offset = (inode - 1) % per * bytes, block;
			ssize_t index;

			block = ext2fs_inode_table_loc(ext2, (dgrp_t)((inode - 1) / per)) +
				offset / ext2->blocksize;
			index = find_block(snapshot, block);
			if (index < 0 || (!blank && level_of(plan, inode) != level))
				continue;
			offset = (uint64_t)index * ext2->blocksize + offset % ext2->blocksize;
			if (blank)
				memset(plan->data + offset, 0, bytes);
			else
				memcpy(plan->data + offset, snapshot->data + offset, bytes);
			plan->is_due[index] = !blank;
		}
	}
}

/* ---------------------------------------------------------------------------------- writing */

/* The blocks of one phase, each by itself: they are few. */
static int write_phase(struct plan *plan, enum phase phase)
{
	const struct ext_snapshot *snapshot = plan->snapshot;
	struct ext_disk *disk = plan->ext->disk;
	uint32_t size = plan->ext->ext2->blocksize;
	bool is_empty = true;
	int error = 0;

	for (size_t i = 0; i < snapshot->count && !error; i++) {
		if (phase == CREATED ? !plan->is_due[i] : plan->phases[i] != phase)
			continue;
		is_empty = plan->is_due[i] = false;
		error = disk->write(disk, snapshot->numbers[i] * size, plan->data + i * size, size);
	}
	return error || is_empty ? error : disk->flush(disk);
}

static int write_created(struct plan *plan)
{
	int deepest = -1, error = 0;

	for (size_t i = 0; i < plan->parent_count; i++) {
		int level = level_of(plan, plan->parents[i].inode);

		deepest = level > deepest ? level : deepest;
	}
	for (int level = 0; level <= deepest && !error; level++) {
		put_created(plan, level, false);
		error = write_phase(plan, CREATED);
	}
	put_created(plan, -1, false);
	return error ? error : write_phase(plan, CREATED);
}

int ext_write_ordered(struct ext *ext, const struct ext_snapshot *snapshot)
{
	size_t count = snapshot->count, bytes = count * ext->ext2->blocksize;
	struct plan plan = { .ext = ext,
			     .snapshot = snapshot,
			     .data = malloc(bytes),
			     .phases = malloc(count),
			     .is_due = calloc(count, sizeof(bool)),
			     .parents = calloc(count, sizeof(struct parent)) };
	int error = plan.data && plan.phases && plan.is_due && plan.parents ? 0 : -ENOMEM;

	if (!error) {
		choose_phases(&plan);
		error = choose_leaves(&plan);
	}
	if (!error) {
		memcpy(plan.data, snapshot->data, bytes);
		note_parents(&plan);
		put_created(&plan, 0, true);
	}
	for (enum phase phase = NEW; phase < PHASES && !error; phase++)
		error = phase == CREATED ? write_created(&plan) : write_phase(&plan, phase);
	free(plan.data);
	free(plan.phases);
	free(plan.is_due);
	free(plan.parents);
	return error;
}
