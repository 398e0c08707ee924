/*
 * Split virtqueues. Everything that the device can write is read once and checked; what the driver
 * needs to trust (which descriptors form a chain, whose it is) it keeps in `slots`.
 */
#include <errno.h>

#include "registers.h"
#include "virtio.h"

#define DESCRIPTOR_NEXT 1
#define DESCRIPTOR_WRITE 2
#define DESCRIPTOR_INDIRECT 4
#define NO_NOTIFY 1

struct virtio_descriptor {
	uint64_t address;
	uint32_t length;
	uint16_t flags, next;
};

struct virtio_available {
	uint16_t flags, index;
	uint16_t ring[]; /* and behind it the event field */
};

struct virtio_used {
	uint16_t flags, index;
	struct {
		uint32_t id, length;
	} ring[]; /* and behind it the event field */
};

/* The three parts follow each other; the used ring is aligned for the device's sake. */
static size_t used_offset(uint16_t size)
{
	size_t end = size * sizeof(struct virtio_descriptor) + (3u + size) * sizeof(uint16_t);

	return (end + 63) / 64 * 64;
}

size_t virtio_queue_memory(uint16_t size)
{
	return used_offset(size) + 6 + size * 8u;
}

/* The index at which the device wants to interrupt next: written by the driver. */
static volatile uint16_t *used_event(const struct virtio_queue *queue)
{
	return &queue->available->ring[queue->size];
}

/* The index at which the device wants to be notified next: written by the device. */
static volatile uint16_t *avail_event(const struct virtio_queue *queue)
{
	return (volatile uint16_t *)&queue->used->ring[queue->size];
}

static bool has_event_index(const struct virtio_queue *queue)
{
	return queue->device->features & VIRTIO_F_EVENT_IDX;
}

uint16_t virtio_queue_limit(struct virtio_device *device, uint16_t index, uint16_t wanted)
{
	uint32_t limit, size = 1;

	virtio_write(device, VIRTIO_QUEUE_SELECT, index);
	limit = virtio_read(device, VIRTIO_QUEUE_SIZE_LIMIT);
	if (limit > wanted)
		limit = wanted;
	if (limit > VIRTIO_QUEUE_SIZE_MAX)
		limit = VIRTIO_QUEUE_SIZE_MAX;
	while (size * 2 <= limit)
		size *= 2;
	return limit ? (uint16_t)size : 0;
}

void virtio_queue_init(struct virtio_queue *queue, struct virtio_device *device, uint16_t index,
		       uint16_t size, void *memory, uint64_t physical)
{
	uint64_t available = size * sizeof(struct virtio_descriptor), used = used_offset(size);

	*queue = (struct virtio_queue){
		.device = device,
		.index = index,
		.size = size,
		.free_count = size,
		.descriptors = memory,
		.available = (volatile void *)((char *)memory + available),
		.used = (volatile void *)((char *)memory + used),
	};
	for (uint16_t i = 0; i < size; i++)
		queue->slots[i].next = (uint16_t)(i + 1);
	virtio_write(device, VIRTIO_QUEUE_SELECT, index);
	virtio_write(device, VIRTIO_QUEUE_SIZE, size);
	virtio_write_address(device, VIRTIO_QUEUE_DESCRIPTORS, physical);
	virtio_write_address(device, VIRTIO_QUEUE_AVAILABLE, physical + available);
	virtio_write_address(device, VIRTIO_QUEUE_USED, physical + used);
	virtio_write(device, VIRTIO_QUEUE_READY, 1);
}

/* ----------------------------------------------------------------------------------- offering */

static uint16_t take_descriptor(struct virtio_queue *queue)
{
	uint16_t taken = queue->free_head;

	queue->free_head = queue->slots[taken].next;
	queue->free_count--;
	return taken;
}

static void give_descriptor(struct virtio_queue *queue, uint16_t descriptor)
{
	queue->slots[descriptor].next = queue->free_head;
	queue->free_head = descriptor;
	queue->free_count++;
}

static void describe(volatile struct virtio_descriptor *place, const struct virtio_segment *segment,
		     bool is_written, bool is_last)
{
	place->address = segment->address;
	place->length = segment->length;
	place->flags = (uint16_t)((is_written ? DESCRIPTOR_WRITE : 0) |
				  (is_last ? 0 : DESCRIPTOR_NEXT));
}

/* The chain that begins with `head` is the device's now. */
static void offer(struct virtio_queue *queue, uint16_t head, struct virtio_request *request)
{
	queue->slots[head].request = request;
	queue->available->ring[queue->next_avail % queue->size] = head;
	virtio_barrier(); /* the chain before the index that offers it */
	queue->available->index = ++queue->next_avail;
}

int virtio_queue_add(struct virtio_queue *queue, const struct virtio_segment *segments,
		     unsigned int out, unsigned int in, struct virtio_request *request)
{
	unsigned int count = out + in;
	uint16_t head = queue->free_head, previous = head;
	struct virtio_slot *slot = &queue->slots[head];
	uint32_t writable = 0;

	if (queue->is_broken)
		return -EIO;
	if (!request || count == 0 || count > queue->size)
		return -EINVAL;
	if (count > queue->free_count)
		return -EAGAIN;
	for (unsigned int i = 0; i < count; i++) {
		uint16_t descriptor = take_descriptor(queue);

		describe(&queue->descriptors[descriptor], &segments[i], i >= out, i + 1 == count);
		queue->descriptors[previous].next = descriptor;
		previous = descriptor;
		writable += i >= out ? segments[i].length : 0;
	}
	slot->writable = writable;
	slot->length = (uint16_t)count;
	offer(queue, head, request);
	return 0;
}

int virtio_queue_add_indirect(struct virtio_queue *queue, const struct virtio_segment *segments,
			      unsigned int out, unsigned int in, void *table, uint64_t physical,
			      struct virtio_request *request)
{
	volatile struct virtio_descriptor *places = table;
	unsigned int count = out + in;
	uint32_t writable = 0;
	uint16_t head;

	if (queue->is_broken)
		return -EIO;
	if (!request || count == 0 || count > UINT16_MAX)
		return -EINVAL;
	if (!queue->free_count)
		return -EAGAIN;
	for (unsigned int i = 0; i < count; i++) {
		describe(&places[i], &segments[i], i >= out, i + 1 == count);
		places[i].next = (uint16_t)(i + 1);
		writable += i >= out ? segments[i].length : 0;
	}
	head = take_descriptor(queue);
	queue->descriptors[head].address = physical;
	queue->descriptors[head].length = VIRTIO_TABLE_SIZE(count);
	queue->descriptors[head].flags = DESCRIPTOR_INDIRECT;
	queue->slots[head].writable = writable;
	queue->slots[head].length = 1;
	offer(queue, head, request);
	return 0;
}

/* Has the index passed `event` on its way from `old` to `new`? All count without wrapping. */
static bool has_passed(uint16_t event, uint16_t new, uint16_t old)
{
	return (uint16_t)(new - event - 1) < (uint16_t)(new - old);
}

void virtio_queue_kick(struct virtio_queue *queue)
{
	uint16_t old = queue->announced;
	bool is_wanted;

	if (queue->is_broken || old == queue->next_avail)
		return;
	virtio_barrier(); /* the index before the device's wish: it does the reverse */
	queue->announced = queue->next_avail;
	is_wanted = has_event_index(queue) ? has_passed(*avail_event(queue), queue->next_avail, old)
					   : !(queue->used->flags & NO_NOTIFY);
	if (is_wanted)
		virtio_write(queue->device, VIRTIO_QUEUE_NOTIFY, queue->index);
}

/* ------------------------------------------------------------------------------------- taking */

/* The chain's descriptors are free again. The device cannot change which they are. */
static struct virtio_request *release(struct virtio_queue *queue, uint16_t head)
{
	struct virtio_slot *slot = &queue->slots[head];
	struct virtio_request *request = slot->request;
	uint16_t descriptor = head;

	slot->request = NULL;
	for (uint16_t left = slot->length; left; left--) {
		uint16_t next = queue->slots[descriptor].next;

		give_descriptor(queue, descriptor);
		descriptor = next;
	}
	return request;
}

struct virtio_request *virtio_queue_take(struct virtio_queue *queue, uint32_t *written)
{
	uint16_t index = queue->used->index, waiting = (uint16_t)(index - queue->next_used);
	uint32_t id, length;

	if (queue->is_broken || waiting == 0)
		return NULL;
	virtio_barrier(); /* the index before the entry */
	id = queue->used->ring[queue->next_used % queue->size].id;
	length = queue->used->ring[queue->next_used % queue->size].length;
	if (waiting > queue->size || id >= queue->size || !queue->slots[id].request ||
	    length > queue->slots[id].writable) {
		queue->is_broken = true;
		return NULL;
	}
	queue->next_used++;
	*written = length;
	return release(queue, (uint16_t)id);
}

bool virtio_queue_wait(struct virtio_queue *queue)
{
	if (has_event_index(queue))
		*used_event(queue) = queue->next_used;
	else
		queue->available->flags = 0;
	virtio_barrier(); /* the wish before the index: the device does the reverse */
	return queue->used->index != queue->next_used;
}

struct virtio_request *virtio_queue_abandon(struct virtio_queue *queue)
{
	queue->is_broken = true;
	for (uint16_t i = 0; i < queue->size; i++)
		if (queue->slots[i].request)
			return release(queue, i);
	return NULL;
}
