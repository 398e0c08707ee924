/* tmpfs as a program: native clients use it, it dies, and starts again. And figures. */
#include <stdio.h>
#include <stdlib.h>

#include "lib/launch/launch.h"
#include "tern/process.h"
#include "tests/musl/files/client.h"

#define PRIORITY 20
#define MEMORY (64ul << 20) /* of the server's account: what it paid for goes with it */

static tern_handle listener, admin_owner, admin, session;
static tern_handle events, events_port;
static struct launched server;
static tern_handle account;

static void start_server(void)
{
	static const char *const arguments[] = { "tmpfs", NULL };
	struct launch_handle handle = { "listener", listener, TERN_RIGHTS_ALL };
	struct launch what = { .image = check_image("tmpfs"),
			       .arguments = arguments,
			       .handles = &handle,
			       .handle_count = 1,
			       .account = account = tern_account_create(0, MEMORY),
			       .priority = PRIORITY };

	CHECK(account > 0);
	CHECK_EQ(launch(&what, &server), 0);
	CHECK_EQ(tern_process_watch(server.process, events_port), 0);
	session = new_session(admin, 0);
	CHECK(session > 0);
}

static void stop_server(void)
{
	struct tern_received message = { .words = { 0 } };

	tern_handle_close(session);
	tern_process_kill(server.process, 9);
	while (tern_process_status(server.process) == TERN_PROCESS_RUNNING)
		tern_wait(events, &message);
	tern_handle_close(server.thread);
	tern_handle_close(server.process);
	CHECK_EQ(tern_account_destroy(account), 0);
	tern_handle_close(account);
}

static void files_keep_what_is_written(void)
{
	static char bytes[100000], copy[100000];
	struct tern_received answer = { .words = { 0 } };
	struct opened opened;

	start_server();
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 31 >> 3);
	opened = open_file(session, "f", FILE_CREATE | FILE_WRITE | FILE_READ, 0644);
	CHECK_EQ(opened.result, S_IFREG | 0644);
	CHECK_EQ(write_all(&opened, bytes, sizeof(bytes)), sizeof(bytes));
	CHECK_EQ(path_call(session, FILE_STAT, 0, "f", 0, &answer), 1);
	CHECK_EQ(answer.words[2], sizeof(bytes));
	CHECK_EQ(path_call(opened.port, FILE_STAT, 0, "", 0, &answer), 1);
	CHECK_EQ(tern_stream_seek(opened.data, 0, TERN_SEEK_SET), 0);
	CHECK_EQ(tern_stream_read(opened.data, copy, sizeof(copy), 0), sizeof(copy));
	CHECK_EQ(memcmp(bytes, copy, sizeof(copy)), 0);
	close_file(&opened);
	opened = open_file(session, "f", FILE_READ, 0);
	CHECK_EQ(opened.size, sizeof(bytes));
	CHECK_EQ(tern_stream_write(opened.data, bytes, 1, 0), -EPERM);
	close_file(&opened);
	CHECK_EQ(do_path(session, FILE_UNLINK, 0, "f", 0), 0);
	CHECK_EQ(do_path(session, FILE_STAT, 0, "f", 0), -ENOENT);
	stop_server();
}

static void names_of_any_length_are_found(void)
{
	char path[600];

	start_server();
	memset(path, 'p', sizeof(path));
	path[255] = 0;
	CHECK_EQ(do_path(session, FILE_MKDIR, 0, path, 0755), 0);
	memset(path + 255, 'q', 256);
	path[255] = '/';
	path[511] = 0;
	CHECK_EQ(do_path(session, FILE_MKDIR, 0, path, 0755), 0);
	CHECK_EQ(do_path(session, FILE_STAT, 0, path, 0), 2);
	CHECK_EQ(two_paths(session, FILE_RENAME, 0, path, "short"), 0);
	CHECK_EQ(do_path(session, FILE_STAT, 0, "short", 0), 2);
	stop_server();
}

static void permissions_hold(void)
{
	tern_handle user;
	struct opened opened;

	start_server();
	user = new_session(admin, 1000);
	CHECK(user > 0);
	CHECK(new_session(user, 0) < 0);
	CHECK_EQ(do_path(session, FILE_MKDIR, 0, "private", 0700), 0);
	CHECK_EQ(do_path(user, FILE_STAT, 0, "private/x", 0), -EACCES);
	opened = open_file(user, "mine", FILE_CREATE | FILE_WRITE, 0600);
	CHECK(opened.result >= 0);
	close_file(&opened);
	CHECK_EQ(do_path(user, FILE_CHOWN, 0, "mine", 0), -EPERM);
	tern_handle_close(user);
	stop_server();
}

static void open_files_fail_when_the_server_dies(void)
{
	struct opened opened;
	struct tern_received answer = { .words = { 0 } };

	start_server();
	opened = open_file(session, "f", FILE_CREATE | FILE_WRITE, 0600);
	CHECK_EQ(write_all(&opened, "data", 4), 4);
	stop_server();
	start_server();
	CHECK_EQ(path_call(opened.port, FILE_STAT, 0, "", 0, &answer), -EPIPE);
	CHECK_EQ(do_path(session, FILE_STAT, 0, "f", 0), -ENOENT);
	close_file(&opened);
	stop_server();
}

static void *client_thread(void *argument)
{
	make_files(session, "", (long)argument, 50, 0, 0);
	return NULL;
}

static void clients_in_parallel(void)
{
	struct opened root;

	start_server();
	run_clients(client_thread);
	root = open_file(session, "/", FILE_READ | FILE_DIRECTORY, 0);
	CHECK_EQ(read_directory(&root, 4096), 2);
	close_file(&root);
	stop_server();
}

static void random_messages_do_no_harm(void)
{
	start_server();
	talk_nonsense(session);
	CHECK_EQ(do_path(session, FILE_STAT, 0, "/", 0) > 0, 1);
	stop_server();
}

static const struct test tests[] = {
	{ "files_keep_what_is_written", files_keep_what_is_written },
	{ "names_of_any_length_are_found", names_of_any_length_are_found },
	{ "permissions_hold", permissions_hold },
	{ "open_files_fail_when_the_server_dies", open_files_fail_when_the_server_dies },
	{ "clients_in_parallel", clients_in_parallel },
	{ "random_messages_do_no_harm", random_messages_do_no_harm },
	{ NULL, NULL },
};

int main(void)
{
	tern_handle events_owner;

	listener = tern_listener_create(0, 64);
	admin_owner = tern_port_create(0, listener, 1, TERN_PORT_PERSISTENT);
	admin = tern_port_mint(admin_owner, TERN_RIGHTS_ALL);
	events = tern_listener_create(0, 16);
	events_owner = tern_port_create(0, events, 1, 0);
	events_port = tern_port_mint(events_owner, TERN_RIGHTS_ALL);
	return check_run(tests) ? 1 : 0;
}
