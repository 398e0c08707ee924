/*
 * words_move(to, from, count): 8 bytes at a time through mappings that may have no page. A fault
 * enters access_upcall, which lets the copy end there.
 */
#define UPCALL_REGISTERS 32
#define UPCALL_PC 32
#define THREAD_RESUME (-35)

	.section .text, "ax"
	.globl	words_move
words_move:
	beqz	a2, words_end
words_begin:
	ld	t0, 0(a1)
	sd	t0, 0(a0)
words_behind:
	addi	a0, a0, 8
	addi	a1, a1, 8
	addi	a2, a2, -1
	bnez	a2, words_begin
words_end:
	mv	a0, a2
	ret

/* Entered with a0 = sp = struct tern_upcall. */
	.globl	access_upcall
access_upcall:
	.option	push
	.option	norelax
	la	gp, __global_pointer$
	.option	pop
	mv	s0, a0
	ld	t0, UPCALL_PC(s0)
	la	t1, words_begin
	bltu	t0, t1, 1f
	la	t1, words_behind
	bgeu	t0, t1, 1f
	la	t1, words_end
	sd	t1, UPCALL_PC(s0)
	addi	a0, s0, UPCALL_REGISTERS
	li	a7, THREAD_RESUME
	ecall
1:	mv	a0, s0
	call	access_unexpected
2:	j	2b
