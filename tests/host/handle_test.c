/* Handle tables. */
#include <pthread.h>

#include "cmocka_all.h"
#include "handles.h"

static struct process process;
static struct object objects[4];

static int set_up(void **state)
{
	(void)state;
	host_process_init(&process, 2);
	for (u32 i = 0; i < ARRAY_SIZE(objects); i++)
		objects[i] = (struct object){ .type = TERN_TYPE_MEMOBJ, .references = 1000000 };
	return 0;
}

static void a_handle_finds_its_object_only(void **state)
{
	s64 a = handle_insert(&process, &objects[0], TERN_RIGHT_READ);
	s64 b = handle_insert(&process, &objects[1], TERN_RIGHT_CALL);

	(void)state;
	assert_true(a >= TERN_HANDLE_FIRST && b >= TERN_HANDLE_FIRST);
	assert_ptr_equal(handle_lookup(&process, a), &objects[0]);
	assert_ptr_equal(handle_lookup(&process, b), &objects[1]);
	assert_int_equal(handle_rights(a), TERN_RIGHT_READ);
	for (u32 bit = 0; bit < 64; bit++) {
		assert_null(handle_lookup(&process, a ^ (s64)(1ul << bit)));
		assert_null(handle_lookup(&process, b ^ (s64)(1ul << bit)));
	}
	assert_null(handle_lookup(&process, 0));
	assert_null(handle_lookup(&process, -1));
}

/* What the fast path compares: the key of the slot that the handle's offset leads to. */
static bool fast_path_accepts(s64 handle)
{
	u64 mask = atomic_load(&process.handles.mask);
	char *slots = (char *)atomic_load(&process.handles.slots);
	struct handle_slot *slot = (struct handle_slot *)(slots + ((u64)handle & mask));

	return atomic_load(&slot->key) == (u64)handle;
}

static void the_fast_path_accepts_handles_with_the_call_right_only(void **state)
{
	s64 with = handle_insert(&process, &objects[0], TERN_RIGHT_CALL | TERN_RIGHT_COPY);
	s64 without = handle_insert(&process, &objects[0], TERN_RIGHT_COPY);

	(void)state;
	assert_true(fast_path_accepts(with));
	assert_false(fast_path_accepts(without));
	assert_false(fast_path_accepts(without ^ (s64)HANDLE_KEY_FLIP));
	assert_false(fast_path_accepts(without | TERN_RIGHT_CALL << TERN_HANDLE_RIGHTS_SHIFT));
	assert_ptr_equal(handle_remove(&process, with), &objects[0]);
	assert_false(fast_path_accepts(with));
}

static void a_closed_handle_is_stale_for_ever(void **state)
{
	s64 old = handle_insert(&process, &objects[0], TERN_RIGHTS_ALL);

	(void)state;
	for (int i = 0; i < 1000; i++) {
		s64 new;

		assert_ptr_equal(handle_remove(&process, old), &objects[0]);
		assert_null(handle_remove(&process, old));
		new = handle_insert(&process, &objects[0], TERN_RIGHTS_ALL);
		assert_int_not_equal(new, old);
		assert_null(handle_lookup(&process, old));
		old = new;
	}
}

static void a_slot_whose_generations_have_run_out_is_retired(void **state)
{
	s64 handle = handle_insert(&process, &objects[0], 0);
	u32 index = (u32)((u64)handle >> TERN_HANDLE_INDEX_SHIFT) & 63, used;
	s64 last = (s64)((u64)GENERATION_MAX << TERN_HANDLE_GENERATION_SHIFT |
			 (u64)index << TERN_HANDLE_INDEX_SHIFT);

	(void)state;
	used = process.handle_admin.used;
	atomic_store(&slots_of(&process)[index].key, handle_key(last));
	assert_ptr_equal(handle_remove(&process, last), &objects[0]);
	assert_int_equal(process.handle_admin.used, used);
	for (int i = 0; i < 200; i++) {
		handle = handle_insert(&process, &objects[0], 0);
		assert_int_not_equal((u64)handle >> TERN_HANDLE_INDEX_SHIFT & 0xfffff, index);
	}
}

static void the_table_grows_and_old_handles_stay(void **state)
{
	static s64 handles[5000];
	u64 before = host_charged;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(handles); i++)
		handles[i] = handle_insert(&process, &objects[i % 4], TERN_RIGHT_READ);
	for (u32 i = 0; i < ARRAY_SIZE(handles); i++)
		assert_ptr_equal(handle_lookup(&process, handles[i]), &objects[i % 4]);
	assert_true(host_charged > before);
	host_reclaim();
	for (u32 i = 0; i < ARRAY_SIZE(handles); i++)
		assert_ptr_equal(handle_remove(&process, handles[i]), &objects[i % 4]);
}

static void quota_and_memory_end_growth_cleanly(void **state)
{
	s64 handle = 0;

	(void)state;
	host_limit = host_charged;
	for (u32 i = 0; i < HANDLE_SLOTS_MIN; i++)
		assert_true(handle_insert(&process, &objects[0], 0) > 0);
	assert_int_equal(handle_insert(&process, &objects[0], 0), -ENOMEM);
	assert_int_equal(handle_reserve(&process, 1), -ENOMEM);
	host_limit = UINT64_MAX;
	handle = handle_insert(&process, &objects[0], 0);
	assert_true(handle > 0);
}

static void reserved_room_is_kept_and_given_back(void **state)
{
	(void)state;
	host_limit = host_charged;
	assert_int_equal(handle_reserve(&process, HANDLE_SLOTS_MIN), 0);
	assert_int_equal(handle_reserve(&process, 1), -ENOMEM);
	for (u32 i = 0; i < 4; i++)
		assert_true(handle_insert_reserved(&process, &objects[0], 0) > 0);
	handle_unreserve(&process, HANDLE_SLOTS_MIN - 4);
	assert_int_equal(handle_reserve(&process, 1), 0);
}

static void closing_the_table_drops_every_reference(void **state)
{
	struct object object = { .type = TERN_TYPE_PORT, .references = 201 };

	(void)state;
	for (int i = 0; i < 200; i++)
		assert_true(handle_insert(&process, &object, TERN_RIGHT_CALL) > 0);
	assert_int_equal(host_clients, 200);
	while (!handle_table_close(&process, 16))
		;
	assert_int_equal(atomic_load(&object.references), 1);
	assert_int_equal(host_clients, 0);
	assert_int_equal(handle_insert(&process, &object, 0), -ESRCH);
	assert_int_equal(atomic_load(&object.references), 1);
	handle_table_free(&process);
	host_reclaim();
	assert_int_equal(host_charged, 0);
}

static void resolve_checks_type_and_rights(void **state)
{
	s64 handle = handle_insert(&process, &objects[0], TERN_RIGHT_READ);
	struct object *object = NULL;

	(void)state;
	assert_int_equal(
		handle_resolve(&process, handle, TERN_TYPE_MEMOBJ, TERN_RIGHT_READ, &object), 0);
	assert_ptr_equal(object, &objects[0]);
	assert_int_equal(handle_resolve(&process, handle, TERN_TYPE_PORT, 0, &object), -EPROTOTYPE);
	assert_int_equal(
		handle_resolve(&process, handle, TERN_TYPE_NONE, TERN_RIGHT_WRITE, &object),
		-EPERM);
	assert_int_equal(handle_resolve(&process, handle + 16, TERN_TYPE_NONE, 0, &object), -EBADF);
}

/* ------------------------------------------------------ readers without locks, on other threads */

static _Atomic bool stop;
static _Atomic u64 found;
static _Atomic s64 published[8];

static void *read_all(void *unused)
{
	(void)unused;
	host_hart = &harts[1];
	while (!atomic_load(&stop)) {
		for (u32 i = 0; i < ARRAY_SIZE(published); i++) {
			s64 handle = atomic_load(&published[i]);
			struct object *object = handle ? handle_lookup(&process, handle) : NULL;

			if (object && object != &objects[i % 4])
				abort();
			atomic_fetch_add(&found, object != NULL);
		}
		atomic_fetch_add(&harts[1].quiescent, 1);
	}
	return NULL;
}

static void readers_never_see_another_object(void **state)
{
	pthread_t reader;

	(void)state;
	atomic_store(&stop, false);
	atomic_store(&found, 0);
	pthread_create(&reader, NULL, read_all, NULL);
	for (u32 i = 0; i < 200000; i++) {
		u32 place = i % ARRAY_SIZE(published);
		s64 old = atomic_load(&published[place]);

		if (i % 512 == 0) /* makes the table grow now and then */
			assert_true(handle_insert(&process, &objects[0], 0) > 0);
		if (old)
			assert_ptr_equal(handle_remove(&process, old), &objects[place % 4]);
		atomic_store(&published[place], handle_insert(&process, &objects[place % 4], 0));
		atomic_fetch_add(&harts[0].quiescent, 1);
		reclaim_poll();
	}
	/* What is published now stays: the reader finds it, when it comes to run at all. */
	while (!atomic_load(&found))
		atomic_fetch_add(&harts[0].quiescent, 1);
	atomic_store(&stop, true);
	pthread_join(reader, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_handle_finds_its_object_only, set_up),
		cmocka_unit_test_setup(the_fast_path_accepts_handles_with_the_call_right_only,
				       set_up),
		cmocka_unit_test_setup(a_closed_handle_is_stale_for_ever, set_up),
		cmocka_unit_test_setup(a_slot_whose_generations_have_run_out_is_retired, set_up),
		cmocka_unit_test_setup(the_table_grows_and_old_handles_stay, set_up),
		cmocka_unit_test_setup(quota_and_memory_end_growth_cleanly, set_up),
		cmocka_unit_test_setup(reserved_room_is_kept_and_given_back, set_up),
		cmocka_unit_test_setup(closing_the_table_drops_every_reference, set_up),
		cmocka_unit_test_setup(resolve_checks_type_and_rights, set_up),
		cmocka_unit_test_setup(readers_never_see_another_object, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
