/*
 * Listeners: the queues of those who send and those who receive.
 *
 * At any time at most one of the two is populated by threads that can meet: a receiver waits only
 * when no sender is queued, a sender queues only when no receiver can take it (receivers that have
 * something pending are on their way out and do not count).
 */
#include "kernel/bits.h"
#include "kernel/debug.h"
#include "kernel/ipc.h"
#include "kernel/object_alloc.h"
#include "kernel/sched.h"
#include "kernel/syscall.h"

#define SENDER_LIMIT_MAX 65536
#define ATTENTION_SENDERS 1
#define ATTENTION_DESTROYED 2

struct listener no_listener = {
	.lock = SPINLOCK_INIT(LOCK_RANK_LISTENER),
	.attention = ATTENTION_DESTROYED,
};

void listener_enqueue(struct listener *listener, struct sender *sender, u8 priority)
{
	ASSERT(spin_is_held(&listener->lock) && !sender->is_queued);
	sender->priority = priority;
	sender->is_queued = true;
	list_append(&listener->senders[priority], &sender->link);
	listener->ready |= 1ul << priority;
	listener->sender_count++;
	listener->attention |= ATTENTION_SENDERS;
}

void listener_dequeue(struct listener *listener, struct sender *sender)
{
	ASSERT(spin_is_held(&listener->lock) && sender->is_queued);
	list_remove(&sender->link);
	sender->is_queued = false;
	listener->sender_count--;
	if (list_is_empty(&listener->senders[sender->priority]))
		listener->ready &= ~(1ul << sender->priority);
	if (!listener->ready)
		listener->attention &= ~(u64)ATTENTION_SENDERS;
}

void caller_refuse(struct listener *listener, struct thread *caller)
{
	listener_dequeue(listener, &caller->sender);
	caller->extended_token = 0; /* its next call must not find this one's windows */
	caller->state = THREAD_ACTIVE;
}

struct sender *listener_first_sender(struct listener *listener)
{
	if (!listener->ready)
		return NULL;
	return container_of(list_first(&listener->senders[bit_highest(listener->ready)]),
			    struct sender, link);
}

struct thread *listener_search_receiver(struct listener *listener)
{
	struct thread **best = NULL, *thread;

	ASSERT(spin_is_held(&listener->lock));
	for (struct thread **place = &listener->receivers; *place; place = &(*place)->next) {
		u32 pending = atomic_load_explicit(&(*place)->pending, memory_order_relaxed);

		if (pending & PENDING_LEAVES || (pending && best))
			continue;
		best = place;
		if (!pending)
			break;
	}
	if (!best)
		return NULL;
	thread = *best;
	*best = thread->next;
	thread->next = NULL;
	return thread;
}

bool listener_remove_receiver(struct listener *listener, struct thread *thread)
{
	ASSERT(spin_is_held(&listener->lock));
	for (struct thread **place = &listener->receivers; *place; place = &(*place)->next) {
		if (*place == thread) {
			*place = thread->next;
			thread->next = NULL;
			return true;
		}
	}
	return false;
}

u32 listener_revoke_ports(struct listener *listener, bool all)
{
	u32 revoked = 0;

	LIST_FOR_EACH(node, &listener->ports) {
		struct client_port *port = container_of(node, struct client_port, listener_link);

		if (port->is_revoked || (port->is_persistent && !all))
			continue;
		port_revoke_locked(port);
		revoked++;
	}
	return revoked;
}

/* Everyone who waits gets -EPIPE; nobody can wait from now on. */
static void listener_shut(struct listener *listener)
{
	struct sender *sender;
	struct thread *thread;

	spin_lock(&listener->lock);
	listener->object.is_dead = true;
	listener->attention |= ATTENTION_DESTROYED;
	listener_revoke_ports(listener, true);
	while ((sender = listener_first_sender(listener)))
		listener_dequeue(listener, sender);
	while ((thread = listener->receivers)) {
		listener->receivers = thread->next;
		thread->next = NULL;
		thread_wake(thread, -EPIPE);
	}
	spin_unlock(&listener->lock);
}

void listener_handle_added(struct object *object)
{
	atomic_fetch_add(&listener_of(object)->handles, 1);
}

void listener_handle_removed(struct object *object)
{
	if (atomic_fetch_sub(&listener_of(object)->handles, 1) == 1)
		listener_shut(listener_of(object));
}

void listener_kill_object(struct object *object)
{
	listener_shut(listener_of(object));
}

/* No handle, port or thread refers to it: nobody waits. */
void listener_destroy(struct object *object)
{
	struct listener *listener = listener_of(object);

	ASSERT(!listener->ready && !listener->receivers);
	kernel_free(listener->senders, TERN_PRIORITIES * sizeof(struct list));
	object_free(object);
}

static struct listener *listener_create(struct account *account, u32 sender_limit)
{
	struct list *senders = kernel_alloc(TERN_PRIORITIES * sizeof(struct list));
	struct object *object = senders ? object_create(account, TERN_TYPE_LISTENER) : NULL;
	struct listener *listener;

	if (!object) {
		if (senders)
			kernel_free(senders, TERN_PRIORITIES * sizeof(struct list));
		return NULL;
	}
	listener = listener_of(object);
	spin_init(&listener->lock, LOCK_RANK_LISTENER);
	listener->sender_limit = sender_limit;
	listener->senders = senders;
	for (u32 i = 0; i < TERN_PRIORITIES; i++)
		list_init(&senders[i]);
	list_init(&listener->ports);
	list_init(&listener->servers);
	return listener;
}

s64 sys_listener_create(u64 account_handle, u64 sender_limit)
{
	struct account *account;
	struct listener *listener;
	s64 result = account_resolve((s64)account_handle, &account);

	if (result)
		return result;
	if (sender_limit < 1 || sender_limit > SENDER_LIMIT_MAX)
		return -EINVAL;
	listener = listener_create(account, (u32)sender_limit);
	return listener ? handle_insert_new(&listener->object, OBJECT_RIGHTS) : -ENOMEM;
}

s64 sys_listener_takeover(u64 handle)
{
	struct object *object;
	struct listener *listener;
	s64 result = handle_resolve(arch_hart()->current->process, (s64)handle, TERN_TYPE_LISTENER,
				    TERN_RIGHT_OWNER, &object);

	if (result)
		return result;
	listener = listener_of(object);
	spin_lock(&listener->lock);
	result = listener_revoke_ports(listener, false);
	spin_unlock(&listener->lock);
	return result;
}

s64 sys_listener_destroy(u64 handle)
{
	struct object *object;
	s64 result = handle_resolve(arch_hart()->current->process, (s64)handle, TERN_TYPE_LISTENER,
				    TERN_RIGHT_OWNER, &object);

	if (!result)
		listener_shut(listener_of(object));
	return result;
}
