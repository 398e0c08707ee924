/* What all kernel objects have in common: creation, references, the table of types. */
#include "kernel/object.h"

#include "kernel/account.h"
#include "kernel/debug.h"
#include "kernel/device.h"
#include "kernel/interrupt.h"
#include "kernel/ipc.h"
#include "kernel/memobj.h"
#include "kernel/object_alloc.h"
#include "kernel/process.h"
#include "kernel/reclaim.h"
#include "kernel/resource.h"
#include "kernel/stream.h"
#include "kernel/thread.h"
#include "kernel/timer.h"

static _Atomic u64 counts[TERN_TYPE_COUNT];

/* Types that need nothing done while references remain. */
static void kill_nothing(struct object *object)
{
	(void)object;
}

#define TYPE(label, type, destroyer, killer)                                                       \
	{                                                                                          \
		label, destroyer, killer, sizeof(type), offsetof(type, object)                     \
	}

const struct object_type object_types[TERN_TYPE_COUNT] = {
	[TERN_TYPE_PROCESS] = TYPE("process", struct process, process_destroy, process_kill_object),
	[TERN_TYPE_THREAD] = TYPE("thread", struct thread, thread_destroy, thread_kill_object),
	[TERN_TYPE_LISTENER] = TYPE("listener", struct listener, listener_destroy,
				    listener_kill_object),
	[TERN_TYPE_PORT] = TYPE("port", struct client_port, port_destroy, port_kill_object),
	[TERN_TYPE_REPLY] = TYPE("reply", struct reply, reply_destroy, reply_kill_object),
	[TERN_TYPE_MEMOBJ] = TYPE("memobj", struct memobj, memobj_destroy, kill_nothing),
	[TERN_TYPE_INTERRUPT] = TYPE("interrupt", struct interrupt, interrupt_destroy,
				     interrupt_kill_object),
	[TERN_TYPE_TIMER] = TYPE("timer", struct timer, timer_destroy, timer_kill_object),
	[TERN_TYPE_ACCOUNT] = TYPE("account", struct account, account_destroy, account_kill_object),
	[TERN_TYPE_STREAM] = TYPE("stream", struct stream, stream_destroy, kill_nothing),
	[TERN_TYPE_DEVICE] = TYPE("device", struct device, device_destroy, kill_nothing),
	[TERN_TYPE_RESOURCE] = TYPE("resource", struct resource, resource_destroy, kill_nothing),
};

static void *object_memory(struct object *object)
{
	return (char *)object - object_types[object->type].offset;
}

/* False: the account is closed. */
static bool object_init(struct object *object, struct account *account, enum tern_type type,
			size_t size)
{
	ASSERT(size / 16 <= UINT8_MAX);
	object->type = (u8)type;
	object->charged = (u8)(size / 16);
	object->account = account;
	atomic_store_explicit(&object->references, 1, memory_order_relaxed);
	list_init(&object->account_link);
	if (account && !account_link(account, object))
		return false;
	atomic_fetch_add_explicit(&counts[type], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&counts[TERN_TYPE_NONE], 1, memory_order_relaxed);
	return true;
}

struct object *object_create(struct account *account, enum tern_type type)
{
	size_t size = kernel_alloc_size(object_types[type].size);
	struct object *object;
	char *memory;

	if (account && !account_charge(account, size))
		return NULL;
	memory = kernel_alloc(object_types[type].size);
	object = memory ? (struct object *)(memory + object_types[type].offset) : NULL;
	if (object && object_init(object, account, type, size))
		return object;
	if (memory)
		kernel_free(memory, object_types[type].size);
	if (account)
		account_uncharge(account, size);
	return NULL;
}

static void object_release(struct reclaim_node *node)
{
	struct object *object = container_of(node, struct object, reclaim);

	kernel_free(object_memory(object), object_types[object->type].size);
}

static ALWAYS_INLINE void unlink(struct object *object)
{
	struct account *account = object->account;
	u32 type = object->type;

	ASSERT(atomic_load(&object->references) == 0);
	atomic_fetch_sub_explicit(&counts[type], 1, memory_order_relaxed);
	atomic_fetch_sub_explicit(&counts[TERN_TYPE_NONE], 1, memory_order_relaxed);
	if (account) {
		u64 charged = object->charged * 16ul;

		account_unlink(object);
		account_uncharge(account, charged);
		object_put(&account->object);
	}
}

void object_free_with(struct object *object, void (*release)(struct reclaim_node *))
{
	unlink(object);
	reclaim_defer(&object->reclaim, release);
}

void object_free(struct object *object)
{
	unlink(object);
	reclaim_defer_lazily(&object->reclaim, object_release);
}

void object_discard(struct object *object)
{
	atomic_store_explicit(&object->references, 0, memory_order_relaxed);
	object_free(object);
}

void object_get(struct object *object)
{
	atomic_fetch_add_explicit(&object->references, 1, memory_order_relaxed);
}

bool object_get_live(struct object *object)
{
	u32 references = atomic_load_explicit(&object->references, memory_order_relaxed);

	while (references)
		if (atomic_compare_exchange_weak_explicit(&object->references, &references,
							  references + 1, memory_order_acquire,
							  memory_order_relaxed))
			return true;
	return false;
}

void object_put(struct object *object)
{
	u32 references = atomic_fetch_sub_explicit(&object->references, 1, memory_order_acq_rel);

	ASSERT(references > 0);
	if (references == 1)
		object_types[object->type].destroy(object);
}

u64 object_count(enum tern_type type)
{
	return atomic_load_explicit(&counts[type], memory_order_relaxed);
}
