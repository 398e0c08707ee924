/* eventfd and timerfd: see counter.h. */
#include "counter.h"

#include "connect.h"
#include "watch.h"

#define VALUE_MAX (UINT64_MAX - 1)
#define VALUE_SIZE sizeof(uint64_t)

static struct pool counters = POOL_OF(struct counter);

/* ------------------------------------------------------------------------------------- state */

static uint32_t events_of(const struct counter *counter)
{
	uint32_t events = counter->value ? IO_IN : 0;

	if (!counter->is_timer && counter->value < VALUE_MAX)
		events |= IO_OUT;
	return events;
}

static void show(struct counter *counter)
{
	lock_acquire(&counter->channel->lock);
	channel_set_extra(counter->channel, events_of(counter));
	lock_release(&counter->channel->lock);
}

/* What has expired by now is counted; the kernel's timer is set for what has not. */
static void reckon(struct counter *counter)
{
	uint64_t now = env_now(), times = 1;

	if (!counter->deadline)
		return;
	if (counter->deadline <= now) {
		if (counter->interval)
			times += (now - counter->deadline) / counter->interval;
		counter->value += times;
		counter->deadline = counter->interval
					    ? counter->deadline + times * counter->interval
					    : 0;
	}
	env_timer_set(counter->timer, counter->value ? 0 : counter->deadline);
}

static uint64_t take(struct counter *counter)
{
	uint64_t taken = counter->is_semaphore ? 1 : counter->value;

	counter->value -= taken;
	return taken;
}

static void answer_value(struct tern_received *answer, uint64_t value)
{
	answer->words[0] = VALUE_SIZE;
	answer->words[1] = IO_INLINE;
	answer->words[IO_INLINE_WORD] = value;
}

/* Those who can go on do; what was taken for one who has gone is put back. */
static void settle(struct counter *counter)
{
	struct sleeper *sleeper;

	for (;;) {
		if (counter->value && counter->reading.first) {
			struct tern_received answer = { .words = { 0 } };
			uint64_t taken = take(counter);

			answer_value(&answer, taken);
			if (env_answer(sleeper_take(counter->reading.first), &answer) < 0)
				counter->value += taken;
			continue;
		}
		sleeper = counter->writing.first;
		if (!sleeper || sleeper->word > VALUE_MAX - counter->value)
			break;
		uint64_t added = sleeper->word;

		if (sleeper_answer(sleeper, VALUE_SIZE))
			counter->value += added;
	}
	if (counter->is_timer)
		reckon(counter);
	show(counter);
}

/* ------------------------------------------------------------------------------------- making */

static struct counter *counter_create(struct end *end, struct channel *channel)
{
	struct counter *counter = pool_take(&counters);

	if (!counter)
		return NULL;
	counter->end = end;
	counter->channel = channel;
	counter->value = 0;
	counter->is_semaphore = counter->is_timer = false;
	counter->reading.first = counter->writing.first = NULL;
	counter->timer = counter->port = 0;
	counter->deadline = counter->interval = 0;
	end->counter = counter;
	return counter;
}

/* An end with a counter, names_lock held; 0 or an error. */
static int64_t make(struct call *call, uint64_t service, uint32_t kind, struct counter **counter)
{
	struct channel *channel = channel_create(false, false);
	struct end *end;
	int64_t handle, result;

	if (!channel)
		return -ENOBUFS;
	/* Nobody is ever missing on either side: it is never at its end. */
	channel->ends[SIDE_READ] = channel->ends[SIDE_WRITE] = 1;
	result = end_create(service, kind, NULL, NULL, &end, &handle);
	if (result < 0) {
		channel_free(channel);
		return result;
	}
	*counter = counter_create(end, channel);
	if (!*counter) {
		channel_free(channel);
		env_close(handle); /* the event closes the end */
		return -ENOBUFS;
	}
	atomic_store(&end->flags, (uint32_t)call->message.words[0] & IO_NONBLOCK);
	call_extend(call, handle);
	return 0;
}

enum outcome make_event(struct call *call, uint64_t service)
{
	uint64_t value = call->message.words[1], is_semaphore = call->message.words[2];
	struct counter *counter;
	int64_t result;

	if (value > VALUE_MAX)
		return answer_number(call, -EINVAL);
	lock_acquire(&names_lock);
	result = make(call, service, IO_KIND_EVENT, &counter);
	if (!result) {
		counter->value = value;
		counter->is_semaphore = is_semaphore;
		show(counter);
	}
	lock_release(&names_lock);
	return answer_number(call, result);
}

enum outcome make_timer(struct call *call, uint64_t service)
{
	struct counter *counter;
	int64_t result;

	lock_acquire(&names_lock);
	result = make(call, service, IO_KIND_TIMER, &counter);
	if (!result) {
		counter->is_timer = true;
		result = env_timer_create((uint64_t)PORT_TIMER << PORT_KIND_SHIFT |
						  pool_name(&counter->pooled),
					  &counter->timer, &counter->port);
		if (result < 0) {
			env_close(call->extended.handles[0].handle);
			call->is_extended = false;
		}
	}
	lock_release(&names_lock);
	return answer_number(call, result);
}

void counter_close(struct end *end, uint64_t name)
{
	struct counter *counter = end->counter;

	if (!counter)
		return;
	lock_acquire(&names_lock);
	end->counter = NULL;
	sleepers_release(&counter->reading, 0, -EBADF);
	sleepers_release(&counter->writing, 0, -EBADF);
	lock_acquire(&counter->channel->lock);
	watch_leave(counter->channel, SIDE_READ, name, true);
	lock_release(&counter->channel->lock);
	channel_free(counter->channel);
	if (counter->timer > 0)
		env_close(counter->timer);
	if (counter->port > 0)
		env_close(counter->port);
	pool_retire(&counter->pooled, atomic_load(&counter->pooled.generation));
	pool_give(&counters, &counter->pooled);
	lock_release(&names_lock);
}

/* --------------------------------------------------------------------------------- operations */

static bool is_nonblocking(const struct call *call, const struct end *end)
{
	return (call->message.words[0] | atomic_load(&end->flags)) & IO_NONBLOCK;
}

static int64_t read_locked(struct call *call, struct end *end, uint64_t name)
{
	struct counter *counter = end->counter;

	if (!counter || !pooled_is(&end->pooled, name))
		return -EPIPE;
	if (counter->is_timer)
		reckon(counter);
	if (counter->value) {
		answer_value(&call->message, take(counter));
		settle(counter);
		return VALUE_SIZE;
	}
	return is_nonblocking(call, end) ? -EAGAIN : sleeper_park(&counter->reading, name, 0) ?: 1;
}

/* 1: it is parked. */
enum outcome counter_read(struct call *call, struct end *end, uint64_t name)
{
	int64_t result = -EINVAL;

	if (call->message.words[1] >= VALUE_SIZE) {
		lock_acquire(&names_lock);
		result = read_locked(call, end, name);
		lock_release(&names_lock);
	}
	return result == 1 ? PARKED : answer_number(call, result);
}

static int64_t write_locked(struct call *call, struct end *end, uint64_t name, uint64_t value)
{
	struct counter *counter = end->counter;

	if (!counter || !pooled_is(&end->pooled, name))
		return -EPIPE;
	if (counter->is_timer)
		return -EINVAL;
	if (value <= VALUE_MAX - counter->value) {
		counter->value += value;
		settle(counter);
		return VALUE_SIZE;
	}
	return is_nonblocking(call, end) ? -EAGAIN
					 : sleeper_park(&counter->writing, name, value) ?: 1;
}

enum outcome counter_write(struct call *call, struct end *end, uint64_t name)
{
	uint64_t value = call->message.words[IO_INLINE_WORD];
	int64_t result = 0;

	if (call->message.words[1] < VALUE_SIZE)
		return answer_number(call, -EINVAL);
	if (call->has_windows)
		result = env_window_read(TERN_REPLY, 0, &value, VALUE_SIZE);
	if (result < 0)
		return answer_number(call, result);
	if (value > VALUE_MAX)
		return answer_number(call, -EINVAL);
	lock_acquire(&names_lock);
	result = write_locked(call, end, name, value);
	lock_release(&names_lock);
	return result == 1 ? PARKED : answer_number(call, result);
}

/* The timer of the call, with names_lock held; NULL, and without: it has been answered. */
static struct counter *lock_timer(struct call *call, uint64_t name)
{
	struct end *end = pool_find(&ends, name);
	struct counter *counter = NULL;

	lock_acquire(&names_lock);
	if (end && pooled_is(&end->pooled, name))
		counter = end->counter;
	if (counter && counter->is_timer)
		return counter;
	lock_release(&names_lock);
	answer_number(call, end ? -EINVAL : -EPIPE);
	return NULL;
}

/* How things are: what is left, and the interval. */
static void tell(struct call *call, struct counter *counter)
{
	uint64_t now = env_now();

	reckon(counter);
	call->message.words[1] = counter->deadline > now ? counter->deadline - now : 0;
	call->message.words[2] = counter->interval;
}

enum outcome counter_set(struct call *call, uint64_t name)
{
	uint64_t deadline = call->message.words[1], interval = call->message.words[2];
	struct counter *counter = lock_timer(call, name);

	if (!counter)
		return ANSWERED;
	tell(call, counter);
	counter->value = 0;
	counter->deadline = deadline;
	counter->interval = deadline ? interval : 0;
	env_timer_set(counter->timer, deadline);
	reckon(counter);
	settle(counter);
	lock_release(&names_lock);
	return answer_number(call, 0);
}

enum outcome counter_get(struct call *call, uint64_t name)
{
	struct counter *counter = lock_timer(call, name);

	if (!counter)
		return ANSWERED;
	tell(call, counter);
	settle(counter); /* what has expired by now is for readers, too */
	lock_release(&names_lock);
	return answer_number(call, 0);
}

void counter_expired(uint64_t name)
{
	struct counter *counter;

	lock_acquire(&names_lock);
	counter = pool_find(&counters, name);
	if (counter) {
		reckon(counter);
		settle(counter);
	}
	lock_release(&names_lock);
}
