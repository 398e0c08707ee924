/*
 * Processes: an address space, a handle table, threads.
 *
 * Lifetime: handles and threads hold references. process_kill marks it dead, kills its threads,
 * closes its handles and clears its address space in bounded steps (deferred work); the structure
 * goes when the last thread and the last handle are gone.
 *
 * The first line is what the IPC fast path reads of a process, of the caller's and the receiver's.
 */
#ifndef KERNEL_PROCESS_H
#define KERNEL_PROCESS_H

#include "kernel/address_space.h"
#include "kernel/handle.h"
#include "kernel/object.h"
#include "kernel/reclaim.h"
#include "kernel/spinlock.h"

struct thread;

struct process {
	struct handle_table handles;
	/* By hart: what to put into satp; 0 where the space has not run yet. The non-zero entries
	 * are the harts that a TLB shootdown must reach. */
	_Atomic u64 satp[MAX_HARTS];
	u64 no_satp; /* always 0: where harts look that are to take the slow path */

	struct handle_admin handle_admin;
	struct address_space space;
	struct spinlock lock; /* LOCK_RANK_PROCESS: threads, is_dead, status, watcher */
	struct list threads;  /* thread->process_link */
	struct list dying;    /* the same link, of threads that were killed with the process */
	u32 thread_count;
	bool is_dead;
	bool is_torn_down;
	bool is_stopped;          /* its threads have PENDING_STOP */
	bool is_settling;         /* `settle` is queued, for the first ... */
	u32 settle_covers, stops; /* ... of so many stops */
	u32 status;
	_Atomic u64 cpu_ticks;  /* charged so far, see process_info.h */
	struct object *watcher; /* client port, a reference, or NULL */
	struct reclaim_node kill_rest;
	struct reclaim_node teardown;
	struct reclaim_node settle; /* looks after a grace period who still runs */
	struct object object;
} ALIGNED(CACHE_LINE);

_Static_assert(offsetof(struct process, handles) == 0, "handle_table_of");

static inline struct process *process_of(struct object *object)
{
	return container_of(object, struct process, object);
}

struct process *process_create(struct account *account) MUST_USE;
/* Nothing is mapped, and the handle table is to be cloned (handle_table_create). */
struct process *process_create_bare(struct account *account, u32 handle_slots) MUST_USE;
/* Never blocks; if the process is the current one the caller must leave through the scheduler. */
void process_kill(struct process *process, u32 status);
/* The last thread has gone. */
void process_thread_gone(struct process *process);

/* The current thread of a stopped process stands still here. False: it has been let go already. */
bool process_hold_thread(struct thread *thread);
/* A thread that is being killed is held no longer: it is ready. False: it was not held. */
bool process_unhold_thread(struct thread *thread);

void process_destroy(struct object *object);
void process_kill_object(struct object *object);

/* Resolves a process argument: TERN_SELF_PROCESS or a handle. As handle_resolve. */
int process_resolve(s64 handle, u32 rights, struct process **process) MUST_USE;
/* Resolves an account argument: 0, an account handle with CREATE, or a reply port. */
int account_resolve(s64 handle, struct account **account) MUST_USE;
/* Resolves a client port that events go to (NOTIFY), with a reference. */
int event_port_resolve(s64 handle, struct object **port) MUST_USE;
/* The same, where 0 is allowed and gives NULL. */
int watcher_resolve(s64 handle, struct object **port) MUST_USE;
/* The port, which it takes over, hears of the end of the process, or of a thread of it. Returns 0. */
s64 watcher_set(struct process *process, struct thread *thread, struct object *port);
/* What it watches has ended. The process's lock is held, and given back. */
void watcher_tell(struct process *process, struct object **watcher);

s64 sys_process_create(u64 account);
s64 sys_process_fork(u64 account, u64 unfinished);
s64 sys_process_kill(u64 process, u64 status);
s64 sys_process_watch(u64 process, u64 port);
s64 sys_process_status(u64 process);
s64 sys_process_interrupt(u64 process, u64 flags);
s64 sys_process_stop(u64 process);
s64 sys_process_continue(u64 process);
s64 sys_process_info(u64 process, u64 query);
s64 sys_handle_close(u64 handle);
s64 sys_handle_duplicate(u64 handle, u64 rights);
s64 sys_handle_info(u64 handle);
s64 sys_handle_give(u64 process, u64 handle, u64 rights);

#endif
