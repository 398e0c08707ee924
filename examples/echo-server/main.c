/*
 * A server with several threads, sessions, windows and handles: docs/writing-a-server.md explains
 * it from top to bottom. The protocol is in include/proto/echo.h.
 *
 * Userdata below SESSIONS_MAX is an index into the table of sessions: with its lowest ones, which
 * the launcher mints as persistent ports, clients survive this server's restart.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "lib/server/server.h"
#include "proto/echo.h"
#include "tern/handle.h"
#include "tern/start.h"

#define THREADS 4
#define SESSIONS_MAX 64
#define FIRST_OWN 16 /* below are the launcher's ports */

static struct server server;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* protects what follows */
static struct session {
	tern_handle port; /* our own handle of it; 0: free, or the launcher's */
	uint64_t calls;
} sessions[SESSIONS_MAX];

static int64_t do_echo(struct server_call *call)
{
	(void)call;
	return 0;
}

static int64_t do_reverse(struct server_call *call)
{
	uint64_t length = call->message.words[1];
	char bytes[ECHO_REVERSE_MAX];
	int error;

	if (length > sizeof(bytes))
		return -EINVAL;
	error = server_read(call, 0, bytes, length);
	if (error)
		return error;
	for (uint64_t i = 0; i < length / 2; i++) {
		char byte = bytes[i];

		bytes[i] = bytes[length - 1 - i];
		bytes[length - 1 - i] = byte;
	}
	error = server_write(call, 0, bytes, length);
	return error ? error : (int64_t)length;
}

/* Our account pays for the port, and the size of the table bounds what clients can make it pay. */
static int64_t create_session(uint64_t id)
{
	tern_handle port = tern_port_create(0, server.listener, id, 0);

	if (port < 0)
		return port;
	sessions[id].port = port;
	sessions[id].calls = 0;
	return tern_port_mint(port, TERN_RIGHT_CALL | TERN_RIGHT_COPY | TERN_RIGHT_MOVE);
}

static int64_t do_session(struct server_call *call)
{
	int64_t minted = -ENOMEM;

	pthread_mutex_lock(&mutex);
	for (uint64_t id = FIRST_OWN; id < SESSIONS_MAX && minted == -ENOMEM; id++)
		if (!sessions[id].port)
			minted = create_session(id);
	pthread_mutex_unlock(&mutex);
	if (minted < 0)
		return minted;
	call->answer.handle_count = 1;
	call->answer.handles[0].handle = minted;
	call->answer.handles[0].rights = TERN_RIGHTS_ALL;
	call->answer.handles[0].mode = TERN_SEND_MOVE;
	return 0;
}

static int64_t do_count(struct server_call *call)
{
	int64_t calls;

	pthread_mutex_lock(&mutex);
	calls = (int64_t)sessions[call->message.userdata].calls;
	pthread_mutex_unlock(&mutex);
	return calls;
}

static server_function *const operations[] = {
#define ENTRY(number, name) [number] = do_##name,
	ECHO_OPS(ENTRY)
#undef ENTRY
};

static int64_t serve(struct server_call *call)
{
	pthread_mutex_lock(&mutex);
	sessions[call->message.userdata].calls++;
	pthread_mutex_unlock(&mutex);
	return server_dispatch(operations, sizeof(operations) / sizeof(operations[0]),
			       call->message.words[0], call);
}

/* The last use of this userdata: nobody can call through the port any more. */
static void forget_session(uint64_t id, uint64_t minted)
{
	(void)minted;
	pthread_mutex_lock(&mutex);
	if (sessions[id].port)
		tern_handle_close(sessions[id].port);
	sessions[id] = (struct session){ 0 };
	pthread_mutex_unlock(&mutex);
}

int main(void)
{
	int error;

	server = (struct server){ .listener = tern_start_handle("listener"),
				  .threads = THREADS,
				  .call = serve,
				  .no_clients = forget_session };
	error = server_start(&server);
	if (!error) {
		printf("serving\n");
		error = server_run(&server);
	}
	if (error)
		fprintf(stderr, "error %d\n", error);
	return error ? 1 : 0;
}
