/* What the parts of the architecture's boot code share. */
#ifndef ARCH_BOOT_H
#define ARCH_BOOT_H

#include "kernel/types.h"

/* Devices that the kernel itself uses, from the device tree; 0 = not there. */
struct boot_devices {
	paddr uart, plic, test, rtc;
	u64 uart_size, plic_size, test_size, rtc_size;
	u32 plic_lines;
};

extern struct boot_devices devices;

/* Harts of the device tree, the boot hart first. */
struct boot_hart {
	u64 hardware_id;
	u32 plic_context; /* of its S-mode external interrupt; UINT32_MAX: none */
};

extern struct boot_hart boot_harts[MAX_HARTS];

/* device_tree.c: fills `machine`, `devices`, boot_harts, hart_count. */
void device_tree_parse(const void *tree, u64 boot_hardware_id);

/* kernel_map.c: the final page table, in use when it returns. */
void kernel_map_init(void);
/* Map a device into the kernel's half; NULL: no memory. Before any user space exists. */
volatile void *kernel_map_device(paddr address, u64 size);
/* Each hart has two stacks with a guard page below each. */
void kernel_map_stacks(u32 hart_index);
/* Find out how many ASIDs there are. Uses satp: with the final page table. */
void asid_init(void);
/* This hart uses the final page table. */
void kernel_map_use(void);

void console_init(void);
/* While the boot page table maps everything directly; and with the final one. */
void power_init_early(void);
void power_init(void);
void time_init(void);
void time_init_hart(void);
void plic_init(void);
u64 rtc_read(void);

#endif
