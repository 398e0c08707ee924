/*
 * How processes begin and end. fork takes two calls, because the child's identity must exist before
 * the child does, and its handle only exists afterwards:
 *
 *     parent                      server
 *     fork_begin ------------->   embryo: pid, slot, port
 *     tern_process_fork
 *     fork_end(child) -------->   alive: watched; what was sent to the embryo takes effect
 *
 * Meanwhile the child may run, call, and be sent signals: all of that works on the embryo. Only the
 * parent has the child's handle: if it were killed now, the child would run where nobody could ever
 * kill it. So SIGKILL waits for fork_end, unless that takes longer than FORK_NS.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lib/process/process.h"

#define CODE_EXITED 1
#define CODE_KILLED 2
#define STATUS_SIGNAL 0x7fu
#define FORK_NS 2000000000ul /* nobody puts off its own death for ever */

struct process *process_first(struct process_table *table, int64_t handle)
{
	struct process *process = process_new(table, NULL);

	process->state = PROCESS_ALIVE;
	process->handle = handle;
	process->group = process->session = process->pid;
	table->first_pid = process->pid;
	process_publish(table, process);
	return process;
}

static void inherit_arguments(struct process *child, const struct process *parent)
{
	memcpy(child->name, parent->name, sizeof(child->name));
	child->arguments = parent->arguments_length ? malloc(parent->arguments_length) : NULL;
	if (!child->arguments)
		return;
	memcpy(child->arguments, parent->arguments, parent->arguments_length);
	child->arguments_length = parent->arguments_length;
}

bool process_is_forking(const struct process_table *table, const struct process *process)
{
	uint64_t now = table->kernel->now();

	for (const struct process *child = process->children; child; child = child->sibling)
		if (child->state == PROCESS_EMBRYO && now - child->started < FORK_NS)
			return true;
	return false;
}

void process_end(struct process_table *table, struct process *process)
{
	const struct posix_signal signal = { .number_and_code = POSIX_SIGNAL(SIGKILL, 0) };

	if (!process->has_robust || !process_timer_kill(table, process) ||
	    process_mail_put(process, &signal, NULL)) {
		table->kernel->kill(process->handle, POSIX_EXITED | SIGKILL);
		return;
	}
	table->kernel->interrupt(process->handle);
	table->kernel->resume(process->handle);
}

/* The parent has come to the end of its fork, so it can be killed. */
static void kill_after_fork(struct process_table *table, struct process *parent)
{
	if (parent && parent->is_to_die && parent->handle)
		process_end(table, parent);
}

struct process *process_fork(struct process_table *table, struct process *parent)
{
	struct process *child;

	/* Whoever killed its group has gone through the group already. */
	if (parent->is_to_die)
		return NULL;
	child = process_new(table, parent);
	if (!child)
		return NULL;
	child->group = parent->group;
	child->session = parent->session;
	child->identity = parent->identity;
	child->nice = parent->nice;
	child->child_action = parent->child_action;
	inherit_arguments(child, parent);
	process_publish(table, child);
	return child;
}

void process_born(struct process_table *table, struct process *process, int64_t handle)
{
	process->handle = handle;
	process->state = PROCESS_ALIVE;
	kill_after_fork(table, process->parent);
	if (process->is_to_die) {
		if (!process_is_forking(table, process))
			process_end(table, process);
		return;
	}
	if (process->is_stopped)
		table->kernel->stop(handle);
	if (process->mail)
		table->kernel->interrupt(handle);
}

void process_aborted(struct process_table *table, struct process *process)
{
	struct process *parent = process->parent;

	process_timers_drop(table, process, true);
	process_wait_drop(table, process);
	process_free(table, process);
	kill_after_fork(table, parent);
	if (parent)
		process_wait_check(table, parent);
}

static void become_new(struct process_table *table, struct process *process)
{
	process->has_execed = true;
	process->child_action &= POSIX_CHILD_IGNORE;
	process_timers_drop(table, process, false);
}

int64_t process_exec(struct process_table *table, struct process *process, const char *text,
		     uint32_t name_length, uint32_t arguments_length)
{
	char *arguments = malloc(arguments_length ? arguments_length : 1);
	uint32_t kept = name_length < POSIX_NAME_MAX ? name_length : POSIX_NAME_MAX - 1;

	if (!arguments)
		return -ENOMEM;
	memset(process->name, 0, sizeof(process->name));
	memcpy(process->name, text, kept);
	memcpy(arguments, text + name_length, arguments_length);
	free(process->arguments);
	process->arguments = arguments;
	process->arguments_length = arguments_length;
	process->identity.saved_user = process->identity.effective_user;
	process->identity.saved_group = process->identity.effective_group;
	become_new(table, process);
	return 0;
}

/* Its mail, its family and its own timers stay as they are. */
void process_replaced(struct process_table *table, struct process *process, int64_t handle,
		      const struct process_identity *identity)
{
	table->kernel->close(process->handle);
	process->handle = handle;
	process->identity = *identity;
	process_wait_drop(table, process);
	become_new(table, process);
	if (process->is_stopped)
		table->kernel->stop(handle);
	if (process->mail)
		table->kernel->interrupt(handle);
}

/* ------------------------------------------------------------------------------------- the end */

/* The status as of wait4 from what the kernel says. */
static uint32_t wait_status(uint32_t status)
{
	if (status & POSIX_EXITED)
		return status & 0xffff;
	return status == TERN_STATUS_FAULT ? SIGSEGV : (status & 0xff) << 8;
}

/*
 * The children go to the server. With their parent groups may lose their last link to the session's
 * other groups: those are looked at when all have moved.
 */
static void give_children_away(struct process_table *table, struct process *process)
{
	struct process *child = process->children;

	while (child) {
		struct process *next = child->sibling;

		process_orphan(table, child);
		if (child->state == PROCESS_ZOMBIE)
			process_free(table, child);
		else if (child->group != process->group)
			process_group_check(table, child->group);
		child = next;
	}
}

static void end_session(struct process_table *table, struct process *process)
{
	struct process_terminal *terminal = process_terminal_of(table, process);

	if (process->session == process->pid && terminal)
		process_terminal_release(table, terminal, true);
}

static void tell(struct process_table *table, struct process *process)
{
	uint32_t signal = process->status & STATUS_SIGNAL;
	struct process *parent = process->parent;

	if (!parent) {
		process_free(table, process);
		return;
	}
	if (!(parent->child_action & POSIX_CHILD_IGNORE)) {
		process_tell_parent(table, process, signal ? CODE_KILLED : CODE_EXITED,
				    signal ? signal : process->status >> 8);
		return;
	}
	process_free(table, process);
	process_wait_check(table, parent);
}

/* The host's exit status for a status as of wait4. */
static uint32_t host_status(uint32_t status)
{
	return status & STATUS_SIGNAL ? 128 + (status & STATUS_SIGNAL) : status >> 8 & 0xff;
}

void process_died(struct process_table *table, struct process *process, uint32_t status)
{
	uint32_t group = process->group;
	bool is_first = process->pid == table->first_pid;

	if (process->state != PROCESS_ALIVE)
		return;
	process->status = wait_status(status);
	process->used = table->kernel->cpu_time(process->handle);
	process->largest = table->kernel->largest(process->handle);
	table->kernel->close(process->handle);
	process->handle = 0;
	process->state = PROCESS_ZOMBIE;
	process->is_leaving = true; /* what follows may make its parent's waiters look */
	process->is_stopped = false;
	process_mail_discard(process, ~0ul);
	process_timers_drop(table, process, true);
	process_wait_drop(table, process);
	end_session(table, process);
	give_children_away(table, process);
	process_group_check(table, group);
	status = host_status(process->status);
	process->is_leaving = false;
	tell(table, process);
	if (is_first)
		table->kernel->shut_down(POSIX_POWER_OFF, status);
}
