/* The operations of include/proto/posix.h. All but those in mounts.c and terminal.c run locked. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "posix.h"
#include "tern/process.h"
#include "tern/system.h"

/* Runs locked, for a process that lives. */
typedef int64_t operation(struct process *process, struct server_call *call, uint64_t *words);

static int64_t do_self(struct process *process, struct server_call *call, uint64_t *words)
{
	(void)call;
	words[1] = process->pid;
	words[2] = process->slot;
	words[3] = process->parent ? process->parent->pid : POSIX_SERVER_PID;
	words[4] = process->group;
	words[5] = process->session;
	return 0;
}

static int64_t do_fork_begin(struct process *process, struct server_call *call, uint64_t *words)
{
	struct process *child;
	tern_handle port;

	if (table.is_ending ||
	    (words[1] && process_count_of(&table, process->identity.user) >= words[1]))
		return -EAGAIN;
	child = process_fork(&table, process);
	if (!child)
		return -EAGAIN;
	port = identity_port(child);
	if (port < 0) {
		process_aborted(&table, child);
		return -EAGAIN;
	}
	server_give(call, port, TERN_RIGHTS_ALL & ~TERN_RIGHT_NO_INHERIT);
	words[1] = child->slot;
	return child->pid;
}

static bool is_process(tern_handle handle)
{
	const uint64_t needed = TERN_RIGHT_OWNER | TERN_RIGHT_READ | TERN_RIGHT_WATCH;
	tern_result info = tern_handle_info(handle);

	return info >= 0 && info >> 16 == TERN_TYPE_PROCESS && ((uint64_t)info & needed) == needed;
}

static int64_t do_fork_end(struct process *process, struct server_call *call, uint64_t *words)
{
	struct process *child = process_find(&table, (uint32_t)words[1]);
	tern_handle handle = call->message.handle_count ? call->message.handles[0] : 0;

	if (!child || child->parent != process || child->state != PROCESS_EMBRYO)
		return -ESRCH;
	if (handle && !is_process(handle))
		return -EBADF;
	if (!handle) {
		process_aborted(&table, child);
		return 0;
	}
	call->message.handles[0] = 0;
	process_born(&table, child, handle);
	process_watch_death(child);
	return 0;
}

/* A client's bytes: in the words, or in the in window. */
static int64_t get_bytes(struct server_call *call, void *bytes, uint64_t length)
{
	if (call->has_windows)
		return server_read(call, 0, bytes, length);
	if (length > POSIX_INLINE)
		return -EINVAL;
	memcpy(bytes, &call->message.words[POSIX_INLINE_WORD], length);
	return 0;
}

static int64_t do_exec(struct process *process, struct server_call *call, uint64_t *words)
{
	char text[POSIX_ARGUMENTS_MAX];
	uint64_t name = words[1], arguments = words[2];
	int64_t error;

	if (name > sizeof(text) || arguments > (1ul << 32))
		return -EINVAL;
	if (arguments > sizeof(text) - name)
		arguments = sizeof(text) - name;
	error = get_bytes(call, text, name + arguments);
	return error ? error
		     : process_exec(&table, process, text, (uint32_t)name, (uint32_t)arguments);
}

static int64_t do_wait(struct process *process, struct server_call *call, uint64_t *words)
{
	int64_t result = process_wait(&table, process, words);
	tern_handle reply;
	uint64_t cookie;

	(void)call;
	if (result != -EAGAIN)
		return result;
	cookie = process_wait_cookie(&table, process, words);
	if (!cookie)
		return -ENOMEM;
	reply = tern_reply_park(cookie, TERN_PARK_CANCELLABLE);
	if (reply < 0) {
		process_wait_cancel(&table, cookie);
		return reply == -ECANCELED ? -EINTR : -ENOMEM;
	}
	process_wait_parked(process, cookie, reply);
	return SERVER_PARKED;
}

static int64_t do_child_action(struct process *process, struct server_call *call, uint64_t *words)
{
	(void)call;
	return words[1] > UINT32_MAX ? -EINVAL
				     : process_child_action(&table, process, (uint32_t)words[1]);
}

static int64_t do_kill(struct process *process, struct server_call *call, uint64_t *words)
{
	(void)call;
	return process_kill(&table, process, words);
}

static int64_t do_signals(struct process *process, struct server_call *call, uint64_t *words)
{
	(void)call;
	return process_mail_take(process, words);
}

static int64_t do_robust(struct process *process, struct server_call *call, uint64_t *words)
{
	(void)call, (void)words;
	process->has_robust = true;
	return 0;
}

static int64_t do_stop(struct process *process, struct server_call *call, uint64_t *words)
{
	(void)call;
	if (words[1] > POSIX_SIGNALS)
		return -EINVAL;
	return process_stop(&table, process, (uint32_t)words[1], (uint32_t)words[2]);
}

/* ----------------------------------------------------------------------------- groups, sessions */

static int64_t do_set_group_of(struct process *process, struct server_call *call, uint64_t *words)
{
	(void)call;
	if (words[1] >= PROCESS_PID_LIMIT)
		return words[1] > INT32_MAX ? -EINVAL : -ESRCH;
	if (words[2] >= PROCESS_PID_LIMIT)
		return words[2] > INT32_MAX ? -EINVAL : -EPERM;
	return process_set_group(&table, process, (uint32_t)words[1], (uint32_t)words[2]);
}

/* pid as in words[1]; 0: the caller. */
static struct process *named(struct process *process, const uint64_t *words)
{
	return !words[1]                      ? process
	       : words[1] < PROCESS_PID_LIMIT ? process_find(&table, (uint32_t)words[1])
					      : NULL;
}

static int64_t do_group_of(struct process *process, struct server_call *call, uint64_t *words)
{
	(void)call;
	process = named(process, words);
	return process ? (int64_t)process->group : -ESRCH;
}

static int64_t do_session_of(struct process *process, struct server_call *call, uint64_t *words)
{
	(void)call;
	process = named(process, words);
	return process ? (int64_t)process->session : -ESRCH;
}

static int64_t do_new_session(struct process *process, struct server_call *call, uint64_t *words)
{
	(void)call;
	(void)words;
	return process_new_session(&table, process);
}

/* ------------------------------------------------------------------------------------ identity */

static int64_t do_credentials(struct process *process, struct server_call *call, uint64_t *words)
{
	process = named(process, words);
	if (!process)
		return -ESRCH;
	process_credentials(process, words);
	if (!call->has_windows)
		return 0;
	return server_write(call, 0, process->identity.groups,
			    process->identity.count * sizeof(uint32_t));
}

/* What file servers know of the process is out of date: the lock is free while they are told. */
static int64_t changed(struct process *process, int64_t result)
{
	uint64_t old[MOUNTS_MAX];

	if (result)
		return result;
	memcpy(old, process->sessions, sizeof(old));
	memset(process->sessions, 0, sizeof(process->sessions));
	pthread_mutex_unlock(&table_lock);
	sessions_revoke(old);
	pthread_mutex_lock(&table_lock);
	return 0;
}

static int64_t do_set_user(struct process *process, struct server_call *call, uint64_t *words)
{
	(void)call;
	return changed(process, process_set_ids(process, false, words));
}

static int64_t do_set_group(struct process *process, struct server_call *call, uint64_t *words)
{
	(void)call;
	return changed(process, process_set_ids(process, true, words));
}

static int64_t do_set_groups(struct process *process, struct server_call *call, uint64_t *words)
{
	uint32_t groups[POSIX_GROUPS_MAX];
	uint64_t count = words[1];
	int64_t error;

	if (count > POSIX_GROUPS_MAX)
		return -EINVAL;
	error = count ? server_read(call, 0, groups, count * sizeof(groups[0])) : 0;
	return error ? error : changed(process, process_set_groups(process, groups, count));
}

static int64_t do_priority(struct process *process, struct server_call *call, uint64_t *words)
{
	(void)call;
	return process_priority(&table, process, words);
}

/* ----------------------------------------------------------------------------- timers, terminals */

static int64_t do_timer_create(struct process *process, struct server_call *call, uint64_t *words)
{
	bool counts_cpu = words[1] & POSIX_TIMER_COUNTS_CPU;
	uint64_t signal = words[1] & ~(uint64_t)POSIX_TIMER_COUNTS_CPU;

	(void)call;
	if (signal > POSIX_SIGNALS)
		return -EINVAL;
	return process_timer_create(process, (uint32_t)signal, words[2], (uint32_t)words[3],
				    counts_cpu);
}

static int64_t do_timer_set(struct process *process, struct server_call *call, uint64_t *words)
{
	(void)call;
	return process_timer_set(&table, process, words);
}

static int64_t do_timer_get(struct process *process, struct server_call *call, uint64_t *words)
{
	(void)call;
	return process_timer_get(&table, process, words);
}

static int64_t do_timer_delete(struct process *process, struct server_call *call, uint64_t *words)
{
	(void)call;
	return words[1] > UINT32_MAX ? -EINVAL
				     : process_timer_delete(&table, process, (uint32_t)words[1]);
}

static int64_t do_terminal(struct process *process, struct server_call *call, uint64_t *words)
{
	const struct process_terminal *terminal = words[2] ? process_terminal_find(&table, words[1])
							   : process_terminal_of(&table, process);

	(void)call;
	if (!terminal || !terminal->device || (words[1] && words[1] != terminal->device))
		return -ENOTTY;
	words[1] = terminal->foreground;
	words[2] = terminal->session;
	words[3] = terminal->device;
	return 0;
}

static int64_t do_terminal_release(struct process *process, struct server_call *call,
				   uint64_t *words)
{
	struct process_terminal *terminal = process_terminal_of(&table, process);

	(void)call;
	if (words[1]) {
		if (process->identity.effective_user)
			return -EPERM;
		if (terminal)
			process_terminal_hang_up(&table, terminal);
		return 0;
	}
	if (!terminal || process->session != process->pid)
		return -ENOTTY;
	process_terminal_release(&table, terminal, false);
	return 0;
}

static int64_t do_terminal_foreground(struct process *process, struct server_call *call,
				      uint64_t *words)
{
	(void)call;
	if (words[2] >= PROCESS_PID_LIMIT)
		return -EINVAL;
	return process_terminal_foreground(&table, process, words[1], (uint32_t)words[2], words[3]);
}

static int64_t do_terminal_access(struct process *process, struct server_call *call,
				  uint64_t *words)
{
	(void)call;
	return process_terminal_access(&table, process, words[1], (uint32_t)words[2], words[3]);
}

/* ----------------------------------------------------------------------------- about the system */

static int64_t do_processor(struct process *process, struct server_call *call, uint64_t *words)
{
	(void)call;
	if (words[1])
		process = words[1] < PROCESS_PID_LIMIT ? process_find(&table, (uint32_t)words[1])
						       : NULL;
	if (!process)
		return -ESRCH;
	words[1] = process_used(&table, process);
	return 0;
}

static int64_t do_times(struct process *process, struct server_call *call, uint64_t *words)
{
	(void)call;
	words[1] = process->child_used;
	words[2] = 0;
	words[3] = process->child_largest;
	return 0;
}

static int64_t do_system(struct process *process, struct server_call *call, uint64_t *words)
{
	(void)process;
	(void)call;
	words[1] = table.count;
	memcpy(&words[2], process_loads(&table), PROCESS_LOADS * sizeof(words[2]));
	words[5] = (uint64_t)tern_system_info(TERN_INFO_TOTAL_PAGES) * TERN_PAGE_SIZE;
	words[6] = (uint64_t)tern_system_info(TERN_INFO_FREE_PAGES) * TERN_PAGE_SIZE;
	return 0;
}

static int64_t do_set_name(struct process *process, struct server_call *call, uint64_t *words)
{
	char *name = words[1] ? table.board->domain_name : table.board->host_name;
	char bytes[POSIX_HOST_NAME_MAX + 1] = { 0 };
	uint64_t length = words[2];
	int64_t error;

	if (process->identity.effective_user)
		return -EPERM;
	if (words[1] > 1 || length > POSIX_HOST_NAME_MAX)
		return -EINVAL;
	error = get_bytes(call, bytes, length);
	if (!error)
		memcpy(name, bytes, sizeof(bytes));
	return error;
}

static int64_t do_reboot(struct process *process, struct server_call *call, uint64_t *words)
{
	(void)call;
	if (process->identity.effective_user)
		return -EPERM;
	if (words[1] > POSIX_REBOOT)
		return -EINVAL;
	shutdown_ask((enum posix_reboot)words[1], (uint32_t)words[2] & 0x7f);
	return 0;
}

static operation *const operations[POSIX_OP_COUNT] = {
	[POSIX_OP_self] = do_self,
	[POSIX_OP_fork_begin] = do_fork_begin,
	[POSIX_OP_fork_end] = do_fork_end,
	[POSIX_OP_exec] = do_exec,
	[POSIX_OP_wait] = do_wait,
	[POSIX_OP_child_action] = do_child_action,
	[POSIX_OP_kill] = do_kill,
	[POSIX_OP_signals] = do_signals,
	[POSIX_OP_robust] = do_robust,
	[POSIX_OP_stop] = do_stop,
	[POSIX_OP_set_group_of] = do_set_group_of,
	[POSIX_OP_group_of] = do_group_of,
	[POSIX_OP_session_of] = do_session_of,
	[POSIX_OP_new_session] = do_new_session,
	[POSIX_OP_credentials] = do_credentials,
	[POSIX_OP_set_user] = do_set_user,
	[POSIX_OP_set_group] = do_set_group,
	[POSIX_OP_set_groups] = do_set_groups,
	[POSIX_OP_timer_create] = do_timer_create,
	[POSIX_OP_timer_set] = do_timer_set,
	[POSIX_OP_timer_get] = do_timer_get,
	[POSIX_OP_timer_delete] = do_timer_delete,
	[POSIX_OP_terminal] = do_terminal,
	[POSIX_OP_terminal_release] = do_terminal_release,
	[POSIX_OP_terminal_foreground] = do_terminal_foreground,
	[POSIX_OP_terminal_access] = do_terminal_access,
	[POSIX_OP_processor] = do_processor,
	[POSIX_OP_times] = do_times,
	[POSIX_OP_system] = do_system,
	[POSIX_OP_priority] = do_priority,
	[POSIX_OP_set_name] = do_set_name,
	[POSIX_OP_reboot] = do_reboot,
	[POSIX_OP_notice] = notice_create,
	[POSIX_OP_notice_now] = notice_now,
};

/* These call other servers, and lock for themselves. */
static server_function *const unlocked[POSIX_OP_COUNT] = {
	[POSIX_OP_session] = mount_session,
	[POSIX_OP_mounts] = mount_list,
	[POSIX_OP_service] = pipe_service,
	[POSIX_OP_place] = node_place,
	[POSIX_OP_fifo] = node_fifo,
	[POSIX_OP_terminal_claim] = terminal_claim,
	[POSIX_OP_terminal_open] = terminal_open,
	[POSIX_OP_become] = process_become,
};

int64_t process_operation(struct server_call *call)
{
	uint64_t number = call->message.words[0];
	struct process *process;
	int64_t result = -ESRCH;

	if (number >= POSIX_OP_COUNT)
		return -ENOSYS;
	if (unlocked[number])
		return unlocked[number](call);
	if (!operations[number])
		return -ENOSYS;
	pthread_mutex_lock(&table_lock);
	process = process_of(call->message.userdata);
	if (process)
		result = operations[number](process, call, call->message.words);
	pthread_mutex_unlock(&table_lock);
	return result;
}
