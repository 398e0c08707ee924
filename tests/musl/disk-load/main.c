/*
 * A load for a disk whose machine is going to be switched off: names come and go, and a log grows. Says
 * after each fsync how long the log is now: so much must be there afterwards.
 */
#include <pthread.h>
#include <stdio.h>

#include "tests/musl/disk-files/supervisor.h"

#define THREADS 3
#define RECORD 3000
#define LOG_MAX (8ul << 20)

/* What tests/system/test_files.py expects. */
static char byte_at(uint64_t at)
{
	return (char)(at * 7 + (at >> 9));
}

static void *change_names(void *argument)
{
	unsigned number = (unsigned)(uintptr_t)argument;
	char path[40], other[40], bytes[2000] = { 0 };

	for (unsigned i = 0;; i++) {
		struct opened opened;

		snprintf(path, sizeof(path), "dir/new-%u-%u", number, i % 50);
		snprintf(other, sizeof(other), "dir/old-%u-%u", number, i % 17);
		opened = open_file(session, path, FILE_CREATE | FILE_WRITE, 0600);
		CHECK(opened.result >= 0);
		CHECK_EQ(write_all(&opened, bytes, sizeof(bytes)), sizeof(bytes));
		if (i % 8 == 0)
			CHECK_EQ(do_path(opened.port, FILE_FSYNC, 0, "", 0), 0);
		close_file(&opened);
		CHECK_EQ(two_paths(session, FILE_RENAME, 0, path, other), 0);
		if (i % 3 == 0)
			CHECK_EQ(do_path(session, FILE_UNLINK, 0, other, 0), 0);
	}
	return NULL;
}

int main(void)
{
	static char bytes[RECORD];
	struct opened log;

	prepare();
	start_server();
	CHECK_EQ(do_path(session, FILE_MKDIR, 0, "dir", 0755), 0);
	log = open_file(session, "log", FILE_CREATE | FILE_WRITE, 0644);
	CHECK(log.result >= 0);
	for (uintptr_t i = 0; i < THREADS; i++) {
		pthread_t thread;

		CHECK_EQ(pthread_create(&thread, NULL, change_names, (void *)i), 0);
	}
	for (uint64_t length = 0; length < LOG_MAX; length += RECORD) {
		for (uint64_t i = 0; i < RECORD; i++)
			bytes[i] = byte_at(length + i);
		CHECK_EQ(write_all(&log, bytes, RECORD), RECORD);
		CHECK_EQ(do_path(log.port, FILE_FSYNC, 0, "", 0), 0);
		printf("synced %lu\n", length + RECORD);
	}
	return 0;
}
