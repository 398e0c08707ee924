/*
 * extfs on a real disk: disk 0 must be an ext2, ext3 or ext4 file system. This program launches the
 * driver and extfs, works as their client, kills extfs, and ends with a clean file system.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "supervisor.h"
#include "tests/musl/files/client.h"

static void fill(char *bytes, size_t length, unsigned seed)
{
	for (size_t i = 0; i < length; i++)
		bytes[i] = (char)(i * seed + (i >> 9));
}

static char bytes[1 << 20], copy[1 << 20];

static void write_file(const char *path, size_t length, unsigned seed, bool is_synced)
{
	struct opened opened = open_file(session, path, FILE_CREATE | FILE_WRITE | FILE_TRUNCATED,
					 0644);

	CHECK(opened.result >= 0);
	if (opened.result < 0)
		return;
	fill(bytes, length, seed);
	CHECK_EQ(write_all(&opened, bytes, length), length);
	if (is_synced)
		CHECK_EQ(do_path(opened.port, FILE_FSYNC, 0, "", 0), 0);
	close_file(&opened);
}

static void check_file(const char *path, size_t length, unsigned seed)
{
	struct opened opened = open_file(session, path, FILE_READ, 0);

	CHECK(opened.result >= 0);
	if (opened.result < 0)
		return;
	CHECK_EQ(opened.size, length);
	fill(bytes, length, seed);
	memset(copy, 0xaa, length);
	CHECK_EQ(tern_stream_read(opened.data, copy, length, 0), length);
	CHECK_EQ(memcmp(bytes, copy, length), 0);
	close_file(&opened);
}

static void files_are_written_and_read(void)
{
	start_server();
	CHECK_EQ(do_path(session, FILE_MKDIR, 0, "dir", 0755), 0);
	write_file("dir/small", 5, 3, false);
	write_file("dir/large", sizeof(bytes), 7, true);
	check_file("dir/small", 5, 3);
	check_file("dir/large", sizeof(bytes), 7);
	kill_server();
}

static void what_was_synced_survives_the_servers_death(void)
{
	struct opened opened;
	struct tern_received answer = { .words = { 0 } };

	start_server();
	check_file("dir/large", sizeof(bytes), 7);
	opened = open_file(session, "dir/open", FILE_CREATE | FILE_WRITE, 0644);
	CHECK_EQ(do_path(session, FILE_SYNCFS, 0, "", 0), 0);
	kill_server();
	start_server();
	CHECK_EQ(path_call(opened.port, FILE_STAT, 0, "", 0, &answer), -EPIPE);
	close_file(&opened);
	CHECK_EQ(do_path(session, FILE_STAT, 0, "dir/open", 0), 1);
	check_file("dir/large", sizeof(bytes), 7);
	CHECK_EQ(do_path(session, FILE_UNLINK, 0, "dir/open", 0), 0);
	CHECK_EQ(do_path(session, FILE_SYNCFS, 0, "", 0), 0);
	kill_server();
}

static void sparse_files_have_holes(void)
{
	struct opened opened;
	struct tern_received answer = { .words = { 0 } };
	uint64_t far = 3ul << 30;

	start_server();
	opened = open_file(session, "sparse", FILE_CREATE | FILE_WRITE | FILE_READ, 0644);
	CHECK_EQ(do_path(opened.port, FILE_TRUNCATE, 0, "", far), 0);
	CHECK_EQ(tern_stream_seek(opened.data, (int64_t)far - 5, TERN_SEEK_SET), far - 5);
	CHECK_EQ(tern_stream_write(opened.data, "end", 3, 0), 3);
	CHECK_EQ(tern_stream_seek(opened.data, 1 << 30, TERN_SEEK_SET), 1 << 30);
	CHECK_EQ(tern_stream_read(opened.data, copy, 5000, 0), 5000);
	CHECK_EQ(copy[0] | copy[4999], 0);
	CHECK_EQ(do_path(opened.port, FILE_FSYNC, 0, "", 0), 0);
	close_file(&opened);
	CHECK_EQ(path_call(session, FILE_STAT, 0, "sparse", 0, &answer), 1);
	CHECK_EQ(answer.words[2], far);
	CHECK(answer.words[3] >> 16 < 64);
	kill_server();
}

static void *client_thread(void *argument)
{
	make_files(session, "dir/", (long)argument, 20, 4, 2);
	return NULL;
}

static void clients_in_parallel(void)
{
	struct opened directory;

	start_server();
	run_clients(client_thread);
	directory = open_file(session, "dir", FILE_READ | FILE_DIRECTORY, 0);
	CHECK_EQ(read_directory(&directory, 2000), 2 + 2 + 60);
	close_file(&directory);
	CHECK_EQ(do_path(session, FILE_SYNCFS, 0, "", 0), 0);
	kill_server();
}

static void driver_restarts_are_not_noticed(void)
{
	start_server();
	for (int i = 0; i < 5; i++) {
		tern_process_kill(driver.process, 9);
		wait_for_end(&driver);
		start_driver();
		write_file("dir/restart", 200000, (unsigned)i + 1, true);
		check_file("dir/restart", 200000, (unsigned)i + 1);
	}
	kill_server();
}

static void random_messages_do_no_harm(void)
{
	start_server();
	talk_nonsense(session);
	check_file("dir/large", sizeof(bytes), 7);
	CHECK_EQ(do_path(session, FILE_SYNCFS, 0, "", 0), 0);
	kill_server();
}

static void the_end_is_clean(void)
{
	start_server();
	CHECK_EQ(do_path(session, FILE_UNMOUNT, 0, "", 0), -EPERM);
	write_file("last", 100, 9, false);
	CHECK_EQ(do_path(admin, FILE_UNMOUNT, 0, "", 0), 0);
	while (tern_process_status(server.process) == TERN_PROCESS_RUNNING)
		usleep(1000);
	CHECK_EQ(tern_process_status(server.process), 0);
	tern_handle_close(session);
	wait_for_end(&server);
	forget_attachments();
}

static const struct test tests[] = {
	{ "files_are_written_and_read", files_are_written_and_read },
	{ "what_was_synced_survives_the_servers_death",
	  what_was_synced_survives_the_servers_death },
	{ "sparse_files_have_holes", sparse_files_have_holes },
	{ "clients_in_parallel", clients_in_parallel },
	{ "driver_restarts_are_not_noticed", driver_restarts_are_not_noticed },
	{ "random_messages_do_no_harm", random_messages_do_no_harm },
	{ "the_end_is_clean", the_end_is_clean },
	{ NULL, NULL },
};

int main(void)
{
	prepare();
	return check_run(tests) ? 1 : 0;
}
