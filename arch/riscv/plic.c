/*
 * The platform-level interrupt controller. All lines go to the boot hart; a claimed line stays
 * quiet until it is completed, which is what masks it while its driver works.
 *
 * All lines are enabled for good; one that is switched off has priority 0, which never interrupts.
 * A line's enable bit shares its word with 31 others, so two harts could lose each other's change,
 * and the controller ignores that a line is completed while its bit is off.
 */
#include "arch/boot.h"
#include "arch/cpu.h"

#define PRIORITY 0x000000
#define ENABLE 0x002000
#define ENABLE_STRIDE 0x80
#define CONTEXT 0x200000
#define CONTEXT_STRIDE 0x1000
#define CLAIM 4
#define NO_CONTEXT UINT32_MAX

static volatile u8 *plic;
static u32 context;

static volatile u32 *plic_register(u64 offset)
{
	return (volatile u32 *)(plic + offset);
}

static volatile u32 *context_register(u64 offset)
{
	return plic_register(CONTEXT + (u64)context * CONTEXT_STRIDE + offset);
}

static volatile u32 *enable_register(u32 number)
{
	return plic_register(ENABLE + (u64)context * ENABLE_STRIDE + number / 32 * 4);
}

void plic_init(void)
{
	context = boot_harts[0].plic_context;
	if (!devices.plic || context == NO_CONTEXT)
		return;
	plic = kernel_map_device(devices.plic, devices.plic_size);
	for (u32 number = 1; number < devices.plic_lines; number++)
		arch_irq_disable(number);
	for (u32 number = 0; number < devices.plic_lines; number += 32)
		*enable_register(number) = UINT32_MAX;
	*context_register(0) = 0; /* threshold: every priority interrupts */
}

u32 arch_irq_count(void)
{
	return plic ? devices.plic_lines : 0;
}

u32 arch_irq_claim(void)
{
	return plic ? *context_register(CLAIM) : 0;
}

void arch_irq_complete(u32 number)
{
	*context_register(CLAIM) = number;
}

void arch_irq_enable(u32 number)
{
	*plic_register(PRIORITY + number * 4ul) = 1;
}

void arch_irq_disable(u32 number)
{
	*plic_register(PRIORITY + number * 4ul) = 0;
}
