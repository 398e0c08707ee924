/*
 * Terminals as the server hears of them. Each that some session has claimed notifies what is typed
 * through a port of the server's. When a terminal's server has been restarted, that port loses its
 * clients: then the server registers again, and if nobody answers the terminal is gone.
 *
 * Which terminal is meant a process shows by the token of the node that it has opened, and its file server,
 * whom this server believes, hands out the port: nothing that a process made is ever called.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "posix.h"
#include "proto/file.h"
#include "proto/tty.h"

static struct {
	tern_handle terminal; /* speaks tty.h; 0: this place is free */
	tern_handle signals;  /* the server's own end */
	uint32_t generation;
} ends[PROCESS_TERMINALS_MAX];

static uint32_t index_of(const struct process_terminal *terminal)
{
	return (uint32_t)(terminal - table.terminals);
}

/* Locked; the terminal's server is only notified. */
void terminal_release(struct process_terminal *terminal, bool hangs_up)
{
	uint32_t index = index_of(terminal);

	if (!ends[index].terminal)
		return;
	if (hangs_up)
		tern_notify(ends[index].terminal, TTY_HANG_UP);
	tern_handle_close(ends[index].terminal);
	tern_port_revoke(ends[index].signals);
	tern_handle_close(ends[index].signals);
	ends[index].terminal = ends[index].signals = 0;
	ends[index].generation++;
}

/* Locked. Takes the handle; *client is to be registered with the terminal. 0 or an error. */
static int64_t attach(uint32_t index, tern_handle handle, tern_handle *client)
{
	tern_handle port;

	*client = 0;
	if (ends[index].terminal) { /* it is the session's already */
		tern_handle_close(handle);
		return 0;
	}
	port = tern_port_create(0, server.listener,
				PORT_USERDATA(PORT_TERMINAL, ends[index].generation, index), 0);
	if (port < 0)
		return port;
	*client = tern_port_mint(port, TERN_RIGHT_NOTIFY | TERN_RIGHT_COPY);
	if (*client < 0) {
		tern_handle_close(port);
		return *client;
	}
	ends[index].signals = port;
	ends[index].terminal = handle;
	return 0;
}

/* Not locked: the terminal's server is called. `handle` is not taken. */
static int64_t claim(uint64_t userdata, tern_handle handle, uint64_t device, uint64_t id)
{
	tern_handle copy = tern_handle_duplicate(handle, TERN_RIGHTS_ALL), client = 0;
	struct process_terminal *terminal = NULL;
	struct process *process;
	int64_t result = -ESRCH;

	if (copy < 0)
		return copy;
	pthread_mutex_lock(&table_lock);
	process = userdata ? process_of(userdata) : process_find(&table, table.first_pid);
	if (process)
		terminal = process_terminal_claim(&table, process, device, id, &result);
	if (terminal)
		result = attach(index_of(terminal), copy, &client);
	if (terminal && result)
		process_terminal_release(&table, terminal, false);
	pthread_mutex_unlock(&table_lock);
	if (result)
		tern_handle_close(copy);
	if (client <= 0)
		return result;
	tty_signals(handle, client);
	tern_handle_close(client);
	return 0;
}

int64_t terminal_claim(struct server_call *call)
{
	tern_handle admin = mount_admin((uint32_t)call->message.words[1]);
	struct tern_received message = { .words = { 0, 0, call->message.words[2] } };
	const struct file_long_call request = { .op = FILE_TERMINAL, .payload = "", .accept = 1 };
	int64_t result;

	if (admin <= 0)
		return -ENOTTY;
	result = file_call_long(admin, &request, &message);
	if (result < 0)
		return result == -ENOSYS ? -ENOTTY : result;
	if (message.handle_count != 1)
		return -EIO;
	result = claim(call->message.userdata, message.handles[0], message.words[1],
		       message.words[2]);
	tern_handle_close(message.handles[0]);
	return result;
}

/* A copy of the handle of the caller's own terminal; -ENXIO: it has none. */
static tern_handle own_terminal(uint64_t userdata)
{
	const struct process_terminal *terminal = NULL;
	const struct process *process;
	tern_handle copy = -ENXIO;

	pthread_mutex_lock(&table_lock);
	process = process_of(userdata);
	if (process)
		terminal = process_terminal_of(&table, process);
	if (terminal && ends[index_of(terminal)].terminal)
		copy = tern_handle_duplicate(ends[index_of(terminal)].terminal,
					     TERN_RIGHTS_ALL & ~TERN_RIGHT_NO_INHERIT);
	pthread_mutex_unlock(&table_lock);
	return copy;
}

int64_t terminal_open(struct server_call *call)
{
	tern_handle own = own_terminal(call->message.userdata);
	struct tern_received message = { .words = { TTY_OP_open } };
	struct tern_extended extended = { .accept_count = 1 };
	tern_result result;

	if (own < 0)
		return own;
	result = tern_call_ext(own, &message, &extended);
	if (!result)
		result = (tern_result)message.words[0];
	if (result != -ENOSYS) {
		tern_handle_close(own);
		own = result < 0 ? result : message.handle_count == 1 ? message.handles[0] : -EIO;
	}
	if (own < 0)
		return own;
	server_give(call, own, TERN_RIGHT_CALL | TERN_RIGHT_COPY | TERN_RIGHT_MOVE);
	return 0;
}

/* Locked. What belongs to an earlier user of the place is nobody's. */
static bool is_current(uint64_t userdata)
{
	uint32_t index = PORT_INDEX(userdata);

	return index < PROCESS_TERMINALS_MAX && ends[index].terminal &&
	       PORT_USERDATA(PORT_TERMINAL, ends[index].generation, index) == userdata;
}

void terminal_notified(uint64_t userdata, uint64_t bits)
{
	pthread_mutex_lock(&table_lock);
	if (is_current(userdata))
		process_terminal_signals(&table, &table.terminals[PORT_INDEX(userdata)], bits);
	pthread_mutex_unlock(&table_lock);
}

/* Its server has died: the next instance, if there is one, must hear of us. */
void terminal_no_clients(uint64_t userdata)
{
	tern_handle handle = -ESRCH, client = -ESRCH;
	tern_result result;

	pthread_mutex_lock(&table_lock);
	if (is_current(userdata)) {
		handle = tern_handle_duplicate(ends[PORT_INDEX(userdata)].terminal,
					       TERN_RIGHTS_ALL);
		client = tern_port_mint(ends[PORT_INDEX(userdata)].signals,
					TERN_RIGHT_NOTIFY | TERN_RIGHT_COPY);
	}
	pthread_mutex_unlock(&table_lock);
	result = handle < 0 ? handle : client < 0 ? client : tty_signals(handle, client);
	if (client > 0)
		tern_handle_close(client);
	if (handle > 0)
		tern_handle_close(handle);
	if (result < 0)
		terminal_notified(userdata, TTY_HANG_UP);
}

/* The console is the first session's terminal from the beginning. */
void console_start(tern_handle console)
{
	struct io_attributes attributes;

	if (console < 0 || io_attributes(console, &attributes) < 0)
		return;
	claim(0, console, attributes.device, 0);
}
