/* Accounts: what they allow, and what their end takes with it. */
#include "cmocka_all.h"
#include "objects.h"

#define LIMIT (16ul << 20)
#define CHILD_LIMIT (1ul << 20)

static int set_up(void **state)
{
	(void)state;
	host_objects_init(2, LIMIT);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return host_objects_end() ? 0 : -1;
}

static s64 destroy_some(s64 handle)
{
	host_thread.frame.pc = 0x1004;
	host_thread.frame.result = (u64)handle;
	return sys_account_destroy((u64)handle);
}

/* The call in full: begun again for as long as it asks for that. */
static s64 destroy(s64 handle)
{
	s64 result;
	u64 pc = 0x1004;

	do {
		result = destroy_some(handle);
		if (host_thread.frame.pc != pc)
			assert_int_equal(result, handle);
	} while (host_thread.frame.pc != pc);
	return result;
}

static u64 used(const struct account *account)
{
	return atomic_load(&account->used);
}

/* An object that `account` pays for and that a handle of the current process names. */
static s64 named(struct account *account, enum tern_type type)
{
	struct object *object = object_create(account, type);

	assert_non_null(object);
	return handle_insert(host_thread.process, object, TERN_RIGHTS_ALL & ~TERN_RIGHT_CALL);
}

static struct object *object_at(s64 handle)
{
	return handle_lookup(host_thread.process, handle);
}

static void nothing_is_charged_beyond_the_limit(void **state)
{
	struct account *account = account_create(root_account, 2 * PAGE_SIZE);

	(void)state;
	assert_true(account_charge(account, PAGE_SIZE));
	assert_true(account_charge(account, PAGE_SIZE));
	assert_false(account_charge(account, 1));
	account_uncharge(account, PAGE_SIZE);
	assert_false(account_charge(account, PAGE_SIZE + 1));
	assert_false(account_charge(account, UINT64_MAX));
	assert_true(account_could_pay(account, PAGE_SIZE));
	assert_false(account_could_pay(account, PAGE_SIZE + 1));
	assert_false(account_could_pay(account, UINT64_MAX));
	assert_int_equal(used(account), PAGE_SIZE);
	assert_true(account_charge(account, PAGE_SIZE));
	account_uncharge(account, 2 * PAGE_SIZE);
	assert_int_equal(used(account), 0);
	object_put(&account->object);
}

static void a_childs_limit_counts_as_used_until_it_is_gone(void **state)
{
	u64 before = used(root_account);
	struct account *child = account_create(root_account, CHILD_LIMIT), *grandchild;

	(void)state;
	assert_true(used(root_account) >= before + CHILD_LIMIT);
	assert_null(account_create(root_account, LIMIT));
	assert_null(account_create(child, CHILD_LIMIT)); /* it pays for the structure, too */
	assert_int_equal(used(child), 0);
	grandchild = account_create(child, CHILD_LIMIT / 2);
	assert_non_null(grandchild);
	object_put(&child->object);
	assert_true(used(root_account) >= before + CHILD_LIMIT); /* the grandchild keeps it */
	object_put(&grandchild->object);
	assert_int_equal(used(root_account), before);
}

static void objects_are_charged_as_allocated_and_uncharged_at_once(void **state)
{
	struct account *account = account_create(root_account, PAGE_SIZE);
	struct object *object = object_create(account, TERN_TYPE_TIMER);
	u64 size = kernel_alloc_size(object_types[TERN_TYPE_TIMER].size);
	u32 count = 1;

	(void)state;
	assert_int_equal(used(account), size);
	assert_int_equal(object_count(TERN_TYPE_TIMER), 1);
	while (object_create(account, TERN_TYPE_TIMER))
		count++;
	assert_int_equal(count, PAGE_SIZE / size);
	assert_int_equal(object_count(TERN_TYPE_TIMER), count);
	object_put(object);
	assert_int_equal(used(account), (count - 1) * size);
	account_kill_object(&account->object);
	while (!list_is_empty(&account->objects))
		object_put(container_of(account->objects.next, struct object, account_link));
	host_reclaim();
	object_put(&account->object);
}

static void failed_creation_leaves_nothing_behind(void **state)
{
	struct account *account = account_create(root_account, PAGE_SIZE);
	u64 objects = object_count(TERN_TYPE_NONE);

	(void)state;
	assert_true(account_charge(account, PAGE_SIZE - 16));
	assert_null(object_create(account, TERN_TYPE_PORT));
	assert_null(host_process(account));
	account_uncharge(account, PAGE_SIZE - 16);
	object_discard(object_create(account, TERN_TYPE_PORT));
	assert_int_equal(used(account), 0);
	assert_int_equal(object_count(TERN_TYPE_NONE), objects);
	object_put(&account->object);
}

static void destruction_kills_each_object_once(void **state)
{
	s64 account = sys_account_create(TERN_SELF_ACCOUNT, 64 * PAGE_SIZE);
	s64 child = sys_account_create((u64)account, 32 * PAGE_SIZE);
	s64 timers[20];

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(timers); i++)
		timers[i] = named(account_of(object_at(i % 2 ? account : child)), TERN_TYPE_TIMER);
	assert_int_equal(destroy(account), 0);
	assert_int_equal(host_kills, ARRAY_SIZE(timers));
	for (u32 i = 0; i < ARRAY_SIZE(timers); i++)
		assert_true(object_at(timers[i])->is_dead);
	assert_true(object_at(child)->is_dead);
	assert_int_equal(destroy(account), 0);
	assert_int_equal(destroy(child), 0);
	assert_int_equal(host_kills, ARRAY_SIZE(timers));
}

/* An interrupt waits for the death of one object, not of all; the next round goes on. */
static void destruction_makes_way_for_interrupts(void **state)
{
	s64 account = sys_account_create(TERN_SELF_ACCOUNT, 64 * PAGE_SIZE);
	s64 child = sys_account_create((u64)account, 32 * PAGE_SIZE);

	(void)state;
	for (u32 i = 0; i < 10; i++)
		named(account_of(object_at(child)), TERN_TYPE_TIMER);
	host_interrupt_pending = true;
	for (u32 round = 1; round < 12; round++) {
		assert_int_equal(destroy_some(account), account);
		assert_true(host_kills <= round);
	}
	host_interrupt_pending = false;
	assert_int_equal(destroy(account), 0);
	assert_int_equal(host_kills, 10);
}

/* Whoever began it dies, or closes the handle, in the middle. */
static void destruction_goes_on_without_its_caller(void **state)
{
	s64 account = sys_account_create(TERN_SELF_ACCOUNT, 64 * PAGE_SIZE);
	s64 child = sys_account_create((u64)account, 32 * PAGE_SIZE);

	(void)state;
	for (u32 i = 0; i < 100; i++)
		named(account_of(object_at(i % 2 ? child : account)), TERN_TYPE_TIMER);
	assert_int_equal(destroy_some(account), account);
	assert_true(host_kills > 0 && host_kills < 100);
	host_reclaim();
	assert_int_equal(host_kills, 100);
}

static void a_destroyed_account_pays_for_nothing_new(void **state)
{
	s64 handle = sys_account_create(TERN_SELF_ACCOUNT, 64 * PAGE_SIZE);
	struct account *account = account_of(object_at(handle));

	(void)state;
	assert_int_equal(destroy(handle), 0);
	assert_null(object_create(account, TERN_TYPE_TIMER));
	assert_null(account_create(account, PAGE_SIZE));
	assert_int_equal(sys_account_create((u64)handle, PAGE_SIZE), -ENOMEM);
	assert_int_equal(used(account), 0);
}

/* Its maker, on another hart, has not come to its first handle yet: hands off. */
static void what_is_still_being_made_is_killed_when_it_is_whole(void **state)
{
	s64 handle = sys_account_create(TERN_SELF_ACCOUNT, 64 * PAGE_SIZE);
	struct account *account = account_of(object_at(handle));
	struct object *object = object_create(account, TERN_TYPE_TIMER);

	(void)state;
	assert_int_equal(destroy(handle), 0);
	reclaim_poll();
	assert_int_equal(host_kills, 0);
	assert_false(object->is_dead);
	assert_true(handle_insert(host_thread.process, object, 0) > 0);
	host_reclaim();
	assert_int_equal(host_kills, 1);
	assert_true(object->is_dead);
}

static void what_was_discarded_half_made_is_not_killed(void **state)
{
	s64 handle = sys_account_create(TERN_SELF_ACCOUNT, 64 * PAGE_SIZE);
	struct account *account = account_of(object_at(handle));
	struct object *object = object_create(account, TERN_TYPE_TIMER);

	(void)state;
	assert_int_equal(destroy(handle), 0);
	object_discard(object);
	host_reclaim();
	assert_int_equal(host_kills, 0);
	assert_int_equal(used(account), 0);
}

static void nobody_destroys_who_pays_for_him(void **state)
{
	s64 root = handle_insert(host_thread.process, &root_account->object, TERN_RIGHT_OWNER);

	(void)state;
	object_get(&root_account->object); /* the handle's */
	assert_int_equal(sys_account_destroy(TERN_SELF_ACCOUNT), -EBUSY);
	assert_int_equal(destroy(root), -EBUSY);
	assert_false(root_account->is_closed);
	assert_int_equal(host_kills, 0);
}

static void the_tree_of_accounts_has_a_greatest_depth(void **state)
{
	s64 handle = TERN_SELF_ACCOUNT;
	u64 limit = LIMIT / 2;
	u32 depth = 0;

	(void)state;
	for (;; depth++, limit -= PAGE_SIZE) {
		s64 child = sys_account_create((u64)handle, limit);

		if (child < 0) {
			assert_int_equal(child, -EINVAL);
			break;
		}
		handle = child;
	}
	assert_int_equal(depth, ACCOUNT_DEPTH_MAX);
}

static void calls_check_their_arguments(void **state)
{
	s64 handle = sys_account_create(TERN_SELF_ACCOUNT, 4 * PAGE_SIZE);
	s64 blind = sys_handle_duplicate((u64)handle, TERN_RIGHT_MOVE);
	s64 timer = named(root_account, TERN_TYPE_TIMER);

	(void)state;
	assert_int_equal(sys_account_create(TERN_SELF_ACCOUNT, 0), -EINVAL);
	assert_int_equal(sys_account_create(TERN_SELF_ACCOUNT, 100), -EINVAL);
	assert_int_equal(sys_account_create((u64)blind, PAGE_SIZE), -EPERM);
	assert_int_equal(sys_account_create((u64)timer, PAGE_SIZE), -EPROTOTYPE);
	assert_int_equal(sys_account_create(TERN_SELF_ACCOUNT, 2 * LIMIT), -ENOMEM);
	assert_int_equal(sys_account_info((u64)handle, TERN_ACCOUNT_LIMIT), 4 * PAGE_SIZE);
	assert_int_equal(sys_account_info((u64)handle, TERN_ACCOUNT_USED), 0);
	assert_int_equal(sys_account_info((u64)handle, 2), -EINVAL);
	assert_int_equal(sys_account_info((u64)blind, TERN_ACCOUNT_USED), -EPERM);
	assert_int_equal(sys_account_info((u64)timer, TERN_ACCOUNT_USED), -EPROTOTYPE);
	assert_int_equal(destroy(blind), -EPERM);
	assert_int_equal(destroy(timer), -EPROTOTYPE);
	assert_int_equal(sys_account_destroy(UINT64_MAX), -EBADF);
}

/* -------------------------------------------------------------------- random trees of accounts */

#define ACCOUNTS 12
#define OBJECTS 200

struct model {
	s64 accounts[ACCOUNTS]; /* handles, 0: none */
	s64 objects[OBJECTS];
};

static void model_step(struct model *model)
{
	s64 *account = &model->accounts[rand() % ACCOUNTS], *object;

	object = &model->objects[rand() % OBJECTS];
	switch (rand() % 12) {
	case 0: {
		s64 parent = model->accounts[rand() % ACCOUNTS];

		if (!*account)
			*account = sys_account_create((u64)parent,
						      PAGE_SIZE * (1 + (u64)rand() % 64));
		if (*account < 0)
			*account = 0;
		break;
	}
	case 1:
		if (*account && rand() % 4 == 0)
			assert_int_equal(destroy(*account), 0);
		break;
	case 2:
		if (*account)
			assert_int_equal(sys_handle_close((u64)*account), 0);
		*account = 0;
		break;
	default:
		if (*object) {
			assert_int_equal(sys_handle_close((u64)*object), 0);
			*object = 0;
		} else if (*account) {
			struct object *made = object_create(account_of(object_at(*account)),
							    TERN_TYPE_TIMER);

			*object = made ? handle_insert(host_thread.process, made, 0) : 0;
		}
	}
}

/* An account's figure is what its living objects and children take: checked from the handles. */
static void model_check(const struct model *model, const struct account *account)
{
	u64 sum = 0;

	for (u32 i = 0; i < OBJECTS; i++) {
		const struct object *object = model->objects[i] ? object_at(model->objects[i])
								: NULL;

		if (object && object->account == account)
			sum += object->charged * 16ul;
	}
	assert_true(used(account) >= sum && used(account) <= account->limit);
}

static void random_lives_leak_nothing(void **state)
{
	struct model model = { 0 };

	(void)state;
	srand(4);
	for (u32 i = 0; i < 50000; i++) {
		model_step(&model);
		if (model.accounts[i % ACCOUNTS])
			model_check(&model, account_of(object_at(model.accounts[i % ACCOUNTS])));
		atomic_fetch_add(&harts[1].quiescent, 1);
		reclaim_poll();
	}
	assert_true(host_kills > 100);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_charged_beyond_the_limit),
		TEST(a_childs_limit_counts_as_used_until_it_is_gone),
		TEST(objects_are_charged_as_allocated_and_uncharged_at_once),
		TEST(failed_creation_leaves_nothing_behind),
		TEST(destruction_kills_each_object_once),
		TEST(destruction_makes_way_for_interrupts),
		TEST(destruction_goes_on_without_its_caller),
		TEST(a_destroyed_account_pays_for_nothing_new),
		TEST(what_is_still_being_made_is_killed_when_it_is_whole),
		TEST(what_was_discarded_half_made_is_not_killed),
		TEST(nobody_destroys_who_pays_for_him),
		TEST(the_tree_of_accounts_has_a_greatest_depth),
		TEST(calls_check_their_arguments),
		TEST(random_lives_leak_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
