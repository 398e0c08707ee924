/* The server's loop and the client's side of windows, both in one process. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/server/client.h"
#include "lib/server/server.h"
#include "tern/handle.h"
#include "tern/memobj.h"
#include "tern/memory.h"
#include "tests/musl/check.h"

#define PAGE 4096ul
#define CLIENTS 6
#define ROUNDS 300
#define FLAG_PORT 5
#define INTERRUPT 33 /* the signal with which emu interrupts a thread */

enum { OP_ADD, OP_FILL, OP_TAKE, OP_DROP, OP_GIVE, OP_GIVE_TOO_MANY, OP_PARK, OP_WINDOW, OP_FAULT };

static struct server server;
static pthread_t server_thread;
static tern_handle owner, port;
static _Atomic uint64_t notified_bits, no_clients, cancelled;
static _Atomic tern_handle kept, parked;
static atomic_int faults;

static int64_t do_add(struct server_call *call)
{
	call->message.words[3] = call->message.userdata;
	return (int64_t)(call->message.words[1] + call->message.words[2]);
}

static int64_t do_fill(struct server_call *call)
{
	char bytes[64];
	int error = server_read(call, 0, bytes, sizeof(bytes));

	return error ? error : server_write(call, call->message.words[1], bytes, sizeof(bytes));
}

/* Keeps one handle of those that came. */
static int64_t do_take(struct server_call *call)
{
	if (call->message.handle_count < 1)
		return -EINVAL;
	kept = call->message.handles[0];
	call->message.handles[0] = 0;
	return (int64_t)call->message.handle_count;
}

static int64_t do_drop(struct server_call *call)
{
	return (int64_t)call->message.handle_count;
}

static int64_t do_give(struct server_call *call)
{
	call->answer.handle_count = 1;
	call->answer.handles[0].handle = tern_memobj_create(0, PAGE);
	call->answer.handles[0].rights = TERN_RIGHTS_ALL;
	call->answer.handles[0].mode = TERN_SEND_MOVE;
	return 11;
}

static int64_t do_give_too_many(struct server_call *call)
{
	do_give(call);
	call->answer.handle_count = 2;
	call->answer.handles[1] = call->answer.handles[0];
	call->answer.handles[1].handle = tern_memobj_create(0, PAGE);
	return 12;
}

static int64_t do_park(struct server_call *call)
{
	tern_handle reply = tern_reply_park(99, call->message.words[1]);

	if (reply < 0)
		return reply;
	parked = reply;
	return SERVER_PARKED;
}

static int64_t do_window(struct server_call *call)
{
	return call->has_windows;
}

/* As if the window's pages were gone as often as the client says. */
static int64_t do_fault(struct server_call *call)
{
	if (atomic_fetch_add(&faults, 1) < (int)call->message.words[1])
		return -EFAULT;
	return server_write(call, 0, "done", 5);
}

static int64_t serve(struct server_call *call)
{
	static server_function *const table[] = {
		[OP_ADD] = do_add,   [OP_FILL] = do_fill,     [OP_TAKE] = do_take,
		[OP_DROP] = do_drop, [OP_GIVE] = do_give,     [OP_GIVE_TOO_MANY] = do_give_too_many,
		[OP_PARK] = do_park, [OP_WINDOW] = do_window, [OP_FAULT] = do_fault,
	};

	return server_dispatch(table, sizeof(table) / sizeof(table[0]), call->message.words[0],
			       call);
}

static void note_bits(uint64_t userdata, uint64_t bits)
{
	notified_bits |= userdata << 32 | bits;
}

static void note_no_clients(uint64_t userdata, uint64_t minted)
{
	no_clients = userdata << 32 | minted;
}

static void note_cancelled(uint64_t cookie)
{
	cancelled = cookie;
	tern_handle_close(parked);
}

static void *run_server(void *result)
{
	*(int *)result = server_run(&server);
	return NULL;
}

static int server_result;

static void start(unsigned int threads)
{
	server = (struct server){ .listener = tern_listener_create(0, 64),
				  .threads = threads,
				  .accept_handles = 2,
				  .call = serve,
				  .notified = note_bits,
				  .no_clients = note_no_clients,
				  .cancelled = note_cancelled };
	CHECK_EQ(server_start(&server), 0);
	owner = tern_port_create(0, server.listener, FLAG_PORT, 0);
	port = tern_port_mint(owner, TERN_RIGHTS_ALL);
	server_result = 1;
	CHECK_EQ(pthread_create(&server_thread, NULL, run_server, &server_result), 0);
	/* server_stop needs a server that runs. */
	while (!*(volatile tern_handle *)&server.stop_port)
		usleep(100);
}

static void finish(void)
{
	CHECK_EQ(pthread_join(server_thread, NULL), 0);
	CHECK_EQ(server_result, 0);
	tern_handle_close(port);
	tern_handle_close(owner);
	tern_handle_close(server.listener);
}

static void stop(void)
{
	server_stop(&server);
	finish();
}

static int64_t call(uint64_t op, uint64_t first, uint64_t second)
{
	struct tern_received message = { .words = { op, first, second } };
	tern_result result = tern_call(port, &message);

	return result < 0 ? result : (int64_t)message.words[0];
}

/* ----------------------------------------------------------------------------------- tests */

static void *be_a_client(void *argument)
{
	for (uint64_t i = 0; i < ROUNDS; i++) {
		struct tern_received message = { .words = { OP_ADD, i, (uint64_t)argument } };

		CHECK_EQ(tern_call(port, &message), 0);
		CHECK_EQ(message.words[0], i + (uint64_t)argument);
		CHECK_EQ(message.words[1], i);
		CHECK_EQ(message.words[3], FLAG_PORT);
	}
	return NULL;
}

static void serve_clients(unsigned int threads)
{
	pthread_t clients[CLIENTS];

	start(threads);
	for (uintptr_t i = 0; i < CLIENTS; i++)
		CHECK_EQ(pthread_create(&clients[i], NULL, be_a_client, (void *)i), 0);
	for (int i = 0; i < CLIENTS; i++)
		CHECK_EQ(pthread_join(clients[i], NULL), 0);
	stop();
}

static void many_clients_one_worker(void)
{
	serve_clients(1);
}

static void many_clients_many_workers(void)
{
	serve_clients(5);
}

static void wrong_calls_are_answered(void)
{
	char bytes[64];
	struct tern_received message = { .words = { OP_FILL, 1 } };
	struct tern_extended windows = { .in_address = (uint64_t)bytes, .in_length = 64 };

	start(2);
	CHECK_EQ(call(1000, 0, 0), -ENOSYS);
	CHECK_EQ(call(UINT64_MAX, 0, 0), -ENOSYS);
	CHECK_EQ(call(OP_FILL, 0, 0), -EINVAL);
	CHECK_EQ(call(OP_WINDOW, 0, 0), 0);
	windows.out_address = (uint64_t)bytes;
	windows.out_length = 64;
	CHECK_EQ(client_call(port, &message, &windows), -EINVAL);
	stop();
}

static void windows_are_copied(void)
{
	char from[64], to[100] = { 0 };
	struct tern_received message = { .words = { OP_FILL, 36 } };
	const struct tern_extended windows = { .in_address = (uint64_t)from,
					       .in_length = sizeof(from),
					       .out_address = (uint64_t)to,
					       .out_length = sizeof(to) };

	start(2);
	memset(from, 'x', sizeof(from));
	CHECK_EQ(client_call(port, &message, &windows), 0);
	CHECK(!to[35] && !memcmp(to + 36, from, sizeof(from)));
	stop();
}

/* Twice touched, then through a buffer; and memory that is not there stays an error. */
static void clients_call_again_after_a_fault(void)
{
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct tern_extended windows = { .out_address = (uint64_t)page, .out_length = PAGE };

	start(2);
	for (uint64_t times = 0; times < 4; times++) {
		struct tern_received message = { .words = { OP_FAULT, times } };

		faults = 0;
		memset(page, 0, 8);
		page[100] = 7;
		CHECK_EQ(client_call(port, &message, &windows), times < 3 ? 0 : -EFAULT);
		CHECK_EQ(strcmp(page, times < 3 ? "done" : ""), 0);
		CHECK_EQ(page[100], 7);
	}
	munmap(page, PAGE);
	faults = 0;
	CHECK_EQ(client_call(port, &(struct tern_received){ .words = { OP_FAULT, 0 } }, &windows),
		 -EFAULT);
	stop();
}

static int64_t call_with_handles(uint64_t op, uint32_t count)
{
	tern_handle memobj = tern_memobj_create(0, PAGE);
	struct tern_received message = { .words = { op } };
	struct tern_extended extended = { .handle_count = count, .accept_count = 1 };
	tern_result result;

	for (uint32_t i = 0; i < count; i++) {
		extended.handles[i].handle = memobj;
		extended.handles[i].rights = TERN_RIGHTS_ALL;
	}
	result = tern_call_ext(port, &message, &extended);
	tern_handle_close(memobj);
	if (result > 0 && result & TERN_EVENT_HANDLES)
		tern_handle_close(message.handles[0]);
	return result < 0 ? result : (int64_t)message.words[0];
}

/* The count of objects around the test sees what is not closed. */
static void handles_are_closed_or_kept(void)
{
	start(2);
	CHECK_EQ(call_with_handles(OP_DROP, 2), 2);
	CHECK_EQ(call_with_handles(OP_TAKE, 2), 2);
	CHECK_EQ(tern_handle_info(kept) >> 16, TERN_TYPE_MEMOBJ);
	CHECK_EQ(tern_handle_close(kept), 0);
	CHECK_EQ(call_with_handles(OP_DROP, 3), -E2BIG);
	CHECK_EQ(call_with_handles(OP_TAKE, 0), -EINVAL);
	stop();
}

static void answers_bring_handles(void)
{
	start(2);
	CHECK_EQ(call_with_handles(OP_GIVE, 0), 11);
	CHECK_EQ(call_with_handles(OP_GIVE_TOO_MANY, 0), -E2BIG);
	CHECK_EQ(call(OP_GIVE, 0, 0), -E2BIG);
	stop();
}

static void *call_parked(void *flags)
{
	return (void *)call(OP_PARK, (uint64_t)flags, 0);
}

static tern_handle await_parked(void)
{
	while (!parked)
		usleep(100);
	return atomic_exchange(&parked, 0);
}

static void replies_can_be_parked(void)
{
	struct tern_received answer = { .words = { 21 } };
	pthread_t client;
	void *result;

	start(1);
	parked = 0;
	CHECK_EQ(pthread_create(&client, NULL, call_parked, (void *)0), 0);
	while (!parked)
		usleep(100);
	CHECK_EQ(call(OP_ADD, 1, 2), 3);
	CHECK_EQ(tern_reply(await_parked(), &answer), 0);
	CHECK_EQ(pthread_join(client, &result), 0);
	CHECK_EQ((int64_t)result, 21);
	CHECK_EQ(pthread_create(&client, NULL, call_parked, (void *)0), 0);
	CHECK_EQ(tern_handle_close(await_parked()), 0);
	CHECK_EQ(pthread_join(client, &result), 0);
	CHECK_EQ((int64_t)result, -EPIPE);
	stop();
}

static _Atomic int client_tid;

static void *call_cancellable(void *argument)
{
	(void)argument;
	client_tid = gettid();
	return (void *)call(OP_PARK, TERN_PARK_CANCELLABLE, 0);
}

static void interrupted_callers_are_cancelled(void)
{
	pthread_t client;
	void *result;

	start(2);
	parked = 0;
	cancelled = 0;
	CHECK_EQ(pthread_create(&client, NULL, call_cancellable, NULL), 0);
	while (!parked)
		usleep(100);
	CHECK_EQ(syscall(SYS_tkill, client_tid, INTERRUPT), 0);
	CHECK_EQ(pthread_join(client, &result), 0);
	CHECK_EQ((int64_t)result, -EINTR);
	while (!cancelled)
		usleep(100);
	CHECK_EQ(cancelled, 99);
	stop();
}

static void events_are_told(void)
{
	start(2);
	notified_bits = no_clients = 0;
	CHECK_EQ(tern_notify(port, 6), 0);
	while (!notified_bits)
		usleep(100);
	CHECK_EQ(notified_bits, FLAG_PORT * (1ul << 32) | 6);
	tern_handle_close(port);
	while (!no_clients)
		usleep(100);
	CHECK_EQ(no_clients, FLAG_PORT * (1ul << 32) | 1);
	port = tern_port_mint(owner, TERN_RIGHTS_ALL);
	CHECK_EQ(call(OP_ADD, 2, 2), 4);
	stop();
}

static void a_destroyed_listener_ends_the_server(void)
{
	start(4);
	CHECK_EQ(call(OP_ADD, 2, 2), 4);
	CHECK_EQ(tern_listener_destroy(server.listener), 0);
	CHECK_EQ(call(OP_ADD, 2, 2), -EPIPE);
	finish();
}

static void stopping_waits_for_no_client(void)
{
	for (int i = 0; i < 20; i++) {
		start(1 + (unsigned int)i % 6);
		stop();
	}
}

static void wrong_servers_end_at_once(void)
{
	struct server wrong = { .listener = 123, .call = serve };

	CHECK_EQ(server_start(&wrong), -EBADF);
	CHECK_EQ(server_run(&wrong), -EBADF);
	wrong.threads = SERVER_THREADS_MAX + 1;
	CHECK_EQ(server_run(&wrong), -EINVAL);
}

static const struct test tests[] = {
	{ "many_clients_one_worker", many_clients_one_worker },
	{ "many_clients_many_workers", many_clients_many_workers },
	{ "wrong_calls_are_answered", wrong_calls_are_answered },
	{ "windows_are_copied", windows_are_copied },
	{ "clients_call_again_after_a_fault", clients_call_again_after_a_fault },
	{ "handles_are_closed_or_kept", handles_are_closed_or_kept },
	{ "answers_bring_handles", answers_bring_handles },
	{ "replies_can_be_parked", replies_can_be_parked },
	{ "interrupted_callers_are_cancelled", interrupted_callers_are_cancelled },
	{ "events_are_told", events_are_told },
	{ "a_destroyed_listener_ends_the_server", a_destroyed_listener_ends_the_server },
	{ "stopping_waits_for_no_client", stopping_waits_for_no_client },
	{ "wrong_servers_end_at_once", wrong_servers_end_at_once },
	{ NULL, NULL },
};

int main(void)
{
	return check_run(tests) ? 1 : 0;
}
