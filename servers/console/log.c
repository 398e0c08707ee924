/* The kernel's log ring, from the reader's side: see struct tern_log_ring. */
#include "console.h"

#include "tern/memory.h"
#include "tern/start.h"
#include "tern/system.h"

static struct tern_log_ring *ring;

void log_init(void)
{
	tern_handle memobj = tern_start_handle("kernel-log");
	tern_result address;

	if (memobj < 0)
		return;
	address = tern_region_map(TERN_SELF_PROCESS, memobj, 0, 0, TERN_LOG_RING_LENGTH,
				  TERN_MAP_READ | TERN_MAP_WRITE);
	if (address > 0)
		ring = (struct tern_log_ring *)address;
}

/* The length of the first line; one that does not end counts when it is long. 0: there is none. */
static size_t line_length(void)
{
	/* Pairs with the kernel's release: the bytes are there. */
	uint64_t written = __atomic_load_n(&ring->written, __ATOMIC_ACQUIRE);
	uint64_t length = written - ring->read;

	if (length > sizeof(ring->data))
		ring->read = written;
	for (uint64_t i = 0; length <= sizeof(ring->data) && i < length; i++)
		if (i + 1 == TERN_LOG_MAX ||
		    ring->data[(ring->read + i) % sizeof(ring->data)] == '\n')
			return i + 1;
	return 0;
}

bool log_has_line(void)
{
	return ring && line_length();
}

size_t log_take_line(char *line, size_t size)
{
	uint64_t start = ring->read;
	size_t length = line_length();

	if (length > size)
		length = size;
	for (size_t i = 0; i < length; i++)
		line[i] = ring->data[(start + i) % sizeof(ring->data)];
	/* The kernel may have printed the ring by itself meanwhile: then it has moved `read`. */
	if (!__atomic_compare_exchange_n(&ring->read, &start, start + length, false,
					 __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		return 0;
	return length;
}
