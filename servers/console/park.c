/* Requests that wait, in the order of their arrival. */
#include "console.h"

#include <string.h>

#include "lib/tty/reply.h"
#include "wire.h"

#define PARKED_MAX 128

struct parked {
	uint64_t cookie;
	uint64_t operation;
	uint32_t session;
	struct request request;
};

static struct parked queue[PARKED_MAX];
static size_t queue_length;
static uint64_t next_cookie = 1;

int64_t park(uint32_t session, uint64_t operation, struct request *request)
{
	struct parked *parked = &queue[queue_length];
	tern_handle reply;
	int64_t error;

	if (queue_length == PARKED_MAX)
		return -ENOMEM;
	error = tty_reply_park(next_cookie, &reply);
	if (error)
		return error == -ESRCH ? NO_ANSWER : error;
	*parked = (struct parked){ next_cookie++, operation, session, *request };
	parked->request.reply = reply;
	queue_length++;
	return NO_ANSWER;
}

bool parked_has(uint32_t session, uint64_t operation)
{
	for (size_t i = 0; i < queue_length; i++)
		if (queue[i].session == session && queue[i].operation == operation)
			return true;
	return false;
}

static void remove_at(size_t i)
{
	queue_length--;
	memmove(&queue[i], &queue[i + 1], (queue_length - i) * sizeof(queue[0]));
}

void parked_cancelled(uint64_t cookie)
{
	for (size_t i = 0; i < queue_length; i++) {
		if (queue[i].cookie != cookie)
			continue;
		tern_handle_close(queue[i].request.reply);
		remove_at(i);
		return;
	}
}

/* True: it has to wait on, until *deadline at the latest if that is not 0. */
static bool waits(const struct parked *parked, uint64_t now, uint64_t *deadline)
{
	switch (parked->operation) {
	case IO_OP_read:
		return session_read_waits(parked->session, parked->request.length, now, deadline);
	case IO_OP_write:
		return session_write_waits(parked->session);
	default:
		return wire_length(&console->wire) || session_state(parked->session)->held_length;
	}
}

static int64_t carry_out(struct parked *parked)
{
	switch (parked->operation) {
	case IO_OP_read:
		return session_read_now(parked->session, &parked->request);
	case IO_OP_write:
		return session_write_now(parked->session, &parked->request);
	default:
		return 0;
	}
}

uint64_t parked_serve(uint64_t now, bool *has_answered)
{
	bool is_behind[SESSIONS][IO_OP_OTHERS] = { 0 }; /* an earlier one of its kind waits */
	uint64_t earliest = 0;

	for (size_t i = 0; i < queue_length;) {
		struct parked *parked = &queue[i];
		bool *is_behind_one = &is_behind[parked->session][parked->operation];
		uint64_t deadline = 0;

		if (*is_behind_one || waits(parked, now, &deadline)) {
			*is_behind_one = true;
			if (deadline && (!earliest || deadline < earliest))
				earliest = deadline;
			i++;
			continue;
		}
		tty_reply_end(parked->request.reply, parked->request.words, carry_out(parked));
		*has_answered = true;
		remove_at(i);
	}
	return earliest;
}
