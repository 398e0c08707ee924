/*
 * Groups and sessions. They are numbers in the records, not objects: what a group is follows from who is
 * in it, so nothing can be left behind, and a scan of the table costs less than keeping lists.
 *
 * A group is *orphaned* when no member has a parent in another group of the same session: nobody is left
 * who could continue it.
 */
#include <errno.h>
#include <signal.h>

#include "lib/process/process.h"

static bool is_living(const struct process *process)
{
	return process->state == PROCESS_ALIVE || process->state == PROCESS_EMBRYO;
}

bool process_group_exists(struct process_table *table, uint32_t group, uint32_t session)
{
	PROCESS_FOR_EACH(table, process)
		if (process->group == group && process->session == session)
			return true;
	return false;
}

bool process_group_is_orphaned(struct process_table *table, uint32_t group,
			       const struct process *ignored)
{
	PROCESS_FOR_EACH(table, process) {
		const struct process *parent = process->parent;

		if (process->group != group || process == ignored || !is_living(process))
			continue;
		if (parent && parent->group != group && parent->session == process->session)
			return false;
	}
	return true;
}

static bool has_stopped(struct process_table *table, uint32_t group)
{
	PROCESS_FOR_EACH(table, process)
		if (process->group == group && process->is_stopped)
			return true;
	return false;
}

void process_group_check(struct process_table *table, uint32_t group)
{
	if (!has_stopped(table, group) || !process_group_is_orphaned(table, group, NULL))
		return;
	process_send_group(table, group, SIGHUP);
	process_send_group(table, group, SIGCONT);
}

int64_t process_set_group(struct process_table *table, struct process *caller, uint32_t pid,
			  uint32_t group)
{
	struct process *process = pid ? process_find(table, pid) : caller;
	uint32_t old;

	if (group >= PROCESS_PID_LIMIT)
		return -EINVAL;
	if (!process || (process != caller && process->parent != caller) || !is_living(process))
		return -ESRCH;
	if (process != caller && process->session != caller->session)
		return -EPERM;
	if (process != caller && process->has_execed)
		return -EACCES;
	if (process->session == process->pid)
		return -EPERM;
	if (!group)
		group = process->pid;
	if (group != process->pid && !process_group_exists(table, group, process->session))
		return -EPERM;
	old = process->group;
	process->group = group;
	process_publish(table, process);
	if (old != group)
		process_group_check(table, old);
	return 0;
}

int64_t process_new_session(struct process_table *table, struct process *caller)
{
	uint32_t old = caller->group;

	PROCESS_FOR_EACH(table, process)
		if (process->group == caller->pid)
			return -EPERM;
	caller->group = caller->session = caller->pid;
	process_publish(table, caller);
	process_group_check(table, old);
	return caller->pid;
}
