/*
 * The image's jump table, the way in and out of a call, and its start.
 *
 * A call comes as a C function call, emu(number, six arguments), on the stack of the program. The
 * frame keeps what is needed to make the call again: its return address, number and arguments. It
 * holds nothing of the functions behind it, so at the end all callee-saved registers are the
 * program's: signal delivery, which begins there, sees the program as it was before the call.
 */
#include "offsets.h"
#include "tern/emu.h"

#define FRAME 80 /* struct emu_frame */
#define FRAME_RA 0
#define FRAME_A(n) (8 + 8 * (n))
#define FRAME_AGAIN 64

#define REGISTER(n) (8 * (n)) /* struct tern_registers; 0: the pc */
#define INTERRUPTED 4        /* EINTR */
#define OUTCOME_HANDLER 1    /* what emu_deliver answers */
#define OUTCOME_AGAIN 2

	.section .text.entry, "ax"
	.globl	emu_jump_table
emu_jump_table:
	j	call
	.balign	16
	j	cancellable		/* EMU_ENTRY_CANCELLABLE */
	.balign	16

	.globl	emu_call
emu_call:
call:
	lla	t1, emu_jump_table	/* made again, a call begins there */
cancellable:
	addi	sp, sp, -FRAME
	sd	ra, FRAME_RA(sp)
	sd	a0, FRAME_A(0)(sp)
	sd	a1, FRAME_A(1)(sp)
	sd	a2, FRAME_A(2)(sp)
	sd	a3, FRAME_A(3)(sp)
	sd	a4, FRAME_A(4)(sp)
	sd	a5, FRAME_A(5)(sp)
	sd	a6, FRAME_A(6)(sp)
	sd	t1, FRAME_AGAIN(sp)
	sltiu	t0, a0, EMU_CALLS	/* a negative number is a large one */
	beqz	t0, missing
	lla	t0, emu_calls
	slli	t1, a0, 3
	add	t0, t0, t1
	ld	t0, 0(t0)
	beqz	t0, missing
	mv	a0, a1
	mv	a1, a2
	mv	a2, a3
	mv	a3, a4
	mv	a4, a5
	mv	a5, a6
	jalr	t0
/* An upcall that comes behind the look at emu_pending goes back to `leave`: see signal_deliver.c. */
	.globl	emu_leave, emu_leave_last
leave:
emu_leave:
	lw	t0, emu_pending
	bnez	t0, signals
	addi	t0, a0, INTERRUPTED
	beqz	t0, signals
	ld	ra, FRAME_RA(sp)
	addi	sp, sp, FRAME
emu_leave_last:
	ret

missing:
	call	emu_missing_call
	j	leave

/*
 * a0: the result. All registers that the program still has go to the thread's delivery stack, and
 * emu_deliver(registers, frame, result) says how it goes on. s0: the frame, s1: the result.
 */
signals:
	addi	sp, sp, -16
	sd	a0, 0(sp)
	call	emu_delivery_stack
	ld	a2, 0(sp)
	addi	sp, sp, 16
	sd	gp, REGISTER(3)(a0)
	sd	tp, REGISTER(4)(a0)
	sd	s0, REGISTER(8)(a0)
	sd	s1, REGISTER(9)(a0)
	sd	s2, REGISTER(18)(a0)
	sd	s3, REGISTER(19)(a0)
	sd	s4, REGISTER(20)(a0)
	sd	s5, REGISTER(21)(a0)
	sd	s6, REGISTER(22)(a0)
	sd	s7, REGISTER(23)(a0)
	sd	s8, REGISTER(24)(a0)
	sd	s9, REGISTER(25)(a0)
	sd	s10, REGISTER(26)(a0)
	sd	s11, REGISTER(27)(a0)
	mv	s0, sp
	mv	s1, a2
	mv	a1, sp
	mv	sp, a0
	call	emu_deliver
	li	t0, OUTCOME_HANDLER
	beq	a0, t0, handler
	mv	t1, a0
	mv	t0, s0
	mv	a0, s1
	ld	s0, REGISTER(8)(sp)
	ld	s1, REGISTER(9)(sp)
	mv	sp, t0
	li	t0, OUTCOME_AGAIN
	bne	t1, t0, emu_left

	ld	ra, FRAME_RA(sp)
	ld	a0, FRAME_A(0)(sp)
	ld	a1, FRAME_A(1)(sp)
	ld	a2, FRAME_A(2)(sp)
	ld	a3, FRAME_A(3)(sp)
	ld	a4, FRAME_A(4)(sp)
	ld	a5, FRAME_A(5)(sp)
	ld	a6, FRAME_A(6)(sp)
	ld	t1, FRAME_AGAIN(sp)
	addi	sp, sp, FRAME
	jr	t1

/* What is pending may be another thread's. a1: whether something came for this one meanwhile. */
	.globl	emu_left, emu_left_last
emu_left:
	lw	t0, 0(a1)
	bnez	t0, signals
	ld	ra, FRAME_RA(sp)
	addi	sp, sp, FRAME
emu_left_last:
	ret

handler:
	ld	t0, 0(sp)
	ld	ra, REGISTER(1)(sp)
	ld	s0, REGISTER(8)(sp)
	ld	s1, REGISTER(9)(sp)
	ld	a0, REGISTER(10)(sp)
	ld	a1, REGISTER(11)(sp)
	ld	a2, REGISTER(12)(sp)
	ld	sp, REGISTER(2)(sp)
	jr	t0

/* From the launcher: the argument block is on the stack. */
	.text
	.globl	_start
_start:
	mv	a0, sp
	andi	sp, sp, -16
	call	emu_start
	unimp

/* void emu_enter(uint64_t entry, uint64_t stack): the program begins. All other registers are 0. */
	.globl	emu_enter
emu_enter:
	mv	t0, a0
	mv	sp, a1
	fscsr	zero
	li	ra, 0
	li	gp, 0
	li	tp, 0
	li	t1, 0
	li	t2, 0
	li	t3, 0
	li	t4, 0
	li	t5, 0
	li	t6, 0
	li	s0, 0
	li	s1, 0
	li	s2, 0
	li	s3, 0
	li	s4, 0
	li	s5, 0
	li	s6, 0
	li	s7, 0
	li	s8, 0
	li	s9, 0
	li	s10, 0
	li	s11, 0
	li	a0, 0
	li	a1, 0
	li	a2, 0
	li	a3, 0
	li	a4, 0
	li	a5, 0
	li	a6, 0
	li	a7, 0
	jr	t0

/* void emu_on_stack(uint64_t stack, void (*function)(void *), void *argument): does not return. */
	.globl	emu_on_stack
emu_on_stack:
	mv	sp, a0
	mv	t0, a1
	mv	a0, a2
	jalr	t0
	unimp

/* void emu_child(uint64_t entry, uint64_t stack, uint64_t tp): a forked child on a given stack. */
	.globl	emu_child_enter
emu_child_enter:
	mv	sp, a1
	mv	tp, a2
	jr	a0

/*
 * Where threads begin: a0 = the record. Upcalls are registered, then the program's entry is
 * entered with its stack as it was given.
 */
	.globl	emu_thread_begin
emu_thread_begin:
	mv	s0, a0
	call	emu_thread_ready
	ld	t0, EMU_THREAD_ENTRY(s0)
	li	s0, 0
	li	ra, 0
	jr	t0

	.section .bss
	.balign	8
	.globl	emu_pending
emu_pending:
	.zero	8

	.section .note.GNU-stack, "", @progbits
