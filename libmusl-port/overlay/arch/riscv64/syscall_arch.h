/*
 * A system call is an ordinary C call to emu, through the one pointer that both sides know. The
 * compiler therefore knows which registers are lost. Declared with `...` so that a call passes as
 * many arguments as it has: integers travel in a0 to a6 either way.
 */
#define __SYSCALL_LL_E(x) (x)
#define __SYSCALL_LL_O(x) (x)

extern __attribute__((__visibility__("hidden"))) long (*__emu_syscall)(long, ...);

static inline long __syscall0(long n)
{
	return __emu_syscall(n);
}

static inline long __syscall1(long n, long a)
{
	return __emu_syscall(n, a);
}

static inline long __syscall2(long n, long a, long b)
{
	return __emu_syscall(n, a, b);
}

static inline long __syscall3(long n, long a, long b, long c)
{
	return __emu_syscall(n, a, b, c);
}

static inline long __syscall4(long n, long a, long b, long c, long d)
{
	return __emu_syscall(n, a, b, c, d);
}

static inline long __syscall5(long n, long a, long b, long c, long d, long e)
{
	return __emu_syscall(n, a, b, c, d, e);
}

static inline long __syscall6(long n, long a, long b, long c, long d, long e, long f)
{
	return __emu_syscall(n, a, b, c, d, e, f);
}

#define IPC_64 0
