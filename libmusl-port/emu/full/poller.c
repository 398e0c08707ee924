/* Pollers and watches: see poll.h. */
#include "poll.h"

#include "emu_full.h"
#include "files_internal.h"

#define POLLERS_MAX 256
#define SENDERS 16
#define BIT_WATCH 1ul
#define BIT_TIMER 2ul
#define BLIND 5000000 /* nanoseconds */

struct emu_lock emu_pollers_lock; /* protects what is static here */
static struct emu_poller pollers[POLLERS_MAX] EMU_LARGE;
static struct emu_poller *first_free;
static uint32_t poller_count;

/* A child has handles of its own, or none: what is inherited would be its parent's listener. */
static tern_handle alone(tern_handle handle)
{
	tern_result own = handle < 0 ? handle : tern_handle_duplicate(handle, TERN_RIGHTS_ALL);

	if (handle > 0)
		tern_handle_close(handle);
	return own;
}

static void close_all(struct emu_poller *poller)
{
	if (poller->timer > 0)
		tern_handle_close(poller->timer);
	if (poller->port > 0)
		tern_handle_close(poller->port);
	if (poller->listener > 0)
		tern_handle_close(poller->listener);
}

/* It keeps a client of its own: one whose last client has gone says nothing any more, not to the timer either. */
static tern_handle make_port(tern_handle listener)
{
	tern_handle owner = tern_port_create(TERN_SELF_ACCOUNT, listener, 0, 0), client;

	if (owner < 0)
		return owner;
	client = tern_port_mint(owner, TERN_RIGHT_NOTIFY | TERN_RIGHT_COPY);
	tern_handle_close(owner);
	return client;
}

static bool open_all(struct emu_poller *poller)
{
	poller->listener = alone(tern_listener_create(TERN_SELF_ACCOUNT, SENDERS));
	poller->port = alone(make_port(poller->listener));
	poller->timer = alone(tern_timer_create(TERN_SELF_ACCOUNT, poller->port, BIT_TIMER));
	if (poller->listener > 0 && poller->port > 0 && poller->timer > 0)
		return true;
	close_all(poller);
	return false;
}

struct emu_poller *emu_poller_take(void)
{
	struct emu_poller *poller;

	emu_lock(&emu_pollers_lock);
	poller = first_free;
	if (poller) {
		first_free = poller->next_free;
	} else if (poller_count < POLLERS_MAX) {
		poller = &pollers[poller_count];
		poller->number = poller_count + 1;
		if (open_all(poller))
			poller_count++;
		else
			poller = NULL;
	}
	if (poller)
		poller->is_busy = true;
	emu_unlock(&emu_pollers_lock);
	return poller;
}

void emu_poller_give(struct emu_poller *poller)
{
	while (poller->extra_count) {
		poller->extra_count--;
		io_unwatch(poller->extra[poller->extra_count].io,
			   poller->extra[poller->extra_count].watch);
	}
	if (poller->has_signals)
		emu_signalfd_unwatch();
	poller->has_signals = false;
	emu_lock(&emu_pollers_lock);
	poller->is_busy = false;
	poller->next_free = first_free;
	first_free = poller;
	emu_unlock(&emu_pollers_lock);
}

/* Those that waited are dead. */
void emu_pollers_give_all(void)
{
	for (uint32_t i = 0; i < poller_count; i++)
		if (pollers[i].is_busy)
			emu_poller_give(&pollers[i]);
}

void emu_pollers_forget(void)
{
	first_free = NULL;
	poller_count = 0;
}

/* ---------------------------------------------------------------------------------- watches */

static uint32_t poll_stream(struct emu_description *description, uint32_t events, uint64_t watch,
			    uint32_t flags)
{
	tern_result result = io_poll(description->io, events, watch, flags);

	return result < 0 ? IO_ERROR | IO_HANGUP : (uint32_t)result;
}

uint32_t emu_description_events(struct emu_description *description, uint32_t events)
{
	switch (description->kind) {
	case EMU_STREAM:
		return poll_stream(description, events, 0, 0);
	case EMU_EPOLL:
		return emu_epoll_watch(description, NULL) ? events & IO_IN : 0;
	case EMU_SIGNALS:
		return emu_signalfd_is_ready(description) ? events & IO_IN : 0;
	default:
		return events & (IO_IN | IO_OUT);
	}
}

static uint64_t make_watch(struct emu_description *description, struct emu_poller *poller)
{
	tern_result result = io_watch(description->io, poller->port, BIT_WATCH);

	return result < 0 ? 0 : (uint64_t)result;
}

/* A watch for this call alone. */
static uint64_t extra_watch(struct emu_description *description, struct emu_poller *poller)
{
	uint64_t watch;

	for (int i = 0; i < poller->extra_count; i++)
		if (poller->extra[i].io == description->io)
			return poller->extra[i].watch;
	if (poller->extra_count == EMU_EXTRA_WATCHES)
		return 0;
	watch = make_watch(description, poller);
	if (!watch)
		return 0;
	poller->extra[poller->extra_count].io = description->io;
	poller->extra[poller->extra_count++].watch = watch;
	return watch;
}

static uint64_t watch_locked(struct emu_description *description, struct emu_poller *poller)
{
	struct emu_watch *watch = &description->watch;

	if (watch->poller == poller->number)
		return watch->number;
	if (watch->poller && pollers[watch->poller - 1].is_busy)
		return extra_watch(description, poller);
	if (watch->poller)
		io_unwatch(description->io, watch->number);
	*watch = (struct emu_watch){ 0 };
	watch->number = make_watch(description, poller);
	watch->poller = watch->number ? poller->number : 0;
	return watch->number;
}

/*
 * The description's watch at this poller. 0: there is none to be had. Of two threads that find a watch of
 * a poller that nobody uses, one takes it over; the other must not be answered with that one's.
 */
static uint64_t watch_of(struct emu_description *description, struct emu_poller *poller)
{
	uint64_t watch;

	emu_lock(&description->lock);
	watch = watch_locked(description, poller);
	emu_unlock(&description->lock);
	return watch;
}

uint32_t emu_description_watch(struct emu_description *description, uint32_t events,
			       struct emu_poller *poller, bool is_edge)
{
	uint64_t watch;

	if (description->kind == EMU_EPOLL)
		return emu_epoll_watch(description, poller) ? events & IO_IN : 0;
	if (description->kind == EMU_SIGNALS) {
		poller->has_signals = true;
		return emu_signalfd_watch(description) ? events & IO_IN : 0;
	}
	if (description->kind != EMU_STREAM)
		return emu_description_events(description, events);
	watch = watch_of(description, poller);
	poller->is_blind |= !watch;
	return poll_stream(description, events, watch, is_edge && watch ? IO_POLL_EDGE : 0);
}

/* ------------------------------------------------------------------------------------- waiting */

/* A notification of an earlier call may be here still: whoever waits looks again then. */
long emu_poller_wait(struct emu_poller *poller, uint64_t deadline)
{
	struct tern_received message = { .words = { 0 } };
	tern_result result;

	uint64_t end = deadline;

	if (deadline <= tern_time())
		return -ETIMEDOUT;
	/* An interrupt may have ended, and been lost to, a call that was made again. */
	if (emu_interrupted())
		return -EINTR;
	/* What cannot be watched is looked at now and then. */
	if (poller->is_blind && deadline > tern_time() + BLIND)
		end = tern_time() + BLIND;
	poller->is_blind = false;
	if (end != TERN_DEADLINE_NONE)
		tern_timer_set(poller->timer, end, 0);
	result = tern_wait(poller->listener, &message);
	if (end != TERN_DEADLINE_NONE)
		tern_timer_set(poller->timer, 0, 0);
	if (result == -EINTR && !emu_interrupted())
		result = 0; /* nothing that a handler wants to know */
	if (result < 0)
		return result;
	return tern_time() >= deadline ? -ETIMEDOUT : 0;
}
