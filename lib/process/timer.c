/*
 * Timers that send signals. Those that run stand in one list by deadline, whose first sets the kernel's
 * timer. A timer whose signal has not been fetched yet counts overruns instead of sending again.
 * Periods are at least MIN_PERIOD apart in work done: a shorter one only counts faster.
 *
 * Timers of processor time. The kernel does not say when a process has used so much, so such a timer is
 * looked at when that can be at the earliest, and again if it has not come. Who sleeps is looked at
 * seldom, and who has several threads is taken to run them all.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "lib/process/process.h"

#define MIN_PERIOD 100000ul
#define LOOK_MIN 1000000ul   /* nanoseconds between two looks at a process that runs, */
#define LOOK_IDLE 20000000ul /* at one that has done nothing since the last, */
#define LOOK_MAX 100000000ul /* at any: threads may have been added meanwhile */
#define KILL_NS 1000000000ul /* for a process to give its robust locks back */
#define CODE_TIMER (-2)
#define CODE_KERNEL 0x80

static struct process_timer *find(struct process *process, uint64_t number)
{
	struct process_timer *at = process->timers;

	while (at && at->number != number)
		at = at->next;
	return at;
}

static struct process_timer *create(struct process *process, uint32_t number)
{
	struct process_timer *timer = calloc(1, sizeof(*timer));

	if (!timer)
		return NULL;
	timer->process = process;
	timer->number = number;
	timer->next = process->timers;
	process->timers = timer;
	process->timer_count++;
	return timer;
}

int64_t process_timer_create(struct process *process, uint32_t signal, uint64_t value,
			     uint32_t thread, bool counts_cpu)
{
	struct process_timer *timer;
	uint32_t number = 1;

	if (signal > POSIX_SIGNALS)
		return -EINVAL;
	if (process->timer_count >= PROCESS_TIMERS_MAX)
		return -EAGAIN;
	while (find(process, number))
		number++;
	timer = create(process, number);
	if (!timer)
		return -EAGAIN;
	timer->signal = signal;
	timer->value = value;
	timer->thread = thread;
	timer->counts_cpu = counts_cpu;
	return number;
}

/* One of those that every process has; exec keeps them. */
static bool is_own(uint64_t number)
{
	return number == POSIX_TIMER_REAL ||
	       (number >= POSIX_TIMER_VIRTUAL && number < POSIX_TIMER_NUMBERS);
}

static struct process_timer *create_own(struct process *process, uint32_t number)
{
	static const uint32_t signals[POSIX_TIMER_NUMBERS] = {
		[POSIX_TIMER_REAL] = SIGALRM,       [POSIX_TIMER_VIRTUAL] = SIGVTALRM,
		[POSIX_TIMER_PROFILE] = SIGPROF,    [POSIX_TIMER_LIMIT] = SIGXCPU,
		[POSIX_TIMER_HARD_LIMIT] = SIGKILL, [POSIX_TIMER_KILL] = SIGKILL,
	};
	struct process_timer *timer = create(process, number);

	if (timer) {
		timer->signal = signals[number];
		timer->counts_cpu = number != POSIX_TIMER_REAL && number != POSIX_TIMER_KILL;
	}
	return timer;
}

/* ---------------------------------------------------------------------------- those that run */

static void set_kernel_timer(struct process_table *table)
{
	table->kernel->set_timer(table->running ? table->running->deadline : 0);
}

static void take_out(struct process_table *table, const struct process_timer *timer)
{
	struct process_timer **at = &table->running;

	while (*at && *at != timer)
		at = &(*at)->later;
	if (*at)
		*at = timer->later;
}

static void put_in(struct process_table *table, struct process_timer *timer)
{
	struct process_timer **at = &table->running;

	while (*at && (*at)->deadline <= timer->deadline)
		at = &(*at)->later;
	timer->later = *at;
	*at = timer;
}

static void fire(struct process_table *table, struct process_timer *timer)
{
	bool is_plain = is_own(timer->number);
	const struct posix_signal signal = {
		.number_and_code = POSIX_SIGNAL(timer->signal, is_plain ? CODE_KERNEL : CODE_TIMER),
		.thread = timer->thread,
		.pid = is_plain ? 0 : timer->number,
		.value = timer->value,
	};

	if (!timer->signal)
		return;
	if (timer->number == POSIX_TIMER_KILL)
		timer->process->has_robust = false;
	if (timer->is_mailed && !is_plain)
		timer->overruns++;
	else if (is_plain)
		process_send(table, timer->process, &signal);
	else
		process_send_timer(table, timer, &signal);
}

/* It has fired at `now`; when next? Whole periods that have passed meanwhile are overruns. */
static void go_on(struct process_table *table, struct process_timer *timer, uint64_t now)
{
	uint64_t missed;

	if (!timer->interval) {
		timer->deadline = 0;
		return;
	}
	missed = (now - timer->due) / timer->interval;
	timer->overruns += missed;
	timer->due += (missed + 1) * timer->interval;
	timer->deadline = timer->due > now + MIN_PERIOD ? timer->due : now + MIN_PERIOD;
	put_in(table, timer);
}

uint64_t process_used(const struct process_table *table, const struct process *process)
{
	return process->handle ? table->kernel->cpu_time(process->handle) : process->used;
}

/* When can it have come? */
static void look_later(struct process_table *table, struct process_timer *timer, uint64_t used)
{
	int64_t handle = timer->process->handle;
	uint64_t threads = handle ? table->kernel->threads(handle) : 1;
	uint64_t wait = timer->target > used ? timer->target - used : 0;

	if (threads > 1)
		wait /= threads;
	if (wait && wait < LOOK_MIN)
		wait = LOOK_MIN;
	if (wait && wait < LOOK_IDLE && used == timer->seen)
		wait = LOOK_IDLE;
	timer->seen = used;
	timer->deadline = table->kernel->now() + (wait < LOOK_MAX ? wait : LOOK_MAX) + 1;
	put_in(table, timer);
}

/* As fire and go_on, for a timer of processor time. */
static void look(struct process_table *table, struct process_timer *timer)
{
	uint64_t used = process_used(table, timer->process), missed;

	if (used >= timer->target) {
		fire(table, timer);
		if (!timer->interval) {
			timer->deadline = 0;
			return;
		}
		missed = (used - timer->target) / timer->interval;
		timer->overruns += missed;
		timer->target += (missed + 1) * timer->interval;
		if (timer->target < used + MIN_PERIOD)
			timer->target = used + MIN_PERIOD;
	}
	look_later(table, timer, used);
}

void process_timers_run(struct process_table *table)
{
	uint64_t now = table->kernel->now();

	while (table->running && table->running->deadline <= now) {
		struct process_timer *timer = table->running;

		table->running = timer->later;
		if (timer->counts_cpu) {
			look(table, timer);
		} else {
			fire(table, timer);
			go_on(table, timer, now);
		}
	}
	set_kernel_timer(table);
}

uint64_t process_timer_mailed(struct process_timer *timer)
{
	uint64_t overruns = timer->overruns;

	timer->is_mailed = false;
	timer->overruns = 0;
	return overruns < INT32_MAX ? overruns : INT32_MAX;
}

/* ---------------------------------------------------------------------------------- operations */

static void tell(struct process_table *table, const struct process_timer *timer, uint64_t *words)
{
	uint64_t now = table->kernel->now();

	words[1] = 0;
	if (timer->deadline && timer->counts_cpu)
		words[1] = timer->target;
	else if (timer->deadline)
		words[1] = timer->deadline > now ? timer->deadline - now : 1;
	words[2] = timer->interval;
	words[3] = timer->overruns;
}

int64_t process_timer_set(struct process_table *table, struct process *process, uint64_t *words)
{
	struct process_timer *timer = find(process, words[1]);
	uint64_t deadline = words[2], interval = words[3];

	if (!timer && is_own(words[1])) {
		timer = create_own(process, (uint32_t)words[1]);
		if (!timer)
			return -EAGAIN;
	}
	if (!timer || words[1] == POSIX_TIMER_KILL || deadline > INT64_MAX || interval > INT64_MAX)
		return -EINVAL;
	tell(table, timer, words);
	take_out(table, timer);
	timer->deadline = timer->due = deadline;
	timer->interval = deadline ? interval : 0;
	timer->overruns = 0;
	if (deadline && timer->counts_cpu) {
		timer->target = deadline;
		timer->seen = 0;
		look_later(table, timer, process_used(table, process));
	} else if (deadline) {
		put_in(table, timer);
	}
	set_kernel_timer(table);
	return 0;
}

bool process_timer_kill(struct process_table *table, struct process *process)
{
	struct process_timer *timer = find(process, POSIX_TIMER_KILL);

	if (!timer)
		timer = create_own(process, POSIX_TIMER_KILL);
	if (!timer || timer->deadline)
		return timer;
	timer->deadline = timer->due = table->kernel->now() + KILL_NS;
	put_in(table, timer);
	set_kernel_timer(table);
	return true;
}

int64_t process_timer_get(struct process_table *table, struct process *process, uint64_t *words)
{
	const struct process_timer *timer = find(process, words[1]);

	if (!timer && !is_own(words[1]))
		return -EINVAL;
	words[1] = words[2] = words[3] = 0;
	if (timer)
		tell(table, timer, words);
	return 0;
}

static void remove_at(struct process_table *table, struct process_timer **at)
{
	struct process_timer *timer = *at;

	*at = timer->next;
	take_out(table, timer);
	process_mail_forget(timer->process, timer);
	timer->process->timer_count--;
	free(timer);
}

int64_t process_timer_delete(struct process_table *table, struct process *process, uint32_t number)
{
	for (struct process_timer **at = &process->timers; *at; at = &(*at)->next) {
		if ((*at)->number != number || is_own(number))
			continue;
		remove_at(table, at);
		set_kernel_timer(table);
		return 0;
	}
	return -EINVAL;
}

void process_timers_drop(struct process_table *table, struct process *process, bool all)
{
	struct process_timer **at = &process->timers;

	if (!*at)
		return;
	while (*at)
		if (all || !is_own((*at)->number))
			remove_at(table, at);
		else
			at = &(*at)->next;
	set_kernel_timer(table);
}
