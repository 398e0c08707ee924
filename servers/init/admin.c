/* init's own protocol: include/proto/init.h. */
#include "init.h"

#include <string.h>

#include "tern/process.h"

#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

static struct instance *instance_at(uint64_t index)
{
	return index < manifest.server_count ? &instances[index] : NULL;
}

static int64_t admin_list(uint64_t *words)
{
	const struct instance *instance = instance_at(words[1]);
	struct init_server server = { 0 };

	if (!instance)
		return -ENOENT;
	server.state = instance->state;
	server.restarts = instance->restarts;
	server.restart_ns = instance->restart_ns;
	server.status = instance->status;
	strcpy(server.name, instance->server->name);
	memcpy(&words[1], &server, sizeof(server));
	return 0;
}

static int64_t admin_find(uint64_t *words)
{
	char name[MANIFEST_NAME_MAX];

	memcpy(name, &words[5], sizeof(name));
	for (uint64_t i = 0; i < manifest.server_count; i++) {
		if (strncmp(manifest.servers[i].name, name, sizeof(name)))
			continue;
		words[1] = i;
		return 0;
	}
	return -ENOENT;
}

static int64_t admin_kill(uint64_t *words)
{
	struct instance *instance = instance_at(words[1]);

	if (!instance)
		return -ENOENT;
	if (instance->state != INIT_RUNNING)
		return -ESRCH;
	instance->is_killed = true;
	return tern_process_kill(instance->process, (uint32_t)words[2]);
}

static int64_t admin_shutdown(uint64_t *words)
{
	shutdown_begin((uint32_t)words[1], words[2] == 1);
	return 0;
}

static int64_t (*const operations[])(uint64_t *words) = {
	[INIT_OP_list] = admin_list,
	[INIT_OP_find] = admin_find,
	[INIT_OP_kill] = admin_kill,
	[INIT_OP_shutdown] = admin_shutdown,
};

void admin_serve(uint64_t *words)
{
	uint64_t operation = words[0];

	if (operation < OPERATIONS && operations[operation])
		words[0] = (uint64_t)operations[operation](words);
	else
		words[0] = (uint64_t)-ENOSYS;
}
