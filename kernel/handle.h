/*
 * Handle tables.
 *
 * A table is a power-of-two array of slots {object, key}. Lookup takes no lock and touches no
 * reference count: it checks the slot's key against the whole handle value, so one 64-bit compare
 * proves index, generation and rights. For a handle with TERN_RIGHT_CALL the key is the handle
 * itself, for all others the handle with the lowest index bit flipped, which no valid handle in
 * that slot can equal: so the fast path's `key == handle` proves the call right too.
 *
 * Order of accesses: the reader loads object, then (fence r,r) key; a writer inserts object, then
 * (fence w,w) key, and on close invalidates the key, then (fence w,w) clears the object. So a
 * reader whose key compare succeeds has the object that belongs to the key, or NULL.
 *
 * Growth copies the slots into a larger array under the lock, publishes the array and then (fence
 * w,w) the mask; the reader loads the mask, then (fence r,r) the array, so its mask is never too
 * large. With an old mask and the new array it may miss a handle in an upper slot, but such a handle
 * came into being after the growth: nobody can know it who has not seen the new mask as well.
 *
 * The old array is given back after a grace period and not written any more. A hart that still reads
 * it may find a handle that has been closed since: as if its lookup had come just before the close.
 * It loaded the array before the growth, so the object's own grace period waits for it too.
 */
#ifndef KERNEL_HANDLE_H
#define KERNEL_HANDLE_H

#include "kernel/object.h"
#include "kernel/spinlock.h"

#define HANDLE_KEY_FLIP 16UL /* the lowest index bit */
#define HANDLE_SLOT_SHIFT 4  /* slots are 16 bytes: a handle's low bits are its byte offset */
#define HANDLE_SLOTS_MIN 64
#define HANDLE_SLOTS_MAX (1u << TERN_HANDLE_INDEX_BITS)

struct handle_slot {
	struct object *_Atomic object;
	_Atomic u64 key;
};

/* What its creator may do with an object that is no port. */
#define OBJECT_RIGHTS (TERN_RIGHTS_ALL & ~(TERN_RIGHT_CALL | TERN_RIGHT_NO_INHERIT))

/* Embedded at the start of struct process: `slots` and `mask` are on its hottest line. */
struct handle_table {
	struct handle_slot *_Atomic slots;
	_Atomic u64 mask; /* (slot count - 1) << 4: byte-offset mask for handle values */
};

/* The rest of the table, off the hot line. */
struct handle_admin {
	struct spinlock lock; /* LOCK_RANK_HANDLES: inserts, closes, growth */
	u32 free_head;        /* index of the first free slot, chained through `key`'s low bits */
	u32 used;
	u32 capacity;
	bool is_closed; /* the process is dead: inserts fail */
};

struct process;

int handle_table_init(struct process *process) MUST_USE;
/* All slots are in use, by nothing: for handle_table_clone. */
int handle_table_create(struct process *process, u32 capacity) MUST_USE;

/*
 * Clone up to `limit` slots of `from`, those below *left, to a table that was created with as many
 * and that nobody knows yet; *left moves down. Handles keep their values. Reply ports and handles with
 * the mark NO_INHERIT stay behind; those to `from` itself and to `thread` become the new one's own.
 */
void handle_table_clone(struct process *from, struct process *to, struct object *thread,
			struct object *new_thread, u32 *left, u32 limit);

/*
 * Make room before the point of no return: after it handle_insert_reserved cannot fail.
 * -EMFILE, -ENOMEM, -ESRCH (table closed). handle_unreserve gives unused room back.
 */
int handle_reserve(struct process *process, u32 count) MUST_USE;
void handle_unreserve(struct process *process, u32 count);
/* Takes over the caller's reference to the object. Returns the handle; the table may have been
 * closed meanwhile by the process's death: then the reference is dropped and -ESRCH comes back. */
s64 handle_insert_reserved(struct process *process, struct object *object, u32 rights);

/* handle_reserve(1) + handle_insert_reserved. On failure the reference is the caller's still. */
s64 handle_insert(struct process *process, struct object *object, u32 rights) MUST_USE;
/* The end of a call that creates an object: a handle for the calling process. It takes the reference
 * over, also on failure. */
s64 handle_insert_new(struct object *object, u32 rights) MUST_USE;

static inline u32 handle_rights(s64 handle)
{
	return (u32)((u64)handle >> TERN_HANDLE_RIGHTS_SHIFT) & TERN_RIGHTS_ALL;
}

/* What the slot of a live handle holds: see above about the flipped bit. */
static inline u64 handle_key(s64 handle)
{
	return handle_rights(handle) & TERN_RIGHT_CALL ? (u64)handle
						       : (u64)handle ^ HANDLE_KEY_FLIP;
}

/* The table is the first thing in struct process. */
static inline struct handle_table *handle_table_of(struct process *process)
{
	return (struct handle_table *)process;
}

/*
 * No reference, no lock: valid until this hart leaves the kernel. NULL: -EBADF. The keys of free
 * slots are negative; everything else that is no handle fails the comparison.
 */
static ALWAYS_INLINE struct object *handle_lookup(struct process *process, s64 handle)
{
	struct handle_table *table = handle_table_of(process);
	u64 mask = atomic_load_explicit(&table->mask, memory_order_acquire);
	char *slots = (char *)atomic_load_explicit(&table->slots, memory_order_relaxed);
	struct handle_slot *slot = (struct handle_slot *)(slots + ((u64)handle & mask));
	struct object *object = atomic_load_explicit(&slot->object, memory_order_acquire);
	u64 key = atomic_load_explicit(&slot->key, memory_order_relaxed);

	return LIKELY(key == handle_key(handle) && handle > 0) ? object : NULL;
}

/*
 * Lookup with checks. `type` TERN_TYPE_NONE accepts any. On success *object is set and 0 comes
 * back; else -EBADF, -EPROTOTYPE, -EPERM (any of `rights` missing).
 */
static ALWAYS_INLINE MUST_USE int handle_resolve(struct process *process, s64 handle,
						 enum tern_type type, u32 rights,
						 struct object **object)
{
	*object = handle_lookup(process, handle);
	if (UNLIKELY(!*object))
		return -EBADF;
	if (UNLIKELY(type != TERN_TYPE_NONE && (*object)->type != type))
		return -EPROTOTYPE;
	return LIKELY(!(rights & ~handle_rights(handle))) ? 0 : -EPERM;
}

/* Remove the handle and return its reference to the caller; NULL: -EBADF. */
struct object *handle_remove(struct process *process, s64 handle) MUST_USE;

/*
 * Move a handle to another process's table in one step, which is all or nothing. Returns the new
 * handle. -EAGAIN: it cannot be done so simply (or at all): insert, then remove.
 */
s64 handle_move(struct process *from, struct process *to, s64 handle, u32 rights) MUST_USE;

/* Remove every handle (batches of up to `limit`), dropping references. True when none is left. */
bool handle_table_close(struct process *process, u32 limit);
void handle_table_free(struct process *process);

/*
 * Ports keep a count of clients, listeners of handles. _added is called with the table's lock
 * held, before the handle can be seen; _removed without locks, before the reference is dropped.
 */
void port_handle_added(struct object *port, u32 rights);
void port_handle_removed(struct object *port, u32 rights);
void listener_handle_added(struct object *listener);
void listener_handle_removed(struct object *listener);

#endif
