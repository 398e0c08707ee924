/* Open files' contents for tests of extfs: plain memory in place of paged memobjs. */
#ifndef TESTS_HOST_FILE_H
#define TESTS_HOST_FILE_H

#include <stdlib.h>
#include <string.h>

#include "servers/extfs/extfs.h"

struct ext_file {
	uint8_t *bytes;
	uint64_t size;
	uint8_t *dirty; /* by block */
};

static inline uint64_t host_blocks(const struct ext *ext, uint64_t bytes)
{
	return (bytes + ext->ext2->blocksize - 1) / ext->ext2->blocksize;
}

/* The whole content, read from disk the first time. Exclusively. */
static inline int host_file_load(struct ext *ext, struct ext_node *node)
{
	uint64_t size = ext->ext2->blocksize, count = host_blocks(ext, node->node.size), block;
	struct ext_file *file = node->file;
	struct ext_run run;
	int error;

	if (file)
		return 0;
	file = calloc(1, sizeof(*file));
	file->bytes = calloc(count + 1, size);
	file->dirty = calloc(1, count + 1);
	file->size = node->node.size;
	node->file = file;
	for (block = 0; block < count; block += run.count) {
		error = ext_map(ext, node, block, count - block, &run);
		if (!error && run.physical && !run.is_unwritten)
			error = ext->disk->read(ext->disk, run.physical * size,
						file->bytes + block * size, run.count * size);
		if (error)
			return error;
	}
	/* What is behind the end on disk does not count. */
	memset(file->bytes + file->size, 0, (count + 1) * size - file->size);
	return 0;
}

static inline void host_file_extend(struct ext *ext, struct ext_file *file, uint64_t size)
{
	uint64_t block = ext->ext2->blocksize, old = host_blocks(ext, file->size) + 1;
	uint64_t count = host_blocks(ext, size) + 1;

	file->bytes = realloc(file->bytes, count * block);
	file->dirty = realloc(file->dirty, count);
	if (count > old) {
		memset(file->bytes + old * block, 0, (count - old) * block);
		memset(file->dirty + old, 0, count - old);
	}
	file->size = size;
}

void ext_file_refresh(struct fs *fs, struct fs_node *node)
{
	struct ext_node *self = ext_node_of(node);

	(void)fs;
	if (self->file)
		node->size = self->file->size;
}

int64_t ext_file_handle(struct fs *fs, struct fs_node *node, uint32_t flags)
{
	(void)node;
	(void)flags;
	return fs->transport->make_port(fs, 0);
}

int ext_file_resize(struct fs *fs, struct ext_node *node, uint64_t length)
{
	struct ext *ext = ext_of(fs);
	struct ext_file *file;
	uint64_t size = ext->ext2->blocksize;
	int error;

	if (!S_ISREG(node->node.mode))
		return 0;
	error = host_file_load(ext, node);
	if (error)
		return error;
	file = node->file;
	if (length > file->size) {
		host_file_extend(ext, file, length);
		return 0;
	}
	if (length % size) {
		uint64_t end = host_blocks(ext, length) * size;

		memset(file->bytes + length, 0, (end < file->size ? end : file->size) - length);
		file->dirty[length / size] = 1;
	}
	memset(file->dirty + host_blocks(ext, length), 0,
	       host_blocks(ext, file->size) + 1 - host_blocks(ext, length));
	memset(file->bytes + host_blocks(ext, length) * size, 0,
	       (host_blocks(ext, file->size) + 1 - host_blocks(ext, length)) * size);
	file->size = length;
	return 0;
}

int ext_file_set_limit(struct fs *fs, struct ext_node *node, uint64_t length)
{
	(void)fs;
	(void)node;
	(void)length;
	return 0;
}

static inline int host_write_run(struct ext *ext, struct ext_node *node, uint64_t block,
				 uint64_t count, uint64_t *done)
{
	uint64_t size = ext->ext2->blocksize;
	struct ext_transfer transfer;
	int error, other;

	pthread_mutex_lock(&ext->fs->change);
	error = ext_content_place(ext, node, block, count, &transfer);
	pthread_mutex_unlock(&ext->fs->change);
	if (error)
		return error;
	error = ext->disk->write(ext->disk, transfer.run.physical * size,
				 node->file->bytes + block * size, transfer.run.count * size);
	pthread_mutex_lock(&ext->fs->change);
	other = ext_content_written(ext, node, &transfer, node->file->size, error);
	pthread_mutex_unlock(&ext->fs->change);
	*done = transfer.run.count;
	return error ? error : other;
}

int ext_file_sync(struct fs *fs, struct fs_node *node)
{
	struct ext *ext = ext_of(fs);
	struct ext_node *self = ext_node_of(node);
	struct ext_file *file = self->file;
	uint64_t count = file ? host_blocks(ext, file->size) : 0, block, run, done = 0;
	int error = 0;

	for (block = 0; block < count && !error; block += done) {
		done = 1;
		for (run = 0; block + run < count && file->dirty[block + run]; run++)
			;
		if (!run)
			continue;
		error = host_write_run(ext, self, block, run, &done);
		if (!error)
			memset(file->dirty + block, 0, done);
	}
	if (file && !error) {
		pthread_mutex_lock(&fs->change);
		if (self->disk_size < file->size) {
			self->disk_size = file->size;
			fs_relock(fs);
			fs_node_mark_dirty(fs, node);
			fs_unlock(fs);
		}
		pthread_mutex_unlock(&fs->change);
	}
	return error;
}

int ext_files_sync(struct fs *fs)
{
	int error = 0;

	for (uint64_t bucket = 0; bucket < fs->node_buckets && !error; bucket++)
		for (struct fs_node *node = fs->nodes[bucket]; node && !error;
		     node = node->hash_next)
			error = ext_file_sync(fs, node);
	return error;
}

void ext_file_free(struct fs *fs, struct ext_node *node)
{
	(void)fs;
	if (!node->file)
		return;
	free(node->file->bytes);
	free(node->file->dirty);
	free(node->file);
	node->file = NULL;
}

/* A client's write and read of an open file. */
static inline int64_t host_file_write(struct fs *fs, uint64_t token, uint64_t offset,
				      const void *bytes, size_t length)
{
	struct ext *ext = ext_of(fs);
	struct ext_node *node = ext_node_of(fs_open_at(fs, token)->node);
	uint64_t block;
	int error;

	pthread_mutex_lock(&fs->change);
	error = host_file_load(ext, node);
	if (!error && offset + length > node->file->size)
		host_file_extend(ext, node->file, offset + length);
	pthread_mutex_unlock(&fs->change);
	if (error)
		return error;
	memcpy(node->file->bytes + offset, bytes, length);
	for (block = offset / ext->ext2->blocksize;
	     length && block <= (offset + length - 1) / ext->ext2->blocksize; block++)
		node->file->dirty[block] = 1;
	node->node.modified = fs->transport->now();
	return (int64_t)length;
}

static inline int64_t host_file_read(struct fs *fs, uint64_t token, uint64_t offset, void *bytes,
				     size_t length)
{
	struct ext_node *node = ext_node_of(fs_open_at(fs, token)->node);
	int error;

	pthread_mutex_lock(&fs->change);
	error = host_file_load(ext_of(fs), node);
	pthread_mutex_unlock(&fs->change);
	if (error)
		return error;
	if (offset >= node->file->size)
		return 0;
	if (length > node->file->size - offset)
		length = node->file->size - offset;
	memcpy(bytes, node->file->bytes + offset, length);
	return (int64_t)length;
}

#endif
