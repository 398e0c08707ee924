/* What a server is given: made once, before anything starts, and handed to each of its processes. */
#include "init.h"

#include <stdio.h>
#include <string.h>

#include "lib/launch/launch.h"
#include "tern/device.h"
#include "tern/event.h"
#include "tern/memory.h"
#include "tern/process.h"

#define CLIENT_RIGHTS (TERN_RIGHT_CALL | TERN_RIGHT_NOTIFY | TERN_RIGHT_COPY | TERN_RIGHT_MOVE)
#define READ_RIGHTS (TERN_RIGHT_READ | TERN_RIGHT_COPY | TERN_RIGHT_MOVE)
#define LISTENER_RIGHTS                                                                            \
	(TERN_RIGHT_RECEIVE | TERN_RIGHT_MINT | TERN_RIGHT_OWNER | TERN_RIGHT_NO_INHERIT)

static const char *bundle;

static uint64_t round_up(uint64_t length)
{
	return (length + TERN_PAGE_SIZE - 1) & ~(TERN_PAGE_SIZE - 1);
}

/* Maps the bundle and reads the manifest. */
void bundle_init(void)
{
	struct bundle_file file;

	bundle = (const char *)require(tern_region_map(TERN_SELF_PROCESS, boot->bundle, 0, 0,
						       round_up(boot->bundle_length),
						       TERN_MAP_READ),
				       "boot bundle");
	if (bundle_find(bundle, boot->bundle_length, manifest_name, &file) != 1)
		manifest_fail(0, "there is no such file in the boot bundle");
	if (manifest_parse(&manifest, file.data, file.length))
		manifest_fail(manifest.error_line, "%s", manifest.error);
}

/* ---------------------------------------------------------------------------------- one by one */

/* A persistent port on the server's listener that the kernel notifies. */
static tern_handle event_port(const struct instance *instance, uint64_t kind, uint64_t number)
{
	return require(
		tern_port_create(0, instance->listener, kind << 32 | number, TERN_PORT_PERSISTENT),
		"port");
}

/* A client's handle of a session. init's own copy keeps the port from ever being without clients. */
static tern_handle make_session(const struct grant *grant)
{
	tern_handle listener = grant->server == MANIFEST_INIT ? own_listener
							      : instances[grant->server].listener;
	tern_handle port, client;

	if (!listener)
		return -ENODEV;
	port = require(tern_port_create(0, listener, grant->session, TERN_PORT_PERSISTENT), "port");
	client = require(tern_port_mint(port, CLIENT_RIGHTS), "port");
	tern_handle_close(port);
	return client;
}

static tern_handle make_registers(const struct grant *grant)
{
	uint64_t address, length;
	uint32_t interrupt;

	if (!device_find(&grant->place, &address, &length, &interrupt))
		return -ENODEV;
	return tern_memobj_create_physical(0, boot->resource, address, round_up(length),
					   TERN_PHYSICAL_DEVICE);
}

static tern_handle make_interrupt(const struct instance *instance, const struct grant *grant)
{
	uint64_t address, length, number = 0;
	uint32_t interrupt;
	tern_handle port, handle;

	for (const struct grant *at = instance->server->grants; at != grant; at++)
		number += at->kind == GRANT_INTERRUPT;
	if (!device_find(&grant->place, &address, &length, &interrupt) || !interrupt)
		return -ENODEV;
	port = event_port(instance, INIT_KIND_INTERRUPT, number);
	handle = tern_interrupt_create(0, boot->resource, interrupt, port, 1);
	tern_handle_close(port);
	return handle;
}

static tern_handle make_log(const struct instance *instance)
{
	tern_handle port = event_port(instance, INIT_KIND_LOG, 0);

	tern_system_control(boot->resource, TERN_CONTROL_LOG, (uint64_t)port);
	return boot->log;
}

static tern_handle make_grant(const struct instance *instance, const struct grant *grant)
{
	switch (grant->kind) {
	case GRANT_REGISTERS:
		return make_registers(grant);
	case GRANT_INTERRUPT:
		return make_interrupt(instance, grant);
	case GRANT_DMA:
		return tern_device_create(0, boot->resource, grant->pins);
	case GRANT_MACHINE:
		return boot->resource;
	case GRANT_PORT:
		return make_session(grant);
	case GRANT_DEVICE_TREE:
		return boot->device_tree;
	case GRANT_BUNDLE:
		return boot->bundle;
	case GRANT_KERNEL_LOG:
		return make_log(instance);
	case GRANT_DMA_MEMORY:
		return tern_memobj_create_physical(0, boot->resource, 0, grant->place.length,
						   TERN_PHYSICAL_CONTIGUOUS);
	case GRANT_STATE:
		return tern_memobj_create(0, grant->place.length);
	}
	return -EINVAL;
}

static uint32_t rights_of(const struct grant *grant)
{
	switch (grant->kind) {
	case GRANT_PORT:
		return CLIENT_RIGHTS;
	case GRANT_DEVICE_TREE:
		return READ_RIGHTS;
	case GRANT_BUNDLE:
		return READ_RIGHTS | TERN_RIGHT_EXECUTE;
	case GRANT_INTERRUPT:
	case GRANT_DMA:
	case GRANT_MACHINE:
		return TERN_RIGHT_OWNER | TERN_RIGHT_NO_INHERIT;
	default:
		return TERN_RIGHT_READ | TERN_RIGHT_WRITE | TERN_RIGHT_NO_INHERIT;
	}
}

/* --------------------------------------------------------------------------------- the instance */

static bool has_device(const struct server *server)
{
	uint64_t address, length;
	uint32_t interrupt;

	return server->when.kind == PLACE_NONE ||
	       device_find(&server->when, &address, &length, &interrupt);
}

/* To a server that this machine has no use for: the handle is left out. */
static bool leads_nowhere(const struct grant *grant)
{
	return grant->kind == GRANT_PORT && grant->server != MANIFEST_INIT &&
	       !has_device(&manifest.servers[grant->server]);
}

static void make_grants(struct instance *instance)
{
	const struct server *server = instance->server;

	for (unsigned int i = 0; i < server->grant_count; i++) {
		const struct grant *grant = &server->grants[i];

		if (leads_nowhere(grant))
			continue;
		instance->grants[i] = make_grant(instance, grant);
		if (instance->grants[i] > 0 || grant->is_optional)
			continue;
		if (!server->is_optional)
			manifest_fail(grant->line, "'%s' cannot be given to server '%s': error %ld",
				      grant->name, server->name, (long)instance->grants[i]);
		printf("init: server '%s' is not started: there is no '%s'\n", server->name,
		       grant->name);
		instance_give_up(instance);
		return;
	}
}

void instance_prepare(struct instance *instance)
{
	const struct server *server = instance->server;

	if (!has_device(server)) {
		instance->state = INIT_GIVEN_UP;
		return;
	}
	if (bundle_find(bundle, boot->bundle_length, server->program, &instance->program) != 1)
		manifest_fail(server->line, "the program '%s' of server '%s' is not in the bundle",
			      server->program, server->name);
	instance->state = INIT_WAITING;
	if (server->sender_limit) {
		instance->listener = require(tern_listener_create(0, server->sender_limit),
					     "listener");
		instance->control = event_port(instance, INIT_KIND_CONTROL, 0);
	}
	make_grants(instance);
}

static unsigned int list_handles(const struct instance *instance, struct launch_handle *handles)
{
	const struct server *server = instance->server;
	unsigned int count = 0;

	for (unsigned int i = 0; i < server->grant_count; i++) {
		if (instance->grants[i] <= 0)
			continue;
		handles[count++] = (struct launch_handle){ server->grants[i].name,
							   instance->grants[i],
							   rights_of(&server->grants[i]) };
	}
	if (instance->listener)
		handles[count++] = (struct launch_handle){ "listener", instance->listener,
							   LISTENER_RIGHTS };
	return count;
}

int instance_launch(struct instance *instance, const char **reason)
{
	const struct server *server = instance->server;
	struct launch_handle handles[MANIFEST_HANDLES_MAX + 1];
	const char *arguments[MANIFEST_ARGUMENTS_MAX + 2] = { server->name };
	struct launch order = {
		.account = instance->account,
		.image = { boot->bundle, (uint64_t)((const char *)instance->program.data - bundle),
			   instance->program.length },
		.arguments = arguments,
		.handles = handles,
		.handle_count = list_handles(instance, handles),
		.priority = server->priority,
	};
	struct launched launched;
	int error;

	memcpy(&arguments[1], server->arguments, server->argument_count * sizeof(arguments[0]));
	error = launch(&order, &launched);
	*reason = launched.reason;
	if (error)
		return error;
	instance->process = launched.process;
	tern_handle_close(launched.thread);
	error = (int)tern_process_watch(instance->process, instance->watch);
	return error;
}
