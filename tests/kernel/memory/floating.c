/* Floating-point registers belong to their thread, whatever happens to it. */
#include "memory.h"

#define THREADS 6
#define ROUNDS 200
#define SPIN_NS 30000000ul

static void check_zero(uint64_t argument)
{
	(void)argument;
	rt_exit(rt_fp_differences(0) ? 0 : 5);
}

/* rt_fp_differences(0) expects f<i> = i: zeroed registers differ in 31 places, others in 32. */
static void zeroed(uint64_t word)
{
	*(volatile uint64_t *)word = rt_fp_differences(0);
}

void fp_registers_start_zeroed(void)
{
	struct rt_thread thread;
	uint64_t differences = 0;
	struct rt_child child;

	rt_fp_load(0x123456789abc0000);
	rt_thread(&thread, zeroed, (uint64_t)&differences, PRIORITY);
	rt_join(&thread);
	CHECK_EQ(differences, 31);
	child = rt_child(check_zero, 0, PRIORITY, NULL);
	CHECK_EQ(rt_child_join(&child), 0);
	CHECK_EQ(rt_fp_differences(0x123456789abc0000), 0);
}

void fp_registers_survive_system_calls(void)
{
	uint32_t word = 0;

	rt_fp_load(77);
	tern_null();
	CHECK_EQ(rt_fp_differences(77), 0);
	tern_thread_yield();
	CHECK_EQ(rt_fp_differences(77), 0);
	tern_futex_wait(&word, 0, tern_time() + 100000);
	CHECK_EQ(rt_fp_differences(77), 0);
	tern_syscall0(64);
	CHECK_EQ(rt_fp_differences(77), 0);
	rt_printf("%s", "");
	CHECK_EQ(rt_fp_differences(77), 0);
}

struct fp_server {
	struct test_port port;
	struct rt_thread thread;
	bool uses_fp;
};

static void serve(uint64_t argument)
{
	struct fp_server *server = (struct fp_server *)argument;
	struct tern_received message = { 0 };
	uint64_t seed = 0x5555000000000000;

	if (server->uses_fp)
		rt_fp_load(seed);
	tern_wait(server->port.listener, &message);
	while (message.words[0]) {
		if (server->uses_fp) {
			CHECK_EQ(rt_fp_differences(seed), 0);
			rt_fp_load(++seed);
		}
		tern_reply_wait(server->port.listener, &message);
	}
	tern_reply(TERN_REPLY, &message);
}

/* Client and server with and without FP: each keeps its own. */
static void exchange_fp(bool server_uses_fp, unsigned int priority)
{
	struct fp_server server = { .port = test_port(1, 0), .uses_fp = server_uses_fp };
	struct tern_received message = { 0 };

	rt_thread(&server.thread, serve, (uint64_t)&server, priority);
	for (uint64_t round = 1; round <= ROUNDS; round++) {
		rt_fp_load(round);
		for (int i = 0; i < 3; i++) {
			message.words[0] = round;
			CHECK_EQ(tern_call(server.port.client, &message), 0);
			CHECK_EQ(rt_fp_differences(round), 0);
		}
	}
	message.words[0] = 0;
	tern_call(server.port.client, &message);
	rt_join(&server.thread);
	test_port_close(&server.port);
}

void fp_registers_survive_messages(void)
{
	exchange_fp(false, PRIORITY);
	exchange_fp(true, PRIORITY);
}

/* A server as important as its caller: nothing but floating point keeps these off the fast path. */
void fp_registers_survive_fast_messages(void)
{
	exchange_fp(false, OWN_PRIORITY);
	exchange_fp(true, OWN_PRIORITY);
}

static volatile uint64_t damage;

static void spin_with_fp(uint64_t seed)
{
	uint64_t end = tern_time() + SPIN_NS;

	rt_fp_load(seed);
	while (tern_time() < end)
		if (rt_fp_differences(seed))
			damage++;
}

void fp_registers_survive_preemption(void)
{
	struct rt_thread threads[THREADS];

	damage = 0;
	for (uint64_t i = 0; i < THREADS; i++)
		rt_thread(&threads[i], spin_with_fp, (i + 1) << 40, PRIORITY);
	for (uint64_t i = 0; i < THREADS; i++)
		rt_join(&threads[i]);
	CHECK_EQ(damage, 0);
}

/* What a signal handler does that uses these registers: they are the thread's, in an upcall too. */
static uint64_t saved[33];

static void use_fp(struct tern_upcall *upcall)
{
	(void)upcall;
	upcall_save_fp(saved);
	rt_fp_load(1717);
	tern_thread_yield();
	CHECK_EQ(rt_fp_differences(1717), 0);
	upcall_load_fp(saved);
}

void upcalls_can_save_and_load_fp_registers(void)
{
	upcall_set(use_fp);
	for (uint64_t i = 0; i < 3; i++) {
		rt_fp_load(4242 + i);
		if (i == 1)
			tern_thread_yield();
		tern_syscall0(99);
		CHECK_EQ(rt_fp_differences(4242 + i), 0);
	}
	upcall_set(NULL);
}

/* sigreturn: the thread goes on with what the upcall has loaded. */
static void change_fp(struct tern_upcall *upcall)
{
	(void)upcall;
	rt_fp_load(9898);
}

void upcalls_can_change_fp_registers(void)
{
	upcall_set(change_fp);
	rt_fp_load(4242);
	tern_syscall0(99);
	CHECK_EQ(rt_fp_differences(9898), 0);
	tern_thread_yield();
	tern_syscall0(99);
	CHECK_EQ(rt_fp_differences(9898), 0);
	upcall_set(NULL);
}

static void leave_fp(struct tern_upcall *upcall)
{
	(void)upcall;
	tern_thread_yield();
}

void fp_registers_survive_upcalls(void)
{
	upcall_set(leave_fp);
	rt_fp_load(4242);
	tern_syscall0(99);
	CHECK_EQ(rt_fp_differences(4242), 0);
	upcall_set(NULL);
}
