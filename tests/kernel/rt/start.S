/*
 * Where programs and their threads begin. The first thread of the first process gets the boot
 * information page in a0; threads of rt_thread and rt_run get their argument in a0 and the
 * function to call in tp.
 */
	.section .text, "ax"
	.globl	_start
_start:
	.option	push
	.option	norelax
	la	gp, __global_pointer$
	.option	pop
	call	rt_main
	li	a0, 0
	j	rt_end

	.globl	rt_thread_start
rt_thread_start:
	.option	push
	.option	norelax
	la	gp, __global_pointer$
	.option	pop
	jalr	tp
	li	a0, 0
rt_end:
	li	a7, -30			/* thread_exit */
	ecall
1:	j	1b
