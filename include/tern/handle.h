/*
 * Handles: process-local names of kernel objects, with rights.
 *
 * Layout of a handle value (for debuggers; programs treat it as opaque):
 *   bits  0..3   zero
 *   bits  4..23  slot index
 *   bits 24..35  rights
 *   bits 36..62  generation of the slot, so that a stale value is -EBADF
 */
#ifndef TERN_HANDLE_H
#define TERN_HANDLE_H

#define TERN_HANDLE_INDEX_SHIFT 4
#define TERN_HANDLE_INDEX_BITS 20
#define TERN_HANDLE_RIGHTS_SHIFT 24
#define TERN_HANDLE_RIGHTS_BITS 12
#define TERN_HANDLE_GENERATION_SHIFT 36
#define TERN_HANDLE_GENERATION_BITS 27
#define TERN_HANDLE_FIRST 16

/* Names that every thread has without a slot. They cannot be closed or sent in a message; duplicating
 * or giving SELF_PROCESS and SELF_THREAD makes handles. */
#define TERN_SELF_ACCOUNT 0 /* as an account argument: the calling process's own account */
#define TERN_SELF_PROCESS 1
#define TERN_SELF_THREAD 2
#define TERN_REPLY 3 /* the thread's built-in reply port: the call it received last */

/* Rights. The first four mean the same for every type. */
#define TERN_RIGHT_CALL (1u << 0)       /* client port: call through it */
#define TERN_RIGHT_COPY (1u << 1)       /* duplicate it, copy it in a message */
#define TERN_RIGHT_MOVE (1u << 2)       /* move it in a message */
#define TERN_RIGHT_NO_INHERIT (1u << 3) /* not a right but a mark: fork does not clone it */
#define TERN_RIGHT_OWNER (1u << 4)   /* control the object: revoke, kill, map into, destroy ... */
#define TERN_RIGHT_NOTIFY (1u << 5)  /* client port: notify through it */
#define TERN_RIGHT_RECEIVE (1u << 5) /* listener: receive from it */
#define TERN_RIGHT_MINT (1u << 6)    /* listener: create client ports on it */
#define TERN_RIGHT_READ (1u << 6)    /* memobj: map readable; others: query */
#define TERN_RIGHT_WRITE (1u << 7)   /* memobj: map writable */
#define TERN_RIGHT_EXECUTE (1u << 8) /* memobj: map executable */
#define TERN_RIGHT_CREATE (1u << 9)  /* process: create threads in it; account: charge to it */
#define TERN_RIGHT_GIVE (1u << 10)   /* process: give handles to it */
#define TERN_RIGHT_WATCH (1u << 11)  /* process, thread: be notified of its death */
#define TERN_RIGHTS_ALL 0xfffu

/* Object types as handle_info reports them. */
enum tern_type {
	TERN_TYPE_NONE,
	TERN_TYPE_PROCESS,
	TERN_TYPE_THREAD,
	TERN_TYPE_LISTENER,
	TERN_TYPE_PORT,
	TERN_TYPE_REPLY,
	TERN_TYPE_MEMOBJ,
	TERN_TYPE_INTERRUPT,
	TERN_TYPE_TIMER,
	TERN_TYPE_ACCOUNT,
	TERN_TYPE_RESOURCE,
	TERN_TYPE_STREAM,
	TERN_TYPE_DEVICE,
	TERN_TYPE_COUNT
};

#ifndef TERN_KERNEL
#include "tern/stub.h"

/*
 * tern_handle_close: give up a handle. Closing the last handle of an object ends its life (a
 * client port's server gets a no-clients event, a dropped reply answers -EPIPE, a process or
 * thread lives on). Never blocks. Returns 0, -EBADF (not a handle of this process).
 */
static inline tern_result tern_handle_close(tern_handle handle)
{
	return tern_syscall1(TERN_OP_handle_close, (uint64_t)handle);
}

/*
 * tern_handle_duplicate: a second handle with the rights `rights & old rights`; the mark
 * TERN_RIGHT_NO_INHERIT in `rights` is taken as given. Never blocks. Returns the handle,
 * -EBADF, -EPERM (no TERN_RIGHT_COPY), -EMFILE, -ENOMEM, -EINVAL (unknown bits; a reply port).
 */
static inline tern_result tern_handle_duplicate(tern_handle handle, uint32_t rights)
{
	return tern_syscall2(TERN_OP_handle_duplicate, (uint64_t)handle, rights);
}

/*
 * tern_handle_info: type and rights of a handle as (type << 16 | rights). Never blocks.
 * Returns that, or -EBADF.
 */
static inline tern_result tern_handle_info(tern_handle handle)
{
	return tern_syscall1(TERN_OP_handle_info, (uint64_t)handle);
}

/*
 * tern_handle_give: copy a handle into another process's table with `rights & own rights`
 * (used to set up a new process). Never blocks. Returns the handle's value in that process,
 * -EBADF, -EPERM (process lacks GIVE, handle lacks COPY), -EPROTOTYPE, -EMFILE, -ENOMEM,
 * -ESRCH (the process is dead), -EINVAL (a reply port; unknown bits).
 */
static inline tern_result tern_handle_give(tern_handle process, tern_handle handle, uint32_t rights)
{
	return tern_syscall3(TERN_OP_handle_give, (uint64_t)process, (uint64_t)handle, rights);
}
#endif

#endif
