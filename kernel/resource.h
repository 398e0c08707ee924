/* The resource object: physical ranges, interrupts, power. The first process alone gets one. */
#ifndef KERNEL_RESOURCE_H
#define KERNEL_RESOURCE_H

#include "kernel/object.h"

struct resource {
	struct object object;
};

/* 0, or as handle_resolve: is `handle` a resource with OWNER? */
int resource_check(s64 handle) MUST_USE;

void resource_destroy(struct object *object);

#endif
