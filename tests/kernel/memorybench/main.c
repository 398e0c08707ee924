/*
 * Benchmarks of memory, in instructions as the program sees them: its own loop included. Run with
 * -icount shift=0, one hart, 1 GiB. Prints lines "BENCH name figure". For a tracer that stops at the
 * study_ labels, study=1 on the command line runs the pagers alone, study=2 the streams.
 */
#include "memorybench.h"

#define PAGES 512 /* less than what comes at once */
#define LARGE_PAGES 4096
#define ROUNDS 200

void report(const char *name, uint64_t figure)
{
	rt_printf("BENCH %s %lu\n", name, figure);
}

char *map(tern_handle memobj, uint64_t pages, uint64_t flags)
{
	tern_result address = tern_region_map(TERN_SELF_PROCESS, memobj, 0, 0, pages * RT_PAGE,
					      flags);

	rt_require(address > 0, "map");
	return (char *)address;
}

void unmap(char *memory, uint64_t pages)
{
	rt_require(tern_region_unmap(TERN_SELF_PROCESS, (uint64_t)memory, pages * RT_PAGE) == 0,
		   "unmap");
}

/* What was given back earlier is no part of the next figure. */
static void settle(void)
{
	while (tern_system_info(TERN_INFO_RECLAIM_PENDING))
		tern_thread_yield();
}

/* Instructions for one access to each page, divided by their number. */
uint64_t write_each(volatile char *memory, uint64_t pages)
{
	uint64_t before = rt_instructions();

	for (uint64_t i = 0; i < pages; i++)
		memory[i * RT_PAGE] = 1;
	return (rt_instructions() - before) / pages;
}

__attribute__((noinline)) uint64_t read_each(volatile const char *memory, uint64_t pages)
{
	uint64_t before = rt_instructions();

	for (uint64_t i = 0; i < pages; i++) {
		(void)memory[i * RT_PAGE];
		STUDY_LABEL(study_fault);
	}
	return (rt_instructions() - before) / pages;
}

static void bench_faults(void)
{
	tern_handle memobj = tern_memobj_create(0, PAGES * RT_PAGE);
	char *memory = map(0, PAGES, PRIVATE);

	report("fault_zero", write_each(memory, PAGES));
	unmap(memory, PAGES);
	memory = map(memobj, PAGES, READ_WRITE);
	write_each(memory, PAGES);
	unmap(memory, PAGES);
	memory = map(memobj, PAGES, READ_WRITE);
	report("fault_cached", read_each(memory, PAGES));
	unmap(memory, PAGES);
	tern_handle_close(memobj);
}

/* The same where all but the beginning comes, and goes, in large pages. */
static void bench_large(void)
{
	char *memory = map(0, LARGE_PAGES, PRIVATE);
	uint64_t before;

	write_each(memory, PAGES);
	report("fault_zero_2m", write_each(memory + PAGES * RT_PAGE, LARGE_PAGES - PAGES));
	before = rt_instructions();
	unmap(memory, LARGE_PAGES);
	report("unmap_2m", (rt_instructions() - before) / LARGE_PAGES);
}

/* Map, touch every page, unmap. */
static void bench_map(const char *name, uint64_t pages)
{
	uint64_t before = rt_instructions();

	for (int i = 0; i < ROUNDS; i++) {
		char *memory = map(0, pages, PRIVATE);

		write_each(memory, pages);
		unmap(memory, pages);
	}
	report(name, (rt_instructions() - before) / ROUNDS);
}

/* ---------------------------------------------------------------------------------------- fork */

static tern_handle listener, port;

static void await_death(tern_handle child)
{
	struct tern_received message = { 0 };

	rt_require(tern_process_watch(child, port) == 0 &&
			   tern_wait(listener, &message) == TERN_EVENT_NOTIFY &&
			   tern_handle_close(child) == 0,
		   "the child's death");
}

static void fork_and_wait(void)
{
	tern_result child = tern_process_fork(0, 0);

	if (child == 0)
		rt_exit(0);
	rt_require(child > 0, "fork");
	await_death(child);
}

/* Fork, exit, wait, with so much memory resident. */
static void bench_fork(const char *name, uint64_t mebibytes, uint64_t rounds)
{
	uint64_t pages = mebibytes << 20 >> TERN_PAGE_SHIFT, before;
	char *memory = map(0, pages, PRIVATE);

	write_each(memory, pages);
	fork_and_wait();
	before = rt_instructions();
	for (uint64_t i = 0; i < rounds; i++)
		fork_and_wait();
	report(name, (rt_instructions() - before) / rounds);
	unmap(memory, pages);
}

/* The first write to each page while a child holds it too. */
static void bench_copy_on_write(void)
{
	char *memory = map(0, PAGES, PRIVATE);
	tern_result child;

	write_each(memory, PAGES);
	child = tern_process_fork(0, 0);
	if (child == 0) {
		uint32_t word = 0;

		for (;;)
			tern_futex_wait(&word, 0, TERN_DEADLINE_NONE);
	}
	rt_require(child > 0, "fork");
	report("fault_cow", write_each(memory, PAGES));
	rt_require(tern_process_kill(child, 0) == 0, "kill");
	await_death(child);
	unmap(memory, PAGES);
}

/* ------------------------------------------------------------------------------------ lateness */

#define PERIOD_NS 200000
#define LATE_PAGES (192ul << 20 >> TERN_PAGE_SHIFT)
#define LATE_RANGE (1ul << 30 >> TERN_PAGE_SHIFT)

static volatile uint64_t latest;
static volatile uint32_t stops;

/* A thread that is woken at regular times and notes how late it was at the worst: nanoseconds, of
 * which each is an instruction here. */
static void be_woken(uint64_t argument)
{
	tern_handle own = tern_listener_create(0, 16), owner = tern_port_create(0, own, 1, 0);
	tern_handle timer = tern_timer_create(0, owner, 1);
	struct tern_received message = { 0 };
	uint64_t start = tern_time() + PERIOD_NS;

	(void)argument;
	rt_require(tern_timer_set(timer, start, PERIOD_NS) == 0, "a timer");
	while (!stops) {
		uint64_t late;

		tern_wait(own, &message);
		late = (tern_time() - start) % PERIOD_NS;
		latest = late > latest ? late : latest;
	}
	tern_handle_close(timer);
	tern_handle_close(owner);
	tern_handle_close(own);
}

void report_latest(const char *name)
{
	report(name, latest);
	latest = 0;
}

/* The longest calls that there are, while something more important wants to run now and then. */
static void bench_lateness(void)
{
	tern_handle memobj = tern_memobj_create(0, LATE_PAGES * RT_PAGE);
	char *memory = map(0, LATE_RANGE, PRIVATE);
	struct rt_thread thread;
	tern_handle clone;

	write_each(memory, LATE_PAGES);
	rt_thread(&thread, be_woken, 0, 32);
	rt_require(tern_thread_set_priority(TERN_SELF_THREAD, 20) == 0, "a priority");
	latest = 0;
	fork_and_wait();
	report_latest("late_fork_exit");
	tern_memobj_write(memobj, 0, memory, LATE_PAGES * RT_PAGE, 0);
	report_latest("late_write");
	tern_memobj_read(memobj, 0, memory, LATE_PAGES * RT_PAGE, 0);
	report_latest("late_read");
	clone = tern_memobj_clone(0, memobj);
	rt_require(clone > 0, "clone");
	report_latest("late_clone");
	rt_require(tern_memobj_punch(clone, 0, LATE_PAGES) == LATE_PAGES, "punch");
	report_latest("late_punch");
	rt_require(tern_memobj_set_length(memobj, 0) == 0, "truncate");
	report_latest("late_truncate");
	bench_late_pager();
	tern_region_protect(TERN_SELF_PROCESS, (uint64_t)memory, LATE_RANGE * RT_PAGE, 0);
	report_latest("late_protect");
	unmap(memory, LATE_RANGE);
	report_latest("late_unmap");
	settle();
	report_latest("late_free");
	stops = 1;
	rt_join(&thread);
	tern_handle_close(clone);
	tern_handle_close(memobj);
}

static void bench_all(void)
{
	bench_faults();
	bench_large();
	bench_map("map_unmap_1", 1);
	bench_map("map_unmap_256", 256);
	bench_copy_on_write();
	settle();
	bench_streams();
	bench_pagers();
	settle();
	bench_fork("fork_exit_1", 1, 50);
	bench_fork("fork_exit_16", 16, 10);
	bench_fork("fork_exit_256", 256, 3);
	settle();
	bench_lateness();
}

int main(void)
{
	static void (*const benches[])(void) = { bench_all, bench_pagers, bench_streams };
	uint64_t study = rt_option("study", 0);
	tern_handle owner;

	listener = tern_listener_create(0, 16);
	owner = tern_port_create(0, listener, 1, 0);
	port = tern_port_mint(owner, TERN_RIGHTS_ALL);
	rt_require(listener > 0 && port > 0 && study < RT_COUNT(benches), "a port, study=1 .. 2");
	benches[study]();
	return 0;
}
