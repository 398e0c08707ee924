/* A file system's begin and end: features, the journal's replay, what the superblock says. */
#include <stdio.h>
#include <stdlib.h>

#include "extfs.h"

/* e2fsprogs's debugfs/journal.c: replays the journal and opens the file system again. */
errcode_t ext2fs_run_ext3_journal(ext2_filsys *fs);
/* Of e2fsck/revoke.c: what a replay that failed may leave behind. */
void jbd2_journal_destroy_revoke_record_cache(void);
void jbd2_journal_destroy_revoke_table_cache(void);

#define INCOMPAT                                                                                   \
	(EXT2_FEATURE_INCOMPAT_FILETYPE | EXT3_FEATURE_INCOMPAT_RECOVER |                          \
	 EXT2_FEATURE_INCOMPAT_META_BG | EXT3_FEATURE_INCOMPAT_EXTENTS |                           \
	 EXT4_FEATURE_INCOMPAT_64BIT | EXT4_FEATURE_INCOMPAT_FLEX_BG |                             \
	 EXT4_FEATURE_INCOMPAT_CSUM_SEED | EXT4_FEATURE_INCOMPAT_LARGEDIR)
#define RO_COMPAT                                                                                  \
	(EXT2_FEATURE_RO_COMPAT_SPARSE_SUPER | EXT2_FEATURE_RO_COMPAT_LARGE_FILE |                 \
	 EXT4_FEATURE_RO_COMPAT_HUGE_FILE | EXT4_FEATURE_RO_COMPAT_GDT_CSUM |                      \
	 EXT4_FEATURE_RO_COMPAT_DIR_NLINK | EXT4_FEATURE_RO_COMPAT_EXTRA_ISIZE |                   \
	 EXT4_FEATURE_RO_COMPAT_METADATA_CSUM)

int ext_error(errcode_t error)
{
	if (error == 0)
		return 0;
	if (error > 0 && error < 256)
		return -(int)error;
	switch (error) {
	case EXT2_ET_NO_MEMORY:
		return -ENOMEM;
	case EXT2_ET_BLOCK_ALLOC_FAIL:
	case EXT2_ET_INODE_ALLOC_FAIL:
	case EXT2_ET_EA_NO_SPACE:
		return -ENOSPC;
	case EXT2_ET_RO_FILSYS:
		return -EROFS;
	case EXT2_ET_FILE_TOO_BIG:
		return -EFBIG;
	case EXT2_ET_EA_KEY_NOT_FOUND:
		return -ENODATA;
	default:
		return -EIO;
	}
}

static int check_features(const struct ext *ext)
{
	struct ext2_super_block *super = ext->ext2->super;

	if (super->s_feature_incompat & ~(uint32_t)INCOMPAT || ext->ext2->blocksize > 4096)
		return -EOPNOTSUPP;
	if (!ext->disk->is_read_only && super->s_feature_ro_compat & ~(uint32_t)RO_COMPAT)
		return -EOPNOTSUPP;
	if (ext2fs_blocks_count(super) > ext->disk->size / ext->ext2->blocksize)
		return -EIO;
	return 0;
}

static int open_ext2(struct ext *ext)
{
	int flags = EXT2_FLAG_64BITS | (ext->disk->is_read_only ? 0 : EXT2_FLAG_RW);
	int error;

	ext->cache = ext_cache_new(ext->disk);
	if (!ext->cache)
		return -ENOMEM;
	snprintf(ext->cache_name, sizeof(ext->cache_name), "%lx", (unsigned long)ext->cache);
	error = ext_error(ext2fs_open(ext->cache_name, flags, 0, 0, &ext_io_manager, &ext->ext2));
	return error ? error : check_features(ext);
}

/* A dirty journal is replayed, or the file system is not mounted. */
static int replay(struct ext *ext)
{
	if (!ext2fs_has_feature_journal_needs_recovery(ext->ext2->super))
		return 0;
	if (ext->disk->is_read_only)
		return -EROFS;
	if (ext2fs_run_ext3_journal(&ext->ext2) || !ext->ext2) {
		jbd2_journal_destroy_revoke_record_cache();
		jbd2_journal_destroy_revoke_table_cache();
		return -EIO;
	}
	/* It has written what it knew of the superblock; that is on disk before the rest goes on. */
	ext2fs_clear_feature_journal_needs_recovery(ext->ext2->super);
	return ext_cache_write(ext->cache);
}

/*
 * From now on a crash must be noticed: with a journal by replaying it, without by a full check. What
 * needed a check when it was mounted needs it still.
 */
static int mark_mounted(struct ext *ext, bool is_mounted)
{
	struct ext2_super_block *super = ext->ext2->super;
	bool has_journal = ext2fs_has_feature_journal(super) && super->s_journal_inum;

	if (is_mounted) {
		super->s_mnt_count++;
		super->s_mtime = (uint32_t)(ext->fs->transport->now() / 1000000000);
	}
	if (has_journal && is_mounted)
		ext2fs_set_feature_journal_needs_recovery(super);
	else
		ext2fs_clear_feature_journal_needs_recovery(super);
	if (!has_journal && is_mounted) {
		ext->was_valid = super->s_state & EXT2_VALID_FS;
		super->s_state &= (uint16_t)~EXT2_VALID_FS;
	} else if (!has_journal && ext->was_valid) {
		super->s_state |= EXT2_VALID_FS;
	}
	return ext_write_groups(ext);
}

static int start(struct ext *ext)
{
	struct ext2_super_block *super = ext->ext2->super;
	int error = ext_error(ext2fs_check_desc(ext->ext2));

	if (!error)
		error = ext_error(ext2fs_read_bitmaps(ext->ext2));
	if (!error)
		error = ext_allocate_start(ext);
	if (error || ext->disk->is_read_only)
		return error;
	error = mark_mounted(ext, true);
	if (!error)
		error = ext_cache_write(ext->cache);
	ext_cache_begin(ext->cache);
	if (!error && ext2fs_has_feature_journal(super) && super->s_journal_inum)
		error = ext_journal_start(ext);
	if (!error)
		error = ext->disk->flush(ext->disk);
	if (!error)
		error = ext_orphans_clean(ext);
	return error;
}

static int read_root(struct ext *ext)
{
	struct fs *fs = ext->fs;
	struct fs_node *root = fs_node_new(fs);
	int error;

	if (!root)
		return -ENOMEM;
	root->inode = EXT2_ROOT_INO;
	error = ext_inode_read(ext, ext_node_of(root));
	if (!error && !S_ISDIR(root->mode))
		error = -EIO;
	if (error) {
		fs_node_free(fs, root);
		return error;
	}
	fs_node_insert(fs, root);
	fs_node_refer(fs, root);
	return 0;
}

static void stop(struct ext *ext)
{
	ext_journal_stop(ext);
	ext_allocate_stop(ext);
	if (ext->ext2)
		ext2fs_free(ext->ext2);
	ext_cache_free(ext->cache);
	free(ext->orphans);
	ext->ext2 = NULL;
	ext->cache = NULL;
}

int ext_mount(struct ext *ext, struct fs *fs, struct ext_disk *disk)
{
	int error;

	*ext = (struct ext){ .fs = fs, .disk = disk };
	pthread_mutex_init(&ext->committer, NULL);
	fs->is_read_only = disk->is_read_only;
	error = open_ext2(ext);
	if (!error)
		error = replay(ext);
	if (!error)
		error = start(ext);
	if (!error)
		error = read_root(ext);
	if (error)
		stop(ext);
	return error;
}

int ext_unmount(struct ext *ext)
{
	int error = 0;

	if (!ext->disk->is_read_only) {
		error = ext_commit(ext);
		if (!error)
			error = ext_journal_stop(ext);
		/* The last change, which no transaction must hide. */
		if (!error)
			error = mark_mounted(ext, false);
		if (!error)
			error = ext_cache_write(ext->cache);
	}
	stop(ext);
	return error;
}
