/* Threads, upcalls and futexes. */
#ifndef TERN_THREAD_H
#define TERN_THREAD_H

#include "tern/handle.h"

#define TERN_PRIORITIES 64
#define TERN_PRIORITY_DEFAULT 16
#define TERN_PRIORITY_SAME 255 /* thread_create: the creator's base priority */
#define TERN_DEADLINE_NONE UINT64_MAX

/* Why an upcall came (struct tern_upcall.cause). */
enum tern_upcall_cause {
	TERN_UPCALL_FAULT_READ = 1, /* value: the address */
	TERN_UPCALL_FAULT_WRITE,    /* value: the address */
	TERN_UPCALL_FAULT_EXECUTE,  /* value: the address */
	TERN_UPCALL_ILLEGAL,        /* illegal instruction; value: its bits when known */
	TERN_UPCALL_BREAKPOINT,
	TERN_UPCALL_MISALIGNED, /* value: the address */
	TERN_UPCALL_INTERRUPT,  /* thread_interrupt with TERN_INTERRUPT_UPCALL */
	TERN_UPCALL_FOREIGN     /* a system call with a non-negative number */
};

/* Registers of a thread, as upcalls see them and thread_resume takes them. */
struct tern_registers {
	uint64_t pc;
	uint64_t x[31]; /* x1 (ra) .. x31 (t6) */
};

/* What the kernel writes at the registered stack's top before it enters the upcall entry. */
struct tern_upcall {
	uint64_t cause;
	uint64_t value;
	uint64_t word;  /* as registered */
	uint64_t error; /* of a fault: why it was not resolved, see below */
	struct tern_registers registers;
};

/*
 * tern_upcall.error: EFAULT (nothing is mapped, or not for this access), ERANGE (past the end of the
 * memobj), EIO and ENOSPC (its pager could not get the page), ENOMEM (quota or memory is exhausted).
 */

/* tern_thread_interrupt flags. */
#define TERN_INTERRUPT_UPCALL 1 /* also deliver an upcall when the thread is next in user mode */

#ifndef TERN_KERNEL
/*
 * tern_thread_create: a thread in `process` (needs CREATE) that starts at `entry` with the given
 * stack pointer, tp, and `argument` in a0; priority 0..63, at most the creator's, or
 * TERN_PRIORITY_SAME. It is charged to the process's account. Never blocks. Returns a handle with
 * all rights; -EBADF, -EPROTOTYPE, -EPERM (right, or priority above own), -ENOMEM, -EMFILE, -EINVAL
 * (addresses outside user space, unaligned entry, priority > 63), -ESRCH (dead process).
 */
static inline tern_result tern_thread_create(tern_handle process, uint64_t entry, uint64_t stack,
					     uint64_t argument, uint64_t tp, uint64_t priority)
{
	return tern_syscall6(TERN_OP_thread_create, (uint64_t)process, entry, stack, argument, tp,
			     priority);
}

/*
 * tern_thread_exit: ends the calling thread. If `clear` is not 0, the 32-bit word there is set
 * to 0 and one futex waiter on it woken after the thread has left its stack for good. The last
 * thread's exit kills the process with status 0. May block for the word's memory only, and is not
 * interrupted then. Returns only on error: -EFAULT, -EINVAL (unaligned).
 */
static inline tern_result tern_thread_exit(volatile uint32_t *clear)
{
	return tern_syscall1(TERN_OP_thread_exit, (uint64_t)clear);
}

/*
 * tern_thread_kill: stop a thread for good, wherever it is. Needs OWNER. A dead one is 0. Never
 * blocks: a thread that runs on another hart ends a moment later. Returns 0, -EBADF, -EPROTOTYPE,
 * -EPERM.
 */
static inline tern_result tern_thread_kill(tern_handle thread)
{
	return tern_syscall1(TERN_OP_thread_kill, (uint64_t)thread);
}

/*
 * tern_thread_watch: when the thread dies (or is dead already) TERN_NOTIFY_DEATH is notified to `port`,
 * as with tern_process_watch. Needs WATCH. Never blocks. Returns 0, -EBADF, -EPROTOTYPE, -EPERM.
 */
static inline tern_result tern_thread_watch(tern_handle thread, tern_handle port)
{
	return tern_syscall2(TERN_OP_thread_watch, (uint64_t)thread, (uint64_t)port);
}

/*
 * tern_thread_interrupt: if the thread blocks in wait, futex_wait or a queued call it returns
 * -EINTR at once; a call that a server has received returns -EINTR if it was parked CANCELLABLE,
 * otherwise the server sees that cancel was requested. A thread that does not block returns
 * -EINTR from its next blocking call, unless TERN_INTERRUPT_UPCALL is set: then it takes an
 * upcall (cause INTERRUPT) before it executes another instruction. Never blocks. Needs OWNER.
 * Returns 0, -EBADF, -EPROTOTYPE, -EPERM, -ESRCH (dead), -EINVAL (flags; UPCALL without entry).
 */
static inline tern_result tern_thread_interrupt(tern_handle thread, uint64_t flags)
{
	return tern_syscall2(TERN_OP_thread_interrupt, (uint64_t)thread, flags);
}

/*
 * tern_thread_set_upcall: where the calling thread's faults and interrupt upcalls go. A
 * struct tern_upcall is put below `stack` (16-byte aligned) and `entry` is entered with its
 * address in a0 and sp; further upcalls are held back (a fault meanwhile kills the process)
 * until tern_thread_resume. entry 0 removes it. Never blocks. Returns 0, -EINVAL (addresses,
 * alignment).
 */
static inline tern_result tern_thread_set_upcall(uint64_t entry, uint64_t stack, uint64_t word)
{
	return tern_syscall3(TERN_OP_thread_set_upcall, entry, stack, word);
}

/*
 * tern_thread_resume: continue with `registers`, all of them, and allow upcalls again. May block for
 * their memory only. Does not return, except -EFAULT (not readable), -EINVAL (pc odd or outside user
 * space).
 */
static inline tern_result tern_thread_resume(const struct tern_registers *registers)
{
	return tern_syscall1(TERN_OP_thread_resume, (uint64_t)registers);
}

/*
 * tern_thread_set_priority: base priority 0..63 (higher goes first), at most the caller's. Needs OWNER.
 * Never blocks. Returns 0, -EBADF, -EPROTOTYPE, -EPERM (right, or above the caller's), -EINVAL,
 * -ESRCH (dead).
 */
static inline tern_result tern_thread_set_priority(tern_handle thread, uint64_t priority)
{
	return tern_syscall2(TERN_OP_thread_set_priority, (uint64_t)thread, priority);
}

/* tern_thread_yield: let another ready thread of the same priority run. Never blocks. Returns 0. */
static inline tern_result tern_thread_yield(void)
{
	return tern_syscall0(TERN_OP_thread_yield);
}

/*
 * tern_thread_accept_handles: how many handles (0..4) a call received by the calling thread may
 * bring; 0 at first. Never blocks. Returns 0, -EINVAL.
 */
static inline tern_result tern_thread_accept_handles(uint64_t count)
{
	return tern_syscall1(TERN_OP_thread_accept_handles, count);
}

/*
 * tern_futex_wait: sleep if the aligned 32-bit word at `address` equals `expected`, until
 * tern_futex_wake or `deadline` (nanoseconds of the time page; TERN_DEADLINE_NONE). Blocks. Returns 0
 * (woken; the word may have any value), -EAGAIN (another value), -ETIMEDOUT, -EINTR, -EFAULT, -EINVAL
 * (unaligned).
 */
static inline tern_result tern_futex_wait(volatile uint32_t *address, uint32_t expected,
					  uint64_t deadline)
{
	return tern_syscall3(TERN_OP_futex_wait, (uint64_t)address, expected, deadline);
}

/*
 * tern_futex_wake: wake up to `count` waiters, first come first served. The word is named by
 * the memory it lies in: processes that share a memobj meet. Never blocks. Returns how many woke,
 * -EFAULT, -EINVAL (unaligned).
 */
static inline tern_result tern_futex_wake(volatile uint32_t *address, uint64_t count)
{
	return tern_syscall2(TERN_OP_futex_wake, (uint64_t)address, count);
}
#endif

#endif
