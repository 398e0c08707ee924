/* The first process: made by the kernel from the boot bundle, given everything there is. */
#include "arch/page_table.h"
#include "kernel/account.h"
#include "kernel/boot.h"
#include "kernel/debug.h"
#include "kernel/futex.h"
#include "kernel/interrupt.h"
#include "kernel/memobj.h"
#include "kernel/memory.h"
#include "kernel/page_alloc.h"
#include "kernel/pressure.h"
#include "kernel/process.h"
#include "kernel/resource.h"
#include "kernel/sched.h"
#include "tern/event.h"
#include "tern/memory.h"
#include "tern/system.h"

#define INIT_PRIORITY 32
#define INIT_STACK_SIZE (64ul << 10)
#define INIT_STACK_TOP (TERN_BOOT_PAGE - PAGE_SIZE)
#define IMAGE_RIGHTS (TERN_RIGHT_COPY | TERN_RIGHT_MOVE | TERN_RIGHT_READ | TERN_RIGHT_EXECUTE)
#define LOG_RIGHTS (TERN_RIGHT_COPY | TERN_RIGHT_MOVE | TERN_RIGHT_READ | TERN_RIGHT_WRITE)

struct memobj *time_page;

/* What must not fail at boot. */
static void require(bool condition, const char *what)
{
	if (!condition)
		fatal("cannot start the first process: %s", what);
}

static s64 give(struct process *process, struct object *object, u32 rights)
{
	s64 handle = handle_insert(process, object, rights);

	require(handle > 0, "no handle");
	return handle;
}

/* A memobj of one page that the kernel fills and users read. */
static struct memobj *page_memobj(void **page)
{
	struct memobj *memobj = memobj_create_anonymous(root_account, PAGE_SIZE);
	paddr address = 0;

	require(memobj && !memobj_get_page(memobj, 0, &address), "out of memory");
	*page = phys_to_virt(address);
	return memobj;
}

static void time_page_init(void)
{
	void *page;
	struct tern_time_page *time;

	time_page = page_memobj(&page);
	time = page;
	time->multiplier = machine.time_multiplier;
	time->shift = machine.time_shift;
	time->frequency = machine.timebase;
	time->boot_seconds = machine.rtc_seconds;
}

static void give_image(struct process *process, paddr start, u64 length, s64 *handle)
{
	struct memobj *memobj = memobj_create_boot(root_account, start & ~(PAGE_SIZE - 1),
						   (start & (PAGE_SIZE - 1)) + length);

	require(memobj, "out of memory");
	*handle = give(process, &memobj->object, IMAGE_RIGHTS);
}

static s64 give_log(struct process *process)
{
	paddr ring = log_ring_init();
	struct memobj *memobj = ring ? memobj_create_boot(root_account, ring, TERN_LOG_RING_LENGTH)
				     : NULL;

	require(memobj, "out of memory");
	return give(process, &memobj->object, LOG_RIGHTS);
}

static void boot_page_init(struct process *process)
{
	struct object *resource = object_create(root_account, TERN_TYPE_RESOURCE);
	struct tern_boot_info *info;
	struct memobj *memobj;
	void *page;

	require(resource, "out of memory");
	memobj = page_memobj(&page);
	info = page;
	info->resource = give(process, resource, OBJECT_RIGHTS);
	object_get(&root_account->object);
	info->account = give(process, &root_account->object, OBJECT_RIGHTS);
	give_image(process, machine.bundle, machine.bundle_length, &info->bundle);
	info->bundle_length = machine.bundle_length;
	give_image(process, machine.device_tree, machine.device_tree_length, &info->device_tree);
	info->device_tree_length = machine.device_tree_length;
	memcpy(info->command_line, machine.command_line, sizeof(info->command_line));
	info->command_line_length = strlen(machine.command_line);
	info->log = give_log(process);
	require(!address_space_map(process, memobj, 0, TERN_BOOT_PAGE, PAGE_SIZE, TERN_MAP_READ),
		"boot page");
	object_put(&memobj->object);
}

static void stack_init(struct process *process)
{
	require(!address_space_map(process, NULL, 0, INIT_STACK_TOP - INIT_STACK_SIZE,
				   INIT_STACK_SIZE,
				   TERN_MAP_READ | TERN_MAP_WRITE | TERN_MAP_PRIVATE),
		"stack");
}

static void first_process(void)
{
	struct process *process = process_create(root_account);
	const char *reason = "";
	const void *file;
	struct thread *thread;
	u64 length, entry;

	require(process, "out of memory");
	if (!bundle_find(phys_to_virt(machine.bundle), machine.bundle_length, "init", &file,
			 &length))
		fatal("the boot bundle is no ustar archive with a file `init`");
	if (elf_load(process, file, length, &entry, &reason))
		fatal("cannot load init: %s", reason);
	boot_page_init(process);
	stack_init(process);
	thread = thread_create(process, INIT_PRIORITY);
	require(thread, "out of memory");
	thread->frame.pc = entry;
	thread->frame.sp = INIT_STACK_TOP;
	thread->frame.result = TERN_BOOT_PAGE;
	require(!thread_start(thread), "thread");
	object_put(&thread->object);
	object_put(&process->object);
}

bool boot_has_option(const char *option)
{
	size_t length = strlen(option);

	for (const char *at = machine.command_line; *at; at++)
		if (!strncmp(at, option, length) && (at == machine.command_line || at[-1] == ' ') &&
		    (!at[length] || at[length] == ' '))
			return true;
	return false;
}

/* For a test: more than any stack holds must end at its guard page. */
static NOINLINE u64 overflow_stack(u64 depth)
{
	volatile u64 space[64];

	space[0] = depth;
	return depth ? overflow_stack(depth - 1) + space[0] : 0;
}

NOINLINE void kernel_start(void)
{
	account_init((page_count_free() - pressure_unpromised()) * PAGE_SIZE);
	futex_init();
	interrupt_init(arch_irq_count());
	if (!machine.bundle)
		fatal("no boot bundle: start QEMU with -initrd BUNDLE");
	time_page_init();
	first_process();
	arch_start_harts();
	log_print(LOG_INFO, "%lu MiB free, starting init", page_count_free() >> 8);
	if (boot_has_option("test=panic"))
		panic("test panic requested on the command line");
	if (boot_has_option("test=stack-overflow"))
		panic("the stack has no end: %lu", overflow_stack(64));
	if (!boot_has_option("verbose"))
		log_threshold = LOG_WARNING;
	machine.boot_instructions = arch_instructions() - machine.boot_instructions;
	hart_main();
}
