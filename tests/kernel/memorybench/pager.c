/* What pages of a paged memobj cost, with a pager in a thread that answers at once. */
#include "memorybench.h"

#define PAGES 512
#define MOVES TERN_SUPPLY_MAX
#define LATE_CACHE 16384ul

static tern_handle listener, memobj;

/* Each page is supplied as zeroes: what else it may contain is the pager's affair. */
static void pager_loop(uint64_t argument)
{
	struct tern_received message = { 0 };
	struct tern_request request;

	(void)argument;
	while (tern_wait(listener, &message) == TERN_EVENT_NOTIFY && message.userdata == 1)
		while (tern_pager_fetch(memobj, &request, 1) == 1)
			tern_pager_supply(memobj, request.id, request.first, request.count, NULL,
					  TERN_SUPPLY_ZERO);
}

/* Each page becomes dirty, is taken for writing back, and is clean again. */
static void bench_clean(volatile char *memory)
{
	struct tern_page_run run;
	uint64_t before, count = 0;

	report("fault_dirty", write_each(memory, PAGES));
	before = rt_instructions();
	while (tern_memobj_clean_begin(memobj, 0, PAGES, &run) > 0) {
		tern_memobj_clean_end(memobj, run.first, run.count, 0);
		count += run.count;
	}
	rt_require(count == PAGES, "dirty pages");
	report("clean_page", (rt_instructions() - before) / PAGES);
}

/* Pages move from an anonymous memobj. */
static void bench_move(void)
{
	tern_handle source = tern_memobj_create(0, PAGES * RT_PAGE);
	char *memory = map(source, PAGES, READ_WRITE);
	uint64_t before;

	write_each(memory, PAGES);
	unmap(memory, PAGES);
	before = rt_instructions();
	for (uint64_t i = 0; i < PAGES; i += MOVES)
		rt_require(tern_pager_move(memobj, 0, i, MOVES, source, i) == MOVES, "move");
	report("supply_move", (rt_instructions() - before) / PAGES);
	tern_handle_close(source);
}

static void bench_evict(void)
{
	uint64_t before = rt_instructions();

	rt_require(tern_memobj_evict(memobj, 0, PAGES) == PAGES, "evict");
	report("evict", (rt_instructions() - before) / PAGES);
}

/* A large cache without a pager that does anything: looking for dirty pages, and dropping all. */
void bench_late_pager(void)
{
	tern_handle own = tern_listener_create(0, 16), port = tern_port_create(0, own, 1, 0);
	tern_handle cache = tern_memobj_create_paged(0, port, LATE_CACHE * RT_PAGE, 0);
	struct tern_page_run run;

	for (uint64_t i = 0; i < LATE_CACHE; i += TERN_SUPPLY_MAX)
		rt_require(tern_pager_supply(cache, 0, i, TERN_SUPPLY_MAX, NULL,
					     TERN_SUPPLY_ZERO) == TERN_SUPPLY_MAX,
			   "supply");
	report_latest("late_supply");
	rt_require(tern_memobj_clean_begin(cache, 0, LATE_CACHE, &run) == 0, "all clean");
	report_latest("late_clean");
	rt_require(tern_memobj_evict(cache, 0, LATE_CACHE) == LATE_CACHE, "all evicted");
	report_latest("late_evict");
	tern_handle_close(cache);
	tern_handle_close(port);
	tern_handle_close(own);
}

void bench_pagers(void)
{
	struct rt_thread thread;
	tern_handle port, end;
	char *memory;

	listener = tern_listener_create(0, 16);
	port = tern_port_create(0, listener, 1, 0);
	end = tern_port_create(0, listener, 2, 0);
	memobj = tern_memobj_create_paged(0, port, PAGES * RT_PAGE, 0);
	rt_require(memobj > 0, "a paged memobj");
	rt_thread(&thread, pager_loop, 0, 31);
	memory = map(memobj, PAGES, READ_WRITE);
	report("fault_pager", read_each(memory, PAGES));
	bench_clean(memory);
	bench_evict();
	bench_move();
	unmap(memory, PAGES);
	tern_notify(end, 1);
	rt_join(&thread);
	tern_handle_close(memobj);
	tern_handle_close(port);
	tern_handle_close(end);
	tern_handle_close(listener);
}
