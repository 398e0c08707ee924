/* Frames as arrays of x registers, for upcalls: the frame's own order is the fast path's. */
#include "arch/frame.h"
#include "tern/thread.h"

/* Where x1..x31 are in struct frame, in words. */
static const u8 word_of[31] = {
	31,                                    /* ra */
	12, 13, 14,                            /* sp, gp, tp */
	23, 24, 26,                            /* t0, t1, t2 */
	0,  1,                                 /* s0, s1 */
	16, 17, 18, 19, 20, 21, 22,            /* a0 .. a6 */
	25,                                    /* a7 */
	2,  3,  4,  5,  6,  7,  8,  9, 10, 11, /* s2 .. s11 */
	27, 28, 29, 30,                        /* t3 .. t6 */
};

_Static_assert(sizeof(struct frame) == FRAME_WORDS * sizeof(u64), "a frame is 32 words");
_Static_assert(offsetof(struct frame, result) == 16 * sizeof(u64), "a0 is word 16");
_Static_assert(offsetof(struct frame, operation) == 25 * sizeof(u64), "a7 is word 25");
_Static_assert(offsetof(struct frame, ra) == 31 * sizeof(u64), "ra is word 31");

void frame_get_registers(const struct frame *frame, struct tern_registers *registers)
{
	const u64 *words = (const u64 *)frame;

	registers->pc = frame->pc;
	for (u32 i = 0; i < 31; i++)
		registers->x[i] = words[word_of[i]];
}

void frame_set_registers(struct frame *frame, const struct tern_registers *registers)
{
	u64 *words = (u64 *)frame;

	frame->pc = registers->pc;
	for (u32 i = 0; i < 31; i++)
		words[word_of[i]] = registers->x[i];
}
