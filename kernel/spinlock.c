/* Spinlocks; in debug builds each hart keeps the list of locks it holds, in order of rank. */
#include "kernel/spinlock.h"

#include "kernel/debug.h"
#include "kernel/hart.h"

/* From the hart's own list: `holder` is whoever tried last. */
bool spin_is_held(struct spinlock *lock)
{
	const struct hart *hart = arch_hart();

	for (u32 i = 0; i < hart->held_count; i++)
		if (hart->held[i] == lock)
			return true;
	return false;
}

static void note_taken(struct spinlock *lock)
{
	struct hart *hart = arch_hart();

	ASSERT(hart->held_count < ARRAY_SIZE(hart->held));
	hart->held[hart->held_count++] = lock;
}

static void note_released(struct spinlock *lock)
{
	struct hart *hart = arch_hart();
	u32 place = hart->held_count;

	while (place > 0 && hart->held[place - 1] != lock)
		place--;
	ASSERT(place > 0);
	for (; place < hart->held_count; place++)
		hart->held[place - 1] = hart->held[place];
	hart->held_count--;
}

/* Rising rank: the order that makes a deadlock impossible. (A tried lock may break the order of the
 * list, so all of it counts.) */
static void check_order(struct spinlock *lock)
{
	struct hart *hart = arch_hart();

	ASSERT(!spin_is_held(lock));
	for (u32 i = 0; i < hart->held_count; i++)
		if (hart->held[i]->rank >= lock->rank)
			panic("lock order: rank %u taken after rank %u", lock->rank,
			      hart->held[i]->rank);
}

void spin_lock_checked(struct spinlock *lock)
{
	check_order(lock);
	while (!spin_swap(lock))
		spin_wait(lock);
	note_taken(lock);
}

bool spin_try_lock_checked(struct spinlock *lock)
{
	if (atomic_load_explicit(&lock->holder, memory_order_relaxed) || !spin_swap(lock))
		return false;
	note_taken(lock);
	return true;
}

void spin_unlock_checked(struct spinlock *lock)
{
	ASSERT(lock->holder != 0);
	note_released(lock);
	atomic_store_explicit(&lock->holder, 0, memory_order_release);
}
