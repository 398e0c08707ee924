/*
 * The benchmark: prints lines "BENCH name figure". The boot command line chooses:
 *   nothing    everything but the next two; 1 GiB, one hart, -icount shift=0
 *   study=N    one benchmark only, for a tracer that stops at the study_ labels in loops.S:
 *              1 plain round trips, 2 on the slow path, 3 moving a handle, 4 notifications,
 *              5 in one space, 6 with a window of 64 bytes
 *   pairs=N    throughput of N pairs on all harts, in plain emulation: pairs_1_hart ...
 *   scaling=1  the same with a pair for each hart, named as study/bench.py wants it
 */
#include "bench.h"

void report(const char *name, uint64_t figure)
{
	rt_printf("BENCH %s %lu\n", name, figure);
}

static uint64_t null_rounds(const struct part *part, uint64_t rounds)
{
	(void)part;
	return loop_null(rounds);
}

static void null_caller(uint64_t argument)
{
	measure_loop((struct part *)argument, null_rounds);
	rt_exit(0);
}

/* From ecall to return, with the instruction that loads a7. */
static void bench_null(void)
{
	static const tern_handle none[3];
	struct party caller = party_start(null_caller, PRIORITY, none, 0);

	report("null_syscall", party_end(&caller, "null_syscall"));
}

_Static_assert(offsetof(struct tern_upcall, registers) == 32, "UPCALL_REGISTERS");
_Static_assert(offsetof(struct tern_upcall, registers.x[9]) == 112, "UPCALL_A0");

static uint64_t foreign_rounds(const struct part *part, uint64_t rounds)
{
	(void)part;
	return loop_foreign(rounds);
}

static void foreign_caller(uint64_t argument)
{
	static char stack[RT_PAGE] __attribute__((aligned(16)));

	tern_thread_set_upcall((uint64_t)foreign_upcall, (uint64_t)(stack + sizeof(stack)), 0);
	measure_loop((struct part *)argument, foreign_rounds);
	rt_exit(0);
}

/* A non-negative operation: from its ecall through the upcall, which resumes at once, and back. */
static void bench_foreign(void)
{
	static const tern_handle none[3];
	struct party caller = party_start(foreign_caller, PRIORITY, none, 0);

	report("foreign_call", party_end(&caller, "foreign_call"));
}

static void bench_all(void)
{
	report("boot_instructions", (uint64_t)tern_system_info(TERN_INFO_BOOT_INSTRUCTIONS));
	bench_null();
	bench_foreign();
	bench_messages();
	bench_events();
	bench_objects();
	bench_sizes();
	bench_scaling();
}

/* For the tracer. */
static void bench_one(uint64_t number)
{
	static void (*const benches[])(
		void) = { bench_plain,  bench_slow,       bench_handle,
			  bench_notify, bench_same_space, bench_window_small };

	rt_require(number <= sizeof(benches) / sizeof(benches[0]), "study=1 .. 6");
	benches[number - 1]();
}

int main(void)
{
	uint64_t pairs = rt_option("pairs", 0);

	if (pairs)
		bench_pairs(pairs, "");
	else if (rt_option("scaling", 0))
		bench_pairs((uint64_t)tern_system_info(TERN_INFO_HARTS), "scaling_");
	else if (rt_option("study", 0))
		bench_one(rt_option("study", 0));
	else
		bench_all();
	return 0;
}
