/* Time: the rdtime counter in nanoseconds, and the one-shot timer (Sstc where there, else SBI). */
#include "arch/boot.h"
#include "arch/cpu.h"
#include "arch/sbi.h"
#include "kernel/boot.h"

#define SHIFT 24
#define NANOSECONDS 1000000000ul

extern u64 sstc_probe(void);

static u64 multiplier; /* nanoseconds = ticks * multiplier >> SHIFT */
static bool has_sstc;

/*
 * The first tick at which arch_time() is not before `nanoseconds`, exactly: an early interrupt
 * would find nothing due, be set to the same tick again, and come at once, until time has caught
 * up. In two steps, since nanoseconds << SHIFT may not fit; rest << SHIFT does, as the counter
 * runs with 16 kHz or more.
 */
static u64 first_tick(u64 nanoseconds)
{
	u64 rest = nanoseconds % multiplier;

	return (nanoseconds / multiplier << SHIFT) +
	       ((rest << SHIFT) + multiplier - 1) / multiplier;
}

void time_init(void)
{
	multiplier = (NANOSECONDS << SHIFT) / machine.timebase;
	machine.time_multiplier = multiplier;
	machine.time_shift = SHIFT;
	machine.rtc_seconds = rtc_read();
	has_sstc = sstc_probe();
}

void time_init_hart(void)
{
	arch_timer_set(UINT64_MAX);
}

u64 arch_time_of(u64 ticks)
{
	return (u64)((unsigned __int128)ticks * multiplier >> SHIFT);
}

u64 arch_ticks_of(u64 nanoseconds)
{
	return first_tick(nanoseconds);
}

u64 arch_time(void)
{
	return arch_time_of(arch_ticks());
}

void arch_timer_set(u64 nanoseconds)
{
	u64 ticks = nanoseconds < UINT64_MAX >> 1 ? first_tick(nanoseconds) : UINT64_MAX;

	if (has_sstc)
		__asm__ volatile("csrw 0x14d, %0" : : "r"(ticks)); /* stimecmp */
	else
		sbi_set_timer(ticks);
}
