/*
 * Memobjs: sparse arrays of pages with a length in bytes.
 *
 *   anonymous  zero-filled at the first touch; pages are charged to the account
 *   paged      a user-space pager fills pages and writes dirty ones back: a page cache
 *   device, contiguous, boot   a physical range
 *
 * One word for each page in a radix tree:
 *   0               absent
 *   address         resident; of a paged memobj its state is in struct page
 *   id << 13 | bytes << 1 | 1   absent, and request `id` has asked the pager for it
 *                   (MEMOBJ_IN_FLIGHT); if the memobj has ended inside the page since, only so many
 *                   bytes of the answer count, 0: all
 * So an answer is checked by comparing words: what comes late, twice or for the wrong page finds
 * another word there, and truncation invalidates requests by taking their words away.
 *
 * Lifetime: handles, regions, streams and waiting threads hold references. Page table entries hold
 * none: a page that leaves its memobj is unmapped first, and the frame is free after a grace period,
 * because other harts may still be copying through the direct map.
 */
#ifndef KERNEL_MEMOBJ_H
#define KERNEL_MEMOBJ_H

#include "kernel/list.h"
#include "kernel/object.h"
#include "kernel/page.h"
#include "kernel/radix.h"
#include "kernel/spinlock.h"

enum memobj_kind { MEMOBJ_ANONYMOUS, MEMOBJ_PAGED, MEMOBJ_DEVICE, MEMOBJ_CONTIGUOUS, MEMOBJ_BOOT };

#define MEMOBJ_IN_FLIGHT 1ul
#define MEMOBJ_FLIGHT_ID_SHIFT (PAGE_SHIFT + 1)
#define MEMOBJ_PAGES_MAX (1ul << 32)
#define MEMOBJ_LENGTH_MAX (MEMOBJ_PAGES_MAX << PAGE_SHIFT)

struct pager;
struct process;
struct region;
struct thread;

struct memobj {
	struct object object;
	struct spinlock lock;    /* LOCK_RANK_MEMOBJ: everything below */
	u8 kind;                 /* enum memobj_kind */
	u8 order;                /* contiguous: of the block */
	u8 error;                /* paged: of a failed write-back, until somebody asks */
	u32 resident;            /* pages; an anonymous one's account pays for them */
	u64 length;              /* bytes */
	u64 limit;               /* how far writes may extend it */
	u64 modified;            /* time of the last change, in ticks */
	paddr physical;          /* device, contiguous, boot: the first byte */
	struct radix_tree pages; /* page index -> word; account: whose, NULL when destroyed */
	struct pager *pager;     /* paged: its requests */
	struct list regions;     /* region->memobj_link: all that map it */
	struct list waiters;     /* thread->queue_link */
	struct thread *appender; /* the thread whose append is in progress, or NULL */
};

/* How a sequential reader is known. */
struct memobj_hint {
	u64 next;   /* the page that comes next if it goes on so */
	u64 ahead;  /* up to here pages have been asked for */
	u64 mark;   /* the page at which more is to be asked for, while it goes on so; 0: none */
	u32 window; /* pages to ask for at once */
};

struct memobj *memobj_create_anonymous(struct account *account, u64 length) MUST_USE;
struct memobj *memobj_create_boot(struct account *account, paddr start, u64 length) MUST_USE;
void memobj_destroy(struct object *object);

static inline struct memobj *memobj_of(struct object *object)
{
	return container_of(object, struct memobj, object);
}

static inline void memobj_lock(struct memobj *memobj)
{
	spin_lock(&memobj->lock);
}

static inline void memobj_unlock(struct memobj *memobj)
{
	spin_unlock(&memobj->lock);
}

/* A region maps it, or does not any more. Under the space's lock; they take the memobj's. */
void memobj_link(struct memobj *memobj, struct region *region);
void memobj_unlink(struct region *region);

/*
 * With the lock held: the page, for reading or (then it is dirty) for writing. `hint` NULL: only this
 * page is wanted. 0 and *page, or
 *   -EAGAIN  not now; the pager has been asked. memobj_wait, or give up
 *   -ERANGE  past the end (a mapping's SIGBUS)
 *   -EIO     the pager failed, or is dead
 *   -ENOSPC  the pager refused to reserve backing for the write
 *   -ENOMEM  quota or memory
 */
int memobj_page_locked(struct memobj *memobj, u64 index, bool write, struct memobj_hint *hint,
		       paddr *page) MUST_USE;

/*
 * After -EAGAIN, with the lock held still, which it drops: the current thread blocks until the page's
 * state changes, and then executes the instruction that its frame's pc points to: a system call that
 * waits here has moved it back (thread_restart) and put its progress into the saved registers.
 */
void memobj_wait(struct memobj *memobj, u64 index);

/* Take a thread that waits here off (interrupted or killed). False: it does not wait. */
bool memobj_cancel(struct thread *thread);

/*
 * Blocks of LARGE_PAGES pages of an anonymous memobj that one entry can map, from the page `first` on, a
 * multiple of that. The lock is held. memobj_block: the block that its pages are, if they are, or 0; and
 * whether nobody else has any of them. If none of them is there it may be given one, which is clear,
 * and pays for it; -ENOMEM.
 */
paddr memobj_block(const struct memobj *memobj, u64 first, bool *is_own) MUST_USE;
bool memobj_may_have_block(const struct memobj *memobj, u64 first) MUST_USE;
int memobj_enter_block(struct memobj *memobj, u64 first, paddr block) MUST_USE;

/* For the kernel's own memobjs, which never wait: the page at `offset`, for writing. */
int memobj_get_page(struct memobj *memobj, u64 offset, paddr *page) MUST_USE;

#endif
