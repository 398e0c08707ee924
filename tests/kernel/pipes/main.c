/* Tests of the pipe server: the server is a process of its own, clients are threads and processes. */
#include "pipes.h"

#include "lib/pipe/server.h"

#define WORKERS 4
#define SERVICE_ID 1

static char fault_stacks[WORKERS][PIPE_WORKER_STACK];
static tern_handle served;

static void work(uint64_t argument)
{
	pipe_server_work(served, fault_stacks[argument]);
}

/* The server process's life. */
static void serve(uint64_t listener)
{
	static struct rt_thread threads[WORKERS];
	unsigned char seed[32] = { 1, 2, 3 };

	served = (tern_handle)listener;
	tern_listener_takeover(served);
	pipe_server_start(served, seed);
	for (uint64_t i = 1; i < WORKERS; i++)
		rt_thread(&threads[i], work, i, CLIENT_PRIORITY);
	work(0);
	rt_exit(0);
}

void server_restart(struct server *server)
{
	server->child.process = rt_process(0);
	rt_require(server->child.process > 0, "a server process");
	server->child.thread = rt_run(server->child.process, serve,
				      (uint64_t)rt_give(server->child.process, server->listener),
				      CLIENT_PRIORITY);
	rt_require(server->child.thread > 0, "a server thread");
}

void server_start(struct server *server)
{
	server->listener = tern_listener_create(0, 1024);
	server->owner = tern_port_create(0, server->listener, SERVICE_ID, TERN_PORT_PERSISTENT);
	server->service = tern_port_mint(server->owner, TERN_RIGHTS_ALL);
	rt_require(server->service > 0, "a service port");
	server_restart(server);
}

void server_kill(struct server *server)
{
	tern_process_kill(server->child.process, 9);
	rt_child_join(&server->child);
}

void server_stop(struct server *server)
{
	server_kill(server);
	tern_handle_close(server->service);
	tern_handle_close(server->owner);
	tern_handle_close(server->listener);
}

void get_pipe(const struct server *server, tern_handle ends[2])
{
	CHECK_EQ(pipe_create(server->service, ends, 0), 0);
}

void close_both(const tern_handle ends[2])
{
	tern_handle_close(ends[0]);
	tern_handle_close(ends[1]);
}

static const struct test tests[] = {
	{ "bytes_cross_processes", bytes_cross_processes },
	{ "death_is_end_of_file", death_is_end_of_file },
	{ "interrupted_calls_report_what_happened", interrupted_calls_report_what_happened },
	{ "bad_windows_are_refused", bad_windows_are_refused },
	{ "absent_windows_are_touched", absent_windows_are_touched },
	{ "watch_notifies", watch_notifies },
	{ "guarded_copy_survives_a_missing_page", guarded_copy_survives_a_missing_page },
	{ "destroyed_payer_harms_its_pipe_alone", destroyed_payer_harms_its_pipe_alone },
	{ "sockets_connect_and_pass_handles", sockets_connect_and_pass_handles },
	{ "fifo_connects_processes", fifo_connects_processes },
	{ "many_pipes_keep_their_bytes", many_pipes_keep_their_bytes },
	{ "random_messages_do_no_harm", random_messages_do_no_harm },
	{ "killed_server_leaves_nobody_waiting", killed_server_leaves_nobody_waiting },
};

TEST_MAIN(tests)
