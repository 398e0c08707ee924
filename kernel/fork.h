/* Forking a process. */
#ifndef KERNEL_FORK_H
#define KERNEL_FORK_H

#include "kernel/types.h"

struct thread;

/* The thread will not finish the fork that it is in, if any: what there is of the child goes. */
void fork_abandon(struct thread *thread);

s64 sys_process_fork(u64 account, u64 flags);

#endif
