/* Message queues: names, limits, life. See queue.h. */
#include "queue.h"

#include "connect.h"
#include "watch.h"

#define QUEUES_MAX 1024      /* of all users */
#define QUEUES_MAX_USERS 256 /* from here on for user 0 alone */
#define CAPACITY_MAX 10
#define CAPACITY_MAX_ROOT 65536
#define SIZE_MAX_USERS 8192
#define SIZE_MAX_ROOT (16u << 20)
#define BYTES_MAX 819200 /* of a user */
#define BYTES_MAX_ROOT (64ul << 20)
#define MESSAGE_COST 48 /* that Linux adds to a message's bytes */
#define LEAF_COST 48    /* and for each priority that there may be */
#define PAGE 4096
#define MAY_READ 4u
#define MAY_WRITE 2u

struct lock queues_lock;
static struct pool queues = POOL_OF(struct queue);
static struct queue *first; /* of all */
static uint32_t queue_count;

/* What a call wants of queue_open. */
struct wanted {
	struct queue_name name;
	uint32_t mode, how, flags;
	uint64_t capacity, message_size, limit;
};

static bool is_root(const struct service *service)
{
	return !service->credentials[1];
}

/* --------------------------------------------------------------------------------------- names */

static int64_t receive_name(const struct call *call, struct queue_name *name)
{
	uint64_t length = (uint32_t)call->message.words[1];
	int64_t result;

	if (!length)
		return -ENOENT;
	if (length > QUEUE_NAME_MAX)
		return -ENAMETOOLONG;
	result = call->has_windows ? env_window_read(TERN_REPLY, 0, name->bytes, length) : -EINVAL;
	if (result != (int64_t)length)
		return result == -ERANGE ? -EINVAL : result < 0 ? result : -EFAULT;
	name->length = (uint32_t)length;
	if (name->bytes[0] == '.' && (length == 1 || (length == 2 && name->bytes[1] == '.')))
		return -EACCES;
	for (uint64_t i = 0; i < length; i++)
		if (name->bytes[i] == '/' || !name->bytes[i])
			return -EACCES;
	return 0;
}

static struct queue *find(const struct queue_name *name)
{
	for (struct queue *queue = first; queue; queue = queue->next)
		if (queue->is_linked && queue->name.length == name->length &&
		    !__builtin_memcmp(queue->name.bytes, name->bytes, name->length))
			return queue;
	return NULL;
}

static bool is_in_group(const struct service *service, uint32_t group)
{
	bool is_member = service->credentials[2] == group;

	for (uint32_t i = 0; i < service->group_count; i++)
		is_member |= service->groups[i] == group;
	return is_member;
}

static bool may_open(const struct service *service, const struct queue *queue, uint32_t how)
{
	uint32_t wanted = (how & PIPE_OPEN_READ ? MAY_READ : 0) |
			  (how & PIPE_OPEN_WRITE ? MAY_WRITE : 0);
	uint32_t allowed = queue->mode;

	if (is_root(service))
		return true;
	if (service->credentials[1] == queue->user)
		allowed >>= 6;
	else if (is_in_group(service, queue->group))
		allowed >>= 3;
	return !(wanted & ~allowed);
}

/* -------------------------------------------------------------------------------------- limits */

static uint64_t bytes_of(uint32_t user)
{
	uint64_t bytes = 0;

	for (const struct queue *queue = first; queue; queue = queue->next)
		bytes += queue->user == user ? queue->bytes : 0;
	return bytes;
}

/* What the queue costs, as Linux reckons it. */
static uint64_t cost_of(const struct wanted *wanted)
{
	uint64_t leaves = wanted->capacity < QUEUE_PRIORITIES ? wanted->capacity : QUEUE_PRIORITIES;

	return wanted->capacity * (wanted->message_size + MESSAGE_COST) + leaves * LEAF_COST;
}

/* What a process says of its limit is believed as far as it is one. */
static int64_t check_limits(const struct service *service, const struct wanted *wanted)
{
	bool is_free = is_root(service);
	uint64_t limit = is_free ? BYTES_MAX_ROOT : BYTES_MAX, used;

	if (!wanted->capacity || !wanted->message_size ||
	    wanted->capacity > (is_free ? CAPACITY_MAX_ROOT : CAPACITY_MAX) ||
	    wanted->message_size > (is_free ? SIZE_MAX_ROOT : SIZE_MAX_USERS))
		return -EINVAL;
	if (queue_count >= (is_free ? QUEUES_MAX : QUEUES_MAX_USERS))
		return -ENOSPC;
	if (wanted->limit < limit)
		limit = wanted->limit;
	used = bytes_of((uint32_t)service->credentials[1]);
	return used > limit || cost_of(wanted) > limit - used ? -EMFILE : 0;
}

/* ---------------------------------------------------------------------------------------- life */

size_t queue_memory_size(const struct queue *queue)
{
	return ((size_t)queue->capacity * queue->message_size + PAGE - 1) & ~(size_t)(PAGE - 1);
}

static void forget(struct queue *queue)
{
	pool_retire(&queue->pooled, atomic_load(&queue->pooled.generation));
	pool_give(&queues, &queue->pooled);
}

/* Everything behind the record's head. */
static void fill(struct queue *queue, const struct service *service, const struct wanted *wanted)
{
	size_t kept = offsetof(struct queue, next);

	__builtin_memset((char *)queue + kept, 0, sizeof(*queue) - kept);
	queue->name = wanted->name;
	queue->is_linked = true;
	queue->user = (uint32_t)service->credentials[1];
	queue->group = (uint32_t)service->credentials[2];
	queue->mode = wanted->mode & 07777;
	queue->capacity = (uint32_t)wanted->capacity;
	queue->message_size = (uint32_t)wanted->message_size;
	queue->bytes = cost_of(wanted);
}

static bool make_parts(struct queue *queue)
{
	queue->channel = channel_create(false, false);
	if (!queue->channel)
		return false;
	/* Nobody is ever missing on either side: it is never at its end. */
	queue->channel->ends[SIDE_READ] = queue->channel->ends[SIDE_WRITE] = 1;
	queue->memobj = env_ring_create(TERN_REPLY, queue_memory_size(queue), &queue->memory);
	if (queue->memobj > 0 && queue_make_messages(queue))
		return true;
	if (queue->memobj > 0)
		env_ring_destroy(queue->memobj, queue->memory, queue_memory_size(queue));
	channel_free(queue->channel);
	return false;
}

/* 1: there is a new queue; or an error. */
static int64_t create(const struct service *service, const struct wanted *wanted,
		      struct queue **created)
{
	int64_t result = check_limits(service, wanted);
	struct queue *queue;

	if (result)
		return result;
	queue = pool_take(&queues);
	if (!queue)
		return -ENOSPC;
	fill(queue, service, wanted);
	if (!make_parts(queue)) {
		forget(queue);
		return -ENOMEM;
	}
	queue->next = first;
	first = queue;
	queue_count++;
	queue_show(queue);
	*created = queue;
	return 1;
}

static void free_if_unused(struct queue *queue)
{
	struct queue **at = &first;

	if (queue->is_linked || queue->opens)
		return;
	while (*at != queue)
		at = &(*at)->next;
	*at = queue->next;
	queue_count--;
	queue_free_messages(queue);
	env_ring_destroy(queue->memobj, queue->memory, queue_memory_size(queue));
	channel_free(queue->channel);
	forget(queue);
}

/* ---------------------------------------------------------------------------------- operations */

/* 0, 1: it is new, or an error. */
static int64_t find_or_create(const struct service *service, const struct wanted *wanted,
			      struct queue **queue)
{
	const uint32_t both = PIPE_OPEN_CREATE | PIPE_OPEN_EXCLUSIVE;

	*queue = find(&wanted->name);
	if (!*queue)
		return wanted->how & PIPE_OPEN_CREATE ? create(service, wanted, queue) : -ENOENT;
	if ((wanted->how & both) == both)
		return -EEXIST;
	return may_open(service, *queue, wanted->how) ? 0 : -EACCES;
}

static int64_t open_locked(uint64_t userdata, const struct service *service,
			   const struct wanted *wanted, int64_t *handle)
{
	struct queue *queue;
	struct end *end;
	int64_t is_new = find_or_create(service, wanted, &queue), result;

	if (is_new < 0)
		return is_new;
	result = end_create(userdata, IO_KIND_QUEUE, NULL, NULL, &end, handle);
	if (result < 0) {
		/* What was made for this call is not left behind. */
		if (is_new)
			queue->is_linked = false;
		free_if_unused(queue);
		return result;
	}
	end->queue = queue;
	end->access = wanted->how & (PIPE_OPEN_READ | PIPE_OPEN_WRITE);
	atomic_store(&end->flags, wanted->flags & IO_NONBLOCK);
	queue->opens++;
	return 0;
}

enum outcome queue_open(struct call *call, uint64_t userdata)
{
	const uint64_t *words = call->message.words;
	struct wanted wanted = {
		.mode = (uint32_t)(words[1] >> 32),
		.how = (uint32_t)words[2],
		.flags = (uint32_t)words[0],
		.capacity = words[3],
		.message_size = words[4],
		.limit = words[5],
	};
	const struct service *service = service_find(userdata);
	int64_t handle, result;

	result = service ? receive_name(call, &wanted.name) : -EPERM;
	if (!result) {
		lock_acquire(&queues_lock);
		result = open_locked(userdata, service, &wanted, &handle);
		lock_release(&queues_lock);
	}
	if (!result)
		call_extend(call, handle);
	return answer_number(call, result);
}

/* Names are in one folder for all, in which each deletes what is his. */
enum outcome queue_unlink(struct call *call, uint64_t userdata)
{
	const struct service *service = service_find(userdata);
	struct queue_name name;
	struct queue *queue;
	int64_t result = service ? receive_name(call, &name) : -EPERM;

	if (result)
		return answer_number(call, result);
	lock_acquire(&queues_lock);
	queue = find(&name);
	if (!queue) {
		result = -ENOENT;
	} else if (!is_root(service) && service->credentials[1] != queue->user) {
		result = -EPERM;
	} else {
		queue->is_linked = false;
		free_if_unused(queue);
	}
	lock_release(&queues_lock);
	return answer_number(call, result);
}

struct queue *queue_of(uint64_t name, struct end **found)
{
	struct end *end = pool_find(&ends, name);
	struct queue *queue = NULL;

	lock_acquire(&queues_lock);
	if (end && pooled_is(&end->pooled, name))
		queue = end->queue;
	if (!queue)
		lock_release(&queues_lock);
	*found = end;
	return queue;
}

enum outcome queue_info(struct call *call, uint64_t name)
{
	uint64_t *words = call->message.words;
	struct end *end;
	struct queue *queue = queue_of(name, &end);

	if (!queue)
		return answer_number(call, end ? -EINVAL : -EPIPE);
	words[1] = queue->capacity;
	words[2] = queue->message_size;
	words[3] = queue->count;
	words[4] = atomic_load(&end->flags) & IO_NONBLOCK;
	words[5] = queue->mode;
	words[6] = queue->user;
	words[7] = queue->group;
	lock_release(&queues_lock);
	return answer_number(call, 0);
}

/* All descriptions of a queue show the same number. */
void queue_attributes(struct end *end, uint64_t name, struct io_attributes *attributes)
{
	struct queue *queue = queue_of(name, &end);

	if (!queue)
		return;
	attributes->id = pool_name(&queue->pooled);
	attributes->readable = queue->count;
	attributes->writable = queue->capacity - queue->count;
	lock_release(&queues_lock);
}

void queue_close(struct end *end, uint64_t name)
{
	struct queue *queue;

	if (!end->queue)
		return;
	lock_acquire(&queues_lock);
	queue = end->queue;
	end->queue = NULL;
	queue_drop_end(queue, name);
	if (queue->port && queue->port_end == name)
		queue_tell_end(queue);
	lock_acquire(&queue->channel->lock);
	watch_leave(queue->channel, SIDE_READ, name, true);
	lock_release(&queue->channel->lock);
	queue->opens--;
	free_if_unused(queue);
	lock_release(&queues_lock);
}
