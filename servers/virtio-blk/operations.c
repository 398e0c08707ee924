/*
 * Operations, see operations.h. One place checks what all of them have in common: `run` knows from the
 * table which words an operation has, so none of them can forget a check.
 */
#include "operations.h"

#include <errno.h>

#define HAS_MEMORY 1 /* cookie, offset, length and position */
#define HAS_RANGE 2  /* length and position */
#define CHANGES 4    /* not on a read-only disk */
#define IN_PAGES 8   /* offset and length are whole pages, of which the last may be cut off */

struct call {
	struct unit *unit;
	struct memory *memory;
	const struct block_request *request;
	struct tern_received *message;
	uint64_t now;
};

typedef int operation(struct call *call);

static int block_info(struct call *call)
{
	const struct disk *disk = &call->unit->disk;
	struct block_info *info = (struct block_info *)call->message->words;

	*info = (struct block_info){
		.size = disk->sectors * DISK_SECTOR,
		.block_size = disk->block_size,
		.flags = (disk->is_read_only ? BLOCK_IS_READ_ONLY : 0) |
			 (disk->can_flush ? BLOCK_CAN_FLUSH : 0) |
			 (disk->discard_sectors ? BLOCK_CAN_DISCARD : 0) |
			 (disk->zeroes_sectors ? BLOCK_CAN_WRITE_ZEROES : 0),
		.operations = disk->operations,
		.in_flight_sum = disk->in_flight_sum,
		.in_flight_most = disk->in_flight_most,
	};
	return 0;
}

static int block_open(struct call *call)
{
	memory_detach_all(call->message->userdata);
	return block_info(call);
}

static int block_attach(struct call *call)
{
	struct tern_received *message = call->message;

	if (message->handle_count != 1)
		return -EINVAL;
	message->words[1] = memory_attach(message->userdata, message->handles[0]);
	if (!message->words[1])
		return -ENOSPC;
	message->handle_count = 0; /* it is the memory's now */
	return 0;
}

static int block_detach(struct call *call)
{
	struct memory *memory = memory_find(call->message->userdata, call->request->cookie);

	if (!memory)
		return -ENOENT;
	memory_detach(memory);
	return 0;
}

static int start(struct call *call)
{
	return request_start(call->unit, call->memory, call->request, call->now);
}

static int block_fill(struct call *call)
{
	return start(call);
}

static int block_read(struct call *call)
{
	return start(call);
}

static int block_write(struct call *call)
{
	return start(call);
}

static int block_flush(struct call *call)
{
	static const struct block_request nothing_more = { .op = BLOCK_FLUSH };

	call->request = &nothing_more; /* whatever the other words were */
	/* Without the feature the device writes through. */
	return call->unit->disk.can_flush ? start(call) : 0;
}

static int block_discard(struct call *call)
{
	return call->unit->disk.discard_sectors ? start(call) : -EOPNOTSUPP;
}

static int block_write_zeroes(struct call *call)
{
	if (call->request->flags & ~(uint64_t)BLOCK_MAY_UNMAP)
		return -EINVAL;
	return call->unit->disk.zeroes_sectors ? start(call) : -EOPNOTSUPP;
}

static const uint8_t needs[BLOCK_OP_COUNT] = {
	[BLOCK_FILL] = HAS_MEMORY | HAS_RANGE | IN_PAGES, [BLOCK_READ] = HAS_MEMORY | HAS_RANGE,
	[BLOCK_WRITE] = HAS_MEMORY | HAS_RANGE | CHANGES, [BLOCK_DISCARD] = HAS_RANGE | CHANGES,
	[BLOCK_WRITE_ZEROES] = HAS_RANGE | CHANGES,
};

static operation *const operations[BLOCK_OP_COUNT] = {
#define OPERATION(number, constant, name) [number] = block_##name,
	BLOCK_OPS(OPERATION)
#undef OPERATION
};

/* -------------------------------------------------------------------------------------- checks */

/* Lengths come from a client: nothing here may wrap. */
static int check_range(const struct disk *disk, const struct block_request *request, bool in_pages)
{
	uint64_t size = disk->sectors * DISK_SECTOR, left = size - request->position;
	uint64_t unit = in_pages ? DISK_PAGE : disk->block_size;

	if (!request->length || request->length % unit || request->position % disk->block_size)
		return -EINVAL;
	if (request->position >= size)
		return -ERANGE;
	if (request->length > left && (!in_pages || request->length - left >= DISK_PAGE))
		return -ERANGE;
	return 0;
}

static int check_memory(struct call *call, bool in_pages)
{
	const struct block_request *request = call->request;

	if (request->offset % (in_pages ? DISK_PAGE : call->unit->disk.block_size))
		return -EINVAL;
	if (request->offset > TERN_USER_TOP || request->length > TERN_USER_TOP)
		return -ERANGE;
	call->memory = memory_find(call->message->userdata, request->cookie);
	return call->memory ? 0 : -ENOENT;
}

static int check(struct call *call, unsigned int need)
{
	const struct disk *disk = &call->unit->disk;
	int error = 0;

	if (disk->is_dead)
		return -EIO;
	if (need & CHANGES && disk->is_read_only)
		return -EROFS;
	if (need & HAS_RANGE)
		error = check_range(disk, call->request, need & IN_PAGES);
	if (!error && need & HAS_MEMORY)
		error = check_memory(call, need & IN_PAGES);
	return error;
}

void operation_run(struct unit *unit, struct tern_received *message, uint64_t now)
{
	const struct block_request request = *(const struct block_request *)message->words;
	struct call call = { .unit = unit, .request = &request, .message = message, .now = now };
	int result;

	if (request.op >= BLOCK_OP_COUNT) {
		result = -ENOSYS;
	} else {
		result = unit ? check(&call, needs[request.op]) : -ENODEV;
		if (!result)
			result = operations[request.op](&call);
	}
	message->words[0] = (uint64_t)(int64_t)result;
	for (uint64_t i = 0; i < message->handle_count; i++)
		memory_close(message->handles[i]);
}
