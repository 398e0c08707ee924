/*
 * Threads. A record per thread that was created; the main thread's is static. A thread finds its
 * record by the value of tp, which its creator chose: a tp that nobody was created with is the main
 * thread's, whose tp the C library sets without telling.
 *
 * A record is entered before its thread exists, and taken out by the thread itself on its way out,
 * before its tp can be used again. The creator holds the lock over the creation, so that the thread
 * finds its handle in the record however early it ends.
 */
#include "emu.h"

#include <sched.h>

#define BUCKETS 64
#define FIRST_TID 1
#define TID_LIMIT (1 << 29) /* the C library uses the bits above */
#define NEEDED (CLONE_VM | CLONE_THREAD | CLONE_SIGHAND | CLONE_SETTLS)

struct thread {
	struct thread *next;
	uint64_t tp;
	tern_handle handle;
	volatile uint32_t *clear; /* set to 0 and woken when the thread is off its stack */
	int tid;
};

static struct emu_lock threads_lock; /* protects what follows */
static struct thread *buckets[BUCKETS];
static struct thread *free_threads;
static int next_tid = FIRST_TID + 1;

static struct thread main_thread = { .tid = FIRST_TID };

static uint64_t get_tp(void)
{
	uint64_t tp;

	__asm__ volatile("mv %0, tp" : "=r"(tp));
	return tp;
}

static struct thread **bucket_of(uint64_t tp)
{
	return &buckets[(tp >> 4) * 0x9e3779b97f4a7c15u >> 58];
}

static struct thread *current_locked(void)
{
	uint64_t tp = get_tp();
	struct thread *at = *bucket_of(tp);

	while (at && at->tp != tp)
		at = at->next;
	return at ? at : &main_thread;
}

static struct thread *find_locked(int tid)
{
	if (tid <= 0)
		return NULL;
	if (tid == main_thread.tid)
		return &main_thread;
	for (int i = 0; i < BUCKETS; i++)
		for (struct thread *at = buckets[i]; at; at = at->next)
			if (at->tid == tid)
				return at;
	return NULL;
}

/* Records live in pages that are never given back. */
static struct thread *allocate_locked(void)
{
	struct thread *thread = free_threads;
	long page;

	if (thread) {
		free_threads = thread->next;
		return thread;
	}
	page = tern_region_map(TERN_SELF_PROCESS, 0, 0, EMU_MAP_BASE, TERN_PAGE_SIZE,
			       TERN_MAP_READ | TERN_MAP_WRITE | TERN_MAP_PRIVATE);
	if (page < 0)
		return NULL;
	thread = (struct thread *)page;
	for (unsigned int i = 1; i < TERN_PAGE_SIZE / sizeof(*thread); i++) {
		thread[i].next = free_threads;
		free_threads = &thread[i];
	}
	return thread;
}

static void release_locked(struct thread *thread)
{
	thread->next = free_threads;
	free_threads = thread;
}

static void enter_locked(struct thread *thread)
{
	struct thread **bucket = bucket_of(thread->tp);

	do {
		thread->tid = next_tid;
		next_tid = next_tid + 1 < TID_LIMIT ? next_tid + 1 : FIRST_TID + 1;
	} while (find_locked(thread->tid));
	thread->next = *bucket;
	*bucket = thread;
}

static void remove_locked(struct thread *thread)
{
	struct thread **at = bucket_of(thread->tp);

	while (*at != thread)
		at = &(*at)->next;
	*at = thread->next;
}

static long create_locked(struct thread *thread, uint64_t flags, uint64_t stack, int *parent_tid,
			  int *child_tid, uint64_t entry)
{
	thread->clear = flags & CLONE_CHILD_CLEARTID ? (volatile uint32_t *)child_tid : NULL;
	enter_locked(thread);
	if (flags & CLONE_PARENT_SETTID)
		*parent_tid = thread->tid;
	if (flags & CLONE_CHILD_SETTID)
		*child_tid = thread->tid;
	thread->handle = tern_thread_create(TERN_SELF_PROCESS, entry, stack, 0, thread->tp,
					    TERN_PRIORITY_SAME);
	if (thread->handle > 0)
		return thread->tid;
	remove_locked(thread);
	return thread->handle == -ENOMEM ? -EAGAIN : thread->handle;
}

/* Threads alone: a thread that begins at `entry` with the given stack and tp. */
long emu_clone(uint64_t flags, uint64_t stack, int *parent_tid, uint64_t tls, int *child_tid,
	       uint64_t entry)
{
	struct thread *thread;
	long result = -EAGAIN;

	if ((flags & NEEDED) != NEEDED)
		return -ENOSYS;
	emu_lock(&threads_lock);
	thread = allocate_locked();
	if (thread) {
		thread->tp = tls;
		result = create_locked(thread, flags, stack, parent_tid, child_tid, entry);
		if (result < 0)
			release_locked(thread);
	}
	emu_unlock(&threads_lock);
	return result;
}

/* The C library's first call, by the main thread: nobody else could make a handle to that. */
long emu_set_tid_address(uint32_t *clear)
{
	struct thread *thread;

	emu_lock(&threads_lock);
	thread = current_locked();
	thread->clear = clear;
	if (thread == &main_thread && !main_thread.handle)
		main_thread.handle = tern_handle_duplicate(TERN_SELF_THREAD, TERN_RIGHT_OWNER);
	emu_unlock(&threads_lock);
	return thread->tid;
}

long emu_gettid(void)
{
	int tid;

	emu_lock(&threads_lock);
	tid = current_locked()->tid;
	emu_unlock(&threads_lock);
	return tid;
}

/* The thread's record and handle are gone afterwards. Returns what is to be cleared. */
static volatile uint32_t *leave(void)
{
	volatile uint32_t *clear;
	struct thread *thread;

	emu_lock(&threads_lock);
	thread = current_locked();
	clear = thread->clear;
	tern_handle_close(thread->handle);
	if (thread == &main_thread) {
		main_thread = (struct thread){ 0 };
	} else {
		remove_locked(thread);
		release_locked(thread);
	}
	emu_unlock(&threads_lock);
	return clear;
}

long emu_exit(void)
{
	emu_end_thread(leave());
}

long emu_unmap_exit(uint64_t address, uint64_t length)
{
	emu_end_thread_unmapping(leave(), address, length);
}

long emu_interrupt(int tid)
{
	struct thread *thread;
	long result = -ESRCH;

	emu_lock(&threads_lock);
	thread = find_locked(tid);
	if (thread)
		result = tern_thread_interrupt(thread->handle, 0);
	emu_unlock(&threads_lock);
	return result;
}

bool emu_is_thread(int tid)
{
	bool is_thread;

	emu_lock(&threads_lock);
	is_thread = find_locked(tid) != NULL;
	emu_unlock(&threads_lock);
	return is_thread;
}
