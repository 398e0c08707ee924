/*
 * devfs and the pipe server as programs: this program makes their listeners, launches them, kills
 * them, and gives devfs a source of random bytes and a console that are threads of its own.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/launch/launch.h"
#include "lib/server/server.h"
#include "proto/file.h"
#include "proto/io.h"
#include "proto/pipe.h"
#include "proto/random.h"
#include "proto/tty.h"
#include "tern/memobj.h"
#include "tern/process.h"
#include "tern/thread.h"
#include "tests/musl/check.h"

#define PRIORITY 20
#define FUZZ_CALLS 4000
#define RESTARTS 10
#define ROOT_USER 0
#define SOME_USER 1000

/* A program with a listener that outlives it, and a trusted persistent port on that. */
struct program {
	const char *name;
	struct launch_image image;
	tern_handle listener, owner, port;
	struct launched launched;
};

static struct program devfs = { .name = "devfs" }, pipes = { .name = "pipe" };

/* The source of random bytes: counts up. */
static struct server source;
static pthread_t source_thread;
static tern_handle source_owner, source_port;
static uint64_t source_state;
static bool source_fails;

static tern_handle console_listener, console_owner, console_port;

static int64_t give_random(struct server_call *call)
{
	uint64_t count = call->message.words[1];

	if (source_fails)
		return -EIO;
	for (int i = 1; i < TERN_MESSAGE_WORDS; i++)
		call->message.words[i] = ++source_state * 0x9e3779b97f4a7c15;
	return (int64_t)count;
}

static void *run_source(void *unused)
{
	server_run(&source);
	return unused;
}

static void start(struct program *program)
{
	const char *const arguments[] = { program->name, NULL };
	const struct launch_handle handles[] = {
		{ "listener", program->listener, TERN_RIGHTS_ALL },
		{ "random", source_port, TERN_RIGHT_CALL | TERN_RIGHT_COPY },
		{ "console", console_port, TERN_RIGHTS_ALL },
	};
	struct launch what = { .image = program->image,
			       .arguments = arguments,
			       .handles = handles,
			       .handle_count = 3,
			       .priority = PRIORITY };

	CHECK_EQ(launch(&what, &program->launched), 0);
}

static tern_handle deaths, deaths_port;

/* Returns when it has ended: until then calls may still come to it. */
static void stop(struct program *program)
{
	struct tern_received message = { 0 };

	CHECK_EQ(tern_process_status(program->launched.process), TERN_PROCESS_RUNNING);
	CHECK_EQ(tern_process_watch(program->launched.process, deaths_port), 0);
	CHECK_EQ(tern_process_kill(program->launched.process, 9), 0);
	CHECK_EQ(tern_wait(deaths, &message), TERN_EVENT_NOTIFY);
	tern_handle_close(program->launched.thread);
	tern_handle_close(program->launched.process);
}

static void prepare(struct program *program)
{
	program->image = check_image(program->name);
	program->listener = tern_listener_create(0, 64);
	program->owner = tern_port_create(0, program->listener, 1, TERN_PORT_PERSISTENT);
	program->port = tern_port_mint(program->owner, TERN_RIGHTS_ALL);
}

/* ------------------------------------------------------------------------------ the file protocol */

static tern_handle session(uint32_t uid)
{
	struct file_identity identity = { .uid = uid, .gid = uid, .pid = 1 };
	struct tern_received message = { .words = { 0, 0, sizeof(identity) } };
	const struct file_long_call call = { .op = FILE_SESSION,
					     .payload = &identity,
					     .payload_length = sizeof(identity),
					     .accept = 1 };

	CHECK_EQ(file_call_long(devfs.port, &call, &message), 0);
	return message.handle_count ? message.handles[0] : -1;
}

static int64_t call_path(tern_handle port, unsigned int op, const char *path,
			 struct tern_received *message)
{
	*message = (struct tern_received){ .words = { 0 } };
	return file_call(port, op, 0, path, strlen(path), message);
}

static int64_t stat_path(tern_handle port, const char *path, struct tern_received *message)
{
	return call_path(port, FILE_STAT, path, message);
}

/* The device's port, the file port closed; or the error. */
static tern_handle open_device(tern_handle port, const char *path, uint32_t flags)
{
	struct tern_received message = { .words = { 0 } };
	const struct file_long_call call = { .op = FILE_OPEN,
					     .flags = flags,
					     .length = strlen(path),
					     .payload = path,
					     .payload_length = strlen(path),
					     .accept = 2 };
	int64_t result = file_call_long(port, &call, &message);

	if (result < 0)
		return result;
	CHECK_EQ(message.handle_count, 2);
	tern_handle_close(message.handles[0]);
	return message.handles[1];
}

static void names_are_found(void)
{
	struct tern_received message;
	tern_handle port;

	start(&devfs);
	port = session(SOME_USER);
	CHECK_EQ(stat_path(port, "null", &message), 1);
	CHECK_EQ(message.words[2], 0x103);
	CHECK_EQ(message.words[3], S_IFCHR | 0666);
	CHECK_EQ(stat_path(port, "/char/../null", &message), 1);
	CHECK_EQ(stat_path(port, "", &message), 2);
	CHECK_EQ(stat_path(port, "char/1:9", &message), 1);
	CHECK_EQ(message.words[2], 0x109);
	CHECK_EQ(stat_path(port, "nul", &message), -ENOENT);
	CHECK_EQ(stat_path(port, "null/x", &message), -ENOTDIR);
	CHECK_EQ(stat_path(port, "null/", &message), -ENOTDIR);
	CHECK_EQ(stat_path(port, "../etc/passwd", &message), -EREMOTE);
	CHECK_EQ(message.words[1], FILE_REDIRECT_ABOVE);
	CHECK_EQ(message.words[2] >> 32, 10);
	CHECK_EQ(memcmp(&message.words[3], "etc/passwd", 10), 0);
	CHECK_EQ(call_path(port, FILE_MKDIR, "new", &message), -EROFS);
	CHECK_EQ(call_path(port, FILE_UNLINK, "null", &message), -EROFS);
	tern_handle_close(port);
	stop(&devfs);
}

/* A buffer for few entries, and one for hardly more than one. */
static void list_names(tern_handle port, uint64_t size)
{
	char out[200] __attribute__((aligned(8))) = "";
	const struct file_long_call call = { .op = FILE_READDIR,
					     .payload = &size,
					     .payload_length = sizeof(size),
					     .out = out,
					     .out_length = size };
	int names = 0, nulls = 0;
	uint64_t cookie = 0;
	int64_t used;

	do {
		struct tern_received message = { .words = { 0, 0, cookie } };

		used = file_call_long(port, &call, &message);
		cookie = message.words[1];
		for (int64_t at = 0; at < used;) {
			const struct file_entry *entry = (const struct file_entry *)(out + at);

			names++;
			nulls += !strcmp(entry->name, "null");
			at += entry->length ? entry->length : used;
		}
	} while (used > 0);
	CHECK_EQ(used, 0);
	CHECK_EQ(nulls, 1);
	CHECK_EQ(names, 2 + 11);
}

static void directory_lists_each_name_once(void)
{
	tern_handle port;

	start(&devfs);
	port = session(SOME_USER);
	list_names(port, 200);
	list_names(port, 40);
	tern_handle_close(port);
	stop(&devfs);
}

static void devices_do_what_they_are_known_for(void)
{
	static char bytes[100000];
	struct io_attributes attributes = { 0 };
	tern_handle port, device;

	start(&devfs);
	port = session(SOME_USER);
	device = open_device(port, "null", FILE_READ | FILE_WRITE);
	CHECK_EQ(io_read(device, bytes, 100, 0, 0), 0);
	CHECK_EQ(io_write(device, bytes, sizeof(bytes), 0, 0), sizeof(bytes));
	CHECK_EQ(io_write(device, bytes, 3, 0, 0), 3);
	CHECK_EQ(io_poll(device, IO_IN | IO_OUT, 0, 0), IO_IN | IO_OUT);
	CHECK_EQ(io_attributes(device, &attributes), 0);
	CHECK_EQ(attributes.device, 1ul << 32 | 3);
	tern_handle_close(device);
	device = open_device(port, "zero", FILE_READ);
	memset(bytes, 1, sizeof(bytes));
	CHECK_EQ(io_read(device, bytes, sizeof(bytes), 0, 0), sizeof(bytes));
	CHECK_EQ(bytes[0] | bytes[sizeof(bytes) - 1], 0);
	bytes[2] = 5;
	CHECK_EQ(io_read(device, bytes, 3, 0, 0), 3);
	CHECK_EQ(bytes[2], 0);
	CHECK_EQ(io_write(device, bytes, 3, 0, 0), -EBADF);
	tern_handle_close(device);
	device = open_device(port, "full", FILE_READ | FILE_WRITE);
	CHECK_EQ(io_write(device, bytes, 3, 0, 0), -ENOSPC);
	CHECK_EQ(io_read(device, bytes, 3, 0, 0), 3);
	CHECK_EQ(io_control(device, 1, 2, NULL, 0), -ENOTTY);
	tern_handle_close(device);
	tern_handle_close(port);
	stop(&devfs);
}

static void random_bytes_need_a_source(void)
{
	static unsigned char a[5000], b[5000];
	int same = 0;
	tern_handle port, device;

	source_fails = true;
	start(&devfs);
	port = session(SOME_USER);
	device = open_device(port, "urandom", FILE_READ | FILE_WRITE);
	CHECK_EQ(io_read(device, a, 20, 0, 0), -EIO);
	source_fails = false;
	CHECK_EQ(io_read(device, a, 20, 0, 0), 20);
	CHECK_EQ(io_read(device, a, sizeof(a), 0, 0), sizeof(a));
	CHECK_EQ(io_write(device, a, 1000, 0, 0), 1000);
	CHECK_EQ(io_read(device, b, sizeof(b), 0, 0), sizeof(b));
	for (size_t i = 0; i < sizeof(a); i++)
		same += a[i] == b[i];
	CHECK(same < 60); /* 20 is to be expected */
	tern_handle_close(device);
	tern_handle_close(port);
	stop(&devfs);
}

static void console_is_for_its_owner(void)
{
	tern_handle port, console;

	start(&devfs);
	port = session(SOME_USER);
	CHECK_EQ(open_device(port, "console", FILE_READ), -EACCES);
	tern_handle_close(port);
	port = session(ROOT_USER);
	console = open_device(port, "console", FILE_READ);
	CHECK(console > 0);
	tern_handle_close(console);
	tern_handle_close(port);
	stop(&devfs);
}

static void devices_survive_a_restart(void)
{
	struct tern_received message;
	char bytes[10];
	tern_handle port, device;

	start(&devfs);
	port = session(SOME_USER);
	device = open_device(port, "zero", FILE_READ);
	for (int i = 0; i < RESTARTS; i++) {
		stop(&devfs);
		start(&devfs);
		CHECK_EQ(io_read(device, bytes, sizeof(bytes), 0, 0), sizeof(bytes));
		CHECK_EQ(stat_path(port, "null", &message), -EPIPE);
		tern_handle_close(port);
		port = session(SOME_USER);
	}
	CHECK_EQ(stat_path(port, "null", &message), 1);
	tern_handle_close(device);
	tern_handle_close(port);
	stop(&devfs);
}

/* `flags` are set in any case. */
static void call_nonsense(tern_handle port, uint32_t flags, uint64_t *random)
{
	static char window[8192];
	struct tern_received message = { .words = { check_random(random) } };
	struct tern_extended extended = { .accept_count = 4 };
	int64_t result;

	/* Operations that exist, mostly. */
	if (check_random(random) % 4)
		message.words[0] = message.words[0] & ~0xffffffffffff00ff;
	if (check_random(random) % 2)
		message.words[0] = check_random(random) % 32 | (check_random(random) % 64) << 8;
	message.words[0] |= flags;
	for (int i = 1; i < TERN_MESSAGE_WORDS; i++)
		message.words[i] = check_random(random) % 3 ? check_random(random) % 300
							    : check_random(random);
	for (size_t i = 0; i < sizeof(window); i++)
		window[i] = "./null"[check_random(random) % 6];
	extended.in_address = extended.out_address = (uint64_t)window;
	extended.in_length = check_random(random) % sizeof(window);
	extended.out_length = check_random(random) % sizeof(window);
	result = tern_call_ext(port, &message, &extended);
	for (uint64_t i = 0; result >= 0 && i < message.handle_count; i++)
		tern_handle_close(message.handles[i]);
}

static void random_messages_do_no_harm(void)
{
	struct tern_received message;
	uint64_t random = 12345;
	tern_handle ports[3];

	start(&devfs);
	ports[0] = session(SOME_USER);
	ports[1] = open_device(ports[0], "urandom", FILE_READ | FILE_WRITE);
	ports[2] = devfs.port;
	for (int i = 0; i < FUZZ_CALLS; i++)
		call_nonsense(ports[check_random(&random) % 3], 0, &random);
	tern_handle_close(ports[0]);
	ports[0] = session(SOME_USER);
	CHECK_EQ(stat_path(ports[0], "null", &message), 1);
	tern_handle_close(ports[0]);
	tern_handle_close(ports[1]);
	stop(&devfs);
}

/* ---------------------------------------------------------------------------- pseudo-terminals */

/* A master, a slave and the control port. */
static void open_terminal(tern_handle files, tern_handle ports[3])
{
	struct tern_received message = { .words = { 0 } };
	struct file_long_call call = { .op = FILE_OPEN, .flags = FILE_PATH_ONLY, .accept = 2 };
	tern_handle file;
	uint32_t value = 0;
	char path[16];

	ports[0] = open_device(files, "ptmx", FILE_READ | FILE_WRITE);
	CHECK_EQ(io_control(ports[0], TTY_SET_LOCK, 0, &value, sizeof(value)), 0);
	CHECK_EQ(io_control(ports[0], TTY_NUMBER, 0, &value, sizeof(value)), 0);
	snprintf(path, sizeof(path), "pts/%u", value);
	ports[1] = open_device(files, path, FILE_READ | FILE_WRITE);
	call.length = call.payload_length = strlen(path);
	call.payload = path;
	CHECK(file_call_long(files, &call, &message) > 0);
	file = message.handles[0];
	call = (struct file_long_call){ .op = FILE_TERMINAL, .payload = "", .accept = 1 };
	message.words[2] = message.words[1];
	message.words[1] = 0;
	CHECK_EQ(file_call_long(files, &call, &message), -EACCES);
	CHECK_EQ(file_call_long(devfs.port, &call, &message), 0);
	CHECK_EQ(message.words[1], 136ul << 32 | value);
	ports[2] = message.handles[0];
	tern_handle_close(file);
}

static void terminals_work(const tern_handle ports[3])
{
	char bytes[2] = "";

	CHECK_EQ(io_write(ports[0], "a\n", 2, 0, IO_NONBLOCK), 2);
	CHECK_EQ(io_read(ports[1], bytes, 2, 0, IO_NONBLOCK), 2);
	CHECK_EQ(bytes[0], 'a');
	CHECK_EQ(tern_notify(ports[2], TTY_HANG_UP), 0);
	for (int i = 0; i < 60000 && !(io_poll(ports[1], 0, 0, 0) & IO_HANGUP); i++)
		usleep(1000);
	CHECK_EQ(io_read(ports[1], bytes, 2, 0, 0), 0);
	CHECK_EQ(io_write(ports[1], bytes, 2, 0, 0), -EIO);
	for (int i = 0; i < 3; i++)
		tern_handle_close(ports[i]);
}

static void random_messages_to_terminals_do_no_harm(void)
{
	tern_handle files, ports[3];
	uint64_t random = 54321;

	start(&devfs);
	files = session(ROOT_USER);
	for (int round = 0; round < 4; round++) {
		open_terminal(files, ports);
		for (int i = 0; i < FUZZ_CALLS / 2; i++)
			call_nonsense(ports[check_random(&random) % 3], IO_NONBLOCK, &random);
		for (int i = 0; i < 3; i++)
			tern_handle_close(ports[i]);
	}
	open_terminal(files, ports);
	terminals_work(ports);
	tern_handle_close(files);
	stop(&devfs);
}

static void pipe_server_restarts(void)
{
	tern_handle ends[2] = { 0 };
	char byte;

	for (int i = 0; i < RESTARTS; i++) {
		start(&pipes);
		CHECK_EQ(pipe_create(pipes.port, ends, 0), 0);
		CHECK_EQ(io_write(ends[1], "x", 1, 0, 0), 1);
		CHECK_EQ(io_read(ends[0], &byte, 1, 0, 0), 1);
		stop(&pipes);
		start(&pipes);
		CHECK_EQ(io_read(ends[0], &byte, 1, 0, 0), -EPIPE);
		tern_handle_close(ends[0]);
		tern_handle_close(ends[1]);
		stop(&pipes);
	}
}

static const struct test tests[] = {
	{ "names_are_found", names_are_found },
	{ "directory_lists_each_name_once", directory_lists_each_name_once },
	{ "devices_do_what_they_are_known_for", devices_do_what_they_are_known_for },
	{ "random_bytes_need_a_source", random_bytes_need_a_source },
	{ "console_is_for_its_owner", console_is_for_its_owner },
	{ "devices_survive_a_restart", devices_survive_a_restart },
	{ "random_messages_do_no_harm", random_messages_do_no_harm },
	{ "random_messages_to_terminals_do_no_harm", random_messages_to_terminals_do_no_harm },
	{ "pipe_server_restarts", pipe_server_restarts },
	{ NULL, NULL },
};

int main(void)
{
	char byte;

	source.listener = tern_listener_create(0, 64);
	source.call = give_random;
	source_owner = tern_port_create(0, source.listener, 1, 0);
	source_port = tern_port_mint(source_owner, TERN_RIGHTS_ALL);
	pthread_create(&source_thread, NULL, run_source, NULL);
	CHECK_EQ(random_read(source_port, &byte, 1), 1); /* it runs */
	console_listener = tern_listener_create(0, 64);
	console_owner = tern_port_create(0, console_listener, 1, 0);
	console_port = tern_port_mint(console_owner, TERN_RIGHTS_ALL);
	deaths = tern_listener_create(0, 16);
	deaths_port = tern_port_create(0, deaths, 1, 0);
	prepare(&devfs);
	prepare(&pipes);
	return check_run(tests) ? 1 : 0;
}
