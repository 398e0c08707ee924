/*
 * Slabs: blocks of one size class carved from pages. A slab's header stands at the start of its
 * page (or block of pages), so a block finds it by masking its address. Classes of 64 bytes and
 * more keep their blocks cache-line aligned: hot lines of objects depend on it.
 */
#include "kernel/object_alloc.h"

#include "arch/page_table.h"
#include "kernel/debug.h"
#include "kernel/list.h"
#include "kernel/memory.h"
#include "kernel/page_alloc.h"
#include "kernel/spinlock.h"

struct slab {
	struct list link; /* on the class's list of slabs with free blocks */
	void *free;       /* chained through the blocks' first words */
	u32 used;
	u32 untouched; /* blocks from here on were never given out */
};

struct size_class {
	u32 size;             /* bytes of a block */
	u32 order;            /* of a slab's pages */
	struct spinlock lock; /* LOCK_RANK_OBJECT_CACHE */
	struct list partial;
	bool is_ready;
};

#define CLASS(size, order)                                                                         \
	{                                                                                          \
		size, order, SPINLOCK_INIT(LOCK_RANK_OBJECT_CACHE), { 0 }, false                   \
	}

static struct size_class classes[] = {
	CLASS(16, 0),  CLASS(32, 0),  CLASS(64, 0),  CLASS(128, 0),  CLASS(192, 0),  CLASS(256, 0),
	CLASS(384, 0), CLASS(512, 1), CLASS(768, 1), CLASS(1024, 2), CLASS(2048, 3),
};

static struct size_class *class_of(size_t size)
{
	for (u32 i = 0; i < ARRAY_SIZE(classes); i++)
		if (size <= classes[i].size)
			return &classes[i];
	return NULL;
}

static unsigned int order_of(size_t size)
{
	unsigned int order = 0;

	while ((PAGE_SIZE << order) < size)
		order++;
	return order;
}

size_t kernel_alloc_size(size_t size)
{
	const struct size_class *class = class_of(size);

	return class ? class->size : PAGE_SIZE << order_of(size);
}

static u32 first_offset(const struct size_class *class)
{
	return (u32)round_up(sizeof(struct slab), class->size < CACHE_LINE ? 16 : CACHE_LINE);
}

static u32 block_count(const struct size_class *class)
{
	return (u32)((PAGE_SIZE << class->order) - first_offset(class)) / class->size;
}

static struct slab *slab_create(struct size_class *class)
{
	paddr pages = page_alloc(class->order);
	struct slab *slab;

	if (!pages)
		return NULL;
	slab = phys_to_virt(pages);
	*slab = (struct slab){ .free = NULL };
	list_append(&class->partial, &slab->link);
	return slab;
}

/* The class's lock is held. */
static void *block_take(struct size_class *class)
{
	struct list *first = list_first(&class->partial);
	struct slab *slab = first ? container_of(first, struct slab, link) : slab_create(class);
	void *block;

	if (!slab)
		return NULL;
	block = slab->free;
	if (block)
		slab->free = *(void **)block;
	else
		block = (char *)slab + first_offset(class) + slab->untouched++ * class->size;
	if (++slab->used == block_count(class))
		list_remove(&slab->link);
	return block;
}

void *kernel_alloc(size_t size)
{
	struct size_class *class = class_of(size);
	void *block;

	if (!class) {
		paddr pages = page_alloc_zeroed(order_of(size));

		return pages ? phys_to_virt(pages) : NULL;
	}
	spin_lock(&class->lock);
	if (!class->is_ready) {
		list_init(&class->partial);
		class->is_ready = true;
	}
	block = block_take(class);
	spin_unlock(&class->lock);
	if (block)
		memset(block, 0, class->size);
	return block;
}

/* Returns the slab if it is empty now: its pages go back to whoever needs them. */
static struct slab *slab_put(struct size_class *class, struct slab *slab, void *block)
{
	*(void **)block = slab->free;
	slab->free = block;
	if (slab->used-- == block_count(class))
		list_prepend(&class->partial, &slab->link);
	if (slab->used)
		return NULL;
	list_remove(&slab->link);
	return slab;
}

void kernel_free(void *memory, size_t size)
{
	struct size_class *class = class_of(size);
	struct slab *slab;

	if (!class) {
		page_free(virt_to_phys(memory), order_of(size));
		return;
	}
	slab = (struct slab *)((u64)memory & ~((PAGE_SIZE << class->order) - 1));
	if (DEBUG_BUILD)
		memset(memory, 0xd5, class->size);
	spin_lock(&class->lock);
	slab = slab_put(class, slab, memory);
	spin_unlock(&class->lock);
	if (slab)
		page_free(virt_to_phys(slab), class->order);
}
