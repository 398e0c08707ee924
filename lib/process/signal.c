/*
 * Signals from one process to another: who may, to whom it goes, and the ones that the server carries
 * out itself. A stop signal in the mailbox and SIGCONT take each other away. A stop that a process
 * asks for as the default action of what it fetched earlier could come after the SIGCONT that was
 * to end it; so continues are counted, and the process says which count it saw.
 */
#include <errno.h>
#include <signal.h>

#include "lib/process/process.h"

#define BIT(number) (1ul << ((number)-1))
#define STOPS (BIT(SIGSTOP) | BIT(SIGTSTP) | BIT(SIGTTIN) | BIT(SIGTTOU))
#define CODE_STOPPED 5
#define CODE_CONTINUED 6
#define CODE_KERNEL 0x80

static void resume(struct process_table *table, struct process *process)
{
	process->is_stopped = false;
	process->stop_is_news = false;
	process->continue_is_news = true;
	if (process->handle)
		table->kernel->resume(process->handle);
	process_tell_parent(table, process, CODE_CONTINUED, SIGCONT);
}

static void stop(struct process_table *table, struct process *process, uint32_t signal)
{
	if (process->is_stopped)
		return;
	process->is_stopped = true;
	process->stop_signal = signal;
	process->stop_is_news = true;
	process->continue_is_news = false;
	if (process->handle)
		table->kernel->stop(process->handle);
	process_tell_parent(table, process, CODE_STOPPED, signal);
}

static int64_t carry_out_kill(struct process_table *table, struct process *process)
{
	process->is_to_die = true;
	if (process->handle && process_is_forking(table, process))
		table->kernel->resume(process->handle);
	else if (process->handle)
		process_end(table, process);
	return 0;
}

static int64_t put(struct process_table *table, struct process *process,
		   const struct posix_signal *signal, struct process_timer *timer)
{
	int64_t result = process_mail_put(process, signal, timer);

	if (!result && process->handle)
		table->kernel->interrupt(process->handle);
	return result;
}

static int64_t send(struct process_table *table, struct process *process,
		    const struct posix_signal *signal, struct process_timer *timer)
{
	uint32_t number = (uint32_t)POSIX_SIGNAL_NUMBER(signal);

	if (process->state == PROCESS_ZOMBIE || !number)
		return 0;
	if (number == SIGKILL)
		return carry_out_kill(table, process);
	if (BIT(number) & STOPS)
		process_mail_discard(process, BIT(SIGCONT));
	if (number == SIGSTOP) {
		stop(table, process, number);
		return 0;
	}
	if (number == SIGCONT) {
		process->continues++;
		process_mail_discard(process, STOPS);
		if (process->is_stopped)
			resume(table, process);
	}
	return put(table, process, signal, timer);
}

int64_t process_send(struct process_table *table, struct process *process,
		     const struct posix_signal *signal)
{
	return send(table, process, signal, NULL);
}

int64_t process_send_timer(struct process_table *table, struct process_timer *timer,
			   const struct posix_signal *signal)
{
	return send(table, timer->process, signal, timer);
}

int64_t process_send_group(struct process_table *table, uint32_t group, uint32_t number)
{
	const struct posix_signal signal = { .number_and_code = POSIX_SIGNAL(number, CODE_KERNEL) };
	int64_t result = -ESRCH;

	PROCESS_FOR_EACH(table, process) {
		if (process->group != group)
			continue;
		process_send(table, process, &signal);
		result = 0;
	}
	return result;
}

int64_t process_stop(struct process_table *table, struct process *process, uint32_t signal,
		     uint32_t continues)
{
	if (!signal || signal > POSIX_SIGNALS || !(BIT(signal) & STOPS))
		return -EINVAL;
	if (process->continues != continues)
		return 0;
	if (signal != SIGSTOP && process_group_is_orphaned(table, process->group, NULL))
		return 0;
	stop(table, process, signal);
	return 1;
}

/* To the server itself, as an init would understand it. */
static int64_t kill_server(struct process_table *table, const struct process *sender,
			   uint32_t number)
{
	if (sender->identity.effective_user)
		return -EPERM;
	if (number == SIGUSR1 || number == SIGUSR2)
		table->kernel->shut_down(POSIX_POWER_OFF, 0);
	else if (number == SIGTERM || number == SIGINT)
		table->kernel->shut_down(POSIX_REBOOT, 0);
	return 0;
}

static int64_t kill_one(struct process_table *table, struct process *sender, struct process *target,
			const struct posix_signal *signal)
{
	if (!process_may_signal(sender, target, (uint32_t)POSIX_SIGNAL_NUMBER(signal)))
		return -EPERM;
	return process_send(table, target, signal);
}

static int64_t kill_many(struct process_table *table, struct process *sender, uint32_t group,
			 const struct posix_signal *signal)
{
	int64_t result = -ESRCH;
	bool is_any = false;

	PROCESS_FOR_EACH(table, process) {
		int64_t error;

		if (group ? process->group != group : process == sender)
			continue;
		error = kill_one(table, sender, process, signal);
		is_any |= !error;
		if (error != -EPERM || group)
			result = error;
	}
	return is_any ? 0 : result;
}

int64_t process_kill(struct process_table *table, struct process *sender, const uint64_t *words)
{
	int64_t pid = (int64_t)words[1];
	int32_t code = (int32_t)words[3];
	struct posix_signal signal = {
		.number_and_code = POSIX_SIGNAL(words[2], code),
		.thread = (uint32_t)words[5],
		.pid = sender->pid,
		.uid = sender->identity.user,
		.value = words[4],
	};
	struct process *target;

	if (words[2] > POSIX_SIGNALS || code > 0 || code < -128)
		return -EINVAL;
	if (pid <= -(int64_t)PROCESS_PID_LIMIT || pid >= (int64_t)PROCESS_PID_LIMIT)
		return -ESRCH;
	if (pid == POSIX_SERVER_PID)
		return kill_server(table, sender, (uint32_t)words[2]);
	if (pid == -1)
		return kill_many(table, sender, 0, &signal);
	if (pid <= 0)
		return kill_many(table, sender, pid ? (uint32_t)-pid : sender->group, &signal);
	target = process_find(table, (uint32_t)pid);
	return target ? kill_one(table, sender, target, &signal) : -ESRCH;
}

/* Waiters of the parent hear of every change, and it gets a signal if it wants one. */
void process_tell_parent(struct process_table *table, struct process *process, int code,
			 uint32_t status)
{
	const struct posix_signal signal = {
		.number_and_code = POSIX_SIGNAL(SIGCHLD, code),
		.pid = process->pid,
		.uid = process->identity.user,
		.value = status,
	};
	struct process *parent = process->parent;
	bool is_end = code != CODE_STOPPED && code != CODE_CONTINUED;

	if (!parent)
		return;
	if (parent->child_action & POSIX_CHILD_NOTIFY &&
	    (is_end || !(parent->child_action & POSIX_CHILD_NO_STOP)))
		process_send(table, parent, &signal);
	else if (is_end)
		parent->child_news = true;
	process_wait_check(table, parent);
}
