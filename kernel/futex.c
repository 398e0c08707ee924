/*
 * Futexes: a hash table of wait queues. In shared mappings the key is the word's physical address.
 * In private ones that changes with the first write after a fork, and two processes with the same
 * page do not mean the same word: there the key is the space and the address in it.
 *
 * Whoever takes a waiter off its bucket, under the bucket's lock, is the one that wakes it: waker,
 * timeout, interrupt and kill meet there, and exactly one wins.
 */
#include "kernel/futex.h"

#include "arch/page_table.h"
#include "kernel/address_space.h"
#include "kernel/hart.h"
#include "kernel/sched.h"
#include "kernel/spinlock.h"
#include "kernel/thread.h"

#define BUCKET_BITS 8
#define BUCKETS (1u << BUCKET_BITS)

struct bucket {
	struct spinlock lock; /* LOCK_RANK_FUTEX */
	struct list waiters;  /* thread->queue_link, first come first served */
};

static struct bucket buckets[BUCKETS];

void futex_init(void)
{
	for (u32 i = 0; i < BUCKETS; i++) {
		spin_init(&buckets[i].lock, LOCK_RANK_FUTEX);
		list_init(&buckets[i].waiters);
	}
}

static struct bucket *bucket_of(u64 key)
{
	return &buckets[(key >> 2) * 0x9e3779b97f4a7c15ul >> (64 - BUCKET_BITS)];
}

/* The word through the direct map. NULL: *error is set. */
static _Atomic u32 *resolve_word(u64 address, int *error)
{
	if (address & 3) {
		*error = -EINVAL;
		return NULL;
	}
	return address_space_resolve(arch_hart()->current->process, UADDR(address), ACCESS_READ,
				     error);
}

#define KEY_SPACE_SHIFT 48 /* below it a user address; the direct map's have bit 47 set */

static u64 key_of(u64 address, const _Atomic u32 *word)
{
	struct process *process = arch_hart()->current->process;

	return address_space_is_private(process, address)
		       ? (u64)process->space.asid << KEY_SPACE_SHIFT | address
		       : (u64)word;
}

/* The bucket's lock is held. */
static void take_off(struct thread *thread)
{
	list_remove(&thread->queue_link);
	thread->state = THREAD_ACTIVE;
}

bool futex_cancel(struct thread *thread)
{
	bool is_taken = false;
	struct bucket *bucket;

	if (thread->state != THREAD_FUTEX)
		return false;
	bucket = bucket_of(thread->futex_key);
	spin_lock(&bucket->lock);
	if (thread->state == THREAD_FUTEX && bucket_of(thread->futex_key) == bucket) {
		take_off(thread);
		is_taken = true;
	}
	spin_unlock(&bucket->lock);
	if (is_taken)
		deadline_cancel(&thread->deadline);
	return is_taken;
}

static void futex_expire(struct deadline *deadline)
{
	struct thread *thread = container_of(deadline, struct thread, deadline);

	/* A deadline of an earlier wait that was cancelled too late: this wait's is armed again. */
	if (arch_time() < deadline->when)
		return;
	if (futex_cancel(thread))
		thread_wake(thread, -ETIMEDOUT);
}

/* An interrupt that came while the thread ran ends this call. */
static bool take_interrupt(struct thread *thread)
{
	if (!(atomic_fetch_and(&thread->pending, ~PENDING_INTERRUPT) & PENDING_INTERRUPT))
		return false;
	thread_update_fast_priority(thread);
	return true;
}

/*
 * The word and its bucket, locked. A write may break a private page's sharing meanwhile: then the
 * word is elsewhere, and may have changed there and its waiters been woken. NULL: *error is set.
 */
static _Atomic u32 *lock_word(struct thread *thread, u64 address, struct bucket **bucket,
			      int *error)
{
	for (;;) {
		_Atomic u32 *word = resolve_word(address, error);

		if (!word)
			return NULL;
		thread->futex_key = key_of(address, word);
		*bucket = bucket_of(thread->futex_key);
		spin_lock(&(*bucket)->lock);
		if (user_page_peek(thread->process->space.root, address) == word)
			return word;
		spin_unlock(&(*bucket)->lock);
	}
}

s64 sys_futex_wait(u64 address, u64 expected, u64 deadline)
{
	struct thread *thread = arch_hart()->current;
	struct bucket *bucket;
	int error = 0;
	_Atomic u32 *word;

	if (take_interrupt(thread))
		return -EINTR;
	word = lock_word(thread, address, &bucket, &error);
	if (!word)
		return error;
	if (atomic_load(word) != (u32)expected)
		error = -EAGAIN;
	else if (deadline != TERN_DEADLINE_NONE && deadline <= arch_time())
		error = -ETIMEDOUT;
	if (error) {
		spin_unlock(&bucket->lock);
		return error;
	}
	/* point of no return: from unlock on the thread may run elsewhere */
	thread->state = THREAD_FUTEX;
	list_append(&bucket->waiters, &thread->queue_link);
	if (deadline != TERN_DEADLINE_NONE) {
		thread->deadline.expire = futex_expire;
		deadline_arm(&thread->deadline, deadline);
	}
	sched_block();
	spin_unlock(&bucket->lock);
	return 0;
}

/* Up to `count` waiters of the key leave the bucket, to *woken in order. */
static u64 take_waiters(u64 key, u64 count, struct list *woken)
{
	struct bucket *bucket = bucket_of(key);
	u64 taken = 0;

	spin_lock(&bucket->lock);
	LIST_FOR_EACH_SAFE(node, &bucket->waiters) {
		struct thread *thread = container_of(node, struct thread, queue_link);

		if (taken == count)
			break;
		if (thread->futex_key != key)
			continue;
		take_off(thread);
		list_append(woken, &thread->queue_link);
		taken++;
	}
	spin_unlock(&bucket->lock);
	return taken;
}

s64 futex_wake(u64 address, u64 count)
{
	struct list woken;
	struct list *node;
	int error = 0;
	_Atomic u32 *word = resolve_word(address, &error);
	u64 taken;

	if (!word)
		return error;
	list_init(&woken);
	taken = take_waiters(key_of(address, word), count, &woken);
	while ((node = list_first(&woken))) {
		struct thread *thread = container_of(node, struct thread, queue_link);

		list_remove(node);
		deadline_cancel(&thread->deadline);
		thread_wake(thread, 0);
	}
	return (s64)taken;
}

s64 sys_futex_wake(u64 address, u64 count)
{
	return futex_wake(address, count);
}
