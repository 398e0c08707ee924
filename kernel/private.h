/*
 * Private pages: what a private region holds of its own. There is no swap, so nothing but page
 * tables ever looks for such a page: the page table is the one anonymous layer. An entry with
 * MAP_PRIVATE holds a counted reference to its page (kernel/page_alloc.h), also while nobody may
 * touch it; all others of a private region show pages of its memobj, read-only.
 *
 * Each entry is charged to its own space's account, shared or not: so breaking the sharing, at a
 * write after a fork, never fails for the quota.
 *
 * All of this with the space's lock held, or on a space that nobody else knows.
 */
#ifndef KERNEL_PRIVATE_H
#define KERNEL_PRIVATE_H

#include "kernel/types.h"

struct process;
struct region;

/* Make the page present for an access that the region allows: 0, -EFAULT, -ENOMEM. */
int private_fault(struct process *process, struct region *region, u64 address, u32 needed) MUST_USE;

/*
 * Empty the entries of a range, private or not, up to a batch; no TLB knows them afterwards.
 * Returns the address it got to.
 */
u64 private_drop(struct process *process, u64 start, u64 end);

/* Entries take on a new protection; those that show a memobj's pages are emptied. */
void private_protect(struct process *process, u64 start, u64 end, u32 protection);

/*
 * The child holds the parent's private pages of a range, up to a batch, and neither may write them
 * without a copy. *start becomes the address it got to. 0, -ENOMEM.
 */
int private_share(struct process *parent, struct process *child, u64 *start, u64 end) MUST_USE;

#endif
