/* What the two halves of execve share: finding and mapping the program, and its stack. */
#ifndef EMU_FULL_EXEC_H
#define EMU_FULL_EXEC_H

#include <elf.h>
#include <fcntl.h>
#include <signal.h>

#include "emu_full.h"
#include "lib/launch/elf.h"
#include "proto/posix.h"

#define EMU_PATH_MAX 4096
#define EMU_SCRIPT_LINE 256
#define EMU_SMALL_BLOCK 4096
#define EMU_SCRIPTS_MAX 5 /* a program, and scripts in front of it */

struct emu_exec {
	char path[EMU_PATH_MAX];
	char head[ELF_HEADERS_MAX]; /* of the file */
	/* Arguments that scripts add, in the order of the new stack, each with its zero. */
	char script[EMU_SCRIPTS_MAX * EMU_SCRIPT_LINE + EMU_PATH_MAX];
	uint64_t script_length;
	unsigned int script_count;
	bool is_open, has_run, is_debugging;
	struct emu_executable file;
	struct elf_image elf;
	uint64_t bias;                               /* what is added to the file's addresses */
	char *const *arguments, *const *environment; /* the program's */

	/* The first bytes of the new stack. */
	char small_block[EMU_SMALL_BLOCK] __attribute__((aligned(16)));
	char *block; /* that, or pages */
	uint64_t block_length, stack_pointer;
	char name[POSIX_NAME_MAX];
	char program
		[EMU_PROGRAM_MAX]; /* the path of the one that runs, for /proc/self/exe; "": too long */
	const char *told;          /* name, zero, arguments: for the posix server */
	uint64_t name_length, told_length;
};

/* The program's name, from the path. */
void emu_exec_name(struct emu_exec *exec);

/* The script's path and its interpreter become arguments; the interpreter is to be executed. */
long emu_exec_script(struct emu_exec *exec, const char *interpreter, const char *argument);

/* Builds what the new stack begins with. 0, -E2BIG, -EFAULT, -ENOMEM. */
long emu_exec_stack(struct emu_exec *exec);
/* Nothing is mapped: here comes the stack. */
long emu_exec_map_stack(const struct emu_exec *exec);
void emu_exec_free_block(struct emu_exec *exec);

/* image.S */
void emu_enter(uint64_t entry, uint64_t stack) __attribute__((noreturn));
void emu_on_stack(uint64_t stack, void (*function)(void *), void *argument)
	__attribute__((noreturn));

/*
 * become.c: the program gives another identity, so another process goes on from here: returns 0 if it does not
 * (or this process does not want that), or an error.
 */
long emu_exec_become(const struct emu_exec *exec, int base);
/* In that process: false: the file is not what the posix server had in mind. */
bool emu_exec_is_expected(const struct emu_exec *exec);

/* start.c: the first stack is not needed any more. */
void emu_start_forget(void);

#endif
