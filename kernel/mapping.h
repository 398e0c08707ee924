/*
 * From a memobj's pages to the page table entries that map them: through the regions that map the
 * memobj. All are called with memobj->lock held, and when they return no hart's TLB holds what they
 * changed. Private copies of pages are not the memobj's business and stay.
 */
#ifndef KERNEL_MAPPING_H
#define KERNEL_MAPPING_H

#include "kernel/types.h"

struct memobj;

/* Forget the pages [first, last]. True: something was mapped. */
bool mapping_unmap(struct memobj *memobj, u64 first, u64 last);

/* The next write to one of them faults. */
void mapping_write_protect(struct memobj *memobj, u64 first, u64 last);

/* Was the page accessed through any mapping since this was asked last? */
bool mapping_test_clear_accessed(struct memobj *memobj, u64 index) MUST_USE;

#endif
