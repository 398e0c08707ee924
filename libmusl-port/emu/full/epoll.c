/*
 * epoll: a list of descriptions, each looked at by epoll_wait as poll does it. Linux keeps a list of what
 * is ready; here the servers know that, and are asked.
 *
 * An edge-triggered item is told again only when there is news: an event that was not there, another
 * count of bytes to read, or this process has read or written since (`activity`), so that what
 * comes now is new. That may tell a thing once too often, never too seldom.
 *
 * After a fork the child has a list of its own.
 */
#include "poll.h"

#include <fcntl.h>
#include <sys/epoll.h>

#include "emu_full.h"
#include "files_internal.h"
#include "path.h"
#include "stream.h"

#define WATCHED (IO_IN | IO_PRIORITY | IO_OUT | IO_READ_HANGUP)
#define NESTING_MAX 5

struct item {
	struct emu_description *description; /* not counted: an item ends with its description */
	int number;
	bool is_disabled; /* EPOLLONESHOT, and it has been told */
	uint32_t events;
	uint64_t data;
	uint32_t told; /* edge-triggered: events that were told ... */
	uint32_t activity;
	uint64_t readable; /* ... and how things were then */
};

struct emu_epoll {
	struct emu_lock lock; /* protects what follows */
	struct item *items;
	uint32_t count, capacity;
	uint32_t next; /* whom a wait looks at first: all have their turn if it has room for few */
	struct emu_description *description;
	struct emu_epoll *later; /* of all; protected by emu_epolls_lock alone */
};

/*
 * Held in addition while any list changes, so that who holds it may read them all: fork, for which a list in
 * the middle of a change is of no use, and who looks for circles. Nobody waits with it.
 */
struct emu_lock emu_epolls_lock;
static struct emu_epoll *epolls; /* those that are open */

/* ---------------------------------------------------------------------------------- the list */

long emu_epoll_create(int flags)
{
	struct emu_description *description;
	struct emu_epoll *epoll;

	if (flags & ~EPOLL_CLOEXEC)
		return -EINVAL;
	epoll = emu_pages(sizeof(*epoll));
	if (!epoll)
		return -ENOMEM;
	description = emu_description_new(EMU_EPOLL, O_RDWR);
	if (!description) {
		emu_pages_free(epoll, sizeof(*epoll));
		return -ENFILE;
	}
	description->epoll = epoll;
	epoll->description = description;
	emu_lock(&emu_epolls_lock);
	epoll->later = epolls;
	epolls = epoll;
	emu_unlock(&emu_epolls_lock);
	return emu_descriptor_install(description, 0, flags & EPOLL_CLOEXEC ? FD_CLOEXEC : 0);
}

static void free_items(struct emu_epoll *epoll)
{
	if (epoll->items)
		emu_pages_free(epoll->items, epoll->capacity * sizeof(struct item));
}

void emu_epoll_end(struct emu_description *description)
{
	struct emu_epoll *epoll = description->epoll, **at = &epolls;

	emu_lock(&emu_epolls_lock);
	while (*at != epoll)
		at = &(*at)->later;
	*at = epoll->later;
	emu_unlock(&emu_epolls_lock);
	free_items(epoll);
	emu_pages_free(epoll, sizeof(*epoll));
}

void emu_epoll_reset(struct emu_description *description)
{
	description->epoll->lock = (struct emu_lock){ 0 };
}

static bool make_room_locked(struct emu_epoll *epoll)
{
	uint32_t capacity = epoll->capacity ? epoll->capacity * 2
					    : TERN_PAGE_SIZE / sizeof(struct item);
	struct item *items;

	if (epoll->count < epoll->capacity)
		return true;
	items = emu_pages(capacity * sizeof(*items));
	if (!items)
		return false;
	__builtin_memcpy(items, epoll->items, epoll->count * sizeof(*items));
	free_items(epoll);
	epoll->items = items;
	epoll->capacity = capacity;
	return true;
}

static struct item *find_locked(struct emu_epoll *epoll, const struct emu_description *description,
				int number)
{
	for (uint32_t i = 0; i < epoll->count; i++)
		if (epoll->items[i].description == description && epoll->items[i].number == number)
			return &epoll->items[i];
	return NULL;
}

static void remove_all(struct emu_epoll *epoll, const struct emu_description *description)
{
	emu_lock(&epoll->lock);
	emu_lock(&emu_epolls_lock);
	for (uint32_t i = 0; i < epoll->count;)
		if (epoll->items[i].description == description)
			epoll->items[i] = epoll->items[--epoll->count];
		else
			i++;
	emu_unlock(&emu_epolls_lock);
	emu_unlock(&epoll->lock);
}

static const struct emu_description *leaving;

static void forget_in(struct emu_description *description)
{
	if (description->kind == EMU_EPOLL)
		remove_all(description->epoll, leaving);
}

void emu_epoll_forget(struct emu_description *description)
{
	if (!description->is_in_epoll)
		return;
	emu_lock(&emu_descriptors_lock);
	leaving = description;
	emu_descriptions_each(forget_in);
	emu_unlock(&emu_descriptors_lock);
}

static int larger(int a, int b)
{
	return a > b ? a : b;
}

/* How many instances lie in each other below this one; with `searched` among them: too many. Locked. */
static int depth_below(const struct emu_epoll *epoll, const struct emu_description *searched,
		       int left)
{
	int result = 0;

	for (uint32_t i = 0; i < epoll->count && left >= 0; i++) {
		const struct emu_description *description = epoll->items[i].description;

		if (description->kind != EMU_EPOLL)
			continue;
		if (description == searched)
			return NESTING_MAX + 1;
		result = larger(result, 1 + depth_below(description->epoll, searched, left - 1));
	}
	return result;
}

static bool holds(const struct emu_epoll *epoll, const struct emu_description *description)
{
	for (uint32_t i = 0; i < epoll->count; i++)
		if (epoll->items[i].description == description)
			return true;
	return false;
}

static int depth_above(const struct emu_description *description, int left)
{
	int result = 0;

	for (const struct emu_epoll *at = epolls; at && left >= 0; at = at->later)
		if (holds(at, description))
			result = larger(result, 1 + depth_above(at->description, left - 1));
	return result;
}

/* One instance in another: not in a circle, and not too deep, since who looks goes all the way. Locked. */
static bool may_nest(const struct emu_description *outer, const struct emu_description *inner)
{
	int below = depth_below(inner->epoll, outer, NESTING_MAX);

	return below <= NESTING_MAX && below + depth_above(outer, NESTING_MAX) <= NESTING_MAX;
}

static long add_locked(struct emu_epoll *epoll, struct emu_description *description, int number,
		       const struct epoll_event *event)
{
	if (!make_room_locked(epoll))
		return -ENOMEM;
	epoll->items[epoll->count++] = (struct item){ .description = description,
						      .number = number,
						      .events = event->events,
						      .data = event->data.u64 };
	description->is_in_epoll = true;
	return 0;
}

static long control_locked(struct emu_epoll *epoll, int operation,
			   struct emu_description *description, int number,
			   const struct epoll_event *event)
{
	struct item *item = find_locked(epoll, description, number);

	if (operation == EPOLL_CTL_ADD && description->kind == EMU_EPOLL &&
	    !may_nest(epoll->description, description))
		return -ELOOP;
	if (operation == EPOLL_CTL_ADD)
		return item ? -EEXIST : add_locked(epoll, description, number, event);
	if (!item)
		return -ENOENT;
	if (operation == EPOLL_CTL_DEL) {
		*item = epoll->items[--epoll->count];
		return 0;
	}
	item->events = event->events;
	item->data = event->data.u64;
	item->is_disabled = false;
	item->told = 0;
	return 0;
}

static long control(struct emu_description *self, int operation, struct emu_description *target,
		    int number, const struct epoll_event *event)
{
	long result;

	if (self->kind != EMU_EPOLL || self == target)
		return -EINVAL;
	if (target->kind != EMU_STREAM && target->kind != EMU_EPOLL && target->kind != EMU_SIGNALS)
		return -EPERM;
	emu_lock(&self->epoll->lock);
	emu_lock(&emu_epolls_lock);
	result = control_locked(self->epoll, operation, target, number, event);
	emu_unlock(&emu_epolls_lock);
	emu_unlock(&self->epoll->lock);
	return result;
}

/* Both are counted meanwhile: an item of a description that another thread has closed would stay for ever. */
long emu_epoll_ctl(int instance, int operation, int number, const struct epoll_event *user)
{
	struct emu_description *self, *target;
	struct epoll_event event = { 0 };
	long result = -EBADF;

	if (operation < EPOLL_CTL_ADD || operation > EPOLL_CTL_MOD)
		return emu_descriptor(instance) && emu_descriptor(number) ? -EINVAL : -EBADF;
	if (operation != EPOLL_CTL_DEL && emu_copy_in(&event, user, sizeof(event)))
		return -EFAULT;
	self = emu_descriptor_get(instance);
	target = emu_descriptor_get(number);
	if (self && target)
		result = control(self, operation, target, number, &event);
	if (target)
		emu_description_put(target);
	if (self)
		emu_description_put(self);
	return result;
}

/* ---------------------------------------------------------------------------------- looking */

static uint64_t readable(const struct emu_description *description)
{
	struct io_attributes attributes = { 0 };

	if (description->kind == EMU_STREAM)
		io_attributes(description->io, &attributes);
	return attributes.readable;
}

/* Is there anything to tell beyond what was told? */
static bool has_news(struct item *item, uint32_t holds)
{
	uint64_t bytes;
	bool result;

	if (!(item->events & EPOLLET))
		return true;
	bytes = readable(item->description);
	result = holds & ~item->told || item->activity != item->description->activity ||
		 bytes != item->readable;
	item->told = holds;
	item->activity = item->description->activity;
	item->readable = bytes;
	return result;
}

/* The item's events that are to be told now. With a poller: if none are, it is watched. */
static uint32_t look(struct item *item, struct emu_poller *poller)
{
	uint32_t wanted = item->events & WATCHED, holds;

	if (item->is_disabled)
		return 0;
	holds = poller ? emu_description_watch(item->description, wanted, poller, false)
		       : emu_description_events(item->description, wanted);
	holds &= wanted | IO_ALWAYS;
	if (!holds) {
		item->told = 0;
		return 0;
	}
	if (has_news(item, holds))
		return holds;
	if (poller)
		emu_description_watch(item->description, wanted, poller, true);
	return 0;
}

static long collect_locked(struct emu_epoll *epoll, struct epoll_event *user, long limit,
			   struct emu_poller *poller)
{
	uint32_t at = epoll->next < epoll->count ? epoll->next : 0;
	long count = 0;

	for (uint32_t i = 0; i < epoll->count && count < limit; i++) {
		struct item *item = &epoll->items[at];
		struct epoll_event event = { .data.u64 = item->data };

		at = at + 1 < epoll->count ? at + 1 : 0;

		event.events = look(item, count ? NULL : poller);
		if (!event.events)
			continue;
		if (emu_copy_out(&user[count], &event, sizeof(event)))
			return count ? count : -EFAULT;
		item->is_disabled = item->events & EPOLLONESHOT;
		count++;
	}
	epoll->next = at;
	return count;
}

static long collect(struct emu_epoll *epoll, struct epoll_event *user, long limit,
		    struct emu_poller *poller)
{
	long count;

	emu_lock(&epoll->lock);
	count = collect_locked(epoll, user, limit, poller);
	emu_unlock(&epoll->lock);
	return count;
}

/* For those who wait for the instance itself: level-triggered, nothing is marked as told. */
bool emu_epoll_watch(struct emu_description *description, struct emu_poller *poller)
{
	struct emu_epoll *epoll = description->epoll;
	bool is_ready = false;

	emu_lock(&epoll->lock);
	for (uint32_t i = 0; i < epoll->count && !is_ready; i++) {
		struct item *item = &epoll->items[i];
		uint32_t wanted = item->events & WATCHED, holds;

		if (item->is_disabled)
			continue;
		holds = poller ? emu_description_watch(item->description, wanted, poller, false)
			       : emu_description_events(item->description, wanted);
		is_ready = holds & (wanted | IO_ALWAYS);
	}
	emu_unlock(&epoll->lock);
	return is_ready;
}

/* ---------------------------------------------------------------------------------- waiting */

struct wait {
	struct emu_description *description;
	struct epoll_event *user;
	long limit;
	uint64_t deadline;
};

static long wait_with(const struct wait *wait, struct emu_poller *poller)
{
	long result = 0, count;

	for (;;) {
		count = collect(wait->description->epoll, wait->user, wait->limit, poller);
		if (count || result == -ETIMEDOUT)
			return count;
		result = emu_poller_wait(poller, wait->deadline);
		if (result < 0 && result != -ETIMEDOUT)
			return result;
	}
}

static long wait_masked(void *argument)
{
	const struct wait *wait = argument;
	long result = collect(wait->description->epoll, wait->user, wait->limit, NULL);
	struct emu_poller *poller;

	if (result || wait->deadline <= tern_time())
		return result;
	poller = emu_poller_take();
	if (!poller)
		return -ENOMEM;
	result = wait_with(wait, poller);
	emu_poller_give(poller);
	return result;
}

/* The description is counted meanwhile: another thread may close it. */
static long wait_for(int number, struct epoll_event *user, int limit, uint64_t deadline,
		     const uint64_t *mask, uint64_t mask_size)
{
	struct wait wait = { emu_descriptor_get(number), user, limit, deadline };
	long result = -EINVAL;

	if (!wait.description)
		return -EBADF;
	if (wait.description->kind == EMU_EPOLL && limit > 0)
		result = emu_with_mask(mask, mask_size, wait_masked, &wait);
	emu_description_put(wait.description);
	return result;
}

long emu_epoll_pwait(int number, struct epoll_event *user, int limit, int milliseconds,
		     const uint64_t *mask, uint64_t mask_size)
{
	uint64_t deadline = TERN_DEADLINE_NONE;

	if (milliseconds >= 0)
		deadline = emu_deadline((uint64_t)milliseconds * 1000000);
	return wait_for(number, user, limit, deadline, mask, mask_size);
}

long emu_epoll_pwait2(int number, struct epoll_event *user, int limit,
		      const struct timespec *timeout, const uint64_t *mask, uint64_t mask_size)
{
	uint64_t deadline;
	long result = emu_get_deadline(timeout, emu_deadline, &deadline);

	return result ? result : wait_for(number, user, limit, deadline, mask, mask_size);
}
