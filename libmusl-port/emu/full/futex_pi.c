/*
 * The locks of FUTEX_LOCK_PI. All threads have one priority, so there is none to inherit: what is left is
 * a lock whose word the C library and this file agree on.
 *
 *   owner's thread id | WAITERS: somebody may sleep | a bit: the last one did not unlock
 *
 * An unlock leaves zero and wakes one. Others may sleep on: so who has slept takes the lock with WAITERS,
 * and who has slept and gives up wakes another, for he may have used up a wake.
 */
#include "emu_full.h"

#include <stdatomic.h>

#include "calls.h"

#define WAITERS 0x80000000u
#define OWNER 0x3fffffffu

/* 0, or -EFAULT. */
static long check(volatile uint32_t *address)
{
	return tern_touch((void *)address, sizeof(*address), 1) ? -EFAULT : 0;
}

/* 0: taken, with `bits`; 1: somebody has it, and *value is the word; -EDEADLK: the calling thread has. */
static long take(_Atomic uint32_t *word, uint32_t bits, uint32_t *value)
{
	uint32_t self = (uint32_t)emu_current()->tid;

	*value = atomic_load(word);
	while (!(*value & OWNER))
		if (atomic_compare_exchange_weak(word, value, *value | self | bits))
			return 0;
	return (*value & OWNER) == self ? -EDEADLK : 1;
}

/*
 * Does a thread of this process have the lock that is no more? Others' processes are not known. Who had it when
 * `value` was read may have unlocked it since, and then ended: the word tells.
 */
static bool is_lost(const _Atomic uint32_t *word, uint32_t value)
{
	uint32_t owner = value & OWNER;
	bool is_here;

	if ((owner & POSIX_PID_MASK) != (uint32_t)emu_process.pid)
		return false;
	emu_lock(&emu_threads_lock);
	is_here = emu_thread_find((int)owner) != NULL;
	emu_unlock(&emu_threads_lock);
	return !is_here && (atomic_load(word) & OWNER) == owner;
}

/* Once: 0: taken; 1: it is to be tried again; or an error. *bits: WAITERS from the first sleep on. */
static long try_to_lock(volatile uint32_t *address, uint64_t deadline, uint32_t *bits)
{
	_Atomic uint32_t *word = (_Atomic uint32_t *)address;
	uint32_t value;
	long result = take(word, *bits, &value);

	if (result <= 0)
		return result;
	if (is_lost(word, value))
		return -ESRCH;
	if (emu_is_due())
		return -EINTR;
	if (!(value & WAITERS) && !atomic_compare_exchange_strong(word, &value, value | WAITERS))
		return 1;
	*bits = WAITERS;
	result = tern_futex_wait(address, value | WAITERS, deadline);
	return !result || result == -EAGAIN || (result == -EINTR && !emu_interrupted()) ? 1
											: result;
}

long emu_lock_pi(volatile uint32_t *address, uint64_t deadline)
{
	long result = check(address);
	uint32_t bits = 0;

	if (result)
		return result;
	do
		result = try_to_lock(address, deadline, &bits);
	while (result > 0);
	if (result && bits)
		tern_futex_wake(address, 1);
	return result;
}

long emu_trylock_pi(volatile uint32_t *address)
{
	_Atomic uint32_t *word = (_Atomic uint32_t *)address;
	long result = check(address);
	uint32_t value;

	if (!result)
		result = take(word, 0, &value);
	if (result <= 0)
		return result;
	return is_lost(word, value) ? -ESRCH : -EAGAIN;
}

long emu_unlock_pi(volatile uint32_t *address)
{
	_Atomic uint32_t *word = (_Atomic uint32_t *)address;
	uint32_t value;

	if (check(address))
		return -EFAULT;
	value = atomic_load(word);
	if ((value & OWNER) != (uint32_t)emu_current()->tid)
		return -EPERM;
	while (!atomic_compare_exchange_weak(word, &value, 0))
		;
	tern_futex_wake(address, 1);
	return 0;
}
