/* What the tests need at register level. */
#include "tern/syscall.h"

	.section .text, "ax"

	.globl	fault_load, fault_store, fault_illegal, upcall_entry
	.option	push
	.option	norvc
fault_load:
	lw	zero, 0(a0)
	ret
fault_store:
	sw	zero, 0(a0)
	ret
fault_illegal:
	.word	0x00000000
	ret
	.option	pop

upcall_entry:
	call	upcall_handle
	ebreak

/* int64_t foreign_call(uint64_t number) */
	.globl	foreign_call
foreign_call:
	mv	a7, a0
	li	t0, 0x1110
	li	t1, 0x1111
	li	t2, 0x1112
	li	t3, 0x1113
	li	t4, 0x1114
	li	t5, 0x1115
	li	t6, 0x1116
	li	a1, 0x2221
	li	a6, 0x2226
	mv	a2, ra
	ecall
	bne	a2, ra, 9f
	li	a2, 0x1110
	bne	t0, a2, 9f
	li	a2, 0x1111
	bne	t1, a2, 9f
	li	a2, 0x1112
	bne	t2, a2, 9f
	li	a2, 0x1113
	bne	t3, a2, 9f
	li	a2, 0x1114
	bne	t4, a2, 9f
	li	a2, 0x1115
	bne	t5, a2, 9f
	li	a2, 0x1116
	bne	t6, a2, 9f
	li	a2, 0x2221
	bne	a1, a2, 9f
	li	a2, 0x2226
	bne	a6, a2, 9f
	ret
9:	li	a0, -1
	ret

/* Every register that is not part of the message gets the pattern in \p. */
.macro FILL p
	mv	ra, \p
	mv	t2, \p
	mv	t3, \p
	mv	t4, \p
	mv	t5, \p
	mv	t6, \p
.endm

/* Add to s3 how many registers hold the pattern in s2, or look like a kernel address. */
.macro COUNT r
	bne	\r, s2, 1f
	addi	s3, s3, 1
1:	bgez	\r, 2f
	addi	s3, s3, 1
2:
.endm

.macro PUSH
	addi	sp, sp, -64
	sd	ra, 0(sp)
	sd	s0, 8(sp)
	sd	s1, 16(sp)
	sd	s2, 24(sp)
	sd	s3, 32(sp)
	sd	s4, 40(sp)
.endm

.macro POP
	ld	ra, 0(sp)
	ld	s0, 8(sp)
	ld	s1, 16(sp)
	ld	s2, 24(sp)
	ld	s3, 32(sp)
	ld	s4, 40(sp)
	addi	sp, sp, 64
	ret
.endm

/* uint64_t leak_call(port, own, other) */
	.globl	leak_call
leak_call:
	PUSH
	mv	s0, a0
	mv	s1, a1
	mv	s2, a2
	li	s3, 0
	li	s4, 500
3:	mv	a0, s0
	li	a7, TERN_OP_CALL
	FILL	s1
	ecall
	bltz	a0, 4f
	COUNT	ra
	COUNT	t2
	COUNT	t3
	COUNT	t4
	COUNT	t5
	COUNT	t6
	COUNT	a7
	addi	s4, s4, -1
	bnez	s4, 3b
4:	mv	a0, s3
	POP

/* void leak_serve(listener, own): s registers hold the pattern as well, all the time */
	.globl	leak_serve
leak_serve:
	PUSH
	mv	s0, a0
	mv	s1, a1
	mv	s2, a1
	mv	s3, a1
	mv	s4, a1
	li	a7, -5
	ecall
5:	bltz	a0, 6f
	mv	a0, s0
	FILL	s1
	li	a7, TERN_OP_REPLY_WAIT
	ecall
	j	5b
6:	POP

/* void fp_fill(seed); uint64_t fp_differs(seed) */
	.globl	fp_fill
fp_fill:
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	addi	t0, a0, \n
	fmv.d.x	f\n, t0
	.endr
	ret

	.globl	fp_differs
fp_differs:
	mv	t2, a0
	li	a0, 0
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	addi	t0, t2, \n
	fmv.x.d	t1, f\n
	xor	t0, t0, t1
	snez	t0, t0
	add	a0, a0, t0
	.endr
	ret
