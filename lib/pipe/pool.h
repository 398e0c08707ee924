/*
 * Pools of records that keep their type for ever.
 *
 * Several workers receive from one listener, so one may still be about to use a record when another
 * frees it. A record is therefore never given back as memory: what names it carries its generation,
 * which is odd while it is in use, and whoever has taken the lock that protects the record looks at
 * the generation again. A stale name finds another generation, never another type.
 */
#ifndef PIPE_POOL_H
#define PIPE_POOL_H

#include "lock.h"

#define POOL_INDEX_BITS 20
#define POOL_CHUNKS 1024
#define POOL_CHUNK 64 /* records that are allocated together */

/* The first member of each record. */
struct pooled {
	_Atomic uint32_t generation; /* odd: in use */
	uint32_t index;
	struct pooled *next_free;
};

struct pool {
	struct lock lock; /* protects what follows; `chunks` may be read without */
	size_t size;
	uint32_t count; /* records that exist */
	uint32_t used;
	struct pooled *free;
	_Atomic(char *) chunks[POOL_CHUNKS];
};

#define POOL_OF(type)                                                                              \
	{                                                                                          \
		.size = sizeof(type)                                                               \
	}

/* A record whose generation is odd, everything behind its head as its last user left it; or NULL. */
void *pool_take(struct pool *pool);
/* Stale from now on. True for one caller only; that one calls pool_give when it has cleaned up. */
bool pool_retire(struct pooled *record, uint32_t generation);
void pool_give(struct pool *pool, struct pooled *record);

/* A record's name: index and generation, at most 52 bits. */
static inline uint64_t pool_name(const struct pooled *record)
{
	return (uint64_t)atomic_load_explicit(&record->generation, memory_order_relaxed)
		       << POOL_INDEX_BITS |
	       record->index;
}

static inline uint32_t name_generation(uint64_t name)
{
	return (uint32_t)(name >> POOL_INDEX_BITS);
}

static inline bool pooled_is(const struct pooled *record, uint64_t name)
{
	return atomic_load_explicit(&record->generation, memory_order_acquire) ==
	       name_generation(name);
}

/* The record that a name means, if it is in use; it may be retired at any moment. */
static inline void *pool_find(struct pool *pool, uint64_t name)
{
	uint32_t index = (uint32_t)(name & ((1u << POOL_INDEX_BITS) - 1));
	char *chunk;
	struct pooled *record;

	if (index >= POOL_CHUNKS * POOL_CHUNK)
		return NULL;
	chunk = atomic_load_explicit(&pool->chunks[index / POOL_CHUNK], memory_order_acquire);
	if (!chunk)
		return NULL;
	record = (struct pooled *)(chunk + index % POOL_CHUNK * pool->size);
	return pooled_is(record, name) && name_generation(name) & 1 ? record : NULL;
}

#endif
