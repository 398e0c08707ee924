/*
 * The loops that are measured. Messages stay in the registers that they travel in, so what is
 * counted is the shortest honest stub (handle to a0, operation to a7, ecall) and the kernel.
 *
 * Every loop looks at each result: a call that fails is cheap, and would make a fine figure. The
 * loops return the number of rounds that are left, so 0 says that all went well. Each spends
 * three instructions of its own per round (result, counter, branch), which loop_empty spends too.
 * What a server does to look at its message is part of the round trip.
 *
 * Register roles: s0 handle, s1 rounds left, s2 and s3 as each loop says.
 */
#include "tern/ipc.h"
#include "tern/syscall.h"

/* The operation numbers as assembler symbols. */
#define OPERATION(number, name) .equ OP_##name, -(number);
TERN_SYSCALLS(OPERATION)

/* handles[0].handle in struct tern_extended; messages.c asserts it. */
#define EXTENDED_HANDLE 8

#define FOREIGN 64
/* Places in struct tern_upcall; main.c asserts them. */
#define UPCALL_REGISTERS 32
#define UPCALL_A0 112

	.macro	ENTER
	addi	sp, sp, -48
	sd	ra, 40(sp)
	sd	s0, 32(sp)
	sd	s1, 24(sp)
	sd	s2, 16(sp)
	sd	s3, 8(sp)
	.endm

	.macro	LEAVE
	ld	ra, 40(sp)
	ld	s0, 32(sp)
	ld	s1, 24(sp)
	ld	s2, 16(sp)
	ld	s3, 8(sp)
	addi	sp, sp, 48
	ret
	.endm

/* Eight words that a tracer can tell apart. */
	.macro	WORDS
	.set	word, 0x1000
	.irp	register, a1, a2, a3, a4, a5, a6, t0, t1
	li	\register, word
	.set	word, word + 0x111
	.endr
	.endm

/* A system call without arguments, again and again: uint64_t name(uint64_t rounds). */
	.macro	LOOP name, operation
	.globl	\name
\name:
	ENTER
	mv	s1, a0
1:	li	a7, \operation
	ecall
	bnez	a0, 2f
	addi	s1, s1, -1
	bnez	s1, 1b
2:	mv	a0, s1
	LEAVE
	.endm

	.section .text, "ax"
	.balign	64
	LOOP	loop_null, OP_null
	LOOP	loop_yield, OP_thread_yield
	LOOP	loop_foreign, FOREIGN

/* Answers a foreign system call with 0, in the shortest way: a0 = struct tern_upcall. */
	.globl	foreign_upcall
foreign_upcall:
	sd	zero, UPCALL_A0(a0)
	addi	a0, a0, UPCALL_REGISTERS
	li	a7, OP_thread_resume
	ecall
	ebreak

/* uint64_t loop_empty(uint64_t rounds): what the other loops spend on themselves. */
	.globl	loop_empty
loop_empty:
	ENTER
	mv	s1, a0
	li	a0, 0
1:	bnez	a0, 2f
	addi	s1, s1, -1
	bnez	s1, 1b
2:	mv	a0, s1
	LEAVE

/* uint64_t loop_call(tern_handle port, uint64_t rounds) */
	.globl	loop_call
loop_call:
	ENTER
	mv	s0, a0
	mv	s1, a1
	WORDS
	.globl	study_turn
study_turn:
1:	mv	a0, s0
	li	a7, OP_call
	.globl	study_call
study_call:
	ecall
	.globl	study_call_end
study_call_end:
	bnez	a0, 2f
	addi	s1, s1, -1
	bnez	s1, 1b
2:	mv	a0, s1
	LEAVE

/* void loop_serve(tern_handle listener): echo calls until something else arrives */
	.globl	loop_serve
loop_serve:
	ENTER
	mv	s0, a0
	li	a7, OP_wait
	ecall
	bnez	a0, 2f
1:	mv	a0, s0
	li	a7, OP_reply_wait
	.globl	study_reply
study_reply:
	ecall
	beqz	a0, 1b			/* a call: TERN_EVENT_CALL is 0 */
2:	LEAVE

/*
 * uint64_t loop_move(tern_handle port, uint64_t rounds, gives, takes): the handle in `gives` goes
 * to the server with one call and comes back with the answer to the next: one move per round.
 */
	.globl	loop_move
loop_move:
	ENTER
	mv	s0, a0
	mv	s1, a1
	mv	s2, a2			/* descriptors: gives, takes */
	mv	s3, a3
1:	mv	a0, s0
	mv	t2, s2
	li	a7, OP_call_ext
	ecall
	bnez	a0, 2f
	mv	a0, s0
	mv	t2, s3
	li	a7, OP_call_ext
	ecall
	li	t0, TERN_EVENT_HANDLES
	bne	a0, t0, 2f
	sd	t2, EXTENDED_HANDLE(s2)
	addi	s1, s1, -2
	bnez	s1, 1b
2:	mv	a0, s1
	LEAVE

/*
 * uint64_t loop_give(tern_handle port, uint64_t rounds, descriptor, const tern_handle *handles):
 * each call moves the next handle of the array.
 */
	.globl	loop_give
loop_give:
	ENTER
	mv	s0, a0
	mv	s1, a1
	mv	s2, a2
	mv	s3, a3
	.globl	study_give_turn
study_give_turn:
1:	ld	t0, 0(s3)
	addi	s3, s3, 8
	sd	t0, EXTENDED_HANDLE(s2)
	mv	a0, s0
	mv	t2, s2
	li	a7, OP_call_ext
	.globl	study_give
study_give:
	ecall
	.globl	study_give_end
study_give_end:
	bnez	a0, 2f
	addi	s1, s1, -1
	bnez	s1, 1b
2:	mv	a0, s1
	LEAVE

/* void serve_take(tern_handle listener): its other side keeps them all */
	.globl	serve_take
serve_take:
	ENTER
	mv	s0, a0
	li	a7, OP_wait
	ecall
1:	addi	a0, a0, -TERN_EVENT_HANDLES
	bnez	a0, 2f
	mv	a0, s0
	li	a7, OP_reply_wait
	ecall
	j	1b
2:	LEAVE

/* void serve_move(tern_handle listener, gives): its other side */
	.globl	serve_move
serve_move:
	ENTER
	mv	s0, a0
	mv	s2, a1			/* descriptor */
	li	a7, OP_wait
	ecall
1:	li	t0, TERN_EVENT_HANDLES
	bne	a0, t0, 2f
	sd	t2, EXTENDED_HANDLE(s2)
	mv	a0, s0
	li	a7, OP_reply_wait
	ecall
	bnez	a0, 2f
	mv	a0, s0
	mv	t2, s2
	li	a7, OP_reply_wait_ext
	ecall
	j	1b
2:	LEAVE

/* uint64_t loop_notify(tern_handle listener, tern_handle peer, uint64_t rounds) */
	.globl	loop_notify
loop_notify:
	ENTER
	mv	s0, a0
	mv	s2, a1			/* the other's port */
	mv	s1, a2
	.globl	study_notify_turn
study_notify_turn:
1:	mv	a0, s2
	li	a1, 1
	li	a7, OP_notify
	.globl	study_notify
study_notify:
	ecall
	bnez	a0, 2f
	mv	a0, s0
	li	a7, OP_wait
	ecall
	addi	a0, a0, -TERN_EVENT_NOTIFY
	.globl	study_notify_end
study_notify_end:
	bnez	a0, 2f
	addi	s1, s1, -1
	bnez	s1, 1b
2:	mv	a0, s1
	LEAVE

/* void serve_notify(tern_handle listener, tern_handle peer) */
	.globl	serve_notify
serve_notify:
	ENTER
	mv	s0, a0
	mv	s2, a1
1:	mv	a0, s0
	li	a7, OP_wait
	ecall
	addi	a0, a0, -TERN_EVENT_NOTIFY
	bnez	a0, 2f
	mv	a0, s2
	li	a1, 1
	li	a7, OP_notify
	ecall
	beqz	a0, 1b
2:	LEAVE

/*
 * void drive(tern_handle listener, tern_handle interrupt, volatile uint64_t *arrived): the
 * driver's first instruction after its wait reads the counter.
 */
	.globl	drive
drive:
	ENTER
	mv	s0, a0
	mv	s2, a1			/* interrupt */
	mv	s3, a2			/* where to note the arrival */
1:	mv	a0, s0
	li	a7, OP_wait
	ecall
	rdinstret t1
	addi	a0, a0, -TERN_EVENT_NOTIFY
	bnez	a0, 2f
	sd	t1, 0(s3)
	mv	a0, s2
	li	a7, OP_interrupt_ack
	ecall
	beqz	a0, 1b
2:	LEAVE

/*
 * uint64_t raise(tern_handle resource, uint64_t command, uint64_t line): the counter right before
 * the system call; 0 if that failed.
 */
	.globl	raise
raise:
	ENTER
	li	a7, OP_system_control
	rdinstret s1
	ecall
	beqz	a0, 1f
	li	s1, 0
1:	mv	a0, s1
	LEAVE

/*
 * What threads without a stack run; position-independent, since it is also copied to a page that
 * other processes map.
 */
	.balign	8
	.globl	thread_code
thread_code:

/* Ends at once. */
	.globl	thread_ends
thread_ends:
	li	a0, 0
	li	a7, OP_thread_exit
	ecall
	j	thread_ends

/* Waits at the listener in a0. */
	.globl	thread_waits
thread_waits:
	li	a7, OP_wait
	ecall
	j	thread_ends

/* Sleeps for ever on the futex word at the address in a0, which nobody wakes. */
	.globl	thread_sleeps
thread_sleeps:
	lw	a1, 0(a0)
	li	a2, -1			/* no deadline */
	li	a7, OP_futex_wait
	ecall
	j	thread_ends

	.globl	thread_code_end
thread_code_end:
