/*
 * Clearing and copying whole pages, most of what a page fault costs, and units of four words. Long
 * runs of loads and stores, since each instruction of a loop around them counts too.
 */
#define PAGE 4096
#define BLOCK 512
#define UNIT 32 /* page_table.h: COPY_UNIT */

	.section .text.page, "ax"

/* void page_clear(void *page) */
	.globl	page_clear
	.type	page_clear, @function
page_clear:
	li	t0, PAGE
	add	t0, a0, t0
1:
	.set	offset, 0
	.rept	BLOCK / 8
	sd	zero, offset(a0)
	.set	offset, offset + 8
	.endr
	addi	a0, a0, BLOCK
	bne	a0, t0, 1b
	ret
	.size	page_clear, . - page_clear

/* void page_copy(void *to, const void *from) */
	.globl	page_copy
	.type	page_copy, @function
page_copy:
	li	a2, PAGE
	add	a2, a0, a2
	j	2f
	.size	page_copy, . - page_copy

/*
 * void units_copy(void *to, const void *from, const void *end)
 * What is no whole block comes first: the end of the loop's body. A unit's instructions take as many
 * bytes as it has itself.
 */
	.globl	units_copy
	.type	units_copy, @function
units_copy:
	sub	t0, a2, a0
	andi	t0, t0, BLOCK - UNIT
	beqz	t0, 2f
	addi	t0, t0, -BLOCK
	add	a0, a0, t0
	add	a1, a1, t0
	la	t1, 2f
	sub	t1, t1, t0
	jr	t1
	.option	push
	.option	norvc
2:
	.set	offset, 0
	.rept	BLOCK / UNIT
	ld	a3, offset(a1)
	ld	a4, offset + 8(a1)
	ld	a5, offset + 16(a1)
	ld	a6, offset + 24(a1)
	sd	a3, offset(a0)
	sd	a4, offset + 8(a0)
	sd	a5, offset + 16(a0)
	sd	a6, offset + 24(a0)
	.set	offset, offset + UNIT
	.endr
	.option	pop
	addi	a0, a0, BLOCK
	addi	a1, a1, BLOCK
	bne	a0, a2, 2b
	ret
	.size	units_copy, . - units_copy
