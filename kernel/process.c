/*
 * Processes: life, death, and arguments that name them.
 *
 * Death is a chain of bounded steps, none of which waits: process_kill marks the process and
 * requests the death of each thread; the last thread's death queues the teardown, which runs after
 * a grace period (so no hart has the space active or borrows its handles) and closes handles and
 * clears memory a batch at a time; then the watcher is told.
 */
#include "kernel/process.h"

#include "kernel/account.h"
#include "kernel/boot.h"
#include "kernel/debug.h"
#include "kernel/ipc.h"
#include "kernel/sched.h"
#include "tern/event.h"
#include "tern/memory.h"
#include "tern/process.h"

#define TEARDOWN_BATCH 64

struct process *process_create(struct account *account)
{
	struct object *object = object_create(account, TERN_TYPE_PROCESS);
	struct process *process;

	if (!object)
		return NULL;
	process = process_of(object);
	spin_init(&process->lock, LOCK_RANK_PROCESS);
	list_init(&process->threads);
	if (address_space_init(process)) {
		object_discard(object);
		return NULL;
	}
	if (address_space_map(process, time_page, 0, TERN_TIME_PAGE, PAGE_SIZE, TERN_MAP_READ) ||
	    handle_table_init(process)) {
		while (!address_space_clear(process, TEARDOWN_BATCH))
			;
		address_space_free(process);
		object_discard(object);
		return NULL;
	}
	return process;
}

static void process_tell_watcher(struct process *process)
{
	struct object *watcher;

	spin_lock(&process->lock);
	process->is_torn_down = true;
	watcher = process->watcher;
	process->watcher = NULL;
	spin_unlock(&process->lock);
	if (watcher) {
		port_notify(watcher, TERN_NOTIFY_DEATH);
		object_put(watcher);
	}
}

static void process_teardown(struct reclaim_node *node)
{
	struct process *process = container_of(node, struct process, teardown);

	if (!handle_table_close(process, TEARDOWN_BATCH) ||
	    !address_space_clear(process, TEARDOWN_BATCH)) {
		reclaim_defer(node, process_teardown);
		return;
	}
	process_tell_watcher(process);
	object_put(&process->object);
}

/* Takes a reference, which the end of the teardown gives back. */
static void process_begin_teardown(struct process *process)
{
	object_get(&process->object);
	reclaim_defer(&process->teardown, process_teardown);
}

/* The first thread that is not known to be dying yet, with a reference; NULL. */
static struct thread *process_next_victim(struct process *process)
{
	struct thread *victim = NULL;

	spin_lock(&process->lock);
	LIST_FOR_EACH(node, &process->threads) {
		struct thread *thread = container_of(node, struct thread, process_link);

		/* One that dies of itself is about to leave the list: do not wait for it. */
		if (thread->state == THREAD_DEAD || atomic_load(&thread->pending) & PENDING_KILL)
			continue;
		object_get(&thread->object);
		victim = thread;
		break;
	}
	spin_unlock(&process->lock);
	return victim;
}

void process_kill(struct process *process, u32 status)
{
	struct thread *victim;
	bool is_first, has_threads;

	spin_lock(&process->lock);
	is_first = !process->is_dead;
	has_threads = process->thread_count != 0;
	if (is_first) {
		process->is_dead = true;
		process->status = status;
	}
	spin_unlock(&process->lock);
	if (!is_first)
		return;
	while ((victim = process_next_victim(process))) {
		thread_kill(victim);
		object_put(&victim->object);
	}
	if (!has_threads)
		process_begin_teardown(process);
}

void process_thread_gone(struct process *process)
{
	bool is_last;

	spin_lock(&process->lock);
	is_last = --process->thread_count == 0;
	process->is_dead |= is_last;
	spin_unlock(&process->lock);
	if (is_last)
		process_begin_teardown(process);
}

/* The last reference has gone: no threads are left, and no handle to start one. */
void process_destroy(struct object *object)
{
	struct process *process = process_of(object);

	if (!process->is_dead) {
		object_get(object);
		process_kill(process, 0);
		object_put(object);
		return;
	}
	if (process->watcher)
		object_put(process->watcher);
	handle_table_free(process);
	address_space_free(process);
	object_free(object);
}

void process_kill_object(struct object *object)
{
	process_kill(process_of(object), TERN_STATUS_FAULT);
}

/* ------------------------------------------------------------------------------ arguments */

int process_resolve(s64 handle, u32 rights, struct process **process)
{
	struct object *object;
	int error;

	if (handle == TERN_SELF_PROCESS) {
		*process = arch_hart()->current->process;
		return 0;
	}
	error = handle_resolve(arch_hart()->current->process, handle, TERN_TYPE_PROCESS, rights,
			       &object);
	if (!error)
		*process = process_of(object);
	return error;
}

int account_resolve(s64 handle, struct account **account)
{
	struct process *own = arch_hart()->current->process;
	struct object *object;
	struct thread *caller;
	u64 token;
	int error;

	if (handle == TERN_SELF_ACCOUNT) {
		*account = own->object.account;
		return 0;
	}
	if (handle != TERN_REPLY) {
		error = handle_resolve(own, handle, TERN_TYPE_ACCOUNT, TERN_RIGHT_CREATE, &object);
		if (!error)
			*account = container_of(object, struct account, object);
		if (error != -EPROTOTYPE)
			return error;
	}
	error = reply_resolve(handle, &caller, &token);
	if (!error)
		*account = caller->process->object.account;
	return error;
}

int event_port_resolve(s64 handle, struct object **port)
{
	int error = handle_resolve(arch_hart()->current->process, handle, TERN_TYPE_PORT,
				   TERN_RIGHT_NOTIFY, port);

	if (!error && !object_get_live(*port))
		error = -EBADF;
	return error;
}

int watcher_resolve(s64 handle, struct object **port)
{
	*port = NULL;
	return handle ? event_port_resolve(handle, port) : 0;
}

/* --------------------------------------------------------------------------- system calls */

s64 sys_process_create(u64 account_handle)
{
	struct account *account;
	struct process *process;
	s64 result = account_resolve((s64)account_handle, &account);

	if (result)
		return result;
	process = process_create(account);
	if (!process)
		return -ENOMEM;
	result = handle_insert(arch_hart()->current->process, &process->object,
			       TERN_RIGHTS_ALL & ~(TERN_RIGHT_CALL | TERN_RIGHT_NO_INHERIT));
	if (result < 0)
		object_put(&process->object);
	return result;
}

s64 sys_process_kill(u64 handle, u64 status)
{
	struct process *process;
	int error = process_resolve((s64)handle, TERN_RIGHT_OWNER, &process);

	if (!error)
		process_kill(process, (u32)status);
	return error;
}

s64 sys_process_watch(u64 handle, u64 port_handle)
{
	struct process *process;
	struct object *port, *old;
	bool is_late;
	int error = process_resolve((s64)handle, TERN_RIGHT_WATCH, &process);

	if (!error)
		error = watcher_resolve((s64)port_handle, &port);
	if (error)
		return error;
	/* point of no return */
	spin_lock(&process->lock);
	is_late = process->is_torn_down;
	old = process->watcher;
	process->watcher = is_late ? NULL : port;
	spin_unlock(&process->lock);
	if (is_late && port) {
		port_notify(port, TERN_NOTIFY_DEATH);
		object_put(port);
	}
	if (old)
		object_put(old);
	return 0;
}

s64 sys_process_status(u64 handle)
{
	struct process *process;
	int error = process_resolve((s64)handle, TERN_RIGHT_READ, &process);

	if (error)
		return error;
	return process->is_dead ? (s64)process->status : TERN_PROCESS_RUNNING;
}
