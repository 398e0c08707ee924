/*
 * Every system call against every kind of wrong argument: a table says of which kind each
 * argument is, and each kind has a list of wrong values with the errors that are allowed for it.
 * The other arguments are good ones, so the wrong one is what the call must notice.
 */
#include "test.h"

enum kind {
	NONE,     /* not an argument */
	ACCOUNT,  /* account handle */
	LISTENER, /* handle of that type ... */
	PORT,
	OWNER,    /* client port with OWNER */
	REPLY,
	MEMOBJ,
	PROCESS,
	THREAD,
	TIMER,
	IRQ,
	RESOURCE,
	BUFFER,   /* address of readable memory */
	WORD,     /* aligned address of a 32-bit word */
	LENGTH,   /* in pages */
	OFFSET,   /* page multiple */
	PRIORITY_ARG,
	SMALL,    /* any small number is good */
	CODE,     /* entry address */
	KINDS
};

struct call {
	const char *name;
	int64_t op;
	enum kind kinds[6];
	uint64_t good[6]; /* for kinds without a standard good value */
};

static uint64_t good_values[KINDS];
static char buffer[256] __attribute__((aligned(16)));

static void anything(void)
{
}

/* Calls that must fail for each wrong value. Arguments of kind SMALL are passed as given. */
static const struct call calls[] = {
	{ "notify", TERN_OP_notify, { PORT, SMALL }, { 0, 1 } },
	{ "listener_create", TERN_OP_listener_create, { ACCOUNT, SMALL }, { 0, 4 } },
	{ "listener_takeover", TERN_OP_listener_takeover, { LISTENER }, { 0 } },
	{ "port_create", TERN_OP_port_create, { ACCOUNT, LISTENER, SMALL, SMALL }, { 0 } },
	{ "port_mint", TERN_OP_port_mint, { OWNER, SMALL }, { 0, 1 } },
	{ "reply_status", TERN_OP_reply_status, { REPLY }, { 0 } },
	{ "reply_read", TERN_OP_reply_read, { REPLY, SMALL, BUFFER, SMALL }, { 0, 0, 0, 8 } },
	{ "reply_write", TERN_OP_reply_write, { REPLY, SMALL, BUFFER, SMALL }, { 0, 0, 0, 8 } },
	{ "handle_give", TERN_OP_handle_give, { PROCESS, MEMOBJ, SMALL }, { 0, 0, 0x40 } },
	{ "process_create", TERN_OP_process_create, { ACCOUNT }, { 0 } },
	{ "process_watch", TERN_OP_process_watch, { PROCESS, PORT }, { 0 } },
	{ "process_status", TERN_OP_process_status, { PROCESS }, { 0 } },
	{ "thread_create",
	  TERN_OP_thread_create,
	  { PROCESS, CODE, SMALL, SMALL, SMALL, PRIORITY_ARG },
	  { 0, 0, 0x20000, 0, 0, 0 } },
	{ "thread_watch", TERN_OP_thread_watch, { THREAD, PORT }, { 0 } },
	{ "thread_set_priority", TERN_OP_thread_set_priority, { THREAD, PRIORITY_ARG }, { 0 } },
	{ "memobj_create", TERN_OP_memobj_create, { ACCOUNT, LENGTH }, { 0 } },
	{ "memobj_create_physical",
	  TERN_OP_memobj_create_physical,
	  { ACCOUNT, RESOURCE, SMALL, LENGTH, SMALL },
	  { 0, 0, 0, 0, TERN_PHYSICAL_CONTIGUOUS } },
	{ "memobj_physical_address",
	  TERN_OP_memobj_physical_address,
	  { RESOURCE, MEMOBJ },
	  { 0 } },
	{ "region_map",
	  TERN_OP_region_map,
	  { PROCESS, MEMOBJ, OFFSET, OFFSET, LENGTH, SMALL },
	  { 0, 0, 0, 0, 0, TERN_MAP_READ } },
	{ "region_unmap", TERN_OP_region_unmap, { PROCESS, OFFSET, LENGTH }, { 0, 0x70000000 } },
	{ "region_protect",
	  TERN_OP_region_protect,
	  { PROCESS, OFFSET, LENGTH, SMALL },
	  { 0, 0x70000000, 0, TERN_MAP_READ } },
	{ "futex_wait", TERN_OP_futex_wait, { WORD, SMALL, SMALL }, { 0, 77, 0 } },
	{ "futex_wake", TERN_OP_futex_wake, { WORD, SMALL }, { 0, 1 } },
	{ "timer_create", TERN_OP_timer_create, { ACCOUNT, PORT, SMALL }, { 0, 0, 1 } },
	{ "timer_set", TERN_OP_timer_set, { TIMER, SMALL, SMALL }, { 0 } },
	{ "interrupt_create",
	  TERN_OP_interrupt_create,
	  { ACCOUNT, RESOURCE, SMALL, PORT, SMALL },
	  { 0, 0, 9, 0, 1 } },
	{ "interrupt_ack", TERN_OP_interrupt_ack, { IRQ }, { 0 } },
	{ "account_create", TERN_OP_account_create, { ACCOUNT, LENGTH }, { 0 } },
	{ "account_info", TERN_OP_account_info, { ACCOUNT, SMALL }, { 0 } },
	{ "debug_log", TERN_OP_debug_log, { BUFFER, SMALL }, { 0, 8 } },
	{ "system_control", TERN_OP_system_control, { RESOURCE, SMALL, SMALL }, { 0, 2, 0 } },
};

struct wrong {
	uint64_t value;
	int64_t errors[3]; /* any of them */
};

static const struct wrong wrong_handles[] = {
	{ (uint64_t)-1, { -EBADF } },
	{ 15, { -EBADF } },
	{ 0x7fffffffffffffff, { -EBADF } },
	{ 0x8000000000000000, { -EBADF } },
	{ 0x1000000ff0, { -EBADF } },
};

static const struct wrong wrong_buffers[] = {
	{ 0, { -EFAULT } },
	{ 0xffffffff80200000, { -EFAULT } },
	{ 0xffffc00080000000, { -EFAULT } },
	{ TERN_USER_TOP - 4, { -EFAULT } },
	{ UINT64_MAX - 3, { -EFAULT, -EINVAL } },
	{ 0x6000000000, { -EFAULT } },
};

static const struct wrong wrong_words[] = {
	{ 1, { -EINVAL } },
	{ 0, { -EFAULT } },
	{ 0xffffffff80200000, { -EFAULT } },
	{ TERN_USER_TOP, { -EFAULT } },
};

static const struct wrong wrong_lengths[] = {
	{ 0, { -EINVAL } },
	{ UINT64_MAX, { -EINVAL } },
	{ 1ul << 62, { -EINVAL, -ENOMEM } },
};

static const struct wrong wrong_offsets[] = {
	{ 1, { -EINVAL } },
	{ 0xfff, { -EINVAL } },
	{ 0xfffffffffffff000, { -EINVAL } },
};

static const struct wrong wrong_priorities[] = {
	{ 64, { -EINVAL } },
	{ UINT64_MAX, { -EINVAL } },
	{ 63, { -EPERM } },
};

static const struct wrong wrong_code[] = {
	{ 0, { -EINVAL } },
	{ 0x10001, { -EINVAL } },
	{ 0xffffffff80200000, { -EINVAL } },
};

static const struct {
	const struct wrong *values;
	size_t count;
} wrongs[KINDS] = {
	[ACCOUNT] = { wrong_handles, RT_COUNT(wrong_handles) },
	[LISTENER] = { wrong_handles, RT_COUNT(wrong_handles) },
	[PORT] = { wrong_handles, RT_COUNT(wrong_handles) },
	[OWNER] = { wrong_handles, RT_COUNT(wrong_handles) },
	[REPLY] = { wrong_handles, RT_COUNT(wrong_handles) },
	[MEMOBJ] = { wrong_handles, RT_COUNT(wrong_handles) },
	[PROCESS] = { wrong_handles, RT_COUNT(wrong_handles) },
	[THREAD] = { wrong_handles, RT_COUNT(wrong_handles) },
	[TIMER] = { wrong_handles, RT_COUNT(wrong_handles) },
	[IRQ] = { wrong_handles, RT_COUNT(wrong_handles) },
	[RESOURCE] = { wrong_handles, RT_COUNT(wrong_handles) },
	[BUFFER] = { wrong_buffers, RT_COUNT(wrong_buffers) },
	[WORD] = { wrong_words, RT_COUNT(wrong_words) },
	[LENGTH] = { wrong_lengths, RT_COUNT(wrong_lengths) },
	[OFFSET] = { wrong_offsets, RT_COUNT(wrong_offsets) },
	[PRIORITY_ARG] = { wrong_priorities, RT_COUNT(wrong_priorities) },
	[CODE] = { wrong_code, RT_COUNT(wrong_code) },
};

/* -------------------------------------------------------------------- a world of good values */

static struct test_port port;
static struct rt_thread caller;
static tern_handle stale;

static void call_once(uint64_t unused)
{
	struct tern_extended extended = { .in_address = (uint64_t)buffer,
					  .in_length = sizeof(buffer),
					  .out_address = (uint64_t)buffer,
					  .out_length = sizeof(buffer) };
	struct tern_received message = { 0 };

	(void)unused;
	tern_call_ext(port.client, &message, &extended);
}

static void world_open(void)
{
	struct tern_received message = { 0 };

	port = test_port(1, 0);
	rt_thread(&caller, call_once, 0, 20);
	tern_wait(port.listener, &message);
	good_values[LISTENER] = (uint64_t)port.listener;
	good_values[PORT] = (uint64_t)port.client;
	good_values[OWNER] = (uint64_t)port.owner;
	good_values[REPLY] = (uint64_t)tern_reply_park(0, 0);
	good_values[ACCOUNT] = (uint64_t)tern_account_create(0, 256 * RT_PAGE);
	good_values[MEMOBJ] = (uint64_t)tern_memobj_create(0, 4 * RT_PAGE);
	good_values[PROCESS] = (uint64_t)tern_process_create(0);
	good_values[THREAD] = (uint64_t)caller.handle;
	good_values[TIMER] = (uint64_t)tern_timer_create(0, port.client, 1);
	good_values[IRQ] = (uint64_t)tern_interrupt_create(0, rt_boot->resource, 8, port.client, 1);
	good_values[RESOURCE] = (uint64_t)rt_boot->resource;
	good_values[BUFFER] = (uint64_t)buffer;
	good_values[WORD] = (uint64_t)buffer;
	good_values[LENGTH] = RT_PAGE;
	good_values[PRIORITY_ARG] = 3;
	good_values[CODE] = (uint64_t)anything & ~1ul;
	stale = tern_memobj_create(0, RT_PAGE);
	tern_handle_close(stale);
}

static void world_close(void)
{
	struct tern_received message = { 0 };

	tern_reply((tern_handle)good_values[REPLY], &message);
	rt_join(&caller);
	tern_handle_close((tern_handle)good_values[IRQ]);
	tern_handle_close((tern_handle)good_values[TIMER]);
	tern_process_kill((tern_handle)good_values[PROCESS], 0);
	tern_handle_close((tern_handle)good_values[PROCESS]);
	tern_handle_close((tern_handle)good_values[MEMOBJ]);
	tern_handle_close((tern_handle)good_values[ACCOUNT]);
	test_port_close(&port);
}

static tern_result invoke(const struct call *call, unsigned int place, uint64_t value)
{
	uint64_t a[6];

	for (unsigned int i = 0; i < 6; i++) {
		a[i] = call->good[i] ? call->good[i] : good_values[call->kinds[i]];
		if (call->kinds[i] == SMALL)
			a[i] = call->good[i];
		if (i == place)
			a[i] = value;
	}
	return tern_syscall6(call->op, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static void expect(const struct call *call, unsigned int place, uint64_t value, tern_result got,
		   const int64_t *errors)
{
	for (unsigned int i = 0; i < 3; i++)
		if (errors[i] && got == errors[i])
			return;
	rt_printf("  %s: argument %u = %lx gave %ld, expected %ld\n", call->name, place, value, got,
		  errors[0]);
	test_fail(__FILE__, __LINE__, call->name, got, errors[0]);
}

static bool is_handle(enum kind kind)
{
	return kind >= ACCOUNT && kind <= RESOURCE;
}

static void wrong_values_are_refused(void)
{
	world_open();
	for (unsigned int c = 0; c < RT_COUNT(calls); c++) {
		for (unsigned int i = 0; i < 6; i++) {
			enum kind kind = calls[c].kinds[i];

			for (size_t w = 0; w < wrongs[kind].count; w++) {
				const struct wrong *wrong = &wrongs[kind].values[w];

				expect(&calls[c], i, wrong->value,
				       invoke(&calls[c], i, wrong->value), wrong->errors);
			}
		}
	}
	world_close();
}

static void stale_and_mistyped_handles_are_refused(void)
{
	static const int64_t bad_type[3] = { -EPROTOTYPE, -EPERM }, bad_value[3] = { -EBADF };

	world_open();
	for (unsigned int c = 0; c < RT_COUNT(calls); c++) {
		for (unsigned int i = 0; i < 6; i++) {
			enum kind kind = calls[c].kinds[i];

			if (!is_handle(kind) || (calls[c].op == TERN_OP_handle_give && i == 1))
				continue;
			expect(&calls[c], i, (uint64_t)stale,
			       invoke(&calls[c], i, (uint64_t)stale), bad_value);
			for (enum kind other = LISTENER; other <= RESOURCE; other++) {
				bool is_port = other == PORT || other == OWNER;

				if (other == kind || (is_port && (kind == PORT || kind == OWNER)) ||
				    (kind == ACCOUNT && other == REPLY))
					continue;
				expect(&calls[c], i, good_values[other],
				       invoke(&calls[c], i, good_values[other]), bad_type);
			}
		}
	}
	world_close();
}

/* A duplicate with no right but COPY must be refused wherever some right is needed. */
static void missing_rights_are_refused(void)
{
	static const int64_t no_right[3] = { -EPERM };

	world_open();
	for (unsigned int c = 0; c < RT_COUNT(calls); c++) {
		for (unsigned int i = 0; i < 6; i++) {
			enum kind kind = calls[c].kinds[i];
			tern_handle bare;

			if (!is_handle(kind) || kind == REPLY ||
			    calls[c].op == TERN_OP_memobj_physical_address)
				continue;
			bare = tern_handle_duplicate((tern_handle)good_values[kind],
						     calls[c].op == TERN_OP_handle_give && i == 1
							     ? 0
							     : TERN_RIGHT_COPY);
			CHECK(bare > 0);
			expect(&calls[c], i, (uint64_t)bare, invoke(&calls[c], i, (uint64_t)bare),
			       no_right);
			tern_handle_close(bare);
		}
	}
	world_close();
}

static void unknown_numbers_are_enosys(void)
{
	CHECK_EQ(tern_syscall0(-TERN_SYSCALL_COUNT), -ENOSYS);
	CHECK_EQ(tern_syscall0(INT64_MIN), -ENOSYS);
	CHECK_EQ(tern_syscall0(0), -ENOSYS);
	CHECK_EQ(tern_syscall0(64), -ENOSYS);
	CHECK_EQ(tern_syscall0(INT64_MAX), -ENOSYS);
	CHECK_EQ(tern_null(), 0);
}

static void quota_is_enforced(void)
{
	tern_handle account = tern_account_create(0, RT_PAGE);
	uint64_t used = (uint64_t)tern_account_info(account, TERN_ACCOUNT_USED);

	CHECK_EQ(tern_account_info(account, TERN_ACCOUNT_LIMIT), RT_PAGE);
	CHECK_EQ(tern_process_create(account), -ENOMEM);
	CHECK_EQ(tern_account_create(account, 5 * RT_PAGE), -ENOMEM);
	CHECK_EQ(tern_account_info(account, 9), -EINVAL);
	CHECK_EQ(tern_account_info(account, TERN_ACCOUNT_USED), used);
	CHECK_EQ(tern_account_destroy(0), -EBUSY);
	CHECK_EQ(tern_account_destroy(rt_boot->account), -EBUSY);
	tern_handle_close(account);
}

static void destroyed_account_takes_all_with_it(void)
{
	tern_handle account = tern_account_create(0, 256 * RT_PAGE);
	tern_handle child = tern_account_create(account, 64 * RT_PAGE);
	tern_handle process = rt_process(account);
	tern_handle listener = tern_listener_create(child, 4);
	tern_handle event_port = tern_port_create(child, listener, 1, 0);

	CHECK(process > 0 && event_port > 0);
	CHECK_EQ(tern_account_destroy(account), 0);
	CHECK_EQ(tern_notify(event_port, 1), -EPIPE);
	CHECK(rt_wait_process(process) != TERN_PROCESS_RUNNING);
	tern_handle_close(event_port);
	tern_handle_close(listener);
	tern_handle_close(process);
	tern_handle_close(child);
	tern_handle_close(account);
}

static void handles_are_duplicated_with_fewer_rights(void)
{
	tern_handle memobj = tern_memobj_create(0, RT_PAGE);
	tern_handle narrow = tern_handle_duplicate(memobj, TERN_RIGHT_READ | TERN_RIGHT_COPY);
	tern_handle wide = tern_handle_duplicate(narrow, TERN_RIGHTS_ALL);

	CHECK_EQ(tern_handle_info(narrow),
		 (TERN_TYPE_MEMOBJ << 16) | TERN_RIGHT_READ | TERN_RIGHT_COPY);
	CHECK_EQ(tern_handle_info(wide) & 0xffff & ~TERN_RIGHT_NO_INHERIT,
		 TERN_RIGHT_READ | TERN_RIGHT_COPY);
	CHECK_EQ(tern_handle_duplicate(memobj, 0x1000), -EINVAL);
	tern_handle_close(wide);
	tern_handle_close(narrow);
	CHECK_EQ(tern_handle_close(memobj), 0);
	CHECK_EQ(tern_handle_close(memobj), -EBADF);
	CHECK_EQ(tern_handle_close(TERN_SELF_PROCESS), -EBADF);
}

static void table_grows_and_shrinks_handles_stay_valid(void)
{
	static tern_handle handles[1000];

	handles[0] = tern_memobj_create(0, RT_PAGE);
	for (unsigned int i = 1; i < RT_COUNT(handles); i++)
		handles[i] = tern_handle_duplicate(handles[0], TERN_RIGHT_READ);
	for (unsigned int i = 0; i < RT_COUNT(handles); i++)
		CHECK(tern_handle_info(handles[i]) > 0);
	for (unsigned int i = 0; i < RT_COUNT(handles); i++)
		CHECK_EQ(tern_handle_close(handles[i]), 0);
	for (unsigned int i = 0; i < RT_COUNT(handles); i++)
		CHECK_EQ(tern_handle_info(handles[i]), -EBADF);
}

static const struct test tests[] = {
	{ "wrong_values_are_refused", wrong_values_are_refused },
	{ "stale_and_mistyped_handles_are_refused", stale_and_mistyped_handles_are_refused },
	{ "missing_rights_are_refused", missing_rights_are_refused },
	{ "unknown_numbers_are_enosys", unknown_numbers_are_enosys },
	{ "quota_is_enforced", quota_is_enforced },
	{ "destroyed_account_takes_all_with_it", destroyed_account_takes_all_with_it },
	{ "handles_are_duplicated_with_fewer_rights", handles_are_duplicated_with_fewer_rights },
	{ "table_grows_and_shrinks_handles_stay_valid",
	  table_grows_and_shrinks_handles_stay_valid },
};

TEST_MAIN(tests)
