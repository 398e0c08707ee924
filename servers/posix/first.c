/*
 * The first program: the image of the bundle, which finds the program's arguments as its own and loads
 * it. All programs are paid by one account, which has what the server's own does not need.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/bundle/bundle.h"
#include "lib/launch/launch.h"
#include "posix.h"
#include "tern/memobj.h"
#include "tern/memory.h"
#include "tern/process.h"
#include "tern/start.h"

#define OWN_NEED (8l << 20) /* the server's own, for as many processes as there can be ... */
#define OWN_PART 6          /* ... or, if memory is scarce, such a part of it */
#define PRIORITY 16
#define RUN_MAX 65536 /* a command may be a whole script */
#define BUNDLE_MAX (1ul << 30)

tern_handle programs;

static const char *const environment[] = {
	"HOME=/root",   "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
	"TERM=linux",   "USER=root",
	"LOGNAME=root", "SHELL=/bin/sh",
	"PWD=/",        NULL,
};

static const char *bundle;
static uint64_t bundle_length;
static struct launch_image image; /* of all programs */

/* In whole pages; the kernel tells where a memobj ends only by reading. */
static uint64_t length_of(tern_handle memobj)
{
	uint64_t low = 0, high = BUNDLE_MAX / TERN_PAGE_SIZE;
	char byte;

	while (low < high) {
		uint64_t middle = (low + high) / 2;

		if (tern_memobj_read(memobj, middle * TERN_PAGE_SIZE, &byte, 1, 0) == 1)
			low = middle + 1;
		else
			high = middle;
	}
	return low * TERN_PAGE_SIZE;
}

static void map_bundle(tern_handle memobj)
{
	bundle_length = length_of(memobj);
	bundle = (const char *)require(
		tern_region_map(TERN_SELF_PROCESS, memobj, 0, 0, bundle_length, TERN_MAP_READ),
		"bundle");
}

static void make_account(void)
{
	tern_result limit = tern_account_info(0, TERN_ACCOUNT_LIMIT);
	tern_result used = tern_account_info(0, TERN_ACCOUNT_USED);
	int64_t left = limit - used, own = left / OWN_PART;

	if (limit < 0 || used < 0 || left <= 0)
		require(-ENOMEM, "account");
	left -= own < OWN_NEED ? own : OWN_NEED;
	programs = require(tern_account_create(0, (uint64_t)left & ~(TERN_PAGE_SIZE - 1)),
			   "account");
}

/* The bundle's file `run` is a command for the shell. */
static const char *const *command(const char *const *given)
{
	static const char *const shell[] = { "/bin/sh", "-l", NULL };
	static const char *arguments[] = { "/bin/sh", "-c", NULL, NULL };
	static char text[RUN_MAX];
	struct bundle_file file;

	if (bundle_find(bundle, bundle_length, "run", &file) != 1)
		return given && given[0] ? given : shell;
	if (file.length >= sizeof(text))
		require(-E2BIG, "run");
	memcpy(text, file.data, file.length);
	arguments[2] = text;
	return arguments;
}

/* `more` may be NULL. */
int image_start(tern_handle port, const tern_handle more[2], const char *const *arguments,
		struct launched *launched)
{
	struct launch_handle handles[] = {
		{ "posix", port, TERN_RIGHTS_ALL & ~TERN_RIGHT_NO_INHERIT },
		{ "board", board_memobj, TERN_RIGHT_READ | TERN_RIGHT_COPY },
		{ "exec", more ? more[0] : 0, TERN_RIGHT_READ },
		{ "box", more ? more[1] : 0, TERN_RIGHT_CALL },
	};
	const struct launch what = {
		.account = programs,
		.image = image,
		.arguments = arguments,
		.environment = more ? NULL : environment,
		.handles = handles,
		.handle_count = more ? 4 : 2,
		.priority = PRIORITY,
	};

	return launch(&what, launched);
}

void first_start(const char *name, const char *const *arguments)
{
	tern_handle memobj = require(tern_start_handle("bundle"), "bundle"), port;
	struct launched launched = { 0 };
	struct bundle_file file;
	struct process *first;

	map_bundle(memobj);
	make_account();
	if (bundle_find(bundle, bundle_length, name, &file) != 1)
		require(-ENOENT, name);
	image = (struct launch_image){ memobj, (uint64_t)((const char *)file.data - bundle),
				       file.length };
	pthread_mutex_lock(&table_lock);
	first = process_first(&table, 0);
	port = require(identity_port(first), "port");
	require(image_start(port, NULL, command(arguments), &launched),
		launched.reason ? launched.reason : name);
	tern_handle_close(port);
	tern_handle_close(launched.thread);
	first->handle = launched.process;
	process_watch_death(first);
	pthread_mutex_unlock(&table_lock);
}
