/* The test framework, see test.h. */
#include <stdatomic.h>

#include "test.h"

#define LOOK_NS 60000
#define SETTLE_NS 60000000000ul /* at most: a hart that the host stalls is busy for as long */
#define QUIET_LOOKS 3           /* in a row: one looks at a hart after the other */
#define FEW_ROUNDS 2            /* without a change, when all is well */
#define QUIET_ROUNDS 500        /* without a change, before something counts as leaked */
#define RUNS_MAX 6

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
		test_sleep(LOOK_NS);
	atomic_thread_fence(memory_order_acquire);
}

void test_sleep(uint64_t nanoseconds)
{
	uint32_t word = 0;

	tern_futex_wait(&word, 0, tern_time() + nanoseconds);
}

/* A time alone would say nothing: a hart may stand still for long where the machine below is loaded. */
void test_settle(void)
{
	static uint64_t patience = SETTLE_NS;
	uint64_t end = tern_time() + patience;

	for (int quiet = 0; quiet < QUIET_LOOKS;) {
		test_sleep(LOOK_NS);
		if (!tern_system_info(TERN_INFO_BUSY_HARTS) &&
		    !tern_system_info(TERN_INFO_RECLAIM_PENDING)) {
			quiet++;
		} else if (tern_time() < end) {
			quiet = 0;
		} else {
			if (patience == SETTLE_NS)
				test_fail(__FILE__, __LINE__, "somebody runs for ever", 1, 0);
			patience = SETTLE_NS / 300; /* and will the next time */
			return;
		}
	}
}

uint64_t test_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static struct figures take_figures(void)
{
	return (struct figures){ .objects = (uint64_t)tern_system_info(TERN_INFO_OBJECTS),
				 .pages = (uint64_t)tern_system_info(TERN_INFO_FREE_PAGES) };
}

/*
 * What is alive once deferred work has been done. Threads that were joined may still be on their
 * last instructions and killed processes on their way out, so it waits until there are no more
 * objects than `expected`, or nothing has changed for long.
 */
static struct figures settle_figures(uint64_t expected)
{
	struct figures figures = take_figures();

	for (int quiet = 0; quiet < QUIET_ROUNDS; quiet++) {
		struct figures last = figures;

		test_settle();
		figures = take_figures();
		if (tern_system_info(TERN_INFO_RECLAIM_PENDING) ||
		    figures.objects != last.objects || figures.pages != last.pages)
			quiet = 0;
		else if (figures.objects <= expected && quiet >= FEW_ROUNDS)
			break;
	}
	return figures;
}

/*
 * Caches of the allocators grow with the first uses, to some size: so pages may go in a few runs
 * of a test, but not in each.
 */
static bool is_conserved(const struct test *test)
{
	struct figures before = settle_figures(UINT64_MAX), after = before;

	for (int run = 0; run < RUNS_MAX; run++) {
		before.pages = after.pages;
		test->run();
		after = settle_figures(before.objects);
		if (after.objects > before.objects) {
			rt_printf("  %ld kernel objects leaked\n",
				  (int64_t)(after.objects - before.objects));
			return false;
		}
		if (after.pages >= before.pages || has_failed)
			return true;
	}
	rt_printf("  each run leaks pages: %ld the last time\n",
		  (int64_t)(before.pages - after.pages));
	return false;
}

int test_run(const struct test *tests, size_t count)
{
	size_t failed = 0;

	rt_prepare();
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
