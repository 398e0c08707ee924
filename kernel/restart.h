/*
 * Restartable system calls: they run as quick calls while nothing keeps them, and are made again from
 * registers that hold their progress when they must wait or let an interrupt in.
 *
 * The trap path stores a restartable call's arguments only. When it finds that it has to stop it puts
 * its progress into the frame's registers and returns CALL_AGAIN; then the rest of the frame is
 * stored, and the same function is called again (hart->may_block is set): now it may block. A call
 * that reads or writes memobjs has more to keep: what it has done so far and the stream or memobj
 * that it works on alone. That is in thread->io, until the call ends, or is given up because the
 * thread dies or an upcall wants its registers.
 */
#ifndef KERNEL_RESTART_H
#define KERNEL_RESTART_H

#include "kernel/types.h"

#define CALL_AGAIN (-512) /* inside the kernel only */

struct thread;

/* Stop for now: the call is made again with these registers. Returns what the call must return. */
s64 call_again(const u64 registers[7]) MUST_USE;

/* The pc of the current thread, whose frame is whole, is moved back to its call: it may block. */
void call_rewind(struct thread *thread);

/* The second half of the trap path's work, see above. */
s64 call_resume(void);

/* A thread that waited in a call has been taken off: the call ends here. */
void call_cancelled(struct thread *thread);
/* An upcall is about to take over the registers of a thread that may stand before a read or write which
 * it is in the middle of: that ends here, with what it has done. */
void call_give_up(struct thread *thread);

#endif
