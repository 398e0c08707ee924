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
static void exchange_fp(bool server_uses_fp)
{
	struct fp_server server = { .port = test_port(1, 0), .uses_fp = server_uses_fp };
	struct tern_received message = { 0 };

	rt_thread(&server.thread, serve, (uint64_t)&server, PRIORITY);
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
	exchange_fp(false);
	exchange_fp(true);
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

static void use_fp(struct tern_upcall *upcall)
{
	(void)upcall;
	tern_thread_yield();
}

void fp_registers_survive_upcalls(void)
{
	upcall_set(use_fp);
	rt_fp_load(4242);
	tern_syscall0(99);
	CHECK_EQ(rt_fp_differences(4242), 0);
	upcall_set(NULL);
}
