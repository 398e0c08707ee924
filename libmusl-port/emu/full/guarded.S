/*
 * long emu_guarded_copy(void *to, const void *from, size_t length)
 * long emu_guarded_string(char *to, const char *from, size_t size)
 * long emu_guarded_length(const char *from, size_t size)
 *
 * Copies that may fault: a fault with the pc between emu_guarded_start and emu_guarded_end goes on at
 * emu_guarded_fault, in a frame that is still the caller's, because neither uses the stack. Whole
 * words are copied where both sides are aligned; others byte by byte, they are short.
 */
	.text
	.globl	emu_guarded_start, emu_guarded_end, emu_guarded_fault
	.globl	emu_guarded_copy, emu_guarded_string, emu_guarded_length
	.type	emu_guarded_copy, @function
	.type	emu_guarded_string, @function
	.type	emu_guarded_length, @function

emu_guarded_start:
emu_guarded_copy:
	add	a3, a1, a2		/* the end of the source */
	or	a4, a0, a1
	andi	a4, a4, 7
	bnez	a4, 3f
	andi	a5, a3, -8
	beq	a1, a5, 3f
	bgtu	a1, a5, 3f		/* fewer than 8 bytes */
2:	ld	a4, 0(a1)
	sd	a4, 0(a0)
	addi	a1, a1, 8
	addi	a0, a0, 8
	bltu	a1, a5, 2b
3:	beq	a1, a3, 5f
4:	lbu	a4, 0(a1)
	sb	a4, 0(a0)
	addi	a1, a1, 1
	addi	a0, a0, 1
	bltu	a1, a3, 4b
5:	li	a0, 0
	ret
	.size	emu_guarded_copy, . - emu_guarded_copy

/* The length without the zero, or `size` if there is no zero in so many bytes. */
emu_guarded_string:
	mv	a3, a1
	add	a2, a1, a2		/* the end */
1:	beq	a1, a2, 2f
	lbu	a4, 0(a1)
	sb	a4, 0(a0)
	beqz	a4, 2f
	addi	a1, a1, 1
	addi	a0, a0, 1
	j	1b
2:	sub	a0, a1, a3
	ret
	.size	emu_guarded_string, . - emu_guarded_string

/* The same without a copy. */
emu_guarded_length:
	mv	a3, a0
	add	a2, a0, a1
1:	beq	a0, a2, 2f
	lbu	a4, 0(a0)
	beqz	a4, 2f
	addi	a0, a0, 1
	j	1b
2:	sub	a0, a0, a3
	ret
	.size	emu_guarded_length, . - emu_guarded_length
emu_guarded_end:

emu_guarded_fault:
	li	a0, -14			/* -EFAULT */
	ret

	.section .note.GNU-stack, "", @progbits
