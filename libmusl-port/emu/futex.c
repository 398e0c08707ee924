/*
 * Futexes. The kernel waits and wakes; a requeue becomes a wake, which is allowed because every
 * waiter looks at its word again.
 */
#include "futex.h"

#include "emu.h"

#define COUNT_MAX 0x7fffffff

long emu_futex_deadline(int operation, const struct timespec *timeout, uint64_t *deadline)
{
	int64_t nanoseconds;

	*deadline = TERN_DEADLINE_NONE;
	if (!timeout)
		return 0;
	nanoseconds = emu_nanoseconds(timeout);
	if (nanoseconds < 0)
		return -EINVAL;
	if ((operation & FUTEX_COMMANDS) == FUTEX_WAIT)
		*deadline = emu_deadline((uint64_t)nanoseconds);
	else if (operation & FUTEX_REALTIME)
		*deadline = emu_from_realtime((uint64_t)nanoseconds);
	else
		*deadline = (uint64_t)nanoseconds;
	return 0;
}

static long wait(volatile uint32_t *address, int operation, uint32_t value,
		 const struct timespec *timeout)
{
	uint64_t deadline;
	long result = emu_futex_deadline(operation, timeout, &deadline);

	return result ? result : tern_futex_wait(address, value, deadline);
}

static long wake(volatile uint32_t *address, uint64_t count)
{
	return tern_futex_wake(address, count < COUNT_MAX ? count : COUNT_MAX);
}

/* `timeout` is a second count for the requeueing operations. */
long emu_futex(volatile uint32_t *address, int operation, uint32_t value,
	       const struct timespec *timeout, volatile uint32_t *second, uint32_t compare)
{
	(void)second;
	switch (operation & FUTEX_COMMANDS) {
	case FUTEX_WAIT:
		return wait(address, operation, value, timeout);
	case FUTEX_WAIT_BITSET:
		return compare == UINT32_MAX ? wait(address, operation, value, timeout) : -ENOSYS;
	case FUTEX_WAKE:
		return wake(address, value);
	case FUTEX_WAKE_BITSET:
		return compare == UINT32_MAX ? wake(address, value) : -ENOSYS;
	case FUTEX_CMP_REQUEUE:
		if (*address != compare)
			return -EAGAIN;
		return wake(address, value + (uint64_t)timeout);
	case FUTEX_REQUEUE:
		return wake(address, value + (uint64_t)timeout);
	default:
		return -ENOSYS;
	}
}
