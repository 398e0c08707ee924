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

#define FCSR 256

	.macro	EACH_FP operation
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	\operation f\n, (\n * 8)(a0)
	.endr
	.endm

	.globl	upcall_save_fp
upcall_save_fp:
	EACH_FP	fsd
	frcsr	t0
	sd	t0, FCSR(a0)
	ret

	.globl	upcall_load_fp
upcall_load_fp:
	EACH_FP	fld
	ld	t0, FCSR(a0)
	fscsr	t0
	ret
