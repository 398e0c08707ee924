/* Accounts: who pays for kernel memory, and how much may be spent. */
#include "kernel/account.h"

#include "kernel/debug.h"
#include "kernel/hart.h"
#include "kernel/process.h"
#include "kernel/resource.h"
#include "kernel/thread.h"
#include "kernel/user_copy.h"
#include "tern/process.h"

/* Destroying an account recurses through its children: the kernel stack bounds the depth. */
#define ACCOUNT_DEPTH_MAX 16

/* Objects that die before interrupts have another chance. */
#define KILL_BATCH 16

struct account *root_account;

static struct account *account_of(struct object *object)
{
	return container_of(object, struct account, object);
}

static struct account *account_new(struct account *parent, u64 limit)
{
	struct object *object = object_create(parent, TERN_TYPE_ACCOUNT);
	struct account *account;

	if (!object)
		return NULL;
	account = account_of(object);
	account->limit = limit;
	spin_init(&account->lock, LOCK_RANK_ACCOUNT);
	list_init(&account->objects);
	list_init(&account->unborn);
	return account;
}

void account_init(u64 limit)
{
	root_account = account_new(NULL, limit);
	ASSERT(root_account);
}

struct account *account_create(struct account *parent, u64 limit)
{
	struct account *account;

	if (!account_charge(parent, limit))
		return NULL;
	account = account_new(parent, limit);
	if (!account)
		account_uncharge(parent, limit);
	return account;
}

static u32 account_depth(const struct account *account)
{
	u32 depth = 0;

	for (; account->object.account; account = account->object.account)
		depth++;
	return depth;
}

static bool can_pay(const struct account *account, u64 used, u64 bytes)
{
	return bytes <= account->limit && used <= account->limit - bytes;
}

bool account_could_pay(const struct account *account, u64 bytes)
{
	return can_pay(account, atomic_load_explicit(&account->used, memory_order_relaxed), bytes);
}

bool account_charge(struct account *account, u64 bytes)
{
	u64 used = atomic_load_explicit(&account->used, memory_order_relaxed);

	do {
		if (!can_pay(account, used, bytes))
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		&account->used, &used, used + bytes, memory_order_relaxed, memory_order_relaxed));
	return true;
}

void account_uncharge(struct account *account, u64 bytes)
{
	u64 used = atomic_fetch_sub_explicit(&account->used, bytes, memory_order_relaxed);

	ASSERT(used >= bytes);
	(void)used;
}

bool account_link(struct account *account, struct object *object)
{
	bool is_open;

	spin_lock(&account->lock);
	is_open = !account->is_closed;
	if (is_open) {
		object_get(&account->object);
		list_append(&account->objects, &object->account_link);
	}
	spin_unlock(&account->lock);
	return is_open;
}

void account_unlink(struct object *object)
{
	struct account *account = object->account;

	spin_lock(&account->lock);
	list_remove(&object->account_link);
	spin_unlock(&account->lock);
}

/* The last object it paid for has gone, and the last handle: its limit goes back to the parent. */
void account_destroy(struct object *object)
{
	struct account *account = account_of(object);

	ASSERT(list_is_empty(&account->objects) && list_is_empty(&account->unborn));
	if (object->account)
		account_uncharge(object->account, account->limit);
	object_free(object);
}

/*
 * Off its list, so that each object is looked at once: is it alive, and to be killed? A child account
 * may come back to the list, dead but not empty.
 */
static bool account_claim(struct object *object)
{
	list_remove(&object->account_link);
	if ((object->is_dead && object->type != TERN_TYPE_ACCOUNT) || !object_get_live(object))
		return false;
	object->is_dead = true;
	return true;
}

/* The first object on the list that is to be killed, with a reference; NULL: none left, or the
 * batch is used up by those that need nothing done. */
static struct object *account_next_victim(struct account *account, struct list *list, u32 *batch)
{
	struct object *victim = NULL;
	struct list *first;

	spin_lock(&account->lock);
	while (!victim && *batch && (first = list_first(list))) {
		struct object *object = container_of(first, struct object, account_link);

		--*batch;
		if (list == &account->unborn ||
		    atomic_load_explicit(&object->is_published, memory_order_acquire)) {
			victim = account_claim(object) ? object : NULL;
		} else {
			list_remove(first);
			list_append(&account->unborn, first);
		}
	}
	spin_unlock(&account->lock);
	return victim;
}

static void account_put_back(struct account *account, struct object *object)
{
	spin_lock(&account->lock);
	list_append(&account->objects, &object->account_link);
	spin_unlock(&account->lock);
}

/*
 * Kill what is on the list, until the batch is used up (false) or the list. An interrupt ends a batch
 * early: what one object takes is bounded, but differs by orders of magnitude. Child accounts are
 * objects that it paid for: the recursion is as deep as the account tree.
 */
static bool account_kill_some(struct account *account, struct list *list, u32 *batch)
{
	struct object *victim;

	while ((victim = account_next_victim(account, list, batch))) {
		object_types[victim->type].kill(victim);
		if (arch_interrupt_pending())
			*batch = 0;
		if (victim->type == TERN_TYPE_ACCOUNT &&
		    !account_kill_some(account_of(victim), &account_of(victim)->objects, batch))
			account_put_back(account, victim);
		object_put(victim);
	}
	return *batch != 0;
}

/*
 * Dead objects that somebody still has a handle to keep their account. What it has left it will never
 * need: so a server's successor can have it.
 */
static void account_give_back(struct account *account)
{
	u64 used = atomic_load(&account->used), limit = account->limit;

	if (used >= limit || !account->object.account)
		return;
	account->limit = used;
	account_uncharge(account->object.account, limit - used);
}

/* No hart is at work any more on what was unborn: it is whole, or gone. Whoever began to destroy the
 * account may have died before the end; so all that is left is killed here. */
static void account_sweep(struct reclaim_node *node)
{
	struct account *account = container_of(node, struct account, sweep);
	u32 batch = KILL_BATCH;

	if (!account_kill_some(account, &account->objects, &batch) ||
	    !account_kill_some(account, &account->unborn, &batch)) {
		reclaim_defer(node, account_sweep);
		return;
	}
	account_give_back(account);
	object_put(&account->object);
}

/* From here on it pays for nothing new, and what it has paid for is going to die. */
void account_kill_object(struct object *object)
{
	struct account *account = account_of(object);
	bool was_closed;

	spin_lock(&account->lock);
	was_closed = account->is_closed;
	account->is_closed = true;
	spin_unlock(&account->lock);
	if (was_closed)
		return;
	object_get(object);
	reclaim_defer(&account->sweep, account_sweep);
}

s64 sys_account_create(u64 parent_handle, u64 limit)
{
	struct account *parent, *account;
	s64 result = account_resolve((s64)parent_handle, &parent);

	if (result)
		return result;
	if (!limit || limit & (PAGE_SIZE - 1))
		return -EINVAL;
	if (account_depth(parent) >= ACCOUNT_DEPTH_MAX)
		return -EINVAL;
	account = account_create(parent, limit);
	return account ? handle_insert_new(&account->object, OBJECT_RIGHTS) : -ENOMEM;
}

static int resolve(u64 handle, u32 rights, struct account **account)
{
	struct process *process = arch_hart()->current->process;
	struct object *object;
	int error;

	if (handle == TERN_SELF_ACCOUNT) {
		*account = process->object.account;
		return 0;
	}
	error = handle_resolve(process, (s64)handle, TERN_TYPE_ACCOUNT, rights, &object);
	if (!error)
		*account = account_of(object);
	return error;
}

s64 sys_account_info(u64 handle, u64 query)
{
	struct account *account;
	int error = resolve(handle, TERN_RIGHT_READ, &account);

	if (error)
		return error;
	switch (query) {
	case TERN_ACCOUNT_LIMIT:
		return (s64)account->limit;
	case TERN_ACCOUNT_USED:
		return (s64)atomic_load(&account->used);
	default:
		return -EINVAL;
	}
}

static bool account_pays_for(struct account *account, struct account *other)
{
	for (; other; other = other->object.account)
		if (other == account)
			return true;
	return false;
}

s64 sys_account_destroy(u64 handle)
{
	struct account *account;
	u32 batch = KILL_BATCH;
	int error = handle == TERN_SELF_ACCOUNT ? -EBUSY
						: resolve(handle, TERN_RIGHT_OWNER, &account);

	if (error)
		return error;
	if (account_pays_for(account, arch_hart()->current->process->object.account))
		return -EBUSY;
	account_kill_object(&account->object);
	/* Each step makes the lists shorter: the call begins again until they are empty. */
	if (!account_kill_some(account, &account->objects, &batch))
		return syscall_again();
	return 0;
}

s64 sys_account_set_pager(u64 resource, u64 handle)
{
	struct account *account;
	int error = resource_check((s64)resource);

	if (!error)
		error = resolve(handle, TERN_RIGHT_OWNER, &account);
	if (!error)
		account->is_pager = true;
	return error;
}
