/* What trap.S calls. */
#ifndef ARCH_TRAP_H
#define ARCH_TRAP_H

#include "kernel/types.h"

void trap_handle(u64 cause, u64 value);
void trap_in_kernel(const u64 *registers, u64 cause, u64 value) NORETURN;

/* Another hart interrupts: does not return when that hart panics. */
void panic_join(void);

/* panic() that also prints the registers of the trap and begins the backtrace there. */
void panic_with_registers(const u64 *registers, const char *format, ...) NORETURN PRINTF(2, 3);

#endif
