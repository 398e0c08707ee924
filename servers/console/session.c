/*
 * Sessions: a terminal each. The active one has the keyboard and writes straight to the wire; what
 * another writes is held until it is a line, and shown between the lines.
 */
#include "console.h"

#include <signal.h>
#include <string.h>

#include "proto/init.h"
#include "wire.h"

#define ECHO_RESERVE 16384 /* of the wire's room is kept from writers, for what typing shows */
#define CHUNK 256          /* bytes that are written at a time; each may become two */

/* What a new instance begins without. */
static struct session {
	tern_handle signals; /* a client port, or 0 */
	uint32_t arrivals;
	struct tty_patience patience;
} sessions[SESSIONS];

static uint64_t break_deadline; /* see wire_is_free */

static uint32_t index_of(const void *context)
{
	return (uint32_t)((const struct session_state *)context - console->sessions);
}

static void hold(struct session_state *state, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length && state->held_length < HELD_MAX; i++)
		state->held[state->held_length++] = bytes[i];
}

static void output(void *context, const char *bytes, size_t length)
{
	struct session_state *state = context;

	if (index_of(state) == console->active)
		wire_put(&console->wire, bytes, length);
	else
		hold(state, bytes, length);
}

static void signal_typed(void *context, int signal)
{
	session_signal(index_of(context), signal);
}

static const struct tty_callbacks callbacks = { output, signal_typed };

/* ------------------------------------------------------------------------------------- restart */

static bool is_sensible(const struct session_state *state)
{
	const struct tty *tty = &state->tty;

	return state->held_length <= HELD_MAX && tty->tail - tty->head <= TTY_INPUT_MAX &&
	       tty->line - tty->head <= tty->tail - tty->head;
}

void sessions_init(void)
{
	bool is_fresh = console->magic != STATE_MAGIC || console->active >= SESSIONS;

	if (is_fresh)
		memset(console, 0, sizeof(*console));
	wire_mend(&console->wire);
	for (uint32_t i = 0; i < SESSIONS; i++) {
		struct session_state *state = &console->sessions[i];

		if (is_fresh || !is_sensible(state)) {
			memset(state, 0, sizeof(*state));
			tty_init(&state->tty, &callbacks, state);
			state->size = (struct tty_size){ .rows = 24, .columns = 80 };
		}
		state->tty.callbacks = &callbacks;
		state->tty.context = state;
	}
	console->magic = STATE_MAGIC;
}

/* --------------------------------------------------------------------------------------- events */

void session_receive(uint8_t byte)
{
	struct session *session = &sessions[console->active];

	session->arrivals++;
	session->patience.last_arrival = tern_time();
	tty_receive(&session_state(console->active)->tty, byte);
}

void session_signal(uint32_t index, int signal)
{
	struct session *session = &sessions[index];

	if (!session->signals)
		return;
	if (tern_notify(session->signals, 1ul << signal) == 0)
		return;
	tern_handle_close(session->signals);
	session->signals = 0;
}

int64_t session_signals(uint32_t index, struct request *request)
{
	struct session *session = &sessions[index];

	if (!request->handle)
		return -EINVAL;
	if (session->signals)
		tern_handle_close(session->signals);
	session->signals = request->handle;
	request->handle = 0;
	return 0;
}

uint32_t session_arrivals(uint32_t index)
{
	return sessions[index].arrivals;
}

uint64_t session_events(uint32_t index)
{
	const struct tty *tty = &session_state(index)->tty;

	return (tty_has_input(tty) || tty_ready(tty, 1, false) == TTY_READ ? IO_IN : 0) |
	       (session_write_waits(index) ? 0 : IO_OUT);
}

/* -------------------------------------------------------------------------------------- reading */

bool session_read_waits(uint32_t index, uint64_t length, uint64_t now, uint64_t *deadline)
{
	return tty_waits(&session_state(index)->tty, &sessions[index].patience, length, now,
			 deadline);
}

int64_t session_read_now(uint32_t index, struct request *request)
{
	static char buffer[TTY_INPUT_MAX];
	struct tty *tty = &session_state(index)->tty;
	uint32_t head = tty->head;
	size_t most = request->has_windows ? sizeof(buffer) : IO_INLINE_MAX;
	size_t length = tty_read(tty, buffer, request->length < most ? request->length : most);
	tern_result copied;

	memset(request->words, 0, sizeof(request->words));
	if (length <= IO_INLINE_MAX) {
		request->words[1] = IO_INLINE;
		memcpy(&request->words[IO_INLINE_WORD], buffer, length);
		return (int64_t)length;
	}
	copied = tern_reply_write(request->reply, 0, buffer, length);
	if (copied == (tern_result)length)
		return copied;
	tty->head = head; /* nothing has been read */
	return copied >= 0 || copied == -EFAULT ? -EFAULT : -EINVAL;
}

static bool is_nonblocking(uint32_t index, const struct request *request)
{
	return request->flags & IO_NONBLOCK || session_state(index)->is_nonblocking;
}

int64_t session_read(uint32_t index, struct request *request)
{
	uint64_t deadline;

	if (!request->length)
		return 0;
	if (!parked_has(index, IO_OP_read) &&
	    !session_read_waits(index, request->length, tern_time(), &deadline))
		return session_read_now(index, request);
	return is_nonblocking(index, request) ? -EAGAIN : park(index, IO_OP_read, request);
}

/* -------------------------------------------------------------------------------------- writing */

static bool has_held_line(const struct session_state *state)
{
	return state->held_length >= HELD_MAX - 2 ||
	       (state->held_length && state->held[state->held_length - 1] == '\n');
}

bool session_write_waits(uint32_t index)
{
	const struct session_state *state = session_state(index);

	if (state->tty.is_stopped)
		return true;
	if (index == console->active)
		return wire_room(&console->wire) < ECHO_RESERVE + 2 * CHUNK;
	return has_held_line(state);
}

/* At most a chunk; of a session in the background no more than the line. */
static size_t write_chunk(uint32_t index, const char *bytes, size_t length)
{
	struct session_state *state = session_state(index);
	bool has_shown;
	size_t done = 0;

	while (done < length && !session_write_waits(index)) {
		size_t part = index == console->active ? length - done : 1;

		tty_write(&state->tty, bytes + done, part);
		done += part;
		if (has_held_line(state))
			sessions_show_lines(tern_time(), &has_shown);
	}
	return done;
}

int64_t session_write_now(uint32_t index, struct request *request)
{
	char buffer[CHUNK];
	uint64_t done = 0;

	while (done < request->length && !session_write_waits(index)) {
		size_t part = request->length - done < CHUNK ? request->length - done : CHUNK;
		tern_result got = (tern_result)part;

		if (request->has_windows)
			got = tern_reply_read(request->reply, done, buffer, part);
		else
			memcpy(buffer, (char *)&request->words[IO_INLINE_WORD] + done, part);
		if (got <= 0 && done)
			break;
		if (got <= 0)
			return got == -ERANGE ? -EINVAL : -EFAULT;
		done += write_chunk(index, buffer, (size_t)got);
	}
	return (int64_t)done;
}

int64_t session_write(uint32_t index, struct request *request)
{
	if (!request->length)
		return 0;
	if (!request->has_windows && request->length > IO_INLINE_MAX)
		return -EINVAL;
	if (!parked_has(index, IO_OP_write) && !session_write_waits(index))
		return session_write_now(index, request);
	return is_nonblocking(index, request) ? -EAGAIN : park(index, IO_OP_write, request);
}

/* ------------------------------------------------------------- lines of the log and other sessions */

static bool has_line(void)
{
	if (log_has_line())
		return true;
	for (uint32_t i = 0; i < SESSIONS; i++)
		if (i != console->active && has_held_line(session_state(i)))
			return true;
	return false;
}

static void show_held_lines(struct wire_state *wire, bool *has_shown)
{
	for (uint32_t i = 0; i < SESSIONS; i++) {
		struct session_state *state = session_state(i);

		if (i == console->active || !has_held_line(state) || wire_room(wire) < ECHO_RESERVE)
			continue;
		wire_put_line(wire, state->held, state->held_length);
		state->held_length = 0;
		*has_shown = true;
	}
}

uint64_t sessions_show_lines(uint64_t now, bool *has_shown)
{
	struct wire_state *wire = &console->wire;
	char line[2 * TERN_LOG_MAX];
	size_t length;

	if (!has_line()) {
		break_deadline = 0;
		return 0;
	}
	/* Who has turned output processing off draws a screen, or sends what a program reads. */
	if (wire->is_mid_line && !(session_state(console->active)->tty.settings.c_oflag & OPOST))
		return 0;
	if (!wire_is_free(wire, now, &break_deadline))
		return break_deadline;
	while (wire_room(wire) >= ECHO_RESERVE && log_has_line()) {
		length = log_take_line(line, sizeof(line));
		wire_put_line(wire, line, length);
		*has_shown = true;
	}
	show_held_lines(wire, has_shown);
	return 0;
}

int64_t session_activate(uint32_t index, struct request *request)
{
	(void)request;
	if (console->active == index)
		return 0;
	if (console->wire.is_mid_line)
		wire_put(&console->wire, "\r\n", 2);
	console->active = index;
	/* What it held back of an unfinished line is on the screen now. */
	wire_put(&console->wire, session_state(index)->held, session_state(index)->held_length);
	session_state(index)->held_length = 0;
	return 0;
}
