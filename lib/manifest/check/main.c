/*
 * manifest-check FILE [PROGRAM...]: the build runs it on this machine before a manifest goes into a
 * boot bundle. Prints FILE:LINE: REASON for the first mistake; with PROGRAMs, one that is not among
 * them is a mistake too.
 */
#include "lib/manifest/manifest.h"

#include <stdio.h>
#include <string.h>

#define FILE_MAX (1 << 20)

static struct manifest manifest;
static char text[FILE_MAX];

static bool is_among(const char *program, char **programs, int count)
{
	for (int i = 0; i < count; i++) {
		const char *slash = strrchr(programs[i], '/');

		if (!strcmp(program, slash ? slash + 1 : programs[i]))
			return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	FILE *file = argc > 1 ? fopen(argv[1], "rb") : NULL;
	size_t length;

	if (!file) {
		fprintf(stderr, "manifest-check: cannot read '%s'\n", argc > 1 ? argv[1] : "");
		return 2;
	}
	length = fread(text, 1, sizeof(text), file);
	fclose(file);
	if (manifest_parse(&manifest, text, length)) {
		fprintf(stderr, "%s:%u: %s\n", argv[1], manifest.error_line, manifest.error);
		return 1;
	}
	for (unsigned int i = 0; argc > 2 && i < manifest.server_count; i++) {
		const struct server *server = &manifest.servers[i];

		if (is_among(server->program, argv + 2, argc - 2))
			continue;
		fprintf(stderr, "%s:%u: the program '%s' of server '%s' is not in the bundle\n",
			argv[1], server->line, server->program, server->name);
		return 1;
	}
	return 0;
}
