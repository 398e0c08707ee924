/* What a child has besides memory. */
#include "fork.h"

#define MANY 500
#define UPCALL_WORD 0x123456789abcul

static tern_handle many[MANY];

static uint32_t check_many(uint64_t argument)
{
	uint32_t wrong = 0;

	(void)argument;
	for (uint64_t i = 0; i < MANY; i++)
		wrong += tern_handle_info(many[i]) !=
			 (i % 3 ? -EBADF : (TERN_TYPE_MEMOBJ << 16 | (int)TERN_RIGHT_READ));
	/* New handles do not bear the closed ones' names. */
	for (uint64_t i = 0; i < MANY; i++) {
		tern_handle new = tern_listener_create(0, 1);

		wrong += new < 0;
		for (uint64_t other = 0; other < MANY; other++)
			wrong += new == many[other];
	}
	return wrong;
}

void handles_keep_their_values(void)
{
	tern_handle memobj = tern_memobj_create(0, RT_PAGE);

	for (uint64_t i = 0; i < MANY; i++)
		many[i] = tern_handle_duplicate(memobj, TERN_RIGHT_READ);
	for (uint64_t i = 0; i < MANY; i++)
		if (i % 3)
			CHECK_EQ(tern_handle_close(many[i]), 0);
	CHECK_EQ(fork_run(check_many, 0), 0);
	for (uint64_t i = 0; i < MANY; i += 3)
		CHECK_EQ(tern_handle_close(many[i]), 0);
	CHECK_EQ(tern_handle_close(memobj), 0);
}

static uint32_t count_alive(uint64_t argument)
{
	const tern_handle *handles = (const tern_handle *)argument;
	uint32_t alive = 0;

	for (int i = 0; i < 3; i++)
		alive = alive * 2 + (tern_handle_info(handles[i]) > 0);
	return alive;
}

/* A port's clients include the child: the no-clients event waits for it. */
void marked_handles_stay_behind(void)
{
	struct test_port port = test_port(9, 0);
	tern_handle memobj = tern_memobj_create(0, RT_PAGE);
	tern_handle handles[3] = {
		memobj,
		tern_handle_duplicate(memobj, TERN_RIGHT_READ | TERN_RIGHT_NO_INHERIT),
		port.client,
	};
	struct rt_shared shared = rt_share(RT_PAGE);
	volatile uint32_t *may_end = shared.address;
	struct tern_received message = { 0 };
	tern_handle child = tern_process_fork(0, 0);

	if (child == 0) {
		test_await(may_end, 1);
		rt_exit(count_alive((uint64_t)handles));
	}
	CHECK_EQ(tern_handle_close(port.client), 0);
	CHECK_EQ(tern_process_status(child), TERN_PROCESS_RUNNING);
	*may_end = 1;
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_NO_CLIENTS);
	CHECK_EQ(rt_wait_process(child), 5);
	CHECK_EQ(tern_handle_close(child), 0);
	rt_unshare(&shared);
	CHECK_EQ(tern_handle_close(memobj), 0);
	CHECK_EQ(tern_handle_close(handles[1]), 0);
	CHECK_EQ(tern_handle_close(port.owner), 0);
	CHECK_EQ(tern_handle_close(port.listener), 0);
}

/* The handles differ in their marks only: a call through the one works, the other is not there. */
static uint32_t call_twice(uint64_t argument)
{
	const tern_handle *handles = (const tern_handle *)argument;
	struct tern_received message = { .words = { 20 } };

	if (tern_call(handles[0], &message) || message.words[0] != 21)
		return 1;
	return tern_call(handles[1], &message) == -EBADF ? 2 : 3;
}

void inherited_port_serves_the_child(void)
{
	struct test_port port = test_port(9, 0);
	tern_handle handles[2] = {
		tern_handle_duplicate(port.client, TERN_RIGHT_CALL),
		tern_handle_duplicate(port.client, TERN_RIGHT_CALL | TERN_RIGHT_NO_INHERIT),
	};
	struct tern_received message = { 0 };
	tern_handle child = tern_process_fork(0, 0);

	if (child == 0)
		rt_exit(call_twice((uint64_t)handles));
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_CALL);
	CHECK_EQ(message.userdata, 9);
	message.words[0]++;
	CHECK_EQ(tern_reply(TERN_REPLY, &message), 0);
	CHECK_EQ(rt_wait_process(child), 2);
	CHECK_EQ(tern_handle_close(child), 0);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(tern_handle_close(handles[i]), 0);
	test_port_close(&port);
}

static tern_handle own_process;

static uint32_t kill_own(uint64_t argument)
{
	(void)argument;
	tern_process_kill(own_process, 77);
	return 1;
}

/* A process that has a handle to itself: the grandchild's means the grandchild. */
static void forking_child(uint64_t argument)
{
	own_process = (tern_handle)argument;
	rt_exit(fork_run(kill_own, 0));
}

void own_handles_become_the_childs(void)
{
	tern_handle process = rt_process(0);
	tern_handle own = tern_handle_give(process, process,
					   TERN_RIGHTS_ALL & ~TERN_RIGHT_NO_INHERIT);
	tern_handle thread = rt_run(process, forking_child, (uint64_t)own, 16);

	CHECK_EQ(rt_wait_process(process), 77);
	CHECK_EQ(tern_handle_close(thread), 0);
	CHECK_EQ(tern_handle_close(process), 0);
}

static volatile uint64_t upcalls;
extern char fork_upcall[];

void fork_upcall_handler(struct tern_upcall *upcall);
void fork_upcall_handler(struct tern_upcall *upcall)
{
	upcalls += upcall->word == UPCALL_WORD;
	if (upcall->cause == TERN_UPCALL_BREAKPOINT)
		upcall->registers.pc += 4;
	tern_thread_resume(&upcall->registers);
}

static uint32_t take_upcall(uint64_t argument)
{
	(void)argument;
	__asm__ volatile(".option push\n.option norvc\nebreak\n.option pop" ::: "memory");
	return (uint32_t)upcalls + (uint32_t)rt_fp_differences(4711);
}

static uint32_t await_upcall(uint64_t argument)
{
	volatile uint32_t *is_ready = (volatile uint32_t *)argument;

	*is_ready = 1;
	while (upcalls == 10)
		;
	return (uint32_t)upcalls;
}

/* The child's only thread is the one that an interrupt of the process means. */
static void interrupt_a_child(void)
{
	struct rt_shared shared = rt_share(RT_PAGE);
	tern_handle child = tern_process_fork(0, 0);

	if (child == 0)
		rt_exit(await_upcall((uint64_t)shared.address));
	test_await(shared.address, 1);
	CHECK_EQ(tern_process_interrupt(child, TERN_INTERRUPT_UPCALL), 0);
	CHECK_EQ(rt_wait_process(child), 11);
	CHECK_EQ(tern_handle_close(child), 0);
	rt_unshare(&shared);
}

void registers_and_upcall_are_inherited(void)
{
	uint64_t *stack = fork_map(4 * RT_PAGE);

	upcalls = 10;
	CHECK_EQ(tern_thread_set_upcall((uint64_t)fork_upcall, (uint64_t)stack + 4 * RT_PAGE,
					UPCALL_WORD),
		 0);
	rt_fp_load(4711);
	CHECK_EQ(fork_run(take_upcall, 0), 11);
	CHECK_EQ(rt_fp_differences(4711), 0);
	interrupt_a_child();
	CHECK_EQ(upcalls, 10);
	CHECK_EQ(tern_thread_set_upcall(0, 0, 0), 0);
	fork_unmap(stack, 4 * RT_PAGE);
}
