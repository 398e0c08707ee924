/* What the console's files share. */
#ifndef CONSOLE_CONSOLE_H
#define CONSOLE_CONSOLE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/tty.h"
#include "state.h"
#include "tern/event.h"
#include "tern/system.h"

#define NO_ANSWER INT64_MIN /* a handler's result: the request is answered later, or by nobody */

/* A call as its handler sees it, which also puts the answer's words there, all but w0. */
struct request {
	uint64_t words[TERN_MESSAGE_WORDS];
	uint64_t length;   /* w1 */
	uint32_t flags;    /* of w0 */
	bool has_windows;  /* else the data are in the words */
	tern_handle reply; /* TERN_REPLY or a parked one */
	tern_handle
		handle; /* that came along, or 0: the handler's, who sets it to 0 if it keeps it */
};

typedef int64_t request_handler(uint32_t session, struct request *request);

/* --- main.c --- */
extern struct console_state *console;
struct session_state *session_state(uint32_t session);

/* --- input.c: what the UART has received --- */
void input_receive(uint8_t byte);
/* Returns when to come again, or 0. */
uint64_t input_settle(uint64_t now);

/* --- session.c: what a session's terminal does --- */
void sessions_init(void);
/* A byte for the active session. */
void session_receive(uint8_t byte);
request_handler session_read, session_write, session_attributes, session_set_flags, session_signals,
	session_activate;
/* Whether a read of that length is to wait, and until when (*deadline, 0: for ever). */
bool session_read_waits(uint32_t session, uint64_t length, uint64_t now, uint64_t *deadline);
bool session_write_waits(uint32_t session);
/* Do it, when nothing is to be waited for. */
request_handler session_read_now, session_write_now;
/* Events (IO_IN, IO_OUT) that hold; how many bytes have arrived. */
uint64_t session_events(uint32_t session);
uint32_t session_arrivals(uint32_t session);
void session_signal(uint32_t session, int signal);
/* Put in the lines that wait, where the wire lets them; *has_shown if there was one. Returns when to
 * come again, or 0. */
uint64_t sessions_show_lines(uint64_t now, bool *has_shown);

/* --- control.c: settings, window size --- */
request_handler session_control;

/* --- park.c: requests that wait --- */
/* `operation`: enum io_op; control stands for tcdrain. */
int64_t park(uint32_t session, uint64_t operation, struct request *request);
/* Has the session requests of this operation that wait? Others must not overtake them. */
bool parked_has(uint32_t session, uint64_t operation);
void parked_cancelled(uint64_t cookie);
/* Go on with what can go on; *has_answered if there was something. Returns when to come again, or 0. */
uint64_t parked_serve(uint64_t now, bool *has_answered);

/* --- watch.c: poll --- */
request_handler watch_poll, watch_add, watch_remove;
void watches_notify(void);

/* --- log.c: the kernel's log --- */
void log_init(void);
bool log_has_line(void);
/* Takes a line out of the ring, at most `size` bytes of it; 0: there is none. */
size_t log_take_line(char *line, size_t size);

#endif
