/* The test framework, see test.h. */
#include "test.h"

#define RECLAIM_ROUNDS 10000
#define SETTLE_NS 200000

struct figures {
	uint64_t objects, pages;
};

static volatile bool has_failed;

void test_fail(const char *file, int line, const char *what, int64_t got, int64_t expected)
{
	has_failed = true;
	rt_printf("  %s:%d: %s: got %ld, expected %ld\n", file, line, what, got, expected);
}

void test_await(volatile uint32_t *word, uint32_t value)
{
	while (*word < value)
		test_sleep(SETTLE_NS / 4);
}

void test_sleep(uint64_t nanoseconds)
{
	uint32_t word = 0;

	tern_futex_wait(&word, 0, tern_time() + nanoseconds);
}

void test_settle(void)
{
	test_sleep(SETTLE_NS);
}

uint64_t test_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* What is alive once all deferred work has been done. */
static struct figures take_figures(void)
{
	struct figures figures;

	/* Threads that have been joined may still be on their last instructions. */
	test_settle();
	for (int i = 0; i < RECLAIM_ROUNDS && tern_system_info(TERN_INFO_RECLAIM_PENDING); i++)
		test_settle();
	figures.objects = (uint64_t)tern_system_info(TERN_INFO_OBJECTS);
	figures.pages = (uint64_t)tern_system_info(TERN_INFO_FREE_PAGES);
	return figures;
}

/*
 * A test may leave slabs and page tables behind that the next one uses: so the number of pages is
 * compared with a second run of the same test. Objects must be the same at once.
 */
static bool is_conserved(const struct test *test)
{
	struct figures before, after, again;

	before = take_figures();
	test->run();
	after = take_figures();
	if (after.objects != before.objects) {
		rt_printf("  %ld kernel objects leaked\n",
			  (int64_t)(after.objects - before.objects));
		return false;
	}
	if (after.pages >= before.pages)
		return true;
	test->run();
	again = take_figures();
	if (again.pages + 8 < after.pages)
		rt_printf("  %ld pages leaked\n", (int64_t)(after.pages - again.pages));
	return again.pages + 8 >= after.pages;
}

int test_run(const struct test *tests, size_t count)
{
	size_t failed = 0;

	for (size_t i = 0; i < count; i++) {
		bool is_good;

		has_failed = false;
		is_good = is_conserved(&tests[i]) && !has_failed;
		failed += !is_good;
		rt_printf("%s %s\n", is_good ? "PASS" : "FAIL", tests[i].name);
	}
	return failed ? 1 : 0;
}

struct test_port test_port(uint64_t userdata, uint64_t flags)
{
	struct test_port port;

	port.listener = tern_listener_create(0, 1024);
	port.owner = tern_port_create(0, port.listener, userdata, flags);
	port.client = tern_port_mint(port.owner, TERN_RIGHTS_ALL);
	rt_require(port.client > 0, "a port");
	return port;
}

void test_port_close(struct test_port *port)
{
	tern_handle_close(port->client);
	tern_handle_close(port->owner);
	tern_handle_close(port->listener);
}
