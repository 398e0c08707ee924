/*
 * What file operations cost, in instructions of the whole machine without those of idle time (icount, one
 * hart): lines `BENCH name figure` for study/servers_bars.json, and `FIGURE` for more detail. Figures of
 * tmpfs have plain names, those of ext4 a prefix where there are both. Disk 0 is an ext4 file system with
 * room for 80 MiB.
 *
 * The counter goes on while a hart sleeps. So it never does: a thread of the lowest priority counts its
 * own rounds while the disk is at work, and those are taken off.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tern/thread.h"
#include "tests/musl/disk-files/supervisor.h"

#define ROUNDS 200
#define SYNC_ROUNDS 50
#define FILE_BYTES (64ul << 20)
#define STEP (64ul << 10)
#define ROUND_INSTRUCTIONS 4

static tern_handle files; /* the session that is measured */
static char buffer[STEP];
static volatile uint64_t idle_rounds;

static volatile uint32_t is_over;

static void *idle(void *unused)
{
	uint64_t rounds = idle_rounds, over;

	tern_thread_set_priority(TERN_SELF_THREAD, 1);
	__asm__ volatile("1: addi %0, %0, 1\n"
			 "   sd %0, (%2)\n"
			 "   lw %1, (%3)\n"
			 "   beqz %1, 1b"
			 : "+r"(rounds), "=&r"(over)
			 : "r"(&idle_rounds), "r"(&is_over)
			 : "memory");
	return unused;
}

static uint64_t instructions(void)
{
	uint64_t count;

	__asm__ volatile("rdinstret %0" : "=r"(count));
	return count - idle_rounds * ROUND_INSTRUCTIONS;
}

/* `kind` is BENCH for what servers_bars.json names, FIGURE for the rest. */
static void report(const char *kind, const char *prefix, const char *name, uint64_t figure)
{
	printf("%s %s%s %lu\n", kind, prefix, name, figure);
}

static void stat_file(const char *path)
{
	CHECK(do_path(files, FILE_STAT, 0, path, 0) > 0);
}

static void open_close(const char *path)
{
	struct opened opened = open_file(files, path, FILE_READ, 0);

	CHECK(opened.result >= 0);
	close_file(&opened);
}

static void open_close_memobj(const char *path)
{
	struct opened opened = open_file(files, path, FILE_READ | FILE_WITH_MEMOBJ, 0);

	CHECK(opened.result >= 0);
	close_file(&opened);
}

static void open_close_port(const char *path)
{
	struct opened opened = open_file(files, path, FILE_PATH_ONLY, 0);

	CHECK(opened.result >= 0);
	close_file(&opened);
}

static void create_unlink(const char *path)
{
	struct opened opened = open_file(files, path, FILE_CREATE | FILE_WRITE, 0600);

	CHECK(opened.result >= 0);
	close_file(&opened);
	CHECK_EQ(do_path(files, FILE_UNLINK, 0, path, 0), 0);
}

static void list(const char *path)
{
	struct opened opened = open_file(files, path, FILE_READ | FILE_DIRECTORY, 0);

	CHECK_EQ(read_directory(&opened, 32768), 102);
	close_file(&opened);
}

static uint64_t cost_of(void (*operation)(const char *path), const char *path, uint64_t rounds)
{
	uint64_t before;

	for (uint64_t i = 0; i < rounds / 10; i++)
		operation(path);
	before = instructions();
	for (uint64_t i = 0; i < rounds; i++)
		operation(path);
	return (instructions() - before) / rounds;
}

static void make_tree(void)
{
	char path[40];

	do_path(files, FILE_MKDIR, 0, "a", 0755);
	do_path(files, FILE_MKDIR, 0, "a/b", 0755);
	do_path(files, FILE_MKDIR, 0, "a/b/c", 0755);
	do_path(files, FILE_MKDIR, 0, "a/b/c/d", 0755);
	do_path(files, FILE_MKDIR, 0, "list", 0755);
	do_path(files, FILE_MKNOD, 0, "f", S_IFREG | 0644);
	do_path(files, FILE_MKNOD, 0, "a/b/c/d/f", S_IFREG | 0644);
	for (int i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), "list/file-%d", i);
		do_path(files, FILE_MKNOD, 0, path, S_IFREG | 0644);
	}
}

static void measure_names(const char *prefix)
{
	static const struct {
		const char *kind, *name, *path;
		void (*operation)(const char *path);
	} rows[] = {
		{ "BENCH", "stat", "f", stat_file },
		{ "FIGURE", "stat_5", "a/b/c/d/f", stat_file },
		{ "BENCH", "open_close_1", "f", open_close },
		{ "BENCH", "open_close_5", "a/b/c/d/f", open_close },
		{ "FIGURE", "open_close_memobj", "f", open_close_memobj },
		{ "FIGURE", "open_close_path_only", "f", open_close_port },
		{ "BENCH", "create_unlink", "new", create_unlink },
		{ "BENCH", "readdir_100", "list", list },
	};

	make_tree();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		report(rows[i].kind, prefix, rows[i].name,
		       cost_of(rows[i].operation, rows[i].path, ROUNDS));
}

static void write_large(const char *prefix, bool is_synced)
{
	struct opened opened = open_file(files, "large", FILE_CREATE | FILE_WRITE, 0644);
	uint64_t before = instructions();

	for (uint64_t at = 0; at < FILE_BYTES; at += STEP)
		CHECK_EQ(write_all(&opened, buffer, STEP), STEP);
	if (is_synced)
		CHECK_EQ(do_path(opened.port, FILE_FSYNC, 0, "", 0), 0);
	report("BENCH", prefix, "seq_write", (instructions() - before) / (FILE_BYTES >> 10));
	close_file(&opened);
}

static void read_large(const char *kind, const char *name)
{
	struct opened opened = open_file(files, "large", FILE_READ, 0);
	uint64_t before = instructions();

	for (uint64_t at = 0; at < FILE_BYTES; at += STEP)
		CHECK_EQ(tern_stream_read(opened.data, buffer, STEP, 0), STEP);
	report(kind, "", name, (instructions() - before) / (FILE_BYTES >> 10));
	close_file(&opened);
}

static void sync_once(const char *path)
{
	struct opened opened = open_file(files, path, FILE_WRITE, 0);

	CHECK_EQ(write_all(&opened, buffer, 4096), 4096);
	CHECK_EQ(do_path(opened.port, FILE_FSYNC, 0, "", 0), 0);
	close_file(&opened);
}

/* A cold read, and how many requests the device had on the average when it got one. */
static void read_cold(void)
{
	struct block_disk before = { .port = disk }, after = before;
	uint64_t hundredths;

	CHECK_EQ(block_update(&before), 0);
	read_large("BENCH", "seq_read_cold");
	CHECK_EQ(block_update(&after), 0);
	hundredths = (after.info.in_flight_sum - before.info.in_flight_sum) * 100 /
		     (after.info.operations - before.info.operations);
	printf("BENCH disk_queue_mean %lu.%02lu\n", hundredths / 100, hundredths % 100);
}

/* Clients are less important than their servers, as in the manifest. */
static void *be_client(void *measure)
{
	tern_thread_set_priority(TERN_SELF_THREAD, PRIORITY - 4);
	((void (*)(void))measure)();
	return NULL;
}

static void as_client(void (*measure)(void))
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, be_client, measure), 0);
	pthread_join(thread, NULL);
}

/* What waits for the disk. */
static void as_client_of_disk(void (*measure)(void))
{
	pthread_t thread;

	is_over = 0;
	CHECK_EQ(pthread_create(&thread, NULL, idle, NULL), 0);
	as_client(measure);
	is_over = 1;
	pthread_join(thread, NULL);
}

static void measure_ext4_names(void)
{
	measure_names("ext4_");
}

static void measure_ext4_large(void)
{
	write_large("ext4_", true);
	read_large("FIGURE", "ext4_seq_read_cached");
}

static void measure_ext4_fsync(void)
{
	report("BENCH", "", "fsync_4k", cost_of(sync_once, "f", SYNC_ROUNDS));
}

static void measure_extfs(void)
{
	start_server();
	files = session;
	as_client(measure_ext4_names);
	as_client_of_disk(measure_ext4_large);
	kill_server();
	start_server();
	files = session;
	as_client_of_disk(read_cold);
	as_client_of_disk(measure_ext4_fsync);
	kill_server();
}

static void measure_tmpfs_files(void)
{
	measure_names("");
	write_large("", false);
	read_large("FIGURE", "seq_read");
}

static void measure_tmpfs(void)
{
	tern_handle tmpfs_listener = tern_listener_create(0, 64);
	tern_handle owner = tern_port_create(0, tmpfs_listener, 1, TERN_PORT_PERSISTENT);
	const struct launch_handle handle = { "listener", tmpfs_listener, TERN_RIGHTS_ALL };

	run("tmpfs", &handle, 1, 0);
	files = new_session(tern_port_mint(owner, TERN_RIGHTS_ALL), 0);
	as_client(measure_tmpfs_files);
}

int main(void)
{
	tern_thread_set_priority(TERN_SELF_THREAD, PRIORITY);
	prepare();
	measure_tmpfs();
	measure_extfs();
	return 0;
}
