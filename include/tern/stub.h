/*
 * System call stubs for user space: the ecall itself with 0 to 7 arguments. Everything that the
 * calling convention gives up is in the clobber list, so the compiler keeps nothing there.
 */
#ifndef TERN_STUB_H
#define TERN_STUB_H

#include "tern/syscall.h"
#include "tern/types.h"

static inline tern_result tern_syscall7(int64_t op, uint64_t x0, uint64_t x1, uint64_t x2,
					uint64_t x3, uint64_t x4, uint64_t x5, uint64_t x6)
{
	register uint64_t a0 __asm__("a0") = x0;
	register uint64_t a1 __asm__("a1") = x1;
	register uint64_t a2 __asm__("a2") = x2;
	register uint64_t a3 __asm__("a3") = x3;
	register uint64_t a4 __asm__("a4") = x4;
	register uint64_t a5 __asm__("a5") = x5;
	register uint64_t a6 __asm__("a6") = x6;
	register int64_t a7 __asm__("a7") = op;

	__asm__ volatile("ecall"
			 : "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3), "+r"(a4), "+r"(a5), "+r"(a6),
			   "+r"(a7)
			 :
			 : "memory", "ra", "t0", "t1", "t2", "t3", "t4", "t5", "t6");
	return (tern_result)a0;
}

static inline tern_result tern_syscall0(int64_t op)
{
	return tern_syscall7(op, 0, 0, 0, 0, 0, 0, 0);
}

static inline tern_result tern_syscall1(int64_t op, uint64_t x0)
{
	return tern_syscall7(op, x0, 0, 0, 0, 0, 0, 0);
}

static inline tern_result tern_syscall2(int64_t op, uint64_t x0, uint64_t x1)
{
	return tern_syscall7(op, x0, x1, 0, 0, 0, 0, 0);
}

static inline tern_result tern_syscall3(int64_t op, uint64_t x0, uint64_t x1, uint64_t x2)
{
	return tern_syscall7(op, x0, x1, x2, 0, 0, 0, 0);
}

static inline tern_result tern_syscall4(int64_t op, uint64_t x0, uint64_t x1, uint64_t x2,
					uint64_t x3)
{
	return tern_syscall7(op, x0, x1, x2, x3, 0, 0, 0);
}

static inline tern_result tern_syscall5(int64_t op, uint64_t x0, uint64_t x1, uint64_t x2,
					uint64_t x3, uint64_t x4)
{
	return tern_syscall7(op, x0, x1, x2, x3, x4, 0, 0);
}

static inline tern_result tern_syscall6(int64_t op, uint64_t x0, uint64_t x1, uint64_t x2,
					uint64_t x3, uint64_t x4, uint64_t x5)
{
	return tern_syscall7(op, x0, x1, x2, x3, x4, x5, 0);
}

#endif
