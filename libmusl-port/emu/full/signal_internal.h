/* What the files of signals share: signal_state.c, signal_deliver.c, signal_calls.c, signal_timer.c. */
#ifndef EMU_FULL_SIGNAL_INTERNAL_H
#define EMU_FULL_SIGNAL_INTERNAL_H

#include <signal.h>

#include "emu_full.h"

#define SIGNAL_BIT(number) (1ul << ((number)-1))
/* Nobody can block these. */
#define SIGNALS_ALWAYS (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))
#define SIGNALS_STOP                                                                               \
	(SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU))

#define HANDLER_DEFAULT 0
#define HANDLER_IGNORE 1
#define FLAG_RESTORER 0x04000000u

/* struct k_sigaction, as the C library passes it. */
struct emu_action {
	uint64_t handler;
	uint64_t flags;
	uint64_t restorer;
	uint64_t mask;
};

extern struct emu_action emu_actions[POSIX_SIGNALS + 1]; /* by number */

static inline int signal_number(const struct posix_signal *signal)
{
	return POSIX_SIGNAL_NUMBER(signal);
}

/* ------------------------------------------------------------------------- signal_state.c */
/*
 * A signal is there for the thread of this number, or for the process (0): it becomes pending, and a thread
 * that can take it is told. 0; -ESRCH: the thread has ended; -EAGAIN: too many are queued. Neither threads
 * nor signals are locked.
 */
long emu_signal_generate(int tid, const struct posix_signal *signal);
/* The next who leaves emu looks for signals. */
void emu_signals_look(void);
/* Takes the thread's next pending signal out of `wanted`; false: there is none. Locked or not. */
bool emu_signal_take(struct emu_thread *thread, uint64_t wanted, struct posix_signal *signal);
/* Pending and not blocked, for this thread. */
uint64_t emu_signals_due(const struct emu_thread *thread);
/* Pending ones of these numbers are forgotten. Locked. */
void emu_signals_discard(uint64_t set);
/* All that are pending for the thread or the process. */
uint64_t emu_signals_pending(const struct emu_thread *thread);
/*
 * The thread's mask is this from now on; and it takes those of this set though they are blocked. What it has
 * been told of and does not take any more is another thread's. Not locked.
 */
void emu_signals_block(struct emu_thread *thread, uint64_t mask);
void emu_signals_await(struct emu_thread *thread, uint64_t set);
bool emu_signal_is_ignored(int number);
/* The same of a handler that was read before. */
bool emu_handler_ignores(uint64_t handler, int number);
/* The signal's action at this moment. If a handler is to run that has SA_RESETHAND, that is its last time. */
struct emu_action emu_action_take(int number);
/* SIGCHLD matters to this process even if it has no handler for it. */
void emu_signals_want_child(uint64_t set);
/* As the posix server last said. */
extern uint32_t emu_signal_continues;

/* ----------------------------------------------------------------------- signal_deliver.c */
/* siginfo_t for it. */
void emu_signal_describe(const struct posix_signal *signal, siginfo_t *info);

/* -------------------------------------------------------------------------- signal_timer.c */
/* A timer's signal is taken: its overruns are those of the timer. */
void emu_timer_taken(const struct posix_signal *signal);

#endif
