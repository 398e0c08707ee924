/* The worker's loop; see server.h. */
#include "lib/server/server.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>

#include "tern/handle.h"
#include "tern/thread.h"

#define STOP_BIT 1

static void close_handles(const int64_t *handles, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		if (handles[i])
			tern_handle_close(handles[i]);
}

/* An answer's handles that nobody got. */
static void withdraw(struct tern_extended *answer)
{
	for (uint32_t i = 0; i < answer->handle_count; i++)
		if (answer->handles[i].mode == TERN_SEND_MOVE)
			tern_handle_close(answer->handles[i].handle);
	answer->handle_count = 0;
}

/*
 * Answering with handles and receiving is one system call. If it failed, was it the answer? Then the
 * handles are still here, and the caller gets the error instead, if it is still there.
 */
static void check_sent(struct server *server, struct server_call *call,
		       const struct tern_received *answer, tern_result error)
{
	bool is_waiting = tern_reply_status(TERN_REPLY) >= 0;

	if (!is_waiting && error != -ESRCH)
		return;
	call->message = *answer;
	if (server->unsent)
		server->unsent(call);
	withdraw(&call->answer);
	if (is_waiting) {
		call->message.words[0] = (uint64_t)error;
		tern_reply(TERN_REPLY, &call->message);
	}
}

static tern_result answer_and_wait(struct server *server, struct server_call *call)
{
	struct tern_received answer;
	tern_result event;

	if (!call->answer.handle_count)
		return tern_reply_wait(server->listener, &call->message);
	answer = call->message;
	event = tern_reply_wait_ext(server->listener, &call->message, &call->answer);
	if (event < 0)
		check_sent(server, call, &answer, event);
	return event;
}

/* Returns whether a reply is left for the loop to send. */
static bool serve_call(struct server *server, struct server_call *call, uint64_t flags)
{
	uint64_t count = flags & TERN_EVENT_HANDLES ? call->message.handle_count : 0;
	int64_t result;

	call->has_windows = flags & TERN_EVENT_WINDOWS;
	call->answer.handle_count = 0;
	result = server->call(call);
	if (count)
		close_handles(call->message.handles, count);
	if (result == SERVER_PARKED)
		return false;
	call->message.words[0] = (uint64_t)result;
	return true;
}

static void serve_event(struct server *server, const struct tern_received *message, uint64_t kind)
{
	if (kind == TERN_EVENT_NOTIFY && server->notified)
		server->notified(message->userdata, message->words[0]);
	else if (kind == TERN_EVENT_NO_CLIENTS && server->no_clients)
		server->no_clients(message->userdata, message->words[0]);
	else if (kind == TERN_EVENT_CANCELLED && server->cancelled)
		server->cancelled(message->userdata);
}

/*
 * The last call is answered by the next receive. An answer that comes too late ends the receive
 * with -ESRCH before it has received anything, and an interrupt with -EINTR: so it is done again.
 */
static int work(struct server *server)
{
	struct server_call call = { .has_windows = false };
	bool has_answer = false;
	tern_result event;

	tern_thread_accept_handles(server->accept_handles);
	for (;;) {
		if (server->is_stopping) {
			if (has_answer &&
			    tern_reply_ext(TERN_REPLY, &call.message, &call.answer) < 0)
				withdraw(&call.answer);
			return 0;
		}
		event = has_answer ? answer_and_wait(server, &call)
				   : tern_wait(server->listener, &call.message);
		if (event == -EPIPE)
			return 0;
		/* The answer's failure, which has been dealt with, or the wait's own. */
		if (event < 0 && !has_answer && event != -EINTR)
			return (int)event;
		has_answer = false;
		if (event < 0)
			continue;
		if ((event & TERN_EVENT_KIND) == TERN_EVENT_CALL)
			has_answer = serve_call(server, &call, (uint64_t)event);
		else if (call.message.userdata != (uint64_t)server)
			serve_event(server, &call.message, (uint64_t)event & TERN_EVENT_KIND);
	}
}

/* One worker gets the notification and passes it on before it ends, so all of them do. */
static void *worker(void *argument)
{
	struct server *server = argument;
	intptr_t error = work(server);

	atomic_store(&server->is_stopping, true);
	tern_notify(server->stop_port, STOP_BIT);
	return (void *)error;
}

int server_start(struct server *server)
{
	tern_result result = tern_listener_takeover(server->listener);

	return result < 0 ? (int)result : 0;
}

static int run_workers(struct server *server, unsigned int others)
{
	pthread_t threads[SERVER_THREADS_MAX];
	unsigned int count = 0;
	int error = 0;
	void *result;

	while (count < others && !error) {
		error = -pthread_create(&threads[count], NULL, worker, server);
		count += !error;
	}
	if (error)
		server_stop(server);
	result = worker(server);
	if (!error)
		error = (int)(intptr_t)result;
	while (count--) {
		pthread_join(threads[count], &result);
		if (!error)
			error = (int)(intptr_t)result;
	}
	return error;
}

int server_run(struct server *server)
{
	unsigned int others = server->threads ? server->threads - 1 : 0;
	int error;

	if (others >= SERVER_THREADS_MAX)
		return -EINVAL;
	server->stop_port = tern_port_create(0, server->listener, (uint64_t)server, 0);
	if (server->stop_port < 0)
		return (int)server->stop_port;
	error = run_workers(server, others);
	tern_handle_close(server->stop_port);
	return error;
}

void server_stop(struct server *server)
{
	atomic_store(&server->is_stopping, true);
	tern_notify(server->stop_port, STOP_BIT);
}

int64_t server_dispatch(server_function *const *table, uint64_t count, uint64_t number,
			struct server_call *call)
{
	return number < count && table[number] ? table[number](call) : -ENOSYS;
}

/* What a copy of `length` bytes came to. */
static int judge(tern_result copied, uint64_t length)
{
	if (copied == (tern_result)length)
		return 0;
	if (copied >= 0)
		return -EFAULT;
	return copied == -ERANGE ? -EINVAL : (int)copied;
}

int server_read(const struct server_call *call, uint64_t offset, void *buffer, uint64_t length)
{
	if (!call->has_windows)
		return -EINVAL;
	return length ? judge(tern_reply_read(TERN_REPLY, offset, buffer, length), length) : 0;
}

int server_write(const struct server_call *call, uint64_t offset, const void *buffer,
		 uint64_t length)
{
	if (!call->has_windows)
		return -EINVAL;
	return length ? judge(tern_reply_write(TERN_REPLY, offset, buffer, length), length) : 0;
}

void server_give(struct server_call *call, tern_handle handle, uint32_t rights)
{
	uint32_t at = call->answer.handle_count++;

	call->answer.handles[at].handle = handle;
	call->answer.handles[at].rights = rights;
	call->answer.handles[at].mode = TERN_SEND_MOVE;
}
