/* Upcalls come here with the address of their record in a0 and sp. */
	.globl	fork_upcall
fork_upcall:
	.option	push
	.option	norelax
	la	gp, __global_pointer$
	.option	pop
	call	fork_upcall_handler
	ebreak
