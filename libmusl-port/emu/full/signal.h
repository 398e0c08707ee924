/*
 * Signals, as the rest of emu's full profile sees them.
 *
 * What other processes send lies in the posix server's mailbox until it is fetched. From then on it is
 * *pending* here, for the process or for one thread, until a thread that does not block it takes it.
 *
 * A thread learns of a signal by an upcall. If that finds it in the program, the handler is entered at
 * once. If it finds it in emu, it only sets emu_pending and makes the next blocking kernel call
 * return -EINTR, so that nothing is lost between a look and a wait; the thread looks for signals on its
 * way out, where all registers are the program's.
 *
 * A call that was interrupted answers -EINTR. On the way out that becomes, as on Linux, an answer or
 * the call made again; if no handler runs, it is always made again. A call with a time-out that
 * counts from its beginning asks emu_interrupted instead, and goes on waiting if that says so.
 */
#ifndef EMU_FULL_SIGNAL_H
#define EMU_FULL_SIGNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/posix.h"

struct emu_thread;

/* Bits of emu_pending. */
#define EMU_PENDING_LOOK 1 /* some thread may have to take something */
#define EMU_PENDING_MAIL 2 /* there may be something in the mailbox */

/* A pending signal. */
struct emu_signal {
	struct emu_signal *next;
	struct posix_signal signal;
};

struct emu_signal_queue {
	uint64_t set; /* which there are: bit number - 1 */
	struct emu_signal *first, **end;
};

struct emu_thread_signals {
	uint64_t blocked; /* changed by the thread alone */
	uint64_t awaited; /* by sigtimedwait: taken though they are blocked */
	uint64_t saved;   /* what `blocked` is to be when the handler returns, if has_saved */
	bool has_saved;
	uint32_t is_told; /* an upcall came since the thread last looked */
	struct emu_signal_queue queue;
	uint64_t stack, stack_length; /* sigaltstack; length 0: none */
	uint32_t stack_flags;
};

void emu_signals_start(void);
/* What another process had blocked and ignored: this one goes on for it. */
void emu_signals_continue(uint64_t blocked, uint64_t ignored);
uint64_t emu_signals_ignored(void);
void emu_signals_thread(struct emu_thread *thread, const struct emu_thread *creator);
/* The thread ends; what was sent to it alone is dropped. emu_threads_lock is held. */
void emu_signals_leave(struct emu_thread *thread);
void emu_signals_exec(void);
void emu_signals_drop_others(void);
/* What is in the mailbox becomes pending. */
void emu_signals_fetch(void);
void emu_signals_lock(void);
void emu_signals_unlock(void);
void emu_signals_child(void);
/* Where upcalls enter; the word is the thread's record. */
extern char emu_upcall[];

/*
 * After -EINTR from the kernel: signals without a handler take effect here. True: a handler is to run,
 * so the call has to end; false: it goes on. No lock is held.
 */
bool emu_interrupted(void);
/*
 * To be asked before a call blocks: a handler is to run. An interrupt that came since emu was entered may
 * have been used up by a call that does not block; one that comes after this ends the next call.
 */
#define emu_is_due() (__builtin_expect(emu_pending, 0) && emu_interrupted())
/* Sleeps until `deadline`: 0, or -EINTR: a handler is to run. */
long emu_sleep_until(uint64_t deadline);

#define EMU_SIGNAL_CALLS(X)                                                                        \
	X(rt_sigaction, emu_sigaction)                                                             \
	X(rt_sigprocmask, emu_full_sigprocmask)                                                    \
	X(rt_sigpending, emu_sigpending)                                                           \
	X(rt_sigsuspend, emu_sigsuspend)                                                           \
	X(rt_sigtimedwait, emu_sigtimedwait)                                                       \
	X(rt_sigqueueinfo, emu_sigqueueinfo)                                                       \
	X(rt_tgsigqueueinfo, emu_tgsigqueueinfo)                                                   \
	X(rt_sigreturn, emu_sigreturn)                                                             \
	X(sigaltstack, emu_sigaltstack)                                                            \
	X(kill, emu_full_kill)                                                                     \
	X(tkill, emu_full_tkill)                                                                   \
	X(tgkill, emu_full_tgkill)                                                                 \
	X(setitimer, emu_setitimer)                                                                \
	X(getitimer, emu_getitimer)                                                                \
	X(timer_create, emu_timer_create)                                                          \
	X(timer_settime, emu_timer_settime)                                                        \
	X(timer_gettime, emu_timer_gettime)                                                        \
	X(timer_getoverrun, emu_timer_getoverrun)                                                  \
	X(timer_delete, emu_timer_delete)

#define EMU_SIGNAL_DECLARE(name, function) long function();

#endif
