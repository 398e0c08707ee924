/*
 * Where upcalls enter, what a handler returns to if the program brings nothing of its own, and the
 * registers of the floating-point unit: emu's own code never uses them, so they are the program's.
 */
	.text

/* a0: struct tern_upcall, on the thread's upcall stack. */
	.globl	emu_upcall
emu_upcall:
	call	emu_upcall_taken
	unimp

/*
 * The call's frame lies right below the signal's. The registers are all in that; the next handlers' frames
 * come where this stack is, so delivery goes on on its own.
 */
	.globl	emu_sigreturn
emu_sigreturn:
	addi	s0, sp, 80		/* FRAME of image.S */
	call	emu_delivery_stack
	mv	sp, a0
	mv	a0, s0
	tail	emu_return_from

/*
 * long emu_resume(const struct tern_registers *, const uint32_t *is_told). An upcall behind the look goes back
 * to it, as at the end of a call (image.S).
 */
	.globl	emu_resume, emu_resume_last
emu_resume:
	lw	t0, 0(a1)
	bnez	t0, 1f
	li	a7, -35			/* thread_resume */
emu_resume_last:
	ecall
	ret
1:	li	a0, 0
	ret

	.globl	emu_restorer
emu_restorer:
	li	a0, 139			/* SYS_rt_sigreturn */
	j	emu_call

/* void emu_fp_save(struct fp_state *) */
	.globl	emu_fp_save
emu_fp_save:
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	fsd	f\n, 8 * \n(a0)
	.endr
	frcsr	t0
	sd	t0, 256(a0)
	ret

/* void emu_fp_restore(const struct fp_state *) */
	.globl	emu_fp_restore
emu_fp_restore:
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	fld	f\n, 8 * \n(a0)
	.endr
	ld	t0, 256(a0)
	fscsr	t0
	ret

	.section .note.GNU-stack, "", @progbits
