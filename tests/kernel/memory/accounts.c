/* Accounts: who pays, and what becomes of it. */
#include "memory.h"

#define LIMIT (64 * (int64_t)RT_PAGE)

static int64_t used(tern_handle account)
{
	return tern_account_info(account, TERN_ACCOUNT_USED);
}

/* Accounts get their money back as objects end, which may be a little later. */
static void await_used(tern_handle account, int64_t expected)
{
	for (int i = 0; i < 1000 && used(account) != expected; i++)
		test_settle();
	CHECK_EQ(used(account), expected);
}

void account_is_drawn_from_its_parent(void)
{
	tern_handle parent = tern_account_create(0, LIMIT);
	tern_handle child;
	int64_t before = used(parent);

	CHECK_EQ(tern_account_info(parent, TERN_ACCOUNT_LIMIT), LIMIT);
	CHECK_EQ(tern_account_create(parent, (uint64_t)LIMIT), -ENOMEM);
	child = tern_account_create(parent, (uint64_t)LIMIT / 2);
	CHECK(child > 0);
	CHECK(used(parent) >= before + LIMIT / 2);
	CHECK_EQ(tern_account_create(parent, (uint64_t)LIMIT / 2), -ENOMEM);
	CHECK_EQ(tern_account_info(child, TERN_ACCOUNT_LIMIT), LIMIT / 2);
	CHECK_EQ(used(child), 0);
	CHECK_EQ(tern_handle_close(child), 0);
	await_used(parent, before);
	CHECK_EQ(tern_handle_close(parent), 0);
}

void objects_are_charged_and_given_back(void)
{
	tern_handle account = tern_account_create(0, LIMIT);
	tern_handle listener = tern_listener_create(account, 4);
	tern_handle port = tern_port_create(account, listener, 1, 0);
	tern_handle timer = tern_timer_create(account, port, 1);
	tern_handle memobj = tern_memobj_create(account, RT_PAGE);
	tern_handle process = tern_process_create(account);
	tern_handle handles[] = { process, memobj, timer, port, listener };

	for (size_t i = 0; i < RT_COUNT(handles); i++) {
		int64_t before = used(account);

		CHECK(handles[i] > 0);
		CHECK_EQ(tern_handle_close(handles[i]), 0);
		for (int round = 0; round < 1000 && used(account) >= before; round++)
			test_settle();
		CHECK(used(account) < before);
	}
	await_used(account, 0);
	CHECK_EQ(tern_handle_close(account), 0);
}

void destroyed_account_takes_its_objects_along(void)
{
	tern_handle account = tern_account_create(0, LIMIT);
	tern_handle child = tern_account_create(account, RT_PAGE);
	tern_handle memobj = tern_memobj_create(account, RT_PAGE);
	tern_handle timer, port, listener = tern_listener_create(child, 4);
	struct tern_received message = { 0 };

	port = tern_port_create(account, listener, 1, 0);
	timer = tern_timer_create(account, port, 1);
	CHECK_EQ(tern_timer_set(timer, tern_time() + 1000, 10000), 0);
	CHECK_EQ(tern_account_destroy(account), 0);
	CHECK_EQ(tern_call(port, &message) < 0, 1);
	CHECK_EQ(tern_wait(listener, &message) < 0, 1);
	CHECK_EQ(tern_notify(port, 1) < 0, 1);
	tern_handle_close(timer);
	tern_handle_close(port);
	tern_handle_close(listener);
	tern_handle_close(memobj);
	tern_handle_close(child);
	tern_handle_close(account);
}

/* Somebody holds a dead port: that costs what a port costs, not what the account had left. */
void destroyed_account_gives_back_what_it_had_left(void)
{
	tern_handle parent = tern_account_create(0, LIMIT);
	tern_handle account = tern_account_create(parent, (uint64_t)LIMIT / 2);
	tern_handle listener = tern_listener_create(account, 4);
	tern_handle port = tern_port_create(account, listener, 1, 0);
	tern_handle next = -ENOMEM;

	CHECK_EQ(tern_account_destroy(account), 0);
	tern_handle_close(listener);
	tern_handle_close(account);
	CHECK(port > 0);
	for (int i = 0; i < 1000 && next == -ENOMEM; i++) {
		test_settle();
		next = tern_account_create(parent, (uint64_t)LIMIT * 3 / 4);
	}
	CHECK(next > 0);
	tern_handle_close(next);
	tern_handle_close(port);
	await_used(parent, 0);
	CHECK_EQ(tern_handle_close(parent), 0);
}

static void wait_forever(uint64_t argument)
{
	uint32_t word = 0;

	(void)argument;
	for (;;)
		tern_futex_wait(&word, 0, TERN_DEADLINE_NONE);
}

void destroyed_account_ends_its_processes(void)
{
	tern_handle account = tern_account_create(0, 4 * (uint64_t)LIMIT);
	tern_handle process = rt_process(account);
	tern_handle thread = rt_run(process, wait_forever, 0, PRIORITY);
	struct test_port port = test_port(1, 0);
	struct tern_received message = { 0 };

	CHECK(process > 0 && thread > 0);
	CHECK_EQ(tern_process_watch(process, port.client), 0);
	CHECK_EQ(tern_account_destroy(account), 0);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_NOTIFY);
	CHECK_EQ(message.words[0], TERN_NOTIFY_DEATH);
	CHECK_EQ(tern_handle_close(thread), 0);
	CHECK_EQ(tern_handle_close(process), 0);
	CHECK_EQ(tern_handle_close(account), 0);
	test_port_close(&port);
}

void account_outlives_its_handle(void)
{
	tern_handle account = tern_account_create(0, LIMIT);
	tern_handle memobj = tern_memobj_create(account, RT_PAGE);
	int64_t before = used(0);
	char *page;

	CHECK_EQ(tern_handle_close(account), 0);
	test_settle();
	CHECK_EQ(used(0), before);
	page = (char *)tern_region_map(TERN_SELF_PROCESS, memobj, 0, 0, RT_PAGE, READ_WRITE);
	*page = 1;
	rt_unmap(page, RT_PAGE);
	CHECK_EQ(tern_handle_close(memobj), 0);
	for (int i = 0; i < 1000 && used(0) > before - LIMIT; i++)
		test_settle();
	CHECK(used(0) <= before - LIMIT);
}

void pages_are_charged_when_touched(void)
{
	tern_handle account = tern_account_create(0, LIMIT);
	tern_handle memobj = tern_memobj_create(account, 1000 * RT_PAGE);
	char *memory = (char *)tern_region_map(TERN_SELF_PROCESS, memobj, 0, 0, 1000 * RT_PAGE,
					       READ_WRITE);
	int64_t before = used(account), index;

	memory[6 * RT_PAGE] = 1;
	index = used(account) - before - (int64_t)RT_PAGE;
	CHECK(index > 0 && index < 600);
	memory[5 * RT_PAGE] = 1;
	CHECK_EQ(used(account), before + index + 2 * (int64_t)RT_PAGE);
	memory[5 * RT_PAGE + 1] = 1;
	CHECK_EQ(used(account), before + index + 2 * (int64_t)RT_PAGE);
	/* A second row of the index, and a node above both. */
	memory[64 * RT_PAGE] = 1;
	CHECK_EQ(used(account), before + 3 * index + 3 * (int64_t)RT_PAGE);
	CHECK_EQ(tern_touch(memory, 200 * RT_PAGE, 1), -ENOMEM);
	CHECK(used(account) <= LIMIT);
	memory[5 * RT_PAGE] = 2;
	rt_unmap(memory, 1000 * RT_PAGE);
	CHECK_EQ(tern_handle_close(memobj), 0);
	await_used(account, 0);
	CHECK_EQ(tern_handle_close(account), 0);
}
