/* Calls of the pipe server's scenario tests, in the world of pipe_world.h. */
#ifndef PIPE_CALLS_H
#define PIPE_CALLS_H

#include "pipe_world.h"

#include "cmocka_all.h"

#define SERVICE 1
#define NONE 0

static unsigned char in_bytes[WORLD_CALLS][WORLD_WINDOW], out_bytes[WORLD_CALLS][WORLD_WINDOW];

/* A call without windows. Its w0, or INT64_MAX if it waits. */
static inline int64_t simple(unsigned int index, int64_t port, uint64_t w0, uint64_t w1,
			     uint64_t w2, uint64_t w3)
{
	uint64_t words[8] = { w0, w1, w2, w3 };

	calls[index] = (struct world_call){ .accepts = 4 };
	world_call(index, port ? userdata_of(port) : SERVICE, words, NONE);
	return calls[index].state == CALL_PARKED ? INT64_MAX
						 : (int64_t)calls[index].answer.words[0];
}

#define WAITS INT64_MAX

static inline int64_t result_of(unsigned int index)
{
	if (calls[index].state != CALL_ANSWERED)
		return WAITS;
	return (int64_t)calls[index].answer.words[0];
}

static inline int64_t write_bytes(unsigned int index, int64_t port, const void *bytes,
				  size_t length, uint32_t flags)
{
	uint64_t words[8] = { IO_OP_write | flags, length };

	calls[index] = (struct world_call){ .accepts = 4 };
	if (length <= IO_INLINE_MAX) {
		memcpy(&words[IO_INLINE_WORD], bytes, length);
	} else {
		memcpy(in_bytes[index], bytes, length);
		calls[index].in = in_bytes[index];
		calls[index].in_length = length;
	}
	world_call(index, userdata_of(port), words, NONE);
	return result_of(index);
}

static inline int64_t read_bytes(unsigned int index, int64_t port, size_t length, uint32_t flags)
{
	uint64_t words[8] = { IO_OP_read | flags, length };

	calls[index] = (struct world_call){ .accepts = 4 };
	if (length > IO_INLINE_MAX) {
		calls[index].out = out_bytes[index];
		calls[index].out_length = length;
	}
	world_call(index, userdata_of(port), words, NONE);
	return result_of(index);
}

/* What a read got. */
static inline const void *got(unsigned int index)
{
	return calls[index].answer.words[1] & IO_INLINE
		       ? (void *)&calls[index].answer.words[IO_INLINE_WORD]
		       : (void *)out_bytes[index];
}

static inline void make_pipe_ends(int64_t *reader, int64_t *writer)
{
	assert_int_equal(simple(0, NONE, PIPE_OP_pipe, 0, 0, 0), 0);
	assert_int_equal(calls[0].handle_count, 2);
	*reader = calls[0].handles[0];
	*writer = calls[0].handles[1];
}

static inline int no_objects(void **state)
{
	(void)state;
	assert_int_equal(event_count, 0);
	return (int)object_count();
}

/* A test, behind which nothing is left. */
#define TEST(function) cmocka_unit_test_teardown(function, no_objects)

#endif
