/*
 * Message queues, which the pipe server has: proto/pipe.h. What they need of a process beside that is its
 * name and umask, its limit, and a number with which it takes back what it has asked to be told.
 */
#include "mqueue.h"

#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "emu_full.h"
#include "files_internal.h"
#include "path.h"
#include "poll.h"
#include "proto/pipe.h"
#include "stream.h"

#define CAPACITY_DEFAULT 10
#define SIZE_DEFAULT 8192
#define ROOM_MAX (16ul << 20) /* no message is larger */
#define NUMBER_SIGNALS 64
#define OPEN_TRIES 5
#define OPEN_PAUSE 2000000 /* nanoseconds */
#define STAT_SIZE 80       /* st_size, as on Linux */

bool emu_has_notices;

static uint64_t key; /* this process's, for what it asks to be told; 0: not made yet */

/* --------------------------------------------------------------------------------------- names */

/* The name, which the C library has taken a slash from. */
static long get_name(char name[QUEUE_NAME_MAX + 1], const char *user)
{
	long length = emu_copy_string(name, user, QUEUE_NAME_MAX + 1);

	return length ? length : -ENOENT;
}

static long get_attributes(struct mq_attr *attributes, const struct mq_attr *user)
{
	attributes->mq_maxmsg = CAPACITY_DEFAULT;
	attributes->mq_msgsize = SIZE_DEFAULT;
	if (user && emu_copy_in(attributes, user, sizeof(*attributes)))
		return -EFAULT;
	return 0;
}

static uint64_t how_of(int flags)
{
	uint64_t how = (flags & O_CREAT ? PIPE_OPEN_CREATE : 0) |
		       (flags & O_EXCL ? PIPE_OPEN_EXCLUSIVE : 0);

	return how | ((flags & O_ACCMODE) != O_WRONLY ? PIPE_OPEN_READ : 0) |
	       ((flags & O_ACCMODE) != O_RDONLY ? PIPE_OPEN_WRITE : 0);
}

static long install(tern_handle port, int flags)
{
	struct emu_description *description = emu_stream_new(port, IO_KIND_QUEUE,
							     (uint32_t)flags & O_ACCMODE);

	return description ? emu_descriptor_install(description, 0, FD_CLOEXEC) : -ENFILE;
}

/* What was closed a moment ago may count still: the server hears of it behind the call that closed it. */
static long open_patiently(const struct tern_received *request,
			   const struct tern_extended *extended, tern_handle *port)
{
	struct tern_received message;
	long result;

	for (int tries = 0; tries < OPEN_TRIES; tries++) {
		message = *request;
		result = emu_pipe_call_ext(&message, extended, port);
		if (result != -EMFILE && result != -ENOSPC)
			break;
		emu_sleep_until(emu_deadline(OPEN_PAUSE));
	}
	return result;
}

/* Linux ignores the lengths of attributes if there is a queue, and so does the server. */
long emu_mq_open(const char *user, int flags, uint32_t mode, const struct mq_attr *user_attributes)
{
	char name[QUEUE_NAME_MAX + 1];
	struct tern_extended extended = { .accept_count = 1, .in_address = (uint64_t)name };
	struct tern_received message = { .words = { PIPE_OP_queue_open } };
	struct mq_attr attributes;
	tern_handle port;
	long result = get_attributes(&attributes, user_attributes), length;

	if (result)
		return result;
	length = get_name(name, user);
	if (length < 0)
		return length;
	if ((flags & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;
	if (flags & O_NONBLOCK)
		message.words[0] |= IO_NONBLOCK;
	extended.in_length = (uint64_t)length;
	message.words[1] = (uint64_t)length | (uint64_t)(mode & 07777 & ~emu_umask) << 32;
	message.words[2] = how_of(flags);
	message.words[3] = (uint64_t)attributes.mq_maxmsg;
	message.words[4] = (uint64_t)attributes.mq_msgsize;
	message.words[5] = emu_limit(RLIMIT_MSGQUEUE);
	result = open_patiently(&message, &extended, &port);
	return result < 0 ? result : install(port, flags);
}

long emu_mq_unlink(const char *user)
{
	char name[QUEUE_NAME_MAX + 1];
	struct tern_extended extended = { .in_address = (uint64_t)name };
	struct tern_received message = { .words = { PIPE_OP_queue_unlink } };
	long length = get_name(name, user);

	if (length < 0)
		return length;
	extended.in_length = message.words[1] = (uint64_t)length;
	return emu_pipe_call_ext(&message, &extended, NULL);
}

/* ------------------------------------------------------------------------------------- messages */

static struct emu_description *queue_of(int number)
{
	struct emu_description *description = emu_descriptor(number);

	if (!description || description->kind != EMU_STREAM ||
	    description->io_kind != IO_KIND_QUEUE)
		return NULL;
	return description;
}

static long send_once(tern_handle port, struct tern_received *message, const void *user,
		      size_t length)
{
	struct tern_extended window = { .in_address = (uint64_t)user, .in_length = length };
	tern_result result;

	if (emu_is_due())
		return -EINTR;
	if (length > IO_INLINE_MAX) {
		result = tern_call_ext(port, message, &window);
		return result == -EINVAL ? -EFAULT : result < 0 ? result : (long)message->words[0];
	}
	if (emu_copy_in(io_inline(message), user, length))
		return -EFAULT;
	return io_call(port, message);
}

long emu_mq_send(int number, const void *user, size_t length, uint32_t priority,
		 const struct timespec *user_time)
{
	struct tern_received message, request = { .words = { PIPE_OP_queue_send } };
	struct emu_description *queue;
	long result = emu_get_deadline(user_time, emu_from_realtime, &request.words[2]);

	if (result)
		return result;
	if (priority >= QUEUE_PRIORITIES)
		return -EINVAL;
	queue = queue_of(number);
	if (!queue || (queue->flags & O_ACCMODE) == O_RDONLY)
		return -EBADF;
	if (length > ROOM_MAX)
		return -EMSGSIZE;
	request.words[0] |= (uint64_t)emu_process.pid << 32;
	request.words[1] = length | (uint64_t)priority << 32;
	for (int tries = 0; tries <= IO_FAULT_TRIES; tries++) {
		message = request;
		result = send_once(queue->io, &message, user, length);
		if (result != -EFAULT || length <= IO_INLINE_MAX || tern_touch(user, length, 0) < 0)
			break;
	}
	/* The notice that this process had asked for goes before what it does next. */
	if (!result && message.words[1]) {
		posix_simple(emu_posix, POSIX_OP_notice_now, message.words[1], 0, 0);
		emu_signals_fetch();
	}
	return result;
}

static long receive_once(tern_handle port, struct tern_received *message, void *user, size_t room)
{
	struct tern_extended window = { .out_address = (uint64_t)user, .out_length = room };
	tern_result result;

	if (emu_is_due())
		return -EINTR;
	if (room <= IO_INLINE_MAX)
		return io_call(port, message);
	result = tern_call_ext(port, message, &window);
	if (result < 0)
		return result == -EINVAL ? -EFAULT : result;
	return (long)message->words[0];
}

/* What came in registers, and the priority. A message that has nowhere to go is lost, as on Linux. */
static long tell_message(const struct tern_received *message, long length, void *user,
			 uint32_t *user_priority)
{
	uint32_t priority = (uint32_t)(message->words[1] >> 32);
	long result = 0;

	if (message->words[1] & IO_INLINE && length <= IO_INLINE_MAX)
		result = emu_copy_out(user, &message->words[IO_INLINE_WORD], (size_t)length);
	if (!result && user_priority)
		result = emu_copy_out(user_priority, &priority, sizeof(priority));
	return result ? result : length;
}

/* How much of the room a message may need. */
static size_t needed(tern_handle port, size_t room)
{
	struct tern_received message = { .words = { PIPE_OP_queue_info } };

	if (io_ask(port, &message) < 0 || message.words[2] > room)
		return room;
	return message.words[2];
}

long emu_mq_receive(int number, void *user, size_t room, uint32_t *user_priority,
		    const struct timespec *user_time)
{
	struct tern_received message, request = { .words = { PIPE_OP_queue_receive } };
	struct emu_description *queue;
	long result = emu_get_deadline(user_time, emu_from_realtime, &request.words[2]);

	if (result)
		return result;
	queue = queue_of(number);
	if (!queue || (queue->flags & O_ACCMODE) == O_WRONLY)
		return -EBADF;
	if (room > ROOM_MAX)
		room = ROOM_MAX;
	request.words[1] = room;
	for (int tries = 0; tries <= IO_FAULT_TRIES; tries++) {
		message = request;
		result = receive_once(queue->io, &message, user, room);
		if (result != -EFAULT || tern_touch(user, needed(queue->io, room), 1) < 0)
			break;
	}
	return result < 0 ? result : tell_message(&message, result, user, user_priority);
}

long emu_mq_getsetattr(int number, const struct mq_attr *user, struct mq_attr *user_old)
{
	struct tern_received message = { .words = { PIPE_OP_queue_info } };
	struct mq_attr attributes, old = { 0 };
	struct emu_description *queue;
	long result;

	if (user && emu_copy_in(&attributes, user, sizeof(attributes)))
		return -EFAULT;
	if (user && attributes.mq_flags & ~(long)O_NONBLOCK)
		return -EINVAL;
	queue = queue_of(number);
	if (!queue)
		return -EBADF;
	result = io_ask(queue->io, &message);
	if (result < 0)
		return result;
	old.mq_flags = message.words[4] & IO_NONBLOCK ? O_NONBLOCK : 0;
	old.mq_maxmsg = (long)message.words[1];
	old.mq_msgsize = (long)message.words[2];
	old.mq_curmsgs = (long)message.words[3];
	if (user)
		emu_set_nonblocking(queue, attributes.mq_flags & O_NONBLOCK);
	return user_old ? emu_copy_out(user_old, &old, sizeof(old)) : 0;
}

void emu_queue_stat(struct emu_description *description, struct stat *stat)
{
	struct tern_received message = { .words = { PIPE_OP_queue_info } };

	if (io_ask(description->io, &message) < 0)
		return;
	stat->st_mode = S_IFREG | (uint32_t)message.words[5];
	stat->st_uid = (uint32_t)message.words[6];
	stat->st_gid = (uint32_t)message.words[7];
	stat->st_size = STAT_SIZE;
}

/* -------------------------------------------------------------------------------------- notices */

/* Linux's struct sigevent, as the C library passes it on. */
struct event {
	uint64_t value;
	int signal, notify;
	uint64_t rest[6];
};

static uint64_t own_key(void)
{
	while (!key)
		emu_random(&key, sizeof(key));
	return key;
}

static long take_back(const struct emu_description *queue)
{
	struct tern_received message = { .words = { PIPE_OP_queue_notify, own_key() } };

	return io_ask(queue->io, &message);
}

/* The port is the server's, too, from now on. */
static long ask(const struct emu_description *queue, tern_handle port, uint64_t number)
{
	struct tern_extended extended = {
		.handle_count = 1,
		.handles = { { port, TERN_RIGHT_NOTIFY, TERN_SEND_COPY } },
	};
	struct tern_received message;
	tern_result result;

	do {
		message = (struct tern_received){
			.words = { PIPE_OP_queue_notify, own_key(), (uint64_t)emu_process.pid,
				   number },
		};
		result = tern_call_ext(queue->io, &message, &extended);
	} while (result == -EINTR);
	if (result >= 0)
		result = (tern_result)message.words[0];
	emu_has_notices |= result >= 0;
	return result;
}

static long ask_for_signal(const struct emu_description *queue, uint32_t signal, uint64_t value)
{
	struct tern_received message = { .words = { POSIX_OP_notice, signal, value } };
	tern_handle port;
	long result = posix_call_for_handle(emu_posix, &message, &port);

	if (result < 0)
		return result == -EAGAIN ? -ENOMEM : result;
	result = ask(queue, port, message.words[1]);
	if (result < 0)
		tern_notify(port, QUEUE_TELLS_END);
	tern_handle_close(port);
	return result;
}

long emu_mq_notify(int number, const struct event *user)
{
	struct event event;
	struct emu_description *queue, *wake = NULL;
	long result = 0;

	if (user && emu_copy_in(&event, user, offsetof(struct event, rest)))
		return -EFAULT;
	if (user && event.notify != SIGEV_NONE && event.notify != SIGEV_SIGNAL &&
	    event.notify != SIGEV_THREAD)
		return -EINVAL;
	if (user && event.notify == SIGEV_SIGNAL &&
	    (event.signal < 0 || event.signal > NUMBER_SIGNALS))
		return -EINVAL;
	if (user && event.notify == SIGEV_THREAD) {
		wake = emu_wake_prepare(event.signal, (const void *)event.value, &result);
		if (!wake)
			return result;
	}
	queue = queue_of(number);
	if (!queue)
		return -EBADF;
	if (!user)
		return take_back(queue);
	if (wake)
		return ask(queue, emu_wake_port(wake), 0);
	return ask_for_signal(queue, event.notify == SIGEV_SIGNAL ? (uint32_t)event.signal : 0,
			      event.value);
}

void emu_notices_drop(struct emu_description *description)
{
	if (description->kind == EMU_STREAM && description->io_kind == IO_KIND_QUEUE)
		take_back(description);
}

void emu_notices_child(void)
{
	key = 0;
	emu_has_notices = false;
}
