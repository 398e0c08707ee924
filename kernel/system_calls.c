/* The debug log, figures about the system, and control over the machine. */
#include "kernel/boot.h"
#include "kernel/debug.h"
#include "kernel/hart.h"
#include "kernel/interrupt.h"
#include "kernel/page_alloc.h"
#include "kernel/pressure.h"
#include "kernel/process.h"
#include "kernel/resource.h"
#include "kernel/sched.h"
#include "kernel/syscall.h"
#include "kernel/user_copy.h"
#include "tern/system.h"

int resource_check(s64 handle)
{
	struct object *object;

	return handle_resolve(arch_hart()->current->process, handle, TERN_TYPE_RESOURCE,
			      TERN_RIGHT_OWNER, &object);
}

void resource_destroy(struct object *object)
{
	object_free(object);
}

s64 sys_null(void)
{
	return 0;
}

s64 sys_debug_log(u64 text, u64 length)
{
	char buffer[TERN_LOG_MAX];
	int error;

	if (length > TERN_LOG_MAX)
		return -EINVAL;
	error = copy_from_user(arch_hart()->current->process, buffer, UADDR(text), length);
	if (error)
		return user_copy_failed(error);
	log_write(buffer, length);
	log_announce();
	return 0;
}

s64 sys_system_info(u64 query)
{
	switch (query) {
	case TERN_INFO_HARTS:
		return hart_count;
	case TERN_INFO_FREE_PAGES:
		return (s64)page_count_free();
	case TERN_INFO_TOTAL_PAGES:
		return (s64)page_count_total();
	case TERN_INFO_OBJECTS:
		return (s64)object_count(TERN_TYPE_NONE);
	case TERN_INFO_BOOT_INSTRUCTIONS:
		return (s64)machine.boot_instructions;
	case TERN_INFO_FLAGS:
		return DEBUG_BUILD ? TERN_SYSTEM_DEBUG : 0;
	case TERN_INFO_RECLAIM_PENDING:
		reclaim_begin();
		return (s64)reclaim_pending();
	case TERN_INFO_BUSY_HARTS:
		return (s64)sched_busy_harts();
	case TERN_INFO_CACHED_PAGES:
		return (s64)pressure_cached_pages;
	}
	if (query > TERN_INFO_OBJECTS_OF_TYPE &&
	    query < TERN_INFO_OBJECTS_OF_TYPE + TERN_TYPE_COUNT)
		return (s64)object_count((enum tern_type)(query - TERN_INFO_OBJECTS_OF_TYPE));
	return -EINVAL;
}

/* To the fast path no space looks active any more: every IPC takes the slow path. */
static s64 force_slow(u64 value)
{
	if (value > 1)
		return -EINVAL;
	for (u32 i = 0; i < hart_count; i++) {
		u64 entry = offsetof(struct process, satp) + i * sizeof(u64);

		harts[i].satp_offset = value ? offsetof(struct process, no_satp) : entry;
	}
	return 0;
}

static s64 set_log_reader(s64 handle)
{
	struct object *port = NULL;
	int error = handle ? event_port_resolve(handle, &port) : 0;

	if (!error)
		log_set_reader(port);
	return error;
}

s64 sys_system_control(u64 resource, u64 command, u64 value)
{
	int error = resource_check((s64)resource);

	if (error)
		return error;
	switch (command) {
	case TERN_CONTROL_POWER_OFF:
		if (value > 255)
			return -EINVAL;
		log_set_reader(NULL);
		arch_power_off((u32)value);
	case TERN_CONTROL_REBOOT:
		log_set_reader(NULL);
		arch_reboot();
	case TERN_CONTROL_FORCE_SLOW:
		return force_slow(value);
	case TERN_CONTROL_IRQ_RAISE:
		return value > UINT32_MAX ? -ENODEV : interrupt_raise((u32)value);
	case TERN_CONTROL_LOG:
		return set_log_reader((s64)value);
	default:
		return -EINVAL;
	}
}
