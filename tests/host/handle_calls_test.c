/* System calls on handles, and objects that live and die by them. */
#include <pthread.h>
#include <sched.h>

#include "cmocka_all.h"
#include "objects.h"

#define LIMIT (48ul << 20)

static int set_up(void **state)
{
	(void)state;
	host_objects_init(3, LIMIT);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return host_objects_end() ? 0 : -1;
}

static s64 make(enum tern_type type, u32 rights)
{
	return handle_insert(host_thread.process, object_create(root_account, type), rights);
}

static struct object *object_at(s64 handle)
{
	return handle_lookup(host_thread.process, handle);
}

static void the_last_handle_ends_an_objects_life(void **state)
{
	s64 first = make(TERN_TYPE_MEMOBJ, TERN_RIGHT_COPY | TERN_RIGHT_READ);
	s64 second = sys_handle_duplicate((u64)first, TERN_RIGHT_READ);

	(void)state;
	assert_int_equal(sys_handle_close((u64)first), 0);
	assert_int_equal(sys_handle_close((u64)first), -EBADF);
	assert_int_equal(object_count(TERN_TYPE_MEMOBJ), 1);
	assert_int_equal(sys_handle_info((u64)second), TERN_TYPE_MEMOBJ << 16 | TERN_RIGHT_READ);
	assert_int_equal(sys_handle_close((u64)second), 0);
	assert_int_equal(object_count(TERN_TYPE_MEMOBJ), 0);
	assert_int_equal(sys_handle_info((u64)second), -EBADF);
}

static void a_duplicate_never_has_more_rights(void **state)
{
	s64 handle = make(TERN_TYPE_MEMOBJ, TERN_RIGHT_COPY | TERN_RIGHT_READ);
	s64 plain = make(TERN_TYPE_MEMOBJ, TERN_RIGHTS_ALL & ~TERN_RIGHT_COPY);
	s64 wide = sys_handle_duplicate((u64)handle, TERN_RIGHTS_ALL);
	s64 marked = sys_handle_duplicate((u64)handle, TERN_RIGHT_NO_INHERIT);

	(void)state;
	assert_int_equal(handle_rights(wide),
			 TERN_RIGHT_COPY | TERN_RIGHT_READ | TERN_RIGHT_NO_INHERIT);
	assert_int_equal(handle_rights(marked), TERN_RIGHT_NO_INHERIT);
	assert_int_equal(sys_handle_duplicate((u64)plain, TERN_RIGHT_READ), -EPERM);
	assert_int_equal(sys_handle_duplicate((u64)handle, TERN_RIGHTS_ALL + 1), -EINVAL);
	assert_int_equal(sys_handle_duplicate(TERN_SELF_ACCOUNT, 0), -EBADF);
	assert_int_equal(sys_handle_duplicate(TERN_REPLY, 0), -EBADF);
}

static void reply_ports_are_not_duplicated(void **state)
{
	s64 reply = make(TERN_TYPE_REPLY, TERN_RIGHTS_ALL);

	(void)state;
	assert_int_equal(sys_handle_duplicate((u64)reply, 0), -EINVAL);
	assert_int_equal(atomic_load(&object_at(reply)->references), 1);
}

static void names_without_a_slot_are_not_handles(void **state)
{
	static const s64 names[] = {
		TERN_SELF_ACCOUNT, TERN_SELF_PROCESS, TERN_SELF_THREAD, TERN_REPLY, -EBADF,
		INT64_MIN
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(sys_handle_close((u64)names[i]), -EBADF);
		assert_int_equal(sys_handle_info((u64)names[i]), -EBADF);
	}
}

/* A close under way: the key says free already, the object is still to be cleared. */
static void half_closed_slots_open_to_nobody(void **state)
{
	struct process *process = host_thread.process;
	struct object *object = object_create(root_account, TERN_TYPE_MEMOBJ);
	struct handle_slot *slots = slots_of(process);
	s64 handles[HANDLE_SLOTS_MIN];

	(void)state;
	for (u32 i = 0; i < HANDLE_SLOTS_MIN; i++) {
		object_get(object);
		handles[i] = handle_insert(process, object, 0);
	}
	for (u32 i = HANDLE_SLOTS_MIN; i-- > 0;) { /* the last one first: the end of the list */
		u64 key, mask = atomic_load(&process->handles.mask);

		assert_int_equal(sys_handle_close((u64)handles[i]), 0);
		key = atomic_load(&slots[i].key);
		atomic_store(&slots[i].object, object);
		assert_int_not_equal((key & mask) >> HANDLE_SLOT_SHIFT, i); /* the fast path */
		assert_null(object_at((s64)key));
		assert_null(object_at((s64)(key ^ HANDLE_KEY_FLIP)));
		atomic_store(&slots[i].object, NULL);
	}
	object_put(object);
}

static void threads_forget_a_closed_listener_handle(void **state)
{
	s64 listener = make(TERN_TYPE_LISTENER, TERN_RIGHT_RECEIVE);
	s64 memobj = make(TERN_TYPE_MEMOBJ, 0);

	(void)state;
	host_forgotten = 0;
	assert_int_equal(sys_handle_close((u64)memobj), 0);
	assert_int_equal(host_forgotten, 0);
	assert_int_equal(sys_handle_close((u64)listener), 0);
	assert_int_equal(host_forgotten, listener);
}

static void a_given_handle_works_in_the_other_process_only(void **state)
{
	struct process *other = host_process(root_account);
	s64 to = handle_insert(host_thread.process, &other->object, TERN_RIGHT_GIVE);
	s64 port = make(TERN_TYPE_PORT, TERN_RIGHT_COPY | TERN_RIGHT_NOTIFY | TERN_RIGHT_CALL);
	s64 given = sys_handle_give((u64)to, (u64)port, TERN_RIGHT_CALL);

	(void)state;
	assert_ptr_equal(handle_lookup(other, given), object_at(port));
	assert_int_equal(handle_rights(given), TERN_RIGHT_CALL);
	assert_int_equal(host_port_handles, 2);
	assert_int_equal(sys_handle_give((u64)port, (u64)port, 0), -EPROTOTYPE);
	assert_int_equal(sys_handle_give((u64)to, (u64)to, 0), -EPERM);
}

static void giving_to_a_dead_process_fails_without_a_trace(void **state)
{
	struct process *other = host_process(root_account);
	s64 to = handle_insert(host_thread.process, &other->object, TERN_RIGHT_GIVE);
	s64 port = make(TERN_TYPE_PORT, TERN_RIGHT_COPY);

	(void)state;
	assert_int_equal(handle_reserve(other, 1),
			 0); /* as by a sender under way on another hart */
	while (!handle_table_close(other, 16))
		;
	assert_int_equal(sys_handle_give((u64)to, (u64)port, 0), -ESRCH);
	assert_int_equal(atomic_load(&object_at(port)->references), 1);
	object_get(object_at(port));
	assert_int_equal(handle_insert_reserved(other, object_at(port), 0), -ESRCH);
	assert_int_equal(atomic_load(&object_at(port)->references), 1);
	assert_int_equal(host_port_handles, 1);
}

static void the_end_of_a_table_passes_over_closed_handles(void **state)
{
	struct process *other = host_process(root_account);
	struct object *object = object_create(root_account, TERN_TYPE_PORT);
	s64 handle = handle_insert(other, object, 0);

	(void)state;
	object_get(object); /* ours */
	assert_ptr_equal(handle_remove(other, handle), object);
	object_put(object);
	object_put(&other->object);
	assert_int_equal(atomic_load(&object->references), 1);
	assert_int_equal(host_port_handles, 0);
	object_put(object);
}

static void a_full_table_is_told_from_an_exhausted_quota(void **state)
{
	struct object *object = object_create(root_account, TERN_TYPE_MEMOBJ);
	u64 full = HANDLE_SLOTS_MAX * sizeof(struct handle_slot);
	s64 handle, last = 0;
	u32 count = 0;

	(void)state;
	object_get(object);
	while ((handle = handle_insert(host_thread.process, object, 0)) > 0) {
		object_get(object);
		last = handle;
		count++;
		host_reclaim(); /* old tables go back */
	}
	assert_int_equal(handle, -EMFILE);
	assert_int_equal(count, HANDLE_SLOTS_MAX);
	assert_ptr_equal(object_at(last), object);
	assert_true(atomic_load(&root_account->used) >= full);
	assert_true(atomic_load(&root_account->used) < full + 64 * PAGE_SIZE);
	object_put(object);
	object_put(object);
}

/* ---------------------------------------------------- many harts: borrowed objects stay as they are */

#define PLACES 16
#define PENDING_MANY 20000

static _Atomic s64 published[PLACES];
static _Atomic u64 found[MAX_HARTS]; /* borrowings of each hart that found their object */
static _Atomic bool stop;

/* A borrowed object must not change until its hart leaves the kernel, whoever closes the handle. */
static void look_at(struct object *object, u64 place)
{
	for (u32 i = 0; i < 20; i++) {
		if (object->type != TERN_TYPE_TIMER ||
		    container_of(object, struct timer, object)->bits != place)
			abort();
		if (i % 8 == 0)
			sched_yield();
	}
}

static void *borrow(void *hart)
{
	host_hart = hart;
	for (u64 i = 0; !atomic_load(&stop); i++) {
		u64 place = i % PLACES;
		s64 handle = atomic_load(&published[place]);
		struct object *object = handle ? handle_lookup(host_thread.process, handle) : NULL;

		if (object) {
			look_at(object, place);
			atomic_fetch_add(&found[host_hart->index], 1);
		}
		atomic_fetch_add(&host_hart->quiescent, 1); /* leaves the kernel */
	}
	return NULL;
}

static void replace(u64 place)
{
	struct object *object = object_create(root_account, TERN_TYPE_TIMER);
	s64 old = atomic_load(&published[place]);

	container_of(object, struct timer, object)->bits = place;
	if (old)
		assert_int_equal(sys_handle_close((u64)old), 0);
	atomic_store(&published[place], handle_insert(host_thread.process, object, 0));
	/* Nothing is free while a reader stands still, and it may do so for long. */
	do {
		atomic_fetch_add(&harts[0].quiescent, 1);
		reclaim_poll();
		if (reclaim_pending() > PENDING_MANY)
			sched_yield();
	} while (reclaim_pending() > PENDING_MANY);
}

static void borrowed_objects_outlive_their_last_handle(void **state)
{
	pthread_t readers[2];
	u64 rounds = 0;

	(void)state;
	atomic_store(&stop, false);
	memset(published, 0, sizeof(published));
	memset(found, 0, sizeof(found));
	for (u32 i = 0; i < 2; i++)
		pthread_create(&readers[i], NULL, borrow, &harts[i + 1]);
	for (; rounds < 40000 || atomic_load(&found[1]) < 2000 || atomic_load(&found[2]) < 2000;
	     rounds++) {
		replace(rounds % PLACES);
		if (rounds % 256 == 0 && rounds < 256 * 512)
			/* never closed: the table grows under the readers */
			assert_true(make(TERN_TYPE_MEMOBJ, 0) > 0);
	}
	atomic_store(&stop, true);
	for (u32 i = 0; i < 2; i++)
		pthread_join(readers[i], NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_last_handle_ends_an_objects_life),
		TEST(a_duplicate_never_has_more_rights),
		TEST(reply_ports_are_not_duplicated),
		TEST(names_without_a_slot_are_not_handles),
		TEST(half_closed_slots_open_to_nobody),
		TEST(threads_forget_a_closed_listener_handle),
		TEST(a_given_handle_works_in_the_other_process_only),
		TEST(giving_to_a_dead_process_fails_without_a_trace),
		TEST(the_end_of_a_table_passes_over_closed_handles),
		TEST(a_full_table_is_told_from_an_exhausted_quota),
		TEST(borrowed_objects_outlive_their_last_handle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
