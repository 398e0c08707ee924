/* Watches of a terminal; see the header. */
#include "lib/tty/watches.h"

#include <errno.h>
#include <stddef.h>

#include "proto/io.h"

#define FOR_EACH(watches, watch)                                                                   \
	for (struct tty_watch *watch = (watches)->places;                                          \
	     watch < (watches)->places + TTY_WATCHES_MAX; watch++)                                 \
		if (watch->port)

static void forget(struct tty_watch *watch)
{
	tern_handle_close(watch->port);
	watch->port = 0;
}

static void notify(struct tty_watch *watch)
{
	if (tern_notify(watch->port, watch->bits) < 0)
		forget(watch);
}

static struct tty_watch *find(struct tty_watches *watches, uint64_t number)
{
	struct tty_watch *watch = &watches->places[(number - 1) % TTY_WATCHES_MAX];

	return number >= 1 && number <= TTY_WATCHES_MAX && watch->port ? watch : NULL;
}

static struct tty_watch *find_free(struct tty_watches *watches)
{
	for (int i = 0; i < TTY_WATCHES_MAX; i++)
		if (!watches->places[i].port)
			return &watches->places[i];
	return NULL;
}

int64_t tty_watch_add(struct tty_watches *watches, tern_handle port, uint64_t bits)
{
	struct tty_watch *place = find_free(watches);

	if (!port || !bits)
		return -EINVAL;
	if (!place) {
		FOR_EACH(watches, watch)
		notify(watch);
		place = find_free(watches);
	}
	if (!place)
		return -ENOMEM;
	*place = (struct tty_watch){ .port = port, .bits = bits };
	return place - watches->places + 1;
}

int64_t tty_watch_remove(struct tty_watches *watches, uint64_t number)
{
	struct tty_watch *watch = find(watches, number);

	if (!watch)
		return -ENOENT;
	forget(watch);
	return 0;
}

int64_t tty_watch_poll(struct tty_watches *watches, const uint64_t *words, uint64_t events,
		       uint32_t arrivals)
{
	uint64_t interest = words[1] | IO_ALWAYS;
	struct tty_watch *watch = find(watches, words[2]);

	if (words[2] && !watch)
		return -ENOENT;
	events &= interest;
	if (watch && (!events || words[0] & IO_POLL_EDGE)) {
		watch->interest = interest;
		watch->seen = events;
		watch->arrivals = arrivals;
		watch->is_kept = (words[0] & IO_POLL_KEEP) != 0;
	}
	return (int64_t)events;
}

static void look(struct tty_watch *watch, uint64_t all_events, uint32_t arrivals)
{
	uint64_t events = all_events & watch->interest;
	uint64_t news = events & ~watch->seen;

	if (events & IO_IN && watch->arrivals != arrivals)
		news |= IO_IN;
	watch->seen = events;
	watch->arrivals = arrivals;
	if (!news)
		return;
	if (!watch->is_kept)
		watch->interest = 0;
	notify(watch);
}

void tty_watches_notify(struct tty_watches *watches, uint64_t events, uint32_t arrivals)
{
	FOR_EACH(watches, watch)
	if (watch->interest)
		look(watch, events, arrivals);
}

void tty_watches_end(struct tty_watches *watches)
{
	FOR_EACH(watches, watch)
	{
		tern_notify(watch->port, watch->bits);
		forget(watch);
	}
}
