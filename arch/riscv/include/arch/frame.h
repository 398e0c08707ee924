/*
 * A thread's user registers, as the kernel keeps them while the thread does not run.
 *
 * The first two cache lines are what the IPC fast path saves and loads: registers that a function
 * call preserves. The rest follows in the order in which messages use it, so that the message
 * words are an array.
 */
#ifndef ARCH_FRAME_H
#define ARCH_FRAME_H

#include "kernel/types.h"

struct frame {
	u64 s[12]; /* s0..s11 */
	u64 sp, gp, tp, pc;

	u64 result;    /* a0: handle or first argument; result */
	u64 words[8];  /* a1..a6, t0, t1 */
	u64 operation; /* a7: operation; userdata of a message */
	u64 extra[5];  /* t2..t6: extended descriptor; received handles and their count */
	u64 ra;
};

#define FRAME_WORDS 32

/*
 * What a blocked call returns. The fast path has not stored the registers that a system call
 * loses, so the frame may hold older values: they must not come back.
 */
static inline void frame_set_result(struct frame *frame, u64 result, u64 userdata)
{
	frame->result = result;
	frame->words[0] = frame->words[1] = frame->words[2] = frame->words[3] = 0;
	frame->words[4] = frame->words[5] = frame->words[6] = frame->words[7] = 0;
	frame->operation = userdata;
	frame->extra[0] = frame->extra[1] = frame->extra[2] = frame->extra[3] = 0;
	frame->extra[4] = 0;
	frame->ra = 0;
}

/* The same for a message: its words come from the sender's frame. */
static inline void frame_set_message(struct frame *frame, const struct frame *from, u64 result,
				     u64 userdata)
{
	frame->result = result;
	frame->words[0] = from->words[0];
	frame->words[1] = from->words[1];
	frame->words[2] = from->words[2];
	frame->words[3] = from->words[3];
	frame->words[4] = from->words[4];
	frame->words[5] = from->words[5];
	frame->words[6] = from->words[6];
	frame->words[7] = from->words[7];
	frame->operation = userdata;
	frame->extra[0] = frame->extra[1] = frame->extra[2] = frame->extra[3] = 0;
	frame->extra[4] = 0;
	frame->ra = 0;
}

/* The system call is to be executed again, with the registers that the frame holds then. */
static inline void frame_restart(struct frame *frame)
{
	frame->pc -= 4;
}

/* It is not: its result is set. */
static inline void frame_skip_call(struct frame *frame)
{
	frame->pc += 4;
}

struct tern_registers;

void frame_get_registers(const struct frame *frame, struct tern_registers *registers);
void frame_set_registers(struct frame *frame, const struct tern_registers *registers);

/* Floating-point registers, saved when a thread with dirty ones is switched away. */
struct fp_state {
	u64 f[32];
	u64 fcsr;
};

#endif
