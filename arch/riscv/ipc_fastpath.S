/*
 * The trap entry and the IPC fast path: call and reply_wait with eight words in registers.
 *
 * Every trap enters at trap_entry. A `call` or a `reply_wait` whose partner is ready, on an
 * undisturbed hart, is done here, from the first instruction to sret; everything else leaves to
 * trap.S (labels slow_*) before anything has been changed. docs/fastpath.md walks through it.
 *
 * Registers
 *   a0       handle in; what arrived out (0: a call, or the answer to one)
 *   a1..a6, t0, t1   the eight message words: never touched here
 *   a7       operation in; userdata out
 *   s0..s11, sp, gp, tp   the user's: saved to the one thread, loaded from the other
 *   ra, t2..t6   lost in a system call, so free for us; ra becomes the user's pc, t2..t6 zero
 *
 * Roles while it lasts
 *   tp  this hart                      (sscratch holds it in user mode; the user's tp meanwhile)
 *   t6  the thread that traps          t3  the thread that will run
 *   t4  listener                       ra  the other space's satp
 *
 * Why it may stop anywhere before "commit": until then only the listener's lock has been taken,
 * and slow_unlock gives it back. Why it is airtight after: what makes a partner unfit (kill,
 * interrupt, revocation, takeover, a death) is stored either under the listener's lock, or in a
 * word that is read here and looked at again after a grace period (kernel/thread.c, settle).
 */
#include "arch/csr.h"
#include "generated/asm_offsets.h"
#include "tern/ipc.h"
#include "tern/syscall.h"

/* A step begins: its number, how many instructions it may take, its name. They go into a section
   that is not loaded, from which study/ learns what it sees. 0 ends the last step. */
.macro STEP number, budget, title
	.pushsection .tern.steps
	.balign	8
	.quad	771f
	.word	\number, \budget
	.asciz	"\title"
	.popsection
771:
.endm

/* One thread's saved registers: everything that a function call preserves, and where to go on. */
.macro SAVE_REGISTERS thread, scratch
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
	sd	sp, FRAME_SP(\thread)
	sd	gp, FRAME_GP(\thread)
	csrr	\scratch, sscratch	/* the user's tp */
	sd	\scratch, FRAME_TP(\thread)
	csrr	\scratch, sepc
	addi	\scratch, \scratch, 4	/* after the ecall */
	sd	\scratch, FRAME_PC(\thread)
.endm

	.section .text.fastpath, "ax"
	.balign	64
	.globl	trap_entry
trap_entry:
	/* 1. Find the hart; see what happened: an ecall from user mode? */
	STEP	1, 8, "Entry: what happened?"
	csrrw	tp, sscratch, tp
	sd	t6, HART_SCRATCH(tp)
	csrr	t6, scause
	addi	t6, t6, -CAUSE_USER_ECALL
	bnez	t6, slow_trap
	addi	t6, a7, -TERN_OP_CALL
	bnez	t6, fast_not_call

/* ------------------------------------------------------------------ call: client to server */
	.globl	fast_call
fast_call:
	/* 2. Look the handle up. One compare proves index, generation and the right to call. */
	STEP	2, 14, "Look the handle up"
	ld	t6, HART_CURRENT(tp)
	ld	t5, THREAD_PROCESS(t6)
	ld	t4, PROCESS_HANDLE_MASK(t5)
	fence	r, r			/* the table is never smaller than its mask: handle.c */
	ld	t3, PROCESS_HANDLE_SLOTS(t5)
	and	t4, t4, a0
	add	t3, t3, t4
	ld	t2, SLOT_OBJECT(t3)
	fence	r, r			/* object before key, as the writer's fence: handle.c */
	ld	t3, SLOT_KEY(t3)
	bne	t3, a0, slow_call
	beqz	t2, slow_call

	/* 3. The object: only a live client port has a callee. */
	STEP	3, 3, "A live client port?"
	ld	t4, OBJECT_CALLEE(t2)
	beqz	t4, slow_call

	/* 4. Dirty floating-point registers are saved on the slow path, once. */
	STEP	4, 2, "Floating point clean?"
	csrr	t3, sstatus
	bltz	t3, slow_call

	/* 5. Lock the listener. Under its lock, a port that has a callee still is not revoked. */
	STEP	5, 5, "Lock the listener"
	amoswap.w.aq t3, tp, (t4)	/* struct listener begins with its lock */
	bnez	t3, slow_call
	ld	t3, OBJECT_CALLEE(t2)
	bne	t3, t4, slow_call_unlock

	/* 6. A server waits? Its space is active on this hart? */
	STEP	6, 8, "Partner and its space"
	ld	t3, LISTENER_RECEIVERS(t4)
	beqz	t3, slow_call_unlock
	ld	t5, THREAD_PROCESS(t3)
	ld	ra, HART_SATP_OFFSET(tp)
	add	ra, ra, t5
	ld	ra, 0(ra)
	beqz	ra, slow_call_unlock

	/* 7. Nobody more important is ready here, the server need not inherit our priority, and
	   nothing is pending for either of the two. */
	STEP	7, 6, "Priority, and all that is pending"
	lhu	t5, THREAD_FAST_PRIORITY(t3)
	ld	a7, HART_FAST(tp)
	bltu	t5, a7, slow_call_unlock
	lhu	a7, THREAD_CALL_PRIORITY(t6)
	bltu	t5, a7, slow_call_unlock

	/* 8. Commit: from here on nothing can fail. Take the server off the list, unlock. */
	STEP	8, 5, "Commit"
	ld	a7, PORT_USERDATA(t2)
	ld	t2, THREAD_NEXT(t3)
	sd	t2, LISTENER_RECEIVERS(t4)
	amoswap.w.rl zero, zero, (t4)

	/* 9. Save the caller; then publish that it awaits a reply, and to whom it looks. */
	STEP	9, 26, "Save and publish"
	SAVE_REGISTERS t6, t2
	ld	t2, THREAD_TOKEN(t6)
	addi	t2, t2, 1
	sd	t3, THREAD_SERVER(t6)
	sd	t2, THREAD_CALLER_TOKEN(t3)
	sd	t6, THREAD_CALLER(t3)
	amoswap.d.rl zero, t2, (t6)	/* struct thread begins with its token */

/* --------------------------------------------------------------- the switch, both directions */
	.globl	fast_switch
fast_switch:
	/* 10. Change the address space and the current thread. ASIDs differ: no flush. */
	STEP	10, 21, "Switch"
	csrw	satp, ra
	sd	t3, HART_CURRENT(tp)
	ld	ra, FRAME_PC(t3)
	csrw	sepc, ra
	csrw	sscratch, tp
	ld	s0, FRAME_S0(t3)
	ld	s1, FRAME_S1(t3)
	ld	s2, FRAME_S2(t3)
	ld	s3, FRAME_S3(t3)
	ld	s4, FRAME_S4(t3)
	ld	s5, FRAME_S5(t3)
	ld	s6, FRAME_S6(t3)
	ld	s7, FRAME_S7(t3)
	ld	s8, FRAME_S8(t3)
	ld	s9, FRAME_S9(t3)
	ld	s10, FRAME_S10(t3)
	ld	s11, FRAME_S11(t3)
	ld	sp, FRAME_SP(t3)
	ld	gp, FRAME_GP(t3)
	ld	tp, FRAME_TP(t3)

	/* 11. It arrived well; leave nothing of ours behind. */
	STEP	11, 7, "Leave nothing behind"
	li	a0, TERN_EVENT_CALL
	li	t2, 0
	li	t3, 0
	li	t4, 0
	li	t5, 0
	li	t6, 0
	sret

/* ----------------------------------------------------- reply_wait: server to client, and wait */
fast_not_call:
	STEP	1, 2, "Entry: what happened?"
	addi	t6, a7, -TERN_OP_REPLY_WAIT
	bnez	t6, slow_syscall
	.globl	fast_reply
fast_reply:
	/* 2. The listener is the one we received from last, and there is a call to answer. */
	STEP	2, 6, "Listener and caller"
	ld	t6, HART_CURRENT(tp)
	ld	t5, THREAD_LISTENER_HANDLE(t6)
	bne	t5, a0, slow_reply
	ld	t3, THREAD_CALLER(t6)
	beqz	t3, slow_reply

	/* 4. Floating point, as above. */
	STEP	4, 2, "Floating point clean?"
	csrr	t5, sstatus
	bltz	t5, slow_reply

	/* 6. The caller's space is active on this hart? */
	STEP	6, 6, "Partner and its space"
	ld	t5, THREAD_PROCESS(t3)
	ld	ra, HART_SATP_OFFSET(tp)
	add	ra, ra, t5
	ld	ra, 0(ra)
	beqz	ra, slow_reply

	/* 7. Nobody more important is ready here, nothing is pending for the caller. */
	STEP	7, 4, "Priority, and all that is pending"
	lhu	t5, THREAD_FAST_PRIORITY(t3)
	ld	t4, HART_FAST(tp)
	bltu	t5, t4, slow_reply

	/* 5. Lock the listener: nobody is queued there, and it was not destroyed? */
	STEP	5, 6, "Lock the listener"
	ld	t4, THREAD_FAST_LISTENER(t6)
	amoswap.w.aq t5, tp, (t4)
	bnez	t5, slow_reply
	ld	t5, LISTENER_ATTENTION(t4)
	bnez	t5, slow_reply_unlock

	/* 8. Commit: win the call. Its token is still the one we received, or somebody else has
	   ended the call (kill, interrupt) and the answer is too late. */
	STEP	8, 8, "Commit"
	ld	t5, THREAD_CALLER_TOKEN(t6)
	lr.d.aq	t2, (t3)
	bne	t2, t5, slow_reply_unlock
	addi	t2, t2, 1
	sc.d	t5, t2, (t3)
	bnez	t5, slow_reply_unlock
	sd	zero, THREAD_CALLER(t6)

	/* 9. Save the server, then publish it as the first receiver, unlock. */
	STEP	9, 26, "Save and publish"
	SAVE_REGISTERS t6, t2
	ld	t2, LISTENER_RECEIVERS(t4)
	sd	t2, THREAD_NEXT(t6)
	sd	t6, LISTENER_RECEIVERS(t4)
	amoswap.w.rl zero, zero, (t4)
	li	a7, 0			/* answers carry no userdata */
	j	fast_switch

/* -------------------------------------------------------- leaving for the slow path (trap.S) */
	STEP	12, 3, "Leave for the C path"
slow_call_unlock:
	amoswap.w.rl zero, zero, (t4)
slow_call:
	li	a7, TERN_OP_CALL
	j	slow_syscall
slow_reply_unlock:
	amoswap.w.rl zero, zero, (t4)
slow_reply:
	j	slow_syscall
	STEP	0, 0, ""
