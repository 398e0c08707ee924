/*
 * Where upcalls enter: a0 = sp = struct tern_upcall. The interrupted code's gp may be anything.
 * When the handler returns, the thread goes on with the registers as the handler left them.
 */
#include "tern/syscall.h"

#define UPCALL_WORD 16
#define UPCALL_REGISTERS 32
#define THREAD_RESUME (-35)

	.section .text, "ax"
	.globl	upcall_entry
upcall_entry:
	.option	push
	.option	norelax
	la	gp, __global_pointer$
	.option	pop
	mv	s0, a0
	ld	t0, UPCALL_WORD(a0)
	jalr	t0
	addi	a0, s0, UPCALL_REGISTERS
	li	a7, THREAD_RESUME
	ecall
	ebreak
