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
#include "kernel/process_info.h"
#include "kernel/sched.h"
#include "tern/event.h"
#include "tern/memory.h"
#include "tern/process.h"

#define TEARDOWN_BATCH 64
#define KILL_BATCH 16

static void process_discard(struct process *process)
{
	while (!address_space_clear(process))
		;
	address_space_free(process);
	object_discard(&process->object);
}

/* Without handle table. */
static struct process *process_allocate(struct account *account)
{
	struct object *object = object_create(account, TERN_TYPE_PROCESS);
	struct process *process;

	if (!object)
		return NULL;
	process = process_of(object);
	spin_init(&process->lock, LOCK_RANK_PROCESS);
	list_init(&process->threads);
	list_init(&process->dying);
	if (!address_space_init(process))
		return process;
	object_discard(object);
	return NULL;
}

struct process *process_create_bare(struct account *account, u32 handle_slots)
{
	struct process *process = process_allocate(account);

	if (!process || !handle_table_create(process, handle_slots))
		return process;
	process_discard(process);
	return NULL;
}

struct process *process_create(struct account *account)
{
	struct process *process = process_allocate(account);

	if (!process ||
	    (!address_space_map(process, time_page, 0, TERN_TIME_PAGE, PAGE_SIZE, TERN_MAP_READ) &&
	     !handle_table_init(process)))
		return process;
	process_discard(process);
	return NULL;
}

void watcher_tell(struct process *process, struct object **place)
{
	struct object *watcher = *place;

	*place = NULL;
	spin_unlock(&process->lock);
	if (watcher) {
		port_notify(watcher, TERN_NOTIFY_DEATH);
		object_put(watcher);
	}
}

static void process_teardown(struct reclaim_node *node)
{
	struct process *process = container_of(node, struct process, teardown);

	if (!handle_table_close(process, TEARDOWN_BATCH) || !address_space_clear(process)) {
		reclaim_defer(node, process_teardown);
		return;
	}
	cpu_time_hand_over(process, NULL);
	spin_lock(&process->lock);
	process->is_torn_down = true;
	watcher_tell(process, &process->watcher);
	object_put(&process->object);
}

/* Takes a reference, which the end of the teardown gives back. */
static void process_begin_teardown(struct process *process)
{
	object_get(&process->object);
	reclaim_defer(&process->teardown, process_teardown);
}

/* A thread that is not known to be dying yet, with a reference; NULL. It moves to the list of those
 * that are, so that each is looked at once however many there are. */
static struct thread *process_next_victim(struct process *process)
{
	struct thread *victim = NULL;
	struct list *first;

	spin_lock(&process->lock);
	first = list_first(&process->threads);
	if (first) {
		victim = container_of(first, struct thread, process_link);
		list_remove(first);
		list_append(&process->dying, first);
		object_get(&victim->object);
	}
	spin_unlock(&process->lock);
	return victim;
}

/* Kill a batch of its threads; true: none is left. */
static bool process_kill_some(struct process *process)
{
	struct thread *victim;
	u32 batch = KILL_BATCH;

	while (batch && (victim = process_next_victim(process))) {
		thread_kill(victim);
		object_put(&victim->object);
		batch = arch_interrupt_pending() ? 0 : batch - 1;
	}
	return batch != 0;
}

/* The threads that the killer did not come to. No new ones appear: the process is dead. */
static void process_kill_rest(struct reclaim_node *node)
{
	struct process *process = container_of(node, struct process, kill_rest);

	if (process_kill_some(process))
		object_put(&process->object);
	else
		reclaim_defer(node, process_kill_rest);
}

void process_kill(struct process *process, u32 status)
{
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
	if (!process_kill_some(process)) {
		object_get(&process->object);
		reclaim_defer(&process->kill_rest, process_kill_rest);
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
	return process ? handle_insert_new(&process->object, OBJECT_RIGHTS) : -ENOMEM;
}

s64 sys_process_kill(u64 handle, u64 status)
{
	struct process *process;
	int error = process_resolve((s64)handle, TERN_RIGHT_OWNER, &process);

	if (!error)
		process_kill(process, (u32)status);
	return error;
}

s64 watcher_set(struct process *process, struct thread *thread, struct object *port)
{
	struct object **watcher = thread ? &thread->watcher : &process->watcher, *old;
	bool is_late;

	/* point of no return */
	spin_lock(&process->lock);
	is_late = thread ? thread->state == THREAD_DEAD : process->is_torn_down;
	old = *watcher;
	*watcher = is_late ? NULL : port;
	spin_unlock(&process->lock);
	if (is_late && port) {
		port_notify(port, TERN_NOTIFY_DEATH);
		object_put(port);
	}
	if (old)
		object_put(old);
	return 0;
}

s64 sys_process_watch(u64 handle, u64 port_handle)
{
	struct process *process;
	struct object *port;
	int error = process_resolve((s64)handle, TERN_RIGHT_WATCH, &process);

	if (!error)
		error = watcher_resolve((s64)port_handle, &port);
	return error ? error : watcher_set(process, NULL, port);
}

s64 sys_process_status(u64 handle)
{
	struct process *process;
	s64 result = process_resolve((s64)handle, TERN_RIGHT_READ, &process);

	if (result)
		return result;
	spin_lock(&process->lock);
	result = process->is_dead ? (s64)process->status : TERN_PROCESS_RUNNING;
	spin_unlock(&process->lock);
	return result;
}
