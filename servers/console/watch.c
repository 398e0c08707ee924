/* Watches: who wants to be notified when a session can be read or written. */
#include "console.h"

#include "lib/tty/watches.h"

static struct tty_watches watches[SESSIONS];

int64_t watch_add(uint32_t session, struct request *request)
{
	int64_t watch = tty_watch_add(&watches[session], request->handle, request->words[1]);

	if (watch > 0)
		request->handle = 0;
	return watch;
}

int64_t watch_remove(uint32_t session, struct request *request)
{
	return tty_watch_remove(&watches[session], request->words[1]);
}

int64_t watch_poll(uint32_t session, struct request *request)
{
	request->words[0] = request->flags;
	return tty_watch_poll(&watches[session], request->words, session_events(session),
			      session_arrivals(session));
}

void watches_notify(void)
{
	for (uint32_t session = 0; session < SESSIONS; session++)
		tty_watches_notify(&watches[session], session_events(session),
				   session_arrivals(session));
}
