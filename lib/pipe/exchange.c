/* Sending to message queues and receiving from them: see queue.h. */
#include "queue.h"

#include "tern/thread.h"

#define COPY_MAX (128u << 10) /* what the kernel copies in one call */
#define IS_PARKED INT64_MAX   /* in place of a result */

static struct pool messages = POOL_OF(struct queue_message);
static struct pool waiters = POOL_OF(struct queue_waiter);
static struct queue_waiter *timed; /* those with a deadline, the earliest first */
static int64_t timer, timer_port;  /* 0: not made yet */

void queue_show(struct queue *queue)
{
	lock_acquire(&queue->channel->lock);
	channel_set_extra(queue->channel, (queue->first ? IO_IN : 0) | (queue->free ? IO_OUT : 0));
	lock_release(&queue->channel->lock);
}

/* ---------------------------------------------------------------------------------- the messages */

static void message_free(struct queue_message *message)
{
	pool_retire(&message->pooled, atomic_load(&message->pooled.generation));
	pool_give(&messages, &message->pooled);
}

static void free_list(struct queue_message *message)
{
	while (message) {
		struct queue_message *next = message->right;

		message_free(message);
		message = next;
	}
}

bool queue_make_messages(struct queue *queue)
{
	for (uint32_t slot = queue->capacity; slot-- > 0;) {
		struct queue_message *message = pool_take(&messages);

		if (!message) {
			free_list(queue->free);
			return false;
		}
		message->slot = slot;
		message->right = queue->free;
		queue->free = message;
	}
	return true;
}

static bool comes_before(const struct queue_message *a, const struct queue_message *b)
{
	return a->priority != b->priority ? a->priority > b->priority : a->age < b->age;
}

/* Two skew heaps become one: whatever comes first is on top, and its halves change places. */
static struct queue_message *merge(struct queue_message *a, struct queue_message *b)
{
	struct queue_message *top = NULL, **place = &top;

	while (a && b) {
		struct queue_message *best = comes_before(a, b) ? a : b;
		struct queue_message *rest = best->right;

		b = best == a ? b : a;
		a = rest;
		*place = best;
		best->right = best->left;
		place = &best->left;
	}
	*place = a ? a : b;
	return top;
}

static void take_out(struct queue *queue)
{
	struct queue_message *message = queue->first;

	queue->first = merge(message->left, message->right);
	message->right = queue->free;
	queue->free = message;
	queue->count--;
}

void queue_free_messages(struct queue *queue)
{
	while (queue->first)
		take_out(queue);
	free_list(queue->free);
	queue->free = NULL;
}

static char *bytes_of(const struct queue *queue, const struct queue_message *message)
{
	return queue->memory + (size_t)message->slot * queue->message_size;
}

/* An error of a copy may mean that the queue's memory is gone. */
static int64_t diagnose(const struct queue *queue, int64_t error)
{
	return error == -ESRCH || env_ring_is_alive(queue->memobj) ? error : -EIO;
}

/* A window's bytes to the queue's memory, or from there. 0 or an error. */
static int64_t copy_window(const struct queue_request *request, char *memory, uint64_t length,
			   bool is_in)
{
	for (uint64_t done = 0; done < length;) {
		uint64_t part = length - done < COPY_MAX ? length - done : COPY_MAX;
		int64_t count = is_in ? env_window_read(request->reply, done, memory + done, part)
				      : env_window_write(request->reply, done, memory + done, part);

		if (count <= 0)
			return count < 0 ? count : -EFAULT;
		done += (uint64_t)count;
	}
	return 0;
}

/* The bytes of the sender's message are where it will be, for which there is room. 0 or an error. */
static int64_t bring(struct queue *queue, const struct queue_request *request)
{
	char *bytes = bytes_of(queue, queue->free);
	int64_t result = 0;

	if (request->has_window)
		result = copy_window(request, bytes, request->length, true);
	else if (!env_guarded_copy(bytes, request->data, request->length))
		result = -EIO;
	return result ? diagnose(queue, result) : 0;
}

/* The message that was brought is in the queue. */
static void put_in(struct queue *queue, const struct queue_request *request)
{
	struct queue_message *message = queue->free;

	queue->free = message->right;
	message->left = message->right = NULL;
	message->priority = request->priority;
	message->length = (uint32_t)request->length;
	message->age = queue->next_age++;
	queue->first = merge(queue->first, message);
	queue->count++;
}

/* The first message as the answer; it is still in the queue. Its length or an error. */
static int64_t hand_out(struct queue *queue, const struct queue_request *request,
			struct tern_received *answer)
{
	const struct queue_message *message = queue->first;
	const char *bytes = bytes_of(queue, message);
	int64_t result = 0;

	answer->words[1] = (uint64_t)message->priority << 32;
	if (message->length > IO_INLINE_MAX) {
		result = copy_window(request, bytes_of(queue, message), message->length, false);
	} else {
		answer->words[1] |= IO_INLINE;
		if (!env_guarded_copy(&answer->words[IO_INLINE_WORD], bytes, message->length))
			result = -EIO;
	}
	return result ? diagnose(queue, result) : (int64_t)message->length;
}

/* ----------------------------------------------------------------------------------- parked calls */

static void set_timer(void)
{
	env_timer_set(timer, timed ? timed->request.deadline : 0);
}

static void time_out_later(struct queue_waiter *waiter)
{
	struct queue_waiter **at = &timed;

	while (*at && (*at)->request.deadline <= waiter->request.deadline)
		at = &(*at)->later;
	waiter->later = *at;
	*at = waiter;
	if (timed == waiter)
		set_timer();
}

static void forget_deadline(const struct queue_waiter *waiter)
{
	struct queue_waiter **at = &timed;
	bool was_first = timed == waiter;

	while (*at && *at != waiter)
		at = &(*at)->later;
	if (*at)
		*at = waiter->later;
	if (was_first)
		set_timer();
}

/* Off its lists and free; the reply is the caller's to answer. */
static int64_t waiter_take(struct queue_waiter *waiter)
{
	struct queue_waiter **at = &waiter->queue->waiting[waiter->side];

	while (*at != waiter)
		at = &(*at)->next;
	*at = waiter->next;
	if (waiter->request.deadline != TERN_DEADLINE_NONE)
		forget_deadline(waiter);
	pool_retire(&waiter->pooled, atomic_load(&waiter->pooled.generation));
	pool_give(&waiters, &waiter->pooled);
	return waiter->request.reply;
}

/* False: it did not reach the caller. */
static bool waiter_answer(struct queue_waiter *waiter, int64_t result, struct tern_received *answer)
{
	answer->words[0] = (uint64_t)result;
	return env_answer(waiter_take(waiter), answer) == 0;
}

static void waiter_fail(struct queue_waiter *waiter, int64_t error)
{
	struct tern_received answer = { .words = { 0 } };

	waiter_answer(waiter, error, &answer);
}

static bool has_timer(void)
{
	if (timer_port <= 0 &&
	    env_timer_create((uint64_t)PORT_QUEUES << PORT_KIND_SHIFT, &timer, &timer_port) < 0) {
		if (timer_port > 0)
			env_close(timer_port);
		timer_port = timer = 0;
		return false;
	}
	return true;
}

/* The call that is being served waits. IS_PARKED, or an error. */
static int64_t park(struct queue *queue, enum channel_side side,
		    const struct queue_request *request, uint64_t end)
{
	bool has_deadline = request->deadline != TERN_DEADLINE_NONE;
	struct queue_waiter *waiter, **at = &queue->waiting[side];
	int64_t reply;

	waiter = has_deadline && !has_timer() ? NULL : pool_take(&waiters);
	if (!waiter)
		return -ENOMEM;
	reply = env_park(QUEUE_COOKIE | pool_name(&waiter->pooled));
	if (reply < 0) {
		pool_retire(&waiter->pooled, atomic_load(&waiter->pooled.generation));
		pool_give(&waiters, &waiter->pooled);
		return reply == -ECANCELED ? -EINTR : reply;
	}
	waiter->queue = queue;
	waiter->end = end;
	waiter->side = side;
	waiter->request = *request;
	waiter->request.reply = reply;
	if (side == SIDE_WRITE && !request->has_window) {
		__builtin_memcpy(waiter->data, request->data, request->length);
		waiter->request.data = waiter->data;
	}
	waiter->next = NULL;
	while (*at)
		at = &(*at)->next;
	*at = waiter;
	if (has_deadline)
		time_out_later(waiter);
	return IS_PARKED;
}

void queue_drop_end(struct queue *queue, uint64_t end)
{
	for (int side = SIDE_READ; side <= SIDE_WRITE; side++) {
		struct queue_waiter *next;

		for (struct queue_waiter *at = queue->waiting[side]; at; at = next) {
			next = at->next;
			if (at->end == end)
				waiter_fail(at, -EBADF);
		}
	}
}

void queue_cancelled(uint64_t cookie)
{
	struct queue_waiter *waiter;

	lock_acquire(&queues_lock);
	waiter = pool_find(&waiters, cookie & ~QUEUE_COOKIE);
	if (waiter)
		env_close(waiter_take(waiter));
	lock_release(&queues_lock);
}

void queues_expired(void)
{
	uint64_t now = env_now();

	lock_acquire(&queues_lock);
	while (timed && timed->request.deadline <= now)
		waiter_fail(timed, -ETIMEDOUT);
	set_timer();
	lock_release(&queues_lock);
}

static void feed(struct queue *queue, struct queue_waiter *receiver)
{
	struct tern_received answer = { .words = { 0 } };
	int64_t result = hand_out(queue, &receiver->request, &answer);

	if (waiter_answer(receiver, result, &answer) && result >= 0)
		take_out(queue);
}

/* What did not reach the sender has not happened. */
static void relieve(struct queue *queue, struct queue_waiter *sender)
{
	struct tern_received answer = { .words = { 0 } };
	struct queue_request request = sender->request;
	int64_t result = bring(queue, &request);

	if (waiter_answer(sender, result, &answer) && !result)
		put_in(queue, &request);
}

/* Those who can go on do. */
static void settle(struct queue *queue)
{
	for (;;) {
		if (queue->waiting[SIDE_READ] && queue->first)
			feed(queue, queue->waiting[SIDE_READ]);
		else if (queue->waiting[SIDE_WRITE] && queue->free)
			relieve(queue, queue->waiting[SIDE_WRITE]);
		else
			break;
	}
	queue_show(queue);
}

/* ------------------------------------------------------------------------------------ operations */

/* There is nothing to receive, or no room. IS_PARKED, or an error. */
static int64_t have_it_wait(struct queue *queue, enum channel_side side,
			    const struct queue_request *request, const struct call *call,
			    const struct end *end, uint64_t name)
{
	if ((call->message.words[0] | atomic_load(&end->flags)) & IO_NONBLOCK)
		return -EAGAIN;
	if (request->deadline <= env_now())
		return -ETIMEDOUT;
	return park(queue, side, request, name);
}

static int64_t send_locked(struct queue *queue, const struct queue_request *request,
			   struct call *call, const struct end *end, uint64_t name)
{
	bool was_empty = !queue->first;
	int64_t result;

	if (!(end->access & PIPE_OPEN_WRITE))
		return -EBADF;
	if (request->length > queue->message_size)
		return -EMSGSIZE;
	if (!queue->free)
		return have_it_wait(queue, SIDE_WRITE, request, call, end, name);
	result = bring(queue, request);
	if (result)
		return result;
	put_in(queue, request);
	settle(queue);
	call->message.words[1] = was_empty && queue->first ? queue_tell(queue, request->process)
							   : 0;
	return 0;
}

static int64_t receive_locked(struct queue *queue, const struct queue_request *request,
			      struct call *call, const struct end *end, uint64_t name)
{
	int64_t result;

	if (!(end->access & PIPE_OPEN_READ))
		return -EBADF;
	if (request->length < queue->message_size)
		return -EMSGSIZE;
	if (!queue->first)
		return have_it_wait(queue, SIDE_READ, request, call, end, name);
	result = hand_out(queue, request, &call->message);
	if (result < 0)
		return result;
	take_out(queue);
	settle(queue);
	return result;
}

static enum outcome exchange(struct call *call, uint64_t name, bool is_send)
{
	const uint64_t *words = call->message.words;
	struct queue_request request = {
		.reply = TERN_REPLY,
		.length = (uint32_t)words[1],
		.deadline = words[2],
		.data = &words[IO_INLINE_WORD],
		.priority = (uint32_t)(words[1] >> 32),
		.process = (uint32_t)(words[0] >> 32),
		.has_window = call->has_windows,
	};
	struct end *end;
	struct queue *queue;
	int64_t result;

	if ((is_send && request.priority >= QUEUE_PRIORITIES) ||
	    (!request.has_window && request.length > IO_INLINE_MAX))
		return answer_number(call, -EINVAL);
	queue = queue_of(name, &end);
	if (!queue)
		return answer_number(call, end ? -EBADF : -EPIPE);
	result = is_send ? send_locked(queue, &request, call, end, name)
			 : receive_locked(queue, &request, call, end, name);
	lock_release(&queues_lock);
	return result == IS_PARKED ? PARKED : answer_number(call, result);
}

enum outcome queue_send(struct call *call, uint64_t name)
{
	return exchange(call, name, true);
}

enum outcome queue_receive(struct call *call, uint64_t name)
{
	return exchange(call, name, false);
}
