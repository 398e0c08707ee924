/* Upcalls come here with the address of their record in a0 and sp. */
	.globl	process_upcall
process_upcall:
	.option	push
	.option	norelax
	la	gp, __global_pointer$
	.option	pop
	call	process_upcall_handler
	ebreak
