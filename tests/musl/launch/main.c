/* Programs that are launched from the boot bundle: what they find, and how they end. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/launch/launch.h"
#include "lib/server/server.h"
#include "proto/random.h"
#include "tern/ipc.h"
#include "tern/memobj.h"
#include "tern/process.h"
#include "tern/thread.h"
#include "tests/musl/check.h"

#define PRIORITY 16

static tern_handle listener, owner, port;
static struct launch_image image;
static char *file; /* the image's bytes */

/* ------------------------------------------------------------------------------- launching */

/* Waits for a notification with one of these bits. */
static uint64_t wait_for(uint64_t bits)
{
	struct tern_received message = { 0 };

	while (tern_wait(listener, &message) != TERN_EVENT_NOTIFY || !(message.words[0] & bits))
		;
	return message.words[0];
}

static struct launch prepare(const char *const *arguments)
{
	static const char *const environment[] = { "EMPTY=", "COLOUR=green", "EMU_DEBUG=1", NULL };
	static struct launch_handle handles[2];

	handles[0] = (struct launch_handle){ "port", port, TERN_RIGHT_NOTIFY };
	handles[1] = (struct launch_handle){ "self", LAUNCH_SELF, TERN_RIGHTS_ALL };
	return (struct launch){ .image = image,
				.arguments = arguments,
				.environment = environment,
				.handles = handles,
				.handle_count = 2,
				.priority = PRIORITY };
}

/* Its exit status, or an error. */
static int64_t run_launch(const struct launch *what)
{
	struct launched launched;
	int64_t status = launch(what, &launched);

	if (status)
		return status;
	CHECK_EQ(tern_process_watch(launched.process, port), 0);
	wait_for(TERN_NOTIFY_DEATH);
	status = tern_process_status(launched.process);
	tern_handle_close(launched.thread);
	tern_handle_close(launched.process);
	return status;
}

static int64_t run(const char *action)
{
	const char *const arguments[] = { "bin/child", action, "two words", NULL };
	struct launch what = prepare(arguments);

	return run_launch(&what);
}

/* ----------------------------------------------------------------------------------- tests */

static void programs_find_what_they_were_given(void)
{
	CHECK_EQ(run("look-around"), 63);
}

static void programs_can_use_their_handles(void)
{
	const char *const arguments[] = { "child", "notify", NULL };
	struct launch what = prepare(arguments);
	struct launched launched;

	CHECK_EQ(launch(&what, &launched), 0);
	CHECK_EQ(wait_for(0x55) & 0x55, 0x55);
	CHECK_EQ(tern_process_kill(launched.process, 3), 0);
	tern_handle_close(launched.thread);
	tern_handle_close(launched.process);
}

static void exit_statuses_are_seen(void)
{
	CHECK_EQ(run("exit-0"), 0);
	CHECK_EQ(run("exit-42"), 42);
	CHECK_EQ(run("exit-255"), 255);
	CHECK_EQ(run("abort"), 128 + 6);
	CHECK_EQ(run("pthread-exit"), 0);
	CHECK_EQ(run("something else"), 99);
}

static void output_has_the_programs_name(void)
{
	CHECK_EQ(run("print"), 0);
}

static void memory_is_protected(void)
{
	CHECK_EQ(run("write-text"), TERN_STATUS_FAULT);
	CHECK_EQ(run("run-data"), TERN_STATUS_FAULT);
	CHECK_EQ(run("overflow"), TERN_STATUS_FAULT);
}

static void stacks_are_as_large_as_asked(void)
{
	const char *const arguments[] = { "child", "use-stack", NULL };
	struct launch what = prepare(arguments);

	CHECK_EQ(run_launch(&what), TERN_STATUS_FAULT);
	what.stack_length = 1 << 20;
	CHECK_EQ(run_launch(&what), 1);
}

/* In an account of its own, which is given back whole. */
static int64_t run_limited(const char *action, uint64_t limit)
{
	const char *const arguments[] = { "child", action, NULL };
	struct launch what = prepare(arguments);
	int64_t status;

	what.account = tern_account_create(0, limit);
	status = run_launch(&what);
	CHECK_EQ(tern_account_destroy(what.account), 0);
	tern_handle_close(what.account);
	return status;
}

static void accounts_limit_programs(void)
{
	CHECK_EQ(run_limited("use-memory", 2ul << 20), 7);
	CHECK_EQ(run_limited("exit-5", 16384), -ENOMEM);
}

/* 16 MiB of stacks, and less than 1024 threads need. */
static void threads_end_at_the_limit(void)
{
	CHECK_EQ(run_limited("make-threads", (16ul << 20) + (700ul << 10)), 7);
}

static int64_t run_damaged(size_t offset, uint8_t byte, const char **reason)
{
	const char *const arguments[] = { "child", "exit-9", NULL };
	struct launch what = prepare(arguments);
	struct launched launched;
	char *copy = malloc(image.length);
	int64_t status;

	memcpy(copy, file, image.length);
	copy[offset] = (char)byte;
	what.image.memobj = tern_memobj_create(0, image.length);
	what.image.offset = 0;
	CHECK_EQ(tern_memobj_write(what.image.memobj, 0, copy, image.length, 0), image.length);
	status = launch(&what, &launched);
	*reason = launched.reason;
	if (!status) {
		CHECK_EQ(tern_process_watch(launched.process, port), 0);
		wait_for(TERN_NOTIFY_DEATH);
		status = tern_process_status(launched.process);
		tern_handle_close(launched.thread);
		tern_handle_close(launched.process);
	}
	tern_handle_close(what.image.memobj);
	free(copy);
	return status;
}

static void damaged_files_are_refused(void)
{
	const char *reason;

	CHECK_EQ(run_damaged(0, 0, &reason), -ENOEXEC);
	CHECK_EQ(strcmp(reason, "not a 64-bit ELF file"), 0);
	CHECK_EQ(run_damaged(18, 62, &reason), -ENOEXEC);
	CHECK_EQ(strcmp(reason, "not for this machine"), 0);
	CHECK_EQ(run_damaged(64 + 32 + 7, 0xff, &reason), -ENOEXEC);
	CHECK_EQ(strcmp(reason, "a segment outside the file"), 0);
}

/* The file at the start of a memobj: its pages are mapped, not copied. */
static void aligned_files_are_shared(void)
{
	const char *reason;

	CHECK_EQ(run_damaged(0, 0x7f, &reason), 9);
}

static void wrong_launches_leave_nothing(void)
{
	const char *const arguments[] = { "child", NULL };
	struct launch what = prepare(arguments);
	struct launch_handle handle = { "name", 12345, TERN_RIGHTS_ALL };
	struct launched launched;

	what.handles = &handle;
	what.handle_count = 1;
	CHECK_EQ(launch(&what, &launched), -EBADF);
	handle.handle = port;
	handle.name = "";
	CHECK_EQ(launch(&what, &launched), -EINVAL);
	handle.name = "a name that is longer than";
	CHECK_EQ(launch(&what, &launched), -EINVAL);
	what = prepare(arguments);
	what.priority = TERN_PRIORITIES - 1;
	CHECK_EQ(launch(&what, &launched), -EPERM);
	what = prepare(arguments);
	what.image.length = 1000;
	CHECK_EQ(launch(&what, &launched), -ENOEXEC);
	what.handle_count = LAUNCH_HANDLES_MAX + 1;
	CHECK_EQ(launch(&what, &launched), -E2BIG);
}

static int64_t serve_random(struct server_call *call)
{
	uint64_t length = call->message.words[1];

	if (call->message.words[0] != RANDOM_OP_read || length > RANDOM_READ_MAX)
		return -EINVAL;
	for (uint64_t i = 0; i < length; i++)
		((unsigned char *)&call->message.words[1])[i] = (unsigned char)i;
	return (int64_t)length;
}

static void *run_server(void *server)
{
	CHECK_EQ(server_run(server), 0);
	return NULL;
}

static void random_bytes_come_from_a_server(void)
{
	const char *const arguments[] = { "child", "get-random", NULL };
	struct server server = { .listener = tern_listener_create(0, 16), .call = serve_random };
	tern_handle source = tern_port_create(0, server.listener, 1, 0);
	struct launch_handle handle = { "random", source, TERN_RIGHT_CALL };
	struct launch what = prepare(arguments);
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, run_server, &server), 0);
	CHECK_EQ(run_launch(&what), 1);
	what.handles = &handle;
	what.handle_count = 1;
	CHECK_EQ(run_launch(&what), 7);
	server_stop(&server);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	tern_handle_close(source);
	tern_handle_close(server.listener);
}

static void many_programs_in_turn(void)
{
	for (int i = 0; i < 20; i++)
		CHECK_EQ(run("exit-1"), 1);
}

static const struct test tests[] = {
	{ "programs_find_what_they_were_given", programs_find_what_they_were_given },
	{ "programs_can_use_their_handles", programs_can_use_their_handles },
	{ "exit_statuses_are_seen", exit_statuses_are_seen },
	{ "output_has_the_programs_name", output_has_the_programs_name },
	{ "memory_is_protected", memory_is_protected },
	{ "stacks_are_as_large_as_asked", stacks_are_as_large_as_asked },
	{ "accounts_limit_programs", accounts_limit_programs },
	{ "threads_end_at_the_limit", threads_end_at_the_limit },
	{ "damaged_files_are_refused", damaged_files_are_refused },
	{ "aligned_files_are_shared", aligned_files_are_shared },
	{ "wrong_launches_leave_nothing", wrong_launches_leave_nothing },
	{ "random_bytes_come_from_a_server", random_bytes_come_from_a_server },
	{ "many_programs_in_turn", many_programs_in_turn },
	{ NULL, NULL },
};

int main(void)
{
	image = check_image("launch-child");
	file = malloc(image.length);
	CHECK_EQ(tern_memobj_read(image.memobj, image.offset, file, image.length, 0), image.length);
	listener = tern_listener_create(0, 16);
	owner = tern_port_create(0, listener, 1, 0);
	port = tern_port_mint(owner, TERN_RIGHTS_ALL);
	return check_run(tests) ? 1 : 0;
}
