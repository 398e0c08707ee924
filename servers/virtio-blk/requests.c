/* Clients' requests, in pieces; see requests.h. */
#include "requests.h"

#include <errno.h>
#include <stddef.h>

#define STARVED_MAX 2000 /* times that memory may be too short for one request: some seconds */
#define ATTEMPTS_MAX 3   /* of one piece, when the device had to be reset in between */

static struct request requests[REQUESTS_MAX];
static struct request *free_requests;
static unsigned int request_count;

void requests_init(void)
{
	free_requests = NULL;
	request_count = 0;
	for (unsigned int i = 0; i < REQUESTS_MAX; i++) {
		requests[i].next = free_requests;
		free_requests = &requests[i];
	}
}

unsigned int requests_count(void)
{
	return request_count;
}

static bool is_usable(const struct unit *unit)
{
	return !unit->disk.is_dead && !unit->disk.queue.is_broken;
}

static void request_end(struct request *request, int result)
{
	client_answer(request->reply, result);
	if (request->memory)
		memory_unuse(request->memory);
	request->next = free_requests;
	free_requests = request;
	request_count--;
}

/* ------------------------------------------------------------------------------------ segments */

/*
 * The piece's first `left` bytes as the device is to see them: pages that happen to follow each other make one
 * segment. Pages of a FILL that nobody wants any more go to the sink; the part of its last page that
 * lies behind the disk's end goes nowhere.
 */
static unsigned int describe_pages(const struct unit *unit, const struct request *request,
				   const struct pins *pins, uint64_t left,
				   struct virtio_segment *segments)
{
	uint64_t at = request->offset % DISK_PAGE;
	unsigned int used = 0;

	for (unsigned int page = 0; left; page++) {
		uint64_t step = DISK_PAGE - at < left ? DISK_PAGE - at : left;
		uint64_t address = (pins->addresses[page] ? pins->addresses[page]
							  : disk_sink(&unit->disk)) +
				   at;
		struct virtio_segment *last = used ? &segments[used - 1] : NULL;

		if (last && last->address + last->length == address &&
		    last->length + step <= unit->disk.segment_size)
			last->length += (uint32_t)step;
		else
			segments[used++] = (struct virtio_segment){ address, (uint32_t)step };
		left -= step;
		at = 0;
	}
	return used;
}

/* The end of the disk, for reading pages from `position` on. */
static uint64_t clip(const struct unit *unit, uint64_t position, uint64_t length)
{
	uint64_t left = unit->disk.sectors * DISK_SECTOR - position;

	return length < left ? length : left;
}

static uint64_t piece_pages(const struct request *request)
{
	return (request->offset % DISK_PAGE + request->piece + DISK_PAGE - 1) / DISK_PAGE;
}

/* How much of the request one operation can do. */
static uint64_t piece_length(const struct unit *unit, const struct request *request)
{
	uint64_t room = (uint64_t)unit->disk.segments_max * DISK_PAGE - request->offset % DISK_PAGE;

	if (request->op == BLOCK_DISCARD)
		room = (uint64_t)unit->disk.discard_sectors * DISK_SECTOR;
	if (request->op == BLOCK_WRITE_ZEROES)
		room = (uint64_t)unit->disk.zeroes_sectors * DISK_SECTOR;
	return request->length < room ? request->length : room;
}

/* --------------------------------------------------------------------------------------- pages */

/* The piece's pages get frames that stay. -ESRCH: nobody wants them any more. */
static int hold_pages(struct request *request, struct pins *pins)
{
	uint64_t first = request->offset / DISK_PAGE, pages = piece_pages(request);
	int held;

	if (!request->memory)
		return 0;
	if (request->op != BLOCK_FILL)
		return pins_take(pins, request->memory->memobj, first, pages);
	held = pins_prepare(pins, request->memory->memobj, request->id, first, pages);
	if (held < 0)
		return held;
	request->is_done = true;
	request->is_short = (uint64_t)held < pages;
	return 0;
}

/* The device is done with them. */
static void release_pages(const struct request *request, struct pins *pins, int result)
{
	uint64_t first = request->offset / DISK_PAGE, pages = piece_pages(request);

	if (!request->memory)
		return;
	if (request->op == BLOCK_FILL)
		pins_commit(pins, request->memory->memobj, first, pages, result ? EIO : 0);
	else
		pins_drop(pins, pages);
}

/* A FILL that ends early has an answer for all of its pages. */
static void fail_rest(const struct request *request, int error)
{
	if (request->op == BLOCK_FILL && request->length)
		pins_fail(request->memory->memobj, request->id, request->offset / DISK_PAGE,
			  request->length / DISK_PAGE, error == -ENOMEM ? ENOMEM : EIO);
}

/* -------------------------------------------------------------------------------------- pieces */

static int submit_transfer(struct unit *unit, const struct request *request,
			   struct virtio_request *slot)
{
	struct virtio_segment segments[DISK_SEGMENTS];
	uint64_t length = request->op == BLOCK_FILL ? clip(unit, request->position, request->piece)
						    : request->piece;
	unsigned int used = describe_pages(unit, request, &unit->pins[slot->number], length,
					   segments);

	return disk_submit(&unit->disk, slot, request->op == BLOCK_WRITE ? DISK_WRITE : DISK_READ,
			   request->position / DISK_SECTOR, segments, used);
}

/* Offer the piece, whose pages are held, to the device. */
static int submit(struct unit *unit, struct request *request, struct virtio_request *slot)
{
	struct disk *disk = &unit->disk;
	uint64_t sector = request->position / DISK_SECTOR;
	uint32_t sectors = (uint32_t)(request->piece / DISK_SECTOR);

	switch (request->op) {
	case BLOCK_FLUSH:
		return disk_submit(disk, slot, DISK_FLUSH, 0, NULL, 0);
	case BLOCK_DISCARD:
		return disk_submit_range(disk, slot, DISK_DISCARD, sector, sectors, false);
	case BLOCK_WRITE_ZEROES:
		return disk_submit_range(disk, slot, DISK_WRITE_ZEROES, sector, sectors,
					 request->flags & BLOCK_MAY_UNMAP);
	default:
		return submit_transfer(unit, request, slot);
	}
}

static void advance(struct request *request)
{
	request->offset += request->piece;
	request->position += request->piece;
	request->length -= request->piece;
	request->piece = 0;
}

static int start_piece(struct unit *unit, struct request *request, struct virtio_request *slot)
{
	struct pins *pins = &unit->pins[slot->number];
	int result;

	request->piece = piece_length(unit, request);
	if (!request->piece && request->op != BLOCK_FLUSH)
		return -EOPNOTSUPP; /* since a restart */
	result = hold_pages(request, pins);
	if (result)
		return result;
	result = submit(unit, request, slot);
	if (result)
		release_pages(request, pins, result);
	return result;
}

/*
 * There is no memory for a FILL: it is put aside, so that others go on, for instance those that write
 * pages back and so free some. False: it has been tried for too long.
 */
static bool put_aside(struct unit *unit, struct request *request)
{
	if (++request->starved > STARVED_MAX)
		return false;
	request->next = unit->starved;
	unit->starved = request;
	return true;
}

/*
 * The request goes on with its next piece, in a slot that is its own. True: it is in flight; false: it
 * has been answered or put aside, and the slot is free.
 */
static bool go_on(struct unit *unit, struct request *request, struct virtio_request *slot,
		  uint64_t now)
{
	int result;

	do {
		result = start_piece(unit, request, slot);
		if (!result) {
			request->started = now;
			request->attempts = 0;
			unit->active[slot->number] = request;
			return true;
		}
		if (result == -ESRCH)
			advance(request);
	} while (result == -ESRCH && request->length);
	disk_slot_put(&unit->disk, slot);
	if (result == -ENOMEM && put_aside(unit, request))
		return false;
	if (result != -ESRCH)
		fail_rest(request, result);
	request_end(request, result == -ESRCH && request->is_done ? 0 : result);
	return false;
}

/* The device is done with the request's piece. */
static void end_piece(struct unit *unit, struct virtio_request *slot, int result, uint64_t now)
{
	struct request *request = unit->active[slot->number];

	unit->active[slot->number] = NULL;
	release_pages(request, &unit->pins[slot->number], result);
	/* Pages that got no frame are still asked for, or not any more: the next attempt knows. */
	if (result || !request->is_short)
		advance(request);
	request->is_short = false;
	if (!result && request->length) {
		go_on(unit, request, slot, now);
		return;
	}
	fail_rest(request, result);
	request_end(request, result);
	disk_slot_put(&unit->disk, slot);
}

/* Those who wait get what slots there are. */
static void start_waiting(struct unit *unit, uint64_t now)
{
	struct virtio_request *slot;

	while (is_usable(unit) && unit->first && (slot = disk_slot_get(&unit->disk))) {
		struct request *request = unit->first;

		unit->first = request->next;
		go_on(unit, request, slot, now);
	}
	disk_kick(&unit->disk);
}

/* ------------------------------------------------------------------------------------ requests */

void requests_retry(struct unit *unit, uint64_t now)
{
	while (unit->starved) {
		struct request *request = unit->starved;

		unit->starved = request->next;
		if (!unit->first)
			unit->last = request;
		request->next = unit->first;
		unit->first = request;
	}
	start_waiting(unit, now);
}

int request_start(struct unit *unit, struct memory *memory, const struct block_request *words,
		  uint64_t now)
{
	struct request *request = free_requests;
	tern_handle reply;

	if (!is_usable(unit))
		return -EIO;
	if (!request)
		return -EBUSY;
	reply = client_park();
	if (reply < 0)
		return (int)reply;
	free_requests = request->next;
	request_count++;
	*request = (struct request){ .memory = memory,
				     .reply = reply,
				     .op = (uint32_t)words->op,
				     .id = words->id,
				     .flags = words->flags,
				     .offset = words->offset,
				     .length = words->length,
				     .position = words->position };
	if (memory)
		memory_use(memory);
	if (unit->first)
		unit->last->next = request;
	else
		unit->first = request;
	unit->last = request;
	start_waiting(unit, now);
	return 0;
}

void requests_finish(struct unit *unit, uint64_t now)
{
	struct virtio_request *slot;
	int result;

	do {
		while ((slot = disk_take(&unit->disk, &result)))
			end_piece(unit, slot, result, now);
		start_waiting(unit, now);
	} while (disk_wait(&unit->disk));
}

/* ------------------------------------------------------------------------------------ recovery */

/* Nothing will come back from the device. */
static void give_up(struct unit *unit, struct virtio_request *slot)
{
	struct request *request = unit->active[slot->number];

	if (request->memory)
		pins_abandon(&unit->pins[slot->number], request->memory->memobj,
			     request->offset / DISK_PAGE, piece_pages(request));
	unit->active[slot->number] = NULL;
	advance(request);
	fail_rest(request, -EIO);
	request_end(request, -EIO);
}

/* A piece that was in flight when the device was reset. */
static void try_again(struct unit *unit, struct virtio_request *slot, uint64_t now)
{
	struct request *request = unit->active[slot->number];

	if (++request->attempts < ATTEMPTS_MAX && submit(unit, request, slot) == 0)
		request->started = now;
	else
		end_piece(unit, slot, -EIO, now);
}

static void fail_list(struct request **list)
{
	while (*list) {
		struct request *request = *list;

		*list = request->next;
		fail_rest(request, -EIO);
		request_end(request, -EIO);
	}
}

static void fail_all(struct unit *unit)
{
	fail_list(&unit->first);
	fail_list(&unit->starved);
}

static void restart(struct unit *unit, uint64_t now)
{
	struct virtio_request *lost, *slot;

	disk_restart(&unit->disk, &lost);
	while ((slot = lost)) {
		lost = slot->next;
		if (unit->disk.is_dead)
			give_up(unit, slot);
		else
			try_again(unit, slot, now);
	}
	if (!is_usable(unit))
		fail_all(unit);
	else
		requests_finish(unit, now);
}

static bool is_overdue(const struct unit *unit, uint64_t now, uint64_t patience)
{
	for (unsigned int i = 0; i < DISK_SLOTS; i++)
		if (unit->active[i] && now - unit->active[i]->started > patience)
			return true;
	return false;
}

bool requests_check(struct unit *unit, uint64_t now, uint64_t patience)
{
	if (unit->disk.is_dead ||
	    (!disk_is_broken(&unit->disk) && !is_overdue(unit, now, patience)))
		return false;
	restart(unit, now);
	return true;
}
