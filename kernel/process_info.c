/*
 * Figures about a process, and a walk through its regions.
 *
 * CPU time is charged to the process that owns the running time slice: that of the thread which was taken
 * off the run queue last, or for which that one works. A server that runs on a caller's time is paid by it,
 * so IPC reads no clock: it is read when the owner of a hart changes, at the end of each slice, and
 * when somebody asks. A message may bring a thread into the slice of whoever answers it: what is left
 * of that is all that it gets for nothing.
 */
#include "kernel/process_info.h"

#include "kernel/address_space.h"
#include "kernel/hart.h"
#include "kernel/process.h"
#include "kernel/thread.h"
#include "kernel/user_copy.h"
#include "tern/memory.h"
#include "tern/process.h"

#define PAYER_DEPTH 8
#define SHOWN_FLAGS (MAP_PROTECTION | TERN_MAP_GUARD | TERN_MAP_PRIVATE)

void cpu_time_charge(struct hart *hart, struct process *owner)
{
	struct process *before = hart->run_queue.owner;
	u64 now = arch_ticks();

	if (before)
		atomic_fetch_add_explicit(&before->cpu_ticks, now - hart->run_queue.owned_since,
					  memory_order_relaxed);
	hart->run_queue.owned_since = now;
	hart->run_queue.owner = owner;
}

/*
 * Whoever has called, and waits for the answer, pays. That it waits says that its process is not torn
 * down before this hart has passed the next quiescent state; the teardown looks at the owners after it.
 */
void cpu_time_settle(struct hart *hart)
{
	const struct thread *thread = hart->current, *caller;

	for (u32 depth = 0; depth < PAYER_DEPTH; depth++) {
		caller = atomic_load_explicit(&thread->caller, memory_order_relaxed);
		if (!caller || atomic_load(&caller->token) != thread->caller_token)
			break;
		thread = caller;
	}
	cpu_time_charge(hart, thread->process);
}

void cpu_time_hand_over(struct process *process, struct process *owner)
{
	for (u32 i = 0; i < hart_count; i++) {
		spin_lock(&harts[i].run_queue.lock);
		/* Who asks may run in a slice that it was switched to by a message: its own now. */
		if (owner && &harts[i] == arch_hart())
			cpu_time_settle(&harts[i]);
		else if (harts[i].run_queue.owner == process)
			cpu_time_charge(&harts[i], owner);
		spin_unlock(&harts[i].run_queue.lock);
	}
}

s64 sys_process_info(u64 handle, u64 query)
{
	struct process *process;
	int error = process_resolve((s64)handle, TERN_RIGHT_READ, &process);

	if (error)
		return error;
	switch (query) {
	case TERN_PROCESS_CPU_TIME:
		cpu_time_hand_over(process, process);
		return (s64)arch_time_of(atomic_load(&process->cpu_ticks));
	case TERN_PROCESS_PRIVATE:
		return (s64)(process->space.anonymous_pages * PAGE_SIZE);
	case TERN_PROCESS_MAPPED:
		return (s64)process->space.regions.length;
	case TERN_PROCESS_THREADS:
		return process->thread_count;
	default:
		return -EINVAL;
	}
}

/* False: there is none. */
static bool describe_region(struct process *process, u64 address, struct tern_region *to)
{
	const struct region *region;

	spin_lock(&process->space.lock);
	region = region_find_from(&process->space.regions, address);
	if (region)
		*to = (struct tern_region){
			.start = region->start,
			.length = region->end - region->start,
			.offset = region->memobj ? region->offset : 0,
			.flags = (region->flags & SHOWN_FLAGS) |
				 (region->memobj ? TERN_REGION_MEMOBJ : 0),
		};
	spin_unlock(&process->space.lock);
	return region;
}

s64 sys_region_info(u64 handle, u64 address, u64 to)
{
	struct tern_region found;
	struct process *process;
	int error = process_resolve((s64)handle, TERN_RIGHT_READ, &process);

	if (error == -EPERM)
		error = process_resolve((s64)handle, TERN_RIGHT_OWNER, &process);
	if (error)
		return error;
	if (!describe_region(process, address, &found))
		return -ENOENT;
	return user_copy_failed(
		copy_to_user(arch_hart()->current->process, UADDR(to), &found, sizeof(found)));
}
