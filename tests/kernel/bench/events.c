/* Benchmarks of notifications and interrupts. */
#include "bench.h"

#define IRQ_LINE 5 /* no device of the machine uses it */
#define DRIVER_PRIORITY (PRIORITY + 4)

/* handles: own listener, the other's port */
static void notify_server(uint64_t argument)
{
	const struct part *part = (const struct part *)argument;

	serve_notify(part->handles[0], part->handles[1]);
}

static uint64_t notify_rounds(const struct part *part, uint64_t rounds)
{
	return loop_notify(part->handles[0], part->handles[1], rounds);
}

static void notify_client(uint64_t argument)
{
	measure_loop((struct part *)argument, notify_rounds);
	rt_exit(0);
}

/* There and back: notify, the other wakes up from its wait, notifies, waits; this one wakes up. */
void bench_notify(void)
{
	struct pair one = pair_create(), two = pair_create();
	const tern_handle ones[3] = { one.listener, two.port };
	const tern_handle twos[3] = { two.listener, one.port };
	struct party server = party_start(notify_server, PRIORITY, ones, 0);
	struct party client = party_start(notify_client, PRIORITY, twos, 0);

	report("notify_wait", party_end(&client, "notify_wait"));
	party_kill(&server);
	pair_close(&one);
	pair_close(&two);
}

/* handles: listener, interrupt. It notes its arrivals in the figure. */
static void irq_driver(uint64_t argument)
{
	struct part *part = (struct part *)argument;

	drive(part->handles[0], part->handles[1], &part->figure);
}

/* handles: resource; argument: where the driver notes its arrivals. */
static uint64_t irq_rounds(const struct part *part, uint64_t rounds)
{
	const volatile uint64_t *arrived = (const volatile uint64_t *)part->argument;
	uint64_t sum = 0;

	for (uint64_t i = 0; i < rounds; i++) {
		uint64_t before = raise(part->handles[0], TERN_CONTROL_IRQ_RAISE, IRQ_LINE);

		if (!before || *arrived <= before)
			rt_exit(1);
		sum += *arrived - before - 1; /* without the reading itself */
	}
	return sum / rounds;
}

static void irq_raiser(uint64_t argument)
{
	struct part *part = (struct part *)argument;

	irq_rounds(part, WARM_UP);
	part->figure = irq_rounds(part, ROUNDS);
	part->is_good = 1;
	rt_exit(0);
}

/*
 * From the system call that has the kernel handle the line as if its device had raised it, to the
 * first instruction of a driver of higher priority in another process. The system call stands for
 * the trap; claiming the line at the interrupt controller is not in the figure. One hart.
 */
static void bench_interrupt(void)
{
	struct pair pair = pair_create();
	tern_handle interrupt = tern_interrupt_create(0, rt_boot->resource, IRQ_LINE, pair.port, 1);
	const tern_handle drivers[3] = { pair.listener, interrupt };
	const tern_handle raisers[3] = { rt_boot->resource };
	struct party driver, raiser;

	rt_require(interrupt > 0, "an interrupt");
	driver = party_start(irq_driver, DRIVER_PRIORITY, drivers, 0);
	raiser = party_start(irq_raiser, PRIORITY, raisers, (uint64_t)&driver.part->figure);
	report("irq_to_user", party_end(&raiser, "irq_to_user"));
	party_kill(&driver);
	tern_handle_close(interrupt);
	pair_close(&pair);
}

void bench_events(void)
{
	bench_notify();
	bench_interrupt();
}
