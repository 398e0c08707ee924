/*
 * Windows: the ranges of a waiting caller's memory that its server may read and write. The copy
 * goes straight between the two address spaces, under the caller's client_lock, which keeps the
 * caller waiting meanwhile.
 */
#include "kernel/hart.h"
#include "kernel/ipc.h"
#include "kernel/syscall.h"
#include "kernel/user_copy.h"

enum window { WINDOW_IN, WINDOW_OUT };

struct claim {
	struct thread *caller;
	u64 token;
};

/* Where `offset` of the window is; the client_lock is held. */
static int window_locate(const struct claim *claim, enum window window, u64 offset, u64 length,
			 uaddr *address)
{
	const struct thread *caller = claim->caller;
	const struct tern_extended *extended = &caller->extended;
	u64 size = window == WINDOW_IN ? extended->in_length : extended->out_length;

	if (atomic_load(&caller->token) != claim->token)
		return -ESRCH;
	if (caller->extended_token != claim->token || offset > size || length > size - offset)
		return -ERANGE;
	*address = UADDR(offset +
			 (window == WINDOW_IN ? extended->in_address : extended->out_address));
	return 0;
}

static s64 window_transfer(u64 handle, enum window window, u64 offset, u64 buffer, u64 length)
{
	struct process *own = arch_hart()->current->process;
	struct claim claim;
	uaddr address;
	s64 result = reply_resolve((s64)handle, &claim.caller, &claim.token);

	if (result)
		return result;
	if (!user_range_is_valid(buffer, length))
		return -EFAULT;
	spin_lock(&claim.caller->client_lock);
	result = window_locate(&claim, window, offset, length, &address);
	length = min_u64(length, TERN_COPY_MAX);
	if (!result && window == WINDOW_IN)
		result = copy_between(own, UADDR(buffer), claim.caller->process, address, length);
	else if (!result)
		result = copy_between(claim.caller->process, address, own, UADDR(buffer), length);
	spin_unlock(&claim.caller->client_lock);
	return result;
}

s64 sys_reply_read(u64 reply, u64 offset, u64 buffer, u64 length)
{
	return window_transfer(reply, WINDOW_IN, offset, buffer, length);
}

s64 sys_reply_write(u64 reply, u64 offset, u64 buffer, u64 length)
{
	return window_transfer(reply, WINDOW_OUT, offset, buffer, length);
}

/* Two locks of one rank: the second is only tried, so no two harts wait for each other. */
static void lock_both(struct thread *a, struct thread *b)
{
	for (;;) {
		spin_lock(&a->client_lock);
		if (spin_try_lock(&b->client_lock))
			return;
		spin_unlock(&a->client_lock);
		arch_cpu_relax();
	}
}

s64 sys_reply_copy(u64 from_handle, u64 from_offset, u64 to_handle, u64 to_offset, u64 length)
{
	struct claim from, to;
	uaddr source, target;
	s64 result = reply_resolve((s64)from_handle, &from.caller, &from.token);

	if (!result)
		result = reply_resolve((s64)to_handle, &to.caller, &to.token);
	if (result)
		return result;
	if (from.caller == to.caller)
		return -EINVAL;
	lock_both(from.caller, to.caller);
	result = window_locate(&from, WINDOW_IN, from_offset, length, &source);
	if (!result)
		result = window_locate(&to, WINDOW_OUT, to_offset, length, &target);
	if (!result)
		result = copy_between(to.caller->process, target, from.caller->process, source,
				      min_u64(length, TERN_COPY_MAX));
	spin_unlock(&to.caller->client_lock);
	spin_unlock(&from.caller->client_lock);
	return result;
}
