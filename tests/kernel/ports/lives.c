/* The death of a client or of a server at each stage of a call. */
#include "ports.h"

/* What a child shares with the test. */
struct child_state {
	tern_handle handle; /* port or listener, as the child names it */
	volatile uint32_t stage;
	volatile tern_result result;
};

struct side {
	struct rt_shared shared;
	struct child_state *state;
	struct rt_child child;
};

static void side_start(struct side *side, rt_function *function, tern_handle handle)
{
	side->shared = rt_share(RT_PAGE);
	side->state = side->shared.address;
	side->child.process = rt_process(0);
	rt_share_with(&side->shared, side->child.process);
	side->state->handle = rt_give(side->child.process, handle);
	side->child.thread = rt_run(side->child.process, function, (uint64_t)side->state, PRIORITY);
	CHECK(side->child.thread > 0);
}

static void side_kill(struct side *side)
{
	CHECK_EQ(tern_process_kill(side->child.process, 9), 0);
	test_settle();
}

static void side_end(struct side *side)
{
	rt_child_join(&side->child);
	rt_unshare(&side->shared);
}

static void child_calls(uint64_t argument)
{
	struct child_state *state = (struct child_state *)argument;
	struct tern_received message = { .words = { 42 } };

	state->stage = 1;
	state->result = tern_call(state->handle, &message);
	rt_exit(0);
}

void killed_queued_caller_is_forgotten(void)
{
	struct test_port port = test_port(1, 0);
	struct tern_received message = { 0 };
	struct side client;

	side_start(&client, child_calls, port.client);
	test_await(&client.state->stage, 1);
	test_settle();
	side_kill(&client);
	CHECK_EQ(tern_notify(port.client, 5), 0);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_NOTIFY);
	side_end(&client);
	test_port_close(&port);
}

void killed_served_caller_is_esrch(void)
{
	struct test_port port = test_port(1, 0);
	struct tern_received message = { 0 };
	struct side client;
	char byte;

	side_start(&client, child_calls, port.client);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_CALL);
	CHECK_EQ(message.words[0], 42);
	side_kill(&client);
	CHECK_EQ(tern_reply_read(TERN_REPLY, 0, &byte, 1), -ESRCH);
	CHECK_EQ(tern_reply_status(TERN_REPLY), -ESRCH);
	CHECK_EQ(tern_reply_park(0, 0), -ESRCH);
	CHECK_EQ(tern_memobj_create(TERN_REPLY, RT_PAGE), -ESRCH);
	CHECK_EQ(tern_reply(TERN_REPLY, &message), -ESRCH);
	side_end(&client);
	test_port_close(&port);
}

void killed_parked_caller_is_esrch(void)
{
	struct test_port port = test_port(1, 0);
	struct tern_received message = { 0 };
	struct side client;
	tern_handle parked[2];

	for (int i = 0; i < 2; i++) {
		side_start(&client, child_calls, port.client);
		CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_CALL);
		parked[i] = tern_reply_park(0, i ? TERN_PARK_CANCELLABLE : 0);
		CHECK(parked[i] > 0);
		side_kill(&client);
		CHECK_EQ(tern_reply_status(parked[i]), -ESRCH);
		side_end(&client);
	}
	CHECK_EQ(tern_reply(parked[0], &message), -ESRCH);
	CHECK_EQ(tern_handle_close(parked[1]), 0);
	test_port_close(&port);
}

/* Stage 2: it has the call. Then it waits to be killed, in the way that `how` says. */
enum { HOLD = 100, PARK, WAIT_AGAIN };

static void child_serves(uint64_t argument)
{
	struct child_state *state = (struct child_state *)argument;
	struct tern_received message = { 0 };
	uint32_t how = state->stage, word = 0;

	if (how == WAIT_AGAIN)
		state->stage = 2;
	tern_wait(state->handle, &message);
	if (how == PARK)
		state->result = tern_reply_park(1, 0);
	state->stage = 2;
	for (;;)
		tern_futex_wait(&word, 0, TERN_DEADLINE_NONE);
}

static void server_start_as(struct side *server, uint32_t how, tern_handle listener)
{
	server->shared = rt_share(RT_PAGE);
	server->state = server->shared.address;
	server->state->stage = how;
	server->child.process = rt_process(0);
	rt_share_with(&server->shared, server->child.process);
	server->state->handle = rt_give(server->child.process, listener);
	server->child.thread = rt_run(server->child.process, child_serves, (uint64_t)server->state,
				      PRIORITY);
}

static void await_stage(struct side *side, uint32_t stage)
{
	while (side->state->stage != stage)
		test_settle();
}

void killed_server_process_answers_epipe(void)
{
	static const uint32_t ways[] = { HOLD, PARK };

	for (size_t i = 0; i < RT_COUNT(ways); i++) {
		struct test_port port = test_port(1, 0);
		struct client client;
		struct side server;

		server_start_as(&server, ways[i], port.listener);
		client_start(&client, port.client, 0, PRIORITY);
		await_stage(&server, 2);
		side_kill(&server);
		client_join(&client);
		CHECK_EQ(client.result, -EPIPE);
		side_end(&server);
		test_port_close(&port);
	}
}

/* The listener lives on: a call that nobody had received is for the next server. */
void killed_receiver_leaves_the_call_to_others(void)
{
	struct test_port port = test_port(1, 0);
	struct tern_received message = { 0 };
	struct client client;
	struct side server;

	server_start_as(&server, WAIT_AGAIN, port.listener);
	await_stage(&server, 2);
	test_settle();
	side_kill(&server);
	client_start(&client, port.client, 7, PRIORITY);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_CALL);
	CHECK_EQ(message.words[0], 7);
	CHECK_EQ(tern_reply(TERN_REPLY, &message), 0);
	client_join(&client);
	CHECK_EQ(client.result, 0);
	side_end(&server);
	test_port_close(&port);
}

/* A server that owns its listener alone takes it along. */
static void child_owns_listener(uint64_t argument)
{
	struct child_state *state = (struct child_state *)argument;
	struct tern_received message = { 0 };
	struct tern_extended extended = { .handle_count = 1 };
	tern_handle listener = tern_listener_create(0, 4);
	tern_handle port = tern_port_create(0, listener, 1, 0);

	extended.handles[0].handle = tern_port_mint(port, TERN_RIGHTS_ALL);
	extended.handles[0].rights = TERN_RIGHTS_ALL;
	extended.handles[0].mode = TERN_SEND_MOVE;
	state->result = tern_call_ext(state->handle, &message, &extended);
	state->stage = 2;
	for (uint32_t word = 0;;)
		tern_futex_wait(&word, 0, TERN_DEADLINE_NONE);
}

void listener_dies_with_its_last_process(void)
{
	struct test_port port = test_port(1, 0);
	struct tern_received message = { 0 };
	struct client client;
	struct side server;
	tern_handle theirs;

	CHECK_EQ(tern_thread_accept_handles(1), 0);
	side_start(&server, child_owns_listener, port.client);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_CALL | TERN_EVENT_HANDLES);
	theirs = message.handles[0];
	CHECK_EQ(tern_reply(TERN_REPLY, &message), 0);
	await_stage(&server, 2);
	CHECK_EQ(server.state->result, 0);
	client_start(&client, theirs, 0, PRIORITY);
	test_settle();
	CHECK_EQ(client.is_done, 0);
	side_kill(&server);
	client_join(&client);
	CHECK_EQ(client.result, -EPIPE);
	CHECK_EQ(tern_call(theirs, &message), -EPIPE);
	CHECK_EQ(tern_notify(theirs, 1), -EPIPE);
	CHECK_EQ(tern_handle_close(theirs), 0);
	side_end(&server);
	CHECK_EQ(tern_thread_accept_handles(0), 0);
	test_port_close(&port);
}

void killed_client_process_is_no_client(void)
{
	struct test_port port = test_port(31, 0);
	struct tern_received message = { 0 };
	struct side client;

	side_start(&client, child_calls, port.client);
	CHECK_EQ(tern_handle_close(port.client), 0);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_CALL);
	side_kill(&client);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_NO_CLIENTS);
	CHECK_EQ(message.words[0], 1);
	CHECK_EQ(message.userdata, 31);
	side_end(&client);
	tern_handle_close(port.owner);
	tern_handle_close(port.listener);
}
