/*
 * Metadata's way to the disk. The block protocol moves pages of paged memobjs only, so there is one
 * with slots, into which what is read comes and from which what is written goes. Its pages may be
 * taken by the kernel whenever they are clean: they are put there anew before each request.
 */
#include <string.h>

#include "file.h"
#include "tern/memobj.h"

#define SLOTS 16
#define SLOT_PAGES 64
#define SLOT_BYTES (SLOT_PAGES * TERN_PAGE_SIZE)
#define TRIES 16

static struct ext_block_disk *self_of(struct ext_disk *disk)
{
	return (struct ext_block_disk *)disk;
}

static unsigned take_slot(struct ext_block_disk *self)
{
	unsigned slot;

	pthread_mutex_lock(&self->lock);
	while (!self->free_slots)
		pthread_cond_wait(&self->is_free, &self->lock);
	slot = (unsigned)__builtin_ctz(self->free_slots);
	self->free_slots &= self->free_slots - 1;
	pthread_mutex_unlock(&self->lock);
	return slot;
}

static void give_slot(struct ext_block_disk *self, unsigned slot)
{
	pthread_mutex_lock(&self->lock);
	self->free_slots |= 1u << slot;
	pthread_cond_signal(&self->is_free);
	pthread_mutex_unlock(&self->lock);
}

static void make_resident(struct ext_block_disk *self, unsigned slot, size_t length)
{
	uint64_t pages = (length + TERN_PAGE_SIZE - 1) / TERN_PAGE_SIZE;

	tern_pager_supply(self->memory.memobj, 0, slot * SLOT_PAGES, pages, NULL, TERN_SUPPLY_ZERO);
}

static void make_clean(struct ext_block_disk *self, unsigned slot)
{
	struct tern_page_run run;

	while (tern_memobj_clean_begin(self->memory.memobj, slot * SLOT_PAGES, SLOT_PAGES, &run) >
	       0)
		tern_memobj_clean_end(self->memory.memobj, run.first, run.count, 0);
}

static int read_part(struct ext_block_disk *self, uint64_t position, void *buffer, size_t length)
{
	unsigned slot = take_slot(self);
	uint64_t offset = slot * SLOT_BYTES;
	int64_t result = -EAGAIN;

	for (int i = 0; i < TRIES && result == -EAGAIN; i++) {
		make_resident(self, slot, length);
		result = block_read(&self->memory, offset, length, position);
		if (!result)
			result = tern_memobj_read(self->memory.memobj, offset, buffer, length,
						  TERN_IO_NOWAIT);
		if (result >= 0 && (size_t)result != length)
			result = -EAGAIN;
	}
	give_slot(self, slot);
	return result < 0 ? -EIO : 0;
}

static int write_part(struct ext_block_disk *self, uint64_t position, const void *buffer,
		      size_t length)
{
	unsigned slot = take_slot(self);
	uint64_t offset = slot * SLOT_BYTES;
	int64_t result = -EAGAIN;

	for (int i = 0; i < TRIES && result == -EAGAIN; i++) {
		make_resident(self, slot, length);
		result = tern_memobj_write(self->memory.memobj, offset, buffer, length,
					   TERN_IO_NOWAIT);
		if (result >= 0)
			result = (size_t)result == length
					 ? block_write(&self->memory, offset, length, position)
					 : -EAGAIN;
	}
	make_clean(self, slot);
	give_slot(self, slot);
	return result < 0 ? -EIO : 0;
}

static int read_disk(struct ext_disk *disk, uint64_t position, void *buffer, size_t length)
{
	int error = 0;

	while (length && !error) {
		size_t part = length < SLOT_BYTES ? length : SLOT_BYTES;

		error = read_part(self_of(disk), position, buffer, part);
		position += part;
		buffer = (char *)buffer + part;
		length -= part;
	}
	return error;
}

static int write_disk(struct ext_disk *disk, uint64_t position, const void *buffer, size_t length)
{
	int error = disk->is_read_only ? -EROFS : 0;

	while (length && !error) {
		size_t part = length < SLOT_BYTES ? length : SLOT_BYTES;

		error = write_part(self_of(disk), position, buffer, part);
		position += part;
		buffer = (const char *)buffer + part;
		length -= part;
	}
	return error;
}

static int flush_disk(struct ext_disk *disk)
{
	return block_flush(&self_of(disk)->block) ? -EIO : 0;
}

int ext_block_disk_open(struct ext_block_disk *self, tern_handle disk, tern_handle port)
{
	tern_result memobj;
	int error;

	*self = (struct ext_block_disk){ .disk = { read_disk, write_disk, flush_disk, 0, false },
					 .free_slots = (1u << SLOTS) - 1 };
	pthread_mutex_init(&self->lock, NULL);
	pthread_cond_init(&self->is_free, NULL);
	error = block_open(&self->block, disk);
	if (error)
		return error;
	self->disk.size = self->block.info.size;
	self->disk.is_read_only = self->block.info.flags & BLOCK_IS_READ_ONLY;
	memobj = tern_memobj_create_paged(TERN_SELF_ACCOUNT, port, SLOTS * SLOT_BYTES, 0);
	if (memobj < 0)
		return (int)memobj;
	return block_attach(&self->block, &self->memory, memobj);
}
