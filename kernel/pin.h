/*
 * Pins: devices work on a page's frame by its physical address, whatever becomes of its memobj. A page
 * that leaves its memobj while it is pinned belongs to nobody until it is unpinned.
 */
#ifndef KERNEL_PIN_H
#define KERNEL_PIN_H

#include "kernel/page.h"

struct memobj;
struct page_list;

/* A page that may have been prepared in the memobj: whoever waits for it asks for it again. */
void memobj_unprepare(struct memobj *memobj, struct page *page);

/* One reference of an anonymous page that has, or had, pins. */
void page_put_pinned(struct page *page, struct page_list *free);

#endif
