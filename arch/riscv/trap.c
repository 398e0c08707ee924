/* What the slow path's entry hands to C: exceptions and interrupts from user mode, and bugs. */
#include "arch/cpu.h"
#include "arch/csr.h"
#include "arch/trap.h"
#include "kernel/address_space.h"
#include "kernel/debug.h"
#include "kernel/hart.h"
#include "kernel/sched.h"
#include "tern/thread.h"

#define CAUSE_INTERRUPT (1ul << 63)

enum cause {
	CAUSE_FETCH_MISALIGNED,
	CAUSE_FETCH_ACCESS,
	CAUSE_ILLEGAL,
	CAUSE_BREAKPOINT,
	CAUSE_LOAD_MISALIGNED,
	CAUSE_LOAD_ACCESS,
	CAUSE_STORE_MISALIGNED,
	CAUSE_STORE_ACCESS,
	CAUSE_FETCH_PAGE = 12,
	CAUSE_LOAD_PAGE = 13,
	CAUSE_STORE_PAGE = 15,
	CAUSE_COUNT
};

/* How each exception is reported when the kernel cannot resolve it. */
static const u8 upcall_causes[CAUSE_COUNT] = {
	[CAUSE_FETCH_MISALIGNED] = TERN_UPCALL_MISALIGNED,
	[CAUSE_FETCH_ACCESS] = TERN_UPCALL_FAULT_EXECUTE,
	[CAUSE_ILLEGAL] = TERN_UPCALL_ILLEGAL,
	[CAUSE_BREAKPOINT] = TERN_UPCALL_BREAKPOINT,
	[CAUSE_LOAD_MISALIGNED] = TERN_UPCALL_MISALIGNED,
	[CAUSE_LOAD_ACCESS] = TERN_UPCALL_FAULT_READ,
	[CAUSE_STORE_MISALIGNED] = TERN_UPCALL_MISALIGNED,
	[CAUSE_STORE_ACCESS] = TERN_UPCALL_FAULT_WRITE,
	[CAUSE_USER_ECALL] = TERN_UPCALL_FOREIGN,
	[CAUSE_FETCH_PAGE] = TERN_UPCALL_FAULT_EXECUTE,
	[CAUSE_LOAD_PAGE] = TERN_UPCALL_FAULT_READ,
	[CAUSE_STORE_PAGE] = TERN_UPCALL_FAULT_WRITE,
};

/* 0, or why not; of other exceptions 1. */
static int resolve_fault(struct thread *thread, u64 cause, u64 address)
{
	enum access access = cause == CAUSE_FETCH_PAGE   ? ACCESS_EXECUTE
			     : cause == CAUSE_STORE_PAGE ? ACCESS_WRITE
							 : ACCESS_READ;

	if (cause != CAUSE_FETCH_PAGE && cause != CAUSE_LOAD_PAGE && cause != CAUSE_STORE_PAGE)
		return 1;
	thread->wait.is_call = false;
	return address_space_fault(thread->process, UADDR(address), access, true);
}

/* The first floating-point instruction since the registers were given away. */
static bool enable_fp(struct thread *thread, u64 cause)
{
	if (cause != CAUSE_ILLEGAL || arch_fp_is_enabled())
		return false;
	arch_fp_load(&thread->fp);
	return true;
}

void trap_handle(u64 cause, u64 value)
{
	struct thread *thread = arch_hart()->current;
	int error;

	if (cause & CAUSE_INTERRUPT) {
		arch_handle_interrupts();
		return;
	}
	error = resolve_fault(thread, cause, value);
	if (!error || enable_fp(thread, cause))
		return;
	if (cause == CAUSE_USER_ECALL) {
		thread->frame.pc += 4;
		if (!thread->upcall_entry || thread->in_upcall) {
			thread->frame.result = (u64)-ENOSYS;
			return;
		}
	} else {
		log_print(LOG_INFO, "process fault: cause %lu, address %lx, pc %lx", cause, value,
			  thread->frame.pc);
		log_announce();
	}
	thread_upcall(thread, cause < CAUSE_COUNT ? upcall_causes[cause] : TERN_UPCALL_ILLEGAL,
		      value, error < 0 ? error : 0);
}

/* registers: pc, x1 .. x31 at the time of the trap. */
void trap_in_kernel(const u64 *registers, u64 cause, u64 value)
{
	panic_with_registers(registers, "trap in the kernel: cause %lu, address %lx, pc %lx", cause,
			     value, registers[0]);
}
