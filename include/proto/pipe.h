/*
 * The pipe server: pipes, FIFOs, UNIX-domain sockets and message queues. Their open file descriptions
 * speak io.h, and sockets and queues what is here as well.
 *
 * A client reaches the server through a *service port*, which answers the operations that make
 * something. Persistent service ports (made by whoever starts the server, userdata 1 to 255) are
 * trusted: they may name FIFOs and places by file, and make service ports for processes, each with
 * an identity (which peers see as credentials) and a share of the server's memory of its own.
 *
 * A *place* is where a socket can be found: an abstract name, or a file (id given by its file server,
 * valid among the places made through one trusted service port). The file server hands out a port of
 * the place, through which clients bind and look up. A socket is spoken of to others by its address
 * (two words that cannot be guessed), and claimed by its owner with a secret of the same kind.
 *
 * Message words as in io.h: w0 operation and flags, w1... arguments. Answers: w0 result.
 */
#ifndef PROTO_PIPE_H
#define PROTO_PIPE_H

#include "proto/io.h"

#define PIPE_CAPACITY (64u << 10)
#define PIPE_ATOMIC 4096u /* PIPE_BUF: writes of so many bytes are never mixed with others */
#define PIPE_NAME_MAX 108u
#define PIPE_BACKLOG_MAX 128u
#define PIPE_TRUSTED_MAX 255u

/*
 * On a service port:
 * pipe       w1 IO_NONBLOCK or 0. Answer: two handles, for reading and for writing.
 * fifo       w1, w2 id of the file; w3 PIPE_OPEN_*; flag IO_NONBLOCK. Answer: a handle. Opening does not
 *            wait (see await_peer); to write alone with IO_NONBLOCK and without a reader: -ENXIO.
 *            Trusted.
 * socket     w1 enum pipe_socket. Answer: a handle.
 * pair       w1 enum pipe_socket. Answer: two handles, connected.
 * service    w1 process id, w2 user, w3 group, w4 count of supplementary groups, uint32_t each in the in
 *            window if there are any. Answer: a handle: a service port. Trusted.
 * place      w1, w2 id of the file. Answer: a handle: a port of the place. Trusted.
 * event      w1 first value, w2 1: a semaphore (reading takes 1); flag IO_NONBLOCK. Answer: a handle: a
 *            counter. Reads and writes are of eight bytes.
 * timer      flag IO_NONBLOCK. Answer: a handle: a counter of expiries.
 * queue_open w1 length of the name, which is in the in window, mode above 32; w2 PIPE_OPEN_*; if it is to be
 *            made: w3 messages that it holds, w4 bytes that each has at most, w5 bytes that the user's queues
 *            may have; flag IO_NONBLOCK. Answer: a handle: the queue. With Linux's errors.
 * queue_unlink w1 length of the name, which is in the in window. Who has the queue open keeps it.
 * find       an abstract name: w1 its length, bytes in the words or the in window. Answer: w1, w2
 *            address. -ECONNREFUSED: nobody is there.
 *
 * On a port of a place:
 * bind_place w1, w2 the socket's secret; w3 length of the name that peers are told, in the in window.
 * find_place Answer: w1, w2 address.
 *
 * On a timer:
 * timer_set  w1 deadline in nanoseconds of the time page (0: stopped), w2 interval (0: once). Answer: as
 *            timer_get, of before.
 * timer_get  Answer: w1 nanoseconds left (0: stopped), w2 interval.
 *
 * On a FIFO:
 * await_peer Waits until the FIFO is open on the other side as well.
 *
 * On a queue (reads and writes are -EINVAL):
 * queue_send w0 process id above 32, w1 length, priority above 32, w2 deadline in nanoseconds of the time
 *            page, data in the words or in the in window. Answer: w1 not 0: who has that process id had
 *            asked for a notice and given it this number. -EMSGSIZE; -EAGAIN, -ETIMEDOUT: it is full.
 * queue_receive w1 room, w2 deadline, out window if the room is above 40. Answer: length; w1 priority above
 *            32. -EMSGSIZE: there is less room than a message may have; -EAGAIN, -ETIMEDOUT: it is empty.
 * queue_info Answer: w1 messages that it holds, w2 bytes of each, w3 messages that are in it, w4 IO_NONBLOCK,
 *            w5 mode, w6 user, w7 group.
 * queue_notify w1 a number that only the process knows. With a handle, a port, and w2 process id, w3 number of
 *            the notice: the port is notified of QUEUE_TELLS_* once, when a message comes to the empty queue
 *            and nobody waits for it, or when that cannot happen any more. -EBUSY: there is one. Without:
 *            what was asked for with the same w1 is taken back.
 *
 * On a socket:
 * secret     Answer: w1, w2.
 * bind       an abstract name, as in find. -EADDRINUSE, -EINVAL (bound already).
 * listen     w1 backlog.
 * accept     Answer: a handle: the connected socket. Flag IO_NONBLOCK. The flag may also be the
 *            socket's.
 * connect    w1, w2 address. A datagram socket: where it sends to; 0, 0: nowhere again. Waits while
 *            the backlog is full, unless IO_NONBLOCK (-EAGAIN).
 * shutdown   w1: 0 reading, 1 writing, 2 both.
 * send       write, with: w2 != 0: address w2, w3 (then data in the window alone); and up to four
 *            handles, which go with these bytes.
 * receive    read. Answer beside read's: w1 flags PIPE_TRUNCATED, upper half the message's full
 *            length; w2 what sender_of takes, 0: unnamed; up to four handles (as many as the
 *            caller accepts, or none). A plain read drops the handles. Flag PIPE_PEEK: the bytes stay
 *            (and handles are left with them).
 * peer       Credentials of the other side: w1 process id, w2 user, w3 group.
 * type       Answer: w0 enum pipe_socket.
 * name       w1 0: own, 1: the peer's, else a sender. Answer: length; bytes in the words or the out
 *            window. 0: it has none.
 */
#define PIPE_OPS(X)                                                                                \
	X(32, pipe)                                                                                \
	X(33, fifo)                                                                                \
	X(34, socket)                                                                              \
	X(35, pair)                                                                                \
	X(36, service)                                                                             \
	X(37, place)                                                                               \
	X(38, find)                                                                                \
	X(39, bind_place)                                                                          \
	X(40, find_place)                                                                          \
	X(41, await_peer)                                                                          \
	X(42, secret)                                                                              \
	X(43, bind)                                                                                \
	X(44, listen)                                                                              \
	X(45, accept)                                                                              \
	X(46, connect)                                                                             \
	X(47, shutdown)                                                                            \
	X(48, send)                                                                                \
	X(49, receive)                                                                             \
	X(50, peer)                                                                                \
	X(51, name)                                                                                \
	X(52, type)                                                                                \
	X(53, event)                                                                               \
	X(54, timer)                                                                               \
	X(55, timer_set)                                                                           \
	X(56, timer_get)                                                                           \
	X(57, queue_open)                                                                          \
	X(58, queue_unlink)                                                                        \
	X(59, queue_send)                                                                          \
	X(60, queue_receive)                                                                       \
	X(61, queue_info)                                                                          \
	X(62, queue_notify)

enum pipe_op {
#define PIPE_OP_ENUM(number, name) PIPE_OP_##name = (number),
	PIPE_OPS(PIPE_OP_ENUM)
#undef PIPE_OP_ENUM
};

#define PIPE_OPEN_READ 1u
#define PIPE_OPEN_WRITE 2u
#define PIPE_OPEN_CREATE 4u    /* queues: if there is none */
#define PIPE_OPEN_EXCLUSIVE 8u /* and -EEXIST if there is */

#define PIPE_GROUPS_MAX 32u

#define QUEUE_NAME_MAX 255u
#define QUEUE_PRIORITIES 32768u

/* What a port is notified of; MESSAGE with the sender's process id above 32. */
#define QUEUE_TELLS_MESSAGE 16u
#define QUEUE_TELLS_END 32u
#define QUEUE_TELLS_NOTHING 64u /* is the port alive? */

/* With Linux's values. */
enum pipe_socket { PIPE_STREAM = 1, PIPE_DATAGRAM = 2, PIPE_PACKETS = 5 };

/* A flag of receive, in w0. */
#define PIPE_PEEK (1u << 11)

/* Flags about an answer, in w1 beside IO_INLINE. */
#define PIPE_TRUNCATED 2u

#ifndef TERN_KERNEL
/* A call whose answer may bring `extended`'s accept_count handles; w0 of the answer, or an error. */
static inline tern_result pipe_call_ext(tern_handle port, struct tern_received *message,
					const struct tern_extended *extended, tern_handle *handles)
{
	uint32_t count = (uint32_t)extended->accept_count;
	tern_result result = tern_call_ext(port, message, extended);

	if (result < 0)
		return result;
	if ((tern_result)message->words[0] < 0)
		return (tern_result)message->words[0];
	if (message->handle_count != count)
		return -EIO;
	for (uint32_t i = 0; i < count; i++)
		handles[i] = message->handles[i];
	return (tern_result)message->words[0];
}

static inline tern_result pipe_call_for_handles(tern_handle port, struct tern_received *message,
						tern_handle *handles, uint32_t count)
{
	struct tern_extended extended = { .accept_count = count };

	return pipe_call_ext(port, message, &extended, handles);
}

/* pipe_create: ends[0] reads what is written to ends[1]. 0; -ENOBUFS, -ENFILE, -EMFILE ... */
static inline tern_result pipe_create(tern_handle service, tern_handle ends[2], uint32_t flags)
{
	struct tern_received message = { .words = { PIPE_OP_pipe, flags } };

	return pipe_call_for_handles(service, &message, ends, 2);
}
#endif

#endif
