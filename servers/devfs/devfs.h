/*
 * devfs: the names in /dev, the devices that need no driver, and pseudo-terminals.
 *
 * The tree is a table that never changes, but for the pseudo-terminals below `pts`. Names are looked up,
 * and files opened, by the file protocol (proto/file.h); opening a device answers, behind the file
 * port, a port that speaks io.h: devfs's own for null, zero, full, random and urandom, the console server's
 * for console. What such a port does is in its userdata, not in the opening, and the ports are
 * persistent: descriptors of these devices go on working when devfs is restarted. Sessions, directories and
 * pseudo-terminals are gone then.
 *
 * `pts` is also a mount of its own: sessions made through admin port ADMIN_PTS have it as their root.
 */
#ifndef DEVFS_H
#define DEVFS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/server/server.h"
#include "proto/file.h"
#include "tern/handle.h"

/* Of the handles in answers: all that they have. */
#define GIVEN_RIGHTS (TERN_RIGHTS_ALL & ~TERN_RIGHT_NO_INHERIT)

/* ---------------------------------------------------------------------------------- the tree */

enum device_id {
	DEVICE_NONE, /* a directory */
	DEVICE_NULL,
	DEVICE_ZERO,
	DEVICE_FULL,
	DEVICE_RANDOM,
	DEVICE_URANDOM,
	DEVICE_OWN_COUNT, /* those above are devfs's own */
	DEVICE_CONSOLE = DEVICE_OWN_COUNT,
	DEVICE_TTY,  /* the opener's own terminal, which it must ask elsewhere */
	DEVICE_PTMX, /* makes a pseudo-terminal */
	DEVICE_PTY,  /* one's slave */
};

struct node {
	char name[16];
	uint16_t parent; /* inode */
	uint8_t device;  /* enum device_id */
	uint32_t mode;   /* with its type; 0: there is no such node (any more) */
	uint32_t major, minor;
	uint32_t uid, gid;
};

#define ROOT 1u
#define PTS 2u         /* the directory of pseudo-terminals */
#define SHM 3u         /* an empty directory, to be covered */
#define PTY_INODE 256u /* + serial: of a pseudo-terminal; lower ones are indices of the table */

#define ADMIN_PTS 2u

/* Where a session's paths are: the root of its mount, its own root, and where a relative path begins. */
struct place {
	unsigned int top, root, base;
};

struct node node_at(unsigned int inode);
/* The next inode behind this one that may be a node's; 0: there is none. */
unsigned int node_next(unsigned int inode);
unsigned int node_count(void);

/* A path; a final symbolic link there is none. The inode, or -ENOENT, -ENOTDIR, or -EREMOTE with *rest
 * where the path has left the tree, and *covered: a mount's number, 0: upwards. */
int64_t node_walk(const struct place *place, const char *path, size_t length, size_t *rest,
		  uint32_t *covered);
/* The directory is covered by that mount. */
int64_t node_cover(unsigned int inode, uint32_t mount);

/* As in st_rdev. */
uint64_t node_device_number(const struct node *node);

/* ----------------------------------------------------------------------- sessions, open files */

enum port_kind {
	PORT_ADMIN,
	PORT_SESSION,
	PORT_FILE,
	PORT_DEVICE,
	PORT_MASTER, /* of the pseudo-terminal whose serial is the index */
	PORT_SLAVE,
	PORT_CONTROL,
	PORT_TIMER,
};
#define PORT_USERDATA(kind, index) ((uint64_t)(kind) << 56 | (uint64_t)(index))
#define PORT_KIND(userdata) ((enum port_kind)((userdata) >> 56))
#define PORT_INDEX(userdata) ((uint32_t)(userdata))

/* Whom a request speaks for and where its path begins. */
struct view {
	uint32_t session;
	struct place place;
	struct file_identity identity;
};

/* The view of a port, from the open file of `token` if that is not 0. 0, -EBADF. */
int64_t view_of(uint64_t userdata, uint64_t token, struct view *view);

/* A session, an open file: its index. *client: a handle for the client. */
int64_t session_create(unsigned int top, const struct file_identity *identity, tern_handle *client);
int64_t session_revoke(uint64_t index);
int64_t open_create(const struct view *view, unsigned int inode, uint64_t *token,
		    tern_handle *client);
/* What the token's file is, or -EBADF. */
int64_t open_inode(uint64_t token);
void table_no_clients(uint64_t userdata, uint64_t minted);

/* ---------------------------------------------------------------------------------- operations */

extern struct server server;

/* File operations by number. */
int64_t file_operation(struct server_call *call);

/* Operations of device ports. */
int64_t device_operation(struct server_call *call);
/* A client's handle to talk to a device, 0 if it has none here; `access`: FILE_READ, FILE_WRITE. */
tern_handle device_open(unsigned int inode, enum device_id device, uint32_t access,
			const struct file_identity *identity);
/* For the posix server: a handle that keeps a terminal under control; see FILE_TERMINAL. */
tern_handle device_control_port(unsigned int inode, uint64_t *number, uint64_t *id);

void devices_start(tern_handle console);

#endif
