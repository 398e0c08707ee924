/*
 * Random bytes from whoever has a source of them. Registers alone.
 *
 * read     w1 how many bytes, at most RANDOM_READ_MAX. Answer: how many came, 1 to w1, in the words
 *          from w1 on as they lie in memory; -EINVAL (0 or too many), -EIO (the source failed).
 */
#ifndef PROTO_RANDOM_H
#define PROTO_RANDOM_H

#include "tern/ipc.h"

#define RANDOM_OPS(X) X(1, read)

enum random_op {
#define RANDOM_OP_ENUM(number, name) RANDOM_OP_##name = (number),
	RANDOM_OPS(RANDOM_OP_ENUM)
#undef RANDOM_OP_ENUM
};

#define RANDOM_READ_MAX 56

#ifndef TERN_KERNEL
/* Up to `length` bytes, at most RANDOM_READ_MAX. How many came, or a negative error. */
static inline int64_t random_read(tern_handle port, void *buffer, uint64_t length)
{
	uint64_t wanted = length < RANDOM_READ_MAX ? length : RANDOM_READ_MAX;
	struct tern_received message = { .words = { RANDOM_OP_read, wanted } };
	tern_result result = tern_call(port, &message);
	int64_t count = result < 0 ? result : (int64_t)message.words[0];

	for (int64_t i = 0; i < count && i < (int64_t)wanted; i++)
		((unsigned char *)buffer)[i] = ((const unsigned char *)&message.words[1])[i];
	return count < (int64_t)wanted ? count : (int64_t)wanted;
}
#endif

#endif
