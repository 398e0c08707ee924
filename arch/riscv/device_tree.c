/* What the device tree says about the machine. Read with libfdt; every property is checked. */
#include <libfdt.h>

#include "arch/boot.h"
#include "kernel/boot.h"
#include "kernel/hart.h"
#include "kernel/log.h"
#include "kernel/memory.h"

struct boot_machine machine;
struct boot_devices devices;
struct boot_hart boot_harts[MAX_HARTS];

#define NO_CONTEXT UINT32_MAX
#define SUPERVISOR_EXTERNAL 9
#define HARDWARE_IDS 64

/* The child of `parent` after `node` (-1: the first), or negative. */
static int next_child(const void *tree, int parent, int node)
{
	int depth = node < 0 ? 0 : 1;
	int at = node < 0 ? parent : node;

	do
		at = fdt_next_node(tree, at, &depth);
	while (at >= 0 && depth > 1);
	return depth == 1 ? at : -1;
}

static u64 read_cells(const u32 *cells, int count)
{
	u64 value = 0;

	while (count--)
		value = value << 32 | fdt32_to_cpu(*cells++);
	return value;
}

/* The property's cells, if it has at least `count` of them. */
static const u32 *get_cells(const void *tree, int node, const char *name, int count, int *length)
{
	const u32 *cells = fdt_getprop(tree, node, name, length);

	return cells && *length >= count * (int)sizeof(u32) ? cells : NULL;
}

/* Entry `index` of a node's reg property, with two cells each as all nodes at the root have. */
static bool get_reg(const void *tree, int node, int index, paddr *start, u64 *size)
{
	int length;
	const u32 *cells = get_cells(tree, node, "reg", (index + 1) * 4, &length);

	if (!cells)
		return false;
	*start = read_cells(cells + index * 4, 2);
	*size = read_cells(cells + index * 4 + 2, 2);
	return true;
}

static void parse_memory(const void *tree)
{
	int node = -1;

	while ((node = fdt_node_offset_by_prop_value(tree, node, "device_type", "memory",
						     sizeof("memory"))) >= 0) {
		paddr start;
		u64 size;

		for (int i = 0; get_reg(tree, node, i, &start, &size); i++)
			if (size && machine.ram_count < MAX_MEMORY_RANGES)
				machine.ram[machine.ram_count++] =
					(struct memory_range){ start, start + size };
	}
}

static void reserve(paddr start, u64 size)
{
	if (size && machine.reserved_count < MAX_MEMORY_RANGES)
		machine.reserved[machine.reserved_count++] = (struct memory_range){
			start & ~(PAGE_SIZE - 1), round_up(start + size, PAGE_SIZE)
		};
	else if (size)
		fatal("too many reserved memory ranges");
}

static void parse_reserved(const void *tree)
{
	int parent = fdt_path_offset(tree, "/reserved-memory");
	int node = -1;
	paddr start;
	u64 size;

	for (int i = 0; i < fdt_num_mem_rsv(tree); i++)
		if (!fdt_get_mem_rsv(tree, i, &start, &size))
			reserve(start, size);
	if (parent < 0)
		return;
	while ((node = next_child(tree, parent, node)) >= 0)
		for (int i = 0; get_reg(tree, node, i, &start, &size); i++)
			reserve(start, size);
}

static u64 get_number(const void *tree, int node, const char *name)
{
	int length;
	const u32 *cells = get_cells(tree, node, name, 1, &length);

	return cells ? read_cells(cells, length >= 8 ? 2 : 1) : 0;
}

static void parse_chosen(const void *tree)
{
	int node = fdt_path_offset(tree, "/chosen");
	const char *arguments;
	u64 end;
	int length;

	if (node < 0)
		return;
	machine.bundle = get_number(tree, node, "linux,initrd-start");
	end = get_number(tree, node, "linux,initrd-end");
	machine.bundle_length = end > machine.bundle ? end - machine.bundle : 0;
	if (!machine.bundle_length)
		machine.bundle = 0;
	arguments = fdt_getprop(tree, node, "bootargs", &length);
	if (arguments && length > 0)
		memcpy(machine.command_line, arguments,
		       min_u64((u64)length, sizeof(machine.command_line) - 1));
}

static bool find_device(const void *tree, const char *compatible, paddr *start, u64 *size,
			int *node)
{
	*node = fdt_node_offset_by_compatible(tree, -1, compatible);
	return *node >= 0 && get_reg(tree, *node, 0, start, size);
}

static void parse_devices(const void *tree)
{
	int node;

	find_device(tree, "ns16550a", &devices.uart, &devices.uart_size, &node);
	find_device(tree, "sifive,test0", &devices.test, &devices.test_size, &node);
	find_device(tree, "google,goldfish-rtc", &devices.rtc, &devices.rtc_size, &node);
	if (find_device(tree, "riscv,plic0", &devices.plic, &devices.plic_size, &node))
		devices.plic_lines = (u32)get_number(tree, node, "riscv,ndev") + 1;
}

/* The PLIC context that interrupts a cpu's controller in S-mode. */
static u32 find_context(const void *tree, u32 controller)
{
	int plic = fdt_node_offset_by_compatible(tree, -1, "riscv,plic0");
	int length;
	const u32 *cells = plic < 0 ? NULL
				    : get_cells(tree, plic, "interrupts-extended", 2, &length);

	for (int i = 0; cells && (i + 2) * (int)sizeof(u32) <= length; i += 2)
		if (fdt32_to_cpu(cells[i]) == controller &&
		    fdt32_to_cpu(cells[i + 1]) == SUPERVISOR_EXTERNAL)
			return (u32)i / 2;
	return NO_CONTEXT;
}

/* The firmware starts any of the harts first: that one is in, however many come before it. */
static void add_hart(const void *tree, int node, u64 boot_hardware_id)
{
	int controller = fdt_subnode_offset(tree, node, "interrupt-controller");
	struct boot_hart hart = { get_number(tree, node, "reg"), NO_CONTEXT };
	bool is_boot_hart = hart.hardware_id == boot_hardware_id;
	u32 place = (u32)min_u64(hart_count, MAX_HARTS - 1);

	/* The firmware's hart masks are words: a hart beyond them could not be reached. */
	if (hart.hardware_id >= HARDWARE_IDS || (hart_count == MAX_HARTS && !is_boot_hart))
		return;
	if (controller >= 0)
		hart.plic_context = find_context(tree,
						 (u32)get_number(tree, controller, "phandle"));
	if (is_boot_hart) {
		boot_harts[place] = boot_harts[0];
		place = 0;
	}
	boot_harts[place] = hart;
	hart_count = (u32)min_u64(hart_count + 1, MAX_HARTS);
}

static void parse_harts(const void *tree, u64 boot_hardware_id)
{
	int cpus = fdt_path_offset(tree, "/cpus");
	int node = -1;

	if (cpus < 0)
		fatal("the device tree has no cpus");
	machine.timebase = get_number(tree, cpus, "timebase-frequency");
	while ((node = next_child(tree, cpus, node)) >= 0) {
		const char *type = fdt_getprop(tree, node, "device_type", NULL);
		const char *status = fdt_getprop(tree, node, "status", NULL);

		if (type && !strncmp(type, "cpu", 4) && (!status || !strncmp(status, "ok", 2)))
			add_hart(tree, node, boot_hardware_id);
	}
	if (!hart_count || boot_harts[0].hardware_id != boot_hardware_id)
		fatal("the boot hart is not in the device tree");
	if (!machine.timebase)
		fatal("the device tree has no timebase-frequency");
}

void device_tree_parse(const void *tree, u64 boot_hardware_id)
{
	if (fdt_check_header(tree))
		fatal("no valid device tree was handed over");
	machine.device_tree_length = fdt_totalsize(tree);
	parse_devices(tree);
	parse_memory(tree);
	parse_reserved(tree);
	parse_chosen(tree);
	parse_harts(tree, boot_hardware_id);
}
