/* A model of memory that comes in pieces of 2 MiB, see large.c. */
#ifndef MEMORY_MODEL_LARGE_H
#define MEMORY_MODEL_LARGE_H

#include "model.h"

void large_begin(void);
void large_do(const struct operation *operation);
void large_end(void);
/* How many large entries there are in all. */
u32 large_count(void);

#endif
