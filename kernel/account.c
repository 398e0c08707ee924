/* Accounts: who pays for kernel memory, and how much may be spent. */
#include "kernel/account.h"

#include "kernel/debug.h"
#include "kernel/hart.h"
#include "kernel/process.h"
#include "kernel/thread.h"
#include "tern/process.h"

/* Destroying an account recurses through its children: the kernel stack bounds the depth. */
#define ACCOUNT_DEPTH_MAX 16

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

bool account_charge(struct account *account, u64 bytes)
{
	u64 used = atomic_load_explicit(&account->used, memory_order_relaxed);

	do {
		if (bytes > account->limit || used > account->limit - bytes)
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

/* Off its list for good, so that each object is looked at once: is it alive, and to be killed? */
static bool account_claim(struct object *object)
{
	list_remove(&object->account_link);
	if (object->is_dead || !object_get_live(object))
		return false;
	object->is_dead = true;
	return true;
}

/* The first object on the list that is to be killed, with a reference; NULL. */
static struct object *account_next_victim(struct account *account, struct list *list)
{
	struct object *victim = NULL;
	struct list *first;

	spin_lock(&account->lock);
	while (!victim && (first = list_first(list))) {
		struct object *object = container_of(first, struct object, account_link);

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

/* Child accounts are objects that it paid for: the recursion is as deep as the account tree. */
static void account_kill_list(struct account *account, struct list *list)
{
	struct object *victim;

	while ((victim = account_next_victim(account, list))) {
		object_types[victim->type].kill(victim);
		object_put(victim);
	}
}

static bool account_has_unborn(struct account *account)
{
	bool has_unborn;

	spin_lock(&account->lock);
	has_unborn = !list_is_empty(&account->unborn);
	spin_unlock(&account->lock);
	return has_unborn;
}

/* No hart is at work any more on what was unborn: it is whole, or gone. */
static void account_sweep(struct reclaim_node *node)
{
	struct account *account = container_of(node, struct account, sweep);

	account_kill_list(account, &account->unborn);
	object_put(&account->object);
}

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
	account_kill_list(account, &account->objects);
	if (account_has_unborn(account)) {
		object_get(object);
		reclaim_defer(&account->sweep, account_sweep);
	}
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
	if (!account)
		return -ENOMEM;
	result = handle_insert(arch_hart()->current->process, &account->object,
			       TERN_RIGHTS_ALL & ~(TERN_RIGHT_CALL | TERN_RIGHT_NO_INHERIT));
	if (result < 0)
		object_put(&account->object);
	return result;
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
	int error = handle == TERN_SELF_ACCOUNT ? -EBUSY
						: resolve(handle, TERN_RIGHT_OWNER, &account);

	if (error)
		return error;
	if (account_pays_for(account, arch_hart()->current->process->object.account))
		return -EBUSY;
	account_kill_object(&account->object);
	return 0;
}
