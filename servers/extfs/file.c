/*
 * The memobjs of open files. One is made when a file is opened and stays with the node, as its page
 * cache, until the node is evicted or deleted. A node with pages that are not on disk is `is_busy`
 * and not evicted.
 */
#include "file.h"

#include <stdlib.h>
#include <string.h>

#include "lib/fs/serve.h"
#include "tern/memobj.h"

extern struct ext_block_disk ext_block_disk;
struct ext_file *ext_files; /* guarded by fs->lock */

void ext_file_refresh(struct fs *fs, struct fs_node *node)
{
	struct ext_file *file = ext_node_of(node)->file;
	uint64_t modified;

	if (!file)
		return;
	node->size = (uint64_t)tern_memobj_info(file->memobj, TERN_MEMOBJ_LENGTH);
	node->blocks = ext_inode_blocks(ext_of(fs), ext_node_of(node));
	modified = (uint64_t)tern_memobj_info(file->memobj, TERN_MEMOBJ_MODIFIED);
	if (modified == file->seen_modified)
		return;
	file->seen_modified = modified;
	fs_node_written(fs, node, fs_boot_time() + (int64_t)modified);
}

static int make_file(struct fs *fs, struct ext_node *node)
{
	struct ext_file *file = calloc(1, sizeof(*file));
	int64_t result;

	(void)fs;
	if (!file)
		return -ENOMEM;
	file->node = node;
	file->port = result = ext_own_port(node->node.inode);
	if (result >= 0)
		file->memobj = result = tern_memobj_create_paged(TERN_SELF_ACCOUNT, file->port,
								 node->node.size, 0);
	if (result < 0) {
		if (file->port > 0)
			tern_handle_close(file->port);
		free(file);
		return result == -EMFILE ? -ENFILE : (int)result;
	}
	/* It is attached when the first page moves. */
	file->memory = (struct block_memory){ .disk = &ext_block_disk.block,
					      .memobj = file->memobj };
	file->seen_modified = (uint64_t)tern_memobj_info(file->memobj, TERN_MEMOBJ_MODIFIED);
	pthread_mutex_init(&file->writer, NULL);
	file->next = ext_files;
	ext_files = file;
	node->file = file;
	return 0;
}

int64_t ext_file_handle(struct fs *fs, struct fs_node *node, uint32_t flags)
{
	struct ext_node *self = ext_node_of(node);
	int error = self->file ? 0 : make_file(fs, self);

	if (error)
		return error;
	if (flags & FILE_WRITE)
		node->is_busy = true;
	if (flags & FILE_WITH_MEMOBJ)
		return self->file->memobj;
	return tern_stream_create(TERN_SELF_ACCOUNT, self->file->memobj,
				  flags & FILE_APPEND ? TERN_STREAM_APPEND : 0);
}

/* Behind the new end there are zeroes in memory; the disk is to have them, too. */
static int clear_tail(struct ext *ext, struct ext_node *node, uint64_t length)
{
	uint32_t size = ext->ext2->blocksize, at = (uint32_t)(length % size);
	struct ext_run run;
	uint8_t *block;
	char last;
	int error;

	if (!length || at == 0 ||
	    (tern_memobj_read(node->file->memobj, length - 1, &last, 1, TERN_IO_NOWAIT) == 1 &&
	     tern_memobj_write(node->file->memobj, length - 1, &last, 1, TERN_IO_NOWAIT) == 1))
		return 0;
	error = ext_map(ext, node, length / size, 1, &run);
	if (error || !run.physical || run.is_unwritten)
		return error;
	block = malloc(size);
	error = block ? ext->disk->read(ext->disk, run.physical * size, block, size) : -ENOMEM;
	if (!error) {
		memset(block + at, 0, size - at);
		error = ext->disk->write(ext->disk, run.physical * size, block, size);
	}
	free(block);
	return error;
}

int ext_file_resize(struct fs *fs, struct ext_node *node, uint64_t length)
{
	uint64_t old = node->node.size;
	int error;

	if (!S_ISREG(node->node.mode) || (!node->file && !node->node.links))
		return 0;
	fs_relock(fs);
	error = node->file ? 0 : make_file(fs, node);
	fs_unlock(fs);
	if (!error)
		error = (int)tern_memobj_set_length(node->file->memobj, length);
	if (!error && length < old)
		error = clear_tail(ext_of(fs), node, length);
	if (!error)
		node->file->seen_modified = (uint64_t)tern_memobj_info(node->file->memobj,
								       TERN_MEMOBJ_MODIFIED);
	return error;
}

int ext_file_set_limit(struct fs *fs, struct ext_node *node, uint64_t length)
{
	int error = 0;

	if (!node->file) {
		fs_relock(fs);
		error = node->file ? 0 : make_file(fs, node);
		fs_unlock(fs);
	}
	return error ? error : (int)tern_memobj_set_limit(node->file->memobj, length);
}

void ext_file_free(struct fs *fs, struct ext_node *node)
{
	struct ext_file *file = node->file, **link = &ext_files;

	(void)fs;
	if (!file)
		return;
	while (*link != file)
		link = &(*link)->next;
	*link = file->next;
	if (file->memory.cookie)
		block_detach(&file->memory);
	tern_handle_close(file->memobj);
	tern_handle_close(file->port);
	pthread_mutex_destroy(&file->writer);
	free(file);
	node->file = NULL;
}
