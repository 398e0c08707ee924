/* One object of each type for the matrix to name. */
#include "calls.h"

#define CALLER_PRIORITY 20
#define LINE_IN_USE 31

struct fixture fixture;

static char in_window[WINDOW], out_window[WINDOW];

static void caller_body(uint64_t port)
{
	struct tern_received message = { 0 };
	struct tern_extended extended = { .in_address = (uint64_t)in_window,
					  .in_length = WINDOW,
					  .out_address = (uint64_t)out_window,
					  .out_length = WINDOW };

	tern_call_ext((tern_handle)port, &message, &extended);
}

static void sleeper_body(uint64_t argument)
{
	(void)argument;
	while (fixture.sleeps)
		tern_futex_wait(&fixture.sleeps, 1, TERN_DEADLINE_NONE);
}

/* One page, which is there. */
static tern_handle create_paged(tern_handle port)
{
	tern_handle memobj = tern_memobj_create_paged(0, port, RT_PAGE, 0);

	CHECK_EQ(tern_pager_supply(memobj, 0, 0, 1, NULL, TERN_SUPPLY_ZERO), 1);
	return memobj;
}

/* A thread that waits for the answer to its call; the reply to it. */
static tern_handle park_caller(struct rt_thread *caller, tern_handle port, tern_handle listener)
{
	struct tern_received message = { 0 };

	rt_thread(caller, caller_body, (uint64_t)port, CALLER_PRIORITY);
	tern_wait(listener, &message);
	return tern_reply_park(0, 0);
}

static void create_memory(void)
{
	tern_handle memobj = tern_memobj_create(0, RT_PAGE);

	fixture.writable = rt_map(RT_PAGE);
	fixture.readable = (char *)tern_region_map(TERN_SELF_PROCESS, memobj, 0, 0, RT_PAGE,
						   TERN_MAP_READ);
	fixture.guard = (char *)tern_region_map(TERN_SELF_PROCESS, 0, 0, 0, RT_PAGE,
						TERN_MAP_GUARD);
	tern_handle_close(memobj);
}

/* Two values of the same slot that are no handles any more. */
static void create_stale(void)
{
	fixture.closed = tern_memobj_create(0, RT_PAGE);
	tern_handle_close(fixture.closed);
	fixture.stale = tern_memobj_create(0, RT_PAGE);
	tern_handle_close(fixture.stale);
	rt_require(fixture.closed != fixture.stale, "generations differ");
}

void fixture_create(void)
{
	tern_handle *handles = fixture.handles;

	create_stale();
	create_memory();
	handles[TERN_TYPE_LISTENER] = tern_listener_create(0, 16);
	handles[TERN_TYPE_PORT] = tern_port_create(0, handles[TERN_TYPE_LISTENER], 7, 0);
	fixture.client = tern_port_mint(handles[TERN_TYPE_PORT], TERN_RIGHTS_ALL);
	handles[TERN_TYPE_REPLY] = park_caller(&fixture.callers[0], fixture.client,
					       handles[TERN_TYPE_LISTENER]);
	fixture.second_reply = park_caller(&fixture.callers[1], fixture.client,
					   handles[TERN_TYPE_LISTENER]);
	fixture.sleeps = 1;
	rt_thread(&fixture.sleeper, sleeper_body, 0, CALLER_PRIORITY);
	handles[TERN_TYPE_THREAD] = tern_handle_duplicate(fixture.sleeper.handle, TERN_RIGHTS_ALL);
	handles[TERN_TYPE_PROCESS] = tern_process_create(0);
	handles[TERN_TYPE_MEMOBJ] = create_paged(handles[TERN_TYPE_PORT]);
	handles[TERN_TYPE_STREAM] = tern_stream_create(0, handles[TERN_TYPE_MEMOBJ], 0);
	handles[TERN_TYPE_TIMER] = tern_timer_create(0, handles[TERN_TYPE_PORT], 1);
	handles[TERN_TYPE_INTERRUPT] = tern_interrupt_create(0, rt_boot->resource, LINE_IN_USE,
							     handles[TERN_TYPE_PORT], 1);
	handles[TERN_TYPE_ACCOUNT] = tern_account_create(0, 64 * RT_PAGE);
	handles[TERN_TYPE_RESOURCE] = tern_handle_duplicate(rt_boot->resource, TERN_RIGHTS_ALL);
	handles[TERN_TYPE_DEVICE] = tern_device_create(0, rt_boot->resource, 4);
	for (unsigned int type = TERN_TYPE_NONE + 1; type < TERN_TYPE_COUNT; type++)
		rt_require(handles[type] > 0, "the fixture's objects");
}

void fixture_destroy(void)
{
	struct tern_received message = { 0 };

	tern_reply(fixture.handles[TERN_TYPE_REPLY], &message);
	tern_reply(fixture.second_reply, &message);
	fixture.sleeps = 0;
	tern_futex_wake(&fixture.sleeps, 1);
	rt_join(&fixture.callers[0]);
	rt_join(&fixture.callers[1]);
	rt_join(&fixture.sleeper);
	tern_process_kill(fixture.handles[TERN_TYPE_PROCESS], 0);
	for (unsigned int type = TERN_TYPE_NONE + 1; type < TERN_TYPE_COUNT; type++)
		if (type != TERN_TYPE_REPLY)
			CHECK_EQ(tern_handle_close(fixture.handles[type]), 0);
	CHECK_EQ(tern_handle_close(fixture.client), 0);
	rt_unmap(fixture.writable, RT_PAGE);
	rt_unmap(fixture.readable, RT_PAGE);
	rt_unmap(fixture.guard, RT_PAGE);
}
