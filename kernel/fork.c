/*
 * process_fork: a child with copy-on-write memory, cloned handles and one thread.
 *
 * A private page is shared by giving the child's page table the same entry and taking the write bit
 * from both. Nothing else of the memory is copied, and there are no layers, so the cost depends on
 * the private pages that are resident and never on how often the program has forked before.
 *
 * It works in steps of bounded length. What there is of the child hangs off the thread, which leaves
 * the kernel when an interrupt is pending and comes back by executing its system call again; an upcall
 * or its death abandons the child. A step clones a piece of a region with the entries in it, under
 * the parent's lock, and the next one begins behind it: changes by other threads between two steps
 * may or may not be in the child, as if they had come before or after.
 *
 * The child's space needs no lock: nobody knows it yet. Its account can be destroyed meanwhile, which
 * kills it, but its teardown begins after a grace period: a step that finds it alive can finish.
 */
#include "kernel/fork.h"

#include "kernel/account.h"
#include "kernel/debug.h"
#include "kernel/hart.h"
#include "kernel/large_page.h"
#include "kernel/memobj.h"
#include "kernel/object_alloc.h"
#include "kernel/pressure.h"
#include "kernel/process.h"
#include "kernel/thread.h"
#include "kernel/user_copy.h"
#include "tern/memory.h"

#define ENTRIES_BATCH 256
#define LARGE_COST 8 /* more than a small one, in entries */
#define PIECE_COST 8 /* of a region, likewise */
#define HANDLES_BATCH 256

struct fork {
	struct process *parent, *child; /* the child: a reference */
	struct thread *thread;          /* the child's, a reference */
	u64 at;                         /* memory is cloned up to here */
	struct region *last;            /* the child's highest region */
	u32 slots;                      /* of the handle table are to be cloned still */
	u64 limit;                      /* entries that this step may still clone */
	bool is_stale;                  /* harts may keep a translation that allows writes */
};

/* ---------------------------------------------------------------------------------- memory */

static u64 count_anonymous(const struct page_run *run)
{
	u64 count = 0;

	for (u64 i = 0; i < run->count; i++)
		count += pte_is_anonymous(run->entries[i]);
	return count;
}

/* Charge for the run's private pages: usually it is full of them. Returns how many were charged. */
static int charge_run(struct account *account, const struct page_run *run, u64 *charged)
{
	*charged = run->count;
	if (account_charge(account, *charged * PAGE_SIZE))
		return 0;
	*charged = count_anonymous(run);
	return account_charge(account, *charged * PAGE_SIZE) ? 0 : -ENOMEM;
}

static u64 share_entries(struct fork *fork, const struct page_run *run, pte *to)
{
	u64 count = 0;

	PAGE_RUN_FOR_EACH(run, place)
	{
		pte entry = pte_read(place);

		if (!pte_is_anonymous(entry))
			continue;
		atomic_fetch_add_explicit(&page_of(pte_page(entry))->references, 1,
					  memory_order_relaxed);
		if (pte_protection(entry) & TERN_MAP_WRITE) {
			entry = pte_without_write(entry);
			pte_write(place, entry);
			fork->is_stale = true;
		}
		pte_write(to + (place - run->entries), entry);
		count++;
	}
	return count;
}

/* The entries of a run, to the same places in the child. */
static int clone_run(struct fork *fork, const struct page_run *run)
{
	struct process *child = fork->child;
	struct account *account = child->object.account;
	u64 charged, shared;
	pte *to;
	int error = address_space_place(child, run->address, false, &to);

	if (!error)
		error = charge_run(account, run, &charged);
	if (error)
		return error;
	shared = share_entries(fork, run, to);
	child->space.anonymous_pages += shared;
	account_uncharge(account, (charged - shared) * PAGE_SIZE);
	return 0;
}

static void reduce_limit(struct fork *fork, u64 cost)
{
	fork->limit -= min_u64(fork->limit, cost);
}

/* Private pages of [*at, end), as many as the limit allows; *at moves on. */
static int clone_entries(struct fork *fork, u64 *at, u64 end)
{
	struct page_run run;
	int error = 0;
	u64 cost;

	while (*at < end && fork->limit && !error) {
		if (!page_table_run(fork->parent->space.root, *at, end, &run)) {
			*at = end;
			break;
		}
		/* What begins below is newer than what the child has there already. */
		if (run.address < *at && large_page_split(fork->parent, *at))
			continue;
		run.count = min_u64(run.count, fork->limit);
		cost = page_run_cost(&run);
		if (UNLIKELY(run.span == LARGE_PAGE_SIZE)) {
			error = large_page_share(fork->child, run.address, run.entries);
			fork->is_stale = true;
			cost += LARGE_COST;
		} else if (run.count) {
			error = clone_run(fork, &run);
		}
		reduce_limit(fork, cost);
		if (!error)
			*at = min_u64(run.address + run.count * run.span, end);
	}
	return error;
}

/* The child's region for what begins at `at`: a new one, not entered yet, or more of the last. */
static struct region *begin_piece(struct fork *fork, const struct region *region, u64 at)
{
	struct region piece, *new;

	region_prepare_split(region, at, &piece);
	piece.pager = NULL;
	if (fork->last && region_continues(fork->last, &piece))
		return fork->last;
	new = region_create(fork->child);
	if (!new)
		return NULL;
	region_prepare_split(&piece, at, new);
	new->process = fork->child;
	if (new->memobj)
		object_get(&new->memobj->object);
	return new;
}

static void end_piece(struct fork *fork, struct region *piece, u64 end)
{
	if (piece != fork->last) {
		piece->end = end;
		region_enter(fork->child, piece);
		fork->last = piece;
		return;
	}
	if (piece->memobj)
		memobj_lock(piece->memobj);
	region_extend(&fork->child->space.regions, piece, end);
	if (piece->memobj)
		memobj_unlock(piece->memobj);
}

/* One piece; the parent's lock is held. */
static int clone_piece(struct fork *fork)
{
	struct region *region = region_find_from(&fork->parent->space.regions, fork->at);
	struct region *piece;
	u64 start, reached;
	int error = 0;

	if (!region) {
		fork->at = TERN_USER_TOP;
		return 0;
	}
	start = max_u64(fork->at, region->start);
	piece = begin_piece(fork, region, start);
	if (!piece)
		return -ENOMEM;
	reached = region->flags & TERN_MAP_PRIVATE ? start : region->end;
	if (reached == start)
		error = clone_entries(fork, &reached, region->end);
	/* Even after an error: what has been entered must be in a region to be found again. */
	if (reached > start)
		end_piece(fork, piece, reached);
	else if (piece != fork->last)
		region_discard(fork->child, piece);
	fork->at = reached;
	reduce_limit(fork, PIECE_COST);
	return error;
}

/* Other harts forget once for all pieces of a step: to wait for them is what costs most. And not at
 * all if nothing could be written, as when the process has forked a moment ago. */
static int clone_memory(struct fork *fork)
{
	struct address_space *space = &fork->parent->space;
	u64 start = fork->at;
	int error;

	fork->limit = ENTRIES_BATCH;
	fork->is_stale = false;
	spin_lock(&space->lock);
	do
		error = space->is_dead ? -ESRCH : clone_piece(fork);
	while (!error && fork->limit && fork->at < TERN_USER_TOP && !arch_interrupt_pending());
	if (fork->is_stale)
		tlb_shootdown(fork->parent, start, fork->at);
	spin_unlock(&space->lock);
	return error;
}

/* -------------------------------------------------------------------------------- the child */

static struct fork *fork_begin(struct thread *thread, struct account *account)
{
	struct process *parent = thread->process;
	struct fork *fork;

	if (!account_charge(parent->object.account, sizeof(*fork)))
		return NULL;
	fork = kernel_alloc(sizeof(*fork));
	if (fork) {
		fork->parent = parent;
		fork->slots = parent->handle_admin.capacity;
		fork->child = process_create_bare(account, fork->slots);
	}
	if (fork && fork->child)
		fork->thread = thread_create(fork->child, thread->base_priority);
	thread->fork = fork;
	if (fork && fork->thread)
		return fork;
	if (!fork)
		account_uncharge(parent->object.account, sizeof(*fork));
	fork_abandon(thread);
	return NULL;
}

static void fork_end(struct thread *thread)
{
	struct fork *fork = thread->fork;

	thread->fork = NULL;
	if (fork->thread)
		object_put(&fork->thread->object);
	if (fork->child)
		object_put(&fork->child->object);
	account_uncharge(fork->parent->object.account, sizeof(*fork));
	kernel_free(fork, sizeof(*fork));
}

void fork_abandon(struct thread *thread)
{
	if (!thread->fork)
		return;
	/* It may have handles to itself: they must be closed for it to go. */
	if (thread->fork->child)
		process_kill(thread->fork->child, 0);
	fork_end(thread);
}

static int fork_step(struct fork *fork, struct thread *thread)
{
	if (fork->child->is_dead)
		return -ESRCH;
	if (fork->at < TERN_USER_TOP)
		return clone_memory(fork);
	handle_table_clone(fork->parent, fork->child, &thread->object, &fork->thread->object,
			   &fork->slots, HANDLES_BATCH);
	return 0;
}

/* The child's thread comes out of the same system call, with 0. */
static void copy_thread(struct thread *to, const struct thread *from)
{
	to->frame = from->frame;
	frame_set_result(&to->frame, 0, 0);
	to->fp = from->fp;
	to->upcall_entry = from->upcall_entry;
	to->upcall_stack = from->upcall_stack;
	to->upcall_word = from->upcall_word;
	to->in_upcall = from->in_upcall;
	to->accept_handles = from->accept_handles;
}

static s64 fork_commit(struct thread *thread)
{
	struct fork *fork = thread->fork;
	s64 handle;

	copy_thread(fork->thread, thread);
	object_get(&fork->child->object);
	handle = handle_insert(thread->process, &fork->child->object, OBJECT_RIGHTS);
	if (handle < 0) {
		object_put(&fork->child->object);
	} else if (thread_start(fork->thread)) {
		struct object *object = handle_remove(thread->process, handle);

		if (object)
			object_put(object);
		handle = -ESRCH;
	}
	if (handle < 0)
		fork_abandon(thread);
	else
		fork_end(thread);
	return handle;
}

/* Pages are being written back or freed: the call is made again then. Restarted before it blocks. */
static s64 wait_for_memory(struct thread *thread)
{
	s64 result = syscall_again();

	thread->wait.is_call = false;
	pressure_wait(thread);
	return result;
}

s64 sys_process_fork(u64 account_handle, u64 flags)
{
	struct thread *thread = arch_hart()->current;
	struct account *account;
	int error;

	if (!thread->fork) {
		error = account_resolve((s64)account_handle, &account);
		if (error)
			return error;
		if (flags)
			return -EINVAL;
		if (!fork_begin(thread, account))
			return -ENOMEM;
	}
	while (thread->fork->at < TERN_USER_TOP || thread->fork->slots) {
		error = fork_step(thread->fork, thread);
		if (error == -EAGAIN)
			return wait_for_memory(thread);
		if (error) {
			fork_abandon(thread);
			return error;
		}
		if (syscall_is_late())
			return syscall_again();
	}
	return fork_commit(thread);
}
