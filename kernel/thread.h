/*
 * Threads. A blocked thread is its register frame: there is no kernel stack per thread.
 *
 * Lifetime: handles, and the thread's own life (one reference from thread_create until it has
 * stopped for good on whichever hart ran it), and its process's list through that reference. It
 * holds a reference on its process and on the listener it cached.
 *
 * Layout: the first cache line is all that the IPC fast path needs besides the saved registers
 * that follow; static assertions in kernel/asm_offsets.c hold it. Fields on it are written by the
 * fast path of the hart that runs the thread, or of the one that switches to it.
 */
#ifndef KERNEL_THREAD_H
#define KERNEL_THREAD_H

#include "arch/frame.h"
#include "kernel/object.h"
#include "kernel/process.h"
#include "kernel/timer.h"
#include "tern/ipc.h"
#include "tern/thread.h"

/*
 * Where a thread is when it is not running or ready. Awaiting a reply is not a state but an odd
 * token; receiving is membership in a listener's receivers: both are the fast path's business
 * and change without a store to `state`.
 */
enum thread_state {
	THREAD_ACTIVE,  /* running, ready, receiving or awaiting a reply */
	THREAD_SENDING, /* queued at a listener; under its lock */
	THREAD_FUTEX,   /* under the futex bucket's lock */
	THREAD_FAULT,   /* waits for a region's pager; under the space's lock */
	THREAD_PAGE,    /* on a memobj's list of waiters, under its lock */
	THREAD_MEMORY,  /* waits for pages to be written back or freed (kernel/pressure.c) */
	THREAD_HELD,    /* stopped with its process, and on no queue; under process->lock */
	THREAD_DEAD
};

/* Bits of thread->pending: reasons to stop before the next user instruction. */
#define PENDING_KILL 1
#define PENDING_INTERRUPT 2 /* the next blocking operation, or this one, returns -EINTR */
#define PENDING_UPCALL 4    /* take an upcall with cause INTERRUPT */
#define PENDING_STOP 8      /* its process is stopped: changes under process->lock */

/* With one of these it leaves what it waits for: a message must not be given to it. */
#define PENDING_LEAVES (PENDING_KILL | PENDING_INTERRUPT)

struct reply;
struct client_port;

/* A place in a listener's queue of senders; FIFO within each priority. */
enum sender_kind { SENDER_CALL, SENDER_PORT, SENDER_CANCELLED };

struct sender {
	struct list link;
	u8 kind; /* enum sender_kind: what it is embedded in */
	u8 priority;
	bool is_queued; /* under the listener's lock */
};

struct thread {
	/* Line 0: IPC. */
	_Atomic u64 token; /* call sequence; odd: awaiting a reply. Whoever makes it even wins */
	struct process *process;
	_Atomic u16 fast_priority; /* priority + 1; 0 while anything is pending: the fast path never
				      switches to it */
	_Atomic u16 call_priority; /* priority + 1; 0xffff while anything is pending: it never calls
				      on the fast path */
	u8 priority;               /* effective: base or inherited */
	u8 base_priority;
	u8 state;      /* enum thread_state */
	u8 is_boosted; /* priority is inherited: the reply must take the slow path */
	struct thread *_Atomic caller; /* as a server: whose call is to be answered */
	u64 caller_token;
	union {
		struct thread *next;   /* receiving: the next receiver of the listener */
		struct thread *server; /* awaiting a reply: who received the call */
	};
	s64 listener_handle;                    /* what it received with last ... */
	struct listener *_Atomic fast_listener; /* ... and that listener; or &no_listener, with
						   which every reply takes the slow path */

	/* Lines 1 and 2 (saved registers) and what follows. */
	struct frame frame;

	struct object object;

	struct list queue_link;    /* run queue, or futex bucket */
	struct list process_link;  /* process->threads */
	struct listener *listener; /* received from last, a reference; or NULL */
	struct list listener_link; /* listener->servers, while `listener` is set */
	struct hart *hart;         /* where it ran last */
	_Atomic u32 pending;       /* PENDING_* */
	bool is_queued;            /* on a run queue; under that queue's lock */
	bool in_upcall;            /* further upcalls are held back */
	u8 accept_handles;         /* how many a received call may bring */
	u8 pager_error; /* what a region's pager has answered, for the next try; 0: nothing */

	/* As a caller: what its call carries and where it is. */
	struct spinlock client_lock; /* LOCK_RANK_CLIENT: parked, cancel_token, use of windows */
	struct sender sender;
	struct client_port *port;      /* SENDING: through which; counted as a client */
	struct reply *parked;          /* the reply object that will answer */
	u64 cancel_token;              /* the call that was asked to be cancelled */
	u64 extended_token;            /* the call to which `extended` belongs */
	struct tern_extended extended; /* handles, windows; copied from its memory and checked */
	_Atomic u32 settle_wanted;     /* requests since `settle` was queued first; 0: it is not */
	u32 settle_covers;             /* how many of them the grace period under way is good for */

	/* Waiting for a page, or for something else of a memobj (kernel/memobj.c); for a region's pager;
	 * or at a futex. */
	struct {
		union {
			struct {
				struct memobj *memobj; /* compared and locked only: no reference */
				union {
					u64 key;       /* page index, or what else */
					uaddr missing; /* where its system call found no page without
							  waiting; FAULT: what it waits for */
				};
			};
			struct memory_name futex;
		};
		u32 wakes;             /* is_for_clean: see kernel/pressure.c */
		u8 error;              /* woken with: the access fails with it */
		u8 missing_access;     /* how `missing` was to be accessed */
		u8 missing_error;      /* FAULT: why the kernel could not help */
		bool is_for_clean : 1; /* what keeps it is that too much is dirty */
		bool is_call : 1;      /* its pc stands at the call that it waits in */
	} wait;
	/* The read or write that it is in the middle of (kernel/restart.h). */
	struct {
		struct memobj *memobj; /* a reference; NULL: in none */
		struct stream *stream; /* a reference, or NULL */
		u64 done;              /* bytes; 0 in none */
	} io;

	struct fork *fork;        /* the fork that it is working on, or NULL */
	struct deadline deadline; /* futex timeout */

	u64 upcall_entry, upcall_stack, upcall_word;
	struct object *watcher;     /* client port, a reference, or NULL; under process->lock */
	struct reclaim_node settle; /* looks at `pending` again after a grace period */
	struct fp_state fp;
} ALIGNED(CACHE_LINE);

/* Stands in for a caller that was killed before its answer: replies to it fail with -ESRCH. */
extern struct thread dead_caller;

static inline struct thread *thread_of(struct object *object)
{
	return container_of(object, struct thread, object);
}

/* A new thread, not yet ready to run. NULL: -ENOMEM. */
struct thread *thread_create(struct process *process, u8 priority) MUST_USE;
/* Let it run for the first time; takes its own reference. -ESRCH: the process is dead. */
int thread_start(struct thread *thread) MUST_USE;

/* Stop it for good, from any hart; returns at once, it dies when it is next looked at. */
void thread_kill(struct thread *thread);
/* Ask it to return -EINTR (and take an upcall), see tern_thread_interrupt: 0, -EINVAL, -ESRCH. */
int thread_interrupt(struct thread *thread, u64 flags) MUST_USE;
/* The current thread dies now. The caller leaves through the scheduler. */
void thread_die(struct thread *thread);

/*
 * The current thread faulted (or made a foreign system call) and the kernel cannot resolve it:
 * enter its upcall, or kill its process.
 */
void thread_upcall(struct thread *thread, u64 cause, u64 value, int error);

/* Recompute fast_priority and call_priority after `pending` or `priority` changed. */
void thread_update_fast_priority(struct thread *thread);

/* An interrupt that came while the thread ran ends its next blocking call: this one. */
bool thread_clear_interrupt(struct thread *thread);
static ALWAYS_INLINE bool thread_take_interrupt(struct thread *thread)
{
	u32 pending = atomic_load_explicit(&thread->pending, memory_order_relaxed);

	return UNLIKELY(pending & PENDING_INTERRUPT) && thread_clear_interrupt(thread);
}

/* Stop everything that the current thread has pending: kill, upcall. False: it does not go on. */
bool thread_run_pending(struct thread *thread);

/* The thread blocks no more (whoever took it off its queue calls this): its call returns. */
void thread_wake(struct thread *thread, s64 result);

/* A listener handle is closed: no thread of the process may receive with it any more. */
void thread_forget_listener_handle(struct process *process, s64 handle);

/* Make (handle, listener) what the current thread's fast replies use; 0, NULL: nothing. */
void thread_cache_listener(struct thread *thread, s64 handle, struct listener *listener);

/* Raise the effective priority to at least `priority`, along the chain of servers. */
void thread_inherit(struct thread *thread, u8 priority);
/* Back to the base priority. */
void thread_drop_boost(struct thread *thread);

static ALWAYS_INLINE void thread_disinherit(struct thread *thread)
{
	if (UNLIKELY(thread->is_boosted))
		thread_drop_boost(thread);
}

void thread_destroy(struct object *object);
void thread_kill_object(struct object *object);

s64 sys_thread_create(u64 process, u64 entry, u64 stack, u64 argument, u64 tp, u64 priority);
s64 sys_thread_exit(u64 clear);
s64 sys_thread_kill(u64 thread);
s64 sys_thread_watch(u64 thread, u64 port);
s64 sys_thread_interrupt(u64 thread, u64 flags);
s64 sys_thread_set_upcall(u64 entry, u64 stack, u64 word);
s64 sys_thread_resume(u64 registers);
s64 sys_thread_set_priority(u64 thread, u64 priority);
s64 sys_thread_yield(void);
s64 sys_thread_accept_handles(u64 count);

#endif
