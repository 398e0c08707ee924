/*
 * Interrupt objects. The table by number is the only way from a line to its object; its lock
 * decides between delivery, acknowledgement and the object's end.
 */
#include "kernel/interrupt.h"

#include "kernel/hart.h"
#include "kernel/ipc.h"
#include "kernel/object_alloc.h"
#include "kernel/process.h"
#include "kernel/resource.h"
#include "kernel/spinlock.h"

static struct spinlock table_lock = SPINLOCK_INIT(LOCK_RANK_INTERRUPT);
static struct interrupt **table;
static u32 table_count;

void interrupt_init(u32 count)
{
	table = kernel_alloc(count * sizeof(*table));
	table_count = table ? count : 0;
}

static struct interrupt *interrupt_of(struct object *object)
{
	return container_of(object, struct interrupt, object);
}

/* The port to notify, with a reference, if the line is bound and quiet so far; else NULL. */
static struct object *take_port(u32 number, u64 *bits)
{
	struct object *port = NULL;

	spin_lock(&table_lock);
	if (number < table_count && table[number] && !table[number]->is_pending) {
		table[number]->is_pending = true;
		*bits = table[number]->bits;
		port = table[number]->port;
		object_get(port);
	}
	spin_unlock(&table_lock);
	return port;
}

static bool deliver(u32 number)
{
	u64 bits;
	struct object *port = take_port(number, &bits);

	if (!port)
		return false;
	port_notify(port, bits);
	object_put(port);
	return true;
}

/*
 * A claimed line that could not be delivered. Nobody wants it: it is switched off. It has been
 * bound since: it may come again. Its driver has one to acknowledge still: that completes it.
 */
static void decline(u32 number)
{
	const struct interrupt *interrupt;

	spin_lock(&table_lock);
	interrupt = number < table_count ? table[number] : NULL;
	if (!interrupt)
		arch_irq_disable(number);
	if (!interrupt || !interrupt->is_pending)
		arch_irq_complete(number);
	spin_unlock(&table_lock);
}

/* Claimed lines stay quiet until completed. */
void interrupt_external(void)
{
	u32 number;

	while ((number = arch_irq_claim()))
		if (!deliver(number))
			decline(number);
}

int interrupt_raise(u32 number)
{
	bool is_bound;

	spin_lock(&table_lock);
	is_bound = number < table_count && table[number];
	spin_unlock(&table_lock);
	if (!is_bound)
		return -ENODEV;
	deliver(number);
	return 0;
}

/* The line is free again for the next driver. */
static void unbind(struct interrupt *interrupt)
{
	u32 number = interrupt->number;

	spin_lock(&table_lock);
	if (table[number] == interrupt) {
		table[number] = NULL;
		arch_irq_disable(number);
		if (interrupt->is_pending)
			arch_irq_complete(number);
	}
	spin_unlock(&table_lock);
}

void interrupt_kill_object(struct object *object)
{
	unbind(interrupt_of(object));
}

void interrupt_destroy(struct object *object)
{
	struct interrupt *interrupt = interrupt_of(object);

	unbind(interrupt);
	object_put(interrupt->port);
	object_free(object);
}

static bool bind(struct interrupt *interrupt)
{
	bool is_free;

	spin_lock(&table_lock);
	is_free = !table[interrupt->number];
	if (is_free) {
		table[interrupt->number] = interrupt;
		arch_irq_enable(interrupt->number);
	}
	spin_unlock(&table_lock);
	return is_free;
}

static struct interrupt *interrupt_create(struct account *account, u32 number, struct object *port,
					  u64 bits)
{
	struct object *object = object_create(account, TERN_TYPE_INTERRUPT);
	struct interrupt *interrupt;

	if (!object)
		return NULL;
	interrupt = interrupt_of(object);
	interrupt->number = number;
	interrupt->port = port;
	interrupt->bits = bits;
	object_get(port);
	return interrupt;
}

s64 sys_interrupt_create(u64 account_handle, u64 resource, u64 number, u64 port_handle, u64 bits)
{
	struct account *account;
	struct interrupt *interrupt;
	struct object *port;
	s64 result = account_resolve((s64)account_handle, &account);

	if (!result)
		result = resource_check((s64)resource);
	if (result)
		return result;
	if (!bits)
		return -EINVAL;
	if (number == 0 || number >= table_count)
		return -ENODEV;
	result = event_port_resolve((s64)port_handle, &port);
	if (result)
		return result;
	interrupt = interrupt_create(account, (u32)number, port, bits);
	object_put(port);
	if (!interrupt)
		return -ENOMEM;
	if (bind(interrupt))
		return handle_insert_new(&interrupt->object, OBJECT_RIGHTS);
	object_put(&interrupt->object);
	return -EBUSY;
}

s64 sys_interrupt_ack(u64 handle)
{
	struct object *object;
	struct interrupt *interrupt;
	int error = handle_resolve(arch_hart()->current->process, (s64)handle, TERN_TYPE_INTERRUPT,
				   TERN_RIGHT_OWNER, &object);

	if (error)
		return error;
	interrupt = interrupt_of(object);
	spin_lock(&table_lock);
	if (interrupt->is_pending && table[interrupt->number] == interrupt) {
		interrupt->is_pending = false;
		arch_irq_complete(interrupt->number);
	} else {
		error = -EAGAIN;
	}
	spin_unlock(&table_lock);
	return error;
}
