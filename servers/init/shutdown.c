/*
 * Shutdown: the servers end in reverse order, so that each can still use those that it is a client
 * of. One that the manifest gives time is notified and waited for; then it is killed.
 */
#include "init.h"

#include <stdio.h>

#include "tern/event.h"
#include "tern/process.h"
#include "tern/thread.h"

#define NS_PER_MS 1000000ul
#define STATUS_MAX 255

bool is_shutting_down;

static uint32_t final_status;
static bool shall_reboot;
static unsigned int remaining; /* servers [0, remaining) are still to be ended */
static uint64_t deadline;      /* of the last of them, once it has been notified */

void shutdown_begin(uint32_t status, bool is_reboot)
{
	if (is_shutting_down)
		return;
	is_shutting_down = true;
	shall_reboot = is_reboot;
	final_status = status > STATUS_MAX ? STATUS_MAX : status;
	remaining = manifest.server_count;
	deadline = 0;
}

/* From here on the kernel prints its log itself: the console is about to end. */
static void take_log_back(const struct instance *instance)
{
	for (unsigned int i = 0; i < instance->server->grant_count; i++)
		if (instance->server->grants[i].kind == GRANT_KERNEL_LOG)
			tern_system_control(boot->resource, TERN_CONTROL_LOG, 0);
}

/* True: it has ended. */
static bool end(struct instance *instance, uint64_t now)
{
	const struct server *server = instance->server;

	if (instance->process <= 0)
		return true;
	if (!deadline && server->stop_ms) {
		deadline = now + server->stop_ms * NS_PER_MS;
		tern_notify(instance->control, INIT_STOP);
		return false;
	}
	if (deadline > now)
		return false;
	if (server->stop_ms)
		printf("init: server '%s' did not stop within %u ms and is killed\n", server->name,
		       server->stop_ms);
	tern_process_kill(instance->process, 0);
	instance_end(instance);
	return true;
}

uint64_t shutdown_continue(uint64_t now)
{
	while (remaining && end(&instances[remaining - 1], now)) {
		remaining--;
		deadline = 0;
		take_log_back(&instances[remaining]);
	}
	if (remaining)
		return deadline;
	fflush(stdout);
	tern_system_control(boot->resource,
			    shall_reboot ? TERN_CONTROL_REBOOT : TERN_CONTROL_POWER_OFF,
			    final_status);
	for (;;)
		tern_thread_yield();
}
