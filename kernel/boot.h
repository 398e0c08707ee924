/* What the architecture found out about the machine, for the kernel proper. */
#ifndef KERNEL_BOOT_H
#define KERNEL_BOOT_H

#include "kernel/types.h"

struct memory_range {
	paddr start, end;
};

#define MAX_MEMORY_RANGES 16

struct boot_machine {
	struct memory_range ram[MAX_MEMORY_RANGES]; /* all RAM, reserved parts included */
	u32 ram_count;
	struct memory_range reserved[MAX_MEMORY_RANGES]; /* firmware, image, device tree, bundle */
	u32 reserved_count;
	u64 memory_bytes;
	paddr device_tree, bundle; /* bundle 0: none was loaded */
	u64 device_tree_length, bundle_length;
	u64 rtc_seconds;                 /* 0: unknown */
	u64 timebase;                    /* Hz of the time counter */
	u64 time_multiplier, time_shift; /* nanoseconds = ticks * multiplier >> shift */
	u64 boot_instructions;           /* instret at the kernel's first instruction */
	char command_line[256];
};

extern struct boot_machine machine;

/* Is [start, start + length) free of RAM (so a device may be mapped there)? */
bool machine_is_device_range(paddr start, u64 length);

/* Is it a word of the command line? */
bool boot_has_option(const char *option);

/* A file of the boot bundle (ustar), with bounds checks. False: not there, or malformed. */
bool bundle_find(const void *bundle, u64 length, const char *name, const void **file,
		 u64 *file_length) MUST_USE;

struct memobj;
struct process;

/*
 * Load a static ELF executable into an empty process. *entry is set. -EINVAL with *reason for a
 * malformed file, -ENOMEM.
 */
int elf_load(struct process *process, const void *file, u64 length, u64 *entry,
	     const char **reason) MUST_USE;

/* The time page, mapped into every process. */
extern struct memobj *time_page;

/* Called once on the boot hart with memory, log and interrupts ready: creates init and runs it. */
void kernel_start(void) NORETURN;

#endif
