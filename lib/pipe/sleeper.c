#include "sleeper.h"

struct lock names_lock;
static struct pool sleeper_pool = POOL_OF(struct sleeper);

static void sleeper_free(struct sleeper *sleeper)
{
	pool_retire(&sleeper->pooled, atomic_load(&sleeper->pooled.generation));
	pool_give(&sleeper_pool, &sleeper->pooled);
}

int64_t sleeper_park(struct sleepers *list, uint64_t end, uint64_t word)
{
	struct sleeper *sleeper = pool_take(&sleeper_pool), **place = &list->first;
	int64_t reply;

	if (!sleeper)
		return -ENOBUFS;
	reply = env_park(SLEEPER_COOKIE | pool_name(&sleeper->pooled));
	if (reply < 0) {
		sleeper_free(sleeper);
		return reply == -ECANCELED ? -EINTR : reply;
	}
	sleeper->reply = reply;
	sleeper->list = list;
	sleeper->end = end;
	sleeper->word = word;
	sleeper->next = NULL;
	while (*place)
		place = &(*place)->next;
	*place = sleeper;
	return 0;
}

int64_t sleeper_take(struct sleeper *sleeper)
{
	struct sleeper **place = &sleeper->list->first;
	int64_t reply = sleeper->reply;

	while (*place != sleeper)
		place = &(*place)->next;
	*place = sleeper->next;
	sleeper_free(sleeper);
	return reply;
}

bool sleeper_answer(struct sleeper *sleeper, int64_t result)
{
	struct tern_received answer = { .words = { (uint64_t)result } };

	return env_answer(sleeper_take(sleeper), &answer) == 0;
}

void sleeper_cancelled(uint64_t cookie)
{
	uint64_t name = cookie & ~SLEEPER_COOKIE;
	struct sleeper *sleeper;

	lock_acquire(&names_lock);
	sleeper = pool_find(&sleeper_pool, name);
	if (sleeper)
		env_close(sleeper_take(sleeper));
	lock_release(&names_lock);
}

void sleepers_release(struct sleepers *list, uint64_t end, int64_t result)
{
	struct sleeper *next;

	for (struct sleeper *sleeper = list->first; sleeper; sleeper = next) {
		next = sleeper->next;
		if (!end || sleeper->end == end)
			sleeper_answer(sleeper, result);
	}
}
