/*
 * Rules of the file protocol that matter when somebody is hostile, or dies in the middle: identities that a
 * file gives, directories that are gone, locks, and sessions that end while a call of theirs is served.
 */
#include "cmocka_all.h"

#include "tmpfs_world.h"

static uint64_t mode_of(const char *path)
{
	assert_true(stat_path(path) >= 0);
	return the_call.words[3] & 07777;
}

static int64_t change_mode(uint64_t from, const char *path, uint64_t mode)
{
	return REQUEST(.op = FILE_CHMOD, .path = path, .argument = mode, .userdata = from);
}

/* ------------------------------------------------------------------------------- identities */

static void a_write_takes_set_id_bits(void **state)
{
	uint64_t user = open_session(1000, 1000, 0);
	struct opened opened;

	(void)state;
	assert_int_equal(make_file("program"), 0);
	assert_int_equal(change_mode(0, "program", 06777), 0);
	opened = open_from(user, "program", FILE_WRITE, 0);
	assert_int_equal(mode_of("program"), 06777);
	fake_write_memobj(opened.handle, 10);
	/* Who asks what the open file is must not see the old mode, either. */
	assert_int_equal(REQUEST(.op = FILE_OPENED, .argument = opened.token), S_IFREG | 0777);
	assert_int_equal(mode_of("program"), 0777);
	/* The same at the last close; but bits that are set after the write stay. */
	assert_int_equal(change_mode(0, "program", 06777), 0);
	fake_write_memobj(opened.handle, 20);
	assert_int_equal(change_mode(0, "program", 04711), 0);
	assert_int_equal(mode_of("program"), 04711);
	fake_write_memobj(opened.handle, 30);
	close_opened(&opened);
	assert_int_equal(mode_of("program"), 0711);
	/* User 0 may. Without the right to execute the group's bit means something else. */
	assert_int_equal(change_mode(0, "program", 06755), 0);
	opened = open_path("program", FILE_WRITE, 0);
	fake_write_memobj(opened.handle, 40);
	close_opened(&opened);
	assert_int_equal(mode_of("program"), 06755);
	assert_int_equal(change_mode(0, "program", 06766), 0);
	assert_int_equal(
		REQUEST(.op = FILE_TRUNCATE, .path = "program", .argument = 5, .userdata = user),
		0);
	assert_int_equal(mode_of("program"), 02766);
	fs_no_clients(&file_system, user);
}

static void nobody_makes_programs_for_a_group_of_others(void **state)
{
	uint64_t user = open_session(1000, 1000, 0);
	struct opened opened;

	(void)state;
	assert_int_equal(make_directory("d"), 0);
	assert_int_equal(REQUEST(.op = FILE_CHOWN, .path = "d", .argument = 50UL << 32), 0);
	assert_int_equal(change_mode(0, "d", 02777), 0);
	opened = open_from(user, "d/f", FILE_CREATE | FILE_WRITE, 02755);
	assert_int_equal(opened.result, S_IFREG | 0755);
	close_opened(&opened);
	assert_int_equal(
		REQUEST(.op = FILE_MKDIR, .path = "d/e", .argument = 0755, .userdata = user), 0);
	assert_int_equal(mode_of("d/e"), 02755);
	assert_int_equal(the_call.words[4] >> 32, 50);
	/* Leaving owner and group as they are needs no permission. */
	assert_int_equal(
		REQUEST(.op = FILE_CHOWN, .path = "d", .argument = UINT64_MAX, .userdata = user),
		0);
	assert_int_equal(REQUEST(.op = FILE_CHOWN, .path = "d", .argument = 50UL << 32 | UINT32_MAX,
				 .userdata = user),
			 -EPERM);
	fs_no_clients(&file_system, user);
}

static int64_t set_attribute(uint64_t from, const char *path, const char *name)
{
	return REQUEST(.op = FILE_SETXATTR, .path = path, .second = name, .data = "v",
		       .data_size = 1, .argument = 1, .userdata = from);
}

static void attributes_obey_their_owners(void **state)
{
	uint64_t user = open_session(1000, 1000, 0);
	char name[32];

	(void)state;
	assert_int_equal(make_directory("d"), 0);
	assert_int_equal(change_mode(0, "d", 01777), 0);
	assert_int_equal(set_attribute(user, "d", "user.a"), -EPERM);
	assert_int_equal(set_attribute(0, "d", "user.a"), 0);
	assert_int_equal(set_attribute(0, "d", "trusted.b"), 0);
	assert_int_equal(set_attribute(0, "d", "user.c"), 0);
	assert_int_equal(REQUEST(.op = FILE_LISTXATTR, .path = "d"), 7 + 10 + 7);
	assert_int_equal(
		REQUEST(.op = FILE_LISTXATTR, .path = "d", .argument = 100, .userdata = user), 14);
	assert_memory_equal(answered_bytes(), "user.a\0user.c", 14);
	/* A file that has all it may have can still change one. */
	for (int i = 0; set_attribute(0, "d", name) != -ENOSPC; i++)
		snprintf(name, sizeof(name), "user.%d", i);
	assert_int_equal(set_attribute(0, "d", "user.a"), 0);
	fs_no_clients(&file_system, user);
}

/* ------------------------------------------------------------------------------- directories */

static void removed_directories_know_their_parents(void **state)
{
	struct opened opened;
	char buffer[64];
	uint64_t size = sizeof(buffer);

	(void)state;
	assert_int_equal(make_directory("a"), 0);
	assert_int_equal(make_directory("a/b"), 0);
	opened = open_path("a/b", FILE_READ, 0);
	assert_int_equal(remove_directory("a/b"), 0);
	assert_int_equal(remove_directory("a"), 0);
	assert_int_equal(REQUEST(.op = FILE_STAT, .token = opened.token, .path = ".."), 0);
	assert_int_equal(REQUEST(.op = FILE_STAT, .token = opened.token, .path = "../.."), 2);
	assert_int_equal(
		REQUEST(.op = FILE_MKDIR, .token = opened.token, .path = "../c", .argument = 0700),
		-ENOENT);
	assert_int_equal(REQUEST(.op = FILE_READDIR, .token = opened.token, .data = &size,
				 .data_size = 8, .out = buffer, .out_size = sizeof(buffer)),
			 -ENOENT);
	close_opened(&opened);
	assert_int_equal(file_system.node_count, 1);
}

static void small_buffers_see_the_end(void **state)
{
	struct opened opened;
	char buffer[64];
	uint64_t size = sizeof(buffer);

	(void)state;
	assert_int_equal(make_file("f"), 0);
	opened = open_path("", FILE_READ, 0);
	for (uint64_t cookie = 0, left = 3; left; left -= left == 3 ? 2 : 1) {
		assert_true(REQUEST(.op = FILE_READDIR, .token = opened.token, .argument = cookie,
				    .data = &size, .data_size = 8, .out = buffer,
				    .out_size = size) > 0);
		cookie = the_call.words[1];
	}
	assert_int_equal(REQUEST(.op = FILE_READDIR, .token = opened.token,
				 .argument = the_call.words[1], .data = &size, .data_size = 8,
				 .out = buffer, .out_size = size),
			 0);
	close_opened(&opened);
}

static void truncating_an_empty_file_is_a_change(void **state)
{
	struct opened opened;

	(void)state;
	assert_int_equal(make_file("f"), 0);
	the_time += 1000;
	opened = open_path("f", FILE_WRITE | FILE_TRUNCATED, 0);
	close_opened(&opened);
	assert_int_equal(stat_path("f"), 1);
	assert_int_equal(the_call.words[6], the_time);
	assert_int_equal(the_call.words[7], the_time);
}

/* ------------------------------------------------------------------------------- locks */

static int64_t lock_range(uint64_t port, uint64_t token, uint32_t flags, uint64_t type,
			  int64_t start, int64_t length)
{
	int64_t range[2] = { start, length };

	return REQUEST(.op = FILE_LOCK, .flags = flags, .token = token, .argument = type,
		       .data = range, .data_size = 16, .userdata = port);
}

/* Each waits for the next one; only who closes the circle must not. */
static void long_queues_are_no_deadlock(void **state)
{
	enum { COUNT = 40 };
	uint64_t sessions[COUNT];
	struct opened file = open_path("f", FILE_CREATE | FILE_READ | FILE_WRITE, 0600);

	(void)state;
	for (int i = 0; i < COUNT; i++) {
		sessions[i] = open_session(0, 0, 0);
		assert_int_equal(lock_range(sessions[i], file.token, 0, FILE_LOCK_EXCLUSIVE, i, 1),
				 0);
	}
	for (int i = COUNT - 2; i >= 0; i--)
		assert_int_equal(lock_range(sessions[i], file.token, FILE_WAIT, FILE_LOCK_EXCLUSIVE,
					    i + 1, 1),
				 WAITS);
	assert_int_equal(
		lock_range(sessions[COUNT - 1], file.token, FILE_WAIT, FILE_LOCK_EXCLUSIVE, 0, 1),
		-EDEADLK);
	for (int i = 0; i < COUNT; i++)
		fs_no_clients(&file_system, sessions[i]);
	close_opened(&file);
	assert_int_equal(file_system.lock_count, 0);
}

/* Twenty hold what twenty others wait for, who hold what twenty others wait for ...: paths without number. */
static void finding_deadlocks_takes_no_for_ever(void **state)
{
	enum { WIDTH = 12, DEPTH = 8 };
	uint64_t sessions[DEPTH][WIDTH], last = open_session(0, 0, 0);
	struct opened file = open_path("f", FILE_CREATE | FILE_READ | FILE_WRITE, 0600);

	(void)state;
	for (int row = 0; row < DEPTH; row++) {
		for (int i = 0; i < WIDTH; i++) {
			sessions[row][i] = open_session(0, 0, 0);
			assert_int_equal(lock_range(sessions[row][i], file.token, 0,
						    FILE_LOCK_SHARED, row, 1),
					 0);
		}
	}
	for (int row = DEPTH - 2; row >= 0; row--)
		for (int i = 0; i < WIDTH; i++)
			assert_int_equal(lock_range(sessions[row][i], file.token, FILE_WAIT,
						    FILE_LOCK_EXCLUSIVE, row + 1, 1),
					 WAITS);
	assert_int_equal(lock_range(last, file.token, FILE_WAIT, FILE_LOCK_EXCLUSIVE, 0, 1), WAITS);
	fs_no_clients(&file_system, last);
	for (int i = 0; i < DEPTH * WIDTH; i++)
		fs_no_clients(&file_system, sessions[i / WIDTH][i % WIDTH]);
	close_opened(&file);
	assert_int_equal(file_system.lock_count, 0);
}

static void who_was_interrupted_has_no_lock(void **state)
{
	uint64_t one = open_session(0, 0, 0), two = open_session(0, 0, 0);
	struct opened file = open_path("f", FILE_CREATE | FILE_READ | FILE_WRITE, 0600);

	(void)state;
	assert_int_equal(lock_range(one, file.token, 0, FILE_LOCK_EXCLUSIVE, 0, 10), 0);
	assert_int_equal(lock_range(two, file.token, 0, FILE_LOCK_SHARED, 20, 10), 0);
	assert_int_equal(lock_range(two, file.token, FILE_WAIT, FILE_LOCK_EXCLUSIVE, 0, 30), WAITS);
	is_waited_for = false;
	assert_int_equal(lock_range(one, file.token, 0, FILE_UNLOCK, 0, 10), 0);
	is_waited_for = true;
	assert_int_equal(lock_range(one, file.token, 0, FILE_LOCK_EXCLUSIVE, 0, 10), 0);
	assert_int_equal(lock_range(one, file.token, 0, FILE_LOCK_SHARED, 20, 10), 0);
	assert_int_equal(lock_range(one, file.token, 0, FILE_LOCK_EXCLUSIVE, 20, 1), -EAGAIN);
	fs_no_clients(&file_system, one);
	fs_no_clients(&file_system, two);
	close_opened(&file);
	assert_int_equal(file_system.lock_count, 0);
}

/* ------------------------------------------------------------------------------- sessions */

static struct fs_operations slow_storage;
static uint64_t doomed_session;

/* While storage is asked the caller is killed, and somebody else gets its session's place. */
static int slow_create(struct fs *fs, struct fs_node *directory, const char *name, size_t length,
		       struct fs_node *node, uint64_t *cookie)
{
	if (doomed_session)
		fs_no_clients(fs, doomed_session);
	return tmpfs_operations.create(fs, directory, name, length, node, cookie);
}

static void dead_sessions_open_nothing(void **state)
{
	(void)state;
	slow_storage = tmpfs_operations;
	slow_storage.create = slow_create;
	file_system.operations = &slow_storage;
	for (int is_bare = 0; is_bare < 2; is_bare++) {
		uint32_t flags = FILE_CREATE | FILE_WRITE | (is_bare ? FILE_BARE : 0);

		doomed_session = open_session(1000, 1000, 0);
		assert_int_equal(open_from(doomed_session, "f", flags, 0600).result, -EPIPE);
		for (uint32_t i = 0; i < file_system.open_count; i++)
			assert_null(file_system.opens[i]);
		assert_int_equal(remove_file("f"), 0);
		assert_int_equal(file_system.node_count, 1);
	}
	doomed_session = 0;
}

static void ports_that_nobody_got_are_none(void **state)
{
	uint64_t user = open_session(1000, 1000, 0);
	struct opened opened = open_from(user, "f", FILE_CREATE | FILE_READ | FILE_BARE, 0600);

	(void)state;
	assert_int_equal(REQUEST(.op = FILE_PORT, .token = opened.token, .userdata = user), 0);
	fs_unsent(&the_call);
	handles_alive--;
	assert_int_equal(REQUEST(.op = FILE_CLOSE, .token = opened.token, .userdata = user), 0);
	assert_null(fs_open_at(&file_system, opened.token));
	fs_no_clients(&file_system, user);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_write_takes_set_id_bits),
		TEST(nobody_makes_programs_for_a_group_of_others),
		TEST(attributes_obey_their_owners),
		TEST(removed_directories_know_their_parents),
		TEST(small_buffers_see_the_end),
		TEST(truncating_an_empty_file_is_a_change),
		TEST(long_queues_are_no_deadlock),
		TEST(finding_deadlocks_takes_no_for_ever),
		TEST(who_was_interrupted_has_no_lock),
		TEST(dead_sessions_open_nothing),
		TEST(ports_that_nobody_got_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
