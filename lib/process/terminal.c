/*
 * Controlling terminals. A terminal belongs to one session at most, and that has one foreground group;
 * what others in the session want of it is refused with a signal to their whole group.
 */
#include <errno.h>
#include <signal.h>

#include "lib/process/process.h"

#define CODE_KERNEL 0x80

struct process_terminal *process_terminal_of(struct process_table *table,
					     const struct process *process)
{
	for (int i = 0; i < PROCESS_TERMINALS_MAX; i++)
		if (table->terminals[i].device && process->session &&
		    table->terminals[i].session == process->session)
			return &table->terminals[i];
	return NULL;
}

struct process_terminal *process_terminal_find(struct process_table *table, uint64_t device)
{
	for (int i = 0; i < PROCESS_TERMINALS_MAX; i++)
		if (table->terminals[i].device == device)
			return &table->terminals[i];
	return NULL;
}

void process_terminal_publish(struct process_table *table, uint32_t session)
{
	PROCESS_FOR_EACH(table, process)
		if (process->session == session)
			process_publish(table, process);
}

struct process_terminal *process_terminal_claim(struct process_table *table,
						struct process *process, uint64_t device,
						uint64_t id, int64_t *error)
{
	struct process_terminal *terminal = process_terminal_find(table, device);

	*error = -EPERM;
	if (!device || process->session != process->pid)
		return NULL;
	if (terminal &&
	    terminal->id != id) { /* that one has gone, and we have not heard of it yet */
		process_terminal_hang_up(table, terminal);
		terminal = NULL;
	}
	if (terminal && terminal->session == process->session)
		return terminal;
	if (process_terminal_of(table, process) || (terminal && terminal->session))
		return NULL;
	*error = -ENOMEM;
	if (!terminal)
		terminal = process_terminal_find(table, 0);
	if (!terminal)
		return NULL;
	terminal->device = device;
	terminal->id = id;
	terminal->session = process->session;
	terminal->foreground = process->group;
	process_terminal_publish(table, process->session);
	return terminal;
}

/* The caller's terminal, if `device` is that one (0: whichever it is). */
static struct process_terminal *own(struct process_table *table, const struct process *process,
				    uint64_t device)
{
	struct process_terminal *terminal = process_terminal_of(table, process);

	return terminal && (!device || device == terminal->device) ? terminal : NULL;
}

/* Somebody in the background wants something: 0 (let it), -EINTR (a signal was sent), -EIO. */
static int64_t hold_back(struct process_table *table, struct process *process, uint32_t signal,
			 bool ignores)
{
	if (ignores)
		return signal == SIGTTIN ? -EIO : 0;
	if (process_group_is_orphaned(table, process->group, NULL))
		return -EIO;
	process_send_group(table, process->group, signal);
	return -EINTR;
}

int64_t process_terminal_foreground(struct process_table *table, struct process *process,
				    uint64_t device, uint32_t group, bool ignores)
{
	struct process_terminal *terminal = own(table, process, device);
	int64_t error;

	if (!terminal)
		return -ENOTTY;
	if (!group || group >= PROCESS_PID_LIMIT)
		return -EINVAL;
	if (process->group != terminal->foreground) {
		error = hold_back(table, process, SIGTTOU, ignores);
		if (error)
			return error;
	}
	if (!process_group_exists(table, group, process->session))
		return -EPERM;
	terminal->foreground = group;
	process_terminal_publish(table, process->session);
	return 0;
}

int64_t process_terminal_access(struct process_table *table, struct process *process,
				uint64_t device, uint32_t signal, bool ignores)
{
	const struct process_terminal *terminal = own(table, process, device);

	if (signal != SIGTTIN && signal != SIGTTOU)
		return -EINVAL;
	if (!terminal || process->group == terminal->foreground)
		return 0;
	return hold_back(table, process, signal, ignores);
}

void process_terminal_release(struct process_table *table, struct process_terminal *terminal,
			      bool hangs_up)
{
	uint32_t session = terminal->session, foreground = terminal->foreground;

	table->kernel->release_terminal(terminal, hangs_up);
	*terminal = (struct process_terminal){ .device = 0 };
	process_terminal_publish(table, session);
	process_send_group(table, foreground, SIGHUP);
	process_send_group(table, foreground, SIGCONT);
}

void process_terminal_hang_up(struct process_table *table, struct process_terminal *terminal)
{
	const struct posix_signal end = { .number_and_code = POSIX_SIGNAL(SIGHUP, CODE_KERNEL) };
	const struct posix_signal go_on = { .number_and_code = POSIX_SIGNAL(SIGCONT, CODE_KERNEL) };
	struct process *leader = process_find(table, terminal->session);

	if (leader && leader->group != terminal->foreground) {
		process_send(table, leader, &end);
		process_send(table, leader, &go_on);
	}
	process_terminal_release(table, terminal, true);
}

void process_terminal_signals(struct process_table *table, struct process_terminal *terminal,
			      uint64_t signals)
{
	static const uint32_t typed[] = { SIGINT, SIGQUIT, SIGTSTP, SIGWINCH };

	if (!terminal->session)
		return;
	for (size_t i = 0; i < sizeof(typed) / sizeof(typed[0]); i++)
		if (signals >> typed[i] & 1)
			process_send_group(table, terminal->foreground, typed[i]);
	if (signals >> SIGHUP & 1)
		process_terminal_hang_up(table, terminal);
}
