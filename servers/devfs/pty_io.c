/* What goes through a pseudo-terminal, and who waits for it. */
#include "pty.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/tty/reply.h"
#include "proto/io.h"
#include "tern/event.h"
#include "tern/thread.h"

#define PARKED_MAX 256
#define CHUNK 256 /* bytes that are written at a time; each may become two */

/* ---------------------------------------------------------------------------------- the output */

uint32_t pty_output_length(const struct pty *pty)
{
	return pty->tail - pty->head;
}

/* What typing shows is lost when there is no room at all: the master does not read. */
void pty_put_output(struct pty *pty, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length && pty_output_length(pty) < PTY_OUTPUT; i++)
		pty->output[pty->tail++ % PTY_OUTPUT] = bytes[i];
	pty->ends[PTY_MASTER].arrivals++;
}

static uint32_t room_to_write(const struct pty *pty)
{
	uint32_t used = pty_output_length(pty) + PTY_ECHO_RESERVE;

	return used < PTY_OUTPUT && !pty->tty.is_stopped ? PTY_OUTPUT - used : 0;
}

static void show(void *context, const char *bytes, size_t length)
{
	pty_put_output(context, bytes, length);
}

static void signal_typed(void *context, int signal)
{
	pty_signal(context, signal);
}

static const struct tty_callbacks callbacks = { show, signal_typed };

void pty_start_terminal(struct pty *pty)
{
	tty_init(&pty->tty, &callbacks, pty);
}

/* -------------------------------------------------------------------------------------- reading */

/* The bytes go to the caller. The count, or an error: then it has got none. */
static int64_t give(struct pty_call *call, const char *bytes, size_t length)
{
	tern_result copied;

	memset(call->words, 0, sizeof(call->words));
	if (length <= IO_INLINE_MAX) {
		call->words[1] = IO_INLINE;
		memcpy(&call->words[IO_INLINE_WORD], bytes, length);
		return (int64_t)length;
	}
	copied = tern_reply_write(call->reply, 0, bytes, length);
	if (copied == (tern_result)length)
		return copied;
	return copied >= 0 || copied == -EFAULT ? -EFAULT : -EINVAL;
}

static int64_t read_slave(struct pty *pty, struct pty_call *call, size_t most)
{
	char buffer[TTY_INPUT_MAX];
	uint32_t head = pty->tty.head;
	size_t length = tty_read(&pty->tty, buffer, most < sizeof(buffer) ? most : sizeof(buffer));
	int64_t result = give(call, buffer, length);

	if (result < 0)
		pty->tty.head = head; /* nothing has been read */
	return result;
}

static int64_t read_master(struct pty *pty, struct pty_call *call, size_t most)
{
	char buffer[TTY_INPUT_MAX];
	size_t length = pty_output_length(pty);
	int64_t result;

	if (!length)
		return -EIO; /* and nobody can write any more */
	length = length < most ? length : most;
	length = length < sizeof(buffer) ? length : sizeof(buffer);
	for (size_t i = 0; i < length; i++)
		buffer[i] = pty->output[(pty->head + i) % PTY_OUTPUT];
	result = give(call, buffer, length);
	if (result > 0)
		pty->head += (uint32_t)result;
	return result;
}

static bool read_waits(struct pty *pty, const struct pty_call *call, uint64_t now,
		       uint64_t *deadline)
{
	*deadline = 0;
	if (!pty)
		return false;
	if (call->side == PTY_MASTER)
		return !pty_output_length(pty) && !pty->was_slave_open;
	return tty_waits(&pty->tty, &pty->patience, call->words[1], now, deadline);
}

static int64_t read_now(struct pty *pty, struct pty_call *call)
{
	size_t most = call->has_windows ? call->words[1] : IO_INLINE_MAX;

	if (call->words[1] < most)
		most = call->words[1];
	if (!pty)
		return 0;
	return call->side == PTY_MASTER ? read_master(pty, call, most)
					: read_slave(pty, call, most);
}

/* -------------------------------------------------------------------------------------- writing */

static bool write_waits(const struct pty *pty, const struct pty_call *call)
{
	if (!pty)
		return false;
	return call->side == PTY_MASTER ? !tty_room(&pty->tty) : room_to_write(pty) < 2;
}

static size_t type(struct pty *pty, const char *bytes, size_t length)
{
	size_t done = 0;

	while (done < length && tty_room(&pty->tty))
		tty_receive(&pty->tty, (uint8_t)bytes[done++]);
	pty->ends[PTY_SLAVE].arrivals++;
	pty->patience.last_arrival = tern_time();
	return done;
}

static size_t print(struct pty *pty, const char *bytes, size_t length)
{
	size_t room = room_to_write(pty) / 2;

	length = length < room ? length : room;
	tty_write(&pty->tty, bytes, length);
	return length;
}

static int64_t write_now(struct pty *pty, struct pty_call *call)
{
	uint64_t done = 0, length = call->words[1];
	char buffer[CHUNK];

	if (!pty)
		return -EIO;
	while (done < length && !write_waits(pty, call)) {
		size_t part = length - done < CHUNK ? length - done : CHUNK, taken;
		tern_result got = (tern_result)part;

		if (call->has_windows)
			got = tern_reply_read(call->reply, done, buffer, part);
		else
			memcpy(buffer, (char *)&call->words[IO_INLINE_WORD] + done, part);
		if (got <= 0 && done)
			break;
		if (got <= 0)
			return got == -ERANGE ? -EINVAL : -EFAULT;
		taken = call->side == PTY_MASTER ? type(pty, buffer, (size_t)got)
						 : print(pty, buffer, (size_t)got);
		done += taken;
	}
	return (int64_t)done;
}

/* -------------------------------------------------------------------------------------- waiting */

struct parked {
	uint64_t cookie;
	struct pty_call call;
};

static struct parked queue[PARKED_MAX]; /* in the order of their arrival */
static size_t queue_length;
static uint64_t next_cookie = 1;
static tern_handle timer;
static uint64_t timer_deadline;

static bool is_same(const struct pty_call *a, const struct pty_call *b)
{
	return a->serial == b->serial && a->epoch == b->epoch && a->side == b->side &&
	       (a->words[0] & IO_OP_MASK) == (b->words[0] & IO_OP_MASK);
}

/* Does an earlier one of its kind wait? It must not be overtaken. */
static bool is_behind(const struct pty_call *call, size_t before)
{
	for (size_t i = 0; i < before; i++)
		if (is_same(&queue[i].call, call))
			return true;
	return false;
}

static int64_t park(struct pty_call *call)
{
	tern_handle reply;
	int64_t error;

	if (call->words[0] & IO_NONBLOCK)
		return -EAGAIN;
	if (queue_length == PARKED_MAX)
		return -ENOMEM;
	error = tty_reply_park(next_cookie, &reply);
	if (error)
		return error == -ESRCH ? SERVER_PARKED : error;
	queue[queue_length] = (struct parked){ next_cookie++, *call };
	queue[queue_length++].call.reply = reply;
	return SERVER_PARKED;
}

static void remove_at(size_t i)
{
	queue_length--;
	memmove(&queue[i], &queue[i + 1], (queue_length - i) * sizeof(queue[0]));
}

void pty_forget_parked(uint64_t cookie)
{
	for (size_t i = 0; i < queue_length; i++) {
		if (queue[i].cookie != cookie)
			continue;
		tern_handle_close(queue[i].call.reply);
		remove_at(i);
		return;
	}
}

int64_t pty_read(struct pty_call *call)
{
	uint64_t deadline;

	if (!call->words[1])
		return 0;
	if (!is_behind(call, queue_length) &&
	    !read_waits(pty_of(call), call, tern_time(), &deadline))
		return read_now(pty_of(call), call);
	return park(call);
}

int64_t pty_write(struct pty_call *call)
{
	if (!call->words[1])
		return 0;
	if (!call->has_windows && call->words[1] > IO_INLINE_MAX)
		return -EINVAL;
	if (!is_behind(call, queue_length) && !write_waits(pty_of(call), call))
		return write_now(pty_of(call), call);
	return park(call);
}

static void answer(struct pty_call *call)
{
	bool is_read = (call->words[0] & IO_OP_MASK) == IO_OP_read;
	int64_t result = is_read ? read_now(pty_of(call), call) : write_now(pty_of(call), call);

	tty_reply_end(call->reply, call->words, result);
}

/* One pass over what waits; *deadline: when time alone will change something, or 0. */
static bool serve(uint64_t now, uint64_t *deadline)
{
	bool has_answered = false;

	*deadline = 0;
	for (size_t i = 0; i < queue_length;) {
		struct pty_call *call = &queue[i].call;
		bool is_read = (call->words[0] & IO_OP_MASK) == IO_OP_read;
		uint64_t until = 0;

		if (is_behind(call, i) || (is_read ? read_waits(pty_of(call), call, now, &until)
						   : write_waits(pty_of(call), call))) {
			if (until && (!*deadline || until < *deadline))
				*deadline = until;
			i++;
			continue;
		}
		answer(call);
		remove_at(i);
		has_answered = true;
	}
	return has_answered;
}

static void set_timer(uint64_t deadline)
{
	if (deadline == timer_deadline)
		return;
	if (!timer) {
		tern_result port = tern_port_create(0, server.listener,
						    PORT_USERDATA(PORT_TIMER, 0), 0);
		tern_result made = port < 0 ? port : tern_timer_create(0, port, 1);

		if (made < 0)
			return;
		timer = made;
	}
	timer_deadline = deadline;
	tern_timer_set(timer, deadline, 0);
}

/* Each answer can make room for another. */
void pty_settle(void)
{
	uint64_t deadline;

	while (serve(tern_time(), &deadline))
		;
	set_timer(deadline);
}
