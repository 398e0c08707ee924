/* Ports as handles: rights, minting, passing on, and who still counts as a client. */
#include "ports.h"

void minted_rights_are_no_more_than_asked(void)
{
	struct test_port port = test_port(1, 0);
	tern_handle notifier = tern_port_mint(port.owner, TERN_RIGHT_NOTIFY | TERN_RIGHT_COPY);
	tern_handle greedy = tern_port_mint(port.owner, TERN_RIGHTS_ALL);
	tern_handle poor_owner = tern_handle_duplicate(port.owner, TERN_RIGHT_OWNER);
	tern_handle nothing = tern_port_mint(poor_owner, TERN_RIGHTS_ALL);
	struct tern_received message = { 0 };

	CHECK_EQ(tern_handle_info(notifier) & 0xffff, TERN_RIGHT_NOTIFY | TERN_RIGHT_COPY);
	CHECK_EQ(tern_handle_info(greedy) & TERN_RIGHT_OWNER, 0);
	CHECK_EQ(tern_port_mint(greedy, TERN_RIGHTS_ALL), -EPERM);
	CHECK_EQ(tern_call(notifier, &message), -EPERM);
	CHECK_EQ(tern_call(nothing, &message), -EPERM);
	CHECK_EQ(tern_notify(nothing, 1), -EPERM);
	tern_handle_close(notifier);
	tern_handle_close(greedy);
	tern_handle_close(poor_owner);
	tern_handle_close(nothing);
	test_port_close(&port);
}

void duplicates_are_clients_too(void)
{
	struct test_port port = test_port(8, 0);
	tern_handle copy = tern_handle_duplicate(port.client, TERN_RIGHT_NOTIFY);
	struct tern_received message = { 0 };

	CHECK_EQ(tern_handle_close(port.client), 0);
	CHECK_EQ(tern_notify(copy, 1), 0);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_NOTIFY);
	CHECK_EQ(tern_handle_close(copy), 0);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_NO_CLIENTS);
	CHECK_EQ(message.words[0], 1);
	tern_handle_close(port.owner);
	tern_handle_close(port.listener);
}

void owners_handle_is_no_client(void)
{
	struct test_port port = test_port(8, 0);
	tern_handle owner = tern_handle_duplicate(port.owner, TERN_RIGHTS_ALL);
	struct tern_received message = { 0 };

	CHECK_EQ(tern_handle_close(owner), 0);
	CHECK_EQ(tern_notify(port.client, 1), 0);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_NOTIFY);
	CHECK_EQ(tern_handle_close(port.client), 0);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_NO_CLIENTS);
	port.client = tern_port_mint(port.owner, TERN_RIGHTS_ALL);
	CHECK_EQ(tern_notify(port.client, 2), 0);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_NOTIFY);
	CHECK_EQ(tern_handle_close(port.client), 0);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_NO_CLIENTS);
	CHECK_EQ(message.words[0], 2);
	tern_handle_close(port.owner);
	tern_handle_close(port.listener);
}

/* A mint before the event is received takes it back; one after it is told apart by the count. */
void no_clients_counts_every_mint(void)
{
	struct test_port port = test_port(8, 0);
	struct tern_received message = { 0 };

	for (uint64_t mints = 2; mints < 20; mints++) {
		CHECK_EQ(tern_handle_close(port.client), 0);
		port.client = tern_port_mint(port.owner, TERN_RIGHTS_ALL);
		if (mints % 3)
			continue;
		CHECK_EQ(tern_handle_close(port.client), 0);
		CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_NO_CLIENTS);
		CHECK_EQ(message.words[0], mints);
		port.client = tern_port_mint(port.owner, TERN_RIGHTS_ALL);
		mints++;
	}
	test_port_close(&port);
}

/* A port of its own goes with a message and comes back from it, always alive. */
static void bounce(uint64_t listener)
{
	struct tern_received message = { 0 };
	struct tern_extended extended = { .handle_count = 1 };

	tern_thread_accept_handles(1);
	while (tern_wait((tern_handle)listener, &message) >= 0) {
		extended.handles[0].handle = message.handles[0];
		extended.handles[0].rights = TERN_RIGHTS_ALL;
		extended.handles[0].mode = TERN_SEND_MOVE;
		CHECK_EQ(tern_reply_ext(TERN_REPLY, &message, &extended), 0);
	}
}

void moved_port_never_looks_abandoned(void)
{
	struct test_port port = test_port(1, 0), travels = test_port(2, 0);
	struct tern_received message = { 0 };
	struct tern_extended extended = { .handle_count = 1, .accept_count = 1 };
	struct rt_thread thread;

	rt_thread(&thread, bounce, (uint64_t)port.listener, PRIORITY);
	extended.handles[0].rights = TERN_RIGHTS_ALL;
	extended.handles[0].mode = TERN_SEND_MOVE;
	for (int i = 0; i < 100; i++) {
		extended.handles[0].handle = travels.client;
		CHECK_EQ(tern_call_ext(port.client, &message, &extended), TERN_EVENT_HANDLES);
		CHECK_EQ(tern_handle_info(travels.client), -EBADF);
		travels.client = message.handles[0];
	}
	CHECK_EQ(tern_notify(travels.client, 1), 0);
	CHECK_EQ(tern_wait(travels.listener, &message), TERN_EVENT_NOTIFY);
	tern_listener_destroy(port.listener);
	rt_join(&thread);
	test_port_close(&port);
	test_port_close(&travels);
}

/* Threads remember which listener they received from: not beyond the move of its handle. */
void moved_listener_is_received_from_no_more(void)
{
	struct test_port port = test_port(1, 0), taker = test_port(2, 0);
	struct tern_extended extended = { .handle_count = 1, .accept_count = 1 };
	struct tern_received message = { 0 }, moved = { 0 };
	struct rt_thread thread;
	struct client client;

	rt_thread(&thread, bounce, (uint64_t)taker.listener, PRIORITY);
	client_start(&client, port.client, 0, PRIORITY);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_CALL);
	extended.handles[0].handle = port.listener;
	extended.handles[0].rights = TERN_RIGHTS_ALL;
	extended.handles[0].mode = TERN_SEND_MOVE;
	CHECK_EQ(tern_call_ext(taker.client, &moved, &extended), TERN_EVENT_HANDLES);
	CHECK_EQ(tern_reply_wait(port.listener, &message), -EBADF);
	CHECK_EQ(tern_reply(TERN_REPLY, &message), 0);
	CHECK_EQ(tern_wait(port.listener, &message), -EBADF);
	client_join(&client);
	CHECK_EQ(client.result, 0);
	port.listener = moved.handles[0];
	CHECK_EQ(tern_notify(port.client, 3), 0);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_NOTIFY);
	tern_listener_destroy(taker.listener);
	rt_join(&thread);
	test_port_close(&taker);
	test_port_close(&port);
}

/* An answer that the caller does not accept leaves the call to be answered, and the handle. */
void answer_with_too_many_handles_is_refused(void)
{
	struct test_port port = test_port(1, 0);
	tern_handle memobj = tern_memobj_create(0, RT_PAGE);
	struct tern_extended extended = { .handle_count = 1 };
	struct tern_received message = { 0 };
	struct client client;

	extended.handles[0].handle = memobj;
	extended.handles[0].rights = TERN_RIGHTS_ALL;
	extended.handles[0].mode = TERN_SEND_MOVE;
	client_start(&client, port.client, 0, PRIORITY);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_CALL);
	CHECK_EQ(tern_reply_ext(TERN_REPLY, &message, &extended), -E2BIG);
	CHECK_EQ(tern_reply_wait_ext(port.listener, &message, &extended), -E2BIG);
	CHECK_EQ(tern_reply_status(TERN_REPLY), 0);
	CHECK(tern_handle_info(memobj) > 0);
	CHECK_EQ(tern_reply(TERN_REPLY, &message), 0);
	client_join(&client);
	CHECK_EQ(client.result, 0);
	CHECK_EQ(tern_handle_close(memobj), 0);
	test_port_close(&port);
}

/* A new server instance takes over: the old one's clients need not wait for its end. */
void takeover_answers_what_is_queued(void)
{
	struct test_port port = test_port(1, 0);
	tern_handle stable = tern_port_create(0, port.listener, 2, TERN_PORT_PERSISTENT);
	tern_handle stable_client = tern_port_mint(stable, TERN_RIGHTS_ALL);
	struct tern_received message = { 0 };
	struct client lost, kept;

	client_start(&lost, port.client, 1, PRIORITY);
	client_start(&kept, stable_client, 2, PRIORITY);
	test_settle();
	CHECK_EQ(tern_listener_takeover(port.listener), 1);
	client_join(&lost);
	CHECK_EQ(lost.result, -EPIPE);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_CALL);
	CHECK_EQ(message.words[0], 2);
	CHECK_EQ(tern_reply(TERN_REPLY, &message), 0);
	client_join(&kept);
	CHECK_EQ(kept.result, 0);
	CHECK_EQ(tern_listener_takeover(port.listener), 0);
	tern_handle_close(stable_client);
	tern_handle_close(stable);
	test_port_close(&port);
}
