/*
 * Lives and deaths. A death is *early* when the process has run for less than EARLY_NS; several early
 * ones in a row make the next start wait, twice as long each time, and in the end init gives the
 * server up: its listener is destroyed, so its clients get errors instead of waiting for ever.
 */
#include "init.h"

#include <stdio.h>

#include "tern/event.h"
#include "tern/memory.h"
#include "tern/process.h"

#define EARLY_NS 1000000000ul
#define DELAY_FIRST_NS 10000000ul
#define DELAY_MAX_NS 5000000000ul
#define NS_PER_MS 1000000ul
#define REST_DIVISOR 16 /* one part of the rest stays free, for pages of files */

static bool has_grant(const struct instance *instance, enum grant_kind kind)
{
	for (unsigned int i = 0; i < instance->server->grant_count; i++)
		if (instance->server->grants[i].kind == kind)
			return true;
	return false;
}

void instance_end(struct instance *instance)
{
	if (instance->process > 0)
		tern_handle_close(instance->process);
	if (instance->account > 0) {
		tern_account_destroy(instance->account);
		tern_handle_close(instance->account);
	}
	instance->process = instance->account = 0;
}

/* Nobody will serve its clients any more. */
static void close_down(struct instance *instance, enum init_state state)
{
	instance->state = state;
	if (has_grant(instance, GRANT_KERNEL_LOG))
		tern_system_control(boot->resource, TERN_CONTROL_LOG, 0);
	if (!instance->listener)
		return;
	tern_listener_destroy(instance->listener);
	tern_handle_close(instance->listener);
	tern_handle_close(instance->control);
	instance->listener = instance->control = 0;
}

void instance_give_up(struct instance *instance)
{
	close_down(instance, INIT_GIVEN_UP);
}

static uint64_t delay_of(const struct instance *instance)
{
	unsigned int doublings = instance->early_deaths - 2;

	if (instance->early_deaths < 2)
		return 0;
	if (doublings > 16)
		return DELAY_MAX_NS;
	return DELAY_FIRST_NS << doublings < DELAY_MAX_NS ? DELAY_FIRST_NS << doublings
							  : DELAY_MAX_NS;
}

/* After a death or a failed start: again, later, or never. `noticed`: when. */
static void plan(struct instance *instance, uint64_t noticed)
{
	const struct server *server = instance->server;

	if (instance->early_deaths >= server->restart_limit) {
		printf("init: server '%s' is given up after %u early deaths in a row: "
		       "its clients get errors from now on\n",
		       server->name, instance->early_deaths);
		instance_give_up(instance);
		return;
	}
	instance->state = INIT_WAITING;
	instance->start_at = noticed + delay_of(instance);
	if (delay_of(instance))
		printf("init: server '%s' is started again in %lu ms\n", server->name,
		       delay_of(instance) / NS_PER_MS);
}

static uint64_t memory_of(const struct server *server);

/* For a server with `memory rest`: of what is left when all others have theirs, most. */
static uint64_t rest_of_memory(void)
{
	uint64_t limit = (uint64_t)tern_account_info(boot->account, TERN_ACCOUNT_LIMIT);
	uint64_t used = (uint64_t)tern_account_info(boot->account, TERN_ACCOUNT_USED);

	for (unsigned int i = 0; i < manifest.server_count; i++)
		if (instances[i].state == INIT_WAITING &&
		    instances[i].server->memory != MANIFEST_MEMORY_REST)
			used += memory_of(instances[i].server);
	if (used >= limit)
		return 0;
	return (limit - used) / REST_DIVISOR * (REST_DIVISOR - 1) & ~(TERN_PAGE_SIZE - 1);
}

static uint64_t memory_of(const struct server *server)
{
	uint64_t limit;

	if (server->memory == MANIFEST_MEMORY_REST)
		return rest_of_memory();
	if (!server->memory_percent)
		return server->memory;
	limit = (uint64_t)tern_account_info(boot->account, TERN_ACCOUNT_LIMIT) / 100 *
		server->memory_percent;
	return (limit < server->memory ? limit : server->memory) & ~(TERN_PAGE_SIZE - 1);
}

void instance_start(struct instance *instance)
{
	const struct server *server = instance->server;
	const char *reason = NULL;
	int error;

	instance->account = tern_account_create(boot->account, memory_of(server));
	error = instance->account < 0 ? (int)instance->account : instance_launch(instance, &reason);
	if (!error && server->is_pager)
		error = (int)tern_account_set_pager(boot->resource, instance->account);
	instance->started_at = tern_time();
	instance->is_killed = false;
	if (!error) {
		instance->state = INIT_RUNNING;
		return;
	}
	printf("init: server '%s' cannot be started: %s (error %d)\n", server->name,
	       reason ? reason : "the kernel refuses", error);
	instance_end(instance);
	instance->early_deaths = error == -ENOEXEC ? server->restart_limit
						   : instance->early_deaths + 1;
	plan(instance, tern_time());
}

static void count_death(struct instance *instance, uint64_t lived)
{
	if (lived >= EARLY_NS)
		instance->early_deaths = 0;
	else if (!instance->is_killed)
		instance->early_deaths++;
}

static void after_death(struct instance *instance, uint64_t now)
{
	switch (instance->server->restart) {
	case RESTART_ALWAYS:
		plan(instance, now);
		break;
	case RESTART_NEVER:
		close_down(instance, INIT_FINISHED);
		break;
	case RESTART_SHUTDOWN:
		close_down(instance, INIT_FINISHED);
		shutdown_begin(instance->status, false);
		break;
	}
}

/* An end that the manifest foresees is not worth a line. */
static bool is_news(const struct instance *instance)
{
	enum restart_policy policy = instance->server->restart;

	if (policy == RESTART_SHUTDOWN && instance->status != TERN_STATUS_FAULT)
		return false;
	return instance->status || policy == RESTART_ALWAYS;
}

void instance_died(struct instance *instance)
{
	uint64_t now = tern_time();
	tern_result status = instance->process > 0 ? tern_process_status(instance->process)
						   : TERN_PROCESS_RUNNING;
	uint64_t lived = now - instance->started_at;

	if (status == TERN_PROCESS_RUNNING)
		return;
	instance->status = (uint32_t)status;
	if (!is_shutting_down && is_news(instance))
		printf("init: server '%s' died with status %u%s after %lu ms\n",
		       instance->server->name, instance->status,
		       instance->is_killed           ? " (killed on request)"
		       : status == TERN_STATUS_FAULT ? " (a fault)"
						     : "",
		       lived / NS_PER_MS);
	count_death(instance, lived);
	instance_end(instance);
	instance->state = INIT_FINISHED;
	if (!is_shutting_down)
		after_death(instance, now);
}

uint64_t supervise(uint64_t now)
{
	uint64_t next = 0;

	for (unsigned int i = 0; i < manifest.server_count; i++) {
		struct instance *instance = &instances[i];

		if (instance->state != INIT_WAITING)
			continue;
		if (instance->start_at > now) {
			next = earlier(next, instance->start_at);
			continue;
		}
		instance_start(instance);
		if (instance->state != INIT_RUNNING) {
			next = earlier(next, instance->start_at);
			continue;
		}
		instance->restarts++;
		instance->restart_ns = instance->started_at - instance->start_at;
	}
	return next;
}
