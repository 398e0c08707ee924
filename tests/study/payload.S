/*
 * A guest whose every instruction is known, for the tests of the tracer: no paging, two traps per
 * round, the first one two data lines and nine instructions, the second one eight instructions
 * and one further line. It stands on cache line boundaries, so lines can be counted by hand.
 *
 * After ROUNDS rounds it prints what the benchmark driver looks for, and powers off.
 */
#define ROUNDS 100
#define SBI_PUTCHAR 1
#define SBI_RESET 0x53525354

	.section .text.start, "ax"
	.globl	_start
_start:
	la	sp, shared
	la	t0, trap_entry
	csrw	stvec, t0
	la	t0, client
	csrw	sepc, t0
	li	t0, 0x100		/* SPP: sret goes to user mode */
	csrc	sstatus, t0
	li	s11, ROUNDS
	sret

/* Call: nine instructions, then user code goes on at the server. */
	.balign	64
	.option	push
	.option	norvc
	.globl	trap_entry
trap_entry:
	bnez	a7, trap_other
	ld	t0, 56(sp)		/* ends just within the first line */
	sd	t0, 60(sp)		/* touches first and second line */
	la	t1, server		/* two instructions */
	csrw	sepc, t1
	addi	t2, sp, 64
	amoadd.d t0, zero, (t2)
	sret

/* Reply: eight instructions, on the code's next line; a third line of data. */
	.balign	64
trap_other:
	li	t1, 1
	bne	a7, t1, finish
	lw	t0, 128(sp)
	la	t1, study_call_end	/* two instructions */
	csrw	sepc, t1
	sret
	.option	pop

	.balign	64
	.globl	client
client:
	li	a7, 0
	.globl	study_call
study_call:
	ecall
	.globl	study_call_end
study_call_end:
	addi	s11, s11, -1
	bnez	s11, client
	li	a7, 2
	ecall

server:
	li	a7, 1
	ecall

finish:
	la	s0, message
1:	lbu	a0, 0(s0)
	beqz	a0, 2f
	li	a7, SBI_PUTCHAR
	ecall
	addi	s0, s0, 1
	j	1b
2:	li	a7, SBI_RESET
	li	a6, 0
	li	a0, 0
	li	a1, 0
	ecall
	j	.

	.section .rodata
message:
	.asciz	"BENCH payload 17\nBENCH scaling_pairs_1 1000\nBENCH scaling_pairs_4 3900.5\n"

	.section .data
	.balign	64
shared:
	.skip	192
