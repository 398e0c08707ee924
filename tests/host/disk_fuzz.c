/*
 * The disk driver's core between clients and a device that are both fuzzed: calls with any words, a device
 * that answers honestly or writes anything into the memory that it shares with the driver and into its
 * registers. No memory but that is touched; each call is answered once, and no page stays pinned.
 */
#include "disk_model.h"

struct input {
	const uint8_t *at;
	size_t left;
};

static uint64_t take_bytes(struct input *input, unsigned int count)
{
	uint64_t value = 0;

	for (; count && input->left; count--, input->left--)
		value = value << 8 | *input->at++;
	return value;
}

static void fuzz_call(struct input *input, uint64_t cookie)
{
	uint64_t kind = take_bytes(input, 1);
	struct block_request request = {
		.op = kind % (BLOCK_OP_COUNT + 1),
		.cookie = cookie,
		.offset = take_bytes(input, 2) * 512,
		.length = take_bytes(input, 2) * 512,
		.position = take_bytes(input, 2) * 512,
	};

	if (kind >= 128)
		((uint64_t *)&request)[kind % 7] = take_bytes(input, 8);
	if (request.op == BLOCK_ATTACH || model.next_reply + 1 >= CLIENTS_MAX)
		return;
	/* The model's memobj has so many pages. */
	if (request.length > FRAMES * DISK_PAGE / 2 && request.op < BLOCK_FLUSH)
		return;
	model_call(1, &request);
}

/* Any bytes, in the memory that the device shares with the driver. */
static void fuzz_memory(struct input *input)
{
	uint64_t at = take_bytes(input, 2) % DISK_QUEUE_BYTES, count = take_bytes(input, 1) % 8;

	while (count-- && at < DISK_QUEUE_BYTES)
		model.ram[at++] = (uint8_t)take_bytes(input, 1);
}

/* Something like an answer: a chain's head, or not quite, and a length. */
static void fuzz_answer(struct input *input)
{
	struct virtio_used *used = model_used();
	uint16_t size = unit.disk.queue.size;

	used->ring[used->index % size].id = (uint32_t)take_bytes(input, 1);
	used->ring[used->index % size].length = (uint32_t)take_bytes(input, 2);
	used->index++;
}

/* True: the device has left the ground of what an honest one can do. */
static bool fuzz_step(struct input *input, uint64_t cookie, bool is_mad)
{
	switch (take_bytes(input, 1) % 9) {
	case 0:
		if (!is_mad)
			model_step();
		return is_mad;
	case 1:
		requests_finish(&unit, 0);
		return is_mad;
	case 2:
		if (!requests_check(&unit, take_bytes(input, 1) / 8, 30))
			return is_mad;
		model_configure();
		return unit.disk.queue.is_broken || disk_configure(&unit.disk);
	case 3:
		fuzz_memory(input);
		return true;
	case 4:
		fuzz_answer(input);
		return true;
	case 6:
		model.has_no_memory = take_bytes(input, 1) & 1;
		requests_retry(&unit, 0);
		return is_mad;
	case 5:
		model.registers[VIRTIO_CONFIG + take_bytes(input, 1) % 60] =
			(uint8_t)take_bytes(input, 1);
		unit.disk.queue.is_broken |= disk_configure(&unit.disk) != 0;
		return true;
	default:
		fuzz_call(input, cookie);
		return is_mad;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	uint64_t features = take_bytes(&input, 1), cookie;
	bool is_mad = false;

	if (model_start((features & 1 ? ALL_FEATURES : F_SEG_MAX | VIRTIO_F_VERSION_1) |
			(features & 2 ? F_SIZE_MAX : 0)))
		return 0;
	cookie = model_attach(1);
	for (int steps = 0; input.left && steps < 500; steps++)
		is_mad = fuzz_step(&input, cookie, is_mad);
	model.has_no_memory = false;
	for (int i = 0; i < 1000 && model.open_replies; i++) {
		requests_retry(&unit, 0);
		unit.disk.queue.is_broken = true;
		requests_check(&unit, 0, 30);
	}
	assert(!model.open_replies && !requests_count() && !model_pins());
	return 0;
}
