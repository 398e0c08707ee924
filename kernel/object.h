/*
 * What all kernel objects have in common.
 *
 * Lifetime: `references` counts handles and the kernel's own long-lived pointers. When it falls to
 * zero the type's destroy function runs at once on that hart: it unlinks the object from
 * everything; the memory itself is given back after a grace period (kernel/reclaim.h), because
 * other harts may still look at it through a pointer that they found in a handle table. Such a
 * borrowed pointer is valid until its hart leaves the kernel; object_get_live turns it into a
 * reference if the object is not dying already.
 */
#ifndef KERNEL_OBJECT_H
#define KERNEL_OBJECT_H

#include <stdatomic.h>

#include "kernel/list.h"
#include "kernel/reclaim.h"
#include "kernel/types.h"
#include "tern/handle.h"

struct account;
struct listener;

struct object {
	/*
	 * Set only in live client ports, to their listener: one load tells the IPC fast path type,
	 * liveness and destination. Cleared by revocation, under the listener's lock.
	 */
	struct listener *_Atomic callee;
	u8 type;    /* enum tern_type */
	u8 is_dead; /* destroyed by its account or owner: handles to it fail with -EPIPE or -ESRCH */
	u8 charged; /* bytes / 16 charged to the account */
	/* A handle to it has existed: only then is it whole, and its account may kill it. */
	_Atomic bool is_published;
	_Atomic u32 references;
	struct account *account;
	union {
		struct list account_link;    /* on account->objects */
		struct reclaim_node reclaim; /* freed, waiting for its grace period */
	};
};

/* What each type provides. One table: object_types[] in kernel/object.c. */
struct object_type {
	const char *name;
	void (*destroy)(struct object *object); /* last reference gone: unlink, then object_free */
	void (*kill)(struct object *object);    /* the account is destroyed; references remain */
	u16 size;                               /* bytes, for the allocator and the quota */
	u16 offset;                             /* of struct object in it */
};

/*
 * Allocate and charge an object of the type, zeroed, with one reference; a grace period has
 * passed since its memory was last used. NULL: quota or memory exhausted (-ENOMEM).
 */
struct object *object_create(struct account *account, enum tern_type type) MUST_USE;

/* Give the memory back after a grace period and uncharge it. Called by destroy functions. */
void object_free(struct object *object);
/* The same, but `release` frees the memory itself (kernel_free) when the grace period is over. */
void object_free_with(struct object *object, void (*release)(struct reclaim_node *));

/* Undo object_create for an object that nobody has seen: its destroy function does not run. */
void object_discard(struct object *object);

void object_get(struct object *object);
/* A reference to an object found without one; false when its last reference has gone. */
bool object_get_live(struct object *object) MUST_USE;
void object_put(struct object *object);

/* Live objects of a type (TERN_TYPE_NONE: of all types), for system_info and leak tests. */
u64 object_count(enum tern_type type);

extern const struct object_type object_types[TERN_TYPE_COUNT];

#endif
