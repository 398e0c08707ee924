/* The debug log, figures about the system, power, and what the first process finds at start. */
#ifndef TERN_SYSTEM_H
#define TERN_SYSTEM_H

#include "tern/handle.h"

/* Longest line that tern_debug_log takes, in bytes. */
#define TERN_LOG_MAX 256

/* What tern_system_info answers. */
enum tern_system_query {
	TERN_INFO_HARTS,
	TERN_INFO_FREE_PAGES, /* without those that TERN_INFO_RECLAIM_PENDING counts */
	TERN_INFO_TOTAL_PAGES,
	TERN_INFO_OBJECTS,           /* kernel objects alive, all types */
	TERN_INFO_BOOT_INSTRUCTIONS, /* first kernel instruction to first user instruction */
	TERN_INFO_FLAGS,             /* TERN_SYSTEM_* */
	TERN_INFO_RECLAIM_PENDING,   /* objects and frames that wait for their grace period */
	TERN_INFO_BUSY_HARTS, /* harts on which a thread beside the caller runs or is ready */
	TERN_INFO_CACHED_PAGES, /* resident pages of paged memobjs: clean ones go when memory is short */
	TERN_INFO_OBJECTS_OF_TYPE = 32 /* + enum tern_type: live objects of that type */
};

#define TERN_SYSTEM_DEBUG 1 /* the kernel checks its invariants */

/* What tern_system_control does (needs a resource handle with OWNER). */
enum tern_system_command {
	TERN_CONTROL_POWER_OFF, /* value: exit status for the host, 0..255 */
	TERN_CONTROL_REBOOT,
	TERN_CONTROL_FORCE_SLOW, /* value: 1 = every IPC takes the C path, on all harts */
	TERN_CONTROL_IRQ_RAISE, /* value: interrupt number: handled as if the device had raised it */
	TERN_CONTROL_LOG        /* value: a client port (NOTIFY) or 0: see struct tern_log_ring */
};

/*
 * Where the kernel's log goes while a program owns the console's device: what is logged stays in
 * this ring, and TERN_LOG_WRITTEN is notified to the port of TERN_CONTROL_LOG. The reader prints
 * data[read % size] up to `written` and moves `read` on. The kernel prints by itself, and what has
 * not been read first, when the ring is full, when the port is revoked or set to 0, at power off,
 * and when it panics. The ring keeps its place over a restart of its reader.
 */
#define TERN_LOG_WRITTEN 1
#define TERN_LOG_RING_LENGTH 16384 /* of the whole structure, and of its memobj */

struct tern_log_ring {
	uint64_t written; /* bytes, ever; only the kernel sets it */
	uint64_t read;    /* bytes, ever; only the reader does, and the kernel when it prints */
	char data[TERN_LOG_RING_LENGTH - 2 * sizeof(uint64_t)];
};

/* The first process: its first thread is entered with this page's address in a0. */
#define TERN_BOOT_PAGE 0x00007fffffffe000UL

struct tern_boot_info {
	int64_t resource; /* all physical ranges and interrupts, power */
	int64_t account;  /* all memory */
	int64_t bundle;   /* memobj: the boot bundle as loaded, read-only */
	uint64_t bundle_length;
	uint64_t device_tree_length;
	int64_t device_tree; /* memobj: the flattened device tree, read-only */
	uint64_t command_line_length;
	char command_line[256];
	int64_t log; /* memobj: struct tern_log_ring, readable and writable */
};

#ifndef TERN_KERNEL
/*
 * tern_debug_log: print bytes on the kernel's console. At most TERN_LOG_MAX bytes at a time. May block
 * for the text's memory only. Returns 0, -EFAULT, -EINVAL (length).
 */
static inline tern_result tern_debug_log(const char *text, size_t length)
{
	return tern_syscall2(TERN_OP_debug_log, (uint64_t)text, length);
}

/* tern_system_info: one figure (enum tern_system_query). Never blocks. Returns it, or -EINVAL. */
static inline tern_result tern_system_info(uint64_t query)
{
	return tern_syscall1(TERN_OP_system_info, query);
}

/*
 * tern_system_control: see enum tern_system_command. Never blocks. Returns 0, -EBADF, -EPROTOTYPE,
 * -EPERM (resource, or the log's port), -EINVAL (command or value), -ENODEV (IRQ_RAISE: nobody has
 * bound that interrupt).
 */
static inline tern_result tern_system_control(tern_handle resource, uint64_t command,
					      uint64_t value)
{
	return tern_syscall3(TERN_OP_system_control, (uint64_t)resource, command, value);
}

/* tern_null: does nothing; for measuring. Never blocks. Returns 0. */
static inline tern_result tern_null(void)
{
	return tern_syscall0(TERN_OP_null);
}
#endif

#endif
