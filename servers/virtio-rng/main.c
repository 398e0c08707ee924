/*
 * Random bytes from a virtio entropy device, in the protocol of proto/random.h. Clients that find no byte
 * wait until the device has brought some. A device that says nothing for some seconds is started again;
 * if that does not help, those who wait get -EIO.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/server/server.h"
#include "proto/init.h"
#include "proto/random.h"
#include "source.h"
#include "tern/event.h"
#include "tern/memory.h"
#include "tern/process.h"
#include "tern/start.h"
#include "tern/system.h"

#define WAITING_MAX 64
#define TICK_NS 1000000000ul
#define PATIENCE 3 /* ticks */
#define OWN_TIMER INIT_OWN

static struct source source;
static struct waiting {
	tern_handle reply;
	unsigned int length;
} waiting[WAITING_MAX];
static unsigned int waiting_count, ticks, failures;
static tern_handle interrupt, timer;

/* The answer's words: a count and bytes, or an error. */
static int64_t put_bytes(struct tern_received *message, unsigned int length)
{
	return source_take(&source, &message->words[1], length);
}

static void answer_first(struct tern_received *message)
{
	tern_reply(waiting[0].reply, message); /* -ESRCH: it is gone */
	memmove(&waiting[0], &waiting[1], --waiting_count * sizeof(waiting[0]));
}

static void answer_waiting(void)
{
	while (waiting_count) {
		struct tern_received message = { 0 };
		int64_t count = put_bytes(&message, waiting[0].length);

		if (count <= 0)
			break;
		failures = 0;
		message.words[0] = (uint64_t)count;
		answer_first(&message);
	}
	ticks = 0;
	tern_timer_set(timer, waiting_count ? tern_time() + TICK_NS : 0, TICK_NS);
}

/* The device has gone wrong or to sleep: again from the start, once. */
static void recover(void)
{
	printf("virtio-rng: the device did not behave and is reset\n");
	if (failures++ == 0 && source_restart(&source) == 0) {
		answer_waiting();
		return;
	}
	while (waiting_count)
		answer_first(&(struct tern_received){ .words = { (uint64_t)-EIO } });
}

static int64_t wait_for_bytes(unsigned int length)
{
	tern_handle reply;

	if (waiting_count == WAITING_MAX)
		return -EAGAIN;
	reply = tern_reply_park(0, 0);
	if (reply < 0)
		return reply;
	waiting[waiting_count++] = (struct waiting){ reply, length };
	if (waiting_count == 1) {
		ticks = 0;
		tern_timer_set(timer, tern_time() + TICK_NS, TICK_NS);
	}
	return SERVER_PARKED;
}

static int64_t random_read_call(struct server_call *call)
{
	uint64_t length = call->message.words[1];
	int64_t count;

	if (!length || length > RANDOM_READ_MAX)
		return -EINVAL;
	count = put_bytes(&call->message, (unsigned int)length);
	if (count == -EIO) {
		recover();
		count = put_bytes(&call->message, (unsigned int)length);
	}
	return count ? count : wait_for_bytes((unsigned int)length);
}

static int64_t dispatch(struct server_call *call)
{
	static server_function *const table[] = { [RANDOM_OP_read] = random_read_call };

	return server_dispatch(table, sizeof(table) / sizeof(table[0]), call->message.words[0],
			       call);
}

static void notified(uint64_t userdata, uint64_t bits)
{
	(void)bits;
	if (userdata == OWN_TIMER && waiting_count && ++ticks >= PATIENCE) {
		recover();
	} else if (INIT_KIND(userdata) == INIT_KIND_INTERRUPT) {
		virtio_interrupt(&source.device);
		source_collect(&source);
		if (source.queue.is_broken)
			recover();
		answer_waiting();
		tern_interrupt_ack(interrupt);
	}
}

/* 0 or an error. */
static int start(struct server *server)
{
	tern_handle dma = tern_start_handle("dma");
	tern_result physical = tern_memobj_physical_address(tern_start_handle("device"), dma);
	tern_result registers = tern_region_map(TERN_SELF_PROCESS, tern_start_handle("registers"),
						0, 0, TERN_PAGE_SIZE,
						TERN_MAP_READ | TERN_MAP_WRITE);
	tern_result memory = tern_region_map(TERN_SELF_PROCESS, dma, 0, 0, SOURCE_DMA,
					     TERN_MAP_READ | TERN_MAP_WRITE);
	int error;

	if (physical < 0 || registers < 0 || memory < 0)
		return -EINVAL;
	error = source_start(&source, (void *)registers, (void *)memory, (uint64_t)physical);
	if (!error)
		error = server_start(server);
	if (error)
		return error;
	timer = tern_timer_create(0, tern_port_create(0, server->listener, OWN_TIMER, 0), 1);
	interrupt = tern_start_handle("interrupt");
	tern_interrupt_ack(interrupt); /* the last instance's */
	return timer < 0 ? (int)timer : 0;
}

int main(void)
{
	static struct server server = { .threads = 1, .call = dispatch, .notified = notified };
	int error;

	server.listener = tern_start_handle("listener");
	error = start(&server);
	if (!error)
		error = server_run(&server);
	if (error)
		fprintf(stderr, "virtio-rng: %s\n", strerror(-error));
	return error ? 1 : 0;
}
