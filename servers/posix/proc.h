/*
 * /proc: files whose text is made when they are opened. Nothing is kept: a port's userdata and an open
 * directory's token say all there is to know, which is a node and whose session it is.
 */
#ifndef POSIX_PROC_H
#define POSIX_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "posix.h"

/* A node: the process (0: the top), and which of its files; 0 is the directory. */
#define PROC_NODE(pid, file) ((uint64_t)(pid) << 8 | (uint64_t)(file))
#define PROC_PID(node) ((uint32_t)((node) >> 8) & 0xffffff)
#define PROC_FILE(node) ((unsigned int)(node)&0xff)
#define PROC_ROOT PROC_NODE(0, 0)
#define PROC_DESCRIPTORS 1 /* of proc_each: the directory fd */
#define PROC_WORKING 2     /* and the links cwd and root */
#define PROC_PROCESS_ROOT 3

#define PROC_TEXT_MAX 16384

struct proc_text {
	char bytes[PROC_TEXT_MAX];
	size_t length;
};

struct proc_file {
	const char *name;
	uint32_t mode;
	/* Called locked; `process` is NULL for those at the top. */
	void (*write)(struct proc_text *text, const struct process *process);
};

/* proc_text.c: tables that end with an empty name; entry 0 is the directory itself. */
extern const struct proc_file proc_top[], proc_each[];
extern const unsigned int proc_top_count, proc_each_count; /* with entry 0, without the end */
void proc_put(struct proc_text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* proc.c: calls through ports of the kinds PORT_PROC_*. */
int64_t proc_operation(struct server_call *call);
/* A session port for process `pid`. */
tern_handle proc_session(uint32_t pid);

/* mounts.c */
void mounts_write(struct proc_text *text);

#endif
