#include "watch.h"

#define WATCHES_MAX 256 /* of one description; then dead ones are looked for */

static struct pool watches = POOL_OF(struct watch);

/* False: the description has been closed. What closes it takes the locks after it is stale. */
static bool link_node(struct channel *channel, enum channel_side side, struct watch *watch,
		      const struct pooled *end)
{
	struct watch_node *node = &watch->nodes[side];
	bool is_open;

	node->watch = watch;
	node->events = 0;
	node->next = NULL;
	if (!channel)
		return true;
	lock_acquire(&channel->lock);
	is_open = pooled_is(end, watch->end);
	if (is_open) {
		node->next = channel->watches[side];
		channel->watches[side] = node;
	}
	lock_release(&channel->lock);
	return is_open;
}

static void unlink_node(struct channel *channel, enum channel_side side, struct watch *watch)
{
	struct watch_node **place;

	if (!channel)
		return;
	lock_acquire(&channel->lock);
	for (place = &channel->watches[side]; *place; place = &(*place)->next) {
		if (*place == &watch->nodes[side]) {
			*place = (*place)->next;
			break;
		}
	}
	lock_release(&channel->lock);
}

static void watch_free(struct watch *watch)
{
	env_close(watch->port);
	pool_give(&watches, &watch->pooled);
}

/* A watch of this description whose port is dead; 0 if there is none. The others get a notification
 * that means nothing. *count: how many there are. */
static uint64_t find_dead(struct channel *channel, enum channel_side side, uint64_t end,
			  unsigned int *count)
{
	uint64_t dead = 0;

	lock_acquire(&channel->lock);
	*count = 0;
	for (struct watch_node *node = channel->watches[side]; node; node = node->next)
		*count += node->watch->end == end;
	for (struct watch_node *node = channel->watches[side]; node && !dead; node = node->next)
		if (*count >= WATCHES_MAX && node->watch->end == end &&
		    env_notify(node->watch->port, node->watch->bits) < 0)
			dead = pool_name(&node->watch->pooled);
	lock_release(&channel->lock);
	return dead;
}

static bool has_room(uint64_t end, struct channel *reads, struct channel *writes)
{
	enum channel_side side = reads ? SIDE_READ : SIDE_WRITE;
	struct channel *channel = reads ? reads : writes;
	unsigned int count;
	uint64_t dead;

	if (!channel)
		return false;
	while ((dead = find_dead(channel, side, end, &count)))
		watch_remove(dead, end, reads, writes);
	return count < WATCHES_MAX;
}

int64_t watch_create(const struct pooled *end, uint64_t name, struct channel *reads,
		     struct channel *writes, int64_t port, uint64_t bits)
{
	struct watch *watch;

	if (!bits)
		return -EINVAL;
	watch = has_room(name, reads, writes) ? pool_take(&watches) : NULL;
	if (!watch)
		return -ENOMEM;
	watch->end = name;
	watch->port = port;
	watch->bits = bits;
	if (link_node(reads, SIDE_READ, watch, end) && link_node(writes, SIDE_WRITE, watch, end))
		return (int64_t)pool_name(&watch->pooled);
	unlink_node(reads, SIDE_READ, watch);
	pool_retire(&watch->pooled, atomic_load(&watch->pooled.generation));
	pool_give(&watches, &watch->pooled);
	return -EPIPE;
}

int64_t watch_remove(uint64_t name, uint64_t end, struct channel *reads, struct channel *writes)
{
	struct watch *watch = pool_find(&watches, name);

	if (!watch || watch->end != end || !pool_retire(&watch->pooled, name_generation(name)))
		return -ENOENT;
	unlink_node(reads, SIDE_READ, watch);
	unlink_node(writes, SIDE_WRITE, watch);
	watch_free(watch);
	return 0;
}

void watch_extend(uint64_t name, struct channel *reads, struct channel *writes)
{
	lock_acquire(&reads->lock);
	/* A datagram socket may be connected to itself. */
	if (writes != reads)
		lock_acquire(&writes->lock);
	for (struct watch_node *node = reads->watches[SIDE_READ]; node; node = node->next) {
		struct watch_node *other = &node->watch->nodes[SIDE_WRITE];

		if (node->watch->end != name)
			continue;
		other->watch = node->watch;
		other->events = node->events;
		other->stays = node->stays;
		other->next = writes->watches[SIDE_WRITE];
		writes->watches[SIDE_WRITE] = other;
	}
	watch_notify(writes, SIDE_WRITE);
	if (writes != reads)
		lock_release(&writes->lock);
	lock_release(&reads->lock);
}

bool watch_arm(struct channel *channel, enum channel_side side, uint64_t name, uint64_t end,
	       uint32_t events, bool stays)
{
	struct watch *watch = pool_find(&watches, name);

	if (!watch || watch->end != end || !lock_is_held(&channel->lock))
		return false;
	watch->nodes[side].events = events;
	watch->nodes[side].stays = stays;
	return true;
}

void watch_notify_nodes(struct channel *channel, enum channel_side side)
{
	uint32_t events = channel_events(channel, side);

	for (struct watch_node *node = channel->watches[side]; node; node = node->next) {
		if (!(node->events & events))
			continue;
		if (!node->stays)
			node->events = 0;
		env_notify(node->watch->port, node->watch->bits);
	}
}

void watch_leave(struct channel *channel, enum channel_side side, uint64_t end, bool is_last)
{
	struct watch_node **place = &channel->watches[side];

	while (*place) {
		struct watch *watch = (*place)->watch;

		if (watch->end != end) {
			place = &(*place)->next;
			continue;
		}
		*place = (*place)->next;
		if (is_last &&
		    pool_retire(&watch->pooled, atomic_load(&watch->pooled.generation) | 1))
			watch_free(watch);
	}
}
