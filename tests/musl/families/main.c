/*
 * The posix server with tmpfs and the pipe server, and families-client as the first program; how the
 * server ends is what the client's end makes of it.
 */
#include <errno.h>
#include <stdio.h>

#include "lib/launch/launch.h"
#include "tern/ipc.h"
#include "tern/process.h"
#include "tern/start.h"
#include "tern/system.h"
#include "tests/musl/check.h"

#define PRIORITY 20
#define MEMORY (128ul << 20)
#define FILES_MEMORY (64ul << 20) /* tmpfs takes most of the account that it runs in */

static tern_handle root, pipes;

/* A persistent port of a new listener, and a client's handle that keeps it from losing its last one. */
static tern_handle listen(tern_handle *listener)
{
	tern_handle port, client;

	*listener = tern_listener_create(0, 64);
	port = tern_port_create(0, *listener, 1, TERN_PORT_PERSISTENT);
	client = tern_port_mint(port, TERN_RIGHTS_ALL);
	tern_handle_close(port);
	return client;
}

static tern_handle start(const char *const *arguments, const struct launch_handle *handles,
			 unsigned int count, tern_handle account)
{
	struct launch what = { .account = account,
			       .image = check_image(arguments[0]),
			       .arguments = arguments,
			       .handles = handles,
			       .handle_count = count,
			       .priority = PRIORITY };
	struct launched launched = { 0 };

	CHECK_EQ(launch(&what, &launched), 0);
	tern_handle_close(launched.thread);
	return launched.process;
}

static void start_files(void)
{
	static const char *const tmpfs[] = { "tmpfs", NULL }, *const pipe[] = { "pipe", NULL };
	struct launch_handle handle = { "listener", 0, TERN_RIGHTS_ALL };

	root = listen(&handle.handle);
	start(tmpfs, &handle, 1, tern_account_create(0, FILES_MEMORY));
	pipes = listen(&handle.handle);
	start(pipe, &handle, 1, 0);
}

/* The server's exit status when the client has done `what`. */
static int64_t run(const char *what)
{
	const char *const arguments[] = {
		"posix", "mount",           "/:root:tmpfs", "image", "families-client",
		"--",    "families-client", what,           NULL
	};
	const struct tern_boot_info *boot = (const struct tern_boot_info *)TERN_BOOT_PAGE;
	tern_handle account = tern_account_create(0, MEMORY);
	tern_handle listener, port = listen(&listener), process;
	struct launch_handle handles[] = {
		{ "listener", listener, TERN_RIGHTS_ALL },
		{ "bundle", boot->bundle, TERN_RIGHTS_ALL },
		{ "root", root, TERN_RIGHT_CALL },
		{ "pipe", pipes, TERN_RIGHT_CALL },
	};
	struct tern_received message = { .handle_count = 0 };
	tern_handle own = tern_listener_create(0, 1), death = tern_port_create(0, own, 1, 0);
	int64_t status;

	process = start(arguments, handles, 4, account);
	tern_process_watch(process, death);
	while ((status = tern_process_status(process)) == TERN_PROCESS_RUNNING)
		tern_wait(own, &message);
	tern_handle_close(process);
	tern_handle_close(port);
	tern_listener_destroy(own);
	tern_listener_destroy(listener);
	tern_handle_close(death);
	tern_handle_close(own);
	tern_handle_close(listener);
	tern_account_destroy(account);
	tern_handle_close(account);
	return status;
}

static void client_does_the_protocol_by_hand(void)
{
	CHECK_EQ(run("tests"), 0);
}

static void end_of_the_first_program_ends_the_system(void)
{
	CHECK_EQ(run("exit"), 7);
}

static void signal_that_ends_it_is_told(void)
{
	CHECK_EQ(run("killed"), 128 + 15);
}

static void reboot_ends_those_that_do_not_listen(void)
{
	CHECK_EQ(run("reboot"), 5);
}

static const struct test tests[] = {
	{ "client_does_the_protocol_by_hand", client_does_the_protocol_by_hand },
	{ "end_of_the_first_program_ends_the_system", end_of_the_first_program_ends_the_system },
	{ "signal_that_ends_it_is_told", signal_that_ends_it_is_told },
	{ "reboot_ends_those_that_do_not_listen", reboot_ends_those_that_do_not_listen },
	{ NULL, NULL },
};

int main(void)
{
	start_files();
	run("warm"); /* what file servers keep from then on is there */
	return check_run(tests);
}
