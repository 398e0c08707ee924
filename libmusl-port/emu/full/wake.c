/* Netlink sockets, as far as mq_notify needs them: see mqueue.h. A poller is what waits and is notified. */
#include "mqueue.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "emu_full.h"
#include "poll.h"
#include "proto/pipe.h"

#define COOKIE 32
#define TYPES 0xf
/* What the cookie's last byte becomes: Linux's. */
#define WOKEN 1
#define REMOVED 2

struct emu_wake {
	struct emu_poller *poller; /* NULL: it is the parent's */
	unsigned char cookie[COOKIE];
};

static struct emu_wake *make(void)
{
	struct emu_wake *wake = emu_pages(sizeof(*wake));

	if (!wake)
		return NULL;
	wake->poller = emu_poller_take();
	if (wake->poller)
		return wake;
	emu_pages_free(wake, sizeof(*wake));
	return NULL;
}

long emu_wake_socket(int type, int protocol)
{
	struct emu_description *description;
	struct emu_wake *wake;

	if (type & ~(TYPES | SOCK_CLOEXEC))
		return -EINVAL;
	if ((type & TYPES) != SOCK_RAW && (type & TYPES) != SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	if (protocol)
		return -EPROTONOSUPPORT;
	wake = make();
	if (!wake)
		return -ENOBUFS;
	description = emu_description_new(EMU_WAKE, O_RDWR);
	if (!description) {
		emu_poller_give(wake->poller);
		emu_pages_free(wake, sizeof(*wake));
		return -ENFILE;
	}
	description->wake = wake;
	return emu_descriptor_install(description, 0, type & SOCK_CLOEXEC ? FD_CLOEXEC : 0);
}

struct emu_description *emu_wake_prepare(int number, const void *user_cookie, long *error)
{
	struct emu_description *description = emu_descriptor(number);
	unsigned char cookie[COOKIE];

	*error = emu_copy_in(cookie, user_cookie, sizeof(cookie));
	if (*error)
		return NULL;
	*error = !description ? -EBADF : -ENOTSOCK;
	if (!description || description->kind != EMU_WAKE || !description->wake->poller)
		return NULL;
	__builtin_memcpy(description->wake->cookie, cookie, sizeof(cookie));
	return description;
}

tern_handle emu_wake_port(const struct emu_description *description)
{
	return description->wake->poller->port;
}

long emu_wake_receive(struct emu_description *description, void *user, size_t length, int flags)
{
	struct tern_received message;
	struct emu_wake *wake;
	tern_result result;

	if (!description || description->kind != EMU_WAKE)
		return -EBADF;
	wake = description->wake;
	if (flags & ~(MSG_NOSIGNAL | MSG_WAITALL) || !wake->poller)
		return -EOPNOTSUPP;
	do {
		if (emu_is_due())
			return -EINTR;
		message = (struct tern_received){ .words = { 0 } };
		result = tern_wait(wake->poller->listener, &message);
		if (result < 0)
			return result;
	} while (!(message.words[0] & (QUEUE_TELLS_MESSAGE | QUEUE_TELLS_END)));
	wake->cookie[COOKIE - 1] = message.words[0] & QUEUE_TELLS_MESSAGE ? WOKEN : REMOVED;
	if (length > COOKIE)
		length = COOKIE;
	return emu_copy_out(user, wake->cookie, length) ? -EFAULT : (long)length;
}

void emu_wake_end(struct emu_description *description)
{
	if (description->wake->poller)
		emu_poller_give(description->wake->poller);
	emu_pages_free(description->wake, sizeof(*description->wake));
}

void emu_wake_reset(struct emu_description *description)
{
	description->wake->poller = NULL;
}
