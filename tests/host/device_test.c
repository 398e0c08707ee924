/* Devices: who has which page pinned, and when a page is free. */
#include "cmocka_all.h"
#include "objects.h"

#include "../../kernel/device.c"

#define LIMIT (16ul << 20)
#define PINS 600 /* two pages of slots */
#define PAGES 200
#define DEVICES 2

int resource_check(s64 handle)
{
	(void)handle;
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	host_objects_init(2, LIMIT);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return host_objects_end() ? 0 : -1;
}

static struct device *device_at(s64 handle)
{
	struct device *device = NULL;

	assert_int_equal(device_resolve(handle, &device), 0);
	return device;
}

static u64 release(s64 handle)
{
	u64 rounds = 0, pc;

	do {
		pc = host_thread.frame.pc = 0x1004;
		host_thread.frame.result = (u64)handle;
		(void)sys_device_release((u64)handle);
		rounds++;
	} while (host_thread.frame.pc != pc);
	return rounds;
}

static void limits_are_checked(void **state)
{
	s64 handle = sys_device_create(TERN_SELF_ACCOUNT, 0, 2);
	struct page *page = page_of(page_alloc(0));

	(void)state;
	assert_int_equal(sys_device_create(TERN_SELF_ACCOUNT, 0, 0), -EINVAL);
	assert_int_equal(sys_device_create(TERN_SELF_ACCOUNT, 0, TERN_DEVICE_PINS_MAX + 1),
			 -EINVAL);
	assert_true(sys_device_create(TERN_SELF_ACCOUNT, 0, TERN_DEVICE_PINS_MAX) > 0);
	assert_true(device_pin(device_at(handle), page));
	assert_true(device_pin(device_at(handle), page));
	assert_false(device_pin(device_at(handle), page));
	assert_int_equal(page->pins, 2);
	assert_int_equal(sys_device_release(0), -EBADF);
	release(handle);
	assert_int_equal(page->pins, 0);
	host_reclaim();
}

/* Released with an interrupt always pending: one pin at a time, and the call begins again. */
static void release_makes_way_for_interrupts(void **state)
{
	s64 handle = sys_device_create(TERN_SELF_ACCOUNT, 0, PINS);
	u64 free_pages_before = page_count_free();

	(void)state;
	for (u32 i = 0; i < 100; i++)
		assert_true(device_pin(device_at(handle), page_of(page_alloc(0))));
	host_interrupt_pending = true;
	assert_int_equal(release(handle), 101);
	host_interrupt_pending = false;
	host_reclaim();
	assert_int_equal(page_count_free(), free_pages_before);
}

/* Pins and unpins at random beside a count for each page and device. */
static void tables_agree_with_a_model(void **state)
{
	u32 pins[DEVICES][PAGES] = { 0 }, total[DEVICES] = { 0 };
	struct device *devices[DEVICES];
	struct page *pages[PAGES];

	(void)state;
	for (u32 i = 0; i < DEVICES; i++)
		devices[i] = device_at(sys_device_create(TERN_SELF_ACCOUNT, 0, PINS));
	for (u32 i = 0; i < PAGES; i++) {
		pages[i] = page_of(page_alloc(0));
		atomic_store(&pages[i]->references, 1); /* somebody holds it all the time */
	}
	srand(17);
	for (u32 step = 0; step < 200000; step++) {
		u32 i = (u32)rand() % DEVICES, k = (u32)rand() % PAGES;

		/* Full tables for a while, then nearly empty ones. */
		if (rand() % 100 < (step / 20000 % 2 ? 30 : 70)) {
			bool has_room = total[i] < PINS;

			assert_int_equal(device_pin(devices[i], pages[k]), has_room);
			pins[i][k] += has_room;
			total[i] += has_room;
		} else {
			assert_int_equal(device_unpin(devices[i], pages[k]), pins[i][k] > 0);
			total[i] -= pins[i][k] > 0;
			pins[i][k] -= pins[i][k] > 0;
		}
		assert_int_equal(device_has(devices[i], pages[k]), pins[i][k] > 0);
		assert_int_equal(pages[k]->pins, pins[0][k] + pins[1][k]);
	}
	for (u32 i = 0; i < DEVICES; i++)
		for (u32 k = 0; k < PAGES; k++)
			for (; pins[i][k]; pins[i][k]--)
				assert_true(device_unpin(devices[i], pages[k]));
	assert_int_equal(devices[0]->count + devices[1]->count, 0);
	for (u32 i = 0; i < PAGES; i++)
		page_free(page_address(pages[i]), 0);
}

/* The last pin frees a page that nobody holds; a held one stays. */
static void pages_are_free_with_their_last_pin_or_holder(void **state)
{
	struct device *device = device_at(sys_device_create(TERN_SELF_ACCOUNT, 0, PINS));
	struct page *held = page_of(page_alloc(0)), *lost = page_of(page_alloc(0));
	struct page_list free = { 0 };

	(void)state;
	atomic_store(&held->references, 1);
	atomic_store(&lost->references, 1);
	assert_true(device_pin(device, held) && device_pin(device, lost));
	page_put_pinned(lost, &free);
	assert_int_equal(free.count, 0);
	assert_true(device_unpin(device, lost)); /* freed */
	assert_true(device_unpin(device, held));
	page_put_pinned(held, &free);
	assert_int_equal(free.count, 1);
	reclaim_page_list(&free);
	host_reclaim();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(limits_are_checked),
		TEST(release_makes_way_for_interrupts),
		TEST(tables_agree_with_a_model),
		TEST(pages_are_free_with_their_last_pin_or_holder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
