/*
 * The memobjs that clients have attached, by cookie. A cookie belongs to the client that attached it,
 * and is never given out a second time, not even by the driver's next instance.
 */
#ifndef SERVERS_VIRTIO_BLK_MEMORIES_H
#define SERVERS_VIRTIO_BLK_MEMORIES_H

#include <stdbool.h>
#include <stdint.h>

#include "tern/types.h"

#define MEMORIES_MAX 4096

struct memory {
	uint64_t cookie; /* 0: none */
	uint64_t client; /* userdata of its port */
	tern_handle memobj;
	uint32_t uses;    /* requests in progress; it stays until they are done */
	uint32_t is_gone; /* detached */
	struct memory *next;
};

/* `epoch`: the time at which this instance started, in nanoseconds. */
void memories_init(uint64_t epoch);

/* The cookie; 0: too many, the handle is the caller's still. */
uint64_t memory_attach(uint64_t client, tern_handle memobj);

/* NULL: this client has no such cookie. */
struct memory *memory_find(uint64_t client, uint64_t cookie);

/* It has no cookie any more, and is forgotten with its last use. */
void memory_detach(struct memory *memory);
void memory_detach_all(uint64_t client);

static inline void memory_use(struct memory *memory)
{
	memory->uses++;
}

void memory_unuse(struct memory *memory);

/* For the tables of memories alone: what to do with a handle that is not needed any more. */
void memory_close(tern_handle memobj);

#endif
