/*
 * Metadata blocks in memory, and libext2fs's I/O manager on top of them. What is written becomes part
 * of the running transaction and stays here, dirty, until journal.c takes a snapshot of all of it:
 * nothing reaches the disk on another way. A block that is written with what it has already is not
 * changed. Blocks that are on disk as they are here go, oldest first, when there are too many.
 */
#include <stdlib.h>
#include <string.h>

#include "extfs.h"

#define BUCKETS 4096
#define BYTES_MAX (16u << 20)

struct ext_cache {
	struct ext_disk *disk;
	struct ext_block *buckets[BUCKETS];
	struct ext_block *oldest, *newest;
	struct ext_block *dirty;
	uint64_t count, dirty_count;
	uint32_t block_size;
	bool is_direct; /* while the file system is mounted: a flush writes what is dirty */
	bool has_failed; /* to read something; then, while it is mounted, nothing is written any more */
};

struct ext_cache *ext_cache_new(struct ext_disk *disk)
{
	struct ext_cache *cache = calloc(1, sizeof(*cache));

	if (cache) {
		cache->disk = disk;
		cache->block_size = 1024;
		cache->is_direct = true;
	}
	return cache;
}

static struct ext_block **bucket_of(struct ext_cache *cache, uint64_t number)
{
	return &cache->buckets[number % BUCKETS];
}

static void age_remove(struct ext_cache *cache, struct ext_block *block)
{
	if (block->older)
		block->older->newer = block->newer;
	else
		cache->oldest = block->newer;
	if (block->newer)
		block->newer->older = block->older;
	else
		cache->newest = block->older;
}

static void age_append(struct ext_cache *cache, struct ext_block *block)
{
	block->older = cache->newest;
	block->newer = NULL;
	if (cache->newest)
		cache->newest->newer = block;
	else
		cache->oldest = block;
	cache->newest = block;
}

static void drop(struct ext_cache *cache, struct ext_block *block)
{
	struct ext_block **link = bucket_of(cache, block->number);

	while (*link != block)
		link = &(*link)->hash_next;
	*link = block->hash_next;
	age_remove(cache, block);
	cache->count--;
	free(block);
}

void ext_cache_free(struct ext_cache *cache)
{
	if (!cache)
		return;
	while (cache->oldest)
		drop(cache, cache->oldest);
	free(cache);
}

/* Room for one more: blocks that the disk has go, but for the newest few, to which there are pointers. */
static void shrink(struct ext_cache *cache)
{
	struct ext_block *block = cache->oldest, *next;
	uint64_t most = BYTES_MAX / cache->block_size, tries = 64;

	for (; block && cache->count >= most && tries; block = next, tries--) {
		next = block->newer;
		if (block->is_dirty || block->is_in_flight) {
			age_remove(cache, block);
			age_append(cache, block);
		} else {
			drop(cache, block);
		}
	}
}

static struct ext_block *find(struct ext_cache *cache, uint64_t number)
{
	struct ext_block *block = *bucket_of(cache, number);

	while (block && block->number != number)
		block = block->hash_next;
	if (block && block != cache->newest) {
		age_remove(cache, block);
		age_append(cache, block);
	}
	return block;
}

static struct ext_block *add(struct ext_cache *cache, uint64_t number)
{
	struct ext_block *block, **bucket;

	shrink(cache);
	block = calloc(1, sizeof(*block) + cache->block_size);
	if (!block)
		return NULL;
	block->number = number;
	bucket = bucket_of(cache, number);
	block->hash_next = *bucket;
	*bucket = block;
	age_append(cache, block);
	cache->count++;
	return block;
}

static int get(struct ext_cache *cache, uint64_t number, bool is_read, struct ext_block **result)
{
	struct ext_block *block = find(cache, number);
	uint64_t position = number * cache->block_size;
	int error;

	*result = block;
	if (block)
		return 0;
	if (position / cache->block_size != number || position >= cache->disk->size ||
	    cache->disk->size - position < cache->block_size)
		return -EIO;
	block = add(cache, number);
	error = block ? 0 : -ENOMEM;
	if (!error && is_read) {
		error = cache->disk->read(cache->disk, position, block->data, cache->block_size);
		if (error)
			drop(cache, block);
	}
	if (error) {
		cache->has_failed = true;
		return error;
	}
	*result = block;
	return 0;
}

static void make_dirty(struct ext_cache *cache, struct ext_block *block)
{
	if (block->is_dirty)
		return;
	block->is_dirty = true;
	block->next_dirty = cache->dirty;
	cache->dirty = block;
	cache->dirty_count++;
}

static void make_clean(struct ext_cache *cache, struct ext_block *block)
{
	struct ext_block **link = &cache->dirty;

	while (*link != block)
		link = &(*link)->next_dirty;
	*link = block->next_dirty;
	block->is_dirty = block->is_new = false;
	cache->dirty_count--;
}

int ext_block_get(struct ext *ext, uint64_t number, struct ext_block **block)
{
	return get(ext->cache, number, true, block);
}

int ext_block_new(struct ext *ext, uint64_t number, struct ext_block **block)
{
	int error = get(ext->cache, number, false, block);

	if (error)
		return error;
	memset((*block)->data, 0, ext->cache->block_size);
	(*block)->is_directory = 0;
	(*block)->is_new = true;
	make_dirty(ext->cache, *block);
	return 0;
}

/* It becomes dirty also if the disk has the same: a clean block may go, and what it was with it. */
void ext_block_allocated(struct ext *ext, uint64_t number)
{
	struct ext_block *block = find(ext->cache, number);

	if (!block)
		return;
	block->is_new = true;
	make_dirty(ext->cache, block);
}

void ext_block_dirty(struct ext *ext, struct ext_block *block)
{
	ext->is_dirty = true;
	make_dirty(ext->cache, block);
}

void ext_block_forget(struct ext *ext, uint64_t number)
{
	struct ext_block *block = find(ext->cache, number);

	if (!block)
		return;
	if (block->is_dirty)
		make_clean(ext->cache, block);
	drop(ext->cache, block);
}

uint64_t ext_cache_dirty_count(struct ext *ext)
{
	return ext->cache->dirty_count;
}

/* ---------------------------------------------------------------------------------- snapshot */

static int by_number(const void *a, const void *b)
{
	const struct ext_block *const *left = a, *const *right = b;

	return (*left)->number < (*right)->number ? -1 : (*left)->number > (*right)->number;
}

static int snapshot_allocate(struct ext_snapshot *snapshot, size_t count, size_t block_size)
{
	*snapshot = (struct ext_snapshot){ .count = count };
	snapshot->numbers = malloc(count * sizeof(*snapshot->numbers) + 1);
	snapshot->is_directory = malloc(count + 1);
	snapshot->is_new = malloc(count * sizeof(*snapshot->is_new) + 1);
	snapshot->data = malloc(count * block_size + 1);
	if (snapshot->numbers && snapshot->is_directory && snapshot->is_new && snapshot->data)
		return 0;
	ext_snapshot_free(snapshot);
	return -ENOMEM;
}

int ext_cache_snapshot(struct ext *ext, struct ext_snapshot *snapshot)
{
	struct ext_cache *cache = ext->cache;
	size_t count = cache->dirty_count, i = 0;
	struct ext_block **blocks = malloc(count * sizeof(struct ext_block *) + 1), *block;

	if (!blocks || snapshot_allocate(snapshot, count, cache->block_size)) {
		free(blocks);
		return -ENOMEM;
	}
	for (block = cache->dirty; block; block = block->next_dirty)
		blocks[i++] = block;
	qsort(blocks, count, sizeof(struct ext_block *), by_number);
	for (i = 0; i < count; i++) {
		/* Directories get their checksums here, once for all that was changed in them. */
		if (blocks[i]->is_directory)
			ext2fs_dir_block_csum_set(ext->ext2, blocks[i]->owner,
						  (struct ext2_dir_entry *)blocks[i]->data);
		snapshot->numbers[i] = blocks[i]->number;
		snapshot->is_directory[i] = blocks[i]->is_directory;
		snapshot->is_new[i] = blocks[i]->is_new;
		memcpy(snapshot->data + i * cache->block_size, blocks[i]->data, cache->block_size);
		blocks[i]->is_dirty = blocks[i]->is_new = false;
		blocks[i]->is_in_flight = true;
		blocks[i]->is_directory &= EXT_DIRECTORY;
	}
	cache->dirty = NULL;
	cache->dirty_count = 0;
	free(blocks);
	return 0;
}

void ext_cache_landed(struct ext *ext, const struct ext_snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->count; i++) {
		struct ext_block *block = find(ext->cache, snapshot->numbers[i]);

		if (block)
			block->is_in_flight = false;
	}
}

void ext_snapshot_free(struct ext_snapshot *snapshot)
{
	free(snapshot->numbers);
	free(snapshot->is_directory);
	free(snapshot->is_new);
	free(snapshot->data);
	free(snapshot->created.items);
	*snapshot = (struct ext_snapshot){ 0 };
}

/*
 * Who replays a journal and cannot read it takes it for lost: makes another inode of what the superblock
 * says of it, marks it as empty. The disk must not learn of that.
 */
int ext_cache_write(struct ext_cache *cache)
{
	struct ext_block *block;
	int error;

	if (cache->is_direct && cache->has_failed)
		return -EIO;
	while ((block = cache->dirty)) {
		error = cache->disk->write(cache->disk, block->number * cache->block_size,
					   block->data, cache->block_size);
		if (error)
			return error;
		make_clean(cache, block);
	}
	return cache->disk->flush(cache->disk);
}

void ext_cache_begin(struct ext_cache *cache)
{
	cache->is_direct = false;
}

/* ------------------------------------------------------------------------ libext2fs's manager */

static struct ext_cache *cache_of(io_channel channel)
{
	return channel->private_data;
}

/* The channel's name is the address of the cache: libext2fs has only a string for us. */
static errcode_t manager_open(const char *name, int flags, io_channel *result)
{
	struct ext_cache *cache = (struct ext_cache *)(uintptr_t)strtoull(name, NULL, 16);
	io_channel channel = calloc(1, sizeof(*channel));

	(void)flags;
	if (!channel)
		return EXT2_ET_NO_MEMORY;
	channel->magic = EXT2_ET_MAGIC_IO_CHANNEL;
	channel->manager = &ext_io_manager;
	channel->name = strdup(name);
	channel->block_size = (int)cache->block_size;
	channel->refcount = 1;
	channel->private_data = cache;
	*result = channel;
	return 0;
}

static errcode_t manager_close(io_channel channel)
{
	if (--channel->refcount > 0)
		return 0;
	free(channel->name);
	free(channel);
	return 0;
}

/* Only at mount, when the superblock is read (again, after a replay). */
static errcode_t manager_set_block_size(io_channel channel, int size)
{
	struct ext_cache *cache = cache_of(channel);

	if (cache->block_size == (uint32_t)size)
		return 0;
	if (!cache->is_direct || (cache->dirty && ext_cache_write(cache)))
		return EXT2_ET_INVALID_ARGUMENT;
	while (cache->oldest)
		drop(cache, cache->oldest);
	cache->block_size = (uint32_t)size;
	channel->block_size = size;
	return 0;
}

static errcode_t manager_read(io_channel channel, unsigned long long number, int count, void *data)
{
	struct ext_cache *cache = cache_of(channel);
	size_t left = count < 0 ? (size_t)-count : (size_t)count * cache->block_size;
	struct ext_block *block;

	for (; left; number++) {
		size_t part = left < cache->block_size ? left : cache->block_size;

		if (get(cache, number, true, &block))
			return EXT2_ET_SHORT_READ;
		memcpy(data, block->data, part);
		data = (char *)data + part;
		left -= part;
	}
	return 0;
}

/* The C library compares byte by byte. */
static bool is_same(const void *a, const void *b, size_t length)
{
	const char *left = a, *right = b;
	uint64_t x, y;

	for (; length >= 8; length -= 8, left += 8, right += 8) {
		memcpy(&x, left, 8);
		memcpy(&y, right, 8);
		if (x != y)
			return false;
	}
	return !memcmp(left, right, length);
}

/* Bytes of a block, which becomes dirty if they are other ones than before. */
static void change(struct ext_cache *cache, struct ext_block *block, uint32_t at, const void *data,
		   size_t length)
{
	if (!block->is_dirty && is_same(block->data + at, data, length))
		return;
	memcpy(block->data + at, data, length);
	make_dirty(cache, block);
}

static errcode_t manager_write(io_channel channel, unsigned long long number, int count,
			       const void *data)
{
	struct ext_cache *cache = cache_of(channel);
	size_t left = count < 0 ? (size_t)-count : (size_t)count * cache->block_size;
	struct ext_block *block;

	for (; left; number++) {
		size_t part = left < cache->block_size ? left : cache->block_size;

		if (get(cache, number, true, &block))
			return EXT2_ET_SHORT_WRITE;
		change(cache, block, 0, data, part);
		data = (const char *)data + part;
		left -= part;
	}
	return 0;
}

static errcode_t manager_write_byte(io_channel channel, unsigned long offset, int size,
				    const void *data)
{
	struct ext_cache *cache = cache_of(channel);
	struct ext_block *block;

	while (size > 0) {
		uint32_t at = (uint32_t)(offset % cache->block_size);
		int part = (int)(cache->block_size - at);

		part = part < size ? part : size;
		if (get(cache, offset / cache->block_size, true, &block))
			return EXT2_ET_SHORT_WRITE;
		change(cache, block, at, data, (size_t)part);
		data = (const char *)data + part;
		offset += (unsigned long)part;
		size -= part;
	}
	return 0;
}

static errcode_t manager_read_32(io_channel channel, unsigned long block, int count, void *data)
{
	return manager_read(channel, block, count, data);
}

static errcode_t manager_write_32(io_channel channel, unsigned long block, int count,
				  const void *data)
{
	return manager_write(channel, block, count, data);
}

/* Replaying a journal is ordered by flushes; later what is on disk is the journal's business. */
static errcode_t manager_flush(io_channel channel)
{
	struct ext_cache *cache = cache_of(channel);

	return cache->is_direct && ext_cache_write(cache) ? EXT2_ET_SHORT_WRITE : 0;
}

struct struct_io_manager ext_io_manager = {
	.magic = EXT2_ET_MAGIC_IO_MANAGER,
	.name = "extfs",
	.open = manager_open,
	.close = manager_close,
	.set_blksize = manager_set_block_size,
	.read_blk = manager_read_32,
	.write_blk = manager_write_32,
	.flush = manager_flush,
	.write_byte = manager_write_byte,
	.read_blk64 = manager_read,
	.write_blk64 = manager_write,
};
