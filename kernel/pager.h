/*
 * Pagers: the queue of requests of a paged memobj, and the answers to them.
 *
 * A request is on the queue until it is fetched, and then lives on only in the words of the pages that
 * it asks for (memobj.h): an answer is good for those that still have it.
 */
#ifndef KERNEL_PAGER_H
#define KERNEL_PAGER_H

#include "kernel/memobj.h"

struct pager {
	struct memobj *memobj;
	struct object *port; /* a reference */
	/* On the port's list, under its listener's lock. */
	struct pager *next, **place;
	struct reclaim_node death; /* queued once when the port dies */
	struct list queue;         /* requests; this and the rest: under the memobj's lock */
	u64 next_id;
	u32 dirty; /* pages that are not written back */
	bool is_dead;
};

struct client_port;

/* Give a new memobj its pager. -EPIPE (the port is dead), -ENOMEM. */
int pager_attach(struct memobj *memobj, struct client_port *port) MUST_USE;
/* The memobj is going. */
void pager_detach(struct memobj *memobj);
/* The port is revoked; its listener's lock is held. Whoever waits will fail. */
void pager_port_died(struct client_port *port);

/* Ask for an absent page, and for more if the hint says so. -EAGAIN; or -ENOMEM: nothing was asked, for
 * want of quota or memory. */
int pager_request_fill(struct memobj *memobj, u64 index, struct memobj_hint *hint) MUST_USE;
/* A sequential reader has come to `index`: more is to be on its way. */
void pager_read_ahead(struct memobj *memobj, u64 index, struct memobj_hint *hint);
/* Ask for backing of a hole. 0: it has it; -EAGAIN, -ENOMEM, or what the pager refused it with. */
int pager_request_reserve(struct memobj *memobj, struct page *page) MUST_USE;

s64 sys_pager_fetch(u64 memobj, u64 requests, u64 count);
/* `taken`: how many pages the same call has taken before it was made again. */
s64 sys_pager_supply(u64 memobj, u64 id, u64 first, u64 count, u64 source, u64 flags, u64 taken);
s64 sys_pager_move(u64 memobj, u64 id, u64 first, u64 count, u64 source, u64 source_first,
		   u64 taken);
s64 sys_pager_fail(u64 memobj, u64 id, u64 first, u64 count, u64 error);
s64 sys_pager_prepare(u64 memobj, u64 device, u64 id, u64 first, u64 count, u64 addresses);
s64 sys_pager_commit(u64 memobj, u64 device, u64 first, u64 count, u64 addresses, u64 error);
s64 sys_memobj_pin(u64 memobj, u64 device, u64 first, u64 count, u64 addresses);
s64 sys_memobj_unpin(u64 device, u64 addresses, u64 count);

#endif
