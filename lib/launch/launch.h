/*
 * Starts programs: makes a process, loads a static executable into it, gives it handles and runs it.
 * docs/launch.md tells more.
 *
 * The launcher holds the new process's handle with all rights: it watches it, kills it, and closes
 * the handle when it does not care any more.
 */
#ifndef LIB_LAUNCH_LAUNCH_H
#define LIB_LAUNCH_LAUNCH_H

#include <stddef.h>
#include <stdint.h>

#include "tern/start.h"
#include "tern/types.h"

#define LAUNCH_HANDLES_MAX 32
#define LAUNCH_STACK_DEFAULT (256ul << 10)
#define LAUNCH_STACK_MAX (1ul << 30)
#define LAUNCH_BLOCK_MAX (128ul << 10) /* arguments and environment */
#define LAUNCH_STACK_TOP 0x7ffffff00000ul

/* As launch_handle.handle: the new process itself. */
#define LAUNCH_SELF 0

struct launch_handle {
	const char *name; /* at most TERN_START_NAME_MAX - 1 bytes, not empty */
	tern_handle handle;
	uint32_t rights; /* of those that the launcher has */
};

/* The executable: bytes of a memobj. They are copied; only what is page-aligned may be shared. */
struct launch_image {
	tern_handle memobj;
	uint64_t offset, length;
};

struct launch {
	tern_handle account; /* that pays, and becomes the process's own; 0: the launcher's */
	struct launch_image image;
	const char *const *arguments;   /* ends with NULL; at least the program's name */
	const char *const *environment; /* ends with NULL; or NULL */
	const struct launch_handle *handles;
	unsigned int handle_count;
	unsigned int priority;
	uint64_t stack_length; /* 0: LAUNCH_STACK_DEFAULT, or what the file asks for */
	const uint8_t *random; /* 16 bytes that nobody can guess; or NULL: made from the clock */
};

struct launched {
	tern_handle process, thread;
	const char *reason; /* after -ENOEXEC: what is wrong with the file */
};

/*
 * Returns 0 and fills *launched; -ENOEXEC, -E2BIG (arguments, handles), -EINVAL (a name), -EIO (the
 * file ends early), or what the kernel's calls return: then nothing is left behind.
 */
int launch(const struct launch *launch, struct launched *launched);

#endif
