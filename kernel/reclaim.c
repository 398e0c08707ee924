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
#include "kernel/pressure.h"
#include "kernel/sched.h"

#define RIPE_BATCH 32
#define RIPE_INSTRUCTIONS 5000
#define PAGES_BATCH 16
#define LAZY_MAX 16
#define SOON_NS 20000

static _Atomic u64 pending_count;

static void begin(struct hart *hart)
{
	if (!(atomic_load_explicit(&hart->attention, memory_order_relaxed) & ATTENTION_RECLAIM))
		hart_set_attention(hart, ATTENTION_RECLAIM);
}

static ALWAYS_INLINE void queue(struct hart *hart, struct reclaim_node *node,
				void (*function)(struct reclaim_node *))
{
	node->function = function;
	node->next = hart->reclaim.pending;
	hart->reclaim.pending = node;
	atomic_fetch_add_explicit(&pending_count, 1, memory_order_relaxed);
}

void reclaim_defer(struct reclaim_node *node, void (*function)(struct reclaim_node *))
{
	queue(arch_hart(), node, function);
	begin(arch_hart());
}

void reclaim_defer_lazily(struct reclaim_node *node, void (*function)(struct reclaim_node *))
{
	struct hart *hart = arch_hart();

	queue(hart, node, function);
	if (UNLIKELY(++hart->reclaim.lazy >= LAZY_MAX))
		begin(hart);
}

void reclaim_begin(void)
{
	struct hart *hart = arch_hart();

	if (hart->reclaim.pending)
		begin(hart);
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

void page_list_add(struct page_list *list, struct page *page)
{
	page->next = list->first;
	list->first = (u32)(page - page_frames);
	if (!list->count++)
		list->last = list->first;
}

/* All of `from` to the front of `to`. */
static void page_list_move(struct page_list *to, struct page_list *from)
{
	if (!from->count)
		return;
	page_frames[from->last].next = to->first;
	if (!to->count)
		to->last = from->last;
	to->first = from->first;
	to->count += from->count;
	*from = (struct page_list){ 0 };
}

void reclaim_page_list(struct page_list *list)
{
	struct hart *hart = arch_hart();

	if (!list->count)
		return;
	atomic_fetch_add_explicit(&pending_count, list->count, memory_order_relaxed);
	page_list_move(&hart->reclaim.pending_pages, list);
	if (!(atomic_load_explicit(&hart->attention, memory_order_relaxed) & ATTENTION_RECLAIM))
		hart_set_attention(hart, ATTENTION_RECLAIM);
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
	self->reclaim.lazy = 0;
	page_list_move(&self->reclaim.waiting_pages, &self->reclaim.pending_pages);
	self->reclaim.since = arch_time();
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

bool reclaim_is_stuck(void)
{
	const struct hart *self = arch_hart();

	return !self->reclaim.ripe && !self->reclaim.ripe_pages.count && !all_quiescent(self) &&
	       arch_time() - self->reclaim.since > SOON_NS;
}

/* A thread may have been woken meanwhile that is worth more than this: not for long at a time. */
static void run_ripe(struct hart *self)
{
	u64 start = arch_instructions();

	for (u32 i = 0; i < RIPE_BATCH && self->reclaim.ripe; i++) {
		struct reclaim_node *node = self->reclaim.ripe;

		if (arch_interrupt_pending() || arch_instructions() - start > RIPE_INSTRUCTIONS)
			return;
		self->reclaim.ripe = node->next;
		node->function(node);
		/* Only now: what it queues in turn must not make the count touch zero. */
		atomic_fetch_sub_explicit(&pending_count, 1, memory_order_relaxed);
	}
}

static void free_ripe_pages(struct page_list *list)
{
	u64 count = 0;

	while (list->count && count < PAGES_BATCH && !arch_interrupt_pending()) {
		struct page *page = &page_frames[list->first];

		list->first = page->next;
		list->count--;
		count++;
		page_free(page_address(page), 0);
	}
	atomic_fetch_sub_explicit(&pending_count, count, memory_order_relaxed);
}

NOINLINE bool reclaim_poll(void)
{
	struct hart *self = arch_hart();
	bool is_free = !self->reclaim.ripe && !self->reclaim.ripe_pages.count;
	bool is_waiting = self->reclaim.waiting || self->reclaim.waiting_pages.count;
	bool has_pending = self->reclaim.pending || self->reclaim.pending_pages.count;

	if (is_free && is_waiting && all_quiescent(self)) {
		self->reclaim.ripe = self->reclaim.waiting;
		self->reclaim.waiting = NULL;
		page_list_move(&self->reclaim.ripe_pages, &self->reclaim.waiting_pages);
		is_waiting = false;
	}
	if (!is_waiting && has_pending)
		take_snapshot(self);
	if (self->reclaim.ripe || self->reclaim.ripe_pages.count) {
		run_ripe(self);
		free_ripe_pages(&self->reclaim.ripe_pages);
		/* Objects and tables were memory as well; and who waits for the last of it must know. */
		pressure_pages_freed();
	}
	if (self->reclaim.pending || self->reclaim.pending_pages.count || self->reclaim.waiting ||
	    self->reclaim.waiting_pages.count || self->reclaim.ripe ||
	    self->reclaim.ripe_pages.count)
		return true;
	hart_clear_attention(ATTENTION_RECLAIM);
	return false;
}

u64 reclaim_pending(void)
{
	return atomic_load_explicit(&pending_count, memory_order_relaxed);
}
