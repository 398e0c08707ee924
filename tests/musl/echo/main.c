/*
 * The echo server under a supervisor: this program makes its listener, launches it and its clients,
 * kills it, and launches it again on the same listener.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/launch/launch.h"
#include "proto/echo.h"
#include "tern/memobj.h"
#include "tern/process.h"
#include "tests/musl/check.h"

#define PRIORITY 20
#define CLIENTS 5
#define MANY_CLIENTS 60 /* more than the server has room for at once */

static struct launch_image server_image, client_image;
static tern_handle listener;   /* the server's, which outlives it */
static tern_handle echo_owner; /* a persistent port on it */
static tern_handle echo;       /* as a client has it */
static tern_handle events, events_owner, events_port;

static struct launched run(const struct launch_image *image, const char *name,
			   const struct launch_handle *handle)
{
	const char *const arguments[] = { name, NULL };
	struct launch what = { .image = *image,
			       .arguments = arguments,
			       .handles = handle,
			       .handle_count = 1,
			       .priority = PRIORITY };
	struct launched launched;

	CHECK_EQ(launch(&what, &launched), 0);
	CHECK_EQ(tern_process_watch(launched.process, events_port), 0);
	return launched;
}

static struct launched run_server(void)
{
	const struct launch_handle handle = { "listener", listener, TERN_RIGHTS_ALL };

	return run(&server_image, "echo-server", &handle);
}

/* A client's exit status, or the server's. */
static int64_t wait_for_end(const struct launched *launched)
{
	struct tern_received message = { .words = { 0 } };

	while (tern_process_status(launched->process) == TERN_PROCESS_RUNNING)
		tern_wait(events, &message);
	message.words[0] = (uint64_t)tern_process_status(launched->process);
	tern_handle_close(launched->thread);
	tern_handle_close(launched->process);
	return (int64_t)message.words[0];
}

static void kill_server(const struct launched *server)
{
	CHECK_EQ(tern_process_kill(server->process, 77), 0);
	CHECK_EQ(wait_for_end(server), 77);
}

static int64_t run_client(void)
{
	const struct launch_handle handle = { "echo", echo, TERN_RIGHT_CALL | TERN_RIGHT_COPY };
	struct launched client = run(&client_image, "echo-client", &handle);

	return wait_for_end(&client);
}

static void clients_are_served(void)
{
	struct launched server = run_server();

	for (int i = 0; i < CLIENTS; i++)
		CHECK_EQ(run_client(), 0);
	kill_server(&server);
}

static void sessions_are_given_back(void)
{
	struct launched server = run_server();

	for (int i = 0; i < MANY_CLIENTS; i++) {
		tern_handle session = echo_session(echo);

		for (int tries = 0; session == -ENOMEM && tries < 60000; tries++) {
			usleep(1000);
			session = echo_session(echo);
		}
		CHECK(session > 0);
		CHECK_EQ(echo_count(session), 1);
		tern_handle_close(session);
	}
	kill_server(&server);
}

static void clients_survive_a_restart(void)
{
	struct launched server = run_server(), client;
	const struct launch_handle handle = { "echo", echo, TERN_RIGHT_CALL | TERN_RIGHT_COPY };
	tern_handle session = echo_session(echo);

	CHECK_EQ(echo_value(echo, 5), 5);
	CHECK_EQ(echo_count(session), 1);
	kill_server(&server);
	/* It waits until there is a server again. */
	client = run(&client_image, "echo-client", &handle);
	usleep(20000);
	CHECK_EQ(tern_process_status(client.process), TERN_PROCESS_RUNNING);
	server = run_server();
	CHECK_EQ(wait_for_end(&client), 0);
	CHECK_EQ(echo_value(echo, 6), 6);
	/* What the dead one handed out itself is gone. */
	CHECK_EQ(echo_count(session), -EPIPE);
	tern_handle_close(session);
	kill_server(&server);
}

static const struct test tests[] = {
	{ "clients_are_served", clients_are_served },
	{ "sessions_are_given_back", sessions_are_given_back },
	{ "clients_survive_a_restart", clients_survive_a_restart },
	{ NULL, NULL },
};

int main(void)
{
	server_image = check_image("echo-server");
	client_image = check_image("echo-client");
	listener = tern_listener_create(0, 64);
	echo_owner = tern_port_create(0, listener, 0, TERN_PORT_PERSISTENT);
	echo = tern_port_mint(echo_owner, TERN_RIGHTS_ALL);
	events = tern_listener_create(0, 16);
	events_owner = tern_port_create(0, events, 1, 0);
	events_port = tern_port_mint(events_owner, TERN_RIGHTS_ALL);
	return check_run(tests) ? 1 : 0;
}
