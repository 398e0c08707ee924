/*
 * Memory pressure: pages of paged memobjs in order of age, and who waits for memory or for pages to be
 * written back.
 */
#ifndef KERNEL_PRESSURE_H
#define KERNEL_PRESSURE_H

#include "kernel/page.h"

struct thread;

/* A page is on the list of its age from here to there. Its memobj's lock is held. */
void pressure_page_added(struct page *page);
void pressure_page_removed(struct page *page);
extern _Atomic u64 pressure_cached_pages; /* so many are */

/* Wake-ups count from here on: if one comes before pressure_wait that does not block. */
void pressure_prepare_wait(struct thread *thread);
/* The current thread blocks until pages have been written back or freed. A memobj's lock may be held. */
void pressure_wait(struct thread *thread);
/* Those who wait try again. */
void pressure_wake(void);
/* Take a thread that waits here off. False: it does not wait. */
bool pressure_cancel(struct thread *thread);

/*
 * A page for contents that users can make more and more of. The last ones are kept for the accounts
 * that write pages back: when others have come so far, clean pages must be dropped first. 0: *error is
 * -EAGAIN, wait with memobj_wait or pressure_wait and try again; or -ENOMEM, there is nothing to drop.
 */
paddr pressure_page_alloc(int *error) MUST_USE;
/* The kernel found no memory for a structure of its own: the same errors. */
int pressure_no_memory(void) MUST_USE;
/* Pages, and memory in general, that is not for everybody. */
u64 pressure_reserve(void);
/* Pages that no quota promises to anybody: when all are used up there is still this much for caches, what
 * devices work on and the kernel's own structures, and dropping pages makes room. */
u64 pressure_unpromised(void);

/* Without any lock held, on a slow exit, while ATTENTION_PRESSURE is set: bounded work. */
void pressure_poll(void);
/* Deferred work has freed pages. */
void pressure_pages_freed(void);

#endif
