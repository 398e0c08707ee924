/* System calls on threads. */
#include "kernel/fork.h"
#include "kernel/futex.h"
#include "kernel/ipc.h"
#include "kernel/restart.h"
#include "kernel/sched.h"
#include "kernel/user_copy.h"
#include "tern/process.h"

static struct thread *current_thread(void)
{
	return arch_hart()->current;
}

static int thread_resolve(s64 handle, u32 rights, struct thread **thread)
{
	struct object *object;
	int error;

	if (handle == TERN_SELF_THREAD) {
		*thread = current_thread();
		return 0;
	}
	error = handle_resolve(current_thread()->process, handle, TERN_TYPE_THREAD, rights,
			       &object);
	if (!error)
		*thread = thread_of(object);
	return error;
}

static bool is_user_address(u64 address)
{
	return address >= TERN_USER_BASE && address < TERN_USER_TOP;
}

s64 sys_thread_create(u64 process_handle, u64 entry, u64 stack, u64 argument, u64 tp, u64 priority)
{
	struct thread *creator = current_thread();
	struct process *process;
	struct thread *thread;
	s64 result = process_resolve((s64)process_handle, TERN_RIGHT_CREATE, &process);

	if (result)
		return result;
	if (priority == TERN_PRIORITY_SAME)
		priority = creator->base_priority;
	if (!is_user_address(entry) || entry & 1 || stack > TERN_USER_TOP ||
	    priority >= TERN_PRIORITIES)
		return -EINVAL;
	if (priority > creator->base_priority)
		return -EPERM;
	if (process->is_dead)
		return -ESRCH;
	thread = thread_create(process, (u8)priority);
	if (!thread)
		return -ENOMEM;
	thread->frame.pc = entry;
	thread->frame.sp = stack;
	thread->frame.tp = tp;
	thread->frame.result = argument;
	/* A reference of our own: another thread may close the handle as soon as it exists. */
	object_get(&thread->object);
	result = handle_insert(creator->process, &thread->object, OBJECT_RIGHTS);
	if (result < 0) {
		object_put(&thread->object);
	} else if (thread_start(thread)) {
		struct object *object = handle_remove(creator->process, result);

		if (object)
			object_put(object);
		result = -ESRCH;
	}
	object_put(&thread->object);
	return result;
}

s64 sys_thread_exit(u64 clear)
{
	struct thread *thread = current_thread();
	u32 zero = 0;
	int error = 0;

	if (clear & 3)
		return -EINVAL;
	if (clear)
		error = copy_to_user(thread->process, UADDR(clear), &zero, sizeof(zero));
	if (error)
		return user_copy_failed(error);
	/* point of no return: the thread is off its stack for good */
	if (clear)
		sys_futex_wake(clear, 1);
	thread_die(thread);
	return 0;
}

s64 sys_thread_kill(u64 handle)
{
	struct thread *thread;
	int error = thread_resolve((s64)handle, TERN_RIGHT_OWNER, &thread);

	if (!error)
		thread_kill(thread);
	return error;
}

s64 sys_thread_watch(u64 handle, u64 port_handle)
{
	struct thread *thread;
	struct object *port;
	int error = thread_resolve((s64)handle, TERN_RIGHT_WATCH, &thread);

	if (!error)
		error = watcher_resolve((s64)port_handle, &port);
	return error ? error : watcher_set(thread->process, thread, port);
}

s64 sys_thread_interrupt(u64 handle, u64 flags)
{
	struct thread *thread;
	int error = thread_resolve((s64)handle, TERN_RIGHT_OWNER, &thread);

	return error ? error : thread_interrupt(thread, flags);
}

s64 sys_thread_set_upcall(u64 entry, u64 stack, u64 word)
{
	struct thread *thread = current_thread();

	if (entry && (!is_user_address(entry) || entry & 1 || stack & 15 || stack > TERN_USER_TOP ||
		      stack < TERN_USER_BASE + sizeof(struct tern_upcall)))
		return -EINVAL;
	thread->upcall_entry = entry;
	thread->upcall_stack = stack;
	thread->upcall_word = word;
	return 0;
}

s64 sys_thread_resume(u64 address)
{
	struct thread *thread = current_thread();
	struct tern_registers registers;
	int error = copy_from_user(thread->process, &registers, UADDR(address), sizeof(registers));

	if (error)
		return user_copy_failed(error);
	if (!is_user_address(registers.pc) || registers.pc & 1)
		return -EINVAL;
	frame_set_registers(&thread->frame, &registers);
	thread->in_upcall = false;
	return (s64)thread->frame.result;
}

/* Its stack must be waited for: the thread does again what led here. */
static void upcall_again(struct thread *thread, u64 cause)
{
	if (cause == TERN_UPCALL_FOREIGN)
		frame_restart(&thread->frame);
	if (cause == TERN_UPCALL_INTERRUPT) {
		atomic_fetch_or(&thread->pending, PENDING_UPCALL);
		thread_update_fast_priority(thread);
	}
	if (address_space_fault(thread->process, thread->wait.missing, ACCESS_WRITE, false))
		process_kill(thread->process, TERN_STATUS_FAULT);
}

/* Enter the upcall with the registers on its stack; a thread without one takes its process down,
 * so does one whose upcall faults. */
void thread_upcall(struct thread *thread, u64 cause, u64 value, int error)
{
	u64 address = thread->upcall_stack - sizeof(struct tern_upcall);
	struct tern_upcall upcall = {
		.cause = cause, .value = value, .word = thread->upcall_word, .error = (u64)-error
	};
	int result = -EFAULT;

	call_give_up(thread);
	frame_get_registers(&thread->frame, &upcall.registers);
	if (thread->upcall_entry && !thread->in_upcall)
		result = copy_to_user(thread->process, UADDR(address), &upcall, sizeof(upcall));
	if (result == -EAGAIN) {
		upcall_again(thread, cause);
		return;
	}
	if (result) {
		process_kill(thread->process, TERN_STATUS_FAULT);
		return;
	}
	fork_abandon(thread);
	thread->in_upcall = true;
	thread->frame.pc = thread->upcall_entry;
	thread->frame.sp = address;
	thread->frame.result = address;
}

s64 sys_thread_set_priority(u64 handle, u64 priority)
{
	struct thread *thread;
	int error = thread_resolve((s64)handle, TERN_RIGHT_OWNER, &thread);

	if (error)
		return error;
	if (priority >= TERN_PRIORITIES)
		return -EINVAL;
	if (priority > current_thread()->base_priority)
		return -EPERM;
	if (thread->state == THREAD_DEAD || atomic_load(&thread->pending) & PENDING_KILL)
		return -ESRCH;
	thread->base_priority = (u8)priority;
	if (!thread->is_boosted || thread->priority < priority) {
		thread->priority = (u8)priority;
		sched_priority_changed(thread);
	}
	return 0;
}

s64 sys_thread_accept_handles(u64 count)
{
	if (count > TERN_MESSAGE_HANDLES)
		return -EINVAL;
	current_thread()->accept_handles = (u8)count;
	return 0;
}
