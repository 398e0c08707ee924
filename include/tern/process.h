/* Processes (an address space and a handle table) and accounts (quotas of kernel memory). */
#ifndef TERN_PROCESS_H
#define TERN_PROCESS_H

#include "tern/handle.h"

/* Bits that the kernel notifies to the port given to process_watch and thread_watch. */
#define TERN_NOTIFY_DEATH (1ul << 63)

/* process_status: running, or exited with the low 32 bits of the status. */
#define TERN_PROCESS_RUNNING (1l << 32)

/* Exit statuses that the kernel gives. */
#define TERN_STATUS_FAULT 139 /* a fault without an upcall entry */

/* What tern_account_info answers. */
enum tern_account_query {
	TERN_ACCOUNT_LIMIT, /* bytes */
	TERN_ACCOUNT_USED   /* bytes, children's limits included */
};

/* What tern_process_info answers. */
enum tern_process_query {
	TERN_PROCESS_CPU_TIME, /* nanoseconds of all its threads, also those that are dead */
	TERN_PROCESS_PRIVATE,  /* bytes: pages of its own that are in memory */
	TERN_PROCESS_MAPPED,   /* bytes: the length of all regions */
	TERN_PROCESS_THREADS   /* that live */
};

#ifndef TERN_KERNEL
/*
 * tern_process_create: an empty process: no regions, no handles, no threads. It is charged to
 * `account`, which also becomes its own account. Never blocks. Returns a handle with all rights;
 * -EBADF, -EPROTOTYPE, -EPERM, -ENOMEM, -EMFILE.
 */
static inline tern_result tern_process_create(tern_handle account)
{
	return tern_syscall1(TERN_OP_process_create, (uint64_t)account);
}

/*
 * tern_process_kill: all threads stop at once, everything the process held is given back, its
 * watchers are notified. `status` is what process_status reports. On TERN_SELF_PROCESS it does
 * not return. Needs OWNER. Never blocks: threads that run on other harts end a moment later. Killing
 * a dead process is 0. Returns 0, -EBADF, -EPROTOTYPE, -EPERM.
 */
static inline tern_result tern_process_kill(tern_handle process, uint32_t status)
{
	return tern_syscall2(TERN_OP_process_kill, (uint64_t)process, status);
}

/*
 * tern_process_watch: when the process dies (or is dead already) TERN_NOTIFY_DEATH is notified
 * to `port`, which needs NOTIFY; one watcher at a time, a later one replaces it, port 0 removes
 * it. Needs WATCH. Never blocks. Returns 0, -EBADF, -EPROTOTYPE, -EPERM.
 */
static inline tern_result tern_process_watch(tern_handle process, tern_handle port)
{
	return tern_syscall2(TERN_OP_process_watch, (uint64_t)process, (uint64_t)port);
}

/*
 * tern_process_status: TERN_PROCESS_RUNNING or the status that it died with. Needs READ. Never
 * blocks. Returns that, -EBADF, -EPROTOTYPE, -EPERM.
 */
static inline tern_result tern_process_status(tern_handle process)
{
	return tern_syscall1(TERN_OP_process_status, (uint64_t)process);
}

/*
 * tern_process_fork: a child process, charged to `account` (0 = own), that is a copy of the calling
 * one with the calling thread only, which returns 0 from the call there. Private regions are copied on
 * write, others shared; region pagers are not inherited. Handles keep their values; reply ports and
 * handles marked NO_INHERIT are not there, and those to the calling process or thread name the
 * child's own. Watchers, a call that is being served and pending interrupts stay with the parent.
 * What other threads do meanwhile may or may not be in the copy. Takes as long as there are private
 * pages, and waits only for memory that is about to be free. `flags` must be 0. Returns a handle to the
 * child with all rights; in the child 0. -EBADF, -EPROTOTYPE, -EPERM, -EINVAL, -ENOMEM, -EMFILE, -ESRCH (killed meanwhile).
 */
static inline tern_result tern_process_fork(tern_handle account, uint64_t flags)
{
	return tern_syscall2(TERN_OP_process_fork, (uint64_t)account, flags);
}

/*
 * tern_process_interrupt: tern_thread_interrupt of the process's first living thread. Never blocks.
 * Needs OWNER. Returns 0, -EBADF, -EPROTOTYPE, -EPERM, -ESRCH (no thread lives), -EINVAL (as there).
 */
static inline tern_result tern_process_interrupt(tern_handle process, uint64_t flags)
{
	return tern_syscall2(TERN_OP_process_interrupt, (uint64_t)process, flags);
}

/*
 * tern_process_stop: when it returns no thread of the process executes an instruction or begins a
 * system call until tern_process_continue; new threads neither. What they wait for comes all the
 * same: a call that a server has received goes on, and its answer waits with the thread. They can
 * be killed; interrupts wait. On TERN_SELF_PROCESS the caller stops on its way out, its other threads
 * at once. It waits for other harts to leave the process, letting interrupts in. Needs OWNER.
 * Stopping a stopped process is 0. Returns 0, -EBADF, -EPROTOTYPE, -EPERM, -ESRCH (dead).
 */
static inline tern_result tern_process_stop(tern_handle process)
{
	return tern_syscall1(TERN_OP_process_stop, (uint64_t)process);
}

/*
 * tern_process_continue: ends a stop, however often it was asked for; 0 too if there was none. Never
 * blocks. Needs OWNER. Returns 0, -EBADF, -EPROTOTYPE, -EPERM, -ESRCH (dead).
 */
static inline tern_result tern_process_continue(tern_handle process)
{
	return tern_syscall1(TERN_OP_process_continue, (uint64_t)process);
}

/*
 * tern_process_info: one figure of a process, dead ones included. A server's work on a call counts as
 * its caller's CPU time. Never blocks. Needs READ. Returns it, -EBADF, -EPROTOTYPE, -EPERM, -EINVAL.
 */
static inline tern_result tern_process_info(tern_handle process, uint64_t query)
{
	return tern_syscall2(TERN_OP_process_info, (uint64_t)process, query);
}

/*
 * tern_account_create: a quota of `limit` bytes (page multiple, not 0) drawn from `parent`
 * (0 = own), at most 16 deep. Never blocks. Returns a handle with all rights; -EBADF, -EPROTOTYPE,
 * -EPERM (no CREATE), -ENOMEM (the parent has less left), -EMFILE, -EINVAL (limit, or too deep).
 */
static inline tern_result tern_account_create(tern_handle parent, uint64_t limit)
{
	return tern_syscall2(TERN_OP_account_create, (uint64_t)parent, limit);
}

/*
 * tern_account_info: one figure of an account. Needs READ. Never blocks. Returns it, -EBADF,
 * -EPROTOTYPE, -EPERM, -EINVAL.
 */
static inline tern_result tern_account_info(tern_handle account, uint64_t query)
{
	return tern_syscall2(TERN_OP_account_info, (uint64_t)account, query);
}

/*
 * tern_account_destroy: destroy what the account paid for, child accounts included: processes
 * are killed, listeners and ports destroyed, handles to all of it go stale. Needs OWNER; the
 * calling process must not be paid by it. Never blocks, but works in steps, and lets interrupts in
 * between; it is complete when it returns. Returns 0, -EBADF, -EPROTOTYPE, -EPERM, -EBUSY (it pays
 * for the caller).
 */
static inline tern_result tern_account_destroy(tern_handle account)
{
	return tern_syscall1(TERN_OP_account_destroy, (uint64_t)account);
}
#endif

#endif
