/*
 * The file protocol's messages for servers whose files are made up when somebody asks (devfs, /proc).
 * Servers with storage have lib/fs.
 */
#ifndef LIB_SERVER_FILE_H
#define LIB_SERVER_FILE_H

#include <stddef.h>

#include "lib/server/server.h"

/* Bytes [offset, offset + length) of a request's payload, which has `total`. 0 or an error. */
int file_payload(const struct server_call *call, size_t total, size_t offset, void *to,
		 size_t length);

/* The answer of a path that leaves the tree, with what remains of it: at what the mount `covered` lies on, or
 * (0) above the root. */
int64_t file_answer_redirect(struct server_call *call, uint32_t covered, const char *rest,
			     size_t length);

/* READDIR's answer. */
int64_t file_answer_entries(struct server_call *call, const char *entries, size_t length,
			    uint64_t cookie);

#endif
