/* A virtio block device, see disk.h. */
#include "disk.h"

#include <errno.h>
#include <stddef.h>

#define F_SIZE_MAX (1u << 1)
#define F_SEG_MAX (1u << 2)
#define F_READ_ONLY (1u << 5)
#define F_BLOCK_SIZE (1u << 6)
#define F_FLUSH (1u << 9)
#define F_DISCARD (1u << 13)
#define F_WRITE_ZEROES (1u << 14)
#define WANTED                                                                                     \
	(F_SIZE_MAX | F_SEG_MAX | F_READ_ONLY | F_BLOCK_SIZE | F_FLUSH | F_DISCARD |               \
	 F_WRITE_ZEROES | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX)

#define STATUS_OK 0
#define STATUS_UNSUPPORTED 2
#define STATUS_PENDING 0xff

#define RANGE_MAY_UNMAP 1

/* The device's configuration space. */
struct disk_config {
	uint64_t capacity; /* in sectors */
	uint32_t size_max, segments_max;
	uint32_t geometry, block_size;
	uint8_t topology[12];
	uint32_t max_discard_sectors, max_discard_segments, discard_alignment;
	uint32_t max_zeroes_sectors, max_zeroes_segments;
	uint32_t may_unmap;
};

_Static_assert(offsetof(struct disk_config, max_discard_sectors) == 36, "as in the standard");

struct disk_slot_memory {
	struct {
		uint32_t type, reserved;
		uint64_t sector;
	} header;
	struct {
		uint64_t sector;
		uint32_t sectors, flags;
	} range;
	volatile uint8_t status;
	uint8_t unused[31];
	uint8_t table[VIRTIO_TABLE_SIZE(DISK_SEGMENTS + 2)];
};

_Static_assert(sizeof(struct disk_slot_memory) <= DISK_SLOT_BYTES, "a slot's memory");
_Static_assert(offsetof(struct disk_slot_memory, table) % 16 == 0, "tables are aligned");

static bool has(const struct disk *disk, uint64_t feature)
{
	return disk->device.features & feature;
}

/* ------------------------------------------------------------------------------------ starting */

int disk_reset(struct disk *disk, volatile void *registers)
{
	int class = virtio_probe(&disk->device, registers);

	if (class != VIRTIO_ID_BLOCK)
		return -ENODEV;
	disk->is_dead = virtio_reset(&disk->device) != 0;
	return disk->is_dead ? -EIO : 0;
}

static uint32_t at_most(uint32_t value, uint32_t limit)
{
	return value < limit ? value : limit;
}

static bool makes_sense(const struct disk_config *config)
{
	return config->block_size >= DISK_SECTOR && config->block_size <= DISK_PAGE &&
	       !(config->block_size & (config->block_size - 1)) && config->size_max >= DISK_PAGE &&
	       config->segments_max && config->capacity <= UINT64_MAX / DISK_SECTOR;
}

/* Pieces of a range that is done in pieces stay aligned. */
static uint32_t range_limit(uint32_t sectors, const struct disk_config *config)
{
	return sectors - sectors % (config->block_size / DISK_SECTOR);
}

int disk_configure(struct disk *disk)
{
	struct disk_config config;
	uint32_t room = has(disk, VIRTIO_F_INDIRECT_DESC) ? DISK_SEGMENTS : disk->queue.size - 2u;

	virtio_config_read(&disk->device, 0, &config, sizeof(config));
	if (!has(disk, F_BLOCK_SIZE))
		config.block_size = DISK_SECTOR;
	if (!has(disk, F_SIZE_MAX))
		config.size_max = UINT32_MAX;
	if (!has(disk, F_SEG_MAX))
		config.segments_max = 1; /* who does not say how many takes one */
	if (!makes_sense(&config))
		return -ENOTSUP;
	disk->sectors = config.capacity;
	disk->block_size = config.block_size;
	disk->segment_size = config.size_max;
	disk->segments_max = at_most(at_most(config.segments_max, DISK_SEGMENTS), room);
	disk->discard_sectors = has(disk, F_DISCARD)
					? range_limit(config.max_discard_sectors, &config)
					: 0;
	disk->zeroes_sectors = has(disk, F_WRITE_ZEROES)
				       ? range_limit(config.max_zeroes_sectors, &config)
				       : 0;
	disk->is_read_only = has(disk, F_READ_ONLY);
	disk->can_flush = has(disk, F_FLUSH);
	return 0;
}

static void make_slots(struct disk *disk)
{
	disk->free = NULL;
	disk->in_flight = 0;
	for (unsigned int i = DISK_SLOTS; i-- > 0;) {
		uint64_t offset = DISK_QUEUE_BYTES + i * DISK_SLOT_BYTES;

		disk->slots[i] = (struct virtio_request){
			.memory = (void *)((char *)disk->memory + offset),
			.physical = disk->physical + offset,
			.number = i,
			.next = disk->free,
		};
		disk->free = &disk->slots[i];
	}
}

/* The device has been reset: agree on features, set up the queue. */
static int set_up(struct disk *disk)
{
	volatile char *memory = disk->memory;
	uint16_t size;
	int error = virtio_negotiate(&disk->device, WANTED, 0);

	if (error)
		return error;
	size = virtio_queue_limit(&disk->device, 0, DISK_QUEUE);
	if (size < 4)
		return -ENOTSUP;
	for (uint32_t i = 0; i < DISK_QUEUE_BYTES; i++)
		memory[i] = 0;
	virtio_queue_init(&disk->queue, &disk->device, 0, size, disk->memory, disk->physical);
	error = disk_configure(disk);
	if (!error)
		virtio_start(&disk->device);
	return error;
}

int disk_start(struct disk *disk, void *memory, uint64_t physical)
{
	disk->memory = memory;
	disk->physical = physical;
	make_slots(disk);
	return set_up(disk);
}

/* ---------------------------------------------------------------------------------- operations */

struct virtio_request *disk_slot_get(struct disk *disk)
{
	unsigned int room = has(disk, VIRTIO_F_INDIRECT_DESC) ? 1 : disk->segments_max + 2;
	struct virtio_request *slot = disk->free;

	if (!slot || disk->queue.free_count < room)
		return NULL;
	disk->free = slot->next;
	return slot;
}

void disk_slot_put(struct disk *disk, struct virtio_request *slot)
{
	slot->next = disk->free;
	disk->free = slot;
}

/* All segments: header, data, status. */
static int disk_offer(struct disk *disk, struct virtio_request *slot,
		      const struct virtio_segment *segments, unsigned int count, bool is_read)
{
	unsigned int out = is_read ? 1 : count - 1, in = count - out;
	struct disk_slot_memory *memory = slot->memory;
	uint64_t table = slot->physical + offsetof(struct disk_slot_memory, table);
	int error;

	memory->status = STATUS_PENDING;
	error = has(disk, VIRTIO_F_INDIRECT_DESC)
			? virtio_queue_add_indirect(&disk->queue, segments, out, in, memory->table,
						    table, slot)
			: virtio_queue_add(&disk->queue, segments, out, in, slot);
	if (error)
		return error;
	disk->in_flight++;
	disk->operations++;
	disk->in_flight_sum += disk->in_flight;
	if (disk->in_flight > disk->in_flight_most)
		disk->in_flight_most = disk->in_flight;
	return 0;
}

static void describe_header(struct virtio_request *slot, enum disk_type type, uint64_t sector,
			    struct virtio_segment *segment)
{
	slot->memory->header.type = type;
	slot->memory->header.reserved = 0;
	slot->memory->header.sector = sector;
	segment->address = slot->physical;
	segment->length = sizeof(slot->memory->header);
}

static void describe_status(struct virtio_request *slot, struct virtio_segment *segment)
{
	segment->address = slot->physical + offsetof(struct disk_slot_memory, status);
	segment->length = 1;
}

int disk_submit(struct disk *disk, struct virtio_request *slot, enum disk_type type,
		uint64_t sector, const struct virtio_segment *segments, unsigned int count)
{
	struct virtio_segment all[DISK_SEGMENTS + 2];

	if (count > disk->segments_max)
		return -EINVAL;
	describe_header(slot, type, sector, &all[0]);
	slot->reads = 1; /* the status */
	for (unsigned int i = 0; i < count; i++) {
		all[i + 1] = segments[i];
		slot->reads += type == DISK_READ ? segments[i].length : 0;
	}
	describe_status(slot, &all[count + 1]);
	return disk_offer(disk, slot, all, count + 2, type == DISK_READ);
}

int disk_submit_range(struct disk *disk, struct virtio_request *slot, enum disk_type type,
		      uint64_t sector, uint32_t sectors, bool may_unmap)
{
	struct virtio_segment all[3];

	describe_header(slot, type, 0, &all[0]);
	slot->memory->range.sector = sector;
	slot->memory->range.sectors = sectors;
	slot->memory->range.flags = may_unmap ? RANGE_MAY_UNMAP : 0;
	all[1].address = slot->physical + offsetof(struct disk_slot_memory, range);
	all[1].length = sizeof(slot->memory->range);
	describe_status(slot, &all[2]);
	slot->reads = 1;
	return disk_offer(disk, slot, all, 3, false);
}

void disk_kick(struct disk *disk)
{
	virtio_queue_kick(&disk->queue);
}

struct virtio_request *disk_take(struct disk *disk, int *result)
{
	uint32_t written;
	struct virtio_request *slot = virtio_queue_take(&disk->queue, &written);
	uint8_t status;

	if (!slot)
		return NULL;
	disk->in_flight--;
	status = slot->memory->status;
	if (status == STATUS_UNSUPPORTED)
		*result = -EOPNOTSUPP;
	else if (status != STATUS_OK || written < slot->reads)
		*result = -EIO;
	else
		*result = 0;
	return slot;
}

bool disk_wait(struct disk *disk)
{
	return !disk->queue.is_broken && virtio_queue_wait(&disk->queue);
}

/* ------------------------------------------------------------------------------------ recovery */

bool disk_is_broken(const struct disk *disk)
{
	return disk->queue.is_broken || virtio_needs_reset(&disk->device);
}

int disk_restart(struct disk *disk, struct virtio_request **lost)
{
	struct virtio_request *slot;
	int error = virtio_reset(&disk->device);

	*lost = NULL;
	while ((slot = virtio_queue_abandon(&disk->queue))) {
		slot->next = *lost;
		*lost = slot;
	}
	disk->in_flight = 0;
	disk->is_dead = error != 0;
	if (!error && set_up(disk)) {
		/* It has stopped, at least: nothing is at work, and nothing will be. */
		disk->queue.is_broken = true;
		error = -ENOTSUP;
	}
	return error;
}
