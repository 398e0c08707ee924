/* What is asked about a pseudo-terminal: settings, size, number, lock. */
#include "pty.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "proto/io.h"

#define MASTER_DEVICE (5ul << 32 | 2)

int64_t pty_attributes(struct pty_call *call)
{
	const struct pty *pty = pty_of(call);
	struct io_attributes attributes = { .kind = IO_KIND_TERMINAL, .id = call->serial };

	if (call->side == PTY_MASTER)
		attributes.device = MASTER_DEVICE;
	else if (pty)
		attributes.device = (uint64_t)PTY_MAJOR << 32 | pty_index(pty);
	if (pty) {
		attributes.capacity = call->side == PTY_MASTER ? PTY_OUTPUT : TTY_INPUT_MAX;
		attributes.readable = call->side == PTY_MASTER ? pty_output_length(pty)
							       : tty_input_length(&pty->tty);
		attributes.writable = pty_events(pty, call->side) & IO_OUT ? IO_INLINE_MAX : 0;
	}
	memcpy(&call->words[1], &attributes, sizeof(attributes));
	return 0;
}

static int64_t set_settings(struct pty *pty, const void *data, bool shall_flush)
{
	struct termios settings = pty->tty.settings;

	memcpy(&settings, data, sizeof(struct tty_settings));
	if (shall_flush)
		tty_flush_input(&pty->tty);
	tty_set(&pty->tty, &settings);
	return 0;
}

static int64_t set_size(struct pty *pty, const void *data)
{
	struct tty_size old = pty->size;

	memcpy(&pty->size, data, sizeof(pty->size));
	if (memcmp(&old, &pty->size, sizeof(old)))
		pty_signal(pty, SIGWINCH);
	return 0;
}

/* tcflow: output stops and starts; or the other side is sent the character that does that to it. */
static int64_t control_flow(struct pty *pty, uint64_t action)
{
	const cc_t *characters = pty->tty.settings.c_cc;

	switch (action) {
	case TCOOFF:
	case TCOON:
		pty->tty.is_stopped = action == TCOOFF;
		return 0;
	case TCIOFF:
	case TCION:
		pty_put_output(pty, (const char *)&characters[action == TCIOFF ? VSTOP : VSTART],
			       1);
		return 0;
	default:
		return -EINVAL;
	}
}

/* What one side has not read the other has written. */
static int64_t flush(struct pty *pty, enum pty_side side, uint64_t queue)
{
	bool is_input = queue != TCOFLUSH, is_output = queue != TCIFLUSH;

	if (queue > TCIOFLUSH)
		return -EINVAL;
	if (side == PTY_MASTER ? is_output : is_input)
		tty_flush_input(&pty->tty);
	if (side == PTY_MASTER ? is_input : is_output)
		pty->head = pty->tail;
	return 0;
}

static int64_t control_master(struct pty *pty, struct pty_call *call)
{
	uint32_t *value = (uint32_t *)&call->words[IO_INLINE_WORD];

	switch (call->words[1]) {
	case TTY_NUMBER:
		*value = pty_index(pty);
		return 0;
	case TTY_SET_LOCK:
		pty->is_locked = *value;
		return 0;
	case TTY_GET_LOCK:
		*value = pty->is_locked;
		return 0;
	case TTY_SEND_SIGNAL:
		if (call->words[2] != SIGINT && call->words[2] != SIGQUIT &&
		    call->words[2] != SIGTSTP)
			return -EINVAL;
		pty_signal(pty, (int)call->words[2]);
		return 0;
	default:
		return -ENOTTY;
	}
}

static int64_t control_any(struct pty *pty, struct pty_call *call)
{
	void *data = &call->words[IO_INLINE_WORD];

	switch (call->words[1]) {
	case TTY_GET:
		memcpy(data, &pty->tty.settings, sizeof(struct tty_settings));
		return 0;
	case TTY_SET:
	case TTY_SET_DRAIN:
	case TTY_SET_FLUSH:
		return set_settings(pty, data, call->words[1] == TTY_SET_FLUSH);
	case TTY_GET_SIZE:
		memcpy(data, &pty->size, sizeof(pty->size));
		return 0;
	case TTY_SET_SIZE:
		return set_size(pty, data);
	case TTY_OUTPUT_COUNT:
		return call->side == PTY_SLAVE ? pty_output_length(pty) : 0;
	case TTY_INPUT_COUNT:
		return call->side == PTY_SLAVE ? (int64_t)tty_input_length(&pty->tty)
					       : pty_output_length(pty);
	case TTY_FLOW:
		return control_flow(pty, call->words[2]);
	case TTY_FLUSH:
		return flush(pty, call->side, call->words[2]);
	case TTY_BREAK: /* what was written is at the other end at once */
		return 0;
	case TTY_EXCLUSIVE:
	case TTY_NOT_EXCLUSIVE:
		pty->is_exclusive = call->words[1] == TTY_EXCLUSIVE;
		return 0;
	default:
		return -ENOSYS;
	}
}

int64_t pty_control(struct pty_call *call)
{
	struct pty *pty = pty_of(call);
	int64_t result;

	if (!pty)
		return -EIO;
	result = control_any(pty, call);
	if (result != -ENOSYS)
		return result;
	return call->side == PTY_MASTER ? control_master(pty, call) : -ENOTTY;
}
