/*
 * Start and main loop of the driver, see driver.h.
 *
 * The order at the start matters, since a predecessor may have died with operations in flight: first all
 * devices are reset, so that none of them works on memory any more; then what was pinned for them is
 * released; and only then are clients told (by the listener's take-over) to repeat their calls.
 */
#include "driver.h"

#include <errno.h>

#include "operations.h"
#include "proto/init.h"
#include "requests.h"
#include "tern/event.h"
#include "tern/memory.h"
#include "tern/system.h"
#include "tern/thread.h"

/* Userdata of the driver's own ports. */
#define OWN_TIMER INIT_OWN
#define OWN_RETRY (2 * INIT_OWN)

#define TICK_NS 1000000000ul
#define PATIENCE 30 /* ticks that a device may take for an operation */

static struct unit units[DRIVER_DISKS];
static struct pins pins[DRIVER_DISKS][DISK_SLOTS];
static tern_handle interrupts[DRIVER_DISKS]; /* by unit */
static unsigned int numbers[DRIVER_DISKS];   /* of its interrupt */
static unsigned int unit_count;
static tern_handle timer, retry_timer;
static bool is_ticking, is_retrying;
static uint64_t now; /* in ticks */

/* --------------------------------------------------------------------------------- the way back */

tern_handle client_park(void)
{
	return tern_reply_park(0, 0);
}

void client_answer(tern_handle reply, int result)
{
	struct tern_received message = { .words = { (uint64_t)(int64_t)result } };

	tern_reply(reply, &message); /* -ESRCH: the client is gone */
}

void memory_close(tern_handle memobj)
{
	tern_handle_close(memobj);
}

/* --------------------------------------------------------------------------------------- events */

static void set_timer(bool is_on)
{
	if (is_ticking == is_on)
		return;
	is_ticking = is_on;
	tern_timer_set(timer, is_on ? tern_time() + TICK_NS : 0, is_on ? TICK_NS : 0);
}

/* Look after a disk, and say so when it had to be restarted. */
static void check(unsigned int number)
{
	char text[] = "virtio-blk: disk 0 did not behave and was reset\n";

	text[17] = (char)('0' + number);
	if (requests_check(&units[number], now, PATIENCE))
		tern_debug_log(text, sizeof(text) - 1);
}

/* The clock runs while there is something that could take too long. */
static void handle_tick(void)
{
	now++;
	for (unsigned int i = 0; i < unit_count; i++)
		check(i);
	if (!requests_count())
		set_timer(false);
}

/* Requests that memory was too short for are tried again after a while. */
static void arrange_retry(void)
{
	bool is_needed = false;

	for (unsigned int i = 0; i < unit_count; i++)
		is_needed |= units[i].starved != NULL;
	if (is_needed && !is_retrying)
		tern_timer_set(retry_timer, tern_time() + REQUESTS_PAUSE_NS, 0);
	is_retrying = is_needed;
}

static void handle_retry(void)
{
	is_retrying = false;
	for (unsigned int i = 0; i < unit_count; i++)
		requests_retry(&units[i], now);
}

static void handle_interrupt(uint64_t interrupt)
{
	unsigned int number = 0;
	struct unit *unit;
	uint32_t cause;

	while (number < unit_count && numbers[number] != interrupt)
		number++;
	if (number == unit_count)
		return;
	unit = &units[number];
	cause = virtio_interrupt(&unit->disk.device);
	if (cause & VIRTIO_INTERRUPT_CONFIG && disk_configure(&unit->disk))
		unit->disk.queue.is_broken = true;
	requests_finish(unit, now);
	if (unit->disk.queue.is_broken || cause & VIRTIO_INTERRUPT_CONFIG)
		check(number);
	tern_interrupt_ack(interrupts[number]);
}

static void handle_notification(uint64_t userdata)
{
	if (userdata == OWN_TIMER)
		handle_tick();
	else if (userdata == OWN_RETRY)
		handle_retry();
	else if (INIT_KIND(userdata) == INIT_KIND_INTERRUPT)
		handle_interrupt((uint32_t)userdata);
	arrange_retry();
}

static void handle_call(struct tern_received *message)
{
	unsigned int number = message->userdata & DRIVER_DISK_MASK;

	operation_run(number < unit_count ? &units[number] : NULL, message, now);
	if (requests_count())
		set_timer(true);
	arrange_retry();
}

static int serve(tern_handle listener)
{
	struct tern_received message = { 0 };

	for (;;) {
		tern_result event = tern_reply_wait(listener, &message);

		if (event == -EPIPE)
			return 0;
		if (event < 0) /* the caller is gone */
			continue;
		if ((event & TERN_EVENT_KIND) == TERN_EVENT_CALL)
			handle_call(&message);
		else if ((event & TERN_EVENT_KIND) == TERN_EVENT_NOTIFY)
			handle_notification(message.userdata);
		else if ((event & TERN_EVENT_KIND) == TERN_EVENT_NO_CLIENTS)
			memory_detach_all(message.userdata);
	}
}

/* ---------------------------------------------------------------------------------------- start */

static void *map(tern_handle memobj, uint64_t length, uint64_t flags)
{
	tern_result address = tern_region_map(TERN_SELF_PROCESS, memobj, 0, 0, length, flags);

	return address < 0 ? NULL : (void *)address;
}

/* A device is reset, and becomes the next unit if it is a disk. */
static int look_at(const struct driver_start *start, unsigned int number)
{
	void *registers = map(start->registers[number], TERN_PAGE_SIZE,
			      TERN_MAP_READ | TERN_MAP_WRITE);

	if (!registers)
		return -ENOMEM;
	if (disk_reset(&units[unit_count].disk, registers) == -ENODEV) {
		tern_region_unmap(TERN_SELF_PROCESS, (uint64_t)registers, TERN_PAGE_SIZE);
		return 0;
	}
	interrupts[unit_count] = start->interrupts[number];
	numbers[unit_count++] = number;
	return 0;
}

static int find_disks(const struct driver_start *start)
{
	int error = 0;

	for (unsigned int i = 0; i < DRIVER_DISKS && !error; i++)
		if (start->registers[i] > 0)
			error = look_at(start, i);
	return error;
}

static void start_disk(unsigned int number, char *dma, uint64_t physical)
{
	struct unit *unit = &units[number];
	uint64_t offset = number * DRIVER_DISK_BYTES;

	unit->pins = pins[number];
	if (unit->disk.is_dead)
		return;
	/* What the predecessor was told and did not acknowledge. */
	tern_interrupt_ack(interrupts[number]);
	/* Calls to a disk that does not start are answered -EIO. */
	if (disk_start(&unit->disk, dma + offset, physical + offset))
		unit->disk.is_dead = true;
}

static tern_handle make_timer(tern_handle listener, uint64_t userdata)
{
	return tern_timer_create(0, tern_port_create(0, listener, userdata, 0), 1);
}

static int start_clocks(tern_handle listener)
{
	timer = make_timer(listener, OWN_TIMER);
	retry_timer = make_timer(listener, OWN_RETRY);
	return timer < 0 || retry_timer < 0 ? -ENOMEM : 0;
}

/* A disk that did not reset may be at work still: then nothing is released. */
static bool all_are_quiet(void)
{
	bool are_quiet = true;

	for (unsigned int i = 0; i < unit_count; i++)
		are_quiet &= !units[i].disk.is_dead;
	return are_quiet;
}

static int start_all(const struct driver_start *start)
{
	tern_result physical = tern_memobj_physical_address(start->device, start->dma);
	char *dma = map(start->dma, DRIVER_DMA_BYTES, TERN_MAP_READ | TERN_MAP_WRITE);
	int error = find_disks(start);

	if (!error && (physical < 0 || !dma))
		error = -ENOMEM;
	if (error)
		return error;
	if (all_are_quiet())
		error = pins_release();
	tern_listener_takeover(start->listener);
	for (unsigned int i = 0; i < unit_count && !error; i++)
		start_disk(i, dma, (uint64_t)physical);
	return error ? error : start_clocks(start->listener);
}

int driver_run(const struct driver_start *start)
{
	int error;

	pins_init(start->device);
	memories_init(tern_time());
	requests_init();
	error = start_all(start);
	if (error)
		return error;
	tern_thread_accept_handles(1);
	return serve(start->listener);
}
