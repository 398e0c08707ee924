/*
 * Inter-process communication: listener, client and reply ports.
 *
 * A server receives from a *listener*. A *client port* (listener, userdata) is what clients call
 * through. The *reply port* comes into being when a call is received and is used up by the
 * answer; the receiving thread has one built in (TERN_REPLY).
 *
 * Message words w0..w7 travel in a1..a6, t0, t1. What a receiver finds:
 *   a0  what arrived (enum tern_event) with TERN_EVENT_* flags above, or a negative error
 *   a7  userdata of the port it came through (for CANCELLED: the parked reply's cookie)
 *   t2..t5  handles that came with the message, t6 how many (else zero)
 * and a caller whose call was answered: a0 = 0 (| TERN_EVENT_HANDLES) or a negative error, the
 * answer's words in w0..w7, a7 zero.
 */
#ifndef TERN_IPC_H
#define TERN_IPC_H

#define TERN_MESSAGE_WORDS 8
#define TERN_MESSAGE_HANDLES 4

/* What a receive returns in a0 (low 8 bits). */
#define TERN_EVENT_CALL 0       /* a call: answer it */
#define TERN_EVENT_NOTIFY 1     /* w0: the bits that were notified since the last delivery */
#define TERN_EVENT_NO_CLIENTS 2 /* w0: how many handles were minted; the userdata's last use */
#define TERN_EVENT_CANCELLED 3  /* a parked cancellable reply's caller was interrupted */
#define TERN_EVENT_KIND 0xff
#define TERN_EVENT_HANDLES 0x100 /* handles came along: t2..t5, count in t6 */
#define TERN_EVENT_WINDOWS 0x200 /* the caller offers windows: see tern_reply_read */

/* Flags of tern_port_create. */
#define TERN_PORT_PERSISTENT 1 /* survives listener_takeover: userdata is a stable id */

/* Flags of tern_reply_park. */
#define TERN_PARK_CANCELLABLE 1 /* an interrupt answers the caller -EINTR at once */

/* Bytes that one call copies or touches at most: interrupts wait for it. */
#define TERN_COPY_MAX (128u << 10) /* tern_reply_read, _write and _copy */
#define TERN_TOUCH_MAX (4ul << 20) /* tern_touch */

/* How a handle goes into a message. */
#define TERN_SEND_COPY 0
#define TERN_SEND_MOVE 1

#ifndef __ASSEMBLER__
#include "tern/types.h"

/* The extended descriptor of the _ext operations, in user memory; its address goes in t2. (For call_ext
 * a number from 1 to 4 says accept_count alone.) */
struct tern_extended {
	uint32_t handle_count; /* 0..4 handles to send */
	uint32_t accept_count; /* 0..4 handles that the answer may bring (call_ext) */
	struct {
		int64_t handle;
		uint32_t rights; /* the receiver gets these of the sender's rights */
		uint32_t mode;   /* TERN_SEND_COPY or TERN_SEND_MOVE */
	} handles[TERN_MESSAGE_HANDLES];
	uint64_t in_address;  /* call_ext: the server may read these bytes of ours (page: any) */
	uint64_t in_length;   /* bytes, 0 = no window */
	uint64_t out_address; /* call_ext: the server may write these */
	uint64_t out_length;
};

struct tern_message {
	uint64_t words[TERN_MESSAGE_WORDS];
};

/* What a receive brought, for callers of the C stubs. */
struct tern_received {
	uint64_t words[TERN_MESSAGE_WORDS];
	uint64_t userdata;
	int64_t handles[TERN_MESSAGE_HANDLES];
	uint64_t handle_count;
};
#endif

#ifndef TERN_KERNEL
#ifndef __ASSEMBLER__
#include "tern/stub.h"

/*
 * The one exchange primitive behind the calls below: sends `received->words`, comes back with the
 * words, userdata and handles that arrived. `extended` may be NULL.
 */
static inline tern_result tern_exchange(int64_t op, tern_handle handle,
					struct tern_received *received,
					const struct tern_extended *extended)
{
	register uint64_t a0 __asm__("a0") = (uint64_t)handle;
	register uint64_t a1 __asm__("a1") = received->words[0];
	register uint64_t a2 __asm__("a2") = received->words[1];
	register uint64_t a3 __asm__("a3") = received->words[2];
	register uint64_t a4 __asm__("a4") = received->words[3];
	register uint64_t a5 __asm__("a5") = received->words[4];
	register uint64_t a6 __asm__("a6") = received->words[5];
	register uint64_t t0 __asm__("t0") = received->words[6];
	register uint64_t t1 __asm__("t1") = received->words[7];
	register uint64_t t2 __asm__("t2") = (uint64_t)extended;
	register uint64_t t3 __asm__("t3");
	register uint64_t t4 __asm__("t4");
	register uint64_t t5 __asm__("t5");
	register uint64_t t6 __asm__("t6");
	register int64_t a7 __asm__("a7") = op;

	__asm__ volatile("ecall"
			 : "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3), "+r"(a4), "+r"(a5), "+r"(a6),
			   "+r"(t0), "+r"(t1), "+r"(t2), "=r"(t3), "=r"(t4), "=r"(t5), "=r"(t6),
			   "+r"(a7)
			 :
			 : "memory", "ra");
	received->words[0] = a1;
	received->words[1] = a2;
	received->words[2] = a3;
	received->words[3] = a4;
	received->words[4] = a5;
	received->words[5] = a6;
	received->words[6] = t0;
	received->words[7] = t1;
	received->userdata = (uint64_t)a7;
	received->handles[0] = (int64_t)t2;
	received->handles[1] = (int64_t)t3;
	received->handles[2] = (int64_t)t4;
	received->handles[3] = (int64_t)t5;
	received->handle_count = t6;
	return (tern_result)a0;
}

/*
 * tern_call: send eight words through a client port and wait for the answer. Blocks.
 * Returns 0 (| TERN_EVENT_HANDLES); -EBADF, -EPROTOTYPE (not a client port), -EPERM (no CALL
 * right), -EPIPE (port revoked, listener destroyed, or reply dropped), -EINTR (interrupted while
 * queued or parked cancellable), -EAGAIN (the listener's bound of queued senders is reached).
 * Nobody looks for cycles of calls: callers in one wait for ever.
 */
static inline tern_result tern_call(tern_handle port, struct tern_received *message)
{
	return tern_exchange(TERN_OP_call, port, message, 0);
}

/*
 * tern_call_ext: tern_call with handles and windows. Blocks. Returns what tern_call does, and
 * -EFAULT (descriptor not readable), -EINVAL (counts, modes, a handle that is moved and in the
 * message again, or a window that wraps or leaves user space), -E2BIG (the receiver accepts fewer
 * handles), -EPERM (a handle lacks COPY or MOVE), -EMFILE or -ENOMEM (no room at the receiver). A
 * call that fails so has sent nothing and moved nothing.
 */
static inline tern_result tern_call_ext(tern_handle port, struct tern_received *message,
					const struct tern_extended *extended)
{
	return tern_exchange(TERN_OP_call_ext, port, message, extended);
}

/*
 * tern_call_accept: tern_call whose answer may bring up to `count` handles (1..4): tern_call_ext without
 * anything else, and cheaper. The count stands in for the descriptor's address. Blocks. Returns what
 * tern_call does.
 */
static inline tern_result tern_call_accept(tern_handle port, struct tern_received *message,
					   uint64_t count)
{
	return tern_exchange(TERN_OP_call_ext, port, message, (const struct tern_extended *)count);
}

/*
 * tern_reply_wait: answer the call that this thread received last (if it is still unanswered
 * and not parked), then receive from `listener`. Blocks. Returns an event (see above) or -EBADF,
 * -EPROTOTYPE, -EPERM (no RECEIVE right), -ESRCH (the caller is gone: nothing was received),
 * -EPIPE (the listener was destroyed), -EINTR (thread_interrupt while waiting).
 * Errors other than -EPIPE, -EINTR leave the reply port as it was, except -ESRCH, which uses it up.
 */
static inline tern_result tern_reply_wait(tern_handle listener, struct tern_received *message)
{
	return tern_exchange(TERN_OP_reply_wait, listener, message, 0);
}

/*
 * tern_reply_wait_ext: the same with handles in the answer. Blocks. Errors also those of
 * tern_call_ext's descriptor and handles: then the call is still to be answered.
 */
static inline tern_result tern_reply_wait_ext(tern_handle listener, struct tern_received *message,
					      const struct tern_extended *extended)
{
	return tern_exchange(TERN_OP_reply_wait_ext, listener, message, extended);
}

/*
 * tern_wait: receive without answering. If the built-in reply port is still in use its caller
 * gets -EPIPE first. Blocks. Results as tern_reply_wait without -ESRCH.
 */
static inline tern_result tern_wait(tern_handle listener, struct tern_received *message)
{
	return tern_exchange(TERN_OP_wait, listener, message, 0);
}

/*
 * tern_reply: answer through a reply port (TERN_REPLY or a parked one, which is used up and
 * closed). Never blocks. Returns 0, -EBADF, -EPROTOTYPE, -ESRCH (caller killed or interrupted).
 */
static inline tern_result tern_reply(tern_handle reply, struct tern_received *message)
{
	return tern_exchange(TERN_OP_reply, reply, message, 0);
}

/*
 * tern_reply_ext: the same with handles. May block for the descriptor's memory only. Errors also
 * those of tern_call_ext's descriptor and handles, which leave the reply usable.
 */
static inline tern_result tern_reply_ext(tern_handle reply, struct tern_received *message,
					 const struct tern_extended *extended)
{
	return tern_exchange(TERN_OP_reply_ext, reply, message, extended);
}

/*
 * tern_notify: OR `bits` (not 0) into the port's pending word and queue it at its listener.
 * Never blocks, allocates nothing. Returns 0, -EBADF, -EPROTOTYPE, -EPERM (no NOTIFY right),
 * -EPIPE (revoked), -EINVAL (bits = 0).
 */
static inline tern_result tern_notify(tern_handle port, uint64_t bits)
{
	return tern_syscall2(TERN_OP_notify, (uint64_t)port, bits);
}

/*
 * tern_listener_create: a new listener charged to `account` (0 = own; an account handle with
 * CREATE; or a reply port: its caller pays). `sender_limit`: how many calls may queue, 1..65536.
 * Never blocks. Returns a handle with all rights; -EBADF, -EPROTOTYPE, -EPERM, -ENOMEM, -EMFILE,
 * -EINVAL.
 */
static inline tern_result tern_listener_create(tern_handle account, uint64_t sender_limit)
{
	return tern_syscall2(TERN_OP_listener_create, (uint64_t)account, sender_limit);
}

/*
 * tern_listener_takeover: a new server instance takes the listener over. Client ports that are
 * not persistent are revoked: queued callers and callers that the old instance has not answered
 * get -EPIPE; events of revoked ports are dropped. Needs OWNER. Never blocks. Returns the number
 * of ports revoked, -EBADF, -EPROTOTYPE, -EPERM.
 */
static inline tern_result tern_listener_takeover(tern_handle listener)
{
	return tern_syscall1(TERN_OP_listener_takeover, (uint64_t)listener);
}

/*
 * tern_listener_destroy: everyone who waits at it, queued callers and receivers, gets -EPIPE;
 * its client ports are revoked. Needs OWNER. Never blocks. Returns 0, -EBADF, -EPROTOTYPE, -EPERM.
 */
static inline tern_result tern_listener_destroy(tern_handle listener)
{
	return tern_syscall1(TERN_OP_listener_destroy, (uint64_t)listener);
}

/*
 * tern_port_create: a client port for (listener, userdata). The handle has all rights; OWNER is
 * the server's own: handles without OWNER are counted as clients. Needs MINT on the listener.
 * Never blocks. Returns a handle; -EBADF, -EPROTOTYPE, -EPERM, -EPIPE (listener destroyed),
 * -ENOMEM, -EMFILE, -EINVAL (flags).
 */
static inline tern_result tern_port_create(tern_handle account, tern_handle listener,
					   uint64_t userdata, uint64_t flags)
{
	return tern_syscall4(TERN_OP_port_create, (uint64_t)account, (uint64_t)listener, userdata,
			     flags);
}

/*
 * tern_port_mint: a client's handle of the port: `rights` without OWNER. Counts as one mint, and
 * brings a port back to life after a no-clients event. Needs OWNER on the port. Never blocks.
 * Returns a handle; -EBADF, -EPROTOTYPE, -EPERM, -EPIPE (revoked), -EMFILE, -ENOMEM, -EINVAL.
 */
static inline tern_result tern_port_mint(tern_handle port, uint32_t rights)
{
	return tern_syscall2(TERN_OP_port_mint, (uint64_t)port, rights);
}

/*
 * tern_port_revoke: no call or notification through this port is delivered from now on; queued
 * callers get -EPIPE; calls that were received can still be answered. Needs OWNER. Never blocks.
 * Returns 0, -EBADF, -EPROTOTYPE, -EPERM.
 */
static inline tern_result tern_port_revoke(tern_handle port)
{
	return tern_syscall1(TERN_OP_port_revoke, (uint64_t)port);
}

/*
 * tern_reply_park: move the built-in reply port into the handle table, to answer later or by
 * another thread or process. `cookie` comes back in a CANCELLED event if the caller is interrupted
 * (flag CANCELLABLE). Never blocks. Returns a handle; -ESRCH (no call, or its caller is gone),
 * -ECANCELED (CANCELLABLE, and the caller was interrupted before: it stays to be answered),
 * -EMFILE, -ENOMEM, -EINVAL (flags).
 */
static inline tern_result tern_reply_park(uint64_t cookie, uint64_t flags)
{
	return tern_syscall2(TERN_OP_reply_park, cookie, flags);
}

/*
 * tern_reply_status: how a call stands. Never blocks. Returns 0 (the caller waits), 1 (it waits and
 * has been interrupted: "cancel requested"); -ESRCH (it is gone), -EBADF, -EPROTOTYPE.
 */
static inline tern_result tern_reply_status(tern_handle reply)
{
	return tern_syscall1(TERN_OP_reply_status, (uint64_t)reply);
}

/*
 * tern_reply_read: copy `length` bytes at `offset` of the caller's in window into `buffer`.
 * tern_reply_write: copy `length` bytes from `buffer` to `offset` of the caller's out window.
 * Straight copies between the two address spaces. Never block. Return the number of bytes copied (at
 * most TERN_COPY_MAX; fewer when a page needs its pager or is not there), -EFAULT when that happens
 * at the first byte, -ERANGE (outside the window, or there is none), -ESRCH (the caller is gone),
 * -EBADF, -EPROTOTYPE.
 */
static inline tern_result tern_reply_read(tern_handle reply, uint64_t offset, void *buffer,
					  size_t length)
{
	return tern_syscall4(TERN_OP_reply_read, (uint64_t)reply, offset, (uint64_t)buffer, length);
}

static inline tern_result tern_reply_write(tern_handle reply, uint64_t offset, const void *buffer,
					   size_t length)
{
	return tern_syscall4(TERN_OP_reply_write, (uint64_t)reply, offset, (uint64_t)buffer,
			     length);
}

/*
 * tern_reply_copy: copy from one waiting caller's in window to another's out window. Never blocks.
 * Results as tern_reply_read; -EINVAL when both replies are the same caller's.
 */
static inline tern_result tern_reply_copy(tern_handle from, uint64_t from_offset, tern_handle to,
					  uint64_t to_offset, size_t length)
{
	return tern_syscall5(TERN_OP_reply_copy, (uint64_t)from, from_offset, (uint64_t)to,
			     to_offset, length);
}

/*
 * tern_touch: make the pages of [address, address + length) present, writable ones if `write`
 * is 1. At most TERN_TOUCH_MAX bytes. May block until a pager has answered or there is memory. Returns
 * 0, -EFAULT (not mapped so), -ERANGE (past the end of a memobj), -EIO and -ENOSPC (its pager could
 * not get it), -ENOMEM, -EINVAL (too long, wraps, leaves user space, `write` neither 0 nor 1).
 */
static inline tern_result tern_touch(const void *address, size_t length, int write)
{
	return tern_syscall3(TERN_OP_touch, (uint64_t)address, length, (uint64_t)write);
}
#endif
#endif

#endif
