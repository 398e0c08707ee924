/* Figures about a process, and its regions. */
#include "processes.h"

#define MS 1000000l
#define BASE 0x5000000000ul
#define READ_WRITE (TERN_MAP_READ | TERN_MAP_WRITE)

static int64_t cpu_time(tern_handle process)
{
	return tern_process_info(process, TERN_PROCESS_CPU_TIME);
}

static void spin_until(uint64_t argument)
{
	struct family_shared *shared = (struct family_shared *)argument;

	shared->is_done = 1;
	while (!shared->word)
		shared->counts[0]++;
	shared->is_done = 2;
	tern_futex_wait(&shared->word, 1, TERN_DEADLINE_NONE);
	rt_exit(5);
}

/* It may be on its way to sleep still. */
static void await_standstill(tern_handle process)
{
	int64_t last;

	do {
		last = cpu_time(process);
		test_sleep(5 * MS);
	} while (cpu_time(process) != last);
}

/* It grows while the process runs, never shrinks, and stands still while it sleeps and afterwards. */
void cpu_time_is_charged(void)
{
	struct family family;
	int64_t first, last, own = cpu_time(TERN_SELF_PROCESS);

	family_start(&family, spin_until, NULL);
	test_await(&family.shared->is_done, 1);
	first = last = cpu_time(family.child.process);
	CHECK(first >= 0);
	while (last < first + 30 * MS) {
		int64_t now = cpu_time(family.child.process);

		CHECK(now >= last);
		last = now;
		test_sleep(50000);
	}
	family.shared->word = 1;
	test_await(&family.shared->is_done, 2);
	await_standstill(family.child.process);
	last = cpu_time(family.child.process);
	CHECK(cpu_time(TERN_SELF_PROCESS) > own);
	family.shared->word = 0;
	tern_futex_wake(&family.shared->word, 1);
	rt_wait_process(family.child.process);
	CHECK(cpu_time(family.child.process) >= last);
	await_standstill(family.child.process);
	CHECK_EQ(family_join(&family), 5);
}

static void burn(uint64_t nanoseconds, volatile uint32_t *count)
{
	uint64_t end = tern_time() + nanoseconds;

	while (tern_time() < end)
		++*count;
}

/* On one hart this process takes it from the other one each time that it wakes. */
void cpu_time_of_who_preempts_is_its_own(void)
{
	struct family family;
	int64_t own;

	family_start(&family, spin_until, NULL);
	test_await(&family.shared->is_done, 1);
	own = cpu_time(TERN_SELF_PROCESS);
	for (uint32_t i = 0; i < 5; i++) {
		test_sleep(MS);
		burn(2 * MS, &family.shared->counts[1]);
	}
	CHECK(cpu_time(TERN_SELF_PROCESS) - own >= 10 * MS);
	family_kill(&family);
}

static void work_for_callers(uint64_t argument)
{
	struct family_shared *shared = (struct family_shared *)argument;
	tern_result event = tern_wait(shared->listener, &shared->message);

	while (event == TERN_EVENT_CALL) {
		burn(shared->message.words[0], &shared->counts[0]);
		event = tern_reply_wait(shared->listener, &shared->message);
	}
	rt_exit(5);
}

/* Was the server's work, `calls` times so many nanoseconds, charged to its caller, who is this process? */
static bool caller_pays(const struct test_port *port, tern_handle server, int64_t calls,
			int64_t work)
{
	struct tern_received message = { 0 };
	int64_t own = cpu_time(TERN_SELF_PROCESS);
	int64_t servers = cpu_time(server);

	for (int64_t i = 0; i < calls; i++) {
		message.words[0] = (uint64_t)work;
		CHECK_EQ(tern_call(port->client, &message), 0);
	}
	own = cpu_time(TERN_SELF_PROCESS) - own;
	servers = cpu_time(server) - servers;
	return own >= calls * work / 2 && servers < calls * work / 2;
}

/* Work of less than a time slice, and of several. A server that takes the call on another hart, or that is
 * preempted, goes on in a time slice of its own for a moment: so there is a pause before the next try. */
void cpu_time_of_a_server_is_its_callers(void)
{
	struct test_port port = test_port(1, 0);
	struct family family;
	uint32_t tries = 0;

	family_start(&family, work_for_callers, &port);
	test_settle();
	while (!caller_pays(&port, family.child.process, 10, 2 * MS) && tries++ < 50)
		test_sleep(MS);
	while (!caller_pays(&port, family.child.process, 1, 60 * MS) && tries++ < 50)
		test_sleep(MS);
	CHECK(tries < 50);
	family_kill(&family);
	test_port_close(&port);
}

/* Calls, and is busy for ever once the answer has come. */
static void call_and_spin(uint64_t argument)
{
	struct family_shared *shared = (struct family_shared *)argument;

	tern_call(shared->port, &shared->message);
	shared->is_done = 1;
	for (;;)
		shared->counts[0]++;
}

/* So that it is its own time slice in which it answers, and which the caller goes on with. */
static void sleep_and_answer(uint64_t argument)
{
	struct tern_received message = { 0 };

	CHECK_EQ(tern_wait((tern_handle)argument, &message), TERN_EVENT_CALL);
	test_sleep(2 * MS);
	tern_reply_wait((tern_handle)argument, &message);
}

/* What of 100 ms was charged to a process that an answer has woken, and that never asked. */
static int64_t charged_to_woken(void)
{
	struct test_port port = test_port(1, 0);
	struct rt_thread answerer;
	struct family family;
	int64_t charged;

	rt_thread(&answerer, sleep_and_answer, (uint64_t)port.listener, PRIORITY);
	test_settle();
	family_start(&family, call_and_spin, &port);
	test_sleep(100 * MS);
	charged = family.shared->is_done ? cpu_time(family.child.process) : 0;
	family_kill(&family);
	CHECK_EQ(tern_thread_kill(answerer.handle), 0);
	rt_discard(&answerer);
	test_port_close(&port);
	return charged;
}

/* The answer brings it into the time slice of who answers: that must not go on for ever. */
void cpu_time_of_who_was_woken_is_its_own(void)
{
	uint32_t tries = 0;

	while (charged_to_woken() < 40 * MS && tries < 10)
		tries++;
	CHECK(tries < 10);
}

static int64_t info(uint64_t query)
{
	return tern_process_info(TERN_SELF_PROCESS, query);
}

static void sleep_until(uint64_t argument)
{
	volatile uint32_t *word = (volatile uint32_t *)argument;

	while (!*word)
		tern_futex_wait(word, 0, TERN_DEADLINE_NONE);
}

void memory_is_counted(void)
{
	int64_t mapped = info(TERN_PROCESS_MAPPED), private = info(TERN_PROCESS_PRIVATE);
	int64_t threads = info(TERN_PROCESS_THREADS);
	volatile uint32_t word = 0;
	struct rt_thread thread;
	char *memory = rt_map(16 * RT_PAGE);

	CHECK_EQ(info(TERN_PROCESS_MAPPED) - mapped, 16 * RT_PAGE);
	CHECK_EQ(info(TERN_PROCESS_PRIVATE), private);
	CHECK_EQ(tern_touch(memory, 8 * RT_PAGE, 1), 0);
	CHECK_EQ(info(TERN_PROCESS_PRIVATE) - private, 8 * RT_PAGE);
	rt_unmap(memory + RT_PAGE, RT_PAGE);
	CHECK_EQ(info(TERN_PROCESS_MAPPED) - mapped, 15 * RT_PAGE);
	CHECK_EQ(info(TERN_PROCESS_PRIVATE) - private, 7 * RT_PAGE);
	rt_unmap(memory, 16 * RT_PAGE);
	CHECK_EQ(info(TERN_PROCESS_MAPPED), mapped);
	CHECK_EQ(info(TERN_PROCESS_PRIVATE), private);
	rt_thread(&thread, sleep_until, (uint64_t)&word, PRIORITY);
	CHECK_EQ(info(TERN_PROCESS_THREADS), threads + 1);
	word = 1;
	tern_futex_wake(&word, 1);
	rt_join(&thread);
}

static void check_region(uint64_t at, uint64_t start, uint64_t length, uint64_t offset,
			 uint64_t flags)
{
	struct tern_region region = { 0 };

	CHECK_EQ(tern_region_info(TERN_SELF_PROCESS, at, &region), 0);
	CHECK_EQ(region.start, start);
	CHECK_EQ(region.length, length);
	CHECK_EQ(region.offset, offset);
	CHECK_EQ(region.flags, flags);
}

void regions_are_listed(void)
{
	tern_handle memobj = tern_memobj_create(0, 8 * RT_PAGE);
	struct tern_region region = { 0 };
	uint64_t at = 0, sum = 0;

	CHECK_EQ(tern_region_map(TERN_SELF_PROCESS, memobj, RT_PAGE, BASE, 4 * RT_PAGE,
				 READ_WRITE | TERN_MAP_FIXED),
		 BASE);
	CHECK_EQ(tern_region_map(TERN_SELF_PROCESS, 0, 0, BASE + 8 * RT_PAGE, RT_PAGE,
				 TERN_MAP_GUARD | TERN_MAP_FIXED),
		 BASE + 8 * RT_PAGE);
	CHECK_EQ(tern_region_map(TERN_SELF_PROCESS, 0, 0, BASE + 9 * RT_PAGE, RT_PAGE,
				 READ_WRITE | TERN_MAP_PRIVATE | TERN_MAP_FIXED),
		 BASE + 9 * RT_PAGE);
	CHECK_EQ(tern_region_protect(TERN_SELF_PROCESS, BASE + 3 * RT_PAGE, RT_PAGE, TERN_MAP_READ),
		 0);
	check_region(BASE - 1, BASE, 3 * RT_PAGE, RT_PAGE, READ_WRITE | TERN_REGION_MEMOBJ);
	check_region(BASE + 2 * RT_PAGE + 5, BASE, 3 * RT_PAGE, RT_PAGE,
		     READ_WRITE | TERN_REGION_MEMOBJ);
	check_region(BASE + 3 * RT_PAGE, BASE + 3 * RT_PAGE, RT_PAGE, 4 * RT_PAGE,
		     TERN_MAP_READ | TERN_REGION_MEMOBJ);
	check_region(BASE + 4 * RT_PAGE, BASE + 8 * RT_PAGE, RT_PAGE, 0, TERN_MAP_GUARD);
	check_region(BASE + 9 * RT_PAGE, BASE + 9 * RT_PAGE, RT_PAGE, 0,
		     READ_WRITE | TERN_MAP_PRIVATE);
	while (tern_region_info(TERN_SELF_PROCESS, at, &region) == 0) {
		CHECK(region.start >= at && region.length);
		at = region.start + region.length;
		sum += region.length;
	}
	CHECK_EQ(tern_region_info(TERN_SELF_PROCESS, at, &region), -ENOENT);
	CHECK_EQ(tern_region_info(TERN_SELF_PROCESS, UINT64_MAX, &region), -ENOENT);
	CHECK_EQ(sum, info(TERN_PROCESS_MAPPED));
	rt_unmap((void *)BASE, 10 * RT_PAGE);
	CHECK_EQ(tern_handle_close(memobj), 0);
}

void region_info_needs_a_right(void)
{
	tern_handle process = tern_process_create(0);
	tern_handle reader = tern_handle_duplicate(process, TERN_RIGHT_READ);
	tern_handle owner = tern_handle_duplicate(process, TERN_RIGHT_OWNER);
	tern_handle other = tern_handle_duplicate(process, TERN_RIGHT_WATCH);
	struct tern_region region = { 0 };

	CHECK_EQ(tern_region_info(reader, 0, &region), 0);
	CHECK_EQ(region.start, TERN_TIME_PAGE);
	CHECK_EQ(tern_region_info(owner, 0, &region), 0);
	CHECK_EQ(tern_region_info(other, 0, &region), -EPERM);
	CHECK_EQ(tern_process_info(owner, TERN_PROCESS_MAPPED), -EPERM);
	CHECK_EQ(tern_process_info(reader, TERN_PROCESS_MAPPED), RT_PAGE);
	CHECK_EQ(tern_region_info(reader, 0, (struct tern_region *)BASE), -EFAULT);
	CHECK_EQ(tern_process_stop(reader), -EPERM);
	CHECK_EQ(tern_process_continue(reader), -EPERM);
	CHECK_EQ(tern_process_kill(process, 0), 0);
	rt_wait_process(process);
	CHECK_EQ(tern_process_info(reader, TERN_PROCESS_THREADS), 0);
	CHECK_EQ(tern_handle_close(other), 0);
	CHECK_EQ(tern_handle_close(owner), 0);
	CHECK_EQ(tern_handle_close(reader), 0);
	CHECK_EQ(tern_handle_close(process), 0);
}
