/* The engine: every wrong value in every place. */
#include "calls.h"

#define KERNEL 0xffffffff80200000ul
#define DIRECT_MAP 0xffffffc000000000ul
#define UNMAPPED 0x2000000000ul
#define ENOUGH 4096 /* objects that no page can pay for */

uint64_t argument_right(const struct argument *argument)
{
	switch (argument->kind) {
	case ARGUMENT_HANDLE:
	case ARGUMENT_PORT_OR_NONE:
	case ARGUMENT_ACCOUNT:
		return (uint64_t)(argument->type == TERN_TYPE_NONE
					  ? fixture.handles[TERN_TYPE_MEMOBJ]
					  : fixture.handles[argument->type]);
	case ARGUMENT_REPLY_TO:
		return (uint64_t)fixture.second_reply;
	case ARGUMENT_READABLE:
	case ARGUMENT_WORD:
		return (uint64_t)fixture.readable;
	case ARGUMENT_WRITABLE:
		return (uint64_t)fixture.writable;
	default:
		return argument->right;
	}
}

int64_t call_invoke(const struct call *call, const uint64_t *v)
{
	struct tern_received message = { 0 };

	if (call->flags & EXCHANGE)
		return tern_exchange(call->operation, (tern_handle)v[0], &message,
				     &fixture.extended);
	return tern_syscall7(call->operation, v[0], v[1], v[2], v[3], v[4], v[5], v[6]);
}

static void right_values(const struct call *call, uint64_t *values)
{
	for (int i = 0; i < ARGUMENTS_MAX; i++)
		values[i] = argument_right(&call->arguments[i]);
}

/* The call with right arguments but one. */
static void expect(const struct call *call, int place, uint64_t wrong, int64_t error,
		   const char *what)
{
	uint64_t values[ARGUMENTS_MAX];
	int64_t result;

	right_values(call, values);
	values[place] = wrong;
	result = call_invoke(call, values);
	if (result == error)
		return;
	rt_printf("  %s, argument %d = %lx:\n", call->name, place, wrong);
	test_fail(__FILE__, __LINE__, what, result, error);
}

typedef void visitor(const struct call *call, int place, const struct argument *argument);

static void visit_arguments(visitor *visit)
{
	fixture_create();
	for (size_t i = 0; i < call_count; i++)
		for (int place = 0; place < ARGUMENTS_MAX; place++)
			visit(&calls[i], place, &calls[i].arguments[place]);
	fixture_destroy();
}

static bool is_handle(const struct argument *argument)
{
	return argument->kind == ARGUMENT_HANDLE || argument->kind == ARGUMENT_ACCOUNT ||
	       argument->kind == ARGUMENT_PORT_OR_NONE || argument->kind == ARGUMENT_REPLY_TO;
}

/* What is copied here may also be the process or thread itself. */
static bool is_copied(const struct argument *argument)
{
	return argument->kind == ARGUMENT_HANDLE && argument->type == TERN_TYPE_NONE &&
	       argument->rights & TERN_RIGHT_COPY;
}

/* Reserved names that mean something in this place. */
static bool is_name(const struct argument *argument, uint64_t value)
{
	switch (value) {
	case TERN_SELF_ACCOUNT:
		return argument->kind == ARGUMENT_ACCOUNT || argument->type == TERN_TYPE_ACCOUNT ||
		       argument->kind == ARGUMENT_PORT_OR_NONE;
	case TERN_SELF_PROCESS:
		return argument->type == TERN_TYPE_PROCESS || is_copied(argument);
	case TERN_SELF_THREAD:
		return argument->type == TERN_TYPE_THREAD || is_copied(argument);
	default:
		return value == TERN_REPLY && (argument->type == TERN_TYPE_REPLY ||
					       (argument->kind == ARGUMENT_ACCOUNT &&
						argument->rights == TERN_RIGHT_CREATE));
	}
}

static void visit_wrong_handles(const struct call *call, int place, const struct argument *argument)
{
	uint64_t right = argument_right(argument);
	const uint64_t values[] = {
		UINT64_MAX,
		1ul << 63,
		INT64_MAX,
		right + 1,
		right ^ 8,
		right | 1ul << 63,
		right ^ 1ul << TERN_HANDLE_GENERATION_SHIFT,
		right ^ 1ul << (TERN_HANDLE_GENERATION_SHIFT + TERN_HANDLE_GENERATION_BITS - 1),
		right | 0xfffffull << TERN_HANDLE_INDEX_SHIFT,
		right ^ TERN_RIGHT_NO_INHERIT << TERN_HANDLE_RIGHTS_SHIFT,
		right ^ TERN_RIGHT_OWNER << TERN_HANDLE_RIGHTS_SHIFT,
		(uint64_t)fixture.stale,
		(uint64_t)fixture.closed,
	};

	if (!is_handle(argument))
		return;
	for (uint64_t name = 0; name < TERN_HANDLE_FIRST; name++)
		if (!is_name(argument, name))
			expect(call, place, name, -EBADF, "a reserved name");
	for (size_t i = 0; i < RT_COUNT(values); i++)
		expect(call, place, values[i], -EBADF, "no handle");
}

void wrong_handles_are_refused(void)
{
	visit_arguments(visit_wrong_handles);
}

static void visit_other_types(const struct call *call, int place, const struct argument *argument)
{
	if (!is_handle(argument) || argument->type == TERN_TYPE_NONE)
		return;
	for (unsigned int type = TERN_TYPE_NONE + 1; type < TERN_TYPE_COUNT; type++) {
		if (type == argument->type)
			continue;
		if (type == TERN_TYPE_REPLY && argument->kind == ARGUMENT_ACCOUNT)
			continue;
		expect(call, place, (uint64_t)fixture.handles[type], -EPROTOTYPE, "another type");
	}
}

void handles_of_other_types_are_refused(void)
{
	visit_arguments(visit_other_types);
}

static void visit_missing_rights(const struct call *call, int place,
				 const struct argument *argument)
{
	if (!is_handle(argument))
		return;
	for (uint32_t right = 1; right <= argument->rights; right <<= 1) {
		tern_handle poor;

		if (!(right & argument->rights))
			continue;
		poor = tern_handle_duplicate((tern_handle)argument_right(argument),
					     TERN_RIGHTS_ALL & ~right);
		CHECK(poor > 0);
		expect(call, place, (uint64_t)poor, -EPERM, "a right is missing");
		CHECK_EQ(tern_handle_close(poor), 0);
	}
}

void missing_rights_are_refused(void)
{
	visit_arguments(visit_missing_rights);
}

static void visit_numbers(const struct call *call, int place, const struct argument *argument)
{
	for (int i = 0; i < WRONG_MAX && argument->wrong[i].error; i++)
		expect(call, place, argument->wrong[i].value, argument->wrong[i].error,
		       "a wrong value");
}

void wrong_numbers_are_refused(void)
{
	visit_arguments(visit_numbers);
}

/* touch says EINVAL for what is outside of user space: its own list has those. */
static void visit_addresses(const struct call *call, int place, const struct argument *argument)
{
	static const uint64_t outside[] = { KERNEL, DIRECT_MAP, 1ul << 63, TERN_USER_TOP,
					    UINT64_MAX & ~15ul };
	bool is_write = argument->kind == ARGUMENT_WRITABLE;

	if (argument->kind != ARGUMENT_READABLE && argument->kind != ARGUMENT_WORD && !is_write)
		return;
	for (size_t i = 0; i < RT_COUNT(outside) && !argument->wrong[0].error; i++)
		expect(call, place, outside[i], -EFAULT, "outside of user space");
	if (call->operation != TERN_OP_thread_exit)
		expect(call, place, 0, -EFAULT, "a null pointer");
	expect(call, place, 64, -EFAULT, "the first page");
	expect(call, place, UNMAPPED, -EFAULT, "not mapped");
	expect(call, place, (uint64_t)fixture.guard, -EFAULT, "a guard");
	if (is_write)
		expect(call, place, (uint64_t)fixture.readable, -EFAULT, "read-only memory");
	for (uint64_t i = 1; i < 4 && argument->kind == ARGUMENT_WORD; i++)
		expect(call, place, (uint64_t)fixture.writable + i, -EINVAL, "not aligned");
}

void wrong_addresses_are_refused(void)
{
	visit_arguments(visit_addresses);
}

/* The extended descriptor's address is in no argument register: for those calls, by itself. */
void wrong_descriptors_are_refused(void)
{
	static const uint64_t addresses[] = {
		0, 64, UNMAPPED, KERNEL, TERN_USER_TOP, UINT64_MAX - sizeof(struct tern_extended)
	};
	struct tern_received message = { 0 };
	tern_handle port;

	fixture_create();
	port = fixture.handles[TERN_TYPE_PORT];
	for (size_t i = 0; i < RT_COUNT(addresses); i++) {
		const struct tern_extended *extended = (const struct tern_extended *)addresses[i];
		tern_handle reply = fixture.handles[TERN_TYPE_REPLY];

		CHECK_EQ(tern_call_ext(port, &message, extended), -EFAULT);
		CHECK_EQ(tern_reply_ext(reply, &message, extended), -EFAULT);
		CHECK_EQ(tern_reply_status(reply), 0);
	}
	CHECK_EQ(tern_call_ext(port, &message,
			       (struct tern_extended *)(fixture.readable + RT_PAGE - 8)),
		 -EFAULT);
	fixture_destroy();
}

void right_arguments_are_accepted(void)
{
	uint64_t values[ARGUMENTS_MAX];

	fixture_create();
	memset(fixture.writable, 0, RT_PAGE);
	for (size_t i = 0; i < call_count; i++) {
		int64_t result;

		if (!(calls[i].flags & (CREATES | HARMLESS)))
			continue;
		right_values(&calls[i], values);
		result = call_invoke(&calls[i], values);
		if (calls[i].flags & CREATES ? result > 0 : result == calls[i].expected)
			result = result > 0 && calls[i].flags & CREATES ? tern_handle_close(result)
									: 0;
		else
			test_fail(__FILE__, __LINE__, calls[i].name, result, calls[i].expected);
	}
	fixture_destroy();
}

/* Create until the account has nothing left; then the call fails and others still work. */
static void exhaust(const struct call *call)
{
	static tern_handle made[ENOUGH];
	tern_handle poor = tern_account_create(0, 4 * RT_PAGE);
	uint64_t values[ARGUMENTS_MAX];
	int64_t result = 0;
	size_t count = 0;

	right_values(call, values);
	values[0] = (uint64_t)poor;
	while (count < ENOUGH && (result = call_invoke(call, values)) > 0)
		made[count++] = result;
	/* A line can be bound once: the second time it is busy, unless there is no memory. */
	if (call->operation == TERN_OP_interrupt_create)
		CHECK_EQ(result, -EBUSY);
	else if (result != -ENOMEM)
		test_fail(__FILE__, __LINE__, call->name, result, -ENOMEM);
	while (count)
		CHECK_EQ(tern_handle_close(made[--count]), 0);
	CHECK_EQ(tern_handle_close(poor), 0);
}

void empty_account_means_enomem(void)
{
	fixture_create();
	for (size_t i = 0; i < call_count; i++)
		if (calls[i].flags & CREATES && calls[i].arguments[0].kind == ARGUMENT_ACCOUNT)
			exhaust(&calls[i]);
	fixture_destroy();
}
