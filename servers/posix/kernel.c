/* What lib/process needs of the kernel. Everything here is called with table_lock held. */
#include <errno.h>
#include <string.h>

#include "posix.h"
#include "tern/event.h"
#include "tern/process.h"
#include "tern/thread.h"

#define CLIENT_RIGHTS (TERN_RIGHT_CALL | TERN_RIGHT_COPY | TERN_RIGHT_MOVE)

static tern_handle timer;

/* A program without an upcall entry at least gets its calls interrupted. */
static void interrupt(int64_t handle)
{
	if (tern_process_interrupt(handle, TERN_INTERRUPT_UPCALL) == -EINVAL)
		tern_process_interrupt(handle, 0);
}

static void kill_process(int64_t handle, uint32_t status)
{
	tern_process_kill(handle, status);
}

static void stop(int64_t handle)
{
	tern_process_stop(handle);
}

static void resume(int64_t handle)
{
	tern_process_continue(handle);
}

static uint64_t figure(int64_t handle, enum tern_process_query query)
{
	tern_result result = tern_process_info(handle, query);

	return result < 0 ? 0 : (uint64_t)result;
}

static uint64_t cpu_time(int64_t handle)
{
	return figure(handle, TERN_PROCESS_CPU_TIME);
}

static uint64_t threads(int64_t handle)
{
	return figure(handle, TERN_PROCESS_THREADS);
}

static uint64_t largest(int64_t handle)
{
	return figure(handle, TERN_PROCESS_PRIVATE);
}

static void close_handle(int64_t handle)
{
	tern_handle_close(handle);
}

static bool answer(int64_t reply, const uint64_t *words)
{
	struct tern_received message = { .handle_count = 0 };

	memcpy(message.words, words, sizeof(message.words));
	if (tern_reply(reply, &message) == 0)
		return true;
	tern_handle_close(reply);
	return false;
}

static uint64_t now(void)
{
	return tern_time();
}

static void set_timer(uint64_t deadline)
{
	static uint64_t current;

	if (deadline != current)
		tern_timer_set(timer, deadline, 0);
	current = deadline;
}

/*
 * A port whose clients have all gone serves the next process as it is: that saves making one. One that
 * somebody still holds is revoked, and the next process of this slot gets another.
 */
static void renew(struct process *process)
{
	if (!process->port || !process->has_clients)
		return;
	tern_port_revoke(process->port);
	tern_handle_close(process->port);
	process->port = 0;
	process->has_clients = false;
	process->generation++;
}

const struct process_kernel process_kernel = {
	.interrupt = interrupt,
	.kill = kill_process,
	.stop = stop,
	.resume = resume,
	.cpu_time = cpu_time,
	.threads = threads,
	.largest = largest,
	.close = close_handle,
	.answer = answer,
	.drop = close_handle,
	.renew = renew,
	.now = now,
	.set_timer = set_timer,
	.release_terminal = terminal_release,
	.shut_down = shutdown_ask,
};

void kernel_start(void)
{
	tern_handle port = require(
		tern_port_create(0, server.listener, PORT_USERDATA(PORT_TIMER, 0, 0), 0), "port");

	timer = require(tern_timer_create(0, port, 1), "timer");
}

static int64_t make_port(int64_t *port, uint64_t userdata)
{
	if (!*port)
		*port = tern_port_create(0, server.listener, userdata, 0);
	if (*port > 0)
		return 0;
	*port = 0;
	return -ENOMEM;
}

/* Deaths come through a port of their own: one that loses its clients with the process tells nothing. */
tern_handle identity_port(struct process *process)
{
	tern_handle client;

	if (make_port(&process->death, PORT_USERDATA(PORT_DEATH, 0, process->slot)) ||
	    make_port(&process->port,
		      PORT_USERDATA(PORT_PROCESS, process->generation, process->slot)))
		return -ENOMEM;
	client = tern_port_mint(process->port, CLIENT_RIGHTS);
	process->has_clients |= client > 0;
	return client;
}

static struct process *record_of(uint64_t userdata)
{
	struct process *process;

	if (PORT_KIND(userdata) != PORT_PROCESS || PORT_INDEX(userdata) >= POSIX_SLOTS)
		return NULL;
	process = &table.processes[PORT_INDEX(userdata)];
	return PORT_USERDATA(PORT_PROCESS, process->generation, process->slot) == userdata ? process
											   : NULL;
}

struct process *process_of(uint64_t userdata)
{
	struct process *process = record_of(userdata);

	if (!process)
		return NULL;
	return process->state == PROCESS_ALIVE || process->state == PROCESS_EMBRYO ? process : NULL;
}

void process_watch_death(const struct process *process)
{
	tern_process_watch(process->handle, process->death);
}

void process_notified(uint64_t userdata, uint64_t bits)
{
	struct process *process;
	tern_result status;

	if (!(bits & TERN_NOTIFY_DEATH) || PORT_INDEX(userdata) >= POSIX_SLOTS)
		return;
	pthread_mutex_lock(&table_lock);
	process = &table.processes[PORT_INDEX(userdata)];
	if (process->state == PROCESS_ALIVE) {
		status = tern_process_status(process->handle);
		if (status >= 0 && status != TERN_PROCESS_RUNNING)
			process_died(&table, process, (uint32_t)status);
		if (process->state != PROCESS_ALIVE)
			notices_drop(process);
	}
	pthread_mutex_unlock(&table_lock);
}

/* An embryo that nobody can become any more is none. */
void process_no_clients(uint64_t userdata)
{
	struct process *process;

	pthread_mutex_lock(&table_lock);
	process = record_of(userdata);
	if (process)
		process_released(&table, process);
	pthread_mutex_unlock(&table_lock);
}
