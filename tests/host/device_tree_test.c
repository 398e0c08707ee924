/* The reader of device trees, on a tree that is put together here. */
#include "cmocka_all.h"

#include "../../lib/device_tree/device_tree.c"

static uint8_t blob[4096];
static size_t used;

static const char strings[] = "compatible\0reg\0interrupts\0status\0#address-cells\0#size-cells";
enum {
	COMPATIBLE = 0,
	REG = 11,
	INTERRUPTS = 15,
	STATUS = 26,
	ADDRESS_CELLS = 33,
	SIZE_CELLS = 48
};

static void put(uint32_t value)
{
	for (int i = 0; i < 4; i++)
		blob[used++] = (uint8_t)(value >> (24 - 8 * i));
}

static void put_at(size_t at, uint32_t value)
{
	size_t end = used;

	used = at;
	put(value);
	used = end;
}

static void pad(void)
{
	while (used % 4)
		blob[used++] = 0;
}

static void begin(const char *name)
{
	put(TOKEN_BEGIN);
	memcpy(blob + used, name, strlen(name) + 1);
	used += strlen(name) + 1;
	pad();
}

static void property(uint32_t name, const void *value, size_t length)
{
	put(TOKEN_PROPERTY);
	put((uint32_t)length);
	put(name);
	memcpy(blob + used, value, length);
	used += length;
	pad();
}

static void number(uint32_t name, uint32_t value)
{
	put(TOKEN_PROPERTY);
	put(4);
	put(name);
	put(value);
}

static void registers(uint64_t address, uint32_t length)
{
	put(TOKEN_PROPERTY);
	put(16);
	put(REG);
	put((uint32_t)(address >> 32));
	put((uint32_t)address);
	put(0);
	put(length);
}

static void device(const char *name, const char *compatible, size_t size, uint64_t address,
		   uint32_t interrupt, const char *status)
{
	begin(name);
	property(COMPATIBLE, compatible, size);
	registers(address, 0x1000);
	number(INTERRUPTS, interrupt);
	if (status)
		property(STATUS, status, strlen(status) + 1);
	put(TOKEN_END);
}

static void close_tree(void)
{
	size_t structure = 40;

	put(TOKEN_END);
	put(TOKEN_END);
	put(TOKEN_TREE_END);
	put_at(36, (uint32_t)(used - structure));
	put_at(12, (uint32_t)used);
	memcpy(blob + used, strings, sizeof(strings));
	used += sizeof(strings);
	put_at(32, sizeof(strings));
	put_at(4, (uint32_t)used);
}

static int set_up(void **state)
{
	(void)state;
	used = 0;
	put(MAGIC);
	for (int i = 0; i < 9; i++)
		put(i == 1 ? 40 : 0);
	begin("");
	number(ADDRESS_CELLS, 2);
	number(SIZE_CELLS, 2);
	begin("soc");
	number(ADDRESS_CELLS, 2);
	number(SIZE_CELLS, 2);
	device("b", "virtio,mmio", 12, 0x10002000, 2, NULL);
	put(TOKEN_NOP);
	device("u", "snps,uart\0ns16550a", 19, 0x110000000, 10, "okay");
	device("off", "virtio,mmio", 12, 0x10000000, 9, "disabled");
	device("a", "virtio,mmio", 12, 0x10001000, 1, NULL);
	close_tree();
	return 0;
}

static void a_device_is_found_by_any_of_its_names(void **state)
{
	struct device found;

	(void)state;
	assert_int_equal(device_tree_find(blob, used, "ns16550a", 0, &found), 0);
	assert_int_equal(found.address, 0x110000000);
	assert_int_equal(found.length, 0x1000);
	assert_int_equal(found.interrupt, 10);
	assert_int_equal(device_tree_find(blob, used, "ns16550a", 1, &found), -1);
	assert_int_equal(device_tree_find(blob, used, "ns16550", 0, &found), -1);
	assert_int_equal(device_tree_find(blob, used, "uart", 0, &found), -1);
}

static void devices_are_counted_by_address_without_disabled_ones(void **state)
{
	struct device found;

	(void)state;
	assert_int_equal(device_tree_find(blob, used, "virtio,mmio", 0, &found), 0);
	assert_int_equal(found.interrupt, 1);
	assert_int_equal(device_tree_find(blob, used, "virtio,mmio", 1, &found), 0);
	assert_int_equal(found.interrupt, 2);
	assert_int_equal(device_tree_find(blob, used, "virtio,mmio", 2, &found), -1);
}

static void a_blob_that_is_cut_off_is_refused(void **state)
{
	uint8_t *copy = malloc(used);
	struct device found;

	(void)state;
	memcpy(copy, blob, used);
	for (size_t size = 0; size < used; size++)
		assert_int_equal(device_tree_find(copy, size, "ns16550a", 0, &found), -2);
	free(copy);
}

/* Every single byte set to other values: any answer, but no access outside (sanitizers tell). */
static void damaged_bytes_do_no_harm(void **state)
{
	static const uint8_t values[] = { 0, 1, 2, 3, 9, 0x7f, 0x80, 0xff };
	uint8_t *copy = malloc(used);
	struct device found;
	unsigned int refused = 0;

	(void)state;
	for (size_t i = 0; i < used * sizeof(values); i++) {
		memcpy(copy, blob, used);
		copy[i / sizeof(values)] = values[i % sizeof(values)];
		refused += device_tree_find(copy, used, "virtio,mmio", 1, &found) == -2;
	}
	assert_true(refused > 100);
	free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_device_is_found_by_any_of_its_names, set_up),
		cmocka_unit_test_setup(devices_are_counted_by_address_without_disabled_ones,
				       set_up),
		cmocka_unit_test_setup(a_blob_that_is_cut_off_is_refused, set_up),
		cmocka_unit_test_setup(damaged_bytes_do_no_harm, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
