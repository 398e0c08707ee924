/*
 * What servers and init agree on: the userdata of the ports that init makes, how a server is told to
 * stop, and the protocol of init itself, for those to whom the manifest gives `port NAME init N`.
 *
 * init makes all of these ports persistent, so they outlive the server: calls made while it is down
 * wait at the listener, calls that it had received are answered -EPIPE.
 */
#ifndef PROTO_INIT_H
#define PROTO_INIT_H

#include "proto/error.h"
#include "tern/ipc.h"

/*
 * Userdata of ports on a server's listener. Below INIT_SESSION_END: a session of the manifest. The
 * upper half says what else it is; a server's own ports use INIT_OWN and up.
 */
#define INIT_SESSION_END (1ul << 32)
#define INIT_KIND(userdata) ((userdata) >> 32)
#define INIT_KIND_SESSION 0
#define INIT_KIND_INTERRUPT 1 /* lower half: which `interrupt` of its block, from 0; bit 1 */
#define INIT_KIND_LOG 2       /* TERN_LOG_WRITTEN: there is something in the kernel's log ring */
#define INIT_KIND_CONTROL 3   /* notifications from init */
#define INIT_OWN (16ul << 32)

/*
 * Notified with INIT_KIND_CONTROL at shutdown to a server whose block says `stop MS`: bring everything
 * in order and exit with status 0. After MS milliseconds it is killed.
 */
#define INIT_STOP 1

#define INIT_NAME_WORDS 3 /* a server's name: at most 23 bytes and a zero, in that many words */

/*
 * The operations: w0 of a call; w0 of the answer is 0 or an error.
 *
 * list      w1 index. Answer: w1 enum init_state, w2 restarts so far, w3 nanoseconds that the last
 *           restart took (from its death being noticed to its first thread being started), w4 the
 *           status of its last end, w5..w7 name. -ENOENT behind the last.
 * find      w5..w7 name. Answer: w1 its index. -ENOENT.
 * kill      w1 index, w2 status: the server dies at once, as by a fault of its own, but it does not
 *           count towards giving it up. For tests and for stuck servers. -ENOENT; -ESRCH: not running.
 * shutdown  w1 status for the host, w2 1: the machine is to start again: stop all servers, the last first, and
 *           power off, or reboot. Answered before.
 */
#define INIT_OPS(X)                                                                                \
	X(1, list)                                                                                 \
	X(2, find)                                                                                 \
	X(3, kill)                                                                                 \
	X(4, shutdown)

enum init_op {
#define INIT_OP_ENUM(number, name) INIT_OP_##name = (number),
	INIT_OPS(INIT_OP_ENUM)
#undef INIT_OP_ENUM
};

enum init_state {
	INIT_RUNNING,
	INIT_WAITING,  /* dead; will be started again */
	INIT_FINISHED, /* ended, and is not to be restarted */
	INIT_GIVEN_UP, /* died too often, or could not be started; its listener is destroyed */
};

struct init_server {
	uint64_t state; /* enum init_state */
	uint64_t restarts;
	uint64_t restart_ns;
	uint64_t status;
	char name[INIT_NAME_WORDS * sizeof(uint64_t)];
};
_Static_assert(sizeof(struct init_server) == 7 * sizeof(uint64_t), "it fills w1..w7");

#ifndef TERN_KERNEL
static inline tern_result init_call(tern_handle port, struct tern_received *message)
{
	tern_result result = tern_call(port, message);

	return result < 0 ? result : (tern_result)message->words[0];
}

/* init_list: what becomes of the index-th server. Returns 0 or -ENOENT. */
static inline tern_result init_list(tern_handle port, uint64_t index, struct init_server *server)
{
	struct tern_received message = { .words = { INIT_OP_list, index } };
	tern_result result = init_call(port, &message);

	if (result >= 0)
		__builtin_memcpy(server, &message.words[1], sizeof(*server));
	return result;
}

/* init_find: the index of a server by its name, or -ENOENT. */
static inline tern_result init_find(tern_handle port, const char *name)
{
	struct tern_received message = { .words = { INIT_OP_find } };
	size_t length = __builtin_strlen(name);
	tern_result result;

	if (length >= INIT_NAME_WORDS * sizeof(uint64_t))
		return -ENOENT;
	__builtin_memcpy(&message.words[5], name, length);
	result = init_call(port, &message);
	return result < 0 ? result : (tern_result)message.words[1];
}

/* init_kill: see `kill` above. */
static inline tern_result init_kill(tern_handle port, uint64_t index, uint32_t status)
{
	struct tern_received message = { .words = { INIT_OP_kill, index, status } };

	return init_call(port, &message);
}

/* init_shutdown: see `shutdown` above. */
static inline tern_result init_shutdown(tern_handle port, uint32_t status)
{
	struct tern_received message = { .words = { INIT_OP_shutdown, status } };

	return init_call(port, &message);
}

/* init_reboot: the same, and the machine starts again. */
static inline tern_result init_reboot(tern_handle port)
{
	struct tern_received message = { .words = { INIT_OP_shutdown, 0, 1 } };

	return init_call(port, &message);
}
#endif

#endif
