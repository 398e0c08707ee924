/* The obedient server and the one-call client. */
#include "ports.h"

static tern_result obey(struct server *server, struct tern_received *message)
{
	struct tern_received request = *message;

	switch (request.words[0]) {
	case ORDER_WAIT:
		return tern_wait(server->port.listener, message);
	case ORDER_PARK:
		server->parked = tern_reply_park(77, request.words[1]);
		return tern_wait(server->port.listener, message);
	case ORDER_HOLD:
		server->holds = 1;
		while (!server->may_go)
			tern_thread_yield();
		break;
	default:
		break;
	}
	for (int i = 0; i < TERN_MESSAGE_WORDS; i++)
		message->words[i]++;
	message->words[7] = request.userdata;
	return tern_reply_wait(server->port.listener, message);
}

static void server_body(uint64_t argument)
{
	struct server *server = (struct server *)argument;
	struct tern_received message = { 0 };
	tern_result event = tern_wait(server->port.listener, &message);

	for (;;) {
		server->last_event = event;
		server->last = message;
		server->events++;
		if (event == -ESRCH) {
			event = tern_wait(server->port.listener, &message);
			continue;
		}
		if (event < 0 || ((event & TERN_EVENT_KIND) == TERN_EVENT_CALL &&
				  message.words[0] == ORDER_EXIT))
			return;
		if ((event & TERN_EVENT_KIND) != TERN_EVENT_CALL) {
			event = tern_wait(server->port.listener, &message);
			continue;
		}
		if (message.words[0] == ORDER_STOP) {
			tern_reply(TERN_REPLY, &message);
			return;
		}
		event = obey(server, &message);
	}
}

void server_start(struct server *server, unsigned int priority)
{
	*server = (struct server){ .parked = 0 };
	server->port = test_port(1234, 0);
	rt_thread(&server->thread, server_body, (uint64_t)server, priority);
}

void server_stop(struct server *server)
{
	struct tern_received message = { .words = { ORDER_STOP } };

	if (server->thread.running)
		tern_call(server->port.client, &message);
	rt_join(&server->thread);
	test_port_close(&server->port);
}

static void client_body(uint64_t argument)
{
	struct client *client = (struct client *)argument;

	client->result = client->extended
				 ? tern_call_ext(client->port, &client->message, client->extended)
				 : tern_call(client->port, &client->message);
	client->is_done = 1;
}

void client_start_extended(struct client *client, tern_handle port, uint64_t order,
			   const struct tern_extended *extended)
{
	*client = (struct client){ .port = port, .extended = extended };
	client->message.words[0] = order;
	rt_thread(&client->thread, client_body, (uint64_t)client, PRIORITY);
}

void client_start(struct client *client, tern_handle port, uint64_t order, unsigned int priority)
{
	*client = (struct client){ .port = port };
	client->message.words[0] = order;
	rt_thread(&client->thread, client_body, (uint64_t)client, priority);
}

void client_join(struct client *client)
{
	rt_join(&client->thread);
}
