/*
 * User-level pagers: faults of a region that the kernel itself cannot resolve go to a client port.
 *
 * The thread waits on its space's list, the port is notified; the pager fetches the fault, changes
 * mappings as it likes with the ordinary calls, and ends it: then all threads that wait for that page
 * execute their instructions again, or take the fault with the error that the pager gives.
 *
 * Only user instructions wait so: the kernel's own accesses fail.
 */
#include "kernel/region_pager.h"

#include "kernel/hart.h"
#include "kernel/ipc.h"
#include "kernel/process.h"
#include "kernel/sched.h"
#include "kernel/user_copy.h"
#include "tern/memory.h"

#define IS_FETCHED 0x80 /* in a waiting thread's missing_access: the pager knows of it */

static const u32 access_names[] = { [ACCESS_READ] = TERN_MAP_READ,
				    [ACCESS_WRITE] = TERN_MAP_WRITE,
				    [ACCESS_EXECUTE] = TERN_MAP_EXECUTE };

bool region_pager_wait(struct region *region, uaddr address, enum access access, int *error)
{
	struct thread *thread = arch_hart()->current;
	struct process *process = region->process;

	if (!region->pager || thread->process != process)
		return false;
	if (thread->pager_error) {
		*error = -thread->pager_error;
		thread->pager_error = 0;
		return false;
	}
	if (!atomic_load(&region->pager->callee)) {
		*error = -EIO;
		return false;
	}
	thread->wait.missing = address;
	thread->wait.missing_access = (u8)access;
	thread->wait.missing_error = (u8) - *error;
	sched_save_fp();
	thread->state = THREAD_FAULT;
	list_append(&process->space.faults, &thread->queue_link);
	sched_block();
	port_notify(region->pager, TERN_NOTIFY_FAULT);
	return true;
}

/* The space's lock is held. It executes its instruction again: its registers are as they were. */
static void wake(struct thread *thread, u8 error)
{
	thread->pager_error = error;
	list_remove(&thread->queue_link);
	thread->state = THREAD_ACTIVE;
	sched_ready(thread);
}

bool region_pager_cancel(struct thread *thread)
{
	struct address_space *space = &thread->process->space;
	bool is_waiting;

	if (thread->state != THREAD_FAULT ||
	    !(atomic_load(&thread->pending) & (PENDING_KILL | PENDING_UPCALL)))
		return false;
	spin_lock(&space->lock);
	is_waiting = thread->state == THREAD_FAULT;
	if (is_waiting)
		wake(thread, 0);
	spin_unlock(&space->lock);
	return is_waiting;
}

static void wake_range(struct address_space *space, u64 start, u64 end, u8 error)
{
	LIST_FOR_EACH_SAFE(node, &space->faults) {
		struct thread *thread = container_of(node, struct thread, queue_link);

		if (thread->wait.missing.value >= start && thread->wait.missing.value < end)
			wake(thread, error);
	}
}

/* ---------------------------------------------------------------------------- system calls */

static int set_pager(struct process *process, u64 start, u64 end, struct object *port,
		     struct object **old)
{
	struct address_space *space = &process->space;
	struct region *region = region_find(&space->regions, start);
	int error;

	if (!region || region->end < end)
		return -EFAULT;
	error = region_cut(process, start);
	if (!error)
		error = region_cut(process, end);
	if (error)
		return error;
	/* point of no return */
	region = region_find(&space->regions, start);
	*old = region->pager;
	region->pager = port;
	if (!port)
		wake_range(space, start, end, 0);
	return 0;
}

s64 sys_region_set_pager(u64 process_handle, u64 address, u64 length, u64 port_handle)
{
	struct object *port, *old = NULL;
	struct process *process;
	int error = process_resolve((s64)process_handle, TERN_RIGHT_OWNER, &process);

	if (!error && !region_is_page_range(address, length))
		error = -EINVAL;
	if (!error)
		error = watcher_resolve((s64)port_handle, &port);
	if (error)
		return error;
	spin_lock(&process->space.lock);
	error = set_pager(process, address, address + length, port, &old);
	spin_unlock(&process->space.lock);
	if (error)
		old = port;
	if (old)
		object_put(old);
	return error;
}

/* The first fault that nobody has fetched; the space's lock is held. */
static struct thread *next_fault(struct address_space *space, struct tern_fault *fault)
{
	LIST_FOR_EACH(node, &space->faults) {
		struct thread *thread = container_of(node, struct thread, queue_link);

		if (thread->wait.missing_access & IS_FETCHED)
			continue;
		*fault = (struct tern_fault){ .address = thread->wait.missing.value,
					      .access = access_names[thread->wait.missing_access],
					      .error = thread->wait.missing_error };
		return thread;
	}
	return NULL;
}

s64 sys_region_fetch_fault(u64 process_handle, u64 address)
{
	struct process *own = arch_hart()->current->process, *process;
	struct tern_fault fault;
	struct thread *thread;
	s64 error = process_resolve((s64)process_handle, TERN_RIGHT_OWNER, &process);

	if (error)
		return error;
	/* Before anything is taken: the buffer is there. */
	error = user_prepare_write(own, UADDR(address), sizeof(fault));
	if (error)
		return user_copy_failed((int)error);
	spin_lock(&process->space.lock);
	thread = next_fault(&process->space, &fault);
	if (thread)
		thread->wait.missing_access |= IS_FETCHED;
	spin_unlock(&process->space.lock);
	if (!thread)
		return 0;
	/* If it has been unmapped since, the program has lost what it asked for. */
	error = copy_to_user(own, UADDR(address), &fault, sizeof(fault));
	return error ? -EFAULT : 1;
}

s64 sys_region_end_fault(u64 process_handle, u64 address, u64 fault_error)
{
	struct process *process;
	int error = process_resolve((s64)process_handle, TERN_RIGHT_OWNER, &process);

	if (error)
		return error;
	address &= ~(PAGE_SIZE - 1);
	if (fault_error > TERN_FAULT_ERROR_MAX || !user_range_is_valid(address, PAGE_SIZE))
		return -EINVAL;
	/* point of no return */
	spin_lock(&process->space.lock);
	wake_range(&process->space, address, address + PAGE_SIZE, (u8)fault_error);
	spin_unlock(&process->space.lock);
	return 0;
}
