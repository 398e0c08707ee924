/*
 * What the memory half should do, in the simplest way: byte arrays. Operations are made from small
 * numbers, so that a fuzzer or a random sequence can choose them; each is done by the kernel and by
 * the model, and both must give the same results and the same bytes.
 */
#ifndef MEMORY_MODEL_H
#define MEMORY_MODEL_H

#include "world.h"

/* One operation: a kind, and what it does it to. */
struct operation {
	u8 kind, a, b, c;
};

void model_begin(void);
/* Aborts, with a message, if the kernel does something else than the model. */
void model_do(const struct operation *operation);
/* Everything is compared, and goes; nothing is left over. */
void model_end(void);

#endif
