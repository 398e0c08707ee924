/*
 * What a program finds when it starts, beyond arguments and environment: handles with names.
 *
 * The launcher puts the standard block (argc, argv, envp, auxiliary vector) on the new stack and
 * enters the program with a0 = 0. The auxiliary vector has an entry AT_TERN_HANDLES with the address
 * of an array of struct tern_start_handle that ends with an empty name. The first process has no
 * block: a0 is TERN_BOOT_PAGE then, and its handles "resource", "account", "bundle" and
 * "device-tree" are those of the boot page.
 */
#ifndef TERN_START_H
#define TERN_START_H

#include "tern/types.h"

#define AT_TERN_HANDLES 0x54455201

#define TERN_START_NAME_MAX 24 /* with the terminating zero */

struct tern_start_handle {
	char name[TERN_START_NAME_MAX];
	int64_t handle;
};

#ifndef TERN_KERNEL
/* tern_start_handle: the handle that the launcher gave under this name, or -ENOENT. */
tern_handle tern_start_handle(const char *name);
#endif

#endif
