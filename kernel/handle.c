/* Handle tables; handle.h says how lookup works without locks. */
#include "kernel/handle.h"

#include "kernel/account.h"
#include "kernel/debug.h"
#include "kernel/memory.h"
#include "kernel/object_alloc.h"
#include "kernel/process.h"
#include "kernel/reclaim.h"

#define NO_SLOT UINT32_MAX

/*
 * A free slot keeps the generation of its next handle, and the index of the next free slot, in its
 * key, with the top bit set, which no handle has. But programs can pass any number, and the fast path
 * compares nothing else; so the key's index is never the slot's own: whoever passes a free slot's
 * key is led to another slot. (Without that a race with a close could call through the object that
 * is just being cleared.) At the end of the list bit 0 is set and the index is the neighbour's.
 */
#define KEY_FREE (1ul << 63)
#define GENERATION_MAX ((1u << TERN_HANDLE_GENERATION_BITS) - 1)

static u64 free_key(u32 generation, u32 index, u32 next)
{
	u64 elsewhere = next == NO_SLOT ? index ^ 1 : next;

	return KEY_FREE | (u64)generation << TERN_HANDLE_GENERATION_SHIFT |
	       elsewhere << TERN_HANDLE_INDEX_SHIFT | (next == NO_SLOT);
}

/* Of a slot whose generations have run out: it is on no list and counts as used for good. */
static u64 retired_key(u32 index)
{
	return free_key(0, index, NO_SLOT);
}

static u32 key_generation(u64 key)
{
	return (u32)(key >> TERN_HANDLE_GENERATION_SHIFT) & GENERATION_MAX;
}

static u32 key_next(u64 key)
{
	return key & 1 ? NO_SLOT : (u32)(key >> TERN_HANDLE_INDEX_SHIFT) & (HANDLE_SLOTS_MAX - 1);
}

static struct handle_slot *slots_of(const struct process *process)
{
	return atomic_load_explicit(&process->handles.slots, memory_order_relaxed);
}

/* --------------------------------------------------------------------------------- the table */

/* New slots go to the front of the free list, lowest index first. */
static void chain_free(struct process *process, struct handle_slot *slots, u32 from, u32 to)
{
	for (u32 i = to; i-- > from;) {
		atomic_store_explicit(&slots[i].key,
				      free_key(1, i, process->handle_admin.free_head),
				      memory_order_relaxed);
		process->handle_admin.free_head = i;
	}
}

static struct handle_slot *slots_create(struct process *process, u32 count)
{
	u64 size = (u64)count * sizeof(struct handle_slot);
	struct handle_slot *slots;

	if (!account_charge(process->object.account, size))
		return NULL;
	slots = kernel_alloc(size);
	if (!slots)
		account_uncharge(process->object.account, size);
	return slots;
}

int handle_table_create(struct process *process, u32 capacity)
{
	struct handle_slot *slots = slots_create(process, capacity);

	if (!slots)
		return -ENOMEM;
	spin_init(&process->handle_admin.lock, LOCK_RANK_HANDLES);
	process->handle_admin.free_head = NO_SLOT;
	process->handle_admin.capacity = capacity;
	process->handle_admin.used = capacity;
	atomic_store(&process->handles.slots, slots);
	atomic_store(&process->handles.mask, (u64)(capacity - 1) << HANDLE_SLOT_SHIFT);
	return 0;
}

int handle_table_init(struct process *process)
{
	int error = handle_table_create(process, HANDLE_SLOTS_MIN);

	if (error)
		return error;
	chain_free(process, slots_of(process), 0, HANDLE_SLOTS_MIN);
	process->handle_admin.used = 0;
	return 0;
}

struct old_slots {
	struct reclaim_node node;
	struct handle_slot *slots;
	u64 size;
};

static void old_slots_free(struct reclaim_node *node)
{
	struct old_slots *old = container_of(node, struct old_slots, node);

	kernel_free(old->slots, old->size);
	kernel_free(old, sizeof(*old));
}

/*
 * Double the table; the lock is held. Readers load the mask first, then the slots, with a fence
 * between them; here the slots are published first, so no reader has a mask that is too large for
 * its array. One with the old mask and the new array misses slots whose handles it cannot know.
 */
static int table_grow(struct process *process)
{
	u32 capacity = process->handle_admin.capacity;
	struct old_slots *old;
	struct handle_slot *slots;

	if (capacity >= HANDLE_SLOTS_MAX)
		return -EMFILE;
	old = kernel_alloc(sizeof(*old));
	slots = old ? slots_create(process, capacity * 2) : NULL;
	if (!slots) {
		if (old)
			kernel_free(old, sizeof(*old));
		return -ENOMEM;
	}
	old->slots = slots_of(process);
	old->size = (u64)capacity * sizeof(struct handle_slot);
	memcpy(slots, old->slots, old->size);
	chain_free(process, slots, capacity, capacity * 2);
	process->handle_admin.capacity = capacity * 2;
	atomic_store_explicit(&process->handles.slots, slots, memory_order_release);
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&process->handles.mask, (u64)(capacity * 2 - 1) << HANDLE_SLOT_SHIFT,
			      memory_order_relaxed);
	account_uncharge(process->object.account, old->size);
	reclaim_defer(&old->node, old_slots_free);
	return 0;
}

static void tell_added(struct object *object, u32 rights);
static s64 handle_of_slot(u64 key);

void handle_table_free(struct process *process)
{
	u64 size = (u64)process->handle_admin.capacity * sizeof(struct handle_slot);

	ASSERT(process->handle_admin.is_closed);
	kernel_free(slots_of(process), size);
	account_uncharge(process->object.account, size);
}

/* --------------------------------------------------------------------------------- inserting */

int handle_reserve(struct process *process, u32 count)
{
	struct handle_admin *admin = &process->handle_admin;
	int error = 0;

	spin_lock(&admin->lock);
	if (admin->is_closed)
		error = -ESRCH;
	/* Retired slots never come back, so `used` counts them too. */
	while (!error && admin->used + count > admin->capacity)
		error = table_grow(process);
	if (!error)
		admin->used += count;
	spin_unlock(&admin->lock);
	return error;
}

void handle_unreserve(struct process *process, u32 count)
{
	spin_lock(&process->handle_admin.lock);
	process->handle_admin.used -= count; /* of a closed table it means nothing any more */
	spin_unlock(&process->handle_admin.lock);
}

static void tell_added(struct object *object, u32 rights)
{
	if (object->type == TERN_TYPE_PORT)
		port_handle_added(object, rights);
	else if (object->type == TERN_TYPE_LISTENER)
		listener_handle_added(object);
}

static void tell_removed(struct object *object, u32 rights)
{
	if (object->type == TERN_TYPE_PORT)
		port_handle_removed(object, rights);
	else if (object->type == TERN_TYPE_LISTENER)
		listener_handle_removed(object);
}

/* Into the first free slot; the lock is held, the slot is counted in `used`. */
static ALWAYS_INLINE s64 insert_locked(struct process *process, struct object *object, u32 rights)
{
	struct handle_admin *admin = &process->handle_admin;
	u64 index = admin->free_head;
	struct handle_slot *slot = &slots_of(process)[index];
	u64 key = atomic_load_explicit(&slot->key, memory_order_relaxed);
	s64 handle = (s64)((u64)key_generation(key) << TERN_HANDLE_GENERATION_SHIFT |
			   (u64)(rights & TERN_RIGHTS_ALL) << TERN_HANDLE_RIGHTS_SHIFT |
			   index << TERN_HANDLE_INDEX_SHIFT);

	admin->free_head = key_next(key);
	tell_added(object, rights);
	if (!atomic_load_explicit(&object->is_published, memory_order_relaxed))
		atomic_store_explicit(&object->is_published, true, memory_order_release);
	atomic_store_explicit(&slot->object, object, memory_order_relaxed);
	atomic_thread_fence(memory_order_release); /* with the reader's fence r,r */
	atomic_store_explicit(&slot->key, handle_key(handle), memory_order_relaxed);
	return handle;
}

s64 handle_insert_reserved(struct process *process, struct object *object, u32 rights)
{
	s64 result = -ESRCH;

	spin_lock(&process->handle_admin.lock);
	if (!process->handle_admin.is_closed)
		result = insert_locked(process, object, rights);
	spin_unlock(&process->handle_admin.lock);
	if (result < 0)
		object_put(object);
	return result;
}

/* Room for one more; the lock is held. */
static NOINLINE int make_room(struct process *process)
{
	return process->handle_admin.is_closed ? -ESRCH : table_grow(process);
}

FRAMELESS s64 handle_insert(struct process *process, struct object *object, u32 rights)
{
	struct handle_admin *admin = &process->handle_admin;
	s64 result = 0;

	spin_lock(&admin->lock);
	if (UNLIKELY(admin->is_closed || admin->used >= admin->capacity))
		result = make_room(process);
	if (LIKELY(!result)) {
		admin->used++;
		result = insert_locked(process, object, rights);
	}
	spin_unlock(&admin->lock);
	return result;
}

/* ---------------------------------------------------------------------------------- removing */

/* The slot is freed for the next generation, or retired when generations have run out. */
static ALWAYS_INLINE void slot_release(struct handle_admin *admin, struct handle_slot *slot,
				       u32 index, u32 generation)
{
	bool is_retired = generation >= GENERATION_MAX;

	atomic_store_explicit(&slot->key,
			      is_retired ? retired_key(index)
					 : free_key(generation + 1, index, admin->free_head),
			      memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&slot->object, NULL, memory_order_relaxed);
	if (is_retired || admin->is_closed)
		return;
	admin->free_head = index;
	admin->used--;
}

FRAMELESS struct object *handle_remove(struct process *process, s64 handle)
{
	struct handle_admin *admin = &process->handle_admin;
	struct object *object;
	u32 index;

	spin_lock(&admin->lock);
	index = (u32)((u64)handle >> TERN_HANDLE_INDEX_SHIFT) & (admin->capacity - 1);
	object = handle_lookup(process, handle);
	if (object)
		slot_release(admin, &slots_of(process)[index], index,
			     (u32)((u64)handle >> TERN_HANDLE_GENERATION_SHIFT));
	spin_unlock(&admin->lock);
	if (object)
		tell_removed(object, handle_rights(handle));
	return object;
}

/* Both locks are held. */
static ALWAYS_INLINE s64 move_locked(struct process *from, struct process *to, s64 handle,
				     u32 rights)
{
	struct object *object = handle_lookup(from, handle);
	struct handle_admin *admin = &from->handle_admin;
	u32 index = (u32)((u64)handle >> TERN_HANDLE_INDEX_SHIFT) & (admin->capacity - 1);
	s64 moved;

	/* Ports and listeners count their handles, with other locks. */
	if (UNLIKELY(!object || !(handle_rights(handle) & TERN_RIGHT_MOVE) ||
		     object->type == TERN_TYPE_PORT || object->type == TERN_TYPE_LISTENER ||
		     to->handle_admin.is_closed ||
		     to->handle_admin.used >= to->handle_admin.capacity))
		return -EAGAIN;
	to->handle_admin.used++;
	moved = insert_locked(to, object, rights & handle_rights(handle));
	slot_release(admin, &slots_of(from)[index], index,
		     (u32)((u64)handle >> TERN_HANDLE_GENERATION_SHIFT));
	return moved;
}

FRAMELESS s64 handle_move(struct process *from, struct process *to, s64 handle, u32 rights)
{
	s64 moved = -EAGAIN;

	if (UNLIKELY(from == to))
		return -EAGAIN;
	spin_lock(&from->handle_admin.lock);
	if (LIKELY(spin_try_lock(&to->handle_admin.lock))) {
		moved = move_locked(from, to, handle, rights);
		spin_unlock(&to->handle_admin.lock);
	}
	spin_unlock(&from->handle_admin.lock);
	return moved;
}

/* The handle that a used slot belongs to: from its key, undoing the flip. */
static s64 handle_of_slot(u64 key)
{
	bool has_call = key >> TERN_HANDLE_RIGHTS_SHIFT & TERN_RIGHT_CALL;

	return (s64)(has_call ? key : key ^ HANDLE_KEY_FLIP);
}

/* The slot at the closing table's cursor; its handle and its object, or NULL if it has none. */
static struct object *close_next(struct handle_admin *admin, struct handle_slot *slots, s64 *handle)
{
	struct handle_slot *slot;
	struct object *object;
	u32 index;

	spin_lock(&admin->lock);
	index = admin->free_head++;
	slot = &slots[index];
	object = atomic_load_explicit(&slot->object, memory_order_relaxed);
	*handle = handle_of_slot(atomic_load_explicit(&slot->key, memory_order_relaxed));
	if (object) {
		atomic_store_explicit(&slot->key, retired_key(index), memory_order_relaxed);
		atomic_thread_fence(memory_order_release);
		atomic_store_explicit(&slot->object, NULL, memory_order_relaxed);
	}
	spin_unlock(&admin->lock);
	return object;
}

bool handle_table_close(struct process *process, u32 limit)
{
	struct handle_admin *admin = &process->handle_admin;

	spin_lock(&admin->lock);
	if (!admin->is_closed) {
		admin->is_closed = true;
		admin->free_head = 0; /* from here on: the next slot to look at */
	}
	spin_unlock(&admin->lock);
	for (; admin->free_head < admin->capacity && limit; limit--) {
		s64 handle;
		struct object *object = close_next(admin, slots_of(process), &handle);

		if (!object)
			continue;
		tell_removed(object, handle_rights(handle));
		object_put(object);
	}
	return admin->free_head >= admin->capacity;
}

/* A slot that held `object` is to hold `heir` in a new, still unknown table. Returns whether it is
 * in use there. */
static bool clone_slot(struct process *to, u32 index, const struct object *object,
		       struct object *heir, u64 key)
{
	struct handle_slot *slot = &slots_of(to)[index];
	u32 generation = key_generation(key);
	u32 rights = handle_rights(handle_of_slot(key));

	if (object && object->type != TERN_TYPE_REPLY && !(rights & TERN_RIGHT_NO_INHERIT)) {
		object_get(heir);
		tell_added(heir, rights);
		atomic_store_explicit(&slot->object, heir, memory_order_relaxed);
		atomic_store_explicit(&slot->key, key, memory_order_relaxed);
		return true;
	}
	/* A handle that stays behind must not come to mean something else there. (A retired slot's
	 * generation is 0.) */
	generation += object != NULL;
	if (!generation || generation > GENERATION_MAX) {
		atomic_store_explicit(&slot->key, retired_key(index), memory_order_relaxed);
		return true;
	}
	atomic_store_explicit(&slot->key, free_key(generation, index, to->handle_admin.free_head),
			      memory_order_relaxed);
	to->handle_admin.free_head = index;
	return false;
}

void handle_table_clone(struct process *from, struct process *to, struct object *thread,
			struct object *new_thread, u32 *left, u32 limit)
{
	spin_lock(&from->handle_admin.lock);
	/* From the top, so that the lowest free slot is used first. */
	for (; *left && limit && !from->handle_admin.is_closed; limit--) {
		const struct handle_slot *slot = &slots_of(from)[--*left];
		struct object *object = atomic_load_explicit(&slot->object, memory_order_relaxed);
		u64 key = atomic_load_explicit(&slot->key, memory_order_relaxed);
		struct object *heir = object == thread          ? new_thread
				      : object == &from->object ? &to->object
								: object;

		to->handle_admin.used -= !clone_slot(to, *left, object, heir, key);
	}
	spin_unlock(&from->handle_admin.lock);
}
