/* Open files' memobjs (file.c) and the threads that move their pages (pager.c). */
#ifndef EXTFS_FILE_H
#define EXTFS_FILE_H

#include "extfs.h"
#include "lib/block/block.h"

struct ext_file {
	struct ext_node *node;
	struct ext_file *next; /* of all files, guarded by fs->lock */
	tern_handle memobj, port;
	struct block_memory memory;
	uint64_t seen_modified;
	pthread_mutex_t writer; /* one writes pages back at a time; comes before fs->change */
};

/* The disk over the block protocol; it needs memory of its own, whose pager is `port`. */
struct ext_block_disk {
	struct ext_disk disk;
	struct block_disk block;
	struct block_memory memory;
	pthread_mutex_t lock;
	pthread_cond_t is_free;
	uint32_t free_slots; /* a bit each */
};

int ext_block_disk_open(struct ext_block_disk *self, tern_handle disk, tern_handle port);

/* A port of the server's own, through which the kernel tells of a memobj's requests. */
int64_t ext_own_port(uint64_t inode);

/* pager.c */
void ext_pager_notified(uint64_t userdata, uint64_t bits);
int ext_pager_start(struct fs *fs);
/* Writes a file's dirty pages. Without locks; the node is referred to. */
int ext_write_back(struct fs *fs, struct ext_file *file);

#endif
