/*
 * Every register around every system call: messages pass unchanged, what is the caller's own comes
 * back or is zero, and nothing of the other side or of the kernel is seen.
 */
#include "ports.h"

#define ROUNDS 50
#define CLIENT 0xc11c000000000100ul
#define SERVER 0x5ee5000000000200ul
#define USERDATA 0x77
#define REGISTERS 31
#define X(n) ((n)-1) /* index of a register in struct rt_registers */

enum { RA = X(1), SP = X(2), TP = X(4), T0 = X(5), T1 = X(6), S0 = X(8), S1 = X(9), A0 = X(10) };
enum { A1 = X(11), A6 = X(16), A7 = X(17), S2 = X(18), S11 = X(27), T3 = X(28), T6 = X(31) };

static bool is_kept(int index)
{
	return (index >= SP && index <= TP) || index == S0 || index == S1 ||
	       (index >= S2 && index <= S11);
}

static bool is_word(int index)
{
	return index == T0 || index == T1 || (index >= A1 && index <= A6);
}

static void fill(struct rt_registers *registers, uint64_t pattern, int64_t operation)
{
	for (int i = 0; i < REGISTERS; i++)
		registers->in[i] = pattern + (uint64_t)i;
	registers->in[A7] = (uint64_t)operation;
	registers->in[S11] = (uint64_t)registers;
}

static uint64_t expected_after_exchange(const struct rt_registers *registers, int index,
					uint64_t other, uint64_t a7)
{
	if (is_kept(index))
		return registers->in[index];
	if (is_word(index))
		return other + (uint64_t)index;
	return index == A7 ? a7 : 0;
}

/* How many registers are not what they must be after an exchange with the other pattern. */
static uint32_t wrong_after_exchange(const struct rt_registers *registers, uint64_t other,
				     uint64_t a7)
{
	uint32_t wrong = 0;

	for (int i = 0; i < REGISTERS; i++) {
		uint64_t expected = expected_after_exchange(registers, i, other, a7);

		if (registers->out[i] == expected ||
		    (i == RA && registers->out[i] == (uint64_t)rt_ecall_return))
			continue;
		rt_printf("  x%d: %lx, expected %lx\n", i + 1, registers->out[i], expected);
		wrong++;
	}
	return wrong;
}

/* Client and server share this, as threads or as processes. */
struct mirror {
	struct rt_registers client, server;
	tern_handle listener; /* as the server names it */
	volatile uint32_t wrong;
};

/* Every call of the client, and the first receive too, is one rt_ecall here. */
static void mirror_serve(uint64_t argument)
{
	struct mirror *mirror = (struct mirror *)argument;
	struct rt_registers *registers = &mirror->server;

	for (;;) {
		fill(registers, SERVER, TERN_OP_reply_wait);
		registers->in[A0] = (uint64_t)mirror->listener;
		rt_ecall(registers);
		if (registers->out[A0])
			break;
		mirror->wrong += wrong_after_exchange(registers, CLIENT, USERDATA);
	}
}

static uint32_t exchange_patterns(struct mirror *mirror, tern_handle port, int rounds)
{
	uint32_t wrong = 0;

	for (int i = 0; i < rounds; i++) {
		fill(&mirror->client, CLIENT, TERN_OP_call);
		mirror->client.in[A0] = (uint64_t)port;
		rt_ecall(&mirror->client);
		wrong += wrong_after_exchange(&mirror->client, SERVER, 0);
	}
	return wrong;
}

static void mirror_threads(unsigned int priority)
{
	static struct mirror mirror;
	struct test_port port = test_port(USERDATA, 0);
	struct rt_thread thread;

	mirror.listener = port.listener;
	mirror.wrong = 0;
	rt_thread(&thread, mirror_serve, (uint64_t)&mirror, priority);
	CHECK_EQ(exchange_patterns(&mirror, port.client, ROUNDS), 0);
	CHECK_EQ(tern_listener_destroy(port.listener), 0);
	rt_join(&thread);
	CHECK_EQ(mirror.wrong, 0);
	test_port_close(&port);
}

static void mirror_processes(unsigned int priority)
{
	struct test_port port = test_port(USERDATA, 0);
	struct rt_shared shared = rt_share(sizeof(struct mirror));
	struct mirror *mirror = shared.address;
	tern_handle process = rt_process(0), thread;

	rt_share_with(&shared, process);
	mirror->listener = rt_give(process, port.listener);
	thread = rt_run(process, mirror_serve, (uint64_t)mirror, priority);
	CHECK_EQ(exchange_patterns(mirror, port.client, ROUNDS), 0);
	CHECK_EQ(tern_listener_destroy(port.listener), 0);
	CHECK_EQ(rt_wait_process(process), 0);
	CHECK_EQ(mirror->wrong, 0);
	tern_handle_close(thread);
	tern_handle_close(process);
	rt_unshare(&shared);
	test_port_close(&port);
}

/* Servers of higher, equal and lower priority: fast path, switch, inheritance. */
void registers_of_messages_are_exact(void)
{
	static const unsigned int priorities[] = { 32, 10 };

	for (int slow = 0; slow < 2; slow++) {
		CHECK_EQ(tern_system_control(rt_boot->resource, TERN_CONTROL_FORCE_SLOW,
					     (uint64_t)slow),
			 0);
		for (size_t i = 0; i < RT_COUNT(priorities); i++) {
			mirror_threads(priorities[i]);
			mirror_processes(priorities[i]);
		}
	}
	CHECK_EQ(tern_system_control(rt_boot->resource, TERN_CONTROL_FORCE_SLOW, 0), 0);
}

static bool is_own(const struct rt_registers *registers, int index)
{
	uint64_t value = registers->out[index];

	if (is_kept(index))
		return value == registers->in[index];
	return value == 0 || value == registers->in[index] ||
	       (index == RA && value == (uint64_t)rt_ecall_return);
}

/*
 * With such patterns no argument of any call is right; those that take none do what they do. So
 * every operation can be called, blocking and deadly ones too.
 */
void registers_of_other_calls_are_ones_own(void)
{
	static struct rt_registers registers;

	for (int64_t operation = -TERN_SYSCALL_COUNT - 2; operation <= 2; operation++) {
		fill(&registers, CLIENT | 1, operation);
		rt_ecall(&registers);
		for (int i = 0; i < REGISTERS; i++) {
			if (i == A0 || is_own(&registers, i))
				continue;
			rt_printf("  operation %ld: x%d: %lx\n", operation, i + 1,
				  registers.out[i]);
			CHECK(is_own(&registers, i));
		}
		CHECK((int64_t)registers.out[A0] <= 0);
	}
}

/* Preemption and faults change nothing at all: the kernel is not asked for anything. */
static void spin_with_patterns(uint64_t argument)
{
	(void)argument;
	for (int i = 0; i < ROUNDS; i++) {
		struct rt_registers registers;

		fill(&registers, CLIENT, TERN_OP_thread_yield);
		rt_ecall(&registers);
		for (int j = 0; j < REGISTERS; j++)
			if (is_kept(j))
				CHECK_EQ(registers.out[j], registers.in[j]);
	}
}

void registers_survive_other_threads(void)
{
	struct rt_thread threads[6];

	for (size_t i = 0; i < RT_COUNT(threads); i++)
		rt_thread(&threads[i], spin_with_patterns, 0, PRIORITY);
	for (size_t i = 0; i < RT_COUNT(threads); i++)
		rt_join(&threads[i]);
}
