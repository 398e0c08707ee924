/*
 * The end: programs are asked to end, then made to; files are written; the server exits, and with it,
 * as the manifest says, the system. A thread of its own does it, since it waits.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "posix.h"
#include "tern/process.h"
#include "tern/start.h"

#define PATIENCE_MS 300
#define STEP_US 5000

static pthread_cond_t is_asked = PTHREAD_COND_INITIALIZER;
static uint32_t status;
static bool shall_reboot;

/* Locked. The first one counts. */
void shutdown_ask(enum posix_reboot how, uint32_t with)
{
	if (table.is_ending)
		return;
	table.is_ending = true;
	shall_reboot = how == POSIX_REBOOT;
	status = with;
	pthread_cond_signal(&is_asked);
}

static void send_to_all(uint32_t number)
{
	const struct posix_signal signal = { .number_and_code = POSIX_SIGNAL(number, 0),
					     .pid = POSIX_SERVER_PID };

	PROCESS_FOR_EACH(&table, process)
		process_send(&table, process, &signal);
}

static bool has_living(void)
{
	bool is_any = false;

	pthread_mutex_lock(&table_lock);
	PROCESS_FOR_EACH(&table, process)
		is_any |= process->state == PROCESS_ALIVE;
	pthread_mutex_unlock(&table_lock);
	return is_any;
}

static void wait_for_ends(void)
{
	for (int i = 0; i < PATIENCE_MS * 1000 / STEP_US && has_living(); i++)
		usleep(STEP_US);
}

static void *run(void *unused)
{
	pthread_mutex_lock(&table_lock);
	while (!table.is_ending)
		pthread_cond_wait(&is_asked, &table_lock);
	send_to_all(SIGTERM);
	send_to_all(SIGCONT);
	pthread_mutex_unlock(&table_lock);
	wait_for_ends();
	pthread_mutex_lock(&table_lock);
	send_to_all(SIGKILL);
	pthread_mutex_unlock(&table_lock);
	wait_for_ends();
	tern_account_destroy(programs);
	mounts_sync();
	if (shall_reboot)
		init_reboot(tern_start_handle("init"));
	exit((int)status);
	return unused;
}

void shutdown_start(void)
{
	pthread_t thread;

	require(-pthread_create(&thread, NULL, run, NULL), "thread");
	pthread_detach(thread);
}
