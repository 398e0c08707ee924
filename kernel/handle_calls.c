/* System calls on handles of any type. */
#include "kernel/handle.h"
#include "kernel/hart.h"
#include "kernel/process.h"
#include "kernel/thread.h"

s64 handle_insert_new(struct object *object, u32 rights)
{
	s64 result = handle_insert(arch_hart()->current->process, object, rights);

	if (result < 0)
		object_put(object);
	return result;
}

s64 sys_handle_close(u64 handle)
{
	struct process *process = arch_hart()->current->process;
	struct object *object = handle_remove(process, (s64)handle);

	if (!object)
		return -EBADF;
	if (object->type == TERN_TYPE_LISTENER)
		thread_forget_listener_handle(process, (s64)handle);
	object_put(object);
	return 0;
}

/* The object to copy a handle of, and the rights that there are to it. */
static int resolve_source(s64 handle, u32 *rights, struct object **object)
{
	struct thread *thread = arch_hart()->current;

	*rights = OBJECT_RIGHTS;
	if (handle == TERN_SELF_PROCESS)
		*object = &thread->process->object;
	else if (handle == TERN_SELF_THREAD)
		*object = &thread->object;
	else {
		*rights = handle_rights(handle);
		return handle_resolve(thread->process, handle, TERN_TYPE_NONE, TERN_RIGHT_COPY,
				      object);
	}
	return 0;
}

/* Copy a handle of the current process into `to`, which may be the same. */
static s64 handle_copy(struct process *to, u64 handle, u64 rights)
{
	struct object *object;
	u32 allowed;
	s64 result;
	int error = resolve_source((s64)handle, &allowed, &object);

	if (error)
		return error;
	if (rights & ~(u64)TERN_RIGHTS_ALL || object->type == TERN_TYPE_REPLY)
		return -EINVAL;
	if (!object_get_live(object))
		return -EBADF;
	rights &= allowed | TERN_RIGHT_NO_INHERIT;
	result = handle_insert(to, object, (u32)rights);
	if (result < 0)
		object_put(object);
	return result;
}

s64 sys_handle_duplicate(u64 handle, u64 rights)
{
	return handle_copy(arch_hart()->current->process, handle, rights);
}

s64 sys_handle_info(u64 handle)
{
	struct object *object = handle_lookup(arch_hart()->current->process, (s64)handle);

	return object ? (s64)object->type << 16 | handle_rights((s64)handle) : -EBADF;
}

s64 sys_handle_give(u64 process_handle, u64 handle, u64 rights)
{
	struct process *process;
	int error = process_resolve((s64)process_handle, TERN_RIGHT_GIVE, &process);

	return error ? error : handle_copy(process, handle, rights);
}
