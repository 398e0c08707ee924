/*
 * The smallest server and client, in two processes.
 *
 * The first process is the server: it makes a listener, a client port on it, and a child process
 * that gets the port. The child calls; the server answers each call with a sum.
 */
#include "rt.h"

#define ROUNDS 10000
#define USERDATA 42

/* The client's life: it knows nothing but the handle of its port. */
static void client(uint64_t port)
{
	struct tern_received message = { .words = { 1, 2, 3 } };
	uint64_t ping = message.words[0], before;

	if (tern_call((tern_handle)port, &message) < 0)
		rt_exit(1);
	rt_printf("ping %lu -> pong %lu\n", ping, message.words[0]);
	if (message.words[0] != ping + USERDATA)
		rt_exit(1);

	/* Without -icount QEMU gives ticks of the host's clock for instructions. */
	before = rt_instructions();
	for (int i = 0; i < ROUNDS; i++)
		if (tern_call((tern_handle)port, &message) < 0)
			rt_exit(1);
	rt_printf("%d round trips, %lu instructions each (if QEMU counts them: -icount)\n", ROUNDS,
		  (rt_instructions() - before) / ROUNDS);
	rt_exit(0);
}

/* The server's loop: answer, wait for the next. It ends when its last client has gone. */
static void serve(tern_handle listener)
{
	struct tern_received message = { 0 };
	tern_result event = tern_wait(listener, &message);

	while (event >= 0 && (event & TERN_EVENT_KIND) != TERN_EVENT_NO_CLIENTS) {
		if ((event & TERN_EVENT_KIND) == TERN_EVENT_CALL)
			message.words[0] += message.userdata;
		event = tern_reply_wait(listener, &message);
	}
	rt_printf("server: no clients left\n");
}

int main(void)
{
	tern_handle listener = tern_listener_create(0, 16);
	tern_handle port = tern_port_create(0, listener, USERDATA, 0);
	tern_handle process = rt_process(0);
	tern_handle clients_port;

	rt_require(listener > 0 && port > 0 && process > 0, "set-up");
	/* What is minted has no OWNER right: it counts as a client. */
	clients_port = tern_port_mint(port, TERN_RIGHTS_ALL);
	rt_run(process, client, (uint64_t)rt_give(process, clients_port), TERN_PRIORITY_DEFAULT);
	tern_handle_close(clients_port);
	serve(listener);
	return (int)rt_wait_process(process);
}
