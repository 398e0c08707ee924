/*
 * Timers. Each hart has an ordered queue of deadlines for its one-shot hardware timer: user timer
 * objects, futex timeouts and the end of the running time slice. Interrupts come only when a
 * deadline is due (tickless).
 */
#ifndef KERNEL_TIMER_H
#define KERNEL_TIMER_H

#include "kernel/object.h"
#include "kernel/spinlock.h"

/* A deadline on some hart's queue; embedded in timer objects, threads and harts. */
struct deadline {
	struct deadline *left, *right; /* pairing heap: child, next sibling */
	struct deadline *parent;       /* parent or previous sibling */
	u64 when;                      /* nanoseconds */
	struct timer_queue *queue;     /* NULL = not armed */
	/* Runs on the hart of the queue with interrupts off and no lock held. */
	void (*expire)(struct deadline *deadline);
};

struct timer_queue {
	struct spinlock lock; /* LOCK_RANK_TIMER */
	struct deadline *root;
	u64 programmed; /* what the hardware timer is set to */
};

struct timer {
	struct object object;
	struct deadline deadline;
	struct spinlock lock; /* LOCK_RANK_MEMOBJ: period, generation of settings */
	struct object *port;  /* client port, a reference */
	u64 bits;
	u64 period; /* nanoseconds, 0 = once */
};

void timer_queue_init(struct timer_queue *queue);
/* Arm on this hart's queue; re-arming is allowed. */
void deadline_arm(struct deadline *deadline, u64 when);
/* True: it will not expire any more. False: it was not armed, or its expire is running/ran. */
bool deadline_cancel(struct deadline *deadline);
/* The hart's timer interrupt: expire what is due, reprogram. */
void timer_interrupt(void);

void timer_destroy(struct object *object);
void timer_kill_object(struct object *object);
s64 sys_timer_create(u64 account, u64 port, u64 bits);
s64 sys_timer_set(u64 timer, u64 deadline, u64 period);

#endif
