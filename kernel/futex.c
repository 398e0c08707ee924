/*
 * Futexes: a hash table of wait queues, keyed by the memory that the word is part of, whatever page
 * that is in just now.
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
#include "kernel/user_copy.h"

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

static struct bucket *bucket_of(const struct memory_name *key)
{
	u64 sum = ((u64)key->object >> 4) + (key->offset >> 2);

	return &buckets[sum * 0x9e3779b97f4a7c15ul >> (64 - BUCKET_BITS)];
}

/* The word's key. 0, -EINVAL, -EFAULT. */
static int resolve_key(u64 address, struct memory_name *key)
{
	if (address & 3)
		return -EINVAL;
	return address_space_name(arch_hart()->current->process, UADDR(address), key) ? 0 : -EFAULT;
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
	bucket = bucket_of(&thread->wait.futex);
	spin_lock(&bucket->lock);
	if (thread->state == THREAD_FUTEX && bucket_of(&thread->wait.futex) == bucket) {
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

/* The bucket's lock is held: who writes the word from now on wakes it later. */
static int wait_locked(struct thread *thread, struct bucket *bucket, u64 address, u32 expected,
		       u64 deadline)
{
	const _Atomic u32 *word = address_space_peek(thread->process, UADDR(address));

	/* The page has gone again: from the start. */
	if (!word)
		return -ECANCELED;
	if (atomic_load(word) != expected)
		return -EAGAIN;
	/* point of no return: from unlock on the thread may run elsewhere */
	thread->state = THREAD_FUTEX;
	list_append(&bucket->waiters, &thread->queue_link);
	if (deadline != TERN_DEADLINE_NONE) {
		thread->deadline.expire = futex_expire;
		deadline_arm(&thread->deadline, deadline);
	}
	sched_block();
	return 0;
}

s64 sys_futex_wait(u64 address, u64 expected, u64 deadline)
{
	struct thread *thread = arch_hart()->current;
	struct bucket *bucket;
	const _Atomic u32 *word;
	int error = resolve_key(address, &thread->wait.futex);

	if (error)
		return error;
	word = address_space_resolve(thread->process, UADDR(address), ACCESS_READ, &error);
	if (!word)
		return user_copy_failed(error);
	if (thread_take_interrupt(thread))
		return -EINTR;
	if (deadline != TERN_DEADLINE_NONE && deadline <= arch_time())
		return atomic_load(word) == (u32)expected ? -ETIMEDOUT : -EAGAIN;
	bucket = bucket_of(&thread->wait.futex);
	spin_lock(&bucket->lock);
	error = wait_locked(thread, bucket, address, (u32)expected, deadline);
	spin_unlock(&bucket->lock);
	return error == -ECANCELED ? syscall_again() : error;
}

/* Up to `count` waiters of the key leave the bucket, to *woken in order. */
static u64 take_waiters(const struct memory_name *key, u64 count, struct list *woken)
{
	struct bucket *bucket = bucket_of(key);
	u64 taken = 0;

	spin_lock(&bucket->lock);
	LIST_FOR_EACH_SAFE(node, &bucket->waiters) {
		struct thread *thread = container_of(node, struct thread, queue_link);

		if (taken == count)
			break;
		if (thread->wait.futex.object != key->object ||
		    thread->wait.futex.offset != key->offset)
			continue;
		take_off(thread);
		list_append(woken, &thread->queue_link);
		taken++;
	}
	spin_unlock(&bucket->lock);
	return taken;
}

s64 sys_futex_wake(u64 address, u64 count)
{
	struct memory_name key;
	struct list woken;
	struct list *node;
	int error = resolve_key(address, &key);
	u64 taken;

	if (error)
		return error;
	list_init(&woken);
	taken = take_waiters(&key, count, &woken);
	while ((node = list_first(&woken))) {
		struct thread *thread = container_of(node, struct thread, queue_link);

		list_remove(node);
		deadline_cancel(&thread->deadline);
		thread_wake(thread, 0);
	}
	return (s64)taken;
}
