/*
 * The slow path's entry and exit: everything that ipc_fastpath.S leaves.
 *
 * Three ways in. A *quick* system call never blocks: it runs as an ordinary C call that keeps
 * s0..s11 and gp, so only sp and tp are stored. A *message* call stores what a function call
 * preserves and what is sent. Everything else (other calls that block, exceptions, interrupts)
 * stores the whole frame first, because another thread may run when it leaves.
 *
 * One way out: the frame of hart->current, loaded whole; after sched_exit() has chosen it when
 * anything asks for that.
 *
 * On entry: tp = hart, sscratch = the user's tp, the user's t6 in the hart's scratch word. While
 * C code runs sscratch = hart, so that a trap taken inside the kernel finds its hart; it ends in
 * a panic on the emergency stack.
 */
#include "arch/csr.h"
#include "generated/asm_offsets.h"
#include "tern/syscall.h"

/* What every entry does: the user's tp and sp go to the frame, the kernel's stack comes. */
.macro SAVE_STACK thread, scratch
	csrrw	\scratch, sscratch, tp
	sd	\scratch, FRAME_TP(\thread)
	sd	sp, FRAME_SP(\thread)
	ld	sp, HART_STACK_TOP(tp)
.endm

/* Where a system call goes on: after its ecall. */
.macro GET_RETURN_PC result
	csrr	\result, sepc
	addi	\result, \result, 4
.endm

/* The pc joins the frame when another thread may run before this one goes on. */
.macro SAVE_PC thread, scratch
	csrr	\scratch, sepc
	sd	\scratch, FRAME_PC(\thread)
.endm

/* sd or ld of registers that have consecutive places. */
.macro EACH operation, place, base, registers:vararg
	.set	next_place, \place
	.irp	register, \registers
	\operation \register, next_place(\base)
	.set	next_place, next_place + 8
	.endr
.endm

/* The groups of struct frame. What quick calls leave alone: */
.macro PRESERVED operation, thread
	EACH	\operation, FRAME_S0, \thread, s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11
	\operation gp, FRAME_GP(\thread)
.endm

/* the message words, */
.macro WORDS operation, thread
	EACH	\operation, FRAME_MESSAGE, \thread, a1, a2, a3, a4, a5, a6, t0, t1
.endm

/* what a system call may carry besides: */
.macro ARGUMENTS operation, thread
	\operation a0, FRAME_RESULT(\thread)
	WORDS	\operation, \thread
	\operation a7, FRAME_A7(\thread)
	\operation t2, FRAME_EXTRA(\thread)
.endm

/* The registers that a system call loses. */
.macro CLEAR_WORDS thread
	EACH	sd, FRAME_MESSAGE, \thread, zero, zero, zero, zero, zero, zero, zero, zero
.endm

.macro CLEAR_TEMPORARIES thread
	EACH	sd, FRAME_EXTRA + 8, \thread, zero, zero, zero, zero
	sd	zero, FRAME_RA(\thread)
.endm

	.section .text.trap, "ax"

/* ---------------------------------------------------------------------------- system calls */
	.globl	slow_syscall
slow_syscall:
	bgez	a7, foreign_syscall
	ld	t6, HART_CURRENT(tp)
	addi	t5, a7, TERN_SYSCALL_COUNT - 1
	bltz	t5, unknown_syscall
	slli	t5, t5, SYSCALL_ENTRY_SHIFT
	la	t4, syscall_table
	add	t5, t5, t4
	SAVE_STACK t6, t4
	ld	t4, SYSCALL_ENTRY_KIND(t5)
	ld	t5, SYSCALL_ENTRY_FUNCTION(t5)
	GET_RETURN_PC t3
	bnez	t4, blocking_syscall

quick_syscall:
	csrw	sepc, t3
	jalr	t5			/* sepc keeps the pc: a trap in the kernel is its end */
quick_done:
	ld	t6, HART_CURRENT(tp)
	lhu	t5, THREAD_FAST_PRIORITY(t6)
	ld	t4, HART_FAST(tp)
	bltu	t5, t4, quick_to_slow_exit
	ld	sp, FRAME_SP(t6)
	ld	tp, FRAME_TP(t6)
	li	ra, 0
	li	a1, 0
	li	a2, 0
	li	a3, 0
	li	a4, 0
	li	a5, 0
	li	a6, 0
	li	a7, 0
	li	t0, 0
	li	t1, 0
	li	t2, 0
	li	t3, 0
	li	t4, 0
	li	t5, 0
	li	t6, 0
	sret

/* The quick call is done, but this thread must not simply go on: make its frame whole. */
quick_to_slow_exit:
	SAVE_PC	t6, t4
	PRESERVED sd, t6
	sd	a0, FRAME_RESULT(t6)
clear_lost:
	CLEAR_WORDS t6
	sd	zero, FRAME_A7(t6)
	sd	zero, FRAME_EXTRA(t6)
	CLEAR_TEMPORARIES t6
	j	slow_exit

/* A message is sent, or waited for. If it fails on the spot the frame is made whole here, for
   whoever looks at it; otherwise by whoever writes what arrives. */
blocking_syscall:
	sd	t3, FRAME_PC(t6)
	bgtz	t4, full_syscall
message_syscall:
	PRESERVED sd, t6
	sd	a0, FRAME_RESULT(t6)
	addi	t4, t4, -KIND_WAIT
	beqz	t4, 1f
	WORDS	sd, t6
	sd	t2, FRAME_EXTRA(t6)
1:	mv	s0, t6
	csrr	t4, sstatus
	bltz	t4, save_message_fp
call_message:
	jalr	t5
	ld	t6, HART_CURRENT(tp)
	bne	t6, s0, check_exit
	sd	a0, FRAME_RESULT(t6)
	bgez	a0, check_exit
	j	clear_lost

/* A call that may have to be made again: quick, but its arguments are stored, where it leaves those
   for the second time. Then the rest of the frame follows, and it may block. */
again_syscall:
	csrw	sepc, t3
	ARGUMENTS sd, t6
	jalr	t5
	li	t4, CALL_AGAIN_RESULT
	bne	a0, t4, quick_done
	ld	t6, HART_CURRENT(tp)
	la	t5, call_resume
	j	full_frame

/* A call that may block or switch: the frame is whole before it begins. What it returns goes
   to a0 of the calling thread only if that is still the current one. */
full_syscall:
	addi	t4, t4, -KIND_FULL
	bnez	t4, again_syscall
	ARGUMENTS sd, t6
full_frame:
	PRESERVED sd, t6
	CLEAR_TEMPORARIES t6
	mv	s0, t6
	csrr	t4, sstatus
	bltz	t4, save_fp
call_full:
	jalr	t5
	ld	t6, HART_CURRENT(tp)
	bne	t6, s0, check_exit
	sd	a0, FRAME_RESULT(t6)
check_exit:
	beqz	t6, slow_exit
	lhu	t5, THREAD_FAST_PRIORITY(t6)
	ld	t4, HART_FAST(tp)
	bgeu	t5, t4, restore
slow_exit:
	call	sched_exit
	ld	t6, HART_CURRENT(tp)

/* Load the whole frame of the thread in t6. Its space is active, sscratch = hart. */
restore:
	ld	t5, FRAME_PC(t6)
	csrw	sepc, t5
	PRESERVED ld, t6
	ld	sp, FRAME_SP(t6)
	ld	tp, FRAME_TP(t6)
	ARGUMENTS ld, t6
	EACH	ld, FRAME_EXTRA + 8, t6, t3, t4, t5
	ld	ra, FRAME_RA(t6)
	ld	t6, (FRAME_EXTRA + 32)(t6)
	sret

/* Dirty floating-point registers are stored before the thread can be seen on a wait queue. */
save_message_fp:
	la	s2, call_message
	j	1f
save_fp:
	la	s2, call_full
1:	mv	s1, t5
	addi	a0, t6, THREAD_FP
	call	arch_fp_save
	call	arch_fp_off
	mv	t6, s0
	mv	t5, s1
	ld	a0, FRAME_RESULT(t6)
	WORDS	ld, t6
	jr	s2

unknown_syscall:
	SAVE_STACK t6, t4
	GET_RETURN_PC t4
	csrw	sepc, t4
	li	a0, -ERROR_ENOSYS
	j	quick_to_slow_exit

/* A non-negative number: nothing may be lost, it is somebody else's convention. */
foreign_syscall:
	li	t6, 0

/* --------------------------------------------- exceptions, interrupts, foreign system calls */
	.globl	slow_trap
slow_trap:
	csrr	t6, sstatus
	andi	t6, t6, SSTATUS_SPP
	bnez	t6, kernel_trap
	ld	t6, HART_CURRENT(tp)
	EACH	sd, FRAME_EXTRA + 8, t6, t3, t4, t5
	ld	t5, HART_SCRATCH(tp)
	sd	t5, (FRAME_EXTRA + 32)(t6)
	sd	ra, FRAME_RA(t6)
	SAVE_STACK t6, t5
	SAVE_PC	t6, t5
	PRESERVED sd, t6
	ARGUMENTS sd, t6
	csrr	a0, scause
	csrr	a1, stval
	call	trap_handle
	j	slow_exit

/* A trap inside the kernel: always a bug. sscratch had the hart, so tp is right again. */
kernel_trap:
	sd	sp, (HART_SCRATCH + 8)(tp)
	ld	sp, HART_EMERGENCY_STACK_TOP(tp)
	addi	sp, sp, -256
	sd	x1, 8(sp)
	sd	x3, 24(sp)
	EACH	sd, 40, sp, x5, x6, x7, x8, x9, x10, x11, x12, x13, x14, x15, x16, x17, x18, x19
	EACH	sd, 160, sp, x20, x21, x22, x23, x24, x25, x26, x27, x28, x29, x30
	ld	t0, HART_SCRATCH(tp)
	sd	t0, 248(sp)
	ld	t0, (HART_SCRATCH + 8)(tp)
	sd	t0, 16(sp)
	sd	tp, 32(sp)
	csrr	t0, sepc
	sd	t0, 0(sp)
	mv	a0, sp
	csrr	a1, scause
	csrr	a2, stval
	call	trap_in_kernel

/* A hart enters its first thread: void trap_return(void), from hart_main; does not return. */
	.globl	trap_return
trap_return:
	csrw	sscratch, tp
	j	slow_exit
