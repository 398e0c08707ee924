/*
 * The manifest's directives; see the header. Each is a function that is given the words of its line
 * and returns NULL, or why it is refused; a longer explanation goes to manifest->error directly.
 */
#include "lib/manifest/manifest.h"

#include "lib/manifest/words.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SENDERS_DEFAULT 256
#define SENDERS_MAX 65536
#define STOP_MS_MAX 60000
#define RESTART_LIMIT_DEFAULT 8
#define PRIORITY_DEFAULT 16
#define MEMORY_DEFAULT (8ul << 20)
#define MEMORY_MIN (256ul << 10)
#define MEMORY_MAX (1ul << 40)
#define DMA_MEMORY_MAX (4ul << 20) /* the kernel has no larger blocks */
#define PINS_MAX 32768             /* TERN_DEVICE_PINS_MAX */
#define PAGE_MASK 4095ul
#define ALIGN_TO_PAGE(value) (((value) + PAGE_MASK) & ~PAGE_MASK)

struct parser {
	struct manifest *manifest;
	struct server *server; /* whose block it is; NULL before the first */
	struct line line;
	uint64_t seen; /* directives of this block that may come once, by index */
	bool has_failed;
};

/* Only the first mistake counts. */
__attribute__((format(printf, 3, 4))) static void refuse(struct parser *parser, unsigned int line,
							 const char *format, ...)
{
	struct manifest *manifest = parser->manifest;
	va_list arguments;

	if (parser->has_failed)
		return;
	parser->has_failed = true;
	manifest->error_line = line;
	va_start(arguments, format);
	vsnprintf(manifest->error, sizeof(manifest->error), format, arguments);
	va_end(arguments);
}

#define REFUSE(parser, ...) refuse(parser, (parser)->line.number, __VA_ARGS__)

static const char *word(const struct parser *parser, unsigned int index)
{
	return index < parser->line.count ? parser->line.words[index] : "";
}

/* A copy that lives as long as the manifest. */
static const char *keep(struct parser *parser, const char *text)
{
	struct manifest *manifest = parser->manifest;
	size_t size = strlen(text) + 1;
	char *copy = manifest->text + manifest->text_length;

	if (size > sizeof(manifest->text) - manifest->text_length) {
		REFUSE(parser, "the manifest has more text than %d bytes", MANIFEST_TEXT_MAX);
		return "";
	}
	manifest->text_length += size;
	return memcpy(copy, text, size);
}

/* The word as a number in [least, most]. */
static uint64_t number(struct parser *parser, unsigned int index, const char *what, uint64_t least,
		       uint64_t most)
{
	uint64_t value = 0;

	if (!word_number(word(parser, index), false, &value) || value < least || value > most)
		REFUSE(parser, "%s must be a number from %llu to %llu, not '%s'", what,
		       (unsigned long long)least, (unsigned long long)most, word(parser, index));
	return value;
}

static uint64_t size_of_memory(struct parser *parser, unsigned int index, uint64_t least,
			       const char *least_text)
{
	uint64_t bytes = 0;

	if (!word_number(word(parser, index), true, &bytes) || bytes < least || bytes >> 40)
		REFUSE(parser, "%s must be a size of at least %s, as in 4M, not '%s'",
		       word(parser, 0), least_text, word(parser, index));
	return ALIGN_TO_PAGE(bytes);
}

static struct server *find_server(const struct manifest *manifest, const char *name)
{
	for (unsigned int i = 0; i < manifest->server_count; i++)
		if (!strcmp(manifest->servers[i].name, name))
			return (struct server *)&manifest->servers[i];
	return NULL;
}

/* ---------------------------------------------------------------------- the server's own matters */

static void begin_server(struct parser *parser)
{
	struct manifest *manifest = parser->manifest;
	const char *name = word(parser, 1);
	const struct server *other = find_server(manifest, name);
	struct server *server;

	if (!word_is_name(name, MANIFEST_NAME_MAX))
		REFUSE(parser, "'%s' is no name for a server", name);
	else if (!strcmp(name, "init"))
		REFUSE(parser, "the name 'init' is taken by init itself");
	else if (other)
		REFUSE(parser, "there is a server '%s' already, in line %u", name, other->line);
	else if (manifest->server_count == MANIFEST_SERVERS_MAX)
		REFUSE(parser, "more than %d servers", MANIFEST_SERVERS_MAX);
	if (parser->has_failed)
		return;
	server = &manifest->servers[manifest->server_count++];
	*server = (struct server){ .line = parser->line.number,
				   .priority = PRIORITY_DEFAULT,
				   .memory = MEMORY_DEFAULT,
				   .restart_limit = RESTART_LIMIT_DEFAULT };
	strcpy(server->name, name);
	server->program = keep(parser, name);
	parser->server = server;
	parser->seen = 0;
}

static void set_program(struct parser *parser)
{
	parser->server->program = keep(parser, word(parser, 1));
}

static void set_arguments(struct parser *parser)
{
	struct server *server = parser->server;

	if (server->argument_count + parser->line.count - 1 > MANIFEST_ARGUMENTS_MAX) {
		REFUSE(parser, "more than %d arguments", MANIFEST_ARGUMENTS_MAX);
		return;
	}
	for (unsigned int i = 1; i < parser->line.count; i++)
		server->arguments[server->argument_count++] = keep(parser, word(parser, i));
}

static void set_priority(struct parser *parser)
{
	parser->server->priority = (unsigned int)number(parser, 1, "priority", 1,
							MANIFEST_PRIORITY_MAX);
}

static bool is_share(const char *text)
{
	return *text && text[strlen(text) - 1] == '%';
}

static void set_share(struct parser *parser, const char *text)
{
	char digits[4] = "";
	uint64_t percent = 0;

	if (is_share(text) && strlen(text) <= sizeof(digits))
		memcpy(digits, text, strlen(text) - 1);
	if (!word_number(digits, false, &percent) || percent < 1 || percent > 90)
		REFUSE(parser, "memory must be from 1%% to 90%% of all, not '%s'", text);
	parser->server->memory_percent = (unsigned int)percent;
}

static void set_memory(struct parser *parser)
{
	struct server *server = parser->server;
	const char *text = word(parser, 1);
	bool is_rest = !strcmp(text, "rest"), has_two = parser->line.count > 2;

	if (has_two && (is_rest || is_share(text)))
		REFUSE(parser, "behind '%s' no other share of memory can stand", text);
	if (is_rest)
		server->memory = MANIFEST_MEMORY_REST;
	else if (is_share(text))
		server->memory = MEMORY_MAX;
	else
		server->memory = size_of_memory(parser, 1, MEMORY_MIN, "256K");
	if (has_two || is_share(text))
		set_share(parser, word(parser, parser->line.count - 1));
}

static void set_listener(struct parser *parser)
{
	parser->server->sender_limit = SENDERS_DEFAULT;
	if (parser->line.count > 1)
		parser->server->sender_limit = (uint32_t)number(parser, 1, "the number of senders",
								1, SENDERS_MAX);
}

static void set_restart(struct parser *parser)
{
	struct server *server = parser->server;
	const char *policy = word(parser, 1);

	if (!strcmp(policy, "always"))
		server->restart = RESTART_ALWAYS;
	else if (!strcmp(policy, "never"))
		server->restart = RESTART_NEVER;
	else if (!strcmp(policy, "shutdown"))
		server->restart = RESTART_SHUTDOWN;
	else
		REFUSE(parser, "restart must be always, never or shutdown, not '%s'", policy);
	if (parser->line.count > 2 && server->restart != RESTART_ALWAYS)
		REFUSE(parser, "only restart always has a limit");
	else if (parser->line.count > 2)
		server->restart_limit = (unsigned int)number(parser, 2, "the limit of restarts", 1,
							     1000000);
}

static void set_stop(struct parser *parser)
{
	parser->server->stop_ms = (unsigned int)number(parser, 1, "milliseconds to stop", 1,
						       STOP_MS_MAX);
}

static void set_optional(struct parser *parser)
{
	parser->server->is_optional = true;
}

static void set_pager(struct parser *parser)
{
	parser->server->is_pager = true;
}

/* --------------------------------------------------------------------------- what it is granted */

static struct grant *add_named(struct parser *parser, enum grant_kind kind, const char *name)
{
	struct server *server = parser->server;
	struct grant *grant = &server->grants[server->grant_count];

	if (!word_is_name(name, MANIFEST_NAME_MAX))
		REFUSE(parser, "'%s' is no name for a handle", name);
	else if (!strcmp(name, "listener") || !strcmp(name, "self") || !strcmp(name, "log"))
		REFUSE(parser, "the handle '%s' is given without being named", name);
	else if (server->grant_count == MANIFEST_HANDLES_MAX)
		REFUSE(parser, "more than %d handles", MANIFEST_HANDLES_MAX);
	for (unsigned int i = 0; i < server->grant_count; i++)
		if (!strcmp(server->grants[i].name, name))
			REFUSE(parser, "a handle is called '%s' already, in line %u", name,
			       server->grants[i].line);
	if (parser->has_failed)
		return NULL;
	server->grant_count++;
	*grant = (struct grant){ .kind = kind, .line = parser->line.number };
	strcpy(grant->name, name);
	return grant;
}

static struct grant *add_grant(struct parser *parser, enum grant_kind kind)
{
	return add_named(parser, kind, word(parser, 1));
}

/* device COMPATIBLE INDEX, virtio TYPE INDEX: three words from `at` on. */
static void parse_place(struct parser *parser, unsigned int at, struct place *place)
{
	if (parser->line.count != at + 3)
		REFUSE(parser, "'%s' takes two words", word(parser, at));
	if (!strcmp(word(parser, at), "device")) {
		place->kind = PLACE_DEVICE;
		place->compatible = keep(parser, word(parser, at + 1));
	} else {
		place->kind = PLACE_VIRTIO;
		place->address = number(parser, at + 1, "the type of a virtio device", 1, 1000);
	}
	place->index = (unsigned int)number(parser, at + 2, "the index of a device", 0, 1000);
}

static bool is_place_by_tree(const struct parser *parser, unsigned int at)
{
	return !strcmp(word(parser, at), "device") || !strcmp(word(parser, at), "virtio");
}

static void set_when(struct parser *parser)
{
	if (is_place_by_tree(parser, 1))
		parse_place(parser, 1, &parser->server->when);
	else
		REFUSE(parser, "when: device COMPATIBLE INDEX or virtio TYPE INDEX is missing");
}

static void add_registers(struct parser *parser)
{
	struct grant *grant = add_grant(parser, GRANT_REGISTERS);
	struct place *place = grant ? &grant->place : NULL;

	if (!grant)
		return;
	if (is_place_by_tree(parser, 2)) {
		parse_place(parser, 2, place);
		return;
	}
	if (strcmp(word(parser, 2), "physical") || parser->line.count != 5) {
		REFUSE(parser, "registers: physical ADDRESS LENGTH, device COMPATIBLE INDEX "
			       "or virtio TYPE INDEX is missing");
		return;
	}
	place->kind = PLACE_PHYSICAL;
	place->address = number(parser, 3, "the address", 0, 1ul << 56);
	place->length = number(parser, 4, "the length", 1, 1ul << 40);
	if ((place->address | place->length) & PAGE_MASK)
		REFUSE(parser, "address and length of registers are multiples of 4096");
}

static void add_interrupt(struct parser *parser)
{
	struct grant *grant = add_grant(parser, GRANT_INTERRUPT);

	if (!grant)
		return;
	if (is_place_by_tree(parser, 2)) {
		parse_place(parser, 2, &grant->place);
		return;
	}
	if (strcmp(word(parser, 2), "number") || parser->line.count != 4) {
		REFUSE(parser, "interrupt: number N, device COMPATIBLE INDEX or virtio TYPE INDEX "
			       "is missing");
		return;
	}
	grant->place.kind = PLACE_PHYSICAL;
	grant->place.address = number(parser, 3, "the number of an interrupt", 1, 4095);
}

/* Registers and interrupt of one of several virtio devices, which need not be there. */
static void add_virtio_device(struct parser *parser, uint64_t type, unsigned int index)
{
	char name[2 * MANIFEST_NAME_MAX];
	struct grant *grants[2];

	snprintf(name, sizeof(name), "%.*s-%u", MANIFEST_NAME_MAX, word(parser, 1), index);
	grants[0] = add_named(parser, GRANT_REGISTERS, name);
	strcat(name, "-interrupt");
	grants[1] = add_named(parser, GRANT_INTERRUPT, name);
	for (unsigned int i = 0; i < 2 && !parser->has_failed; i++) {
		grants[i]->is_optional = true;
		grants[i]->place =
			(struct place){ .kind = PLACE_VIRTIO, .address = type, .index = index };
	}
}

static void add_virtio_devices(struct parser *parser)
{
	uint64_t type = number(parser, 2, "the type of a virtio device", 1, 1000);

	for (unsigned int i = 0; i < MANIFEST_DEVICES_MAX; i++)
		add_virtio_device(parser, type, i);
}

static void add_dma(struct parser *parser)
{
	struct grant *grant = add_grant(parser, GRANT_DMA);

	if (grant)
		grant->pins = parser->line.count > 2
				      ? (uint32_t)number(parser, 2, "pins", 1, PINS_MAX)
				      : 1;
}

static void add_machine(struct parser *parser)
{
	(void)add_grant(parser, GRANT_MACHINE);
}

static void add_device_tree(struct parser *parser)
{
	(void)add_grant(parser, GRANT_DEVICE_TREE);
}

static void add_bundle(struct parser *parser)
{
	(void)add_grant(parser, GRANT_BUNDLE);
}

static void add_kernel_log(struct parser *parser)
{
	(void)add_grant(parser, GRANT_KERNEL_LOG);
}

static void add_state(struct parser *parser)
{
	struct grant *grant = add_grant(parser, GRANT_STATE);

	if (grant)
		grant->place.length = size_of_memory(parser, 2, 1, "1");
}

static void add_dma_memory(struct parser *parser)
{
	struct grant *grant = add_grant(parser, GRANT_DMA_MEMORY);

	if (!grant)
		return;
	grant->place.length = size_of_memory(parser, 2, 1, "1");
	if (grant->place.length > DMA_MEMORY_MAX)
		REFUSE(parser, "dma-memory can be 4M at most, not '%s'", word(parser, 2));
}

/* Which server it leads to is settled at the end, when all are known: see resolve_port. */
static void add_port(struct parser *parser)
{
	struct grant *grant = add_grant(parser, GRANT_PORT);

	if (!grant)
		return;
	grant->place.compatible = keep(parser, word(parser, 2));
	grant->session = (uint32_t)number(parser, 3, "a session", 0, UINT32_MAX);
	grant->is_shared = parser->line.count > 4;
	if (grant->is_shared && strcmp(word(parser, 4), "shared"))
		REFUSE(parser, "behind the session only 'shared' can stand, not '%s'",
		       word(parser, 4));
}

/* ----------------------------------------------------------------------------------- directives */

static const struct directive {
	const char *name;
	void (*run)(struct parser *parser);
	unsigned int least, most; /* words behind it */
	bool is_repeatable;
} directives[] = {
	{ "program", set_program, 1, 1, false },
	{ "arguments", set_arguments, 1, WORDS_MAX, true },
	{ "priority", set_priority, 1, 1, false },
	{ "memory", set_memory, 1, 2, false },
	{ "listener", set_listener, 0, 1, false },
	{ "restart", set_restart, 1, 2, false },
	{ "stop", set_stop, 1, 1, false },
	{ "optional", set_optional, 0, 0, false },
	{ "pager", set_pager, 0, 0, false },
	{ "when", set_when, 1, 3, false },
	{ "registers", add_registers, 2, 4, true },
	{ "interrupt", add_interrupt, 2, 4, true },
	{ "virtio-devices", add_virtio_devices, 2, 2, true },
	{ "port", add_port, 3, 4, true },
	{ "dma", add_dma, 1, 2, true },
	{ "machine", add_machine, 1, 1, true },
	{ "device-tree", add_device_tree, 1, 1, true },
	{ "bundle", add_bundle, 1, 1, true },
	{ "kernel-log", add_kernel_log, 1, 1, false },
	{ "dma-memory", add_dma_memory, 2, 2, true },
	{ "state", add_state, 2, 2, true },
	{ "server", begin_server, 1, 1, true },
};
#define DIRECTIVES (sizeof(directives) / sizeof(directives[0]))

static const struct directive *find_directive(const char *name)
{
	for (size_t i = 0; i < DIRECTIVES; i++)
		if (!strcmp(directives[i].name, name))
			return &directives[i];
	return NULL;
}

static void run_line(struct parser *parser)
{
	const struct directive *directive;
	unsigned int count = parser->line.count - 1;

	if (parser->line.error) {
		REFUSE(parser, "%s", parser->line.error);
		return;
	}
	directive = find_directive(word(parser, 0));
	if (!directive)
		REFUSE(parser, "'%s' is not known here", word(parser, 0));
	else if (count < directive->least)
		REFUSE(parser, "'%s' needs more words behind it", directive->name);
	else if (count > directive->most)
		REFUSE(parser, "'%s' has too many words behind it", directive->name);
	else if (!parser->server && directive->run != begin_server)
		REFUSE(parser, "'%s' stands before the first server", directive->name);
	else if (!directive->is_repeatable && parser->seen >> (directive - directives) & 1)
		REFUSE(parser, "'%s' stands twice in the block", directive->name);
	if (parser->has_failed)
		return;
	parser->seen |= 1ul << (directive - directives);
	directive->run(parser);
}

/* ------------------------------------------------------------------ what only the whole can tell */

/* Calls go downwards: to init or a server further up in the file. */
static void resolve_port(struct parser *parser, const struct server *server, struct grant *grant)
{
	const char *name = grant->place.compatible;
	const struct server *target = find_server(parser->manifest, name);

	if (!strcmp(name, "init")) {
		grant->server = MANIFEST_INIT;
		return;
	}
	if (!target)
		refuse(parser, grant->line, "there is no server '%s'", name);
	else if (target == server)
		refuse(parser, grant->line, "server '%s' cannot be its own client", name);
	else if (target > server)
		refuse(parser, grant->line,
		       "server '%s' starts later, in line %u: calls only go downwards", name,
		       target->line);
	else if (!target->sender_limit)
		refuse(parser, grant->line, "server '%s' has no listener", name);
	else
		grant->server = (int)(target - parser->manifest->servers);
}

static bool is_same_place(const struct place *a, const struct place *b)
{
	return a->kind == b->kind && a->address == b->address && a->index == b->index &&
	       a->length == b->length &&
	       (a->kind != PLACE_DEVICE || !strcmp(a->compatible, b->compatible));
}

/* What must not be given twice: a device, a session of a server. */
static bool is_same(const struct grant *a, const struct grant *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == GRANT_PORT)
		return a->server == b->server && a->session == b->session &&
		       !(a->is_shared && b->is_shared);
	return a->kind == GRANT_KERNEL_LOG ||
	       ((a->kind == GRANT_REGISTERS || a->kind == GRANT_INTERRUPT) &&
		is_same_place(&a->place, &b->place));
}

/* Against every grant before it. */
static void check_unique(struct parser *parser, const struct server *server,
			 const struct grant *grant)
{
	const struct server *servers = parser->manifest->servers;

	for (const struct server *other = servers; other <= server; other++)
		for (unsigned int i = 0; i < other->grant_count; i++) {
			if (&other->grants[i] == grant)
				return;
			if (is_same(&other->grants[i], grant))
				refuse(parser, grant->line,
				       "'%s' is given to server '%s' already, in line %u",
				       grant->name, other->name, other->grants[i].line);
		}
}

static void check_grants(struct parser *parser, struct server *server)
{
	for (unsigned int i = 0; i < server->grant_count; i++) {
		struct grant *grant = &server->grants[i];

		if (grant->kind == GRANT_PORT)
			resolve_port(parser, server, grant);
		if ((grant->kind == GRANT_INTERRUPT || grant->kind == GRANT_KERNEL_LOG) &&
		    !server->sender_limit)
			refuse(parser, grant->line,
			       "'%s' needs a listener to notify: server '%s' has none", grant->name,
			       server->name);
		if (parser->has_failed)
			return;
		check_unique(parser, server, grant);
	}
	if (server->stop_ms && !server->sender_limit)
		refuse(parser, server->line, "server '%s' has no listener to be told to stop at",
		       server->name);
}

int manifest_parse(struct manifest *manifest, const char *text, size_t length)
{
	struct parser parser = { .manifest = manifest };
	size_t at = 0;

	manifest->server_count = 0;
	manifest->text_length = 0;
	manifest->error_line = 0;
	manifest->error[0] = '\0';
	while (!parser.has_failed && line_next(&parser.line, text, length, &at))
		run_line(&parser);
	for (unsigned int i = 0; i < manifest->server_count && !parser.has_failed; i++)
		check_grants(&parser, &manifest->servers[i]);
	if (!manifest->server_count)
		REFUSE(&parser, "the manifest names no server");
	return parser.has_failed ? -1 : 0;
}
