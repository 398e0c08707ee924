/* The kernel's log while a program reads it: nothing is lost, whatever becomes of the reader. */
#include "test.h"

static volatile struct tern_log_ring *ring;

static void map_ring(void)
{
	if (ring)
		return;
	ring = (struct tern_log_ring *)tern_region_map(TERN_SELF_PROCESS, rt_boot->log, 0, 0,
						       TERN_LOG_RING_LENGTH,
						       TERN_MAP_READ | TERN_MAP_WRITE);
	rt_require((int64_t)ring > 0, "the ring");
}

static tern_result set_reader(tern_handle port)
{
	return tern_system_control(rt_boot->resource, TERN_CONTROL_LOG, (uint64_t)port);
}

static struct test_port become_reader(void)
{
	struct test_port port = test_port(7, 0);

	map_ring();
	CHECK_EQ(set_reader(port.client), 0);
	return port;
}

static char data_at(uint64_t place)
{
	return ring->data[place % sizeof(ring->data)];
}

static void reader_is_notified_and_finds_the_text(void)
{
	struct test_port port = become_reader();
	struct tern_received message;
	uint64_t start = ring->written;

	CHECK_EQ(tern_debug_log("abc\n", 4), 0);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_NOTIFY);
	CHECK_EQ(message.userdata, 7);
	CHECK_EQ(message.words[0], TERN_LOG_WRITTEN);
	CHECK_EQ(ring->written, start + 4);
	CHECK_EQ(data_at(start), 'a');
	CHECK_EQ(data_at(start + 3), '\n');
	ring->read = ring->written;
	CHECK_EQ(set_reader(0), 0);
	test_port_close(&port);
}

static void what_nobody_read_is_printed_in_the_end(void)
{
	struct test_port port = become_reader();

	rt_printf("this line waited in the ring\n");
	CHECK(ring->read != ring->written);
	CHECK_EQ(set_reader(0), 0);
	CHECK_EQ(ring->read, ring->written);
	test_port_close(&port);
}

static void a_full_ring_is_printed_by_the_kernel(void)
{
	static char line[TERN_LOG_MAX];
	struct test_port port = become_reader();
	uint64_t start = ring->read, lines = sizeof(ring->data) / sizeof(line) + 1;

	memset(line, '.', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\n';
	for (uint64_t i = 0; i < lines; i++)
		CHECK_EQ(tern_debug_log(line, sizeof(line)), 0);
	CHECK_EQ(ring->written, start + lines * sizeof(line));
	CHECK_EQ(ring->read, start + (lines - 1) * sizeof(line));
	CHECK_EQ(set_reader(0), 0);
	test_port_close(&port);
}

static void nonsense_in_the_ring_does_no_harm(void)
{
	struct test_port port = become_reader();
	uint64_t start = ring->written;

	ring->read = start + 1;
	ring->written = UINT64_MAX;
	CHECK_EQ(tern_debug_log("x\n", 2), 0);
	CHECK_EQ(ring->written, start + 2);
	ring->read = 0;
	CHECK_EQ(set_reader(0), 0);
	CHECK_EQ(ring->read, ring->written);
	test_port_close(&port);
}

static void with_a_dead_port_the_kernel_prints(void)
{
	struct test_port port = become_reader();
	uint64_t start = ring->written;

	CHECK_EQ(tern_debug_log("unread\n", 7), 0);
	CHECK_EQ(tern_listener_destroy(port.listener), 0);
	CHECK_EQ(tern_debug_log("after the reader's end\n", 23), 0);
	CHECK_EQ(ring->written, start + 7);
	CHECK_EQ(ring->read, start + 7);
	CHECK_EQ(set_reader(0), 0);
	test_port_close(&port);
}

static void only_a_port_to_notify_will_do(void)
{
	struct test_port port = test_port(1, 0);
	tern_handle deaf = tern_handle_duplicate(port.client, TERN_RIGHT_CALL);

	map_ring();
	CHECK_EQ(set_reader(port.listener), -EPROTOTYPE);
	CHECK_EQ(set_reader(deaf), -EPERM);
	CHECK_EQ(set_reader(-1), -EBADF);
	tern_handle_close(deaf);
	test_port_close(&port);
}

static const struct test tests[] = {
	{ "reader_is_notified_and_finds_the_text", reader_is_notified_and_finds_the_text },
	{ "what_nobody_read_is_printed_in_the_end", what_nobody_read_is_printed_in_the_end },
	{ "a_full_ring_is_printed_by_the_kernel", a_full_ring_is_printed_by_the_kernel },
	{ "nonsense_in_the_ring_does_no_harm", nonsense_in_the_ring_does_no_harm },
	{ "with_a_dead_port_the_kernel_prints", with_a_dead_port_the_kernel_prints },
	{ "only_a_port_to_notify_will_do", only_a_port_to_notify_will_do },
};

TEST_MAIN(tests)
