/*
 * Who wants to be notified when a terminal can be read or written: the watches of proto/io.h for one
 * side of one terminal. An armed watch remembers what held when it was last looked at, and is notified of
 * what is new since.
 *
 * Nobody says when a watcher dies. Its port does, at the next notification; so when all places are
 * taken everybody is notified once, which is allowed, and the dead make room.
 */
#ifndef LIB_TTY_WATCHES_H
#define LIB_TTY_WATCHES_H

#include <stdbool.h>
#include <stdint.h>

#include "tern/ipc.h"

#define TTY_WATCHES_MAX 16

struct tty_watch {
	tern_handle port; /* 0: free */
	uint64_t bits;
	uint64_t interest; /* 0: not armed */
	uint64_t seen;
	uint32_t arrivals;
	bool is_kept;
};

struct tty_watches {
	struct tty_watch places[TTY_WATCHES_MAX];
};

/* The watch's number. The port is kept from then on; -EINVAL, -ENOMEM: it is the caller's still. */
int64_t tty_watch_add(struct tty_watches *watches, tern_handle port, uint64_t bits);
/* 0 or -ENOENT. */
int64_t tty_watch_remove(struct tty_watches *watches, uint64_t number);
/*
 * POLL with the message's words 0 to 2, when `events` hold and `arrivals` bytes have come so far: the
 * answer's word 0.
 */
int64_t tty_watch_poll(struct tty_watches *watches, const uint64_t *words, uint64_t events,
		       uint32_t arrivals);
/* Something may have changed: those who wait for it hear of it. */
void tty_watches_notify(struct tty_watches *watches, uint64_t events, uint32_t arrivals);
/* The terminal has gone: everybody hears of it and is forgotten. */
void tty_watches_end(struct tty_watches *watches);

#endif
