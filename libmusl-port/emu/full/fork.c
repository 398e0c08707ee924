/*
 * fork, and clone in all its forms. The posix server makes an identity for the child before the kernel
 * makes the process; emu's locks are held meanwhile, so that the child's copy of the state is whole.
 *
 * vfork and posix_spawn's clone (CLONE_VM | CLONE_VFORK) are a fork too: nothing in the C library
 * depends on the shared memory. The child of the latter goes on with a stack of its own.
 */
#include "emu_full.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

#include "calls.h"
#include "proto/posix.h"
#include "stream.h"

#define PAUSE_FIRST 1000000u /* nanoseconds */
#define PAUSE_LAST (16 * PAUSE_FIRST)
#define THREAD (CLONE_VM | CLONE_THREAD | CLONE_SIGHAND | CLONE_SETTLS)
#define NAMESPACES                                                                                 \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
	 CLONE_NEWPID | CLONE_NEWNET)

/* image.S */
void emu_child_enter(uint64_t entry, uint64_t stack, uint64_t tp) __attribute__((noreturn));

struct birth {
	uint64_t flags, stack, tls, entry;
	int *parent_tid, *child_tid;
	tern_handle port; /* the child's */
	uint32_t slot;
	int pid;
};

/* In the order in which they are taken elsewhere: who maps a file comes from memory to descriptors. */
static void lock_all(void)
{
	emu_memory_lock();
	emu_files_fork();
	emu_lock(&emu_threads_lock);
	emu_signals_lock();
}

static void unlock_all(void)
{
	emu_signals_unlock();
	emu_unlock(&emu_threads_lock);
	emu_files_unlock();
	emu_memory_unlock();
}

/* The port was inherited with the handle's value; from here on it is this process's alone. */
static void take_identity(const struct birth *birth)
{
	emu_posix = tern_handle_duplicate(birth->port, TERN_RIGHTS_ALL);
	tern_handle_close(birth->port);
	emu_process.pid = birth->pid;
	emu_process.slot = birth->slot;
}

static long begin_child(const struct birth *birth)
{
	bool had_threads;

	take_identity(birth);
	emu_signals_child();
	had_threads = emu_threads_child(birth->pid);
	emu_arrivals_go_on();
	emu_signals_unlock();
	emu_memory_unlock();
	emu_unlock(&emu_threads_lock);
	emu_files_child(had_threads);
	emu_unlock(&emu_process_lock);
	emu_limits_child();
	if (birth->flags & CLONE_CHILD_SETTID)
		emu_copy_out(birth->child_tid, &birth->pid, sizeof(birth->pid));
	if (birth->flags & CLONE_CHILD_CLEARTID)
		emu_current()->clear = (volatile uint32_t *)birth->child_tid;
	if (birth->stack)
		emu_child_enter(birth->entry, birth->stack, birth->tls);
	return 0;
}

/* Nobody would ever hear of the child's end if a signal kept this from the server. */
static long end_birth(const struct birth *birth, tern_handle child)
{
	while (posix_fork_end(emu_posix, (uint32_t)birth->pid, child > 0 ? child : 0) == -EINTR)
		;
	if (child > 0)
		tern_handle_close(child);
	tern_handle_close(birth->port);
	emu_unlock(&emu_process_lock);
	if (child == -EMFILE)
		return -EAGAIN;
	if (child < 0)
		return child;
	if (birth->flags & CLONE_PARENT_SETTID)
		emu_copy_out(birth->parent_tid, &birth->pid, sizeof(birth->pid));
	return birth->pid;
}

/*
 * What processes that have just ended held is on its way back for a moment: only after that the account
 * is really too small.
 */
static tern_result make_child(void)
{
	tern_result child = tern_process_fork(TERN_SELF_ACCOUNT, 0);

	for (uint64_t pause = PAUSE_FIRST; child == -ENOMEM && pause <= PAUSE_LAST; pause *= 2) {
		uint32_t word = 0;

		tern_futex_wait(&word, 0, emu_deadline(pause));
		child = tern_process_fork(TERN_SELF_ACCOUNT, 0);
	}
	return child;
}

/*
 * Handles on their way from a server into a description: a child would inherit them, and nobody there could
 * close them. So fork, and exec, wait until all have arrived, and who begins waits for them.
 */
static _Atomic uint32_t arrivals;
static _Atomic bool is_awaited;

void emu_arrival_begin(void)
{
	while (atomic_fetch_add(&arrivals, 1), atomic_load(&is_awaited)) {
		emu_arrival_end();
		emu_lock(&emu_process_lock);
		emu_unlock(&emu_process_lock);
	}
}

void emu_arrival_end(void)
{
	if (atomic_fetch_sub(&arrivals, 1) == 1 && atomic_load(&is_awaited))
		tern_futex_wake((volatile uint32_t *)&arrivals, 1);
}

void emu_arrivals_await(void)
{
	uint32_t count;

	atomic_store(&is_awaited, true);
	while ((count = atomic_load(&arrivals)))
		tern_futex_wait((volatile uint32_t *)&arrivals, count, TERN_DEADLINE_NONE);
}

void emu_arrivals_go_on(void)
{
	atomic_store(&arrivals, 0);
	atomic_store(&is_awaited, false);
}

static long fork_process(struct birth *birth)
{
	tern_result child;

	emu_lock(&emu_process_lock);
	do
		birth->pid = (int)posix_fork_begin(emu_posix, emu_limit_of_processes(),
						   &birth->port, &birth->slot);
	while (birth->pid == -EINTR);
	if (birth->pid < 0) {
		emu_unlock(&emu_process_lock);
		return birth->pid;
	}
	emu_arrivals_await();
	lock_all();
	child = make_child();
	if (!child)
		return begin_child(birth);
	unlock_all();
	atomic_store(&is_awaited, false);
	return end_birth(birth, child);
}

static uint64_t get_tp(void)
{
	uint64_t tp;

	__asm__ volatile("mv %0, tp" : "=r"(tp));
	return tp;
}

long emu_full_clone(uint64_t flags, uint64_t stack, int *parent_tid, uint64_t tls, int *child_tid,
		    uint64_t entry)
{
	struct birth birth = { .flags = flags,
			       .stack = stack,
			       .tls = flags & CLONE_SETTLS ? tls : get_tp(),
			       .entry = entry,
			       .parent_tid = parent_tid,
			       .child_tid = child_tid };
	uint64_t end_signal = flags & CSIGNAL;

	if (flags & CLONE_THREAD)
		return (flags & THREAD) != THREAD
			       ? -EINVAL
			       : emu_thread_create(flags, stack, parent_tid, tls, child_tid, entry);
	if (flags & NAMESPACES)
		return -EPERM;
	if ((end_signal && end_signal != SIGCHLD) ||
	    ((flags & CLONE_VM) && !(flags & CLONE_VFORK)) || flags & (CLONE_SIGHAND | CLONE_FILES))
		return -EINVAL;
	return fork_process(&birth);
}
