/*
 * Fork: a child process with a copy of the parent's memory, handles and calling thread.
 *
 * Private regions share their pages until one side writes (kernel/private.h), others go on showing
 * the same memobj. The cost depends on the pages that the parent holds itself, never on how it came
 * to them: there are no chains of copies.
 *
 * A large parent is copied in steps, between which interrupts are taken. Progress is kept in the
 * child, which until the end is known to the caller by a handle that allows nothing; the call
 * returns to itself with that handle. What other threads of the parent write meanwhile may or may
 * not be seen by the child, as with any other order of their writes and the fork.
 */
#include "arch/page_table.h"
#include "kernel/hart.h"
#include "kernel/ipc.h"
#include "kernel/memobj.h"
#include "kernel/private.h"
#include "kernel/process.h"
#include "tern/event.h"
#include "tern/memory.h"
#include "tern/syscall.h"
#include "tern/system.h"

/* The last region that was copied is at its end, or in the middle of one: `fork_cursor` says. */
static struct region *next_region(struct process *parent, const struct process *child)
{
	struct region *region = region_find_from(&parent->space.regions, child->fork_cursor);

	/* The time page: each process has one. */
	if (region && region->start == TERN_TIME_PAGE)
		region = region_find_from(&parent->space.regions, region->end);
	return region;
}

static int copy_region(struct process *child, const struct region *region)
{
	struct region *copy = region_create(child);

	if (!copy)
		return -ENOMEM;
	copy->start = region->start;
	copy->end = region->end;
	copy->offset = region->offset;
	copy->flags = region->flags;
	copy->allowed = region->allowed;
	copy->memobj = region->memobj;
	if (copy->memobj)
		object_get(&copy->memobj->object);
	region_insert(&child->space.regions, copy);
	return 0;
}

/* One region, or a batch of its pages. 1: there is more; 0: that was all; -ENOMEM. */
static int copy_step(struct process *parent, struct process *child)
{
	struct region *region = next_region(parent, child);
	u64 start;
	int error = 0;

	if (!region)
		return 0;
	start = max_u64(region->start, child->fork_cursor);
	/* Another thread may have changed what lies here since the last step. */
	if (!region_find(&child->space.regions, start))
		error = copy_region(child, region);
	child->fork_cursor = region->end;
	if (error || !(region->flags & TERN_MAP_PRIVATE))
		return error ? error : 1;
	error = private_share(parent, child, &start, region->end);
	child->fork_cursor = start;
	return error ? error : 1;
}

static int copy_memory(struct process *parent, struct process *child)
{
	int outcome;

	spin_lock(&parent->space.lock);
	do
		outcome = copy_step(parent, child);
	while (outcome > 0 && !arch_interrupt_pending());
	spin_unlock(&parent->space.lock);
	return outcome;
}

/* The child's thread: where the caller is, with 0 as the result. */
static struct thread *copy_thread(const struct thread *parent, struct process *child)
{
	struct thread *thread = thread_create(child, parent->base_priority);

	if (!thread)
		return NULL;
	thread->frame = parent->frame;
	frame_set_result(&thread->frame, 0, 0);
	thread->fp = parent->fp;
	thread->accept_handles = parent->accept_handles;
	thread->upcall_entry = parent->upcall_entry;
	thread->upcall_stack = parent->upcall_stack;
	thread->upcall_word = parent->upcall_word;
	return thread;
}

/* Memory is copied: handles, thread, and the handle that the caller gets. */
static s64 finish(struct thread *caller, struct process *child)
{
	struct thread *thread = copy_thread(caller, child);
	s64 result = thread ? 0 : -ENOMEM;

	if (!result)
		result = handle_table_clone(caller->process, child, &caller->object,
					    &thread->object);
	if (!result)
		result = handle_insert(caller->process, &child->object,
				       TERN_RIGHTS_ALL &
					       ~(TERN_RIGHT_CALL | TERN_RIGHT_NO_INHERIT));
	if (result > 0) {
		object_get(&child->object);
		child->fork_parent = NULL;
		if (thread_start(thread))
			result = -ESRCH;
	}
	if (thread)
		object_put(&thread->object);
	return result;
}

/* The child, and in *handle what the caller continues with; NULL: *handle is the error. */
static struct process *fork_begin(struct process *parent, u64 account_handle, s64 *handle)
{
	struct account *account;
	struct process *child;

	*handle = account_resolve((s64)account_handle, &account);
	if (*handle)
		return NULL;
	child = process_create(account);
	if (!child) {
		*handle = -ENOMEM;
		return NULL;
	}
	child->fork_parent = parent;
	*handle = handle_insert(parent, &child->object, TERN_RIGHT_READ | TERN_RIGHT_NO_INHERIT);
	if (*handle > 0)
		return child;
	object_put(&child->object);
	return NULL;
}

static struct process *fork_continue(struct process *parent, s64 *handle)
{
	struct object *object;
	int error = handle_resolve(parent, *handle, TERN_TYPE_PROCESS, TERN_RIGHT_READ, &object);

	if (!error && process_of(object)->fork_parent == parent)
		return process_of(object);
	*handle = error ? error : -EINVAL;
	return NULL;
}

s64 sys_process_fork(u64 account_handle, u64 unfinished)
{
	struct thread *caller = arch_hart()->current;
	struct process *parent = caller->process;
	s64 handle = (s64)unfinished, result;
	struct process *child = unfinished ? fork_continue(parent, &handle)
					   : fork_begin(parent, account_handle, &handle);
	struct object *object;

	if (!child)
		return handle;
	result = copy_memory(parent, child);
	if (result > 0) {
		/* Interrupts first; then this call goes on. */
		caller->frame.words[0] = (u64)handle;
		caller->frame.pc -= 4;
		return (s64)account_handle;
	}
	if (!result)
		result = finish(caller, child);
	/* The handle that allowed nothing goes, and with it the child if it did not come to life. */
	object = handle_remove(parent, handle);
	if (object)
		object_put(object);
	return result;
}
