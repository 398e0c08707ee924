/*
 * What comes from the UART: reports of the screen's size are taken out, all else is typed. A report that
 * does not go on within a moment was none.
 */
#include "console.h"

#include <signal.h>
#include <string.h>

#include "lib/tty/size_report.h"
#include "tern/thread.h"

#define PATIENCE_NS 200000000ul

static uint8_t held[SIZE_REPORT_MAX + 1];
static size_t held_length;
static uint64_t deadline; /* of what is held; 0: nothing is */

static void drop(size_t count)
{
	held_length -= count;
	memmove(held, held + count, held_length);
}

/* There is one screen, and all sessions are on it. */
static void resize(const struct tty_size *size)
{
	for (uint32_t i = 0; i < SESSIONS; i++) {
		struct tty_size *old = &session_state(i)->size;

		if (old->rows == size->rows && old->columns == size->columns)
			continue;
		*old = *size;
		session_signal(i, SIGWINCH);
	}
}

void input_receive(uint8_t byte)
{
	struct tty_size size;

	held[held_length++] = byte;
	while (held_length) {
		switch (size_report_look(held, held_length, &size)) {
		case SIZE_REPORT_PART:
			deadline = tern_time() + PATIENCE_NS;
			return;
		case SIZE_REPORT_WHOLE:
			resize(&size);
			drop(held_length);
			break;
		default:
			session_receive(held[0]);
			drop(1);
		}
	}
	deadline = 0;
}

uint64_t input_settle(uint64_t now)
{
	if (!deadline || now < deadline)
		return deadline;
	deadline = 0;
	for (size_t i = 0; i < held_length; i++)
		session_receive(held[i]);
	held_length = 0;
	return 0;
}
