/* The surroundings of host tests. */
#ifndef HOST_H
#define HOST_H

#include "arch/page_table.h"
#include "kernel/debug.h"
#include "kernel/hart.h"
#include "kernel/sched.h"

extern u64 host_ipis; /* how many were sent */
extern u64 host_now;  /* what arch_time says */
extern bool host_interrupt_pending;
extern u64 host_timer; /* what the hart's timer was set to */

/* Called once, in the middle of the next copy of a whole page. */
extern void (*host_in_copy)(void);

/* Fresh harts; the test runs as the first. */
void host_harts(u32 count);

#endif
