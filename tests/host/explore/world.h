/*
 * The kernel of the explorer: the real files of objects, handles, threads, IPC and scheduling, with
 * memory from malloc (so that the address sanitizer sees what is used after its grace period) and a
 * C model of the assembly fast path, access by access.
 */
#ifndef EXPLORE_WORLD_H
#define EXPLORE_WORLD_H

#include "machine.h"

#include "kernel/account.h"
#include "kernel/boot.h"
#include "kernel/debug.h"
#include "kernel/futex.h"
#include "kernel/hart.h"
#include "kernel/interrupt.h"
#include "kernel/ipc.h"
#include "kernel/memobj.h"
#include "kernel/object_alloc.h"
#include "kernel/page_alloc.h"
#include "kernel/process.h"
#include "kernel/process_info.h"
#include "kernel/resource.h"
#include "kernel/restart.h"
#include "kernel/sched.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/user_copy.h"

/*
 * Deliberate bugs, one at a time: what the explorer must find. They sit around the kernel's
 * functions, not in them.
 */
enum mutant {
	NO_MUTANT,
	CLAIM_BY_STATE,           /* any odd token will do: a reply to a later call */
	NO_SECOND_LOOK,           /* nobody looks again after a grace period */
	LOST_IPI,                 /* a hart that sleeps is not told */
	CALLER_IS_NOT_DROPPED,    /* a server that goes leaves its caller waiting */
	FAST_CALL_TRUSTS_PORT,    /* callee is not read again under the lock */
	FAST_REPLY_IGNORES_QUEUE, /* waits although somebody is queued */
	STOP_LOOKS_ONCE,          /* nobody looks again after a grace period */
	FLUSH_LOOKS_ONCE,         /* a hart may have woken before it was told to forget */
	MUTANTS
};

static enum mutant mutant;

#define caller_claim(caller, expected)                                                             \
	caller_claim(caller, mutant == CLAIM_BY_STATE && atomic_load(&(caller)->token) & 1         \
				     ? (caller)->token                                             \
				     : (expected))
#define reply_drop_builtin(server)                                                                 \
	(mutant == CALLER_IS_NOT_DROPPED ? (void)0 : reply_drop_builtin(server))

#define hart_forgets_later(hart)                                                                   \
	(mutant == FLUSH_LOOKS_ONCE && hart_is_idle(hart)                                          \
		 ? (atomic_store(&(hart)->must_flush, 1), true)                                    \
		 : hart_forgets_later(hart))

/* ------------------------------------------------------------------------------ surroundings */

static void on_switch(unsigned int hart)
{
	host_hart = &harts[hart];
}

#define ALLOCATIONS_MAX 4096
static void *allocations[ALLOCATIONS_MAX];
static unsigned int allocation_count;

void *kernel_alloc(size_t size)
{
	void *memory = aligned_alloc(CACHE_LINE, round_up(size, CACHE_LINE));

	memset(memory, 0, round_up(size, CACHE_LINE));
	for (unsigned int i = 0; i < allocation_count; i++)
		if (!allocations[i]) {
			allocations[i] = memory;
			return memory;
		}
	if (allocation_count == ALLOCATIONS_MAX)
		explore_fail("too many allocations");
	return allocations[allocation_count++] = memory;
}

void kernel_free(void *memory, size_t size)
{
	(void)size;
	for (unsigned int i = 0; i < allocation_count; i++)
		if (allocations[i] == memory) {
			allocations[i] = NULL;
			free(memory);
			return;
		}
	explore_fail("%p was given back twice", memory);
}

size_t kernel_alloc_size(size_t size)
{
	return round_up(size, 16);
}

static void allocations_drop(void)
{
	while (allocation_count)
		free(allocations[--allocation_count]);
}

/* A lock that is taken: wait for its holder. */
void spin_lock_checked(struct spinlock *lock)
{
	explore_point();
	while (lock->holder) {
		explorer.spins_on[explorer.running] = lock;
		explore_block(HART_SPINS);
	}
	lock->holder = 1 + explorer.running;
}

bool spin_try_lock_checked(struct spinlock *lock)
{
	explore_point();
	if (lock->holder)
		return false;
	lock->holder = 1 + explorer.running;
	return true;
}

void spin_unlock_checked(struct spinlock *lock)
{
	if (lock->holder != 1 + explorer.running && explorer.is_exploring)
		explore_fail("a lock is given back by somebody else");
	lock->holder = 0;
	for (unsigned int i = 0; i < explorer.count; i++)
		if (explorer.states[i] == HART_SPINS && explorer.spins_on[i] == lock)
			explorer.states[i] = HART_RUNS;
}

bool spin_is_held(struct spinlock *lock)
{
	return lock->holder == 1 + explorer.running || !explorer.is_exploring;
}

void panic(const char *format, ...)
{
	explore_fail("panic: %s", format);
}

void arch_send_ipi(u32 hart)
{
	explore_point();
	if (mutant == LOST_IPI && explorer.states[hart] == HART_SLEEPS)
		return;
	explorer.ipi[hart] = 1;
	if (explorer.states[hart] == HART_SLEEPS)
		explorer.states[hart] = HART_RUNS;
}

void arch_wait_for_interrupt(void)
{
	explore_point();
	if (!explorer.ipi[explorer.running])
		explore_block(HART_SLEEPS);
}

void arch_handle_interrupts(void)
{
	explorer.ipi[explorer.running] = 0;
	if (!arch_hart()->current)
		explore_yield(); /* an idle hart that has work which is not ripe yet */
}

u64 arch_time(void)
{
	return 0;
}

void arch_timer_set(u64 nanoseconds)
{
	(void)nanoseconds;
}

bool arch_fp_is_dirty(void)
{
	return false;
}

void arch_fp_save(struct fp_state *state)
{
	(void)state;
}

void arch_fp_off(void)
{
}

void space_activate_kernel(void)
{
}

void trap_return(void) NORETURN;
void trap_return(void)
{
	abort();
}

int address_space_init(struct process *process)
{
	(void)process;
	return 0;
}

void address_space_free(struct process *process)
{
	(void)process;
}

bool address_space_clear(struct process *process)
{
	(void)process;
	return true;
}

int address_space_map(struct process *process, struct memobj *memobj, u64 offset, u64 address,
		      u64 length, u32 flags)
{
	(void)process, (void)memobj, (void)offset, (void)address, (void)length, (void)flags;
	return 0;
}

bool user_range_is_valid(u64 address, u64 length)
{
	(void)address, (void)length;
	return true;
}

int copy_from_user(struct process *process, void *to, uaddr from, size_t length)
{
	(void)process;
	memcpy(to, (const void *)from.value, length);
	return 0;
}

int copy_to_user(struct process *process, uaddr to, const void *from, size_t length)
{
	(void)process;
	memcpy((void *)to.value, from, length);
	return 0;
}

s64 copy_between(struct process *to_process, uaddr to, struct process *from_process, uaddr from,
		 size_t length)
{
	(void)to_process, (void)from_process;
	memcpy((void *)to.value, (const void *)from.value, length);
	return (s64)length;
}

/* Nobody waits for a page. */
s64 user_copy_failed(int error)
{
	return error;
}

void fork_abandon(struct thread *thread)
{
	(void)thread;
}

bool region_pager_cancel(struct thread *thread)
{
	(void)thread;
	return false;
}

bool memobj_cancel(struct thread *thread)
{
	(void)thread;
	return false;
}

void io_release(struct thread *thread)
{
	(void)thread;
}

void call_cancelled(struct thread *thread)
{
	(void)thread;
}

void pressure_poll(void)
{
}

void cpu_time_charge(struct hart *hart, struct process *owner)
{
	(void)hart, (void)owner;
}

void cpu_time_settle(struct hart *hart)
{
	(void)hart;
}

void cpu_time_hand_over(struct process *process, struct process *owner)
{
	(void)process, (void)owner;
}

s64 syscall_again(void)
{
	return CALL_AGAIN;
}

struct memobj *time_page;

void page_free(paddr page, unsigned int order)
{
	(void)page, (void)order;
}

#define UNUSED_TYPE(type)                                                                          \
	void type##_destroy(struct object *object)                                                 \
	{                                                                                          \
		object_free(object);                                                               \
	}
#define UNUSED_KILL(type)                                                                          \
	void type##_kill_object(struct object *object)                                             \
	{                                                                                          \
		(void)object;                                                                      \
	}
UNUSED_TYPE(memobj)
UNUSED_TYPE(interrupt)
UNUSED_TYPE(timer)
UNUSED_TYPE(resource)
UNUSED_KILL(interrupt)
UNUSED_KILL(timer)

/* Time stands still: nothing expires. */
void timer_queue_init(struct timer_queue *queue)
{
	spin_init(&queue->lock, LOCK_RANK_TIMER);
}

bool deadline_cancel(struct deadline *deadline)
{
	deadline->queue = NULL;
	return false;
}

void deadline_arm(struct deadline *deadline, u64 when)
{
	(void)when;
	deadline->queue = &arch_hart()->timers;
}

bool futex_cancel(struct thread *thread)
{
	(void)thread;
	return false;
}

void frame_get_registers(const struct frame *frame, struct tern_registers *registers)
{
	(void)frame, (void)registers;
}

void frame_set_registers(struct frame *frame, const struct tern_registers *registers)
{
	(void)frame, (void)registers;
}

/* --------------------------------------------------------------------------------- the kernel */

static void explored_defer(struct reclaim_node *node, void (*function)(struct reclaim_node *));

#define resolve account_argument
#include "../../../kernel/account.c"
#undef resolve
#include "../../../kernel/handle.c"
#include "../../../kernel/handle_calls.c"
#include "../../../kernel/object.c"
#include "../../../kernel/reclaim.c"

#define reclaim_defer explored_defer
#include "../../../kernel/listener.c"
#include "../../../kernel/message.c"
#include "../../../kernel/port.c"
#include "../../../kernel/process.c"
#include "../../../kernel/process_control.c"
#include "../../../kernel/receive.c"
#undef reply_drop_builtin
#include "../../../kernel/reply.c"
#define reply_drop_builtin(server)                                                                 \
	(mutant == CALLER_IS_NOT_DROPPED ? (void)0 : reply_drop_builtin(server))
#include "../../../kernel/sched.c"
#include "../../../kernel/thread.c"
#undef reclaim_defer

static void drop_settle(struct reclaim_node *node)
{
	struct thread *thread = container_of(node, struct thread, settle);

	thread->settle_wanted = 0;
	object_put(&thread->object);
}

static void drop_process_settle(struct reclaim_node *node)
{
	struct process *process = container_of(node, struct process, settle);

	process->is_settling = false;
	object_put(&process->object);
}

static void explored_defer(struct reclaim_node *node, void (*function)(struct reclaim_node *))
{
	if (mutant == NO_SECOND_LOOK && function == thread_settle)
		function = drop_settle;
	if (mutant == STOP_LOOKS_ONCE && function == process_settle) {
		drop_process_settle(node);
		return;
	}
	reclaim_defer(node, function);
}

/* ------------------------------------------------------------- the fast path: ipc_fastpath.S in C */

static bool fast_trylock(struct listener *listener)
{
	return spin_try_lock_checked(&listener->lock);
}

static bool is_active_here(const struct thread *thread)
{
	return atomic_load(&thread->process->satp[arch_hart()->index]) != 0;
}

static void fast_copy_words(struct thread *to, const struct thread *from, u64 result, u64 userdata)
{
	frame_set_message(&to->frame, &from->frame, result, userdata);
}

static bool fast_call(struct thread *caller, s64 handle)
{
	struct hart *hart = arch_hart();
	struct handle_table *table = handle_table_of(caller->process);
	u64 mask = atomic_load(&table->mask);
	struct handle_slot *slot =
		(struct handle_slot *)((char *)atomic_load(&table->slots) + ((u64)handle & mask));
	struct object *object = atomic_load(&slot->object);
	struct listener *listener;
	struct thread *server;
	u64 fast, token;

	if (atomic_load(&slot->key) != (u64)handle || !object)
		return false;
	listener = atomic_load(&object->callee);
	if (!listener || !fast_trylock(listener))
		return false;
	server = listener->receivers;
	if ((mutant != FAST_CALL_TRUSTS_PORT && atomic_load(&object->callee) != listener) ||
	    !server || !is_active_here(server))
		goto slow;
	fast = atomic_load(&server->fast_priority);
	if (fast < atomic_load(&hart->fast) || fast < atomic_load(&caller->call_priority))
		goto slow;
	/* commit */
	listener->receivers = server->next;
	spin_unlock_checked(&listener->lock);
	token = atomic_load(&caller->token) + 1;
	fast_copy_words(server, caller, TERN_EVENT_CALL, port_of(object)->userdata);
	caller->server = server;
	server->caller_token = token;
	atomic_store(&server->caller, caller);
	atomic_store(&caller->token, token);
	hart->current = server;
	return true;
slow:
	spin_unlock_checked(&listener->lock);
	return false;
}

static bool fast_reply(struct thread *server, s64 handle)
{
	struct hart *hart = arch_hart();
	struct thread *caller;
	struct listener *listener;
	u64 token;

	if (server->listener_handle != handle)
		return false;
	caller = atomic_load(&server->caller);
	if (!caller || !is_active_here(caller))
		return false;
	if (atomic_load(&caller->fast_priority) < atomic_load(&hart->fast))
		return false;
	listener = atomic_load(&server->fast_listener);
	if (!fast_trylock(listener))
		return false;
	token = server->caller_token;
	if ((listener->attention && mutant != FAST_REPLY_IGNORES_QUEUE) ||
	    !caller_claim(caller, token)) {
		spin_unlock_checked(&listener->lock);
		return false;
	}
	atomic_store(&server->caller, NULL);
	fast_copy_words(caller, server, 0, 0);
	server->next = listener->receivers;
	listener->receivers = server;
	spin_unlock_checked(&listener->lock);
	hart->current = caller;
	return true;
}

#endif
