/*
 * The system-call fuzzer: threads of several processes make random calls with plausible and wild
 * arguments; processes that die are replaced. In the end the kernel must be consistent: what it
 * has is what it had. With a debug kernel each call's invariants and the lock order are checked.
 * Boot options: fuzz=N (calls in all), seed=N.
 */
#include "test.h"

#define PROCESSES 3
#define THREADS 2
#define CALLS_DEFAULT 1000000
#define HANDLES 24
#define ROUND_CALLS 4000

/* ----------------------------------------------------------------- in the fuzzing processes */

static tern_handle handles[HANDLES];
static char scratch[4 * RT_PAGE] __attribute__((aligned(4096)));

static uint64_t random_handle(uint64_t *state)
{
	uint64_t choice = test_random(state);

	if (choice % 16 == 0)
		return test_random(state);
	if (choice % 16 == 1)
		return choice >> 8 & 3;
	return (uint64_t)handles[(choice >> 8) % HANDLES];
}

static uint64_t random_address(uint64_t *state)
{
	static const uint64_t interesting[] = { 0,
						1,
						0xfff,
						0x1000,
						TERN_USER_TOP,
						TERN_USER_TOP - 8,
						TERN_TIME_PAGE,
						0xffffffff80200000,
						0xffffc00080000000,
						UINT64_MAX };
	uint64_t choice = test_random(state);

	if (choice % 4 == 0)
		return interesting[(choice >> 8) % RT_COUNT(interesting)];
	if (choice % 4 == 1)
		return 0x50000000 + ((choice >> 8) % 64) * RT_PAGE;
	return (uint64_t)scratch + (choice >> 8) % sizeof(scratch);
}

static uint64_t random_argument(uint64_t *state)
{
	uint64_t choice = test_random(state);

	switch (choice % 5) {
	case 0:
	case 1:
		return random_handle(state);
	case 2:
		return random_address(state);
	case 3:
		return (choice >> 8) % 64;
	default:
		return ((choice >> 8) % 16) * RT_PAGE;
	}
}

/* Calls that would end the fuzzer for good, or wait where nobody comes. */
static bool is_left_out(int64_t op)
{
	return op == TERN_OP_process_kill || op == TERN_OP_process_fork ||
	       op == TERN_OP_thread_exit || op == TERN_OP_thread_kill ||
	       op == TERN_OP_account_destroy || op == TERN_OP_thread_resume ||
	       op == TERN_OP_debug_log || op == TERN_OP_wait || op == TERN_OP_reply_wait ||
	       op == TERN_OP_reply_wait_ext || op == TERN_OP_call || op == TERN_OP_call_ext ||
	       op == TERN_OP_futex_wait || op == TERN_OP_system_control;
}

static int64_t random_op(uint64_t *state, bool may_block)
{
	for (;;) {
		int64_t op = -(int64_t)(test_random(state) % (TERN_SYSCALL_COUNT + 2));

		if (op == TERN_OP_system_control || op == TERN_OP_debug_log ||
		    op == TERN_OP_process_stop)
			continue;
		if (!is_left_out(op) || (may_block && test_random(state) % 64 == 0))
			return op;
	}
}

static void fuzz_calls(uint64_t seed, bool may_block)
{
	uint64_t state = seed | 1;

	for (unsigned int i = 0; i < ROUND_CALLS; i++) {
		int64_t op = random_op(&state, may_block);
		tern_result result = tern_syscall6(op, random_argument(&state),
						   random_argument(&state), random_argument(&state),
						   random_argument(&state), random_argument(&state),
						   random_argument(&state));

		if (result >= TERN_HANDLE_FIRST) {
			uint64_t place = test_random(&state) % HANDLES;

			if (handles[place] > 0)
				tern_handle_close(handles[place]);
			handles[place] = result;
		}
	}
}

static void blocking_fuzzer(uint64_t seed)
{
	fuzz_calls(seed * 31, true);
}

/* One thread that never blocks, one that may block for ever; then the whole process ends. */
static void fuzzer(uint64_t seed)
{
	static struct rt_thread threads[THREADS - 1];
	struct test_port port = { .listener = tern_listener_create(0, 8) };

	handles[0] = port.listener;
	handles[1] = tern_port_create(0, port.listener, 1, 0);
	handles[2] = tern_port_mint(handles[1], TERN_RIGHTS_ALL);
	handles[3] = tern_memobj_create(0, 4 * RT_PAGE);
	handles[4] = tern_timer_create(0, handles[2], 1);
	for (unsigned int i = 0; i < THREADS - 1; i++)
		rt_thread(&threads[i], blocking_fuzzer, seed + i, 8);
	fuzz_calls(seed, false);
	rt_exit(0);
}

/* ------------------------------------------------------------------------- the supervisor */

static void fuzz_generation(uint64_t seed)
{
	tern_handle processes[PROCESSES], threads[PROCESSES];
	tern_handle account = tern_account_create(0, 512 * RT_PAGE);

	rt_require(account > 0, "an account");
	for (unsigned int i = 0; i < PROCESSES; i++) {
		processes[i] = rt_process(account);
		rt_require(processes[i] > 0, "a process");
		threads[i] = rt_run(processes[i], fuzzer, seed * PROCESSES + i, 16);
	}
	for (unsigned int i = 0; i < PROCESSES; i++) {
		uint64_t deadline = tern_time() + 2000000000ul;

		/* It may have given its only running thread priority 0 or lost it: then kill it. */
		while (tern_process_status(processes[i]) == TERN_PROCESS_RUNNING &&
		       tern_time() < deadline)
			test_sleep(500000);
		tern_process_kill(processes[i], 1);
		tern_handle_close(threads[i]);
		tern_handle_close(processes[i]);
	}
	tern_account_destroy(account);
	tern_handle_close(account);
}

static void kernel_survives_random_calls(void)
{
	uint64_t calls = rt_option("fuzz", CALLS_DEFAULT);
	uint64_t seed = rt_option("seed", 4711);

	rt_printf("fuzz: %lu calls, seed %lu\n", calls, seed);
	for (uint64_t done = 0; done < calls; done += ROUND_CALLS * PROCESSES * THREADS)
		fuzz_generation(seed++);
	CHECK_EQ(tern_null(), 0);
}

static const struct test tests[] = {
	{ "kernel_survives_random_calls", kernel_survives_random_calls },
};

TEST_MAIN(tests)
