/*
 * The posix server as a program: set-up, and what arrives where.
 *
 * Handles: listener; bundle (with the programs' image); those that the mounts name; console, pipe,
 * init, random where there are such servers.
 *
 * Arguments: mount PREFIX:HANDLE:TYPE[:SOURCE[:FLAGS]] for each mount, in the order in which they lie
 * over each other; image NAME: another image than emu.elf; -- and the first program's arguments.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "posix.h"
#include "proc.h"
#include "tern/memobj.h"
#include "tern/memory.h"
#include "tern/start.h"

#define THREADS 6

struct process_table table;
pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;

tern_handle require(tern_handle result, const char *what)
{
	if (result >= 0)
		return result;
	fprintf(stderr, "cannot start: %s: %s\n", what, strerror((int)-result));
	exit(1);
}

static int64_t serve(struct server_call *call)
{
	if (PORT_KIND(call->message.userdata) == PORT_PROCESS)
		return process_operation(call);
	if (PORT_KIND(call->message.userdata) == PORT_PROC)
		return proc_operation(call);
	return -ENOSYS;
}

static void notified(uint64_t userdata, uint64_t bits)
{
	switch (PORT_KIND(userdata)) {
	case PORT_DEATH:
		process_notified(userdata, bits);
		break;
	case PORT_TIMER:
		pthread_mutex_lock(&table_lock);
		process_timers_run(&table);
		pthread_mutex_unlock(&table_lock);
		break;
	case PORT_TERMINAL:
		terminal_notified(userdata, bits);
		break;
	case PORT_NOTICE:
		notice_notified(userdata, bits);
		break;
	default:
		if (INIT_KIND(userdata) != INIT_KIND_CONTROL)
			break;
		pthread_mutex_lock(&table_lock);
		shutdown_ask(POSIX_POWER_OFF, 0);
		pthread_mutex_unlock(&table_lock);
	}
}

static void no_clients(uint64_t userdata, uint64_t minted)
{
	(void)minted;
	if (PORT_KIND(userdata) == PORT_PROCESS)
		process_no_clients(userdata);
	else if (PORT_KIND(userdata) == PORT_TERMINAL)
		terminal_no_clients(userdata);
}

static void cancelled(uint64_t cookie)
{
	pthread_mutex_lock(&table_lock);
	process_wait_cancel(&table, cookie);
	pthread_mutex_unlock(&table_lock);
}

struct server server = {
	.threads = THREADS,
	.accept_handles = 2,
	.call = serve,
	.notified = notified,
	.no_clients = no_clients,
	.cancelled = cancelled,
};

tern_handle board_memobj;

static void make_table(void)
{
	tern_result at;

	board_memobj = require(tern_memobj_create(0, POSIX_BOARD_SIZE), "board");
	at = require(tern_region_map(TERN_SELF_PROCESS, board_memobj, 0, 0, POSIX_BOARD_SIZE,
				     TERN_MAP_READ | TERN_MAP_WRITE),
		     "board");
	require(process_table_init(&table, &process_kernel, (struct posix_board *)at), "table");
	strcpy(table.board->host_name, "tern");
}

int main(int argc, char **argv)
{
	const char *image = "emu.elf";
	int at = 1, error;

	(void)argc;
	server.listener = require(tern_start_handle("listener"), "listener");
	require(server_start(&server), "listener");
	make_table();
	kernel_start();
	shutdown_start();
	for (; argv[at] && strcmp(argv[at], "--"); at++)
		if (!strcmp(argv[at], "mount") && argv[at + 1])
			mount_add(argv[++at]);
		else if (!strcmp(argv[at], "image") && argv[at + 1])
			image = argv[++at];
	mounts_cover();
	first_start(image, argv[at] ? (const char *const *)&argv[at + 1] : NULL);
	console_start(tern_start_handle("console"));
	error = server_run(&server);
	fprintf(stderr, "ends: %s\n", strerror(-error));
	return 1;
}
