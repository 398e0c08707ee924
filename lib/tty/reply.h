/* Replies to calls that wait for a terminal; a server puts them into a queue of its own. */
#ifndef LIB_TTY_REPLY_H
#define LIB_TTY_REPLY_H

#include <stdint.h>

#include "tern/handle.h"

/* The current call is put by. 0; -EINTR: it has been cancelled, -ENOMEM, -ESRCH: its caller has gone. */
int64_t tty_reply_park(uint64_t cookie, tern_handle *reply);
/* The answer, and the end of the reply: `result`, and `words` but for the first. */
void tty_reply_end(tern_handle reply, const uint64_t *words, int64_t result);

#endif
