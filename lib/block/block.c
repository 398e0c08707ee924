/*
 * Calls to a block device, repeated when the driver has died in between; see block.h.
 *
 *   thread A            driver              thread B
 *   FILL(cookie 7) ---> (dies)
 *   <--- -EPIPE         new instance   <--- FILL(cookie 7)
 *   FILL(cookie 7) ---> -ENOENT ---------->
 *   lock, cookie still 7: ATTACH -> 9       lock (waits), cookie is 9 already
 *   FILL(cookie 9)                          FILL(cookie 9)
 *
 * An instance never gives out a cookie that another one has given out, so a dead one cannot name
 * something else.
 */
#include "block.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "tern/event.h"
#include "tern/thread.h"

#define DEATHS_MAX 64        /* in one call: then there is no driver */
#define BUSY_PAUSE_NS 200000 /* the driver has too many requests */

static void pause_a_moment(void)
{
	volatile uint32_t word = 0;

	tern_futex_wait(&word, 0, tern_time() + BUSY_PAUSE_NS);
}

/* The call's words, and after it the answer's. */
union message {
	struct tern_received received;
	struct block_request request;
	struct block_answer answer;
	struct block_info info;
};

/* Until somebody answers it: the request's result. */
static int call(tern_handle port, const struct block_request *request,
		const struct tern_extended *extended, union message *message)
{
	tern_result result = -EPIPE;

	for (int deaths = 0; deaths < DEATHS_MAX && result < 0; deaths++) {
		message->request = *request;
		result = extended ? tern_call_ext(port, &message->received, extended)
				  : tern_call(port, &message->received);
		if (result == -EAGAIN || (result >= 0 && message->answer.result == -EBUSY)) {
			pause_a_moment();
			deaths--;
			result = -EPIPE;
		} else if (result < 0 && result != -EPIPE) {
			break;
		}
	}
	return (int)(result < 0 ? result : message->answer.result);
}

static int ask_info(struct block_disk *disk, enum block_op op)
{
	union message message;
	int result = call(disk->port, &(struct block_request){ .op = op }, NULL, &message);

	if (!result)
		disk->info = message.info;
	return result;
}

int block_open(struct block_disk *disk, tern_handle port)
{
	*disk = (struct block_disk){ .port = port };
	return ask_info(disk, BLOCK_OPEN);
}

int block_update(struct block_disk *disk)
{
	return ask_info(disk, BLOCK_INFO);
}

/* ----------------------------------------------------------------------------------- attaching */

static void hold(struct block_memory *memory)
{
	while (atomic_exchange_explicit(&memory->is_held, 1, memory_order_acquire))
		tern_futex_wait((volatile uint32_t *)&memory->is_held, 1, TERN_DEADLINE_NONE);
}

static void let_go(struct block_memory *memory)
{
	atomic_store_explicit(&memory->is_held, 0, memory_order_release);
	tern_futex_wake((volatile uint32_t *)&memory->is_held, 1);
}

/* Attach it, unless another thread has done so since the cookie was `dead`. */
static int attach(struct block_memory *memory, uint64_t dead)
{
	const struct block_request request = { .op = BLOCK_ATTACH };
	const struct tern_extended extended = {
		.handle_count = 1,
		.handles[0] = { memory->memobj, TERN_RIGHTS_ALL, TERN_SEND_COPY },
	};
	union message message;
	int result = 0;

	hold(memory);
	if (memory->cookie == dead) {
		result = call(memory->disk->port, &request, &extended, &message);
		if (!result)
			memory->cookie = message.answer.cookie;
	}
	let_go(memory);
	return result;
}

int block_attach(struct block_disk *disk, struct block_memory *memory, tern_handle memobj)
{
	*memory = (struct block_memory){ .disk = disk, .memobj = memobj };
	return attach(memory, 0);
}

void block_detach(struct block_memory *memory)
{
	struct block_request request = { .op = BLOCK_DETACH, .cookie = memory->cookie };
	union message message;

	/* -ENOENT: the instance that knew it is dead. */
	call(memory->disk->port, &request, NULL, &message);
}

/* ------------------------------------------------------------------------------------ requests */

/* A call about a memobj; *is_repeated: an earlier attempt may have been carried out. */
static int call_about(struct block_memory *memory, struct block_request *request, bool *is_repeated)
{
	union message message;
	int result;

	*is_repeated = false;
	for (int deaths = 0; deaths < DEATHS_MAX; deaths++) {
		request->cookie = memory->cookie;
		result = call(memory->disk->port, request, NULL, &message);
		if (result != -ENOENT)
			return result;
		*is_repeated = true;
		result = attach(memory, request->cookie);
		if (result)
			return result;
	}
	return -EPIPE;
}

int block_fill(struct block_memory *memory, uint64_t id, uint64_t first, uint64_t count,
	       uint64_t position)
{
	struct block_request request = { .op = BLOCK_FILL,
					 .offset = first << TERN_PAGE_SHIFT,
					 .length = count << TERN_PAGE_SHIFT,
					 .position = position,
					 .id = id };
	bool is_repeated;
	int result = call_about(memory, &request, &is_repeated);

	return result == -ESRCH && is_repeated ? 0 : result;
}

static int transfer(struct block_memory *memory, enum block_op op, uint64_t offset, uint64_t length,
		    uint64_t position)
{
	struct block_request request = {
		.op = op, .offset = offset, .length = length, .position = position
	};
	bool is_repeated;

	return call_about(memory, &request, &is_repeated);
}

int block_read(struct block_memory *memory, uint64_t offset, uint64_t length, uint64_t position)
{
	return transfer(memory, BLOCK_READ, offset, length, position);
}

int block_write(struct block_memory *memory, uint64_t offset, uint64_t length, uint64_t position)
{
	return transfer(memory, BLOCK_WRITE, offset, length, position);
}

int block_flush(struct block_disk *disk)
{
	union message message;

	return call(disk->port, &(struct block_request){ .op = BLOCK_FLUSH }, NULL, &message);
}

int block_discard(struct block_disk *disk, uint64_t position, uint64_t length)
{
	const struct block_request request = { .op = BLOCK_DISCARD,
					       .length = length,
					       .position = position };
	union message message;

	return call(disk->port, &request, NULL, &message);
}

int block_write_zeroes(struct block_disk *disk, uint64_t position, uint64_t length, uint64_t flags)
{
	const struct block_request request = {
		.op = BLOCK_WRITE_ZEROES, .length = length, .position = position, .flags = flags
	};
	union message message;

	return call(disk->port, &request, NULL, &message);
}
