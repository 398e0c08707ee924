/*
 * The disk driver's core over a model of the machine: a device with registers and queue, honest or not,
 * memory that it reaches by physical addresses, pages that are pinned, and clients that wait.
 *
 * The honest device checks what it is offered: it touches the driver's DMA memory and pinned pages only.
 */
#ifndef TESTS_HOST_DISK_MODEL_H
#define TESTS_HOST_DISK_MODEL_H

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The driver's accesses to registers come to the model. */
#define virtio_read plain_virtio_read
#define virtio_write plain_virtio_write
#include "../../lib/virtio/registers.h"
#undef virtio_read
#undef virtio_write
static uint32_t virtio_read(const struct virtio_device *device, size_t offset);
static void virtio_write(struct virtio_device *device, size_t offset, uint32_t value);
#define virtio_write_address model_write_address
static inline void model_write_address(struct virtio_device *device, size_t offset,
				       uint64_t address)
{
	virtio_write(device, offset, (uint32_t)address);
	virtio_write(device, offset + 4, (uint32_t)(address >> 32));
}

#include "../../lib/virtio/device.c"
#include "../../lib/virtio/queue.c"
#include "../../servers/virtio-blk/disk.c"
#include "../../servers/virtio-blk/memories.c"
#include "../../servers/virtio-blk/operations.c"
#include "../../servers/virtio-blk/requests.c"

#define PHYSICAL 0x80000000ul
#define DMA_PAGES (DISK_MEMORY / DISK_PAGE)
#define FRAMES 1024
#define MODEL_SECTORS 80001ul /* the last page of the disk is not a whole one */
#define CLIENTS_MAX 4096

struct model {
	uint8_t *ram; /* DMA memory, then frames */
	uint8_t registers[0x200];
	uint32_t feature_select;
	uint64_t features;
	bool does_not_reset;
	bool has_no_memory; /* for the pages of a FILL */
	bool checks_writes; /* what is written is what the disk has there already */
	uint16_t seen;      /* of the available ring */
	unsigned int pins[FRAMES], frame_of_page[FRAMES];
	unsigned int committed, failed_pages;
	int next_reply, open_replies;
	bool answered[CLIENTS_MAX];
	int results[CLIENTS_MAX];
	uint32_t status; /* what the device answers */
	uint32_t short_by;
	unsigned int wanted_pages;     /* of a FILL: how many get frames */
	uint64_t reads, writes, bytes; /* that the device has done */
};

static struct model model;
static struct unit unit;
static struct pins slot_pins[DISK_SLOTS];

/* ----------------------------------------------------------------------------------- registers */

static struct disk_config *model_config(void)
{
	return (struct disk_config *)(model.registers + VIRTIO_CONFIG);
}

static void model_configure(void)
{
	*model_config() = (struct disk_config){
		.capacity = MODEL_SECTORS,
		.size_max = 8192,
		.segments_max = 254,
		.block_size = 512,
		.max_discard_sectors = 1000,
		.max_zeroes_sectors = 1000,
	};
}

static uint32_t *model_register(size_t offset)
{
	return (uint32_t *)(model.registers + offset);
}

static uint32_t virtio_read(const struct virtio_device *device, size_t offset)
{
	(void)device;
	if (offset == VIRTIO_DEVICE_FEATURES)
		return (uint32_t)(model.features >> (model.feature_select ? 32 : 0));
	return *model_register(offset);
}

static void virtio_write(struct virtio_device *device, size_t offset, uint32_t value)
{
	(void)device;
	if (offset == VIRTIO_DEVICE_FEATURES_SELECT)
		model.feature_select = value;
	else if (offset == VIRTIO_STATUS && value == 0 && model.does_not_reset)
		return;
	if (offset == VIRTIO_STATUS && value == 0)
		model.seen = 0;
	*model_register(offset) = value;
}

/* ------------------------------------------------------------------------- pages and clients */

/* Page p of any memobj has frame frame_of_page[p % FRAMES]. */
static uint64_t frame_address(uint64_t page)
{
	return PHYSICAL + (DMA_PAGES + model.frame_of_page[page % FRAMES]) * (uint64_t)DISK_PAGE;
}

static unsigned int frame_number(uint64_t address)
{
	return (unsigned int)((address - PHYSICAL) / DISK_PAGE - DMA_PAGES);
}

int pins_take(struct pins *pins, tern_handle memobj, uint64_t first, uint64_t count)
{
	(void)memobj;
	assert(count && count <= DISK_SEGMENTS);
	for (uint64_t i = 0; i < count; i++) {
		pins->addresses[i] = frame_address(first + i);
		model.pins[frame_number(pins->addresses[i])]++;
	}
	return 0;
}

void pins_drop(struct pins *pins, uint64_t count)
{
	assert(count <= DISK_SEGMENTS);
	for (uint64_t i = 0; i < count; i++) {
		if (pins->addresses[i]) {
			assert(model.pins[frame_number(pins->addresses[i])]);
			model.pins[frame_number(pins->addresses[i])]--;
		}
		pins->addresses[i] = 0;
	}
}

int pins_prepare(struct pins *pins, tern_handle memobj, uint64_t id, uint64_t first, uint64_t count)
{
	(void)id;
	if (!model.wanted_pages)
		return -ESRCH;
	if (model.has_no_memory)
		return -ENOMEM;
	pins_take(pins, memobj, first, count);
	if (count > model.wanted_pages) {
		struct pins rest = { { 0 } };

		memcpy(rest.addresses, pins->addresses + model.wanted_pages,
		       (count - model.wanted_pages) * 8);
		memset(pins->addresses + model.wanted_pages, 0, (count - model.wanted_pages) * 8);
		pins_drop(&rest, count - model.wanted_pages);
		count = model.wanted_pages;
	}
	model.wanted_pages -= (unsigned int)count;
	return (int)count;
}

void pins_commit(struct pins *pins, tern_handle memobj, uint64_t first, uint64_t count, int error)
{
	(void)memobj, (void)first;
	for (uint64_t i = 0; i < count; i++) {
		model.committed += pins->addresses[i] && !error;
		model.failed_pages += pins->addresses[i] && error;
	}
	pins_drop(pins, count);
}

void pins_fail(tern_handle memobj, uint64_t id, uint64_t first, uint64_t count, int error)
{
	(void)memobj, (void)id, (void)first, (void)error;
	model.failed_pages += (unsigned int)count;
}

void pins_abandon(struct pins *pins, tern_handle memobj, uint64_t first, uint64_t count)
{
	(void)pins, (void)memobj, (void)first, (void)count;
}

tern_handle client_park(void)
{
	assert(model.next_reply < CLIENTS_MAX);
	model.open_replies++;
	return ++model.next_reply;
}

void client_answer(tern_handle reply, int result)
{
	assert(!model.answered[reply]);
	model.answered[reply] = true;
	model.results[reply] = result;
	model.open_replies--;
}

void memory_close(tern_handle memobj)
{
	(void)memobj;
}

/* -------------------------------------------------------------------------- the honest device */

static struct virtio_available *model_available(void)
{
	return (void *)(model.ram + unit.disk.queue.size * sizeof(struct virtio_descriptor));
}

static struct virtio_used *model_used(void)
{
	return (void *)(model.ram + used_offset(unit.disk.queue.size));
}

/* What the device may touch: NULL is what it must not be offered. */
static uint8_t *model_memory(uint64_t address, uint64_t length)
{
	uint64_t offset = address - PHYSICAL;

	if (offset < DISK_MEMORY)
		return length <= DISK_MEMORY - offset ? model.ram + offset : NULL;
	for (uint64_t at = address & ~(uint64_t)(DISK_PAGE - 1); at < address + length;
	     at += DISK_PAGE)
		if (frame_number(at) >= FRAMES || !model.pins[frame_number(at)])
			return NULL;
	return model.ram + offset;
}

/* The byte of a sector on the model's disk. */
static uint8_t model_byte(uint64_t position)
{
	return (uint8_t)(position / DISK_SECTOR * 7 + position % 251);
}

static void model_transfer(uint8_t *data, uint32_t length, uint64_t position, bool is_read)
{
	for (uint32_t i = 0; i < length; i++) {
		if (is_read)
			data[i] = model_byte(position + i);
		else if (model.checks_writes)
			assert(data[i] == model_byte(position + i));
	}
}

/* Carries out one chain. Returns how many bytes it has written. */
static uint32_t model_run(const struct virtio_descriptor *chain, uint16_t at)
{
	uint32_t *header = (void *)model_memory(chain[at].address, 16), written = 0;
	uint64_t position;

	assert(header && chain[at].length == 16 && chain[at].flags & DESCRIPTOR_NEXT);
	position = *(uint64_t *)(header + 2) * DISK_SECTOR;
	for (at = chain[at].next;; at = chain[at].next) {
		const struct virtio_descriptor *segment = &chain[at];
		uint8_t *data = model_memory(segment->address, segment->length);

		assert(data && segment->length);
		if (!(segment->flags & DESCRIPTOR_NEXT)) {
			assert(segment->length == 1 && segment->flags & DESCRIPTOR_WRITE);
			*data = (uint8_t)model.status;
			return written + 1 - model.short_by;
		}
		assert(!!(segment->flags & DESCRIPTOR_WRITE) == (header[0] == DISK_READ));
		if (header[0] <= DISK_WRITE) {
			assert(position + segment->length <= MODEL_SECTORS * DISK_SECTOR);
			model_transfer(data, segment->length, position, header[0] == DISK_READ);
		}
		position += segment->length;
		model.bytes += segment->length;
		written += header[0] == DISK_READ ? segment->length : 0;
	}
}

/* Takes the next request, if there is one, and says what became of it. */
static bool model_step(void)
{
	struct virtio_available *available = model_available();
	struct virtio_used *used = model_used();
	const struct virtio_descriptor *descriptors = (void *)model.ram;
	uint16_t size = unit.disk.queue.size, head;
	uint32_t written;

	if (available->index == model.seen)
		return false;
	head = available->ring[model.seen++ % size];
	assert(head < size);
	if (descriptors[head].flags & DESCRIPTOR_INDIRECT)
		written = model_run(
			(void *)model_memory(descriptors[head].address, descriptors[head].length),
			0);
	else
		written = model_run(descriptors, head);
	used->ring[used->index % size].id = head;
	used->ring[used->index % size].length = written;
	used->index++;
	return true;
}

/* ---------------------------------------------------------------------------------------- set-up */

#define ALL_FEATURES                                                                               \
	(F_SEG_MAX | F_BLOCK_SIZE | F_FLUSH | F_DISCARD | F_WRITE_ZEROES |                         \
	 VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | VIRTIO_F_VERSION_1)

static void model_power_on(uint64_t features)
{
	uint8_t *ram = model.ram ? model.ram : malloc((DMA_PAGES + FRAMES) * DISK_PAGE);

	model = (struct model){ .ram = ram, .features = features, .wanted_pages = UINT32_MAX };
	memset(ram, 0, DISK_MEMORY);
	memset(slot_pins, 0, sizeof(slot_pins));
	*model_register(VIRTIO_MAGIC) = VIRTIO_MAGIC_VALUE;
	*model_register(VIRTIO_VERSION) = 2;
	*model_register(VIRTIO_DEVICE_ID) = VIRTIO_ID_BLOCK;
	*model_register(VIRTIO_QUEUE_SIZE_LIMIT) = 1024;
	model_configure();
	/* Backwards, so that neighbours are no neighbours in memory. */
	for (unsigned int i = 0; i < FRAMES; i++)
		model.frame_of_page[i] = FRAMES - 1 - i;
	unit = (struct unit){ .pins = slot_pins };
	requests_init();
	memories_init(1000);
}

/* 0 or what disk_start says. */
static int model_start(uint64_t features)
{
	model_power_on(features);
	assert(disk_reset(&unit.disk, model.registers) == 0);
	return disk_start(&unit.disk, model.ram, PHYSICAL);
}

/* A client's call: the answer's result if it came at once; otherwise 1000 + the reply's number. */
static int model_call(uint64_t client, const struct block_request *request)
{
	struct tern_received message = { .userdata = client };
	int replies = model.next_reply;

	memcpy(message.words, request, sizeof(*request));
	operation_run(&unit, &message, 0);
	return model.next_reply > replies ? 1000 + model.next_reply
					  : (int)(int64_t)message.words[0];
}

static uint64_t model_attach(uint64_t client)
{
	struct tern_received message = {
		.userdata = client, .words = { BLOCK_ATTACH }, .handles = { 77 }, .handle_count = 1
	};

	operation_run(&unit, &message, 0);
	assert(message.words[0] == 0);
	return message.words[1];
}

static inline unsigned int model_pins(void)
{
	unsigned int pins = 0;

	for (unsigned int i = 0; i < FRAMES; i++)
		pins += model.pins[i];
	return pins;
}

/* Until there is nothing more to do. */
static inline void model_finish(void)
{
	do
		requests_finish(&unit, 0);
	while (model_step());
}

#endif
