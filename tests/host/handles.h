/* Handle tables with stand-ins for objects and accounts. */
#ifndef HOST_HANDLES_H
#define HOST_HANDLES_H

#include "memory.h"

#include "../../kernel/handle.c"
#include "../../kernel/reclaim.c"

static u64 host_charged, host_limit;
static u64 host_destroyed;
static int host_clients;

bool account_charge(struct account *account, u64 bytes)
{
	(void)account;
	if (host_charged + bytes > host_limit)
		return false;
	host_charged += bytes;
	return true;
}

void account_uncharge(struct account *account, u64 bytes)
{
	(void)account;
	host_charged -= bytes;
}

void object_get(struct object *object)
{
	atomic_fetch_add(&object->references, 1);
}

void object_put(struct object *object)
{
	if (atomic_fetch_sub(&object->references, 1) == 1)
		host_destroyed++;
}

void port_handle_added(struct object *port, u32 rights)
{
	(void)port;
	(void)rights;
	host_clients++;
}

void port_handle_removed(struct object *port, u32 rights)
{
	(void)port;
	(void)rights;
	host_clients--;
}

void listener_handle_added(struct object *listener)
{
	(void)listener;
}

void listener_handle_removed(struct object *listener)
{
	(void)listener;
}

static inline void host_process_init(struct process *process, u32 hart_total)
{
	host_memory_init(hart_total);
	host_charged = host_destroyed = 0;
	host_clients = 0;
	host_limit = UINT64_MAX;
	memset(process, 0, sizeof(*process));
	if (handle_table_init(process))
		abort();
}

/* All grace periods end: the test's other harts are not in the kernel. */
static inline void host_reclaim(void)
{
	for (int i = 0; i < 100 && reclaim_pending(); i++) {
		for (u32 h = 0; h < hart_count; h++)
			atomic_fetch_add(&harts[h].quiescent, 1);
		reclaim_poll();
	}
}

#endif
