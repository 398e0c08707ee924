/*
 * Benchmarks of memory, in instructions as the program sees them: its own loop included. Run with
 * -icount shift=0, one hart, 1 GiB. Prints lines "BENCH name figure".
 */
#include "rt.h"

#define READ_WRITE (TERN_MAP_READ | TERN_MAP_WRITE)
#define PRIVATE (READ_WRITE | TERN_MAP_PRIVATE)
#define PAGES 1024
#define ROUNDS 200

static void report(const char *name, uint64_t figure)
{
	rt_printf("BENCH %s %lu\n", name, figure);
}

static char *map(tern_handle memobj, uint64_t pages, uint64_t flags)
{
	tern_result address = tern_region_map(TERN_SELF_PROCESS, memobj, 0, 0, pages * RT_PAGE,
					      flags);

	rt_require(address > 0, "map");
	return (char *)address;
}

static void unmap(char *memory, uint64_t pages)
{
	rt_require(tern_region_unmap(TERN_SELF_PROCESS, (uint64_t)memory, pages * RT_PAGE) == 0,
		   "unmap");
}

/* Instructions for one access to each page, divided by their number. */
static uint64_t write_each(volatile char *memory, uint64_t pages)
{
	uint64_t before = rt_instructions();

	for (uint64_t i = 0; i < pages; i++)
		memory[i * RT_PAGE] = 1;
	return (rt_instructions() - before) / pages;
}

static uint64_t read_each(volatile const char *memory, uint64_t pages)
{
	uint64_t before = rt_instructions();

	for (uint64_t i = 0; i < pages; i++)
		(void)memory[i * RT_PAGE];
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

/* Cached pages through memobj_read and memobj_write: instructions a call. */
static void bench_contents(const char *read_name, const char *write_name, uint64_t length)
{
	tern_handle memobj = tern_memobj_create(0, length);
	char *buffer = map(0, (length + RT_PAGE - 1) / RT_PAGE, PRIVATE);
	uint64_t before, middle, after;

	rt_require(tern_memobj_write(memobj, 0, buffer, length) == (tern_result)length, "write");
	rt_require(tern_memobj_read(memobj, 0, buffer, length) == (tern_result)length, "read");
	before = rt_instructions();
	for (int i = 0; i < ROUNDS; i++)
		tern_memobj_read(memobj, 0, buffer, length);
	middle = rt_instructions();
	for (int i = 0; i < ROUNDS; i++)
		tern_memobj_write(memobj, 0, buffer, length);
	after = rt_instructions();
	report(read_name, (middle - before) / ROUNDS);
	report(write_name, (after - middle) / ROUNDS);
	unmap(buffer, (length + RT_PAGE - 1) / RT_PAGE);
	tern_handle_close(memobj);
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
	tern_result child = tern_process_fork(0);

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
	child = tern_process_fork(0);
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

int main(void)
{
	listener = tern_listener_create(0, 16);
	port = tern_port_create(0, listener, 1, 0);
	rt_require(listener > 0 && port > 0, "a port");
	bench_faults();
	bench_map("map_unmap_1", 1);
	bench_map("map_unmap_256", 256);
	bench_contents("memobj_read_1", "memobj_write_1", 1);
	bench_contents("memobj_read_4096", "memobj_write_4096", 4096);
	bench_contents("memobj_read_65536", "memobj_write_65536", 65536);
	bench_copy_on_write();
	bench_fork("fork_exit_1", 1, 50);
	bench_fork("fork_exit_16", 16, 10);
	bench_fork("fork_exit_256", 256, 3);
	return 0;
}
