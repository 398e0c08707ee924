/*
 * Real objects, accounts and handle tables, for tests of how they live and die together. Types of
 * other files have stand-ins that only count: timers stand for whatever an account may pay for.
 */
#ifndef HOST_OBJECTS_H
#define HOST_OBJECTS_H

#include "memory.h"

#include "../../kernel/account.c"
#include "../../kernel/handle.c"
#include "../../kernel/handle_calls.c"
#include "../../kernel/object.c"
#include "../../kernel/reclaim.c"

static u32 host_kills;            /* of stand-ins */
static u32 host_port_handles;     /* that exist */
static s64 host_forgotten;        /* listener handle that threads were told of */
static struct thread host_thread; /* the current one of hart 0 */

#define DESTROY_STAND_IN(type)                                                                     \
	void type##_destroy(struct object *object)                                                 \
	{                                                                                          \
		object_free(object);                                                               \
	}
#define KILL_STAND_IN(type)                                                                        \
	void type##_kill_object(struct object *object)                                             \
	{                                                                                          \
		(void)object;                                                                      \
		host_kills++;                                                                      \
	}

DESTROY_STAND_IN(thread)
DESTROY_STAND_IN(listener)
DESTROY_STAND_IN(port)
DESTROY_STAND_IN(reply)
DESTROY_STAND_IN(memobj)
DESTROY_STAND_IN(interrupt)
DESTROY_STAND_IN(timer)
DESTROY_STAND_IN(resource)
KILL_STAND_IN(process)
KILL_STAND_IN(thread)
KILL_STAND_IN(listener)
KILL_STAND_IN(port)
KILL_STAND_IN(reply)
KILL_STAND_IN(interrupt)
KILL_STAND_IN(timer)

void process_destroy(struct object *object)
{
	struct process *process = process_of(object);

	while (!handle_table_close(process, 16))
		;
	handle_table_free(process);
	object_free(object);
}

void port_handle_added(struct object *port, u32 rights)
{
	(void)port;
	(void)rights;
	host_port_handles++;
}

void port_handle_removed(struct object *port, u32 rights)
{
	(void)port;
	(void)rights;
	host_port_handles--;
}

void listener_handle_added(struct object *listener)
{
	(void)listener;
}

void listener_handle_removed(struct object *listener)
{
	(void)listener;
}

void thread_forget_listener_handle(struct process *process, s64 handle)
{
	(void)process;
	host_forgotten = handle;
}

int process_resolve(s64 handle, u32 rights, struct process **process)
{
	struct object *object;
	int error = handle_resolve(host_thread.process, handle, TERN_TYPE_PROCESS, rights, &object);

	if (!error)
		*process = process_of(object);
	return error;
}

int account_resolve(s64 handle, struct account **account)
{
	struct object *object;
	int error = 0;

	*account = host_thread.process->object.account;
	if (handle != TERN_SELF_ACCOUNT)
		error = handle_resolve(host_thread.process, handle, TERN_TYPE_ACCOUNT,
				       TERN_RIGHT_CREATE, &object);
	if (!error && handle != TERN_SELF_ACCOUNT)
		*account = account_of(object);
	return error;
}

static inline struct process *host_process(struct account *account)
{
	struct object *object = object_create(account, TERN_TYPE_PROCESS);

	if (object && handle_table_init(process_of(object))) {
		object_discard(object);
		return NULL;
	}
	return object ? process_of(object) : NULL;
}

/* All harts leave the kernel until no work is left. */
static inline void host_reclaim(void)
{
	while (reclaim_pending()) {
		for (u32 i = 0; i < hart_count; i++)
			atomic_fetch_add(&harts[i].quiescent, 1);
		reclaim_poll();
	}
}

/* A root account, a process that it pays for, and that process's thread as the current one. */
static inline void host_objects_init(u32 hart_total, u64 limit)
{
	host_memory_init(hart_total);
	memset(counts, 0, sizeof(counts));
	atomic_store(&pending_count, 0);
	host_kills = host_port_handles = 0;
	account_init(limit);
	host_thread.process = host_process(root_account);
	harts[0].current = &host_thread;
}

/* Everything goes; what is left over afterwards is a leak. */
static inline bool host_objects_end(void)
{
	object_put(&host_thread.process->object);
	host_reclaim();
	object_put(&root_account->object);
	host_reclaim();
	page_cache_drain();
	return object_count(TERN_TYPE_NONE) == 0 && host_port_handles == 0 &&
	       page_count_free() == page_count_total();
}

#endif
