/*
 * From the boot page table to the kernel proper: find out about the machine, give memory to the
 * page allocator, build the final page table, start the other harts.
 */
#include "arch/boot.h"
#include "arch/cpu.h"
#include "arch/csr.h"
#include "arch/page_table.h"
#include "arch/sbi.h"
#include "arch/trap.h"
#include "kernel/boot.h"
#include "kernel/hart.h"
#include "kernel/interrupt.h"
#include "kernel/log.h"
#include "kernel/page_alloc.h"
#include "kernel/sched.h"

#define MEMORY_MIN (64ul << 20)
#define MEGABYTE (1ul << 20)
#define IMAGE_OFFSET (0xffffffff80200000ul - 0x80200000ul)

extern char trap_entry[], _start[], _start_hart[], boot_emergency_stack_end[], kernel_end_address[];

void boot_main(u64 hardware_id, paddr tree, u64 instructions) NORETURN;
void boot_hart(void) NORETURN;

/*
 * The first thing that each hart does: from here on a bug ends in a panic that tells what it was.
 * What the firmware left in sstatus is unknown: interrupts stay off in the kernel, and user pages
 * out of its reach.
 */
static void trap_setup(void)
{
	__asm__ volatile("csrc sstatus, %0"
			 :
			 : "r"((u64)(SSTATUS_SIE | SSTATUS_SPP | SSTATUS_SUM | SSTATUS_MXR)));
	__asm__ volatile("csrw sscratch, %0" : : "r"(arch_hart()));
	__asm__ volatile("csrw stvec, %0" : : "r"(trap_entry));
}

/* What each hart needs before it runs threads. */
static void hart_setup(void)
{
	__asm__ volatile("csrw scounteren, %0" : : "r"(7ul)); /* cycle, time, instret for users */
	__asm__ volatile("csrw sie, %0"
			 :
			 : "r"((u64)(INTERRUPT_SOFTWARE | INTERRUPT_TIMER | INTERRUPT_EXTERNAL)));
	arch_fp_off();
	time_init_hart();
}

/* ---------------------------------------------------------------------------------- memory */

static void check_memory(void)
{
	u64 bytes = 0;

	for (u32 i = 0; i < machine.ram_count; i++)
		bytes += machine.ram[i].end - machine.ram[i].start;
	if (bytes < MEMORY_MIN)
		fatal("too little memory: %lu MiB, at least %lu MiB are needed", bytes / MEGABYTE,
		      MEMORY_MIN / MEGABYTE);
	machine.memory_bytes = bytes;
}

static void reserve(paddr start, paddr end)
{
	if (machine.reserved_count == MAX_MEMORY_RANGES)
		fatal("too many reserved memory ranges");
	machine.reserved[machine.reserved_count++] =
		(struct memory_range){ start & ~(PAGE_SIZE - 1), round_up(end, PAGE_SIZE) };
}

/* The first reserved range that overlaps [start, end), or NULL. */
static const struct memory_range *first_reserved(paddr start, paddr end)
{
	const struct memory_range *first = NULL;

	for (u32 i = 0; i < machine.reserved_count; i++) {
		const struct memory_range *range = &machine.reserved[i];

		if (range->end > start && range->start < end &&
		    (!first || range->start < first->start))
			first = range;
	}
	return first;
}

static void add_free(paddr start, paddr end)
{
	while (start < end) {
		const struct memory_range *range = first_reserved(start, end);

		if (!range) {
			page_alloc_add(start, end);
			return;
		}
		if (range->start > start)
			page_alloc_add(start, range->start);
		start = range->end;
	}
}

static void memory_init(paddr tree)
{
	paddr lowest = UINT64_MAX, highest = 0,
	      image_end = (paddr)kernel_end_address - IMAGE_OFFSET;

	check_memory();
	/* The firmware is in front of the image, whether or not the device tree says so. */
	reserve(image_end & ~((1ul << 21) - 1) & 0x80000000ul, image_end);
	reserve(tree, tree + machine.device_tree_length);
	reserve(machine.bundle, machine.bundle + machine.bundle_length);
	for (u32 i = 0; i < machine.ram_count; i++) {
		lowest = min_u64(lowest, machine.ram[i].start);
		highest = max_u64(highest, machine.ram[i].end);
	}
	page_alloc_init(lowest, highest);
	for (u32 i = 0; i < machine.ram_count; i++)
		add_free(machine.ram[i].start, machine.ram[i].end);
}

bool machine_is_device_range(paddr start, u64 length)
{
	if (start + length < start || start + length > 1ul << 56)
		return false;
	for (u32 i = 0; i < machine.ram_count; i++)
		if (start < machine.ram[i].end && start + length > machine.ram[i].start)
			return false;
	return true;
}

/* ----------------------------------------------------------------------------------- harts */

static void harts_init(void)
{
	for (u32 i = 0; i < hart_count; i++) {
		harts[i].index = i;
		harts[i].hardware_id = boot_harts[i].hardware_id;
		kernel_map_stacks(i);
		sched_init(&harts[i]);
	}
}

void arch_start_harts(void)
{
	/* For a test: as if the firmware had the race that _start_hart tells of. */
	bool is_late = boot_has_option("test=late-harts");
	paddr entry = (paddr)(is_late ? _start : _start_hart) - IMAGE_OFFSET;

	for (u32 i = 1; i < hart_count; i++) {
		harts[i].scratch[0] = harts[i].stack_top;
		__asm__ volatile("csrr %0, satp" : "=r"(harts[i].scratch[1]));
		if (!sbi_start_hart(harts[i].hardware_id, entry, machine.device_tree))
			fatal("hart %lu does not start", harts[i].hardware_id);
	}
	for (u32 i = 1; i < hart_count; i++)
		while (!atomic_load(&harts[i].is_online))
			arch_cpu_relax();
}

/* A further hart, on its own stack. */
void boot_hart(void)
{
	trap_setup();
	hart_setup();
	hart_main();
}

void boot_main(u64 hardware_id, paddr tree, u64 instructions)
{
	arch_hart()->emergency_stack_top = (u64)boot_emergency_stack_end;
	power_init_early();
	trap_setup();
	machine.boot_instructions = instructions;
	machine.device_tree = tree;
	device_tree_parse(phys_to_virt(tree), hardware_id);
	memory_init(tree);
	kernel_map_init();
	power_init();
	console_init();
	asid_init();
	time_init();
	plic_init();
	harts_init();
	hart_setup();
	log_print(LOG_INFO, "Tern: %u hart%s, %lu MiB of RAM", hart_count,
		  hart_count > 1 ? "s" : "", machine.memory_bytes / MEGABYTE);
	kernel_start();
}

/* --------------------------------------------------------------------------------- accessors */

void arch_send_ipi(u32 hart_index)
{
	sbi_send_ipi(harts[hart_index].hardware_id);
}

void arch_wait_for_interrupt(void)
{
	__asm__ volatile("wfi" : : : "memory");
}

static u64 pending_interrupts(void)
{
	u64 sip, sie;

	__asm__ volatile("csrr %0, sip" : "=r"(sip));
	__asm__ volatile("csrr %0, sie" : "=r"(sie));
	return sip & sie;
}

bool arch_interrupt_pending(void)
{
	return pending_interrupts() != 0;
}

void arch_handle_interrupts(void)
{
	u64 pending = pending_interrupts();

	if (pending & INTERRUPT_SOFTWARE) {
		__asm__ volatile("csrc sip, %0" : : "r"((u64)INTERRUPT_SOFTWARE) : "memory");
		panic_join(); /* else the interrupt alone does it: its exit looks at everything */
	}
	if (pending & INTERRUPT_TIMER)
		timer_interrupt();
	if (pending & INTERRUPT_EXTERNAL)
		interrupt_external();
}
