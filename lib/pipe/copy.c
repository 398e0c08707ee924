/*
 * How bytes get from one place to another. A caller's place is its registers (up to 40 bytes) or its
 * window. A reader with a window still gets a short answer in its registers, because that spares the
 * kernel's walk through its page tables.
 */
#include "copy.h"

static char *inline_of(struct tern_received *answer)
{
	return (char *)&answer->words[IO_INLINE_WORD];
}

/* Whether these bytes are all that the reader gets, and fit the registers. */
static bool goes_inline(const struct request *to, uint64_t offset, size_t length)
{
	return !to->has_window || (offset == 0 && length <= IO_INLINE_MAX);
}

/* Without a window offset + length is at most IO_INLINE_MAX: reads are clamped to it. */
static void put_inline(struct tern_received *answer, uint64_t offset, const void *from,
		       size_t length)
{
	answer->words[1] |= IO_INLINE;
	if (length == 1 && offset == 0)
		answer->words[IO_INLINE_WORD] = *(const unsigned char *)from;
	else
		__builtin_memcpy(inline_of(answer) + offset, from, length);
}

/* A reader that had got bytes in its registers gets more: they all go to its window. */
static int64_t spill(const struct request *to, uint64_t length, struct tern_received *answer)
{
	int64_t result;

	if (!(answer->words[1] & IO_INLINE) || !to->has_window)
		return (int64_t)length;
	result = env_window_write(to->reply, 0, inline_of(answer), length);
	if (result == (int64_t)length)
		answer->words[1] &= ~(uint64_t)IO_INLINE;
	return result;
}

/* The same for all kinds of bytes that follow others: 0, or the error that ends it here. */
static int64_t make_room(const struct request *to, uint64_t offset, struct tern_received *answer)
{
	int64_t result = offset ? spill(to, offset, answer) : 0;

	return result < 0 ? result : result == (int64_t)offset ? 0 : -EFAULT;
}

int64_t copy_to_ring(struct channel *channel, const struct request *from, uint64_t offset,
		     size_t length)
{
	size_t at = (channel->head + channel->used) % PIPE_CAPACITY;
	size_t first = length < PIPE_CAPACITY - at ? length : PIPE_CAPACITY - at;
	int64_t result, more;

	if (!from->has_window) {
		const char *data = from->data + offset;

		if (!env_guarded_copy(channel->memory + at, data, first) ||
		    !env_guarded_copy(channel->memory, data + first, length - first))
			return -EIO;
		return (int64_t)length;
	}
	result = env_window_read(from->reply, offset, channel->memory + at, first);
	if (result != (int64_t)first || first == length)
		return result;
	more = env_window_read(from->reply, offset + first, channel->memory, length - first);
	return more < 0 ? result : result + more;
}

static int64_t ring_to_registers(struct channel *channel, uint64_t offset, size_t length,
				 struct tern_received *answer)
{
	size_t first = PIPE_CAPACITY - channel->head;
	char bytes[IO_INLINE_MAX];

	first = length < first ? length : first;
	if (!env_guarded_copy(bytes, channel->memory + channel->head, first) ||
	    !env_guarded_copy(bytes + first, channel->memory, length - first))
		return -EIO;
	put_inline(answer, offset, bytes, length);
	return (int64_t)length;
}

int64_t copy_from_ring(struct channel *channel, const struct request *to, uint64_t offset,
		       size_t length, struct tern_received *answer)
{
	size_t first = PIPE_CAPACITY - channel->head;
	int64_t result, more;

	if (goes_inline(to, offset, length))
		return ring_to_registers(channel, offset, length, answer);
	result = make_room(to, offset, answer);
	if (result < 0)
		return result;
	first = length < first ? length : first;
	result = env_window_write(to->reply, offset, channel->memory + channel->head, first);
	if (result != (int64_t)first || first == length)
		return result;
	more = env_window_write(to->reply, offset + first, channel->memory, length - first);
	return more < 0 ? result : result + more;
}

int64_t copy_direct(const struct request *from, uint64_t from_offset, const struct request *to,
		    uint64_t to_offset, size_t length, struct tern_received *answer)
{
	char bytes[IO_INLINE_MAX];
	const char *data = from->has_window ? bytes : from->data + from_offset;
	int64_t result = (int64_t)length;

	if (goes_inline(to, to_offset, length)) {
		if (from->has_window)
			result = env_window_read(from->reply, from_offset, bytes, length);
		if (result > 0)
			put_inline(answer, to_offset, data, (size_t)result);
		return result;
	}
	result = make_room(to, to_offset, answer);
	if (result < 0)
		return result;
	if (from->has_window)
		return env_window_copy(from->reply, from_offset, to->reply, to_offset, length);
	return env_window_write(to->reply, to_offset, data, length);
}

int64_t ring_require(struct channel *channel, int64_t payer)
{
	int64_t result;

	if (channel->is_broken)
		return -EIO;
	if (channel->memory)
		return 0;
	result = env_ring_create(payer, PIPE_CAPACITY, &channel->memory);
	if (result < 0) {
		channel->memory = NULL;
		return result;
	}
	channel->memobj = result;
	channel->head = 0;
	return 0;
}
