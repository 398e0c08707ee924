/*
 * The loops that are measured. The message stays in the registers that it travels in, so what
 * is counted is the stub and the kernel, not C code around them.
 */
#include "tern/syscall.h"

	.section .text, "ax"

/* void loop_call(tern_handle port, uint64_t rounds) */
	.globl	loop_call
loop_call:
	addi	sp, sp, -32
	sd	ra, 24(sp)
	sd	s0, 16(sp)
	sd	s1, 8(sp)
	mv	s0, a0
	mv	s1, a1
1:	mv	a0, s0
	li	a7, TERN_OP_CALL
	.globl	study_call
study_call:
	ecall
	.globl	study_call_end
study_call_end:
	addi	s1, s1, -1
	bnez	s1, 1b
	ld	ra, 24(sp)
	ld	s0, 16(sp)
	ld	s1, 8(sp)
	addi	sp, sp, 32
	ret

/* void loop_serve(tern_handle listener): until something else than a call arrives */
	.globl	loop_serve
loop_serve:
	addi	sp, sp, -16
	sd	ra, 8(sp)
	sd	s0, 0(sp)
	mv	s0, a0
	li	a7, -5			/* wait */
	ecall
1:	bnez	a0, 2f
	mv	a0, s0
	li	a7, TERN_OP_REPLY_WAIT
	.globl	study_reply
study_reply:
	ecall
	j	1b
2:	ld	ra, 8(sp)
	ld	s0, 0(sp)
	addi	sp, sp, 16
	ret

/* void loop_null(uint64_t rounds) */
	.globl	loop_null
loop_null:
	mv	t0, s1
	mv	s1, a0
	addi	sp, sp, -16
	sd	ra, 8(sp)
	sd	t0, 0(sp)
1:	li	a7, -57
	ecall
	addi	s1, s1, -1
	bnez	s1, 1b
	ld	ra, 8(sp)
	ld	s1, 0(sp)
	addi	sp, sp, 16
	ret

/* void loop_yield(uint64_t rounds) */
	.globl	loop_yield
loop_yield:
	mv	t0, s1
	mv	s1, a0
	addi	sp, sp, -16
	sd	ra, 8(sp)
	sd	t0, 0(sp)
1:	li	a7, -37
	ecall
	addi	s1, s1, -1
	bnez	s1, 1b
	ld	ra, 8(sp)
	ld	s1, 0(sp)
	addi	sp, sp, 16
	ret

/* A thread that ends at once, and one that waits at the listener in a0 for ever. Neither has a
   stack. */
	.globl	thread_ends
thread_ends:
	li	a0, 0
	li	a7, -30
	ecall

	.globl	thread_waits
thread_waits:
	li	a7, -5
	ecall
	j	thread_ends
