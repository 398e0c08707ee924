/* Message queues: what mqueue.c and wake.c tell others and each other. */
#ifndef EMU_FULL_MQUEUE_H
#define EMU_FULL_MQUEUE_H

#include "descriptor.h"

/* The process may have asked to be told of messages; and it does not want that of this queue any more. */
extern bool emu_has_notices;
void emu_notices_drop(struct emu_description *description);
/* In the child of a fork: that was its parent. */
void emu_notices_child(void);

/* Mode, owner and group as fstat tells them. */
struct stat;
void emu_queue_stat(struct emu_description *description, struct stat *stat);

/*
 * wake.c: how the C library has a thread run when a message comes. It lets the thread receive from a netlink
 * socket that it names in mq_notify, with 32 bytes for it to receive. That is all that such a socket
 * can do here.
 */
long emu_wake_socket(int type, int protocol);
/* The socket, which will receive those bytes; or NULL and *error. */
struct emu_description *emu_wake_prepare(int number, const void *user_cookie, long *error);
tern_handle emu_wake_port(const struct emu_description *description);
long emu_wake_receive(struct emu_description *description, void *user, size_t length, int flags);
void emu_wake_end(struct emu_description *description);
/* In the child of a fork. */
void emu_wake_reset(struct emu_description *description);

#endif
