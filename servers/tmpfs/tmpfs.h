/*
 * tmpfs: files that live in memory. A regular file is an anonymous memobj, so reading and writing it
 * is between the client and the kernel. Directories are the name cache of lib/fs, which keeps all
 * names here. An account below the server's pays for the files' contents: its quota is the size of the
 * file system. What is left of the server's own is for names and nodes: a full file system must not take
 * the memory without which the server faults, and all files would be gone.
 */
#ifndef TMPFS_H
#define TMPFS_H

#include "lib/fs/fs.h"
#include "tern/memobj.h"

#define TMPFS_ROOT 1
#define TMPFS_NODES_MAX (1u << 20)

struct tmpfs_attribute;

struct tmpfs_node {
	struct fs_node node;
	tern_handle memobj;     /* 0: there is none yet, the file is empty */
	uint64_t seen_modified; /* the memobj's modification time when the node's was set from it */
	struct tmpfs_attribute *attributes;
};

struct tmpfs {
	tern_handle account; /* of the contents */
	bool is_crowded;     /* nothing more is made: the server's own memory is nearly used */
	uint64_t next_inode, next_cookie;
	int64_t boot; /* nanoseconds since 1970 when the clock was 0 */
};

extern const struct fs_operations tmpfs_operations;

/* Makes the root directory; `now` is the wall clock. */
int tmpfs_start(struct fs *fs, struct tmpfs *tmpfs, int64_t now);

/* Asks whether the server's own memory is nearly used. */
bool tmpfs_is_crowded(struct tmpfs *tmpfs);

/* attribute.c */
int64_t tmpfs_get_attribute(struct fs *fs, struct fs_node *node, const char *name, void *value,
			    size_t size);
int tmpfs_set_attribute(struct fs *fs, struct fs_node *node, const char *name, const void *value,
			size_t size, uint32_t flags);
int64_t tmpfs_list_attributes(struct fs *fs, struct fs_node *node, char *names, size_t size);
int tmpfs_remove_attribute(struct fs *fs, struct fs_node *node, const char *name);
void tmpfs_free_attributes(struct tmpfs_node *node);

#endif
