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

/* s0..s11 and gp, which quick calls leave alone. */
.macro SAVE_PRESERVED thread
	sd	s0, FRAME_S0(\thread)
	sd	s1, FRAME_S1(\thread)
	sd	s2, FRAME_S2(\thread)
	sd	s3, FRAME_S3(\thread)
	sd	s4, FRAME_S4(\thread)
	sd	s5, FRAME_S5(\thread)
	sd	s6, FRAME_S6(\thread)
	sd	s7, FRAME_S7(\thread)
	sd	s8, FRAME_S8(\thread)
	sd	s9, FRAME_S9(\thread)
	sd	s10, FRAME_S10(\thread)
	sd	s11, FRAME_S11(\thread)
	sd	gp, FRAME_GP(\thread)
.endm

/* a0..a7, t0, t1, t2: what a system call may carry. */
.macro SAVE_ARGUMENTS thread
	sd	a0, FRAME_RESULT(\thread)
	sd	a1, FRAME_A1(\thread)
	sd	a2, FRAME_A2(\thread)
	sd	a3, FRAME_A3(\thread)
	sd	a4, FRAME_A4(\thread)
	sd	a5, FRAME_A5(\thread)
	sd	a6, FRAME_A6(\thread)
	sd	t0, FRAME_T0(\thread)
	sd	t1, FRAME_T1(\thread)
	sd	a7, FRAME_A7(\thread)
	sd	t2, FRAME_T2(\thread)
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
	SAVE_PRESERVED t6
	sd	a0, FRAME_RESULT(t6)
clear_lost:
	sd	zero, FRAME_A1(t6)
	sd	zero, FRAME_A2(t6)
	sd	zero, FRAME_A3(t6)
	sd	zero, FRAME_A4(t6)
	sd	zero, FRAME_A5(t6)
	sd	zero, FRAME_A6(t6)
	sd	zero, FRAME_T0(t6)
	sd	zero, FRAME_T1(t6)
	sd	zero, FRAME_A7(t6)
	sd	zero, FRAME_T2(t6)
	sd	zero, FRAME_T3(t6)
	sd	zero, FRAME_T4(t6)
	sd	zero, FRAME_T5(t6)
	sd	zero, FRAME_T6(t6)
	sd	zero, FRAME_RA(t6)
	j	slow_exit

/* A message is sent, or waited for. If it fails on the spot the frame is made whole here, for
   whoever looks at it; otherwise by whoever writes what arrives. */
blocking_syscall:
	sd	t3, FRAME_PC(t6)
	bgtz	t4, full_syscall
message_syscall:
	SAVE_PRESERVED t6
	sd	a0, FRAME_RESULT(t6)
	addi	t4, t4, -KIND_WAIT
	beqz	t4, 1f
	sd	a1, FRAME_A1(t6)
	sd	a2, FRAME_A2(t6)
	sd	a3, FRAME_A3(t6)
	sd	a4, FRAME_A4(t6)
	sd	a5, FRAME_A5(t6)
	sd	a6, FRAME_A6(t6)
	sd	t0, FRAME_T0(t6)
	sd	t1, FRAME_T1(t6)
	sd	t2, FRAME_T2(t6)
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

/* A call that may block or switch: the frame is whole before it begins. What it returns goes
   to a0 of the calling thread only if that is still the current one. */
full_syscall:
	SAVE_PRESERVED t6
	SAVE_ARGUMENTS t6
	sd	zero, FRAME_T3(t6)
	sd	zero, FRAME_T4(t6)
	sd	zero, FRAME_T5(t6)
	sd	zero, FRAME_T6(t6)
	sd	zero, FRAME_RA(t6)
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
	ld	s0, FRAME_S0(t6)
	ld	s1, FRAME_S1(t6)
	ld	s2, FRAME_S2(t6)
	ld	s3, FRAME_S3(t6)
	ld	s4, FRAME_S4(t6)
	ld	s5, FRAME_S5(t6)
	ld	s6, FRAME_S6(t6)
	ld	s7, FRAME_S7(t6)
	ld	s8, FRAME_S8(t6)
	ld	s9, FRAME_S9(t6)
	ld	s10, FRAME_S10(t6)
	ld	s11, FRAME_S11(t6)
	ld	sp, FRAME_SP(t6)
	ld	gp, FRAME_GP(t6)
	ld	tp, FRAME_TP(t6)
	ld	a0, FRAME_RESULT(t6)
	ld	a1, FRAME_A1(t6)
	ld	a2, FRAME_A2(t6)
	ld	a3, FRAME_A3(t6)
	ld	a4, FRAME_A4(t6)
	ld	a5, FRAME_A5(t6)
	ld	a6, FRAME_A6(t6)
	ld	a7, FRAME_A7(t6)
	ld	t0, FRAME_T0(t6)
	ld	t1, FRAME_T1(t6)
	ld	t2, FRAME_T2(t6)
	ld	t3, FRAME_T3(t6)
	ld	t4, FRAME_T4(t6)
	ld	t5, FRAME_T5(t6)
	ld	ra, FRAME_RA(t6)
	ld	t6, FRAME_T6(t6)
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
	ld	a1, FRAME_A1(t6)
	ld	a2, FRAME_A2(t6)
	ld	a3, FRAME_A3(t6)
	ld	a4, FRAME_A4(t6)
	ld	a5, FRAME_A5(t6)
	ld	a6, FRAME_A6(t6)
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
	sd	t5, FRAME_T5(t6)
	ld	t5, HART_SCRATCH(tp)
	sd	t5, FRAME_T6(t6)
	sd	t3, FRAME_T3(t6)
	sd	t4, FRAME_T4(t6)
	sd	ra, FRAME_RA(t6)
	SAVE_STACK t6, t5
	SAVE_PC	t6, t5
	SAVE_PRESERVED t6
	SAVE_ARGUMENTS t6
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
	sd	x5, 40(sp)
	sd	x6, 48(sp)
	sd	x7, 56(sp)
	sd	x8, 64(sp)
	sd	x9, 72(sp)
	sd	x10, 80(sp)
	sd	x11, 88(sp)
	sd	x12, 96(sp)
	sd	x13, 104(sp)
	sd	x14, 112(sp)
	sd	x15, 120(sp)
	sd	x16, 128(sp)
	sd	x17, 136(sp)
	sd	x18, 144(sp)
	sd	x19, 152(sp)
	sd	x20, 160(sp)
	sd	x21, 168(sp)
	sd	x22, 176(sp)
	sd	x23, 184(sp)
	sd	x24, 192(sp)
	sd	x25, 200(sp)
	sd	x26, 208(sp)
	sd	x27, 216(sp)
	sd	x28, 224(sp)
	sd	x29, 232(sp)
	sd	x30, 240(sp)
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
