/* Sources of events: timers and interrupts, which notify a client port; and the time page. */
#ifndef TERN_EVENT_H
#define TERN_EVENT_H

#include "tern/handle.h"

/*
 * The time page is mapped read-only at TERN_TIME_PAGE in every process. Monotonic nanoseconds
 * are (rdtime * multiplier) >> shift; the page does not change while the system runs.
 */
#define TERN_TIME_PAGE 0x00007ffffffff000UL

struct tern_time_page {
	uint64_t multiplier;
	uint64_t shift;
	uint64_t frequency;    /* of rdtime, in Hz */
	uint64_t boot_seconds; /* wall clock at time 0, from the machine's RTC; 0 = unknown */
};

#ifndef TERN_KERNEL
/* tern_time: monotonic nanoseconds, without a system call. */
static inline uint64_t tern_time(void)
{
	const struct tern_time_page *page = (const struct tern_time_page *)TERN_TIME_PAGE;
	uint64_t ticks;

	__asm__ volatile("rdtime %0" : "=r"(ticks));
	return (uint64_t)(((unsigned __int128)ticks * page->multiplier) >> page->shift);
}

/*
 * tern_timer_create: a stopped timer that notifies `bits` (not 0) to `port` (needs NOTIFY).
 * Never blocks. Returns a handle; -EBADF, -EPROTOTYPE, -EPERM, -EINVAL, -ENOMEM, -EMFILE.
 */
static inline tern_result tern_timer_create(tern_handle account, tern_handle port, uint64_t bits)
{
	return tern_syscall3(TERN_OP_timer_create, (uint64_t)account, (uint64_t)port, bits);
}

/*
 * tern_timer_set: fire at `deadline` (nanoseconds of the time page; 0 = stop), then every
 * `period` nanoseconds (0 = once; else at least 10,000). Needs OWNER. Never blocks. Returns 0,
 * -EBADF, -EPROTOTYPE, -EPERM, -EINVAL.
 */
static inline tern_result tern_timer_set(tern_handle timer, uint64_t deadline, uint64_t period)
{
	return tern_syscall3(TERN_OP_timer_set, (uint64_t)timer, deadline, period);
}

/*
 * tern_interrupt_create: bind interrupt line `number` (needs a resource handle) to `port`:
 * each interrupt notifies `bits` (not 0), and the line stays masked until tern_interrupt_ack. Never
 * blocks. Returns a handle; -EBADF, -EPROTOTYPE, -EPERM, -ENODEV (no such line), -EBUSY (bound
 * already), -EINVAL (no bits), -ENOMEM, -EMFILE.
 */
static inline tern_result tern_interrupt_create(tern_handle account, tern_handle resource,
						uint64_t number, tern_handle port, uint64_t bits)
{
	return tern_syscall5(TERN_OP_interrupt_create, (uint64_t)account, (uint64_t)resource,
			     number, (uint64_t)port, bits);
}

/*
 * tern_interrupt_ack: the device is quiet, let the next interrupt come. Needs OWNER. Never blocks.
 * Returns 0, -EBADF, -EPROTOTYPE, -EPERM, -EAGAIN (nothing to acknowledge).
 */
static inline tern_result tern_interrupt_ack(tern_handle interrupt)
{
	return tern_syscall1(TERN_OP_interrupt_ack, (uint64_t)interrupt);
}
#endif

#endif
