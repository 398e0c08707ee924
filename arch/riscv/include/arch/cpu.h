/* The processor: accessors of one instruction each, and what the kernel asks of a hart. */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include "kernel/types.h"

struct hart;
struct process;
struct thread;
struct fp_state;

/* The machine number in ELF headers. */
#define ARCH_ELF_MACHINE 243

/* In the kernel tp holds the hart; in user mode it waits in sscratch. */
static inline struct hart *arch_hart(void)
{
	return __builtin_thread_pointer();
}

/*
 * A lock's two halves, as in ipc_fastpath.S: the compiler would spend two and three instructions
 * on what is one. What is swapped in is the low word of a hart's address.
 */
static inline u64 arch_swap_acquire(_Atomic u32 *word, struct hart *hart)
{
	u64 old;

	__asm__ volatile("amoswap.w.aq %0, %2, %1" : "=r"(old), "+A"(*word) : "r"(hart) : "memory");
	return old;
}

static inline void arch_store_zero_release(_Atomic u32 *word)
{
	__asm__ volatile("amoswap.w.rl zero, zero, %0" : "+A"(*word) : : "memory");
}

static inline void arch_cpu_relax(void)
{
	__asm__ volatile("nop");
}

/* Ticks of the time counter. */
static inline u64 arch_ticks(void)
{
	u64 ticks;

	__asm__ volatile("rdtime %0" : "=r"(ticks));
	return ticks;
}

static inline u64 arch_instructions(void)
{
	u64 count;

	__asm__ volatile("rdinstret %0" : "=r"(count));
	return count;
}

/* Nanoseconds of the time page. */
u64 arch_time(void);
/* What a number of ticks is in nanoseconds, and the first tick at which so many have passed. */
u64 arch_time_of(u64 ticks);
u64 arch_ticks_of(u64 nanoseconds);

/* Program the hart's one-shot timer; UINT64_MAX = off. */
void arch_timer_set(u64 nanoseconds);

/* Interrupt another hart: it leaves the kernel through sched_exit soon. */
void arch_send_ipi(u32 hart_index);

/*
 * Idle: sleep until an interrupt is pending. Interrupts stay disabled: wfi wakes for pending ones
 * all the same, which closes the window between the last check for work and the sleep.
 */
void arch_wait_for_interrupt(void);

/* Run timer_interrupt, interrupt_external for what is pending on this hart. */
void arch_handle_interrupts(void);

/* Leave to user mode through sched_exit: how a hart enters its first thread. */
void trap_return(void) NORETURN;

/* True when an interrupt for this hart is pending: long operations use it to leave early. */
bool arch_interrupt_pending(void);

/* Start all other harts; each enters hart_main(hart). */
void arch_start_harts(void);

/* Off: the next FP instruction traps (see thread's FP). Saving and loading enable FP themselves. */
bool arch_fp_is_dirty(void);
bool arch_fp_is_enabled(void);
void arch_fp_save(struct fp_state *state);
/* Loads the state and leaves FP enabled and dirty. */
void arch_fp_load(const struct fp_state *state);
void arch_fp_off(void);

void arch_power_off(u32 status) NORETURN;
void arch_reboot(void) NORETURN;

/* The console's bytes; polled, safe in any context. */
void arch_console_write(const char *text, size_t length);

/* External interrupts (PLIC). claim: 0 = none pending. */
u32 arch_irq_count(void);
u32 arch_irq_claim(void);
void arch_irq_complete(u32 number);
void arch_irq_enable(u32 number);
void arch_irq_disable(u32 number);

/* The process runs on this hart for the first time, or shares its ASID: what space_activate wants. */
u64 space_mark_active(struct process *process);

/* Writing satp costs an emulator its translations: not when nothing changes. */
static inline void space_activate(u64 satp)
{
	u64 old;

	__asm__ volatile("csrr %0, satp" : "=r"(old));
	if (old != satp)
		__asm__ volatile("csrw satp, %0" : : "r"(satp) : "memory");
}

/* The kernel's own page table. */
void space_activate_kernel(void);

#endif
