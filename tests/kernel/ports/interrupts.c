/* Interrupting a caller in each state of its call; main.c has the plain cases. */
#include "ports.h"

/* A client whose call has been received. */
static void received_client(struct client *client, struct test_port *port)
{
	struct tern_received message = { 0 };

	client_start(client, port->client, 0, PRIORITY);
	CHECK_EQ(tern_wait(port->listener, &message), TERN_EVENT_CALL);
}

void interrupted_call_can_still_be_parked_plainly(void)
{
	struct test_port port = test_port(1, 0);
	struct tern_received answer = { .words = { 5 } };
	struct client client;
	tern_handle parked;

	received_client(&client, &port);
	CHECK_EQ(tern_thread_interrupt(client.thread.handle, 0), 0);
	test_settle();
	parked = tern_reply_park(1, 0);
	CHECK(parked > 0);
	CHECK_EQ(tern_reply_status(parked), 1);
	CHECK_EQ(tern_reply(parked, &answer), 0);
	client_join(&client);
	CHECK_EQ(client.result, 0);
	CHECK_EQ(client.message.words[0], 5);
	test_port_close(&port);
}

void plainly_parked_call_is_not_interrupted(void)
{
	struct test_port port = test_port(1, 0);
	struct tern_received answer = { .words = { 6 } };
	struct client client;
	tern_handle parked;

	received_client(&client, &port);
	parked = tern_reply_park(1, 0);
	CHECK_EQ(tern_reply_status(parked), 0);
	CHECK_EQ(tern_thread_interrupt(client.thread.handle, 0), 0);
	test_settle();
	CHECK_EQ(client.is_done, 0);
	CHECK_EQ(tern_reply_status(parked), 1);
	CHECK_EQ(tern_reply(parked, &answer), 0);
	client_join(&client);
	CHECK_EQ(client.result, 0);
	test_port_close(&port);
}

static void call_twice(uint64_t argument)
{
	struct client *client = (struct client *)argument;

	client->result = tern_call(client->port, &client->message);
	client->is_done = 1;
	CHECK_EQ(tern_call(client->port, &client->message), 0);
}

/* The request to cancel belongs to the one call, the next one knows nothing of it. */
void cancel_request_ends_with_its_call(void)
{
	struct test_port port = test_port(1, 0);
	struct tern_received message = { 0 };
	struct client client = { .port = port.client };

	rt_thread(&client.thread, call_twice, (uint64_t)&client, PRIORITY);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_CALL);
	CHECK_EQ(tern_thread_interrupt(client.thread.handle, 0), 0);
	test_settle();
	CHECK_EQ(tern_reply_wait(port.listener, &message), TERN_EVENT_CALL);
	CHECK_EQ(client.is_done, 1);
	CHECK_EQ(client.result, 0);
	CHECK_EQ(tern_reply_status(TERN_REPLY), 0);
	CHECK_EQ(tern_reply(TERN_REPLY, &message), 0);
	rt_join(&client.thread);
	test_port_close(&port);
}

void closed_reply_takes_its_event_along(void)
{
	struct test_port port = test_port(1, 0);
	struct tern_received message = { 0 };
	struct client client;
	tern_handle parked;

	received_client(&client, &port);
	parked = tern_reply_park(9, TERN_PARK_CANCELLABLE);
	CHECK_EQ(tern_thread_interrupt(client.thread.handle, 0), 0);
	client_join(&client);
	CHECK_EQ(client.result, -EINTR);
	CHECK_EQ(tern_handle_close(parked), 0);
	CHECK_EQ(tern_notify(port.client, 3), 0);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_NOTIFY);
	test_port_close(&port);
}

void cancelled_event_comes_once(void)
{
	struct test_port port = test_port(1, 0);
	struct tern_received message = { 0 };
	struct client clients[3];
	tern_handle parked[3];

	for (uint64_t i = 0; i < RT_COUNT(clients); i++) {
		received_client(&clients[i], &port);
		parked[i] = tern_reply_park(100 + i, TERN_PARK_CANCELLABLE);
	}
	CHECK_EQ(tern_thread_interrupt(clients[2].thread.handle, 0), 0);
	CHECK_EQ(tern_thread_interrupt(clients[0].thread.handle, 0), 0);
	client_join(&clients[2]);
	client_join(&clients[0]);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_CANCELLED);
	CHECK_EQ(message.userdata, 102);
	CHECK_EQ(tern_wait(port.listener, &message), TERN_EVENT_CANCELLED);
	CHECK_EQ(message.userdata, 100);
	CHECK_EQ(tern_reply(parked[1], &message), 0);
	client_join(&clients[1]);
	CHECK_EQ(clients[1].result, 0);
	CHECK_EQ(tern_reply(parked[0], &message), -ESRCH);
	CHECK_EQ(tern_reply(parked[2], &message), -ESRCH);
	test_port_close(&port);
}

void waiting_server_is_interrupted(void)
{
	struct server server;
	struct tern_received message = { .words = { ORDER_ADD_ONE } };

	server_start(&server, PRIORITY);
	test_settle();
	CHECK_EQ(tern_thread_interrupt(server.thread.handle, 0), 0);
	rt_join(&server.thread);
	CHECK_EQ(server.last_event, -EINTR);
	CHECK_EQ(tern_notify(server.port.client, 1), 0);
	CHECK_EQ(tern_wait(server.port.listener, &message), TERN_EVENT_NOTIFY);
	test_port_close(&server.port);
}

/* The answer is sent although the wait that follows is interrupted at once. */
void interrupted_reply_wait_has_answered(void)
{
	struct test_port port = test_port(1, 0);
	struct tern_received answer = { .words = { 77 } };
	struct client client;

	received_client(&client, &port);
	CHECK_EQ(tern_thread_interrupt(TERN_SELF_THREAD, 0), 0);
	CHECK_EQ(tern_reply_wait(port.listener, &answer), -EINTR);
	client_join(&client);
	CHECK_EQ(client.result, 0);
	CHECK_EQ(client.message.words[0], 77);
	test_port_close(&port);
}
