/* Copying to, from and between user spaces, page by page through the direct map. */
#include "kernel/user_copy.h"

#include "kernel/address_space.h"
#include "kernel/hart.h"
#include "kernel/memory.h"
#include "kernel/process.h"
#include "kernel/restart.h"
#include "kernel/thread.h"

bool user_range_is_valid(u64 address, u64 length)
{
	return address <= TERN_USER_TOP && length <= TERN_USER_TOP - address;
}

static size_t to_page_end(u64 address)
{
	return PAGE_SIZE - (address & (PAGE_SIZE - 1));
}

int copy_from_user(struct process *process, void *to, uaddr from, size_t length)
{
	int error = 0;

	while (length) {
		size_t step = min_u64(length, to_page_end(from.value));
		const void *source = address_space_resolve(process, from, ACCESS_READ, &error);

		if (!source)
			return error;
		memcpy(to, source, step);
		to = (char *)to + step;
		from.value += step;
		length -= step;
	}
	return 0;
}

int copy_to_user(struct process *process, uaddr to, const void *from, size_t length)
{
	struct translation found;
	int error = 0;

	while (length) {
		size_t step = min_u64(length, to_page_end(to.value));
		void *target = address_space_resolve_target(process, to, &found, &error);

		if (!target)
			return error;
		memcpy(target, from, step);
		if (!address_space_has_kept(&found))
			continue;
		from = (const char *)from + step;
		to.value += step;
		length -= step;
	}
	return 0;
}

int user_prepare_write(struct process *process, uaddr address, size_t length)
{
	u64 end = address.value + length;
	int error = 0;

	if (!user_range_is_valid(address.value, length))
		return -EFAULT;
	for (u64 at = address.value; at < end; at += to_page_end(at))
		if (!address_space_resolve(process, UADDR(at), ACCESS_WRITE, &error))
			return error;
	return 0;
}

s64 syscall_again(void)
{
	struct frame *frame = &arch_hart()->current->frame;

	frame_restart(frame);
	return (s64)frame->result;
}

bool syscall_is_late(void)
{
	return arch_interrupt_pending() || atomic_load(&arch_hart()->current->pending);
}

s64 user_copy_failed(int error)
{
	struct thread *thread = arch_hart()->current;
	u64 pc = thread->frame.pc, first = thread->frame.result;

	if (error != -EAGAIN)
		return error;
	/* Restarted before it blocks: then another hart may run it at any time. */
	call_rewind(thread);
	error = address_space_fault(thread->process, thread->wait.missing,
				    (enum access)thread->wait.missing_access, false);
	if (error)
		thread->frame.pc = pc;
	return error ? error : (s64)first;
}

s64 copy_between(struct process *to_process, uaddr to, struct process *from_process, uaddr from,
		 size_t length)
{
	struct translation found;
	size_t done = 0;
	int error = 0;

	while (done < length) {
		size_t step = min_u64(length - done,
				      min_u64(to_page_end(to.value), to_page_end(from.value)));
		const void *source = address_space_resolve(from_process, from, ACCESS_READ, &error);
		void *target = source ? address_space_resolve_target(to_process, to, &found, &error)
				      : NULL;

		if (!target)
			return done ? (s64)done : error == -EAGAIN ? -EFAULT : error;
		memmove(target, source, step);
		if (!address_space_has_kept(&found))
			continue;
		to.value += step;
		from.value += step;
		done += step;
	}
	return (s64)done;
}
