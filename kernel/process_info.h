/* CPU time of processes, charged by whoever takes a thread to run; and other figures about them. */
#ifndef KERNEL_PROCESS_INFO_H
#define KERNEL_PROCESS_INFO_H

#include "kernel/types.h"

struct hart;
struct process;

/*
 * The time since the last charge goes to the hart's owner, and what follows to the new one (NULL: idle).
 * The run queue's lock is held. An owner has a living thread, or is to be taken away below.
 */
void cpu_time_charge(struct hart *hart, struct process *owner);
/* The same; from now on who runs here pays, or the one for whom that one works. */
void cpu_time_settle(struct hart *hart);
/* What runs on the process's time is charged up to now, and from now on to `owner`: NULL when all its
 * threads have died, and no hart may refer to it any more. */
void cpu_time_hand_over(struct process *process, struct process *owner);

#endif
