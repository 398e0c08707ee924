/*
 * Deadlines and timer objects. Each hart's queue is a pairing heap: insertion and the earliest
 * deadline in constant time, removal of any in amortised logarithmic time, no memory of its own.
 */
#include "kernel/timer.h"

#include "kernel/debug.h"
#include "kernel/hart.h"
#include "kernel/ipc.h"
#include "kernel/process.h"

#define PERIOD_MIN 10000

/* ---------------------------------------------------------------------------- pairing heap */

/* `parent` of a first child is its parent, of another child its previous sibling. */
static struct deadline *meld(struct deadline *a, struct deadline *b)
{
	if (!a || !b)
		return a ? a : b;
	if (b->when < a->when) {
		struct deadline *swap = a;

		a = b;
		b = swap;
	}
	b->parent = a;
	b->right = a->left;
	if (b->right)
		b->right->parent = b;
	a->left = b;
	a->right = NULL;
	a->parent = NULL;
	return a;
}

/* Meld a list of siblings in pairs, then the pairs from the last to the first. */
static struct deadline *meld_siblings(struct deadline *first)
{
	struct deadline *pairs = NULL, *heap = NULL;

	while (first) {
		struct deadline *a = first, *b = a->right;

		first = b ? b->right : NULL;
		a->right = NULL;
		if (b)
			b->right = NULL;
		a = meld(a, b);
		a->right = pairs;
		pairs = a;
	}
	while (pairs) {
		struct deadline *next = pairs->right;

		pairs->right = NULL;
		heap = meld(heap, pairs);
		pairs = next;
	}
	if (heap)
		heap->parent = NULL;
	return heap;
}

/* The queue's lock is held. */
static void heap_remove(struct timer_queue *queue, struct deadline *deadline)
{
	struct deadline *children = meld_siblings(deadline->left);

	if (queue->root == deadline) {
		queue->root = children;
	} else {
		if (deadline->parent->left == deadline)
			deadline->parent->left = deadline->right;
		else
			deadline->parent->right = deadline->right;
		if (deadline->right)
			deadline->right->parent = deadline->parent;
		queue->root = meld(queue->root, children);
	}
	deadline->left = deadline->right = deadline->parent = NULL;
	deadline->queue = NULL;
}

/* ------------------------------------------------------------------------------- deadlines */

void timer_queue_init(struct timer_queue *queue)
{
	spin_init(&queue->lock, LOCK_RANK_TIMER);
	queue->root = NULL;
	queue->programmed = UINT64_MAX;
}

/* Only the hart itself can program its timer; a later time than needed is corrected when it fires. */
static void program(struct timer_queue *queue)
{
	u64 when = queue->root ? queue->root->when : UINT64_MAX;

	if (when == queue->programmed)
		return;
	queue->programmed = when;
	arch_timer_set(when);
}

bool deadline_cancel(struct deadline *deadline)
{
	struct timer_queue *queue = deadline->queue;
	bool was_armed;

	if (!queue)
		return false;
	spin_lock(&queue->lock);
	was_armed = deadline->queue == queue;
	if (was_armed)
		heap_remove(queue, deadline);
	spin_unlock(&queue->lock);
	return was_armed;
}

void deadline_arm(struct deadline *deadline, u64 when)
{
	struct timer_queue *queue = &arch_hart()->timers;

	deadline_cancel(deadline);
	spin_lock(&queue->lock);
	deadline->when = when;
	deadline->queue = queue;
	deadline->left = deadline->right = deadline->parent = NULL;
	queue->root = meld(queue->root, deadline);
	if (when < queue->programmed)
		program(queue);
	spin_unlock(&queue->lock);
}

void timer_interrupt(void)
{
	struct timer_queue *queue = &arch_hart()->timers;
	u64 now = arch_time();

	for (;;) {
		struct deadline *due;

		spin_lock(&queue->lock);
		due = queue->root;
		if (!due || due->when > now) {
			queue->programmed = UINT64_MAX - 1; /* forces the hardware to be set */
			program(queue);
			spin_unlock(&queue->lock);
			return;
		}
		heap_remove(queue, due);
		spin_unlock(&queue->lock);
		due->expire(due);
	}
}

/* --------------------------------------------------------------------------- timer objects */

static struct timer *timer_of(struct object *object)
{
	return container_of(object, struct timer, object);
}

/* It may be set again on another hart while it is on its way here: then it is armed, and stays so. */
static void timer_expire(struct deadline *deadline)
{
	struct timer *timer = container_of(deadline, struct timer, deadline);
	u64 period;

	spin_lock(&timer->lock);
	period = timer->period;
	if (period && !timer->object.is_dead && !deadline->queue)
		deadline_arm(deadline, max_u64(deadline->when + period, arch_time()));
	spin_unlock(&timer->lock);
	port_notify(timer->port, timer->bits);
}

static void timer_stop(struct timer *timer)
{
	spin_lock(&timer->lock);
	timer->period = 0;
	deadline_cancel(&timer->deadline);
	spin_unlock(&timer->lock);
}

void timer_kill_object(struct object *object)
{
	timer_stop(timer_of(object));
}

/* An expire that runs on another hart meanwhile ends before the grace period does. */
void timer_destroy(struct object *object)
{
	struct timer *timer = timer_of(object);

	object->is_dead = true;
	timer_stop(timer);
	object_put(timer->port);
	object_free(object);
}

s64 sys_timer_create(u64 account_handle, u64 port_handle, u64 bits)
{
	struct account *account;
	struct object *port, *object;
	struct timer *timer;
	s64 result = account_resolve((s64)account_handle, &account);

	if (result)
		return result;
	if (!bits)
		return -EINVAL;
	result = event_port_resolve((s64)port_handle, &port);
	if (result)
		return result;
	object = object_create(account, TERN_TYPE_TIMER);
	if (!object) {
		object_put(port);
		return -ENOMEM;
	}
	timer = timer_of(object);
	timer->port = port;
	timer->bits = bits;
	timer->deadline.expire = timer_expire;
	spin_init(&timer->lock, LOCK_RANK_MEMOBJ);
	return handle_insert_new(object, OBJECT_RIGHTS);
}

s64 sys_timer_set(u64 handle, u64 deadline, u64 period)
{
	struct object *object;
	struct timer *timer;
	int error = handle_resolve(arch_hart()->current->process, (s64)handle, TERN_TYPE_TIMER,
				   TERN_RIGHT_OWNER, &object);

	if (error)
		return error;
	if (period && (period < PERIOD_MIN || period > INT64_MAX))
		return -EINVAL;
	timer = timer_of(object);
	spin_lock(&timer->lock);
	timer->period = deadline ? period : 0;
	if (deadline && !object->is_dead)
		deadline_arm(&timer->deadline, deadline);
	else
		deadline_cancel(&timer->deadline);
	spin_unlock(&timer->lock);
	return 0;
}
