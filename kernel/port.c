/*
 * Client ports: (listener, userdata) and what clients may do with it.
 *
 * A port is *live* while object.callee points to its listener, *dormant* after its last client
 * has gone (until it is minted again), *revoked* for good. callee is cleared under the listener's
 * lock, and whoever delivers a message holds that lock and looks at callee: so nothing comes
 * through a port after its no-clients event was queued, or after its revocation.
 *
 * Its queue node stands for pending notification bits and for the no-clients event; the event is
 * delivered last and alone, because queued calls count as clients.
 */
#include "kernel/bits.h"
#include "kernel/debug.h"
#include "kernel/ipc.h"
#include "kernel/pager.h"
#include "kernel/sched.h"
#include "kernel/syscall.h"

/* The listener of a live port, for somebody who holds its lock and for racing readers alike: the
 * address orders what is read behind it. */
static struct listener *port_callee(struct client_port *port)
{
	return atomic_load_explicit(&port->object.callee, memory_order_relaxed);
}

/* What a queued port has to say, to a receiver's frame. */
static ALWAYS_INLINE void deliver(struct client_port *port, struct thread *receiver)
{
	struct frame *frame = &receiver->frame;
	u64 bits = port->bits;

	if (LIKELY(bits)) {
		frame_set_result(frame, TERN_EVENT_NOTIFY, port->userdata);
		frame->words[0] = bits;
		port->bits = 0;
	} else {
		frame_set_result(frame, TERN_EVENT_NO_CLIENTS, port->userdata);
		frame->words[0] = port->mints;
		port->no_clients_due = false;
	}
}

void port_deliver(struct client_port *port, struct thread *receiver)
{
	deliver(port, receiver);
}

/*
 * It has something to say: to a waiting receiver at once, which the caller makes ready when it
 * has given the listener's lock back, or in the queue (NULL).
 */
static MUST_USE struct thread *port_announce(struct client_port *port, struct listener *listener)
{
	struct thread *receiver = NULL;

	if (port->sender.is_queued)
		return NULL;
	receiver = listener_pop_receiver(listener);
	if (LIKELY(receiver))
		deliver(port, receiver);
	else
		listener_enqueue(listener, &port->sender, TERN_PRIORITIES - 1);
	return receiver;
}

/* The listener's lock is held and given back. */
static NOINLINE s64 post_slowly(struct client_port *port, struct listener *listener)
{
	struct thread *receiver = port_announce(port, listener);

	spin_unlock(&listener->lock);
	if (receiver)
		sched_ready(receiver);
	return 0;
}

/* -EPIPE: it is not live. As a rule somebody waits. */
static ALWAYS_INLINE s64 port_post(struct client_port *port, struct listener *listener, u64 bits)
{
	struct thread *first;

	spin_lock(&listener->lock);
	if (UNLIKELY(!port_callee(port))) {
		spin_unlock(&listener->lock);
		return -EPIPE;
	}
	port->bits |= bits;
	first = listener->receivers;
	if (UNLIKELY(port->sender.is_queued) || UNLIKELY(!first) ||
	    UNLIKELY(atomic_load_explicit(&first->pending, memory_order_relaxed)))
		return post_slowly(port, listener);
	listener->receivers = first->next;
	deliver(port, first);
	spin_unlock(&listener->lock);
	sched_ready(first);
	return 0;
}

void port_notify(struct object *object, u64 bits)
{
	(void)port_post(port_of(object), port_of(object)->listener, bits);
}

void port_client_gone(struct client_port *port)
{
	struct listener *listener = port->listener;
	struct thread *receiver = NULL;

	if (atomic_fetch_sub(&port->clients, 1) != 1 || !port->has_had_clients)
		return;
	spin_lock(&listener->lock);
	if (atomic_load(&port->clients) == 0 && port_callee(port)) {
		atomic_store(&port->object.callee, NULL);
		port->no_clients_due = true;
		receiver = port_announce(port, listener);
	}
	spin_unlock(&listener->lock);
	if (receiver)
		sched_ready(receiver);
}

void port_handle_added(struct object *object, u32 rights)
{
	struct client_port *port = port_of(object);

	if (rights & TERN_RIGHT_OWNER)
		return;
	port->has_had_clients = true;
	atomic_fetch_add(&port->clients, 1);
}

void port_handle_removed(struct object *object, u32 rights)
{
	if (!(rights & TERN_RIGHT_OWNER))
		port_client_gone(port_of(object));
}

/* Callers that are queued through the port get -EPIPE. */
static void port_refuse_queued(struct client_port *port)
{
	struct listener *listener = port->listener;

	for (u64 ready = listener->ready; ready; ready &= ready - 1) {
		LIST_FOR_EACH_SAFE(node, &listener->senders[bit_lowest(ready)]) {
			struct sender *sender = container_of(node, struct sender, link);
			struct thread *caller;

			if (sender->kind != SENDER_CALL)
				continue;
			caller = container_of(sender, struct thread, sender);
			if (caller->port != port)
				continue;
			caller_refuse(listener, caller);
			atomic_fetch_sub(&port->clients, 1);
			thread_wake(caller, -EPIPE);
		}
	}
}

/* Nobody can call or notify through it; was it live? The listener's lock is held. */
static bool port_close(struct client_port *port)
{
	bool was_live = port_callee(port);

	ASSERT(spin_is_held(&port->listener->lock));
	atomic_store(&port->object.callee, NULL);
	port_refuse_queued(port);
	pager_port_died(port);
	return was_live;
}

void port_revoke_locked(struct client_port *port)
{
	(void)port_close(port);
	port->is_revoked = true;
	port->bits = 0;
	port->no_clients_due = false;
	if (port->sender.is_queued)
		listener_dequeue(port->listener, &port->sender);
}

static void port_revoke(struct client_port *port)
{
	spin_lock(&port->listener->lock);
	if (!port->is_revoked)
		port_revoke_locked(port);
	spin_unlock(&port->listener->lock);
}

/* Its account is destroyed. Nothing comes through it any more, and the server, who did not ask for that,
 * hears that its clients have gone. */
void port_kill_object(struct object *object)
{
	struct client_port *port = port_of(object);
	struct thread *receiver = NULL;

	spin_lock(&port->listener->lock);
	if (port_close(port) && port->has_had_clients) {
		port->no_clients_due = true;
		receiver = port_announce(port, port->listener);
	}
	spin_unlock(&port->listener->lock);
	if (receiver)
		sched_ready(receiver);
}

void port_destroy(struct object *object)
{
	struct client_port *port = port_of(object);
	struct listener *listener = port->listener;

	spin_lock(&listener->lock);
	if (!port->is_revoked)
		port_revoke_locked(port);
	list_remove(&port->listener_link);
	spin_unlock(&listener->lock);
	object_put(&listener->object);
	object_free(object);
}

/* -------------------------------------------------------------------------- system calls */

static ALWAYS_INLINE int port_resolve(u64 handle, u32 rights, struct client_port **port)
{
	struct object *object;
	int error = handle_resolve(arch_hart()->current->process, (s64)handle, TERN_TYPE_PORT,
				   rights, &object);

	if (!error)
		*port = port_of(object);
	return error;
}

static NOINLINE s64 notify_error(u64 handle, u64 bits)
{
	struct client_port *port;
	int error = port_resolve(handle, TERN_RIGHT_NOTIFY, &port);

	return error ? error : bits ? -EPIPE : -EINVAL;
}

FRAMELESS s64 sys_notify(u64 handle, u64 bits)
{
	struct object *object = handle_lookup(arch_hart()->current->process, (s64)handle);
	/* Only a live client port has a callee. */
	struct listener *listener = object ? port_callee(port_of(object)) : NULL;

	if (LIKELY(listener && bits && handle_rights((s64)handle) & TERN_RIGHT_NOTIFY))
		return port_post(port_of(object), listener, bits);
	return notify_error(handle, bits);
}

static struct client_port *port_create(struct account *account, struct listener *listener,
				       u64 userdata, u64 flags)
{
	struct object *object = object_create(account, TERN_TYPE_PORT);
	struct client_port *port;

	if (!object)
		return NULL;
	port = port_of(object);
	port->userdata = userdata;
	port->listener = listener;
	port->is_persistent = flags & TERN_PORT_PERSISTENT;
	port->sender.kind = SENDER_PORT;
	list_init(&port->sender.link);
	object_get(&listener->object);
	spin_lock(&listener->lock);
	list_append(&listener->ports, &port->listener_link);
	port->is_revoked = listener->object.is_dead;
	atomic_store(&port->object.callee, listener->object.is_dead ? NULL : listener);
	spin_unlock(&listener->lock);
	return port;
}

s64 sys_port_create(u64 account_handle, u64 listener_handle, u64 userdata, u64 flags)
{
	struct process *process = arch_hart()->current->process;
	struct account *account;
	struct object *object;
	struct client_port *port;
	s64 result = account_resolve((s64)account_handle, &account);

	if (!result)
		result = handle_resolve(process, (s64)listener_handle, TERN_TYPE_LISTENER,
					TERN_RIGHT_MINT, &object);
	if (result)
		return result;
	if (flags & ~(u64)TERN_PORT_PERSISTENT)
		return -EINVAL;
	if (object->is_dead)
		return -EPIPE;
	port = port_create(account, listener_of(object), userdata, flags);
	if (!port)
		return -ENOMEM;
	return handle_insert_new(&port->object, TERN_RIGHTS_ALL & ~TERN_RIGHT_NO_INHERIT);
}

/* A dormant port lives again; an undelivered no-clients event is taken back. */
static bool port_add_mint(struct client_port *port)
{
	bool is_live;

	spin_lock(&port->listener->lock);
	is_live = !port->is_revoked && !port->object.is_dead;
	if (is_live) {
		port->mints++;
		atomic_fetch_add(&port->clients, 1);
		port->no_clients_due = false;
		if (port->sender.is_queued && !port->bits)
			listener_dequeue(port->listener, &port->sender);
		atomic_store(&port->object.callee, port->listener);
	}
	spin_unlock(&port->listener->lock);
	return is_live;
}

s64 sys_port_mint(u64 handle, u64 rights)
{
	struct process *process = arch_hart()->current->process;
	struct client_port *port;
	s64 result = port_resolve(handle, TERN_RIGHT_OWNER, &port);

	if (result)
		return result;
	if (rights & ~(u64)TERN_RIGHTS_ALL)
		return -EINVAL;
	result = handle_reserve(process, 1);
	if (result)
		return result;
	if (!object_get_live(&port->object)) {
		handle_unreserve(process, 1);
		return -EBADF;
	}
	if (!port_add_mint(port)) {
		handle_unreserve(process, 1);
		object_put(&port->object);
		return -EPIPE;
	}
	/* point of no return: counted once here for the mint and once by the table */
	result = handle_insert_reserved(process, &port->object,
					(u32)rights & ~TERN_RIGHT_OWNER &
						handle_rights((s64)handle));
	port_client_gone(port);
	return result;
}

s64 sys_port_revoke(u64 handle)
{
	struct client_port *port;
	int error = port_resolve(handle, TERN_RIGHT_OWNER, &port);

	if (!error)
		port_revoke(port);
	return error;
}
