/* Waiting for events of descriptions: what poll, select and epoll have in common. */
#ifndef EMU_FULL_POLL_H
#define EMU_FULL_POLL_H

#include "descriptor.h"

#include "proto/io.h"

/*
 * A poller is a listener with a port and a timer, on which one thread waits. Pollers are kept for the
 * next call, and a description remembers which poller its watch notifies, so that mostly nothing but
 * polls is asked of the servers.
 */
#define EMU_EXTRA_WATCHES 16

struct emu_poller {
	uint32_t number; /* 1 ... */
	bool is_busy;
	bool is_blind;    /* something could not be watched */
	bool has_signals; /* a signalfd is watched */
	uint8_t extra_count;
	tern_handle listener, port, timer;
	struct emu_poller *next_free;
	struct {
		tern_handle io;
		uint64_t watch;
	} extra[EMU_EXTRA_WATCHES]; /* of descriptions on whose own watch another thread waits */
};

/* NULL: no memory. */
struct emu_poller *emu_poller_take(void);
void emu_poller_give(struct emu_poller *poller);

/* Which of `events` hold now; with IO_ERROR and the like in any case. Never waits. */
uint32_t emu_description_events(struct emu_description *description, uint32_t events);

/*
 * The same; if nothing holds yet, what comes will end the poller's next wait. `is_edge`: whatever holds
 * now, a change will.
 */
uint32_t emu_description_watch(struct emu_description *description, uint32_t events,
			       struct emu_poller *poller, bool is_edge);

/* epoll.c: does the instance have anything to tell? With a poller: if not, it is watched. */
bool emu_epoll_watch(struct emu_description *description, struct emu_poller *poller);

/*
 * signalfd.c: is one of its signals pending? watch: until unwatch, their arrival interrupts the calling
 * thread's waits.
 */
bool emu_signalfd_is_ready(struct emu_description *description);
bool emu_signalfd_watch(struct emu_description *description);
void emu_signalfd_unwatch(void);
long emu_signalfd_read(struct emu_description *description, void *user, size_t length);

/* Until a watch notifies or the deadline (nanoseconds of the time page): 0, -ETIMEDOUT, -EINTR. */
long emu_poller_wait(struct emu_poller *poller, uint64_t deadline);

#endif
