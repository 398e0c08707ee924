/* Stands in for the architecture on the build machine: harts are threads of the test. */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include <stdatomic.h>

#include "kernel/types.h"

struct hart;
struct process;
struct thread;
struct fp_state;

extern _Thread_local struct hart *host_hart;

static inline struct hart *arch_hart(void)
{
	return host_hart;
}

static inline u64 arch_swap_acquire(_Atomic u32 *word, struct hart *hart)
{
	return atomic_exchange_explicit(word, (u32)(u64)hart, memory_order_acquire);
}

static inline void arch_store_zero_release(_Atomic u32 *word)
{
	atomic_store_explicit(word, 0, memory_order_release);
}

static inline void arch_cpu_relax(void)
{
}

static inline u64 arch_instructions(void)
{
	return 0;
}

void arch_send_ipi(u32 hart_index);
u64 arch_time(void);

static inline u64 arch_ticks(void)
{
	return arch_time();
}

static inline u64 arch_time_of(u64 ticks)
{
	return ticks;
}

static inline u64 arch_ticks_of(u64 nanoseconds)
{
	return nanoseconds;
}

void arch_timer_set(u64 nanoseconds);
bool arch_interrupt_pending(void);
u32 arch_irq_claim(void);
void arch_irq_complete(u32 number);
void arch_irq_enable(u32 number);
void arch_irq_disable(u32 number);

static inline u64 space_mark_active(struct process *process)
{
	return process != NULL;
}

static inline void space_activate(u64 satp)
{
	(void)satp;
}

#endif
