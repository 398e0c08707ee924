/*
 * Private memory in pieces of 2 MiB: a block of frames that one entry maps.
 *
 * Each frame of a block is counted like any private page (page->references), but the large entries hold
 * the block: `blocks` of its first frame counts them, and together they hold one reference to each frame.
 * So a fork and the end of a process cost no more for a block than for a page. An entry is split into
 * small ones where only a part of the block changes: then its space holds the frames one by one.
 *
 * A large entry lies inside one region: cutting a region splits it. The table that a split needs is put by
 * when the entry is made, so a split cannot fail. An entry of a region without access is always small.
 */
#ifndef KERNEL_LARGE_PAGE_H
#define KERNEL_LARGE_PAGE_H

#include "arch/page_table.h"

struct process;
struct removed;

/* A new block: one reference to each of its frames, or one entry that holds them all. */
void large_page_begin(paddr block);
/* Is there still one reference to each? */
bool large_page_is_whole(paddr block) MUST_USE;

/* All below: the space's lock is held. */

/* Map a private block, with what that costs charged to the process. -ENOMEM. */
int large_page_enter(struct process *process, u64 address, pte entry) MUST_USE;

/* Fork: the same in the child, read-only in both, if it is private. */
int large_page_share(struct process *child, u64 address, pte *place) MUST_USE;

/* Does nobody else hold anything of the block that the entry maps? */
bool large_page_is_own(pte entry) MUST_USE;

/* The address is the border of what is to be changed. False: no private large entry is there. */
bool large_page_split(struct process *process, u64 address);

/* The entry goes. Returns what that cost, in small entries, if it was a private one. */
u64 large_page_remove(struct process *process, pte *place, struct removed *removed);

#endif
