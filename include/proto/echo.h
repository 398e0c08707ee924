/*
 * The protocol of examples/echo-server: the smallest that shows registers, windows and handles.
 *
 * echo     w1..w7 come back as they are. Registers alone: the kernel's fast path.
 * reverse  w1 length, in and out window of at least that length: the bytes in reverse order.
 *          Returns the length; -EINVAL (no windows, or above ECHO_REVERSE_MAX).
 * session  A new client port comes back as a handle; what is done through it is counted on its own.
 * count    How many calls came through this port since the server started, this one included.
 */
#ifndef PROTO_ECHO_H
#define PROTO_ECHO_H

#include "tern/ipc.h"

#define ECHO_OPS(X)                                                                                \
	X(0, echo)                                                                                 \
	X(1, reverse)                                                                              \
	X(2, session)                                                                              \
	X(3, count)

enum echo_op {
#define ECHO_OP_ENUM(number, name) ECHO_OP_##name = (number),
	ECHO_OPS(ECHO_OP_ENUM)
#undef ECHO_OP_ENUM
};

#define ECHO_REVERSE_MAX 4096

#ifndef TERN_KERNEL
/* A call whose only argument is the operation; the answer's w0, or what tern_call returned. */
static inline int64_t echo_call(tern_handle port, enum echo_op op, struct tern_received *message)
{
	tern_result result;

	message->words[0] = op;
	result = tern_call(port, message);
	return result < 0 ? result : (int64_t)message->words[0];
}

/* The value that comes back, which is the one that was sent; or a negative error. */
static inline int64_t echo_value(tern_handle port, uint32_t value)
{
	struct tern_received message = { .words = { 0, value } };
	int64_t result = echo_call(port, ECHO_OP_echo, &message);

	return result < 0 ? result : (int64_t)message.words[1];
}

static inline int64_t echo_count(tern_handle port)
{
	struct tern_received message = { .words = { 0 } };

	return echo_call(port, ECHO_OP_count, &message);
}

/* A port of its own, or a negative error. */
static inline tern_handle echo_session(tern_handle port)
{
	struct tern_received message = { .words = { ECHO_OP_session } };
	const struct tern_extended extended = { .accept_count = 1 };
	tern_result result = tern_call_ext(port, &message, &extended);

	if (result < 0)
		return result;
	return result & TERN_EVENT_HANDLES ? message.handles[0] : (int64_t)message.words[0];
}
#endif

#endif
