/*
 * poll and select. First everybody is asked without further ado, which does if something is ready; only
 * then watches are armed, in a second round, and the thread waits.
 */
#include "poll.h"

#include <poll.h>
#include <sys/select.h>

#include "emu_full.h"
#include "files_internal.h"
#include "path.h"
#include "stream.h"

#define MILLISECOND 1000000u
#define FEW 16 /* entries on the program's stack */
#define ASKABLE                                                                                    \
	(POLLIN | POLLPRI | POLLOUT | POLLRDNORM | POLLRDBAND | POLLWRNORM | POLLWRBAND | POLLRDHUP)

/* Linux's names for the same thing. */
static uint32_t asked(short events)
{
	uint32_t result = (uint32_t)events & (IO_IN | IO_PRIORITY | IO_OUT | IO_READ_HANGUP);

	result |= events & POLLRDNORM ? IO_IN : 0;
	return result | (events & POLLWRNORM ? IO_OUT : 0);
}

static short told(uint32_t holds, short events)
{
	uint32_t result = holds & (IO_ALWAYS | ((uint32_t)(uint16_t)events & ASKABLE));

	result |= holds & IO_IN ? (uint32_t)events & POLLRDNORM : 0;
	return (short)(result | (holds & IO_OUT ? (uint32_t)events & POLLWRNORM : 0));
}

/* One round. How many entries have something to tell. */
static uint32_t events_of(struct emu_description *description, short events,
			  struct emu_poller *poller)
{
	return poller ? emu_description_watch(description, asked(events), poller, false)
		      : emu_description_events(description, asked(events));
}

static int look(struct pollfd *entries, uint64_t count, struct emu_poller *poller)
{
	int ready = 0;

	for (uint64_t i = 0; i < count; i++) {
		struct pollfd *entry = &entries[i];
		struct emu_description *description;
		uint32_t holds;

		entry->revents = 0;
		if (entry->fd < 0)
			continue;
		description = emu_descriptor(entry->fd);
		if (!description || description->kind == EMU_PATH) {
			entry->revents = POLLNVAL;
			ready++;
			continue;
		}
		holds = events_of(description, entry->events, ready ? NULL : poller);
		if (!holds)
			continue;
		entry->revents = told(holds, entry->events);
		ready += entry->revents != 0;
	}
	return ready;
}

static long wait_for(struct pollfd *entries, uint64_t count, uint64_t deadline)
{
	struct emu_poller *poller = emu_poller_take();
	long result = 0, ready;

	if (!poller)
		return -ENOMEM;
	for (;;) {
		ready = look(entries, count, poller);
		if (ready || result == -ETIMEDOUT)
			break;
		result = emu_poller_wait(poller, deadline);
		if (result < 0 && result != -ETIMEDOUT)
			break;
	}
	emu_poller_give(poller);
	return ready ? ready : result == -ETIMEDOUT ? 0 : result;
}

/* `entries` is emu's own. */
static long poll_entries(struct pollfd *entries, uint64_t count, uint64_t deadline)
{
	long ready = look(entries, count, NULL);

	if (ready || (deadline != TERN_DEADLINE_NONE && deadline <= tern_time()))
		return ready;
	return wait_for(entries, count, deadline);
}

/* As poll of one descriptor: 0: something holds, -EAGAIN: it is too late, -EINTR. */
static long wait_for_one(struct emu_description *description, uint32_t events, uint64_t deadline)
{
	struct emu_poller *poller = emu_poller_take();
	long result = 0;

	if (!poller)
		return -ENOMEM;
	while (!emu_description_watch(description, events, poller, false) && !result)
		result = emu_poller_wait(poller, deadline);
	emu_poller_give(poller);
	return result == -ETIMEDOUT ? -EAGAIN : result;
}

long emu_socket_wait(struct emu_description *socket, uint32_t events, uint64_t *deadline)
{
	uint64_t time = events & IO_OUT ? socket->send_time : socket->receive_time;
	struct io_attributes attributes;
	long result;

	if (!*deadline) {
		*deadline = emu_deadline(time * MILLISECOND);
		if (io_attributes(socket->io, &attributes) < 0 || attributes.flags & IO_NONBLOCK)
			return -EAGAIN;
	} else if (tern_time() >= *deadline) {
		return -EAGAIN;
	} else if (events & IO_OUT) {
		/* There may be room, but not for all of a message. */
		result = emu_sleep_until(emu_deadline(MILLISECOND));
		if (result)
			return result;
	}
	return wait_for_one(socket, events, *deadline);
}

static long copy_results(struct pollfd *user, const struct pollfd *entries, uint64_t count)
{
	long result = 0;

	for (uint64_t i = 0; i < count && !result; i++)
		result = emu_copy_out(&user[i].revents, &entries[i].revents,
				      sizeof(entries[i].revents));
	return result;
}

static long poll_user(struct pollfd *user, uint64_t count, uint64_t deadline)
{
	struct pollfd few[FEW], *entries = few;
	uint64_t length = count * sizeof(*entries);
	long result, error;

	if (count > FEW)
		entries = length <= EMU_BUFFER_SIZE ? (struct pollfd *)emu_buffer_take()
						    : emu_pages(length);
	if (!entries)
		return -ENOMEM;
	result = emu_copy_in(entries, user, length);
	if (!result) {
		result = poll_entries(entries, count, deadline);
		error = result < 0 ? 0 : copy_results(user, entries, count);
		result = error ? error : result;
	}
	if (length > EMU_BUFFER_SIZE)
		emu_pages_free(entries, length);
	else if (count > FEW)
		emu_buffer_give((char *)entries);
	return result;
}

struct masked_poll {
	struct pollfd *user;
	uint64_t count, deadline;
};

static long poll_masked(void *argument)
{
	const struct masked_poll *poll = argument;

	return poll_user(poll->user, poll->count, poll->deadline);
}

long emu_ppoll(struct pollfd *user, uint64_t count, const struct timespec *timeout,
	       const uint64_t *mask, uint64_t mask_size)
{
	struct masked_poll poll = { user, count, 0 };
	long result = emu_get_deadline(timeout, emu_deadline, &poll.deadline);

	if (result)
		return result;
	if (count > emu_descriptor_limit)
		return -EINVAL;
	return emu_with_mask(mask, mask_size, poll_masked, &poll);
}

/* ------------------------------------------------------------------------------------- select */

#define WORD_BITS 64
#define WORDS(count) (((count) + WORD_BITS - 1) / WORD_BITS)

struct sets {
	uint64_t *words[3]; /* in emu's memory; to be read, written, and what is exceptional */
	uint64_t *users[3];
	int count;
};

static const short set_events[3] = { POLLIN, POLLOUT, POLLPRI };

static bool has(const uint64_t *words, int number)
{
	return words[number / WORD_BITS] >> (number % WORD_BITS) & 1;
}

/* The sets as entries of poll; how many, or -EBADF. */
static long to_entries(const struct sets *sets, struct pollfd *entries)
{
	long count = 0;

	for (int number = 0; number < sets->count; number++) {
		short events = 0;

		for (int i = 0; i < 3; i++)
			if (sets->users[i] && has(sets->words[i], number))
				events |= set_events[i];
		if (!events)
			continue;
		if (!emu_descriptor(number))
			return -EBADF;
		entries[count++] = (struct pollfd){ .fd = number, .events = events };
	}
	return count;
}

static long from_entries(struct sets *sets, const struct pollfd *entries, long count)
{
	static const short holds[3] = { POLLIN | POLLHUP | POLLERR, POLLOUT | POLLERR, POLLPRI };
	size_t length = WORDS((size_t)sets->count) * sizeof(uint64_t);
	long total = 0, result = 0;

	for (int i = 0; i < 3 && !result; i++) {
		if (!sets->users[i])
			continue;
		__builtin_memset(sets->words[i], 0, length);
		for (long e = 0; e < count; e++) {
			if (!(entries[e].events & set_events[i]) ||
			    !(entries[e].revents & holds[i]))
				continue;
			sets->words[i][entries[e].fd / WORD_BITS] |= 1ul
								     << entries[e].fd % WORD_BITS;
			total++;
		}
		result = emu_copy_out(sets->users[i], sets->words[i], length);
	}
	return result ? result : total;
}

static long select_in(struct sets *sets, char *buffer, uint64_t deadline)
{
	size_t length = WORDS((size_t)sets->count) * sizeof(uint64_t);
	struct pollfd *entries = (struct pollfd *)(buffer + 3 * length);
	long count, result;

	for (int i = 0; i < 3; i++) {
		sets->words[i] = (uint64_t *)(buffer + (size_t)i * length);
		if (sets->users[i] && emu_copy_in(sets->words[i], sets->users[i], length))
			return -EFAULT;
	}
	count = to_entries(sets, entries);
	if (count < 0)
		return count;
	result = poll_entries(entries, (uint64_t)count, deadline);
	return result < 0 ? result : from_entries(sets, entries, count);
}

struct masked_select {
	struct sets sets;
	uint64_t deadline;
};

static long select_masked(void *argument)
{
	struct masked_select *select = argument;
	size_t size = EMU_DESCRIPTORS_MAX * sizeof(struct pollfd) + EMU_DESCRIPTORS_MAX;
	bool is_small = select->sets.count <= FD_SETSIZE;
	char *buffer = is_small ? emu_buffer_take() : emu_pages(size);
	long result;

	if (!buffer)
		return -ENOMEM;
	result = select_in(&select->sets, buffer, select->deadline);
	if (is_small)
		emu_buffer_give(buffer);
	else
		emu_pages_free(buffer, size);
	return result;
}

/* What is left of the time, as Linux tells it. */
static void tell_left(struct timespec *user, uint64_t deadline)
{
	uint64_t now = tern_time(), left = deadline > now ? deadline - now : 0;
	struct timespec time = { (time_t)(left / 1000000000), (long)(left % 1000000000) };

	emu_copy_out(user, &time, sizeof(time));
}

long emu_pselect(int count, uint64_t *reads, uint64_t *writes, uint64_t *exceptions,
		 struct timespec *timeout, const uint64_t *user_mask)
{
	struct masked_select select = {
		.sets = { .users = { reads, writes, exceptions }, .count = count },
	};
	uint64_t mask[2] = { 0, 0 }; /* the address of the mask, and its size */
	long result = emu_get_deadline(timeout, emu_deadline, &select.deadline);

	if (!result && user_mask)
		result = emu_copy_in(mask, user_mask, sizeof(mask));
	if (result)
		return result;
	if (count < 0)
		return -EINVAL;
	if (count > EMU_DESCRIPTORS_MAX)
		select.sets.count = EMU_DESCRIPTORS_MAX;
	result = emu_with_mask((const uint64_t *)mask[0], mask[1], select_masked, &select);
	if (timeout)
		tell_left(timeout, select.deadline);
	return result;
}
