/*
 * Debug builds: a system call that fails must have changed nothing.
 *
 * Every quick call of a debug kernel goes through syscall_checked, which counts what a call could
 * leave behind before and after it. On one hart nothing else runs meanwhile, so the counts must
 * agree exactly; with several harts others change them too, and nothing is compared. Memory is
 * not counted: a failed call may have faulted in the user's own pages.
 */
#include "kernel/debug.h"
#include "kernel/hart.h"
#include "kernel/process.h"
#include "kernel/restart.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "tern/syscall.h"

struct snapshot {
	u64 objects;
	u32 handles, regions;
	u64 token;
	struct thread *caller;
};

static struct snapshot take_snapshot(const struct thread *thread)
{
	return (struct snapshot){
		.objects = object_count(TERN_TYPE_NONE),
		.handles = thread->process->handle_admin.used,
		.regions = thread->process->space.regions.count,
		.token = atomic_load(&thread->token),
		.caller = atomic_load(&thread->caller),
	};
}

static bool is_unchanged(const struct snapshot *before, const struct snapshot *after)
{
	return before->objects == after->objects && before->handles == after->handles &&
	       before->regions == after->regions && before->token == after->token &&
	       before->caller == after->caller;
}

s64 syscall_checked(u64 a0, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6, s64 op)
{
	const struct thread *thread = arch_hart()->current;
	struct snapshot before = take_snapshot(thread), after;
	s64 result = syscall_functions[op + TERN_SYSCALL_COUNT - 1](a0, a1, a2, a3, a4, a5, a6);

	after = take_snapshot(thread);
	if (result < 0 && result != CALL_AGAIN && hart_count == 1 && !is_unchanged(&before, &after))
		panic("system call %ld failed with %ld and left something behind", op, result);
	return result;
}
