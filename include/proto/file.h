/*
 * The file protocol: what file servers (tmpfs, extfs, devfs) speak.
 *
 * Ports. An *admin* port, made by whoever supervises the server, mints sessions. A *session* port is
 * an identity (uid, gid, groups) and a root directory; one process holds it. A *file* port stands for
 * one open file; when its last handle is closed the file is closed. All operations on files can be
 * made through a session or a file port: a path is looked up from the port's *base*, which is the
 * session's root or the open file (then with the identity of who opened it). A message may name
 * another base by the *token* of an open file, which OPEN answered: 64 bits that nobody can guess, so
 * an inherited directory works with the identity of the process that inherited it. A path that begins
 * with '/' is taken from the session's root. An empty path is the base itself, so fstat is STAT with
 * an empty path.
 *
 * Requests. Word 0 has the operation, the lengths of up to two strings, and flags; word 1 the token
 * of the base (0: the port's); word 2 an argument. Behind these comes the payload: the first string,
 * the second string, then data whose size the operation defines, without padding. A payload of at
 * most FILE_INLINE bytes stands in words 3..7; a longer one at the start of the in window. So a call
 * with a short path is eight registers and takes the IPC fast path.
 *
 * Answers. Word 0 is the result: 0 or positive, or a negative error number. Bytes that are answered
 * (READLINK, GETXATTR ...) are in words 3..7 if they are at most FILE_INLINE, else in the out window.
 *
 * Links. Symbolic links are followed inside the server. A path that leaves the mount is answered
 * -EREMOTE with the reason in word 1 (enum file_redirect), a number in word 2 (FILE_REDIRECT_COVERED:
 * the mount's), the length of what remains of the path in the upper half of word 2's bits, and that
 * rest as bytes as above. If it is too long for the out window it is left out: offer FILE_PATH_MAX.
 *
 * Errors that any operation may answer: -ENOSYS (no such operation), -EINVAL (lengths that
 * contradict each other, no window where one is needed), -EFAULT (a window's memory is absent: touch
 * it and call again; nothing has happened), -EBADF (no such token), -ENOMEM, -EIO, -EROFS, -EACCES,
 * -ENOENT, -ENOTDIR, -ELOOP, -ENAMETOOLONG; -EPIPE comes when the server died: open files are gone.
 */
#ifndef PROTO_FILE_H
#define PROTO_FILE_H

#include <stdint.h>

#include "tern/ipc.h"

#define FILE_INLINE 40     /* bytes of payload or answer in words 3..7 */
#define FILE_INLINE_WORD 3 /* the first of these words */
#define FILE_NAME_MAX 255
#define FILE_PATH_MAX 4096 /* a path is shorter than this */
#define FILE_DATA_MAX 8192 /* largest value of an extended attribute that is sent or answered */
#define FILE_GROUPS_MAX 32
#define FILE_RETRY (-14) /* -EFAULT as an answer: touch the windows and call again */

/*
 * The operations: number, name.
 *
 * STAT      word 0 links, 1 inode, 2 size or (devices) device number, 3 blocks of 512 bytes << 16 | mode,
 *           4 gid << 32 | uid, 5..7 access, modification, change time in nanoseconds since 1970.
 * ACCESS    word 2: R_OK, W_OK, X_OK bits. Answers 0 or -EACCES.
 * OPEN      word 2: mode of a file that CREATE makes (the session's umask is applied). Answers: word 0
 *           mode and type, 1 token, 2 size or device number, 3 inode, 4 FILE_OPENED_CREATED; handles:
 *           the file port, then (regular files) a stream, or with FILE_MEMOBJ the memobj. With FILE_BARE
 *           no handles: the open file is the session's, and known by its token alone, until CLOSE, PORT
 *           or the session's end. (A server need not know FILE_BARE, and answers handles then.)
 * CLOSE     (bare open file) it is closed.
 * PORT      (bare open file) handle: its file port. It is as if it had been opened without FILE_BARE.
 * MEMOBJ    (open file) the memobj as handle 0, with the rights that the file was opened with.
 * MKDIR     word 2: mode.        MKNOD    word 2: device number << 32 | mode (with its type).
 * SYMLINK   first string the path, second the target.
 * LINK      first string the old path (FOLLOW: follow a link at its end), second the new one, from the
 *           base whose token is in word 2 (0: the port's).
 * RENAME    the same with FILE_NOREPLACE or FILE_EXCHANGE.
 * UNLINK    with FILE_DIRECTORY: rmdir.
 * READLINK  word 0 length; the target as bytes.
 * READDIR   (directory) word 2: cookie, 0 to begin; data: uint64_t size of the out window. Word 0 bytes
 *           in it (0: the end), word 1 the cookie to go on with. Entries are struct file_entry.
 * TRUNCATE  word 2: length.      CHMOD    word 2: mode.
 * CHOWN     word 2: gid << 32 | uid (UINT32_MAX: leave).
 * UTIMES    data: two int64_t in nanoseconds, access and modification; FILE_TIME_OMIT, FILE_TIME_NOW.
 * STATFS    words 1 blocks, 2 free, 3 available, 4 files, 5 free files, 6 name length << 32 | block
 *           size, 7 magic number.
 * GETXATTR  second string the name; word 2: bytes wanted (0: only the length). Word 0 length.
 * LISTXATTR word 2 as above.     SETXATTR word 2: bytes of data; FILE_EXCLUSIVE, FILE_REPLACE.
 * DELXATTR  second string the name.
 * LOCK      (open file) record lock of the session: word 2: enum file_lock; data: int64_t start and
 *           length (0: to the end). FILE_WAIT: wait, which an interrupt ends with -EINTR. -EAGAIN,
 *           -EDEADLK, -ENOLCK. FILE_DESCRIPTION: the lock belongs to the open file (through its file
 *           port only); a flock is such a lock over everything.
 * GETLOCK   the same; word 0 the type of a lock in the way or FILE_UNLOCK, 1 start, 2 length, 3 pid.
 * GROW      (open file, writable) word 2: length: writes may extend the file to there. -ENOSPC, -EFBIG.
 *           Word 1: how far they now may (at least that). FILE_ALLOCATE: fallocate.
 * FSYNC     (open file) data and attributes are on disk, or -EIO.     SYNCFS   everything is.
 * PATH      its path from the session's root, as bytes; word 0 the length. -ENOENT: it is deleted, or not
 *           below that root. Of several names of a file, one in the directory where it was last opened.
 * OPENED    (admin) word 2: the token of an open file. Answer: word 0 mode, 1 inode, 2 the flags it was
 *           opened with, 3 uid, gid << 32. -EBADF.
 * SESSION   (admin) data: struct file_identity, word 2 its size. Word 1 the session's number, handle 0
 *           its port.
 * REVOKE    (admin) word 2: a session's number. Its record locks are released.
 * COVER     (admin) the directory is covered by mount number word 2 (0: not any more).
 * TERMINAL  (admin) word 2: the token of an open terminal. Answer: word 1 its device (major << 32 | minor), 2
 *           a number that no other terminal ever has; handle: a port for who has it under control: see
 *           proto/tty.h. -ENOTTY, -EBADF.
 * UNMOUNT   (admin) everything is on disk; the server leaves the disk clean and ends by itself.
 */
#define FILE_OPERATIONS(X)                                                                         \
	X(1, STAT)                                                                                 \
	X(2, ACCESS)                                                                               \
	X(3, OPEN)                                                                                 \
	X(4, MEMOBJ)                                                                               \
	X(5, MKDIR)                                                                                \
	X(6, MKNOD)                                                                                \
	X(7, SYMLINK)                                                                              \
	X(8, LINK)                                                                                 \
	X(9, RENAME)                                                                               \
	X(10, UNLINK)                                                                              \
	X(11, READLINK)                                                                            \
	X(12, READDIR)                                                                             \
	X(13, TRUNCATE)                                                                            \
	X(14, CHMOD)                                                                               \
	X(15, CHOWN)                                                                               \
	X(16, UTIMES)                                                                              \
	X(17, STATFS)                                                                              \
	X(18, GETXATTR)                                                                            \
	X(19, SETXATTR)                                                                            \
	X(20, LISTXATTR)                                                                           \
	X(21, DELXATTR)                                                                            \
	X(22, LOCK)                                                                                \
	X(23, GETLOCK)                                                                             \
	X(24, GROW)                                                                                \
	X(25, FSYNC)                                                                               \
	X(26, SYNCFS)                                                                              \
	X(27, SESSION)                                                                             \
	X(28, REVOKE)                                                                              \
	X(29, COVER)                                                                               \
	X(30, UNMOUNT)                                                                             \
	X(31, PATH)                                                                                \
	X(32, OPENED)                                                                              \
	X(33, CLOSE)                                                                               \
	X(34, PORT)                                                                                \
	X(35, TERMINAL)

#define FILE_OPERATION_COUNT 36 /* one more than the highest number */

enum file_operation {
#define FILE_OPERATION_ENUM(number, name) FILE_##name = (number),
	FILE_OPERATIONS(FILE_OPERATION_ENUM)
#undef FILE_OPERATION_ENUM
};

/* Flags, 24 bits. */
#define FILE_NOFOLLOW 0x1   /* do not follow a symbolic link at the path's end */
#define FILE_DIRECTORY 0x2  /* it must be a directory */
#define FILE_CREATE 0x4     /* OPEN: make it if it is not there ... */
#define FILE_EXCLUSIVE 0x8  /* ... and it must not be there */
#define FILE_TRUNCATED 0x10 /* OPEN: with length 0 (needs FILE_WRITE) */
#define FILE_READ 0x20
#define FILE_WRITE 0x40
#define FILE_APPEND 0x80       /* OPEN: the stream appends */
#define FILE_WITH_MEMOBJ 0x100 /* OPEN: answer the memobj, not a stream */
#define FILE_PATH_ONLY 0x200   /* OPEN: for its token and STAT; needs no permission on the file */
#define FILE_NOREPLACE 0x400
#define FILE_EXCHANGE 0x800
#define FILE_REPLACE 0x1000 /* SETXATTR: it must be there */
#define FILE_WAIT 0x2000
#define FILE_DESCRIPTION 0x4000
#define FILE_ALLOCATE 0x8000
#define FILE_FOLLOW 0x10000 /* LINK: follow */
#define FILE_BARE 0x20000   /* OPEN: no handles */

#define FILE_OPENED_CREATED 1

#define FILE_TIME_NOW INT64_MAX
#define FILE_TIME_OMIT (INT64_MAX - 1)

enum file_lock { FILE_UNLOCK, FILE_LOCK_SHARED, FILE_LOCK_EXCLUSIVE };

enum file_redirect {
	FILE_REDIRECT_ABSOLUTE = 1, /* what remains begins with '/': the client's root */
	FILE_REDIRECT_ABOVE,        /* what remains is relative to the parent of the mount's root */
	FILE_REDIRECT_COVERED,      /* ... to the root of the mount whose number word 2 has */
	FILE_REDIRECT_SECOND = 0x100, /* LINK, RENAME: it is the second path that leaves */
};

/* Word 0 of a request. */
#define FILE_WORD(op, length, second, flags)                                                       \
	((uint64_t)(op) | (uint64_t)(length) << 8 | (uint64_t)(second) << 24 |                     \
	 (uint64_t)(flags) << 40)
#define FILE_WORD_OPERATION(word) ((unsigned)((word)&0xff))
#define FILE_WORD_LENGTH(word) ((size_t)((word) >> 8 & 0xffff))
#define FILE_WORD_SECOND(word) ((size_t)((word) >> 24 & 0xffff))
#define FILE_WORD_FLAGS(word) ((uint32_t)((word) >> 40))

/* Word 2 of a redirecting answer. */
#define FILE_REDIRECT_WORD(number, length) ((uint64_t)(length) << 32 | (uint32_t)(number))

/* One entry of READDIR; it has the layout of getdents64, so a shim can hand it on as it is. */
struct file_entry {
	uint64_t inode;
	uint64_t next;   /* cookie: go on behind this entry; stays valid when others come and go */
	uint16_t length; /* of this entry, a multiple of 8 */
	uint8_t type;    /* DT_*: the file type's bits of the mode >> 12 */
	char name[];     /* ends with a zero byte */
} __attribute__((packed));

#define FILE_ENTRY_HEAD 19 /* bytes in front of the name */

struct file_identity {
	uint64_t root; /* token of the root directory; 0: the mount's */
	uint32_t uid;
	uint32_t gid;
	uint32_t umask;
	uint32_t pid; /* what GETLOCK tells about its locks */
	uint32_t group_count;
	uint32_t reserved;
	uint32_t groups[FILE_GROUPS_MAX];
};

#ifndef TERN_KERNEL
/* Puts bytes into the inline words of a message. */
static inline void file_put_inline(uint64_t *words, size_t at, const void *bytes, size_t length)
{
	__builtin_memcpy((char *)&words[FILE_INLINE_WORD] + at, bytes, length);
}

/*
 * file_call: a request with one path (not zero-terminated) and neither windows nor handles.
 * `message->words[1]` and `[2]` are the caller's. Paths of more than FILE_INLINE bytes need
 * file_call_long. Returns the result: word 0, or what the call itself failed with.
 */
static inline int64_t file_call(tern_handle port, unsigned op, uint32_t flags, const char *path,
				size_t length, struct tern_received *message)
{
	tern_result result;

	message->words[0] = FILE_WORD(op, length, 0, flags);
	__builtin_memset(&message->words[FILE_INLINE_WORD], 0, FILE_INLINE);
	file_put_inline(message->words, 0, path, length);
	result = tern_call(port, message);
	return result < 0 ? result : (int64_t)message->words[0];
}

/*
 * file_call_long: the same with everything: `payload` of `payload_length` bytes (path, second string,
 * data) of any length, an out window, and handles back.
 */
struct file_long_call {
	unsigned op;
	uint32_t flags;
	size_t length, second; /* of the two strings in the payload */
	const void *payload;
	size_t payload_length;
	void *out;
	size_t out_length;
	unsigned accept; /* handles that may come back */
};

static inline int64_t file_call_long(tern_handle port, const struct file_long_call *call,
				     struct tern_received *message)
{
	uint64_t base = message->words[1], argument = message->words[2];
	struct tern_extended extended = { .accept_count = call->accept };
	tern_result result;
	int tries;

	extended.in_address = (uint64_t)call->payload;
	extended.in_length = call->payload_length > FILE_INLINE ? call->payload_length : 0;
	extended.out_address = (uint64_t)call->out;
	extended.out_length = call->out_length;
	__builtin_memset(&message->words[FILE_INLINE_WORD], 0, FILE_INLINE);
	for (tries = 0; tries < 3; tries++) {
		message->words[0] = FILE_WORD(call->op, call->length, call->second, call->flags);
		message->words[1] = base;
		message->words[2] = argument;
		if (call->payload_length <= FILE_INLINE)
			file_put_inline(message->words, 0, call->payload, call->payload_length);
		result = call->accept && !extended.in_length && !extended.out_length
				 ? tern_call_accept(port, message, call->accept)
				 : tern_call_ext(port, message, &extended);
		if (result < 0)
			return result;
		if ((int64_t)message->words[0] != FILE_RETRY)
			break;
		if (extended.in_length && tern_touch(call->payload, extended.in_length, 0) < 0)
			break;
		if (call->out_length && tern_touch(call->out, call->out_length, 1) < 0)
			break;
	}
	return (int64_t)message->words[0];
}
#endif

#endif
