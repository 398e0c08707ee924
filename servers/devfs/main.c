/*
 * devfs as a program. Handles: "listener"; "random" (optional): who gives random bytes; "console"
 * (optional): a port of the console server, which opening console hands out.
 *
 * Admin ports are the persistent ones that the supervisor makes, userdata below 256.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "devfs.h"
#include "pty.h"
#include "tern/start.h"

#define THREADS 4

static int64_t serve(struct server_call *call)
{
	switch (PORT_KIND(call->message.userdata)) {
	case PORT_DEVICE:
		return device_operation(call);
	case PORT_MASTER:
	case PORT_SLAVE:
	case PORT_CONTROL:
		return pty_operation(call);
	default:
		return file_operation(call);
	}
}

static void no_clients(uint64_t userdata, uint64_t minted)
{
	if (PORT_KIND(userdata) == PORT_MASTER || PORT_KIND(userdata) == PORT_SLAVE)
		pty_no_clients(userdata, minted);
	else
		table_no_clients(userdata, minted);
}

struct server server = {
	.threads = THREADS,
	.accept_handles = TERN_MESSAGE_HANDLES,
	.call = serve,
	.notified = pty_notified,
	.no_clients = no_clients,
	.cancelled = pty_cancelled,
};

int main(void)
{
	int error;

	server.listener = tern_start_handle("listener");
	devices_start(tern_start_handle("console"));
	error = server_start(&server);
	if (!error)
		error = server_run(&server);
	fprintf(stderr, "ends: %s\n", strerror(-error));
	return 1;
}
