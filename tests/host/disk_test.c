/* The disk driver's core against a model device: see disk_model.h. */
#include "cmocka_all.h"

#include "disk_model.h"

static uint64_t cookie;

static int again(uint64_t features)
{
	int result = model_start(features);

	model.checks_writes = true;
	cookie = model_attach(1);
	return result;
}

static int begin(void **state)
{
	(void)state;
	return again(ALL_FEATURES);
}

static int call(enum block_op op, uint64_t offset, uint64_t length, uint64_t position)
{
	return model_call(1, &(struct block_request){ .op = op,
						      .cookie = cookie,
						      .offset = offset,
						      .length = length,
						      .position = position,
						      .id = 5 });
}

/* A call that is carried out to its end. */
static int result_of(enum block_op op, uint64_t offset, uint64_t length, uint64_t position)
{
	int result = call(op, offset, length, position);

	model_finish();
	assert_int_equal(model.open_replies, 0);
	assert_int_equal(model_pins(), 0);
	return result < 1000 ? result : model.results[result - 1000];
}

static uint8_t *page_memory(uint64_t page)
{
	return model.ram + (frame_address(page) - PHYSICAL);
}

static bool has_contents(uint64_t offset, uint64_t length, uint64_t position)
{
	for (uint64_t i = 0; i < length; i++)
		if (page_memory((offset + i) / DISK_PAGE)[(offset + i) % DISK_PAGE] !=
		    model_byte(position + i))
			return false;
	return true;
}

static void features_and_limits_are_taken_over(void **state)
{
	(void)state;
	assert_int_equal(unit.disk.sectors, MODEL_SECTORS);
	assert_int_equal(unit.disk.segments_max, DISK_SEGMENTS);
	assert_int_equal(unit.disk.discard_sectors, 1000);
	assert_true(unit.disk.can_flush);
	assert_false(unit.disk.is_read_only);
	assert_int_equal(again(VIRTIO_F_VERSION_1 | F_READ_ONLY), 0);
	assert_true(unit.disk.is_read_only);
	assert_int_equal(unit.disk.segments_max, 1);
	assert_int_equal(unit.disk.discard_sectors, 0);
}

static int start_with(uint32_t block_size, uint32_t segments_max, uint64_t capacity)
{
	model_power_on(ALL_FEATURES);
	model_config()->block_size = block_size;
	model_config()->segments_max = segments_max;
	model_config()->capacity = capacity;
	assert_int_equal(disk_reset(&unit.disk, model.registers), 0);
	return disk_start(&unit.disk, model.ram, PHYSICAL);
}

static void senseless_devices_are_refused(void **state)
{
	(void)state;
	assert_int_equal(start_with(512, 1, 8), 0);
	assert_int_equal(start_with(4096, 1, 8), 0);
	assert_int_equal(start_with(0, 1, 8), -ENOTSUP);
	assert_int_equal(start_with(513, 1, 8), -ENOTSUP);
	assert_int_equal(start_with(8192, 1, 8), -ENOTSUP);
	assert_int_equal(start_with(512, 0, 8), -ENOTSUP);
	assert_int_equal(start_with(512, 1, UINT64_MAX), -ENOTSUP);
	assert_int_equal(model_start(0), -ENOTSUP);
}

static void pages_get_their_sectors(void **state)
{
	(void)state;
	assert_int_equal(result_of(BLOCK_FILL, 8 * DISK_PAGE, 3 * DISK_PAGE, 1024), 0);
	assert_true(has_contents(8 * DISK_PAGE, 3 * DISK_PAGE, 1024));
	assert_int_equal(model.committed, 3);
	assert_int_equal(unit.disk.operations, 1);
	assert_int_equal(result_of(BLOCK_READ, 9 * DISK_PAGE + 512, 8192, 2048), 0);
	assert_true(has_contents(9 * DISK_PAGE + 512, 8192, 2048));
	assert_int_equal(result_of(BLOCK_WRITE, 9 * DISK_PAGE + 512, 8192, 2048), 0);
	assert_int_equal(model.committed, 3);
}

static void long_requests_go_in_pieces(void **state)
{
	uint64_t length = 300 * DISK_PAGE;

	(void)state;
	assert_int_equal(result_of(BLOCK_FILL, 0, length, 512), 0);
	assert_true(has_contents(0, length, 512));
	assert_int_equal(unit.disk.operations, 5);
	assert_int_equal(result_of(BLOCK_WRITE, 0, length, 512), 0);
	assert_int_equal(unit.disk.operations, 10);
	assert_int_equal(result_of(BLOCK_READ, 512, length, 1024), 0);
	assert_true(has_contents(512, length, 1024));
	assert_int_equal(unit.disk.operations, 15);
}

static void neighbours_share_a_segment(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < FRAMES; i++)
		model.frame_of_page[i] = i;
	call(BLOCK_FILL, 0, 8 * DISK_PAGE, 0);
	/* Header, data, status. */
	assert_int_equal(unit.disk.queue.descriptors[model_available()->ring[0]].length,
			 VIRTIO_TABLE_SIZE(3));
	model_finish();
	assert_true(has_contents(0, 8 * DISK_PAGE, 0));
}

static void small_devices_get_small_pieces(void **state)
{
	(void)state;
	assert_int_equal(start_with(512, 3, MODEL_SECTORS), 0);
	cookie = model_attach(1);
	assert_int_equal(result_of(BLOCK_FILL, 0, 10 * DISK_PAGE, 0), 0);
	assert_true(has_contents(0, 10 * DISK_PAGE, 0));
	assert_int_equal(unit.disk.operations, 4);
}

/* Without indirect descriptors the queue is short, and requests wait for it. */
static void plain_queues_do_as_well(void **state)
{
	int replies[20];

	(void)state;
	assert_int_equal(again(ALL_FEATURES & ~VIRTIO_F_INDIRECT_DESC), 0);
	for (int i = 0; i < 20; i++)
		replies[i] = call(BLOCK_FILL, (uint64_t)i * 40 * DISK_PAGE, 40 * DISK_PAGE, 512);
	assert_true(unit.disk.in_flight < 20 && unit.disk.in_flight > 1);
	model_finish();
	for (int i = 0; i < 20; i++)
		assert_int_equal(model.results[replies[i] - 1000], 0);
	assert_true(has_contents(40 * DISK_PAGE, 40 * DISK_PAGE, 512));
	assert_int_equal(model_pins(), 0);
}

static void more_requests_than_slots_wait(void **state)
{
	(void)state;
	for (int i = 0; i < REQUESTS_MAX; i++)
		assert_true(call(BLOCK_READ, 0, 512, (uint64_t)i * 512) >= 1000);
	assert_int_equal(unit.disk.in_flight, DISK_SLOTS);
	assert_int_equal(model_pins(), DISK_SLOTS);
	assert_int_equal(call(BLOCK_READ, 0, 512, 0), -EBUSY);
	model_finish();
	assert_int_equal(model.open_replies, 0);
	assert_int_equal(unit.disk.operations, REQUESTS_MAX);
	assert_int_equal(result_of(BLOCK_READ, 0, 512, 0), 0);
}

static void the_last_page_is_cut_off(void **state)
{
	uint64_t last = MODEL_SECTORS * DISK_SECTOR - DISK_SECTOR;

	(void)state;
	memset(page_memory(1), 0, DISK_PAGE);
	assert_int_equal(result_of(BLOCK_FILL, 0, 2 * DISK_PAGE, last - DISK_PAGE), 0);
	assert_true(has_contents(0, DISK_PAGE + DISK_SECTOR, last - DISK_PAGE));
	assert_int_equal(page_memory(1)[DISK_SECTOR], 0);
	assert_int_equal(result_of(BLOCK_FILL, 0, 2 * DISK_PAGE, last), -ERANGE);
	assert_int_equal(result_of(BLOCK_READ, 0, 1024, last), -ERANGE);
}

static void errors_reach_the_client(void **state)
{
	(void)state;
	model.status = 1;
	assert_int_equal(result_of(BLOCK_FILL, 0, 200 * DISK_PAGE, 0), -EIO);
	assert_int_equal(model.failed_pages, 200); /* the first piece and the rest */
	assert_int_equal(unit.disk.operations, 1);
	assert_int_equal(result_of(BLOCK_WRITE, 0, 512, 0), -EIO);
	model.status = 2;
	assert_int_equal(result_of(BLOCK_DISCARD, 0, 512, 0), -EOPNOTSUPP);
	model.status = 77;
	assert_int_equal(result_of(BLOCK_FLUSH, 0, 0, 0), -EIO);
	model.status = 0;
	model.short_by = 1;
	assert_int_equal(result_of(BLOCK_READ, 0, 512, 0), -EIO);
	assert_int_equal(model.committed, 0);
}

static void pages_that_nobody_wants_go_nowhere(void **state)
{
	(void)state;
	model.wanted_pages = 2;
	memset(page_memory(2), 0, DISK_PAGE);
	assert_int_equal(result_of(BLOCK_FILL, 0, 4 * DISK_PAGE, 0), 0);
	assert_int_equal(model.committed, 2);
	assert_true(has_contents(0, 2 * DISK_PAGE, 0));
	assert_int_equal(page_memory(2)[1], 0);
	model.wanted_pages = 0;
	assert_int_equal(result_of(BLOCK_FILL, 0, 100 * DISK_PAGE, 0), -ESRCH);
}

/* Others go on meanwhile: what is written back makes room. */
static void what_finds_no_memory_is_tried_again(void **state)
{
	int fill;

	(void)state;
	model.has_no_memory = true;
	fill = call(BLOCK_FILL, 0, 100 * DISK_PAGE, 0);
	assert_int_equal(unit.disk.in_flight, 0);
	call(BLOCK_READ, 200 * DISK_PAGE, 512, 0);
	assert_int_equal(unit.disk.in_flight, 1);
	requests_retry(&unit, 0);
	assert_int_equal(model.open_replies, 2);
	model.has_no_memory = false;
	requests_retry(&unit, 0);
	model_finish();
	assert_int_equal(model.results[fill - 1000], 0);
	assert_int_equal(model.committed, 100);
	model.has_no_memory = true;
	fill = call(BLOCK_FILL, 0, 100 * DISK_PAGE, 0);
	for (int i = 0; i < STARVED_MAX; i++) {
		assert_int_equal(model.open_replies, 1);
		requests_retry(&unit, 0);
	}
	assert_int_equal(model.results[fill - 1000], -ENOMEM);
	assert_int_equal(model.failed_pages, 100);
}

static void ranges_go_in_pieces_too(void **state)
{
	(void)state;
	assert_int_equal(result_of(BLOCK_DISCARD, 0, 2500 * DISK_SECTOR, 512), 0);
	assert_int_equal(unit.disk.operations, 3);
	assert_int_equal(result_of(BLOCK_WRITE_ZEROES, 0, 1000 * DISK_SECTOR, 512), 0);
	assert_int_equal(unit.disk.operations, 4);
}

static void flush_ignores_other_words(void **state)
{
	(void)state;
	assert_int_equal(result_of(BLOCK_FLUSH, 4711, 123456789, 77), 0);
	assert_int_equal(unit.disk.operations, 1);
}

static void detached_memory_lives_until_it_is_unused(void **state)
{
	struct memory *memory = memory_find(1, cookie);

	(void)state;
	call(BLOCK_READ, 0, 512, 0);
	assert_int_equal(call(BLOCK_DETACH, 0, 0, 0), 0);
	assert_int_equal(call(BLOCK_READ, 0, 512, 0), -ENOENT);
	assert_int_equal(memory->uses, 1);
	model_finish();
	assert_int_equal(memory->uses, 0);
	assert_int_equal(model.open_replies, 0);
	assert_ptr_equal(memory_find(1, model_attach(1)), memory);
	assert_null(memory_find(1, cookie));
}

/* A device that breaks a rule is reset, and gets everything again: three times at most. */
static void broken_queues_are_restarted(void **state)
{
	int replies[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		replies[i] = call(BLOCK_FILL, (uint64_t)i * DISK_PAGE, DISK_PAGE, 0);
	for (int i = 0; i < 2; i++) {
		model_used()->index += 999;
		requests_finish(&unit, 0);
		assert_true(unit.disk.queue.is_broken);
		assert_int_equal(model.open_replies, 3);
		assert_int_equal(model_pins(), 3);
		assert_int_equal(call(BLOCK_FLUSH, 0, 0, 0), -EIO);
		assert_true(requests_check(&unit, 0, 30));
		assert_int_equal(unit.disk.in_flight, 3);
	}
	model_finish();
	for (int i = 0; i < 3; i++)
		assert_int_equal(model.results[replies[i] - 1000], 0);
	assert_int_equal(model_pins(), 0);
}

static void what_breaks_the_device_fails(void **state)
{
	int reply = call(BLOCK_FILL, 0, DISK_PAGE, 0);

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(model.open_replies, 1);
		model_used()->index += 999;
		requests_finish(&unit, 0);
		assert_true(requests_check(&unit, 0, 30));
	}
	assert_int_equal(model.results[reply - 1000], -EIO);
	assert_int_equal(model_pins(), 0);
	assert_int_equal(result_of(BLOCK_READ, 0, 512, 0), 0);
}

static void silent_devices_are_restarted(void **state)
{
	int reply = call(BLOCK_FILL, 0, DISK_PAGE, 0);

	(void)state;
	assert_false(requests_check(&unit, 30, 30));
	assert_true(requests_check(&unit, 31, 30));
	assert_false(requests_check(&unit, 61, 30));
	model_finish();
	assert_int_equal(model.results[reply - 1000], 0);
}

/* It may still be at work on the pages: they stay pinned, whatever happens. */
static void devices_that_cannot_be_stopped_keep_their_pages(void **state)
{
	int reply = call(BLOCK_FILL, 0, DISK_PAGE, 0);

	(void)state;
	model.does_not_reset = true;
	assert_true(requests_check(&unit, 31, 30));
	assert_int_equal(model.results[reply - 1000], -EIO);
	assert_int_equal(model_pins(), 1);
	assert_true(unit.disk.is_dead);
	assert_int_equal(call(BLOCK_READ, 0, 512, 0), -EIO);
	assert_false(requests_check(&unit, 99, 30));
	assert_int_equal(disk_reset(&unit.disk, model.registers), -EIO);
}

/* Memory of the device's own choice as tables, status and rings: nothing else is touched. */
static void a_mad_device_is_survived(void **state)
{
	uint32_t random = 1;

	(void)state;
	for (int round = 0; round < 300; round++) {
		again(round & 1 ? ALL_FEATURES : ALL_FEATURES & ~VIRTIO_F_INDIRECT_DESC);
		for (int step = 0; step < 100; step++) {
			random = random * 1664525 + 1013904223;
			model.ram[(random >> 4) % DISK_QUEUE_BYTES] = (uint8_t)(random >> 24);
			call(BLOCK_FILL, (random >> 8) % 64 * DISK_PAGE, 3 * DISK_PAGE, 0);
			requests_finish(&unit, 0);
			if (step % 10 == 0)
				requests_check(&unit, (uint64_t)step, 30);
		}
		/* What was in flight fails the third time, and what waited comes next. */
		for (int i = 0; i < 100 && model.open_replies; i++) {
			unit.disk.queue.is_broken = true;
			requests_check(&unit, 0, 30);
		}
		assert_int_equal(model.open_replies, 0);
		assert_int_equal(model_pins(), 0);
		assert_int_equal(requests_count(), 0);
	}
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(features_and_limits_are_taken_over),
		TEST(senseless_devices_are_refused),
		TEST(pages_get_their_sectors),
		TEST(long_requests_go_in_pieces),
		TEST(neighbours_share_a_segment),
		TEST(small_devices_get_small_pieces),
		TEST(plain_queues_do_as_well),
		TEST(more_requests_than_slots_wait),
		TEST(the_last_page_is_cut_off),
		TEST(errors_reach_the_client),
		TEST(pages_that_nobody_wants_go_nowhere),
		TEST(what_finds_no_memory_is_tried_again),
		TEST(ranges_go_in_pieces_too),
		TEST(flush_ignores_other_words),
		TEST(detached_memory_lives_until_it_is_unused),
		TEST(broken_queues_are_restarted),
		TEST(what_breaks_the_device_fails),
		TEST(silent_devices_are_restarted),
		TEST(devices_that_cannot_be_stopped_keep_their_pages),
		TEST(a_mad_device_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
