/*
 * The kernel's own address space: direct map of all RAM, the image with W^X, device registers, and
 * the harts' stacks with unmapped guard pages. All tables of the kernel's half exist when this is
 * done, so user roots can copy its root entries and never go out of date.
 *
 *   0xffffc00000000000  direct map (RAM only; the image's read-only part is read-only here too)
 *   0xfffffffe00000000  device registers
 *   0xffffffff00000000  stacks: 64 KiB for each hart
 *   0xffffffff80200000  image
 */
#include "arch/boot.h"
#include "arch/csr.h"
#include "arch/page_table.h"
#include "kernel/boot.h"
#include "kernel/hart.h"
#include "kernel/log.h"
#include "kernel/page_alloc.h"

#define DEVICE_BASE 0xfffffffe00000000ul
#define STACK_BASE 0xffffffff00000000ul
#define STACK_SPAN 0x10000ul
#define STACK_ORDER 2
#define EMERGENCY_ORDER 1
#define IMAGE_OFFSET (0xffffffff80200000ul - 0x80200000ul)

#define READ_ONLY (PTE_VALID | PTE_READ | PTE_ACCESSED | PTE_GLOBAL)
#define READ_WRITE (READ_ONLY | PTE_WRITE | PTE_DIRTY)
#define READ_EXECUTE (READ_ONLY | PTE_EXECUTE)

typedef u64 pte;

extern char kernel_base[], kernel_text_end[], kernel_rodata_end[], kernel_end_address[];
extern char boot_stack_guard[];

pte *kernel_root;
static u64 device_cursor = DEVICE_BASE;

static paddr image_physical(const char *address)
{
	return (paddr)address - IMAGE_OFFSET;
}

static pte *next_table(pte *place)
{
	if (!(*place & PTE_VALID)) {
		paddr table = page_alloc_zeroed(0);

		if (!table)
			fatal("too little memory for the kernel's page tables");
		*place = table >> PAGE_SHIFT << 10 | PTE_VALID;
	}
	return phys_to_virt(*place >> 10 << PAGE_SHIFT);
}

static void map_leaf(u64 address, paddr page, u32 level, u64 flags)
{
	pte *table = kernel_root;

	for (u32 at = 3; at > level; at--)
		table = next_table(&table[address >> (PAGE_SHIFT + 9 * at) & 511]);
	table[address >> (PAGE_SHIFT + 9 * level) & 511] = page >> PAGE_SHIFT << 10 | flags;
}

/* [physical, physical + size) at `address`, with the largest pages that fit. */
static void map_range(u64 address, paddr physical, u64 size, u64 flags)
{
	while (size) {
		u32 level = 2;

		while (level && ((address | physical) & ((PAGE_SIZE << (9 * level)) - 1) ||
				 size < PAGE_SIZE << (9 * level)))
			level--;
		map_leaf(address, physical, level, flags);
		address += PAGE_SIZE << (9 * level);
		physical += PAGE_SIZE << (9 * level);
		size -= PAGE_SIZE << (9 * level);
	}
}

static void map_direct(paddr start, paddr end, u64 flags)
{
	if (start < end)
		map_range(DIRECT_MAP_BASE + start, start, end - start, flags);
}

/* RAM, where the image's text and constants are not writable through the direct map either. */
static void map_ram(const struct memory_range *range)
{
	paddr start = round_up(range->start, PAGE_SIZE), end = range->end & ~(PAGE_SIZE - 1);
	paddr first = image_physical(kernel_base), last = image_physical(kernel_rodata_end);

	if (first < start || last > end) {
		map_direct(start, end, READ_WRITE);
		return;
	}
	map_direct(start, first, READ_WRITE);
	map_direct(first, last, READ_ONLY);
	map_direct(last, end, READ_WRITE);
}

static void map_image(const char *start, const char *end, u64 flags)
{
	map_range((u64)start, image_physical(start), (u64)(end - start), flags);
}

void kernel_map_use(void)
{
	space_activate_kernel();
	__asm__ volatile("sfence.vma" : : : "memory");
}

void kernel_map_init(void)
{
	paddr root = page_alloc_zeroed(0);

	if (!root)
		fatal("too little memory for the kernel's page tables");
	kernel_root = phys_to_virt(root);
	for (u32 i = 0; i < machine.ram_count; i++)
		map_ram(&machine.ram[i]);
	map_image(kernel_base, kernel_text_end, READ_EXECUTE);
	map_image(kernel_text_end, kernel_rodata_end, READ_ONLY);
	map_image(kernel_rodata_end, boot_stack_guard, READ_WRITE);
	map_image(boot_stack_guard + PAGE_SIZE, kernel_end_address, READ_WRITE);
	kernel_map_use();
}

volatile void *kernel_map_device(paddr address, u64 size)
{
	u64 offset = address & (PAGE_SIZE - 1);
	u64 length = round_up(offset + size, PAGE_SIZE);
	u64 mapped = device_cursor + offset;

	map_range(device_cursor, address - offset, length, READ_WRITE);
	device_cursor += length + PAGE_SIZE;
	__asm__ volatile("sfence.vma" : : : "memory");
	return (volatile void *)mapped;
}

/* 2^order pages at `address`; returns the top. */
static u64 map_stack(u64 address, unsigned int order)
{
	paddr pages = page_alloc(order);

	if (!pages)
		fatal("too little memory for the harts' stacks");
	map_range(address, pages, PAGE_SIZE << order, READ_WRITE);
	return address + (PAGE_SIZE << order);
}

/* Below each stack a page stays unmapped: the emergency stack's is the span's first. */
_Static_assert(PAGE_SIZE * 2 + (PAGE_SIZE << EMERGENCY_ORDER) <= STACK_SPAN / 2 &&
		       (PAGE_SIZE << STACK_ORDER) <= STACK_SPAN / 2,
	       "no room for guard pages");

void kernel_map_stacks(u32 hart_index)
{
	u64 base = STACK_BASE + hart_index * STACK_SPAN;
	struct hart *hart = &harts[hart_index];

	hart->emergency_stack_top = map_stack(base + PAGE_SIZE, EMERGENCY_ORDER);
	hart->stack_top = map_stack(base + STACK_SPAN / 2, STACK_ORDER);
	__asm__ volatile("sfence.vma" : : : "memory");
}
