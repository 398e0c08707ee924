/*
 * Floating-point registers. The kernel itself is compiled without them; these are the only
 * instructions that touch them. sstatus.FS is the owner's flag: Off, or Dirty (see trap.c).
 */
#include "arch/csr.h"

	.option	arch, +d
	.section .text, "ax"

/* void arch_fp_save(struct fp_state *state) */
	.globl	arch_fp_save
arch_fp_save:
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	fsd	f\n, (\n * 8)(a0)
	.endr
	frcsr	t0
	sd	t0, (32 * 8)(a0)
	ret

/* void arch_fp_load(const struct fp_state *state): enabled and dirty afterwards */
	.globl	arch_fp_load
arch_fp_load:
	li	t0, SSTATUS_FS
	csrs	sstatus, t0
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	fld	f\n, (\n * 8)(a0)
	.endr
	ld	t0, (32 * 8)(a0)
	fscsr	t0
	ret

/* void arch_fp_off(void) */
	.globl	arch_fp_off
arch_fp_off:
	li	t0, SSTATUS_FS
	csrc	sstatus, t0
	ret

/* bool arch_fp_is_dirty(void): the summary bit, which is the sign */
	.globl	arch_fp_is_dirty
arch_fp_is_dirty:
	csrr	a0, sstatus
	srli	a0, a0, 63
	ret

/* bool arch_fp_is_enabled(void) */
	.globl	arch_fp_is_enabled
arch_fp_is_enabled:
	csrr	a0, sstatus
	li	t0, SSTATUS_FS
	and	a0, a0, t0
	snez	a0, a0
	ret
