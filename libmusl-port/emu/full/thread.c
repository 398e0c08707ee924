/*
 * Threads. Each has a record at the bottom of two pages of emu's own; the stack for its upcalls grows
 * down from their top.
 *
 * A thread finds its record by its tp, which differs between the threads of a process. A process with
 * one thread needs no search: so the main thread, whose tp the C library sets without telling, is
 * entered when a second one is created. The table is open addressed: who searches takes no lock,
 * because its own entry stays where it is, and others only take or leave free places.
 *
 * A record is entered before its thread exists, and taken out by the thread itself on its way out,
 * before its tp can be used again.
 */
#include "emu_full.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "calls.h"

#define PLACES 2048 /* a power of two */
#define THREADS_MAX 1000
#define LEFT 1 /* somebody was here: search on */
#define LENGTH (EMU_THREAD_PAGES * TERN_PAGE_SIZE)

/* Robust locks: the word of one holds its owner's thread id, and bits. */
#define FUTEX_WAITERS 0x80000000u
#define FUTEX_OWNER_DIED 0x40000000u
#define FUTEX_TID_MASK 0x3fffffffu
#define ROBUST_LIST_LIMIT 2048

static bool is_robust; /* the posix server knows that there may be such locks */

/* Thread ids are unique in the whole system: other threads' are the process's, and a number above. */
#define TID_SHIFT 16
_Static_assert(POSIX_PID_LIMIT == 1u << TID_SHIFT, "pids are below");
#define TID_NUMBERS (1 << 13)

static struct {
	_Atomic uint64_t tp;
	struct emu_thread *thread;
} places[PLACES] EMU_LARGE;

struct emu_lock emu_threads_lock;
struct emu_thread *emu_threads;

static struct emu_thread *free_threads;
static _Atomic int thread_count;
static int last_number;
static int main_tid;

/* The main thread's. */
static union {
	struct emu_thread thread;
	char pages[LENGTH];
} first EMU_LARGE __attribute__((aligned(4096)));

static uint64_t get_tp(void)
{
	uint64_t tp;

	__asm__ volatile("mv %0, tp" : "=r"(tp));
	return tp;
}

static unsigned int place_of(uint64_t tp)
{
	return (unsigned int)((tp >> 4) * 0x9e3779b97f4a7c15u >> 53) & (PLACES - 1);
}

struct emu_thread *emu_current(void)
{
	unsigned int place;
	uint64_t tp;

	if (atomic_load_explicit(&thread_count, memory_order_acquire) == 1)
		return emu_threads;
	tp = get_tp();
	for (place = place_of(tp);
	     atomic_load_explicit(&places[place].tp, memory_order_acquire) != tp;
	     place = (place + 1) & (PLACES - 1))
		;
	return places[place].thread;
}

static void enter_place_locked(struct emu_thread *thread)
{
	unsigned int place = place_of(thread->tp);

	while (atomic_load_explicit(&places[place].tp, memory_order_relaxed) > LEFT)
		place = (place + 1) & (PLACES - 1);
	places[place].thread = thread;
	atomic_store_explicit(&places[place].tp, thread->tp, memory_order_release);
}

static void leave_place_locked(const struct emu_thread *thread)
{
	unsigned int place = place_of(thread->tp);

	while (atomic_load_explicit(&places[place].tp, memory_order_relaxed) != thread->tp)
		place = (place + 1) & (PLACES - 1);
	atomic_store_explicit(&places[place].tp, LEFT, memory_order_release);
}

struct emu_thread *emu_thread_find(int tid)
{
	struct emu_thread *at = emu_threads;

	while (at && at->tid != tid)
		at = at->next;
	return at;
}

uint64_t emu_upcall_stack(const struct emu_thread *thread)
{
	return (uint64_t)thread + LENGTH;
}

static void link_locked(struct emu_thread *thread)
{
	thread->previous = NULL;
	thread->next = emu_threads;
	if (emu_threads)
		emu_threads->previous = thread;
	emu_threads = thread;
}

static void unlink_locked(struct emu_thread *thread)
{
	if (thread->next)
		thread->next->previous = thread->previous;
	if (thread->previous)
		thread->previous->next = thread->next;
	else
		emu_threads = thread->next;
}

static struct emu_thread *allocate_locked(void)
{
	struct emu_thread *thread = free_threads;

	if (atomic_load_explicit(&thread_count, memory_order_relaxed) >= THREADS_MAX)
		return NULL;
	if (!thread)
		return emu_pages(LENGTH);
	free_threads = thread->next;
	memset(thread, 0, sizeof(*thread));
	return thread;
}

static void release_locked(struct emu_thread *thread)
{
	thread->next = free_threads;
	free_threads = thread;
}

static int new_tid_locked(void)
{
	int tid;

	do {
		last_number = last_number % (TID_NUMBERS - 1) + 1;
		tid = main_tid | last_number << TID_SHIFT;
	} while (emu_thread_find(tid));
	return tid;
}

/* ------------------------------------------------------------------------------- the first one */

static void register_upcall(struct emu_thread *thread)
{
	tern_thread_set_upcall((uint64_t)emu_upcall, emu_upcall_stack(thread), (uint64_t)thread);
}

static void become_only(struct emu_thread *thread, int pid)
{
	emu_threads = NULL;
	link_locked(thread);
	thread->tid = main_tid = pid;
	last_number = 0;
	atomic_store_explicit(&thread_count, 1, memory_order_release);
}

void emu_threads_start(int pid)
{
	first.thread.handle = tern_handle_duplicate(TERN_SELF_THREAD, TERN_RIGHT_OWNER);
	become_only(&first.thread, pid);
	register_upcall(&first.thread);
}

/* The places of all but `kept` are free again, and so are their records. Were there any? */
static bool forget_others(const struct emu_thread *kept)
{
	bool is_alone = emu_threads == kept && !kept->next;
	struct emu_thread *next;

	if (is_alone && !kept->tp)
		return false;
	memset(places, 0, sizeof(places));
	for (struct emu_thread *at = emu_threads; at; at = next) {
		next = at->next;
		if (at == kept)
			continue;
		if (at->handle > 0)
			tern_handle_close(at->handle);
		release_locked(at);
	}
	return !is_alone;
}

/*
 * The handle to the calling thread has become one to the child's own. The word to clear stays: Linux
 * forgets it, but musl's is a lock of the child's copy as well, which hangs the child's other threads
 * when the first one leaves and nobody clears it.
 */
bool emu_threads_child(int pid)
{
	struct emu_thread *self = emu_current();
	bool had_others = forget_others(self);

	self->tp = 0;
	self->robust = 0;
	is_robust = false;
	become_only(self, pid);
	return had_others;
}

bool emu_threads_kill_others(void)
{
	struct emu_thread *self = emu_current();
	bool had_others;

	for (struct emu_thread *at = emu_threads; at; at = at->next)
		if (at != self)
			tern_thread_kill(at->handle);
	had_others = forget_others(self);
	self->tp = 0;
	self->clear = NULL;
	self->robust = 0;
	become_only(self, emu_process.pid);
	return had_others;
}

/* ------------------------------------------------------------------------------------ creating */

extern char emu_thread_begin[];

/* What emu_thread_begin calls, on the new thread's stack. */
void emu_thread_ready(struct emu_thread *thread);

void emu_thread_ready(struct emu_thread *thread)
{
	register_upcall(thread);
}

static long start_locked(struct emu_thread *thread, uint64_t flags, uint64_t stack, int *parent_tid,
			 int *child_tid)
{
	int tid = thread->tid;

	if (flags & CLONE_PARENT_SETTID && emu_copy_out(parent_tid, &tid, sizeof(tid)))
		return -EFAULT;
	if (flags & CLONE_CHILD_SETTID && emu_copy_out(child_tid, &tid, sizeof(tid)))
		return -EFAULT;
	thread->handle = tern_thread_create(TERN_SELF_PROCESS, (uint64_t)emu_thread_begin, stack,
					    (uint64_t)thread, thread->tp, TERN_PRIORITY_SAME);
	if (thread->handle > 0)
		return tid;
	return thread->handle == -ENOMEM || thread->handle == -EMFILE ? -EAGAIN : thread->handle;
}

/* The calling thread is in the table from now on, if it was not. */
static struct emu_thread *enter_creator_locked(void)
{
	struct emu_thread *self = emu_current();

	if (atomic_load_explicit(&thread_count, memory_order_relaxed) == 1 &&
	    self->tp != get_tp()) {
		if (self->tp)
			leave_place_locked(self);
		self->tp = get_tp();
		enter_place_locked(self);
	}
	return self;
}

long emu_thread_create(uint64_t flags, uint64_t stack, int *parent_tid, uint64_t tls,
		       int *child_tid, uint64_t entry)
{
	struct emu_thread *thread, *self;
	long result = -EAGAIN;

	emu_lock(&emu_threads_lock);
	thread = allocate_locked();
	if (thread) {
		self = enter_creator_locked();
		thread->tp = tls;
		thread->entry = entry;
		thread->tid = new_tid_locked();
		thread->clear = flags & CLONE_CHILD_CLEARTID ? (volatile uint32_t *)child_tid
							     : NULL;
		emu_signals_thread(thread, self);
		link_locked(thread);
		enter_place_locked(thread);
		atomic_fetch_add_explicit(&thread_count, 1, memory_order_release);
		result = start_locked(thread, flags, stack, parent_tid, child_tid);
		if (result < 0) {
			atomic_fetch_sub_explicit(&thread_count, 1, memory_order_release);
			leave_place_locked(thread);
			unlink_locked(thread);
			release_locked(thread);
		}
	}
	emu_unlock(&emu_threads_lock);
	return result;
}

/* ------------------------------------------------------------------------------------- leaving */

/*
 * Locks that the thread holds are taken from it: the list is the program's, so it is read with care.
 * A word that has this thread's id gets FUTEX_OWNER_DIED, and one who waits for it is woken.
 */
static void release_robust(uint64_t entry, int64_t offset, int tid)
{
	_Atomic uint32_t *word = (_Atomic uint32_t *)((entry & ~1ul) + (uint64_t)offset);
	uint32_t value;

	if ((uint64_t)word & 3 || tern_touch((void *)((uint64_t)word & ~4095ul), 4096, 1))
		return;
	value = atomic_load(word);
	while ((value & FUTEX_TID_MASK) == (uint32_t)tid)
		if (atomic_compare_exchange_weak(word, &value,
						 (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED)) {
			tern_futex_wake((volatile uint32_t *)word, 1);
			return;
		}
}

/* Not with a fault: where this runs one may end the process with another status. */
static bool read_list(void *to, uint64_t from, uint64_t length)
{
	if (tern_touch((void *)from, length, 0))
		return false;
	return !emu_copy_in(to, (void *)from, length);
}

static void release_list(const struct emu_thread *thread)
{
	uint64_t head[3], entry;

	if (!thread->robust || !read_list(head, thread->robust, sizeof(head)))
		return;
	entry = head[0];
	for (int i = 0; i < ROBUST_LIST_LIMIT && (entry & ~1ul) != thread->robust; i++) {
		uint64_t next;

		if (!read_list(&next, entry & ~1ul, sizeof(next)))
			return;
		if (entry != head[2])
			release_robust(entry, (int64_t)head[1], thread->tid);
		entry = next;
	}
	if (head[2])
		release_robust(head[2], (int64_t)head[1], thread->tid);
}

void emu_threads_release_robust(void)
{
	for (const struct emu_thread *at = emu_threads; at; at = at->next)
		release_list(at);
}

/* The thread's record and handle are gone afterwards. Returns what is to be cleared. */
static volatile uint32_t *leave(int status)
{
	struct emu_thread *thread = emu_current();
	volatile uint32_t *clear = thread->clear;

	release_list(thread);
	emu_lock(&emu_threads_lock);
	if (atomic_load_explicit(&thread_count, memory_order_relaxed) == 1)
		emu_process_end(((uint32_t)status & 255) << 8);
	emu_signals_leave(thread);
	tern_thread_set_upcall(0, 0, 0);
	tern_handle_close(thread->handle);
	/* The others may be one from now on, and does not search then. */
	unlink_locked(thread);
	leave_place_locked(thread);
	atomic_fetch_sub_explicit(&thread_count, 1, memory_order_release);
	if (thread != &first.thread)
		release_locked(thread);
	emu_unlock(&emu_threads_lock);
	return clear;
}

long emu_thread_exit(int status)
{
	emu_end_thread(leave(status));
}

void emu_thread_unmap_exit(uint64_t address, uint64_t length)
{
	emu_end_thread_unmapping(leave(0), address, length);
}

/* ------------------------------------------------------------------------------- small things */

long emu_full_gettid(void)
{
	return emu_current()->tid;
}

long emu_full_set_tid_address(uint32_t *clear)
{
	struct emu_thread *self = emu_current();

	self->clear = clear;
	return self->tid;
}

long emu_set_robust_list(uint64_t head, uint64_t length)
{
	if (length != 3 * sizeof(uint64_t))
		return -EINVAL;
	emu_current()->robust = head;
	/* Twice is as good as once. */
	if (head && !is_robust)
		is_robust = !posix_simple(emu_posix, POSIX_OP_robust, 0, 0, 0);
	return 0;
}

long emu_get_robust_list(int tid, uint64_t *head, uint64_t *length)
{
	uint64_t size = 3 * sizeof(uint64_t), value = 0;
	const struct emu_thread *thread;

	emu_lock(&emu_threads_lock);
	thread = tid ? emu_thread_find(tid) : emu_current();
	if (thread)
		value = thread->robust;
	emu_unlock(&emu_threads_lock);
	if (!thread)
		return -ESRCH;
	return emu_copy_out(head, &value, sizeof(value)) ||
			       emu_copy_out(length, &size, sizeof(size))
		       ? -EFAULT
		       : 0;
}
