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
	u32 capacity; /* blocks of a slab; 0: the class has not been used yet */
};

#define CLASS(size, order)                                                                         \
	{                                                                                          \
		size, order, SPINLOCK_INIT(LOCK_RANK_OBJECT_CACHE), { 0 }, 0                       \
	}

static struct size_class classes[] = {
	CLASS(16, 0),  CLASS(32, 0),  CLASS(64, 0),  CLASS(128, 0),  CLASS(192, 0),  CLASS(256, 0),
	CLASS(384, 0), CLASS(576, 1), CLASS(768, 1), CLASS(1024, 2), CLASS(2048, 3),
};

/* The class of blocks with so many cache lines, less one; what is smaller comes before. */
static const u8 class_of_lines[] = {
	2,  3,  4,  5,  6,  6,  7,  7,  7,  8,  8,  8,  9,  9,  9,  9,
	10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10,
};

static ALWAYS_INLINE struct size_class *class_of(size_t size)
{
	size_t lines = (size - 1) / CACHE_LINE;

	if (UNLIKELY(size <= 32))
		return &classes[size > 16];
	return LIKELY(lines < sizeof(class_of_lines)) ? &classes[class_of_lines[lines]] : NULL;
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

static void class_begin(struct size_class *class)
{
	list_init(&class->partial);
	class->capacity = (u32)((PAGE_SIZE << class->order) - first_offset(class)) / class->size;
}

static NOINLINE struct slab *slab_create(struct size_class *class)
{
	paddr pages = page_alloc(class->order);
	struct slab *slab;

	if (!pages)
		return NULL;
	if (!class->capacity)
		class_begin(class);
	slab = phys_to_virt(pages);
	*slab = (struct slab){ .free = NULL };
	list_append(&class->partial, &slab->link);
	return slab;
}

/* The class's lock is held. */
static ALWAYS_INLINE void *block_take(struct size_class *class)
{
	struct list *first = LIKELY(class->capacity) ? list_first(&class->partial) : NULL;
	struct slab *slab = LIKELY(first) ? container_of(first, struct slab, link)
					  : slab_create(class);
	void *block;

	if (UNLIKELY(!slab))
		return NULL;
	block = slab->free;
	if (LIKELY(block))
		slab->free = *(void **)block;
	else
		block = (char *)slab + first_offset(class) + slab->untouched++ * class->size;
	if (UNLIKELY(++slab->used == class->capacity))
		list_remove(&slab->link);
	return block;
}

static NOINLINE void *pages_alloc(size_t size)
{
	paddr pages = page_alloc_zeroed(order_of(size));

	return pages ? phys_to_virt(pages) : NULL;
}

FRAMELESS void *kernel_alloc(size_t size)
{
	struct size_class *class = class_of(size);
	void *block;

	if (UNLIKELY(!class))
		return pages_alloc(size);
	spin_lock(&class->lock);
	block = block_take(class);
	spin_unlock(&class->lock);
	return LIKELY(block) ? memset(block, 0, class->size) : NULL;
}

/* Returns the slab if it is empty now: its pages go back to whoever needs them. */
static struct slab *slab_put(struct size_class *class, struct slab *slab, void *block)
{
	*(void **)block = slab->free;
	slab->free = block;
	if (slab->used-- == class->capacity)
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
