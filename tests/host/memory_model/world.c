/* The surroundings of the kernel's memory half, see world.h. */
#include "world.h"

#include "kernel/account.h"
#include "kernel/boot.h"
#include "kernel/fork.h"
#include "kernel/ipc.h"
#include "kernel/pressure.h"
#include "kernel/process_info.h"
#include "kernel/reclaim.h"
#include "kernel/restart.h"
#include "kernel/syscall.h"
#include "kernel/user_copy.h"

#define CALL_PC 0x1000
#define PAGER_BUFFER 0x20000000ul
#define FETCH 8

pte *kernel_root;
struct memobj *time_page;
void (*world_serve)(void);
s64 (*const syscall_functions[1])();

static struct listener listener;
static struct client_port port;
static struct process *pager;
static struct thread *threads[64]; /* alive; a process's is found by its pointer */
static u32 depth;                  /* of calls in the middle of calls */

/* ------------------------------------------------------------------------------ surroundings */

void tlb_flush_page(u64 address)
{
	(void)address;
}

void tlb_shootdown(struct process *process, u64 start, u64 end)
{
	(void)process, (void)start, (void)end;
}

void asid_allocate(struct address_space *space)
{
	space->asid = 1;
}

void asid_release(u32 asid)
{
	(void)asid;
}

void sched_block(void)
{
	arch_hart()->current = NULL;
}

void sched_ready(struct thread *thread)
{
	(void)thread;
}

void sched_save_fp(void)
{
}

void cpu_time_hand_over(struct process *process, struct process *owner)
{
	(void)process, (void)owner;
}

void port_notify(struct object *object, u64 bits)
{
	(void)object, (void)bits;
}

bool machine_is_device_range(u64 address, u64 length)
{
	(void)address, (void)length;
	return false;
}

int reply_resolve(s64 handle, struct thread **caller, u64 *token)
{
	(void)handle, (void)caller, (void)token;
	return -EBADF;
}

/* A thread is what its process is known by; it runs when the test says so. */
struct thread *thread_create(struct process *process, u8 priority)
{
	struct object *object = object_create(process->object.account, TERN_TYPE_THREAD);
	struct thread *thread;

	(void)priority;
	if (!object)
		return NULL;
	thread = container_of(object, struct thread, object);
	thread->process = process;
	list_init(&thread->queue_link);
	object_get(&process->object);
	for (u32 i = 0; i < ARRAY_SIZE(threads); i++)
		if (!threads[i]) {
			threads[i] = thread;
			return thread;
		}
	panic("too many threads\n");
}

int thread_start(struct thread *thread)
{
	object_get(&thread->object);
	return 0;
}

void thread_kill(struct thread *thread)
{
	(void)thread;
}

void thread_destroy(struct object *object)
{
	struct thread *thread = container_of(object, struct thread, object);

	for (u32 i = 0; i < ARRAY_SIZE(threads); i++)
		if (threads[i] == thread)
			threads[i] = NULL;
	object_put(&thread->process->object);
	object_free(object);
}

void thread_forget_listener_handle(struct process *process, s64 handle)
{
	(void)process, (void)handle;
}

#define NOTHING_TO_DO(function, ...)                                                               \
	void function(struct object *object, ##__VA_ARGS__);                                       \
	void function(struct object *object, ##__VA_ARGS__)                                        \
	{                                                                                          \
		(void)object;                                                                      \
	}

NOTHING_TO_DO(interrupt_destroy)
NOTHING_TO_DO(interrupt_kill_object)
NOTHING_TO_DO(listener_destroy)
NOTHING_TO_DO(listener_handle_added)
NOTHING_TO_DO(listener_handle_removed)
NOTHING_TO_DO(listener_kill_object)
NOTHING_TO_DO(port_destroy)
NOTHING_TO_DO(port_kill_object)
NOTHING_TO_DO(reply_destroy)
NOTHING_TO_DO(reply_kill_object)
NOTHING_TO_DO(resource_destroy)
NOTHING_TO_DO(thread_kill_object)
NOTHING_TO_DO(timer_destroy)
NOTHING_TO_DO(timer_kill_object)

void port_handle_added(struct object *object, u32 rights)
{
	(void)object, (void)rights;
}

void port_handle_removed(struct object *object, u32 rights)
{
	(void)object, (void)rights;
}

/* ----------------------------------------------------------------------------------- threads */

static struct thread *thread_of_process(const struct process *process)
{
	for (u32 i = 0; i < ARRAY_SIZE(threads); i++)
		if (threads[i] && threads[i]->process == process)
			return threads[i];
	panic("a process without a thread\n");
}

void world_enter(struct process *process)
{
	arch_hart()->current = thread_of_process(process);
}

struct process *world_process(void)
{
	struct process *process = process_create(root_account);

	if (!process || !thread_create(process, 16))
		panic("no memory for a process\n");
	world_enter(process);
	return process;
}

/* The test's own reference, and the thread. */
void world_kill(struct process *process)
{
	struct thread *thread = thread_of_process(process);

	if (arch_hart()->current == thread)
		arch_hart()->current = NULL;
	process_kill(process, 0);
	object_put(&thread->object);
	object_put(&process->object);
}

/* Others run until the thread is woken. */
static void wait_for(struct thread *thread)
{
	for (u32 i = 0; thread->state != THREAD_ACTIVE; i++) {
		if (i == 100)
			panic("nobody wakes a thread\n");
		world_as_pager();
		world_serve();
		if (depth <= 1)
			world_settle();
	}
	arch_hart()->current = thread;
}

s64 world_call(world_function *function, const u64 arguments[7])
{
	struct hart *hart = arch_hart();
	struct thread *thread = hart->current;
	struct frame *frame = &thread->frame;
	bool is_nested = depth++ != 0, may_block = hart->may_block;

	frame->result = arguments[0];
	memcpy(frame->words, &arguments[1], 6 * sizeof(u64));
	for (;;) {
		s64 result;

		frame->pc = CALL_PC;
		hart->may_block = true;
		result = function(frame->result, frame->words[0], frame->words[1], frame->words[2],
				  frame->words[3], frame->words[4], frame->words[5]);
		hart->may_block = may_block;
		if (hart->current && frame->pc == CALL_PC) {
			depth--;
			return result;
		}
		if (!hart->current)
			wait_for(thread);
		/* A call in the middle of another one's copy ends no grace period. */
		if (!is_nested)
			world_settle();
	}
}

struct process *world_fork(void)
{
	struct process *parent = arch_hart()->current->process, *child;
	s64 handle = CALL(sys_process_fork, 0);

	if (handle < 0 || process_resolve(handle, 0, &child))
		return NULL;
	object_get(&child->object);
	CALL(sys_handle_close, (u64)handle);
	/* It was started, and holds the reference that its creator had. */
	world_enter(parent);
	return child;
}

/* ------------------------------------------------------------------------------------ memory */

/* Where the processor finds the byte. */
static int translate(u64 address, enum access access, u8 **byte)
{
	u32 needed = access == ACCESS_WRITE ? TERN_MAP_WRITE : TERN_MAP_READ;
	struct thread *thread = arch_hart()->current;
	struct translation found;

	for (;;) {
		int error;

		if (page_table_lookup(thread->process->space.root, address, &found) &&
		    pte_protection(found.entry) & needed) {
			*byte = (u8 *)phys_to_virt(found.page) + (address & (PAGE_SIZE - 1));
			return 0;
		}
		error = address_space_fault(thread->process, UADDR(address), access, true);
		if (error)
			return error;
		if (!arch_hart()->current)
			wait_for(thread);
		pressure_poll();
	}
}

int world_load(u64 address, u8 *byte)
{
	u8 *place;
	int error = translate(address, ACCESS_READ, &place);

	if (!error)
		*byte = *place;
	return error;
}

int world_store(u64 address, u8 byte)
{
	u8 *place;
	int error = translate(address, ACCESS_WRITE, &place);

	if (!error)
		*place = byte;
	return error;
}

void world_settle(void)
{
	do {
		for (u32 i = 0; i < hart_count; i++)
			atomic_fetch_add(&harts[i].quiescent, 1);
		if (atomic_load(&arch_hart()->attention) & ATTENTION_PRESSURE)
			pressure_poll();
		reclaim_poll();
	} while (reclaim_pending());
}

u64 world_free_pages(void)
{
	world_settle();
	return page_count_free();
}

/* ------------------------------------------------------------------------------------- pager */

void world_as_pager(void)
{
	world_enter(pager);
}

static u8 *pager_memory(u64 offset)
{
	u8 *byte;

	if (translate(PAGER_BUFFER + offset, ACCESS_WRITE, &byte))
		panic("the pager's own memory is missing\n");
	return byte;
}

s64 world_create_paged(u64 length, s64 *pagers_handle)
{
	struct memobj *memobj = memobj_create(root_account, MEMOBJ_PAGED, length);

	if (!memobj || pager_attach(memobj, &port))
		panic("no memory for a paged memobj\n");
	object_get(&memobj->object);
	*pagers_handle = handle_insert(pager, &memobj->object, TERN_RIGHTS_ALL & ~TERN_RIGHT_CALL);
	return memobj_insert(memobj);
}

void world_answer(s64 handle, const u8 *disk)
{
	struct tern_request requests[FETCH];
	s64 count;

	while ((count = CALL(sys_pager_fetch, (u64)handle, PAGER_BUFFER, FETCH)) > 0) {
		memcpy(requests, pager_memory(0), sizeof(requests));
		for (s64 i = 0; i < count; i++)
			for (u64 j = 0; j < requests[i].count; j++) {
				u64 index = requests[i].first + j;

				memcpy(pager_memory(PAGE_SIZE), disk + index * PAGE_SIZE,
				       PAGE_SIZE);
				if (CALL(sys_pager_supply, (u64)handle, requests[i].id, index, 1,
					 PAGER_BUFFER + PAGE_SIZE, 0, 0) < 0)
					panic("an answer was refused\n");
			}
	}
}

void world_clean(s64 handle, u8 *disk)
{
	while (CALL(sys_memobj_clean_begin, (u64)handle, 0, UINT32_MAX, PAGER_BUFFER) > 0) {
		struct tern_page_run run;

		memcpy(&run, pager_memory(0), sizeof(run));
		for (u64 i = run.first; i < run.first + run.count; i++) {
			s64 count = CALL(sys_memobj_read, (u64)handle, i * PAGE_SIZE,
					 PAGER_BUFFER + PAGE_SIZE, PAGE_SIZE, TERN_IO_NOWAIT);

			if (count > 0)
				memcpy(disk + i * PAGE_SIZE, pager_memory(PAGE_SIZE), (u64)count);
		}
		CALL(sys_memobj_clean_end, (u64)handle, run.first, run.count, 0);
	}
}

/* ------------------------------------------------------------------------------------- start */

void world_init(u64 pages)
{
	host_harts(1);
	page_alloc_init(HOST_MEMORY_START, HOST_MEMORY_START + HOST_MEMORY_SIZE);
	page_alloc_add(HOST_MEMORY_START, HOST_MEMORY_START + pages * PAGE_SIZE);
	kernel_root = phys_to_virt(page_alloc_zeroed(0));
	account_init(1ul << 40);
	spin_init(&listener.lock, LOCK_RANK_LISTENER);
	port.object.references = 1u << 20;
	port.object.callee = &listener;
	port.listener = &listener;
	pager = world_process();
	pager->object.account->is_pager = false;
	if (CALL(sys_region_map, TERN_SELF_PROCESS, 0, 0, PAGER_BUFFER, 2 * PAGE_SIZE,
		 TERN_MAP_READ | TERN_MAP_WRITE | TERN_MAP_PRIVATE | TERN_MAP_FIXED) < 0)
		panic("no memory for the pager\n");
	pager_memory(0);
	pager_memory(PAGE_SIZE);
}
