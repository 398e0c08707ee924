/* The driver's side of virtio against a model of the device, honest or not. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"

#include "../../lib/virtio/device.c"
#include "../../lib/virtio/queue.c"

#define QUEUE_SIZE 8

struct virtio_request {
	int number;
};

static uint8_t registers[0x200];
static struct virtio_device device;
static struct virtio_queue queue;
static char *memory;
static uint16_t seen; /* how far the model has looked at the available ring */
static struct virtio_request requests[100];

static uint32_t *reg(size_t offset)
{
	return (uint32_t *)(registers + offset);
}

static void *at(size_t offset)
{
	return memory + offset;
}

static struct virtio_used *model_used(void)
{
	return at(used_offset(QUEUE_SIZE));
}

static struct virtio_available *model_available(void)
{
	return at(QUEUE_SIZE * sizeof(struct virtio_descriptor));
}

static void model_finish(uint32_t id, uint32_t length)
{
	struct virtio_used *used = model_used();

	used->ring[used->index % QUEUE_SIZE].id = id;
	used->ring[used->index % QUEUE_SIZE].length = length;
	used->index++;
}

/* The head of the next chain that is offered. */
static uint16_t model_next(void)
{
	assert_int_not_equal(model_available()->index, seen);
	return model_available()->ring[seen++ % QUEUE_SIZE];
}

static void start(uint64_t features)
{
	free(memory);
	memory = aligned_alloc(64, (virtio_queue_memory(QUEUE_SIZE) + 63) / 64 * 64);
	memset(memory, 0, virtio_queue_memory(QUEUE_SIZE));
	memset(registers, 0, sizeof(registers));
	*reg(VIRTIO_MAGIC) = VIRTIO_MAGIC_VALUE;
	*reg(VIRTIO_VERSION) = 2;
	*reg(VIRTIO_DEVICE_ID) = VIRTIO_ID_BLOCK;
	*reg(VIRTIO_QUEUE_SIZE_LIMIT) = QUEUE_SIZE;
	seen = 0;
	assert_int_equal(virtio_probe(&device, registers), VIRTIO_ID_BLOCK);
	assert_int_equal(virtio_reset(&device), 0);
	device.features = features;
	assert_int_equal(virtio_queue_limit(&device, 0, 1024), QUEUE_SIZE);
	virtio_queue_init(&queue, &device, 0, QUEUE_SIZE, memory, 0x80001000);
	*reg(VIRTIO_QUEUE_NOTIFY) = 0xffff;
}

static int set_up(void **state)
{
	(void)state;
	start(VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX);
	for (int i = 0; i < 100; i++)
		requests[i].number = i;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(memory);
	memory = NULL;
	return 0;
}

static int add(unsigned int out, unsigned int in, int number)
{
	struct virtio_segment segments[QUEUE_SIZE + 1];

	for (unsigned int i = 0; i < QUEUE_SIZE + 1; i++)
		segments[i] = (struct virtio_segment){ 0x1000 * (i + 1), 100 + i };
	return virtio_queue_add(&queue, segments, out, in, &requests[number]);
}

static void only_modern_devices_are_accepted(void **state)
{
	(void)state;
	*reg(VIRTIO_VERSION) = 1;
	assert_int_equal(virtio_probe(&device, registers), -ENOTSUP);
	*reg(VIRTIO_MAGIC) = 0;
	assert_int_equal(virtio_probe(&device, registers), -ENODEV);
}

static void required_features_are_insisted_on(void **state)
{
	(void)state;
	*reg(VIRTIO_DEVICE_FEATURES) = 1; /* both halves read so: bits 0 and 32 */
	assert_int_equal(virtio_negotiate(&device, 0, 0), 0);
	assert_int_equal(device.features, VIRTIO_F_VERSION_1);
	assert_int_equal(*reg(VIRTIO_STATUS), VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER |
						      VIRTIO_STATUS_FEATURES_OK);
	assert_int_equal(virtio_negotiate(&device, 3, 2), -ENOTSUP);
	assert_true(*reg(VIRTIO_STATUS) & VIRTIO_STATUS_FAILED);
	*reg(VIRTIO_DEVICE_FEATURES) = 0;
	assert_int_equal(virtio_negotiate(&device, 0, 0), -ENOTSUP);
}

static void the_device_learns_where_the_queue_is(void **state)
{
	(void)state;
	assert_int_equal(*reg(VIRTIO_QUEUE_DESCRIPTORS), 0x80001000);
	assert_int_equal(*reg(VIRTIO_QUEUE_AVAILABLE), 0x80001000 + QUEUE_SIZE * 16);
	assert_int_equal(*reg(VIRTIO_QUEUE_USED) % 4, 0);
	assert_int_equal(*reg(VIRTIO_QUEUE_READY), 1);
	assert_int_equal(*reg(VIRTIO_QUEUE_SIZE), QUEUE_SIZE);
}

static void limits_are_powers_of_two(void **state)
{
	(void)state;
	assert_int_equal(virtio_queue_limit(&device, 0, 5), 4);
	*reg(VIRTIO_QUEUE_SIZE_LIMIT) = 1000000;
	assert_int_equal(virtio_queue_limit(&device, 0, 65535), VIRTIO_QUEUE_SIZE_MAX);
	*reg(VIRTIO_QUEUE_SIZE_LIMIT) = 0;
	assert_int_equal(virtio_queue_limit(&device, 0, 8), 0);
}

static void chains_are_as_described(void **state)
{
	struct virtio_descriptor *descriptors = at(0);
	uint16_t head, second, third;

	(void)state;
	assert_int_equal(add(1, 2, 0), 0);
	head = model_next();
	assert_int_equal(descriptors[head].address, 0x1000);
	assert_int_equal(descriptors[head].flags, DESCRIPTOR_NEXT);
	second = descriptors[head].next;
	assert_int_equal(descriptors[second].flags, DESCRIPTOR_NEXT | DESCRIPTOR_WRITE);
	third = descriptors[second].next;
	assert_int_equal(descriptors[third].length, 102);
	assert_int_equal(descriptors[third].flags, DESCRIPTOR_WRITE);
}

static void a_table_takes_one_descriptor(void **state)
{
	struct virtio_segment segments[5] = {
		{ 1, 10 }, { 2, 20 }, { 3, 30 }, { 4, 40 }, { 5, 50 }
	};
	struct virtio_descriptor table[5], *descriptors = at(0);
	uint32_t written;
	uint16_t head;

	(void)state;
	assert_int_equal(
		virtio_queue_add_indirect(&queue, segments, 2, 3, table, 0x9000, &requests[0]), 0);
	assert_int_equal(queue.free_count, QUEUE_SIZE - 1);
	head = model_next();
	assert_int_equal(descriptors[head].flags, DESCRIPTOR_INDIRECT);
	assert_int_equal(descriptors[head].address, 0x9000);
	assert_int_equal(descriptors[head].length, sizeof(table));
	for (unsigned int i = 0; i < 5; i++) {
		assert_int_equal(table[i].address, i + 1);
		assert_int_equal(table[i].length, 10 * (i + 1));
		assert_int_equal(table[i].flags,
				 (i < 2 ? 0 : DESCRIPTOR_WRITE) | (i < 4 ? DESCRIPTOR_NEXT : 0));
		assert_int_equal(table[i].next, i + 1);
	}
	model_finish(head, 120);
	assert_ptr_equal(virtio_queue_take(&queue, &written), &requests[0]);
	assert_int_equal(written, 120);
	assert_int_equal(queue.free_count, QUEUE_SIZE);
	assert_int_equal(virtio_queue_add_indirect(&queue, segments, 0, 0, table, 0, &requests[0]),
			 -EINVAL);
	for (int i = 0; i < QUEUE_SIZE; i++)
		assert_int_equal(virtio_queue_add_indirect(&queue, segments, 1, 0, table, 0x9000,
							   &requests[i]),
				 0);
	assert_int_equal(
		virtio_queue_add_indirect(&queue, segments, 1, 0, table, 0x9000, &requests[9]),
		-EAGAIN);
}

static void requests_come_back_in_any_order(void **state)
{
	uint16_t heads[4];
	uint32_t written;

	(void)state;
	for (int round = 0; round < 40; round++) {
		for (int i = 0; i < 4; i++) {
			assert_int_equal(add(1, 1, i), 0);
			heads[i] = model_next();
		}
		assert_int_equal(add(1, 0, 4), -EAGAIN);
		assert_null(virtio_queue_take(&queue, &written));
		for (int i = 3; i >= 0; i--)
			model_finish(heads[i ^ (round & 3)], 50 + (uint32_t)i);
		for (int i = 3; i >= 0; i--) {
			assert_ptr_equal(virtio_queue_take(&queue, &written),
					 &requests[i ^ (round & 3)]);
			assert_int_equal(written, 50 + i);
		}
		assert_null(virtio_queue_take(&queue, &written));
	}
	assert_int_equal(queue.free_count, QUEUE_SIZE);
}

static void bad_requests_are_refused(void **state)
{
	(void)state;
	assert_int_equal(add(0, 0, 0), -EINVAL);
	assert_int_equal(add(QUEUE_SIZE, 1, 0), -EINVAL);
	assert_int_equal(add(QUEUE_SIZE - 1, 1, 0), 0);
	assert_int_equal(add(1, 0, 1), -EAGAIN);
}

static void the_device_is_told_when_it_wants_to_be(void **state)
{
	(void)state;
	add(1, 0, 0);
	virtio_queue_kick(&queue);
	assert_int_equal(*reg(VIRTIO_QUEUE_NOTIFY), 0);
	*reg(VIRTIO_QUEUE_NOTIFY) = 0xffff;
	virtio_queue_kick(&queue); /* nothing new */
	assert_int_equal(*reg(VIRTIO_QUEUE_NOTIFY), 0xffff);
	*avail_event(&queue) = 2; /* not before the third */
	add(1, 0, 1);
	virtio_queue_kick(&queue);
	assert_int_equal(*reg(VIRTIO_QUEUE_NOTIFY), 0xffff);
	add(1, 0, 2);
	virtio_queue_kick(&queue);
	assert_int_equal(*reg(VIRTIO_QUEUE_NOTIFY), 0);
}

static void without_event_index_flags_decide(void **state)
{
	(void)state;
	start(VIRTIO_F_VERSION_1);
	model_used()->flags = NO_NOTIFY;
	add(1, 0, 0);
	virtio_queue_kick(&queue);
	assert_int_equal(*reg(VIRTIO_QUEUE_NOTIFY), 0xffff);
	model_used()->flags = 0;
	add(1, 0, 1);
	virtio_queue_kick(&queue);
	assert_int_equal(*reg(VIRTIO_QUEUE_NOTIFY), 0);
}

static void what_finishes_before_the_wish_is_not_missed(void **state)
{
	uint32_t written;

	(void)state;
	add(0, 1, 0);
	assert_false(virtio_queue_wait(&queue));
	model_finish(model_next(), 1);
	assert_true(virtio_queue_wait(&queue));
	assert_non_null(virtio_queue_take(&queue, &written));
	assert_false(virtio_queue_wait(&queue));
	assert_int_equal(*used_event(&queue), 1);
}

static void expect_broken(uint32_t id, uint32_t length)
{
	uint32_t written = 77;

	start(VIRTIO_F_VERSION_1);
	add(1, 1, 0); /* 101 bytes may be written */
	model_finish(id, length);
	assert_null(virtio_queue_take(&queue, &written));
	assert_true(queue.is_broken);
	assert_int_equal(written, 77);
	assert_int_equal(add(1, 0, 1), -EIO);
	assert_ptr_equal(virtio_queue_abandon(&queue), &requests[0]);
	assert_null(virtio_queue_abandon(&queue));
}

static void lies_break_the_queue(void **state)
{
	(void)state;
	expect_broken(1, 0);          /* within a chain, not its head */
	expect_broken(5, 0);          /* not in use */
	expect_broken(QUEUE_SIZE, 0); /* no descriptor */
	expect_broken(UINT32_MAX, 0);
	expect_broken(0, 102); /* more than it may write */
}

static void too_many_answers_break_the_queue(void **state)
{
	uint32_t written;

	(void)state;
	add(1, 1, 0);
	model_used()->index = QUEUE_SIZE + 1;
	assert_null(virtio_queue_take(&queue, &written));
	assert_true(queue.is_broken);
}

static void answers_are_counted_once(void **state)
{
	uint32_t written;
	uint16_t head;

	(void)state;
	add(1, 1, 0);
	head = model_next();
	model_finish(head, 0);
	model_finish(head, 0);
	assert_non_null(virtio_queue_take(&queue, &written));
	assert_null(virtio_queue_take(&queue, &written));
	assert_true(queue.is_broken);
}

/* A device that writes anything into what it can reach: bounds hold, each request ends once. */
static void a_mad_device_is_survived(void **state)
{
	uint32_t random = 1;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		int live = 0;

		start(round & 1 ? VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX : VIRTIO_F_VERSION_1);
		for (int step = 0; step < 50; step++) {
			uint32_t written;

			random = random * 1664525 + 1013904223;
			memory[(random >> 8) % virtio_queue_memory(QUEUE_SIZE)] = (char)(random >>
											 24);
			live += add(1 + (random >> 4 & 1), random >> 5 & 1, step) == 0;
			virtio_queue_kick(&queue);
			live -= virtio_queue_take(&queue, &written) != NULL;
		}
		while (virtio_queue_abandon(&queue))
			live--;
		assert_int_equal(live, 0);
		assert_int_equal(queue.free_count, QUEUE_SIZE);
	}
}

static void interrupts_are_acknowledged(void **state)
{
	(void)state;
	assert_int_equal(virtio_interrupt(&device), 0);
	*reg(VIRTIO_INTERRUPT_STATUS) = 0xff;
	assert_int_equal(virtio_interrupt(&device),
			 VIRTIO_INTERRUPT_QUEUE | VIRTIO_INTERRUPT_CONFIG);
	assert_int_equal(*reg(VIRTIO_INTERRUPT_ACK), 3);
}

static void configuration_is_read_bytewise(void **state)
{
	uint32_t value = 0;

	(void)state;
	memcpy(registers + VIRTIO_CONFIG + 8, "\x78\x56\x34\x12", 4);
	virtio_config_read(&device, 8, &value, sizeof(value));
	assert_int_equal(value, 0x12345678);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_modern_devices_are_accepted, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(required_features_are_insisted_on, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(the_device_learns_where_the_queue_is, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(limits_are_powers_of_two, set_up, tear_down),
		cmocka_unit_test_setup_teardown(chains_are_as_described, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_table_takes_one_descriptor, set_up, tear_down),
		cmocka_unit_test_setup_teardown(requests_come_back_in_any_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bad_requests_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_device_is_told_when_it_wants_to_be, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(without_event_index_flags_decide, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_finishes_before_the_wish_is_not_missed, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(lies_break_the_queue, set_up, tear_down),
		cmocka_unit_test_setup_teardown(too_many_answers_break_the_queue, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(answers_are_counted_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_mad_device_is_survived, set_up, tear_down),
		cmocka_unit_test_setup_teardown(interrupts_are_acknowledged, set_up, tear_down),
		cmocka_unit_test_setup_teardown(configuration_is_read_bytewise, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
