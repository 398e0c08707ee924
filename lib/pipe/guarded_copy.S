/*
 * bool guarded_copy(void *to, const void *from, size_t length): false if a page was not there.
 *
 * Few bytes at a time come this way (what travels in registers), so it copies bytes, or aligned
 * words. A fault between the first two labels goes on at the third: see guarded_fault in server.c.
 */
	.section .text, "ax"
	.globl	guarded_copy
	.globl	guarded_copy_end
	.globl	guarded_copy_fault
	.type	guarded_copy, @function
guarded_copy:
	beqz	a2, 2f
	add	a2, a2, a1
1:	lbu	a3, 0(a1)
	sb	a3, 0(a0)
	addi	a1, a1, 1
	addi	a0, a0, 1
	bne	a1, a2, 1b
2:	li	a0, 1
	ret
guarded_copy_end:
guarded_copy_fault:
	li	a0, 0
	ret
	.size	guarded_copy, . - guarded_copy

/* Where a worker's faults enter: a0 = sp = struct tern_upcall. */
	.globl	guarded_upcall
	.type	guarded_upcall, @function
guarded_upcall:
	mv	s0, a0
	call	guarded_fault
	addi	a0, s0, 32		/* its registers */
	li	a7, -35			/* thread_resume */
	ecall
	ebreak
	.size	guarded_upcall, . - guarded_upcall
