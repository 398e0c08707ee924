/* Benchmarks of making, scheduling and paying for objects. */
#include "bench.h"

#define OBJECT_ROUNDS 500
#define SAMPLE 64
#define IRQ_LINE 5
#define IRQ_ROUNDS 200

static uint64_t process_start_page;

static void bench_threads(void)
{
	uint64_t before = 0;

	for (unsigned int i = 0; i < OBJECT_ROUNDS + WARM_UP; i++) {
		tern_handle thread;

		if (i == WARM_UP)
			before = rt_instructions();
		thread = tern_thread_create(TERN_SELF_PROCESS, (uint64_t)thread_ends, TERN_USER_TOP,
					    0, 0, 32);
		tern_thread_yield();
		tern_handle_close(thread);
	}
	report("thread_create_exit", (rt_instructions() - before) / OBJECT_ROUNDS);
}

/* A process with one page of code whose thread ends at once; until its death is notified. */
static void process_round(struct pair *pair, tern_handle code)
{
	struct tern_received message = { 0 };
	tern_handle process = tern_process_create(0);
	tern_handle thread;

	tern_process_watch(process, pair->port);
	tern_region_map(process, code, 0, process_start_page, RT_PAGE,
			TERN_MAP_READ | TERN_MAP_EXECUTE | TERN_MAP_FIXED);
	thread = tern_thread_create(process, process_start_page, TERN_USER_TOP, 0, 0, PRIORITY);
	rt_require(thread > 0, "a process with a thread");
	tern_wait(pair->listener, &message);
	tern_handle_close(thread);
	tern_handle_close(process);
}

static tern_handle code_page(void)
{
	tern_handle code = tern_memobj_create(0, RT_PAGE);
	tern_result address = tern_region_map(TERN_SELF_PROCESS, code, 0, 0, RT_PAGE,
					      TERN_MAP_READ | TERN_MAP_WRITE);

	memcpy((void *)address, (const void *)thread_ends, 16);
	rt_unmap((void *)address, RT_PAGE);
	return code;
}

static void bench_processes(void)
{
	struct pair pair = pair_create();
	tern_handle code = code_page();
	uint64_t before = 0;

	process_start_page = 0x10000;
	for (unsigned int i = 0; i < OBJECT_ROUNDS + WARM_UP; i++) {
		if (i == WARM_UP)
			before = rt_instructions();
		process_round(&pair, code);
	}
	report("process_create_exit", (rt_instructions() - before) / OBJECT_ROUNDS);
	tern_handle_close(code);
	pair_close(&pair);
}

static void yield_other(uint64_t unused)
{
	(void)unused;
	for (;;)
		loop_yield(ROUNDS);
}

/* Both yield: each round is two switches between spaces. */
static void yield_measured(uint64_t unused)
{
	uint64_t before;

	(void)unused;
	loop_yield(WARM_UP);
	before = rt_instructions();
	loop_yield(ROUNDS);
	rt_exit((uint32_t)((rt_instructions() - before) / ROUNDS / 2));
}

/* ---------------------------------------------------------------------------- interrupts */

static volatile uint64_t irq_arrived;
static tern_handle irq_object;
static volatile bool irq_ends;

static void irq_driver(uint64_t listener)
{
	struct tern_received message = { 0 };

	while (!irq_ends && tern_wait((tern_handle)listener, &message) >= 0) {
		irq_arrived = rt_instructions();
		tern_interrupt_ack(irq_object);
	}
}

/*
 * From the moment the interrupt is taken (a system call handles it as the device's would be: trap,
 * delivery, switch) to the first instruction of a driver of higher priority.
 */
static void irq_raiser(uint64_t unused)
{
	uint64_t sum = 0;

	(void)unused;
	for (unsigned int i = 0; i < IRQ_ROUNDS; i++) {
		uint64_t before = rt_instructions();

		tern_system_control(rt_boot->resource, TERN_CONTROL_IRQ_RAISE, IRQ_LINE);
		sum += irq_arrived - before;
	}
	report("irq_to_user", sum / IRQ_ROUNDS);
}

static void bench_interrupt(void)
{
	struct pair pair = pair_create();
	struct rt_thread driver, raiser;

	irq_object = tern_interrupt_create(0, rt_boot->resource, IRQ_LINE, pair.port, 1);
	rt_require(irq_object > 0, "an interrupt");
	rt_thread(&driver, irq_driver, (uint64_t)pair.listener, PRIORITY + 4);
	rt_thread(&raiser, irq_raiser, 0, PRIORITY);
	rt_join(&raiser);
	irq_ends = true;
	tern_notify(pair.port, 1);
	rt_join(&driver);
	tern_handle_close(irq_object);
	pair_close(&pair);
}

/* -------------------------------------------------------------------------------- memory */

static uint64_t used(tern_handle account)
{
	return (uint64_t)tern_account_info(account, TERN_ACCOUNT_USED);
}

static void bench_sizes(void)
{
	static tern_handle sample[SAMPLE], threads[SAMPLE];
	tern_handle account = tern_account_create(0, 64ul << 20);
	struct pair pair = pair_create();
	uint64_t before = used(account);

	for (unsigned int i = 0; i < SAMPLE; i++)
		sample[i] = tern_port_create(account, pair.listener, i, 0);
	report("bytes_per_client_port", (used(account) - before) / SAMPLE);
	for (unsigned int i = 0; i < SAMPLE; i++)
		tern_handle_close(sample[i]);
	before = used(account);
	for (unsigned int i = 0; i < SAMPLE; i++)
		sample[i] = tern_process_create(account);
	report("bytes_per_empty_process", (used(account) - before) / SAMPLE);
	before = used(account);
	for (unsigned int i = 0; i < SAMPLE; i++)
		threads[i] = tern_thread_create(sample[0], (uint64_t)thread_waits, TERN_USER_TOP, 0,
						0, 1);
	report("bytes_per_blocked_thread", (used(account) - before) / SAMPLE);
	for (unsigned int i = 0; i < SAMPLE; i++) {
		tern_handle_close(threads[i]);
		tern_process_kill(sample[i], 0);
		tern_handle_close(sample[i]);
	}
	tern_handle_close(account);
	pair_close(&pair);
}

void bench_objects(void)
{
	bench_interrupt();
	bench_threads();
	bench_processes();
	report("yield_switch", measure(yield_other, yield_measured));
	bench_sizes();
}
