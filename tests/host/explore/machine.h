/*
 * A machine whose harts are coroutines, for exploring interleavings. A hart can lose the processor
 * before every atomic operation and every lock; which one goes on is a *choice*. Executions are
 * deterministic given the choices, so all of them can be enumerated (up to a bound on preemptions),
 * drawn at random, or repeated.
 *
 * Include this before any kernel header: it puts the choices into the atomic operations.
 */
#ifndef EXPLORE_MACHINE_H
#define EXPLORE_MACHINE_H

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

/* tests/host/support.c has simpler ones under these names. */
#define harts explore_harts
#define hart_count explore_hart_count
#define idle_harts explore_idle_harts
#define hart_set_attention explore_set_attention
#define hart_clear_attention explore_clear_attention
#define arch_send_ipi explore_send_ipi
#define arch_time explore_time
#define arch_timer_set explore_timer_set
#define panic explore_panic

/* ------------------------------------------------------------------------------------ choices */

#define CHOICES_MAX 20000
#define EXPLORE_HARTS 3

enum hart_state { HART_RUNS, HART_SLEEPS, HART_SPINS };

struct explorer {
	ucontext_t main, contexts[EXPLORE_HARTS];
	char *stacks[EXPLORE_HARTS];
	enum hart_state states[EXPLORE_HARTS];
	const void *spins_on[EXPLORE_HARTS];
	int ipi[EXPLORE_HARTS];
	unsigned int count, running;
	int is_exploring;

	/* This execution's choices so far, and how many are prescribed. */
	unsigned char taken[CHOICES_MAX], options[CHOICES_MAX];
	unsigned int depth, prescribed;
	unsigned int preemptions, bound;
	unsigned int random; /* not 0: draw the rest */
	unsigned long points;
};

static struct explorer explorer;

static void explore_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

static unsigned int next_random(void)
{
	explorer.random = explorer.random * 1664525u + 1013904223u;
	return explorer.random >> 8;
}

static unsigned int choose(unsigned int options)
{
	unsigned int place = explorer.depth++, choice = 0;

	if (place >= CHOICES_MAX)
		explore_fail("no end in sight");
	if (place < explorer.prescribed)
		choice = explorer.taken[place];
	else if (explorer.random)
		choice = next_random() % 8 ? 0 : next_random() % options;
	explorer.taken[place] = (unsigned char)choice;
	explorer.options[place] = (unsigned char)options;
	return choice;
}

/* Prescribe the next execution after this one in depth-first order. 0: that was the last. */
static int next_execution(void)
{
	while (explorer.depth > 0) {
		unsigned int last = explorer.depth - 1;

		if (explorer.taken[last] + 1u < explorer.options[last]) {
			explorer.taken[last]++;
			explorer.prescribed = explorer.depth;
			return 1;
		}
		explorer.depth--;
	}
	return 0;
}

/* -------------------------------------------------------------------------------------- harts */

static void on_switch(unsigned int hart); /* the kernel's current hart changes */

static void switch_to(unsigned int hart)
{
	unsigned int from = explorer.running;

	if (hart == from)
		return;
	explorer.running = hart;
	on_switch(hart);
	swapcontext(&explorer.contexts[from], &explorer.contexts[hart]);
}

/* The n-th other hart that can run; -1: there are not so many. */
static int other_runnable(unsigned int n)
{
	for (unsigned int i = 1; i < explorer.count; i++) {
		unsigned int hart = (explorer.running + i) % explorer.count;

		if (explorer.states[hart] == HART_RUNS && n-- == 0)
			return (int)hart;
	}
	return -1;
}

static unsigned int count_others(void)
{
	unsigned int count = 0;

	while (other_runnable(count) >= 0)
		count++;
	return count;
}

/* Somebody else may run first. */
static void explore_point(void)
{
	unsigned int others, choice;

	if (!explorer.is_exploring)
		return;
	explorer.points++;
	others = explorer.preemptions < explorer.bound ? count_others() : 0;
	if (!others)
		return;
	choice = choose(others + 1);
	if (choice) {
		explorer.preemptions++;
		switch_to((unsigned int)other_runnable(choice - 1));
	}
}

/* This hart cannot go on: somebody else must. When nobody can, the execution is over. */
static void explore_block(enum hart_state state)
{
	unsigned int others = count_others();

	explorer.states[explorer.running] = state;
	if (others)
		switch_to((unsigned int)other_runnable(others > 1 ? choose(others) : 0));
	else
		swapcontext(&explorer.contexts[explorer.running], &explorer.main);
}

/* Let others go first, if there are any: not a preemption. */
static void explore_yield(void)
{
	if (count_others())
		switch_to((unsigned int)other_runnable(0));
}

static void prepare_hart(unsigned int hart, void (*body)(void))
{
	enum { STACK = 1 << 16 };

	if (!explorer.stacks[hart])
		explorer.stacks[hart] = malloc(STACK);
	explorer.states[hart] = HART_RUNS;
	explorer.ipi[hart] = 0;
	getcontext(&explorer.contexts[hart]);
	explorer.contexts[hart].uc_stack.ss_sp = explorer.stacks[hart];
	explorer.contexts[hart].uc_stack.ss_size = STACK;
	explorer.contexts[hart].uc_link = NULL;
	makecontext(&explorer.contexts[hart], body, 0);
}

static void explore_start(unsigned int count, void (*body)(void))
{
	explorer.count = count;
	explorer.depth = explorer.preemptions = 0;
	for (unsigned int i = 0; i < count; i++)
		prepare_hart(i, body);
	explorer.running = 0;
	explorer.is_exploring = 1;
	on_switch(0);
	swapcontext(&explorer.main, &explorer.contexts[0]);
	explorer.is_exploring = 0;
	on_switch(0);
}

/* ----------------------------------------------------------------------------- atomic operations */

#undef atomic_load_explicit
#undef atomic_load
#undef atomic_store_explicit
#undef atomic_store
#undef atomic_exchange_explicit
#undef atomic_exchange
#undef atomic_compare_exchange_strong_explicit
#undef atomic_compare_exchange_strong
#undef atomic_compare_exchange_weak_explicit
#undef atomic_fetch_add_explicit
#undef atomic_fetch_add
#undef atomic_fetch_sub_explicit
#undef atomic_fetch_sub
#undef atomic_fetch_or
#undef atomic_fetch_and
#undef atomic_thread_fence

/* The coroutines share one thread: every order is the strongest. */
#define atomic_load_explicit(place, order) (explore_point(), *(place))
#define atomic_load(place) (explore_point(), *(place))
#define atomic_store_explicit(place, value, order) (explore_point(), (void)(*(place) = (value)))
#define atomic_store(place, value) atomic_store_explicit(place, value, 0)
#define atomic_exchange_explicit(place, value, order)                                              \
	({                                                                                         \
		explore_point();                                                                   \
		__auto_type place_ = (place);                                                      \
		__auto_type old_ = *place_;                                                        \
		*place_ = (value);                                                                 \
		old_;                                                                              \
	})
#define atomic_exchange(place, value) atomic_exchange_explicit(place, value, 0)
#define atomic_compare_exchange_strong_explicit(place, expected, value, success, failure)          \
	({                                                                                         \
		explore_point();                                                                   \
		__auto_type place_ = (place);                                                      \
		__auto_type expected_ = (expected);                                                \
		_Bool equal_ = *place_ == *expected_;                                              \
		if (equal_)                                                                        \
			*place_ = (value);                                                         \
		else                                                                               \
			*expected_ = *place_;                                                      \
		equal_;                                                                            \
	})
#define atomic_compare_exchange_strong(place, expected, value)                                     \
	atomic_compare_exchange_strong_explicit(place, expected, value, 0, 0)
#define atomic_compare_exchange_weak_explicit atomic_compare_exchange_strong_explicit
#define CHANGE(place, operator, value)                                                             \
	({                                                                                         \
		explore_point();                                                                   \
		__auto_type place_ = (place);                                                      \
		__auto_type old_ = *place_;                                                        \
		*place_ = old_ operator(value);                                                    \
		old_;                                                                              \
	})
#define atomic_fetch_add_explicit(place, value, order) CHANGE(place, +, value)
#define atomic_fetch_add(place, value) CHANGE(place, +, value)
#define atomic_fetch_sub_explicit(place, value, order) CHANGE(place, -, value)
#define atomic_fetch_sub(place, value) CHANGE(place, -, value)
#define atomic_fetch_or(place, value) CHANGE(place, |, value)
#define atomic_fetch_and(place, value) CHANGE(place, &, value)
#define atomic_thread_fence(order) ((void)0)

#endif
