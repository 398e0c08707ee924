/* Attached memobjs, see memories.h. */
#include "memories.h"

#include <stddef.h>

/* A cookie: the place in the table, and above it a number that only grows. */
#define INDEX_BITS 12

_Static_assert(MEMORIES_MAX == 1 << INDEX_BITS, "a cookie holds an index");

static struct memory memories[MEMORIES_MAX];
static struct memory *free_memories;
static unsigned int untouched; /* places from here on have never been used */
static uint64_t serial;

void memories_init(uint64_t epoch)
{
	free_memories = NULL;
	untouched = 0;
	serial = epoch;
}

static struct memory *take_place(void)
{
	struct memory *memory = free_memories;

	if (memory)
		free_memories = memory->next;
	else if (untouched < MEMORIES_MAX)
		memory = &memories[untouched++];
	return memory;
}

uint64_t memory_attach(uint64_t client, tern_handle memobj)
{
	struct memory *memory = take_place();

	if (!memory)
		return 0;
	*memory = (struct memory){ .client = client, .memobj = memobj };
	memory->cookie = ++serial << INDEX_BITS | (uint64_t)(memory - memories);
	return memory->cookie;
}

struct memory *memory_find(uint64_t client, uint64_t cookie)
{
	uint64_t index = cookie & (MEMORIES_MAX - 1);
	struct memory *memory = &memories[index];

	return index < untouched && cookie && memory->cookie == cookie && memory->client == client
		       ? memory
		       : NULL;
}

static void forget(struct memory *memory)
{
	memory_close(memory->memobj);
	memory->next = free_memories;
	free_memories = memory;
}

void memory_detach(struct memory *memory)
{
	memory->cookie = 0;
	memory->is_gone = 1;
	if (!memory->uses)
		forget(memory);
}

void memory_detach_all(uint64_t client)
{
	for (unsigned int i = 0; i < untouched; i++)
		if (memories[i].cookie && memories[i].client == client)
			memory_detach(&memories[i]);
}

void memory_unuse(struct memory *memory)
{
	if (--memory->uses == 0 && memory->is_gone)
		forget(memory);
}
