/*
 * libFuzzer: any text is either refused with a line and a reason, or gives a manifest whose ports
 * only go downwards and whose names and counts are within bounds.
 */
#include <stdlib.h>

#include "../../lib/manifest/manifest.c"
#include "../../lib/manifest/words.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check_server(const struct manifest *manifest, int index)
{
	const struct server *server = &manifest->servers[index];

	require(server->priority >= 1 && server->priority <= MANIFEST_PRIORITY_MAX);
	require(server->memory == MANIFEST_MEMORY_REST ||
		(server->memory && !(server->memory & PAGE_MASK)));
	require(word_is_name(server->name, MANIFEST_NAME_MAX));
	require(server->argument_count <= MANIFEST_ARGUMENTS_MAX);
	require(server->grant_count <= MANIFEST_HANDLES_MAX);
	for (unsigned int i = 0; i < server->grant_count; i++) {
		const struct grant *grant = &server->grants[i];

		require(word_is_name(grant->name, MANIFEST_NAME_MAX));
		if (grant->kind != GRANT_PORT)
			continue;
		require(grant->server >= MANIFEST_INIT && grant->server < index);
		require(grant->server < 0 || manifest->servers[grant->server].sender_limit);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct manifest manifest;

	if (manifest_parse(&manifest, (const char *)data, size)) {
		require(manifest.error[0] && strlen(manifest.error) < sizeof(manifest.error));
		return 0;
	}
	require(manifest.server_count >= 1 && manifest.server_count <= MANIFEST_SERVERS_MAX);
	for (unsigned int i = 0; i < manifest.server_count; i++)
		check_server(&manifest, (int)i);
	return 0;
}
