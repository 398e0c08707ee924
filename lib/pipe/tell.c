/*
 * Who is told that a message has come to a queue (mq_notify): one port for each queue, notified once. What
 * that means is its owner's business: the posix server sends a signal, a process wakes a thread. So this
 * server needs to know neither of them, and never waits for them.
 */
#include "queue.h"

static void tell(struct queue *queue, uint64_t bits)
{
	env_notify(queue->port, bits);
	env_close(queue->port);
	queue->port = 0;
}

uint64_t queue_tell(struct queue *queue, uint32_t process)
{
	if (!queue->port)
		return 0;
	tell(queue, QUEUE_TELLS_MESSAGE | (uint64_t)process << 32);
	return queue->port_process == process ? queue->port_number : 0;
}

void queue_tell_end(struct queue *queue)
{
	if (queue->port)
		tell(queue, QUEUE_TELLS_END);
}

/* Locked. Who has died without a word is in nobody's way. */
static int64_t ask_for_it(struct queue *queue, const uint64_t *words, int64_t port, uint64_t end)
{
	if (queue->port && env_notify(queue->port, QUEUE_TELLS_NOTHING) >= 0)
		return -EBUSY;
	if (env_notify(port, QUEUE_TELLS_NOTHING) < 0)
		return -EBADF;
	if (queue->port)
		env_close(queue->port);
	queue->port = port;
	queue->port_key = words[1];
	queue->port_process = words[2];
	queue->port_number = words[3];
	queue->port_end = end;
	return 0;
}

enum outcome queue_notify(struct call *call, uint64_t name)
{
	const uint64_t *words = call->message.words;
	struct end *end;
	struct queue *queue = queue_of(name, &end);
	int64_t result = 0;

	if (!queue)
		return answer_number(call, end ? -EBADF : -EPIPE);
	if (call->message.handle_count > 1) {
		result = -EINVAL;
	} else if (call->message.handle_count) {
		result = ask_for_it(queue, words, call->message.handles[0], name);
		if (!result)
			call->message.handle_count = 0;
	} else if (queue->port && queue->port_key == words[1]) {
		queue_tell_end(queue);
	}
	lock_release(&queues_lock);
	return answer_number(call, result);
}
