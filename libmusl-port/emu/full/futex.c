/*
 * Futexes, for programs: user memory is touched with care. The work is in ../futex.c.
 *
 * Waiters have no bit sets in the kernel. All waiters of a word are woken for a set that is not full, and
 * all wakers wake whoever waits: more wake than asked for, which every user of a futex must bear.
 */
#include "../futex.h"

#include "emu_full.h"

#include "calls.h"

#define MEMBARRIER_QUERY 0

/* FUTEX_WAKE_OP's operation: what to do with the second word, and whether to wake there too. */
static bool compare(uint32_t kind, int32_t old, int32_t argument)
{
	switch (kind) {
	case 0:
		return old == argument;
	case 1:
		return old != argument;
	case 2:
		return old < argument;
	case 3:
		return old <= argument;
	case 4:
		return old > argument;
	default:
		return old >= argument;
	}
}

static uint32_t change(volatile uint32_t *word, uint32_t kind, uint32_t argument)
{
	switch (kind) {
	case 0:
		return __atomic_exchange_n(word, argument, __ATOMIC_SEQ_CST);
	case 1:
		return __atomic_fetch_add(word, argument, __ATOMIC_SEQ_CST);
	case 2:
		return __atomic_fetch_or(word, argument, __ATOMIC_SEQ_CST);
	case 3:
		return __atomic_fetch_and(word, ~argument, __ATOMIC_SEQ_CST);
	default:
		return __atomic_fetch_xor(word, argument, __ATOMIC_SEQ_CST);
	}
}

static long wake_op(volatile uint32_t *address, uint32_t count, uint64_t second_count,
		    volatile uint32_t *second, uint32_t operation)
{
	uint32_t kind = operation >> 28, comparison = operation >> 24 & 15;
	int32_t argument = (int32_t)(operation << 8) >> 20, with = (int32_t)(operation << 20) >> 20;
	uint32_t old;
	long result;

	if (kind & 8)
		argument = 1 << (argument & 31);
	if ((kind & 7) > 4 || comparison > 5)
		return -ENOSYS;
	if ((uint64_t)second & 3)
		return -EINVAL;
	if (tern_touch((void *)second, sizeof(*second), 1))
		return -EFAULT;
	old = change(second, kind & 7, (uint32_t)argument);
	result = tern_futex_wake(address, count);
	if (result >= 0 && compare(comparison, (int32_t)old, with)) {
		long more = tern_futex_wake(second, second_count & INT32_MAX);

		result = more < 0 ? more : result + more;
	}
	return result;
}

static long deadline_of(int operation, const struct timespec *user, uint64_t *deadline)
{
	struct timespec timeout;

	if (user && emu_copy_in(&timeout, user, sizeof(timeout)))
		return -EFAULT;
	return emu_futex_deadline(operation, user ? &timeout : NULL, deadline);
}

/* Signals without a handler disturb no wait. */
static long wait(volatile uint32_t *address, int operation, uint32_t value,
		 const struct timespec *user)
{
	uint64_t deadline;
	long result = deadline_of(operation, user, &deadline);

	if (result)
		return result;
	do {
		if (emu_is_due())
			return -EINTR;
		result = tern_futex_wait(address, value, deadline);
	} while (result == -EINTR && !emu_interrupted());
	return result;
}

static long wake_some(volatile uint32_t *address, uint32_t value, uint32_t set)
{
	long woken;

	if (!set)
		return -EINVAL;
	woken = tern_futex_wake(address, set == UINT32_MAX ? value & INT32_MAX : INT32_MAX);
	return woken > (long)value ? (long)value : woken;
}

/* What is to be moved is woken instead: docs/decisions.md. */
static long requeue(volatile uint32_t *address, bool compares, uint32_t expected, int32_t to_wake,
		    int32_t to_move, volatile uint32_t *second)
{
	uint32_t word;

	if (to_wake < 0 || to_move < 0 || (uint64_t)second & 3)
		return -EINVAL;
	if (emu_copy_in(&word, (const void *)second, sizeof(word)) ||
	    emu_copy_in(&word, (const void *)address, sizeof(word)))
		return -EFAULT;
	if (compares && word != expected)
		return -EAGAIN;
	return tern_futex_wake(address, (uint64_t)to_wake + (uint64_t)to_move);
}

/* LOCK_PI's time-out is the wall clock's. */
static long lock_pi(volatile uint32_t *address, int operation, const struct timespec *user)
{
	uint64_t deadline;
	long result;

	if ((operation & FUTEX_COMMANDS) == FUTEX_LOCK_PI)
		operation |= FUTEX_REALTIME;
	result = deadline_of(operation, user, &deadline);
	return result ? result : emu_lock_pi(address, deadline);
}

long emu_full_futex(volatile uint32_t *address, int operation, uint32_t value,
		    const struct timespec *user_timeout, volatile uint32_t *second, uint32_t third)
{
	int command = operation & FUTEX_COMMANDS;

	if ((uint64_t)address & 3)
		return -EINVAL;
	if (command == FUTEX_WAIT)
		return wait(address, operation, value, user_timeout);
	if (command == FUTEX_WAKE)
		return tern_futex_wake(address, value & INT32_MAX);
	switch (command) {
	case FUTEX_WAIT_BITSET:
		return third ? wait(address, operation, value, user_timeout) : -EINVAL;
	case FUTEX_WAKE_BITSET:
		return wake_some(address, value, third);
	case FUTEX_WAKE_OP:
		return wake_op(address, value, (uint64_t)user_timeout, second, third);
	case FUTEX_REQUEUE:
	case FUTEX_CMP_REQUEUE:
		return requeue(address, command == FUTEX_CMP_REQUEUE, third, (int32_t)value,
			       (int32_t)(uint64_t)user_timeout, second);
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
		return lock_pi(address, operation, user_timeout);
	case FUTEX_TRYLOCK_PI:
		return emu_trylock_pi(address);
	case FUTEX_UNLOCK_PI:
		return emu_unlock_pi(address);
	default:
		return emu_futex(address, operation, value, user_timeout, second, third);
	}
}

/* The harts are not told: a program does without, as it does on kernels that lack it. */
long emu_membarrier(int command, unsigned int flags)
{
	return flags || command != MEMBARRIER_QUERY ? -EINVAL : 0;
}
