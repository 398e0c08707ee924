/*
 * The console: one UART, several sessions. One thread, one listener: interrupts, calls and the
 * kernel's log all arrive there, and after each of them the loop settles what it has changed.
 *
 * Handles: listener, registers, interrupt; kernel-log and state if it is given them.
 */
#include "console.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/init.h"
#include "tern/event.h"
#include "tern/memory.h"
#include "tern/start.h"
#include "tern/thread.h"
#include "uart.h"
#include "wire.h"

#define USERDATA_TIMER INIT_OWN

struct console_state *console;

static tern_handle listener, interrupt, timer;
static uint64_t timer_deadline;

struct session_state *session_state(uint32_t session)
{
	return &console->sessions[session];
}

/* ---------------------------------------------------------------------------------- requests */

static request_handler *const handlers[] = {
	[IO_OP_read] = session_read,
	[IO_OP_write] = session_write,
	[IO_OP_poll] = watch_poll,
	[IO_OP_watch] = watch_add,
	[IO_OP_unwatch] = watch_remove,
	[IO_OP_attributes] = session_attributes,
	[IO_OP_set_flags] = session_set_flags,
	[IO_OP_control] = session_control,
	[TTY_OP_signals] = session_signals,
	[TTY_OP_activate] = session_activate,
};

static int64_t dispatch(uint64_t userdata, struct request *request, uint64_t operation)
{
	if (operation >= sizeof(handlers) / sizeof(handlers[0]) || !handlers[operation])
		return -ENOSYS;
	if (userdata >= SESSIONS)
		return -ENXIO;
	return handlers[operation]((uint32_t)userdata, request);
}

/* True: `message` holds the answer to the call that was in it. */
static bool serve(struct tern_received *message, tern_result event)
{
	struct request request = {
		.length = message->words[1],
		.flags = (uint32_t)message->words[0] & ~IO_OP_MASK,
		.has_windows = (event & TERN_EVENT_WINDOWS) != 0,
		.reply = TERN_REPLY,
		.handle = event & TERN_EVENT_HANDLES ? message->handles[0] : 0,
	};
	int64_t result;

	memcpy(request.words, message->words, sizeof(request.words));
	result = dispatch(message->userdata, &request, message->words[0] & IO_OP_MASK);
	if (request.handle)
		tern_handle_close(request.handle);
	if (result == NO_ANSWER)
		return false;
	memcpy(message->words, request.words, sizeof(message->words));
	message->words[0] = (uint64_t)result;
	return true;
}

/* ------------------------------------------------------------------------------------ events */

/* The chip must be quiet before the line is opened again, or its next interrupt would be missed. */
static void take_interrupt(void)
{
	int byte;

	do {
		while ((byte = uart_receive()) >= 0)
			input_receive((uint8_t)byte);
		uart_send(&console->wire);
	} while (!uart_is_quiet());
	tern_interrupt_ack(interrupt);
}

static void take_notification(const struct tern_received *message)
{
	switch (INIT_KIND(message->userdata)) {
	case INIT_KIND_INTERRUPT:
		take_interrupt();
		break;
	case INIT_KIND_CONTROL:
		for (uint64_t now = tern_time(); wire_length(&console->wire);) {
			uart_send(&console->wire);
			if (tern_time() > now + BREAK_NS)
				break;
		}
		exit(0);
	default: /* the timer, the kernel's log: settling is all they ask for */
		break;
	}
}

static bool handle(struct tern_received *message, tern_result event)
{
	switch (event & TERN_EVENT_KIND) {
	case TERN_EVENT_CALL:
		return serve(message, event);
	case TERN_EVENT_NOTIFY:
		take_notification(message);
		return false;
	case TERN_EVENT_CANCELLED:
		parked_cancelled(message->userdata);
		return false;
	default:
		return false;
	}
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return !a || (b && b < a) ? b : a;
}

/*
 * What has become possible is done, until nothing changes any more: each step can make room for another.
 * What waits after that waits for an event. Then the timer is set for what is still to come.
 */
static void settle(void)
{
	uint64_t now = tern_time(), deadline, input = input_settle(now);
	bool has_changed;

	do {
		has_changed = false;
		uart_send(&console->wire);
		deadline = earlier(input, parked_serve(now, &has_changed));
		deadline = earlier(deadline, sessions_show_lines(now, &has_changed));
	} while (has_changed);
	watches_notify();
	if (deadline == timer_deadline)
		return;
	timer_deadline = deadline;
	tern_timer_set(timer, deadline, 0);
}

static void run(void)
{
	struct tern_received message = { 0 };
	bool has_answer = false;

	for (;;) {
		tern_result event = has_answer ? tern_reply_wait(listener, &message)
					       : tern_wait(listener, &message);

		has_answer = event >= 0 && handle(&message, event);
		if (event == -EPIPE)
			exit(1);
		settle();
	}
}

/* ------------------------------------------------------------------------------------ set-up */

static _Noreturn void fail(const char *what, tern_result error)
{
	fprintf(stderr, "cannot start: %s: error %ld\n", what, (long)error);
	exit(1);
}

static tern_handle need(const char *name)
{
	tern_handle handle = tern_start_handle(name);

	if (handle < 0)
		fail(name, handle);
	return handle;
}

static void *map(tern_handle memobj, uint64_t length, const char *what)
{
	tern_result address = tern_region_map(TERN_SELF_PROCESS, memobj, 0, 0, length,
					      TERN_MAP_READ | TERN_MAP_WRITE);

	if (address < 0)
		fail(what, address);
	return (void *)address;
}

static void get_state(void)
{
	static struct console_state own;
	uint64_t length = (sizeof(own) + TERN_PAGE_SIZE - 1) / TERN_PAGE_SIZE * TERN_PAGE_SIZE;
	tern_handle memobj = tern_start_handle("state");

	console = memobj < 0 ? &own : map(memobj, length, "state");
}

static void get_timer(void)
{
	tern_result port = tern_port_create(0, listener, USERDATA_TIMER, 0);

	timer = port < 0 ? port : tern_timer_create(0, port, 1);
	if (timer < 0)
		fail("timer", timer);
}

int main(void)
{
	listener = need("listener");
	interrupt = need("interrupt");
	tern_listener_takeover(listener);
	tern_thread_accept_handles(1);
	get_state();
	get_timer();
	sessions_init();
	log_init();
	uart_init(map(need("registers"), TERN_PAGE_SIZE, "registers"));
	tern_interrupt_ack(interrupt); /* one that the last instance did not live to acknowledge */
	take_interrupt();
	settle();
	run();
}
