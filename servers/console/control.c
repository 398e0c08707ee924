/* Settings, window size, and what else is asked about a session. */
#include "console.h"

#include <signal.h>
#include <string.h>

#include "wire.h"

#define DEVICE_CONSOLE (5ul << 32 | 1) /* major and minor number of /dev/console */

int64_t session_attributes(uint32_t index, struct request *request)
{
	const struct session_state *state = session_state(index);
	struct io_attributes attributes = {
		.kind = IO_KIND_TERMINAL,
		.flags = state->is_nonblocking ? IO_NONBLOCK : 0,
		.readable = tty_input_length(&state->tty),
		.writable = session_write_waits(index) ? 0 : IO_INLINE_MAX,
		.capacity = TTY_INPUT_MAX,
		.id = index + 1,
		.device = DEVICE_CONSOLE,
	};

	memcpy(&request->words[1], &attributes, sizeof(attributes));
	return 0;
}

int64_t session_set_flags(uint32_t index, struct request *request)
{
	struct session_state *state = session_state(index);

	if (request->words[1] & IO_NONBLOCK)
		state->is_nonblocking = (request->words[2] & IO_NONBLOCK) != 0;
	return state->is_nonblocking ? IO_NONBLOCK : 0;
}

static void *data_of(struct request *request)
{
	return &request->words[IO_INLINE_WORD];
}

/* The first bytes of the C library's structure are what the protocol calls settings. */
static int64_t get_settings(const struct tty *tty, struct request *request)
{
	memcpy(data_of(request), &tty->settings, sizeof(struct tty_settings));
	return 0;
}

static int64_t set_settings(struct tty *tty, struct request *request, bool shall_flush)
{
	struct termios settings = tty->settings;

	memcpy(&settings, data_of(request), sizeof(struct tty_settings));
	if (shall_flush)
		tty_flush_input(tty);
	tty_set(tty, &settings);
	return 0;
}

static int64_t set_size(uint32_t index, struct request *request)
{
	struct session_state *state = session_state(index);
	struct tty_size old = state->size;

	memcpy(&state->size, data_of(request), sizeof(state->size));
	if (memcmp(&old, &state->size, sizeof(old)))
		session_signal(index, SIGWINCH);
	return 0;
}

static int64_t control_flow(struct tty *tty, uint64_t action)
{
	if (action > 1)
		return -EINVAL;
	tty->is_stopped = action == 0;
	return 0;
}

static int64_t flush(struct tty *tty, uint64_t queue)
{
	if (queue > 2)
		return -EINVAL;
	if (queue != 1)
		tty_flush_input(tty);
	return 0;
}

static int64_t drain(uint32_t index, struct request *request)
{
	if (!request->words[2] ||
	    (!wire_length(&console->wire) && !session_state(index)->held_length))
		return 0;
	return park(index, IO_OP_control, request);
}

int64_t session_control(uint32_t index, struct request *request)
{
	struct session_state *state = session_state(index);
	struct tty *tty = &state->tty;

	switch (request->words[1]) {
	case TTY_GET:
		return get_settings(tty, request);
	case TTY_SET:
	case TTY_SET_DRAIN:
		return set_settings(tty, request, false);
	case TTY_SET_FLUSH:
		return set_settings(tty, request, true);
	case TTY_GET_SIZE:
		memcpy(data_of(request), &state->size, sizeof(state->size));
		return 0;
	case TTY_SET_SIZE:
		return set_size(index, request);
	case TTY_INPUT_COUNT:
		return (int64_t)tty_input_length(tty);
	case TTY_OUTPUT_COUNT:
		return wire_length(&console->wire);
	case TTY_FLOW:
		return control_flow(tty, request->words[2]);
	case TTY_FLUSH:
		return flush(tty, request->words[2]);
	case TTY_BREAK:
		return drain(index, request);
	default:
		return -ENOTTY;
	}
}
