/*
 * extfs: ext2, ext3 and ext4. The format is libext2fs's business; names, inodes, directories and
 * extents are cached here, because libext2fs is single-threaded and searches.
 *
 * Layers, top down:
 *   pager.c       pages of open files: fills and write-back            (only on Tern)
 *   storage.c     the table of operations for lib/fs
 *   directory.c inode.c map.c attribute.c orphan.c    the format, with libext2fs
 *   allocate.c    which blocks and inodes are free for what
 *   cache.c       metadata blocks in memory; libext2fs's I/O manager; the transaction interface
 *   journal.c     how a transaction gets onto the disk, ordered.c: without a journal
 *   disk.h        the disk: bytes at positions                         (a file in host tests)
 *
 * All but disk.h's own functions are called by whoever holds fs->change ("exclusively").
 */
#ifndef EXTFS_H
#define EXTFS_H

#include <ext2fs/ext2_fs.h>
#include <ext2fs/ext2fs.h>
#include <stdbool.h>
#include <stdint.h>

#include "disk.h"
#include "lib/fs/fs.h"

#define EXT_MAP_MAX 64 /* extents remembered for one inode */

/* A run of a file's blocks. */
struct ext_run {
	uint64_t logical, physical, count; /* physical 0: a hole */
	bool is_unwritten;                 /* has blocks, which read as zeroes */
};

struct ext_node {
	struct fs_node node;
	struct ext2_inode_large inode; /* as libext2fs has it, but for attributes that are newer */
	struct ext_run runs[EXT_MAP_MAX];
	unsigned run_count;
	/* Directories: how long an entry fits into each block; NULL: not known. */
	uint16_t *gaps;
	uint64_t gap_count;
	bool is_orphan;
	struct ext_file *file; /* its memobj, on Tern */
	/* The size that the inode on disk may have: behind it nothing has been written back. */
	uint64_t disk_size;
	uint64_t reserved; /* blocks promised to its memobj's pages that have none yet */
	uint64_t limit;    /* how far writes may extend it; 0: not beyond its size */
	uint64_t cut;      /* the least length it had since its last transfer began */
};

/* Blocks or inodes that are free but must not be used yet. */
struct ext_range {
	uint64_t first, count;
	bool is_inodes;
};

struct ext_ranges {
	struct ext_range *items;
	size_t count, room;
};

struct ext_cache;

struct ext {
	struct fs *fs;
	struct ext_disk *disk;
	ext2_filsys ext2;
	pthread_mutex_t
		committer; /* held by who writes a transaction; never waited for under fs->change */
	struct ext_cache *cache;
	char cache_name[24]; /* its address, for libext2fs */
	bool has_journal;
	bool is_failed; /* a commit failed: nothing is changed any more */
	bool is_dirty;  /* something was changed since the last commit */
	bool was_valid; /* it needed no check when it was mounted */

	/* allocate.c */
	uint8_t *held_blocks, *held_inodes; /* a bit each: not to be allocated */
	uint8_t *new_inodes;                /* a bit each: in `created` */
	uint32_t *next_inodes;        /* of each group; those in front of it are in use or held */
	struct ext_ranges freed;      /* by the running transaction */
	struct ext_ranges committing; /* by the one that is being written */
	struct ext_ranges created;    /* inodes, by the running transaction */
	struct ext_range *busy[64];   /* data transfers under way */
	uint8_t *dirty_groups;        /* bitmaps and descriptor are to be written */
	uint64_t reserved;            /* blocks promised to writers */
	uint64_t next_goal;

	/* orphan.c: in the order of the list on disk */
	uint32_t *orphans;
	size_t orphan_count, orphan_room;

	/* journal.c */
	uint64_t *journal_blocks;               /* where the journal's blocks are */
	uint32_t journal_length, journal_first; /* the ring: [first, length) */
	uint32_t journal_next;                  /* where the next transaction begins ... */
	uint32_t journal_kept; /* ... and so many blocks of it are the last one's, in front of it */
	uint32_t sequence;
	uint8_t *journal_super;
};

extern const struct fs_operations ext_operations;

static inline struct ext *ext_of(const struct fs *fs)
{
	return fs->storage;
}

static inline struct ext_node *ext_node_of(struct fs_node *node)
{
	return (struct ext_node *)node;
}

static inline struct ext2_inode *ext_inode(struct ext_node *node)
{
	return (struct ext2_inode *)&node->inode;
}

/* libext2fs's error as a negative error number; what has no better one is -EIO. */
int ext_error(errcode_t error);

/* mount.c */
int ext_mount(struct ext *ext, struct fs *fs, struct ext_disk *disk);
/* Everything is on disk, the file system is clean; false or not, memory is given back. */
int ext_unmount(struct ext *ext);

/* cache.c: metadata blocks, the I/O manager and the transaction */
struct ext_block {
	struct ext_block *hash_next, *older, *newer, *next_dirty;
	uint64_t number;
	bool is_dirty;     /* changed by the running transaction */
	bool is_in_flight; /* part of the one being committed: the disk has older contents */
	bool is_new;       /* allocated by the running transaction: nothing on disk leads to it */
	uint8_t is_directory; /* EXT_DIRECTORY and, for the order of writes without a journal, others */
	uint32_t owner;       /* a directory's block: its inode, for the checksum */
	uint8_t data[] __attribute__((aligned(16)));
};

#define EXT_DIRECTORY 1 /* a directory's block, which has been checked */
#define EXT_LOST 2      /* the running transaction took names out of it */
#define EXT_GAINED 4    /* ... put some into it */

extern struct struct_io_manager ext_io_manager;

struct ext_cache *ext_cache_new(struct ext_disk *disk);
void ext_cache_free(struct ext_cache *cache);
/* At mount: what is dirty goes to its place at once. And: transactions begin. */
int ext_cache_write(struct ext_cache *cache);
void ext_cache_begin(struct ext_cache *cache);
/* The block, read if it must be. The pointer is good until the next call. */
int ext_block_get(struct ext *ext, uint64_t number, struct ext_block **block);
/* A block just allocated, with zeroes in it, not read. */
int ext_block_new(struct ext *ext, uint64_t number, struct ext_block **block);
/* libext2fs has just allocated the block, and written something to it. */
void ext_block_allocated(struct ext *ext, uint64_t number);
/* The block is part of the running transaction. */
void ext_block_dirty(struct ext *ext, struct ext_block *block);
/* The block was freed: its contents do not matter any more. */
void ext_block_forget(struct ext *ext, uint64_t number);
uint64_t ext_cache_dirty_count(struct ext *ext);
/* Takes the running transaction's blocks: a copy of each, in the order of block numbers. */
struct ext_snapshot {
	size_t count;
	uint64_t *numbers;
	uint8_t *is_directory;
	bool *is_new;
	uint8_t *data; /* count blocks */
	struct ext_ranges created;
};
int ext_cache_snapshot(struct ext *ext, struct ext_snapshot *snapshot);
/* The snapshot's blocks are in their places. */
void ext_cache_landed(struct ext *ext, const struct ext_snapshot *snapshot);
void ext_snapshot_free(struct ext_snapshot *snapshot);

/* storage.c: commits what there is; without any lock */
int ext_sync(struct ext *ext);

/* journal.c */
int ext_journal_start(struct ext *ext);
int ext_journal_stop(struct ext *ext);
/*
 * The running transaction, in two steps: prepare (exclusively) takes what it consists of; write puts
 * it on disk and needs no lock, but one writer at a time; finish (exclusively) frees what it freed.
 */
int ext_commit_prepare(struct ext *ext, struct ext_snapshot *snapshot);
int ext_commit_write(struct ext *ext, const struct ext_snapshot *snapshot);
void ext_commit_finish(struct ext *ext, const struct ext_snapshot *snapshot, int error);
/* All three at once, for those who are alone. */
int ext_commit(struct ext *ext);
/* The transaction grows too large: commit before the next operation. */
bool ext_commit_is_due(struct ext *ext);

/* Each of the snapshot's blocks to its place, in the order of their numbers. */
int ext_write_in_place(struct ext *ext, const struct ext_snapshot *snapshot);

/* ordered.c */
int ext_write_ordered(struct ext *ext, const struct ext_snapshot *snapshot);

/* allocate.c */
int ext_allocate_start(struct ext *ext);
void ext_allocate_stop(struct ext *ext);
/* Up to `wanted` free blocks near `goal`, which nobody else gets; they are not marked as used yet. */
int ext_hold_blocks(struct ext *ext, uint64_t goal, uint64_t wanted, struct ext_range *range);
/* Held blocks are a file's now, or nobody's. */
void ext_use_held(struct ext *ext, const struct ext_range *range);
void ext_drop_held(struct ext *ext, const struct ext_range *range);
/* Blocks that were to be a file's, but did not become part of it. */
void ext_unuse(struct ext *ext, uint64_t first, uint64_t count);
int ext_allocate_inode(struct ext *ext, uint32_t parent, bool is_directory, uint32_t *inode);
void ext_free_inode(struct ext *ext, uint32_t inode, bool is_directory);
/* What the running transaction makes, which whoever commits it takes. */
int ext_created_add(struct ext *ext, uint32_t inode);
void ext_created_take(struct ext *ext, struct ext_snapshot *snapshot);
/* Promises: blocks for data that has none yet. */
int ext_reserve(struct ext *ext, uint64_t blocks);
void ext_unreserve(struct ext *ext, uint64_t blocks);
uint64_t ext_free_blocks(struct ext *ext);
/* A transfer to or from blocks begins and ends; freed meanwhile they are not used again before. */
int ext_busy_begin(struct ext *ext, struct ext_range *range);
void ext_busy_end(struct ext *ext, struct ext_range *range);
/* Bitmaps, descriptors and superblock of the running transaction go to the cache. */
int ext_write_groups(struct ext *ext);
void ext_release_freed(struct ext *ext);
int ext_ranges_add(struct ext_ranges *ranges, uint64_t first, uint64_t count, bool is_inodes);

/* inode.c */
int ext_inode_read(struct ext *ext, struct ext_node *node);
int ext_inode_write(struct ext *ext, struct ext_node *node);
uint64_t ext_inode_blocks(struct ext *ext, struct ext_node *node);
int ext_inode_create(struct ext *ext, const struct fs_node *parent, struct ext_node *node);
int ext_inode_delete(struct ext *ext, struct ext_node *node);
int ext_inode_target(struct ext *ext, struct ext_node *node, char *target);
/* Attributes of all nodes that are dirty. */
int ext_inodes_flush(struct ext *ext);

/* map.c */
/* The run that begins with `logical`: at most `count` blocks, at least one. */
int ext_map(struct ext *ext, struct ext_node *node, uint64_t logical, uint64_t count,
	    struct ext_run *run);
bool ext_map_cached(struct ext_node *node, uint64_t logical, uint64_t count, struct ext_run *run);
/* Held blocks become the file's at `logical`, where it has none. */
int ext_map_insert(struct ext *ext, struct ext_node *node, uint64_t logical,
		   const struct ext_range *range);
/* Blocks that read as zeroes have been written. */
int ext_map_written(struct ext *ext, struct ext_node *node, const struct ext_run *run);
/* The length that a file's map can reach, at most. */
uint64_t ext_map_limit(struct ext *ext, const struct ext_node *node);
int ext_map_punch(struct ext *ext, struct ext_node *node, uint64_t first);
void ext_map_forget(struct ext_node *node);
/* New blocks for a directory or a long symbolic link, one at a time. */
int ext_map_append(struct ext *ext, struct ext_node *node, uint64_t logical, uint64_t *physical);

/* directory.c */
int ext_directory_names(struct ext *ext, struct ext_node *directory);
int ext_directory_find(struct ext *ext, struct ext_node *directory, const char *name, size_t length,
		       uint64_t *inode);
int ext_directory_add(struct ext *ext, struct ext_node *directory, const char *name, size_t length,
		      uint32_t inode, uint32_t mode, uint64_t *cookie);
int ext_directory_remove(struct ext *ext, struct ext_node *directory, const char *name,
			 size_t length);
int ext_directory_set(struct ext *ext, struct ext_node *directory, const char *name, size_t length,
		      uint32_t inode, uint32_t mode);
int ext_directory_make(struct ext *ext, struct ext_node *directory, uint32_t parent);
int ext_directory_parent(struct ext *ext, struct ext_node *directory, uint64_t *parent);
int ext_directory_read(struct ext *ext, struct ext_node *directory, uint64_t cookie,
		       struct fs_call *call);

/* orphan.c */
int ext_orphan_add(struct ext *ext, struct ext_node *node);
int ext_orphan_remove(struct ext *ext, struct ext_node *node);
int ext_orphans_clean(struct ext *ext);

/* attribute.c */
int64_t ext_get_attribute(struct fs *fs, struct fs_node *node, const char *name, void *value,
			  size_t size);
int ext_set_attribute(struct fs *fs, struct fs_node *node, const char *name, const void *value,
		      size_t size, uint32_t flags);
int64_t ext_list_attributes(struct fs *fs, struct fs_node *node, char *names, size_t size);
int ext_remove_attribute(struct fs *fs, struct fs_node *node, const char *name);

/* file.c: what open files have in memory; another one in host tests */
void ext_file_refresh(struct fs *fs, struct fs_node *node);
int64_t ext_file_handle(struct fs *fs, struct fs_node *node, uint32_t flags);
/* The file's memory beyond `length` goes away, or zeroes up to there come. Exclusively. */
int ext_file_resize(struct fs *fs, struct ext_node *node, uint64_t length);
int ext_file_set_limit(struct fs *fs, struct ext_node *node, uint64_t length);
int ext_file_sync(struct fs *fs, struct fs_node *node);
int ext_files_sync(struct fs *fs);
void ext_file_free(struct fs *fs, struct ext_node *node);

/* content.c: a file's bytes between disk and memory, for pagers */
int ext_content_truncate(struct fs *fs, struct fs_node *node, uint64_t length);
void ext_content_settle(struct ext *ext, struct ext_node *node);
int ext_content_grow(struct fs *fs, struct fs_node *node, uint64_t length, bool allocate,
		     uint64_t *limit);
/*
 * Where the content of blocks [logical, ..) is to be written: runs that exist, or held ones. Begins a
 * transfer; ext_content_written ends it. Exclusively.
 */
struct ext_transfer {
	struct ext_run run;     /* where */
	struct ext_range range; /* the same, as busy or held */
	bool is_held;
};
int ext_content_place(struct ext *ext, struct ext_node *node, uint64_t logical, uint64_t count,
		      struct ext_transfer *transfer);
/* Was the file shorter than the transfer's end since it began? */
bool ext_content_is_cut(struct ext *ext, struct ext_node *node, const struct ext_transfer *transfer,
			uint64_t size);
int ext_content_written(struct ext *ext, struct ext_node *node, struct ext_transfer *transfer,
			uint64_t size, int error);

#endif
