/* The source of random bytes against a model of its device. */
#include <errno.h>

#include "cmocka_all.h"

#include "../../lib/virtio/device.c"
#include "../../lib/virtio/queue.c"
#include "../../servers/virtio-rng/source.c"

#define PHYSICAL 0x80000000ul

static uint8_t registers[0x200];
static uint8_t memory[SOURCE_DMA] __attribute__((aligned(4096)));
static struct source source;
static uint16_t seen;

static uint32_t *reg(size_t offset)
{
	return (uint32_t *)(registers + offset);
}

static int begin(void **state)
{
	(void)state;
	memset(registers, 0, sizeof(registers));
	memset(memory, 0xee, sizeof(memory));
	*reg(VIRTIO_MAGIC) = VIRTIO_MAGIC_VALUE;
	*reg(VIRTIO_VERSION) = 2;
	*reg(VIRTIO_DEVICE_ID) = VIRTIO_ID_RNG;
	*reg(VIRTIO_DEVICE_FEATURES) = 1; /* and so VERSION_1 in the upper half */
	*reg(VIRTIO_QUEUE_SIZE_LIMIT) = QUEUE_SIZE;
	seen = 0;
	return source_start(&source, registers, memory, PHYSICAL);
}

/* The device answers the request that it has, saying that it has written so much. */
static void answer(uint8_t byte, uint32_t length)
{
	struct virtio_available *available =
		(void *)(memory + QUEUE_SIZE * sizeof(struct virtio_descriptor));
	struct virtio_used *used = (void *)(memory + used_offset(QUEUE_SIZE));
	const struct virtio_descriptor *descriptors = (void *)memory;
	uint16_t head = available->ring[seen++ % QUEUE_SIZE];

	assert_int_equal(available->index, seen);
	assert_int_equal(descriptors[head].address, PHYSICAL + BUFFER_OFFSET);
	assert_int_equal(descriptors[head].length, SOURCE_POOL);
	memset(memory + BUFFER_OFFSET, byte, SOURCE_POOL);
	used->ring[used->index % QUEUE_SIZE].id = head;
	used->ring[used->index % QUEUE_SIZE].length = length;
	used->index++;
	source_collect(&source);
}

static void bytes_come_once(void **state)
{
	uint8_t bytes[56];

	(void)state;
	assert_int_equal(source_take(&source, bytes, 56), 0);
	assert_int_equal(source_take(&source, bytes, 56), 0); /* it has been asked */
	answer(7, 100);
	assert_int_equal(source_take(&source, bytes, 56), 56);
	assert_int_equal(bytes[55], 7);
	assert_int_equal(source_take(&source, bytes, 56), 44);
	assert_int_equal(source_take(&source, bytes, 56), 0);
	for (unsigned int i = 0; i < 100; i++)
		assert_true(!source.pool[i] && !memory[BUFFER_OFFSET + i]);
	for (int i = 0; i < 100; i++) {
		answer((uint8_t)i, SOURCE_POOL);
		for (int taken = 0; taken < SOURCE_POOL; taken += 32) {
			assert_int_equal(source_take(&source, bytes, 32), 32);
			assert_int_equal(bytes[31], i);
		}
		assert_int_equal(source_take(&source, bytes, 32), 0);
	}
}

static void the_device_cannot_change_what_it_gave(void **state)
{
	uint8_t bytes[2];

	(void)state;
	source_take(&source, bytes, 1);
	answer(7, 2);
	memset(memory + BUFFER_OFFSET, 9, SOURCE_POOL);
	assert_int_equal(source_take(&source, bytes, 2), 2);
	assert_int_equal(bytes[1], 7);
}

static void an_empty_answer_is_asked_again(void **state)
{
	uint8_t bytes[2];

	(void)state;
	source_take(&source, bytes, 2);
	answer(7, 0);
	assert_int_equal(source_take(&source, bytes, 2), 0);
	answer(8, 2);
	assert_int_equal(source_take(&source, bytes, 2), 2);
}

static void lies_end_it_until_a_restart(void **state)
{
	uint8_t bytes[2];

	(void)state;
	source_take(&source, bytes, 2);
	answer(7, SOURCE_POOL + 1);
	assert_int_equal(source_take(&source, bytes, 2), -EIO);
	assert_int_equal(source_restart(&source), 0);
	seen = 0;
	assert_int_equal(source_take(&source, bytes, 2), 0);
	answer(8, 2);
	assert_int_equal(source_take(&source, bytes, 2), 2);
	assert_int_equal(bytes[0], 8);
}

static void other_devices_are_refused(void **state)
{
	(void)state;
	*reg(VIRTIO_DEVICE_ID) = VIRTIO_ID_BLOCK;
	assert_int_equal(source_start(&source, registers, memory, PHYSICAL), -ENODEV);
	*reg(VIRTIO_DEVICE_ID) = VIRTIO_ID_RNG;
	*reg(VIRTIO_QUEUE_SIZE_LIMIT) = 0;
	assert_int_equal(source_start(&source, registers, memory, PHYSICAL), -ENOTSUP);
	*reg(VIRTIO_VERSION) = 1;
	assert_int_equal(source_start(&source, registers, memory, PHYSICAL), -ENOTSUP);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(bytes_come_once, begin),
		cmocka_unit_test_setup(the_device_cannot_change_what_it_gave, begin),
		cmocka_unit_test_setup(an_empty_answer_is_asked_again, begin),
		cmocka_unit_test_setup(lies_end_it_until_a_restart, begin),
		cmocka_unit_test_setup(other_devices_are_refused, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
