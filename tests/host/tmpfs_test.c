/* The file protocol, served by lib/fs and tmpfs, with memobjs that only pretend. */
#include "cmocka_all.h"

#include "tmpfs_world.h"

static void create_is_seen_by_stat(void **state)
{
	(void)state;
	assert_int_equal(make_file("a"), 0);
	assert_int_equal(stat_path("a"), 1);
	assert_int_equal(the_call.words[3] & 0xffff, S_IFREG | 0644);
	assert_int_equal(the_call.words[6], the_time);
	assert_int_equal(make_file("a"), -EEXIST);
	assert_int_equal(stat_path("b"), -ENOENT);
	assert_int_equal(stat_path("a/b"), -ENOTDIR);
	assert_int_equal(stat_path("a/"), -ENOTDIR);
	assert_int_equal(stat_path("/a"), 1);
	assert_int_equal(stat_path("/./a"), 1);
}

static void long_paths_come_in_the_window(void **state)
{
	char name[300], path[5000];

	(void)state;
	memset(name, 'n', sizeof(name));
	name[256] = 0;
	assert_int_equal(make_file(name), -ENAMETOOLONG);
	name[255] = 0;
	assert_int_equal(make_file(name), 0);
	assert_int_equal(stat_path(name), 1);
	windows_fault = true;
	assert_int_equal(stat_path(name), -EFAULT);
	windows_fault = false;
	memset(path, '/', sizeof(path));
	path[4095] = 0;
	assert_int_equal(stat_path(path), 2);
	path[4095] = '/';
	path[4096] = 0;
	assert_int_equal(stat_path(path), -ENAMETOOLONG);
}

static void directories_count_links(void **state)
{
	(void)state;
	assert_int_equal(make_directory("d"), 0);
	assert_int_equal(make_directory("d/e"), 0);
	assert_int_equal(stat_path("d"), 3);
	assert_int_equal(stat_path(""), 3);
	assert_int_equal(remove_directory("d"), -ENOTEMPTY);
	assert_int_equal(remove_file("d"), -EISDIR);
	assert_int_equal(remove_directory("d/e/"), 0);
	assert_int_equal(remove_directory("d/."), -EINVAL);
	assert_int_equal(remove_directory("d/e/.."), -ENOENT);
	assert_int_equal(remove_directory("d"), 0);
	assert_int_equal(remove_directory("/"), -EBUSY);
	assert_int_equal(stat_path(""), 2);
}

static void unlinked_file_lives_while_open(void **state)
{
	struct opened opened;

	(void)state;
	opened = open_path("f", FILE_CREATE | FILE_READ | FILE_WRITE, 0600);
	assert_true(opened.result >= 0 && opened.is_created);
	assert_int_equal(remove_file("f"), 0);
	assert_int_equal(stat_path("f"), -ENOENT);
	assert_int_equal(REQUEST(.op = FILE_STAT, .token = opened.token), 0);
	assert_int_equal(REQUEST(.op = FILE_STAT, .userdata = opened.userdata), 0);
	assert_int_equal(file_system.node_count, 2);
	close_opened(&opened);
	assert_int_equal(file_system.node_count, 1);
	assert_int_equal(REQUEST(.op = FILE_STAT, .token = opened.token), -EBADF);
	assert_int_equal(REQUEST(.op = FILE_STAT, .userdata = opened.userdata), -EPIPE);
}

static void size_and_time_follow_the_memobj(void **state)
{
	struct opened opened;

	(void)state;
	opened = open_path("f", FILE_CREATE | FILE_WRITE, 0600);
	fake_write_memobj(opened.handle, 5000);
	assert_int_equal(stat_path("f"), 1);
	assert_int_equal(the_call.words[2], 5000);
	assert_int_equal(REQUEST(.op = FILE_TRUNCATE, .path = "f", .argument = 77), 0);
	assert_int_equal(stat_path("f"), 1);
	assert_int_equal(the_call.words[2], 77);
	fake_write_memobj(opened.handle, 99);
	close_opened(&opened);
	assert_int_equal(stat_path("f"), 1);
	assert_int_equal(the_call.words[2], 99);
	opened = open_path("f", FILE_WRITE | FILE_TRUNCATED, 0);
	assert_int_equal(opened.size, 0);
	close_opened(&opened);
}

static void rename_replaces_exchanges_and_refuses(void **state)
{
	(void)state;
	assert_int_equal(make_directory("d"), 0);
	assert_int_equal(make_directory("d/e"), 0);
	assert_int_equal(make_file("a"), 0);
	assert_int_equal(make_file("b"), 0);
	assert_int_equal(rename_path("d", "d/e/x", 0), -EINVAL);
	assert_int_equal(rename_path("d", "d", 0), 0);
	assert_int_equal(rename_path("a", "d", 0), -EISDIR);
	assert_int_equal(rename_path("d", "a", 0), -ENOTDIR);
	assert_int_equal(rename_path("a", "b", FILE_NOREPLACE), -EEXIST);
	assert_int_equal(rename_path("a", "b", 0), 0);
	assert_int_equal(stat_path("a"), -ENOENT);
	assert_int_equal(rename_path("d/e", "e", 0), 0);
	assert_int_equal(stat_path("d"), 2);
	assert_int_equal(stat_path(""), 4);
	assert_int_equal(rename_path("e", "d/e", 0), 0);
	assert_int_equal(rename_path("b", "d", FILE_EXCHANGE), 0);
	assert_int_equal(stat_path("b/e"), 2);
	assert_int_equal(stat_path("d"), 1);
	assert_int_equal(rename_path("x", "y", FILE_EXCHANGE), -ENOENT);
	assert_int_equal(make_directory("full"), 0);
	assert_int_equal(rename_path("full", "b", 0), -ENOTEMPTY);
	assert_int_equal(remove_directory("b/e"), 0);
	assert_int_equal(rename_path("full", "b", 0), 0);
	assert_int_equal(stat_path("full"), -ENOENT);
	assert_int_equal(file_system.node_count, 3);
}

static void links_are_followed_and_leave(void **state)
{
	(void)state;
	assert_int_equal(make_directory("d"), 0);
	assert_int_equal(make_file("d/f"), 0);
	assert_int_equal(REQUEST(.op = FILE_SYMLINK, .path = "l", .second = "d/f"), 0);
	assert_int_equal(REQUEST(.op = FILE_STAT, .path = "l"), 1);
	assert_int_equal(the_call.words[3] & S_IFMT, S_IFREG);
	assert_int_equal(REQUEST(.op = FILE_READLINK, .path = "l"), 3);
	assert_memory_equal(answered_bytes(), "d/f", 3);
	assert_int_equal(REQUEST(.op = FILE_SYMLINK, .path = "loop", .second = "loop"), 0);
	assert_int_equal(REQUEST(.op = FILE_STAT, .path = "loop/x"), -ELOOP);
	assert_int_equal(REQUEST(.op = FILE_SYMLINK, .path = "d/up", .second = "../d/."), 0);
	assert_int_equal(REQUEST(.op = FILE_STAT, .path = "d/up/up/up/f"), 1);
	assert_int_equal(REQUEST(.op = FILE_SYMLINK, .path = "abs", .second = "/etc"), 0);
	assert_int_equal(REQUEST(.op = FILE_STAT, .path = "abs/passwd"), -EREMOTE);
	assert_int_equal(the_call.words[1], FILE_REDIRECT_ABSOLUTE);
	assert_int_equal(the_call.words[2] >> 32, 11);
	assert_memory_equal(answered_bytes(), "/etc/passwd", 11);
	assert_int_equal(REQUEST(.op = FILE_STAT, .path = "d/../../x/y"), -EREMOTE);
	assert_int_equal(the_call.words[1], FILE_REDIRECT_ABOVE);
	assert_memory_equal(answered_bytes(), "x/y", 3);
	assert_int_equal(REQUEST(.op = FILE_COVER, .path = "d", .argument = 7), 0);
	assert_int_equal(REQUEST(.op = FILE_STAT, .path = "./d/q"), -EREMOTE);
	assert_int_equal(the_call.words[1], FILE_REDIRECT_COVERED);
	assert_int_equal(the_call.words[2], FILE_REDIRECT_WORD(7, 1));
	assert_int_equal(rename_path("l", "abs/x", 0), -EREMOTE);
	assert_int_equal(the_call.words[1], FILE_REDIRECT_ABSOLUTE | FILE_REDIRECT_SECOND);
	assert_int_equal(open_path("l", FILE_NOFOLLOW | FILE_READ, 0).result, -ELOOP);
}

static void hard_links_share_a_node(void **state)
{
	(void)state;
	assert_int_equal(make_file("a"), 0);
	assert_int_equal(REQUEST(.op = FILE_LINK, .path = "a", .second = "b"), 0);
	assert_int_equal(stat_path("a"), 2);
	assert_int_equal(rename_path("a", "b", 0), 0);
	assert_int_equal(stat_path("a"), 2);
	assert_int_equal(REQUEST(.op = FILE_LINK, .path = "a", .second = "b"), -EEXIST);
	assert_int_equal(make_directory("d"), 0);
	assert_int_equal(REQUEST(.op = FILE_LINK, .path = "d", .second = "c"), -EPERM);
	assert_int_equal(remove_file("a"), 0);
	assert_int_equal(stat_path("b"), 1);
}

static void permissions_are_checked_by_session(void **state)
{
	uint64_t user, other;
	struct opened opened;

	(void)state;
	user = open_session(1000, 1000, 022);
	other = open_session(1001, 1001, 077);
	assert_true(user && other);
	assert_int_equal(REQUEST(.op = FILE_MKDIR, .path = "d", .argument = 0777, .userdata = user),
			 0);
	assert_int_equal(stat_path("d"), 2);
	assert_int_equal(the_call.words[3] & 07777, 0755);
	assert_int_equal(
		REQUEST(.op = FILE_MKDIR, .path = "d/x", .argument = 0777, .userdata = other),
		-EACCES);
	opened = open_from(user, "d/f", FILE_CREATE | FILE_WRITE, 0600);
	assert_true(opened.result >= 0);
	assert_int_equal(open_from(other, "d/f", FILE_READ, 0).result, -EACCES);
	assert_int_equal(
		REQUEST(.op = FILE_CHMOD, .path = "d/f", .argument = 0644, .userdata = other),
		-EPERM);
	assert_int_equal(REQUEST(.op = FILE_CHOWN, .path = "d/f", .argument = 0, .userdata = user),
			 -EPERM);
	/* The root is sticky. */
	assert_int_equal(REQUEST(.op = FILE_RENAME, .path = "d", .second = "e", .userdata = other),
			 -EPERM);
	assert_int_equal(
		REQUEST(.op = FILE_UNLINK, .path = "d", .flags = FILE_DIRECTORY, .userdata = other),
		-EPERM);
	assert_int_equal(REQUEST(.op = FILE_SESSION, .userdata = user), -EPERM);
	assert_int_equal(REQUEST(.op = FILE_REVOKE, .argument = user & ~(0xffUL << 56)), 0);
	assert_int_equal(REQUEST(.op = FILE_STAT, .path = "d", .userdata = user), -EPIPE);
	assert_int_equal(REQUEST(.op = FILE_STAT, .userdata = opened.userdata), 1);
	close_opened(&opened);
}

static void directories_are_read_in_batches(void **state)
{
	char name[32];

	(void)state;
	assert_int_equal(make_directory("d"), 0);
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "d/file-%d", i);
		assert_int_equal(make_file(name), 0);
	}
	assert_int_equal(count_entries("d", FS_OUT_MAX), 1000);
	assert_int_equal(count_entries("d", 300), 1000);
	assert_int_equal(count_entries("d", 16), -EINVAL);
}

static void cookies_survive_changes(void **state)
{
	char name[32], buffer[512];
	uint64_t cookie = 0, size = sizeof(buffer);
	int seen = 0;
	struct opened opened;
	int64_t result;

	(void)state;
	assert_int_equal(make_directory("d"), 0);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "d/%d", i);
		assert_int_equal(make_file(name), 0);
	}
	opened = open_path("d", FILE_READ, 0);
	while ((result = REQUEST(.op = FILE_READDIR, .token = opened.token, .argument = cookie,
				 .data = &size, .data_size = 8, .out = buffer,
				 .out_size = sizeof(buffer))) > 0) {
		cookie = the_call.words[1];
		for (int64_t at = 0; at < result;) {
			struct file_entry *entry = (struct file_entry *)(buffer + at);

			at += entry->length;
			if (entry->name[0] == '.')
				continue;
			seen++;
			snprintf(name, sizeof(name), "d/%s", entry->name);
			assert_int_equal(remove_file(name), 0);
		}
	}
	assert_int_equal(result, 0);
	assert_int_equal(seen, 100);
	close_opened(&opened);
	assert_int_equal(remove_directory("d"), 0);
}

static int64_t lock_range(uint64_t port, uint64_t token, uint32_t flags, uint64_t type,
			  int64_t start, int64_t length)
{
	int64_t range[2] = { start, length };

	return REQUEST(.op = FILE_LOCK, .flags = flags, .token = token, .argument = type,
		       .data = range, .data_size = 16, .userdata = port);
}

static void record_locks_conflict_wait_and_split(void **state)
{
	uint64_t one = open_session(0, 0, 0), two = open_session(0, 0, 0);
	struct opened file = open_from(one, "f", FILE_CREATE | FILE_READ | FILE_WRITE, 0600);
	uint64_t token = file.token;
	int64_t range[2] = { 0, 0 };

	(void)state;
	assert_int_equal(lock_range(one, token, 0, FILE_LOCK_EXCLUSIVE, 0, 100), 0);
	assert_int_equal(lock_range(one, token, 0, FILE_UNLOCK, INT64_MIN + 9, INT64_MIN + 9),
			 -EINVAL);
	assert_int_equal(lock_range(two, token, 0, FILE_LOCK_SHARED, 99, 1), -EAGAIN);
	assert_int_equal(lock_range(two, token, 0, FILE_LOCK_SHARED, 100, 0), 0);
	assert_int_equal(lock_range(one, token, 0, FILE_UNLOCK, 40, 20), 0);
	assert_int_equal(lock_range(two, token, 0, FILE_LOCK_EXCLUSIVE, 40, 20), 0);
	assert_int_equal(REQUEST(.op = FILE_GETLOCK, .token = token, .argument = 2, .data = range,
				 .data_size = 16, .userdata = two),
			 FILE_LOCK_EXCLUSIVE);
	assert_int_equal(lock_range(two, token, FILE_WAIT, FILE_LOCK_EXCLUSIVE, 0, 40), WAITS);
	/* Now one may not wait for two. */
	assert_int_equal(lock_range(one, token, FILE_WAIT, FILE_LOCK_EXCLUSIVE, 40, 1), -EDEADLK);
	answers = 0;
	assert_int_equal(lock_range(one, token, 0, FILE_UNLOCK, 0, 40), 0);
	assert_int_equal(answers, 1);
	assert_int_equal(last_answer, 0);
	assert_int_equal(lock_range(one, token, FILE_WAIT, FILE_LOCK_SHARED, 0, 1), WAITS);
	fs_lock_cancel(&file_system, file_system.waiters ? file_system.next_cookie : 0);
	assert_null(file_system.waiters);
	may_park = false;
	assert_int_equal(lock_range(one, token, FILE_WAIT, FILE_LOCK_SHARED, 0, 1), -EINTR);
	may_park = true;
	/* flock belongs to the open file, and goes with it. */
	assert_int_equal(lock_range(two, token, 0, FILE_UNLOCK, 0, 0), 0);
	assert_int_equal(lock_range(one, token, 0, FILE_UNLOCK, 0, 0), 0);
	assert_int_equal(lock_range(file.userdata, 0, FILE_DESCRIPTION, FILE_LOCK_EXCLUSIVE, 0, 0),
			 0);
	assert_int_equal(lock_range(two, token, FILE_WAIT, FILE_LOCK_SHARED, 0, 1), WAITS);
	fs_no_clients(&file_system, one);
	close_opened(&file);
	assert_int_equal(last_answer, 0);
	fs_no_clients(&file_system, two);
	assert_int_equal(file_system.lock_count, 0);
}

static void attributes_are_kept(void **state)
{
	char value[8192], buffer[8192];

	(void)state;
	memset(value, 'v', sizeof(value));
	assert_int_equal(make_file("f"), 0);
	assert_int_equal(REQUEST(.op = FILE_SETXATTR, .path = "f", .second = "user.a",
				 .data = value, .data_size = 3, .argument = 3),
			 0);
	assert_int_equal(REQUEST(.op = FILE_SETXATTR, .path = "f", .second = "user.big",
				 .data = value, .data_size = 8192, .argument = 8192),
			 0);
	assert_int_equal(
		REQUEST(.op = FILE_GETXATTR, .path = "f", .second = "user.a", .argument = 10), 3);
	assert_memory_equal(answered_bytes(), "vvv", 3);
	assert_int_equal(REQUEST(.op = FILE_GETXATTR, .path = "f", .second = "user.big",
				 .argument = 8192, .out = buffer, .out_size = 8192),
			 8192);
	assert_memory_equal(buffer, value, 8192);
	assert_int_equal(
		REQUEST(.op = FILE_GETXATTR, .path = "f", .second = "user.a", .argument = 2),
		-ERANGE);
	assert_int_equal(REQUEST(.op = FILE_GETXATTR, .path = "f", .second = "user.none"),
			 -ENODATA);
	assert_int_equal(REQUEST(.op = FILE_LISTXATTR, .path = "f", .argument = 100), 16);
	assert_memory_equal(answered_bytes(), "user.a\0user.big", 16);
	assert_int_equal(REQUEST(.op = FILE_DELXATTR, .path = "f", .second = "user.a"), 0);
	assert_int_equal(REQUEST(.op = FILE_DELXATTR, .path = "f", .second = "user.a"), -ENODATA);
}

static void exhaustion_is_an_error(void **state)
{
	(void)state;
	no_handles = true;
	assert_int_equal(open_path("f", FILE_CREATE | FILE_READ, 0600).result, -EMFILE);
	no_handles = false;
	assert_int_equal(stat_path("f"), 1);
	fake_memobjs_left = 0;
	assert_int_equal(open_path("f", FILE_READ, 0).result, -ENOSPC);
	fake_memobjs_left = INT64_MAX;
}

static void bare_files_are_their_sessions(void **state)
{
	uint64_t user = open_session(1000, 1000, 0), other = open_session(1000, 1000, 0);
	struct opened opened, second;
	int64_t before = handles_alive;

	(void)state;
	opened = open_from(user, "f", FILE_CREATE | FILE_READ | FILE_WRITE | FILE_BARE, 0600);
	assert_true(opened.result >= 0 && opened.token);
	assert_int_equal(handles_alive, before);
	assert_int_equal(REQUEST(.op = FILE_STAT, .token = opened.token, .userdata = user), 1);
	/* The memobj is there for the asking; then the last name goes. */
	assert_int_equal(REQUEST(.op = FILE_MEMOBJ, .token = opened.token, .userdata = user), 0);
	assert_int_equal(the_call.handle_count, 1);
	assert_int_equal(remove_file("f"), 0);
	assert_int_equal(file_system.node_count, 2);
	assert_int_equal(REQUEST(.op = FILE_CLOSE, .token = opened.token, .userdata = user), 0);
	assert_int_equal(file_system.node_count, 1);
	assert_int_equal(REQUEST(.op = FILE_CLOSE, .token = opened.token, .userdata = user),
			 -EBADF);
	/* With a port it outlives its session, without it does not. */
	opened = open_from(user, "a", FILE_CREATE | FILE_READ | FILE_BARE, 0600);
	second = open_from(user, "b", FILE_CREATE | FILE_READ | FILE_BARE, 0600);
	assert_int_equal(REQUEST(.op = FILE_PORT, .token = second.token, .userdata = user), 0);
	assert_int_equal(the_call.handle_count, 1);
	handles_alive--;
	assert_int_equal(REQUEST(.op = FILE_PORT, .token = second.token, .userdata = user),
			 -EINVAL);
	assert_int_equal(REQUEST(.op = FILE_CLOSE, .token = second.token, .userdata = user),
			 -EINVAL);
	fs_no_clients(&file_system, user);
	assert_int_equal(REQUEST(.op = FILE_STAT, .token = opened.token, .userdata = other),
			 -EBADF);
	assert_int_equal(REQUEST(.op = FILE_STAT, .token = second.token, .userdata = other), 1);
	close_opened(&second);
	fs_no_clients(&file_system, other);
}

/* PATH through a session or the admin port; NULL: it fails. */
static const char *path_of(uint64_t token)
{
	static char path[FILE_PATH_MAX];
	int64_t length = REQUEST(.op = FILE_PATH, .token = token, .out = path,
				 .out_size = sizeof(path));

	if (length < 0)
		return NULL;
	memmove(path, answered_bytes(), (size_t)length);
	path[length] = 0;
	return path;
}

/* The path is told by where a file was made, moved or opened last, and that name is gone when it is. */
static void files_tell_their_paths(void **state)
{
	struct opened opened, again;

	(void)state;
	make_directory("d");
	make_file("f");
	opened = open_path("f", FILE_READ, 0);
	assert_string_equal(path_of(opened.token), "/f");
	assert_int_equal(REQUEST(.op = FILE_RENAME, .path = "f", .second = "d/g"), 0);
	assert_string_equal(path_of(opened.token), "/d/g");
	assert_int_equal(REQUEST(.op = FILE_LINK, .path = "d/g", .second = "h"), 0);
	again = open_path("h", FILE_READ, 0);
	assert_string_equal(path_of(opened.token), "/h");
	assert_int_equal(REQUEST(.op = FILE_UNLINK, .path = "h"), 0);
	assert_null(path_of(opened.token));
	close_opened(&again);
	close_opened(&opened);
}

static void directories_tell_their_paths(void **state)
{
	struct opened opened;

	(void)state;
	assert_string_equal(path_of(0), "/");
	make_directory("a");
	make_directory("a/b");
	opened = open_path("a/b", FILE_PATH_ONLY | FILE_DIRECTORY, 0);
	assert_string_equal(path_of(opened.token), "/a/b");
	make_directory("a-directory-with-a-name-that-fills-registers");
	assert_int_equal(REQUEST(.op = FILE_RENAME, .path = "a/b",
				 .second = "a-directory-with-a-name-that-fills-registers/c"),
			 0);
	assert_string_equal(path_of(opened.token),
			    "/a-directory-with-a-name-that-fills-registers/c");
	assert_int_equal(remove_directory("a-directory-with-a-name-that-fills-registers/c"), 0);
	assert_null(path_of(opened.token));
	close_opened(&opened);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(create_is_seen_by_stat),
		TEST(long_paths_come_in_the_window),
		TEST(directories_count_links),
		TEST(unlinked_file_lives_while_open),
		TEST(size_and_time_follow_the_memobj),
		TEST(rename_replaces_exchanges_and_refuses),
		TEST(links_are_followed_and_leave),
		TEST(hard_links_share_a_node),
		TEST(permissions_are_checked_by_session),
		TEST(directories_are_read_in_batches),
		TEST(cookies_survive_changes),
		TEST(record_locks_conflict_wait_and_split),
		TEST(attributes_are_kept),
		TEST(exhaustion_is_an_error),
		TEST(bare_files_are_their_sessions),
		TEST(directories_tell_their_paths),
		TEST(files_tell_their_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
