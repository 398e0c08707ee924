/*
 * All registers around one ecall: struct rt_registers in rt.h. s11 (x27) is the only register whose
 * value cannot be chosen, because the others are stored through it: every system call keeps it.
 */
#define OUT 248
#define KEPT 496

	.section .text, "ax"
	.globl	rt_ecall
rt_ecall:
	sd	ra, (KEPT + 0)(a0)
	sd	sp, (KEPT + 8)(a0)
	sd	gp, (KEPT + 16)(a0)
	sd	tp, (KEPT + 24)(a0)
	sd	s0, (KEPT + 32)(a0)
	sd	s1, (KEPT + 40)(a0)
	sd	s2, (KEPT + 48)(a0)
	sd	s3, (KEPT + 56)(a0)
	sd	s4, (KEPT + 64)(a0)
	sd	s5, (KEPT + 72)(a0)
	sd	s6, (KEPT + 80)(a0)
	sd	s7, (KEPT + 88)(a0)
	sd	s8, (KEPT + 96)(a0)
	sd	s9, (KEPT + 104)(a0)
	sd	s10, (KEPT + 112)(a0)
	sd	s11, (KEPT + 120)(a0)
	mv	s11, a0
	ld	x1, 0(s11)
	ld	x2, 8(s11)
	ld	x3, 16(s11)
	ld	x4, 24(s11)
	ld	x5, 32(s11)
	ld	x6, 40(s11)
	ld	x7, 48(s11)
	ld	x8, 56(s11)
	ld	x9, 64(s11)
	ld	x10, 72(s11)
	ld	x11, 80(s11)
	ld	x12, 88(s11)
	ld	x13, 96(s11)
	ld	x14, 104(s11)
	ld	x15, 112(s11)
	ld	x16, 120(s11)
	ld	x17, 128(s11)
	ld	x18, 136(s11)
	ld	x19, 144(s11)
	ld	x20, 152(s11)
	ld	x21, 160(s11)
	ld	x22, 168(s11)
	ld	x23, 176(s11)
	ld	x24, 184(s11)
	ld	x25, 192(s11)
	ld	x26, 200(s11)
	ld	x28, 216(s11)
	ld	x29, 224(s11)
	ld	x30, 232(s11)
	ld	x31, 240(s11)
	ecall
	.globl	rt_ecall_return
rt_ecall_return:
	sd	x1, (OUT + 0)(s11)
	sd	x2, (OUT + 8)(s11)
	sd	x3, (OUT + 16)(s11)
	sd	x4, (OUT + 24)(s11)
	sd	x5, (OUT + 32)(s11)
	sd	x6, (OUT + 40)(s11)
	sd	x7, (OUT + 48)(s11)
	sd	x8, (OUT + 56)(s11)
	sd	x9, (OUT + 64)(s11)
	sd	x10, (OUT + 72)(s11)
	sd	x11, (OUT + 80)(s11)
	sd	x12, (OUT + 88)(s11)
	sd	x13, (OUT + 96)(s11)
	sd	x14, (OUT + 104)(s11)
	sd	x15, (OUT + 112)(s11)
	sd	x16, (OUT + 120)(s11)
	sd	x17, (OUT + 128)(s11)
	sd	x18, (OUT + 136)(s11)
	sd	x19, (OUT + 144)(s11)
	sd	x20, (OUT + 152)(s11)
	sd	x21, (OUT + 160)(s11)
	sd	x22, (OUT + 168)(s11)
	sd	x23, (OUT + 176)(s11)
	sd	x24, (OUT + 184)(s11)
	sd	x25, (OUT + 192)(s11)
	sd	x26, (OUT + 200)(s11)
	sd	x27, (OUT + 208)(s11)
	sd	x28, (OUT + 216)(s11)
	sd	x29, (OUT + 224)(s11)
	sd	x30, (OUT + 232)(s11)
	sd	x31, (OUT + 240)(s11)
	ld	ra, (KEPT + 0)(s11)
	ld	sp, (KEPT + 8)(s11)
	ld	gp, (KEPT + 16)(s11)
	ld	tp, (KEPT + 24)(s11)
	ld	s0, (KEPT + 32)(s11)
	ld	s1, (KEPT + 40)(s11)
	ld	s2, (KEPT + 48)(s11)
	ld	s3, (KEPT + 56)(s11)
	ld	s4, (KEPT + 64)(s11)
	ld	s5, (KEPT + 72)(s11)
	ld	s6, (KEPT + 80)(s11)
	ld	s7, (KEPT + 88)(s11)
	ld	s8, (KEPT + 96)(s11)
	ld	s9, (KEPT + 104)(s11)
	ld	s10, (KEPT + 112)(s11)
	ld	s11, (KEPT + 120)(s11)
	ret

/* void rt_fp_load(seed): f<i> = seed + i, fcsr = some flags and a rounding mode of the seed. */
	.globl	rt_fp_load
rt_fp_load:
	addi	t0, a0, 0
	fmv.d.x	f0, t0
	addi	t0, a0, 1
	fmv.d.x	f1, t0
	addi	t0, a0, 2
	fmv.d.x	f2, t0
	addi	t0, a0, 3
	fmv.d.x	f3, t0
	addi	t0, a0, 4
	fmv.d.x	f4, t0
	addi	t0, a0, 5
	fmv.d.x	f5, t0
	addi	t0, a0, 6
	fmv.d.x	f6, t0
	addi	t0, a0, 7
	fmv.d.x	f7, t0
	addi	t0, a0, 8
	fmv.d.x	f8, t0
	addi	t0, a0, 9
	fmv.d.x	f9, t0
	addi	t0, a0, 10
	fmv.d.x	f10, t0
	addi	t0, a0, 11
	fmv.d.x	f11, t0
	addi	t0, a0, 12
	fmv.d.x	f12, t0
	addi	t0, a0, 13
	fmv.d.x	f13, t0
	addi	t0, a0, 14
	fmv.d.x	f14, t0
	addi	t0, a0, 15
	fmv.d.x	f15, t0
	addi	t0, a0, 16
	fmv.d.x	f16, t0
	addi	t0, a0, 17
	fmv.d.x	f17, t0
	addi	t0, a0, 18
	fmv.d.x	f18, t0
	addi	t0, a0, 19
	fmv.d.x	f19, t0
	addi	t0, a0, 20
	fmv.d.x	f20, t0
	addi	t0, a0, 21
	fmv.d.x	f21, t0
	addi	t0, a0, 22
	fmv.d.x	f22, t0
	addi	t0, a0, 23
	fmv.d.x	f23, t0
	addi	t0, a0, 24
	fmv.d.x	f24, t0
	addi	t0, a0, 25
	fmv.d.x	f25, t0
	addi	t0, a0, 26
	fmv.d.x	f26, t0
	addi	t0, a0, 27
	fmv.d.x	f27, t0
	addi	t0, a0, 28
	fmv.d.x	f28, t0
	addi	t0, a0, 29
	fmv.d.x	f29, t0
	addi	t0, a0, 30
	fmv.d.x	f30, t0
	addi	t0, a0, 31
	fmv.d.x	f31, t0
	andi	t0, a0, 0x1f
	fscsr	t0
	ret

/* rt_fp_differences(seed): how many of them are not what rt_fp_load has put there. */
	.macro	COUNT
	snez	t0, t0
	add	a1, a1, t0
	.endm

	.globl	rt_fp_differences
rt_fp_differences:
	li	a1, 0
	fmv.x.d	t0, f0
	sub	t0, t0, a0
	addi	t0, t0, -0
	COUNT
	fmv.x.d	t0, f1
	sub	t0, t0, a0
	addi	t0, t0, -1
	COUNT
	fmv.x.d	t0, f2
	sub	t0, t0, a0
	addi	t0, t0, -2
	COUNT
	fmv.x.d	t0, f3
	sub	t0, t0, a0
	addi	t0, t0, -3
	COUNT
	fmv.x.d	t0, f4
	sub	t0, t0, a0
	addi	t0, t0, -4
	COUNT
	fmv.x.d	t0, f5
	sub	t0, t0, a0
	addi	t0, t0, -5
	COUNT
	fmv.x.d	t0, f6
	sub	t0, t0, a0
	addi	t0, t0, -6
	COUNT
	fmv.x.d	t0, f7
	sub	t0, t0, a0
	addi	t0, t0, -7
	COUNT
	fmv.x.d	t0, f8
	sub	t0, t0, a0
	addi	t0, t0, -8
	COUNT
	fmv.x.d	t0, f9
	sub	t0, t0, a0
	addi	t0, t0, -9
	COUNT
	fmv.x.d	t0, f10
	sub	t0, t0, a0
	addi	t0, t0, -10
	COUNT
	fmv.x.d	t0, f11
	sub	t0, t0, a0
	addi	t0, t0, -11
	COUNT
	fmv.x.d	t0, f12
	sub	t0, t0, a0
	addi	t0, t0, -12
	COUNT
	fmv.x.d	t0, f13
	sub	t0, t0, a0
	addi	t0, t0, -13
	COUNT
	fmv.x.d	t0, f14
	sub	t0, t0, a0
	addi	t0, t0, -14
	COUNT
	fmv.x.d	t0, f15
	sub	t0, t0, a0
	addi	t0, t0, -15
	COUNT
	fmv.x.d	t0, f16
	sub	t0, t0, a0
	addi	t0, t0, -16
	COUNT
	fmv.x.d	t0, f17
	sub	t0, t0, a0
	addi	t0, t0, -17
	COUNT
	fmv.x.d	t0, f18
	sub	t0, t0, a0
	addi	t0, t0, -18
	COUNT
	fmv.x.d	t0, f19
	sub	t0, t0, a0
	addi	t0, t0, -19
	COUNT
	fmv.x.d	t0, f20
	sub	t0, t0, a0
	addi	t0, t0, -20
	COUNT
	fmv.x.d	t0, f21
	sub	t0, t0, a0
	addi	t0, t0, -21
	COUNT
	fmv.x.d	t0, f22
	sub	t0, t0, a0
	addi	t0, t0, -22
	COUNT
	fmv.x.d	t0, f23
	sub	t0, t0, a0
	addi	t0, t0, -23
	COUNT
	fmv.x.d	t0, f24
	sub	t0, t0, a0
	addi	t0, t0, -24
	COUNT
	fmv.x.d	t0, f25
	sub	t0, t0, a0
	addi	t0, t0, -25
	COUNT
	fmv.x.d	t0, f26
	sub	t0, t0, a0
	addi	t0, t0, -26
	COUNT
	fmv.x.d	t0, f27
	sub	t0, t0, a0
	addi	t0, t0, -27
	COUNT
	fmv.x.d	t0, f28
	sub	t0, t0, a0
	addi	t0, t0, -28
	COUNT
	fmv.x.d	t0, f29
	sub	t0, t0, a0
	addi	t0, t0, -29
	COUNT
	fmv.x.d	t0, f30
	sub	t0, t0, a0
	addi	t0, t0, -30
	COUNT
	fmv.x.d	t0, f31
	sub	t0, t0, a0
	addi	t0, t0, -31
	COUNT
	frcsr	t0
	andi	t1, a0, 0x1f
	sub	t0, t0, t1
	COUNT
	mv	a0, a1
	ret
