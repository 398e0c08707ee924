/* Time: the rdtime counter in nanoseconds, and the one-shot timer (Sstc where there, else SBI). */
#include "arch/boot.h"
#include "arch/cpu.h"
#include "arch/sbi.h"
#include "kernel/boot.h"

#define SHIFT 24
#define TICK_SHIFT 32
#define NANOSECONDS 1000000000ul

extern u64 sstc_probe(void);

static u64 multiplier;      /* nanoseconds = ticks * multiplier >> SHIFT */
static u64 tick_multiplier; /* ticks = nanoseconds * tick_multiplier >> TICK_SHIFT */
static bool has_sstc;

static u64 scale(u64 value, u64 factor, u32 shift)
{
	return (u64)((unsigned __int128)value * factor >> shift);
}

void time_init(void)
{
	multiplier = (NANOSECONDS << SHIFT) / machine.timebase;
	tick_multiplier = (machine.timebase << TICK_SHIFT) / NANOSECONDS;
	machine.time_multiplier = multiplier;
	machine.time_shift = SHIFT;
	machine.rtc_seconds = rtc_read();
	has_sstc = sstc_probe();
}

void time_init_hart(void)
{
	arch_timer_set(UINT64_MAX);
}

u64 arch_time(void)
{
	return scale(arch_ticks(), multiplier, SHIFT);
}

/* One tick late rather than early: an early interrupt would find nothing due. */
void arch_timer_set(u64 nanoseconds)
{
	u64 ticks = UINT64_MAX;

	if (nanoseconds < UINT64_MAX >> 1)
		ticks = scale(nanoseconds, tick_multiplier, TICK_SHIFT) + 1;
	if (has_sstc)
		__asm__ volatile("csrw 0x14d, %0" : : "r"(ticks)); /* stimecmp */
	else
		sbi_set_timer(ticks);
}
