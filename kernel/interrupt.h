/*
 * Interrupts as objects: an external interrupt is claimed, its line stays claimed (so it cannot
 * fire again), and the bound port is notified; interrupt_ack completes it.
 */
#ifndef KERNEL_INTERRUPT_H
#define KERNEL_INTERRUPT_H

#include "kernel/object.h"

struct interrupt {
	struct object object;
	struct object *port; /* client port, a reference */
	u64 bits;
	u32 number;
	bool is_pending; /* delivered, not acknowledged; under the interrupt table's lock */
};

void interrupt_init(u32 count);
/* The hart's external interrupt: claim and deliver what is pending. */
void interrupt_external(void);
/* As if the device had raised it: for system_control(IRQ_RAISE). -ENODEV: not bound. */
int interrupt_raise(u32 number) MUST_USE;

void interrupt_destroy(struct object *object);
void interrupt_kill_object(struct object *object);
s64 sys_interrupt_create(u64 account, u64 resource, u64 number, u64 port, u64 bits);
s64 sys_interrupt_ack(u64 interrupt);

#endif
