/*
 * Record locks: ranges of bytes per node and owner. An owner is a session (fcntl's locks) or an open
 * file (flock and open file description locks). A call that must wait is parked; whatever releases
 * a range looks whether a waiter can have its own now.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/fs/fs.h"

#define LOCKS_MAX 65536
#define WAITERS_MAX 4096
#define LOOKS_MAX 64 /* waiters among whom a deadlock is looked for; the lock is held for it */

struct lock_range {
	struct lock_range *next;
	uint64_t owner;
	int64_t start, end; /* inclusive */
	uint32_t type, pid;
};

struct fs_locks {
	struct lock_range *first;
};

struct fs_waiter {
	struct fs_waiter *next;
	uint64_t cookie;
	int64_t parked;
	struct fs_node *node;
	struct lock_range wanted;
	bool is_in_the_way, was_looked_at; /* of is_cycle's search */
};

static bool conflicts(const struct lock_range *held, const struct lock_range *wanted)
{
	if (held->owner == wanted->owner || held->end < wanted->start || held->start > wanted->end)
		return false;
	return held->type == FILE_LOCK_EXCLUSIVE || wanted->type == FILE_LOCK_EXCLUSIVE;
}

/* The first in the file that is in the way. */
static struct lock_range *obstacle(const struct fs_node *node, const struct lock_range *wanted)
{
	struct lock_range *held = node->locks ? node->locks->first : NULL, *first = NULL;

	for (; held; held = held->next)
		if (conflicts(held, wanted) && (!first || held->start < first->start))
			first = held;
	return first;
}

static int insert(struct fs *fs, struct fs_node *node, const struct lock_range *range)
{
	struct lock_range *copy;

	if (fs->lock_count >= LOCKS_MAX)
		return -ENOLCK;
	if (!node->locks && !(node->locks = calloc(1, sizeof(*node->locks))))
		return -ENOLCK;
	copy = malloc(sizeof(*copy));
	if (!copy)
		return -ENOLCK;
	*copy = *range;
	copy->next = node->locks->first;
	node->locks->first = copy;
	fs->lock_count++;
	return 0;
}

static void locks_tidy(struct fs_node *node)
{
	if (!node->locks || node->locks->first)
		return;
	free(node->locks);
	node->locks = NULL;
}

/*
 * The owner holds nothing of [start, end] any more. A range in the middle of a longer one leaves two
 * pieces; the second is `spare`, which is used up (set to NULL) then.
 */
static void carve(struct fs *fs, struct fs_node *node, const struct lock_range *hole,
		  struct lock_range **spare)
{
	struct lock_range **link = node->locks ? &node->locks->first : NULL, *held, *piece;

	while (link && (held = *link)) {
		if (held->owner != hole->owner || held->end < hole->start ||
		    held->start > hole->end) {
			link = &held->next;
		} else if (held->start < hole->start && held->end > hole->end) {
			piece = *spare;
			*spare = NULL;
			*piece = *held;
			piece->start = hole->end + 1;
			held->end = hole->start - 1;
			held->next = piece;
			fs->lock_count++;
			return;
		} else if (held->start < hole->start) {
			held->end = hole->start - 1;
			link = &held->next;
		} else if (held->end > hole->end) {
			held->start = hole->end + 1;
			link = &held->next;
		} else {
			*link = held->next;
			free(held);
			fs->lock_count--;
		}
	}
	locks_tidy(node);
}

/*
 * A change in two steps, so that nothing is lost if there is no memory. First room is made: for a piece
 * that is split off, and for the new range, which stands in the list under an owner that is nobody.
 */
#define NOBODY UINT64_MAX

static int prepare(struct fs *fs, struct fs_node *node, const struct lock_range *wanted,
		   struct lock_range **spare)
{
	struct lock_range placeholder = *wanted;
	int error = 0;

	*spare = malloc(sizeof(**spare));
	if (!*spare)
		return -ENOLCK;
	placeholder.owner = NOBODY;
	if (wanted->type != FILE_UNLOCK)
		error = insert(fs, node, &placeholder);
	if (error) {
		free(*spare);
		locks_tidy(node);
	}
	return error;
}

static void commit(struct fs *fs, struct fs_node *node, const struct lock_range *wanted,
		   struct lock_range *spare)
{
	carve(fs, node, wanted, &spare);
	for (struct lock_range *range = node->locks ? node->locks->first : NULL; range;
	     range = range->next)
		if (range->owner == NOBODY)
			range->owner = wanted->owner;
	free(spare);
}

static void abandon(struct fs *fs, struct fs_node *node, struct lock_range *spare)
{
	struct lock_range all = { .owner = NOBODY, .start = 0, .end = INT64_MAX }, *none = NULL;

	carve(fs, node, &all, &none);
	free(spare);
}

/* The range is the owner's as `wanted` says. */
static int apply(struct fs *fs, struct fs_node *node, const struct lock_range *wanted)
{
	struct lock_range *spare;
	int error = prepare(fs, node, wanted, &spare);

	if (!error)
		commit(fs, node, wanted, spare);
	return error;
}

/* Marks the waiters that hold something of what is wanted. True: `owner` does. */
static bool mark_obstacles(struct fs *fs, const struct fs_node *node,
			   const struct lock_range *wanted, uint64_t owner)
{
	struct lock_range *held = node->locks ? node->locks->first : NULL;

	for (; held; held = held->next) {
		if (!conflicts(held, wanted))
			continue;
		if (held->owner == owner)
			return true;
		for (struct fs_waiter *waiter = fs->waiters; waiter; waiter = waiter->next)
			waiter->is_in_the_way |= waiter->wanted.owner == held->owner;
	}
	return false;
}

/*
 * Would the owner, if it waited for the range, wait for itself? Each waiter is looked at once, however
 * they wait for each other.
 */
static bool is_cycle(struct fs *fs, const struct fs_node *node, const struct lock_range *wanted)
{
	struct fs_waiter *waiter;
	bool is_found;
	int looks = 0;

	for (waiter = fs->waiters; waiter; waiter = waiter->next)
		waiter->is_in_the_way = waiter->was_looked_at = false;
	is_found = mark_obstacles(fs, node, wanted, wanted->owner);
	for (waiter = fs->waiters; waiter && !is_found && looks < LOOKS_MAX;) {
		if (!waiter->is_in_the_way || waiter->was_looked_at) {
			waiter = waiter->next;
			continue;
		}
		waiter->was_looked_at = true;
		looks++;
		is_found = mark_obstacles(fs, waiter->node, &waiter->wanted, wanted->owner);
		waiter = fs->waiters;
	}
	return is_found;
}

/* A waiter's range is free. Who does not hear of it (the call was interrupted) does not get it. */
static void grant(struct fs *fs, struct fs_waiter *waiter)
{
	struct lock_range *spare;
	int error = prepare(fs, waiter->node, &waiter->wanted, &spare);
	bool is_told = fs->transport->answer(fs, waiter->parked, error);

	if (!error && is_told)
		commit(fs, waiter->node, &waiter->wanted, spare);
	else if (!error)
		abandon(fs, waiter->node, spare);
}

/* Waiters, first come first served, get what is free now. */
static void serve_waiters(struct fs *fs)
{
	struct fs_waiter **link = &fs->waiters, *waiter;

	while ((waiter = *link)) {
		if (obstacle(waiter->node, &waiter->wanted)) {
			link = &waiter->next;
			continue;
		}
		*link = waiter->next;
		grant(fs, waiter);
		fs_node_release(fs, waiter->node);
		free(waiter);
		link = &fs->waiters;
	}
}

static int64_t wait_for(struct fs_call *call, struct fs_node *node, const struct lock_range *wanted)
{
	struct fs *fs = call->fs;
	struct fs_waiter *waiter, **link = &fs->waiters;
	unsigned count = 0;

	if (!(call->flags & FILE_DESCRIPTION) && is_cycle(fs, node, wanted))
		return -EDEADLK;
	for (; *link; link = &(*link)->next)
		count++;
	waiter = count < WAITERS_MAX ? malloc(sizeof(*waiter)) : NULL;
	if (!waiter)
		return -ENOLCK;
	*waiter =
		(struct fs_waiter){ .cookie = ++fs->next_cookie, .node = node, .wanted = *wanted };
	waiter->parked = fs->transport->park(call, waiter->cookie);
	if (waiter->parked < 0) {
		int64_t error = waiter->parked;

		free(waiter);
		return error == -ECANCELED ? -EINTR : error;
	}
	*link = waiter;
	fs_node_refer(fs, node);
	return FS_PARKED;
}

/* The message's range; the owner is the calling session or the open file. */
static int decode_range(struct fs_call *call, const int64_t *range, struct lock_range *wanted)
{
	int64_t start = range[0], length = range[1];

	if (!call->open)
		return -EBADF;
	if (start >= 0 && length < 0 && length != INT64_MIN) {
		start += length;
		length = -length;
	}
	if (start < 0 || length < 0 || call->argument > FILE_LOCK_EXCLUSIVE)
		return -EINVAL;
	if (length && start > INT64_MAX - (length - 1))
		return -EOVERFLOW;
	*wanted = (struct lock_range){ .start = start,
				       .end = length ? start + length - 1 : INT64_MAX,
				       .type = (uint32_t)call->argument,
				       .pid = call->identity->is.pid };
	if (call->flags & FILE_DESCRIPTION) {
		if (!call->is_file_port && !call->open->is_bare)
			return -EBADF;
		wanted->owner = call->open->token | 1ULL << 63;
		return 0;
	}
	if (call->session == UINT32_MAX)
		return -EBADF;
	wanted->owner = call->session;
	return 0;
}

int64_t fs_lock_set(struct fs_call *call, const int64_t *range)
{
	struct lock_range wanted;
	int64_t result = decode_range(call, range, &wanted);
	struct fs_node *node;

	if (result)
		return result;
	node = call->open->node;
	if (!(call->flags & FILE_DESCRIPTION) &&
	    ((wanted.type == FILE_LOCK_SHARED && !(call->open->flags & FILE_READ)) ||
	     (wanted.type == FILE_LOCK_EXCLUSIVE && !(call->open->flags & FILE_WRITE))))
		return -EBADF;
	if (wanted.type != FILE_UNLOCK && obstacle(node, &wanted))
		return call->flags & FILE_WAIT ? wait_for(call, node, &wanted) : -EAGAIN;
	result = apply(call->fs, node, &wanted);
	serve_waiters(call->fs);
	return result;
}

int64_t fs_lock_test(struct fs_call *call, const int64_t *range)
{
	struct lock_range wanted, *held;
	int64_t result = decode_range(call, range, &wanted);

	if (result)
		return result;
	held = obstacle(call->open->node, &wanted);
	if (!held)
		return FILE_UNLOCK;
	call->words[1] = (uint64_t)held->start;
	call->words[2] = held->end == INT64_MAX ? 0 : (uint64_t)(held->end - held->start + 1);
	call->words[3] = held->pid;
	return held->type;
}

static void drop_of(struct fs *fs, struct fs_node *node, uint64_t owner)
{
	struct lock_range all = { .owner = owner, .start = 0, .end = INT64_MAX }, *none = NULL;

	carve(fs, node, &all, &none);
}

void fs_locks_drop(struct fs *fs, struct fs_node *node, uint64_t owner)
{
	struct fs_waiter **link = &fs->waiters, *waiter;

	while ((waiter = *link)) {
		if (waiter->wanted.owner != owner || waiter->node != node) {
			link = &waiter->next;
			continue;
		}
		*link = waiter->next;
		fs->transport->answer(fs, waiter->parked, -EBADF);
		fs_node_release(fs, node);
		free(waiter);
	}
	if (!node->locks)
		return;
	drop_of(fs, node, owner);
	serve_waiters(fs);
}

void fs_locks_drop_session(struct fs *fs, uint32_t session)
{
	struct fs_node *node;

	if (!fs->lock_count && !fs->waiters)
		return;
	for (uint64_t bucket = 0; bucket < fs->node_buckets; bucket++)
		for (node = fs->nodes[bucket]; node; node = node->hash_next)
			fs_locks_drop(fs, node, session);
}

void fs_locks_free(struct fs *fs, struct fs_node *node)
{
	struct lock_range *range;

	while (node->locks && (range = node->locks->first)) {
		node->locks->first = range->next;
		free(range);
		fs->lock_count--;
	}
	locks_tidy(node);
}

/* The call that waits under this cookie was interrupted; the kernel has answered it. */
void fs_lock_cancel(struct fs *fs, uint64_t cookie)
{
	struct fs_waiter **link, *waiter;

	fs_relock(fs);
	for (link = &fs->waiters; (waiter = *link); link = &waiter->next) {
		if (waiter->cookie != cookie)
			continue;
		*link = waiter->next;
		fs->transport->close(fs, waiter->parked);
		fs_node_release(fs, waiter->node);
		free(waiter);
		break;
	}
	fs_unlock(fs);
}
