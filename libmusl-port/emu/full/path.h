/*
 * From a path to the file server that knows the file.
 *
 * A path is looked up by the server of the mount where it begins: the root's, the working directory's, a
 * descriptor's, or that of the longest prefix in the table of mounts. A server that is left
 * (-EREMOTE) tells what remains of the path, and that is asked of the next.
 *
 * Each process has a *session* with each server, asked of the posix server when it is first needed.
 * Directories are named by their tokens, so an inherited one works with the own session.
 */
#ifndef EMU_FULL_PATH_H
#define EMU_FULL_PATH_H

#include "descriptor.h"

#include "proto/file.h"
#include "proto/posix.h"

#define EMU_SHORT_PATH 80

struct emu_path {
	uint32_t mount;
	uint64_t token;   /* of the directory it begins at; 0: the session's root */
	tern_handle port; /* not 0: ask this one instead of the session */
	const char *text;
	size_t length;
	char *buffer; /* from emu_buffer_take, or NULL */
	char own[EMU_SHORT_PATH];
};

/* What is asked; the answer's words are in `message`. */
struct emu_request {
	unsigned operation;
	uint32_t flags;
	uint64_t argument;
	struct emu_path *second; /* LINK, RENAME: its token goes into word 2 */
	const void *data;        /* behind the strings */
	size_t data_length, second_length;
	void *out;
	size_t out_length;
	unsigned accept; /* handles */
	bool may_wait;   /* -EINTR is told, not repeated */
};

/*
 * emu_path_user, emu_path_kernel: `text` from descriptor `base` (or AT_FDCWD), user's or emu's own.
 * An empty path is -ENOENT unless `is_empty_allowed`: then it means the descriptor itself.
 * emu_path_of: the file of a description. All of them want emu_path_end at last (after errors not).
 */
long emu_path_user(struct emu_path *path, int base, const char *text, bool is_empty_allowed);
long emu_path_kernel(struct emu_path *path, int base, const char *text, bool is_empty_allowed);
long emu_path_of(struct emu_path *path, const struct emu_description *description);
void emu_path_end(struct emu_path *path);

/* The number of the first mount of a type, 0: none. */
uint32_t emu_mount_of_type(const char *type);

/* Is that the directory of the own descriptors? */
static inline bool emu_is_own_directory(uint32_t mount, uint64_t token)
{
	return __builtin_expect(token == POSIX_DESCRIPTORS(emu_process.pid), 0) &&
	       mount == emu_mount_of_type("proc");
}

/* The open descriptor of this process that the path means: /dev/stdin, /dev/fd/N, /proc/self/fd/N ...;
 * NULL: it is none of these. *number: which. own.c, with those below. Paths that cannot be one are told
 * here, since all pay for that. */
struct emu_description *emu_path_find_descriptor(const struct emu_path *path, int *number);

static inline struct emu_description *emu_path_descriptor(const struct emu_path *path, int *number)
{
	const char *text = path->buffer ? path->buffer : path->own;

	if (text[0] == '/' ? text[1] != 'd' && text[1] != 'p'
			   : !emu_is_own_directory(path->mount, path->token))
		return NULL;
	return emu_path_find_descriptor(path, number);
}

/* The path begins at the directory, NULL: at the root. */
void emu_path_begin_at(struct emu_path *path, const struct emu_description *directory);

/* Is it the link cwd or root of the own process? For those who do not follow links. */
enum emu_place { EMU_NO_PLACE, EMU_PLACE_WORKING, EMU_PLACE_ROOT };
enum emu_place emu_path_place(const struct emu_path *path);

/* /dev/fd is another name of the directory of descriptors. */
void emu_path_rename(struct emu_path *path);
/* The path, absolute, leads through a link of the own process: it begins there now. */
bool emu_path_leads_on(struct emu_path *path);
/* Its entries, as getdents64 does it. */
long emu_own_list(struct emu_description *directory, char *user, size_t size);
/* What readlink says of a descriptor; the length. `buffer` is one of emu_buffer_take. */
long emu_own_link(int number, char *buffer);
/* st_ino of its entry `n`. */
static inline uint64_t emu_own_inode(uint32_t n)
{
	return (1ul << 32) + n;
}

/* One request about the path; whatever it is redirected to. The answer's word 0, or an error. */
long emu_path_call(struct emu_path *path, const struct emu_request *request,
		   struct tern_received *answer);

/* Does the path mean this process's program, which no server knows? Then it is in emu_program_path. */
bool emu_path_is_program(const struct emu_path *path);

/* open.c: a description like one of O_PATH, but opened with the access that `flags` want;
 * the mode. For nodes behind which somebody else is: sockets, FIFOs. */
long emu_open_path_of(struct emu_path *path, int flags, struct emu_description **description);

/* A request about what is open, through the port of the file or the session. */
long emu_file_call(const struct emu_description *description, const struct emu_request *request,
		   struct tern_received *answer);

/* A bare file is closed; or gets its port: 0 or an error. */
void emu_file_close(const struct emu_description *description);
long emu_file_make_port(struct emu_description *description);

/* The session of a mount, or an error; and what to do when it has died. */
tern_handle emu_session(uint32_t mount);
void emu_session_drop(uint32_t mount, tern_handle session);

/* The prefix of a mount; -ENOENT. *length without the zero. */
const char *emu_mount_prefix(uint32_t mount, size_t *length);
/* The mount with the longest prefix of an absolute path; *skip: so much of the path is that. */
uint32_t emu_mount_of_path(const char *text, size_t length, size_t *skip);
/* Does opening bring handles there in any case? `is_so`: it does. */
bool emu_mount_gives_handles(uint32_t mount, bool is_so);
/* The number of the mount at `index` of the table; 0: there are no more. */
uint32_t emu_mount_at(int index);

extern struct emu_lock emu_path_lock; /* protects mounts, sessions and the directories below */

/* The working directory and the root. NULL: the root of mount 1. */
extern struct emu_description *emu_working_directory, *emu_root_directory;

long emu_mounts_start(void);
void emu_sessions_forget(bool is_child);

/* ------------------------------------------------------------------------------ buffer.c */
#define EMU_BUFFER_SIZE 16384

/* Memory of emu's own for one call, from a small stock; NULL: none left. */
char *emu_buffer_take(void);
void emu_buffer_give(char *buffer);
extern struct emu_lock emu_buffers_lock;

#endif
