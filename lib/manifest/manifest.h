/*
 * The manifest: which servers there are, and what each of them is given. docs/init.md describes the
 * format. Parsing is pure computation on fixed storage; nothing is trusted, and the first mistake is
 * reported with its line and the reason.
 *
 * Servers start in the order of their blocks, and one may call only those before it, so that no
 * cycle of calls can exist. `init` itself counts as the first.
 */
#ifndef LIB_MANIFEST_MANIFEST_H
#define LIB_MANIFEST_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MANIFEST_NAME_MAX 24 /* of servers and handles, with the zero */
#define MANIFEST_SERVERS_MAX 32
#define MANIFEST_HANDLES_MAX 24
#define MANIFEST_ARGUMENTS_MAX 32
#define MANIFEST_MEMORY_REST UINT64_MAX
#define MANIFEST_DEVICES_MAX 8   /* of one type, of `virtio-devices` */
#define MANIFEST_TEXT_MAX 16384  /* programs and arguments of all servers */
#define MANIFEST_PRIORITY_MAX 31 /* init's own is 32 */
#define MANIFEST_INIT (-1)       /* as the server of a port */

enum grant_kind {
	GRANT_REGISTERS,   /* physical memobj over a device's registers */
	GRANT_INTERRUPT,   /* bound to the server's own listener */
	GRANT_DMA,         /* a device object: physical addresses and pins; survives the server */
	GRANT_MACHINE,     /* all registers and interrupts */
	GRANT_PORT,        /* client port of another server */
	GRANT_DEVICE_TREE, /* the device tree, read-only */
	GRANT_BUNDLE,      /* the boot bundle, read-only */
	GRANT_KERNEL_LOG,  /* the kernel's log ring; its notifications go to the listener */
	GRANT_DMA_MEMORY,  /* contiguous memory for devices, place.length bytes; survives as well */
	GRANT_STATE,       /* memory of place.length bytes that survives the server's death */
};

/* How a device is named. */
enum place_kind {
	PLACE_NONE,
	PLACE_PHYSICAL, /* registers: address and length. interrupt: its number, in `address` */
	PLACE_DEVICE,   /* the index-th node of the device tree compatible with `compatible` */
	PLACE_VIRTIO,   /* the index-th virtio device whose type is `address` */
};

struct place {
	enum place_kind kind;
	uint64_t address, length;
	const char *compatible;
	unsigned int index;
};

struct grant {
	enum grant_kind kind;
	unsigned int line;
	char name[MANIFEST_NAME_MAX];
	struct place place;
	bool is_optional; /* left out when there is no such device */
	int server;       /* port: index of the server it leads to, or MANIFEST_INIT */
	uint32_t session;
	bool is_shared; /* port: others may be given the same session */
	uint32_t pins;  /* dma */
};

enum restart_policy {
	RESTART_ALWAYS,
	RESTART_NEVER,    /* its end is nobody's business */
	RESTART_SHUTDOWN, /* its end ends the system, with its exit status */
};

struct server {
	unsigned int line;
	char name[MANIFEST_NAME_MAX];
	const char *program; /* file in the bundle; also argument 0 */
	const char *arguments[MANIFEST_ARGUMENTS_MAX];
	unsigned int argument_count;
	unsigned int priority;
	uint64_t memory;             /* bytes; or MANIFEST_MEMORY_REST: what the others leave */
	unsigned int memory_percent; /* not 0: no more than that of all memory */
	struct place when;     /* it exists only where this device does; PLACE_NONE: everywhere */
	uint32_t sender_limit; /* of its listener; 0: it has none */
	enum restart_policy restart;
	unsigned int restart_limit; /* so many early deaths in a row, and init gives up */
	unsigned int stop_ms;       /* how long it has to stop at shutdown; 0: it is not told */
	bool is_optional;           /* not started, without an error, when a device is missing */
	bool is_pager; /* others' memory is written back through it: see tern_account_set_pager */
	struct grant grants[MANIFEST_HANDLES_MAX];
	unsigned int grant_count;
};

struct manifest {
	struct server servers[MANIFEST_SERVERS_MAX];
	unsigned int server_count;
	char text[MANIFEST_TEXT_MAX];
	size_t text_length;
	/* Of a failed parse. */
	unsigned int error_line;
	char error[160];
};

/* Returns 0, or -1 and says why in error_line and error. */
int manifest_parse(struct manifest *manifest, const char *text, size_t length);

#endif
