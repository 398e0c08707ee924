/* The surroundings of host tests. */
#ifndef HOST_H
#define HOST_H

#include "arch/page_table.h"
#include "kernel/debug.h"
#include "kernel/hart.h"
#include "kernel/sched.h"

extern u64 host_ipis;  /* how many were sent */
extern u64 host_now;   /* what arch_time says */
extern u64 host_timer; /* what the hart's timer was set to */

/* Fresh harts; the test runs as the first. */
void host_harts(u32 count);

#endif
