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

/* No reference, no lock: valid until this hart leaves the kernel. NULL: -EBADF. */
struct object *handle_lookup(struct process *process, s64 handle) MUST_USE;

/*
 * Lookup with checks. `type` TERN_TYPE_NONE accepts any. On success *object is set and 0 comes
 * back; else -EBADF, -EPROTOTYPE, -EPERM (any of `rights` missing).
 */
int handle_resolve(struct process *process, s64 handle, enum tern_type type, u32 rights,
		   struct object **object) MUST_USE;

static inline u32 handle_rights(s64 handle)
{
	return (u32)((u64)handle >> TERN_HANDLE_RIGHTS_SHIFT) & TERN_RIGHTS_ALL;
}

/* Remove the handle and return its reference to the caller; NULL: -EBADF. */
struct object *handle_remove(struct process *process, s64 handle) MUST_USE;

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
