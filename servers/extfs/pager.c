/*
 * Pages of open files between memory and disk. The kernel asks for pages that somebody touches, read
 * ahead included; they come straight from the disk into the memobj where whole pages lie together on
 * it, else through a buffer. Dirty pages are written back by a thread every few seconds, for fsync,
 * and when the kernel says that memory is short.
 *
 *     fill:       map (cached, or exclusively)  ->  disk, without locks
 *     write-back: clean_begin -> place (exclusively) -> disk, without locks -> written (exclusively)
 *                 -> clean_end
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "proto/init.h"
#include "tern/memobj.h"

#define PERIOD 5 /* seconds between two rounds of the writer */
#define BUSY_PAUSE_US 1000
#define TRIES 16 /* of pages that are truncated again and again while they are written */

extern struct ext_block_disk ext_block_disk;
extern struct ext_file *ext_files;
static struct fs *the_fs;

static uint32_t block_size(const struct ext *ext)
{
	return ext->ext2->blocksize;
}

static uint64_t blocks_per_page(const struct ext *ext)
{
	return TERN_PAGE_SIZE / block_size(ext);
}

/* ------------------------------------------------------------------------------------- fills */

static int map(struct ext *ext, struct ext_node *node, uint64_t logical, uint64_t count,
	       struct ext_run *run)
{
	bool is_cached;
	int error;

	fs_relock(ext->fs);
	is_cached = ext_map_cached(node, logical, count, run);
	fs_unlock(ext->fs);
	if (is_cached)
		return 0;
	pthread_mutex_lock(&ext->fs->change);
	error = ext_map(ext, node, logical, count, run);
	pthread_mutex_unlock(&ext->fs->change);
	return error;
}

/* How the pages from `page` on are to be filled, all in the same way. */
struct piece {
	uint64_t count; /* pages */
	bool is_hole;
	uint64_t position; /* on the disk; 0: they are scattered */
};

/* One page: all of its blocks a hole, together, or scattered. */
static int look_at_page(struct ext *ext, struct ext_node *node, uint64_t page, struct piece *piece)
{
	uint64_t per_page = blocks_per_page(ext), logical = page * per_page, done = 0, first = 0;
	bool is_hole = true, is_together = true;
	struct ext_run run;
	int error;

	for (; done < per_page; done += run.count) {
		error = map(ext, node, logical + done, per_page - done, &run);
		if (error)
			return error;
		if (run.physical && !run.is_unwritten) {
			is_hole = false;
			if (done == 0)
				first = run.physical;
			else if (run.physical != first + done)
				is_together = false;
		} else {
			is_together = false;
		}
	}
	*piece = (struct piece){ 1, is_hole,
				 !is_hole && is_together ? first * block_size(ext) : 0 };
	return 0;
}

static int look(struct ext *ext, struct ext_node *node, uint64_t page, uint64_t most,
		struct piece *piece)
{
	struct piece next;
	struct ext_run run;
	int error = look_at_page(ext, node, page, piece);

	if (error || (!piece->is_hole && !piece->position))
		return error;
	if (piece->position && blocks_per_page(ext) == 1) {
		error = map(ext, node, page, most, &run);
		piece->count = run.count;
		return error;
	}
	while (piece->count < most && !look_at_page(ext, node, page + piece->count, &next)) {
		if (next.is_hole != piece->is_hole ||
		    (piece->position &&
		     next.position != piece->position + piece->count * TERN_PAGE_SIZE))
			break;
		piece->count++;
	}
	return 0;
}

/* A page whose blocks are scattered. */
static int supply_scattered(struct ext *ext, struct ext_file *file, uint64_t id, uint64_t page)
{
	uint64_t per_page = blocks_per_page(ext), size = block_size(ext);
	uint8_t *buffer = calloc(1, TERN_PAGE_SIZE);
	int error = buffer ? 0 : -ENOMEM;
	struct ext_run run;

	for (uint64_t i = 0; i < per_page && !error; i++) {
		error = map(ext, file->node, page * per_page + i, 1, &run);
		if (!error && run.physical && !run.is_unwritten)
			error = ext->disk->read(ext->disk, run.physical * size, buffer + i * size,
						size);
	}
	if (!error)
		tern_pager_supply(file->memobj, id, page, 1, buffer, 0);
	free(buffer);
	return error;
}

/* What was promised by GROW needs no further promise when it is written to. */
static int supply_zeroes(struct ext *ext, struct ext_file *file, uint64_t id, uint64_t page,
			 uint64_t count)
{
	uint64_t promised = file->node->disk_size / TERN_PAGE_SIZE;
	tern_result result = 0;

	(void)ext;
	while (count && (result >= 0 || result == -ESRCH)) {
		uint64_t part = count < TERN_SUPPLY_MAX ? count : TERN_SUPPLY_MAX;
		uint64_t flag = TERN_SUPPLY_HOLE;

		if (file->node->limit && page >= promised)
			flag = TERN_SUPPLY_ZERO;
		else if (page < promised && page + part > promised)
			part = promised - page;
		result = tern_pager_supply(file->memobj, id, page, part, NULL, flag);
		page += part;
		count -= part;
	}
	return result < 0 && result != -ESRCH ? (int)result : 0;
}

static void fill(struct ext *ext, struct ext_file *file, const struct tern_request *request)
{
	uint64_t page = request->first, end = request->first + request->count;
	struct piece piece = { .count = 0 };
	int error = 0;

	for (; page < end && !error; page += piece.count) {
		error = look(ext, file->node, page, end - page, &piece);
		if (error)
			break;
		if (piece.count > TERN_SUPPLY_MAX)
			piece.count = TERN_SUPPLY_MAX;
		if (piece.is_hole)
			error = supply_zeroes(ext, file, request->id, page, piece.count);
		else if (piece.position)
			error = block_fill(&file->memory, request->id, page, piece.count,
					   piece.position);
		else
			error = supply_scattered(ext, file, request->id, page);
		error = error == -ESRCH ? 0 : error;
	}
	if (error)
		tern_pager_fail(file->memobj, request->id, page, end - page, EIO);
}

static void reserve(struct ext *ext, struct ext_file *file, const struct tern_request *request)
{
	uint64_t blocks = request->count * blocks_per_page(ext), at = request->first;
	uint64_t end = at + request->count;
	int error;

	pthread_mutex_lock(&ext->fs->change);
	error = ext_reserve(ext, blocks + 1);
	if (!error)
		file->node->reserved += blocks + 1;
	pthread_mutex_unlock(&ext->fs->change);
	if (error) {
		tern_pager_fail(file->memobj, request->id, at, request->count, ENOSPC);
		return;
	}
	for (; at < end; at += TERN_SUPPLY_MAX) {
		uint64_t part = end - at < TERN_SUPPLY_MAX ? end - at : TERN_SUPPLY_MAX;

		tern_pager_supply(file->memobj, request->id, at, part, NULL, TERN_SUPPLY_RESERVED);
	}
}

static void serve_requests(struct ext *ext, struct ext_file *file)
{
	struct tern_request request;

	/* One at a time: other threads take the next ones. */
	while (tern_pager_fetch(file->memobj, &request, 1) > 0) {
		if (request.kind == TERN_REQUEST_RESERVE)
			reserve(ext, file, &request);
		else
			fill(ext, file, &request);
	}
}

/* -------------------------------------------------------------------------------- write-back */

/* One run of blocks. *done: how many. -EAGAIN: a truncation has taken some of the pages away. */
static int write_blocks(struct ext *ext, struct ext_file *file, uint64_t logical, uint64_t count,
			uint64_t *done)
{
	uint64_t size = block_size(ext), length;
	struct ext_transfer transfer;
	int error, other;

	do {
		pthread_mutex_lock(&ext->fs->change);
		error = ext_content_place(ext, file->node, logical, count, &transfer);
		pthread_mutex_unlock(&ext->fs->change);
	} while (error == -EAGAIN && !usleep(BUSY_PAUSE_US));
	if (error)
		return error;
	*done = transfer.run.count;
	error = block_write(&file->memory, logical * size, transfer.run.count * size,
			    transfer.run.physical * size);
	pthread_mutex_lock(&ext->fs->change);
	length = (uint64_t)tern_memobj_info(file->memobj, TERN_MEMOBJ_LENGTH);
	if (error == -EINVAL && ext_content_is_cut(ext, file->node, &transfer, length))
		error = -EAGAIN;
	other = ext_content_written(ext, file->node, &transfer, length, error);
	pthread_mutex_unlock(&ext->fs->change);
	return error == -EAGAIN ? error : error ? -EIO : other;
}

static int write_run(struct ext *ext, struct ext_file *file, const struct tern_page_run *run)
{
	uint64_t per_page = blocks_per_page(ext), size = block_size(ext), done = 0;
	uint64_t length = (uint64_t)tern_memobj_info(file->memobj, TERN_MEMOBJ_LENGTH);
	uint64_t logical = run->first * per_page, end = (run->first + run->count) * per_page;
	uint64_t last = (length + size - 1) / size;
	int error = 0;

	end = end < last ? end : last;
	for (; logical < end && !error; logical += done)
		error = write_blocks(ext, file, logical, end - logical, &done);
	return error;
}

/* The inode's size is the memobj's once all is written: also when its end is a hole. */
static void note_size(struct ext *ext, struct ext_file *file)
{
	struct fs *fs = ext->fs;
	uint64_t length;

	pthread_mutex_lock(&fs->change);
	fs_relock(fs);
	length = (uint64_t)tern_memobj_info(file->memobj, TERN_MEMOBJ_LENGTH);
	if (file->node->disk_size != length) {
		file->node->disk_size = length;
		fs_node_mark_dirty(fs, &file->node->node);
	}
	ext_file_refresh(fs, &file->node->node);
	fs_unlock(fs);
	pthread_mutex_unlock(&fs->change);
}

int ext_write_back(struct fs *fs, struct ext_file *file)
{
	struct ext *ext = ext_of(fs);
	struct tern_page_run run;
	uint64_t from = 0;
	int error = 0, result, tries = TRIES;

	pthread_mutex_lock(&file->writer);
	while (tern_memobj_clean_begin(file->memobj, from, UINT64_MAX / TERN_PAGE_SIZE - from,
				       &run) > 0) {
		result = write_run(ext, file, &run);
		/* What was promised may be waiting for the transaction that freed it. */
		if (result == -ENOSPC && tries && !ext_sync(ext))
			result = -EAGAIN;
		tern_memobj_clean_end(file->memobj, run.first, run.count, (uint64_t)-result);
		if (result == -EAGAIN && tries-- > 0) {
			usleep(BUSY_PAUSE_US);
			continue;
		}
		error = error ? error : result == -EAGAIN ? -EIO : result;
		from = run.first + run.count;
	}
	if (!error)
		note_size(ext, file);
	pthread_mutex_unlock(&file->writer);
	return error;
}

int ext_file_sync(struct fs *fs, struct fs_node *node)
{
	struct ext_file *file = ext_node_of(node)->file;
	int error;

	if (!file)
		return 0;
	error = ext_write_back(fs, file);
	/* What failed in the background is told once. */
	if (tern_memobj_info(file->memobj, TERN_MEMOBJ_ERROR) > 0 && !error)
		error = -EIO;
	return error;
}

/* No writers and nothing dirty: what was promised is not needed any more. */
static void settle(struct fs *fs, struct ext_file *file)
{
	struct fs_node *node = &file->node->node;

	pthread_mutex_lock(&fs->change);
	fs_relock(fs);
	if (!node->writers && tern_memobj_info(file->memobj, TERN_MEMOBJ_DIRTY) == 0) {
		tern_memobj_set_limit(file->memobj,
				      (uint64_t)tern_memobj_info(file->memobj, TERN_MEMOBJ_LENGTH));
		ext_content_settle(ext_of(fs), file->node);
		node->is_busy = false;
	}
	fs_unlock(fs);
	pthread_mutex_unlock(&fs->change);
}

/* The next file behind `after` (by address, NULL: the first) that may have something to write. */
static struct ext_file *next_busy(struct fs *fs, const struct ext_file *after)
{
	struct ext_file *file, *best = NULL;

	fs_relock(fs);
	for (file = ext_files; file; file = file->next)
		if (file->node->node.is_busy && !file->node->node.is_doomed && file > after &&
		    (!best || file < best))
			best = file;
	if (best)
		fs_node_refer(fs, &best->node->node);
	fs_unlock(fs);
	return best;
}

static void let_go(struct fs *fs, struct ext_file *file)
{
	fs_relock(fs);
	fs_node_release(fs, &file->node->node);
	fs_unlock(fs);
}

int ext_files_sync(struct fs *fs)
{
	struct ext_file *file = NULL;
	const struct ext_file *after;
	int error = 0, result;

	while ((file = next_busy(fs, file))) {
		result = file->node->node.links ? ext_write_back(fs, file) : 0;
		error = error ? error : result;
		if (!result)
			settle(fs, file);
		after = file;
		let_go(fs, file);
		file = (struct ext_file *)after;
	}
	return error;
}

static void *writer_thread(void *argument)
{
	struct fs *fs = argument;

	for (;;) {
		sleep(PERIOD);
		ext_files_sync(fs);
		ext_sync(ext_of(fs));
		fs_begin_exclusive(fs);
		fs_reap(fs);
		fs_end_exclusive(fs);
	}
	return NULL;
}

/* ---------------------------------------------------------------------------- notifications */

void ext_pager_notified(uint64_t userdata, uint64_t bits)
{
	struct fs *fs = the_fs;
	struct fs_node *node;
	struct ext_file *file = NULL;

	if (INIT_KIND(userdata) == INIT_KIND_CONTROL)
		fs->stop();
	if (userdata >> 56 != FS_PORT_OWN)
		return;
	fs_relock(fs);
	node = fs_node_find(fs, (uint32_t)userdata);
	if (node && !node->is_doomed && (file = ext_node_of(node)->file))
		fs_node_refer(fs, node);
	fs_unlock(fs);
	if (!file)
		return;
	if (bits & TERN_PAGER_REQUEST)
		serve_requests(ext_of(fs), file);
	if (bits & TERN_PAGER_CLEAN)
		ext_write_back(fs, file);
	let_go(fs, file);
}

int ext_pager_start(struct fs *fs)
{
	pthread_t thread;

	the_fs = fs;
	return -pthread_create(&thread, NULL, writer_thread, fs);
}
