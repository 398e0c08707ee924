/*
 * The first instructions. OpenSBI enters _start on one hart, in S-mode with paging off: a0 = hart
 * id, a1 = physical address of the device tree. The code runs at physical addresses until the
 * boot page table is on; PC-relative addressing gives physical addresses until then and virtual
 * ones afterwards.
 *
 * Boot page table: identity and direct map as one 512 GiB leaf each, the image by two 1 GiB leaves.
 * boot.c replaces it by the final one with W^X.
 */
#include "generated/asm_offsets.h"

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
	la	t0, boot_taken
	li	t1, 1
	amoswap.w.aqrl t1, t1, (t0)
	bnez	t1, _start_hart
	mv	s0, a0
	mv	s1, a1
	la	t0, bss_start
	la	t1, bss_end
1:	sd	zero, 0(t0)
	addi	t0, t0, 8
	bltu	t0, t1, 1b
	call	find_power_switch

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

/*
 * A further hart, started through SBI: a0 is its id. Nothing else that it brings can be relied on: OpenSBI
 * before 1.2 tells a hart to start before it writes down where and with which argument, so a hart that is
 * late on its way to waiting for that comes to _start, or here with the device tree in a1.
 */
	.globl	_start_hart
_start_hart:
	csrw	sie, zero
	fence	rw, rw
	mv	s0, a0
	call	enter_high
	la	tp, harts
	lwu	t1, hart_count
	li	t2, HART_SIZE
1:	ld	t3, HART_HARDWARE_ID(tp)
	beq	t3, s0, 2f
	add	tp, tp, t2
	addi	t1, t1, -1
	bnez	t1, 1b
	j	park			/* nobody has asked for it */
2:	ld	t0, HART_SCRATCH+8(tp)	/* the final page table, in the second scratch word, ... */
	csrw	satp, t0
	sfence.vma
	ld	sp, HART_SCRATCH(tp)	/* ... maps its kernel stack, in the first */
	tail	boot_hart

/*
 * Whatever goes wrong before the device tree has been read must end a test run with a failing status,
 * too, and the firmware's shutdown has no status. So look for the switch of QEMU's machine by its
 * node's name, in the raw bytes of the tree at s1: a name begins at a word.
 */
find_power_switch:
	lwu	t0, 0(s1)
	li	t1, 0xedfe0dd0		/* a device tree's first word */
	bne	t0, t1, 2f
	lbu	t0, 5(s1)		/* its size, big-endian; the last bytes hold no nodes */
	lbu	t1, 6(s1)
	slli	t0, t0, 16
	slli	t1, t1, 8
	add	t1, t1, t0
	add	t1, t1, s1
	mv	t0, s1
	li	t2, 0x74736574		/* "test" */
	li	t3, 0x30303140		/* "@100" */
	li	t4, 0x00303030		/* "000" and its end */
1:	addi	t0, t0, 4
	bgeu	t0, t1, 2f
	lw	t5, 0(t0)
	bne	t5, t2, 1b
	lw	t5, 4(t0)
	bne	t5, t3, 1b
	lw	t5, 8(t0)
	bne	t5, t4, 1b
	li	t0, 0x100000
	la	t1, early_power_switch
	sd	t0, 0(t1)
2:	ret

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
2:	ld	t0, early_power_switch
	beqz	t0, 3f
	li	t1, (100 << 16) | 0x3333 /* QEMU exits with status 100 */
	sw	t1, 0(t0)
3:	li	a7, 0x53525354		/* SBI: system reset, shut down, because of a failure */
	li	a6, 0
	li	a0, 0
	li	a1, 1
	ecall
park:
	wfi
	j	park

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

	.section .data
	.balign	4
boot_taken:				/* not in .bss, which the hart that boots clears */
	.word	0

	.section .bss
	.balign	4096
	.globl	boot_root
boot_root:
	.skip	4096
boot_top:
	.skip	4096
	.globl	boot_stack_guard
boot_stack_guard:			/* unmapped by the final page table */
	.skip	4096
	.skip	16384
boot_stack_end:
	.skip	4096
	.globl	boot_emergency_stack_end
boot_emergency_stack_end:
	.globl	early_power_switch	/* its physical address, 0: none found */
early_power_switch:
	.skip	8
