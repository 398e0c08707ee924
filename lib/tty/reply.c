#include "lib/tty/reply.h"

#include <errno.h>
#include <string.h>

#include "tern/ipc.h"

int64_t tty_reply_park(uint64_t cookie, tern_handle *reply)
{
	tern_result parked = tern_reply_park(cookie, TERN_PARK_CANCELLABLE);

	if (parked == -ECANCELED)
		return -EINTR;
	if (parked < 0)
		return parked == -ESRCH ? -ESRCH : -ENOMEM;
	*reply = parked;
	return 0;
}

void tty_reply_end(tern_handle reply, const uint64_t *words, int64_t result)
{
	struct tern_received message = { 0 };

	memcpy(message.words, words, sizeof(message.words));
	message.words[0] = (uint64_t)result;
	/* Its caller may have gone: then closing the handle is all that is left. */
	if (tern_reply(reply, &message) < 0)
		tern_handle_close(reply);
}
