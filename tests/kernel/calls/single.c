/* Calls that a single thread can try. */
#include "calls.h"

#define MANY 5000
#define LOOKS 100000

void unknown_operations_are_enosys(void)
{
	CHECK_EQ(tern_syscall0(-TERN_SYSCALL_COUNT), -ENOSYS);
	CHECK_EQ(tern_syscall0(-TERN_SYSCALL_COUNT - 1), -ENOSYS);
	CHECK_EQ(tern_syscall0(-4096), -ENOSYS);
	CHECK_EQ(tern_syscall0(INT64_MIN), -ENOSYS);
	CHECK_EQ(tern_syscall0(-(1l << 32) - 57), -ENOSYS);
	/* Foreign system calls, without an upcall entry. */
	CHECK_EQ(tern_syscall0(0), -ENOSYS);
	CHECK_EQ(tern_syscall0(64), -ENOSYS);
	CHECK_EQ(tern_syscall0(INT64_MAX), -ENOSYS);
}

void handle_table_grows_and_survives(void)
{
	static tern_handle handles[MANY];
	tern_handle memobj = tern_memobj_create(0, RT_PAGE);

	for (int i = 0; i < MANY; i++) {
		handles[i] = tern_handle_duplicate(memobj, TERN_RIGHT_READ);
		CHECK(handles[i] > 0);
	}
	for (int i = 0; i < MANY; i++)
		CHECK_EQ(tern_handle_info(handles[i]), TERN_TYPE_MEMOBJ << 16 | TERN_RIGHT_READ);
	for (int i = 0; i < MANY; i += 2)
		CHECK_EQ(tern_handle_close(handles[i]), 0);
	for (int i = 0; i < MANY; i++)
		CHECK_EQ(tern_handle_info(handles[i]) > 0, i % 2);
	for (int i = 1; i < MANY; i += 2)
		CHECK_EQ(tern_handle_close(handles[i]), 0);
	CHECK_EQ(tern_handle_close(memobj), 0);
}

void duplicate_has_fewer_rights(void)
{
	tern_handle memobj = tern_memobj_create(0, RT_PAGE);
	tern_handle reader = tern_handle_duplicate(memobj, TERN_RIGHT_READ | TERN_RIGHT_COPY);
	tern_handle again = tern_handle_duplicate(reader, TERN_RIGHTS_ALL & ~TERN_RIGHT_NO_INHERIT);
	tern_handle marked = tern_handle_duplicate(reader, TERN_RIGHT_READ | TERN_RIGHT_NO_INHERIT);

	CHECK_EQ(tern_handle_info(reader) & 0xffff, TERN_RIGHT_READ | TERN_RIGHT_COPY);
	CHECK_EQ(tern_handle_info(again) & 0xffff, TERN_RIGHT_READ | TERN_RIGHT_COPY);
	CHECK_EQ(tern_handle_info(marked) & 0xffff, TERN_RIGHT_READ | TERN_RIGHT_NO_INHERIT);
	CHECK_EQ(tern_handle_duplicate(marked, TERN_RIGHT_READ), -EPERM);
	CHECK_EQ(tern_region_map(TERN_SELF_PROCESS, reader, 0, 0, RT_PAGE,
				 TERN_MAP_READ | TERN_MAP_WRITE),
		 -EPERM);
	CHECK_EQ(tern_handle_close(memobj), 0);
	CHECK_EQ(tern_handle_close(reader), 0);
	CHECK_EQ(tern_handle_close(again), 0);
	CHECK_EQ(tern_handle_close(marked), 0);
}

void handle_given_to_a_dead_process_is_refused(void)
{
	struct test_port port = test_port(1, 0);
	tern_handle process = tern_process_create(0);
	tern_handle memobj = tern_memobj_create(0, RT_PAGE);
	struct tern_received message = { 0 };

	CHECK(tern_handle_give(process, memobj, TERN_RIGHT_READ) > 0);
	CHECK_EQ(tern_process_watch(process, port.client), 0);
	CHECK_EQ(tern_process_kill(process, 5), 0);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_NOTIFY);
	CHECK_EQ(message.words[0], TERN_NOTIFY_DEATH);
	CHECK_EQ(tern_handle_give(process, memobj, TERN_RIGHT_READ), -ESRCH);
	CHECK_EQ(tern_thread_create(process, 0x10000, 0x20000, 0, 0, 1), -ESRCH);
	CHECK_EQ(tern_region_map(process, memobj, 0, 0, RT_PAGE, TERN_MAP_READ), -ESRCH);
	CHECK_EQ(tern_process_status(process), 5);
	CHECK_EQ(tern_process_kill(process, 6), 0);
	CHECK_EQ(tern_process_status(process), 5);
	CHECK_EQ(tern_handle_close(process), 0);
	CHECK_EQ(tern_handle_close(memobj), 0);
	test_port_close(&port);
}

void closed_and_reused_slot_is_another_handle(void)
{
	tern_handle first = tern_memobj_create(0, RT_PAGE), second = 0;

	for (int i = 0; i < 1000; i++) {
		CHECK_EQ(tern_handle_close(first), 0);
		second = tern_memobj_create(0, RT_PAGE);
		CHECK(second != first);
		CHECK_EQ(tern_handle_info(first), -EBADF);
		CHECK_EQ(tern_handle_close(first), -EBADF);
		first = second;
	}
	CHECK_EQ(tern_handle_close(second), 0);
}

void log_takes_at_most_a_line(void)
{
	char text[TERN_LOG_MAX + 1];

	memset(text, 'x', sizeof(text));
	text[TERN_LOG_MAX - 1] = '\n';
	CHECK_EQ(tern_debug_log(text, TERN_LOG_MAX), 0);
	CHECK_EQ(tern_debug_log(text, TERN_LOG_MAX + 1), -EINVAL);
	CHECK_EQ(tern_debug_log(text, 0), 0);
}

void figures_are_plausible(void)
{
	int64_t objects = tern_system_info(TERN_INFO_OBJECTS), sum = 0;

	CHECK(tern_system_info(TERN_INFO_HARTS) >= 1);
	CHECK(tern_system_info(TERN_INFO_FREE_PAGES) > 0);
	CHECK(tern_system_info(TERN_INFO_FREE_PAGES) < tern_system_info(TERN_INFO_TOTAL_PAGES));
	CHECK(tern_system_info(TERN_INFO_BOOT_INSTRUCTIONS) > 0);
	for (unsigned int type = TERN_TYPE_NONE + 1; type < TERN_TYPE_COUNT; type++)
		sum += tern_system_info(TERN_INFO_OBJECTS_OF_TYPE + type);
	CHECK_EQ(sum, objects);
	CHECK(tern_account_info(0, TERN_ACCOUNT_USED) > 0);
	CHECK(tern_account_info(0, TERN_ACCOUNT_USED) <= tern_account_info(0, TERN_ACCOUNT_LIMIT));
	CHECK_EQ(tern_account_info(rt_boot->account, TERN_ACCOUNT_LIMIT),
		 tern_account_info(0, TERN_ACCOUNT_LIMIT));
}

static volatile uint32_t goes_on;

static void run_on(uint64_t unused)
{
	(void)unused;
	goes_on = 2;
	while (goes_on)
		tern_null();
}

/* It runs on another hart or is ready on this one; without it nothing does or is. */
void busy_harts_are_counted(void)
{
	struct rt_thread thread;
	int64_t busy = 0;

	goes_on = 1;
	rt_thread(&thread, run_on, 0, TERN_PRIORITY_SAME);
	while (goes_on == 1)
		test_sleep(100000);
	/* Another hart may be on its way to sleep still. */
	for (int i = 0; i < LOOKS && busy != 1; i++) {
		busy = tern_system_info(TERN_INFO_BUSY_HARTS);
		CHECK(busy >= 1);
		test_sleep(100000);
	}
	CHECK_EQ(busy, 1);
	goes_on = 0;
	rt_join(&thread);
	while (tern_system_info(TERN_INFO_BUSY_HARTS))
		test_sleep(100000);
}

/* It may do what a thread of priority 5 may, and has lowered itself if it says so. */
static void is_at_five(uint64_t argument)
{
	CHECK_EQ(tern_thread_set_priority(TERN_SELF_THREAD, 6), -EPERM);
	CHECK_EQ(tern_thread_set_priority(TERN_SELF_THREAD, 5), 0);
	*(volatile uint32_t *)argument = 1;
}

static void lower_self(uint64_t argument)
{
	volatile uint32_t has_run = 0;
	struct rt_thread same;

	(void)argument;
	CHECK_EQ(tern_thread_set_priority(TERN_SELF_THREAD, 5), 0);
	CHECK_EQ(tern_thread_set_priority(TERN_SELF_THREAD, 6), -EPERM);
	CHECK_EQ(tern_thread_create(TERN_SELF_PROCESS, 0x10000, 0x20000, 0, 0, 6), -EPERM);
	CHECK_EQ(tern_thread_set_priority(TERN_SELF_THREAD, 5), 0);
	rt_thread(&same, is_at_five, (uint64_t)&has_run, TERN_PRIORITY_SAME);
	rt_join(&same);
	CHECK_EQ(has_run, 1);
}

void priorities_are_bounded_by_ones_own(void)
{
	struct rt_thread thread;
	tern_handle handle;

	rt_thread(&thread, lower_self, 0, 10);
	handle = tern_handle_duplicate(thread.handle, TERN_RIGHTS_ALL);
	rt_join(&thread);
	test_settle();
	CHECK_EQ(tern_thread_set_priority(handle, 5), -ESRCH);
	CHECK_EQ(tern_thread_interrupt(handle, 0), -ESRCH);
	CHECK_EQ(tern_thread_kill(handle), 0);
	CHECK_EQ(tern_handle_close(handle), 0);
}

/* Of what a thread and a process can do anyway. */
void handles_to_oneself(void)
{
	tern_handle process = tern_handle_duplicate(TERN_SELF_PROCESS, TERN_RIGHT_READ);
	tern_handle thread = tern_handle_duplicate(TERN_SELF_THREAD, TERN_RIGHTS_ALL);

	CHECK_EQ(tern_handle_info(process), TERN_TYPE_PROCESS << 16 | TERN_RIGHT_READ);
	CHECK_EQ(tern_process_status(process), TERN_PROCESS_RUNNING);
	CHECK_EQ(tern_handle_info(thread) >> 16, TERN_TYPE_THREAD);
	CHECK_EQ(tern_handle_info(thread) & TERN_RIGHT_CALL, 0);
	CHECK_EQ(tern_thread_interrupt(thread, 0), 0);
	CHECK_EQ(tern_futex_wait((volatile uint32_t[]){ 0 }, 0, TERN_DEADLINE_NONE), -EINTR);
	CHECK_EQ(tern_handle_duplicate(TERN_SELF_THREAD, 1u << 12), -EINVAL);
	CHECK_EQ(tern_handle_close(process), 0);
	CHECK_EQ(tern_handle_close(thread), 0);
}

void self_names_are_not_handles(void)
{
	for (tern_handle name = 0; name < TERN_HANDLE_FIRST; name++) {
		CHECK_EQ(tern_handle_close(name), -EBADF);
		if (name != TERN_SELF_PROCESS && name != TERN_SELF_THREAD)
			CHECK_EQ(tern_handle_duplicate(name, TERN_RIGHTS_ALL), -EBADF);
		CHECK_EQ(tern_handle_info(name), -EBADF);
	}
	CHECK_EQ(tern_process_status(TERN_SELF_PROCESS), TERN_PROCESS_RUNNING);
	CHECK_EQ(tern_account_destroy(TERN_SELF_ACCOUNT), -EBUSY);
	CHECK_EQ(tern_account_destroy(rt_boot->account), -EBUSY);
}
