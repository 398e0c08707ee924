/* Pagers that answer, fail, are late, answer twice or for the wrong page, or die. */
#include "pager.h"

static struct pager pager;

void pager_fills_reads(void)
{
	pager_start(&pager, 8, PAGER_GOOD);
	CHECK_EQ(tern_memobj_read(pager.memobj, 100, buffer, 5 * RT_PAGE, 0), 5 * RT_PAGE);
	CHECK(is_pattern(buffer, 100, 5 * RT_PAGE));
	CHECK_EQ(tern_memobj_info(pager.memobj, TERN_MEMOBJ_RESIDENT), 6);
	CHECK_EQ(pager.pages, 6);
	CHECK_EQ(tern_memobj_read(pager.memobj, 100, buffer, 5 * RT_PAGE, 0), 5 * RT_PAGE);
	CHECK_EQ(pager.pages, 6);
	pager_stop(&pager);
}

void pager_fills_mappings(void)
{
	const uint8_t *mapped;

	pager_start(&pager, 4, PAGER_GOOD);
	mapped = (const uint8_t *)tern_region_map(TERN_SELF_PROCESS, pager.memobj, 0, 0,
						  4 * RT_PAGE, TERN_MAP_READ);
	CHECK(is_pattern(mapped, 0, 4 * RT_PAGE));
	CHECK_EQ(pager.pages, 4);
	/* A system call that finds its buffer absent waits for it as well. */
	CHECK_EQ(tern_memobj_evict(pager.memobj, 0, 4), 4);
	CHECK_EQ(tern_debug_log((const char *)mapped, 0), 0);
	{
		tern_handle copy = tern_memobj_create(0, 0);

		CHECK_EQ(tern_memobj_write(copy, 0, mapped, 4 * RT_PAGE, 0), 4 * RT_PAGE);
		CHECK_EQ(tern_memobj_read(copy, 0, buffer, 4 * RT_PAGE, 0), 4 * RT_PAGE);
		CHECK(is_pattern(buffer, 0, 4 * RT_PAGE));
		tern_handle_close(copy);
	}
	rt_unmap((void *)mapped, 4 * RT_PAGE);
	pager_stop(&pager);
}

void stream_reads_ahead(void)
{
	tern_handle stream;

	pager_start(&pager, 200, PAGER_GOOD);
	stream = tern_stream_create(0, pager.memobj, 0);
	for (uint64_t i = 0; i < 200; i++) {
		CHECK_EQ(tern_stream_read(stream, buffer, RT_PAGE, 0), RT_PAGE);
		CHECK(is_pattern(buffer, i * RT_PAGE, RT_PAGE));
	}
	/* 4, 8, 16, then 32 at once. */
	CHECK_EQ(pager.pages, 200);
	CHECK(pager.requests >= 8 && pager.requests <= 10);
	CHECK_EQ(tern_memobj_evict(pager.memobj, 0, 200), 200);
	CHECK_EQ(tern_stream_seek(stream, 50 * RT_PAGE, TERN_SEEK_SET), 50 * RT_PAGE);
	CHECK_EQ(tern_stream_read(stream, buffer, 1, 0), 1);
	CHECK_EQ(pager.pages, 201);
	tern_handle_close(stream);
	pager_stop(&pager);
}

static void read_pages(tern_handle stream, uint64_t count)
{
	while (count--)
		CHECK_EQ(tern_stream_read(stream, buffer, RT_PAGE, 0), RT_PAGE);
}

/* The pager has been asked for so many pages, and is not asked for more. */
static void expect_asked(uint32_t pages)
{
	for (int i = 0; i < 60000 && pager.pages < pages; i++)
		test_sleep(1000000);
	test_settle();
	CHECK_EQ(pager.pages, pages);
}

/* With 32 pages at once there are eight such requests on their way, before they are missed. */
void stream_asks_before_it_misses(void)
{
	tern_handle stream;

	pager_start(&pager, 400, PAGER_GOOD);
	stream = tern_stream_create(0, pager.memobj, 0);
	read_pages(stream, 28);
	expect_asked(4 + 8 + 16);
	read_pages(stream, 1);
	expect_asked(28 + 8 * 32);
	read_pages(stream, 31);
	expect_asked(28 + 8 * 32);
	read_pages(stream, 1);
	expect_asked(28 + 9 * 32);
	CHECK_EQ(pager.requests, 3 + 9);
	read_pages(stream, 400 - 61);
	expect_asked(400);
	tern_handle_close(stream);
	pager_stop(&pager);
}

void failing_pager_fails_the_access(void)
{
	pager_start(&pager, 4, PAGER_FAIL);
	CHECK_EQ(tern_memobj_read(pager.memobj, 0, buffer, 10, 0), -EIO);
	CHECK_EQ(tern_memobj_write(pager.memobj, 0, buffer, 10, 0), -EIO);
	pager.manner = PAGER_GOOD;
	CHECK_EQ(tern_memobj_read(pager.memobj, 0, buffer, RT_PAGE, 0), RT_PAGE);
	pager.manner = PAGER_FAIL;
	/* What was done before the failure counts. */
	CHECK_EQ(tern_memobj_read(pager.memobj, 10, buffer, RT_PAGE, 0), RT_PAGE - 10);
	pager_stop(&pager);
}

/* ------------------------------------------------------------------------- somebody who waits */

static volatile int64_t waiter_result;
static volatile uint32_t waiter_state;

static void read_body(uint64_t offset)
{
	static uint8_t bytes[2 * RT_PAGE];

	waiter_state = 1;
	waiter_result = tern_memobj_read(pager.memobj, offset, bytes, sizeof(bytes), 0);
	waiter_state = 2;
}

static void start_waiter(struct rt_thread *thread, uint64_t offset)
{
	uint32_t before = pager.requests;

	waiter_state = 0;
	rt_thread(thread, read_body, offset, 30);
	test_await(&waiter_state, 1);
	test_await(&pager.requests, before + 1);
	test_settle();
	CHECK_EQ(waiter_state, 1);
}

void dead_pager_fails_those_who_wait(void)
{
	struct rt_thread thread;

	pager_start(&pager, 4, PAGER_DEAF);
	start_waiter(&thread, 0);
	CHECK_EQ(tern_port_revoke(pager.port), 0);
	rt_join(&thread);
	CHECK_EQ(waiter_result, -EIO);
	CHECK_EQ(tern_memobj_read(pager.memobj, 0, buffer, 1, 0), -EIO);
	CHECK_EQ(tern_memobj_create_paged(0, pager.port, RT_PAGE, 0), -EPIPE);
	pager_stop(&pager);
}

void late_answers_find_nothing(void)
{
	struct rt_thread thread;
	uint64_t id;

	pager_start(&pager, 4, PAGER_DEAF);
	start_waiter(&thread, 2 * RT_PAGE);
	id = pager.last.id;
	CHECK_EQ(pager.last.first, 2);
	/* The page is cut off, and exists again: the answer was for the old one. */
	CHECK_EQ(tern_memobj_set_length(pager.memobj, RT_PAGE), 0);
	rt_join(&thread);
	CHECK_EQ(waiter_result, 0);
	CHECK_EQ(tern_memobj_set_length(pager.memobj, 4 * RT_PAGE), 0);
	CHECK_EQ(tern_pager_supply(pager.memobj, id, 2, 1, buffer, 0), -ESRCH);
	CHECK_EQ(tern_memobj_info(pager.memobj, TERN_MEMOBJ_RESIDENT), 0);
	pager_stop(&pager);
}

void answers_count_once(void)
{
	struct rt_thread thread;
	uint64_t id;

	pager_start(&pager, 2, PAGER_DEAF);
	start_waiter(&thread, RT_PAGE);
	id = pager.last.id;
	memset(buffer, 1, RT_PAGE);
	memset(other, 2, RT_PAGE);
	CHECK_EQ(tern_pager_supply(pager.memobj, id, 1, 1, buffer, 0), 1);
	CHECK_EQ(tern_pager_supply(pager.memobj, id, 1, 1, other, 0), -ESRCH);
	CHECK_EQ(tern_pager_fail(pager.memobj, id, 1, 1, EIO), -ESRCH);
	rt_join(&thread);
	CHECK_EQ(waiter_result, RT_PAGE);
	CHECK_EQ(tern_memobj_read(pager.memobj, RT_PAGE, other, 1, 0), 1);
	CHECK_EQ(other[0], 1);
	pager_stop(&pager);
}

void wrong_answers_are_refused(void)
{
	struct rt_thread thread;
	uint64_t id;

	pager_start(&pager, 4, PAGER_DEAF);
	start_waiter(&thread, RT_PAGE);
	id = pager.last.id;
	CHECK_EQ(tern_pager_supply(pager.memobj, id, 2, 1, buffer, 0), -ESRCH);
	CHECK_EQ(tern_pager_supply(pager.memobj, id + 1, 1, 1, buffer, 0), -ESRCH);
	CHECK_EQ(tern_pager_supply(pager.memobj, 0, 1, 1, buffer, 0), -ESRCH);
	CHECK_EQ(tern_pager_supply(pager.memobj, 0, 99, 1, buffer, 0), -ESRCH);
	CHECK_EQ(tern_pager_supply(pager.memobj, id, 1, 0, buffer, 0), -EINVAL);
	CHECK_EQ(tern_pager_supply(pager.memobj, id, 1, 1, buffer, 3), -EINVAL);
	CHECK_EQ(tern_pager_supply(pager.memobj, id, 1, 1, NULL, 0), -EFAULT);
	CHECK_EQ(tern_pager_fail(pager.memobj, id, 1, 1, EPERM), -EINVAL);
	/* Unasked answers are for pages that nobody asks for. */
	CHECK_EQ(tern_pager_supply(pager.memobj, 0, 2, 1, NULL, TERN_SUPPLY_ZERO), 1);
	CHECK_EQ(tern_pager_fail(pager.memobj, id, 0, 4, EIO), 1);
	rt_join(&thread);
	CHECK_EQ(waiter_result, -EIO);
	pager_stop(&pager);
}

/* Its page was asked for before the memobj ended inside it: the answer's rest is from before. */
void late_answers_bring_no_old_bytes(void)
{
	pager_start(&pager, 4, PAGER_DEAF);
	CHECK_EQ(tern_memobj_read(pager.memobj, RT_PAGE, other, 1, TERN_IO_NOWAIT), -EAGAIN);
	test_await(&pager.requests, 1);
	CHECK_EQ(tern_memobj_set_length(pager.memobj, RT_PAGE + 200), 0);
	CHECK_EQ(tern_memobj_set_length(pager.memobj, 4 * RT_PAGE), 0);
	CHECK_EQ(tern_memobj_set_length(pager.memobj, RT_PAGE + 100), 0);
	CHECK_EQ(tern_memobj_set_length(pager.memobj, RT_PAGE + 300), 0);
	CHECK_EQ(tern_memobj_set_length(pager.memobj, 4 * RT_PAGE), 0);
	memset(buffer, 0xff, RT_PAGE);
	CHECK_EQ(tern_pager_supply(pager.memobj, pager.last.id, 1, 1, buffer, 0), 1);
	CHECK_EQ(tern_memobj_read(pager.memobj, RT_PAGE, other, RT_PAGE, 0), RT_PAGE);
	CHECK(other[0] == 0xff && other[99] == 0xff);
	for (uint64_t i = 100; i < RT_PAGE; i++)
		CHECK_EQ(other[i], 0);
	pager_stop(&pager);
}

void waiters_can_be_interrupted(void)
{
	struct rt_thread thread;

	pager_start(&pager, 4, PAGER_DEAF);
	start_waiter(&thread, 0);
	CHECK_EQ(tern_thread_interrupt(thread.handle, 0), 0);
	rt_join(&thread);
	CHECK_EQ(waiter_result, -EINTR);
	/* What was read before counts. */
	CHECK_EQ(tern_pager_supply(pager.memobj, 0, 2, 1, NULL, TERN_SUPPLY_ZERO), 1);
	start_waiter(&thread, 2 * RT_PAGE);
	CHECK_EQ(tern_thread_interrupt(thread.handle, 0), 0);
	rt_join(&thread);
	CHECK_EQ(waiter_result, RT_PAGE);
	/* The request is still good. */
	CHECK_EQ(tern_pager_supply(pager.memobj, pager.last.id, 3, 1, NULL, TERN_SUPPLY_ZERO), 1);
	pager_stop(&pager);
}

static void read_stream_body(uint64_t stream)
{
	waiter_state = 1;
	waiter_result = tern_stream_read((tern_handle)stream, other, RT_PAGE, 0);
}

/* A page is cut out of a read-ahead that nobody has fetched yet: those behind it have no other request. */
void read_ahead_survives_a_gap(void)
{
	tern_handle listener = tern_listener_create(0, 16);
	tern_handle port = tern_port_create(0, listener, 0, 0);
	tern_handle memobj = tern_memobj_create_paged(0, port, 8 * RT_PAGE, 0);
	tern_handle stream = tern_stream_create(0, memobj, 0);
	struct tern_request request;
	struct rt_thread thread;

	waiter_state = 0;
	rt_thread(&thread, read_stream_body, (uint64_t)stream, 30);
	test_await(&waiter_state, 1);
	test_settle();
	CHECK_EQ(tern_memobj_punch(memobj, 1, 1), 0);
	CHECK_EQ(tern_memobj_punch(memobj, 3, 1), 0);
	CHECK_EQ(tern_pager_fetch(memobj, &request, 1), 1);
	CHECK(request.first == 0 && request.count == 3);
	CHECK_EQ(tern_pager_supply(memobj, request.id, 0, 3, NULL, TERN_SUPPLY_ZERO), 2);
	rt_join(&thread);
	CHECK_EQ(waiter_result, RT_PAGE);
	CHECK_EQ(tern_memobj_read(memobj, 2 * RT_PAGE, other, RT_PAGE, TERN_IO_NOWAIT), RT_PAGE);
	tern_handle_close(stream);
	tern_handle_close(memobj);
	tern_handle_close(port);
	tern_handle_close(listener);
}

static void end_body(uint64_t word)
{
	waiter_state = 1;
	tern_thread_exit((volatile uint32_t *)word);
	waiter_state = 2;
}

/* The word that says so has no page yet: it is awaited, or whoever waits for the end would hang. */
void ends_are_not_interrupted(void)
{
	struct rt_thread thread;
	volatile uint32_t *word;

	pager_start(&pager, 1, PAGER_DEAF);
	word = (volatile uint32_t *)tern_region_map(TERN_SELF_PROCESS, pager.memobj, 0, 0, RT_PAGE,
						    TERN_MAP_READ | TERN_MAP_WRITE);
	waiter_state = 0;
	rt_thread(&thread, end_body, (uint64_t)word, 30);
	test_await(&pager.requests, 1);
	test_settle();
	CHECK_EQ(tern_thread_interrupt(thread.handle, 0), 0);
	test_settle();
	CHECK_EQ(waiter_state, 1);
	memset(buffer, 1, RT_PAGE);
	CHECK_EQ(tern_pager_supply(pager.memobj, pager.last.id, 0, 1, buffer, 0), 1);
	test_settle();
	CHECK_EQ(waiter_state, 1);
	CHECK_EQ(*word, 0);
	rt_discard(&thread);
	rt_unmap((void *)word, RT_PAGE);
	pager_stop(&pager);
}

static void touch_body(uint64_t address)
{
	waiter_state = 1;
	(void)*(volatile uint8_t *)address;
	waiter_state = 2;
}

void waiters_can_be_killed(void)
{
	struct rt_thread thread;
	tern_handle stream;
	tern_result mapped;

	pager_start(&pager, 4, PAGER_DEAF);
	start_waiter(&thread, 0);
	CHECK_EQ(tern_thread_kill(thread.handle), 0);
	test_settle();
	rt_discard(&thread);
	CHECK_EQ(waiter_state, 1);
	/* The same in a page fault. */
	mapped = tern_region_map(TERN_SELF_PROCESS, pager.memobj, 0, 0, 4 * RT_PAGE, TERN_MAP_READ);
	rt_thread(&thread, touch_body, (uint64_t)mapped + RT_PAGE, 30);
	test_await(&pager.requests, 2);
	test_settle();
	CHECK_EQ(tern_thread_kill(thread.handle), 0);
	test_settle();
	rt_discard(&thread);
	CHECK_EQ(waiter_state, 1);
	/* Nobody owns anything any more. */
	stream = tern_stream_create(0, pager.memobj, 0);
	CHECK_EQ(tern_stream_read(stream, buffer, 1, TERN_IO_NOWAIT), -EAGAIN);
	CHECK_EQ(tern_pager_supply(pager.memobj, 1, 0, 1, NULL, TERN_SUPPLY_ZERO), 1);
	CHECK_EQ(tern_stream_read(stream, buffer, 1, TERN_IO_NOWAIT), 1);
	tern_handle_close(stream);
	rt_unmap((void *)mapped, 4 * RT_PAGE);
	pager_stop(&pager);
}

void no_wait_does_not_wait(void)
{
	pager_start(&pager, 4, PAGER_DEAF);
	CHECK_EQ(tern_memobj_read(pager.memobj, 0, buffer, 1, TERN_IO_NOWAIT), -EAGAIN);
	CHECK_EQ(tern_memobj_write(pager.memobj, 0, buffer, 1, TERN_IO_NOWAIT), -EAGAIN);
	test_await(&pager.requests, 1);
	CHECK_EQ(tern_pager_supply(pager.memobj, pager.last.id, 0, 1, NULL, TERN_SUPPLY_ZERO), 1);
	CHECK_EQ(tern_memobj_read(pager.memobj, RT_PAGE - 2, buffer, 4, TERN_IO_NOWAIT), 2);
	CHECK_EQ(tern_memobj_write(pager.memobj, 0, buffer, 1, TERN_IO_NOWAIT), 1);
	pager_stop(&pager);
}

/* ------------------------------------------------------------------------------ moves and holes */

void moved_pages_leave_their_source(void)
{
	tern_handle source = tern_memobj_create(0, 4 * RT_PAGE), clone;
	volatile uint8_t *mapped = (volatile uint8_t *)tern_region_map(
		TERN_SELF_PROCESS, source, 0, 0, 4 * RT_PAGE, TERN_MAP_READ | TERN_MAP_WRITE);

	pager_start(&pager, 4, PAGER_DEAF);
	mapped[0] = 1;
	mapped[RT_PAGE] = 2;
	mapped[3 * RT_PAGE] = 4;
	clone = tern_memobj_clone(0, source);
	mapped[0] = 11;
	CHECK_EQ(tern_pager_move(pager.memobj, 0, 0, 3, source, 0), 3);
	CHECK_EQ(tern_memobj_info(source, TERN_MEMOBJ_RESIDENT), 1);
	CHECK_EQ(tern_memobj_info(pager.memobj, TERN_MEMOBJ_RESIDENT), 3);
	CHECK(mapped[0] == 0 && mapped[RT_PAGE] == 0 && mapped[3 * RT_PAGE] == 4);
	CHECK_EQ(tern_memobj_read(pager.memobj, 0, buffer, 3 * RT_PAGE, 0), 3 * RT_PAGE);
	CHECK(buffer[0] == 11 && buffer[RT_PAGE] == 2 && buffer[2 * RT_PAGE] == 0);
	CHECK_EQ(tern_memobj_read(clone, 0, other, RT_PAGE + 1, 0), RT_PAGE + 1);
	CHECK(other[0] == 1 && other[RT_PAGE] == 2);
	/* Not taken: it stays. */
	mapped[0] = 21;
	CHECK_EQ(tern_pager_move(pager.memobj, 0, 0, 1, source, 0), -ESRCH);
	CHECK_EQ(mapped[0], 21);
	pager_stop(&pager);
	rt_unmap((void *)mapped, 4 * RT_PAGE);
	tern_handle_close(clone);
	tern_handle_close(source);
}

void holes_ask_for_backing(void)
{
	volatile uint8_t *mapped;

	pager_start(&pager, 4, PAGER_HOLES);
	CHECK_EQ(tern_memobj_read(pager.memobj, 0, buffer, RT_PAGE, 0), RT_PAGE);
	CHECK_EQ(pager.requests, 1);
	CHECK_EQ(tern_memobj_query(pager.memobj, 0, 1, buffer), 0);
	CHECK_EQ(buffer[0], TERN_PAGE_RESIDENT | TERN_PAGE_ACCESSED | TERN_PAGE_HOLE);
	CHECK_EQ(tern_memobj_write(pager.memobj, 10, buffer, 10, 0), 10);
	CHECK_EQ(pager.requests, 2);
	CHECK_EQ(pager.last.kind, TERN_REQUEST_RESERVE);
	CHECK_EQ(tern_memobj_write(pager.memobj, 10, buffer, 10, 0), 10);
	CHECK_EQ(pager.requests, 2);
	mapped = (volatile uint8_t *)tern_region_map(TERN_SELF_PROCESS, pager.memobj, 0, 0,
						     4 * RT_PAGE, TERN_MAP_READ | TERN_MAP_WRITE);
	mapped[3 * RT_PAGE] = 1; /* filled with a hole, reserved */
	CHECK_EQ(pager.requests, 4);
	rt_unmap((void *)mapped, 4 * RT_PAGE);
	pager_stop(&pager);
}

void refused_holes_fail_the_write(void)
{
	pager_start(&pager, 4, PAGER_FULL);
	CHECK_EQ(tern_memobj_write(pager.memobj, 0, buffer, 10, 0), -ENOSPC);
	CHECK_EQ(tern_memobj_read(pager.memobj, 0, buffer, 10, 0), 10);
	pager.manner = PAGER_HOLES;
	CHECK_EQ(tern_memobj_write(pager.memobj, 0, buffer, 2 * RT_PAGE, 0), 2 * RT_PAGE);
	pager.manner = PAGER_FULL;
	CHECK_EQ(tern_memobj_write(pager.memobj, RT_PAGE, buffer, 2 * RT_PAGE, 0), RT_PAGE);
	pager_stop(&pager);
}
