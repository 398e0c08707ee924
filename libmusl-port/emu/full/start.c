/*
 * The image's first code, in the one process that is launched; all others are forked. It is as if the
 * process called execve with the arguments that the launcher gave.
 */
#include "emu_full.h"
#include "files.h"

#include <elf.h>
#include <string.h>

#define HANDLES_MAX 8
/* Where lib/launch puts the first stack: out of the program's part. */
#define FIRST_STACK_LOW 0x7fff00000000
#define FIRST_STACK_TOP 0x7ffffff00000

const char *emu_program_name = "";
bool emu_is_debugging;

static struct tern_start_handle handles[HANDLES_MAX + 1];

tern_handle tern_start_handle(const char *name)
{
	for (const struct tern_start_handle *at = handles; at->name[0]; at++)
		if (!strcmp(at->name, name))
			return at->handle;
	return -ENOENT;
}

static void keep_handles(const struct tern_start_handle *from)
{
	for (int i = 0; i < HANDLES_MAX && from[i].name[0]; i++)
		handles[i] = from[i];
}

static void say(const char *text)
{
	emu_write_text(2, text, strlen(text));
}

/* Nobody called: only the console can hear of it. The status is what a shell makes of it. */
static _Noreturn void give_up(const char *path, long error)
{
	say(path);
	say(error == -ENOENT ? ": not found\n"
	    : error == -EIO  ? ": cannot be read\n"
			     : ": cannot be executed\n");
	emu_process_end(error == -ENOENT ? 127 << 8 : 126 << 8);
}

void emu_start(long *block) __attribute__((noreturn));

void emu_start(long *block)
{
	char **arguments = (char **)(block + 1), **environment = arguments + block[0] + 1, **at;
	long result;

	for (at = environment; *at; at++)
		;
	for (uint64_t *pair = (uint64_t *)(at + 1); pair[0] != AT_NULL; pair += 2)
		if (pair[0] == AT_TERN_HANDLES)
			keep_handles((const struct tern_start_handle *)pair[1]);
	emu_process_start();
	emu_threads_start(emu_process.pid);
	emu_signals_start();
	result = emu_files_start();
	if (!result && tern_start_handle("exec") > 0)
		result = emu_become_start(arguments);
	else if (!result)
		result = emu_execve(arguments[0], arguments, environment);
	give_up(arguments[0], result);
}

void emu_start_forget(void)
{
	tern_region_unmap(TERN_SELF_PROCESS, FIRST_STACK_LOW, FIRST_STACK_TOP - FIRST_STACK_LOW);
}
