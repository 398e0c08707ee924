/*
 * Quiescent-state reclamation, see reclaim.h.
 *
 * Each hart has its own queue of deferred work in three stages, so no lock is needed: *pending*
 * (queued since the last snapshot), *waiting* (a snapshot of all harts' exit counters was taken
 * after it was queued), *ripe* (all harts have moved since). Harts that stay in user mode or on
 * the fast path do not count exits: they get an IPI when the snapshot is taken.
 */
#include "kernel/reclaim.h"

#include "arch/page_table.h"
#include "kernel/hart.h"
#include "kernel/page_alloc.h"
#include "kernel/sched.h"

#define RIPE_BATCH 32

static _Atomic u64 pending_count;

void reclaim_defer(struct reclaim_node *node, void (*function)(struct reclaim_node *))
{
	struct hart *hart = arch_hart();

	node->function = function;
	node->next = hart->reclaim.pending;
	hart->reclaim.pending = node;
	atomic_fetch_add_explicit(&pending_count, 1, memory_order_relaxed);
	if (!(atomic_load_explicit(&hart->attention, memory_order_relaxed) & ATTENTION_RECLAIM))
		hart_set_attention(hart, ATTENTION_RECLAIM);
}

struct page_node {
	struct reclaim_node node;
	u64 order;
};

static void pages_release(struct reclaim_node *node)
{
	struct page_node *block = container_of(node, struct page_node, node);

	page_free(virt_to_phys(block), (unsigned int)block->order);
}

void reclaim_pages(paddr page, unsigned int order)
{
	struct page_node *block = phys_to_virt(page);

	block->order = order;
	reclaim_defer(&block->node, pages_release);
}

static bool is_quiescent(const struct hart *self, u32 i)
{
	const struct hart *hart = &harts[i];

	return hart == self || !atomic_load(&hart->is_online) || hart_is_idle(hart) ||
	       atomic_load(&hart->quiescent) != self->reclaim.snapshot[i];
}

static void take_snapshot(struct hart *self)
{
	self->reclaim.waiting = self->reclaim.pending;
	self->reclaim.pending = NULL;
	/*
	 * What made the batch unreachable comes before the snapshot; with the atomic add of a hart's
	 * exit counter (and its clearing of is_idle) in sched.c, which comes before its next lookup.
	 */
	atomic_thread_fence(memory_order_seq_cst);
	for (u32 i = 0; i < hart_count; i++)
		self->reclaim.snapshot[i] = atomic_load(&harts[i].quiescent);
	for (u32 i = 0; i < hart_count; i++)
		if (!is_quiescent(self, i))
			arch_send_ipi(i);
}

static bool all_quiescent(const struct hart *self)
{
	for (u32 i = 0; i < hart_count; i++)
		if (!is_quiescent(self, i))
			return false;
	return true;
}

static void run_ripe(struct hart *self)
{
	for (u32 i = 0; i < RIPE_BATCH && self->reclaim.ripe; i++) {
		struct reclaim_node *node = self->reclaim.ripe;

		self->reclaim.ripe = node->next;
		node->function(node);
		/* Only now: what it queues in turn must not make the count touch zero. */
		atomic_fetch_sub_explicit(&pending_count, 1, memory_order_relaxed);
	}
}

bool reclaim_poll(void)
{
	struct hart *self = arch_hart();
	bool has_more;

	if (!self->reclaim.ripe && self->reclaim.waiting && all_quiescent(self)) {
		self->reclaim.ripe = self->reclaim.waiting;
		self->reclaim.waiting = NULL;
	}
	if (!self->reclaim.waiting && self->reclaim.pending)
		take_snapshot(self);
	run_ripe(self);
	has_more = self->reclaim.pending || self->reclaim.waiting || self->reclaim.ripe;
	if (!has_more)
		hart_clear_attention(ATTENTION_RECLAIM);
	return has_more;
}

u64 reclaim_pending(void)
{
	return atomic_load_explicit(&pending_count, memory_order_relaxed);
}
