/*
 * UNIX-domain sockets.
 *
 * A socket is an end with this record beside it. It has its reading channel from the beginning; a
 * connection gives it a writing channel, which is the peer's reading one. Until somebody else can
 * write to its reading channel, the socket itself counts as a writer there, so that the channel is
 * not at its end; a datagram socket always does.
 *
 * A connection to a listening socket is complete at once: the server's end is made by connect, and its
 * handle waits in the listening socket's backlog for accept.
 *
 * Everything here is under names_lock; reads and writes of what is connected are not here.
 */
#ifndef PIPE_SOCKET_H
#define PIPE_SOCKET_H

#include "place.h"

struct pending {
	struct pooled pooled;
	struct pending *next;
	int64_t handle; /* of the server's end, for accept */
};

struct socket {
	struct pooled pooled;
	struct end *end;
	uint64_t end_name;
	uint32_t type; /* enum pipe_socket */
	bool is_connected, is_listening;
	bool is_own_writer; /* counted as a writer of its own reading channel */
	uint64_t key, secret;
	uint64_t credentials[3], peer_credentials[3];
	struct place *place; /* where it is bound */
	struct name name, peer_name;
	uint32_t backlog, pending_count;
	struct pending *pending;
	struct sleepers accepting, connecting;
};

/* A socket for an end that has just been made. NULL: no memory. */
struct socket *socket_create(struct end *end, uint32_t type);
/* By the first word of its address or secret; NULL. */
struct socket *socket_find(uint64_t name);
/* The end is stale: take everything of the socket back. Takes names_lock. */
void socket_close(struct end *end);
/* Both sides of a connection know each other. */
void socket_introduce(struct socket *a, struct socket *b);
/* A channel that `socket` writes to from now on. */
void socket_set_writes(struct socket *socket, struct channel *channel);
/* Somebody else writes to its reading channel, or it is being closed. */
void socket_drop_own_writer(struct socket *socket);
void socket_disconnect(struct socket *socket);

/* The socket of an end, names_lock held; NULL with names_lock free if it is none. */
struct socket *socket_lock(uint64_t end_name);
struct socket *socket_by_address(const uint64_t *address);

enum outcome socket_write(struct call *call, struct end *end, uint64_t name);
enum outcome socket_send(struct call *call, uint64_t name);
enum outcome socket_receive(struct call *call, uint64_t name);

enum outcome socket_secret(struct call *call, uint64_t name);
enum outcome socket_bind(struct call *call, uint64_t name);
enum outcome socket_listen(struct call *call, uint64_t name);
enum outcome socket_accept(struct call *call, uint64_t name);
enum outcome socket_connect(struct call *call, uint64_t name);
enum outcome socket_shutdown(struct call *call, uint64_t name);
enum outcome socket_peer(struct call *call, uint64_t name);
enum outcome socket_name(struct call *call, uint64_t name);
enum outcome socket_type(struct call *call, uint64_t name);

/* The backlog and who waits at it; the socket no longer listens. */
void socket_stop_listening(struct socket *socket);

#endif
