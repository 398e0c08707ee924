/*
 * The first code of a program. A launched program finds its arguments on the stack; for the first
 * process of a boot bundle, which has none, they are made up here.
 *
 * This runs before thread-local storage exists.
 */
#include "emu.h"

#include <elf.h>

#define AUXILIARY_PAIRS 8

const char *emu_program_name = "";
bool emu_is_first_process;
bool emu_is_debugging;

static const struct tern_start_handle *start_handles;

extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));

/* What a launcher would have put on the stack. */
static struct {
	long argc;
	const char *argv[2];
	const char *envp[1];
	uint64_t auxiliary[AUXILIARY_PAIRS][2];
} first_block;

static struct tern_start_handle first_handles[] = {
	{ .name = "resource" },    { .name = "account" }, { .name = "bundle" },
	{ .name = "device-tree" }, { .name = "" },
};

static uint64_t first_random[2];

/* The splitmix64 sequence. It makes no secret out of the clock, but different addresses. */
static uint64_t mix(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static long *make_first_block(const struct tern_boot_info *boot)
{
	const Elf64_Ehdr *elf = &__ehdr_start;
	uint64_t(*auxiliary)[2] = first_block.auxiliary;
	uint64_t seed = tern_time() ^ boot->device_tree_length << 32;
	unsigned int n = 0;

	first_handles[0].handle = boot->resource;
	first_handles[1].handle = boot->account;
	first_handles[2].handle = boot->bundle;
	first_handles[3].handle = boot->device_tree;
	first_random[0] = mix(&seed);
	first_random[1] = mix(&seed);
	first_block.argc = 1;
	first_block.argv[0] = "init";
	auxiliary[n][0] = AT_PHDR;
	auxiliary[n++][1] = (uint64_t)elf + elf->e_phoff;
	auxiliary[n][0] = AT_PHNUM;
	auxiliary[n++][1] = elf->e_phnum;
	auxiliary[n][0] = AT_PHENT;
	auxiliary[n++][1] = elf->e_phentsize;
	auxiliary[n][0] = AT_PAGESZ;
	auxiliary[n++][1] = TERN_PAGE_SIZE;
	auxiliary[n][0] = AT_RANDOM;
	auxiliary[n++][1] = (uint64_t)first_random;
	auxiliary[n][0] = AT_TERN_HANDLES;
	auxiliary[n++][1] = (uint64_t)first_handles;
	auxiliary[n][0] = AT_NULL;
	return &first_block.argc;
}

static const char *base_name(const char *path)
{
	const char *name = path;

	for (; *path; path++)
		if (*path == '/')
			name = path + 1;
	return name;
}

static bool is_equal(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

long *__emu_start(long *stack, uint64_t a0);

long *__emu_start(long *stack, uint64_t a0)
{
	long *block = stack;
	char **at;

	emu_is_first_process = a0 == TERN_BOOT_PAGE;
	if (emu_is_first_process)
		block = make_first_block((const struct tern_boot_info *)a0);
	else if (block[0] > 0)
		emu_program_name = base_name((const char *)block[1]);
	for (at = (char **)(block + 1 + block[0] + 1); *at; at++)
		emu_is_debugging |= is_equal(*at, "EMU_DEBUG=1");
	for (uint64_t *pair = (uint64_t *)(at + 1); pair[0] != AT_NULL; pair += 2)
		if (pair[0] == AT_TERN_HANDLES)
			start_handles = (const struct tern_start_handle *)pair[1];
	return block;
}

tern_handle tern_start_handle(const char *name)
{
	const struct tern_start_handle *at = start_handles;

	for (; at && at->name[0]; at++)
		if (is_equal(at->name, name))
			return at->handle;
	return -ENOENT;
}
