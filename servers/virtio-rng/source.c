/* A virtio entropy device, see source.h. */
#include "source.h"

#include <errno.h>
#include <string.h>

#define QUEUE_SIZE 8
#define BUFFER_OFFSET 4096

_Static_assert(BUFFER_OFFSET + SOURCE_POOL <= SOURCE_DMA, "the buffer fits");

int source_restart(struct source *source)
{
	uint16_t size;
	int error = virtio_reset(&source->device);

	source->is_asked = false;
	source->first = source->count = 0;
	source->queue.is_broken = true;
	if (error)
		return error;
	error = virtio_negotiate(&source->device, VIRTIO_F_EVENT_IDX, 0);
	if (error)
		return error;
	size = virtio_queue_limit(&source->device, 0, QUEUE_SIZE);
	if (!size)
		return -ENOTSUP;
	memset(source->memory, 0, SOURCE_DMA);
	virtio_queue_init(&source->queue, &source->device, 0, size, source->memory,
			  source->physical);
	virtio_start(&source->device);
	return 0;
}

int source_start(struct source *source, volatile void *registers, void *memory, uint64_t physical)
{
	int class = virtio_probe(&source->device, registers);

	if (class != VIRTIO_ID_RNG)
		return class < 0 ? class : -ENODEV;
	source->memory = memory;
	source->physical = physical;
	return source_restart(source);
}

static int ask(struct source *source)
{
	struct virtio_segment segment = { source->physical + BUFFER_OFFSET, SOURCE_POOL };
	int error;

	if (source->is_asked)
		return source->queue.is_broken ? -EIO : 0;
	error = virtio_queue_add(&source->queue, &segment, 0, 1, &source->request);
	if (error)
		return -EIO;
	source->is_asked = true;
	virtio_queue_kick(&source->queue);
	/* It may have been quick. */
	if (virtio_queue_wait(&source->queue))
		source_collect(source);
	return source->queue.is_broken ? -EIO : 0;
}

void source_collect(struct source *source)
{
	uint8_t *buffer = (uint8_t *)source->memory + BUFFER_OFFSET;
	uint32_t written;

	while (virtio_queue_take(&source->queue, &written)) {
		memcpy(source->pool, buffer, written);
		memset(buffer, 0, written);
		source->first = 0;
		source->count = written;
		source->is_asked = false;
	}
}

int source_take(struct source *source, void *to, unsigned int length)
{
	int error = source->count ? 0 : ask(source);

	if (error)
		return error;
	if (length > source->count)
		length = source->count;
	memcpy(to, source->pool + source->first, length);
	memset(source->pool + source->first, 0, length);
	source->first += length;
	source->count -= length;
	return (int)length;
}
