/* Futexes: sleep on a word of memory. Keyed by physical address, so shared memory works. */
#ifndef KERNEL_FUTEX_H
#define KERNEL_FUTEX_H

#include "kernel/types.h"

struct thread;

void futex_init(void);
s64 sys_futex_wait(u64 address, u64 expected, u64 deadline);
/* Wake up to `count` waiters on a word of the process's memory: thread exit uses it as well. */
s64 sys_futex_wake(u64 address, u64 count);

/*
 * Take a thread in THREAD_FUTEX off its queue so that the caller may wake it with its own result
 * (interrupt, kill). False: a waker was first, or it does not wait on a futex any more.
 */
bool futex_cancel(struct thread *thread) MUST_USE;

#endif
