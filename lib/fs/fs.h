/*
 * What file servers share: everything that the file protocol (proto/file.h) defines and that does not
 * depend on where files are kept. A server brings a table of operations (struct fs_operations) for
 * its storage and a transport that talks to the kernel; here are the nodes (inodes in memory), the
 * name cache, path lookup, permissions, sessions, open files, record locks and the messages.
 *
 * Two locks.
 *   fs->lock     guards all that is declared here. Never held while storage is asked or a window is
 *                copied.
 *   fs->change   is held by whoever changes the tree, or has to ask storage: *exclusive* operations.
 *                Storage is not called without it, except where noted. It comes first.
 * Most operations are first tried under fs->lock alone, with what is in memory. When that does not
 * do (a name or an inode is not there yet) the attempt ends with FS_EXCLUSIVE before it has changed
 * anything, and is made again as an exclusive one, which may ask storage: it releases fs->lock for
 * the time. While somebody is exclusive nobody else adds, removes or evicts names and nodes, so
 * pointers to these stay good across such a gap.
 *
 * Lifetime of a node: it is in the table from when it is read or created until it is evicted (nobody
 * refers to it, storage has it) or deleted (no links and no references: it is *doomed*, and the next
 * exclusive section deletes it). `references` counts open files, sessions' roots and waiters. Names
 * refer to nodes by inode number only.
 */
#ifndef LIB_FS_FS_H
#define LIB_FS_FS_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "lib/fs/mutex.h"
#include "proto/file.h"
#include "tern/handle.h"

#define FS_EXCLUSIVE (-4097) /* not with what is in memory: make it exclusive */
#define FS_PARKED (-4098)    /* the call is answered later */
#define FS_LINKS_MAX 65000
#define FS_FILE_MAX (1UL << 44)
#define FS_SYMLINKS_MAX 40
#define FS_OUT_MAX 32768 /* bytes that one call answers at most */
#define FS_PORT_RIGHTS (TERN_RIGHT_CALL | TERN_RIGHT_COPY | TERN_RIGHT_MOVE)
#define FS_OPEN_MAX 4096 /* open files of one session */

struct fs;
struct fs_call;
struct fs_locks;

struct fs_name {
	struct fs_name *hash_next;
	struct fs_name *previous, *next; /* of its directory, in the order of `cookie` */
	struct fs_node *directory;
	uint64_t inode; /* 0: known not to be there */
	uint64_t cookie;
	uint32_t hash;
	uint8_t type; /* DT_* */
	uint8_t length;
	char text[];
};

struct fs_node {
	struct fs_node *hash_next;
	struct fs_node *older, *newer; /* in the order of use; not those with references */
	uint64_t inode;
	uint32_t references;
	uint32_t writers; /* open for writing: size and times are to be asked of the memobj */
	uint32_t mode, links, uid, gid;
	uint64_t size, blocks; /* bytes, units of 512 bytes */
	uint64_t device;
	int64_t accessed, modified, changed; /* nanoseconds since 1970 */
	bool is_dirty;                       /* storage has other attributes */
	bool is_unused;                      /* in the list of nodes that nobody refers to */
	bool is_doomed;                      /* to be deleted */
	bool is_busy;                        /* storage needs it in memory */
	bool has_user_writers;               /* a write takes set-id bits away */
	bool holds_parent;                   /* a removed directory that is open: for its ".." */
	bool has_all_names;                  /* of a directory: what is not cached is not there */
	uint32_t covered;                    /* by this mount; 0: none */
	uint64_t parent;                     /* of others than directories: by the latest open */
	struct fs_name *first, *last;        /* of a directory: its cached names */
	uint64_t name_count;
	struct fs_node *next_dirty;
	char *target; /* of a symbolic link, when it has been read */
	struct fs_locks *locks;
};

struct fs_identity {
	uint32_t references;
	struct file_identity is;
};

struct fs_session {
	uint32_t generation;
	bool is_used;
	uint32_t opens;
	int64_t port; /* the server's own handle */
	struct fs_identity *identity;
	struct fs_node *root;
};

struct fs_open {
	uint64_t token;
	uint32_t index;
	uint32_t session; /* index of who opened it; UINT32_MAX: gone */
	uint32_t flags;   /* FILE_READ ... */
	bool is_bare;     /* it has no port: it ends by CLOSE, or with its session */
	struct fs_node *node;
	struct fs_identity *identity;
	struct fs_node *root;
	uint64_t readdir_cookie; /* where `readdir_next` is the next entry */
	struct fs_name *readdir_next;
	struct fs_open *next_spare;
};

/* The kinds of userdata: kind << 56 | generation << 32 | index. */
enum fs_port_kind { FS_PORT_ADMIN, FS_PORT_SESSION, FS_PORT_OPEN, FS_PORT_OWN };
#define FS_USERDATA(kind, generation, index)                                                       \
	((uint64_t)(kind) << 56 | (uint64_t)((generation)&0xffffff) << 32 | (uint32_t)(index))

/*
 * Storage. All are called with fs->change held and fs->lock free, unless it says "locked": then both
 * are held, or only fs->lock where it says "shared". They return 0 or a negative error number.
 */
struct fs_operations {
	size_t node_size;  /* of the storage's node, which begins with a struct fs_node */
	bool is_in_memory; /* nodes and names are nowhere else: they are never evicted */

	/* Brackets around whatever an exclusive operation changes. */
	int (*begin)(struct fs *fs);
	void (*end)(struct fs *fs);

	int (*read_node)(struct fs *fs, struct fs_node *node);     /* fill it, by node->inode */
	void (*release_node)(struct fs *fs, struct fs_node *node); /* locked: it is being freed */
	int (*delete_node)(struct fs *fs, struct fs_node *node);   /* no links, nobody uses it */

	/* All names of a directory go to fs_name_add (locked by the callee); -E2BIG: too many. */
	int (*read_names)(struct fs *fs, struct fs_node *directory);
	/* One name, for directories whose names are too many: 0 and *inode, -ENOENT. */
	int (*find_name)(struct fs *fs, struct fs_node *directory, const char *name, size_t length,
			 uint64_t *inode);
	int (*read_target)(struct fs *fs, struct fs_node *node, char *target); /* 4096 bytes */

	/*
	 * Changes of the tree. Attributes of new nodes are filled in but for the inode number, which
	 * `create` sets; all link counts and times are changed by the caller. *cookie of a new name.
	 */
	int (*create)(struct fs *fs, struct fs_node *directory, const char *name, size_t length,
		      struct fs_node *node, uint64_t *cookie);
	int (*link)(struct fs *fs, struct fs_node *directory, const char *name, size_t length,
		    struct fs_node *node, uint64_t *cookie);
	int (*unlink)(struct fs *fs, struct fs_node *directory, const char *name, size_t length);
	/* An existing name stands for another node from now on. */
	int (*relink)(struct fs *fs, struct fs_node *directory, const char *name, size_t length,
		      struct fs_node *node);
	int (*orphan)(struct fs *fs, struct fs_node *node); /* it has no links but is open */
	int (*set_parent)(struct fs *fs, struct fs_node *directory, uint64_t parent);

	/* Entries behind `cookie` go to fs_entry_add until that refuses. NULL: from the names. */
	int (*read_directory)(struct fs *fs, struct fs_node *directory, uint64_t cookie,
			      struct fs_call *call);

	/* Locked, shared: size, blocks and modification time are to be those of the memobj. */
	void (*refresh)(struct fs *fs, struct fs_node *node);
	int (*truncate)(struct fs *fs, struct fs_node *node, uint64_t length);
	int (*grow)(struct fs *fs, struct fs_node *node, uint64_t length, bool allocate,
		    uint64_t *limit);
	/*
	 * The memobj of a regular file, or a stream over it, as a handle for a client (`flags`:
	 * FILE_READ, FILE_WRITE, FILE_APPEND). With FILE_WITH_MEMOBJ it is the storage's own handle,
	 * else one that is moved. Locked, shared. A handle or an error.
	 */
	int64_t (*handle)(struct fs *fs, struct fs_node *node, uint32_t flags);
	int (*fsync)(struct fs *fs, struct fs_node *node); /* without any lock */
	int (*sync)(struct fs *fs);                        /* without any lock */
	void (*statfs)(struct fs *fs, uint64_t *words);    /* fills words 1..7; locked, shared */

	/* Extended attributes, with both locks free but fs->change. Result: length. */
	int64_t (*get_attribute)(struct fs *fs, struct fs_node *node, const char *name, void *value,
				 size_t size);
	int (*set_attribute)(struct fs *fs, struct fs_node *node, const char *name,
			     const void *value, size_t size, uint32_t flags);
	int64_t (*list_attributes)(struct fs *fs, struct fs_node *node, char *names, size_t size);
	int (*remove_attribute)(struct fs *fs, struct fs_node *node, const char *name);
};

/* The kernel, as far as messages need it; a fake on the host. */
struct fs_transport {
	int64_t (*now)(void);
	uint64_t (*random)(void);
	/* The in window to `buffer`, `buffer` to the out window: how many, or a negative error. */
	int64_t (*read)(struct fs_call *call, uint64_t offset, void *buffer, size_t length);
	int64_t (*write)(struct fs_call *call, uint64_t offset, const void *buffer, size_t length);
	/* A port with this userdata, all rights; and its revocation, which closes the handle. */
	int64_t (*make_port)(struct fs *fs, uint64_t userdata);
	void (*revoke_port)(struct fs *fs, int64_t port);
	void (*close)(struct fs *fs, int64_t handle);
	/* A client's handle of a port that the server keeps. */
	int64_t (*mint)(struct fs *fs, int64_t port);
	/* Keep the call's reply, to answer later: a handle or a negative error. */
	int64_t (*park)(struct fs_call *call, uint64_t cookie);
	/* False: nobody waits for it any more. */
	bool (*answer)(struct fs *fs, int64_t parked, int64_t result);
};

struct fs {
	const struct fs_operations *operations;
	const struct fs_transport *transport;
	void *storage;
	bool is_read_only;
	void (*stop)(void); /* ends the server's loop; NULL: there is none */
	uint64_t root_inode;

	pthread_mutex_t change;
	struct fs_mutex lock;
	/* What follows is guarded by `lock`. */
	struct fs_node **nodes; /* by inode */
	uint64_t node_buckets, node_count, node_limit;
	struct fs_node *oldest, *newest; /* unused ones */
	struct fs_node *doomed;          /* to be deleted, linked by `older` */
	struct fs_node *dirty;           /* nodes whose attributes storage does not have yet */
	struct fs_name **names;          /* by directory and hash */
	uint64_t name_buckets, name_count, name_limit;
	struct fs_session *sessions;
	uint32_t session_count;
	struct fs_open **opens;
	uint32_t open_count, open_free; /* slots; the lowest that may be free */
	struct fs_open *spare_opens;    /* memory for the next ones, linked by `next_spare` */
	uint32_t spare_open_count;
	uint64_t lock_count;       /* record locks */
	struct fs_waiter *waiters; /* calls that wait for one */
	uint64_t next_cookie;
};

/* One call being served. */
struct fs_call {
	struct fs *fs;
	uint64_t *words; /* of the message: request, then answer */
	uint64_t userdata;
	bool has_windows;
	int64_t handles[2]; /* to be moved to the caller ... */
	uint32_t rights[2]; /* ... with these rights ... */
	bool is_copied[2];  /* ... or to be copied: the storage keeps it */
	uint32_t handle_count;

	/* What was decoded. */
	unsigned operation;
	uint32_t flags;
	uint64_t argument;
	const char *path, *second;
	size_t path_length, second_length, data_length;
	const char *data;
	bool is_admin;
	bool is_exclusive;
	uint32_t session, session_generation; /* UINT32_MAX: none */
	struct fs_open *open;                 /* through whose port, or named by the token */
	bool is_file_port;                    /* it came through a file port */
	struct fs_identity *identity;         /* counted */
	struct fs_node *port_base;            /* the port's own */
	struct fs_node *base, *root;
	uint64_t token;
	size_t out_length, out_limit; /* bytes of `out` */
	bool is_out_full;             /* an entry did not fit */
	uint64_t out_next;            /* READDIR: the cookie to go on with */

	char payload[2 * FILE_PATH_MAX + FILE_DATA_MAX + 8];
	char rest[2 * FILE_PATH_MAX]; /* of a path, behind a symbolic link */
	char out[FS_OUT_MAX];
};

/* A path's end. */
struct fs_place {
	struct fs_node *directory;
	const char *name; /* in the call's buffers; NULL: the path ends with the node itself */
	size_t length;
	struct fs_node *node; /* NULL: no such name */
	bool wants_directory; /* a slash stood behind it */
};

/* core.c */
int fs_init(struct fs *fs, const struct fs_operations *operations,
	    const struct fs_transport *transport, void *storage, uint64_t root_inode);
void fs_destroy(struct fs *fs);

/* node.c: all locked */
struct fs_node *fs_node_find(struct fs *fs, uint64_t inode);
struct fs_node *fs_node_new(struct fs *fs);               /* not in the table yet */
void fs_node_insert(struct fs *fs, struct fs_node *node); /* with its inode number */
void fs_node_free(struct fs *fs, struct fs_node *node);   /* in the table or not */
int fs_node_get(struct fs_call *call, uint64_t inode, struct fs_node **node);
void fs_node_refer(struct fs *fs, struct fs_node *node);
void fs_node_release(struct fs *fs, struct fs_node *node);
void fs_node_doom(struct fs *fs, struct fs_node *node); /* if nothing uses it */
void fs_node_let_parent_go(struct fs *fs, struct fs_node *node);
void fs_node_changed(struct fs *fs, struct fs_node *node); /* its attributes, now */
/* Clients changed its content at this time; storage's `refresh` says so. */
void fs_node_written(struct fs *fs, struct fs_node *node, int64_t time);
void fs_node_drop_ids(struct fs_node *node);
void fs_node_mark_dirty(struct fs *fs, struct fs_node *node);
void fs_node_unmark_dirty(struct fs *fs, struct fs_node *node);
void fs_reap(struct fs *fs);         /* delete doomed nodes: exclusive; unlocks between */
void fs_nodes_shrink(struct fs *fs); /* exclusive, locked */

/* name.c: all locked */
uint32_t fs_name_hash(const char *name, size_t length);
struct fs_name *fs_name_find(struct fs *fs, const struct fs_node *directory, const char *name,
			     size_t length);
int fs_name_add(struct fs *fs, struct fs_node *directory, const char *name, size_t length,
		uint64_t inode, uint8_t type, uint64_t cookie);
void fs_name_remove(struct fs *fs, struct fs_name *name);
void fs_names_drop(struct fs *fs, struct fs_node *directory);
bool fs_name_is_valid(const char *name, size_t length);

/* walk.c: locked */
int fs_lookup(struct fs_call *call, struct fs_node *directory, const char *name, size_t length,
	      struct fs_node **node);
int fs_walk(struct fs_call *call, struct fs_node *base, const char *path, size_t length,
	    bool follow, struct fs_place *place);
int fs_find(struct fs_call *call, struct fs_node **node); /* the call's path, which must exist */
int fs_target(struct fs_call *call, struct fs_node *node);
int fs_is_empty(struct fs_call *call, struct fs_node *directory); /* 0 or -ENOTEMPTY; exclusive */

/* access.c */
int fs_may(const struct fs_identity *identity, const struct fs_node *node, uint32_t wanted);
int fs_may_remove(const struct fs_identity *identity, const struct fs_node *directory,
		  const struct fs_node *node);
bool fs_is_member(const struct fs_identity *identity, uint32_t gid);
bool fs_is_owner(const struct fs_identity *identity, const struct fs_node *node);
void fs_identity_put(struct fs_identity *identity);

/* session.c: locked */
void fs_give(struct fs_call *call, int64_t handle, uint32_t rights, bool is_copied);
int64_t fs_session_new(struct fs_call *call, const struct file_identity *identity);
void fs_session_end(struct fs *fs, uint32_t index);
struct fs_session *fs_session_at(struct fs *fs, uint64_t userdata);
struct fs_open *fs_open_new(struct fs_call *call, struct fs_node *node, uint32_t flags);
struct fs_open *fs_open_at(struct fs *fs, uint64_t token);
uint64_t fs_open_userdata(const struct fs_open *open);
void fs_open_close(struct fs *fs, struct fs_open *open);
/* A bare one gets its port: 0 or an error. */
int64_t fs_open_port(struct fs_call *call, struct fs_open *open);
void fs_opens_free(struct fs *fs); /* when all are closed */

/* lock.c: locked */
int64_t fs_lock_set(struct fs_call *call, const int64_t *range);
int64_t fs_lock_test(struct fs_call *call, const int64_t *range);
void fs_locks_drop(struct fs *fs, struct fs_node *node, uint64_t owner); /* of a description */
void fs_locks_drop_session(struct fs *fs, uint32_t session);
void fs_locks_free(struct fs *fs, struct fs_node *node);
void fs_lock_cancel(struct fs *fs, uint64_t cookie);

/* entry.c: directory entries in a call's out buffer */
bool fs_entry_add(struct fs_call *call, const char *name, size_t length, uint64_t inode,
		  uint8_t type, uint64_t next);
int fs_read_directory(struct fs_call *call);

/* message.c */

/*
 * Serve a call: the answer is in call->words and call->handles. True: send it; false: it is parked.
 */
bool fs_serve(struct fs_call *call);
/* The answer could not be sent: what was opened is closed again, but for the answer's handles. */
void fs_unsent(struct fs_call *call);
/* The last handle of a port that `userdata` belongs to is closed. */
void fs_no_clients(struct fs *fs, uint64_t userdata);

/* Exclusive sections for servers' own threads. */
void fs_begin_exclusive(struct fs *fs);
void fs_end_exclusive(struct fs *fs);

/* The operations by number: operation_name.c, operation_attribute.c, operation_open.c. */
int64_t fs_stat(struct fs_call *call);
int64_t fs_access(struct fs_call *call);
int64_t fs_truncate(struct fs_call *call);
int64_t fs_chmod(struct fs_call *call);
int64_t fs_chown(struct fs_call *call);
int64_t fs_utimes(struct fs_call *call);
int64_t fs_statfs(struct fs_call *call);
int64_t fs_readlink(struct fs_call *call);
int64_t fs_open(struct fs_call *call);
int64_t fs_memobj(struct fs_call *call);
int64_t fs_readdir(struct fs_call *call);
int64_t fs_grow(struct fs_call *call);
int64_t fs_fsync(struct fs_call *call);
int64_t fs_syncfs(struct fs_call *call);
int64_t fs_mkdir(struct fs_call *call);
int64_t fs_mknod(struct fs_call *call);
int64_t fs_symlink(struct fs_call *call);
int64_t fs_link(struct fs_call *call);
int64_t fs_rename(struct fs_call *call);
int64_t fs_unlink(struct fs_call *call);
int64_t fs_getxattr(struct fs_call *call);
int64_t fs_setxattr(struct fs_call *call);
int64_t fs_listxattr(struct fs_call *call);
int64_t fs_delxattr(struct fs_call *call);
int64_t fs_lock(struct fs_call *call);
int64_t fs_getlock(struct fs_call *call);
int64_t fs_session(struct fs_call *call);
int64_t fs_revoke(struct fs_call *call);
int64_t fs_cover(struct fs_call *call);
int64_t fs_unmount(struct fs_call *call);
int64_t fs_path(struct fs_call *call);
int64_t fs_opened(struct fs_call *call);
int64_t fs_close(struct fs_call *call);
int64_t fs_port(struct fs_call *call);

/* A new name for a new node: OPEN with FILE_CREATE, MKDIR, MKNOD, SYMLINK. Exclusive, locked. */
int fs_make(struct fs_call *call, const struct fs_place *place, uint32_t mode, uint64_t device,
	    const char *target, size_t target_length, struct fs_node **made);
int fs_truncate_node(struct fs_call *call, struct fs_node *node, uint64_t length);

/* Size and times of a file that is being written to, as they are now. Locked. */
static inline void fs_node_refresh(struct fs *fs, struct fs_node *node)
{
	if (node->writers)
		fs->operations->refresh(fs, node);
}

/* Around a call of storage from an exclusive operation. */
static inline void fs_unlock(struct fs *fs)
{
	fs_mutex_unlock(&fs->lock);
}

static inline void fs_relock(struct fs *fs)
{
	fs_mutex_lock(&fs->lock);
}

#endif
