/*
 * The first instructions. OpenSBI enters _start on one hart, in S-mode with paging off: a0 = hart
 * id, a1 = physical address of the device tree. The code runs at physical addresses until the
 * boot page table is on; PC-relative addressing gives physical addresses until then and virtual
 * ones afterwards.
 *
 * Boot page table: identity and direct map as one 512 GiB leaf each, the image by two 1 GiB leaves.
 * boot.c replaces it by the final one with W^X.
 */
#define SATP_SV48 9
#define LEAF_RWX 0xcf /* D A X W R V */
#define LEAF_RWX_GLOBAL 0xef
#define BRANCH 0x01
#define IMAGE_GIGABYTES_PPN 0x80000 /* 0x80000000 >> 12 */

	.section .text.boot, "ax"
	.globl	_start
_start:
	csrw	sie, zero
	rdinstret s2			/* boot time is counted from here */
	mv	s0, a0
	mv	s1, a1
	la	t0, bss_start
	la	t1, bss_end
1:	sd	zero, 0(t0)
	addi	t0, t0, 8
	bltu	t0, t1, 1b

	la	t0, boot_root		/* root: identity, direct map, top */
	li	t1, LEAF_RWX
	sd	t1, 0(t0)
	li	t1, LEAF_RWX_GLOBAL
	li	t2, 384 * 8
	add	t2, t2, t0
	sd	t1, 0(t2)
	la	t3, boot_top
	srli	t1, t3, 2
	ori	t1, t1, BRANCH
	li	t2, 511 * 8
	add	t2, t2, t0
	sd	t1, 0(t2)
	li	t1, (IMAGE_GIGABYTES_PPN << 10) | LEAF_RWX_GLOBAL
	li	t2, 510 * 8
	add	t2, t2, t3
	sd	t1, 0(t2)
	li	t2, 0x40000 << 10
	add	t1, t1, t2
	li	t2, 511 * 8
	add	t2, t2, t3
	sd	t1, 0(t2)

	call	enter_high
	la	tp, harts
	la	sp, boot_stack_end
	mv	a0, s0
	mv	a1, s1
	mv	a2, s2
	tail	boot_main

/* A further hart, started through SBI: a1 = its struct hart, a virtual address. */
	.globl	_start_hart
_start_hart:
	csrw	sie, zero
	mv	s1, a1
	call	enter_high
	mv	tp, s1
	ld	t0, 8(tp)		/* the final page table, in the second scratch word, ... */
	csrw	satp, t0
	sfence.vma
	ld	sp, 0(tp)		/* ... maps its kernel stack, in the first */
	tail	boot_hart

/* Turn the boot page table on and return to the caller at its virtual address. */
enter_high:
	la	t0, boot_root
	srli	t0, t0, 12
	li	t1, SATP_SV48 << 60
	or	t0, t0, t1
	sfence.vma
	csrw	satp, t0
	csrr	t1, satp		/* a mode that the hart lacks leaves satp unchanged */
	bne	t0, t1, no_sv48
	sfence.vma
	li	t0, 0xffffffff80200000 - 0x80200000
	add	ra, ra, t0
	ret

no_sv48:
	la	s0, no_sv48_text
1:	lbu	a0, 0(s0)
	beqz	a0, 2f
	li	a7, 1			/* SBI: put a character */
	ecall
	addi	s0, s0, 1
	j	1b
2:	li	a7, 0x53525354		/* SBI: system reset, shut down, because of a failure */
	li	a6, 0
	li	a0, 0
	li	a1, 1
	ecall
3:	wfi
	j	3b

/*
 * Does reading stimecmp trap? Returns 1 when the hart has it (Sstc). A trap leaves its mark in
 * sstatus.SPP, with which the first sret would stay in S-mode: so sstatus is put back.
 */
	.globl	sstc_probe
sstc_probe:
	csrr	t2, sstatus
	la	t0, 1f
	csrrw	t1, stvec, t0
	li	a0, 0
	csrr	zero, 0x14d
	li	a0, 1
	.balign	4
1:	csrw	stvec, t1
	csrw	sstatus, t2
	ret

	.section .rodata
no_sv48_text:
	.asciz	"tern: fatal: this processor has no Sv48 address translation\r\n"

	.section .bss
	.balign	4096
	.globl	boot_root
boot_root:
	.skip	4096
boot_top:
	.skip	4096
	.skip	16384
boot_stack_end:
	.skip	4096
	.globl	boot_emergency_stack_end
boot_emergency_stack_end:
