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
 * tern_process_fork: a child with a copy of this process's memory (copy-on-write where mapped
 * PRIVATE; all other mappings are of the same memobjs), of its handles under the same values (not
 * NO_INHERIT ones, not replies; those of this process and of the calling thread become the
 * child's own) and of the calling thread, which returns 0 in the child. It is charged to `account`,
 * which also becomes its own account; each private page counts in full. Interrupts are taken
 * meanwhile. Returns the child's handle with all rights; -EBADF, -EPROTOTYPE, -EPERM, -ENOMEM,
 * -EMFILE, -ESRCH (this process is being killed).
 */
static inline tern_result tern_process_fork(tern_handle account)
{
	return tern_syscall2(TERN_OP_process_fork, (uint64_t)account, 0);
}

/*
 * tern_process_kill: all threads stop at once, everything the process held is given back, its
 * watchers are notified. `status` is what process_status reports. On TERN_SELF_PROCESS it does
 * not return. Needs OWNER. Killing a dead process is 0. Returns 0, -EBADF, -EPROTOTYPE, -EPERM.
 */
static inline tern_result tern_process_kill(tern_handle process, uint32_t status)
{
	return tern_syscall2(TERN_OP_process_kill, (uint64_t)process, status);
}

/*
 * tern_process_watch: when the process dies (or is dead already) TERN_NOTIFY_DEATH is notified
 * to `port`, which needs NOTIFY; one watcher at a time, a later one replaces it, port 0 removes
 * it. Needs WATCH. Returns 0, -EBADF, -EPROTOTYPE, -EPERM.
 */
static inline tern_result tern_process_watch(tern_handle process, tern_handle port)
{
	return tern_syscall2(TERN_OP_process_watch, (uint64_t)process, (uint64_t)port);
}

/*
 * tern_process_status: TERN_PROCESS_RUNNING or the status that it died with. Needs READ.
 * Returns that, -EBADF, -EPROTOTYPE, -EPERM.
 */
static inline tern_result tern_process_status(tern_handle process)
{
	return tern_syscall1(TERN_OP_process_status, (uint64_t)process);
}

/*
 * tern_account_create: a quota of `limit` bytes (page multiple, not 0) drawn from `parent`
 * (0 = own). Never blocks. Returns a handle with all rights; -EBADF, -EPROTOTYPE, -EPERM
 * (no CREATE), -ENOMEM (the parent has less left), -EMFILE, -EINVAL.
 */
static inline tern_result tern_account_create(tern_handle parent, uint64_t limit)
{
	return tern_syscall2(TERN_OP_account_create, (uint64_t)parent, limit);
}

/* tern_account_info: one figure of an account. Needs READ. -EBADF, -EPROTOTYPE, -EPERM, -EINVAL. */
static inline tern_result tern_account_info(tern_handle account, uint64_t query)
{
	return tern_syscall2(TERN_OP_account_info, (uint64_t)account, query);
}

/*
 * tern_account_destroy: destroy what the account paid for, child accounts included: processes
 * are killed, listeners and ports destroyed, handles to all of it go stale. Needs OWNER; the
 * calling process must not be paid by it (-EBUSY). Returns 0, -EBADF, -EPROTOTYPE, -EPERM, -EINVAL.
 */
static inline tern_result tern_account_destroy(tern_handle account)
{
	return tern_syscall1(TERN_OP_account_destroy, (uint64_t)account);
}
#endif

#endif
