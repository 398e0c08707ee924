#include "pool.h"

/* One more chunk; its records are put on the free list, lowest index first. */
static bool pool_grow(struct pool *pool)
{
	uint32_t chunk = pool->count / POOL_CHUNK;
	char *memory;

	if (chunk == POOL_CHUNKS)
		return false;
	memory = env_pages(POOL_CHUNK * pool->size);
	if (!memory)
		return false;
	for (uint32_t i = POOL_CHUNK; i-- > 0;) {
		struct pooled *record = (struct pooled *)(memory + i * pool->size);

		record->index = pool->count + i;
		record->next_free = pool->free;
		pool->free = record;
	}
	pool->count += POOL_CHUNK;
	atomic_store_explicit(&pool->chunks[chunk], memory, memory_order_release);
	return true;
}

void *pool_take(struct pool *pool)
{
	struct pooled *record = NULL;

	lock_acquire(&pool->lock);
	if (pool->free || pool_grow(pool)) {
		record = pool->free;
		pool->free = record->next_free;
		pool->used++;
		atomic_fetch_add_explicit(&record->generation, 1, memory_order_release);
	}
	lock_release(&pool->lock);
	return record;
}

bool pool_retire(struct pooled *record, uint32_t generation)
{
	return atomic_compare_exchange_strong(&record->generation, &generation, generation + 1);
}

void pool_give(struct pool *pool, struct pooled *record)
{
	lock_acquire(&pool->lock);
	record->next_free = pool->free;
	pool->free = record;
	pool->used--;
	lock_release(&pool->lock);
}
