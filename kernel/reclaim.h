/*
 * Asynchronous quiescent-state reclamation.
 *
 * The kernel is not preemptible and lookups take no references, so memory that another hart may
 * still reach is given back only after every hart has left the kernel once (or is idle). Callers
 * queue a node and go on; nobody waits inside the kernel.
 *
 * A batch: the hart with a pending list snapshots all harts' exit counters; the batch is ripe when
 * each hart's counter has moved or the hart is in user mode or idle. Harts on the way out through
 * the slow path call reclaim_poll, which runs a bounded number of ripe callbacks.
 */
#ifndef KERNEL_RECLAIM_H
#define KERNEL_RECLAIM_H

#include "kernel/page.h"

struct reclaim_node {
	struct reclaim_node *next;
	void (*function)(struct reclaim_node *node);
};

/* Call `function(node)` after a grace period. Never fails, never blocks. */
void reclaim_defer(struct reclaim_node *node, void (*function)(struct reclaim_node *));

/* The same for what nobody waits for: together with some more of its kind, or when the hart idles. */
void reclaim_defer_lazily(struct reclaim_node *node, void (*function)(struct reclaim_node *));
/* What was deferred so is worked on from now on. */
void reclaim_begin(void);

/*
 * Give pages back after a grace period. The node stands at the start of the block itself, so
 * whoever may still read it must not depend on its first 32 bytes.
 */
void reclaim_pages(paddr page, unsigned int order);

/*
 * Single pages that user memory was in: others may still be reading or writing all of them, so the
 * list goes through the frame table. Without references; the list is empty afterwards.
 */
struct page_list {
	u32 first, last; /* frame numbers; 0, which is never a user's page: none */
	u64 count;
};

void page_list_add(struct page_list *list, struct page *page);
void reclaim_page_list(struct page_list *list);

/* Bounded work; called on slow kernel exits and by idle harts. True: there is more to do soon. */
bool reclaim_poll(void);
/* There is, but another hart that it waits for has not come for a while. */
bool reclaim_is_stuck(void);
u64 reclaim_pending(void);

#endif
